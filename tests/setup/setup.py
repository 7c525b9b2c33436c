#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tools/setup and related tools on machines with made-up package lists. Writes TAP."""
import pathlib
import re
import shutil
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True  # of these, among the sources
from machine import NATIVE, TOP, Machine, Mirror  # noqa: E402

BUILD = "gcc libc6-dev meson ninja-build pkg-config python3 libzstd-dev libjansson-dev".split()
TESTS = [*BUILD, "libcmocka-dev", "libncurses-dev", "zlib1g-dev"]
CHECK = [*TESTS, *"g++ clang clang-format libclang-rt-dev llvm cppcheck valgrind gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user".split()]
I386 = ["gcc-i686-linux-gnu", "libc6-dev-i386-cross"] if NATIVE == "amd64" else []
ARM64 = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"]
OTHERS = [*ARM64, "qemu-efi-aarch64", *"make patch flex bison bc libelf1 xz-utils".split()]
FOREIGN = ["s390x", "arm64", *(["i386"] if NATIVE == "amd64" else [])]
OLD, NEW, QEMU_OLD, QEMU = "1.5.4+dfsg2-5", "1.5.4+dfsg2-5+deb12u1", "1:7.2+dfsg-7", "1:10.0.2+ds-2"


def libraries(architecture, zstd=OLD):
    """The packages of a sysroot of an architecture; each -dev depends on its library in the same version."""
    made = {("libc6", architecture): "2.36-9"}
    for name, version in (("zstd1", zstd), ("jansson4", "2.14-2"), ("cmocka0", "1.1.5-2")):
        made["lib" + name, architecture] = version, {"Depends": "libc6", "Multi-Arch": "same"}, (f"usr/lib/{architecture}/lib{name}",)
        made[f"lib{name.rstrip('0123456789')}-dev", architecture] = version, {"Depends": f"lib{name} (= {version})", "Multi-Arch": "same"}, (f"lib/{architecture}/lib{name}.so",)
    return made


def kernel(version, architecture="s390x"):
    name = f"linux-image-{version}-{architecture}"
    return {
        (f"linux-image-{architecture}", architecture): (version, {"Depends": f"{name} (= {version})"}, ()),
        (name, architecture): (version, {}, (f"boot/vmlinuz-{version}-{architecture}", f"lib/modules/{version}-{architecture}/kernel/nvme.ko")),
        ("busybox-static", architecture): ("1.35", {}, ("bin/busybox",)),
    }


def release(qemu, zstd=OLD, foreign=tuple(FOREIGN)):
    """A release's own suite."""
    packages = {(name, NATIVE): "1.0" for name in (*CHECK, *I386, *OTHERS)}
    packages["libelf-dev", NATIVE] = "1.0", {"Depends": "libelf1 (= 1.0)"}, ()
    packages.update({(name, NATIVE): qemu for name in ("qemu-system-s390x", "qemu-system-arm", "qemu-system-x86")})
    for architecture in {NATIVE, *foreign}:
        packages.update(libraries(architecture, zstd))
    return packages


