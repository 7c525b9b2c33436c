/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The objects of the SMMUv3 guest IOMMU. Everything in src/guest/smmuv3 includes this, and nothing
 * outside does. Locks, devices and domains are those of guest/common/iommu.h.
 *
 * Registers are written with change and lock held, but for EVENTQ_PROD, EVENTQ_CONS, IRQ_CTRL and
 * GERROR, for which lock suffices.
 */
#ifndef VIOMMU_GUEST_SMMUV3_SMMUV3_H
#define VIOMMU_GUEST_SMMUV3_SMMUV3_H

#include <viommu/hosts.h>
#include <viommu/smmuv3.h>

#include "core/hardware.h"
#include "guest/common/iommu.h"
#include "guest/common/queue.h"
#include "guest/common/registers.h"
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

/*
 * In the order of struct viommu_smmuv3_info, from `commands` on; 0 for those that struct
 * guest_counts has.
 */
enum smmuv3_count { COUNT_COMMANDS, COUNT_SYNCS, COUNT_CONFIGS, COUNT_INVALIDATIONS, COUNT_ERRORS, COUNT_EVENTS, COUNT_EVENTS_LOST, COUNTS };

/*
 * Interrupts of CMD_SYNCs that are pending: MSIs that are not stored in guest memory, in their order.
 * Where there is no room for one more, commands wait until these are delivered, by the thread that
 * consumes them.
 */
#define SMMUV3_SYNCS 16u
struct smmuv3_syncs {
	unsigned int number;
	struct {
		uint64_t address;
		uint32_t data;
	} msi[SMMUV3_SYNCS];
	bool wired;
	bool waits; /* a command does */
};

struct viommu_smmuv3 {
	struct guest_iommu iommu;
	struct viommu_smmuv3_config config; /* defaults filled in */
	uint64_t reg[REGISTERS];
	struct smmuv3_syncs syncs; /* lock */
	port_word counts[COUNTS];
	struct nest_sink sink; /* of events of nesting hardware */
};

/* The guest's configuration of a stream, judged. */
struct smmuv3_stream {
	enum viommu_smmuv3_stream kind;
	uint32_t event;	       /* FAULTY: the answer to an access */
	uint64_t fetch;	       /* FAULTY: the address that could not be read, for events that report it */
	uint64_t cd_gpa;       /* STAGE1 */
	uint64_t cd[CD_WORDS]; /* STAGE1, where the library walks the tables */
	uint64_t ste[2];       /* BYPASS and STAGE1: the entry that hardware is given */
};

struct viommu_smmuv3_device {
	struct guest_device guest;
	bool hardware;		     /* walks its tables */
	struct smmuv3_stream stream; /* change and lock */
};

/*
 * A nested domain for all streams of a host whose context descriptors are equal, wherever these
 * are; the direct domain of all streams of a host in bypass; or, where hardware walks the tables, a
 * nested domain for all streams whose entries are equal to hardware.
 */
struct smmuv3_domain {
	struct guest_domain guest;
	uint64_t cd[CD_WORDS]; /* of struct viommu_smmuv3_stage1, as is ste */
	uint64_t ste[2];
};

static inline struct viommu_smmuv3 *smmuv3_of(struct guest_iommu *iommu)
{
	return list_member(iommu, struct viommu_smmuv3, iommu);
}

static inline struct viommu_smmuv3_device *smmuv3_device_of(struct guest_device *device)
{
	return list_member(device, struct viommu_smmuv3_device, guest);
}

/* The bits that a guest's physical address can have. */
static inline uint64_t smmuv3_addresses(const struct viommu_smmuv3 *smmu)
{
	return (UINT64_C(1) << smmu->config.output_bits) - 1;
}

/*
 * A queue is aligned to its size, and to 32 bytes at least; its address has as many bits as the
 * guest's addresses (section 3.4.3).
 */
static inline struct guest_queue smmuv3_queue(const struct viommu_smmuv3 *smmu, uint64_t base, unsigned int most_bits, uint32_t entry_bytes)
{
	unsigned int bits = base & QUEUE_BASE_LOG2SIZE;
	uint32_t entries = 1u << (bits < most_bits ? bits : most_bits);
	uint64_t gpa = base & QUEUE_BASE_ADDRESS & ~((uint64_t)entries * entry_bytes - 1) & smmuv3_addresses(smmu);

	return (struct guest_queue){ .gpa = gpa, .entries = entries, .entry_bytes = entry_bytes, .step = 1, .wrap_bit = true };
}

static inline struct guest_queue smmuv3_command_queue(const struct viommu_smmuv3 *smmu)
{
	return smmuv3_queue(smmu, smmu->reg[REG_CMDQ_BASE], SMMUV3_CMDQS, VIOMMU_SMMUV3_CMD_BYTES);
}

static inline struct guest_queue smmuv3_event_queue(const struct viommu_smmuv3 *smmu)
{
	return smmuv3_queue(smmu, smmu->reg[REG_EVENTQ_BASE], SMMUV3_EVENTQS, EVENT_BYTES);
}

static inline void smmuv3_count(struct viommu_smmuv3 *smmu, enum smmuv3_count count)
{
	guest_count(&smmu->counts[count]);
}

/* shared.c */
extern const struct guest_iommu_ops smmuv3_ops;
/* With change held: reads a stream's configuration, or every stream's, and applies it. */
void smmuv3_configure(struct viommu_smmuv3_device *device);
void smmuv3_configure_all(struct viommu_smmuv3 *smmu);
/*
 * With change held, of a device that is not found yet: whether hardware takes it. 0, or what the
 * host, or the VM's budget, says.
 */
int smmuv3_try_hardware(struct viommu_smmuv3_device *device);

/*
 * stream.c. With change held: reads and judges what the guest has configured for a device's stream.
 */
void smmuv3_stream_read(struct viommu_smmuv3_device *device, struct smmuv3_stream *stream);

/* registers.c. All registers as after a reset; the identification ones keep their values. */
void smmuv3_registers_reset(struct viommu_smmuv3 *smmu);

/* command.c. With change held: consumes the commands that there are. */
void smmuv3_consume(struct viommu_smmuv3 *smmu);
/* Without locks, after what was pending is delivered: goes on with commands that waited for that. False if there were none. */
bool smmuv3_consume_rest(struct viommu_smmuv3 *smmu);

/* event.c. Begins to take events of nesting hardware; nest_sink_remove() ends it. */
void smmuv3_listen(struct viommu_smmuv3 *smmu);
/* With lock held: makes a global error active, if it is not (section 7.5). */
void smmuv3_raise_gerror(struct viommu_smmuv3 *smmu, uint32_t error);
/* guest_iommu_ops.interrupt. */
void smmuv3_interrupt(struct guest_iommu *iommu, unsigned int irq);
/* Without locks: puts a record about a device's stream into the event queue, if that takes it. */
void smmuv3_record(struct viommu_smmuv3_device *device, uint64_t record[EVENT_WORDS]);

/*
 * identity.c. Fills in the identification registers, and the default of output_bits: false if the
 * hardware that the SMMU is for cannot do that. The reason why a host's hardware cannot walk this
 * guest's tables, NULL if it can. Whether there are output addresses of so many bits.
 */
bool smmuv3_identify(struct viommu_smmuv3 *smmu);
const char *smmuv3_misfit(const struct viommu_smmuv3 *smmu, struct viommu_host *host);
bool smmuv3_has_output_bits(uint32_t bits);

#endif
