/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All of the library: nested_rig.h, nested_guest.h. */
#include "nested_guest.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <viommu/viommu.h>

#define CMDQ	    (STRUCTURES + UINT64_C(0x10000))
#define CMDQ_BITS   8u
#define EVENTQ	    (STRUCTURES + UINT64_C(0x20000))
#define EVENTQ_BITS 7u
#define LEVEL_1	    (STRUCTURES + UINT64_C(0x30000))
/* of 256 entries each, for every 256 StreamIDs */
#define LEVEL_2	 (STRUCTURES + UINT64_C(0x80000))
#define SID_BITS 13u
#define SPLIT	 8u

#define R_CR0		  0x20u
#define R_STRTAB_BASE	  0x80u
#define R_STRTAB_BASE_CFG 0x88u
#define R_CMDQ_BASE	  0x90u
#define R_CMDQ_PROD	  0x98u
#define R_CMDQ_CONS	  0x9cu
#define R_EVENTQ_BASE	  0xa0u
#define R_EVENTQ_PROD	  0x100a8u
#define R_EVENTQ_CONS	  0x100acu

uint32_t guest_nesting[UNITS];

static void write_register(struct nested *rig, uint64_t offset, unsigned int bytes, uint64_t value)
{
	assert_int_equal(viommu_smmuv3_write(rig->smmu, offset, bytes, value), 0);
}

static uint32_t read_register(struct nested *rig, uint64_t offset)
{
	uint64_t value;

	assert_int_equal(viommu_smmuv3_read(rig->smmu, offset, 4, &value), 0);
	return (uint32_t)value;
}

/* L1STD.Span counts from 1: 2^(Span - 1) entries. */
static uint64_t entry_gpa(struct nested *rig, uint32_t stream)
{
	uint64_t table = LEVEL_2 + (stream >> SPLIT) * UINT64_C(0x4000);

	assert_true(table < STRUCTURES + STRUCTURES_BYTES);
	guest_store(rig, LEVEL_1 + 8 * (stream >> SPLIT), table | (SPLIT + 1));
	return table + 64 * (uint64_t)(stream & ((1u << SPLIT) - 1));
}

void guest_entry(struct nested *rig, uint32_t stream, uint64_t ste0, uint64_t ste1)
{
	uint64_t at = entry_gpa(rig, stream);

	guest_store(rig, at + 8, ste1);
	guest_store(rig, at, ste0);
}

void guest_entry_context(struct nested *rig, uint32_t stream, const struct context *context)
{
	uint64_t ste[2];

	context_ste(context, ste);
	guest_entry(rig, stream, ste[0], ste[1]);
}

void guest_queue(struct nested *rig, uint64_t command0, uint64_t command1)
{
	uint64_t at = CMDQ + 16 * (rig->cmdq_prod & ((1u << CMDQ_BITS) - 1));

	guest_store(rig, at, command0);
	guest_store(rig, at + 8, command1);
	rig->cmdq_prod = (rig->cmdq_prod + 1) & ((2u << CMDQ_BITS) - 1);
}

void guest_sync(struct nested *rig)
{
	guest_queue(rig, 0x46, 0);
	write_register(rig, R_CMDQ_PROD, 4, rig->cmdq_prod);
	assert_int_equal(read_register(rig, R_CMDQ_CONS), rig->cmdq_prod);
}

static void say(void *ctx, enum viommu_log_level level, const char *what, uint64_t a, uint64_t b)
{
	(void)ctx;
	if (level != VIOMMU_LOG_INFO)
		fprintf(stderr, "library: %s (%#llx, %#llx)\n", what, (unsigned long long)a, (unsigned long long)b);
}

