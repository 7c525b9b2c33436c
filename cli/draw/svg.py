# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
SVG. The same input yields the same bytes on every machine: coordinates are integers, tenths of a
pixel. A picture needs nothing from outside, and has a background. All text is in a font of fixed
width, so its width is known here. Classes name a look and stand in STYLE: read-only is striped and
released is an outline, so that a picture can be read without colours.
"""

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


def stripes(name, size, paper, ink):
    return (
        f'<pattern id="{name}" width="{size}" height="{size}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="{size}" height="{size}" {paper}/><rect {ink}/></pattern>'
    )


PATTERNS = (
    stripes("ro", 6, 'fill="#fbe6c8"', 'width="3" height="6" fill="#c4740c"')
    + stripes("unmap", 5, 'fill="#fff"', 'width="2.5" height="5" fill="#c62f24"')
    + stripes("fold", 8, 'fill="#fff" fill-opacity=".6"', 'width="3" height="8" fill="#dfe4ea"')
)


# Numbers in words


def plural(count, one, more=None):
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def size_text(count):
    unit = 0
    while unit < 6 and count >> 10 * unit >= 1024:
        unit += 1
    whole = not count & ((1 << 10 * unit) - 1)
    return f"{count / (1 << 10 * unit):.{0 if whole else 1}f} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[unit]}"


def span_text(first, last):
    return size_text(last - first + 1)


def time_text(ns):
    if ns < 10**6:
        return f"{ns // 1000} us"
    if ns < 10**9:
        return f"{ns // 10**6}.{ns // 10**5 % 10} ms"
    return f"{ns // 10**9}.{ns // 10**7 % 100:02} s"



def tenths(number):
    sign, number = ("-", -number) if number < 0 else ("", number)
    return f"{sign}{number // 10}.{number % 10}" if number % 10 else f"{sign}{number // 10}"


def move(x, y):
    return f"M{tenths(x)} {tenths(y)}"


def line(x, y):
    return f"L{tenths(x)} {tenths(y)}"


def across(width):
    return f"h{tenths(width)}"


def down(height):
    return f"v{tenths(height)}"


def box(x, y, width, height):
    return f"{move(x, y)}{across(width)}{down(height)}{across(-width)}z"


def swing(x0, y0, x1, y1):
    """A curve that leaves and arrives upright."""
    middle = tenths((y0 + y1) // 2)
    return f"C{tenths(x0)} {middle} {tenths(x1)} {middle} {tenths(x1)} {tenths(y1)}"


def escaped(text):
    printable = "".join(c if " " <= c <= "~" else "?" for c in text)
    return printable.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def text_width(text, pixels):
    return (len(text) * pixels * 602 + 99) // 100


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

    def path(self, look, d, title=None):
        end = f"><title>{escaped(title)}</title></path>" if title else "/>"
        if d:
            self.body.append(f'<path class="{look}" d="{d}"{end}')

    def heading(self, name, what):
        name = name.rsplit("/", 1)[-1]
        self.text("title", MARGIN, 360, 20, name[:60] + ("..." if len(name) > 60 else ""))
        self.text("", MARGIN, 580, 13, what)

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
                self.path(look, move(x, y + 100) + line(x, y + 40) + across(width) + down(60))
            elif look:
                self.rect(look, x, y + 120 - height, width, height)
            self.text("", x + before, y + 110, 11, text)
            x += whole + 200
        return y + 240

    def whole(self, height, title, description):
        paper = Svg()
        paper.rect("paper", 5, 5, WIDTH - 10, height - 10, ' rx="8"')
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {tenths(WIDTH)} {tenths(height)}" role="img">'
        head += f"\n<title>{escaped(title)}</title>\n<desc>{escaped(description)}</desc>\n<defs>{PATTERNS}<style>{STYLE}</style></defs>"
        return "\n".join([head, *paper.body, *self.body, "</svg>\n"])
