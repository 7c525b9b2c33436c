/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The objects of AMD's guest IOMMU. What is not AMD's is in guest/common/iommu.h; this folder
 * supplies guest_iommu_ops (amdvi.c).
 */
#ifndef VIOMMU_GUEST_AMDVI_AMDVI_H
#define VIOMMU_GUEST_AMDVI_AMDVI_H

#include <viommu/amdvi.h>
#include <viommu/amdvi_spec.h>
#include <viommu/hosts.h>

#include "format/amdvi.h"
#include "guest/common/devices.h"
#include "port/sized.h"

/* Rows of the table of registers (registers.c). */
enum amdvi_register {
	REG_DEV_TAB_BASE,
	REG_CMD_BASE,
	REG_EVENT_BASE,
	REG_CONTROL,
	REG_CONTROL_XT, /* bits of the control register */
	REG_EXCLUSION_BASE,
	REG_EXCLUSION_LIMIT,
	REG_EXT_FEATURES,
	REG_XT_INTERRUPT,
	REG_CMD_HEAD,
	REG_CMD_TAIL,
	REG_EVENT_HEAD,
	REG_EVENT_TAIL,
	REG_STATUS,
	REGISTERS
};

struct viommu_amdvi {
	struct guest_iommu iommu;
	struct viommu_amdvi_config config;
	uint64_t reg[REGISTERS];
	uint64_t store; /* where a COMPLETION_WAIT failed to store; change */
};

/* A device table entry, judged; guest_config has what the device is attached to. */
struct amdvi_entry {
	enum viommu_amdvi_entry kind;
	bool reserved_bits; /* ILLEGAL: RZ, else it is the mode */
	bool suppress_all;  /* SA */
	bool suppress_more; /* SE */
	uint16_t domain_id;
	uint32_t prot; /* DIRECT, TABLES */
	uint64_t gpa;  /* where the entry is */
};

struct viommu_amdvi_device {
	struct guest_device guest;
	struct amdvi_entry entry; /* change and lock */
	bool reported;		  /* a page fault, since the entry was read; lock */
};

/* guest_config.key: the designation of format/amdv1.h, and the excluded range. */
enum { KEY_ROOT, KEY_EXCLUDED, KEY_EXCLUDED_BYTES };

/* Errors of commands. */
enum { ERROR_NONE, ERROR_ILLEGAL, ERROR_UNREADABLE, ERROR_STORE };

static inline struct viommu_amdvi *amdvi_of(const struct guest_iommu *iommu)
{
	return list_member((struct guest_iommu *)(uintptr_t)iommu, struct viommu_amdvi, iommu);
}

static inline struct viommu_amdvi_device *amdvi_device_of(struct guest_device *device)
{
	return list_member(device, struct viommu_amdvi_device, guest);
}

/*
 * entry.c. Where a device's entry is, by the register DEV_TAB_BASE; false: beyond the table.
 * guest_iommu_ops.configure.
 */
bool amdvi_find_entry(uint64_t base, uint32_t device_id, uint64_t *gpa);
void amdvi_configure(struct guest_device *device);

/*
 * registers.c. guest_iommu_ops: registers, the command buffer, the event log. With lock held: sets
 * status bits, and makes the interrupt pending if it is enabled for one that was 0.
 */
extern const struct guest_register amdvi_registers[REGISTERS];
unsigned int amdvi_conditions(const struct guest_iommu *iommu);
unsigned int amdvi_stored(struct guest_iommu *iommu, const struct guest_store *store);
bool amdvi_commands(struct guest_iommu *iommu, struct guest_ring *ring);
void amdvi_stop(struct guest_iommu *iommu, unsigned int error);
bool amdvi_events(struct guest_iommu *iommu, struct guest_ring *ring);
void amdvi_recorded(struct guest_iommu *iommu);
void amdvi_overflow(struct guest_iommu *iommu);
void amdvi_abort(struct guest_iommu *iommu);
void amdvi_set_status(struct viommu_amdvi *amdvi, uint64_t bits);

/* command.c. guest_iommu_ops.execute. */
unsigned int amdvi_execute(struct guest_iommu *iommu, const uint64_t *command);

/*
 * fault.c. Without locks: records an event about a DeviceID; -EFAULT, for an access to end with.
 * guest_iommu_ops: blocked, unmapped, beyond.
 */
int amdvi_record(struct viommu_amdvi *amdvi, uint32_t device_id, unsigned int code, uint64_t fields, uint64_t address);
int amdvi_blocked(struct guest_device *device, const struct viommu_fault *access);
int amdvi_unmapped(struct guest_device *device, const struct guest_config *config, const struct viommu_fault *access, const struct viommu_fault *walked);
int amdvi_beyond(struct guest_device *device, const struct viommu_fault *access);

/* interrupt.c. guest_iommu_ops.wired. */
void amdvi_wired(struct guest_iommu *iommu, unsigned int irq);

#endif
