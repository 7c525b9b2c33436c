/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding functions: by handle, for every instruction, in constant time however many functions there are; by function ID, to keep it unique.
 *
 * What holds: an index and an ID belong to one function at the most. Only a full handle finds a function, but for STPCIFC; so a handle from before the
 * function was disabled, or one that was guessed, finds nothing. Functions of other VMs are in other lookups.
 */
#include "function.h"

static struct viommu_zpci_function **slot_of(struct viommu_zpci *zpci, uint32_t fh)
{
	struct viommu_zpci_function **half = zpci->by_index[(fh & VIOMMU_ZPCI_FH_INDEX) / ZPCI_INDEX_HALF];

	return half ? &half[fh % ZPCI_INDEX_HALF] : NULL;
}

static struct viommu_zpci_function **chain_of(struct viommu_zpci *zpci, uint32_t fid)
{
	return &zpci->by_fid[fid % ZPCI_INDEX_HALF];
}

/* With the zpci's lock held: the empty slot for a handle's index. */
static int claim_slot(struct viommu_zpci *zpci, uint32_t fh, struct viommu_zpci_function ***slot)
{
	struct viommu_zpci_function ***half = &zpci->by_index[(fh & VIOMMU_ZPCI_FH_INDEX) / ZPCI_INDEX_HALF];

	if (!*half)
		*half = port_alloc(ZPCI_INDEX_HALF * sizeof(**half), 0);
	if (!*half)
		return -PORT_ENOMEM;
	*slot = slot_of(zpci, fh);
	return **slot ? -PORT_EEXIST : 0;
}

int zpci_lookup_add(struct viommu_zpci_function *function)
{
	struct viommu_zpci *zpci = function->zpci;
	struct viommu_zpci_function **chain = chain_of(zpci, function->config.fid);
	struct viommu_zpci_function **slot;
	struct viommu_zpci_function *other;
	int ret;

	port_lock(&zpci->lock);
	ret = claim_slot(zpci, function->fh, &slot);
	for (other = *chain; other && !ret; other = other->next)
		if (other->config.fid == function->config.fid)
			ret = -PORT_EEXIST;
	if (!ret) {
		*slot = function;
		function->next = *chain;
		*chain = function;
	}
	port_unlock(&zpci->lock);
	return ret;
}

int zpci_lookup_move(struct viommu_zpci_function *function, uint32_t fh)
{
	struct viommu_zpci *zpci = function->zpci;
	struct viommu_zpci_function **slot;
	int ret = 0;

	port_lock(&zpci->lock);
	if ((fh ^ function->fh) & VIOMMU_ZPCI_FH_INDEX) {
		ret = claim_slot(zpci, fh, &slot);
		if (!ret) {
			*slot_of(zpci, function->fh) = NULL;
			*slot = function;
		}
	}
	if (!ret) {
		port_lock(&function->lock);
		function->fh = fh;
		port_unlock(&function->lock);
	}
	port_unlock(&zpci->lock);
	return ret;
}

void zpci_lookup_remove(struct viommu_zpci_function *function)
{
	struct viommu_zpci *zpci = function->zpci;
	struct viommu_zpci_function **link = chain_of(zpci, function->config.fid);

	port_lock(&zpci->lock);
	*slot_of(zpci, function->fh) = NULL;
	while (*link != function)
		link = &(*link)->next;
	*link = function->next;
	port_unlock(&zpci->lock);
}

void zpci_lookup_free(struct viommu_zpci *zpci)
{
	unsigned int i;

	for (i = 0; i < ZPCI_INDEX_HALF; i++)
		if (zpci->by_index[i])
			port_free(zpci->by_index[i], ZPCI_INDEX_HALF * sizeof(*zpci->by_index[i]), 0);
}

static struct viommu_zpci_function *get(struct viommu_zpci *zpci, uint32_t fh, uint32_t mask)
{
	struct viommu_zpci_function **slot;
	struct viommu_zpci_function *function;

	port_lock(&zpci->lock);
	slot = slot_of(zpci, fh);
	function = slot ? *slot : NULL;
	if (function && (function->fh ^ fh) & mask)
		function = NULL;
	if (function)
		port_add_relaxed(&function->users, 1);
	port_unlock(&zpci->lock);
	return function;
}

struct viommu_zpci_function *zpci_function_get(struct viommu_zpci *zpci, uint32_t fh)
{
	return get(zpci, fh, UINT32_MAX);
}

struct viommu_zpci_function *zpci_function_get_by_index(struct viommu_zpci *zpci, uint32_t fh)
{
	return get(zpci, fh, VIOMMU_ZPCI_FH_INDEX);
}

void zpci_function_put(struct viommu_zpci_function *function)
{
	port_sub_release(&function->users, 1);
}

void zpci_function_wait(struct viommu_zpci_function *function)
{
	while (port_load_acquire(&function->users))
		port_relax();
}

struct viommu_zpci_function *viommu_zpci_find(struct viommu_zpci *zpci, uint32_t fh)
{
	struct viommu_zpci_function *function = zpci_function_get(zpci, fh);

	if (function)
		zpci_function_put(function);
	return function;
}
