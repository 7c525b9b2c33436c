#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The core, the hosts, the port and the format interface name no guest IOMMU and no architecture.

usage: architectures.py SOURCE_FOLDER

An architecture's data passes through them as {type, pointer, bytes}. EXCEPTIONS is the one list of files that are about one architecture.
"""
import os
import re
import sys

from sources import source_files

WORDS = re.compile(r"(?i)(zpci|smmu|s390|riscv|risc-v|virtio|vt-?d(?![a-z])|vtd_?ss|intel|amd(?!ress)|arm(?![a-z])|arm64|\bste\b|\bcd\b|iommufd_smmu)")
PLACES = ("src/core/", "src/host/", "src/port/", "src/format/format.h")
EXCEPTIONS = {
    # One format's instance of the shadow each, and the list of them.
    r"src/core/shadow/(shadow_\w+\.c|formats\.h|meson\.build)": None,
    # The format that the soft host keeps its tables in.
    r"src/host/(soft\.[ch]|soft_vtdss\.c)": {"vtdss", "vt-d"},
    # The kernel's interface for one type each, and the table of types.
    r"src/host/(iommufd_smmuv3\.[ch]|iommufd_abi_smmuv3\.h|iommufd_types\.c|meson\.build)": None,
    # The files are named in the table of contents, and in functions of the kernel's that comments cite.
    r"src/host/iommufd_stage2\.c": {"arm", "smmu"},
    # The s390 kernel's treatment of its own devices: each is filled after it was attached.
    r"src/host/iommufd(_ask|_space)?\.[ch]": {"s390"},
    # Advice about the machine's kernel.
    r"src/host/vfio_find\.c": {"intel"},
    # The way of the machine that the library runs on, not of a guest.
    r"src/port/\w+/\w+\.[ch]|src/port/equal\.c": {"arm", "amd", "intel", "s390"},
    # The document whose rules the requests follow.
    r"src/core/mapped\.c": {"virtio"},
}


def allowed(path, word):
    for pattern, words in EXCEPTIONS.items():
        if re.fullmatch(pattern, path) and (words is None or word.lower() in words):
            return True
    return False


def main():
    root, = sys.argv[1:]
    checked = problems = 0
    for path in source_files(root):
        name = os.path.relpath(path, root)
        if not name.startswith(PLACES):
            continue
        checked += 1
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                for word in {found.group(0) for found in WORDS.finditer(line)}:
                    if not allowed(name, word):
                        print(f"{name}:{number}: names {word}: {line.strip()}")
                        problems += 1
    print(f"{checked} files, {problems} problems")
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
