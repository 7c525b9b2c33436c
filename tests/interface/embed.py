#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The example in README.md compiles and links as it stands there, against the shared and the static library.

usage: embed.py README INCLUDE_FOLDER WORK_FOLDER SHARED_LIBRARY STATIC_LIBRARY NM -- COMPILER...

The example is each ```c block that the line MARK stands before (empty lines between them are allowed); several blocks make one file, in their order. A
function that the example declares and does not define is the VMM's own: it may stay undefined. Symbols that begin with viommu_ must come from the library.
"""
import os
import re
import subprocess
import sys

MARK = "<!-- embed: compiled by the tests -->"
SKIPPED = 77


def example(lines):
    """The marked blocks, with #line directives, so that the compiler reports the README's own lines. None if there is no mark."""
    blocks = []
    marked = block = False
    for number, line in enumerate(lines, 1):
        if block:
            block = not line.startswith("```")
            if block:
                blocks.append(line)
        elif marked and re.match(r"```c\s*$", line):
            blocks.append(f'#line {number + 1} "README.md"\n')
            block, marked = True, False
        elif line.strip() == MARK:
            marked = True
        elif marked and line.strip():
            sys.exit(f"README.md:{number}: after the mark there must be a ```c block")
    if block or marked:
        sys.exit("README.md: the last marked block does not end")
    return "".join(blocks) or None


def run(command):
    """Runs a command. Its output is part of this test's output."""
    print("$", " ".join(command), flush=True)
    if subprocess.run(command, check=False).returncode:
        sys.exit(1)


def symbols(nm, *arguments):
    """The names that nm prints, without versions."""
    output = subprocess.run([nm, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[-1].partition("@")[0] for line in output.splitlines() if re.search(r" [A-Za-z] \S+$", line)}


def main():
    readme, include, work, shared, static, nm, dashes, *compiler = sys.argv[1:]
    if dashes != "--":
        sys.exit(__doc__)
    if not os.path.exists(readme):
        print("skipped: there is no README.md")
        return SKIPPED
    with open(readme, encoding="utf-8") as file:
        text = example(file)
    if text is None:
        print(f"skipped: README.md has no example marked with {MARK}")
        return SKIPPED

    os.makedirs(work, exist_ok=True)
    source, compiled = os.path.join(work, "example.c"), os.path.join(work, "example.o")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    run(compiler + ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fPIC", f"-I{include}", "-c", source, "-o", compiled])

    used = {name for name in symbols(nm, "--undefined-only", compiled) if name.startswith("viommu_")}
    if not used:
        sys.exit("the example uses nothing of the library")
    for library, options in ((shared, ["-D", "--defined-only"]), (static, ["--defined-only"])):
        missing = used - symbols(nm, *options, library)
        if missing:
            sys.exit(f"{library} has no {', '.join(sorted(missing))}")

    # A VMM that has only the example: main() where the example has none; other functions of the VMM stay undefined.
    stub, program = os.path.join(work, "main.c"), os.path.join(work, "example")
    with open(stub, "w", encoding="utf-8") as file:
        file.write("__attribute__((weak)) int main(void)\n{\n\treturn 0;\n}\n")
    for library in (shared, static):
        run(compiler + [compiled, stub, library, "-pthread", "-Wl,--unresolved-symbols=ignore-in-object-files", "-o", program])
    return 0


if __name__ == "__main__":
    sys.exit(main())
