# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The command viommu as tests run it, and the test functions of a module as TAP. The first argument of each test program is the command.
"""
import os
import shlex
import subprocess
import sys
import tempfile
import time
import traceback

WRAPPER = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))
VIOMMU = os.path.abspath(sys.argv[1])
COMMAND = WRAPPER + [VIOMMU]
OK, DISAGREES, BAD_INPUT = 0, 1, 2

# Memory that is freed is to be given back, and so are stacks: a sanitizer would keep both for a while.
ENVIRONMENT = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:detect_stack_use_after_return=0", NO_COLOR="1")


class Skipped(Exception):
    pass


class Result:
    """A run of the command: its exit status and output."""

    def __init__(self, *arguments, stdin=None, **rest):
        words = [str(argument) for argument in arguments]
        done = subprocess.run(COMMAND + words, input=stdin, capture_output=True, timeout=600, env=ENVIRONMENT, **rest)
        self.status = done.returncode
        self.out = done.stdout.decode()
        self.err = done.stderr.decode("utf-8", "replace")
        self.what = f"viommu {' '.join(words)}: status {self.status}\n{self.out}{self.err}"


def check(condition, result="", why=""):
    if not condition:
        raise AssertionError(f"{why}\n{getattr(result, 'what', result)}")


def with_text(text, *arguments):
    """The command on a capture with this text; its name in the output is CAPTURE."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "one.vcap")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        result = Result(*arguments, path)
    for part in ("out", "err", "what"):
        setattr(result, part, getattr(result, part).replace(path, "CAPTURE"))
    return result


def changed(text, old, new, count=1):
    check(text.count(old) >= count, f"'{old}' is not in the capture")
    return text.replace(old, new, count)


def run_tests(module):
    """Runs the functions test_... of a module's globals(), in their order. Returns the exit status."""
    tests = [(name, test) for name, test in module.items() if name.startswith("test_") and callable(test)]
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, (name, test) in enumerate(tests, 1):
        title = name[len("test_") :].replace("_", " ")
        begun = time.monotonic()
        try:
            test()
            print(f"ok {number} - {title}", flush=True)
        except Skipped as why:
            print(f"ok {number} - {title} # SKIP {why}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {title}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
        if time.monotonic() - begun > 5:
            print(f"# took {time.monotonic() - begun:.1f} s", flush=True)
    return 1 if failed else 0
