/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Operations of a machine, taken from an input. */
#include "machine.h"

#include <errno.h>
#include <string.h>

#include "port_wrap.h"

#define SHADOW_BYTES	UINT64_C(0x100000)
#define MOST_OPERATIONS 1000u

struct machine_seen machine_seen;

static void clear_failures(struct machine *machine)
{
	port_wrap.fail_at = 0;
	for (unsigned int call = 0; machine->mock && call < MOCK_CALLS; call++)
		mock_fail(machine->mock, (enum mock_call)call, 0, false, 0);
}

static bool failures_wait(const struct machine *machine)
{
	bool wait = port_wrap.fail_at;

	for (unsigned int call = 0; machine->mock && call < MOCK_CALLS; call++)
		wait |= machine->mock->fail[call].at;
	return wait;
}

static void make_host(struct machine *machine, unsigned int kind)
{
	struct mock_options options = { .lookup = true, .split = kind & 1, .entry_limit = kind & 2 ? 8 : 0 };

	if (kind & 4) {
		fuzz_must(!viommu_host_soft_create(&machine->host));
		return;
	}
	machine->mock = mock_create(&options);
	machine->host = &machine->mock->host;
	machine->few = options.entry_limit;
}

static void make_tracker(struct machine *machine, struct input *input, unsigned int kind)
{
	fake_tracker_init(&machine->tracker);
	machine->world->tracker = &machine->tracker;
	if (kind & 1)
		machine->tracker.too_much = 2 + (unsigned int)input_below(input, 20);
	if ((kind & 14) == 2)
		machine->tracker.fail_watch = 1 + input_below(input, 300);
	if ((kind & 14) == 4)
		machine->tracker.fail_collect = 1 + input_below(input, 300);
	fuzz_must(!viommu_vm_set_tracker(machine->vm, &machine->tracker.tracker));
}

static void make_domain(struct machine *machine, struct subject *subject, struct input *input, bool honest)
{
	bool valid = machine->format->take(machine, input, honest, &subject->tables);

	if (!judge_create(machine, subject, valid))
		return;
	machine_seen.domains++;
	if (viommu_device_create(machine->vm, machine->host, NULL, &subject->device)) {
		fuzz_must(machine->failing);
		subject->device = NULL;
	} else if (viommu_domain_attach(subject->domain, subject->device, VIOMMU_NO_PASID) ||
		   viommu_reader_create(subject->device, VIOMMU_NO_PASID, &subject->reader)) {
		fuzz_must(machine->failing);
		viommu_device_destroy(subject->device);
		subject->device = NULL;
		subject->reader = NULL;
	}
}

void machine_drop(struct machine *machine, struct subject *subject)
{
	struct viommu_domain_stats stats = { .size = sizeof(stats) };

	if (subject->domain)
		viommu_domain_stats(subject->domain, &stats);
	machine_seen.tracked += stats.tracked;
	viommu_domain_destroy(subject->domain);
	viommu_device_destroy(subject->device);
	model_list_free(&subject->model);
	model_list_free(&subject->before);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (machine->at[i] == (int)(subject - machine->subject))
			machine->at[i] = -1;
	*subject = (struct subject){ .domain = NULL };
}

/*
 * The first byte selects host, pinning and budget. If its highest bit is set, two more bytes select
 * differences from the plain machine.
 */
