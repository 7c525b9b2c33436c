/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fuzzes the SMMUv3 guest IOMMU: an input is a program of stores to registers, commands, writes to
 * stream tables, context descriptors and tables, devices that are plugged, access memory and are
 * unplugged, slots that come and go, resets, budgets, and hosts that fail. After each, the library
 * must agree with a model that shares no code with it (smmuv3_model.h), as described in
 * smmuv3_rig.h. An access must end as the model's does, which looks everything up. A page that is
 * reached without a miss may be one that a TLB still has; a page in the tables must be reached, by
 * a miss if need be; any other access causes the model's event, or none.
 */
#include <errno.h>
#include <string.h>

#include "smmuv3_guest.h"
#include "smmuv3_rig.h"

#define MOST_OPERATIONS 300u
#define MOST_WRITES	(WORLD_WRITES - 1024u)
#define ROUNDS		8u

/* Sums over many inputs. */
static struct {
	uint64_t operations, reached, refused, hardware;
} seen;

static void on_interrupt(void *ctx, enum viommu_smmuv3_irq irq)
{
	struct rig *rig = ctx;

	fuzz_must((unsigned int)irq < 3);
	rig->irqs |= 1u << irq;
	rig->irq_calls++;
}

static void store(struct rig *rig, const struct guest_store *store)
{
	fuzz_must(!viommu_smmuv3_write(rig->smmu, store->offset, store->bytes, store->value));
	model_write(rig->model, store->offset, (uint32_t)store->value);
	if (store->bytes == 8)
		model_write(rig->model, store->offset + 4, (uint32_t)(store->value >> 32));
	rig_check(rig);
}

static void store_as(struct rig *rig, uint32_t offset, unsigned int bytes, uint64_t value)
{
	store(rig, &(struct guest_store){ .offset = offset, .bytes = bytes, .value = value });
}

static void stop_failing(struct rig *rig)
{
	rig->failing = false;
	for (unsigned int call = 0; rig->mock && call < MOCK_CALLS; call++)
		mock_fail(rig->mock, (enum mock_call)call, 0, false, 0);
	if (rig->hard)
		memset(rig->hard->mock.fail, 0, sizeof(rig->hard->mock.fail));
}

/*
 * A failure that was requested, or a budget that is too small. But errno values of a host are not
 * passed to the caller that adds a device.
 */
static void check_refusal(struct rig *rig, const struct model_stream *model, int error)
{
	bool short_of = model->hardware && error == -EDQUOT && rig->tight && rig->pinned != RIG_PINNED;

	fuzz_must(error != -EEXIST && (rig->failing || short_of));
	fuzz_must(error != -EINVAL || (model->hardware && rig->hard->mock.fail[MOCK_CREATE].error == EINVAL));
	if (model->hardware && rig->pinned == RIG_NOT_PINNED)
		rig->pinned = RIG_MAYBE_PINNED;
	rig_check(rig);
}

static void plug(struct rig *rig, unsigned int n)
{
	struct rig_stream *stream = &rig->stream[n];
	struct model_stream *model = &rig->model->stream[n];
	struct viommu_smmuv3_device_config config = { .size = sizeof(config), .sid = model->sid, .host = model->hardware ? &rig->hard->mock.host : rig->host };
	int error;

	/* Both ways select the host's kind of nesting. */
	config.nesting = n & 1 ? VIOMMU_NESTING_AUTO : model->hardware ? VIOMMU_NESTING_HARDWARE : VIOMMU_NESTING_SHADOW;
	if (model->plugged) {
		viommu_reader_destroy(stream->reader);
		viommu_smmuv3_device_remove(stream->device);
		model->plugged = false;
		rig_check(rig);
		return;
	}
	error = viommu_smmuv3_device_add(rig->smmu, &config, &stream->device);
	if (error) {
		check_refusal(rig, model, error);
		return;
	}
	stream->reader = NULL;
	if (model->hardware) {
		rig->pinned = RIG_PINNED;
		fuzz_must(viommu_nest_fd(rig->vm, &rig->hard->mock.host) == rig->hard->event_fd);
		fuzz_must(viommu_smmuv3_device_fault(stream->device, &(struct viommu_fault){ .reason = VIOMMU_FAULT_BLOCKED }) == -EOPNOTSUPP);
	} else {
		fuzz_must(!viommu_reader_create(viommu_smmuv3_device_device(stream->device), VIOMMU_NO_PASID, &stream->reader));
	}
	fuzz_must(viommu_smmuv3_find(rig->smmu, model->sid) == stream->device);
	fuzz_must(viommu_smmuv3_device_add(rig->smmu, &config, &(struct viommu_smmuv3_device *){ NULL }) != 0);
	stream->wases = 0;
	stream->excused = false;
	model_plug(rig->model, n);
	rig_check(rig);
}

