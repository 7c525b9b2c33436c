#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds the module for Debian's stock kernel, and runs a program on a test host that has both.

usage: in_stock_host.py HOST FOLDER SECONDS PROGRAM RUN-IN-HOST...     where to build, and how to run a program there
       in_stock_host.py HOST FOLDER SECONDS --replay CAPTURE VIOMMU RUN-IN-HOST...     the command, with a capture and the loaded module
"""
import os
import signal
import subprocess
import sys

import module

SKIPPED, FAILED = 77, 1
# In the order in which they need each other. Their folders are those of the kernel's source.
MODULES = ("virt/lib/irqbypass", "drivers/vfio/vfio", "drivers/vfio/pci/vfio-pci-core", "drivers/vfio/pci/vfio-pci")


def module_file(name):
    """Distributions compress modules."""
    for suffix in (".ko", ".ko.xz"):
        path = module.STOCK / "modules/kernel" / (name + suffix)
        if path.exists():
            return path
    raise module.Failed(f"{module.STOCK} has no module {name}")


def main():
    host, folder, seconds, program, *run = sys.argv[1:]
    capture = None
    if program == "--replay":
        capture, program, *run = run
    if not (module.STOCK / "headers/build/Makefile").exists():
        print(f"skipped: there is no kernel with headers in {module.STOCK} ({module.FETCH})")
        return SKIPPED
    try:
        command = [sys.executable, "-B", *run, "--host", host, "--kernel", module.STOCK / "vmlinuz", "--timeout", seconds, "--device", "edu"]
        for name in MODULES:
            command += ["--module", module_file(name)]
        built = module.build(module.STOCK / "headers/build", folder)
        if capture:
            name = os.path.basename(capture)
            command += ["--module", built, "--file", f"{name}={capture}", program, "replay", "--host", "kernel:{edu}", f"/{name}"]
        else:
            command += ["--file", f"viommu.ko={built}", program]
    except module.Failed as failed:
        print(failed)
        return FAILED
    with subprocess.Popen([os.fspath(word) for word in command]) as running:
        # So that it ends its machine.
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        return running.wait()


if __name__ == "__main__":
    sys.exit(main())
