/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Invalidations as refreshes.
 *
 * To an SMMU, invalidating means to forget; here it means to look again: the domains with that ASID are refreshed for that range, which removes what the tables
 * no longer say, and establishes what they say now. A guest sends many of them before it waits with a CMD_SYNC, often page by page. Ranges that touch become
 * one, and are refreshed before the CMD_SYNC is passed, or when there are no more commands, or when there are too many ranges to keep.
 *
 * What holds: when smmuv3_invalidate_now() has returned, nothing is reached that the tables had ceased to name before the command was consumed. A refresh has
 * answers that an invalidation has not:
 *   malformed tables    are an event for who accesses them, not for who invalidates;
 *   not enough room     what is missing is looked for at the next access;
 *   the host failed     to remove something: the domain is destroyed, and made anew from the tables (target.h).
 */
#include "invalidate.h"

#include "target.h"

static bool is_same(const struct smmuv3_range *a, const struct smmuv3_range *b)
{
	return a->all == b->all && (a->all || a->asid == b->asid);
}

static bool touch(const struct smmuv3_range *a, const struct smmuv3_range *b)
{
	uint64_t before = b->first ? b->first - 1 : 0, after = b->last < UINT64_MAX ? b->last + 1 : UINT64_MAX;

	return a->first <= after && a->last >= before;
}

static void collect(struct viommu_smmuv3 *smmu, struct smmuv3_range range)
{
	unsigned int i = 0;

	/* What it touches becomes part of it. Those that are kept do not touch each other, so that one look at each is enough. */
	while (i < smmu->ranges) {
		const struct smmuv3_range *other = &smmu->range[i];

		if (!is_same(&range, other) || !touch(&range, other)) {
			i++;
			continue;
		}
		if (other->first < range.first)
			range.first = other->first;
		if (other->last > range.last)
			range.last = other->last;
		smmu->range[i] = smmu->range[--smmu->ranges];
	}
	if (smmu->ranges == SMMUV3_RANGES)
		smmuv3_invalidate_now(smmu);
	smmu->range[smmu->ranges++] = range;
}

void smmuv3_invalidate_all(struct viommu_smmuv3 *smmu)
{
	/* That is more than all that was collected. */
	smmu->ranges = 0;
	collect(smmu, (struct smmuv3_range){ .all = true, .last = UINT64_MAX });
}

void smmuv3_invalidate_asid(struct viommu_smmuv3 *smmu, uint16_t asid)
{
	collect(smmu, (struct smmuv3_range){ .asid = asid, .last = UINT64_MAX });
}

/*
 * log2 of how much one entry may translate, for which a command was sent that names any address in it: TTL says where it was in the tables, 0 if the guest does
 * not say (section 4.4.1). The table is by TG; without one, it is the largest of all.
 */
static unsigned int entry_bits(const struct viommu_smmuv3 *smmu, unsigned int tg, unsigned int ttl)
{
	static const uint8_t bits[4][4] = {
		/* TTL: none, 1, 2, 3 */
		{ 30, 30, 30, 30 },
		{ 30, 30, 21, 12 },
		{ 25, 25, 25, 14 },
		{ 29, 42, 29, 16 },
	};

	/* Blocks of 4 TiB are for 64K granules with addresses of 52 bits alone. */
	if (smmu->config.output_bits == 52 && (!tg || (tg == 3 && !ttl)))
		return 42;
	return bits[tg][tg ? ttl : 0];
}

bool smmuv3_invalidate_va(struct viommu_smmuv3 *smmu, const uint64_t command[CMD_WORDS], bool all)
{
	unsigned int tg = CMD1_TG(command[1]), ttl = CMD1_TTL(command[1]), num = CMD0_NUM(command[0]), scale = CMD0_SCALE(command[0]);
	struct smmuv3_range range = { .all = all, .asid = CMD0_ASID(command[0]) };
	uint64_t bytes = VIOMMU_PAGE_SIZE, rest;

	/* With TG, it is a range; the encoding of one page of an unknown level is reserved. Without TG, NUM, SCALE and TTL are ignored. */
	if (tg) {
		if (!num && !scale && !ttl)
			return false;
		bytes = (uint64_t)(num + 1) << scale << (10 + 2 * tg);
	}
	range.first = command[1] & CMD1_ADDRESS;
	range.last = range.first + (bytes - 1);
	if (range.last < range.first)
		range.last = UINT64_MAX;
	rest = (UINT64_C(1) << entry_bits(smmu, tg, ttl)) - 1;
	range.first &= ~rest;
	range.last |= rest;
	collect(smmu, range);
	return true;
}

/* True if the host failed. */
static bool refresh(struct viommu_smmuv3 *smmu, struct smmuv3_target *target, const struct smmuv3_range *range)
{
	int ret = viommu_domain_refresh(target->domain, range->first, range->last, NULL);

	smmuv3_count(&smmu->counts.refreshes);
	if (ret == -PORT_ENOSPC || ret == -PORT_ENOMEM)
		smmuv3_count(&smmu->counts.insufficient);
	return ret == -PORT_EIO;
}

static bool refresh_all(struct viommu_smmuv3 *smmu, struct smmuv3_target *target)
{
	unsigned int i;

	for (i = 0; i < smmu->ranges; i++)
		if (smmu->range[i].all || target->hardware || smmu->range[i].asid == smmuv3_target_asid(target))
			if (refresh(smmu, target, &smmu->range[i]))
				return true;
	return false;
}

static bool refresh_contexts(struct smmuv3_target *target)
{
	bool wanted = target->contexts;

	target->contexts = false;
	return wanted && viommu_domain_refresh_context(target->domain);
}

/*
 * Hardware has one cache for all contexts of a guest, and its ASIDs are in descriptors that only it reads: what one target has it forget is forgotten for all of that
 * host.
 */
void smmuv3_invalidate_now(struct viommu_smmuv3 *smmu)
{
	const struct viommu_host *forgotten = NULL;
	struct smmuv3_target *target, *next;
	bool failed;

	for (target = smmu->targets; target; target = next) {
		next = target->next;
		if (smmuv3_target_is_direct(target))
			continue;
		failed = refresh_contexts(target) || (!(target->hardware && target->host == forgotten) && refresh_all(smmu, target));
		if (failed)
			smmuv3_target_break(smmu, target);
		else if (target->hardware)
			forgotten = target->host;
	}
	smmu->ranges = 0;
	smmuv3_mend(smmu);
}