static void begin(struct machine *machine, struct input *input)
{
	unsigned int kind = input_byte(input), more = kind & 0x80 ? (unsigned int)input_take(input, 2) : 0;

	machine->world = world_begin(machine->format->little, kind & 0x80, more & 1);
	port_wrap.fail_at = 0;
	port_wrap.outstanding = 0;
	make_host(machine, kind & 7);
	machine->qemu = kind & 0x08;
	machine->calm = more & 0x82;
	machine->repairs = more & 4;
	machine->short_of = !(kind & 0x80) || kind & 0x20;
	machine->ample = kind & 0x80 && more & 0x18;
	machine->config = (struct viommu_vm_config)VIOMMU_VM_CONFIG_INIT;
	machine->config.pin = kind & 0x10 ? VIOMMU_PIN_GUEST : VIOMMU_PIN_ON_REFRESH;
	machine->config.step_entries = more & 0x20 ? 0 : 1;
	if (!machine->ample) {
		machine->config.shadow_bytes = kind & 0x80 ? UINT64_C(0x10000) << (more >> 8 & 7) : SHADOW_BYTES;
		machine->config.refresh_entries =
			kind & 0x80 ? VIOMMU_LEAST_STEP_ENTRIES + input_below(input, 4 * machine->format->refresh_entries) : machine->format->refresh_entries;
	}
	if (kind & 0x20)
		machine->config.pin_budget = (1 + input_byte(input)) * PAGE;
	if (machine->few && kind & 0x80)
		machine->mock->host.caps.entry_limit = input_below(input, 1000);
	fuzz_must(!viommu_vm_create(&machine->config, &machine->vm));
	if (more & 0x40)
		make_tracker(machine, input, more >> 11);
	world_show(machine->world, machine->vm, kind & 0x40 ? 2 : WORLD_PLACES);
	for (unsigned int i = 0; i < DEVICES; i++) {
		fuzz_must(!viommu_device_create(machine->vm, machine->host, NULL, &machine->device[i]));
		fuzz_must(!viommu_reader_create(machine->device[i], VIOMMU_NO_PASID, &machine->reader[i]));
		machine->at[i] = -1;
	}
	for (unsigned int i = 0; kind & 0x80 && i < SUBJECTS; i++)
		make_domain(machine, &machine->subject[i], input, true);
}

static struct subject *take_subject(struct machine *machine, struct input *input)
{
	return &machine->subject[input_byte(input) % SUBJECTS];
}

/* With a bit of the operation's byte: an IOVA that a domain translates now, if there is one. */
static uint64_t take_iova(struct machine *machine, const struct subject *subject, struct input *input, bool near)
{
	if (near && subject->model.count)
		return subject->model.pages[input_take(input, 2) % subject->model.count].iova;
	return machine->format->take_iova(machine, &subject->tables, input);
}

/* Records the result of an attempt to attach a device. */
static void note_place(struct machine *machine, unsigned int d, int to, int error)
{
	if (!error) {
		machine->at[d] = to;
		return;
	}
	fuzz_must(machine->failing && machine->at[d] != to);
	if (error == -EBUSY) {
		fuzz_must(machine->at[d] != -1);
		return;
	}
	fuzz_must(error == -EIO || error == -ENOSPC);
	machine->at[d] = -1;
}

static void move_device(struct machine *machine, struct input *input)
{
	unsigned int byte = input_byte(input);
	unsigned int d = byte % DEVICES;
	struct subject *subject = &machine->subject[(byte >> 1) % SUBJECTS];
	int error;

	if (byte & 0x80) {
		error = viommu_device_detach(machine->device[d], VIOMMU_NO_PASID);
		fuzz_must(!error || (error == -EIO && machine->failing));
		if (!error)
			machine->at[d] = -1;
		return;
	}
	if (!subject->domain)
		return;
	error = viommu_domain_attach(subject->domain, machine->device[d], VIOMMU_NO_PASID);
	note_place(machine, d, (int)(subject - machine->subject), error);
}

/* All memory is pinned: the soft host's tables for it are within the VM's limits. */
static bool may_be_refused(const struct machine *machine, int error)
{
	return error == -EDQUOT || machine->failing || machine->few || (!machine->ample && (error == -ENOSPC || error == -ENOMEM));
}

static void add_slot(struct machine *machine, struct world_place *place)
{
	struct viommu_slot slot = world_slot(machine->world, (unsigned int)(place - machine->world->place));
	bool guest = machine->config.pin == VIOMMU_PIN_GUEST, whole = guest || machine->direct;
	bool over = whole && (guest ? machine_guest_bytes(machine) : machine_stats(machine).pinned_bytes) + slot.bytes > machine->config.pin_budget;
	int error = viommu_slot_add(machine->vm, &slot);

	if (machine_is_exact(machine) && !machine->direct)
		fuzz_must(error == (over ? -EDQUOT : 0));
	fuzz_must(!error || may_be_refused(machine, error));
	/* -EBUSY: a host has it and failed to remove it. */
	place->shown = !error || error == -EBUSY;
	place->leaving = error == -EBUSY;
	world_update(machine->world);
	if (!error && machine_is_exact(machine))
		fuzz_must(viommu_slot_add(machine->vm, &slot) == -EEXIST);
	machine_seen.slots++;
}

