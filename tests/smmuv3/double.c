/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See double.h. */
#include "double.h"

#include <viommu/smmuv3.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rig.h"

#define MOST_DEVICES 64u

/*
 * The double's own functions, seen by this file alone. Domains that are not in `all` are the
 * library's.
 */
struct viommu_domain {
	struct viommu_smmuv3_stage1 data;
	struct viommu_device *device[MOST_DEVICES];
	unsigned int busy;
};

struct double_domains doubles;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct viommu_domain *all[MOST_DEVICES];

int __wrap_viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data,
				struct viommu_refresh_result *result, struct viommu_domain **out);
void __wrap_viommu_domain_destroy(struct viommu_domain *domain);
void __real_viommu_domain_destroy(struct viommu_domain *domain);
enum viommu_domain_kind __wrap_viommu_domain_kind(const struct viommu_domain *domain);
enum viommu_domain_kind __real_viommu_domain_kind(const struct viommu_domain *domain);
int __wrap_viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device, uint32_t pasid);
int __real_viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device, uint32_t pasid);
int __wrap_viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result);
int __wrap_viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);
int __real_viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx);
int __wrap_viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault);
int __wrap_viommu_domain_stats(struct viommu_domain *domain, struct viommu_domain_stats *stats);
int __wrap_viommu_device_detach(struct viommu_device *device, uint32_t pasid);
int __real_viommu_device_detach(struct viommu_device *device, uint32_t pasid);

void double_reset(void)
{
	assert_int_equal(doubles.domains, 0);
	assert_int_equal(doubles.attached, 0);
	assert_int_equal(doubles.breaches, 0);
	memset(&doubles, 0, sizeof(doubles));
}

void double_forget(void)
{
	doubles.refreshes = 0;
}

static int answer(int *value, unsigned int *count)
{
	int now = *value;

	if (*count && !--*count)
		*value = 0;
	return now;
}

static void take_off(struct viommu_device **place)
{
	*place = NULL;
	doubles.attached--;
}

/* The domain that a device is attached to, NULL if none. */
static struct viommu_device **find(const struct viommu_device *device)
{
	for (unsigned int i = 0; i < MOST_DEVICES; i++)
		for (unsigned int n = 0; all[i] && n < MOST_DEVICES; n++)
			if (all[i]->device[n] == device)
				return &all[i]->device[n];
	return NULL;
}

static bool is_double(const struct viommu_domain *domain)
{
	bool found = false;

	pthread_mutex_lock(&mutex);
	for (unsigned int i = 0; i < MOST_DEVICES; i++)
		found |= all[i] == domain;
	pthread_mutex_unlock(&mutex);
	return found;
}

enum viommu_domain_kind __wrap_viommu_domain_kind(const struct viommu_domain *domain)
{
	return is_double(domain) ? VIOMMU_KIND_NESTED : __real_viommu_domain_kind(domain);
}

int __wrap_viommu_domain_create(struct viommu_vm *vm, struct viommu_host *host, enum viommu_domain_type type, const void *data,
				struct viommu_refresh_result *result, struct viommu_domain **out)
{
	const struct viommu_smmuv3_stage1 *stage1 = data;
	unsigned int i = 0;
	int ret;

	pthread_mutex_lock(&mutex);
	doubles.breaches +=
		!vm || !host || type != VIOMMU_DOMAIN_SMMUV3 || stage1->size != sizeof(*stage1) || stage1->nesting != VIOMMU_NESTING_SHADOW || !result;
	doubles.creates++;
	doubles.data = *stage1;
	ret = answer(&doubles.create, &doubles.create_count);
	result->entries = doubles.entries;
	if (!ret) {
		while (all[i])
			i++;
		*out = all[i] = calloc(1, sizeof(**out));
		all[i]->data = *stage1;
		doubles.domains++;
	}
	pthread_mutex_unlock(&mutex);
	return ret;
}

void __wrap_viommu_domain_destroy(struct viommu_domain *domain)
{
	if (!domain || !is_double(domain)) {
		__real_viommu_domain_destroy(domain);
		return;
	}
	pthread_mutex_lock(&mutex);
	doubles.breaches += domain->busy;
	for (unsigned int i = 0; i < MOST_DEVICES; i++) {
		if (domain->device[i])
			take_off(&domain->device[i]);
		if (all[i] == domain)
			all[i] = NULL;
	}
	doubles.domains--;
	pthread_mutex_unlock(&mutex);
	free(domain);
}