class Scenarios:
    """Each function that begins with "on_" is a test."""

    def __init__(self, folder):
        self.folder = folder
        self.number = 0
        self.mirror = Mirror(folder / "mirror")
        bookworm = {**release(QEMU_OLD), **kernel("6.1.176"), **kernel("6.1.176", "arm64"), ("linux-source-6.1", NATIVE): ("6.1.176", {}, ("usr/src/linux-source-6.1.tar.xz",))}
        self.mirror.suite("bookworm", bookworm)
        # As it was in 2026: one architecture has got no update.
        self.mirror.suite("bookworm-security", {key: value for key, value in {**libraries(NATIVE, NEW), **libraries("i386", NEW)}.items() if "zstd" in key[0]}, "Debian-Security")
        backports = {(name, NATIVE): QEMU for name in ("qemu-system-s390x", "qemu-system-arm", "qemu-system-x86")}
        backports.update(kernel("6.12.95"))
        backports["libelf1", NATIVE] = "1.1~bpo12"
        backports["libelf-dev", NATIVE] = "1.1~bpo12", {"Depends": "libelf1 (= 1.1~bpo12)"}, ()
        backports["libjansson-dev", NATIVE] = backports["libjansson4", NATIVE] = "2.15~bpo12"
        backports["linux-source-6.12", NATIVE] = "6.12.95", {}, ("usr/src/linux-source-6.12.tar.xz",)
        self.mirror.suite("bookworm-backports", backports, "Debian Backports")
        self.mirror.suite("trixie", {**release(QEMU, "1.5.7-1"), **kernel("6.12.100"), **kernel("6.12.100", "arm64")})
        self.mirror.suite("trixie-backports", {("linux-source-7.3", NATIVE): ("7.3.4", {}, ("usr/src/linux-source-7.3.tar.xz",)), **kernel("7.3.4")}, "Debian Backports")

    def machine(self, codename="bookworm", suites=("bookworm",), mirror=None, **more):
        self.number += 1
        return Machine(self.folder / f"machine{self.number}", mirror or self.mirror, codename, suites, **more)

    def setup(self, machine, *words, status=0):
        found, said = machine.run("tools/setup", *words)
        assert found == status, f"exit status {found}, and not {status}:\n{said}"
        self.unharmed(machine)
        return said

    @staticmethod
    def unharmed(machine):
        assert not (machine.root / "var/lib/dpkg/arch").exists(), "an architecture was added"
        left = list(machine.project.glob("build/**/*.new")) + list(machine.project.glob("build/**/*.apt"))
        assert not left, f"left behind: {left}"

    @staticmethod
    def has(machine, packages):
        lacking = sorted(set(packages) - set(machine.installed()))
        assert not lacking, f"not installed: {lacking}"

    @staticmethod
    def libraries_of(machine, architecture, zstd):
        found = machine.sysroot(architecture)
        assert found, f"no libraries for {architecture}"
        assert found["libzstd1"] == found["libzstd-dev"] == zstd, found
        # Both of /lib and /usr/lib, which are one.
        for name in ("libzstd1", "libzstd1.so"):
            assert (machine.project / f"build/sysroot/{architecture}/lib/{architecture}/{name}").exists(), name

    def on_a_debian_as_installed(self):
        machine = self.machine()
        said = self.setup(machine, "tests", "--if-possible", "check")
        self.has(machine, CHECK + I386)
        complaints = [line for line in said.splitlines() if "warning" in line or "apt:" in line and "is not signed" not in line]
        assert not complaints, said
        self.libraries_of(machine, "s390x", OLD)
        assert not I386 or machine.sysroot("i386")
        assert not machine.sysroot("arm64") and not set(ARM64) & set(machine.installed()), "what it does not need"

    def on_one_where_an_architecture_has_no_update(self):
        machine = self.machine(suites=("bookworm", "bookworm-security"))
        machine.install(f"libzstd1={OLD}")
        said = self.setup(machine, "tests", "--if-possible", "check")
        assert "warning" not in said, said
        assert machine.installed()["libzstd1"] == machine.installed()["libzstd-dev"] == NEW, machine.installed()
        self.libraries_of(machine, "s390x", OLD)
        if I386:
            self.libraries_of(machine, "i386", NEW)

    def on_one_without_backports(self):
        machine = self.machine()
        said = self.setup(machine, "tests", "--if-possible", "vm", "kernels")
        assert "warning" not in said and "adding bookworm-backports" in said, said
        self.has(machine, [*TESTS, *ARM64, *OTHERS, "libelf-dev"])
        installed = machine.installed()
        assert installed["qemu-system-s390x"] == installed["qemu-system-arm"] == QEMU, installed
        assert installed["libjansson-dev"] == "2.14-2" and installed["libelf-dev"] == "1.0", "more than is too old came from the backports"

    def on_one_with_backports(self):
        machine = self.machine(suites=("bookworm", "bookworm-backports"))
        machine.install("libelf1=1.1~bpo12")
        said = self.setup(machine, "live-s390x", "kernels")
        assert "adding" not in said, said
        installed = machine.installed()
        assert installed["qemu-system-s390x"] == QEMU and installed["libelf-dev"] == "1.1~bpo12", installed
        assert "qemu-system-arm" not in installed, "watching an s390x does not take arm64"
        # Packages in the machine's own sources are not added again.
        status, said = machine.run("tests/vm/fetch-source", "7.3", "kernels")
        assert not status and "multiple times" not in said and "linux-source-7.3" in said, said

    def on_the_next_release(self):
        machine = self.machine("trixie", ("trixie",))
        said = self.setup(machine, "tests", "--if-possible", "check", "vm")
        assert "warning" not in said and "backports" not in said, said
        assert machine.installed()["qemu-system-s390x"] == QEMU, machine.installed()
        self.libraries_of(machine, "s390x", "1.5.7-1")

    def on_one_that_only_runs(self):
        machine = self.machine()
        self.setup(machine, "build")
        beyond = set(machine.installed()) - set(BUILD) - {"libzstd1", "libjansson4", "libc6"}
        assert not beyond, beyond
        assert not (machine.project / "build/sysroot/s390x").exists()

    def on_a_new_qemu_without_backports(self):
        """The kernel of a guest is looked for by itself."""
        # A QEMU from elsewhere.
        self.mirror.suite("elsewhere", {("qemu-system-s390x", NATIVE): "1:11.0"})
        machine = self.machine(suites=("bookworm", "elsewhere"))
        machine.install("qemu-system-s390x")
        said = self.setup(machine, "build", "live-s390x")
        assert "backports" not in said, said
        for words, version in (([], "6.12.95-s390x"), (["--kernel", "6.1"], "6.1.176-s390x"), (["--arch", "arm64"], "6.12.100-arm64")):
            status, said = machine.run("tools/guest/fetch-kernel", *words, "guest")
            assert not status, said
            assert (machine.project / "guest/version").read_text().strip() == version, said
            assert (machine.project / "guest/vmlinuz").exists() and (machine.project / "guest/modules/kernel/nvme.ko").exists()
        # An older one that is there from before is not good enough.
        machine.run("tools/guest/fetch-kernel", "--kernel", "6.1", "guest2")
        machine.run("tools/guest/fetch-kernel", "guest2")
        assert (machine.project / "guest2/version").read_text().startswith("6.12."), "an old kernel was kept"
        status, said = machine.run("tools/guest/fetch-kernel", "--kernel", "5.10", "guest3")
        assert status and "no kernel 5.10" in said and "6.12.95" in said, said

    def on_one_without_a_source_of_linux(self):
        machine = self.machine()

        def fetch(least, package, lines):
            status, said = machine.run("tests/vm/fetch-source", least, "kernels")
            assert not status and said.splitlines()[-1] == f"{machine.project}/kernels/{package}.tar.xz", said
            assert lines is None or len(said.splitlines()) == lines, said

        # A newer one that is there already does not take the place of the older one.
        fetch("7.2", "linux-source-7.3", None)
        fetch("6.12", "linux-source-6.12", None)
        assert not {name for name in machine.installed() if "linux" in name}
        status, said = machine.run("tests/vm/fetch-source", "8.0", "kernels")
        assert status and "no linux-source-8.0 or newer" in said, said
        # These are kept.
        machine.sources.write_text("")
        fetch("7.3", "linux-source-7.3", 1)
        fetch("6.12", "linux-source-6.12", 1)
        fetch("6.15", "linux-source-7.3", None)

    def on_one_that_has_everything(self):
        """No network, no root, no word."""
        mirror = Mirror(self.folder / "fleeting")
        mirror.suite("trixie", {**release(QEMU), **kernel("6.12.100")})
        machine = self.machine("trixie", ("trixie",), mirror)
        self.setup(machine, "tests", "--if-possible", "check", "vm", "kernels")
        machine.run("tools/guest/fetch-kernel", "guest")
        mirror.remove("trixie")
        machine.user(sudo=False)
        machine.stand_in("apt-get", f"echo called >{machine.root}/called; exit 99")
        said = self.setup(machine, "tests", "--if-possible", "check", "vm", "kernels")
        status, more = machine.run("tools/guest/fetch-kernel", "guest")
        assert not status and not said and not more, said + more
        assert not (machine.root / "called").exists(), "apt-get was called"

    def on_one_whose_libraries_are_of_another_compiler(self):
        machine = self.machine()
        self.setup(machine, "s390x")
        made = machine.project / "build/sysroot/s390x.packages"
        made.write_text(made.read_text().replace(" with 1.0 ", " with 0.9 "))
        (machine.project / "build/sysroot/s390x/old").touch()
        said = self.setup(machine, "s390x")
        assert "fetching libraries for s390x" in said and not (machine.project / "build/sysroot/s390x/old").exists(), said
        # Those of the same release are kept where there is no network, those of another one are
        # not.
        for was, now, status in ((" with 1.0 ", " with 0.9 ", 0), (" bookworm ", " bullseye ", 1)):
            made.write_text(made.read_text().replace(was, now))
            machine.sources.write_text(f"deb file:{self.folder}/nowhere bookworm main\n")
            said = self.setup(machine, "s390x", status=status)
            assert ("keeping" in said) == (not status) and "nowhere" in said, said

    def on_one_whose_mirror_has_no_s390x(self):
        mirror = Mirror(self.folder / "poor")
        mirror.suite("bookworm", release(QEMU_OLD, foreign=[name for name in FOREIGN if name != "s390x"]))
        machine = self.machine(mirror=mirror)
        said = self.setup(machine, "tests", "--if-possible", "check")
        self.has(machine, CHECK)
        assert machine.sysroot("s390x") is None and not (machine.project / "build/sysroot/s390x.ini").exists()
        assert not I386 or machine.sysroot("i386")
        assert re.search("no libraries for s390x: libzstd-dev libjansson-dev libcmocka-dev cannot be fetched", said), said
        assert re.search("warning: for check this is missing, and what takes it is left out: sysroot/s390x", said), said
        said = self.setup(machine, "s390x", status=1)
        assert "for s390x this is needed" in said, said

    def on_one_whose_mirror_lacks_a_file(self):
        """A list names a package that is not there; the cross compiler has the same one."""
        mirror = Mirror(self.folder / "holes")
        packages = release(QEMU_OLD)
        packages["libc6-s390x-cross", NATIVE] = "2.36-8", {}, ("usr/s390x-linux-gnu/lib/libc.so.6", "usr/s390x-linux-gnu/lib/ld64.so.1", "usr/s390x-linux-gnu/lib/libc.so")
        packages["libc6-dev-s390x-cross", NATIVE] = "1.0", {"Depends": "libc6-s390x-cross"}, ()
        mirror.suite("bookworm", packages)
        for path in mirror.pool.glob("libc6_*_s390x.*"):
            path.unlink()
        machine = self.machine(mirror=mirror)
        status, said = machine.run("tools/sysroot", "s390x")
        assert status and machine.sysroot("s390x") is None and "libc6_2.36-9_s390x" in said, said
        self.setup(machine, "s390x")
        self.libraries_of(machine, "s390x", OLD)
        folder = machine.project / "build/sysroot/s390x/lib"
        assert (folder / "s390x-linux-gnu/libc.so.6").exists() and (folder / "ld64.so.1").exists() and not (folder / "s390x-linux-gnu/libc.so").exists()
        assert machine.sysroot("s390x")["libc6-s390x-cross"] == "2.36-8"

    def on_one_with_a_list_that_cannot_be_fetched(self):
        machine = self.machine(suites=("bookworm", "elsewhere-that-is-gone"))
        said = self.setup(machine, "tests", "--if-possible", "check")
        assert "elsewhere-that-is-gone" in said and "warning" not in said, said
        self.has(machine, CHECK)
        # The list that has the package.
        mirror = Mirror(self.folder / "without")
        mirror.suite("bookworm", {key: value for key, value in release(QEMU_OLD).items() if key[0] not in ("clang", "meson")})
        machine = self.machine(suites=("bookworm", "bookworm-gone"), mirror=mirror)
        said = self.setup(machine, "tests", "--if-possible", "check", status=1)
        assert "bookworm-gone" in said and re.search(r"for tests this is needed, and cannot .*: meson *$", said, flags=re.M), said
        assert re.search(r"warning: for check this is missing, .*: meson clang *$", said, flags=re.M), said
        self.has(machine, set(CHECK) - {"meson", "clang"})
        assert len(said.splitlines()) < 20, said
        # Nothing of it is left to the machine.
        said = self.setup(machine, "--if-possible", "live-s390x")
        assert re.search("warning: for live-s390x this is missing, .*: qemu-system-s390x>=1:10.0", said), said
        assert not list((machine.root / "etc/apt/sources.list.d").iterdir()), "a source was added that is none"

    def on_one_where_a_package_excludes_another(self):
        """Nothing is removed to make room for ours."""
        mirror = Mirror(self.folder / "excluding")
        packages = release(QEMU_OLD)
        packages["gcc-multilib", NATIVE] = "1.0"
        packages["qemu-user", NATIVE] = "1.0", {"Conflicts": "gcc-multilib"}, ()
        mirror.suite("bookworm", packages)
        machine = self.machine(mirror=mirror)
        machine.install("gcc-multilib")
        said = self.setup(machine, "tests", "--if-possible", "check")
        assert re.search("warning: for check this is missing, .*: qemu-user", said), said
        self.has(machine, [*set(CHECK) - {"qemu-user"}, "gcc-multilib"])

    def on_one_of_a_user_with_sudo(self):
        machine = self.machine()
        machine.user(sudo=True)
        self.setup(machine, "tests", "--if-possible", "check", "vm")
        self.has(machine, [*CHECK, *ARM64])
        asked = (machine.root / "sudo.log").read_text()
        for what in ("apt-get -q update", "install gcc", "bookworm-backports.list", "install qemu-system"):
            assert re.search(f"^env DEBIAN_FRONTEND=noninteractive .*{what}", asked, flags=re.M), f"not as root: {what}\n{asked}"

    def on_one_of_a_user_without_root(self):
        machine = self.machine()
        self.setup(machine, "build")
        machine.user(sudo=False)
        said = self.setup(machine, "tests", "--if-possible", "check", status=1)
        assert "for tests this is needed, and cannot be installed without root" in said and "libcmocka-dev" in said, said
        # Requirements that need no root are installed all the same.
        self.libraries_of(machine, "s390x", OLD)
        machine.root_user()
        self.setup(machine, "tests")
        machine.user(sudo=False)
        said = self.setup(machine, "tests", "--if-possible", "check")
        assert re.search("warning: for check .* clang", said), said

    def on_one_whose_sources_name_an_architecture(self):
        machine = self.machine(options=f"[trusted=no arch={NATIVE}]")
        self.setup(machine, "s390x")
        self.libraries_of(machine, "s390x", OLD)
        parts = machine.root / "etc/apt/sources.list.d"
        machine.sources.unlink()
        (parts / "debian.sources").write_text(f"Types: deb\nURIs: file:{self.mirror.folder}\nSuites: bookworm\nComponents: main\nArchitectures: {NATIVE}\n")
        status, said = machine.run("tools/sysroot", "--refresh", "arm64", "s390x")
        assert not status, said
        self.libraries_of(machine, "arm64", OLD)

    def on_one_that_does_not_trust_the_mirror(self):
        machine = self.machine(trusting=False)
        said = self.setup(machine, "--if-possible", "s390x")
        assert machine.sysroot("s390x") is None and re.search("apt: .*not signed", said), said
        assert not machine.installed()

    def on_one_that_is_only_asked(self):
        machine = self.machine()
        said = self.setup(machine, "--dry-run", "tests", "--if-possible", "check", "vm", "kernels")
        assert "would install: gcc" in said and "would fetch" in said, said
        assert not machine.installed() and not (machine.project / "build").exists()
        said = self.setup(machine, "tests", "nothing-known", status=1)
        assert "unknown: nothing-known" in said, said


