/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "core/anchor.h"

#include "core/nesting.h"
#include "format/arm64.h"
#include "format/smmuv3.h"
#include "port/result.h"
#include "port/sized.h"

static int take_zpci(const void *data, struct anchor *anchor)
{
	struct viommu_zpci_ioat ioat;

	if (!sized_in(&ioat, sizeof(ioat), sizeof(ioat), data) || ioat.flags & ~VIOMMU_ZPCI_IOAT_QEMU)
		return -PORT_EINVAL;
	anchor->ops = ioat.flags & VIOMMU_ZPCI_IOAT_QEMU ? &shadow_zpci_qemu_ops : &shadow_zpci_ops;
	anchor->anchor = (struct format_anchor){ .table = ioat.iota };
	anchor->first = ioat.pba & ~(VIOMMU_PAGE_SIZE - 1);
	anchor->last = ioat.pal | (VIOMMU_PAGE_SIZE - 1);
	return anchor->first <= anchor->last ? 0 : -PORT_EINVAL;
}

/* The encoding of a size in IDR5.OAS and CD.IPS; -1 if there is none. */
static int size_encoding(uint32_t bits)
{
	static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48, 52 };

	for (int i = 0; i < (int)sizeof(sizes); i++)
		if (sizes[i] == bits)
			return i;
	return -1;
}

/* TG0 and TG1 name the granules in different ways. NULL: reserved. */
static const struct shadow_ops *granule(unsigned int tg, bool upper)
{
	static const struct shadow_ops *const lower_ops[4] = { &shadow_arm64_4k_ops, &shadow_arm64_64k_ops, &shadow_arm64_16k_ops, NULL };
	static const struct shadow_ops *const upper_ops[4] = { NULL, &shadow_arm64_16k_ops, &shadow_arm64_4k_ops, &shadow_arm64_64k_ops };

	return upper ? upper_ops[tg] : lower_ops[tg];
}

/* One of the two: TTB0's or TTB1's. The format refuses sizes that it does not have. */
static int take_ttb(const struct viommu_smmuv3_stage1 *stage1, uint64_t ips, bool upper, struct anchor *anchor)
{
	uint64_t cd0 = stage1->cd[0], ttb = stage1->cd[upper ? 2 : 1];
	unsigned int size = upper ? CD0_T1SZ(cd0) : CD0_T0SZ(cd0);
	uint64_t offset;

	anchor->ops = granule(upper ? CD0_TG1(cd0) : CD0_TG0(cd0), upper);
	if (!anchor->ops || size < ARM64_TSZ_MIN_64K || size > ARM64_TSZ_MAX)
		return -PORT_EINVAL;
	offset = UINT64_MAX >> size;
	anchor->first = upper ? ~offset : 0;
	anchor->last = upper ? UINT64_MAX : offset;
	anchor->anchor.table = ttb & CD_TTB;
	anchor->anchor.control = size | ips << ARM64_CONTROL_IPS_SHIFT | (upper ? ARM64_CONTROL_UPPER : 0) | (cd0 & CD0_AFFD ? ARM64_CONTROL_AFFD : 0) |
				 (ttb & CD_HAD ? ARM64_CONTROL_HAD : 0) | (stage1->flags & VIOMMU_SMMUV3_PRIVILEGED ? ARM64_CONTROL_PRIVILEGED : 0);
	return 0;
}

/*
 * Not for us are tables of AArch32 and big-endian ones, which a guest's SMMU does not offer, and TBI, by which an address would have 256 aliases: to leave them out
 * without a word would stop a device that uses them.
 */
static int take_cd(const struct viommu_smmuv3_stage1 *stage1, struct anchors *anchors)
{
	int most = size_encoding(stage1->output_bits), error = 0;
	uint64_t ips;

	if (most < 0 || (stage1->cd[0] & (CD0_V | CD0_AA64 | CD0_ENDI | CD0_TBI)) != (CD0_V | CD0_AA64))
		return -PORT_EINVAL;
	ips = CD0_IPS(stage1->cd[0]);
	if (ips > (uint64_t)most)
		ips = (uint64_t)most;
	if (!(stage1->cd[0] & CD0_EPD0))
		error = take_ttb(stage1, ips, false, &anchors->anchor[anchors->number++]);
	if (!error && !(stage1->cd[0] & CD0_EPD1))
		error = take_ttb(stage1, ips, true, &anchors->anchor[anchors->number++]);
	return error;
}

static int take_smmuv3(const struct viommu_host *host, const void *data, struct anchors *anchors)
{
	struct viommu_smmuv3_stage1 stage1;
	int error;

	if (!sized_in(&stage1, sizeof(stage1), offsetof(struct viommu_smmuv3_stage1, ste), data) || stage1.flags & ~VIOMMU_SMMUV3_PRIVILEGED)
		return -PORT_EINVAL;
	error = nesting_pick(host, &stage1, &anchors->hardware, &anchors->why);
	if (error || !anchors->hardware)
		return error ? error : take_cd(&stage1, anchors);
	__builtin_memcpy(anchors->ste, stage1.ste, sizeof(anchors->ste));
	return 0;
}

int anchor_take(const struct viommu_host *host, enum viommu_domain_type type, const void *data, struct anchors *anchors)
{
	anchors->number = 0;
	anchors->hardware = false;
	anchors->why = NULL;
	switch (type) {
	case VIOMMU_DOMAIN_ZPCI:
		anchors->number = 1;
		return take_zpci(data, &anchors->anchor[0]);
	case VIOMMU_DOMAIN_SMMUV3:
		return take_smmuv3(host, data, anchors);
	default:
		return -PORT_EINVAL;
	}
}
