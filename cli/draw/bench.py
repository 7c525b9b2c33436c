# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The picture of `viommu bench`."""
import math

from svg import LEFT, MARGIN, RIGHT, Svg, box, size_text


class Scale:
    """A logarithmic scale, from one power of its base to another."""

    def __init__(self, base, start, end, values):
        self.base, self.start, self.end = base, start, end
        self.first = math.floor(math.log(min(values), base))
        self.last = max(math.ceil(math.log(max(values), base)), self.first + 1)

    def at(self, value):
        part = (math.log(value, self.base) - self.first) / (self.last - self.first)
        return self.start + round(part * (self.end - self.start))


def draw(data, _lines, _name):
    """The cost of a refresh of the whole aperture in which nothing has changed, against the
    aperture's size. A point is the median, the bar through it goes from the least to the largest
    run."""
    svg, curves = Svg(), []
    for letter, cases, text in (("a", "dense", "dense"), ("b", "sparse", "a page in 16 MiB"), ("c", "two", "two page tables")):
        for lane, label, dashes in (("no-op host", "library", ""), ("memcmp", "memcmp", " dashed"), ("page by page", "page by page", " dotted")):
            points = [
                (case["aperture"], figure["median"], figure["least"], figure["most"])
                for case in data["cases"]
                if case["aperture"] and (case["name"] or "").startswith(f"same/{cases}/")
                for figure in case["figures"]
                if figure["name"] == lane and figure["least"] > 0
            ]
            if points:
                curves.append((letter, f"curve-{letter}{dashes}", f"{text}: {label}", points))
    svg.text("title", MARGIN, 400, 18, "Refresh of the whole aperture, nothing has changed")
    svg.text("soft", MARGIN, 620, 12, f"time against aperture; median of {data['runs']} runs; {data['machine']['cpu'] or ''}")
    if curves:
        x = Scale(2, LEFT, RIGHT, [point[0] for *_, points in curves for point in points])
        y = Scale(10, 6400, 960, [value for *_, points in curves for point in points for value in point[2:]])
        for power in range(x.first, x.last + 1):
            svg.path("rule", "M", x.at(2**power), y.start, "L", x.at(2**power), y.end)
            if (power - x.first) % 2 == 0 and power >= 0:
                svg.text("soft", x.at(2**power), y.start + 180, 12, size_text(2**power), "middle")
        for power in range(y.first, y.last + 1):
            unit = min(max(power // 3, 0), 3)
            svg.path("rule", "M", x.start, y.at(10.0**power), "L", x.end, y.at(10.0**power))
            svg.text("soft", x.start - 80, y.at(10.0**power) + 40, 12, f"{10.0 ** (power - 3 * unit):g} {('ns', 'us', 'ms', 's')[unit]}", "end")
    else:
        svg.text("bad", LEFT, 1200, 14, "no case of the group same/ was measured")
    for n, (letter, look, label, points) in enumerate(curves):
        curve = [part for size, median, *_ in points for part in ("L", x.at(size), y.at(median))]
        svg.path(look, "M", *curve[1:], title=label)
        for size, median, least, most in points:
            title = f"{label}, {size_text(int(size))}: {median:.0f} ns ({least:.0f} to {most:.0f})"
            bar = ("M", x.at(size), y.at(least), "L", x.at(size), y.at(most))
            svg.path(f"mark-{letter}", box(x.at(size) - 30, y.at(median) - 30, 60, 60), *bar, title=title)
        left, top = LEFT + n % 3 * 3480, 7000 + n // 3 * 200
        svg.path(look, "M", left, top - 40, "L", left + 400, top - 40)
        svg.text("", left + 480, top, 12, label)
    description = "Time of a refresh of the whole aperture that changes nothing, against the size of the aperture, on logarithmic scales"
    return svg.whole(7080 + 200 * ((len(curves) + 2) // 3), "viommu bench", description)
