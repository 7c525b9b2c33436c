#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks recordings against themselves, with nothing of libviommu: does what a capture says of the guest's memory give what QEMU answered?

For each operation with an oracle's answer the tables are walked as the capture's mem records left them, and the result must be the answer, page by page.
The walk here is written from what Linux writes (arch/s390/include/asm/pci_dma.h) and is deliberately as plain as can be. So a recorder that forgets a
changed entry, or records it in the wrong place or order, is found out without the code that it is made of.

Beyond that: times ascend, handles are those of functions that were announced, no two functions have one FID, the oracle was asked for the range of the
operation, a registration that succeeded was allowed, and the number of operations is what the end says.
"""
import argparse
import collections
import ctypes
import ctypes.util
import pathlib
import sys

PAGE = 4096
REGION_THIRD_TABLES = 0x804  # IOTA: T = 1, designation = region-third table
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'


class Wrong(Exception):
    pass


def decompress(data):
    """All frames of zstd data, through the shared library, since neither Python nor a bare Debian has a command for it."""

    class Buffer(ctypes.Structure):
        _fields_ = [('data', ctypes.c_void_p), ('size', ctypes.c_size_t), ('pos', ctypes.c_size_t)]

    zstd = ctypes.CDLL(ctypes.util.find_library('zstd') or 'libzstd.so.1')
    zstd.ZSTD_createDStream.restype = ctypes.c_void_p
    zstd.ZSTD_decompressStream.restype = ctypes.c_size_t
    zstd.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(Buffer), ctypes.POINTER(Buffer)]
    zstd.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
    source = ctypes.create_string_buffer(data, len(data))
    room = ctypes.create_string_buffer(1 << 20)
    taken = Buffer(ctypes.cast(source, ctypes.c_void_p), len(data), 0)
    text = bytearray()
    stream = zstd.ZSTD_createDStream()
    try:
        while True:
            given = Buffer(ctypes.cast(room, ctypes.c_void_p), len(room), 0)
            left = zstd.ZSTD_decompressStream(stream, ctypes.byref(given), ctypes.byref(taken))
            if zstd.ZSTD_isError(ctypes.c_size_t(left)):
                raise Wrong('the compressed data is damaged')
            text += room.raw[:given.pos]
            if taken.pos == taken.size and given.pos < given.size:
                if left:
                    raise Wrong('the compressed data is cut off')
                return bytes(text)
    finally:
        zstd.ZSTD_freeDStream(stream)


def shown(page):
    return f'{page[0]:#x} {page[1]}' if page else 'nothing'


class Machine:
    """Guest memory and registrations, as a capture describes them."""

    def __init__(self):
        self.memory = {}  # GPA -> doubleword; what is not there is zero
        self.slots = []  # (first, last)
        self.handles = {}  # handle -> FID
        self.registered = {}  # handle -> (iota, pba, pal)

    def load(self, gpa):
        if not any(first <= gpa <= last for first, last in self.slots):
            raise Wrong(f'a table entry at {gpa:#x}, where the guest has no memory')
        return self.memory.get(gpa, 0)

    def pages(self, iota, first, last):
        """{IOVA: (GPA, rights)} for first..last."""
        if iota & 0xfff != REGION_THIRD_TABLES:
            raise Wrong(f'an answer for a designation that QEMU does not walk: {iota:#x}')
        found = {}
        iova = first
        while iova <= last:
            region = self.load((iota & ~0xfff) + (iova >> 31 & 0x7ff) * 8)
            if region & 0x20:
                iova = (iova | 0x7fffffff) + 1
                continue
            if region & 0xcf != 0x07:
                raise Wrong(f'IOVA {iova:#x}: {region:#x} is no region-third entry as Linux writes it')
            segment = self.load((region & ~0x3fff) + (iova >> 20 & 0x7ff) * 8)
            if segment & 0x20:
                iova = (iova | 0xfffff) + 1
                continue
            if segment & 0x42c:
                raise Wrong(f'IOVA {iova:#x}: {segment:#x} is no segment entry as Linux writes it')
            page = self.load((segment & ~0x7ff) + (iova >> 12 & 0xff) * 8)
            if not page & 0x400:
                found[iova] = (page & ~0xfff, 'r' if (page | segment | region) & 0x200 else 'rw')
            iova += PAGE
        return found


class Checker:
    def __init__(self):
        self.machine = Machine()
        self.count = collections.Counter()
        self.time = -1
        self.range = None  # of the operation before: (handle, iota, first, last)
        self.answer = None  # being read: {IOVA: (GPA, rights)}
        self.ended = False

    def line(self, text):
        keyword, *words = text.split(' ')
        if keyword == 'note':
            return
        if self.answer is not None and keyword != 'page':
            self.compare()
        if self.ended:
            raise Wrong('there is more behind the end')
        if keyword in ('mem', 'page'):
            getattr(self, keyword)(*words)
            return
        fields = {}
        for word in words:
            key, value = word.split('=')
            fields[key] = value if value[0].isalpha() else int(value, 0)
        getattr(self, keyword)(**fields)

    def slot(self, gpa, bytes, prot):
        self.machine.slots.append((gpa, gpa + bytes - 1))

    def function(self, fh, fid, state, **_):
        if fh in self.machine.handles or fid in self.machine.handles.values():
            raise Wrong(f'function {fh:#x} with FID {fid:#x} is plugged where there is one with this handle or FID')
        self.machine.handles[fh] = fid
        if (state == 'enabled') != bool(fh & 0x80000000):
            raise Wrong(f'handle {fh:#x} and state {state} do not go together')

    def unplug(self, fh):
        del self.machine.handles[fh]
        self.machine.registered.pop(fh, None)

    def mem(self, gpa, value, count='1'):
        for i in range(int(count, 0)):
            self.machine.memory[int(gpa, 0) + 8 * i] = int(value, 0)
        self.count['doublewords'] += int(count, 0)

    def operation(self, fh, t):
        self.count['operations'] += 1
        self.range = None
        if t < self.time:
            raise Wrong(f'time goes back from {self.time} to {t}')
        self.time = t
        if fh not in self.machine.handles:
            raise Wrong(f'an operation with handle {fh:#x}, which nobody has')

    def clp(self, fh, op, to, t):
        self.operation(fh, t)
        self.machine.handles[to] = self.machine.handles.pop(fh)
        self.machine.registered.pop(fh, None)

    def mpcifc(self, fh, oc, dmaas, pba, pal, iota, t, cc=None, fmt=0, status=None, exception=None):
        self.operation(fh, t)
        self.count[f'mpcifc oc {oc} cc {cc}'] += 1
        if cc != 0:
            return
        if oc in (4, 6):
            if oc == 4 and fh in self.machine.registered:
                raise Wrong('a registration succeeded where there was one')
            self.machine.registered[fh] = (iota, pba, pal)
            self.range = (iota, pba & ~(PAGE - 1), pal | (PAGE - 1))
        elif oc == 5:
            del self.machine.registered[fh]

    def rpcit(self, fh, start, bytes, t, cc=None, status=None, exception=None):
        self.operation(fh, t)
        self.count[f'rpcit cc {cc}'] += 1
        if cc != 0:
            return
        iota, pba, pal = self.machine.registered[fh]
        self.range = (iota, max(start, pba), min(start + bytes - 1, pal))
        if bytes == pal - pba + 1:
            self.count['rpcit of the whole aperture'] += 1

    def oracle(self, first, last):
        if self.range is None or self.range[1:] != (first, last):
            raise Wrong(f'the oracle answered for {first:#x}-{last:#x}, the operation was on {self.range}')
        self.answer = {}

    def page(self, iova, gpa, rights, count='1'):
        iova, gpa, count = int(iova, 0), int(gpa, 0), int(count, 0)
        for i in range(count):
            if iova + i * PAGE in self.answer:
                raise Wrong(f'IOVA {iova + i * PAGE:#x} is answered twice')
            self.answer[iova + i * PAGE] = (gpa + i * PAGE, rights)

    def compare(self):
        answer, self.answer = self.answer, None
        walked = self.machine.pages(*self.range)
        for iova in sorted(answer.keys() | walked.keys()):
            if answer.get(iova) != walked.get(iova):
                raise Wrong(f'IOVA {iova:#x}: QEMU says {shown(answer.get(iova))}, the tables say {shown(walked.get(iova))}')
        self.count['answers'] += 1
        self.count['pages'] += len(answer)

    def end(self, operations):
        if operations != self.count['operations']:
            raise Wrong(f"{self.count['operations']} operations, and the end says {operations}")
        self.ended = True


def check(path):
    data = path.read_bytes()
    lines = (decompress(data) if data.startswith(ZSTD_MAGIC) else data).decode().split('\n')
    checker = Checker()
    if lines[0] != 'viommu-capture 1 zpci':
        raise Wrong('line 1: no capture')
    for number, text in enumerate(lines[1:], 2):
        if not text or text.startswith('#'):
            continue
        try:
            checker.line(text)
        except Wrong as wrong:
            raise Wrong(f'line {number}: {wrong}') from None
    if not checker.ended:
        raise Wrong('it has no end')
    if not checker.count['answers']:
        raise Wrong('no answer of an oracle is in it')
    return checker.count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('capture', nargs='+', type=pathlib.Path, help='a capture, or a folder of captures')
    captures = []
    for path in parser.parse_args().capture:
        captures += sorted(path.glob('*.vcap*')) if path.is_dir() else [path]
    if not captures:
        print('no captures found')
        return 1
    failed = 0
    for path in captures:
        try:
            count = check(path)
            print(f'{path.name}: ok: ' + ', '.join(f'{value} {name}' for name, value in count.items()))
        except Wrong as wrong:
            print(f'{path.name}: WRONG: {wrong}')
            failed = 1
    return failed


if __name__ == '__main__':
    sys.exit(main())
