#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The reports of run-in-host about programs that misbehave: each kind of failure has its own, and none is taken for success.

usage: test_run_in_host.py HOST MISBEHAVE RUN-IN-HOST-WORD...
"""
import os
import subprocess
import sys

HOST, MISBEHAVE, *WORDS = sys.argv[1:]
S390X = HOST == "s390x"
KERNEL = {"s390x": b"s390x/bzImage", "smmuv3": b"arm64/Image"}.get(HOST, b"x86_64/bzImage")
DEVICES = ["--device", "nvme:2"] if S390X else ["--device", "edu", "--device", "nvme:2"]
NVME = ["0011:00:00.0", "0012:00:00.0"] if S390X else ["0000:00:11.0", "0000:00:12.0"]
EDU = [] if S390X else ["0000:00:10.0"]
SKIPPED, HOST_FAILED = 77, 99
points = failed = 0


def run(*arguments, limit=120, program=MISBEHAVE, kernels=None):
    """Status, standard output and standard error of one machine."""
    command = [sys.executable, "-B", *WORDS, "--host", HOST, "--timeout", str(limit), *DEVICES, program, *arguments]
    environment = dict(os.environ, **({"VIOMMU_TEST_KERNELS": kernels} if kernels else {}))
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


def point(name, result, status, out=None, err=None):
    """One point of TAP: the status, all of the output, and a part of standard error are as expected."""
    global points, failed
    well = result[0] == status and (out is None or result[1] == out) and (err is None or err in result[2])
    points += 1
    failed += not well
    print(f"{'ok' if well else 'not ok'} {points} - {name}", flush=True)
    if not well:
        print(f"# wanted: status {status}, {'any' if out is None else len(out)} bytes of output, and in standard error {err!r}")
        print(f"# was: status {result[0]}, {len(result[1])} bytes of output, and, with what came last:")
        for line in (result[1][-1000:] + b"\n" + result[2][-4000:]).decode(errors="replace").splitlines():
            print(f"# {line}", flush=True)


def main():
    why = b"skipped: there is no kernel /nowhere/%s (tests/vm/build-kernel %s /nowhere makes one)\n" % (KERNEL, KERNEL.split(b"/")[0])
    point("without a kernel it skips", run("exit", kernels="/nowhere"), SKIPPED, why, b"")
    first = run("exit", "0")
    if first[0] == SKIPPED:
        print(first[1].decode(), end="")
        return SKIPPED

    point("success is success", first, 0, b"", b"")
    point("a status is passed on", run("exit", "3"), 3, b"", b"misbehave exited with status 3")
    point("a test that skips skips", run("exit", "77"), SKIPPED)
    point("a signal is reported", run("abort"), 128 + 6, err=b"misbehave was ended by SIGABRT")
    hang = run("hang", limit=20)
    point("a program that hangs ends in time", hang, HOST_FAILED, b"", b"misbehave did not end within 20 seconds")
    point("and what it was doing is shown", hang, HOST_FAILED, b"", b": comm: misbehave")
    crash = run("crash-kernel")
    if crash[0] == SKIPPED:
        point("a kernel that dies is reported # SKIP this kernel has no system requests", crash, SKIPPED)
    else:
        point("a kernel that dies is reported", crash, HOST_FAILED, b"", b"the kernel complained: ")
    point("a kernel's warning is a failure", run("warn-kernel"), HOST_FAILED, b"", b"the kernel complained: WARNING: CPU: 0 PID: 1 at drivers/iommu/nowhere.c:1")
    why = b"the kernel complained: BUG: KCSAN: data-race in one / other"
    point("a data race in a module of ours is a failure, one of the kernel's own is not", run("race-kernel"), HOST_FAILED, b"", why)
    point("a machine without a result is reported", run("power-off"), HOST_FAILED, b"", b"the machine ended without saying how the program did")
    point("output comes byte by byte as it was", run("bytes"), 0, bytes(range(256)), b"to standard error")
    point("much output comes whole", run("much"), 0, b"".join(b"line %d\n" % i for i in range(20000)), b"")
    said = ["a word with blanks", f"x={NVME[1]}", NVME[0], *EDU]
    said += [f"VIOMMU_TEST_HOST={HOST}", f"VIOMMU_TEST_EDU={' '.join(EDU)}", f"VIOMMU_TEST_NVME={' '.join(NVME)}"]
    arguments = run("arguments", "a word with blanks", "x={nvme1}", "{nvme}", *["{edu}" for _ in EDU])
    point("arguments and environment arrive, and no input", arguments, 0, "".join(f"{line}\n" for line in said).encode())
    point("a child that is left ends with its parent", run("child"), 0, b"", b"")
    point("a missing device is reported", run("exit", "{nvme7}"), 1, b"", b"{nvme7}: this host has no such device")
    point("a file that is no program is reported", run("exit", program=__file__), 1, b"", b"is no program")
    print(f"1..{points}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
