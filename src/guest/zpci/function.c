/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Functions: plugged, unplugged, found by handle, queried. Their states are in state.c.
 *
 * An index and a function ID belong to one function at most. Only a full handle finds a function,
 * except for STPCIFC, so that a handle from before the function was disabled, or a guessed one,
 * finds nothing.
 *
 * A function outlives every instruction that counts as its user: it is taken from the registries
 * first, then its registration is dropped, then its users are waited for.
 */
#include "function.h"

#include "decode.h"
#include "ioat.h"
#include "core/device.h"

#define DEFAULT_SDMA UINT64_C(0x100000000)
#define DEFAULT_EDMA UINT64_C(0x1ffffffffffffff)
#define DEFAULT_MSIA UINT64_C(0xfe00000000000000)

/*
 * Designation types supported: every one that translates, and the one that Linux tests for before
 * it builds four or five levels, as it counts the field's bits in another way than QEMU (Linux,
 * s390_domain_alloc_paging(); QEMU, ZPCI_DTSM).
 */
#define DEFAULT_DTSM	  0xf8u
#define DEFAULT_DTSM_QEMU 0x40u

int viommu_zpci_create(struct viommu_vm *vm, const struct viommu_zpci_config *config, struct viommu_zpci **out)
{
	struct viommu_zpci *zpci = port_alloc(sizeof(*zpci), 0);

	if (!zpci)
		return -PORT_ENOMEM;
	zpci->vm = vm;
	if (!sized_in(&zpci->config, sizeof(zpci->config), VIOMMU_ZPCI_CONFIG_SIZE_V0, config) || zpci->config.flags & ~VIOMMU_ZPCI_QEMU_WAYS) {
		port_free(zpci, sizeof(*zpci), 0);
		return -PORT_EINVAL;
	}
	port_lock_init(&zpci->lock);
	*out = zpci;
	return 0;
}

void viommu_zpci_destroy(struct viommu_zpci *zpci)
{
	struct guest_id *first;

	if (!zpci)
		return;
	while ((first = guest_registry_next(&zpci->by_fid, NULL)))
		viommu_zpci_function_remove(list_member(first, struct viommu_zpci_function, fid));
	while (zpci->unused) {
		struct viommu_zpci_function *function = zpci->unused;

		zpci->unused = function->unused;
		port_lock_destroy(&function->lock);
		port_lock_destroy(&function->change);
		port_free(function, sizeof(*function), _Alignof(struct viommu_zpci_function));
	}
	port_lock_destroy(&zpci->lock);
	port_free(zpci, sizeof(*zpci), 0);
}

/* Fills in the defaults. False: illegal. */
static bool settle_config(struct viommu_zpci_function_config *config, bool qemu)
{
	if (!config->sdma)
		config->sdma = DEFAULT_SDMA;
	if (!config->edma)
		config->edma = DEFAULT_EDMA;
	if (!config->msia)
		config->msia = DEFAULT_MSIA;
	if (!config->dtsm)
		config->dtsm = qemu ? DEFAULT_DTSM_QEMU : DEFAULT_DTSM;
	if (!config->host || config->sdma > config->edma || config->reserved[0] || config->reserved[1] || config->reserved[2])
		return false;
	switch (config->state) {
	case VIOMMU_ZPCI_RESERVED:
	case VIOMMU_ZPCI_STANDBY:
	case VIOMMU_ZPCI_DISABLED:
		return !(config->fh & VIOMMU_ZPCI_FH_ENABLED);
	case VIOMMU_ZPCI_ENABLED:
		return config->fh & VIOMMU_ZPCI_FH_ENABLED;
	default:
		return false;
	}
}

static void function_free(struct viommu_zpci_function *function)
{
	struct viommu_zpci *zpci = function->zpci;

	viommu_device_destroy(function->device);
	port_lock(&zpci->lock);
	function->unused = zpci->unused;
	zpci->unused = function;
	port_unlock(&zpci->lock);
}

/* The memory of one that is gone, or new memory. */
static struct viommu_zpci_function *function_alloc(struct viommu_zpci *zpci)
{
	struct viommu_zpci_function *function;

	port_lock(&zpci->lock);
	function = zpci->unused;
	if (function)
		zpci->unused = function->unused;
	port_unlock(&zpci->lock);
	if (function)
		return function;
	function = port_alloc(sizeof(*function), _Alignof(struct viommu_zpci_function));
	if (!function)
		return NULL;
	port_lock_init(&function->change);
	port_lock_init(&function->lock);
	function->zpci = zpci;
	return function;
}

