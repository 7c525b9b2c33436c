# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Recordings of guests with an SMMUv3. The walk is written from Arm's IHI 0070 (chapter 5) and ARM DDI 0487 (D8.3), as far as Linux uses them: stage 1, TTB0.

Beyond the walk: streams are those that were announced; QEMU was queried about a stream that was started, or after a command's invalidation; and the
commands are such as Linux gives.
"""
from recorded import Streams, Wrong

CR0, STRTAB_BASE, STRTAB_BASE_CFG, CMDQ_BASE, CMDQ_PROD = 0x20, 0x80, 0x88, 0x90, 0x98
SMMUEN, CMDQEN = 1, 8
CFGI = {0x03: 'cfgi_ste', 0x04: 'cfgi_all', 0x05: 'cfgi_cd', 0x06: 'cfgi_cd_all'}
TLBI = {0x10: 'tlbi_nh_all', 0x11: 'tlbi_nh_asid', 0x12: 'tlbi_nh_va', 0x13: 'tlbi_nh_vaa', 0x30: 'tlbi_nsnh_all'}
OTHERS = {0x01: 'prefetch_config', 0x02: 'prefetch_addr', 0x46: 'sync'}
ADDRESS = (1 << 48) - 1


class Smmuv3(Streams):
    def __init__(self):
        super().__init__()
        self.consumed = 0  # CMDQ_PROD as it was

    def smmu(self, sid_bits=16, output_bits=44, abort=0):
        self.iommu()

    def write(self, offset, bytes, value, t):
        self.begin_write(t)
        self.registers[offset] = value
        if offset == CMDQ_PROD and self.registers.get(CR0, 0) & CMDQEN:
            self.commands(value)
        elif offset == CMDQ_PROD:
            self.consumed = value

    def commands(self, prod):
        base = self.registers[CMDQ_BASE]
        bits = base & 0x1f
        while self.consumed != prod:
            at = (base & ADDRESS & ~0x1f) + (self.consumed & ((1 << bits) - 1)) * 16
            opcode = self.memory.load(at) & 0xff
            name = CFGI.get(opcode) or TLBI.get(opcode) or OTHERS.get(opcode)
            if not name:
                raise Wrong(f'a command {opcode:#x} at {at:#x}')
            self.count[name] += 1
            if opcode in CFGI or opcode in TLBI:
                self.may_ask = self.streams
            self.consumed = (self.consumed + 1) & ((2 << bits) - 1)

    def entry(self, sid):
        """The address of the stream's table entry."""
        base, config = self.registers[STRTAB_BASE] & ADDRESS & ~0x3f, self.registers[STRTAB_BASE_CFG]
        if not config >> 16 & 3:
            return base + sid * 64
        split = config >> 6 & 0x1f
        pointer = self.memory.load(base + (sid >> split) * 8)
        return (pointer & ADDRESS & ~0x3f) + (sid & ((1 << split) - 1)) * 64

    def translated(self, descriptor, iova):
        """(GPA, rights) of the page at an IOVA, by the tables of a context descriptor. None if there is none."""
        flags, table = self.memory.load(descriptor), self.memory.load(descriptor + 8) & ADDRESS & ~0xf
        size = 64 - (flags & 0x3f)
        granule = {0: 12, 1: 16, 2: 14}[flags >> 6 & 3]
        stride = granule - 3
        if iova >> size:
            return None
        levels = -(-(size - granule) // stride)
        for level in range(4 - levels, 4):
            shift = granule + (3 - level) * stride
            index = iova >> shift
            if level > 4 - levels:
                index &= (1 << stride) - 1
            entry = self.memory.load(table + index * 8)
            if not entry & 1:
                return None
            if level == 3 or not entry & 2:
                span = (1 << shift) - 1
                return ((entry & ADDRESS & ~span) + (iova & span)), 'r' if entry & 0x80 else 'rw'
            table = entry & ADDRESS & ~((1 << granule) - 1)
        return None

    def leaf(self, sid, iova):
        if not self.registers.get(CR0, 0) & SMMUEN:
            return iova, 'rw'
        flags = self.memory.load(self.entry(sid))
        config = flags >> 1 & 7 if flags & 1 else 0
        if config == 5:
            return self.translated(flags & ADDRESS & ~0x3f, iova)
        return (iova, 'rw') if config == 4 else None
