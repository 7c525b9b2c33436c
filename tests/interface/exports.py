#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The shared library exports exactly the functions that the public headers declare with VIOMMU_API, all with the version VIOMMU_0.2.

usage: exports.py NM LIBRARY HEADER...
"""
import re
import subprocess
import sys


def declared(path):
    """The names that a header declares with VIOMMU_API."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.M)
    names = set()
    for declaration in re.findall(r"\bVIOMMU_API\b([^;]*);", text):
        name = re.search(r"\b(\w+)\s*\(", declaration)
        if not name:
            sys.exit(f"{path}: cannot parse this declaration: VIOMMU_API{declaration};")
        names.add(name.group(1))
    return names


def exported(nm, library):
    """The names that a shared library defines for others, with their versions."""
    output = subprocess.run([nm, "-D", "--defined-only", "--with-symbol-versions", library], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = {}
    for line in output.splitlines():
        kind, symbol = line.split()[-2:]
        name, _, version = symbol.replace("@@", "@").partition("@")
        if kind == "A" and not version:
            continue  # the version node itself
        found[name] = version
    return found


def main():
    nm, library, *headers = sys.argv[1:]
    want = set().union(*(declared(header) for header in headers))
    have = exported(nm, library)
    problems = [f"declared with VIOMMU_API and not exported: {name}" for name in sorted(want - have.keys())]
    problems += [f"exported and not declared with VIOMMU_API: {name}" for name in sorted(have.keys() - want)]
    problems += [f"exported with the version {version or '(none)'}: {name}" for name, version in sorted(have.items()) if version != "VIOMMU_0.2"]
    if not want:
        problems.append("no header declares anything")
    for problem in problems:
        print(problem)
    print(f"{len(want)} functions declared, {len(have)} exported")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
