# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
SVG. The same input yields the same bytes on every machine: coordinates are integers, tenths of a
pixel. A picture needs nothing from outside, and has a background. All text is in a font of fixed
width, so its width is known here. Classes name a look and stand in STYLE: read-only is striped and
released is an outline, so that a picture can be read without colours.
"""
import re

WIDTH, LEFT, RIGHT, MARGIN = 12000, 1280, 11760, 240
PAGE_SHIFT = 12

STYLE = (
    "text{font-family:'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace;fill:#1f2933}"
    ".title{font-weight:bold}.head{font-weight:bold}.soft{fill:#5b6776}.bad{fill:#b3261e;font-weight:bold}"
    ".paper{fill:#fff;stroke:#c9d1da}"
    ".none{fill:#fff;stroke:#8794a3}.ground{fill:#e9edf2}.frame{fill:none;stroke:#8794a3}"
    ".zoom{fill:#dfe6ee;fill-opacity:.55}.grid{stroke:#fff;stroke-opacity:.75;stroke-width:.6;fill:none}"
    ".rule{stroke:#e1e6ec;fill:none}"
    ".rw{fill:#2f6db3}.ro{fill:url(#ro);stroke:#b86e0b;stroke-width:.5}"
    ".link-rw{fill:#2f6db3;fill-opacity:.2;stroke:#2f6db3;stroke-opacity:.45;stroke-width:.5}"
    ".link-ro{fill:#d98a1f;fill-opacity:.16;stroke:#b86e0b;stroke-opacity:.8;stroke-width:.7;stroke-dasharray:3 2}"
    ".link-mixed{fill:#6a7685;fill-opacity:.3;stroke:#4d5968;stroke-opacity:.5;stroke-width:.5}"
    ".link-new{fill:#1f9d57;fill-opacity:.45;stroke:#12703b;stroke-width:.9}"
    ".new{fill:#1f9d57;stroke:#12703b;stroke-width:.6}.gone{fill:#fff;stroke:#c62f24;stroke-width:1.2}"
    ".span{fill:none;stroke:#1f2933;stroke-width:1.6}"
    ".region{fill:#3f2673}.segment{fill:#7a4fc4}.page{fill:#b08fe6}"
    ".low{fill:#2f6db3}.high{fill:#a9c6e6}.low2{fill:#3d7f79}.high2{fill:#b0d5d1}"
    ".map{fill:#1f9d57}.unmap{fill:url(#unmap)}.both{fill:#8a6d3b}.same{fill:#c3ccd6}.whole{fill:#3f2673}"
    ".curve-a{fill:none;stroke:#2f6db3;stroke-width:2}.curve-b{fill:none;stroke:#b86e0b;stroke-width:2}.curve-c{fill:none;stroke:#12703b;stroke-width:2}"
    ".mark-a{fill:#2f6db3;stroke:#2f6db3}.mark-b{fill:#b86e0b;stroke:#b86e0b}.mark-c{fill:#12703b;stroke:#12703b}"
    ".dashed{stroke-dasharray:7 4}.dotted{stroke-dasharray:2 4}"
    ".fold{fill:url(#fold)}.full{fill:#d98a1f;stroke:#8a5200;stroke-width:.8}.error{stroke:#c62f24;stroke-width:2;fill:none}.state{fill:#5b6776}"
)

PATTERNS = "".join(
    f'<pattern id="{name}" width="{size}" height="{size}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="{size}" height="{size}" {paper}/><rect width="{width}" height="{size}" fill="{ink}"/></pattern>'
    for name, size, paper, width, ink in (
        ("ro", 6, 'fill="#fbe6c8"', 3, "#c4740c"),
        ("unmap", 5, 'fill="#fff"', 2.5, "#c62f24"),
        ("fold", 8, 'fill="#fff" fill-opacity=".6"', 3, "#dfe4ea"),
    )
)


def pages(first, last):
    return ((last - first) >> PAGE_SHIFT) + 1


def plural(count, one, more=None):
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def size_text(count):
    unit = min(max(count.bit_length() - 1, 0) // 10, 6)
    whole = not count & ((1 << 10 * unit) - 1)
    return f"{count / (1 << 10 * unit):.{0 if whole else 1}f} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[unit]}"


def range_text(first, last):
    return f"{first:#x} + {size_text(last - first + 1)}"


def time_text(ns):
    if ns < 10**6:
        return f"{ns // 1000} us"
    if ns < 10**9:
        return f"{ns // 10**6}.{ns // 10**5 % 10} ms"
    return f"{ns // 10**9}.{ns // 10**7 % 100:02} s"


def text_width(text, pixels):
    return (len(text) * pixels * 602 + 99) // 100


def tenths(number):
    return f"{number / 10:.10g}"


def steps(*parts):
    """Path data: commands, each followed by its numbers, or parts of other path data."""
    return re.sub("([A-Za-z]) ", r"\1", "".join(part if isinstance(part, str) else " " + tenths(part) for part in parts))


def box(x, y, width, height):
    return steps("M", x, y, "h", width, "v", height, "h", -width, "z")


def swing(x0, y0, x1, y1):
    """A curve that leaves and arrives vertically."""
    middle = (y0 + y1) // 2
    return steps("C", x0, middle, x1, middle, x1, y1)


def escaped(text):
    printable = "".join(c if " " <= c <= "~" else "?" for c in text)
    return printable.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Svg:
    def __init__(self):
        self.body = []

    def text(self, look, x, y, pixels, text, anchor=None):
        if text:
            look = f' class="{look}"' if look else ""
            anchor = f' text-anchor="{anchor}"' if anchor else ""
            self.body.append(f'<text{look} x="{tenths(x)}" y="{tenths(y)}" font-size="{pixels}"{anchor}>{escaped(text)}</text>')

    def rect(self, look, x, y, width, height, more=""):
        self.body.append(f'<rect class="{look}" x="{tenths(x)}" y="{tenths(y)}" width="{tenths(width)}" height="{tenths(height)}"{more}/>')

    def path(self, look, *parts, title=None):
        end = f"><title>{escaped(title)}</title></path>" if title else "/>"
        if parts:
            self.body.append(f'<path class="{look}" d="{steps(*parts)}"{end}')

    def heading(self, name, what, description):
        name = name.rsplit("/", 1)[-1]
        self.text("title", MARGIN, 360, 20, name[:60] + ("..." if len(name) > 60 else ""))
        self.text("", MARGIN, 580, 13, what)
        self.text("soft", MARGIN, 780, 12, description)

    def legend(self, entries, y):
        """Samples with their meaning: (look, width, height, text), a bracket where the height is
        None. Returns the y below them."""
        x = MARGIN
        for look, width, height, text in entries:
            before = width + 70 if look else 0
            whole = before + text_width(text, 11)
            if x + whole > RIGHT:
                x, y = MARGIN, y + 190
            if look and height is None:
                self.path(look, "M", x, y + 100, "L", x, y + 40, "h", width, "v", 60)
            elif look:
                self.rect(look, x, y + 120 - height, width, height)
            self.text("", x + before, y + 110, 11, text)
            x += whole + 200
        return y + 240

    def whole(self, height, title, description):
        self.rect("paper", 5, 5, WIDTH - 10, height - 10, ' rx="8"')
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {tenths(WIDTH)} {tenths(height)}" role="img">'
        head += f"\n<title>{escaped(title)}</title>\n<desc>{escaped(description)}</desc>\n<defs>{PATTERNS}<style>{STYLE}</style></defs>"
        return "\n".join([head, self.body[-1], *self.body[:-1], "</svg>\n"])
