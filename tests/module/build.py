#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The module builds without a warning, its frames are small, its global names have a prefix, and DKMS has the right version of it.

usage: build.py FOLDER      where to build

It is built for Debian's stock kernel, where that was fetched, and for the running kernel, where its headers are installed.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import module

SKIPPED = 77
RUNNING = pathlib.Path("/lib/modules", os.uname().release, "build")
# The kernel's own names of a module's two functions, and of what the linker makes.
KNOWN = ("viommu_", "__pfx_viommu_", "init_module", "cleanup_module", "__pfx_init_module", "__pfx_cleanup_module", "__this_module", "__start_", "__stop_")


def names_without_prefix(path):
    done = subprocess.run(["nm", "-g", "--defined-only", path], stdout=subprocess.PIPE, text=True, check=True)
    return [name for name in (line.split()[-1] for line in done.stdout.splitlines()) if not name.startswith(KNOWN)]


def version_problem():
    version = re.findall(r"^#define VIOMMU_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$", (module.TOP / "include/viommu/types.h").read_text(), flags=re.M)
    if f'PACKAGE_VERSION="{".".join(version)}"' in (module.TOP / "linux/dkms.conf").read_text():
        return 0
    print(f"linux/dkms.conf is not of version {'.'.join(version)}")
    return 1


def main():
    folder = pathlib.Path(sys.argv[1])
    kernels = [kernel for kernel in (module.STOCK / "headers/build", RUNNING) if (kernel / "Makefile").exists()]
    if not kernels:
        print(f"skipped: there are no headers of a kernel in {module.STOCK} ({module.FETCH}) and in {RUNNING}")
        return SKIPPED
    if not shutil.which("make"):
        print("skipped: there is no make")
        return SKIPPED
    problems = version_problem()
    for number, kernel in enumerate(kernels):
        try:
            names = names_without_prefix(module.build(kernel, folder / f"module{number}"))
        except module.Failed as failed:
            print(f"for {kernel}:\n{failed}")
            problems += 1
            continue
        print(f"for {kernel}: names without a prefix: {' '.join(names) or 'none'}")
        problems += bool(names)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
