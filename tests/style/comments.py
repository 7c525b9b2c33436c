#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Comments in C files end at column 100. The limit of .clang-format is for code.

usage: comments.py ROOT
"""
import pathlib
import re
import sys

FOLDERS = ("fuzz", "linux", "cli", "include", "integrations", "src", "tests", "tools")
# Copies of an earlier release's headers, which stay as they were.
FROZEN = "tests/abi/v0"
COLUMNS = 100
TAB = 8
# A comment, or text in quotes, in which there is none.
TOKEN = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.S)


def long_lines(text):
    """The numbers of the lines on which a comment goes beyond the limit."""
    found = []
    for match in TOKEN.finditer(text):
        if not match.group().startswith("/"):
            continue
        begin = text.rfind("\n", 0, match.start()) + 1
        first = text.count("\n", 0, begin) + 1
        for number, line in enumerate(text[begin : match.end()].split("\n"), first):
            if len(line.expandtabs(TAB)) > COLUMNS:
                found.append(number)
    return found


def main():
    root = pathlib.Path(sys.argv[1])
    files = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.[ch]") if not path.is_relative_to(root / FROZEN))
    problems = 0
    for path in files:
        for number in long_lines(path.read_text(encoding="utf-8")):
            print(f"{path.relative_to(root)}:{number}: a comment beyond column {COLUMNS}")
            problems += 1
    print(f"{len(files)} files, {problems} problems")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
