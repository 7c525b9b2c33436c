/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <viommu/zpci.h>

#include "machine.h"

#include <errno.h>
#include <string.h>

#include "port_wrap.h"

#define SHADOW_BYTES	UINT64_C(0x100000)
#define REFRESH_ENTRIES UINT64_C(16384)

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

void machine_begin(struct machine *machine, struct input *input)
{
	unsigned int kind = input_byte(input);

	memset(machine, 0, sizeof(*machine));
	machine->world = world_begin(false);
	port_wrap.fail_at = 0;
	port_wrap.outstanding = 0;
	make_host(machine, kind & 7);
	machine->qemu = kind & 0x08;
	machine->config = (struct viommu_vm_config)VIOMMU_VM_CONFIG_INIT;
	machine->config.pin = kind & 0x10 ? VIOMMU_PIN_GUEST : VIOMMU_PIN_ON_REFRESH;
	machine->config.shadow_bytes = SHADOW_BYTES;
	machine->config.step_entries = 1;
	machine->config.refresh_entries = REFRESH_ENTRIES;
	if (kind & 0x20)
		machine->config.pin_budget = (1 + input_byte(input)) * PAGE;
	fuzz_must(!viommu_vm_create(&machine->config, &machine->vm));
	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		struct viommu_slot slot = world_slot(machine->world, i);

		/* With the one or the other place away, so that there are holes to begin with. */
		if (!(kind & 0x40 && i == 2))
			machine->world->place[i].shown = !viommu_slot_add(machine->vm, &slot);
	}
	world_update(machine->world);
	for (unsigned int i = 0; i < DEVICES; i++) {
		fuzz_must(!viommu_device_create(machine->vm, machine->host, NULL, &machine->device[i]));
		fuzz_must(!viommu_reader_create(machine->device[i], VIOMMU_NO_PASID, &machine->reader[i]));
		machine->at[i] = -1;
	}
}

static struct subject *take_subject(struct machine *machine, struct input *input)
{
	return &machine->subject[input_byte(input) % SUBJECTS];
}

static void refresh(struct machine *machine, struct subject *subject, uint64_t first, uint64_t last)
{
	struct viommu_refresh_result result = { .size = sizeof(result) };
	int error;

	if (!subject->domain)
		return;
	error = viommu_domain_refresh(subject->domain, first, last, &result);
	if (!model_clip(&subject->tables, &first, &last)) {
		fuzz_must(error == -ERANGE);
		return;
	}
	machine_check_refresh(machine, subject, first, last, error, &result);
}

static void make_domain(struct machine *machine, struct subject *subject, struct input *input)
{
	struct viommu_refresh_result result = { .size = sizeof(result) };
	struct viommu_zpci_ioat ioat = { .size = sizeof(ioat), .flags = machine->qemu ? VIOMMU_ZPCI_IOAT_QEMU : 0 };
	unsigned int range = input_byte(input);
	bool wrong;
	int error;

	ioat.iota = world_take_iota(input);
	switch (range & 3) {
	case 0:
		ioat.pba = UINT64_C(1) << 32;
		ioat.pal = ioat.pba + UINT64_C(0x7fffffff);
		break;
	case 1:
		ioat.pal = UINT64_MAX;
		break;
	case 2:
		ioat.pal = (UINT64_C(1) << (20 + (range >> 2) % 44)) - 1;
		break;
	default:
		ioat.pba = world_take_iova(input);
		ioat.pal = ioat.pba + world_take_iova(input);
		break;
	}
	error = viommu_domain_create(machine->vm, machine->host, VIOMMU_DOMAIN_ZPCI, &ioat, &result, &subject->domain);
	subject->tables = (struct naive_tables){ .iota = ioat.iota, .pba = ioat.pba & ~UINT64_C(0xfff), .pal = ioat.pal | 0xfff, .qemu = machine->qemu };
	/* What names a table, with bits that are known, over a range that is one, is accepted. */
	wrong = naive_top_level(ioat.iota, machine->qemu) < 0 || ioat.iota & 0x7e3 || subject->tables.pba > subject->tables.pal;
	fuzz_must(error == -EINVAL ? wrong : error || !wrong);
	if (error) {
		subject->domain = NULL;
		fuzz_must(error == -EINVAL || error == -ENOSPC || (machine->failing && (error == -EIO || error == -ENOMEM)));
		return;
	}
	subject->space = machine->mock ? mock_newest(machine->mock) : NULL;
	subject->lossy = false;
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
	machine_check_refresh(machine, subject, subject->tables.pba, subject->tables.pal, result.fault.reason ? -EFAULT : 0, &result);
}

static void drop_domain(struct machine *machine, struct subject *subject)
{
	viommu_domain_destroy(subject->domain);
	viommu_device_destroy(subject->device);
	model_list_free(&subject->pages);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (machine->at[i] == (int)(subject - machine->subject))
			machine->at[i] = -1;
	*subject = (struct subject){ .domain = NULL };
}

/* What an attempt to attach a device came to, and where it is by that. */
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

