/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _DEFAULT_SOURCE
#include "mock_smmu.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "naive_arm64.h"

#define OAS 4u /* 44 bits */

/* IDR0: both stages, AArch64 only, coherent, 16 bits of ASID, little-endian, no stalls, TERM_MODEL 1, two levels. IDR3: HAD, RIL. IDR5: 44 bits, 4K, 16K, 64K. */
const uint32_t mock_smmu_idr[6] = { 0x0d40101b, 0x01190010, 0, 0xd04, 0, 0x74 };

static struct mock_smmu *smmu_of(struct viommu_host *host)
{
	return (struct mock_smmu *)(void *)host;
}

static struct smmu_space *space_of(struct host_space *space)
{
	return (struct smmu_space *)(void *)space;
}

static struct smmu_device *device_of(struct host_device *device)
{
	return (struct smmu_device *)(void *)device;
}

/* What every call begins with: 0, or what it is to fail with. */
static int enter(struct mock_smmu *smmu, enum smmu_call call)
{
	smmu->calls[call]++;
	if (!smmu->fail[call].at || --smmu->fail[call].at)
		return 0;
	smmu->fail[call].at = smmu->fail[call].for_good;
	return -smmu->fail[call].error;
}

static int guest_create(struct viommu_host *host, bool pinned, struct host_guest **out)
{
	struct mock_smmu *smmu = smmu_of(host);
	int error = enter(smmu, SMMU_GUEST_CREATE);

	(void)pinned;
	if (error)
		return error;
	smmu->breaches += smmu->guest.there;
	smmu->guest.there = true;
	smmu->guest.guest.host = host;
	*out = &smmu->guest.guest;
	return 0;
}

static void guest_destroy(struct host_guest *guest)
{
	struct mock_smmu *smmu = smmu_of(guest->host);

	smmu->breaches += mock_smmu_spaces(smmu) || mock_smmu_attached(smmu);
	smmu->guest.there = false;
	smmu->guest.slots = 0;
	smmu->translations = 0;
	smmu->events = 0;
}

static int guest_add(struct host_guest *guest, const struct host_slot *slot)
{
	struct mock_smmu *smmu = smmu_of(guest->host);
	int error = enter(smmu, SMMU_GUEST_ADD);

	if (error)
		return error;
	if (smmu->guest.slots == SMMU_SLOTS)
		abort();
	smmu->guest.slot[smmu->guest.slots++] = *slot;
	return 0;
}

static int guest_remove(struct host_guest *guest, const struct host_slot *slot)
{
	struct mock_smmu *smmu = smmu_of(guest->host);
	int error = enter(smmu, SMMU_GUEST_REMOVE);

	for (unsigned int i = 0; !error && i < smmu->guest.slots; i++)
		if (smmu->guest.slot[i].first == slot->first)
			smmu->guest.slot[i] = smmu->guest.slot[--smmu->guest.slots];
	return error;
}

static int space_create(struct viommu_host *host, struct host_guest *guest, uint64_t first, uint64_t last, const struct host_memory *memory,
			struct host_space **out)
{
	(void)host, (void)guest, (void)first, (void)last, (void)memory, (void)out;
	return -EOPNOTSUPP;
}

static int nest_create(struct viommu_host *host, struct host_guest *guest, const struct host_nest_data *data, const struct host_memory *memory,
		       struct host_space **out)
{
	struct mock_smmu *smmu = smmu_of(host);
	struct smmu_space *space = smmu->space;
	int error = enter(smmu, SMMU_CREATE);
	uint64_t ste[2], config;

