#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds viommu_test.ko for a test host's kernel, and runs the library's own tests in that kernel.

usage: in_host.py HOST FOLDER SECONDS PROGRAM RUN-IN-HOST...     where to build, and how to run a program there

On s390x the kernel is one of ours; on the others it is Debian's.
"""
import os
import pathlib
import signal
import subprocess
import sys

sys.dont_write_bytecode = True  # of this, among the sources
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "module"))
import module  # noqa: E402

SKIPPED, FAILED = 77, 1


def main():
    host, folder, seconds, program, *run = sys.argv[1:]
    if host == "s390x":
        headers, image, options, how = module.OURS / "s390x/headers", module.OURS / "s390x/bzImage", ["ARCH=s390"], f"tests/vm/build-kernel s390x {module.OURS} makes one"
        options += [] if os.uname().machine == "s390x" else ["CROSS_COMPILE=s390x-linux-gnu-"]
        append = ""
    else:
        headers, image, options, how = module.STOCK / "headers/build", module.STOCK / "vmlinuz", [], module.FETCH
        # The soft host's entries have room for addresses of four levels of page tables. Threads of some tests wait for each other in loops.
        append = "no5lvl preempt=full"
    if not (headers / "Makefile").exists():
        print(f"skipped: there is no kernel with headers in {headers.parent} ({how})")
        return SKIPPED
    try:
        built = module.build(headers, folder, sources="tests/kernel", name="viommu_test.ko", options=options)
    except module.Failed as failed:
        print(failed)
        return FAILED
    command = [sys.executable, "-B", *run, "--host", host, "--kernel", image, "--timeout", seconds, "--append", append, "--file", f"viommu_test.ko={built}", program]
    with subprocess.Popen([os.fspath(word) for word in command]) as running:
        # So that it ends its machine.
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        return running.wait()


if __name__ == "__main__":
    sys.exit(main())
