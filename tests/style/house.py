#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The house: legal includes among the files of src/, and the means of freestanding files.

usage: house.py ROOT

 * No file includes a header of a floor above its own. The floors: port, format, host, core with core/shadow, guest.
 * There is no circle: neither among folders, nor among the units of floors 1 to 4. A unit is a header with the source file of the same name.
 * Freestanding files include no header of the system, and use no built-in atomic function and no attribute but through the port.
"""
import pathlib
import re
import sys

# Of folders on one floor each may include the others, but core/shadow, which is a part of core.
FLOORS = ["port", "format", "host", "core", "guest"]
FREESTANDING = ["port", "format", "core", "guest", "host/host.h", "host/host.c", "host/soft.h", "host/soft.c", "host/table.h", "host/soft_vtdss.c"]
# Ports are where the system begins.
PORTS = ("port/posix/", "port/linux/")
FORBIDDEN = [
    (r"__atomic_|__sync_", "a built-in atomic function: port_atomic.h has what there is"),
    (r"__attribute__", "an attribute: port_types.h has what there is"),
]


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", lambda match: "\n" * match.group().count("\n"), text, flags=re.S)


def folder_of(name):
    """core/shadow is a part of core."""
    folder = str(pathlib.PurePosixPath(name).parent)
    return "core" if folder == "core/shadow" else "port" if name.startswith(PORTS) else folder


def unit_of(name):
    return re.sub(r"\.[ch]$", "", name)


def circles(edges):
    """The strongly connected components of more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for to in sorted(edges.get(node, ())):
            if to not in index:
                visit(to)
                low[node] = min(low[node], low[to])
            elif to in stack:
                low[node] = min(low[node], index[to])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return found


def check(src):
    problems, folders, units = [], {}, {}
    files = {str(path.relative_to(src)): path for path in sorted(src.rglob("*.[ch]"))}
    for name, path in files.items():
        text = path.read_text()
        freestanding = any(name == one or name.startswith(one + "/") for one in FREESTANDING) and not name.startswith(PORTS)
        folder, floor = folder_of(name), name.split("/")[0]
        units.setdefault(unit_of(name), set())
        for number, line in enumerate(text.splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+([<"])(.+)[>"]', line)
            if not match:
                continue
            included = match.group(2)
            if freestanding and match.group(1) == "<" and not included.startswith(("viommu/", "port_")):
                problems.append(f"src/{name}:{number}: includes <{included}>, and is freestanding")
            target = included if included in files else str(pathlib.PurePosixPath(name).parent / included)
            if match.group(1) == "<" or target not in files:
                continue
            if unit_of(target) != unit_of(name):
                units[unit_of(name)].add(unit_of(target))
            if folder_of(target) != folder:
                folders.setdefault(folder, set()).add(folder_of(target))
            above = target.split("/")[0]
            if floor in FLOORS and (above not in FLOORS or FLOORS.index(above) > FLOORS.index(floor)):
                problems.append(f"src/{name}:{number}: includes {target}, which is on a floor above")
        if freestanding:
            for number, line in enumerate(strip_comments(text).splitlines(), 1):
                problems += [f"src/{name}:{number}: {what}" for pattern, what in FORBIDDEN if re.search(pattern, line)]
    problems += [f"folders include each other: {', '.join(circle)}" for circle in circles(folders)]
    for circle in circles({unit: to for unit, to in units.items() if unit.split("/")[0] in FLOORS[:-1]}):
        problems.append(f"units include each other: {', '.join(circle)}")
    return problems


def main():
    problems = check(pathlib.Path(sys.argv[1]) / "src")
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