static void remove_slot(struct machine *machine, struct world_place *place)
{
	int error = viommu_slot_remove(machine->vm, place->slot_gpa);

	fuzz_must(!error || (machine->failing && (error == -EIO || error == -ENOMEM)));
	place->shown = error;
	place->leaving = error == -EIO || (error && place->leaving);
	for (unsigned int i = 0; i < SUBJECTS; i++) {
		if (!error)
			model_drop(&machine->subject[i].model, place->slot_gpa, place->slot_bytes);
		machine->subject[i].lossy |= error == -EIO && machine->subject[i].domain;
	}
	world_update(machine->world);
	if (!error && machine_is_exact(machine))
		fuzz_must(viommu_slot_remove(machine->vm, place->slot_gpa) == -ENOENT);
}

static void change_slot(struct machine *machine, struct input *input)
{
	struct world_place *place = &machine->world->place[input_byte(input) % machine->world->places];
	uint64_t pages = place->bytes / PAGE, skip;
	unsigned int part;

	if (place->shown) {
		remove_slot(machine, place);
		return;
	}
	/* In a large world it may be added again with other rights, and in part. */
	part = machine->world->places == WORLD_PLACES ? input_byte(input) : 1;
	skip = part & 3 ? 0 : input_below(input, pages);
	place->slot_gpa = place->gpa + skip * PAGE;
	place->slot_bytes = part & 3 ? place->bytes : (1 + input_below(input, pages - skip)) * PAGE;
	if (machine->world->places == WORLD_PLACES)
		place->prot = (part & 0x70) == 0x70 ? VIOMMU_READ : VIOMMU_RW;
	add_slot(machine, place);
}

static void change_direct(struct machine *machine, struct input *input)
{
	uint64_t offset = input_take(input, 1) << 40;
	unsigned int d = input_byte(input) % DEVICES;
	int error;

	if (machine->direct) {
		viommu_domain_destroy(machine->direct);
		machine->direct = NULL;
		for (unsigned int i = 0; i < DEVICES; i++)
			if (machine->at[i] == -2)
				machine->at[i] = -1;
		return;
	}
	error = viommu_domain_create_direct(machine->vm, machine->host, offset, 0, UINT64_MAX, &machine->direct);
	if (error) {
		machine->direct = NULL;
		fuzz_must(may_be_refused(machine, error) || world_leaving(machine->world));
		return;
	}
	note_place(machine, d, -2, viommu_domain_attach(machine->direct, machine->device[d], VIOMMU_NO_PASID));
}

static void set_budget(struct machine *machine, uint64_t bytes)
{
	machine->config.pin_budget = bytes;
	viommu_vm_set_pin_budget(machine->vm, bytes);
}

/*
 * No budget; any budget; slightly more than is pinned, or exactly that, or not whole pages; exactly
 * the need of a refresh of everything, which follows.
 */
static void change_budget(struct machine *machine, struct input *input, unsigned int way)
{
	struct subject *subject;
	uint64_t bytes;

	if (way < 4) {
		set_budget(machine, input_byte(input) == 0 ? VIOMMU_NO_LIMIT : input_take(input, 1) * PAGE);
	} else if (way < 10) {
		bytes = way < 6 ? 0 : way < 8 ? input_byte(input) % 32 * PAGE : input_take(input, 2);
		set_budget(machine, machine_stats(machine).pinned_bytes + bytes);
	} else {
		subject = take_subject(machine, input);
		if (!subject->domain || !judge_need(machine, subject, &bytes))
			return;
		set_budget(machine, bytes);
		judge_refresh(machine, subject, 0, UINT64_MAX, false);
	}
}

/* Ends all failures, and makes everything match the tables. */
static void restore(struct machine *machine)
{
	clear_failures(machine);
	set_budget(machine, VIOMMU_NO_LIMIT);
	for (unsigned int i = 0; i < machine->world->places; i++) {
		struct world_place *place = &machine->world->place[i];

		/* With few entries even a restored mapping may not fit. */
		if (place->leaving)
			remove_slot(machine, place);
		fuzz_must(!place->leaving);
	}
	for (unsigned int i = 0; i < SUBJECTS; i++)
		judge_refresh(machine, &machine->subject[i], 0, UINT64_MAX, false);
	machine_check(machine);
	machine->failing = false;
	for (unsigned int i = 0; i < SUBJECTS; i++)
		judge_refresh(machine, &machine->subject[i], 0, UINT64_MAX, false);
	machine_check(machine);
}

