#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each C source is as clang-format would write it.

usage: format.py SOURCE_FOLDER CLANG_FORMAT

What clang-format writes changes from one version to the next. Ours is VERSION, that of Debian 12: with another one this test is skipped.
"""
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
    return subprocess.run([clang_format, "--dry-run", "--Werror", *paths], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
