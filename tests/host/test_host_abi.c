/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Our own definitions of the kernel's interface against those of the system's headers, as far as these have them. */
#include "host/iommufd_abi_smmuv3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/vfio.h>

#if __has_include(<linux/iommufd.h>)
#include <linux/iommufd.h>
#endif

#define SAME_SIZE(ours, theirs) assert_int_equal(sizeof(struct ours), sizeof(struct theirs))
#define SAME_MEMBER(ours, our_member, theirs, their_member)                                                           \
	do {                                                                                                          \
		assert_int_equal(offsetof(struct ours, our_member), offsetof(struct theirs, their_member));           \
		assert_int_equal(sizeof(((struct ours *)0)->our_member), sizeof(((struct theirs *)0)->their_member)); \
	} while (0)

/* These were there when iommufd came. */
static void iommufd(void **state)
{
	(void)state;
#ifdef IOMMU_IOAS_MAP
	assert_int_equal(IOMMUFD_ABI_DESTROY, IOMMU_DESTROY);
	assert_int_equal(IOMMUFD_ABI_IOAS_ALLOC, IOMMU_IOAS_ALLOC);
	assert_int_equal(IOMMUFD_ABI_COPY, IOMMU_IOAS_COPY);
	assert_int_equal(IOMMUFD_ABI_IOVA_RANGES, IOMMU_IOAS_IOVA_RANGES);
	assert_int_equal(IOMMUFD_ABI_MAP, IOMMU_IOAS_MAP);
	assert_int_equal(IOMMUFD_ABI_UNMAP, IOMMU_IOAS_UNMAP);
	assert_int_equal(IOMMUFD_ABI_MAP_FIXED, IOMMU_IOAS_MAP_FIXED_IOVA);
	assert_int_equal(IOMMUFD_ABI_MAP_WRITE, IOMMU_IOAS_MAP_WRITEABLE);
	assert_int_equal(IOMMUFD_ABI_MAP_READ, IOMMU_IOAS_MAP_READABLE);
	SAME_SIZE(iommufd_abi_destroy, iommu_destroy);
	SAME_MEMBER(iommufd_abi_destroy, id, iommu_destroy, id);
	SAME_SIZE(iommufd_abi_ioas_alloc, iommu_ioas_alloc);
	SAME_MEMBER(iommufd_abi_ioas_alloc, flags, iommu_ioas_alloc, flags);
	SAME_MEMBER(iommufd_abi_ioas_alloc, out_id, iommu_ioas_alloc, out_ioas_id);
	SAME_SIZE(iommufd_abi_range, iommu_iova_range);
	SAME_MEMBER(iommufd_abi_range, first, iommu_iova_range, start);
	SAME_MEMBER(iommufd_abi_range, last, iommu_iova_range, last);
	SAME_SIZE(iommufd_abi_iova_ranges, iommu_ioas_iova_ranges);
	SAME_MEMBER(iommufd_abi_iova_ranges, ioas, iommu_ioas_iova_ranges, ioas_id);
	SAME_MEMBER(iommufd_abi_iova_ranges, number, iommu_ioas_iova_ranges, num_iovas);
	SAME_MEMBER(iommufd_abi_iova_ranges, ranges, iommu_ioas_iova_ranges, allowed_iovas);
	SAME_MEMBER(iommufd_abi_iova_ranges, out_alignment, iommu_ioas_iova_ranges, out_iova_alignment);
	SAME_SIZE(iommufd_abi_map, iommu_ioas_map);
	SAME_MEMBER(iommufd_abi_map, flags, iommu_ioas_map, flags);
	SAME_MEMBER(iommufd_abi_map, ioas, iommu_ioas_map, ioas_id);
	SAME_MEMBER(iommufd_abi_map, hva, iommu_ioas_map, user_va);
	SAME_MEMBER(iommufd_abi_map, bytes, iommu_ioas_map, length);
	SAME_MEMBER(iommufd_abi_map, iova, iommu_ioas_map, iova);
	SAME_SIZE(iommufd_abi_copy, iommu_ioas_copy);
	SAME_MEMBER(iommufd_abi_copy, flags, iommu_ioas_copy, flags);
	SAME_MEMBER(iommufd_abi_copy, to, iommu_ioas_copy, dst_ioas_id);
	SAME_MEMBER(iommufd_abi_copy, from, iommu_ioas_copy, src_ioas_id);
	SAME_MEMBER(iommufd_abi_copy, bytes, iommu_ioas_copy, length);
	SAME_MEMBER(iommufd_abi_copy, to_iova, iommu_ioas_copy, dst_iova);
	SAME_MEMBER(iommufd_abi_copy, from_iova, iommu_ioas_copy, src_iova);
	SAME_SIZE(iommufd_abi_unmap, iommu_ioas_unmap);
	SAME_MEMBER(iommufd_abi_unmap, ioas, iommu_ioas_unmap, ioas_id);
	SAME_MEMBER(iommufd_abi_unmap, iova, iommu_ioas_unmap, iova);
	SAME_MEMBER(iommufd_abi_unmap, bytes, iommu_ioas_unmap, length);
#else
	skip(); /* no linux/iommufd.h here */
#endif
}

