# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Recordings of s390x guests. The walk is written from the entries of Linux (arch/s390/include/asm/pci_dma.h).

Beyond the walk: handles are those of functions that were announced, no two functions have one FID, the oracle was asked for the range of the operation, and a
registration that succeeded was allowed.
"""
from recorded import PAGE, Recording, Wrong

REGION_THIRD_TABLES = 0x804  # IOTA: T = 1, designation = region-third table


class Zpci(Recording):
    def __init__(self):
        super().__init__()
        self.handles = {}  # handle -> FID
        self.registered = {}  # handle -> (iota, pba, pal)
        self.range = None  # of the operation before: (iota, first, last)

    def answers(self, iota, first, last):
        """{IOVA: (GPA, rights)} for first..last."""
        if iota & 0xfff != REGION_THIRD_TABLES:
            raise Wrong(f'an answer for a designation that QEMU does not walk: {iota:#x}')
        found = {}
        iova = first
        while iova <= last:
            region = self.memory.load((iota & ~0xfff) + (iova >> 31 & 0x7ff) * 8)
            if region & 0x20:
                iova = (iova | 0x7fffffff) + 1
                continue
            if region & 0xcf != 0x07:
                raise Wrong(f'IOVA {iova:#x}: {region:#x} is no region-third entry as Linux writes it')
            segment = self.memory.load((region & ~0x3fff) + (iova >> 20 & 0x7ff) * 8)
            if segment & 0x20:
                iova = (iova | 0xfffff) + 1
                continue
            if segment & 0x42c:
                raise Wrong(f'IOVA {iova:#x}: {segment:#x} is no segment entry as Linux writes it')
            page = self.memory.load((segment & ~0x7ff) + (iova >> 12 & 0xff) * 8)
            if not page & 0x400:
                found[iova] = (page & ~0xfff, 'r' if (page | segment | region) & 0x200 else 'rw')
            iova += PAGE
        return found

    def function(self, fh, fid, state, **_):
        if fh in self.handles or fid in self.handles.values():
            raise Wrong(f'function {fh:#x} with FID {fid:#x} is plugged where there is one with this handle or FID')
        self.handles[fh] = fid
        if (state == 'enabled') != bool(fh & 0x80000000):
            raise Wrong(f'handle {fh:#x} and state {state} do not go together')

    def unplug(self, fh):
        del self.handles[fh]
        self.registered.pop(fh, None)

    def begin(self, fh, t):
        self.operation(t)
        self.range = None
        if fh not in self.handles:
            raise Wrong(f'an operation with handle {fh:#x}, which no function has')

    def clp(self, fh, op, to, t):
        self.begin(fh, t)
        self.handles[to] = self.handles.pop(fh)
        self.registered.pop(fh, None)

    def mpcifc(self, fh, oc, dmaas, pba, pal, iota, t, cc=None, fmt=0, status=None, exception=None):
        self.begin(fh, t)
        self.count[f'mpcifc oc {oc} cc {cc}'] += 1
        if cc != 0:
            return
        if oc in (4, 6):
            if oc == 4 and fh in self.registered:
                raise Wrong('a registration succeeded where there was one')
            self.registered[fh] = (iota, pba, pal)
            self.range = (iota, pba & ~(PAGE - 1), pal | (PAGE - 1))
        elif oc == 5:
            del self.registered[fh]

    def rpcit(self, fh, start, bytes, t, cc=None, status=None, exception=None):
        self.begin(fh, t)
        self.count[f'rpcit cc {cc}'] += 1
        if cc != 0:
            return
        iota, pba, pal = self.registered[fh]
        self.range = (iota, max(start, pba), min(start + bytes - 1, pal))
        if bytes == pal - pba + 1:
            self.count['rpcit of the whole aperture'] += 1

    def oracle(self, first, last):
        if self.range is None or self.range[1:] != (first, last):
            raise Wrong(f'the oracle answered for {first:#x}-{last:#x}, the operation was on {self.range}')
        self.begin_answer(self.range)
