// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's support for an IOMMU that walks a guest's tables itself, beyond a host's report of
 * itself: the tables that an SMMUv3's first stage supports, and whether iommufd makes its side of a
 * guest's SMMUv3, without which it does not nest (Linux: Documentation/userspace-api/iommufd.rst,
 * IOMMUFD_OBJ_VIOMMU).
 *
 * Of the identification registers only those fields are used that the kernel's interface defines
 * for users (Linux: include/uapi/linux/iommufd.h, struct iommu_hw_info_arm_smmuv3). Everything made
 * here is destroyed with its iommufd.
 */
#include "probe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/iommufd.h"
#include "host/iommufd_abi_smmuv3.h"
#include "host/vfio_ioctl.h"

/* A field of a register, its highest and its lowest bit as the specification names them. */
static uint32_t field(uint32_t value, unsigned int high, unsigned int low)
{
	return value >> low & ((UINT32_C(1) << (high - low + 1)) - 1);
}

/*
 * Arm IHI 0070, 6.3.1 to 6.3.6: ASID16; STALL_MODEL, of which 1 is "not supported"; SIDSIZE;
 * SSIDSIZE; VAX; GRAN4K, GRAN16K and GRAN64K.
 */
static void describe(struct probe_smmuv3 *smmu, const uint32_t idr[6])
{
	memcpy(smmu->idr, idr, sizeof(smmu->idr));
	smmu->asid_bits = field(idr[0], 12, 12) ? 16 : 8;
	smmu->stalls = field(idr[0], 25, 24) != 1;
	smmu->stream_bits = field(idr[1], 5, 0);
	smmu->substream_bits = field(idr[1], 10, 6);
	smmu->address_bits = field(idr[5], 11, 10) ? 52 : 48;
	smmu->granules = field(idr[5], 4, 4) << 12 | field(idr[5], 5, 5) << 14 | field(idr[5], 6, 6) << 16;
}

/*
 * Whether the kernel makes its side of a guest's SMMUv3: a table for the guest's memory first,
 * which the guest's own are nested in.
 */
static int make_guest_smmu(int fd, uint32_t device)
{
	struct iommufd_abi_viommu_alloc call = { .size = sizeof(call), .type = IOMMUFD_ABI_VIOMMU_SMMUV3, .device = device };
	uint32_t ioas;
	int error = iommufd_ioas_alloc(fd, &ioas);

	if (!error)
		error = iommufd_hwpt_alloc(fd, device, ioas, IOMMUFD_ABI_HWPT_NEST_PARENT, &call.hwpt);
	return error ? error : vfio_ioctl(fd, IOMMUFD_ABI_VIOMMU_ALLOC, &call);
}

static void ask(int fd, uint32_t device, struct probe_smmuv3 *smmu)
{
	struct iommufd_abi_hw_info_smmuv3 info = { 0 };
	struct iommufd_abi_hw_info call = { .size = sizeof(call), .device = device, .data_bytes = sizeof(info), .data = (uint64_t)(uintptr_t)&info };

	if (vfio_ioctl(fd, IOMMUFD_ABI_GET_HW_INFO, &call) || call.out_type != IOMMUFD_ABI_HW_INFO_SMMUV3)
		return;
	smmu->known = true;
	describe(smmu, info.idr);
	smmu->error = make_guest_smmu(fd, device);
}

bool probe_has_smmuv3(const struct probe_machine *machine)
{
	for (uint32_t i = 0; i < machine->iommu_count; i++)
		if (!strcmp(machine->iommus[i].type, "SMMUv3"))
			return true;
	return false;
}

void probe_ask_smmuv3(const char *cdev_node, struct probe_smmuv3 *smmu)
{
	struct vfio_abi_bind_iommufd bind = { .size = sizeof(bind) };
	int device = vfio_open(cdev_node);
	int fd = vfio_open("/dev/iommu");

	bind.iommufd = fd;
	if (device >= 0 && fd >= 0 && !vfio_ioctl(device, VFIO_ABI_BIND_IOMMUFD, &bind))
		ask(fd, bind.out_id, smmu);
	if (device >= 0)
		close(device);
	if (fd >= 0)
		close(fd);
}
