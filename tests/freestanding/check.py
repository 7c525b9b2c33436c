#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The freestanding objects need no symbol from outside but the port's and the four memory functions that a compiler may call, and have nothing writable.

usage: check.py NM READELF ARCHIVE

Writable means a section with the flags A and W that has a size. Constant tables that hold addresses are in .data.rel.ro, which the dynamic linker writes once
and then protects: they count as constant.
"""
import collections
import os
import re
import subprocess
import sys

MEMORY_FUNCTIONS = {"memcpy", "memmove", "memset", "memcmp"}
# Not a function or a variable: the linker's own name for the start of a table, which position-independent code of some machines refers to.
LINKER_NAMES = {"_GLOBAL_OFFSET_TABLE_"}


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def outside_needs(nm, archive):
    """{symbol that no object of the archive defines: objects that need it}"""
    needs, defined, member = collections.defaultdict(set), set(), "?"
    for line in run(nm, "--format=posix", archive).splitlines():
        heading = re.fullmatch(r".*\[(.+)\]:", line)
        if heading:
            member = os.path.basename(heading.group(1))
            continue
        name, kind = line.split()[:2]
        if kind in "Uwv":
            needs[name].add(member)
        elif kind.isupper():
            defined.add(name)
    return {name: members for name, members in needs.items() if name not in defined}


def writable_sections(readelf, archive):
    """(object, section, bytes, names in it) for each writable section that has a size."""
    member, index, found = "?", {}, []
    names = collections.defaultdict(list)
    for line in run(readelf, "-SsW", archive).splitlines():
        heading = re.fullmatch(r"File: .*[(\[](.+)[)\]]", line)
        if heading:
            member = os.path.basename(heading.group(1))
            continue
        section = re.match(r"\s*\[\s*(\d+)\]\s+(\S+)\s+\S+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s+[0-9a-f]+\s+([A-Za-z]*)\s", line)
        if section:
            number, name, size, flags = section.groups()
            if "A" in flags and "W" in flags and int(size, 16) and not name.startswith(".data.rel.ro"):
                found.append((member, int(number), name, int(size, 16)))
            index[member] = index.get(member, 0) + 1
            continue
        symbol = re.match(r"\s*\d+:\s+[0-9a-f]+\s+\S+\s+(OBJECT|TLS)\s+\S+\s+\S+\s+(\d+|COM)\s+(\S+)", line)
        if symbol and symbol.group(2) == "COM":
            found.append((member, -1, "common", 0))
            names[member, -1].append(symbol.group(3))
        elif symbol:
            names[member, int(symbol.group(2))].append(symbol.group(3))
    if not index:
        sys.exit(f"{archive}: readelf shows no sections")
    return [(member, name, size, names[member, number]) for member, number, name, size in found]


def main():
    nm, readelf, archive = sys.argv[1:]
    problems = []
    for name, members in sorted(outside_needs(nm, archive).items()):
        if not name.startswith("port_") and name not in MEMORY_FUNCTIONS | LINKER_NAMES:
            problems.append(f"{', '.join(sorted(members))}: needs {name}")
    for member, section, size, names in writable_sections(readelf, archive):
        problems.append(f"{member}: has {size} writable bytes in {section}: {', '.join(names) or 'no named object'}")
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems in {archive}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
