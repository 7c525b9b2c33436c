/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The objects of the SMMUv3 guest IOMMU, and who may touch what when. Everything in src/guest/smmuv3 includes this, and nothing outside does.
 *
 * An SMMU has registers, devices (streams), and targets: what streams are attached to, shared by all whose configuration is the same (target.h). Three locks
 * protect them, taken in this order:
 *
 *   change  (of an SMMU)   held by whoever changes configurations, targets, or registers with such an effect, from the first look to the last effect, however
 *                          long that takes: commands are consumed, domains made and destroyed under it. So stores come one after the other, and one that has
 *                          returned is complete.
 *   lock    (of an SMMU)   the registers, the event queue with its records in memory, and what change guards as far as others read it. Held for a few
 *                          instructions, and for the VM's lock, where a record is written.
 *   gate    (of a target)  held by whoever looks into a target without change: a fault that walks and refreshes, a getter. Whoever takes a target away
 *                          unpublishes it first, then waits at the gate, then destroys. Nothing but calls of the core is made with it.
 *
 * The VM's lock comes after all of these. Registers, configurations and which target a device has are written with change and lock held, but for EVENTQ_PROD,
 * EVENTQ_CONS, IRQ_CTRL and GERROR, for which lock suffices; so either is enough to read them.
 *
 * Interrupts are noted with lock held, and delivered by whoever noted them when he has let go of all locks.
 */
#ifndef VIOMMU_GUEST_SMMUV3_SMMUV3_H
#define VIOMMU_GUEST_SMMUV3_SMMUV3_H

#include <viommu/device.h>
#include <viommu/domain.h>
#include <viommu/hosts.h>
#include <viommu/smmuv3.h>

#include "port/port.h"
#include "port/sized.h"
#include "spec.h"

struct smmuv3_target;

struct smmuv3_registers {
	uint32_t cr0;
	uint32_t cr1;
	uint32_t cr2;
	uint32_t gbpa;
	uint32_t irq_ctrl;
	uint32_t gerror;
	uint32_t gerrorn;
	uint32_t strtab_cfg;
	uint64_t strtab_base;
	uint64_t cmdq_base;
	uint32_t cmdq_prod;
	uint32_t cmdq_cons;
	uint64_t eventq_base;
	uint32_t eventq_prod;
	uint32_t eventq_cons;
};

/* IOVAs to be refreshed, in the domains of one ASID or of all. */
struct smmuv3_range {
	bool all;
	uint16_t asid;
	uint64_t first;
	uint64_t last;
};
#define SMMUV3_RANGES 16u

/* Of viommu_smmuv3_info: counted up atomically, as events come from any thread. */
struct smmuv3_counts {
	port_word commands;
	port_word syncs;
	port_word configs;
	port_word invalidations;
	port_word refreshes;
	port_word insufficient;
	port_word rebuilt;
	port_word errors;
	port_word faults;
	port_word filled;
	port_word events;
	port_word events_lost;
};

/* What the guest has configured for a stream, judged. */
struct smmuv3_stream {
	enum viommu_smmuv3_stream kind;
	uint32_t event;	       /* FAULTY: what an access is answered with */
	uint64_t fetch;	       /* FAULTY: the address that could not be read, for the events that tell of it */
	uint32_t flags;	       /* STAGE1: of struct viommu_smmuv3_stage1 */
	uint64_t cd_gpa;       /* STAGE1 */
	uint64_t cd[CD_WORDS]; /* STAGE1, where the library looks into the tables */
	uint64_t ste[2];       /* BYPASS and STAGE1: what hardware is given */
};

#define SMMUV3_CHAINS 256u

struct viommu_smmuv3 {
	struct viommu_vm *vm;
	struct viommu_smmuv3_config config; /* defaults filled in */
	uint32_t idr[6];
	struct port_lock change;
	struct port_lock lock;
	struct smmuv3_registers registers;
	struct viommu_smmuv3_device *chain[SMMUV3_CHAINS]; /* by StreamID; change and lock */
	uint32_t devices;				   /* change and lock */
	uint32_t domains;				   /* targets; change and lock */
	uint32_t irqs;					   /* noted, and not delivered: bit n for interrupt n; lock */

	/* With change held. */
	struct smmuv3_target *targets;
	bool mend; /* a stream is without the target that it wants, and will not ask for it */
	struct smmuv3_range range[SMMUV3_RANGES];
	unsigned int ranges;

	struct smmuv3_counts counts;
};

struct viommu_smmuv3_device {
	struct viommu_smmuv3 *smmu;
	struct viommu_host *host;
	struct viommu_device *device;
	struct viommu_smmuv3_device *next; /* in its chain */
	uint32_t sid;
	bool hardware;		      /* walks its tables */
	struct smmuv3_stream stream;  /* change and lock */
	struct smmuv3_target *target; /* what it is attached to, NULL if nothing; change and lock */
	port_word faults;
	port_word events;
};

static inline void smmuv3_count(port_word *count)
{
	port_add_relaxed(count, 1);
}

static inline uint64_t smmuv3_counted(const port_word *count)
{
	return port_load_relaxed(count);
}

/* Each device, with change or lock held. */
#define smmuv3_each(smmu, it)                                                       \
	for (unsigned int chain_##it = 0; chain_##it < SMMUV3_CHAINS; chain_##it++) \
		for (struct viommu_smmuv3_device *it = (smmu)->chain[chain_##it]; it; it = it->next)

/* With change or lock held: the device with this StreamID, or NULL. */
struct viommu_smmuv3_device *smmuv3_lookup(struct viommu_smmuv3 *smmu, uint32_t sid);

/* With lock held: an interrupt that the guest has enabled, or that needs no enabling. Without locks: delivers what was noted. */
void smmuv3_note_irq(struct viommu_smmuv3 *smmu, enum viommu_smmuv3_irq irq);
void smmuv3_deliver(struct viommu_smmuv3 *smmu);

/* With lock held: makes a global error active, if it is not (section 7.5). */
void smmuv3_raise_gerror(struct viommu_smmuv3 *smmu, uint32_t error);

/* With change held: consumes the commands that there are (command.c). */
void smmuv3_consume(struct viommu_smmuv3 *smmu);

/* With change held: reads and judges what the guest has configured for a device's stream (stream.c). */
void smmuv3_stream_read(const struct viommu_smmuv3_device *device, struct smmuv3_stream *stream);

#define DEFAULT_OUTPUT_BITS 44u

/*
 * identity.c. Fills in what the guest is told, and the default of output_bits: false if the hardware that it is for cannot do that. Why a host's hardware is not
 * for this SMMU's guest, NULL if it is. Whether addresses can have so many bits.
 */
bool smmuv3_identify(struct viommu_smmuv3 *smmu);
const char *smmuv3_misfit(const struct viommu_smmuv3 *smmu, struct viommu_host *host);
bool smmuv3_has_output_bits(uint32_t bits);

#endif
