#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds the module for a kernel, and runs a program on a test host that has both.

usage: with_module.py HOST [OPTIONS] FOLDER SECONDS PROGRAM RUN-IN-HOST...      where to build, and how to run a program there

The kernel is Debian's stock kernel for amd64, or with --kernel NAME that of the folder NAME of the test hosts' own kernels (x86_64, x86_64-debug, x86_64-kcsan, s390x, arm64),
which tests/vm/build-kernel makes with headers. The module is /viommu.ko there, and is not loaded. With --load it is, and with --replay CAPTURE, where PROGRAM is
the command, which replays the capture. With --sources FOLDER the module is another one of this repository's.
"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys

import module

SKIPPED, FAILED = 77, 1
# Of the stock kernel, in the order in which they need each other. Their folders are those of the kernel's source.
MODULES = ("virt/lib/irqbypass", "drivers/vfio/vfio", "drivers/vfio/pci/vfio-pci-core", "drivers/vfio/pci/vfio-pci")
KVM_MODULES = ("drivers/crypto/ccp/ccp", "arch/x86/kvm/kvm", "arch/x86/kvm/kvm-amd")
KERNELS = pathlib.Path(os.environ.get("VIOMMU_TEST_KERNELS") or module.TOP / "build/kernels")
# The folder of an own kernel: the image in it, and how the kernel's makefile builds for it.
ARCHITECTURES = {"x86_64": ("bzImage", "x86", "x86_64-linux-gnu-"), "s390x": ("bzImage", "s390", "s390x-linux-gnu-"), "arm64": ("Image", "arm64", "aarch64-linux-gnu-")}


class Skip(Exception):
    """Why this machine cannot do it."""


def module_file(name):
    """Distributions compress modules."""
    for suffix in (".ko", ".ko.xz"):
        path = module.STOCK / "modules/kernel" / (name + suffix)
        if path.exists():
            return path
    raise module.Failed(f"{module.STOCK} has no module {name}")


def stock_kernel(kvm):
    """The image, the modules to load, the headers, and more variables for the kernel's makefile."""
    if not (module.STOCK / "headers/build/Makefile").exists():
        raise Skip(f"there is no kernel with headers in {module.STOCK} ({module.FETCH})")
    return module.STOCK / "vmlinuz", [module_file(name) for name in MODULES + (KVM_MODULES if kvm else ())], module.STOCK / "headers/build", []


def own_kernel(name, symbol):
    """The same, of a kernel that has to export a symbol. VFIO and KVM are built into it."""
    image, linux, prefix = ARCHITECTURES[name.partition("-")[0]]
    kernel = KERNELS / name
    if not (kernel / "headers/Makefile").exists():
        raise Skip(f"there is no kernel with headers in {kernel} (tests/vm/build-kernel makes it)")
    if symbol and f"\t{symbol}\t" not in (kernel / "headers/Module.symvers").read_text():
        raise Skip(f"the kernel in {kernel} is not of linux/patches: it does not export {symbol}")
    cross = [] if os.uname().machine == prefix.split("-", maxsplit=1)[0] else [f"ARCH={linux}", f"CROSS_COMPILE={prefix}"]
    return kernel / image, [], kernel / "headers", cross


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("--kernel", metavar="NAME")
    parser.add_argument("--symbol", metavar="NAME", help="of --kernel: what it has to export")
    parser.add_argument("--kvm", action="store_true", help="KVM's modules, too")
    parser.add_argument("--device", action="append", metavar="KIND[:COUNT]", help="instead of edu")
    parser.add_argument("--argument", action="append", default=[], metavar="WORD", help="of the program; as often as needed")
    parser.add_argument("--append", default="", metavar="WORDS", help="to the kernel's command line")
    parser.add_argument("--sources", default="linux", metavar="FOLDER", help="of the module")
    parser.add_argument("--module", default="viommu.ko", metavar="NAME", help="of the file that is built from them")
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--cpus", default="1", metavar="NUMBER")
    parser.add_argument("--replay", metavar="CAPTURE")
    parser.add_argument("folder")
    parser.add_argument("seconds")
    parser.add_argument("program")
    parser.add_argument("run", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    try:
        image, modules, headers, variables = own_kernel(arguments.kernel, arguments.symbol) if arguments.kernel else stock_kernel(arguments.kvm)
        built = module.build(headers, arguments.folder, variables, sources=arguments.sources, name=arguments.module)
    except Skip as why:
        print(f"skipped: {why}")
        return SKIPPED
    except module.Failed as failed:
        print(failed)
        return FAILED
    command = [sys.executable, "-B", *arguments.run, "--host", arguments.host, "--kernel", image, "--timeout", arguments.seconds, "--append", arguments.append]
    command += ["--cpus", arguments.cpus]
    for device in arguments.device or ["edu"]:
        command += ["--device", device]
    for name in modules:
        command += ["--module", name]
    if arguments.replay:
        name = os.path.basename(arguments.replay)
        command += ["--module", built, "--file", f"{name}={arguments.replay}", arguments.program, "replay", "--host", "kernel:{edu}", f"/{name}"]
    else:
        command += ["--module", built] if arguments.load else ["--file", f"{arguments.module}={built}"]
        command += [arguments.program, *arguments.argument]
    with subprocess.Popen([os.fspath(word) for word in command]) as running:
        # So that it ends its machine.
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        return running.wait()


if __name__ == "__main__":
    sys.exit(main())