static void begin(struct nested *rig)
{
	struct viommu_vm_config config = VIOMMU_VM_CONFIG_INIT;
	struct viommu_smmuv3_config smmu = {
		.size = sizeof(smmu), .flags = VIOMMU_SMMUV3_RESET_ABORT, .sid_bits = SID_BITS, .output_bits = 44, .hardware = rig->host
	};

	config.log = say;
	assert_int_equal(viommu_vm_create(&config, &rig->vm), 0);
	nested_show(rig, SLOT_MAIN);
	assert_int_equal(viommu_smmuv3_create(rig->vm, &smmu, &rig->smmu), 0);
	write_register(rig, R_STRTAB_BASE, 8, LEVEL_1);
	write_register(rig, R_STRTAB_BASE_CFG, 4, 1u << 16 | SPLIT << 6 | SID_BITS);
	write_register(rig, R_CMDQ_BASE, 8, CMDQ | CMDQ_BITS);
	write_register(rig, R_EVENTQ_BASE, 8, EVENTQ | EVENTQ_BITS);
	write_register(rig, R_CR0, 4, 0xd);
}

static void end(struct nested *rig)
{
	viommu_smmuv3_destroy(rig->smmu);
	viommu_vm_destroy(rig->vm);
}

static int show(struct nested *rig, const struct host_slot *slot)
{
	const struct viommu_slot config = {
		.size = sizeof(config), .prot = slot->prot, .gpa = slot->first, .bytes = slot->last - slot->first + 1, .hva = slot->hva, .fd = -1
	};

	return viommu_slot_add(rig->vm, &config);
}

static int hide(struct nested *rig, const struct host_slot *slot)
{
	return viommu_slot_remove(rig->vm, slot->first);
}

/*
 * The guest writes the entry before the device is added, so that the device has its context at
 * once; or it writes and invalidates it afterwards.
 */
static int plug(struct nested *rig, unsigned int unit, const struct viommu_vfio_device *named)
{
	struct unit *at = &rig->unit[unit];
	const struct viommu_smmuv3_device_config config = { .size = sizeof(config),
							    .sid = at->stream,
							    .host = rig->host,
							    .device = named,
							    .flags = guest_nesting[unit] == VIOMMU_NESTING_SHADOW
									     ? VIOMMU_SMMUV3_DEVICE_GUEST_INVALIDATES_ON_MAP
									     : 0,
							    .nesting = guest_nesting[unit] };
	struct viommu_smmuv3_device_info info = { .size = sizeof(info) };

	if (unit & 1)
		guest_entry_context(rig, at->stream, &rig->context);
	assert_int_equal(viommu_smmuv3_device_add(rig->smmu, &config, &at->behind), 0);
	viommu_smmuv3_device_info(at->behind, &info);
	assert_int_equal(info.hardware, guest_nesting[unit] != VIOMMU_NESTING_SHADOW);
	if (!(unit & 1)) {
		guest_entry_context(rig, at->stream, &rig->context);
		guest_queue(rig, CFGI_STE(at->stream), 1);
		guest_sync(rig);
	}
	return viommu_device_vfio_fd(viommu_smmuv3_device_device(at->behind));
}

static void unplug(struct nested *rig, unsigned int unit)
{
	viommu_smmuv3_device_remove(rig->unit[unit].behind);
}

/* Reads the guest's own queue. The library fills it while the monitor's file is readable. */
static int event(struct nested *rig, uint64_t record[4], bool wait)
{
	struct pollfd readable = { .fd = viommu_nest_fd(rig->vm, rig->host), .events = POLLIN };
	uint32_t index = (1u << EVENTQ_BITS) - 1, prod;

	/* Acknowledges the overflow of a queue. */
	prod = read_register(rig, R_EVENTQ_PROD);
	if (prod == ((prod & 0x80000000u) | rig->eventq_cons)) {
		if (wait && poll(&readable, 1, 1000) != 1)
			return -ENOENT;
		assert_int_equal(viommu_nest_events(rig->vm, rig->host), 0);
		prod = read_register(rig, R_EVENTQ_PROD);
	}
	if ((prod & 0x7fffffffu) == rig->eventq_cons)
		return -ENOENT;
	for (unsigned int i = 0; i < 4; i++)
		record[i] = *gpa_word(rig, EVENTQ + 32 * (rig->eventq_cons & index) + 8 * i);
	rig->eventq_cons = (rig->eventq_cons + 1) & (2 * index + 1);
	write_register(rig, R_EVENTQ_CONS, 4, (prod & 0x80000000u) | rig->eventq_cons);
	return 0;
}

const struct nested_side nested_guest_side = { .begin = begin, .end = end, .show = show, .hide = hide, .plug = plug, .unplug = unplug, .event = event };
