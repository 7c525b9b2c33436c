# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Builds libviommu in several configurations, runs their tests, and counts. ./check is the way in: it installs what this needs.

Counting: each of cmocka's tests (and each point of a TAP test) is one; any other test of meson is one. A test program that crashes, runs into its time
limit, or reports success with another exit status, is a failure of its own. A configuration that does not configure or build is one failed test.
"""
import argparse
import concurrent.futures
import dataclasses
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORES = os.cpu_count() or 1
SHOWN_LINES = 60


@dataclasses.dataclass
class Configuration:
    """One way to build, and which of the tests run there."""

    name: str
    suites: set
    compiler: str = ""  # of the environment variable CC; empty where a cross file names it
    options: tuple = ()
    needs: tuple = ()  # programs
    patience: int = 2  # factor for the tests' time limits
    sanitizer: bool = False
    whole: bool = False  # build everything, and not only the needs of its tests
    processes: int = 0  # tests at once; 0: as many as there are cores
    sysroot: str = ""  # architecture of the libraries that tools/sysroot keeps, with a cross file
    kernel: str = ""  # architecture of the test hosts that its tests of the suite vm-hosts need


ALL_HERE = {"unit", "threads", "build", "style", "setup"}
NO_RECOVERY = "-Dc_args=-fno-sanitize-recover=all -fno-omit-frame-pointer"
# The slowest first, since several are under way at once.
CONFIGURATIONS = (
    Configuration(
        "s390x",
        {"unit", "threads", "build"},
        sysroot="s390x",
        needs=("s390x-linux-gnu-gcc", "qemu-s390x"),
        patience=5,
    ),
    Configuration("gcc", ALL_HERE, compiler="gcc", needs=("gcc",), whole=True),
    Configuration(
        "clang-asan-ubsan",
        {"unit", "threads"},
        compiler="clang",
        options=("-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=1", NO_RECOVERY),
        needs=("clang",),
        patience=4,
        sanitizer=True,
    ),
    Configuration(
        "clang-tsan",
        {"threads"},
        compiler="clang",
        options=("-Db_sanitize=thread", "-Db_lundef=false", "-Doptimization=1", NO_RECOVERY),
        needs=("clang",),
        patience=4,
        sanitizer=True,
    ),
    Configuration(
        "i386",
        {"unit", "threads", "build"},
        sysroot="i386",
        needs=("i686-linux-gnu-gcc",),
    ),
    Configuration("clang", {"build", "fuzz"}, compiler="clang", needs=("clang",), whole=True),
)
QUICK = tuple(c for c in CONFIGURATIONS if c.name == "gcc")
KERNELS = {"aarch64": "arm64"}  # where tests/vm/build-kernel calls an architecture otherwise
# In the same build folders as gcc and s390x; programs for another architecture run on test
# hosts of that one.
VM = (
    dataclasses.replace(next(c for c in CONFIGURATIONS if c.name == "gcc"), suites={"vm"}, whole=False, processes=1, kernel=KERNELS.get(os.uname().machine, os.uname().machine)),
    dataclasses.replace(next(c for c in CONFIGURATIONS if c.name == "s390x"), suites={"vm-hosts"}, patience=2, processes=1, kernel="s390x"),
    Configuration(
        "aarch64",
        {"vm-hosts"},
        sysroot="arm64",
        needs=("aarch64-linux-gnu-gcc", "qemu-aarch64"),
        processes=1,
        kernel="arm64",
    ),
)
# This machine's own architecture is built for once.
VM = (VM[0], *(c for c in VM[1:] if c.kernel != VM[0].kernel))

LONG = tuple(dataclasses.replace(c, suites={"vm-long"}) for c in VM)

SANITIZER_ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1:halt_on_error=1",
}


def sysroot_file(configuration, ending):
    return os.path.join(ROOT, "build/sysroot", configuration.sysroot + ending)


class Trouble(Exception):
    """A step failed; its output is the argument."""


def cmocka_names(word, output):
    """Names of cmocka's tests that ended in a way: FAILED or SKIPPED. Its summary at the end names them again, after how many there are."""
    names = re.findall(rf"^\[  {word:<7} \] (.*)$", output, flags=re.M)
    return list(dict.fromkeys(name for name in names if not re.match(r"(.*: )?\d+ test\(s\)", name)))


