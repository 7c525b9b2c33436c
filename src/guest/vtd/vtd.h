/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The objects of the VT-d guest IOMMU. Everything in src/guest/vtd includes this, and nothing
 * outside does. Locks, queues, devices and domains are those of guest/common/iommu.h, which has
 * what is not VT-d's; this folder supplies guest_iommu_ops (ops.c).
 */
#ifndef VIOMMU_GUEST_VTD_VTD_H
#define VIOMMU_GUEST_VTD_VTD_H

#include <viommu/hosts.h>
#include <viommu/vtd.h>

#include "guest/common/devices.h"
#include "port/sized.h"
#include "spec.h"

/* Words of a fault recording register that are rows of their own. */
#define FRCD_ROWS 3u

/* Rows of the table of registers (registers.c). */
enum vtd_register {
	REG_VER,
	REG_CAP,
	REG_ECAP,
	REG_GCMD,
	REG_GSTS,
	REG_RTADDR,
	REG_CCMD,
	REG_FSTS,
	REG_FECTL,
	REG_FEDATA,
	REG_FEADDR,
	REG_FEUADDR,
	REG_IQH,
	REG_IQT,
	REG_IQA,
	REG_IQA_DW, /* a bit of IQA */
	REG_ICS,
	REG_IECTL,
	REG_IEDATA,
	REG_IEADDR,
	REG_IEUADDR,
	REG_IQERCD,
	REG_IRTA,
	REG_IVA,
	REG_IOTLB,
	REG_FRCD,
	REG_FRCD_END = REG_FRCD + VIOMMU_VTD_FRCDS * FRCD_ROWS - 1,
	/*
	 * Beyond the page, where a guest does not reach them: RTADDR and IRTA as they were at the
	 * last SRTP and SIRTP, and the number of the fault recording register that is next.
	 */
	REG_ROOT,
	REG_IRT,
	REG_NEXT,
	REGISTERS
};

/* Interrupts of the unit itself. */
enum { IRQ_FAULT, IRQ_INVALIDATION };

struct viommu_vtd {
	struct guest_iommu iommu;
	struct viommu_vtd_config config; /* defaults filled in */
	uint64_t last_output;		 /* of the guest's physical addresses; constant */
	port_word interrupts;		 /* of struct viommu_vtd_info */
	uint64_t reg[REGISTERS];
};

/* The guest's configuration of a device, judged; guest_config has what it is attached to. */
struct vtd_context {
	enum viommu_vtd_context kind;
	uint32_t reason; /* FAULTY */
	bool silent;	 /* FPD: faults are not recorded */
	bool scalable;
	uint16_t domain_id;
};

struct viommu_vtd_device {
	struct guest_device guest;
	struct vtd_context context; /* change and lock */
};

/* guest_config.key of a device: members of struct viommu_vtd_tables. */
enum { KEY_ROOT, KEY_LEVELS, KEY_FLAGS };

static inline struct viommu_vtd *vtd_of(const struct guest_iommu *iommu)
{
	return list_member((struct guest_iommu *)(uintptr_t)iommu, struct viommu_vtd, iommu);
}

static inline struct viommu_vtd_device *vtd_device_of(struct guest_device *device)
{
	return list_member(device, struct viommu_vtd_device, guest);
}

/* A request without PASID to the interrupt address range is no memory access. */
static inline bool vtd_is_interrupt(const struct viommu_fault *access)
{
	return access->pasid == VIOMMU_NO_PASID && access->iova >= INTERRUPT_FIRST && access->iova <= INTERRUPT_LAST;
}

/* ops.c */
extern const struct guest_iommu_ops vtd_ops;

/* context.c. guest_iommu_ops.configure. */
void vtd_configure(struct guest_device *device);

/* registers.c. guest_iommu_ops: the table, reset, conditions, stored. */
extern const struct guest_register vtd_registers[REGISTERS];
void vtd_reset(struct guest_iommu *iommu);
unsigned int vtd_conditions(const struct guest_iommu *iommu);
unsigned int vtd_stored(struct guest_iommu *iommu, const struct guest_store *store);
/* IRQ_FAULT: something is pending in FSTS. With lock held: makes an event's interrupt pending. */
void vtd_event(struct viommu_vtd *vtd, unsigned int irq);

/*
 * command.c. guest_iommu_ops: the invalidation queue, which an illegal tail stops. With change
 * held: invalidates IOTLBs, as a descriptor or registers ask for it; false: a reserved value.
 */
bool vtd_commands(struct guest_iommu *iommu, struct guest_ring *ring);
unsigned int vtd_execute(struct guest_iommu *iommu, const uint64_t *command);
void vtd_stop(struct guest_iommu *iommu, unsigned int error);
bool vtd_invalidate(struct viommu_vtd *vtd, unsigned int granularity, uint16_t domain_id, uint64_t pages);

/*
 * fault.c. With lock held: records a fault, as a fault recording register has it, without F. The
 * others are guest_iommu_ops: blocked (and an access with PASID), unmapped, beyond.
 */
void vtd_record(struct viommu_vtd *vtd, const uint64_t record[FRCD_ROWS]);
int vtd_blocked(struct guest_device *device, const struct viommu_fault *access);
int vtd_unmapped(struct guest_device *device, const struct guest_config *config, const struct viommu_fault *access, const struct viommu_fault *walked);
int vtd_beyond(struct guest_device *device, const struct viommu_fault *access);

#endif
