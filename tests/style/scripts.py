#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The interpreter in the first line of each script, a shell or Python, can parse the script.

usage: scripts.py SOURCE_FOLDER
"""
import os
import re
import subprocess
import sys

from sources import first_lines, source_files


def problem(path, first_line):
    """The problem of a script: None if there is none."""
    shell = re.match(r"#! ?(?:/usr)?/bin/(?:env )?(bash|dash|sh)\b", first_line)
    if shell:
        done = subprocess.run([shell.group(1), "-n", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.stdout if done.returncode else None
    if "python" in first_line or path.endswith(".py"):
        with open(path, encoding="utf-8") as file:
            try:
                compile(file.read(), path, "exec", dont_inherit=True)
            except SyntaxError as error:
                return f"{path}:{error.lineno}: {error.msg}"
        return None
    return f"{path}: no known interpreter: {first_line}"


def main():
    root, = sys.argv[1:]
    checked, problems = 0, []
    for path in source_files(root):
        first_line, = first_lines(path, 1)
        if not first_line.startswith("#!") and not path.endswith(".py"):
            continue
        checked += 1
        found = problem(path, first_line)
        if found:
            problems.append(found.strip())
        elif first_line.startswith("#!") and not os.access(path, os.X_OK) and not path.endswith(".py"):
            problems.append(f"{path}: names a program to run it, and may not be executed")
    for text in problems:
        print(text)
    print(f"{checked} scripts, {len(problems)} problems")
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