	(void)memory;
	smmu->breaches += data->type != VIOMMU_DOMAIN_SMMUV3 || data->bytes != sizeof(ste);
	memcpy(ste, data->data, sizeof(ste));
	ste[0] = le64toh(ste[0]);
	ste[1] = le64toh(ste[1]);
	config = ste[0] >> 1 & 7;
	smmu->breaches += guest != &smmu->guest.guest;
	if (error)
		return error;
	/* A guest's entry has more than a host takes: the caller leaves it out. */
	if (!(ste[0] & 1) || (config != 0 && config != 4 && config != 5) || ste[0] & ~UINT64_C(0xf8fffffffffffff) || ste[1] & ~UINT64_C(0x080000ff)) {
		smmu->breaches++;
		return -EINVAL;
	}
	while (space->used)
		space++;
	*space = (struct smmu_space){ .space.host = host, .used = true, .ste = { ste[0], ste[1] } };
	*out = &space->space;
	return 0;
}

static void space_destroy(struct host_space *any)
{
	struct mock_smmu *smmu = smmu_of(any->host);

	/* Those that would not be let go of reach nothing from here on. */
	for (unsigned int i = 0; i < SMMU_DEVICES; i++)
		if (smmu->device[i].space == space_of(any))
			smmu->device[i].space = NULL;
	space_of(any)->used = false;
}

/* Whether a TLBI has a translation forgotten: IHI 0070, 4.4.1, with nG = 1 everywhere. */
static bool names(const uint64_t command[2], const struct smmu_translation *kept)
{
	unsigned int opcode = command[0] & 0xff, bits = kept->granule == 4 ? 12 : kept->granule == 16 ? 14 : 16, tg = command[1] >> 10 & 3;
	uint64_t size = UINT64_C(1) << (bits + (3 - kept->level) * (bits - 3)), leaf = kept->iova & ~(size - 1);
	uint64_t first = command[1] & ~UINT64_C(0xfff), bytes = 4096, last;

	if (opcode == 0x10 || opcode == 0x30)
		return true;
	if (opcode != 0x13 && command[0] >> 48 != kept->asid)
		return false;
	if (opcode == 0x11)
		return true;
	if (tg)
		bytes = ((command[0] >> 12 & 0x1f) + 1) << (command[0] >> 20 & 0x1f) << (10 + 2 * tg);
	last = first + (bytes - 1) < first ? UINT64_MAX : first + (bytes - 1);
	return leaf <= last && leaf + (size - 1) >= first;
}

static void forget(struct mock_smmu *smmu, const uint64_t command[2])
{
	for (unsigned int i = 0; i < smmu->translations;) {
		if (names(command, &smmu->tlb[i]))
			smmu->tlb[i] = smmu->tlb[--smmu->translations];
		else
			i++;
	}
}

static int execute(struct mock_smmu *smmu, const uint64_t command[2])
{
	unsigned int opcode = command[0] & 0xff;
	bool context = opcode == 0x05 || opcode == 0x06;
	struct smmu_device *device = context ? mock_smmu_find(smmu, (uint32_t)(command[0] >> 32)) : NULL;
	int error = enter(smmu, context ? SMMU_CONTEXT : SMMU_INVALIDATE);

	/* A kernel refuses others, and devices that it does not know. */
	smmu->breaches += context ? !device : (opcode < 0x10 || opcode > 0x13) && opcode != 0x30;
	if (error)
		return error;
	memcpy(smmu->command, command, sizeof(smmu->command));
	if (device)
		device->has_cd = false;
	else
		forget(smmu, command);
	return 0;
}

static int nest_invalidate(struct host_guest *guest, const void *entries, uint32_t number, uint32_t *done)
{
	struct mock_smmu *smmu = smmu_of(guest->host);
	int error = 0;

	smmu->breaches += !number;
	for (*done = 0; *done < number; ++*done) {
		uint64_t command[2];

		memcpy(command, (const unsigned char *)entries + *done * sizeof(command), sizeof(command));
		command[0] = le64toh(command[0]);
		command[1] = le64toh(command[1]);
		error = execute(smmu, command);
		if (error)
			break;
	}
	return error;
}

