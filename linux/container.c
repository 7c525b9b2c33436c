/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of a container, and its ioctls.
 *
 * VFIO ends a container when its last group leaves, while other threads may be in an ioctl of it:
 * VFIO's data is therefore not a pointer but a handle. An ioctl holds a reference to the container
 * that it has found; the end of a container takes the handle away and waits for the references.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "container.h"
#include "nest.h"

/* Others of the core's guest IOMMUs have no tables. */
#define DATA_TYPES                                                                                                                             \
	(BIT_ULL(VFIO_VIOMMU_DATA_ZPCI) | BIT_ULL(VFIO_VIOMMU_DATA_SMMUV3) | BIT_ULL(VFIO_VIOMMU_DATA_VTD) | BIT_ULL(VFIO_VIOMMU_DATA_AMDVI) | \
	 BIT_ULL(VFIO_VIOMMU_DATA_DIRECT))

static_assert(PAGE_SIZE == VIOMMU_PAGE_SIZE, "guests and IOMMUs are served in pages of 4096 bytes");

/* struct container by handle */
static DEFINE_XARRAY_ALLOC1(containers);

static struct container *get(void *handle)
{
	return shared_get(&containers, (unsigned long)handle);
}

static void put(struct container *container)
{
	shared_put(&container->shared);
}

