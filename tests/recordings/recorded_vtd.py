# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Recordings of guests with VT-d. The walk is written from D51397 (chapter 9), as far as Linux uses it in caching mode: second stage and pass-through.

Beyond the walk: QEMU was queried after a descriptor's invalidation, and the descriptors are such as Linux gives.
"""
from recorded import Streams, Wrong

GCMD, RTADDR, IQT, IQA = 0x18, 0x20, 0x88, 0x90
QIE, SRTP, TE = 1 << 26, 1 << 30, 1 << 31
NAMES = {1: 'context', 2: 'iotlb', 3: 'device_tlb', 4: 'interrupt', 5: 'wait', 6: 'pasid_iotlb', 7: 'pasid'}
ADDRESS = (1 << 52) - 0x1000


class Vtd(Streams):
    def __init__(self):
        super().__init__()
        self.command = 0
        self.root = 0
        self.head = 0

    def write(self, offset, bytes, value, t):
        self.begin_write(t)
        self.put(offset, bytes, value)
        if offset == GCMD:
            if value & SRTP:
                self.root = self.get(RTADDR)
            if value & ~self.command & QIE:
                self.head = 0
            self.command = value
        elif offset == IQT and self.command & QIE:
            self.descriptors(value)

    def descriptors(self, tail):
        queue = self.get(IQA)
        size, bytes = 0x1000 << (queue & 7), 32 if queue & 0x800 else 16
        while self.head != tail:
            word = self.memory.load((queue & ADDRESS) + self.head)
            name = NAMES.get((word >> 9 & 7) << 4 | word & 0xf)
            if not name:
                raise Wrong(f'a descriptor {word:#x}')
            self.count[name] += 1
            if name in ('iotlb', 'pasid_iotlb'):
                self.may_ask = self.streams
            self.head = (self.head + bytes) % size

    def tables(self, sid):
        """(top table, levels) of a device; 'direct', or None."""
        if not self.command & TE:
            return 'direct'
        scalable = self.root >> 10 & 3 == 1
        root = self.memory.load((self.root & ADDRESS) + (sid >> 8) * 16 + (8 if scalable and sid & 0x80 else 0))
        if not root & 1:
            return None
        if not scalable:
            entry = (root & ADDRESS) + (sid & 0xff) * 16
            low, high = self.memory.load(entry), self.memory.load(entry + 8)
            if not low & 1:
                return None
            return {0: (low & ADDRESS, (high & 7) + 2), 2: 'direct'}.get(low >> 2 & 3)
        entry = (root & ADDRESS) + (sid & 0x7f) * 32
        directory, pasid = self.memory.load(entry), self.memory.load(entry + 8) & 0xfffff
        if not directory & 1:
            return None
        table = self.memory.load((directory & ADDRESS) + (pasid >> 6) * 8)
        if not table & 1:
            return None
        low = self.memory.load((table & ADDRESS) + (pasid & 63) * 64)
        return {2: (low & ADDRESS, (low >> 2 & 7) + 2), 4: 'direct'}.get(low >> 6 & 7) if low & 1 else None

    def leaf(self, sid, iova):
        tables = self.tables(sid)
        if tables is None or tables == 'direct':
            return (iova, 'rw') if tables else None
        table, levels = tables
        rights = 3
        for level in range(levels, 0, -1):
            shift = 12 + 9 * (level - 1)
            if level == levels and iova >> shift + 9:
                return None
            entry = self.memory.load(table + (iova >> shift & 511) * 8)
            rights &= entry & 3
            if not rights:
                return None
            if level == 1 or entry & 0x80:
                span = (1 << shift) - 1
                return (entry & ADDRESS & ~span) + (iova & span), ('', 'r', 'w', 'rw')[rights]
            table = entry & ADDRESS
        return None
