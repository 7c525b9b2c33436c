# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The ACPI table IORT of QEMU's arm64 machine, changed so that Linux lets its SMMUv3 nest.

Linux gives no guest an SMMUv3 unless the SMMU or this table says that what a device reads and writes cannot miss the CPU's caches, whatever the guest's tables ask
for (arm_smmu_get_viommu_size() in drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-iommufd.c). In the table it is the flag CANWBS of a PCI root complex, "Coherent
Attributes are Not Writable By Software" (Arm DEN 0049, IO Remapping Table, "Root complex node"). QEMU's root complex is coherent in this way, but QEMU does not declare it.
Linux takes a newer table of the same name from an archive in front of its initramfs (Documentation/admin-guide/acpi/initrd_table_override.rst).

The table to change is QEMU's own, of just the machine that will run. QEMU is started with that machine and its CPU stopped, and hands out what firmware would
get of it: a file of the device fw_cfg (QEMU: docs/specs/fw_cfg.rst), through the protocol of QEMU's device tests (docs/devel/testing/qtest.rst), which reads and
writes physical addresses. That takes a tenth of a second and no boot, and nothing has to be kept that another QEMU would make wrong.
"""
import struct
import subprocess

FW_CFG = 0x9020000  # of the machine virt (QEMU: hw/arm/virt.c, base_memmap)
FW_CFG_DMA = FW_CFG + 16
FILE_DIR = 0x19
SELECT, READ = 8, 2
REQUEST = 0x48000000  # in the machine's memory, which begins at 0x40000000; what was read comes behind it
ANSWER = REQUEST + 16

ADD_CHECKSUM = 3  # QEMU: hw/acpi/bios-linker-loader.c
HEADER = 48  # bytes before the first node, at the least
ROOT_COMPLEX = 2
CANWBS = 1 << 2


class NoTable(Exception):
    """The reason why there is no table."""


class Machine:
    """A machine that does not run, queried for the tables that it gives its firmware."""

    def __init__(self, command):
        self.qemu = subprocess.Popen(command + ["-S", "-qtest", "stdio", "-qtest-log", "none"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.qemu.kill()
        self.qemu.communicate()

    def ask(self, *words):
        try:
            self.qemu.stdin.write(" ".join(map(str, words)) + "\n")
            self.qemu.stdin.flush()
        except OSError as error:
            raise NoTable(f"QEMU has ended: {error}") from error
        answer = self.qemu.stdout.readline()
        while answer.startswith("IRQ "):
            answer = self.qemu.stdout.readline()
        if not answer.startswith("OK"):
            raise NoTable(f"QEMU answers {answer!r} to {words[0]}")
        return answer.split()[1:]

    def read(self, item, size):
        """The first bytes of one of fw_cfg's items. The device copies them to memory by itself, after a store of its request's address."""
        if not size:
            return b""
        request = struct.pack(">IIQ", item << 16 | SELECT | READ, size, ANSWER)
        self.ask("write", hex(REQUEST), len(request), "0x" + request.hex())
        # The register is big-endian, and the machine is not.
        self.ask("writeq", hex(FW_CFG_DMA), hex(int.from_bytes(struct.pack(">Q", REQUEST), "little")))
        (state,) = struct.unpack(">I", bytes.fromhex(self.ask("read", hex(REQUEST), 4)[0][2:]))
        if state:
            raise NoTable(f"fw_cfg answers {state:#x} for item {item:#x}")
        return bytes.fromhex(self.ask("read", hex(ANSWER), size)[0][2:])

    def files(self):
        """{name: content} of the two files that the tables are in."""
        (number,) = struct.unpack(">I", self.read(FILE_DIR, 4))
        entries = struct.iter_unpack(">IHH56s", self.read(FILE_DIR, 4 + 64 * number)[4:])
        found = {name.rstrip(b"\0").decode(): (item, size) for size, item, _, name in entries}
        wanted = ("etc/acpi/tables", "etc/table-loader")
        if not set(wanted) <= set(found):
            raise NoTable(f"fw_cfg has no tables, but {', '.join(found)}")
        return [self.read(*found[name]) for name in wanted]


def find(tables, loader):
    """The IORT. Firmware gets the place and the length of each table, because it has to fill in the checksums."""
    for at in range(0, len(loader), 128):
        command, name, _, start, length = struct.unpack_from("<I56sIII", loader, at)
        if command == ADD_CHECKSUM and name.rstrip(b"\0") == b"etc/acpi/tables" and tables[start : start + 4] == b"IORT":
            return tables[start : start + length]
    raise NoTable("there is no IORT among the tables")


def override(table):
    """The same table with the flag in each root complex, as the next revision."""
    changed = bytearray(table)
    number, at = struct.unpack_from("<II", changed, 36)
    complexes = 0
    if at < HEADER:
        raise NoTable(f"the first node of the IORT is at {at}")
    for _ in range(number):
        kind, length = struct.unpack_from("<BH", changed, at)
        if not length or at + length > len(changed):
            raise NoTable(f"a node of the IORT at {at} has {length} bytes")
        if kind == ROOT_COMPLEX:
            changed[at + 23] |= CANWBS
            complexes += 1
        at += length
    if not complexes:
        raise NoTable("the IORT has no root complex")
    (revision,) = struct.unpack_from("<I", changed, 24)
    struct.pack_into("<I", changed, 24, revision + 1)
    changed[9] = 0
    changed[9] = -sum(changed) & 0xFF
    return bytes(changed)


def of_machine(command):
    """The changed table of the machine that these words start."""
    with Machine(command) as machine:
        try:
            return override(find(*machine.files()))
        except struct.error as error:
            raise NoTable(f"the tables end early: {error}") from error