class Tally:
    """The numbers of passed, failed and skipped tests, with messages. Added to by several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.failures = []  # (name, output)
        self.skips = []

    def add(self, name, passed, failed, skipped, output):
        with self.lock:
            self.passed += passed
            self.failed += failed
            self.skipped += skipped
            if failed:
                self.failures.append((name, output))
            if skipped:
                lines = [line for line in output.splitlines() if "skip" in line.lower()]
                why = lines[-1].removeprefix("skipped: ") if lines else "no reason is given"
                self.skips.append(f"{name}: {', '.join(cmocka_names('SKIPPED', output)) or why}")

    def line(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


class Progress:
    """Progress of the configurations: on a terminal one line, elsewhere a line every half minute."""

    def __init__(self):
        self.lock = threading.Lock()
        self.at = {}  # name of a configuration -> text
        self.terminal = sys.stdout.isatty()
        self.begin = time.monotonic()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.show, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.say()

    def show(self):
        while not self.ended.wait(1 if self.terminal else 30):
            with self.lock:
                text = "; ".join(f"{name}: {text}" for name, text in self.at.items())
                if text:
                    seconds = int(time.monotonic() - self.begin)
                    text = f"{seconds // 60:3}:{seconds % 60:02}  {text}"
                    print(f"\r\033[K{text[: shutil.get_terminal_size().columns - 1]}" if self.terminal else text, end="" if self.terminal else "\n", flush=True)

    def set(self, configuration, text):
        with self.lock:
            self.at[configuration.name] = text

    def done(self, configuration):
        with self.lock:
            self.at.pop(configuration.name, None)

    def say(self, *texts):
        with self.lock:
            print("\r\033[K" if self.terminal else "", end="")
            print(*texts, sep="\n", end="\n" if texts else "", flush=True)


progress = Progress()


def output_of(command, line=lambda text: None, **options):
    """Exit status and output of a command. A function gets each line as it comes."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace", **options}
    lines = []
    try:
        with subprocess.Popen(command, **options) as process:
            for text in process.stdout:
                lines.append(text)
                line(text)
    except OSError as error:
        raise Trouble(f"{command[0]}: {error.strerror}") from error
    return process.returncode, "".join(lines)


def run(command, line=lambda text: None, **options):
    """Runs a command that must succeed. Its output, or Trouble with it."""
    status, output = output_of(command, line, **options)
    if status:
        # Without ninja's lines of successful steps.
        output = re.sub(r"^\[\d+/\d+\] .*\n", "", output, flags=re.M)
        raise Trouble(f"$ {' '.join(command)}\n{output}")
    return output


def steps(configuration, what):
    """A function for output_of(): lines of ninja and meson begin with the number of the step."""

    def line(text):
        at = re.match(r"[ \[]*(\d+)/(\d+)[\] ]", text)
        if at:
            progress.set(configuration, f"{what} {at[1]} of {at[2]}")

    return line


