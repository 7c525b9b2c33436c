/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Arm's SMMUv3 (IHI 0070): a HWPT is a Stream Table Entry, and belongs to a vIOMMU, which gets the
 * guest's commands. The entry names a context descriptor, which configures stage 1. It is read from
 * guest memory when the HWPT is created, and again when the guest invalidates descriptors.
 *
 * An illegal descriptor, and a malformed table that an invalidation meets, do not translate, and
 * are reported as event records of the vIOMMU.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include <viommu/smmuv3.h>
#include <viommu/smmuv3_spec.h>

#include "guest/common/memory.h"
#include "guest/smmuv3/context.h"
#include "guest/smmuv3/spec.h"
#include "nest.h"

#define OUTPUT_BITS  48u
#define STE1_ALLOWED (STE1_S1DSS | STE1_S1_CACHING | STE1_S1STALLD | GENMASK_ULL(29, 28) /* EATS */)

struct nest_smmu {
	struct iommufd_viommu viommu;
	struct mutex lock; /* of HWPTs' domains, which commands replace; before the VM's lock */
	struct list_head hwpts;
};

static struct nest_smmu *smmu_of(struct iommufd_viommu *viommu)
{
	return container_of(viommu, struct nest_smmu, viommu);
}

static bool is_stage1(const struct nest *nest)
{
	return STE0_CONFIG(nest->ste0) == STE_CONFIG_S1;
}

/* Records an event, as SMMUs do of streams that the guest knows. */
static void record(struct nest *nest, u32 event, u64 class, u64 iova, u64 fetch)
{
	struct iommu_vevent_arm_smmuv3 record;
	unsigned long id;

	if (iommufd_viommu_get_vdev_id(nest->hwpt.viommu, nest->device, &id))
		return;
	record.evt[0] = cpu_to_le64(event | (u64)id << EVENT0_SID_SHIFT);
	record.evt[1] = cpu_to_le64(class);
	record.evt[2] = cpu_to_le64(iova);
	record.evt[3] = cpu_to_le64(fetch & EVENT3_FETCH);
	iommufd_viommu_report_event(nest->hwpt.viommu, IOMMU_VEVENTQ_TYPE_ARM_SMMUV3, &record, sizeof(record));
}

static void record_malformed(struct nest *nest, const struct viommu_fault *fault)
{
	if (fault->reason == VIOMMU_FAULT_TABLE_UNBACKED)
		record(nest, VIOMMU_SMMUV3_F_WALK_EABT, EVENT1_CLASS_TABLE | EVENT1_READ, fault->iova, fault->entry_gpa);
	else if (nest->cd[0] & CD0_R)
		record(nest, fault->reason == VIOMMU_FAULT_ADDRESS_SIZE ? VIOMMU_SMMUV3_F_ADDR_SIZE : VIOMMU_SMMUV3_F_TRANSLATION,
		       EVENT1_CLASS_INPUT | EVENT1_READ, fault->iova, 0);
}

/* With the VM's lock held. */
static bool load_descriptor(struct nest *nest, u64 cd[CD_WORDS])
{
	struct nest_vm *vm = nest_vm_of(nest->hwpt.parent);
	struct guest_memory memory;
	bool loaded;

	if (nest_find_memory(vm) < 0)
		return false;
	guest_memory_init(&memory, vm->vm);
	loaded = guest_memory_load(&memory, nest->ste0 & STE0_S1CONTEXTPTR, cd, CD_WORDS);
	guest_memory_destroy(&memory);
	return loaded;
}

/* The same, for a HWPT that has no domain. *event: the reason why nothing is reached. */
static int create_stage1(struct nest *nest, u32 *event)
{
	struct viommu_smmuv3_stage1 stage1 = { .size = sizeof(stage1), .output_bits = OUTPUT_BITS };
	int error;

	memset(nest->cd, 0, sizeof(nest->cd));
	*event = VIOMMU_SMMUV3_F_CD_FETCH;
	if (!load_descriptor(nest, nest->cd))
		return 0;
	memcpy(stage1.cd, nest->cd, sizeof(stage1.cd));
	error = nest_create(nest, VIOMMU_DOMAIN_SMMUV3, &stage1);
	/* As an SMMU without these features. */
	*event = error == -EINVAL || error == -ERANGE ? VIOMMU_SMMUV3_C_BAD_CD : 0;
	return *event ? 0 : error;
}

int nest_smmuv3_create(struct nest *nest, const struct iommu_user_data *user_data)
{
	struct iommu_hwpt_arm_smmuv3 smmuv3;
	u32 event;
	u64 ste1;
	int error;

	/* As with hardware, whose invalidations come to the vIOMMU. */
	if (!nest->hwpt.viommu || nest->hwpt.viommu->type != IOMMU_VIOMMU_TYPE_ARM_SMMUV3)
		return -EOPNOTSUPP;
	error = iommu_copy_struct_from_user(&smmuv3, user_data, IOMMU_HWPT_DATA_ARM_SMMUV3, ste);
	if (error)
		return error;
	nest->ste0 = le64_to_cpu(smmuv3.ste[0]);
	ste1 = le64_to_cpu(smmuv3.ste[1]);
	/* Tables of descriptors are for substreams, which are unsupported. */
	if (!(nest->ste0 & STE0_V) || nest->ste0 & ~(STE0_V | 7ull << STE0_CONFIG_SHIFT | STE0_S1CONTEXTPTR) || ste1 & ~STE1_ALLOWED)
		return -EIO;
	switch (STE0_CONFIG(nest->ste0)) {
	case STE_CONFIG_ABORT:
		return 0;
	case STE_CONFIG_BYPASS:
		return nest_create_direct(nest);
	case STE_CONFIG_S1:
		return create_stage1(nest, &event);
	default:
		return -EIO;
	}
}