/* The model's TLB has an entry for the access: the page itself, with the rights. */
static bool is_kept(struct rig *rig, unsigned int n, uint64_t iova, bool writes, const void *hva)
{
	const struct model_stream *stream = &rig->model->stream[n];
	const struct model_context *context;

	if (!rig->stream[n].attached)
		return false;
	if (stream->kind == MODEL_BYPASS)
		return hva == world_at(rig->world, iova);
	context = model_context_of(rig->model, stream);
	for (unsigned int i = 0; i < context->pages; i++)
		if (context->kept[i].iova == (iova & ~(PAGE - 1)))
			return (!writes || context->kept[i].writable) && hva == world_at(rig->world, context->kept[i].gpa + (iova & (PAGE - 1)));
	return false;
}

void rig_expect_record(struct rig *rig, uint64_t at, const uint64_t record[4])
{
	uint64_t found[4];

	fuzz_must(model_load(rig->model, at, found, 4));
	for (unsigned int i = 0; i < 4; i++) {
		if (found[i] != record[i])
			fuzz_wrong("word %u of an event is %#" PRIx64 ", should be %#" PRIx64, i, found[i], record[i]);
		world_store(rig->world, at + 8 * i, found[i]);
	}
}

/* The model's event must be in the library's queue. */
static void expect_event(struct rig *rig, const struct model_access *expected)
{
	uint64_t at;

	if (expected->event && model_record(rig->model, &at))
		rig_expect_record(rig, at, expected->record);
}

/* Whether an access that the tables allow may end in an error for lack of room. */
static bool is_short(struct rig *rig, unsigned int n)
{
	const struct model_stream *stream = &rig->model->stream[n];

	return rig->failing || rig->tight || (stream->kind == MODEL_STAGE1 && rig_is_large(rig, model_context_of(rig->model, stream)));
}

/* Reports one fault to the library. True: the access is over. */
static bool fault(struct rig *rig, unsigned int n, const struct viommu_fault *fault, uint64_t iova, uint32_t access)
{
	static const int errors[] = { 0, VIOMMU_SMMUV3_RAZ_WI, -EFAULT };
	const struct model_stream *stream = &rig->model->stream[n];
	struct model_access expected = model_access(rig->model, stream, iova, access & VIOMMU_READ, access & VIOMMU_WRITE);
	bool excused = rig->stream[n].excused;
	int ret = viommu_smmuv3_device_fault(rig->stream[n].device, fault);

	if (excused) {
		/*
		 * The device is attached by this, and the access is repeated; or there still is no
		 * room.
		 */
		fuzz_must(ret == 0 || ret == -EFAULT);
		if (ret)
			fuzz_must(stream->late || is_short(rig, n));
	} else if (expected.end == MODEL_REACHES) {
		if (ret && !(ret == -EFAULT && is_short(rig, n)))
			fuzz_wrong("IOVA %#" PRIx64 ": there is a translation, but the fault is answered with %d", iova, ret);
	} else {
		if (ret != errors[expected.end])
			fuzz_wrong("IOVA %#" PRIx64 ": the fault is answered with %d, should be %d", iova, ret, errors[expected.end]);
		expect_event(rig, &expected);
	}
	rig_check(rig);
	return ret != 0;
}

