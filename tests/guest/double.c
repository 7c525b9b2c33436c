/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See double.h. One mutex protects everything, but no domain is locked while a refresh of it works:
 * the guest IOMMU must not rely on that.
 */
#include "double.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <viommu/zpci.h>

struct viommu_domain {
	struct viommu_device *device;
	unsigned int refreshing;
	enum viommu_domain_kind kind;
};

struct viommu_device {
	struct viommu_device **attached; /* the domain's pointer back to us */
};

struct double_core double_core;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char vm;
static char host;

struct viommu_vm *double_vm(void)
{
	return (struct viommu_vm *)&vm;
}

struct viommu_host *double_host(void)
{
	return (struct viommu_host *)&host;
}

void double_reset(void)
{
	memset(&double_core, 0, sizeof(double_core));
}

static void fill_result(struct viommu_refresh_result *result, int ret)
{
	if (!result)
		return;
	result->established = ret ? 0 : 1;
	result->fault.reason = ret == -EFAULT ? double_core.fault_reason : VIOMMU_FAULT_NONE;
	result->fault.iova = double_core.fault_iova;
}

int viommu_device_create(struct viommu_vm *of, struct viommu_host *on, const void *data, struct viommu_device **out)
{
	pthread_mutex_lock(&mutex);
	if (of != double_vm() || on != double_host() || data != double_core.device_data)
		double_core.breaches++;
	*out = calloc(1, sizeof(**out));
	double_core.devices++;
	pthread_mutex_unlock(&mutex);
	return 0;
}

void device_set_fault(struct viommu_device *device, int (*fault)(void *ctx, const struct viommu_fault *fault), void *ctx);

void device_set_fault(struct viommu_device *device, int (*fault)(void *ctx, const struct viommu_fault *fault), void *ctx)
{
	(void)device;
	(void)fault;
	(void)ctx;
}

static void take_off(struct viommu_device *device)
{
	if (!device->attached)
		return;
	*device->attached = NULL;
	device->attached = NULL;
	double_core.attached--;
}

void viommu_device_destroy(struct viommu_device *device)
{
	if (!device)
		return;
	pthread_mutex_lock(&mutex);
	take_off(device);
	double_core.devices--;
	pthread_mutex_unlock(&mutex);
	free(device);
}

int viommu_device_detach(struct viommu_device *device, uint32_t pasid)
{
	int ret;

	pthread_mutex_lock(&mutex);
	double_core.breaches += pasid != VIOMMU_NO_PASID;
	ret = device->attached ? double_core.detach : 0;
	if (!ret)
		take_off(device);
	pthread_mutex_unlock(&mutex);
	return ret;
}

int viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device, uint32_t pasid)
{
	struct viommu_device **slot = &domain->device;
	int ret;

	pthread_mutex_lock(&mutex);
	double_core.breaches += pasid != VIOMMU_NO_PASID;
	ret = double_core.attach;
	if (device->attached == slot) {
		ret = 0;
	} else if (device->attached) {
		double_core.breaches++;
		ret = -EBUSY;
	} else if (!ret) {
		*slot = device;
		device->attached = slot;
		double_core.attached++;
	}
	pthread_mutex_unlock(&mutex);
	return ret;
}

int viommu_domain_create(struct viommu_vm *of, struct viommu_host *on, enum viommu_domain_type type, const void *data, struct viommu_refresh_result *result,
			 struct viommu_domain **out)
{
	const struct viommu_zpci_ioat *ioat = data;
	int ret;

	pthread_mutex_lock(&mutex);
	if (of != double_vm() || on != double_host() || type != VIOMMU_DOMAIN_ZPCI || ioat->size != sizeof(*ioat))
		double_core.breaches++;
	ret = double_core.domain_create;
	if (double_core.domain_create_count && !--double_core.domain_create_count)
		double_core.domain_create = 0;
	double_core.creates++;
	double_core.ioat = *ioat;
	fill_result(result, ret);
	if (!ret) {
		*out = calloc(1, sizeof(**out));
		(*out)->kind = VIOMMU_KIND_NESTED;
		double_core.domains++;
	}
	pthread_mutex_unlock(&mutex);
	return ret;
}

void viommu_domain_destroy(struct viommu_domain *domain)
{
	if (!domain)
		return;
	pthread_mutex_lock(&mutex);
	if (domain->refreshing)
		double_core.breaches++;
	if (domain->device)
		take_off(domain->device);
	if (domain->kind == VIOMMU_KIND_DIRECT)
		double_core.directs--;
	else
		double_core.domains--;
	pthread_mutex_unlock(&mutex);
	free(domain);
}

enum viommu_domain_kind viommu_domain_kind(const struct viommu_domain *domain)
{
	return domain->kind;
}

int viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	int ret;

	pthread_mutex_lock(&mutex);
	ret = double_core.refresh;
	domain->refreshing++;
	double_core.refreshes++;
	double_core.refresh_first = first;
	double_core.refresh_last = last;
	pthread_mutex_unlock(&mutex);

	if (double_core.in_refresh)
		ret = double_core.in_refresh(double_core.ctx, first, last);

	pthread_mutex_lock(&mutex);
	domain->refreshing--;
	fill_result(result, ret);
	pthread_mutex_unlock(&mutex);
	return ret;
}

int viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	struct viommu_run run = { .first = first, .last = last, .prot = VIOMMU_RW };

	(void)domain;
	return fn(ctx, &run);
}

int viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault)
{
	(void)domain;
	(void)run;
	*fault = (struct viommu_fault){ .reason = double_core.walk_reason, .iova = iova, .pasid = VIOMMU_NO_PASID };
	return double_core.walk_reason ? -EFAULT : 0;
}

int viommu_domain_stats(struct viommu_domain *domain, struct viommu_domain_stats *stats)
{
	(void)domain;
	stats->refreshes = double_core.refreshes;
	return 0;
}

int viommu_domain_create_direct(struct viommu_vm *of, struct viommu_host *on, uint64_t offset, uint64_t first, uint64_t last, struct viommu_domain **out)
{
	int ret;

	pthread_mutex_lock(&mutex);
	if (of != double_vm() || on != double_host())
		double_core.breaches++;
	ret = double_core.direct_create;
	double_core.creates++;
	double_core.offset = offset;
	double_core.first = first;
	double_core.last = last;
	if (!ret) {
		*out = calloc(1, sizeof(**out));
		(*out)->kind = VIOMMU_KIND_DIRECT;
		double_core.directs++;
	}
	pthread_mutex_unlock(&mutex);
	return ret;
}
