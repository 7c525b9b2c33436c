/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Blocked domains: a device that is attached to one reaches nothing. They have no space of the
 * host's: for the host, such a device is detached.
 */
#include "core/domain.h"

static int attach(struct viommu_domain *domain, struct attachment *attachment)
{
	(void)domain;
	(void)attachment;
	return 0;
}

/* Taking it from where it is is all that there is to do. */
static int replace(struct viommu_domain *from, struct viommu_domain *to, struct attachment *attachment)
{
	(void)to;
	return from->ops->detach(from, attachment);
}

static void destroy(struct viommu_domain *domain)
{
	domain_end(domain);
	port_free(domain, sizeof(*domain), 0);
}

static const struct domain_ops blocked_ops = {
	.kind = VIOMMU_KIND_BLOCKED,
	.attach = attach,
	.detach = attach,
	.replace = replace,
	.destroy = destroy,
};

int viommu_domain_create_blocked(struct viommu_vm *vm, struct viommu_host *host, struct viommu_domain **out)
{
	struct viommu_domain *domain = port_alloc(sizeof(*domain), 0);
	struct host_vm *host_vm;
	int error;

	if (!domain)
		return -PORT_ENOMEM;
	port_lock(&vm->lock);
	error = domain_begin(domain, vm, host, 0, UINT64_MAX, &host_vm);
	if (!error)
		domain_enter(domain, &blocked_ops);
	port_unlock(&vm->lock);
	if (error) {
		port_free(domain, sizeof(*domain), 0);
		return error;
	}
	*out = domain;
	return 0;
}
