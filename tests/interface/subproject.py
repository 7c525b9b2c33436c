#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""In a project that has libviommu as a meson subproject, the library is all that is built.

usage: subproject.py SOURCE_FOLDER WORK_FOLDER
"""
import json
import os
import shutil
import subprocess
import sys

PROJECT = """project('user', 'c')
executable('user', 'user.c', dependencies: dependency('libviommu', fallback: 'libviommu'))
"""
PROGRAM = """#include <viommu/viommu.h>

int main(void)
{
	return !*viommu_version();
}
"""


def main():
    source, work = sys.argv[1:]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(os.path.join(work, "subprojects"))
    os.symlink(os.path.abspath(source), os.path.join(work, "subprojects", "libviommu"))
    for name, text in (("meson.build", PROJECT), ("user.c", PROGRAM)):
        with open(os.path.join(work, name), "w", encoding="utf-8") as file:
            file.write(text)
    build = os.path.join(work, "build")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MESON")}
    subprocess.run(["meson", "setup", "--force-fallback-for=libviommu", build, work], stdout=subprocess.DEVNULL, env=environment, check=True)
    told = subprocess.run(["meson", "introspect", "--targets", "--tests", build], stdout=subprocess.PIPE, env=environment, check=True)
    told = json.loads(told.stdout)
    built = sorted({target["name"] for target in told["targets"] if target["build_by_default"]})
    print("built:", *built, "tests:", len(told["tests"]))
    return 0 if built == ["user", "viommu", "viommu-freestanding"] and not told["tests"] else 1


if __name__ == "__main__":
    sys.exit(main())