static void plan_failure(struct machine *machine, struct input *input)
{
	static const int errors[] = { ENOSPC, ENOMEM, EIO, EINVAL };
	unsigned int byte = input_byte(input);
	unsigned int at = input_byte(input);

	if (byte == 0xff)
		clear_failures(machine);
	else if (byte >= 0xf0)
		restore(machine);
	else if (!machine->mock || byte & 0x80)
		port_wrap.fail_at = 1 + at;
	else
		mock_fail(machine->mock, (enum mock_call)(byte % MOCK_CALLS), 1 + at % 64, at & 0x80, errors[byte >> 4 & 3]);
}

/*
 * One refresh on a host that does not remove, or removes and reports a failure, or does not flush.
 * Then the host works again, and everything must match the tables. A page that the guest has
 * unmapped and mapped again must be established anew.
 */
static void fail_refresh(struct machine *machine, struct input *input)
{
	struct subject *subject = take_subject(machine, input);
	unsigned int kind = input_byte(input);
	uint64_t first = take_iova(machine, subject, input, kind & 4), last = first + (kind & 8 ? input_take(input, 1) * PAGE : 0), toggle = 0;
	struct naive_answer answer;

	if (!machine->mock || !subject->domain || machine->failing)
		return;
	answer = machine->format->walk(&machine->world->memory, &subject->tables, first);
	if (kind & 4 && answer.outcome == NAIVE_PAGE && answer.level == 0)
		toggle = answer.entry_gpa;
	judge_failing_refresh(machine, subject, first, last, kind % 3, toggle);
	machine_check(machine);
	machine->failing = false;
	judge_refresh(machine, subject, 0, UINT64_MAX, false);
}

static void take_refresh(struct machine *machine, struct input *input, unsigned int kind, unsigned int way)
{
	struct subject *subject = take_subject(machine, input);
	uint64_t first = kind < 2 ? take_iova(machine, subject, input, way & 8) : 0, last = UINT64_MAX;

	if (kind == 0)
		last = first + input_take(input, 1) * PAGE;
	else if (kind == 1)
		last = take_iova(machine, subject, input, way & 4);
	if (kind == 1 && way & 2 && last < first)
		last = UINT64_MAX;
	judge_refresh(machine, subject, first, last, way & 1);
}

static void write_tables(struct machine *machine, struct input *input, unsigned int way)
{
	const struct subject *subject;

	if (way < 8) {
		machine->format->write(machine->world, input);
		return;
	}
	subject = take_subject(machine, input);
	for (unsigned int i = 0; subject->domain && i <= way % 4; i++)
		machine->format->map(machine, &subject->tables, input);
}

static void look(struct machine *machine, struct input *input, unsigned int way)
{
	const struct subject *subject = take_subject(machine, input);
	uint64_t iova = take_iova(machine, subject, input, way & 8);
	unsigned int device;

	if (subject->domain)
		machine_check_walk(machine, subject, iova);
	device = input_byte(input) % DEVICES;
	iova = take_iova(machine, machine->at[device] >= 0 ? &machine->subject[machine->at[device]] : subject, input, way & 8);
	machine_check_translate(machine, device, iova, input_take(input, 2), 1 + (uint32_t)input_take(input, 1) % 3, way ? 1 + way % 4 : 20);
}

