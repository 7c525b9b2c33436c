# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
A terminal for tests: a pseudo-terminal with a process on it, and a screen on which what the process writes is carried out as an xterm would, as far as
curses uses it. A sequence that this screen does not know is an error: then it would not be known what is on it.
"""
import codecs
import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time

TIMEOUT = 60
SEQUENCE = re.compile(r"\x1b\[([?>]?)([0-9;]*)([@-~])")
STRING = re.compile(r"\x1b[\]P].*?(?:\x07|\x1b\\)", re.S)
SHORT = re.compile(r"\x1b(?:[()][A-Z0-9]|[=>78MDEc])")


class Screen:
    def __init__(self, columns, rows):
        self.modes = set()  # private modes that are on; 25, the cursor, is from the beginning
        self.modes.add("25")
        self.history = []  # of changes to modes
        self.attributes = ""
        self.resize(columns, rows)

    def resize(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.cells = [[" "] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.top, self.bottom = 0, rows - 1
        self.last = " "

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def feed(self, text):
        """Carries out complete sequences, and returns the rest."""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self.put(text[at])
                at += 1
                continue
            for pattern in (SEQUENCE, STRING, SHORT):
                match = pattern.match(text, at)
                if match:
                    break
            if not match:
                if len(text) - at < 16:
                    return text[at:]
                raise AssertionError(f"unknown sequence {text[at:at + 16]!r}")
            if match.re is SEQUENCE:
                self.control(*match.groups())
            elif match.re is SHORT and match.group() == "\x1bM":
                self.scroll(self.y == self.top, -1)
            at = match.end()
        return ""

    def scroll(self, needed, direction):
        if not needed:
            self.y += direction
            return
        blank = [" "] * self.columns
        if direction > 0:
            self.cells[self.top : self.bottom + 1] = self.cells[self.top + 1 : self.bottom + 1] + [blank]
        else:
            self.cells[self.top : self.bottom + 1] = [blank] + self.cells[self.top : self.bottom]

    def put(self, char):
        if char == "\r":
            self.x = 0
        elif char == "\n":
            if self.y == self.bottom:
                self.scroll(True, 1)
            elif self.y < self.rows - 1:
                self.y += 1
        elif char == "\b":
            self.x = max(0, self.x - 1)
        elif char == "\t":
            self.x = min(self.columns - 1, self.x // 8 * 8 + 8)
        elif char >= " ":
            if self.x >= self.columns:
                self.put("\r")
                self.put("\n")
            self.cells[self.y][self.x] = self.last = char
            self.x += 1

    def control(self, private, parameters, final):
        values = [int(value or 0) for value in parameters.split(";")] if parameters else []
        first = max(values[0], 1) if values else 1
        row = self.cells[self.y]
        x = min(self.x, self.columns - 1)
        if private:
            if final in "hl":
                for mode in parameters.split(";"):
                    (self.modes.add if final == "h" else self.modes.discard)(mode)
                    self.history.append((mode, final))
        elif final in "Hf":
            self.y = min(first, self.rows) - 1
            self.x = min(max(values[1], 1) if len(values) > 1 else 1, self.columns) - 1
        elif final == "d":
            self.y = min(first, self.rows) - 1
        elif final in "G`":
            self.x = min(first, self.columns) - 1
        elif final == "A":
            self.y = max(0, self.y - first)
        elif final == "B":
            self.y = min(self.rows - 1, self.y + first)
        elif final == "C":
            self.x = min(self.columns - 1, self.x + first)
        elif final == "D":
            self.x = max(0, x - first)
        elif final == "J":
            ends = {0: (x, self.y), 2: (0, 0)}[values[0] if values else 0]
            for y in range(ends[1], self.rows):
                for i in range(ends[0] if y == ends[1] else 0, self.columns):
                    self.cells[y][i] = " "
        elif final == "K":
            kind = values[0] if values else 0
            for i in range(x if kind == 0 else 0, x + 1 if kind == 1 else self.columns):
                row[i] = " "
        elif final == "X":
            row[x : x + first] = [" "] * min(first, self.columns - x)
        elif final == "P":
            row[x:] = (row[x + first :] + [" "] * first)[: self.columns - x]
        elif final == "@":
            row[x:] = ([" "] * first + row[x:])[: self.columns - x]
        elif final == "b":
            for _ in range(first):
                self.put(self.last)
        elif final in "LM":
            for _ in range(min(first, self.rows)):
                if final == "L":
                    self.cells[self.y : self.bottom + 1] = [[" "] * self.columns] + self.cells[self.y : self.bottom]
                else:
                    self.cells[self.y : self.bottom + 1] = self.cells[self.y + 1 : self.bottom + 1] + [[" "] * self.columns]
        elif final == "r":
            self.top, self.bottom = (values[0] - 1, values[1] - 1) if len(values) > 1 else (0, self.rows - 1)
            self.x = self.y = 0
        elif final in "ST":
            for _ in range(first):
                self.scroll(True, 1 if final == "S" else -1)
        elif final == "m":
            self.attributes = parameters
        elif final not in "hltn":
            raise AssertionError(f"unknown sequence CSI {private}{parameters}{final}")


class Terminal:
    def __init__(self, command, columns=80, rows=24, environment=None):
        self.ours, self.theirs = os.openpty()
        self.screen = Screen(columns, rows)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = ""
        self.all = b""
        self.size(columns, rows)
        self.before = termios.tcgetattr(self.theirs)

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        environment = dict(environment or os.environ, TERM="xterm", LC_ALL="C.UTF-8")
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            command, stdin=self.theirs, stdout=self.theirs, stderr=self.theirs, preexec_fn=take_terminal, env=environment, close_fds=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)

    def size(self, columns, rows):
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.read(0)
        self.screen.resize(columns, rows)
        self.size(columns, rows)

    def read(self, timeout):
        """The output until there is none for so long."""
        while select.select([self.ours], [], [], timeout)[0]:
            data = os.read(self.ours, 65536)
            self.all += data
            self.rest = self.screen.feed(self.rest + self.decoder.decode(data))

    def until(self, condition, why):
        end = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{why} did not happen; the screen is\n{self.screen.text()}")
            self.read(0.02)

    def sees(self, text):
        self.until(lambda: text in self.screen.text(), f"{text!r} on the screen")

    def type(self, text):
        os.write(self.ours, text.encode())

    def ends(self):
        """The exit status. The process's output is read, so that the process does not block."""
        self.until(lambda: self.process.poll() is not None, "the end")
        self.read(0.02)
        return self.process.returncode

    def check_restored(self):
        problems = []
        if termios.tcgetattr(self.theirs) != self.before:
            problems.append("the terminal is in another mode")
        if ("1049", "h") not in self.screen.history:
            problems.append("there was no full-screen view")
        if "1049" in self.screen.modes:
            problems.append("the other screen was not left")
        if "25" not in self.screen.modes:
            problems.append("the cursor is hidden")
        if "1" in self.screen.modes:
            problems.append("the keypad is in another mode")
        if self.screen.attributes not in ("", "0", "39;49"):
            problems.append(f"the attributes are {self.screen.attributes}")
        if problems:
            raise AssertionError("; ".join(problems) + f"\n{self.screen.text()}")
