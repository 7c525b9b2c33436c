# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Captures for the tests of pictures: text, made here because some of them are large. Each function returns a capture of one situation.
"""
import random

HEAD = "viommu-capture 1 zpci\n"
TYPE = {1: 0x0, 2: 0x4, 3: 0x8, 4: 0xC}
SHIFT = {0: 12, 1: 20, 2: 31, 3: 42, 4: 53}
DESIGNATION = {1: 0x800, 2: 0x804, 3: 0x808, 4: 0x80C}


class Tables:
    """A guest's tables, written an entry at a time. Tables are taken from `free` on, the anchor's first."""

    def __init__(self, free, level=2):
        self.lines, self.free, self.level, self.tables = [], free, level, {}
        self.root = self.take(level)
        self.iota = self.root | DESIGNATION[level]

    def take(self, level):
        size = 0x4000 if level else 0x1000
        self.free = (self.free + size - 1) // size * size
        table, self.free = self.free, self.free + size
        self.lines.append(f"mem {table:#x} {0x20 if level else 0x400:#x} {2048 if level else 256}")
        return table

    def entry(self, iova):
        table = self.root
        for level in range(self.level, 0, -1):
            at = table + 8 * (iova >> SHIFT[level] & 2047)
            if at not in self.tables:
                self.tables[at] = self.take(level - 1)
                self.lines.append(f"mem {at:#x} {self.tables[at] | TYPE[level] | (3 if level > 1 else 0):#x}")
            table = self.tables[at]
        return table + 8 * (iova >> 12 & 255)

    def map(self, iova, gpa, rights="rw"):
        self.lines.append(f"mem {self.entry(iova):#x} {gpa | (0x200 if rights == 'r' else 0):#x}")

    def unmap(self, iova, gpa):
        self.lines.append(f"mem {self.entry(iova):#x} {gpa | 0x400:#x}")


def function(fh, **more):
    return f"function fh={fh:#x} fid={fh & 0xffff:#x} state=enabled " + " ".join(f"{key}={value}" for key, value in more.items())


def register(fh, tables, pba=0x100000000, pal=0x17FFFFFFF):
    return f"mpcifc fh={fh:#x} oc=4 dmaas=0 pba={pba:#x} pal={pal:#x} iota={tables.iota if tables else 0:#x}"


def rpcit(fh, start, size, t=None):
    return f"rpcit fh={fh:#x} start={start:#x} bytes={size:#x}" + (f" t={t}" if t is not None else "")


def capture(*parts):
    lines = [line for part in parts for line in ([part] if isinstance(part, str) else part)]
    operations = sum(line.split()[0] in ("mpcifc", "rpcit", "stpcifc", "clp", "sclp") for line in lines)
    return HEAD + "\n".join(lines) + f"\nend operations={operations}\n"


FH = 0x80000001
MEMORY = "slot gpa=0 bytes=0x40000000 prot=rw"


def nothing():
    return capture(MEMORY, function(FH))


def no_function():
    return capture(MEMORY)


def nothing_mapped():
    tables = Tables(0x10000)
    return capture(MEMORY, function(FH), tables.lines, register(FH, tables))


def one_page():
    tables = Tables(0x10000)
    tables.map(0x123456000, 0x2345000)
    return capture(MEMORY, function(FH), tables.lines, register(FH, tables), rpcit(FH, 0x123456000, 0x1000))


def last_refresh():
    """Pages come, one goes, one changes its rights, one its page; the last refresh is of 16 pages."""
    tables = Tables(0x10000)
    for i in range(6):
        tables.map(0x100000000 + i * 0x1000, 0x200000 + i * 0x3000)
    lines = [MEMORY, function(FH), *tables.lines, register(FH, tables)]
    tables.lines = []
    tables.unmap(0x100001000, 0x203000)
    tables.map(0x100002000, 0x206000, "r")
    tables.map(0x100003000, 0x300000)
    tables.map(0x100008000, 0x210000)
    return capture(lines, tables.lines, rpcit(FH, 0x100000000, 0x10000))


def scattered(pages=100000, seed=1):
    """Pages anywhere in 2 GiB, to anywhere in 1 GiB, a third of them read-only."""
    tables = Tables(0x100000)
    chance = random.Random(seed)
    for page in chance.sample(range(0x80000), pages):
        tables.map(0x100000000 + page * 0x1000, chance.randrange(0x10000, 0x40000) << 12, chance.choice(("rw", "rw", "r")))
    return capture(MEMORY, function(FH), tables.lines, register(FH, tables))


def several_functions(count=3):
    lines = [MEMORY, *(function(FH + i) for i in range(count))]
    for i in range(count - 1):
        tables = Tables(0x100000 + i * 0x100000)
        for page in range(4 + i):
            tables.map(0x100000000 + i * 0x4000000 + page * 0x5000, 0x3000000 + (i * 16 + page) * 0x1000, "r" if page % 2 else "rw")
        lines += [*tables.lines, register(FH + i, tables), rpcit(FH + i, 0x100000000, 0x80000000)]
    return capture(lines)


def top_of_everything():
    """Five levels; pages at both ends of the highest aperture that there is, up to 2^64 - 1, and in its middle."""
    tables = Tables(0x10000, level=4)
    slots = ["slot gpa=0 bytes=0x4000000 prot=rw", "slot gpa=0xfffffffff0000000 bytes=0x10000000 prot=r"]
    for page in range(3):
        tables.map(0xFFFFFFFFFFFFF000 - page * 0x1000, 0xFFFFFFFFFFFFF000 - page * 0x1000)
        tables.map(0x1000 + page * 0x1000, 0x2000000 + page * 0x2000)
        tables.map(0x8000000000000000 + page * 0x200000, 0xFFFFFFFFF0000000 + page * 0x1000)
    plugged = function(FH, sdma="0x1000", edma="0xffffffffffffffff", msia="0x4000000000000000")
    # The MSI address must not be registered: two functions share the IOVAs around it.
    low = register(FH, tables, 0x1000, 0x3FFFFFFFFFFFFFFF)
    high = register(FH + 1, tables, 0x4000000000001000, 0xFFFFFFFFFFFFFFFF)
    return capture(slots, plugged, plugged.replace(f"fh={FH:#x} fid=0x1", f"fh={FH + 1:#x} fid=0x2"), tables.lines, low, high)


def untranslated():
    slots = ["slot gpa=0 bytes=0x100000 prot=rw", "slot gpa=0x200000 bytes=0x10000 prot=r"]
    return capture(slots, function(FH, relaxed=1), register(FH, None, 0x100001000, 0x100207FFF))


def read_only():
    tables = Tables(0x10000)
    for page in range(40):
        tables.map(0x100000000 + page * 0x1000, 0x2000000 + page * 0x1000, "r")
    return capture(MEMORY, function(FH), tables.lines, register(FH, tables))


def many_slots(count=40):
    tables = Tables(0x10000)
    lines = ["slot gpa=0 bytes=0x1000000 prot=rw"] + [f"slot gpa={i << 34:#x} bytes=0x100000 prot={'r' if i % 3 else 'rw'}" for i in range(1, count)]
    for i in range(1, count):
        tables.map(0x100000000 + i * 0x1000000, (i << 34) + 0x8000)
    return capture(lines, function(FH), tables.lines, register(FH, tables))


def errors():
    """A registration that is refused, refreshes that are errors, and resets; with times."""
    tables = Tables(0x10000)
    tables.map(0x100000000, 0x200000)
    lines = [MEMORY, function(FH), *tables.lines, register(FH, tables) + " t=1000000"]
    for i in range(1, 6):
        lines += [rpcit(FH, 0x10000000, 0x1000, i * 700000000), f"mpcifc fh={FH:#x} oc=7 dmaas=0 pba=0 pal=0 iota=0 t={i * 700000000 + 5000}"]
    lines += [f"rpcit fh={FH:#x} start=0x100000000 bytes=0x80000000 t=4000000000"]
    return capture(lines)


SITUATIONS = (
    nothing, no_function, nothing_mapped, one_page, last_refresh, scattered, several_functions, top_of_everything, untranslated, read_only, many_slots, errors,
)
