# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A run: mapped and pinned memory, refreshes and marks, one below the other, over the same axis."""
import functools
import itertools

from svg import LEFT, PAGE_SHIFT, RIGHT, WIDTH, Svg, box, plural, size_text, steps, text_width, time_text

KINDS = ("whole", "map", "unmap", "both", "same")  # of refreshes, by their effect
KIND_OF = {(1, 0): "map", (0, 1): "unmap", (1, 1): "both", (0, 0): "same"}  # by whether they established and released
COUNTS = ("refreshes", "global_refreshes", "insufficient_resources", "errors")

# A span of time or of operations is a tuple: the least, the most and the last value of mapped and of
# pinned memory; the most that was pinned while no device reached all memory; refreshes by kind;
# state changes, shortages and errors.
MAPPED, PINNED, TRANSLATED, REFRESHES, MARKS = 0, 3, 6, 7, 12


def merge(a, b):
    """b happened after a. None means that nothing happened."""
    if not a or not b:
        return a or b
    levels = (min(a[0], b[0]), max(a[1], b[1]), b[2], min(a[3], b[3]), max(a[4], b[4]), b[5], max(a[6], b[6]))
    return levels + tuple(map(int.__add__, a[REFRESHES:], b[REFRESHES:]))


def column_of(record, before):
    """The column of one record. Counts grow from record to record."""
    refreshes, whole, short, errors = (record[name] - before[name] for name in COUNTS)
    mapped, pinned = record["mapped_pages"] << PAGE_SHIFT, record["pinned_bytes"]
    kind = "whole" if whole else KIND_OF[record.get("established", 0), record.get("released", 0)]
    kinds = (refreshes if kind == one and "state" in record else 0 for one in KINDS)
    return (mapped, mapped, mapped, pinned, pinned, pinned, 0 if record["direct"] else pinned, *kinds, record.get("state", 0), short, errors)