def skipped_configuration():
    """./check leaves out configurations without libraries, and reports them."""
    sys.path.insert(0, str(TOP / "tools"))
    import check  # pylint: disable=import-outside-toplevel

    with tempfile.TemporaryDirectory() as empty:
        check.ROOT = empty
        tally = check.Tally()
        configuration = next(each for each in check.CONFIGURATIONS if each.name == "s390x")
        check.carry_out(check.dataclasses.replace(configuration, needs=()), None, tally)
    assert (tally.passed, tally.failed, tally.skipped) == (0, 0, 1), tally.line()
    assert tally.skips == ["s390x: there is no build/sysroot/s390x"], tally.skips


def front_door():
    """A wrong option is refused before anything is set up."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(pathlib.Path(folder) / "machine", Mirror(pathlib.Path(folder) / "mirror"), "bookworm", ())
        shutil.copy(TOP / "check", machine.project)
        (machine.project / "tools/setup").write_text("#!/bin/sh\necho set up\nexit 1\n")
        for words, complaint in ((["--foo"], "unknown: --foo"), (["-k"], "wants a pattern"), (["--vm", "--quick"], "exclude each other"), (["x"], "unknown: x")):
            status, said = machine.run("./check", *words)
            assert status == 2 and complaint in said and "set up" not in said, said
        for words in ([], ["--vm", "-k", "x"], ["-kx"], ["--quick"]):
            status, said = machine.run("./check", *words)
            assert status == 1 and said.startswith("set up") and said.endswith("0 passed, 1 failed\n"), said


def main():
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        print("skipped: this is no Debian")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory(prefix="setup-test-") as folder:
        scenarios = Scenarios(pathlib.Path(folder))
        tests = [getattr(scenarios, name) for name in dir(scenarios) if name.startswith("on_")] + [skipped_configuration, front_door]
        tests = [test for test in tests if not sys.argv[1:] or test.__name__ in sys.argv[1:]]
        print(f"1..{len(tests)}")
        for number, test in enumerate(tests, 1):
            try:
                test()
                print(f"ok {number} {test.__name__}", flush=True)
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {number} {test.__name__}", *(f"# {line}" for line in traceback.format_exc().splitlines()), sep="\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
