#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
count.py VALGRIND PROGRAM LIMITS: what the refreshes of the program refresh.c cost, as traced by valgrind's
lackey: instructions of the library, and lines of 64 bytes that these load or store, in objects and on the
stack. LIMITS: what becomes of the page, then the most of the three, each refresh after a /.

TAP, and the figures as its comments. Fails if a limit is exceeded.
"""

import subprocess
import sys
import tempfile

LINE = 64
# In the order of refresh.c.
CALLS = ("invalid", "valid", "unchanged")
FIGURES = ("instructions", "lines of objects", "lines of the stack")


def trace(valgrind, program):
    """Of each marked call: the library's accesses as (kind, address, bytes)."""
    with tempfile.NamedTemporaryFile(prefix="count.", suffix=".trace") as log:
        command = [valgrind, "--tool=lackey", "--trace-mem=yes", "--basic-counts=no", f"--log-file={log.name}", program]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        mark, text, text_end, stack = (int(word, 16) for word in run.stdout.split())
        calls, call, inside = [], None, False
        for line in log:
            kind = line[:3].strip()
            if line.startswith(b"==") or kind not in (b"I", b"L", b"S", b"M"):
                continue
            address, size = line[3:].split(b",")
            address, size = int(address, 16), int(size)
            if kind == b"S" and address == mark:
                if call is None:
                    call = []
                else:
                    calls.append(call)
                    call = None
            elif call is not None:
                if kind == b"I":
                    inside = not text <= address < text_end
                if inside:
                    call.append((kind, address, size))
    return calls, stack


def figures(call, stack):
    """The program's stack is within a megabyte of an address on it."""
    lines = [set(), set()]
    for kind, address, size in call:
        if kind != b"I":
            lines[abs(address - stack) < 1 << 20].update(range(address // LINE, (address + size - 1) // LINE + 1))
    return sum(kind == b"I" for kind, _, _ in call), len(lines[0]), len(lines[1])


def main():
    valgrind, program, *limits = sys.argv[1:]
    most = {name: [int(number) for number in numbers.split(",")] for name, numbers in (limit.split("=") for limit in limits)}
    calls, stack = trace(valgrind, program)
    failed = False
    print(f"1..{len(CALLS)}")
    # The last of each, when all is warm.
    for number, (name, call) in enumerate(zip(CALLS, calls[-len(CALLS) :]), 1):
        found = figures(call, stack)
        ok = len(call) > 0 and all(figure <= limit for figure, limit in zip(found, most[name]))
        failed |= not ok
        for what, figure, limit in zip(FIGURES, found, most[name]):
            print(f"# {name}: {figure} {what}, {limit} at most")
        print(f"{'ok' if ok else 'not ok'} {number} {name}")
    return failed


sys.exit(main())