class Times:
    """A fixed number of columns. If a run continues beyond the last one, each two are merged and
    cover twice as much: a run of any length takes the same memory."""

    COUNT = 4096

    def __init__(self, width):
        self.origin, self.last, self.width, self.columns = None, 0, width, [None] * self.COUNT

    def put(self, at, column):
        """Virtual CPUs are recorded slightly out of order: a record that is earlier than the latest
        one goes to its own column."""
        if self.origin is None:
            self.origin = at
        self.last = max(self.last, at - self.origin)
        while self.last // self.width >= self.COUNT:
            self.columns = [merge(*self.columns[i : i + 2]) for i in range(0, self.COUNT, 2)] + [None] * (self.COUNT // 2)
            self.width *= 2
        n = self.last // self.width
        self.columns[n] = merge(self.columns[n], column)


class Plot:
    HEIGHT, FOLD, DRAWN, FOLDS = 1200, 520, 512, 8

    def __init__(self, times, timed):
        """Stretches in which nothing happened are folded, so that the rest has room. The rest
        is reduced to the number of columns that are drawn."""
        self.times, self.timed, self.svg, self.y = times, timed, Svg(), 0
        count = times.last // times.width + 1
        columns = times.columns[:count]
        stretches = [list(group) for there, group in itertools.groupby(range(count), lambda i: columns[i] is None) if there]
        # A few operations have enough room without folds.
        limit = self.FOLDS if count - sum(map(len, stretches)) >= 48 else 0
        folds = [(empty[0], len(empty)) for empty in stretches if len(empty) > max(count // 8, 1)][:limit]
        shown = count - sum(empty for _, empty in folds)
        self.factor = 1 << (-(-shown // self.DRAWN) - 1).bit_length()
        ends = [*folds, (count, 0)]
        parts = [range(first + empty, end, self.factor) for (first, empty), (end, _) in zip([(0, 0), *ends], ends)]
        width, drawn = RIGHT - LEFT - len(folds) * self.FOLD, sum(map(len, parts))
        # (column, first, count, x, end); (x, length)
        self.columns, self.folds, left, column = [], [], LEFT, (0,) * (MARKS + 3)
        for part, (end, empty) in zip(parts, ends):
            for first in part:
                x, to = (left + (len(self.columns) + i) * width // drawn for i in (0, 1))
                # If nothing happens, memory stays as it is.
                idle = (column[2],) * 3 + (column[5],) * 3 + (0,) * (len(column) - 6)
                column = functools.reduce(merge, columns[first : min(first + self.factor, end)]) or idle
                self.columns.append((column, first, min(self.factor, end - first), x, to))
            if empty:
                self.folds.append((left + len(self.columns) * width // drawn, empty))
            left += self.FOLD

    def frame(self, name, top, text):
        """The frame of a plot with its scale: nothing at the bottom, top at the top."""
        self.svg.text("", LEFT, self.y - 70, 12, name)
        self.svg.path("rule", *(steps("M", LEFT, self.y + self.HEIGHT * i // 4, "h", RIGHT - LEFT) for i in range(5)))
        for twice, y in ((2 * top, self.y + 80), (top, self.y + self.HEIGHT // 2 + 40)):
            self.svg.text("soft", LEFT - 80, y, 11, text(twice // 2) if twice and not twice % 2 else "", "end")
        self.svg.text("soft", LEFT - 80, self.y + self.HEIGHT, 11, "0", "end")

    def finish(self, height, step):
        for x, _ in self.folds:
            self.svg.rect("fold", x, self.y, self.FOLD, height)
        self.y += step

    def area(self, look, index, top):
        """An area from the bottom up, of one value of each column."""
        bottom = y = self.y + self.HEIGHT
        parts = ["M", LEFT, bottom]
        for column, _, _, x, _ in self.columns:
            to = bottom - min(column[index], top) * self.HEIGHT // top
            if to != y:
                parts += ["L", x, y, "v", to - y]
                y = to
        self.svg.path(look, *parts, "L", RIGHT, y, "L", RIGHT, bottom, "z")

    def memory(self, what, looks, kind):
        """The scale is that of mappings by tables. While a device reaches all of memory, the area is
        cut off."""
        most, translated = (max(column[index] for column, *_ in self.columns) for index in (what + 1, TRANSLATED))
        top = what == PINNED and translated or most
        name = f"{'pinned' if what == PINNED else 'mapped'}, at most {size_text(top)}"
        if top < most:
            name += f" by tables; cut off: {size_text(most)} while a {kind} reaches all memory"
        self.frame(name, top, size_text)
        for look, index in zip(looks, (1, 0)):
            if top:
                self.area(look, what + index, top)
        self.finish(self.HEIGHT, self.HEIGHT + 300)

    def refreshes(self):
        top = max(sum(column[REFRESHES:MARKS]) for column, *_ in self.columns)
        width = self.times.width * self.factor
        name = f"refreshes in a column of {time_text(width) if self.timed else plural(width, 'operation')}, at most {top:,}"
        self.frame(name, top, "{:,}".format)
        for kind, look in enumerate(KINDS):
            at = REFRESHES + kind
            spans = [(x, end, sum(column[REFRESHES:at]), sum(column[REFRESHES : at + 1])) for column, _, _, x, end in self.columns if column[at]]
            heights = ((x, end, low * self.HEIGHT // top, high * self.HEIGHT // top) for x, end, low, high in spans)
            self.svg.path(look, *(box(x, self.y + self.HEIGHT - high, end - x, high - low) for x, end, low, high in heights))
        self.finish(self.HEIGHT, self.HEIGHT + 140)

    def marks(self, look, name, index, shape):
        y = self.y + 90
        self.svg.text("soft", LEFT - 80, self.y + 130, 11, name, "end")
        self.svg.path("rule", "M", LEFT, y, "h", RIGHT - LEFT)
        self.svg.path(look, *(shape((x + end) // 2, y) for column, _, _, x, end in self.columns if column[index]))
        self.y += 180

    def tick_text(self, value, step):
        """All ticks in the unit that fits the last one, with as many decimals as the step has."""
        if not self.timed:
            return f"{value:,}"
        end = self.times.origin + self.times.last
        unit, name = next(((size, name) for size, name in ((10**9, "s"), (10**6, "ms"), (1000, "us")) if end >= size), (1, "ns"))
        decimals = 0
        while step % (unit // 10**decimals):
            decimals += 1
        part = f".{value % unit * 10**decimals // unit:0{decimals}}" if decimals else ""
        return f"{value // unit:,}{part} {name}"

    def labels(self, look, down_by, labels):
        """The labels that do not cover the previous one. Each has twice the x of its middle."""
        free = 0
        for twice, text in labels:
            width = text_width(text, 11)
            left = min((twice - width) // 2, WIDTH - 80 - width)
            if left >= free:
                self.svg.text(look, left, self.y + down_by, 11, text)
                free = left + width + 80

    def axis(self):
        times = self.times
        span, step, n = sum(count for _, _, count, *_ in self.columns) * times.width, 1, 0
        while min(span, (1 << 64) - 1) // step >= 11:
            step, n = step // 2 * 5 if n % 3 == 1 else step * 2, n + 1
        labels = []
        for _, first, count, x, end in self.columns:
            low, width = times.origin + first * times.width, count * times.width
            for at in range(-(-low // step) * step, min(low + width, times.origin + times.last + 1, 1 << 64), step):
                to = x + (at - low) * (end - x) // width
                self.svg.path("frame", "M", to, self.y, "v", 50)
                labels.append((2 * to + 1, self.tick_text(at, step)))
        self.labels("soft", 180, labels)
        self.labels("", 340, [(2 * x + self.FOLD, time_text(count * times.width)) for x, count in self.folds])
        self.svg.path("frame", "M", LEFT, self.y, "h", RIGHT - LEFT)
        self.y += 540 if self.folds else 360
        name = "time since the recording began" if self.timed else "number of the operation"
        folded = "; striped: so much time in which nothing was done" if self.folds else ""
        self.svg.text("soft", (LEFT + RIGHT) // 2, self.y, 12, name + folded, "middle")


LANES = (
    ("whole", "whole", REFRESHES, lambda x, y: box(x - 40, y - 40, 80, 80)),
    ("state", "state changes", MARKS, lambda x, y: steps("M", x - 40, y + 40, "L", x, y - 40, "L", x + 40, y + 40, "z")),
    ("full", "no room", MARKS + 1, lambda x, y: steps("M", x - 50, y, "L", x, y - 50, "L", x + 50, y, "L", x, y + 50, "z")),
    ("error", "errors", MARKS + 2, lambda x, y: steps("M", x - 40, y - 40, "L", x + 40, y + 40, "M", x - 40, y + 40, "L", x + 40, y - 40)),
)


def draw(_data, lines, name):
    """Whether all operations have a time is known only at the end. Until then columns are kept in
    both ways."""
    title = "What the guest did to its I/O translation, over time"
    by_time, by_number, total, timed, before = Times(1000), Times(1), [0] * len(KINDS), False, dict.fromkeys(COUNTS, 0)
    for record in lines:
        if "end" in record:
            break
        operations, column, before = record["operations"], column_of(record, before), record
        total = [a + b for a, b in zip(total, column[REFRESHES:MARKS])]
        if "state" in record:
            timed = (timed or operations == 1) and "ns" in record
        elif not operations:
            continue
        # A record that is no operation has no time, and belongs to the operation before it.
        if timed:
            by_time.put(record.get("ns", by_time.origin), column)
        by_number.put(operations, column)
    else:
        return None
    times = by_time if timed else by_number
    if times.origin is None:
        times.origin = 0
    plot = Plot(times, timed)
    description = f"{plural(record['operations'], 'operation')}, {plural(record['refreshes'], 'refresh', 'refreshes')}, "
    description += f"{plural(record['mapped_pages_peak'], 'page')} mapped at most, {size_text(record['pinned_bytes_peak'])} pinned at most; "
    description += f"{plural(record['insufficient_resources'], 'answer of insufficient resources', 'answers of insufficient resources')}, {plural(record['errors'], 'error')}"
    plot.svg.heading(name, title, description)
    names = ("whole-aperture refreshes", "mapping", "unmapping", "both", "changing nothing")
    legend = [(look, 120, 120, f"{text}: {count:,}") for look, text, count in zip(KINDS, names, total)]
    legend += [("low", 120, 120, "dark: least in a column"), ("high", 120, 120, "light: most in it")]
    plot.y = plot.svg.legend(legend, 900) + 260
    plot.memory(MAPPED, ("high", "low"), record["function"])
    plot.memory(PINNED, ("high2", "low2"), record["function"])
    plot.refreshes()
    plot.finish(720, 0)
    for lane in LANES:
        plot.marks(*lane)
    plot.axis()
    return plot.svg.whole(plot.y + 180, title, description)
