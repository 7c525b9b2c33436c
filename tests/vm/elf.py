# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files that a program needs on a machine without any others: its dynamic loader and its libraries, for this machine's architecture or another."""
import os
import re
import subprocess


class NotRunnable(Exception):
    """Why a program cannot be taken to a test host."""


def read(path):
    """(machine, loader or None, libraries, folders to search) of an ELF file. readelf reads those of any architecture."""
    options = {"text": True, "errors": "replace", "env": dict(os.environ, LC_ALL="C")}
    try:
        done = subprocess.run(["readelf", "-hldW", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)
    except FileNotFoundError as error:
        raise NotRunnable("there is no readelf (Debian: binutils)") from error
    machine = re.search(r"^ +Machine: +(.*)$", done.stdout, flags=re.M)
    if done.returncode or not machine:
        raise NotRunnable(f"{path} is no program in ELF: {done.stderr.strip()}")
    loader = re.search(r"\[Requesting program interpreter: (.*)\]", done.stdout)
    needed = re.findall(r"\(NEEDED\) +Shared library: \[(.*)\]", done.stdout)
    folders = []
    for found in re.findall(r"\((?:RUNPATH|RPATH)\) +Library (?:runpath|rpath): \[(.*)\]", done.stdout):
        folders += [folder.replace("$ORIGIN", os.path.dirname(os.path.abspath(path))) for folder in found.split(":") if folder]
    return machine.group(1), loader and loader.group(1), needed, folders


def find(name, folders, wanted_machine):
    """A library's path. One for another architecture is passed over, as the loader does."""
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and read(path)[0] == wanted_machine:
            return path
    raise NotRunnable(f"there is no {name} for {wanted_machine} in {', '.join(folders)}")


def closure(program, wanted_machine, triplet, sysroot):
    """{path on the test host: path here} of a program's libraries: none if it is static. The libraries go to /lib.

    They are taken from a folder with the libraries of that architecture, if there is one."""
    machine, loader, needed, own = read(program)
    if machine != wanted_machine:
        raise NotRunnable(f"{program} is a program for {machine}, and this host is {wanted_machine}")
    if not loader:
        return {}
    # Debian's folders for any architecture, then those of other distributions for this machine's.
    system = [sysroot + folder for folder in (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/usr/local/lib", "/lib64", "/usr/lib64", "/usr/lib")]
    found = {loader: find(os.path.basename(loader), [sysroot + os.path.dirname(loader)] + system, wanted_machine)}
    todo = [(name, own) for name in needed]
    while todo:
        name, folders = todo.pop()
        there = f"/lib/{name}"
        if there not in found and name != os.path.basename(loader):
            found[there] = find(name, folders + system, wanted_machine)
            _, _, more, its_own = read(found[there])
            todo += [(each, its_own + folders) for each in more]
    return found