void nest_smmuv3_join(struct nest *nest)
{
	struct nest_smmu *smmu = smmu_of(nest->hwpt.viommu);

	mutex_lock(&smmu->lock);
	list_add_tail(&nest->in_viommu, &smmu->hwpts);
	mutex_unlock(&smmu->lock);
}

void nest_smmuv3_leave(struct nest *nest)
{
	struct nest_smmu *smmu = smmu_of(nest->hwpt.viommu);

	mutex_lock(&smmu->lock);
	list_del(&nest->in_viommu);
	mutex_unlock(&smmu->lock);
}

/* Descriptors may have changed. The rest of the HWPT, and what is attached to it, stays. */
static int configure(struct nest *nest)
{
	struct nest_vm *vm = nest_vm_of(nest->hwpt.parent);
	u64 cd[CD_WORDS];
	u32 event = 0;
	int error = 0;

	if (!is_stage1(nest))
		return 0;
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	if (!nest->domain || !load_descriptor(nest, cd) || memcmp(cd, nest->cd, sizeof(cd))) {
		viommu_domain_destroy(nest->domain);
		nest->domain = NULL;
		error = create_stage1(nest, &event);
	}
	mutex_unlock(&vm->lock);
	if (event)
		record(nest, event, 0, 0, event == VIOMMU_SMMUV3_F_CD_FETCH ? nest->ste0 & STE0_S1CONTEXTPTR : 0);
	return error;
}

static int refresh(struct nest *nest, u64 first, u64 last)
{
	struct nest_vm *vm = nest_vm_of(nest->hwpt.parent);
	struct viommu_refresh_result result = {};
	int error;

	if (!nest->domain)
		return 0;
	if (!is_stage1(nest)) {
		mutex_lock(&vm->lock);
		error = nest_find_memory(vm);
		mutex_unlock(&vm->lock);
		return min(error, 0);
	}
	error = nest_invalidate(nest, first, last, &result);
	if (error == -EFAULT)
		record_malformed(nest, &result.fault);
	return error == -EFAULT ? 0 : error;
}

/* A global entry is invalidated whatever the ASID. */
static int invalidate(struct nest_smmu *smmu, const u64 command[2])
{
	unsigned int tg = VIOMMU_SMMUV3_CMD1_TG(command[1]);
	u64 first = 0, last = U64_MAX, bytes = PAGE_SIZE;
	struct nest *nest;
	int error = 0;

	switch (VIOMMU_SMMUV3_CMD0_OPCODE(command[0])) {
	case VIOMMU_SMMUV3_CMD_TLBI_NH_VA:
	case VIOMMU_SMMUV3_CMD_TLBI_NH_VAA:
		if (tg)
			bytes = (u64)(VIOMMU_SMMUV3_CMD0_NUM(command[0]) + 1) << VIOMMU_SMMUV3_CMD0_SCALE(command[0]) << (10 + 2 * tg);
		first = command[1] & VIOMMU_SMMUV3_CMD1_ADDRESS;
		last = first + (bytes - 1) < first ? U64_MAX : first + (bytes - 1);
		break;
	case VIOMMU_SMMUV3_CMD_TLBI_NH_ASID:
	case VIOMMU_SMMUV3_CMD_TLBI_NH_ALL:
	case VIOMMU_SMMUV3_CMD_TLBI_NSNH_ALL:
		break;
	case VIOMMU_SMMUV3_CMD_CFGI_CD:
	case VIOMMU_SMMUV3_CMD_CFGI_CD_ALL:
		list_for_each_entry (nest, &smmu->hwpts, in_viommu)
			error = error ? error : configure(nest);
		return error;
	default:
		return -EIO;
	}
	list_for_each_entry (nest, &smmu->hwpts, in_viommu)
		error = error ? error : refresh(nest, first, last);
	return error;
}

static int invalidate_array(struct iommufd_viommu *viommu, struct iommu_user_data_array *array)
{
	struct nest_smmu *smmu = smmu_of(viommu);
	u32 number = array->entry_num, done = 0;
	int error = array->type == IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 ? 0 : -EINVAL;

	if (!error && mutex_lock_killable(&smmu->lock))
		error = -EINTR;
	array->entry_num = 0;
	if (error)
		return error;
	while (!error && done < number) {
		struct iommu_viommu_arm_smmuv3_invalidate entry;
		u64 command[2];

		array->entry_num = number;
		error = iommu_copy_struct_from_user_array(&entry, array, IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3, done, cmd);
		if (error)
			break;
		command[0] = le64_to_cpu(entry.cmd[0]);
		command[1] = le64_to_cpu(entry.cmd[1]);
		error = fatal_signal_pending(current) ? -EINTR : invalidate(smmu, command);
		done += !error;
		cond_resched();
	}
	mutex_unlock(&smmu->lock);
	array->entry_num = done;
	return error;
}

static void destroy(struct iommufd_viommu *viommu)
{
	mutex_destroy(&smmu_of(viommu)->lock);
}

static const struct iommufd_viommu_ops viommu_ops = {
	.destroy = destroy,
	.cache_invalidate = invalidate_array,
};

size_t nest_smmuv3_viommu_size(void)
{
	return VIOMMU_STRUCT_SIZE(struct nest_smmu, viommu);
}

void nest_smmuv3_viommu_init(struct iommufd_viommu *viommu)
{
	struct nest_smmu *smmu = smmu_of(viommu);

	mutex_init(&smmu->lock);
	INIT_LIST_HEAD(&smmu->hwpts);
	viommu->ops = &viommu_ops;
}