static void access_memory(struct rig *rig, unsigned int n, uint64_t iova, uint32_t access)
{
	struct viommu_fault told = { 0 };
	struct viommu_piece piece;
	uint64_t translated;

	if (!rig->model->stream[n].plugged)
		return;
	if (rig->model->stream[n].hardware) {
		rig_access_hardware(rig, n, iova, access);
		seen.hardware++;
		return;
	}
	for (unsigned int round = 0; round < ROUNDS && !rig->full; round++) {
		int pieces = viommu_translate(rig->stream[n].reader, iova, 1, access, &piece, 1, &translated, &told);

		if (pieces == 1) {
			seen.reached++;
			fuzz_must(is_kept(rig, n, iova, access & VIOMMU_WRITE, piece.hva));
			return;
		}
		fuzz_must(pieces == -EFAULT);
		seen.refused++;
		if (fault(rig, n, &told, iova, access))
			return;
	}
	fuzz_must(rig->full || rig->failing);
}

/* A few adjacent IOVAs, mapped or not. */
static void take_accesses(struct rig *rig, struct input *input)
{
	unsigned int byte = input_byte(input), n = byte & 3;
	uint32_t access = 1 + (byte >> 2 & 3) % 3;
	uint64_t iova = guest_take_iova(input);

	for (unsigned int i = 0; i <= byte >> 5 && !rig->full; i++)
		access_memory(rig, n, iova + i * PAGE, access);
	if (rig->hard && byte & 0x10)
		rig_take_events(rig);
}

/*
 * A guest that finds the command queue stopped: the command is replaced by one without an effect,
 * and the error is acknowledged. Some or all events are read.
 */
static void recover(struct rig *rig, struct input *input)
{
	unsigned int byte = input_byte(input), bits = (unsigned int)(rig->model->cmdq_base & 31) > 12 ? 12 : (unsigned int)(rig->model->cmdq_base & 31);
	uint64_t at = (rig->model->cmdq_base & UINT64_C(0xfffffffffffe0)) >> (bits + 4) << (bits + 4);

	if (byte & 1) {
		world_store(rig->world, at + (uint64_t)(rig->model->cmdq_cons % (1u << bits)) * 16, 0x46);
		store_as(rig, 0x64, 4, rig->model->gerror ^ (byte & 0x80 ? input_byte(input) : 0));
	}
	if (byte & 2)
		store_as(rig, 0x100ac, 4, rig->model->eventq_prod ^ (byte >> 2 & 7) ^ (byte & 0x40 ? 1u << 31 : 0));
}

static void take_failure(struct rig *rig, struct input *input)
{
	static const int errors[4] = { ENOSPC, EIO, ENOMEM, EINVAL };
	static const enum mock_call calls[8] = { MOCK_CREATE, MOCK_INVALIDATE, MOCK_CONTEXT, MOCK_SET_ID, MOCK_ATTACH, MOCK_DETACH, MOCK_EVENT, MOCK_ATTACH };
	unsigned int byte = input_byte(input), at = input_byte(input);

	rig->failing |= rig->mock || rig->hard;
	if (rig->hard && (at & 0x40 || !rig->mock)) {
		mock_fail(&rig->hard->mock, calls[byte & 7], 1 + at % 8, at & 0x80, errors[byte >> 4 & 3]);
		return;
	}
	if (!rig->mock)
		return;
	mock_fail(rig->mock, (enum mock_call)(byte % MOCK_GUEST_CREATE), 1 + at % 64, at & 0x80, errors[byte >> 4 & 3]);
}