static int device_create(struct viommu_host *host, struct host_guest *guest, const void *data, struct host_device **out)
{
	struct smmu_device *device = smmu_of(host)->device;

	(void)guest, (void)data;
	while (device->used)
		device++;
	*device = (struct smmu_device){ .device.host = host, .used = true };
	*out = &device->device;
	return 0;
}

static void device_destroy(struct host_device *any)
{
	smmu_of(any->host)->breaches += device_of(any)->space != NULL;
	device_of(any)->used = false;
}

static int device_set_id(struct host_device *any, uint32_t id)
{
	struct mock_smmu *smmu = smmu_of(any->host);
	struct smmu_device *other = mock_smmu_find(smmu, id);
	int error = enter(smmu, SMMU_SET_ID);

	smmu->breaches += device_of(any)->space || (other && other != device_of(any));
	if (error)
		return error;
	device_of(any)->has_id = true;
	device_of(any)->id = id;
	return 0;
}

static int attach(struct host_space *space, struct host_device *any, uint32_t pasid)
{
	struct mock_smmu *smmu = smmu_of(space->host);
	int error = enter(smmu, SMMU_ATTACH);

	(void)pasid;
	smmu->breaches += device_of(any)->space || !device_of(any)->has_id;
	if (error)
		return error;
	/* An entry that is written is one whose descriptor is read. */
	device_of(any)->has_cd = false;
	device_of(any)->space = space_of(space);
	smmu->event_fd = 1234;
	return 0;
}

static int detach(struct host_space *space, struct host_device *any, uint32_t pasid)
{
	struct mock_smmu *smmu = smmu_of(space->host);
	int error = enter(smmu, SMMU_DETACH);

	(void)pasid;
	smmu->breaches += device_of(any)->space != space_of(space);
	if (!error)
		device_of(any)->space = NULL;
	return error;
}

static int replace(struct host_space *from, struct host_space *to, struct host_device *any, uint32_t pasid)
{
	struct mock_smmu *smmu = smmu_of(to->host);
	int error = enter(smmu, SMMU_REPLACE);

	(void)pasid;
	smmu->breaches += device_of(any)->space != space_of(from) || from == to;
	if (error)
		return error;
	device_of(any)->has_cd = false;
	device_of(any)->space = space_of(to);
	return 0;
}

static int nest_fd(struct host_guest *guest)
{
	const struct mock_smmu *smmu = smmu_of(guest->host);

	return smmu->event_fd < 0 ? -ENODEV : smmu->event_fd;
}

static int nest_event(struct host_guest *guest, struct host_nest_event *event)
{
	struct mock_smmu *smmu = smmu_of(guest->host);
	const struct smmu_event *first = smmu->event;
	int error = enter(smmu, SMMU_EVENT);
	uint64_t record[4];

	if (error)
		return error;
	if (!smmu->events)
		return -ENOENT;
	for (unsigned int i = 0; i < 4; i++)
		record[i] = htole64(first->record[i]);
	event->lost = first->lost;
	event->bytes = first->record[0] ? sizeof(record) : 0;
	memcpy(event->record, record, event->bytes);
	memmove(smmu->event, smmu->event + 1, --smmu->events * sizeof(*first));
	return 0;
}

static void destroy(struct viommu_host *host)
{
	free(smmu_of(host));
}

static const struct host_ops smmu_ops = {
	.guest_create = guest_create,
	.guest_destroy = guest_destroy,
	.guest_add = guest_add,
	.guest_remove = guest_remove,
	.space_create = space_create,
	.space_destroy = space_destroy,
	.device_create = device_create,
	.device_destroy = device_destroy,
	.attach = attach,
	.detach = detach,
	.replace = replace,
	.nest_create = nest_create,
	.nest_invalidate = nest_invalidate,
	.device_set_id = device_set_id,
	.nest_fd = nest_fd,
	.nest_event = nest_event,
	.destroy = destroy,
};

struct mock_smmu *mock_smmu_create(const uint32_t idr[6])
{
	struct mock_smmu *smmu = calloc(1, sizeof(*smmu));