def no_randomisation():
    """A prefix for commands that gives programs the same addresses each time: sanitizers of some versions cannot do with all that a kernel chooses."""
    prefix = ["setarch", "-R"]
    if shutil.which("setarch") and subprocess.run(prefix + ["true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return prefix
    return []


def configure(configuration, folder):
    """Makes the build folder, or leaves it as it is if it was made in the same way."""
    command = ["meson", "setup", "-Dtests=enabled", "-Dcli=enabled", *configuration.options, folder, ROOT]
    made_from = ""
    if configuration.sysroot:
        command += ["--cross-file", sysroot_file(configuration, ".ini")]
        for ending in (".ini", ".packages"):
            with open(sysroot_file(configuration, ending), encoding="utf-8") as file:
                made_from += file.read()
    made_by = os.path.join(folder, "made-by")
    # A build that was configured before these were installed has no tests that need them.
    found = [tool for tool in ("g++", "clang++", "clang-format") if shutil.which(tool)]
    recipe = json.dumps([configuration.compiler, command, made_from, found])
    try:
        with open(made_by, encoding="utf-8") as file:
            if file.read() == recipe:
                # Configures again if a meson.build has changed.
                run(["ninja", "-C", folder, "build.ninja"])
                return
    except OSError:
        pass
    shutil.rmtree(folder, ignore_errors=True)
    environment = dict(os.environ)
    for variable in ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS"):
        environment.pop(variable, None)
    if configuration.compiler:
        environment["CC"] = configuration.compiler
        environment["CXX"] = {"gcc": "g++", "clang": "clang++"}[configuration.compiler]
    run(command, env=environment)
    with open(made_by, "w", encoding="utf-8") as file:
        file.write(recipe)


def chosen_tests(configuration, folder, pattern):
    """Names and suites of the configuration's tests that are to run, and ninja's targets for them."""
    names, suites, depends = [], set(), set()
    for test in json.loads(run(["meson", "introspect", "--tests", folder])):
        its_suites = {suite.rpartition(":")[2] for suite in test["suite"]}
        if its_suites & configuration.suites and (not pattern or pattern.search(test["name"])):
            names.append(test["name"])
            suites |= its_suites
            depends.update(test["depends"])
    if configuration.whole and not pattern:
        return names, suites, ["all", "meson-test-prereq"]
    # These use targets that are built by default, and do not name them. ("all" is more: older versions of
    # meson add each test's program.)
    by_default = bool(suites & {"build", "vm", "vm-long"})
    files = set()
    for target in json.loads(run(["meson", "introspect", "--targets", folder])):
        if target["id"] in depends or by_default and target["build_by_default"]:
            files.update(os.path.relpath(path, os.path.realpath(folder)) for path in target["filename"])
    return names, suites, sorted(files)


# One at a time: two would install packages at once, which apt does not allow.
kernel_lock = threading.Lock()


def prepare_kernels(configuration, tally):
    """Builds the kernels of test hosts, which takes minutes the first time. Without a kernel, the tests that need it are skipped with a message."""
    folder = os.path.join(ROOT, "build/kernels")
    if not os.environ.get("VIOMMU_TEST_KERNELS"):
        prepare_kernel(configuration, tally, "test kernel", [os.path.join(ROOT, "tests/vm/build-kernel"), configuration.kernel, folder])
    if configuration.kernel == "x86_64" and not os.environ.get("VIOMMU_TEST_STOCK"):
        fetch = [os.path.join(ROOT, "tools/guest/fetch-kernel"), "--arch", "amd64", "--kernel", "6.12", "--headers"]
        prepare_kernel(configuration, tally, "stock kernel", [*fetch, os.path.join(folder, "stock")], may_fail=True)


def prepare_kernel(configuration, tally, what, command, may_fail=False):
    def line(text):
        # Its progress, and not the output of a failed step.
        if re.match(r"t(ests|ools)/\S+: ", text):
            progress.say(text.rstrip())

    progress.set(configuration, what)
    with kernel_lock:
        status, output = output_of(command, line)
    if status:
        skipped = status == 77 or may_fail
        tally.add(f"{configuration.name}: {what}", 0, 0 if skipped else 1, 1 if skipped else 0, output)


def count_cmocka(output, all_well):
    """(passed, failed, skipped) of a cmocka program's usual output, None if it is not one. Started and not ended is failed."""
    passed = failed = skipped = 0
    # A program may run several groups, with tests of the same names; each group ends with its
    # skipped tests' names once more.
    for group in re.split(r"^\[=+\] (?:.*: )?Running ", output, flags=re.M):
        started = len(re.findall(r"^\[ RUN      \] ", group, flags=re.M))
        ok = len(re.findall(r"^\[       OK \] ", group, flags=re.M))
        left_out = min(len(cmocka_names("SKIPPED", group)), started - ok)
        passed, failed, skipped = passed + ok, failed + started - ok - left_out, skipped + left_out
    if not passed + failed + skipped:
        return None
    return passed, failed if failed or all_well else 1, skipped


def count_tap(output, all_well):
    """The same of TAP."""
    plan = re.search(r"^1\.\.(\d+)", output, flags=re.M)
    if not plan:
        return None
    points = re.findall(r"^(not )?ok\b(.*)$", output, flags=re.M)
    skipped = sum(1 for bad, rest in points if not bad and re.search(r"#\s*skip", rest, flags=re.I))
    passed = sum(1 for bad, rest in points if not bad) - skipped
    failed = max(int(plan.group(1)), len(points)) - passed - skipped
    return passed, failed if failed or all_well else 1, skipped


def count(result, output):
    """(passed, failed, skipped) of one of meson's tests."""
    if result == "SKIP":
        return 0, 0, 1
    all_well = result in ("OK", "EXPECTEDFAIL")
    counted = count_cmocka(output, all_well) or count_tap(output, all_well)
    return counted or ((1, 0, 0) if all_well else (0, 1, 0))


def test(configuration, folder, names, tally):
    """Runs tests that are built."""
    logs = os.path.join(folder, "meson-logs", "check*.json")
    for log in glob.glob(logs):
        os.remove(log)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "--logbase", "check", "--timeout-multiplier", str(configuration.patience)]
    command += ["--num-processes", str(configuration.processes or CORES)]
    for suite in sorted(configuration.suites):
        command += ["--suite", suite]
    command += names
    environment = dict(os.environ)
    if configuration.sanitizer:
        environment.update(SANITIZER_ENVIRONMENT)
        command = no_randomisation() + command
    # Its exit status shows that a test failed; the log shows which.
    progress.set(configuration, f"test 0 of {len(names)}")
    _, said = output_of(command, steps(configuration, "test"), env=environment)
    seen, counts = [], [0, 0, 0]
    for log in glob.glob(logs):
        with open(log, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                name = entry["name"].rpartition(" / ")[2]
                output = entry.get("stdout", "") + entry.get("stderr", "")
                counted = count(entry["result"], output)
                if counted[1]:
                    output += f"\n(meson: {entry['result']}, exit status {entry['returncode']})"
                tally.add(f"{configuration.name}: {name}", *counted, output)
                seen.append(name)
                counts = [total + more for total, more in zip(counts, counted)]
    lost = sorted(set(names) - set(seen))
    if lost:
        raise Trouble(f"these did not run: {', '.join(lost)}\n{said}")
    return counts


def carry_out(configuration, pattern, tally):
    """Builds one configuration and runs its tests."""
    lacking = [program for program in configuration.needs if not shutil.which(program)]
    lacking += [f"build/sysroot/{configuration.sysroot}"] if configuration.sysroot and not os.path.exists(sysroot_file(configuration, ".ini")) else []
    if lacking:
        tally.add(configuration.name, 0, 0, 1, f"skipped: there is no {', '.join(lacking)}")
        return
    folder = os.path.join(ROOT, "build", f"check-{configuration.name}")
    begin = time.monotonic()
    progress.set(configuration, "configuring")
    try:
        configure(configuration, folder)
        names, suites, files = chosen_tests(configuration, folder, pattern)
        if pattern and not names:
            return
        run(["ninja", "-C", folder, "-j", str(CORES), *files], steps(configuration, "building"))
        if suites & {"vm-hosts", "vm-long"}:
            prepare_kernels(configuration, tally)
        if "vm-long" in suites and configuration.kernel == "x86_64" and not os.environ.get("VIOMMU_TEST_KERNELS"):
            for checkers in ("--debug", "--kcsan"):
                build = [os.path.join(ROOT, "tests/vm/build-kernel"), checkers, configuration.kernel, os.path.join(ROOT, "build/kernels")]
                prepare_kernel(configuration, tally, f"kernel for debugging ({checkers})", build)
        built = time.monotonic()
        passed, failed, skipped = test(configuration, folder, names, tally) if names else (0, 0, 0)
        more = f", {skipped} skipped" if skipped else ""
        progress.say(f"{configuration.name}: built in {built - begin:.0f} s, tests in {time.monotonic() - built:.0f} s: {passed} passed, {failed} failed{more}")
    except Trouble as trouble:
        tally.add(f"{configuration.name}: build", 0, 1, 0, str(trouble))
        progress.say(f"{configuration.name}: FAILED to configure, build or run its tests")
    finally:
        progress.done(configuration)


def main():
    parser = argparse.ArgumentParser(prog="check")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--vm", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("-k", metavar="PATTERN")
    arguments = parser.parse_args()
    try:
        pattern = re.compile(arguments.k) if arguments.k else None
    except re.error as error:
        parser.error(f"-k: {error}")
    configurations = LONG if arguments.long else VM if arguments.vm else QUICK if arguments.quick else CONFIGURATIONS

    tally = Tally()
    # Configuring and linking have one thread each: two configurations at once keep two cores busy.
    with progress, concurrent.futures.ThreadPoolExecutor(max_workers=min(2, CORES)) as pool:
        for future in [pool.submit(carry_out, configuration, pattern, tally) for configuration in configurations]:
            future.result()

    for name, output in sorted(tally.failures):
        lines = output.strip().splitlines()
        print(f"\n---- FAILED: {name}")
        if len(lines) > SHOWN_LINES:
            print(f"(the last {SHOWN_LINES} of {len(lines)} lines)")
        print("\n".join(lines[-SHOWN_LINES:]))
    if tally.failures or tally.skips:
        print()
    for skip in sorted(tally.skips):
        print(f"skipped: {skip}")
    for name, output in sorted(tally.failures):
        which = ", ".join(cmocka_names("FAILED", output))
        print(f"failed: {name}{': ' if which else ''}{which}")
    if arguments.k and not tally.passed + tally.failed + tally.skipped:
        print(f"no test matches {arguments.k}")
        tally.failed += 1
    print(f"{time.monotonic() - progress.begin:.0f} seconds")
    print(tally.line(), flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