static void change_machine(struct rig *rig, struct input *input)
{
	unsigned int byte = input_byte(input);

	switch (byte & 7) {
	case 0:
	case 1:
	case 2:
		plug(rig, byte >> 3 & 3);
		break;
	case 3:
	case 4:
		stop_failing(rig);
		world_toggle(rig->world, rig->vm, (byte >> 3) % rig->world->places, rig->tight);
		rig_check(rig);
		break;
	case 5:
		rig->tight = true;
		viommu_vm_set_pin_budget(rig->vm, (byte >> 3) * PAGE);
		break;
	case 6:
		viommu_vm_set_pin_budget(rig->vm, VIOMMU_NO_LIMIT);
		if (rig->hard && byte & 8)
			rig_record_anything(rig, input);
		if (rig->hard && byte & 16)
			rig_take_events(rig);
		break;
	default:
		viommu_smmuv3_reset(rig->smmu);
		model_reset(rig->model);
		rig_check(rig);
		break;
	}
}

static void operate(struct rig *rig, struct input *input)
{
	bool fails = rig->failing;
	struct guest_store taken;

	switch (input_byte(input) & 15) {
	case 0:
	case 1:
	case 2:
		guest_write_table(rig->world, input);
		return;
	case 3:
		guest_write_stream(rig->world, rig->model, input);
		return;
	case 4:
		guest_write_context(rig->world, input);
		return;
	case 5:
	case 6:
	case 7:
		store_as(rig, 0x98, 4, guest_write_commands(rig->world, rig->model, input));
		break;
	case 8:
		guest_write_commands(rig->world, rig->model, input);
		return;
	case 9:
		taken = guest_take_store(rig->model, input);
		store(rig, &taken);
		break;
	case 10:
		recover(rig, input);
		break;
	case 11:
	case 12:
	case 13:
		take_accesses(rig, input);
		break;
	case 14:
		take_failure(rig, input);
		return;
	default:
		change_machine(rig, input);
		break;
	}
	if (fails)
		stop_failing(rig);
}

static void set_up(struct rig *rig, unsigned int kind)
{
	guest_begin_honestly(rig->world, kind & 1);
	store_as(rig, 0x80, 8, HONEST_STRTAB);
	store_as(rig, 0x88, 4, kind & 1 ? 9 | 6 << 6 | 1 << 16 : 9);
	store_as(rig, 0x90, 8, HONEST_CMDQ);
	store_as(rig, 0xa0, 8, HONEST_EVENTQ);
	store_as(rig, 0x2c, 4, 2);
	store_as(rig, 0x50, 4, 5);
	store_as(rig, 0x20, 4, 0xd);
}

/*
 * Some streams, or all, are on a host whose hardware walks tables. It has addresses of 44 bits: an
 * SMMU with larger ones cannot be made for it.
 */
static void begin_hardware(struct rig *rig, struct viommu_smmuv3_config *smmu, unsigned int kind, unsigned int sizes)
{
	uint32_t idr[6];

	memcpy(idr, mock_smmu_idr, sizeof(idr));
	rig->model->stalls = sizes & 16;
	rig->model->short_asids = sizes & 32;
	rig->model->older = sizes & 64;
	if (rig->model->stalls)
		idr[0] &= ~UINT32_C(0x3000000);
	if (rig->model->short_asids)
		idr[0] &= ~UINT32_C(0x1000);
	if (rig->model->older)
		idr[3] &= ~UINT32_C(0x1800);
	rig->hard = mock_smmu_create(idr);
	rig->model->hardware = true;
	rig->model->hardware_oas = 4;
	rig->model->invalidated = rig_invalidated;
	rig->model->ctx = rig;
	for (unsigned int i = 0; i < STREAMS; i++)
		rig->model->stream[i].hardware = kind & 128 || i == 1 || i == 2;
	smmu->hardware = &rig->hard->mock.host;
	if (rig->model->oas > 4) {
		fuzz_must(viommu_smmuv3_create(rig->vm, smmu, &rig->smmu) == -EOPNOTSUPP);
		smmu->output_bits = 0;
		rig->model->oas = 4;
	}
}