static int enter(struct viommu_zpci_function *function)
{
	struct viommu_zpci *zpci = function->zpci;
	int error = 0;

	port_lock(&zpci->lock);
	if (!guest_registry_add(&zpci->by_index, &function->index, function->fh & VIOMMU_ZPCI_FH_INDEX)) {
		error = -PORT_EEXIST;
	} else if (!guest_registry_add(&zpci->by_fid, &function->fid, function->config.fid)) {
		guest_registry_remove(&zpci->by_index, &function->index);
		error = -PORT_EEXIST;
	}
	port_unlock(&zpci->lock);
	return error;
}

int zpci_function_move(struct viommu_zpci_function *function, uint32_t fh)
{
	struct viommu_zpci *zpci = function->zpci;
	struct guest_id *other;

	port_lock(&zpci->lock);
	other = guest_registry_find(&zpci->by_index, fh & VIOMMU_ZPCI_FH_INDEX);
	if (!other || other == &function->index) {
		guest_registry_remove(&zpci->by_index, &function->index);
		(void)guest_registry_add(&zpci->by_index, &function->index, fh & VIOMMU_ZPCI_FH_INDEX);
		port_lock(&function->lock);
		function->fh = fh;
		port_unlock(&function->lock);
	}
	port_unlock(&zpci->lock);
	return function->fh == fh ? 0 : -PORT_EEXIST;
}

static struct viommu_zpci_function *get(struct viommu_zpci *zpci, uint32_t fh, uint32_t mask)
{
	struct viommu_zpci_function *function = NULL;
	struct guest_id *found;

	port_lock(&zpci->lock);
	found = guest_registry_find(&zpci->by_index, fh & VIOMMU_ZPCI_FH_INDEX);
	if (found) {
		function = list_member(found, struct viommu_zpci_function, index);
		if ((function->fh ^ fh) & mask)
			function = NULL;
		else
			port_add_relaxed(&function->users, 1);
	}
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

struct viommu_zpci_function *zpci_function_get_next(struct viommu_zpci *zpci, const struct viommu_zpci_function *after)
{
	struct viommu_zpci_function *function = NULL;
	struct guest_id *next;

	port_lock(&zpci->lock);
	next = guest_registry_next(&zpci->by_fid, after ? &after->fid : NULL);
	if (next) {
		function = list_member(next, struct viommu_zpci_function, fid);
		port_add_relaxed(&function->users, 1);
	}
	port_unlock(&zpci->lock);
	return function;
}

void zpci_function_put(struct viommu_zpci_function *function)
{
	port_sub_release(&function->users, 1);
}

struct viommu_zpci_function *zpci_function_find_and_lock(struct viommu_zpci *zpci, uint32_t fh)
{
	struct viommu_zpci_function *function = zpci_function_get(zpci, fh);

	if (!function)
		return NULL;
	port_store_release(&zpci->found[fh % ZPCI_FOUND], function);
	port_lock(&function->lock);
	zpci_function_put(function);
	return function;
}

struct viommu_zpci_function *viommu_zpci_find(struct viommu_zpci *zpci, uint32_t fh)
{
	struct viommu_zpci_function *function = zpci_function_get(zpci, fh);

	if (function)
		zpci_function_put(function);
	return function;
}

static int device_fault(void *ctx, const struct viommu_fault *fault)
{
	viommu_zpci_dma_fault(ctx, fault);
	return -PORT_EFAULT;
}

int viommu_zpci_function_add(struct viommu_zpci *zpci, const struct viommu_zpci_function_config *config, struct viommu_zpci_function **out)
{
	struct viommu_zpci_function *function;
	struct viommu_zpci_function_config settled;
	int ret;

	if (!sized_in(&settled, sizeof(settled), VIOMMU_ZPCI_FUNCTION_CONFIG_SIZE_V0, config) || !settle_config(&settled, zpci_is_qemu(zpci)))
		return -PORT_EINVAL;
	function = function_alloc(zpci);
	if (!function)
		return -PORT_ENOMEM;
	function->config = settled;
	function->device = NULL;
	/* RESERVED, until it can be found. */
	port_lock(&function->lock);
	function->fh = settled.fh;
	port_unlock(&function->lock);
	ret = viommu_device_create(zpci->vm, settled.host, settled.device, &function->device);
	function->config.device = NULL; /* the caller's */
	if (!ret) {
		device_set_fault(function->device, device_fault, function);
		ret = enter(function);
	}
	if (ret) {
		function_free(function);
		return ret;
	}
	zpci_function_set_state(function, (enum viommu_zpci_state)settled.state);
	*out = function;
	return 0;
}

void viommu_zpci_function_remove(struct viommu_zpci_function *function)
{
	struct viommu_zpci *zpci = function->zpci;

	port_lock(&zpci->lock);
	guest_registry_remove(&zpci->by_index, &function->index);
	guest_registry_remove(&zpci->by_fid, &function->fid);
	port_unlock(&zpci->lock);
	port_lock(&function->change);
	zpci_function_set_state(function, VIOMMU_ZPCI_RESERVED);
	zpci_function_drop_ioat(function);
	port_unlock(&function->change);
	while (port_load_acquire(&function->users))
		port_relax();
	function_free(function);
}

void zpci_function_set_state(struct viommu_zpci_function *function, enum viommu_zpci_state state)
{
	port_lock(&function->lock);
	function->state = state;
	port_unlock(&function->lock);
}

struct zpci_ioat *zpci_function_set_ioat(struct viommu_zpci_function *function, struct zpci_ioat *ioat)
{
	struct zpci_ioat *old;

