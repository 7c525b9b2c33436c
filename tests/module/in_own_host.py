#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds the module for a test host's own kernel, which has the patches in linux/patches, and runs a program there.

usage: in_own_host.py HOST FOLDER SECONDS FEATURE PROGRAM RUN-IN-HOST...     where to build, a header of the kernel that the program needs, and how to run it
"""
import os
import pathlib
import signal
import subprocess
import sys

import module

SKIPPED, FAILED = 77, 1
KERNEL = pathlib.Path(os.environ.get("VIOMMU_TEST_KERNELS") or module.TOP / "build/kernels") / "x86_64"


def source_of(headers):
    """Where a build tree has its headers from: itself, or another folder."""
    link = headers / "source"
    return link.resolve() if link.exists() else headers


def main():
    host, folder, seconds, feature, program, *run = sys.argv[1:]
    headers = KERNEL / "headers"
    if not (source_of(headers) / "include" / feature).exists():
        print(f"skipped: there is no kernel with headers in {KERNEL} that has {feature} (tests/vm/build-kernel, of Linux 7.3)")
        return SKIPPED
    try:
        built = module.build(headers, folder)
    except module.Failed as failed:
        print(failed)
        return FAILED
    command = [sys.executable, "-B", *run, "--host", host, "--timeout", seconds, "--device", "edu", "--file", f"viommu.ko={built}", program]
    with subprocess.Popen([os.fspath(word) for word in command]) as running:
        # So that it ends its machine.
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        return running.wait()


if __name__ == "__main__":
    sys.exit(main())