static void begin(struct rig *rig, struct input *input)
{
	static const uint32_t sids[STREAMS] = { 0, 1, 70, 300 }, sid_bits[4] = { 16, 9, 10, 32 }, output_bits[4] = { 44, 48, 40, 52 }, oas[4] = { 4, 5, 2, 6 };
	static struct model_smmu model;
	unsigned int kind = input_byte(input), sizes = input_byte(input);
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_smmuv3_config smmu = { .size = sizeof(smmu), .interrupt = on_interrupt, .ctx = rig };

	memset(rig, 0, sizeof(*rig));
	memset(&model, 0, offsetof(struct model_smmu, context));
	for (unsigned int i = 0; i < CONTEXTS; i++)
		model.context[i].used = false;
	rig->world = world_begin(true, false, false);
	rig->model = &model;
	model.memory = &rig->world->memory;
	config.shadow_bytes = SHADOW_BYTES;
	config.refresh_entries = REFRESH_ENTRIES;
	config.step_entries = 1;
	if (kind & 2) {
		rig->mock = mock_create(&(struct mock_options){ .split = kind & 4, .lookup = true, .entry_limit = kind & 8 ? 16 : 0 });
		rig->host = &rig->mock->host;
		rig->tight = kind & 8;
	} else {
		fuzz_must(!viommu_host_soft_create(&rig->host));
	}
	fuzz_must(!viommu_vm_create(&config, &rig->vm));
	smmu.flags = kind & 16 ? 0 : VIOMMU_SMMUV3_RESET_ABORT;
	smmu.sid_bits = model.sid_bits = sid_bits[sizes & 3];
	smmu.output_bits = output_bits[sizes >> 2 & 3];
	model.oas = oas[sizes >> 2 & 3];
	model.reset_abort = !(kind & 16);
	for (unsigned int i = 0; i < STREAMS; i++)
		model.stream[i].sid = sids[i];
	if (kind & 64)
		begin_hardware(rig, &smmu, kind, sizes);
	fuzz_must(!viommu_smmuv3_create(rig->vm, &smmu, &rig->smmu));
	model_reset(&model);
	world_show(rig->world, rig->vm, WORLD_PLACES);
	for (unsigned int n = 0; n < STREAMS - 1; n++)
		plug(rig, n);
	if (!(kind & 32))
		set_up(rig, kind);
}

static void end(struct rig *rig)
{
	struct viommu_vm_stats stats = { .size = sizeof(stats) };

	stop_failing(rig);
	viommu_smmuv3_destroy(rig->smmu);
	viommu_vm_stats(rig->vm, &stats);
	fuzz_must((!stats.pinned_bytes || rig->pinned) && !stats.shadow_bytes && !stats.domains && !stats.devices);
	if (rig->hard)
		fuzz_must(!mock_smmu_spaces(rig->hard));
	viommu_vm_destroy(rig->vm);
	if (rig->hard) {
		fuzz_must(!rig->hard->mock.devices && !rig->hard->guest && !rig->hard->mock.breaches);
		viommu_host_destroy(&rig->hard->mock.host);
	}
	if (rig->mock) {
		fuzz_must(!rig->mock->spaces && !rig->mock->devices && !rig->mock->guests && !rig->mock->breaches);
		mock_destroy(rig->mock);
	} else {
		viommu_host_destroy(rig->host);
	}
	world_end(rig->world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct rig rig;

	begin(&rig, &input);
	for (unsigned int i = 0; input.left && i < MOST_OPERATIONS && rig.world->writes < MOST_WRITES && !rig.full; i++, seen.operations++)
		operate(&rig, &input);
	end(&rig);
	return 0;
}

void input_summary(void)
{
	printf("%" PRIu64 " operations, %" PRIu64 " accesses reached something, %" PRIu64 " did not, %" PRIu64 " by hardware\n", seen.operations, seen.reached,
	       seen.refused, seen.hardware);
}
