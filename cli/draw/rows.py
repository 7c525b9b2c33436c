# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Rows: an address space, or the magnified parts of it, as windows side by side; and ribbons between
two rows.
"""
import collections
import itertools

from svg import LEFT, PAGE_SHIFT, RIGHT, WIDTH, box, pages, steps, swing


def windows_of(ranges, limit=4):
    """Groups ranges into at most that many windows with large gaps between them, and rounds their
    ends, so that a page has surroundings."""
    least = 16 << PAGE_SHIFT
    merged = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            first, last = merged[-1][0], max(merged.pop()[1], last)
        merged.append((first, last))
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
        step = 1 << min(max((last - first).bit_length() - 4, PAGE_SHIFT), 59)
        first, last = first & ~(step - 1), last | (step - 1)
        if last - first < least - 1:
            first, last = first & ~(least - 1), last | (least - 1)
        if windows and windows[-1][1] >= first:
            first = windows.pop()[0]
        windows.append((first, last))
    return windows


class Window:
    """Columns are at least two pixels wide and cover a power of two of pages. A column holds the
    sum of its contents."""

    def __init__(self, first, last, x, width):
        self.first, self.last, self.x, self.width = first, last, x, width
        self.shift = PAGE_SHIFT
        while (last - first) >> self.shift >= width // 20:
            self.shift += 1
        self.count = self.column(last) + 1
        self.columns, self.pages, self.parts = collections.defaultdict(lambda: [0] * self.count), collections.Counter(), collections.Counter()
        self.edges = [self.at(first + (i << self.shift)) for i in range(self.count)] + [x + width]

    def at(self, address):
        """The x of an address, limited to the window."""
        inside = min(max(address, self.first), self.last + 1) - self.first
        return self.x + (inside >> PAGE_SHIFT) * self.width // pages(self.first, self.last)

    def column(self, address):
        return (address - self.first) >> self.shift

    def pages_in(self, column, first, last):
        begin = self.first + (column << self.shift)
        return pages(max(first, begin), min(last, begin + (1 << self.shift) - 1))

    def add(self, layer, first, last):
        first, last = max(first, self.first), min(last, self.last)
        self.parts[layer] += 1
        self.pages[layer] += pages(first, last)
        for i in range(self.column(first), self.column(last) + 1):
            self.columns[layer][i] += self.pages_in(i, first, last)

    def groups(self, look):
        """(look, x, end) of neighbouring columns that look the same, and are not empty."""
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
        """The heights of read-write and of read-only, which is stacked on it: in proportion to the
        filled part of the column, but at least two fifths, in whole pixels."""
        rw, ro = (self.columns[layer][column] for layer in ("rw", "ro"))
        if not rw + ro:
            return 0, 0
        capacity, least = self.pages_in(column, self.first, self.last), height * 2 // 5
        whole = height if rw + ro >= capacity else (least + (rw + ro) * (height - least) // capacity) // 10 * 10
        low = (rw * whole // (rw + ro) // 10 * 10 if ro else whole) if rw else 0
        return low, whole - low

    def boxes(self, upper, y, height):
        heights = (lambda i: self.heights(i, height)) if upper else (lambda i: (0, self.heights(i, height)[0]))
        return (box(x, y + height - low - high, end - x, high) for (low, high), x, end in self.groups(heights) if high)


class Row:
    def __init__(self, windows):
        """Larger windows are somewhat wider."""
        shares = [(last - first).bit_length() - 1 for first, last in windows]
        spare = RIGHT - LEFT - len(windows) * 2200 - (len(windows) - 1) * 180
        spares = [spare * used // (sum(shares) or 1) for used in itertools.accumulate(shares, initial=0)]
        places = ((LEFT + n * 2380 + spares[n], 2200 + spares[n + 1] - spares[n]) for n in range(len(windows)))
        self.windows = [Window(first, last, x, width) for (first, last), (x, width) in zip(windows, places)]

    def over(self, first, last):
        """The windows that a range touches."""
        return (window for window in self.windows if first <= window.last and last >= window.first)

    def add(self, layer, first, last):
        for window in self.over(first, last):
            window.add(layer, first, last)

    def draw(self, svg, y, height):
        for window in self.windows:
            svg.rect("none", window.x, y, window.width, height)
            svg.path("ground", *(box(x, y, end - x, height) for x, end in window.stretches("ground")))
            for layer in ("rw", "ro"):
                svg.path(layer, *window.boxes(layer == "ro", y, height))
            if window.shift == PAGE_SHIFT and window.width // window.count >= 60:
                svg.path("grid", *(steps("M", x, y, "v", height) for x in window.edges[1:-1]))
            svg.rect("frame", window.x, y, window.width, height)

    def marks(self, svg, layer, y, height):
        spans = (window.visible(*stretch) for window in self.windows for stretch in window.stretches(layer))
        svg.path(layer, *(box(x, y, end - x, height) for x, end in spans))

    def span(self, svg, first, last, y, height):
        """A bracket. Its ends point down at the ends of the range, but not at the ends of windows.
        """
        parts = []
        for window in self.over(first, last):
            x, end = window.visible(window.at(first), window.at(last + 1))
            parts += ["M", x, y + height if first >= window.first else y, "L", x, y, "h", end - x]
            parts += ["v", height] if last <= window.last else []
        svg.path("span", *parts)

    def zoom(self, svg, whole_y, parts, neck_y, parts_y):
        """Shows that the windows of another row are parts of this one. Between neck_y and parts_y
        it is as wide as the part, for labels."""
        for part in parts.windows:
            for window in itertools.islice(self.over(part.first, part.last), 1):
                x, end = window.visible(window.at(part.first), window.at(part.last + 1))
                left, right = swing(x, whole_y, part.x, neck_y), swing(part.x + part.width, neck_y, end, whole_y)
                svg.path("zoom", "M", x, whole_y, left, "v", parts_y - neck_y, "h", part.width, "v", neck_y - parts_y, right, "z")


class Links:
    """Ribbons between two rows, one for each run. Above LIMIT, runs that begin and end in the same
    columns share one, then those in the same pair of columns, and so on."""

    LIMIT, TITLED = 240, 96

    def __init__(self, source, target):
        self.source, self.target, self.links = source, target, []

    def add(self, kind, run):
        first, last, gpa = run[:3]
        end = gpa + last - first
        for source, target in itertools.product(self.source.over(first, first), self.target.over(gpa, gpa)):
            columns = (source.column(first), source.column(last), target.column(gpa), target.column(end))
            edges = (source.at(first), source.at(last + 1), target.at(gpa), target.at(end + 1))
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
        for wanted in ("mixed", "rw", "ro", "new"):
            for bundle in bundles:
                kinds, edges, runs = zip(*bundle)
                if wanted == (kinds[0] if len(set(kinds)) == 1 else "mixed"):
                    x, end, to_x, to_end = ((max if i % 2 else min)(edge) for i, edge in enumerate(zip(*edges)))
                    # Bundles would cover each other, so their middle is drawn, wider for more runs.
                    half = 5 + len(runs) * 30 // most if shift and len(runs) > 1 else WIDTH
                    x, end = max(x, (x + end) // 2 - half), min(end, (x + end) // 2 + half)
                    to_x, to_end = max(to_x, (to_x + to_end) // 2 - half), min(to_end, (to_x + to_end) // 2 + half)
                    first, last, gpa, write = runs[0]
                    title = f"{first:#x}..{last:#x} -> {gpa:#x} {'rw' if write else 'r'}" if len(runs) == 1 else f"{len(runs)} runs"
                    left, right = swing(x, y, to_x, to_y), swing(to_end, to_y, end, y)
                    svg.path("link-" + wanted, "M", x, y, left, "h", to_end - to_x, right, "z", title=title if len(bundles) <= self.TITLED else None)
