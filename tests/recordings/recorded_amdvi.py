# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Recordings of guests with AMD-Vi. The walk is written from 48882 (chapter 2.2), as far as Linux uses it: host page tables, with sized leaves.

Beyond the walk: QEMU was queried after a command's invalidation, and the commands are such as Linux gives.
"""
from recorded import Streams, Wrong

DEVICES, COMMANDS, CONTROL, HEAD, TAIL = 0, 8, 0x18, 0x2000, 0x2008
ENABLED, RUNS = 1, 1 << 12
NAMES = {1: 'wait', 2: 'device', 3: 'pages', 4: 'device_tlb', 5: 'interrupt', 8: 'all'}
ADDRESS = (1 << 52) - 0x1000


class Amdvi(Streams):
    def __init__(self):
        super().__init__()
        self.head = 0

    def write(self, offset, bytes, value, t):
        self.begin_write(t)
        self.put(offset, bytes, value)
        if offset == COMMANDS:
            self.head = 0
        elif offset == HEAD:
            self.head = value
        elif offset == TAIL and self.get(CONTROL) & RUNS:
            self.commands(value)

    def commands(self, tail):
        buffer = self.get(COMMANDS)
        while self.head != tail:
            word = self.memory.load((buffer & ADDRESS) + self.head)
            name = NAMES.get(word >> 60)
            if not name:
                raise Wrong(f'a command {word:#x}')
            self.count[name] += 1
            if name in ('pages', 'all'):
                self.may_ask = self.streams
            self.head = (self.head + 16) % (16 << (buffer >> 56 & 15))

    def leaf(self, sid, iova):
        if not self.get(CONTROL) & ENABLED:
            return iova, 'rw'
        entry = self.memory.load((self.get(DEVICES) & ADDRESS) + sid * 32)
        mode = entry >> 9 & 7
        if not entry & 1:
            return iova, 'rw'
        if not entry & 2:
            return None
        if not mode:
            return iova, ('', 'r', 'w', 'rw')[entry >> 61 & 3]
        table, rights = entry & ADDRESS, entry >> 61 & 3
        if mode < 6 and iova >> 12 + 9 * mode:
            return None
        for level in range(mode, 0, -1):
            shift = 12 + 9 * (level - 1)
            entry = self.memory.load(table + (iova >> shift & 511) * 8)
            rights &= entry >> 61 & 3
            if not entry & 1 or not rights:
                return None
            following = entry >> 9 & 7
            if following in (0, 7):
                if following == 7:
                    shift = 12
                    while entry >> shift & 1:
                        shift += 1
                    shift += 1
                span = (1 << shift) - 1
                return (entry & ADDRESS & ~span) + (iova & span), ('', 'r', 'w', 'rw')[rights]
            if following != level - 1:
                raise Wrong(f'an entry {entry:#x} of level {level} skips levels')
            table = entry & ADDRESS
        return None