	if (!smmu)
		abort();
	smmu->host.ops = &smmu_ops;
	smmu->host.caps = (struct viommu_host_caps){
		.size = sizeof(smmu->host.caps),
		.name = "mock-smmu",
		.page_sizes = 4096,
		.last = UINT64_MAX,
		.entry_limit = VIOMMU_NO_LIMIT,
		.nests = VIOMMU_NESTS(VIOMMU_DOMAIN_SMMUV3),
	};
	smmu->info.size = sizeof(smmu->info);
	memcpy(smmu->info.idr, idr, sizeof(smmu->info.idr));
	smmu->host.nest = (struct host_nest){ .type = VIOMMU_DOMAIN_SMMUV3,
					      .entry_bytes = 16,
					      .event_bytes = 32,
					      .info_bytes = sizeof(smmu->info),
					      .info_least = VIOMMU_SMMUV3_HW_INFO_SIZE_V0,
					      .info = &smmu->info };
	smmu->event_fd = -1;
	return smmu;
}

unsigned int mock_smmu_attached(const struct mock_smmu *smmu)
{
	unsigned int number = 0;

	for (unsigned int i = 0; i < SMMU_DEVICES; i++)
		number += smmu->device[i].space != NULL;
	return number;
}

unsigned int mock_smmu_spaces(const struct mock_smmu *smmu)
{
	unsigned int number = 0;

	for (unsigned int i = 0; i < SMMU_SPACES; i++)
		number += smmu->space[i].used;
	return number;
}

struct smmu_device *mock_smmu_find(struct mock_smmu *smmu, uint32_t id)
{
	for (unsigned int i = 0; i < SMMU_DEVICES; i++)
		if (smmu->device[i].used && smmu->device[i].has_id && smmu->device[i].id == id)
			return &smmu->device[i];
	return NULL;
}

/* Stage 2. */
static unsigned char *reach(const struct mock_smmu *smmu, uint64_t gpa, uint32_t access)
{
	for (unsigned int i = 0; i < smmu->guest.slots; i++) {
		const struct host_slot *slot = &smmu->guest.slot[i];

		if (gpa >= slot->first && gpa <= slot->last)
			return access & ~slot->prot ? NULL : slot->hva + (gpa - slot->first);
	}
	return NULL;
}

static unsigned char *fault(struct mock_smmu *smmu, const struct smmu_device *device, unsigned int code, uint64_t iova, uint32_t access, unsigned int *event)
{
	struct smmu_event record = { .record = { code | (uint64_t)device->id << 32, access & VIOMMU_WRITE ? 0 : UINT64_C(1) << 35, iova }, .lost = smmu->lost };

	*event = code;
	smmu->lost = smmu->events == SMMU_EVENTS;
	if (!smmu->lost)
		smmu->event[smmu->events++] = record;
	return NULL;
}

static bool read_cd(const struct mock_smmu *smmu, struct smmu_device *device)
{
	uint64_t gpa = device->space->ste[0] & UINT64_C(0xfffffffffffc0);

	for (unsigned int i = 0; !device->has_cd && i < 8; i++) {
		const unsigned char *bytes = reach(smmu, gpa + 8 * i, VIOMMU_READ);

		if (!bytes)
			return false;
		device->cd[i] = 0;
		for (unsigned int n = 0; n < 8; n++)
			device->cd[i] |= (uint64_t)bytes[n] << (8 * n);
	}
	device->has_cd = true;
	return true;
}

/*
 * Sections 5.4 and 5.4.1: V, AA64 and A; none of HD, HA and S, whose features are absent; ENDI, whose
 * feature is absent too, only where there are no tables; ASIDs of 16 bits only where there are such.
 */