static void page_tables(void **state)
{
	(void)state;
#ifdef IOMMU_HWPT_ALLOC
	assert_int_equal(IOMMUFD_ABI_HWPT_ALLOC, IOMMU_HWPT_ALLOC);
	assert_int_equal(IOMMUFD_ABI_HWPT_NEST_PARENT, IOMMU_HWPT_ALLOC_NEST_PARENT);
	assert_int_equal(IOMMUFD_ABI_HWPT_DIRTY_TRACKING, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	/* Ours ends where the first version of the kernel's did. */
	assert_int_equal(sizeof(struct iommufd_abi_hwpt_alloc), offsetof(struct iommu_hwpt_alloc, __reserved) + 4);
	SAME_MEMBER(iommufd_abi_hwpt_alloc, flags, iommu_hwpt_alloc, flags);
	SAME_MEMBER(iommufd_abi_hwpt_alloc, device, iommu_hwpt_alloc, dev_id);
	SAME_MEMBER(iommufd_abi_hwpt_alloc, ioas, iommu_hwpt_alloc, pt_id);
	SAME_MEMBER(iommufd_abi_hwpt_alloc, out_id, iommu_hwpt_alloc, out_hwpt_id);
#else
	skip(); /* the system's headers are older than Linux 6.6, or have no iommufd */
#endif
}

static void files(void **state)
{
	(void)state;
#ifdef IOMMU_IOAS_MAP_FILE
	assert_int_equal(IOMMUFD_ABI_MAP_FILE, IOMMU_IOAS_MAP_FILE);
	SAME_SIZE(iommufd_abi_map_file, iommu_ioas_map_file);
	SAME_MEMBER(iommufd_abi_map_file, flags, iommu_ioas_map_file, flags);
	SAME_MEMBER(iommufd_abi_map_file, ioas, iommu_ioas_map_file, ioas_id);
	SAME_MEMBER(iommufd_abi_map_file, fd, iommu_ioas_map_file, fd);
	SAME_MEMBER(iommufd_abi_map_file, offset, iommu_ioas_map_file, start);
	SAME_MEMBER(iommufd_abi_map_file, bytes, iommu_ioas_map_file, length);
	SAME_MEMBER(iommufd_abi_map_file, iova, iommu_ioas_map_file, iova);
#else
	skip(); /* the system's headers are older than Linux 6.13, or have no iommufd */
#endif
}

static void smmuv3(void **state)
{
	(void)state;
#ifdef IOMMU_VIOMMU_ALLOC
	assert_int_equal(IOMMUFD_ABI_GET_HW_INFO, IOMMU_GET_HW_INFO);
	assert_int_equal(IOMMUFD_ABI_HW_INFO_SMMUV3, IOMMU_HW_INFO_TYPE_ARM_SMMUV3);
	assert_int_equal(sizeof(struct iommufd_abi_hw_info), offsetof(struct iommu_hw_info, out_capabilities) + 8);
	SAME_MEMBER(iommufd_abi_hw_info, flags, iommu_hw_info, flags);
	SAME_MEMBER(iommufd_abi_hw_info, device, iommu_hw_info, dev_id);
	SAME_MEMBER(iommufd_abi_hw_info, data_bytes, iommu_hw_info, data_len);
	SAME_MEMBER(iommufd_abi_hw_info, data, iommu_hw_info, data_uptr);
	SAME_MEMBER(iommufd_abi_hw_info, out_type, iommu_hw_info, out_data_type);
	SAME_SIZE(iommufd_abi_hw_info_smmuv3, iommu_hw_info_arm_smmuv3);
	SAME_MEMBER(iommufd_abi_hw_info_smmuv3, idr, iommu_hw_info_arm_smmuv3, idr);
	assert_int_equal(IOMMUFD_ABI_VIOMMU_ALLOC, IOMMU_VIOMMU_ALLOC);
	assert_int_equal(IOMMUFD_ABI_VIOMMU_SMMUV3, IOMMU_VIOMMU_TYPE_ARM_SMMUV3);
	/* Ours ends where the first version of the kernel's did. */
	assert_int_equal(sizeof(struct iommufd_abi_viommu_alloc), offsetof(struct iommu_viommu_alloc, out_viommu_id) + 4);
	SAME_MEMBER(iommufd_abi_viommu_alloc, type, iommu_viommu_alloc, type);
	SAME_MEMBER(iommufd_abi_viommu_alloc, device, iommu_viommu_alloc, dev_id);
	SAME_MEMBER(iommufd_abi_viommu_alloc, hwpt, iommu_viommu_alloc, hwpt_id);
	SAME_MEMBER(iommufd_abi_viommu_alloc, out_id, iommu_viommu_alloc, out_viommu_id);
#else
	skip(); /* the system's headers are older than Linux 6.13, or have no iommufd */
#endif
}

static void nesting(void **state)
{
	(void)state;
#ifdef IOMMU_VEVENTQ_ALLOC
	assert_int_equal(IOMMUFD_ABI_HWPT_INVALIDATE, IOMMU_HWPT_INVALIDATE);
	assert_int_equal(IOMMUFD_ABI_HWPT_DATA_SMMUV3, IOMMU_HWPT_DATA_ARM_SMMUV3);
	assert_int_equal(IOMMUFD_ABI_INVALIDATE_SMMUV3, IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3);
	/* Ours ends where the kernel's was before it had queues of faults. */
	assert_int_equal(sizeof(struct iommufd_abi_hwpt_alloc_nested), offsetof(struct iommu_hwpt_alloc, fault_id));
	SAME_MEMBER(iommufd_abi_hwpt_alloc_nested, flags, iommu_hwpt_alloc, flags);
	SAME_MEMBER(iommufd_abi_hwpt_alloc_nested, device, iommu_hwpt_alloc, dev_id);
	SAME_MEMBER(iommufd_abi_hwpt_alloc_nested, viommu, iommu_hwpt_alloc, pt_id);
	SAME_MEMBER(iommufd_abi_hwpt_alloc_nested, out_id, iommu_hwpt_alloc, out_hwpt_id);
	SAME_MEMBER(iommufd_abi_hwpt_alloc_nested, data_type, iommu_hwpt_alloc, data_type);
	SAME_MEMBER(iommufd_abi_hwpt_alloc_nested, data_bytes, iommu_hwpt_alloc, data_len);
	SAME_MEMBER(iommufd_abi_hwpt_alloc_nested, data, iommu_hwpt_alloc, data_uptr);
	SAME_SIZE(iommufd_abi_hwpt_smmuv3, iommu_hwpt_arm_smmuv3);
	SAME_MEMBER(iommufd_abi_hwpt_smmuv3, ste, iommu_hwpt_arm_smmuv3, ste);
	SAME_SIZE(iommufd_abi_hwpt_invalidate, iommu_hwpt_invalidate);
	SAME_MEMBER(iommufd_abi_hwpt_invalidate, id, iommu_hwpt_invalidate, hwpt_id);
	SAME_MEMBER(iommufd_abi_hwpt_invalidate, data, iommu_hwpt_invalidate, data_uptr);
	SAME_MEMBER(iommufd_abi_hwpt_invalidate, data_type, iommu_hwpt_invalidate, data_type);
	SAME_MEMBER(iommufd_abi_hwpt_invalidate, entry_bytes, iommu_hwpt_invalidate, entry_len);
	SAME_MEMBER(iommufd_abi_hwpt_invalidate, number, iommu_hwpt_invalidate, entry_num);
	SAME_SIZE(iommufd_abi_invalidate_smmuv3, iommu_viommu_arm_smmuv3_invalidate);
	SAME_MEMBER(iommufd_abi_invalidate_smmuv3, command, iommu_viommu_arm_smmuv3_invalidate, cmd);
	assert_int_equal(IOMMUFD_ABI_VDEVICE_ALLOC, IOMMU_VDEVICE_ALLOC);
	SAME_SIZE(iommufd_abi_vdevice_alloc, iommu_vdevice_alloc);
	SAME_MEMBER(iommufd_abi_vdevice_alloc, viommu, iommu_vdevice_alloc, viommu_id);
	SAME_MEMBER(iommufd_abi_vdevice_alloc, device, iommu_vdevice_alloc, dev_id);
	SAME_MEMBER(iommufd_abi_vdevice_alloc, out_id, iommu_vdevice_alloc, out_vdevice_id);
	SAME_MEMBER(iommufd_abi_vdevice_alloc, virtual_id, iommu_vdevice_alloc, virt_id);
	assert_int_equal(IOMMUFD_ABI_VEVENTQ_ALLOC, IOMMU_VEVENTQ_ALLOC);
	assert_int_equal(IOMMUFD_ABI_VEVENTQ_SMMUV3, IOMMU_VEVENTQ_TYPE_ARM_SMMUV3);
	assert_int_equal(IOMMUFD_ABI_VEVENT_LOST, IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	SAME_SIZE(iommufd_abi_veventq_alloc, iommu_veventq_alloc);
	SAME_MEMBER(iommufd_abi_veventq_alloc, flags, iommu_veventq_alloc, flags);
	SAME_MEMBER(iommufd_abi_veventq_alloc, viommu, iommu_veventq_alloc, viommu_id);
	SAME_MEMBER(iommufd_abi_veventq_alloc, type, iommu_veventq_alloc, type);
	SAME_MEMBER(iommufd_abi_veventq_alloc, depth, iommu_veventq_alloc, veventq_depth);
	SAME_MEMBER(iommufd_abi_veventq_alloc, out_id, iommu_veventq_alloc, out_veventq_id);
	SAME_MEMBER(iommufd_abi_veventq_alloc, out_fd, iommu_veventq_alloc, out_veventq_fd);
	SAME_SIZE(iommufd_abi_vevent_header, iommufd_vevent_header);
	SAME_MEMBER(iommufd_abi_vevent_header, flags, iommufd_vevent_header, flags);
	SAME_MEMBER(iommufd_abi_vevent_header, sequence, iommufd_vevent_header, sequence);
	SAME_SIZE(iommufd_abi_vevent_smmuv3, iommu_vevent_arm_smmuv3);
	SAME_MEMBER(iommufd_abi_vevent_smmuv3, record, iommu_vevent_arm_smmuv3, evt);
#else
	skip(); /* the system's headers are older than Linux 6.15, or have no iommufd */
#endif
}

/* Later versions of these go on behind what ours have. */
static void devices(void **state)
{
	(void)state;
#ifdef VFIO_DEVICE_BIND_IOMMUFD
	assert_int_equal(VFIO_ABI_BIND_IOMMUFD, VFIO_DEVICE_BIND_IOMMUFD);
	assert_int_equal(VFIO_ABI_ATTACH_PT, VFIO_DEVICE_ATTACH_IOMMUFD_PT);
	assert_int_equal(VFIO_ABI_DETACH_PT, VFIO_DEVICE_DETACH_IOMMUFD_PT);
	assert_int_equal(sizeof(struct vfio_abi_bind_iommufd), offsetof(struct vfio_device_bind_iommufd, out_devid) + 4);
	SAME_MEMBER(vfio_abi_bind_iommufd, flags, vfio_device_bind_iommufd, flags);
	SAME_MEMBER(vfio_abi_bind_iommufd, iommufd, vfio_device_bind_iommufd, iommufd);
	SAME_MEMBER(vfio_abi_bind_iommufd, out_id, vfio_device_bind_iommufd, out_devid);
	assert_int_equal(sizeof(struct vfio_abi_attach_pt), offsetof(struct vfio_device_attach_iommufd_pt, pt_id) + 4);
	SAME_MEMBER(vfio_abi_attach_pt, flags, vfio_device_attach_iommufd_pt, flags);
	SAME_MEMBER(vfio_abi_attach_pt, id, vfio_device_attach_iommufd_pt, pt_id);
	assert_int_equal(sizeof(struct vfio_abi_detach_pt), offsetof(struct vfio_device_detach_iommufd_pt, flags) + 4);
#ifdef VFIO_DEVICE_ATTACH_PASID
	assert_int_equal(VFIO_ABI_PASID, VFIO_DEVICE_ATTACH_PASID);
	assert_int_equal(VFIO_ABI_PASID, VFIO_DEVICE_DETACH_PASID);
	assert_int_equal(IOMMUFD_ABI_HWPT_PASID, IOMMU_HWPT_ALLOC_PASID);
	SAME_SIZE(vfio_abi_attach_pasid, vfio_device_attach_iommufd_pt);
	SAME_MEMBER(vfio_abi_attach_pasid, id, vfio_device_attach_iommufd_pt, pt_id);
	SAME_MEMBER(vfio_abi_attach_pasid, pasid, vfio_device_attach_iommufd_pt, pasid);
	SAME_SIZE(vfio_abi_detach_pasid, vfio_device_detach_iommufd_pt);
	SAME_MEMBER(vfio_abi_detach_pasid, pasid, vfio_device_detach_iommufd_pt, pasid);
	SAME_MEMBER(iommufd_abi_hw_info, out_pasid_bits, iommu_hw_info, out_max_pasid_log2);
#endif
#else
	skip(); /* the system's headers are older than Linux 6.6 */
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iommufd), cmocka_unit_test(page_tables), cmocka_unit_test(files),
		cmocka_unit_test(smmuv3),  cmocka_unit_test(nesting),	  cmocka_unit_test(devices),
	};

	return cmocka_run_group_tests_name("the kernel's interface", tests, NULL, NULL);
}
