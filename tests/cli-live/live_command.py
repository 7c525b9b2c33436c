#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
`viommu live` as a user meets it, with a replacement of QEMU that writes test data to the board (fake_qemu.c). Prints TAP.

    live_command.py VIOMMU FAKE-QEMU screen|lines      whether the command was built with its full-screen view
"""
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time

from terminal import TIMEOUT, Terminal

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
from command import BAD_INPUT, COMMAND, DISAGREES, OK, WRAPPER, Skipped, check, run_tests  # pylint: disable=wrong-import-position

FAKE = WRAPPER + [os.path.abspath(sys.argv[2])]
SCREEN = sys.argv[3] == "screen"
ENVIRONMENT = dict(os.environ, NO_COLOR="1", LC_ALL="C.UTF-8")

GUEST = ["attach", "function=0x80020000", "refresh=1000"]
BAD = "disagree=page_0x1000_differs"


class Folder:
    """A folder with a plugin in it (never loaded), and a test's files."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.plugin = self.path("viommu-watch.so")
        with open(self.plugin, "wb"):
            pass
        return self

    def __exit__(self, *rest):
        self.temporary.cleanup()

    def path(self, name):
        return os.path.join(self.temporary.name, name)

    def fifo(self, name):
        os.mkfifo(self.path(name))
        return self.path(name)

    def command(self, options, words):
        return COMMAND + ["live", "--plugin", self.plugin] + options + ["--"] + FAKE + words


def release(fifo):
    """Lets the stand-in go on: it waits for this, and this waits for it."""
    os.close(os.open(fifo, os.O_WRONLY))


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.what = f"status {status}\n{out}\n{err}"


def finish(process):
    out, err = process.communicate(timeout=TIMEOUT)
    return Result(process.returncode, out.decode(), err.decode())