static bool is_legal(const struct mock_smmu *smmu, const struct naive_memory *memory, const uint64_t cd[8])
{
	const uint64_t needed = UINT64_C(1) << 31 | UINT64_C(1) << 41 | UINT64_C(1) << 46, absent = UINT64_C(0x7) << 42;
	const uint64_t big_endian = UINT64_C(1) << 15, no_tables = UINT64_C(1) << 14 | UINT64_C(1) << 30;

	if ((cd[0] & needed) != needed || cd[0] & absent || (!(smmu->info.idr[0] & 0x1000) && cd[0] >> 56))
		return false;
	if (cd[0] & big_endian && (cd[0] & no_tables) != no_tables)
		return false;
	for (unsigned int upper = 0; upper < 2; upper++) {
		struct arm64_tables tables = naive_arm64_context(cd, OAS, upper);
		unsigned int tsz = upper ? tables.t1sz : tables.t0sz;

		if (upper ? tables.epd1 : tables.epd0)
			continue;
		if (!tables.granule || tsz < 16 || tsz > 39 || naive_arm64_walk(memory, &tables, upper ? UINT64_MAX : 0).outcome == ARM64_BAD_CONTEXT)
			return false;
	}
	return true;
}

/* Of an IOVA without a tag. */
static unsigned int walk(const struct naive_memory *memory, const struct smmu_device *device, uint64_t iova, struct smmu_translation *translation)
{
	/* VA<55> selects the tables. */
	struct arm64_tables tables = naive_arm64_context(device->cd, OAS, iova >> 55 & 1);
	struct arm64_answer answer = naive_arm64_walk(memory, &tables, iova);

	if (answer.outcome == ARM64_IS_PAGE)
		*translation = (struct smmu_translation){ .asid = (unsigned int)(device->cd[0] >> 48),
							  .iova = iova & ~UINT64_C(0xfff),
							  .gpa = answer.address & ~UINT64_C(0xfff),
							  .readable = answer.readable,
							  .writable = answer.writable,
							  .granule = tables.granule,
							  .level = answer.arm_level };
	return naive_arm64_event(answer.outcome);
}

unsigned char *mock_smmu_access(struct mock_smmu *smmu, struct smmu_device *device, uint64_t iova, uint32_t access, unsigned int *event)
{
	struct naive_slot slots[SMMU_SLOTS];
	const struct naive_memory memory = { .slots = slots, .count = smmu->guest.slots };
	struct smmu_translation made, *translation = NULL;
	unsigned int code;
	uint64_t untagged;

	for (unsigned int i = 0; i < smmu->guest.slots; i++) {
		const struct host_slot *slot = &smmu->guest.slot[i];

		slots[i] = (struct naive_slot){
			.gpa = slot->first, .bytes = slot->last - slot->first + 1, .memory = slot->hva, .writable = slot->prot & VIOMMU_WRITE
		};
	}
	*event = 0;
	if (!device->space || (device->space->ste[0] >> 1 & 7) == 0)
		return NULL;
	if ((device->space->ste[0] >> 1 & 7) == 4)
		return reach(smmu, iova, access);
	if (!read_cd(smmu, device))
		return fault(smmu, device, 0x09, iova, access, event);
	if (!is_legal(smmu, &memory, device->cd))
		return fault(smmu, device, 0x0a, iova, access, event);
	untagged = naive_arm64_untagged(device->cd, iova);
	for (unsigned int i = 0; !translation && i < smmu->translations; i++)
		if (smmu->tlb[i].asid == device->cd[0] >> 48 && smmu->tlb[i].iova == (untagged & ~UINT64_C(0xfff)))
			translation = &smmu->tlb[i];
	if (!translation) {
		code = walk(&memory, device, untagged, &made);
		if (code)
			return fault(smmu, device, code, iova, access, event);
		if (smmu->translations == SMMU_TLB)
			smmu->translations = 0;
		translation = &smmu->tlb[smmu->translations++];
		*translation = made;
	}
	if ((access & VIOMMU_READ && !translation->readable) || (access & VIOMMU_WRITE && !translation->writable))
		return fault(smmu, device, 0x13, iova, access, event);
	return reach(smmu, translation->gpa + (iova & 0xfff), access);
}
