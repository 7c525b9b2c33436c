/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Context descriptors: context.h. */
#include "context.h"

#include "core/shadow/formats.h"
#include "format/arm64.h"

/* TG0 and TG1 encode granules in different ways. NULL: reserved. */
static const struct shadow_ops *granule(uint64_t cd0, bool upper)
{
	static const struct shadow_ops *const lower_ops[4] = { &shadow_arm64_4k_ops, &shadow_arm64_64k_ops, &shadow_arm64_16k_ops, NULL };
	static const struct shadow_ops *const upper_ops[4] = { NULL, &shadow_arm64_16k_ops, &shadow_arm64_4k_ops, &shadow_arm64_64k_ops };

	return upper ? upper_ops[CD0_TG1(cd0)] : lower_ops[CD0_TG0(cd0)];
}

static unsigned int tsz(uint64_t cd0, bool upper)
{
	return upper ? CD0_T1SZ(cd0) : CD0_T0SZ(cd0);
}

/* EPD0 or EPD1: this half is not translated, and its fields are ignored. */
static bool is_off(uint64_t cd0, bool upper)
{
	return cd0 & (upper ? CD0_EPD1 : CD0_EPD0);
}

static bool is_legal_half(uint64_t cd0, bool upper, const struct smmuv3_context_limits *limits)
{
	return is_off(cd0, upper) || (granule(cd0, upper) && tsz(cd0, upper) >= limits->least_tsz && tsz(cd0, upper) <= CD_TSZ_MOST);
}

bool smmuv3_cd_is_legal(uint64_t cd0, const struct smmuv3_context_limits *limits)
{
	if ((limits->aborts && !(cd0 & CD0_A)) || (limits->short_asids && CD0_ASID(cd0) > UINT8_MAX))
		return false;
	/* AArch32, flags updated by hardware, and stalls are features that are absent. */
	if (!(cd0 & CD0_V) || !(cd0 & CD0_AA64) || cd0 & (CD0_HA | CD0_HD | CD0_S))
		return false;
	/* So are big-endian tables; without any tables, ENDI is ignored. */
	if (cd0 & CD0_ENDI && !(is_off(cd0, false) && is_off(cd0, true)))
		return false;
	return is_legal_half(cd0, false, limits) && is_legal_half(cd0, true, limits);
}

static struct guest_tables take_half(const uint64_t cd[CD_WORDS], uint32_t flags, uint64_t ips, bool upper)
{
	uint64_t ttb = cd[upper ? 2 : 1], reach = UINT64_MAX >> tsz(cd[0], upper);

	return (struct guest_tables){
		.ops = granule(cd[0], upper),
		.root = { .table = ttb & CD_TTB,
			  .control = tsz(cd[0], upper) | ips << ARM64_CONTROL_IPS_SHIFT | (upper ? ARM64_CONTROL_UPPER : 0) |
				     (cd[0] & CD0_AFFD ? ARM64_CONTROL_AFFD : 0) | (ttb & CD_HAD ? ARM64_CONTROL_HAD : 0) |
				     (flags & VIOMMU_SMMUV3_PRIVILEGED ? ARM64_CONTROL_PRIVILEGED : 0) },
		.first = upper ? ~reach : 0,
		.last = upper ? UINT64_MAX : reach,
	};
}

unsigned int smmuv3_cd_tables(const uint64_t cd[CD_WORDS], uint32_t flags, unsigned int output_size, struct guest_tables tables[2])
{
	uint64_t ips = CD0_IPS(cd[0]) < output_size ? CD0_IPS(cd[0]) : output_size;
	unsigned int number = 0;

	for (unsigned int upper = 0; upper < 2; upper++)
		if (!is_off(cd[0], upper))
			tables[number++] = take_half(cd, flags, ips, upper);
	return number;
}
