/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of a registration: judged, made, started, stopped, destroyed. What a registration is, and how refreshes and its end keep out of each other's way,
 * is said in ioat.h.
 *
 * What holds: a device is attached only to the published registration of its function, and only while the function is ENABLED. When a registration has been
 * destroyed, no table of the guest is looked at any more for it, and nothing is pinned for it.
 */
#include "ioat.h"

#include "decode.h"

static bool overlaps(uint64_t first, uint64_t last, uint64_t other_first, uint64_t other_last)
{
	return first <= other_last && other_first <= last;
}

bool zpci_ioat_is_acceptable(const struct viommu_zpci_function *function, uint64_t pba, uint64_t pal, uint64_t iota)
{
	const struct viommu_zpci_function_config *config = &function->config;
	unsigned int designation = zpci_iota_designation(iota);
	uint64_t edma = config->edma;

	/* Linux registers one page more than it was told for ISM functions. */
	if (config->pft == 5)
		edma = edma > UINT64_MAX - VIOMMU_PAGE_SIZE ? UINT64_MAX : edma + VIOMMU_PAGE_SIZE;
	if (pba > pal || pba < config->sdma || pal > edma)
		return false;
	/* The doorbell of MSIs is the bus's, not the tables'. */
	if (overlaps(pba, pal, config->msia & ~(VIOMMU_PAGE_SIZE - 1), config->msia | (VIOMMU_PAGE_SIZE - 1)))
		return false;

	/* Without translation, QEMU looks at no other bit; nobody knows a meaning for one. */
	if (!zpci_iota_translates(iota))
		return config->relaxed && (!iota || zpci_is_qemu(function->zpci));
	if (zpci_is_qemu(function->zpci))
		return designation == ZPCI_DESIGNATION_REGION_THIRD;
	/* DTSM has bit n set for designation type n. Whether the origin and the bits around it make sense, the domain says. */
	return config->dtsm & 0x80u >> designation;
}

/* Makes what a registration leads to. */
static int create_target(struct viommu_zpci_function *function, const struct zpci_ioat *ioat, struct viommu_refresh_result *result,
			 struct viommu_domain **domain)
{
	struct viommu_zpci *zpci = function->zpci;
	struct viommu_zpci_ioat data = {
		.size = sizeof(data),
		.flags = zpci_is_qemu(zpci) ? VIOMMU_ZPCI_IOAT_QEMU : 0,
		.iota = ioat->iota,
		.pba = ioat->pba,
		.pal = ioat->pal,
	};
	uint64_t offset = (function->config.sdma + VIOMMU_PAGE_SIZE - 1) & ~(VIOMMU_PAGE_SIZE - 1);

	if (zpci_iota_translates(ioat->iota))
		return viommu_domain_create(zpci->vm, function->config.host, VIOMMU_DOMAIN_ZPCI, &data, result, domain);
	return viommu_domain_create_direct(zpci->vm, function->config.host, offset, ioat->pba, ioat->pal, domain);
}

int zpci_ioat_create(struct viommu_zpci_function *function, uint64_t pba, uint64_t pal, uint64_t iota, struct viommu_refresh_result *result,
		     struct zpci_ioat **out)
{
	struct zpci_ioat *ioat = port_alloc(sizeof(*ioat), 0);
	unsigned int i;
	int ret;

	if (!ioat)
		return -PORT_ENOMEM;
	ioat->pba = pba;
	ioat->pal = pal;
	ioat->iota = iota;
	ret = create_target(function, ioat, result, &ioat->domain);
	if (ret) {
		port_free(ioat, sizeof(*ioat), 0);
		return ret;
	}
	for (i = 0; i < ZPCI_LANES; i++)
		port_lock_init(&ioat->lane[i].lock);
	*out = ioat;
	return 0;
}

struct zpci_lane *zpci_ioat_enter(struct zpci_ioat *ioat)
{
	struct zpci_lane *lane = &ioat->lane[0];
	unsigned int least = port_load_relaxed(&lane->users);
	unsigned int i;

	for (i = 1; least && i < ZPCI_LANES; i++) {
		unsigned int users = port_load_relaxed(&ioat->lane[i].users);

		if (users < least) {
			least = users;
			lane = &ioat->lane[i];
		}
	}
	port_add_relaxed(&lane->users, 1);
	return lane;
}

void zpci_ioat_leave(struct zpci_lane *lane)
{
	port_sub_release(&lane->users, 1);
}

/* Nobody new comes: whoever entered before the registration was unpublished under the function's lock has been counted under it. */
static void wait_for_all(struct zpci_ioat *ioat)
{
	unsigned int i;

	for (i = 0; i < ZPCI_LANES; i++) {
		while (port_load_acquire(&ioat->lane[i].users)) {
			port_lock(&ioat->lane[i].lock);
			port_unlock(&ioat->lane[i].lock);
			port_relax();
		}
	}
}

void zpci_ioat_destroy(struct zpci_ioat *ioat)
{
	unsigned int i;

	if (!ioat)
		return;
	wait_for_all(ioat);
	viommu_domain_destroy(ioat->domain);
	for (i = 0; i < ZPCI_LANES; i++)
		port_lock_destroy(&ioat->lane[i].lock);
	port_free(ioat, sizeof(*ioat), 0);
}

/* Publishes what the registration leads to, or that it leads to nothing. */
static void set_target(struct viommu_zpci_function *function, struct viommu_domain *domain)
{
	port_lock(&function->lock);
	function->ioat->domain = domain;
	port_unlock(&function->lock);
}

int zpci_ioat_start(struct viommu_zpci_function *function)
{
	struct zpci_ioat *ioat = function->ioat;
	struct viommu_domain *domain = NULL;
	int ret;

	if (!ioat)
		return 0;
	if (zpci_ioat_is_dormant(ioat)) {
		ret = create_target(function, ioat, NULL, &domain);
		if (ret)
			return ret;
		set_target(function, domain);
	}
	return viommu_domain_attach(ioat->domain, function->device, VIOMMU_NO_PASID);
}

void zpci_ioat_stop(struct viommu_zpci_function *function)
{
	struct zpci_ioat *ioat = function->ioat;
	struct viommu_domain *domain;

	if (!ioat || !viommu_device_detach(function->device, VIOMMU_NO_PASID))
		return;
	domain = ioat->domain;
	set_target(function, NULL);
	wait_for_all(ioat);
	viommu_domain_destroy(domain);
}