def start(folder, options, words, **more):
    return subprocess.Popen(folder.command(options, words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, **more)


def live(options, words, stdin=None):
    with Folder() as folder:
        done = subprocess.run(
            folder.command(options, words),
            input=stdin,
            stdin=None if stdin else subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            env=ENVIRONMENT,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextlib.contextmanager
def on_terminal(words, options=(), columns=80, rows=24):
    with Folder() as folder:
        with Terminal(folder.command(list(options), words(folder) if callable(words) else words), columns, rows) as terminal:
            terminal.folder = folder
            yield terminal


def test_a_guest_that_ends_well():
    result = live([], GUEST + ["print=hello"])
    check(result.status == OK, result.what)
    check("everything agrees" in result.out and "2,001 RPCIT" in result.out and "1,000 pages compared, nothing differs" in result.out, result.what)
    check("ended by itself" in result.out, result.what)
    check("hello" in result.err and "hello" not in result.out, result.what)


def test_a_table_of_times():
    rows = [line.split() for line in live([], GUEST).out.splitlines()]
    # Times of the stand-in: about 125 ns for the library, 8 times that for QEMU's walk, 30 times that for all of it.
    check(any(row[:2] == ["map", "1,000"] and "124 ns" in " ".join(row) and "999 ns" in " ".join(row) and "3.74 us" in " ".join(row) for row in rows), rows)
    check(any(row and row[0] == "whole" for row in rows), rows)
    check(not any(row and row[0] == "both" for row in rows), rows)


def test_a_disagreement():
    result = live([], GUEST + [BAD])
    check(result.status == DISAGREES, result.what)
    check(result.out.count("DISAGREES: page_0x1000_differs") == 1, result.what)
    check("1 DISAGREEMENT; 1,001 pages compared" in result.out, result.what)


def test_many_disagreements():
    result = live([], ["attach"] + [f"disagree=number_{i}_" for i in range(600)])
    check(result.status == DISAGREES, result.what)
    check("600 DISAGREEMENTS" in result.out and result.out.count("DISAGREES: number") == 20, result.what)


def test_blocks_that_cannot_be_judged():
    """A guest that was ended before it had read everything, and a kernel that releases no page with a block in it: nothing disagrees, and the summary reports it."""
    result = live([], GUEST + ["unread=1000"])
    check(result.status == OK and "what was compared agrees; 1,000 of 1,024 blocks of the disk cannot be judged" in result.out, result.what)
    check("24 pages compared, nothing differs; 1,000 cannot be judged" in result.out and "everything agrees" not in result.out, result.what)
    result = live([], GUEST + ["unread=1024"])
    check(result.status == OK and "1,024 of 1,024 blocks of the disk cannot be judged" in result.out, result.what)
    result = live([], GUEST + ["unread=1000", BAD])
    check(result.status == DISAGREES and "DISAGREES" in result.out, result.what)


def test_control_sequences_of_the_board():
    """Strings on the board are text: no control sequence in them reaches the terminal, in lines or in the summary."""
    words = GUEST + ["event=one\033[2Jtwo\x07", "disagree=three\033]0;title\x07four\u009b1m"]
    for options in ([], ["--lines"]):
        result = live(options, words)
        said = result.out + result.err
        check(result.status == DISAGREES and "three\\x1b]0;title\\x07four\\xc2\\x9b1m" in said, result.what)
        check(not any(c in said for c in "\033\x07\u009b"), result.what)


def test_a_guest_that_uses_no_function():
    result = live([], ["attach"])
    check(result.status == OK and "has not used an IOMMU" in result.out, result.what)


def test_qemu_fails():
    result = live([], GUEST + ["print=bad_option", "exit=3"])
    check(result.status == BAD_INPUT and "ended with status 3" in result.out and "QEMU FAILED" in result.out, result.what)


def test_qemu_fails_before_it_loads_the_plugin():
    result = live([], ["exit=1"])
    check(result.status == BAD_INPUT and "did not come as far" in result.out, result.what)
    # Nor is it a success if QEMU only prints its version.
    check(live([], ["exit=0"]).status == BAD_INPUT)


def test_qemu_is_killed():
    result = live([], GUEST + ["raise=9"])
    check(result.status == BAD_INPUT and "was killed by signal 9" in result.out and "2,001 RPCIT" in result.out, result.what)
    check(live([], GUEST + [BAD, "raise=9"]).status == DISAGREES)


def test_bad_usage():
    for options in (["--interval", "0"], ["--interval", "x"], ["--interval", "nan"], ["--bogus"], ["--log", "/nonexistent/log"]):
        result = live(options, ["attach"])
        check(result.status == BAD_INPUT and not result.out and result.err, (options, result.what))
    result = live([], ["attach", "-daemonize"])
    check(result.status == BAD_INPUT and "-daemonize" in result.err, result.what)
    for arguments in ([], ["--"], ["--plugin", "/nonexistent.so", "--", "true"], ["--", "/nonexistent/qemu"]):
        done = subprocess.run(COMMAND + ["live"] + arguments, capture_output=True, timeout=TIMEOUT, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
        check(done.returncode == BAD_INPUT and not done.stdout and done.stderr, (arguments, done))


def test_a_program_that_cannot_be_started():
    with Folder() as folder:
        for program, why in (("/nonexistent/qemu", "No such file"), (folder.plugin, "Permission denied")):
            done = subprocess.run(COMMAND + ["live", "--plugin", folder.plugin, program], capture_output=True, timeout=TIMEOUT, env=ENVIRONMENT)
            check(done.returncode == BAD_INPUT and why in done.stderr.decode() and not done.stdout, done)


def test_arguments_of_the_plugin():
    with Folder() as folder:
        options = ["--record", "a,b.vcap", "--numbered", "64+8", "--plugin-argument", "x=1,2", "--plugin-argument", "y=3"]
        result = finish(start(folder, options, ["plugin", "attach"], stdin=subprocess.DEVNULL))
        check(result.status == OK, result.what)
        line = result.err.splitlines()[0]
        check(line.startswith(os.path.realpath(folder.plugin) + ",board=/proc/self/fd/"), line)
        check(line.endswith(",out=a,,b.vcap,numbered=64+8,x=1,,2,y=3"), line)


def test_json():
    result = live(["--json", "--interval", "0.05"], GUEST + ["event=half", "print=hello", "refresh=1", BAD])
    check(result.status == DISAGREES, result.what)
    objects = [json.loads(line) for line in result.out.splitlines()]
    check([o["type"] for o in objects].count("final") == 1 and objects[-1]["type"] == "final", result.what)
    check([o["kind"] for o in objects if o["type"] == "message"] == ["event", "disagreement"], result.what)
    final = objects[-1]
    check(final["agrees"] is False and final["status"] == 1 and final["qemu_status"] == 0 and final["qemu_signal"] is None, final)
    check(final["refreshes"] == {"map": 1001, "unmap": 1001, "both": 0, "nothing": 0, "whole": 2}, final)
    check(final["rpcits"] == 2004 and final["mapped_pages_peak"] == 2048 and final["guest_bytes"] == 512 << 20, final)
    check(final["oracles"]["walker"] == {"available": True, "checks": 1002, "disagreements": 1, "skipped": 0}, final)
    check(final["times"]["map"]["library"]["count"] == 1001 and 120 <= final["times"]["map"]["library"]["median_ns"] <= 128, final["times"]["map"])
    function = final["functions"][0]
    check(function["fh"] == "0x80020000" and function["first"] == "0x100000000" and function["levels"] == 3, function)
    check("hello" in result.err, result.what)


def test_a_guest_with_an_smmuv3():
    guest = ["attach", "smmuv3", "function=0x8", "refresh=1000"]
    result = live([], guest)
    check(result.status == OK and "1,010 writes with 1,001 invalidations and 5 configurations; 1,000 kicks" in result.out, result.what)
    check("RPCIT" not in result.out, result.what)
    final = json.loads(live(["--json"], guest).out.splitlines()[-1])
    check(final["iommu"] == "smmuv3" and final["invalidations"] == 1001 and final["writes"] == 1010 and final["rpcits"] == 0, final)
    stream = final["functions"][0]
    check(stream["sid"] == "0x8" and stream["ttb"] == "0x1234003" and "fh" not in stream and "iota" not in stream, stream)
    check(json.loads(live(["--json"], GUEST).out.splitlines()[-1])["iommu"] == "zpci")
    with Folder() as folder:
        fifo = folder.fifo("go")
        process = start(folder, ["--interval", "0.05"], guest + [f"wait={fifo}"], stdin=subprocess.DEVNULL)
        line = process.stdout.readline().decode()
        while "1 stream" not in line:
            line = process.stdout.readline().decode()
        release(fifo)
        check(finish(process).status == OK)


def test_guests_with_other_iommus():
    for iommu in ("vtd", "amdvi", "virtio"):
        guest = ["attach", iommu, "function=0x8", "refresh=1000"]
        result = live([], guest)
        check(result.status == OK and "1,010 writes with 1,001 invalidations" in result.out and "RPCIT" not in result.out, result.what)
        final = json.loads(live(["--json"], guest).out.splitlines()[-1])
        check(final["iommu"] == iommu and final["invalidations"] == 1001, final)
        stream = final["functions"][0]
        check(stream["sid"] == "0x8" and stream["root"] == "0x1234003" and not {"fh", "ttb", "iota"} & set(stream), stream)


def test_json_while_the_guest_runs():
    with Folder() as folder:
        fifo = folder.fifo("go")
        process = start(folder, ["--json", "--interval", "0.05"], GUEST + [f"wait={fifo}", "refresh=5"], stdin=subprocess.DEVNULL)
        seen = json.loads(process.stdout.readline())
        while not seen["rpcits"]:
            seen = json.loads(process.stdout.readline())
        check(seen["type"] == "state" and seen["guest"] == "running" and seen["rpcits"] == 2001, seen)
        # Keys do not come and go.
        again = json.loads(process.stdout.readline())
        check(list(again) == list(seen), again)
        release(fifo)
        result = finish(process)
        final = json.loads(result.out.splitlines()[-1])
        check(result.status == OK and final["rpcits"] == 2012 and set(final) > set(seen), result.what)


def test_lines_while_the_guest_runs():
    with Folder() as folder:
        fifo = folder.fifo("go")
        process = start(folder, ["--interval", "0.05"], GUEST + [f"wait={fifo}"], stdin=subprocess.DEVNULL)
        line = process.stdout.readline().decode()
        while "1 function" not in line:
            line = process.stdout.readline().decode()
        check("2,001 refreshes" in line and "96 KiB mapped" in line and "nothing disagrees" in line, line)
        release(fifo)
        check(finish(process).status == OK)


def test_quiet():
    result = live(["--quiet"], GUEST + ["print=hello", BAD])
    check(result.status == DISAGREES and not result.out and not result.err, result.what)
    result = live(["--quiet"], GUEST + ["exit=3"])
    check(result.status == BAD_INPUT and not result.out and "status 3" in result.err, result.what)


def test_the_log():
    with Folder() as folder:
        result = finish(start(folder, ["--log", folder.path("log")], GUEST + ["print=^[31mhello", "flood=300"], stdin=subprocess.DEVNULL))
        check(result.status == OK and not result.err, result.what)
        with open(folder.path("log"), "rb") as file:
            log = file.read()
        check(log.startswith(b"\x1b[31mhello\r\n") and len(log) > 300 * 900, log[:100])
    result = live(["--log", "/dev/full"], GUEST + ["print=hello"])
    check(result.status == OK and "/dev/full: No space" in result.err, result.what)


def test_input_that_is_no_terminal_is_the_guests():
    result = live([], ["attach", "echo"], stdin=b"ab.")
    check("<61><62>" in result.err and result.status == OK, result.what)


def test_output_without_a_reader():
    with Folder() as folder:
        fifo = folder.fifo("go")
        process = start(folder, ["--interval", "0.05"], GUEST + [f"wait={fifo}"], stdin=subprocess.DEVNULL)
        process.stdout.close()
        release(fifo)
        process.wait(TIMEOUT)
        check(b"standard output" in process.stderr.read() and process.returncode == BAD_INPUT, process.returncode)


def test_interrupt():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with Folder() as folder:
            fifo = folder.fifo("go")
            process = start(folder, [], GUEST + [f"wait={fifo}", "hang"], stdin=subprocess.DEVNULL)
            release(fifo)
            process.send_signal(number)
            result = finish(process)
            check(result.status == OK and "as it was to be" in result.out and "everything agrees" in result.out, result.what)


def test_a_qemu_that_does_not_end_is_killed():
    with Folder() as folder:
        fifo = folder.fifo("go")
        process = start(folder, ["--interval", "0.05"], GUEST + ["stubborn", f"wait={fifo}", "event=ready", "hang", "hang"], stdin=subprocess.DEVNULL)
        release(fifo)
        while "ready" not in process.stdout.readline().decode():
            pass
        process.send_signal(signal.SIGINT)
        # Signals that come together are one: until the first one has been taken, another would be lost.
        end = time.monotonic() + TIMEOUT
        while process.poll() is None and time.monotonic() < end:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        result = finish(process)
        check(result.status == OK and "killed by signal 9" in result.out, result.what)


def test_qemu_does_not_outlive_us():
    with Folder() as folder:
        fifo = folder.fifo("go")
        # QEMU has our standard input: the other end sees when its last reader is gone.
        ours, theirs = os.pipe()
        process = start(folder, [], GUEST + [f"wait={fifo}", "hang"], stdin=ours)
        os.close(ours)
        release(fifo)
        process.kill()
        check(process.wait(TIMEOUT) == -signal.SIGKILL)
        waiting = select.poll()
        waiting.register(theirs, 0)
        check(waiting.poll(TIMEOUT * 1000), "QEMU runs on")
        os.close(theirs)


# From here on: on a terminal.


def screen_test(function):
    def run():
        if not SCREEN:
            raise Skipped("built without ncurses")
        function()

    return run


@screen_test
def test_screen_of_a_guest_that_ends_well():
    def words(folder):
        return GUEST + ["event=something", "print=hello", f"wait={folder.fifo('go')}"]

    with on_terminal(words) as terminal:
        for text in ("viommu live", "0x80020000", "0x100000000-0x11fffffff", "2,001", "124 ns", "something", "hello", "running"):
            terminal.sees(text)
        release(terminal.folder.path("go"))
        check(terminal.ends() == OK)
        terminal.check_restored()
        check("everything agrees" in terminal.screen.text(), terminal.screen.text())


@screen_test
def test_screen_of_a_guest_with_an_smmuv3():
    def words(folder):
        return ["attach", "smmuv3", "function=0x8", "refresh=1000", f"wait={folder.fifo('go')}"]

    with on_terminal(words, columns=120) as terminal:
        for text in ("stream", "0x8 ", "2,001", "0x1234003  disk"):
            terminal.sees(text)
        check("function" not in terminal.screen.text() and "levels" not in terminal.screen.text(), terminal.screen.text())
        release(terminal.folder.path("go"))
        check(terminal.ends() == OK)


@screen_test
def test_screen_disagreement():
    def words(folder):
        return GUEST + [BAD, f"wait={folder.fifo('go')}"]

    with on_terminal(words) as terminal:
        terminal.sees("1 time")
        terminal.sees("page_0x1000_differs")
        # Red, and bold.
        check(b"\x1b[31m" in terminal.all or b";31m" in terminal.all, terminal.all)
        release(terminal.folder.path("go"))
        check(terminal.ends() == DISAGREES)
        terminal.check_restored()
        check(b"DISAGREES:" in terminal.all)


@screen_test
def test_screen_qemu_is_killed_or_fails():
    for last, why in (("raise=9", "signal 9"), ("raise=10", "signal 10"), ("exit=3", "status 3")):
        def words(folder):
            return GUEST + [f"wait={folder.fifo('go')}", "print=last_words", last]

        with on_terminal(words) as terminal:
            terminal.sees("0x80020000")
            release(terminal.folder.path("go"))
            check(terminal.ends() == BAD_INPUT)
            terminal.check_restored()
            text = terminal.all.decode()
            check(why in text and "last_words" in text[text.rindex("\x1b[?1049l") :], text)


@screen_test
def test_screen_we_are_ended():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        with on_terminal(GUEST + ["print=ready", "hang"]) as terminal:
            terminal.sees("ready")
            terminal.process.send_signal(number)
            check(terminal.ends() == OK, number)
            terminal.check_restored()


@screen_test
def test_screen_we_crash():
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
        with on_terminal(GUEST + ["print=ready", "hang"]) as terminal:
            terminal.sees("ready")
            terminal.process.send_signal(number)
            check(terminal.ends() == -number, number)
            terminal.check_restored()


@screen_test
def test_screen_keys_that_end():
    for key in ("q", "\x03"):
        with on_terminal(GUEST + ["print=ready", "hang"]) as terminal:
            terminal.sees("ready")
            terminal.type(key)
            check(terminal.ends() == OK)
            terminal.check_restored()


@screen_test
def test_screen_stubborn_qemu():
    with on_terminal(GUEST + ["stubborn", "print=ready", "hang", "hang"]) as terminal:
        terminal.sees("ready")
        terminal.type("q")
        terminal.sees("asked to end")
        terminal.type("q")
        check(terminal.ends() == OK)
        terminal.check_restored()


@screen_test
def test_screen_typing():
    with on_terminal(GUEST + ["print=ready", "echo", "hang"]) as terminal:
        terminal.sees("ready")
        terminal.type("c")
        terminal.sees("goes to the guest")
        # A key that would end the command goes to the guest like all others.
        terminal.type("q\x03\x1a\x1c\x1b[A\r\u00e9")
        terminal.sees("<71><03><1a><1c><1b><5b><41><0d><c3><a9>")
        check("25" in terminal.screen.modes, "no cursor")
        terminal.type("\x1d")
        terminal.sees("type into")
        check("25" not in terminal.screen.modes, "the cursor stayed")
        terminal.type("q")
        check(terminal.ends() == OK)
        terminal.check_restored()


@screen_test
def test_screen_sizes():
    functions = [f"function={0x80020000 + i * 0x10000:#x}" for i in range(20)] + [f"gone={0x90000000 + i:#x}" for i in range(5)]
    long = "event=" + "w\u00e4rd " * 60
    words = ["attach"] + functions + ["refresh=1000", long, BAD, long, "flood=50", "print=ready", "hang"]
    with on_terminal(words, ["--interval", "0.1"], 60, 16) as terminal:
        terminal.sees("ready")
        sizes = [(59, 16), (60, 15), (1, 1), (2, 200), (300, 3), (61, 17), (75, 19), (80, 24), (99, 30), (100, 31), (132, 43), (250, 100), (60, 16)]
        for columns, rows in sizes:
            terminal.resize(columns, rows)
            if columns >= 60 and rows >= 16:
                terminal.sees("0x80020000")
                terminal.sees("ready")
                terminal.until(lambda: "viommu live" in terminal.screen.text().split("\n")[0], f"the title at {columns}x{rows}")
                terminal.until(lambda: "q  end" in terminal.screen.text().split("\n")[rows - 1], f"the footer at {columns}x{rows}")
            elif columns >= 20 and rows >= 3:
                terminal.sees("too small")
        terminal.type("q")
        check(terminal.ends() == DISAGREES)
        terminal.check_restored()


@screen_test
def test_screen_every_size_from_the_start():
    for columns, rows in ((1, 1), (20, 5), (60, 16), (200, 60)):
        with on_terminal(GUEST + ["print=x", "hang"], (), columns, rows) as terminal:
            terminal.until(lambda: ("1049", "h") in terminal.screen.history, "a screen")
            terminal.type("q")
            check(terminal.ends() == OK)
            terminal.check_restored()


@screen_test
def test_screen_is_not_the_guests():
    # Sequences that would leave the other screen, move the cursor, change the size, reset the terminal; a title; bytes that are no text.
    evil = "print=^[?1049l^[5;5Hmoved^[31m^c^]0;title\a^[8;5;5t\x01\x0e\x7fok\u009b1m"
    with on_terminal(GUEST + [evil, "print=ready", "hang"]) as terminal:
        terminal.sees("ready")
        check("1049" in terminal.screen.modes, "the guest has left our screen")
        check(b"title" not in terminal.all and b"\x1bc" not in terminal.all and b"\x0e" not in terminal.all, terminal.all)
        terminal.sees("movedok")
        terminal.type("q")
        check(terminal.ends() == OK)
        terminal.check_restored()


@screen_test
def test_screen_flood():
    with on_terminal(GUEST + ["flood=20000", "print=ready", "hang"]) as terminal:
        terminal.sees("ready")
        # A picture now and then, and not one for each line.
        check(len(terminal.all) < 2000000, len(terminal.all))
        terminal.type("q")
        check(terminal.ends() == OK)


@screen_test
def test_screen_without_utf_8():
    os.environ["LC_ALL"] = "C"
    try:
        with on_terminal(GUEST + ["print=r\u00e4ady", "hang"]) as terminal:
            terminal.sees("ady")
            terminal.type("q")
            check(terminal.ends() == OK)
            terminal.check_restored()
    finally:
        del os.environ["LC_ALL"]


def test_no_screen_on_a_dumb_terminal():
    with Folder() as folder:
        command = ["env", "TERM=dumb"] + folder.command([], GUEST)
        with Terminal(command) as terminal:
            check(terminal.ends() == OK)
            check(b"\x1b" not in terminal.all and b"everything agrees" in terminal.all, terminal.all)


def test_lines_on_a_terminal_if_asked():
    with on_terminal(GUEST, ["--lines"]) as terminal:
        check(terminal.ends() == OK)
        check(b"1049h" not in terminal.all and b"everything agrees" in terminal.all, terminal.all)


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