/* From a double's domain. Errors are the host's. */
static int leave(const struct viommu_device *device)
{
	struct viommu_device **place;
	int ret;

	pthread_mutex_lock(&mutex);
	place = find(device);
	ret = place ? answer(&doubles.detach, &doubles.detach_count) : 0;
	if (place && !ret) {
		take_off(place);
		__atomic_add_fetch(&doubles.detached, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&mutex);
	return ret;
}

int __wrap_viommu_domain_attach(struct viommu_domain *domain, struct viommu_device *device, uint32_t pasid)
{
	bool is_ours = is_double(domain);
	unsigned int i = 0;
	int ret;

	if (!is_ours && doubles.in_direct)
		doubles.in_direct(doubles.ctx);
	if (leave(device))
		return -EBUSY;
	if (!is_ours)
		return __real_viommu_domain_attach(domain, device, pasid);
	__real_viommu_device_detach(device, pasid);
	pthread_mutex_lock(&mutex);
	ret = answer(&doubles.attach, &doubles.attach_count);
	if (!ret) {
		while (domain->device[i])
			i++;
		domain->device[i] = device;
		doubles.attached++;
	}
	pthread_mutex_unlock(&mutex);
	return ret;
}

int __wrap_viommu_device_detach(struct viommu_device *device, uint32_t pasid)
{
	int ret = leave(device);

	return ret ? ret : __real_viommu_device_detach(device, pasid);
}

int __wrap_viommu_domain_refresh(struct viommu_domain *domain, uint64_t first, uint64_t last, struct viommu_refresh_result *result)
{
	int ret;

	pthread_mutex_lock(&mutex);
	ret = answer(&doubles.refresh, &doubles.refresh_count);
	doubles.breaches += first > last;
	if (result)
		*result = (struct viommu_refresh_result){ 0 };
	if (doubles.refreshes < DOUBLE_REFRESHES)
		doubles.refreshed[doubles.refreshes] = (struct double_refresh){ (unsigned int)(domain->data.cd[0] >> 48), first, last };
	doubles.refreshes++;
	domain->busy++;
	pthread_mutex_unlock(&mutex);
	if (doubles.in_refresh)
		doubles.in_refresh(doubles.ctx);
	pthread_mutex_lock(&mutex);
	domain->busy--;
	pthread_mutex_unlock(&mutex);
	return ret;
}

int __wrap_viommu_domain_walk(struct viommu_domain *domain, uint64_t iova, struct viommu_run *run, struct viommu_fault *fault)
{
	int ret;

	(void)domain;
	pthread_mutex_lock(&mutex);
	ret = doubles.walk;
	if (ret) {
		*fault = doubles.fault;
		fault->iova = iova;
		*run = doubles.run;
		run->prot = 0;
		/* Where the leaf is not the reason, there is no run. */
		run->tables = doubles.run.tables ? doubles.run.tables : fault->reason == VIOMMU_FAULT_LEAF_UNBACKED ? VIOMMU_RW : 0;
	} else {
		*run = doubles.run;
		run->tables = doubles.run.tables ? doubles.run.tables : doubles.run.prot;
	}
	pthread_mutex_unlock(&mutex);
	return ret;
}

int __wrap_viommu_domain_each_run(struct viommu_domain *domain, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	struct viommu_run run = { .first = first, .last = last, .prot = VIOMMU_RW };

	return is_double(domain) ? fn(ctx, &run) : __real_viommu_domain_each_run(domain, first, last, fn, ctx);
}

int __wrap_viommu_domain_stats(struct viommu_domain *domain, struct viommu_domain_stats *stats)
{
	(void)domain;
	stats->refreshes = 1234;
	return 0;
}

bool __wrap_nested_has_leaf_without(struct viommu_domain *domain, uint64_t first, uint64_t last, uint64_t mask);
unsigned int __wrap_nested_leaf_bits(struct viommu_domain *domain);

bool __wrap_nested_has_leaf_without(struct viommu_domain *domain, uint64_t first, uint64_t last, uint64_t mask)
{
	(void)domain;
	doubles.breaches += first > last || !mask;
	return doubles.global;
}

unsigned int __wrap_nested_leaf_bits(struct viommu_domain *domain)
{
	(void)domain;
	return doubles.leaf_bits ? doubles.leaf_bits : 63;
}

int double_setup(void **state)
{
	static struct rig rig;

	double_reset();
	rig_up(&rig);
	*state = &rig;
	return 0;
}

int double_setup_enabled(void **state)
{
	double_setup(state);
	rig_enable(*state);
	return 0;
}

int double_teardown(void **state)
{
	rig_down(*state);
	double_reset();
	return 0;
}
