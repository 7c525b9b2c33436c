/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of a registration: judged, made, started, stopped, destroyed.
 *
 * A device is attached only to the published registration of its function, and only while the
 * function is ENABLED. When a registration has been destroyed, no table of the guest is read for it
 * any more, and nothing is pinned for it.
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

	/* For ISM functions Linux registers one page more than EDMA allows. */
	if (config->pft == 5)
		edma = edma > UINT64_MAX - VIOMMU_PAGE_SIZE ? UINT64_MAX : edma + VIOMMU_PAGE_SIZE;
	if (pba > pal || pba < config->sdma || pal > edma)
		return false;
	/* The doorbell of MSIs is the bus's, not the tables'. */
	if (overlaps(pba, pal, config->msia & ~(VIOMMU_PAGE_SIZE - 1), config->msia | (VIOMMU_PAGE_SIZE - 1)))
		return false;

	/* Without translation, QEMU ignores all other bits, and no meaning of them is known. */
	if (!zpci_iota_translates(iota))
		return config->relaxed && (!iota || zpci_is_qemu(function->zpci));
	if (zpci_is_qemu(function->zpci))
		return designation == ZPCI_DESIGNATION_REGION_THIRD;
	/*
	 * DTSM has bit n set for designation type n. The domain judges the origin and the bits
	 * around it.
	 */
	return config->dtsm & 0x80u >> designation;
}

/* Makes the domain of a registration. */
static int create_domain(struct viommu_zpci_function *function, const struct zpci_ioat *ioat, struct viommu_refresh_result *result,
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
	struct zpci_ioat *ioat = port_alloc(sizeof(*ioat), _Alignof(struct zpci_ioat));
	int error;

	if (!ioat)
		return -PORT_ENOMEM;
	ioat->pba = pba;
	ioat->pal = pal;
	ioat->iota = iota;
	error = create_domain(function, ioat, result, &ioat->domain);
	if (error) {
		port_free(ioat, sizeof(*ioat), _Alignof(struct zpci_ioat));
		return error;
	}
	guest_gate_init(&ioat->gate);
	*out = ioat;
	return 0;
}

void zpci_ioat_destroy(struct zpci_ioat *ioat)
{
	if (!ioat)
		return;
	guest_gate_drain(&ioat->gate);
	viommu_domain_destroy(ioat->domain);
	guest_gate_destroy(&ioat->gate);
	port_free(ioat, sizeof(*ioat), _Alignof(struct zpci_ioat));
}

/* Publishes the registration's domain, or that there is none. */
static void set_domain(struct viommu_zpci_function *function, struct viommu_domain *domain)
{
	port_lock(&function->lock);
	function->ioat->domain = domain;
	port_unlock(&function->lock);
}

int zpci_ioat_start(struct viommu_zpci_function *function)
{
	struct zpci_ioat *ioat = function->ioat;
	struct viommu_domain *domain = NULL;
	int error;

	if (!ioat)
		return 0;
	if (zpci_ioat_is_dormant(ioat)) {
		error = create_domain(function, ioat, NULL, &domain);
		if (error)
			return error;
		set_domain(function, domain);
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
	set_domain(function, NULL);
	guest_gate_drain(&ioat->gate);
	viommu_domain_destroy(domain);
}
