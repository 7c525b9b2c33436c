/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The objects of the SMMUv3 guest IOMMU. Everything in src/guest/smmuv3 includes this, and nothing
 * outside does. Locks, queues, devices and domains are those of guest/common/iommu.h, which has
 * what is not Arm's; this folder supplies guest_iommu_ops (ops.c).
 */
#ifndef VIOMMU_GUEST_SMMUV3_SMMUV3_H
#define VIOMMU_GUEST_SMMUV3_SMMUV3_H

#include <viommu/smmuv3.h>

#include "guest/common/devices.h"
#include "port/sized.h"
#include "spec.h"

/* Rows of the table of registers (registers.c). */
enum smmuv3_register {
	REG_IDR0,
	REG_IDR1,
	REG_IDR2,
	REG_IDR3,
	REG_IDR4,
	REG_IDR5,
	REG_AIDR,
	REG_CR0,
	REG_CR0ACK,
	REG_CR1,
	REG_CR1_QUEUE, /* bits of CR1 */
	REG_CR2,
	REG_GBPA,
	REG_IRQ_CTRL,
	REG_IRQ_CTRLACK,
	REG_GERROR,
	REG_GERRORN,
	REG_GERROR_MSI_ADDRESS,
	REG_GERROR_MSI_DATA,
	REG_GERROR_MSI_ATTRIBUTES,
	REG_STRTAB_BASE,
	REG_STRTAB_BASE_CFG,
	REG_CMDQ_BASE,
	REG_CMDQ_PROD,
	REG_CMDQ_CONS,
	REG_EVENTQ_BASE,
	REG_EVENTQ_MSI_ADDRESS,
	REG_EVENTQ_MSI_DATA,
	REG_EVENTQ_MSI_ATTRIBUTES,
	REG_EVENTQ_PROD,
	REG_EVENTQ_CONS,
	REGISTERS
};

struct viommu_smmuv3 {
	struct guest_iommu iommu;
	struct viommu_smmuv3_config config; /* defaults filled in */
	uint64_t reg[REGISTERS];
};

/* The guest's configuration of a stream, judged; guest_config has what it is attached to. */
struct smmuv3_stream {
	enum viommu_smmuv3_stream kind;
	uint32_t event;	 /* FAULTY: the answer to an access */
	uint64_t fetch;	 /* FAULTY: the address that could not be read, for events that report it */
	uint64_t cd_gpa; /* STAGE1 */
};

struct viommu_smmuv3_device {
	struct guest_device guest;
	struct smmuv3_stream stream; /* change and lock */
};

/*
 * guest_config.key of a stream: the context descriptor, wherever it is, if the library walks the
 * tables; else the first two doublewords of the Stream Table Entry, as hardware is given them.
 */
_Static_assert(GUEST_KEY_WORDS == CD_WORDS, "a key has room for a context descriptor");

static inline struct viommu_smmuv3 *smmuv3_of(const struct guest_iommu *iommu)
{
	return list_member((struct guest_iommu *)(uintptr_t)iommu, struct viommu_smmuv3, iommu);
}

static inline struct viommu_smmuv3_device *smmuv3_device_of(struct guest_device *device)
{
	return list_member(device, struct viommu_smmuv3_device, guest);
}

/* ops.c */
extern const struct guest_iommu_ops smmuv3_ops;

/* stream.c. guest_iommu_ops.configure. */
void smmuv3_configure(struct guest_device *device);

/* registers.c. guest_iommu_ops: the table, reset, conditions, stored. */
extern const struct guest_register smmuv3_registers[REGISTERS];
void smmuv3_reset(struct guest_iommu *iommu);
unsigned int smmuv3_conditions(const struct guest_iommu *iommu);
unsigned int smmuv3_stored(struct guest_iommu *iommu, const struct guest_store *store);

/* queues.c. guest_iommu_ops: queues, global errors, interrupts. */
bool smmuv3_commands(struct guest_iommu *iommu, struct guest_ring *ring);
void smmuv3_stop(struct guest_iommu *iommu, unsigned int error);
bool smmuv3_events(struct guest_iommu *iommu, struct guest_ring *ring);
void smmuv3_recorded(struct guest_iommu *iommu);
void smmuv3_overflow(struct guest_iommu *iommu);
void smmuv3_abort(struct guest_iommu *iommu);
bool smmuv3_device_id(const uint64_t *record, uint32_t *id);
struct guest_message smmuv3_message(const struct guest_iommu *iommu, unsigned int irq);

/* command.c. guest_iommu_ops.execute. */
unsigned int smmuv3_execute(struct guest_iommu *iommu, const uint64_t *command);

/* fault.c. guest_iommu_ops: blocked, unmapped, beyond. */
int smmuv3_blocked(struct guest_device *device, const struct viommu_fault *access);
int smmuv3_unmapped(struct guest_device *device, const struct guest_config *config, const struct viommu_fault *access, const struct viommu_fault *walked);
int smmuv3_beyond(struct guest_device *device, const struct viommu_fault *access);

/*
 * identity.c. Fills in the identification registers, and the default of output_bits: false if the
 * hardware that the SMMU is for cannot do that. The reason why a host's hardware cannot walk this
 * guest's tables, NULL if it can.
 */
bool smmuv3_identify(struct viommu_smmuv3 *smmu);
const char *smmuv3_misfit(const struct viommu_smmuv3 *smmu, struct viommu_host *host);

#endif
