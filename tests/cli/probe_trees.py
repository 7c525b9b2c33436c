# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Machines made of files, for probe.py: what Linux shows in /sys, /proc, /dev and /boot of machines of several kinds.
"""
import os

ROOT_STATUS = "Name:\tbash\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nVmLck:\t       0 kB\nVmPin:\t       0 kB\nCapEff:\t000001ffffffffff\n"
USER_STATUS = "Name:\tbash\nUid:\t4242\t4242\t4242\t4242\nGid:\t4242\t4242\t4242\t4242\nVmLck:\t       4 kB\nVmPin:\t      12 kB\nCapEff:\t0000000000000000\n"
LIMITS = "Limit                     Soft Limit           Hard Limit           Units     \nMax locked memory         8388608              unlimited            bytes     \n"
INTEL = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vme{}\n\n"

# Debian's own kernels: VFIO as modules, no iommufd.
DEBIAN = "CONFIG_IOMMU_SUPPORT=y\nCONFIG_INTEL_IOMMU=y\nCONFIG_AMD_IOMMU=y\nCONFIG_VFIO=m\nCONFIG_VFIO_GROUP=y\nCONFIG_VFIO_CONTAINER=y\nCONFIG_VFIO_IOMMU_TYPE1=m\n" \
         "CONFIG_VFIO_PCI=m\n# CONFIG_IOMMUFD is not set\n"
# VT-d 1.0 with a 48-bit MGAW, pages of 2 MiB and 1 GiB (SLLPS), no scalable mode.
VTD_CAP = f"{(47 << 16) | (3 << 34) | 0x6:x}"
VTD_ECAP = "f00f4a"
MSI = "0x00000000fee00000 0x00000000feefffff msi\n"


class Tree:
    """Files beneath a folder. Folders come with the files in them."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, path):
        return os.path.join(self.folder, path.lstrip("/"))

    def put(self, path, content="", mode=None):
        where = self.path(path)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        with open(where, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        if mode is not None:
            os.chmod(where, mode)

    def link(self, path, target):
        where = self.path(path)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        os.symlink(target, where)

    def folder_at(self, path):
        os.makedirs(self.path(path), exist_ok=True)

    def system(self, architecture="x86_64", release="6.12.1-test", command_line="quiet", status=ROOT_STATUS, config=DEBIAN, hypervisor=False, acpi=("FACP",)):
        self.put("/proc/sys/kernel/arch", architecture + "\n")
        self.put("/proc/sys/kernel/osrelease", release + "\n")
        self.put("/proc/cmdline", command_line + "\n")
        self.put("/proc/self/status", status)
        self.put("/proc/self/limits", LIMITS)
        self.put("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n")
        if architecture == "x86_64":
            self.put("/proc/cpuinfo", INTEL.format(" hypervisor" if hypervisor else ""))
        if architecture != "s390x":
            for table in acpi:
                self.put(f"/sys/firmware/acpi/tables/{table}", "x")
        if config is not None:
            self.put(f"/boot/config-{release}", config)
        self.put(f"/lib/modules/{release}/modules.builtin", "kernel/drivers/iommu/intel/iommu.ko\n")
        self.put(f"/lib/modules/{release}/modules.dep", "kernel/drivers/vfio/vfio.ko.xz:\n"
                 "kernel/drivers/vfio/vfio_iommu_type1.ko.xz: kernel/drivers/vfio/vfio.ko.xz\n"
                 "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/drivers/vfio/pci/vfio-pci-core.ko.xz kernel/drivers/vfio/vfio.ko.xz\n")

    def device(self, address, group=None, driver=None, ids=("0x1234", "0x11e8"), pci_class="0x00ff00", cdev=None, files=()):
        """A PCI function, in its place in sysfs, with the links to it."""
        home = f"/sys/devices/pci0000:00/{address}"
        self.put(f"{home}/vendor", ids[0] + "\n")
        self.put(f"{home}/device", ids[1] + "\n")
        self.put(f"{home}/class", pci_class + "\n")
        for name, content in files:
            self.put(f"{home}/{name}", content)
        self.link(f"{home}/subsystem", "../../../bus/pci")
        self.link(f"/sys/bus/pci/devices/{address}", f"../../../devices/pci0000:00/{address}")
        if driver:
            self.folder_at(f"/sys/bus/pci/drivers/{driver}")
            self.link(f"{home}/driver", f"../../../bus/pci/drivers/{driver}")
        if cdev:
            self.folder_at(f"{home}/vfio-dev/{cdev}")
        if group is not None:
            self.link(f"{home}/iommu_group", f"../../../kernel/iommu_groups/{group}")
            self.link(f"/sys/kernel/iommu_groups/{group}/devices/{address}", f"../../../../devices/pci0000:00/{address}")
            self.put(f"/sys/kernel/iommu_groups/{group}/reserved_regions", MSI)
            self.put(f"/sys/kernel/iommu_groups/{group}/type", "DMA-FQ\n")

    def vtd(self, ecap=VTD_ECAP):
        home = "/sys/devices/virtual/iommu/dmar0"
        self.put(f"{home}/intel-iommu/cap", VTD_CAP + "\n")
        self.put(f"{home}/intel-iommu/ecap", ecap + "\n")
        self.put(f"{home}/intel-iommu/version", "1:0\n")
        self.folder_at(f"{home}/devices/0000:00:05.0")
        self.folder_at(f"{home}/devices/0000:00:06.0")
        self.link("/sys/class/iommu/dmar0", "../../devices/virtual/iommu/dmar0")

    def type1(self, mode=0o666):
        self.put("/dev/vfio/vfio", "", mode)
        self.put("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "65535\n")
        self.put("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n")
        self.folder_at("/sys/module/vfio")
        self.folder_at("/sys/module/vfio_pci")

    def iommufd(self, mode=0o660):
        self.put("/dev/iommu", "", mode)
        self.put("/sys/module/iommufd/parameters/allow_unsafe_interrupts", "N\n")
        self.folder_at("/sys/module/vfio")
        self.folder_at("/sys/module/vfio_pci")


def no_iommu(tree):
    """A virtual machine without one."""
    tree.system(hypervisor=True)
    tree.device("0000:00:05.0", driver="e1000e")


def switched_off(tree):
    """VT-d that the kernel does not drive, without its parameter."""
    tree.system(acpi=("DMAR", "FACP"))
    tree.device("0000:00:05.0", driver="e1000e", ids=("0x8086", "0x10d3"), pci_class="0x020000")


def type1_only(tree):
    """VT-d, Debian's kernel, one function ready."""
    tree.system(command_line="quiet intel_iommu=on", acpi=("DMAR",))
    tree.vtd()
    tree.type1()
    tree.device("0000:00:05.0", group=5, driver="vfio-pci", cdev="vfio0")
    tree.device("0000:00:06.0", group=12, driver="nvme", pci_class="0x010802")
    tree.put("/dev/vfio/5", "", 0o600)


def iommufd_only(tree):
    """A kernel whose only interface is iommufd."""
    config = "CONFIG_IOMMU_SUPPORT=y\nCONFIG_INTEL_IOMMU=y\nCONFIG_VFIO=y\n# CONFIG_VFIO_GROUP is not set\nCONFIG_VFIO_DEVICE_CDEV=y\nCONFIG_VFIO_PCI=y\nCONFIG_IOMMUFD=y\n"
    tree.system(acpi=("DMAR",), config=config)
    tree.vtd(ecap=f"{(1 << 43) | (1 << 26) | (1 << 45) | 0xf4a:x}")
    tree.iommufd()
    tree.device("0000:00:05.0", group=5, driver="vfio-pci", cdev="vfio3")
    tree.put("/dev/vfio/devices/vfio3", "", 0o600)


def wrong_driver(tree):
    type1_only(tree)
    tree.device("0000:00:07.0", group=13, driver="e1000e", ids=("0x8086", "0x10d3"), pci_class="0x020000")


def shared_group(tree):
    """Three functions and a bridge in one group: one is VFIO's, one is not, one has no driver."""
    tree.system(acpi=("DMAR",))
    tree.vtd()
    tree.type1()
    tree.device("0000:00:1c.0", group=7, driver="pcieport", pci_class="0x060400")
    tree.device("0000:03:00.0", group=7, driver="vfio-pci", cdev="vfio0")
    tree.device("0000:03:00.1", group=7, driver="snd_hda_intel", pci_class="0x040300")
    tree.device("0000:03:00.2", group=7)
    tree.put("/dev/vfio/7", "", 0o600)


def no_rights(tree):
    """A user without rights to the group's node and iommufd's."""
    type1_only(tree)
    tree.iommufd()
    tree.put("/dev/vfio/devices/vfio0", "", 0o600)
    tree.put("/proc/self/status", USER_STATUS)
    tree.put("/proc/77/status", USER_STATUS.replace("  4 kB", "  8 kB"))
    tree.put("/proc/78/status", ROOT_STATUS.replace("0 kB", "99 kB"))


def s390x(tree):
    """Two functions, an IOMMU each."""
    config = "CONFIG_IOMMU_SUPPORT=y\nCONFIG_VFIO=m\nCONFIG_VFIO_GROUP=y\nCONFIG_VFIO_CONTAINER=y\nCONFIG_VFIO_IOMMU_TYPE1=m\nCONFIG_VFIO_PCI=m\n"
    tree.system(architecture="s390x", command_line="s390_iommu_aperture=0 root=/dev/dasda1", config=config)
    tree.put("/proc/cpuinfo", "vendor_id       : IBM/S390\n# processors    : 2\n")
    for number, (address, fid) in enumerate((("0000:00:00.0", "00000021"), ("0001:00:00.0", "00000022"))):
        home = f"/sys/devices/virtual/iommu/s390-iommu.{fid}"
        tree.folder_at(f"{home}/devices/{address}")
        tree.link(f"/sys/class/iommu/s390-iommu.{fid}", f"../../devices/virtual/iommu/s390-iommu.{fid}")
        tree.device(address, group=number, driver="vfio-pci" if not number else "nvme", pci_class="0x010802", files=(("function_id", f"0x{fid}\n"),))
    tree.type1()
    tree.put("/dev/vfio/0", "", 0o600)


def smmuv3(tree):
    """An arm64 machine whose kernel has iommufd, and none of it for an SMMUv3. Groups and devices of its IOMMU are named after its registers."""
    config = "CONFIG_IOMMU_SUPPORT=y\nCONFIG_ARM_SMMU_V3=y\n# CONFIG_ARM_SMMU_V3_IOMMUFD is not set\nCONFIG_VFIO=y\nCONFIG_VFIO_DEVICE_CDEV=y\nCONFIG_VFIO_PCI=y\nCONFIG_IOMMUFD=y\n"
    tree.system(architecture="aarch64", acpi=("IORT",), config=config)
    tree.put("/proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 2000.00\n")
    home = "/sys/devices/platform/arm-smmu-v3.0.auto/iommu/smmu3.0x0000000009050000"
    tree.folder_at(f"{home}/devices/0000:00:10.0")
    tree.link("/sys/class/iommu/smmu3.0x0000000009050000", "../../devices/platform/arm-smmu-v3.0.auto/iommu/smmu3.0x0000000009050000")
    tree.iommufd()
    tree.device("0000:00:10.0", group=0, driver="vfio-pci", cdev="vfio0", ids=("0x1234", "0x11e8"), pci_class="0x00ff00")
    tree.put("/dev/vfio/devices/vfio0", "", 0o600)


ALL = [no_iommu, switched_off, type1_only, iommufd_only, wrong_driver, shared_group, no_rights, s390x, smmuv3]
