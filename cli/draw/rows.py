# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Rows: an address space, or the parts of it that are magnified, as windows side by side; and ribbons
between two rows.
"""
import collections
import itertools

from svg import LEFT, PAGE_SHIFT, RIGHT, across, box, down, line, move, swing


def windows_of(ranges, limit=4):
    """Groups ranges into at most so many windows with large gaps between them, and rounds their
    ends, so that a page has surroundings."""
    least = 16 << PAGE_SHIFT
    merged = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    groups = [merged] if merged else []
    while len(groups) < limit:
        gaps = ((group[i][0] - group[i - 1][1] - 1, -n, -i) for n, group in enumerate(groups) for i in range(1, len(group)))
        # A gap is left out if it is more than a fifth of the range that it splits.
        gap, n, at = max((one for one in gaps if one[0] > max(least, (groups[-one[1]][-1][1] - groups[-one[1]][0][0]) // 5)), default=(0, 0, 0))
        if not gap:
            break
        groups[-n : 1 - n] = [groups[-n][:-at], groups[-n][-at:]]
    windows = []
    for group in groups:
        first, last = group[0][0], group[-1][1]
        step = 1 << PAGE_SHIFT
        while step < 1 << 59 and (last - first) // step >= 16:
            step <<= 1
        first, last = first & ~(step - 1), last | (step - 1)
        if last - first < least - 1:
            first, last = first & ~(least - 1), last | (least - 1)
        if windows and windows[-1][1] >= first:
            windows[-1] = (windows[-1][0], last)
        else:
            windows.append((first, last))
    return windows


class Window:
    """Columns are at least two pixels wide and cover a power of two of pages. The contents of a
    column are added up there."""

    def __init__(self, first, last, x, width):
        self.first, self.last, self.x, self.width = first, last, x, width
        self.shift = PAGE_SHIFT
        while (last - first) >> self.shift >= width // 20:
            self.shift += 1
        self.count = ((last - first) >> self.shift) + 1
        self.all = ((last - first) >> PAGE_SHIFT) + 1
        self.columns, self.pages, self.parts = collections.defaultdict(lambda: [0] * self.count), collections.Counter(), collections.Counter()
        self.edges = [self.at(first + (i << self.shift)) for i in range(self.count)] + [x + width]

    def at(self, address):
        """Where an address is. It is taken into the window if it lies outside."""
        if address <= self.first:
            return self.x
        if address > self.last:
            return self.x + self.width
        return self.x + ((address - self.first) >> PAGE_SHIFT) * self.width // self.all

    def end_at(self, address):
        return self.at(address + 1)

    def column(self, address):
        return (address - self.first) >> self.shift

    def capacity(self, column):
        first = self.first + (column << self.shift)
        return ((min(first + (1 << self.shift) - 1, self.last) - first) >> PAGE_SHIFT) + 1

    def add(self, layer, first, last):
        first, last = max(first, self.first), min(last, self.last)
        self.parts[layer] += 1
        self.pages[layer] += ((last - first) >> PAGE_SHIFT) + 1
        for i in range(self.column(first), self.column(last) + 1):
            begin = self.first + (i << self.shift)
            self.columns[layer][i] += ((min(last, begin + (1 << self.shift) - 1) - max(first, begin)) >> PAGE_SHIFT) + 1

    def groups(self, look):
        """(look, x, end) of neighbouring columns that look the same, and look like something."""
        for same, columns in itertools.groupby(range(self.count), look):
            columns = list(columns)
            if same:
                yield same, self.edges[columns[0]], self.edges[columns[-1] + 1]

    def stretches(self, layer):
        return ((x, end) for _, x, end in self.groups(lambda i: self.columns[layer][i] > 0))

    def visible(self, x, end):
        """A mark wide enough to be seen, inside the window."""
        if end - x >= 30:
            return x, end
        end = min(x + 30, self.x + self.width)
        return end - 30, end

    def heights(self, column, height):
        """How high read-write and read-only stand, one upon the other: by how much of the column
        there is, but two fifths at least, in whole pixels."""
        rw, ro = (self.columns[layer][column] for layer in ("rw", "ro"))
        if not rw + ro:
            return 0, 0
        capacity, least = self.capacity(column), height * 2 // 5
        whole = height if rw + ro >= capacity else (least + (rw + ro) * (height - least) // capacity) // 10 * 10
        low = (rw * whole // (rw + ro) // 10 * 10 if ro else whole) if rw else 0
        return low, whole - low

    def boxes(self, upper, y, height):
        heights = (lambda i: self.heights(i, height)) if upper else (lambda i: (0, self.heights(i, height)[0]))
        return "".join(box(x, y + height - low - high, end - x, high) for (low, high), x, end in self.groups(heights) if high)


class Row:
    def __init__(self, windows):
        """Larger windows are somewhat wider."""
        self.windows = []
        shares = [(last - first).bit_length() - 1 for first, last in windows]
        spare = RIGHT - LEFT - len(windows) * 2200 - (len(windows) - 1) * 180
        x, used = LEFT, 0
        for (first, last), share in zip(windows, shares):
            width = 2200 + spare * (used + share) // sum(shares) - spare * used // sum(shares)
            self.windows.append(Window(first, last, x, width))
            used += share
            x += width + 180

    def add(self, layer, first, last):
        for window in self.windows:
            if first <= window.last and last >= window.first:
                window.add(layer, first, last)

    def find(self, address):
        return next((window for window in self.windows if window.first <= address <= window.last), None)

    def draw(self, svg, y, height):
        for window in self.windows:
            svg.rect("none", window.x, y, window.width, height)
            svg.path("ground", "".join(box(x, y, end - x, height) for x, end in window.stretches("ground")))
            for layer in ("rw", "ro"):
                svg.path(layer, window.boxes(layer == "ro", y, height))
            if window.shift == PAGE_SHIFT and window.width // window.count >= 60:
                svg.path("grid", "".join(move(x, y) + down(height) for x in window.edges[1:-1]))
            svg.rect("frame", window.x, y, window.width, height)

    def marks(self, svg, layer, y, height):
        spans = (window.visible(*stretch) for window in self.windows for stretch in window.stretches(layer))
        svg.path(layer, "".join(box(x, y, end - x, height) for x, end in spans))

    def span(self, svg, first, last, y, height):
        """A bracket. Its ends point down where the range ends, and do not where only the window
        does."""
        d = ""
        for window in self.windows:
            if last >= window.first and first <= window.last:
                x, end = window.visible(window.at(first), window.end_at(last))
                d += move(x, y + height if first >= window.first else y) + line(x, y) + across(end - x) + (down(height) if last <= window.last else "")
        svg.path("span", d)

    def zoom(self, svg, whole_y, parts, neck_y, parts_y):
        """Shows that the windows of another row are parts of this one. Between neck_y and parts_y
        it is as wide as the part, for labels."""
        for part in parts.windows:
            window = next((one for one in self.windows if part.last >= one.first and part.first <= one.last), None)
            if window:
                x, end = window.visible(window.at(part.first), window.end_at(part.last))
                d = move(x, whole_y) + swing(x, whole_y, part.x, neck_y) + down(parts_y - neck_y) + across(part.width) + down(neck_y - parts_y)
                svg.path("zoom", d + swing(part.x + part.width, neck_y, end, whole_y) + "z")


class Links:
    """Ribbons between two rows, one for each run. Where there are more than LIMIT, runs that begin
    and end in the same columns share one, then those in the same pair of columns, and so on."""

    LIMIT, TITLED = 240, 96

    def __init__(self, source, target):
        self.source, self.target, self.links = source, target, []

    def add(self, kind, run):
        first, last, gpa = run[:3]
        source, target = self.source.find(first), self.target.find(gpa)
        if source and target:
            end = gpa + last - first
            columns = (source.column(first), source.column(last), target.column(gpa), target.column(end))
            edges = (source.at(first), source.end_at(last), target.at(gpa), target.end_at(end))
            self.links.append((kind, (id(source), id(target)), columns, edges, run))

    def bundles(self, shift=0):
        bundles = {}
        for kind, windows, columns, edges, run in self.links:
            key = (None if shift and kind != "new" else kind, windows, *(number >> shift for number in columns))
            bundles.setdefault(key, []).append((kind, edges, run))
            if len(bundles) > self.LIMIT:
                return self.bundles(shift + 1)
        return shift, list(bundles.values())

    def draw(self, svg, y, to_y):
        shift, bundles = self.bundles()
        most = max(map(len, bundles))

        def narrow(x, end, count):
            """Of a bundle, a part in the middle of each end is drawn: the more runs, the wider.
            Else bundles would cover each other."""
            middle, half = (x + end) // 2, 5 + count * 30 // most
            return (middle - half, middle + half) if end - x > 2 * half else (x, end)

        for wanted in ("mixed", "rw", "ro", "new"):
            for bundle in bundles:
                kinds, edges, runs = zip(*bundle)
                if wanted == (kinds[0] if len(set(kinds)) == 1 else "mixed"):
                    x, end, to_x, to_end = ((max if i % 2 else min)(edge) for i, edge in enumerate(zip(*edges)))
                    if shift and len(runs) > 1:
                        (x, end), (to_x, to_end) = narrow(x, end, len(runs)), narrow(to_x, to_end, len(runs))
                    first, last, gpa, write = runs[0]
                    title = f"{first:#x}..{last:#x} -> {gpa:#x} {'rw' if write else 'r'}" if len(runs) == 1 else f"{len(runs)} runs"
                    d = move(x, y) + swing(x, y, to_x, to_y) + across(to_end - to_x) + swing(to_end, to_y, end, y) + "z"
                    svg.path("link-" + wanted, d, title if len(bundles) <= self.TITLED else None)
