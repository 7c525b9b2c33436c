/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Targets: what streams are attached to. One is a nested domain for all streams of a host whose context descriptors say the same, wherever these are; or the
 * direct domain of all streams of a host in bypass. It exists as long as a stream has it.
 *
 * Where hardware walks the tables, a target is a nested domain for all streams whose entries say the same to hardware, those in bypass included.
 *
 * When a host will not let go of something (a device that is to be detached, a translation that is to be removed), the target is destroyed, which it cannot
 * refuse; the streams that had it get a new one, from what the guest's tables say then. So a command that revokes has revoked when it is done, whatever the
 * host does.
 */
#ifndef VIOMMU_GUEST_SMMUV3_TARGET_H
#define VIOMMU_GUEST_SMMUV3_TARGET_H

#include "smmuv3.h"

struct smmuv3_target {
	struct smmuv3_target *next; /* of the SMMU; change */
	struct viommu_host *host;
	struct viommu_domain *domain;
	uint32_t flags; /* of struct viommu_smmuv3_stage1, as are cd and ste */
	uint64_t cd[CD_WORDS];
	bool hardware;
	uint64_t ste[2];
	bool contexts;	      /* descriptors are to be read anew before the next CMD_SYNC is passed; change */
	unsigned int streams; /* change */
	struct port_lock gate;
	unsigned int visitors; /* those who hold the gate, or are on their way to or from it. Atomic: up with the SMMU's lock held, down without */
};

/* In bypass, where no tables are looked into. */
static inline bool smmuv3_target_is_direct(const struct smmuv3_target *target)
{
	return viommu_domain_kind(target->domain) == VIOMMU_KIND_DIRECT;
}

static inline uint16_t smmuv3_target_asid(const struct smmuv3_target *target)
{
	return CD0_ASID(target->cd[0]);
}

/*
 * With change held: gives a device this configuration, and the target that goes with it. Where that cannot be had the device is attached to nothing;
 * smmuv3_retry() tries again then.
 */
void smmuv3_apply(struct viommu_smmuv3_device *device, const struct smmuv3_stream *stream);
void smmuv3_retry(struct viommu_smmuv3_device *device);

/* With change held: reads the configuration of a device, or of all, and applies it. */
void smmuv3_configure(struct viommu_smmuv3_device *device);
void smmuv3_configure_all(struct viommu_smmuv3 *smmu);

/* With change held, of one that is not found yet: whether hardware takes it. 0, or what the host, or the VM's budget, says. */
int smmuv3_try_hardware(struct viommu_smmuv3_device *device);

/* With change held: takes a device from its target. When this returns it reaches nothing. */
void smmuv3_detach(struct viommu_smmuv3_device *device);

/*
 * With change held: destroys a target whose host fails; its streams get a new one from smmuv3_mend(), which whoever has change calls before he lets go of it.
 */
void smmuv3_target_break(struct viommu_smmuv3 *smmu, struct smmuv3_target *target);
void smmuv3_mend(struct viommu_smmuv3 *smmu);

/* Without locks: enters the gate of a device's target, so that it stays; NULL if it has none. Pairs with smmuv3_target_leave(). */
struct smmuv3_target *smmuv3_target_enter(struct viommu_smmuv3_device *device);
void smmuv3_target_leave(struct smmuv3_target *target);

#endif
