#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Checks recordings against themselves, without libviommu: do the contents of the guest's memory yield QEMU's answers?

For each operation with an oracle's answer the tables are walked as the capture's mem records left them, and the result must be the answer, page by page.
The walks here are deliberately as plain as can be. So a recorder that forgets a changed entry, or records it in the wrong place or order, is found out
without the code that it is made of.

Beyond that: times ascend, the number of operations is what the end says, and what recorded_zpci.py, recorded_smmuv3.py and so on say.
"""
import argparse
import ctypes
import ctypes.util
import pathlib
import sys

sys.dont_write_bytecode = True  # of what follows, among the sources
from recorded import Wrong  # noqa: E402
from recorded_amdvi import Amdvi  # noqa: E402
from recorded_smmuv3 import Smmuv3  # noqa: E402
from recorded_virtio import Virtio  # noqa: E402
from recorded_vtd import Vtd  # noqa: E402
from recorded_zpci import Zpci  # noqa: E402

ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
KINDS = {
    'viommu-capture 1 zpci': Zpci,
    'viommu-capture 1 smmuv3': Smmuv3,
    'viommu-capture 2 vtd': Vtd,
    'viommu-capture 2 amdvi': Amdvi,
    'viommu-capture 2 virtio': Virtio,
}


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


def check(path):
    data = path.read_bytes()
    lines = (decompress(data) if data.startswith(ZSTD_MAGIC) else data).decode().split('\n')
    if lines[0] not in KINDS:
        raise Wrong('line 1: no capture')
    checker = KINDS[lines[0]]()
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
