/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The calls that the library has for each guest IOMMU under alike names, as a template: the
 * including file defines CALL(name) and DEVICE_CALL(name), the names of a function for the guest
 * IOMMU and for one of its devices, and DEVICE, the type of a device. It has no guard.
 */
static void destroy(void *unit)
{
	CALL(destroy)(unit);
}

static void remove_device(void *device)
{
	DEVICE_CALL(remove)(device);
}

static struct viommu_device *device_of(void *device)
{
	return DEVICE_CALL(device)(device);
}

static int miss(void *device, const struct viommu_fault *fault)
{
	return DEVICE_CALL(fault)(device, fault);
}

static void stats(void *device, struct viommu_domain_stats *out)
{
	DEVICE_CALL(stats)(device, out);
}

static int each_run(void *device, uint64_t first, uint64_t last, int (*fn)(void *ctx, const struct viommu_run *run), void *ctx)
{
	return DEVICE_CALL(each_run)(device, first, last, fn, ctx);
}

#define UNIT_CALLS                                                                                                                                          \
	.create = create, .destroy = destroy, .operate = operate, .counts = counts, .add = add, .remove = remove_device, .device = device_of, .miss = miss, \
	.state = state, .stats = stats, .each_run = each_run
