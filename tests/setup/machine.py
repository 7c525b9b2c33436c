# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A made-up Debian in a folder: package lists with the versions of each suite, a dpkg of its own, and the project's tools, which set it up with the real apt.

A mirror is a folder with suites. A suite is a dictionary: (package, architecture) -> version, or (version, fields, files).
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
NATIVE = subprocess.run(["dpkg", "--print-architecture"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip() if shutil.which("dpkg") else ""


class Mirror:
    """Repositories in a folder. Packages are built once, however many suites have them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.pool = self.folder / "pool"
        self.pool.mkdir(parents=True)

    def package(self, name, architecture, version, fields, files):
        """The stanza of a package, which is built if it is not there."""
        key = hashlib.sha256(repr((fields, files)).encode()).hexdigest()[:8]
        path = self.pool / f"{name}_{version.replace(':', '%3a')}_{architecture}.{key}.deb"
        control = f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: test <test@example.org>\nDescription: made up\n"
        control += "".join(f"{field}: {value}\n" for field, value in fields.items())
        if not path.exists():
            with tempfile.TemporaryDirectory() as tree:
                for file in files or (f"usr/share/{name}",):
                    file = pathlib.Path(tree, file)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(f"{name} {version} {architecture}\n", encoding="utf-8")
                pathlib.Path(tree, "DEBIAN").mkdir()
                pathlib.Path(tree, "DEBIAN/control").write_text(control, encoding="utf-8")
                subprocess.run(["dpkg-deb", "-Znone", "--build", tree, path], stdout=subprocess.DEVNULL, check=True)
        data = path.read_bytes()
        return f"{control}Filename: pool/{path.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n"

    def suite(self, suite, packages, label="Debian"):
        """Publishes a suite."""
        folder = self.folder / "dists" / suite
        lists = {architecture: "" for architecture in {NATIVE, "amd64", "s390x", "i386", "arm64"}}
        for (name, architecture), value in sorted(packages.items()):
            version, fields, files = value if isinstance(value, tuple) else (value, {}, ())
            lists[architecture] += self.package(name, architecture, version, fields, files)
        release = f"Origin: {'Debian Backports' if 'Backports' in label else 'Debian'}\nLabel: {label}\nSuite: {suite}\nCodename: {suite}\nDate: Thu, 01 Jan 2026 00:00:00 UTC\n"
        release += f"Architectures: {' '.join(sorted(lists))}\nComponents: main\n"
        if suite.endswith("-backports"):
            release += "NotAutomatic: yes\nButAutomaticUpgrades: yes\n"
        release += "SHA256:\n"
        for architecture, text in lists.items():
            path = folder / f"main/binary-{architecture}/Packages"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            release += f" {hashlib.sha256(text.encode()).hexdigest()} {len(text)} main/binary-{architecture}/Packages\n"
        (folder / "Release").write_text(release, encoding="utf-8")

    def remove(self, suite):
        shutil.rmtree(self.folder / "dists" / suite)


class Machine:
    """A Debian of a release, whose sources are suites of a mirror."""

    def __init__(self, folder, mirror, codename, suites, options="", trusting=True):
        self.root = pathlib.Path(folder)
        self.mirror = mirror
        self.project = self.root / "project"
        self.bin = self.root / "stand-ins"
        for name in ("etc/apt/sources.list.d", "etc/apt/preferences.d", "etc/apt/trusted.gpg.d", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/lib/apt/lists/partial",
                     "var/cache/apt/archives/partial", "var/log/apt", "project/tests/vm", "stand-ins"):
            (self.root / name).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "etc/os-release").write_text(f"VERSION_CODENAME={codename}\n", encoding="utf-8")
        self.sources = self.root / "etc/apt/sources.list"
        self.sources.write_text("".join(f"deb {options} file:{mirror.folder} {suite} main\n" for suite in suites), encoding="utf-8")
        trust = 'Acquire::AllowInsecureRepositories "true"; APT::Get::AllowUnauthenticated "true";\n' if trusting else ""
        dpkg = " ".join(f'"{word}";' for word in (f"--root={self.root}", "--force-not-root", "--force-bad-path", f"--log={self.root}/var/log/dpkg.log"))
        (self.root / "apt.conf").write_text(
            f'Dir "{self.root}/";\nDir::State::status "{self.root}/var/lib/dpkg/status";\nDir::Etc::main "/dev/null";\nDir::Etc::parts "/dev/null";\n'
            f'APT::Architecture "{NATIVE}";\nAPT::Architectures {{ "{NATIVE}"; }};\nAPT::Sandbox::User "";\nDPkg::Options {{ {dpkg} }};\nDPkg::Use-Pty "false";\n{trust}',
            encoding="utf-8",
        )
        shutil.copytree(TOP / "tools", self.project / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(TOP / "tests/vm/fetch-source", self.project / "tests/vm")
        self.root_user()

    def stand_in(self, name, script):
        """Puts a script in the place of a command."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def user(self, sudo):
        """Commands run as a user from here on, with sudo or without."""
        self.stand_in("id", 'if [ "$1" = -u ]; then echo 1000; else exec /usr/bin/id "$@"; fi')
        self.stand_in("sudo", f'echo "$*" >>{self.root}/sudo.log; exec "$@"' if sudo else "exit 1")

    def root_user(self):
        """Commands run as root from here on, for any user of the test."""
        self.stand_in("id", 'if [ "$1" = -u ]; then echo 0; else exec /usr/bin/id "$@"; fi')

    def run(self, *command):
        """Runs a command of the project there: its exit status and its output."""
        environment = {**os.environ, "APT_CONFIG": str(self.root / "apt.conf"), "PATH": f"{self.bin}:{os.environ['PATH']}:/usr/sbin:/sbin"}
        done = subprocess.run(
            command, cwd=self.project, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False, timeout=600
        )
        return done.returncode, done.stdout

    def install(self, *packages):
        """Packages that are there before: names, or NAME=VERSION."""
        self.run("apt-get", "update")
        status, said = self.run("apt-get", "-y", "install", *packages)
        if status:
            raise RuntimeError(said)

    def installed(self):
        """{package: version}."""
        form = "-f=${db:Status-Status} ${Package} ${Version}\n"
        done = subprocess.run(["dpkg-query", f"--admindir={self.root}/var/lib/dpkg", "-W", form], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        return dict(line.split()[1:] for line in done.stdout.splitlines() if line.startswith("installed "))

    def sysroot(self, architecture):
        """{package: version} of the libraries of an architecture; None if there are none."""
        made = self.project / "build/sysroot" / f"{architecture}.packages"
        if not (made.exists() and made.with_suffix(".ini").exists() and (made.parent / architecture).is_dir()):
            return None
        return dict(line.split() for line in made.read_text(encoding="utf-8").splitlines()[1:])
