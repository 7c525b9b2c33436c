# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The mappings at one moment: for each function the aperture and the guest's memory as bands, the used
parts of both, magnified, and ribbons from one to the other.
"""
import bisect

from rows import Links, Row, windows_of
from svg import LEFT, MARGIN, PAGE_SHIFT, RIGHT, Svg, pages, plural, range_text, size_text, text_width, time_text


def part_of(run, first, last):
    first, last = max(first, run[0]), min(last, run[1])
    return first, last, run[2] + first - run[0], run[3]


def changes_of(before, after):
    """The changes of a refresh, from the runs before and after it: (established, run), piece by
    piece. Within a piece neither the old nor the new translation changes."""
    edges = sorted({edge for first, last, *_ in (*before, *after) for edge in (first, last + 1)})

    def pieces(runs):
        for run in runs:
            inside = edges[bisect.bisect_left(edges, run[0]) : bisect.bisect(edges, run[1] + 1)]
            for begin, end in zip(inside, inside[1:]):
                yield begin, part_of(run, begin, end - 1)

    old, new = dict(pieces(before)), dict(pieces(after))
    for edge in edges:
        if old.get(edge) != new.get(edge):
            yield from ((runs is new, runs[edge]) for runs in (old, new) if edge in runs)


class Panel:
    """One function. From top to bottom: numbers; the whole aperture; the parts of it where
    something is mapped, magnified; ribbons; the parts of guest memory that are mapped or hold
    tables, magnified; all of guest memory."""

    LANE, TABLE_LANE, LINE, INSIDE = 70, 120, 140, MARGIN + 140
    LAYERS = ("page", "segment", "region")  # of tables, the lowest first

    def __init__(self, data, view):
        self.data, self.view = data, view
        self.runs, self.tables, self.before, self.change, self.incomplete, self.cut = [], [], [], None, False, False

    def lay_out(self):
        def add(layer, first, last, *rows):
            for row in rows:
                row.add(layer, first, last)

        change, apertures, slots, changes = self.change, self.view["apertures"], self.data["slots"], []
        if change:
            after = (part_of(run, change["first"], change["last"]) for run in self.runs)
            changes = list(changes_of(self.before, [run for run in after if run[0] <= run[1]]))
        places = self.runs + [run for _, run in changes]
        iovas = [(first, last) for first, last, *_ in places]
        gpas = [(gpa, gpa + last - first) for first, last, gpa, _ in places] + [(first, last) for _, first, last in self.tables]
        # A small refresh has its surroundings magnified even if it changed nothing.
        if change and change["last"] - change["first"] < 1 << 20 and change["first"] >= apertures[0][0] and change["last"] <= apertures[0][1]:
            iovas.append((change["first"], change["last"]))
        self.aperture, self.memory = Row([one[:2] for one in apertures]), Row(windows_of(slots))
        self.mapped, self.named = Row(windows_of(iovas)), Row(windows_of(gpas))
        self.links = Links(self.mapped, self.named)
        for first, last, _ in apertures:
            add("ground", first, last, self.aperture, self.mapped)
        for first, last in slots:
            add("ground", first, last, self.memory, self.named)
        for level, first, last in self.tables:
            add(self.LAYERS[min(level, 2)], first, last, self.named, self.memory)
        layers = [(("ro", "rw")[run[3]], run) for run in self.runs] + [(("gone", "new")[established], run) for established, run in changes]
        for layer, run in layers:
            first, last, gpa, _ = run
            add(layer, first, last, self.aperture, self.mapped)
            add(layer, gpa, gpa + last - first, self.named, self.memory)
            # After a registration everything is new, and ribbons by rights are more useful.
            if layer in ("ro", "rw") or layer == "new" and not change["registration"]:
                self.links.add(layer, run)

    def draw(self, svg, y):
        y = self.draw_numbers(svg, y)
        if self.view["idle"]:
            return y
        self.lay_out()
        y = self.draw_mapped(svg, self.draw_aperture(svg, y))
        if self.links.links:
            self.links.draw(svg, y, y + 1100)
            y += 1100
        return self.draw_memory(svg, y) + 140

    def draw_numbers(self, svg, y):
        view = self.view
        y += 220
        svg.text("head", self.INSIDE, y, 13, view["name"])
        svg.text("soft", self.INSIDE + text_width(view["name"] + "  ", 13), y, 12, view["state"])
        if view["idle"]:
            svg.text("", RIGHT - 140, y, 12, view["idle"], "end")
            return y + 140
        count, rw = (sum(pages(first, last) for first, last, _, write in self.runs if write >= least) for least in (0, 1))
        said = f"{'at least ' if self.cut else ''}{plural(count, 'page')} in {plural(len(self.runs), 'run')}, "
        said += f"{size_text(count << PAGE_SHIFT)}: {rw:,} read-write, {count - rw:,} read-only"
        svg.text("", RIGHT - 140, y, 12, said if count else "nothing is mapped", "end")
        root = view["root"]
        if not view["direct"]:
            levels = [min(level, 2) for level, _, _ in self.tables]
            names = ", ".join(f"{levels.count(2 - n):,} {name}" for n, name in enumerate(self.data["tables"]))
            root += f"; tables: {'at least ' if self.incomplete else ''}{names}"
        svg.text("soft", self.INSIDE, y + 180, 11, root)
        change = self.change
        if not change:
            return y + 280
        what = "a registration, which refreshes everything" if change["registration"] else f"RPCIT of {range_text(change['first'], change['last'])}"
        answer = f"cc {change['cc']}" + (f", status {change['status']}" if change["cc"] == 1 else "")
        answer = f"exception {change['exception']:#06x}" if change["exception"] else answer
        effect = f"{plural(change['established'], 'page')} established, {change['released']:,} released"
        svg.text("soft", self.INSIDE, y + 340, 11, f"last refresh: operation {change['operation']:,}, {what}: {answer}, {effect}")
        return y + 440

    def row_name(self, svg, y, *lines):
        for n, name in enumerate(lines):
            svg.text("soft", self.INSIDE, y + n * 130, 11, name)

    def labels(self, svg, row, y, memory):
        """Three lines for each window: range, contents, and the size of a column. A page of memory
        that many IOVAs lead to has as many mappings."""
        for window in row.windows:
            pages, parts = (counts["rw"] + counts["ro"] for counts in (window.pages, window.parts))
            what = f"{plural(pages, 'page')} in {plural(parts, 'run')}"
            if memory:
                what = f"{plural(pages, 'mapping')}, {plural(sum(window.parts[layer] for layer in self.LAYERS), 'table')}"
            svg.text("", window.x + 60, y, 11, range_text(window.first, window.last))
            svg.text("soft", window.x + 60, y + self.LINE, 10, what)
            svg.text("soft", window.x + 60, y + 2 * self.LINE, 10, f"one column is {size_text(1 << window.shift)}")

    def draw_aperture(self, svg, y):
        y += 120
        for window, (first, last, name) in zip(self.aperture.windows, self.view["apertures"]):
            svg.text("", window.x, y, 11, f"{first:#x}")
            svg.text("soft", window.x + window.width // 2, y, 11, f"{name}, {size_text(last - first + 1)}", "middle")
            svg.text("", window.x + window.width, y, 11, f"{last:#x}", "end")
        y += 50
        if self.change:
            self.aperture.span(svg, self.change["first"], self.change["last"], y, self.LANE - 10)
        y += self.LANE
        self.row_name(svg, y + 160, "aperture")
        self.aperture.draw(svg, y, 240)
        return y + 240

    def draw_mapped(self, svg, y):
        neck = y + 320
        top = neck + 3 * self.LINE + 3 * self.LANE + 60
        if not self.mapped.windows:
            svg.text("soft", (LEFT + RIGHT) // 2, y + 260, 12, "nothing is mapped", "middle")
            return y + 400
        self.aperture.zoom(svg, y, self.mapped, neck, top)
        self.labels(svg, self.mapped, neck + 140, False)
        if self.change:
            self.mapped.span(svg, self.change["first"], self.change["last"], top - 3 * self.LANE, self.LANE - 10)
            self.mapped.marks(svg, "gone", top - 2 * self.LANE, self.LANE)
            self.mapped.marks(svg, "new", top - self.LANE, self.LANE)
        self.row_name(svg, top + 130, "IOVAs,", "magnified")
        self.mapped.draw(svg, top, 300)
        return top + 300

    def draw_tables(self, svg, row, y):
        for n, layer in enumerate(reversed(self.LAYERS)):
            row.marks(svg, layer, y + n * self.TABLE_LANE // 3, self.TABLE_LANE - n * self.TABLE_LANE // 3)

    def draw_memory(self, svg, y):
        """Guest memory: the magnified parts, then all of it."""
        bottom = y + 300
        lane = bottom + 2 * self.LANE + 30
        labels = lane + self.TABLE_LANE + 130
        neck = labels + 2 * self.LINE + 80
        whole = neck + 320 + self.TABLE_LANE + 40 if self.named.windows else y + 300
        if self.named.windows:
            self.row_name(svg, y + 130, "memory,", "magnified")
            self.memory.zoom(svg, whole - self.TABLE_LANE - 20, self.named, neck, bottom)
            self.named.draw(svg, y, 300)
            self.named.marks(svg, "new", bottom, self.LANE)
            self.named.marks(svg, "gone", bottom + self.LANE, self.LANE)
            self.draw_tables(svg, self.named, lane)
            self.labels(svg, self.named, labels, True)
        if self.tables:
            self.row_name(svg, lane + 100, "tables")
            self.row_name(svg, whole - 40, "tables")
        self.draw_tables(svg, self.memory, whole - self.TABLE_LANE - 20)
        self.row_name(svg, whole + 160, "guest memory")
        self.memory.draw(svg, whole, 240)
        y = whole + 240 + self.LINE
        for window in self.memory.windows:
            svg.text("", window.x, y, 11, range_text(window.first, window.last))
        return y


def draw(data, lines, name):
    svg, title, kind = Svg(), "What devices reach", data["function"]
    panels = []
    for record in lines:
        if "view" in record:
            panels.append(Panel(data, record["view"]))
        elif isinstance(record, dict):
            vars(panels[-1]).update(record)
        else:
            what, *numbers = record
            getattr(panels[-1], what).append(tuple(numbers))
    when = "before the first operation"
    if data["operations"]:
        when = f"after {plural(data['operations'], 'operation')}" + (f", at {time_text(data['ns'])}" if "ns" in data else "")
    description = f"{when}: {plural(data['mapped_pages'], 'page')} mapped by tables, {size_text(data['pinned_bytes'])} pinned; "
    description += f"the guest has {size_text(data['guest_bytes'])} in {plural(len(data['slots']), 'slot')}"
    svg.heading(name, title, description)
    if not data["functions"]:
        svg.text("soft", MARGIN, 960, 12, f"there is no {kind}")
    legend = [("rw", 160, 120, "mapped read-write"), ("ro", 160, 120, "mapped read-only"), ("none", 160, 120, "no memory, or outside the aperture")]
    # A guest IOMMU that makes translations at accesses, too, has no last refresh.
    if not data["accesses"]:
        legend += [("span", 200, None, "range of the last refresh"), ("new", 120, 80, "established by it"), ("gone", 120, 80, "released by it")]
    legend += [(layer, 60, height, text) for layer, height, text in zip(reversed(Panel.LAYERS), (120, 80, 40), data["legends"])]
    legend += [(None, 0, 0, "the higher a column, the more of it is mapped")]
    y = svg.legend(legend, 900 if data["functions"] else 1080) + 60
    for panel in panels:
        bottom = panel.draw(svg, y)
        svg.path("rule", "M", MARGIN, y, "h", RIGHT - MARGIN)
        y = bottom
    if data["functions"] > len(panels):
        y += 220
        svg.text("soft", MARGIN + 140, y, 12, f"and {plural(data['functions'] - len(panels), 'more ' + kind)} that are not drawn")
        y += 80
    return svg.whole(y + 120, title, description)