static int create(struct container *container, bool paged)
{
	int error = pinned_init(&container->pinned);

	if (error)
		return error;
	error = space_vm_create(paged ? VIOMMU_PIN_ON_REFRESH : VIOMMU_PIN_GUEST, &container->vm);
	if (error) {
		pinned_destroy(&container->pinned);
		return error;
	}
	container->paged = paged;
	container->host.container = container;
	space_host_init(&container->host.viommu, paged ? &group_paged_ops : &group_pinned_ops);
	mutex_init(&container->lock);
	/* A refresh reads it while another range is added or removed. */
	mt_init_flags(&container->memory, MT_FLAGS_USE_RCU);
	INIT_LIST_HEAD(&container->groups);
	init_rwsem(&container->reserved);
	xa_init_flags(&container->domains, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	xa_init_flags(&container->machines, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
	shared_init(&container->shared);
	return 0;
}

/* Nothing uses it any more. */
static void destroy(struct container *container)
{
	vfio_iommu_destroy_all(container);
	vfio_domain_destroy_all(container);
	while (!list_empty(&container->groups))
		group_leave(container, list_first_entry(&container->groups, struct group, in_container)->iommu_group);
	viommu_vm_destroy(container->vm);
	memory_unmap_all(container);
	pinned_destroy(&container->pinned);
	events_end(container);
	mutex_destroy(&container->lock);
	kfree(container);
}

static void *container_open(unsigned long type)
{
	struct container *container;
	u32 handle;
	int error;

	if (type != VFIO_VIOMMU_PINNED_IOMMU && type != VFIO_VIOMMU_PAGED_IOMMU)
		return ERR_PTR(-EINVAL);
	container = kzalloc(sizeof(*container), GFP_KERNEL_ACCOUNT);
	if (!container)
		return ERR_PTR(-ENOMEM);
	error = create(container, type == VFIO_VIOMMU_PAGED_IOMMU);
	if (error) {
		kfree(container);
		return ERR_PTR(error);
	}
	error = xa_alloc(&containers, &handle, container, xa_limit_31b, GFP_KERNEL);
	if (error) {
		destroy(container);
		return ERR_PTR(error);
	}
	return (void *)(unsigned long)handle;
}

static void container_release(void *handle)
{
	struct container *container = xa_erase(&containers, (unsigned long)handle);

	shared_end(&container->shared);
	destroy(container);
}

static int container_attach_group(void *handle, struct iommu_group *group, enum vfio_group_type type)
{
	struct container *container;
	int error;

	if (type != VFIO_IOMMU)
		return -EOPNOTSUPP;
	container = get(handle);
	if (!container)
		return -ENODEV;
	mutex_lock(&container->lock);
	error = group_join(container, group);
	mutex_unlock(&container->lock);
	put(container);
	return error;
}

static void container_detach_group(void *handle, struct iommu_group *group)
{
	struct container *container = get(handle);

	if (!container)
		return;
	mutex_lock(&container->lock);
	group_leave(container, group);
	mutex_unlock(&container->lock);
	put(container);
}

/* The arguments of any ioctl. */
union arguments {
	struct {
		u32 argsz;
		u32 flags;
	} head;
	struct vfio_iommu_type1_dma_map map;
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_viommu_domain_create create;
	struct vfio_viommu_domain_destroy destroy;
	struct vfio_viommu_attach attach;
	struct vfio_viommu_refresh refresh;
	struct vfio_viommu_iommu_create iommu_create;
	struct vfio_viommu_iommu_destroy iommu_destroy;
	struct vfio_viommu_iommu_device iommu_device;
	struct vfio_viommu_iommu_access iommu_access;
	struct vfio_viommu_iommu_fault iommu_fault;
	struct vfio_viommu_iommu_kvm iommu_kvm;
	struct vfio_viommu_info info;
	struct vfio_viommu_events events;
};

#define IOCTL(function, member)                                                             \
	static long ioctl_##member(struct container *container, union arguments *arguments) \
	{                                                                                   \
		return function(container, &arguments->member);                             \
	}
IOCTL(memory_map, map)
IOCTL(memory_unmap, unmap)
IOCTL(vfio_domain_create, create)
IOCTL(vfio_domain_destroy, destroy)
IOCTL(vfio_domain_attach, attach)
IOCTL(vfio_domain_refresh, refresh)
IOCTL(vfio_iommu_create, iommu_create)
IOCTL(vfio_iommu_destroy, iommu_destroy)
IOCTL(vfio_iommu_device, iommu_device)
IOCTL(vfio_iommu_access, iommu_access)
IOCTL(vfio_iommu_fault, iommu_fault)
IOCTL(vfio_iommu_kvm, iommu_kvm)

static long ioctl_info(struct container *container, union arguments *arguments)
{
	struct vfio_viommu_info *info = &arguments->info;
	long error = group_info(container, info);

	if (error)
		return error;
	info->out_domains = container->domain_number;
	info->out_data_types = DATA_TYPES;
	info->out_mapped = container->mapped;
	info->out_pinned = (u64)READ_ONCE(container->pinned.charged) << PAGE_SHIFT;
	return 0;
}

static long ioctl_events(struct container *container, union arguments *arguments)
{
	return events_open(container);
}

struct ioctl {
	unsigned int command;
	u32 least; /* bytes of the struct's first version, which are those that there are */
	u32 flags; /* that are known */
	bool out;
	bool unlocked; /* without the container's lock */
	long (*run)(struct container *container, union arguments *arguments);
};

static const struct ioctl ioctls[] = {
	{ VFIO_VIOMMU_REFRESH, sizeof(struct vfio_viommu_refresh), 0, true, true, ioctl_refresh },
	{ VFIO_IOMMU_MAP_DMA, offsetofend(struct vfio_iommu_type1_dma_map, size), VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE, false, false, ioctl_map },
	{ VFIO_IOMMU_UNMAP_DMA, offsetofend(struct vfio_iommu_type1_dma_unmap, size), VFIO_DMA_UNMAP_FLAG_ALL, true, false, ioctl_unmap },
	{ VFIO_VIOMMU_DOMAIN_CREATE, sizeof(struct vfio_viommu_domain_create), 0, true, false, ioctl_create },
	{ VFIO_VIOMMU_DOMAIN_DESTROY, sizeof(struct vfio_viommu_domain_destroy), 0, false, false, ioctl_destroy },
	{ VFIO_VIOMMU_ATTACH, sizeof(struct vfio_viommu_attach), 0, false, false, ioctl_attach },
	{ VFIO_VIOMMU_INFO, sizeof(struct vfio_viommu_info), 0, true, false, ioctl_info },
	{ VFIO_VIOMMU_EVENTS, sizeof(struct vfio_viommu_events), 0, false, false, ioctl_events },
	{ VFIO_VIOMMU_IOMMU_CREATE, sizeof(struct vfio_viommu_iommu_create), 0, true, false, ioctl_iommu_create },
	{ VFIO_VIOMMU_IOMMU_DESTROY, sizeof(struct vfio_viommu_iommu_destroy), 0, false, false, ioctl_iommu_destroy },
	{ VFIO_VIOMMU_IOMMU_DEVICE, sizeof(struct vfio_viommu_iommu_device), VFIO_VIOMMU_IOMMU_DEVICE_REMOVE | VFIO_VIOMMU_IOMMU_DEVICE_ANNOUNCES, false, false,
	  ioctl_iommu_device },
	{ VFIO_VIOMMU_IOMMU_ACCESS, sizeof(struct vfio_viommu_iommu_access), VFIO_VIOMMU_IOMMU_ACCESS_STORE, true, true, ioctl_iommu_access },
	{ VFIO_VIOMMU_IOMMU_FAULT, sizeof(struct vfio_viommu_iommu_fault), 0, true, false, ioctl_iommu_fault },
	{ VFIO_VIOMMU_IOMMU_KVM, sizeof(struct vfio_viommu_iommu_kvm), 0, false, false, ioctl_iommu_kvm },
};

static long run(struct container *container, const struct ioctl *ioctl, void __user *user)
{
	union arguments arguments = {};
	long error;

	if (copy_from_user(&arguments, user, ioctl->least))
		return -EFAULT;
	if (arguments.head.argsz < ioctl->least || arguments.head.flags & ~ioctl->flags)
		return -EINVAL;
	/* Others may make a domain meanwhile, which takes as long as its tables are large. */
	if (!ioctl->unlocked && mutex_lock_killable(&container->lock))
		return -EINTR;
	error = ioctl->run(container, &arguments);
	if (!ioctl->unlocked)
		mutex_unlock(&container->lock);
	if (ioctl->out && copy_to_user(user, &arguments, ioctl->least))
		return -EFAULT;
	return error;
}

static long check_extension(struct container *container, unsigned long extension)
{
	long answer;

	switch (extension) {
	case VFIO_VIOMMU_PINNED_IOMMU:
	case VFIO_VIOMMU_PAGED_IOMMU:
		return 1;
	case VFIO_UNMAP_ALL:
		return container ? 1 : 0;
	case VFIO_DMA_CC_IOMMU:
		if (!container)
			return 0;
		mutex_lock(&container->lock);
		answer = group_all_coherent(container);
		mutex_unlock(&container->lock);
		return answer;
	default:
		return 0;
	}
}

static long container_ioctl(void *handle, unsigned int command, unsigned long argument)
{
	struct container *container = handle ? get(handle) : NULL;
	long answer = -ENOTTY;

	if (command == VFIO_CHECK_EXTENSION) {
		answer = check_extension(container, argument);
	} else if (!container) {
		answer = -ENODEV;
	} else {
		for (unsigned int i = 0; i < ARRAY_SIZE(ioctls); i++) {
			if (ioctls[i].command == command) {
				answer = run(container, &ioctls[i], (void __user *)argument);
				break;
			}
		}
	}
	if (container)
		put(container);
	return answer;
}

static const struct vfio_iommu_driver_ops driver_ops = {
	.name = "vfio-viommu",
	.owner = THIS_MODULE,
	.open = container_open,
	.release = container_release,
	.ioctl = container_ioctl,
	.attach_group = container_attach_group,
	.detach_group = container_detach_group,
};

static int __init viommu_init(void)
{
	int error = words_module_init();

	if (error)
		return error;
	error = vfio_register_iommu_driver(&driver_ops);
	if (error)
		goto exit_words;
	error = nest_register();
	if (error)
		goto unregister;
	s390_init();
	return 0;
unregister:
	vfio_unregister_iommu_driver(&driver_ops);
exit_words:
	words_module_exit();
	return error;
}

static void __exit viommu_exit(void)
{
	s390_exit();
	nest_unregister();
	vfio_unregister_iommu_driver(&driver_ops);
	words_module_exit();
}

module_init(viommu_init);
module_exit(viommu_exit);

MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("I/O translation through a guest's own tables, for VFIO");
MODULE_VERSION(__stringify(VIOMMU_VERSION_MAJOR) "." __stringify(VIOMMU_VERSION_MINOR) "." __stringify(VIOMMU_VERSION_PATCH));
