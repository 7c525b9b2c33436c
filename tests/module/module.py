# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds the module, for the tests beside this file."""
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
# A kernel as Debian has it, with its modules and headers. Another folder of that kind is named by the environment.
STOCK = pathlib.Path(os.environ.get("VIOMMU_TEST_STOCK") or TOP / "build/kernels/stock")
FETCH = f"tools/guest/fetch-kernel --arch amd64 --kernel 6.12 --headers {STOCK} fetches it"


class Failed(Exception):
    """The module cannot be built, and this is why."""


def build(kernel, folder, variables=(), *, sources="linux", name="viommu.ko"):
    """The path of a module for a kernel's headers or build tree, without a warning; with more variables of the kernel's makefile."""
    checks = ["W=1", "KCFLAGS=-Werror"] if sources == "linux" else []
    command = ["make", "-C", TOP / sources, "-j", "2", f"KDIR={kernel}", f"OUT={folder}", *checks, *variables]
    # Settings of an outer make, of the tests or of the user do not apply.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "CC", "CFLAGS", "ARCH", "CROSS_COMPILE", "LLVM")}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False)
    if done.returncode:
        raise Failed(done.stdout)
    warnings = [line for line in done.stdout.splitlines() if "warning:" in line.lower()]
    if warnings:
        raise Failed("\n".join(warnings))
    return pathlib.Path(folder) / name