static void change_slot(struct machine *machine, struct input *input)
{
	struct world_place *place = &machine->world->place[input_byte(input) % WORLD_PLACES];
	struct viommu_slot slot = world_slot(machine->world, (unsigned int)(place - machine->world->place));
	int error;

	if (place->shown) {
		error = viommu_slot_remove(machine->vm, place->gpa);
		fuzz_must(!error || (machine->failing && (error == -EIO || error == -ENOMEM)));
		place->shown = error;
		place->leaving = error == -EIO || (error && place->leaving);
		for (unsigned int i = 0; error == -EIO && i < SUBJECTS; i++)
			machine->subject[i].lossy = machine->subject[i].domain;
	} else {
		error = viommu_slot_add(machine->vm, &slot);
		fuzz_must(!error || error == -EDQUOT || machine->failing || machine->few);
		/* -EBUSY: a host took it and would not give it back. */
		place->shown = !error || error == -EBUSY;
		place->leaving = error == -EBUSY;
	}
	world_update(machine->world);
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
		fuzz_must(error == -EDQUOT || machine->failing || machine->few || world_leaving(machine->world));
		return;
	}
	note_place(machine, d, -2, viommu_domain_attach(machine->direct, machine->device[d], VIOMMU_NO_PASID));
}

static void plan_failure(struct machine *machine, struct input *input)
{
	static const int errors[] = { ENOSPC, ENOMEM, EIO, EINVAL };
	unsigned int byte = input_byte(input);
	unsigned int at = input_byte(input);

	if (byte == 0xff)
		clear_failures(machine);
	else if (!machine->mock || byte & 0x80)
		port_wrap.fail_at = 1 + at;
	else
		mock_fail(machine->mock, (enum mock_call)(byte % MOCK_CALLS), 1 + at % 64, at & 0x80, errors[byte >> 4 & 3]);
}

static void take_refresh(struct machine *machine, struct input *input, unsigned int kind)
{
	struct subject *subject = take_subject(machine, input);
	uint64_t first = kind < 2 ? world_take_iova(input) : 0, last = UINT64_MAX;

	if (kind == 0)
		last = first + input_take(input, 1) * PAGE;
	else if (kind == 1)
		last = world_take_iova(input);
	refresh(machine, subject, first, last);
}

void machine_operate(struct machine *machine, struct input *input)
{
	struct subject *subject;
	uint64_t iova;

	machine->failing |= failures_wait(machine);
	switch (input_byte(input) % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
		world_write(machine->world, input);
		return;
	case 4:
	case 5:
		take_refresh(machine, input, 0);
		break;
	case 6:
		take_refresh(machine, input, 1);
		break;
	case 7:
	case 8:
		take_refresh(machine, input, 2);
		break;
	case 9:
		subject = take_subject(machine, input);
		if (subject->domain)
			drop_domain(machine, subject);
		else
			make_domain(machine, subject, input);
		break;
	case 10:
		move_device(machine, input);
		break;
	case 11:
		change_slot(machine, input);
		break;
	case 12:
		machine->config.pin_budget = input_byte(input) == 0 ? VIOMMU_NO_LIMIT : input_take(input, 1) * PAGE;
		viommu_vm_set_pin_budget(machine->vm, machine->config.pin_budget);
		break;
	case 13:
		plan_failure(machine, input);
		break;
	case 14:
		iova = world_take_iova(input);
		subject = take_subject(machine, input);
		if (subject->domain)
			machine_check_walk(machine, subject, iova);
		iova = world_take_iova(input);
		machine_check_translate(machine, input_byte(input) % DEVICES, iova, input_take(input, 2), 1 + (uint32_t)input_take(input, 1) % 3);
		break;
	default:
		change_direct(machine, input);
		break;
	}
	machine_check(machine);
}

static void mend(struct machine *machine)
{
	clear_failures(machine);
	machine->config.pin_budget = VIOMMU_NO_LIMIT;
	viommu_vm_set_pin_budget(machine->vm, VIOMMU_NO_LIMIT);
	for (unsigned int i = 0; i < WORLD_PLACES; i++) {
		struct world_place *place = &machine->world->place[i];

		if (!place->leaving)
			continue;
		/* With few entries even a restored mapping may have no place. */
		fuzz_must(!viommu_slot_remove(machine->vm, place->gpa));
		place->shown = place->leaving = false;
	}
	world_update(machine->world);
	for (unsigned int i = 0; i < SUBJECTS; i++)
		refresh(machine, &machine->subject[i], 0, UINT64_MAX);
	machine_check(machine);
	machine->failing = false;
	for (unsigned int i = 0; i < SUBJECTS; i++)
		refresh(machine, &machine->subject[i], 0, UINT64_MAX);
	machine_check(machine);
}

void machine_end(struct machine *machine)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	mend(machine);
	for (unsigned int i = 0; i < SUBJECTS; i++)
		drop_domain(machine, &machine->subject[i]);
	viommu_domain_destroy(machine->direct);
	viommu_vm_stats(machine->vm, &stats);
	fuzz_must(stats.shadow_bytes == 0);
	if (machine->config.pin == VIOMMU_PIN_ON_REFRESH)
		fuzz_must(stats.pinned_bytes == 0);
	viommu_vm_destroy(machine->vm);
	if (machine->mock) {
		fuzz_must(!machine->mock->spaces && !machine->mock->devices && !machine->mock->guests);
		mock_destroy(machine->mock);
	} else {
		viommu_host_destroy(machine->host);
	}
	fuzz_must(port_wrap.outstanding == 0 || !machine->mock);
	world_end(machine->world);
}