	port_lock(&function->lock);
	old = function->ioat;
	function->ioat = ioat;
	port_unlock(&function->lock);
	return old;
}

void zpci_function_drop_ioat(struct viommu_zpci_function *function)
{
	zpci_ioat_destroy(zpci_function_set_ioat(function, NULL));
}

struct viommu_device *viommu_zpci_function_device(struct viommu_zpci_function *function)
{
	return function->device;
}

void *viommu_zpci_function_ctx(const struct viommu_zpci_function *function)
{
	return function->config.ctx;
}

struct viommu_domain *viommu_zpci_function_domain(struct viommu_zpci_function *function)
{
	struct viommu_domain *domain;

	port_lock(&function->lock);
	domain = function->ioat ? function->ioat->domain : NULL;
	port_unlock(&function->lock);
	return domain;
}

const char *viommu_zpci_state_name(uint32_t state)
{
	static const char *const names[] = {
		[VIOMMU_ZPCI_RESERVED] = "reserved",
		[VIOMMU_ZPCI_STANDBY] = "standby",
		[VIOMMU_ZPCI_DISABLED] = "disabled",
		[VIOMMU_ZPCI_ENABLED] = "enabled",
		[VIOMMU_ZPCI_BLOCKED] = "blocked",
		[VIOMMU_ZPCI_ERROR] = "error",
		[VIOMMU_ZPCI_PERMANENT_ERROR] = "permanent error",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

int viommu_zpci_function_info(struct viommu_zpci_function *function, struct viommu_zpci_function_info *info)
{
	struct viommu_zpci_function_info known = { .fid = function->config.fid };

	if (!sized_fits(info, VIOMMU_ZPCI_FUNCTION_INFO_SIZE_V0))
		return -PORT_EINVAL;
	port_lock(&function->lock);
	known.fh = function->fh;
	known.state = function->state;
	if (function->ioat) {
		known.registered = true;
		known.pba = function->ioat->pba;
		known.pal = function->ioat->pal;
		known.iota = function->ioat->iota;
		known.direct = !zpci_iota_translates(function->ioat->iota);
	}
	port_unlock(&function->lock);
	sized_out(info, &known, sizeof(known));
	return 0;
}

/* Enters the gate of the function's domain, so that it stays. NULL if there is no domain. */
static struct guest_lane *enter_domain(struct viommu_zpci_function *function, struct viommu_domain **domain)
{
	struct guest_lane *lane = NULL;

	port_lock(&function->lock);
	if (function->ioat && !zpci_ioat_is_dormant(function->ioat)) {
		*domain = function->ioat->domain;
		lane = guest_gate_enter(&function->ioat->gate);
	}
	port_unlock(&function->lock);
	return lane;
}

int viommu_zpci_function_stats(struct viommu_zpci_function *function, struct viommu_domain_stats *stats)
{
	struct viommu_domain *domain = NULL;
	struct guest_lane *lane = enter_domain(function, &domain);

	return guest_gate_stats(lane, domain, stats);
}

int viommu_zpci_function_each_run(struct viommu_zpci_function *function, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run),
				  void *ctx)
{
	struct viommu_domain *domain = NULL;
	struct guest_lane *lane = enter_domain(function, &domain);

	return guest_gate_each_run(lane, domain, first, last, fn, ctx);
}