/* The lower half of the byte selects the operation; 0 in the upper half is the plain variant. */
static void operate(struct machine *machine, struct input *input)
{
	unsigned int byte = input_byte(input), way = byte >> 4;
	struct subject *subject;
	uint64_t first, last;

	machine->failing |= failures_wait(machine);
	switch (byte % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
		write_tables(machine, input, way);
		return;
	case 4:
	case 5:
		take_refresh(machine, input, 0, way);
		break;
	case 6:
		take_refresh(machine, input, 1, way);
		break;
	case 7:
	case 8:
		take_refresh(machine, input, 2, way);
		break;
	case 9:
		subject = take_subject(machine, input);
		if (!subject->domain) {
			make_domain(machine, subject, input, way);
		} else if (way < 2) {
			machine_drop(machine, subject);
		} else {
			first = take_iova(machine, subject, input, way & 8) & ~(PAGE - 1);
			last = take_iova(machine, subject, input, way & 4) | (PAGE - 1);
			machine_check_range(machine, subject, first, last);
		}
		break;
	case 10:
		move_device(machine, input);
		break;
	case 11:
		if (way < 4)
			change_slot(machine, input);
		else
			take_refresh(machine, input, 0, way | 8);
		break;
	case 12:
		if (machine->short_of)
			change_budget(machine, input, way);
		break;
	case 13:
		if (way >= 12)
			fail_refresh(machine, input);
		else if (!machine->calm)
			plan_failure(machine, input);
		break;
	case 14:
		look(machine, input, way);
		break;
	default:
		if (!machine->calm && way < 2)
			change_direct(machine, input);
		else
			write_tables(machine, input, 8 | way);
		break;
	}
	machine_check(machine);
}

static void end(struct machine *machine, bool one_by_one)
{
	struct viommu_vm_stats stats;

	restore(machine);
	/* Everything is destroyed with the VM, or object by object. */
	for (unsigned int i = 0; one_by_one && i < SUBJECTS; i++) {
		machine_drop(machine, &machine->subject[i]);
		machine_check(machine);
	}
	if (one_by_one) {
		viommu_domain_destroy(machine->direct);
		stats = machine_stats(machine);
		fuzz_must(stats.shadow_bytes == 0 && (machine->config.pin == VIOMMU_PIN_GUEST || stats.pinned_bytes == 0));
		for (unsigned int i = 0; i < machine->world->places; i++)
			if (machine->world->place[i].shown)
				remove_slot(machine, &machine->world->place[i]);
		fuzz_must(machine_stats(machine).pinned_bytes == 0);
		for (unsigned int i = 0; i < DEVICES; i++)
			viommu_device_destroy(machine->device[i]);
	}
	viommu_vm_destroy(machine->vm);
	if (machine->world->tracker)
		fake_tracker_end(&machine->tracker);
	if (machine->mock) {
		fuzz_must(!machine->mock->spaces && !machine->mock->devices && !machine->mock->guests);
		mock_destroy(machine->mock);
	} else {
		viommu_host_destroy(machine->host);
	}
	for (unsigned int i = 0; i < SUBJECTS; i++) {
		model_list_free(&machine->subject[i].model);
		model_list_free(&machine->subject[i].before);
	}
	fuzz_must(port_wrap.outstanding == 0 || !machine->mock);
	world_end(machine->world);
}

void machine_run(const struct machine_format *format, struct input *input)
{
	struct machine machine = { .format = format };
	bool one_by_one = input->left < 1 || (input->data[input->left - 1] & 3);

	begin(&machine, input);
	for (; input->left && machine.operation < MOST_OPERATIONS; machine.operation++)
		operate(&machine, input);
	machine_seen.operations += machine.operation;
	end(&machine, one_by_one);
}

void machine_summary(void)
{
	const struct machine_seen *seen = &machine_seen;

	printf("%" PRIu64 " operations, %" PRIu64 " domains, %" PRIu64 " slots, %" PRIu64 " refreshes (%" PRIu64 " ok, %" PRIu64 " faults, %" PRIu64
	       " insufficient, %" PRIu64 " failed; %" PRIu64 " judged exactly, %" PRIu64 " exact fits, %" PRIu64 " too large), %" PRIu64 " pages, %" PRIu64
	       " unbacked, %" PRIu64 " translated, %" PRIu64 " refused, %" PRIu64 " walks, %" PRIu64 " tracked\n",
	       seen->operations, seen->domains, seen->slots, seen->refreshes, seen->ok, seen->faults, seen->insufficient, seen->failed, seen->exact,
	       seen->exact_fits, seen->too_large, seen->pages, seen->unbacked, seen->translated, seen->refused, seen->walks, seen->tracked);
	fuzz_must(seen->exact > seen->operations / 100 && seen->translated > seen->operations);
}
