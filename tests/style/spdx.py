#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each source file names its licence in its first line (in its second, if the first names the program that runs it), in its own comment syntax.

usage: spdx.py SOURCE_FOLDER
"""
import os
import sys

from sources import first_lines, source_files

LICENCE = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"
STARRED = (f"/* {LICENCE} */",)
EITHER = (f"/* {LICENCE} */", f"// {LICENCE}")
HASH = (f"# {LICENCE}",)
BY_EXTENSION = {".c": EITHER, ".h": STARRED, ".S": STARRED, ".map": STARRED, ".py": HASH, ".sh": HASH, ".ini": HASH, ".config": HASH}
BY_NAME = {"meson.build": HASH, "meson_options.txt": HASH, ".clang-format": HASH}


def main():
    root, = sys.argv[1:]
    checked, problems = 0, []
    for path in source_files(root):
        lines = first_lines(path, 2)
        script = lines[0].startswith("#!")
        name = os.path.basename(path)
        want = BY_NAME.get(name, BY_EXTENSION.get(os.path.splitext(name)[1], HASH if script else None))
        if not want:
            continue
        checked += 1
        if lines[1 if script else 0] not in want:
            problems.append(f"{os.path.relpath(path, root)}: its {'second' if script else 'first'} line is not: {want[0]}")
    for problem in problems:
        print(problem)
    print(f"{checked} files, {len(problems)} problems")
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
