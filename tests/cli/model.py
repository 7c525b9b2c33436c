#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
A small machine that captures are replayed on, written from docs/capture-format.md and from what Linux (pci_dma.h, pci_insn.h) and QEMU (s390-pci-inst.c)
say about zPCI. It shares nothing with the library: it keeps one dictionary entry for each page, walks from the root for each table, and has neither a
budget nor speed. It says what `viommu replay --ops --map` must print.

    model.py CAPTURE        prints the operations, then the map
"""
import sys

PAGE = 4096
TOP = 2**64 - 1

# Operation controls of MPCIFC.
REG, DEREG, REREG, RESET_ERROR, RESET_BLOCK = 4, 5, 6, 7, 9
CONTROLS = {REG: "REG_IOAT", DEREG: "DEREG_IOAT", REREG: "REREG_IOAT", RESET_ERROR: "RESET_ERROR", RESET_BLOCK: "RESET_BLOCK"}

# By level: how far an entry's index is shifted, how many there are, and the type field of its entries.
SHIFT = {4: 53, 3: 42, 2: 31, 1: 20, 0: 12}
ENTRIES = {4: 2048, 3: 2048, 2: 2048, 1: 2048, 0: 256}
TYPE = {4: 0xC, 3: 0x8, 2: 0x4, 1: 0x0}


def fields(words):
    return dict(word.split("=", 1) for word in words)


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


class Fault(Exception):
    def __init__(self, iova, pec):
        self.iova, self.pec = iova, pec


class Function:
    def __init__(self, f):
        self.fh = number(f["fh"])
        self.state = f["state"]
        self.sdma = number(f.get("sdma", "0")) or 0x100000000
        self.edma = number(f.get("edma", "0")) or 0x1FFFFFFFFFFFFFF
        self.msia = (number(f.get("msia", "0")) or 0xFE00000000000000) & ~(PAGE - 1)
        self.dtsm = number(f.get("dtsm", "0")) or 0xF8
        self.relaxed = number(f.get("relaxed", "0"))
        self.ioat = None  # (pba, pal, iota)
        self.pages = {}  # IOVA -> (GPA, rights)


class Machine:
    def __init__(self):
        self.slots = {}  # GPA -> (bytes, rights)
        self.memory = {}  # GPA of a doubleword -> value
        self.functions = []
        self.operations = []
        self.events = []
        self.established = 0

    # Memory

    def slot_of(self, gpa):
        for first, (size, rights) in self.slots.items():
            if first <= gpa < first + size:
                return rights
        return None

    def load(self, gpa, iova):
        if self.slot_of(gpa) is None:
            raise Fault(iova, 0x07)
        return self.memory.get(gpa, 0)

    # Tables

    def walk(self, function, first, last):
        """The translations of first..last by the tables: ({IOVA: (GPA, rights)}, the lowest fault or None)."""
        iota = function.ioat[2]
        level = ((iota >> 2) & 7) + 1
        found, faults = {}, []
        span = ENTRIES[level] << SHIFT[level]
        # Bits above the table's reach are ignored: the table repeats itself.
        at = first
        while at <= last:
            base = at // span * span
            end = min(last, base + span - 1)
            self.table(level, iota & ~0xFFF, base, at, end, "rw", 0, ENTRIES[level] - 1, found, faults)
            at = end + 1
        fault = min(faults, key=lambda fault: fault.iova) if faults else None
        return found, fault

    def table(self, level, origin, base, first, last, rights, low, high, found, faults):
        shift = SHIFT[level]
        for index in range((first - base) >> shift, ((last - base) >> shift) + 1):
            iova = base + (index << shift)
            begin, end = max(first, iova), min(last, iova + (1 << shift) - 1)
            if not low <= index <= high:
                faults.append(Fault(begin, 0x08))
                continue
            try:
                entry = self.load(origin + 8 * index, begin)
            except Fault as fault:
                faults.append(fault)
                continue
            if entry & (0x400 if level == 0 else 0x20):
                continue
            mine = "r" if entry & 0x200 else rights
            if level == 0:
                self.leaf(begin, end, entry & ~0xFFF, iova, mine, found)
                continue
            if entry & 0xC != TYPE[level]:
                faults.append(Fault(begin, 0x09))
            elif level == 1 and entry & 0x400:
                self.leaf(begin, end, entry & ~0xFFFFF, iova, mine, found)
            elif level == 2 and entry & 0x400:
                faults.append(Fault(begin, 0x03))
            elif level == 1:
                self.table(0, entry & ~0x7FF, iova, begin, end, mine, 0, 255, found, faults)
            else:
                quarters = (entry >> 6) & 3, entry & 3
                self.table(level - 1, entry & ~0xFFF, iova, begin, end, mine, quarters[0] * 512, quarters[1] * 512 + 511, found, faults)

    def leaf(self, first, last, gpa, iova, rights, found):
        for page in range(first & ~(PAGE - 1), last + 1, PAGE):
            target = gpa + (page - iova)
            backed = self.slot_of(target)
            if backed:
                found[page] = (target, "rw" if rights == backed == "rw" else "r")

    def refresh(self, function, first, last):
        pba, pal, iota = function.ioat
        first, last = max(first, pba), min(last, pal)
        found, fault = self.walk(function, first, last)
        self.established += sum(function.pages.get(page) != to for page, to in found.items())
        for page in [page for page in function.pages if first <= page <= last]:
            del function.pages[page]
        function.pages.update(found)
        return fault

    # Function states

    def find(self, fh):
        for function in self.functions:
            if function.fh == fh:
                return function
        return None

    def enter_error(self, function, pec, faddr):
        self.events.append(f"0x{pec:02x}@0x{faddr & ~(PAGE - 1):x}")
        # The device is detached; its mappings stay.
        function.state = "error"

    def acceptable(self, function, pba, pal, iota):
        if pba > pal or pba < function.sdma or pal > function.edma:
            return False
        if pba <= function.msia + PAGE - 1 and pal >= function.msia:
            return False
        if not iota & 0x800:
            return function.relaxed and not iota
        if (iota >> 2) & 7 > 3 or not function.dtsm & 0x80 >> ((iota >> 2) & 7):
            return False
        return not iota & 0xFFF & ~0x81C

    def synchronise(self, function):
        pba, pal, iota = function.ioat
        if iota & 0x800:
            self.refresh(function, pba, pal)

    # Instructions: each returns (condition code, status, exception)

    def mpcifc(self, f):
        function = self.find(number(f["fh"]))
        control = number(f["oc"])
        if not function or function.state in ("reserved", "standby", "disabled"):
            return 3, None, None
        if number(f.get("fmt", "0")):
            return None, None, 0x15
        if control in (REG, DEREG, REREG):
            if number(f["dmaas"]):
                return 1, 28, None
            if (control == REG) == bool(function.ioat):
                return 1, 24, None
        if control in (REG, REREG):
            pba, pal, iota = number(f["pba"]) & ~(PAGE - 1), number(f["pal"]) | (PAGE - 1), number(f["iota"])
            if not self.acceptable(function, pba, pal, iota):
                return None, None, 0x15
            function.pages = {}
            function.ioat = pba, pal, iota
            self.synchronise(function)
        elif control == DEREG:
            function.ioat, function.pages = None, {}
        elif control == RESET_ERROR:
            if function.state not in ("error", "blocked"):
                return 1, 24, None
            function.state = "enabled"
        elif control == RESET_BLOCK:
            if function.state != "error":
                return 1, 24, None
            function.state = "blocked"
        else:
            return None, None, None
        return 0, None, None

    def rpcit(self, f):
        function = self.find(number(f["fh"]))
        start, size = number(f["start"]), number(f["bytes"])
        if not function or function.state in ("reserved", "standby", "disabled"):
            return 3, None, None
        if function.state == "error":
            return 1, 40, None
        if not size:
            return 0, None, None
        if not function.ioat:
            self.enter_error(function, 0x01, start)
            return 1, 8, None
        pba, pal, iota = function.ioat
        if not iota & 0x800:
            return 0, None, None
        first, last = start & ~(PAGE - 1), (start + size - 1) | (PAGE - 1)
        if start + size - 1 > TOP or last < pba or first > pal:
            self.enter_error(function, 0x02, start)
            return 1, 8, None
        fault = self.refresh(function, first, last)
        if fault:
            self.enter_error(function, fault.pec, fault.iova)
            return 1, 8, None
        return 0, None, None

    def stpcifc(self, f):
        function = self.find(number(f["fh"]))
        if number(f.get("dmaas", "0")):
            return 1, 28, None
        if not function or function.state in ("reserved", "standby", "disabled"):
            return 3, None, None
        return 0, None, None

    def clp(self, f):
        function = self.find(number(f["fh"]))
        function.fh = number(f["to"])
        function.state = "enabled" if f["op"] == "enable" else "disabled"
        function.ioat, function.pages = None, {}
        return 0, None, None

    def sclp(self, f):
        function = self.find(number(f["fh"]))
        function.state = "disabled" if f["op"] == "configure" else "standby"
        function.ioat, function.pages = None, {}
        return 0, None, None

    # Records

    def name(self, keyword, f):
        if keyword == "mpcifc":
            return "MPCIFC." + CONTROLS.get(number(f["oc"]), "OTHER")
        return keyword.upper() + ("." + f["op"].upper() if "op" in f else "")

    def operate(self, keyword, f):
        self.events = []
        cc, status, exception = getattr(self, keyword)(f)
        column = lambda value, text="{}": "-" if value is None else text.format(value)
        line = f"{len(self.operations) + 1} {self.name(keyword, f)} {column(cc)} {column(status)} {column(exception, '0x{:04x}')}"
        self.operations.append(f"{line} {','.join(self.events) or '-'}")

    def record(self, line):
        words = line.split()
        if not words or words[0].startswith("#") or words[0] == "note":
            return
        keyword = words[0]
        if keyword == "slot":
            f = fields(words[1:])
            self.slots[number(f["gpa"])] = number(f["bytes"]), f["prot"]
        elif keyword == "unslot":
            gpa = number(fields(words[1:])["gpa"])
            size, _ = self.slots.pop(gpa)
            self.memory = {at: value for at, value in self.memory.items() if not gpa <= at < gpa + size}
            for function in self.functions:
                function.pages = {iova: to for iova, to in function.pages.items() if not gpa <= to[0] < gpa + size}
        elif keyword == "function":
            self.functions.append(Function(fields(words[1:])))
        elif keyword == "unplug":
            self.functions.remove(self.find(number(fields(words[1:])["fh"])))
        elif keyword == "mem":
            gpa, value = number(words[1]), number(words[2])
            for i in range(number(words[3]) if len(words) > 3 else 1):
                self.memory[gpa + 8 * i] = value
        elif keyword in ("mpcifc", "rpcit", "stpcifc", "clp", "sclp"):
            self.operate(keyword, fields(words[1:]))

    def direct(self, function):
        """Untranslated: IOVA = GPA + SDMA, as far as that is registered."""
        pba, pal, _ = function.ioat
        pages = {}
        for gpa, (size, rights) in self.slots.items():
            for page in range(gpa, gpa + size, PAGE):
                if pba <= page + function.sdma <= pal:
                    pages[page + function.sdma] = page, rights
        return pages

    def map(self):
        lines = []
        for function in sorted(self.functions, key=lambda function: function.fh):
            pages = function.pages
            if function.ioat and not function.ioat[2] & 0x800:
                pages = self.direct(function)
            runs = []
            for iova in sorted(pages):
                gpa, rights = pages[iova]
                if runs and iova == runs[-1][1] + 1 and gpa == runs[-1][2] + (iova - runs[-1][0]) and rights == runs[-1][3]:
                    runs[-1][1] = iova + PAGE - 1
                else:
                    runs.append([iova, iova + PAGE - 1, gpa, rights])
            lines += [f"0x{function.fh:08x} 0x{run[0]:x} 0x{run[1]:x} 0x{run[2]:x} {run[3]}" for run in runs]
        return lines


def replay(path):
    machine = Machine()
    with open(path, encoding="ascii") as capture:
        lines = capture.read().splitlines()
    assert lines[0] == "viommu-capture 1 zpci", path
    for line in lines[1:]:
        machine.record(line)
    return machine


if __name__ == "__main__":
    result = replay(sys.argv[1])
    print("\n".join(result.operations + result.map()))
