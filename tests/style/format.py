#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each C source equals the output of clang-format.

usage: format.py SOURCE_FOLDER CLANG_FORMAT

The output of clang-format depends on its version. The sources follow VERSION, that of Debian 12: with another one this test is skipped.
"""
import os
import re
import subprocess
import sys

from sources import source_files

VERSION = "14"
SKIPPED = 77


def main():
    root, clang_format = sys.argv[1:]
    try:
        told = subprocess.run([clang_format, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    except FileNotFoundError:
        print("skipped: there is no clang-format")
        return SKIPPED
    version = re.search(r"version (\d+)", told).group(1)
    if version != VERSION:
        print(f"skipped: this is clang-format {version}, the sources are formatted with {VERSION}")
        return SKIPPED
    paths = [path for path in source_files(root) if path.endswith((".c", ".h"))]
    done = subprocess.run([clang_format, "--dry-run", "--Werror", *paths], stderr=subprocess.PIPE, text=True, check=False)
    for path in dict.fromkeys(re.findall(r"^(.*?):\d+:\d+: error: code should be clang-formatted", done.stderr, flags=re.M)):
        print(f"not as clang-format writes it: clang-format -i {os.path.relpath(path, root)}")
    if done.returncode and "clang-formatted" not in done.stderr:
        print(done.stderr)
    print(f"{len(paths)} files")
    return 1 if done.returncode or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
