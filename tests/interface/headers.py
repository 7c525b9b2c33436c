#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A public header compiles alone, with nothing before it and twice over, as strict C11 or C++17, and so do its initialisers.

usage: headers.py INCLUDE_FOLDER HEADER -- COMPILER...

The language is the one of COMPILER's own options (-x c or -x c++).
"""
import re
import subprocess
import sys


def main():
    include, header = sys.argv[1:3]
    if sys.argv[3] != "--":
        sys.exit(__doc__)
    compiler = sys.argv[4:]
    # The second time shows that the header guards itself.
    source = f"#include <viommu/{header}>\n#include <viommu/{header}>\n"
    # An initialiser is for the struct of its name, and initialises all of it.
    with open(f"{include}/viommu/{header}", encoding="utf-8") as file:
        for name in re.findall(r"#define (VIOMMU_\w+)_INIT\b", file.read()):
            source += f"extern struct {name.lower()} a_{name.lower()};\nstruct {name.lower()} a_{name.lower()} = {name}_INIT;\n"
    options = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{include}", "-"]
    return subprocess.run(compiler + options, input=source, text=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
