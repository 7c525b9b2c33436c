# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files of a source tree, without build folders and git's own. For the tests in this folder."""
import os

# LICENSES: texts that are not ours to mark or to format.
NOT_SOURCES = {".git", "build", "LICENSES", "__pycache__"}


def source_files(root):
    """Paths of all files, in order. Build folders are recognised by meson's files in them, not by their names."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in NOT_SOURCES and not os.path.exists(os.path.join(folder, f, "meson-info")))
        for name in sorted(names):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def first_lines(path, count):
    """The first lines of a file as text, without line ends; missing ones are empty."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return [file.readline(1000).rstrip("\n") for _ in range(count)]
