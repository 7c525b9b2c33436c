#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files of "meson install" can be found with pkg-config and linked with, shared and static, and have the promised soname.

usage: installed.py BUILD_FOLDER WORK_FOLDER VERSION SONAME READELF PKG_CONFIG [COMMAND] -- COMPILER...
"""
import os
import re
import shlex
import shutil
import subprocess
import sys

PROGRAM = """
#include <stdio.h>
#include <viommu/viommu.h>

int main(void)
{
	return puts(viommu_version()) < 0;
}
"""


def run(command, **options):
    """The output of a command; this test ends where it fails."""
    print("$", shlex.join(command), flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode:
        print(done.stdout)
        sys.exit(1)
    return done.stdout.strip()


def main():
    if "--" not in sys.argv[7:9]:
        sys.exit(__doc__)
    dashes = sys.argv.index("--")
    build, work, version, soname, readelf, pkg_config, *built = sys.argv[1:dashes]
    compiler = sys.argv[dashes + 1 :]
    shutil.rmtree(work, ignore_errors=True)
    root = os.path.join(work, "root")
    run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root])

    found = [folder for folder, _, names in os.walk(root) if "libviommu.pc" in names]
    if len(found) != 1:
        sys.exit(f"libviommu.pc is in {found or 'no folder'}")
    environment = dict(os.environ, PKG_CONFIG_LIBDIR=found[0], PKG_CONFIG_SYSROOT_DIR=root)

    def ask(*options):
        return shlex.split(run([pkg_config, *options, "libviommu"], env=environment))

    if ask("--modversion") != [version]:
        sys.exit(f"pkg-config does not say that this is version {version}")
    source = os.path.join(work, "program.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(PROGRAM)

    shared, static = os.path.join(work, "shared"), os.path.join(work, "static")
    run(compiler + [source, *ask("--cflags"), *ask("--libs"), "-o", shared])
    library = os.path.join(os.path.dirname(found[0]), "libviommu.a")
    others = [option for option in ask("--libs", "--static") if option != "-lviommu"]
    run(compiler + [source, *ask("--cflags"), library, *others, "-o", static])

    for program, needs_it in ((shared, True), (static, False)):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run([readelf, "-dW", program]))
        if (soname in needed) != needs_it or any("viommu" in name and name != soname for name in needed):
            sys.exit(f"{program} needs {', '.join(needed)}")

    # The command finds its drawing program where that was installed. Meson names the emulator only to tests that have a program of the other machine as an argument.
    commands = [os.path.join(folder, "viommu") for folder, _, names in os.walk(root) if os.path.basename(folder) == "bin" and "viommu" in names]
    if len(commands) != len(built):
        sys.exit(f"the command is installed as {commands or 'no file'}")
    for command in commands:
        wrapper = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))
        picture = run([*wrapper, command, "show", "--svg", "-", os.path.join(os.path.dirname(__file__), "..", "cli", "captures", "three-levels.vcap")])
        if not picture.startswith("<svg "):
            sys.exit(f"{command} draws no picture")
    return 0


if __name__ == "__main__":
    sys.exit(main())
