#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The pictures of the command viommu: they are well-formed, self-contained and readable, and agree with `--map` and `--json`. Prints TAP.

    svg.py VIOMMU RECORDINGS     the command, and the folder with recordings of real guests
"""
import glob
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import svg_captures
from command import COMMAND, ENVIRONMENT, Result, check, run_tests
from peak import peak_kib

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDINGS = sys.argv[2]
ENVIRONMENT["LC_ALL"] = "C.UTF-8"
# Pictures are drawn by the Python that runs this.
ENVIRONMENT["PATH"] = os.path.dirname(os.path.realpath(sys.executable)) + os.pathsep + os.environ["PATH"]
CAPTURES = sorted(glob.glob(os.path.join(HERE, "captures", "*.vcap")) + glob.glob(os.path.join(HERE, "captures", "s*", "*.vcap")))
NS = "{http://www.w3.org/2000/svg}"
LEFT, RIGHT = 128, 1176  # of the drawing, in pixels
FOLDER = tempfile.TemporaryDirectory()


def path_of(name):
    return os.path.join(FOLDER.name, name)


def put(name, content):
    with open(path_of(name), "w", encoding="ascii") as file:
        file.write(content)
    return path_of(name)


def viommu(*arguments, status=0, stdin=None):
    result = Result(*arguments, stdin=stdin)
    check(result.status == status, result)
    return result.out if status == 0 else result.err


def situation(name):
    """The capture of a situation, made once."""
    path = path_of(f"{name}.vcap")
    return path if os.path.exists(path) else put(f"{name}.vcap", getattr(svg_captures, name)())


def number(text):
    return int(text.replace(",", ""))


class Text:
    """A line of text, and the box that it takes in a font of fixed width."""

    def __init__(self, element):
        self.text = element.text or ""
        size = float(element.get("font-size"))
        width = 0.602 * size * len(self.text)
        x, y = float(element.get("x")), float(element.get("y"))
        self.left = x - {None: 0, "middle": width / 2, "end": width}[element.get("text-anchor")]
        self.right, self.top, self.bottom = self.left + width, y - 0.76 * size, y + 0.22 * size

    def overlaps(self, other):
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom


class Picture:
    """A picture that was read, after checks of everything that must hold for any."""

    def __init__(self, source):
        self.source = source
        assert source.isascii() and "\r" not in source and "\t" not in source
        root = ElementTree.fromstring(source)
        assert root.tag == NS + "svg"
        self.root = root
        _, _, self.width, self.height = map(float, root.get("viewBox").split())
        # Nothing from outside, and a background.
        assert "href" not in source and "@import" not in source and source.count("http") == 1
        assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", source))
        paper = next(element for element in root if element.tag == NS + "rect")
        assert paper.get("class") == "paper" and float(paper.get("width")) == self.width - 1 and float(paper.get("height")) == self.height - 1
        # Numbers as everybody writes them: no exponents, nothing that is no number.
        for element in root.iter():
            for key in ("x", "y", "width", "height"):
                assert element.get(key) is None or re.fullmatch(r"-?\d+(\.\d)?", element.get(key)), ElementTree.tostring(element)
            assert re.fullmatch(r"[MLCChvz0-9. -]*", element.get("d") or ""), element.get("d")
            # Each class has a style.
            for name in (element.get("class") or "").split():
                assert f".{name}{{" in source, name
        self.texts = [Text(element) for element in root.iter(NS + "text")]
        self.check_texts()
        self.check_paths()

    def check_texts(self):
        for i, text in enumerate(self.texts):
            assert text.text.strip() == text.text != "", "empty text"
            assert text.left >= 4 and text.right <= self.width - 4 and text.top >= 4 and text.bottom <= self.height - 4, f"outside: {text.text}"
            for other in self.texts[:i]:
                assert not text.overlaps(other), f"'{text.text}' overlaps '{other.text}'"

    def check_paths(self):
        """Shapes stay on the paper."""
        for element in self.root.iter(NS + "path"):
            for x, y in re.findall(r"[MLC ](-?[\d.]+) (-?[\d.]+)", element.get("d")):
                assert 0 <= float(x) <= self.width and 0 <= float(y) <= self.height, element.get("d")

    def all(self):
        return "\n".join(text.text for text in self.texts)

    def boxes(self, name):
        """(x, y, width, height) of all boxes of a class, from the top, then from the left."""
        boxes = []
        for element in self.root.iter(NS + "path"):
            if element.get("class") == name:
                found = re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z", element.get("d"))
                boxes += [tuple(map(float, box)) for box in found]
        return sorted(boxes, key=lambda box: (box[1], box[0]))

    def ribbons(self):
        """The tooltip of each ribbon of a single run."""
        ribbons = []
        for element in self.root.iter(NS + "path"):
            if element.get("class") in ("link-rw", "link-ro"):
                title = element.find(NS + "title")
                ribbons.append((element.get("class"), title.text if title is not None else None))
        return ribbons


def draw(path, *options):
    """The picture of the mappings, with the output of --map and --json."""
    output = path_of("picture.svg")
    told = json.loads(viommu("replay", "--json", "--map", "--svg", output, *options, path))
    with open(output, encoding="utf-8", newline="") as file:
        return Picture(file.read()), told


def draw_timeline(path, *options):
    output = path_of("timeline.svg")
    told = json.loads(viommu("replay", "--json", "--timeline", output, *options, path))
    with open(output, encoding="utf-8", newline="") as file:
        return Picture(file.read()), told


def pages(line):
    return (int(line["last"], 16) - int(line["first"], 16) + 1) // 4096


def bytes_text(count):
    units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    unit = 0
    while count >> (10 * unit) >= 1024:
        unit += 1
    return f"{count >> 10 * unit} {units[unit]}" if not count % (1 << 10 * unit) else f"{count / (1 << 10 * unit):.1f} {units[unit]}"


def plural(count, one, more):
    return f"{count:,} {one if count == 1 else more}"


def check_numbers(picture, told):
    """The heading against --json, each function's panel against --map, ribbon by ribbon."""
    text = picture.all()
    assert f"{plural(told['mapped_pages'], 'page', 'pages')} mapped by tables, {bytes_text(told['pinned_bytes'])} pinned" in text, text
    assert f"the guest has {bytes_text(told['guest_bytes'])} in " in text, text
    assert not told["operations"] or f"after {plural(told['operations'], 'operation', 'operations')}" in text, text
    functions = {}
    kind = "function" if told["guest"] == "zpci" else "stream"
    for line in told["map"]:
        # What may be written is drawn as read-write.
        line["rights"] = line["rights"].replace("rw", "w").replace("w", "rw")
        functions.setdefault(line[kind], []).append(line)
    headings = [line for line in picture.texts if line.text.startswith(kind + " 0x")]
    names = [int(line.text.split()[1], 16) for line in headings]
    assert names == sorted(names)
    for heading in headings:
        mapped = functions.pop(f"{int(heading.text.split()[1], 16):#x}", [])
        said = next(line.text for line in picture.texts if line is not heading and line.bottom > heading.top and line.top < heading.bottom and line.right > 1100)
        rw, ro = (sum(pages(line) for line in mapped if line["rights"] == rights) for rights in ("rw", "r"))
        if not mapped:
            assert said in ("nothing is mapped", "nothing is registered", "everything is aborted", "its configuration is illegal", "it is not configured"), said
        else:
            wanted = f"{plural(rw + ro, 'page', 'pages')} in {plural(len(mapped), 'run', 'runs')}, {bytes_text((rw + ro) * 4096)}: "
            assert said == wanted + f"{rw:,} read-write, {ro:,} read-only", f"{said} for {wanted}"
    assert not functions or len(headings) == 16, functions
    if functions:
        return
    check_ribbons(picture, told)
    # All IOVAs and all memory are magnified.
    everything = sum(pages(line) for line in told["map"])
    for label in (r"^([0-9,]+) pages? in [0-9,]+ runs?$", r"^([0-9,]+) mappings?, [0-9,]+ tables?$"):
        assert sum(number(count) for count in re.findall(label, text, re.M)) == everything, text
    assert sum(number(count) for count in re.findall(r"^[0-9,]+ pages? in ([0-9,]+) runs?$", text, re.M)) == len(told["map"]), text


def check_ribbons(picture, told):
    ribbons = picture.ribbons()
    if not ribbons or any(title is None or "runs" in title for _, title in ribbons):
        return False
    wanted = [(f"link-{'rw' if line['rights'] == 'rw' else 'ro'}", f"{line['first']}..{line['last']} -> {line['gpa']} {line['rights']}") for line in told["map"]]
    assert sorted(ribbons) == sorted(wanted), f"{ribbons}\n{wanted}"
    return True


# The picture of the mappings


def test_smmuv3():
    """Two sets of tables, blocks, bypass, shared pages, and names of tables: the contents of the captures by hand."""
    linear, _ = draw(os.path.join(HERE, "captures", "smmuv3", "linear.vcap"))
    text = linear.all()
    assert "TTB0 0x40012000 (4K, 39 bits), TTB1 0x40022000 (4K, 39 bits); tables: 2 of levels 0 and 1, 2 of level 2, 3 of level 3" in text, text
    assert "IOVAs of TTB0, 512 GiB" in text and "IOVAs of TTB1, 512 GiB" in text and "0xffffff8000000000" in text, text
    assert "table of level 0 or 1" in text and "region" not in text and "last refresh" not in text, text
    granules, _ = draw(os.path.join(HERE, "captures", "smmuv3", "granules.vcap"))
    text = granules.all()
    assert "ASID 0x1, TTB0 0x40020000 (64K, 42 bits); tables: 0 of levels 0 and 1, 1 of level 2, 1 of level 3" in text, text
    assert "ASID 0x2, TTB0 0x40040000 (16K, 36 bits); tables: 0 of levels 0 and 1, 1 of level 2, 1 of level 3" in text, text
    assert "ASID 0x3, TTB1 0x40050000 (4K, 34 bits); tables: 1 of levels 0 and 1, 1 of level 2, 0 of level 3" in text, text
    two, _ = draw(os.path.join(HERE, "captures", "smmuv3", "two-levels.vcap"), "--stop-after", 11)
    text = two.all()
    assert text.count("stage 1, as 1 stream more") == 2 and "everything is aborted" not in text and "event 0x02" in text, text
    bypass, _ = draw(os.path.join(HERE, "captures", "smmuv3", "bypass.vcap"), "--stop-after", 1)
    assert "in bypass" in bypass.all() and "addresses, 1 TiB" in bypass.all() and bypass.boxes("rw") and bypass.boxes("ro"), bypass.all()
    for name in ("linear", "two-levels", "errors", "stale"):
        check_timeline_numbers(*draw_timeline(os.path.join(HERE, "captures", "smmuv3", name + ".vcap")))


def test_situations():
    for make in svg_captures.SITUATIONS:
        picture, told = draw(situation(make.__name__))
        check_numbers(picture, told)
        picture, told = draw_timeline(situation(make.__name__))
        check_timeline_numbers(picture, told)


def test_every_moment_of_the_captures_by_hand():
    ribbons = 0
    for path in CAPTURES:
        if "bomb" in path:
            continue
        operations = json.loads(viommu("replay", "--json", path))["operations"]
        for stop in range(operations + 1):
            picture, told = draw(path, "--stop-after", stop)
            check_numbers(picture, told)
            ribbons += check_ribbons(picture, told)
    assert ribbons > 30, ribbons


def test_bombs():
    for path in CAPTURES:
        if "bomb" in path:
            picture, told = draw(path)
            check_numbers(picture, told)
            check_timeline_numbers(*draw_timeline(path))


def test_recordings():
    for path in sorted(glob.glob(os.path.join(RECORDINGS, "*.vcap.zst"))):
        operations = json.loads(viommu("replay", "--json", "--quiet", path))["operations"]
        for stop in (operations // 2, operations):
            check_numbers(*draw(path, "--stop-after", stop))
        check_timeline_numbers(*draw_timeline(path))


def test_nothing():
    for name, said in (("no_function", "there is no function"), ("nothing", "nothing is registered"), ("nothing_mapped", "nothing is mapped")):
        picture, _ = draw(situation(name))
        assert said in picture.all() and not picture.boxes("rw") and not picture.boxes("ro"), picture.all()
    assert "tables: 1 region, 0 segment, 0 page" in picture.all()


def test_one_page():
    """Where it is in the magnified part: page 6 of the 16 from 0x123450000 on, and to which it leads: page 5 of 16 from 0x2340000 on."""
    picture, _ = draw(situation("one_page"))
    assert "0x123450000 + 64 KiB" in picture.all() and "0x2340000 + 64 KiB" in picture.all(), picture.all()
    assert "tables: 1 region, 1 segment, 1 page" in picture.all(), picture.all()
    whole, mapped, named, memory = picture.boxes("rw")
    page = (RIGHT - LEFT) / 16
    assert abs(mapped[0] - (LEFT + 6 * page)) <= 0.2 and abs(mapped[2] - page) <= 0.2 and mapped[3] == 30, mapped
    at = LEFT + (RIGHT - LEFT) * 0x23456000 / 0x80000000
    assert at - 4 <= whole[0] <= at and whole[0] + whole[2] >= at, whole
    # Two windows of the same size, and a gap.
    width = (RIGHT - LEFT - 18) / 2
    assert abs(named[0] - (RIGHT - width + width * 5 / 16)) <= 0.3 and abs(named[2] - width / 16) <= 0.3, named
    at = LEFT + (RIGHT - LEFT) * 0x2345000 / 0x40000000
    assert at - 4 <= memory[0] <= at, memory
    # The ribbon goes from where the one begins and ends to where the other does.
    ribbon = next(element.get("d") for element in picture.root.iter(NS + "path") if element.get("class") == "link-rw")
    begin, over, end = re.fullmatch(r"M([\d.]+) [\d.]+C.* ([\d.]+) [\d.]+h([\d.]+)C.* ([\d.]+) [\d.]+z", ribbon).group(1, 3, 4)
    assert float(begin) == mapped[0] and abs(float(end) - mapped[0] - mapped[2]) <= 0.1 and float(over) == named[2], ribbon
    # The tables stand one after the other from 0x10000 on: 4 pages, 4 pages, and half a page that takes the column of a whole one.
    for kind, first, size in (("region", 0, 4), ("segment", 4, 4), ("page", 8, 1)):
        box = picture.boxes(kind)[0]
        assert abs(box[0] - (LEFT + width * first / 16)) <= 0.3 and abs(box[2] - width * size / 16) <= 0.3, (kind, box)


def test_last_refresh():
    picture, _ = draw(situation("last_refresh"))
    assert "last refresh: operation 2, RPCIT of 0x100000000 + 64 KiB: cc 0, 3 pages established, 3 released" in picture.all(), picture.all()
    page = (RIGHT - LEFT) / 16
    columns = lambda boxes: [(round((x - LEFT) / page), round((x + width - LEFT) / page)) for x, y, width, height in boxes]
    above = lambda boxes: [box for box in boxes if box[1] == boxes[0][1]]
    # New are pages 2, 3 and 8; gone 1, 2 and 3.
    assert columns(above(picture.boxes("new"))) == [(2, 4), (8, 9)], picture.boxes("new")
    assert columns(above(picture.boxes("gone"))) == [(1, 4)], picture.boxes("gone")
    # Page 2 may only be read, and the new ones have ribbons that stand out.
    assert (2, 3) in columns(picture.boxes("ro")), picture.boxes("ro")
    assert sum(element.get("class") == "link-new" for element in picture.root.iter(NS + "path")) == 3
    # Deregistering takes it all away, and the refresh is no longer the last thing that changed translations.
    with open(situation("last_refresh"), encoding="ascii") as file:
        text = file.read().replace("end operations=2", "mpcifc fh=0x80000001 oc=5 dmaas=0 pba=0 pal=0 iota=0\nend operations=3")
    picture, _ = draw(put("deregistered.vcap", text))
    assert "last refresh:" not in picture.all() and not picture.boxes("new") and not picture.boxes("gone"), picture.all()
    # So does memory that goes away; memory that comes does not.
    slot = "slot gpa=0x80000000 bytes=0x1000 prot=rw\n"
    for more, there in ((slot, True), (slot + "unslot gpa=0x80000000\n", False)):
        with open(situation("last_refresh"), encoding="ascii") as file:
            text = file.read().replace("end ", more + "end ")
        assert ("last refresh:" in draw(put("slots.vcap", text))[0].all()) == there, more


def changes(seed):
    """64 pages in runs and gaps, then the same with some of them changed; the first and the last are always there."""
    chance = random.Random(seed)
    tables = svg_captures.Tables(0x10000)
    targets = {}
    for page in range(64):
        if page in (0, 63) or chance.random() < 0.7:
            targets[page] = (0x200000 + page * 0x1000, "r" if page // 16 == 2 else "rw")
            tables.map(0x100000000 + page * 0x1000, *targets[page])
    lines = [svg_captures.MEMORY, svg_captures.function(1 << 31), *tables.lines, svg_captures.register(1 << 31, tables)]
    tables.lines = []
    for page in range(1, 63):
        what = chance.choice(("keep", "keep", "keep", "unmap", "map", "other", "rights"))
        iova, target = 0x100000000 + page * 0x1000, 0x200000 + page * 0x1000
        if what == "unmap":
            tables.unmap(iova, target)
        elif what != "keep":
            tables.map(iova, target + (0x400000 if what == "other" else 0), "r" if what == "rights" else "rw")
    return svg_captures.capture(lines, tables.lines, svg_captures.rpcit(1 << 31, 0x100000000 + chance.choice((0, 5)) * 0x1000, 0x30000))


def test_changes():
    """Pages marked as established are new in --map, and those marked as released are no longer there."""
    for seed in range(40):
        path = put("changes.vcap", changes(seed))
        _, before = draw(path, "--stop-after", 1)
        picture, after = draw(path)
        assert "0x100000000 + 256 KiB" in picture.all(), picture.all()
        single = lambda told: {
            (page, int(line["gpa"], 16) + (page << 12) - int(line["first"], 16), line["rights"])
            for line in told["map"]
            for page in range(int(line["first"], 16) >> 12, (int(line["last"], 16) + 1) >> 12)
        }
        for kind, wanted in (("new", single(after) - single(before)), ("gone", single(before) - single(after))):
            boxes = [box for box in picture.boxes(kind) if box[1] == picture.boxes(kind)[0][1]]
            width = (RIGHT - LEFT) / 64
            marked = {n for x, _, w, _ in boxes for n in range(round((x - LEFT) / width), round((x + w - LEFT) / width))}
            assert marked == {page - 0x100000 for page, _, _ in wanted}, (seed, kind, marked, wanted)
        counted = re.search("([0-9]+) pages? established, ([0-9]+) released", picture.all())
        assert number(counted[1]) == len(single(after) - single(before)) and number(counted[2]) == len(single(before) - single(after)), (seed, counted[0])


def test_rights_do_without_colour():
    picture, _ = draw(situation("read_only"))
    assert picture.boxes("ro") and not picture.boxes("rw")
    assert ".ro{fill:url(#ro)" in picture.source and '<pattern id="ro"' in picture.source


def test_hundred_thousand_pages():
    """The size of the file does not follow the number of pages, and density is seen: twice the pages stand higher."""
    picture, told = draw(situation("scattered"))
    assert len(told["map"]) > 90000 and len(picture.source) < 100000, len(picture.source)
    heights = []
    for count in (5000, 50000, 200000):
        picture, told = draw(put(f"scattered-{count}.vcap", svg_captures.scattered(count)))
        check_numbers(picture, told)
        assert len(picture.source) < 100000, len(picture.source)
        band = [box for box in picture.boxes("rw") if box[1] < picture.boxes("rw")[-1][1]]
        heights.append(sum(box[2] * box[3] for box in band))
    assert heights[0] * 1.15 < heights[1] and heights[1] * 1.4 < heights[2], heights
    tables = re.search("tables: 1 region, 1 segment, ([0-9,]+) page", picture.all())
    assert number(tables[1]) == 2048, tables[0]


def test_more_runs_than_are_drawn():
    """All segments lead to one page table, and all its entries to one page: half a million runs, of which half are drawn."""
    lines = [svg_captures.MEMORY, svg_captures.function(1 << 31), "mem 0x10000 0x20 2048", "mem 0x10010 0x14007"]
    lines += ["mem 0x14000 0x18000 2048", "mem 0x18000 0x2000 256", f"mpcifc fh={1 << 31:#x} oc=4 dmaas=0 pba=0x100000000 pal=0x17fffffff iota=0x10804"]
    picture, told = draw(put("many-runs.vcap", svg_captures.capture(lines)))
    assert told["mapped_pages"] == 1 << 19 and "at least 262,144 pages in 262,144 runs, 1 GiB" in picture.all(), picture.all()
    assert "last refresh:" not in picture.all() and len(picture.source) < 100000, picture.all()


def test_addresses_at_the_top():
    picture, told = draw(situation("top_of_everything"))
    text = picture.all()
    assert "0xffffffffffffffff" in text and "region-first table, 5 levels" in text, text
    assert len(told["map"]) == 7 and check_ribbons(picture, told), told["map"]
    last = [box for box in picture.boxes("ro") if abs(box[0] + box[2] - RIGHT) < 0.2]
    assert last, "the last page of all ends where the picture does"


def test_functions():
    picture, _ = draw(situation("several_functions"))
    assert re.findall(r"function (0x\w+)", picture.all()) == ["0x80000001", "0x80000002", "0x80000003"]
    picture, told = draw(put("many.vcap", svg_captures.several_functions(40)))
    check_numbers(picture, told)
    assert "and 24 more functions that are not drawn" in picture.all(), picture.all()


def test_untranslated():
    picture, told = draw(situation("untranslated"))
    assert told["mapped_pages"] == 0 and len(told["map"]) == 2
    assert "works untranslated" in picture.all() and check_ribbons(picture, told)


def test_tables_as_qemu_sees_them():
    """A segment entry of zeros names a page table at 0; to QEMU it is an error."""
    text = svg_captures.one_page().replace("mpcifc", "mem 0x14008 0\nmpcifc", 1)
    assert "1 segment, 2 page" in draw(put("zeros.vcap", text))[0].all()
    assert "1 segment, 1 page" in draw(put("zeros.vcap", text), "--qemu")[0].all()


def test_shared_tables():
    """Two entries that name one page table; and the ends of a partial registration decide which tables count."""
    tables = svg_captures.Tables(0x10000)
    tables.map(0x100000000, 0x2000000)
    second = tables.entry(0x100100000)
    tables.map(0x100200000, 0x2001000)
    tables.lines[-1:] += [f"mem {0x14010:#x} {second & ~0xfff:#x}"]
    for pal, count in ((0x17FFFFFFF, 2), (0x1001FFFFF, 2), (0x1000FFFFF, 1)):
        text = svg_captures.capture(svg_captures.MEMORY, svg_captures.function(1 << 31), tables.lines, svg_captures.register(1 << 31, tables, pal=pal))
        picture, _ = draw(put("shared.vcap", text))
        assert f"1 segment, {count} page" in picture.all(), picture.all()


def test_table_at_the_top():
    """A region table in the last page of all: three quarters of it would lie beyond 2^64."""
    lines = ["slot gpa=0xfffffffffffff000 bytes=0x1000 prot=rw", svg_captures.function(1 << 31), "mem 0xfffffffffffff000 0x20 512"]
    lines += [f"mpcifc fh={1 << 31:#x} oc=4 dmaas=0 pba=0x100000000 pal=0x17fffffff iota=0xfffffffffffff804"]
    picture, told = draw(put("top.vcap", svg_captures.capture(lines)))
    check_numbers(picture, told)
    assert "0xfffffffffff" in picture.all() and len(picture.boxes("region")) == 2, picture.all()


# The timeline


def check_timeline_numbers(picture, told):
    text = picture.all()
    kinds = {name: number(count) for name, count in re.findall("^(.*): ([0-9,]+)$", text, re.M)}
    assert list(kinds) == ["whole-aperture refreshes", "mapping", "unmapping", "both", "changing nothing"], text
    assert sum(kinds.values()) == told["refreshes"] and kinds["whole-aperture refreshes"] == told["global_refreshes"], text
    wanted = f"{plural(told['operations'], 'operation', 'operations')}, {plural(told['refreshes'], 'refresh', 'refreshes')}, "
    wanted += f"{plural(told['mapped_pages_peak'], 'page', 'pages')} mapped at most, {bytes_text(told['pinned_bytes_peak'])} pinned at most; "
    wanted += f"{plural(told['insufficient_resources'], 'answer', 'answers')} of insufficient resources, {plural(told['errors'], 'error', 'errors')}"
    assert wanted in text, f"{wanted}\n{text}"
    if told["operations"]:
        assert f"mapped, at most {bytes_text(told['mapped_pages_peak'] * 4096)}" in text, text
    return kinds


def marks(picture, name):
    return sum(element.get("d").count("M") for element in picture.root.iter(NS + "path") if element.get("class") == name)


def test_timeline_marks():
    picture, told = draw_timeline(situation("errors"))
    kinds = check_timeline_numbers(picture, told)
    assert told["errors"] == 5 and marks(picture, "error") == 2 * 5, marks(picture, "error")  # a cross is two strokes
    assert kinds["whole-aperture refreshes"] == 1 and kinds["changing nothing"] == 5, kinds
    # In time: the errors are at 0.7 s, 1.4 s and so on, from 0.001 s to 4 s.
    cross = next(element for element in picture.root.iter(NS + "path") if element.get("class") == "error").get("d")
    centres = sorted({round(float(x) + 4) for x in re.findall(r"M([\d.]+)", cross)})
    for i, centre in enumerate(centres, 1):
        assert abs(centre - (LEFT + (RIGHT - LEFT) * (0.7 * i - 0.001) / 3.999)) < 6, centres
    picture, told = draw_timeline(os.path.join(HERE, "captures", "three-levels.vcap"), "--budget", "4K")
    assert told["insufficient_resources"] and marks(picture, "full"), told


def rounds(count, step=None, first=0):
    """Maps a page and unmaps it, over and over; whole-aperture refreshes now and then."""
    tables = svg_captures.Tables(0x10000)
    entry = tables.entry(0x100000000)
    lines = [svg_captures.MEMORY, svg_captures.function(1 << 31), *tables.lines, svg_captures.register(1 << 31, tables)]
    lines[-1] += "" if step is None else f" t={first}"
    for i in range(count):
        t = None if step is None else first + (i + 1) * step
        lines += [f"mem {entry:#x} {0x200000 if i % 2 == 0 else 0x200400:#x}"]
        lines += [svg_captures.rpcit(1 << 31, 0x100000000, 0x80000000 if i % 1000 == 999 else 0x1000, t)]
    return svg_captures.capture(lines)


def test_timeline_of_many_operations():
    """Columns cover more and more operations, and none is lost. The heights of all columns together are the refreshes."""
    for count in (1, 2, 511, 512, 513, 4095, 4096, 4097, 30000):
        picture, told = draw_timeline(put("rounds.vcap", rounds(count)))
        kinds = check_timeline_numbers(picture, told)
        assert kinds["whole-aperture refreshes"] == count // 1000 and kinds["mapping"] == (count + 1) // 2, kinds
        size, most = re.search("refreshes in a column of ([0-9,]+) operations?, at most ([0-9,]+)", picture.all()).groups()
        assert number(most) <= number(size) and number(size) * 520 >= count and number(size) <= max(1, count // 255), (count, size, most)
        area = sum(width * height for kind in ("whole", "map", "unmap") for x, y, width, height in picture.boxes(kind) if height != width != 8)
        columns = -(-(count + 1) // number(size))
        whole = (RIGHT - LEFT) / columns * 120 / number(most) * count
        assert abs(area - whole) < 0.12 * whole + 500, (count, area, whole)


def test_timeline_in_time():
    for step, first in ((1, 0), (1000, 0), (123456789, 10**9), (2**63 // 100, 0), (2**40, 2**63)):
        picture, told = draw_timeline(put("rounds.vcap", rounds(100, step, first)))
        check_timeline_numbers(picture, told)
        assert "time since the recording began" in picture.all(), picture.all()
    # One operation without a time, and all are counted.
    text = rounds(100, 1000).replace(" t=50000", "")
    picture, told = draw_timeline(put("rounds.vcap", text))
    check_timeline_numbers(picture, told)
    assert "number of the operation" in picture.all(), picture.all()
    # Out of order by a little, as virtual CPUs are.
    text = rounds(100, 1000).replace(" t=50000", " t=45000")
    check_timeline_numbers(*draw_timeline(put("rounds.vcap", text)))


def test_timeline_folds():
    """A guest that boots for a minute, then works for a second: the second has most of the picture."""
    text = rounds(1000, 10**6)
    text = re.sub(r" t=(\d+)", lambda found: f" t={int(found[1]) + (60 * 10**9 if int(found[1]) else 0)}", text)
    picture, told = draw_timeline(put("boot.vcap", text))
    check_timeline_numbers(picture, told)
    folds = [element for element in picture.root.iter(NS + "rect") if element.get("class") == "fold"]
    assert len({element.get("x") for element in folds}) == 1 and re.search(r"^(59|60)\.\d\d s$", picture.all(), re.M), picture.all()
    left = min(box[0] for box in picture.boxes("map"))
    assert left < 250, left


def test_timeline_of_bypass():
    """A stream in bypass reaches all memory, 16 MiB. The scale is that of the two pages that tables map, and they are as high as the plot."""
    picture, told = draw_timeline(os.path.join(HERE, "captures", "smmuv3", "two-levels.vcap"))
    assert told["pinned_bytes_peak"] == 16 << 20, told
    assert "pinned, at most 8 KiB by tables; cut off: 16 MiB while a stream reaches all memory" in picture.all(), picture.all()
    assert [text.text for text in picture.texts].count("8 KiB") == 2 and "16 MiB" not in [text.text for text in picture.texts], picture.all()
    # Where nothing else is pinned, the scale is that of all memory.
    picture, _ = draw_timeline(os.path.join(HERE, "captures", "smmuv3", "bypass.vcap"))
    assert "cut off" not in picture.all() and re.search("^pinned, at most .* MiB$", picture.all(), re.M), picture.all()


# The command


def test_show_draws_the_fullest_moment():
    path = os.path.join(HERE, "captures", "three-levels.vcap")
    peak = json.loads(viommu("replay", "--json", path))["mapped_pages_peak"]
    picture = viommu("show", "--svg", "-", path)
    assert f"{peak} pages mapped" in Picture(picture).all()
    stop = number(re.search("after ([0-9,]+) operation", picture)[1])
    assert viommu("replay", "--stop-after", stop, "--svg", "-", path) == picture
    assert f"{peak} pages" not in viommu("replay", "--stop-after", stop - 1, "--svg", "-", path)
    assert viommu("show", "--timeline", "-", path) == viommu("replay", "--timeline", "-", path)
    plain = viommu("show", path)
    assert viommu("show", "--svg", path_of("a.svg"), "--timeline", path_of("b.svg"), path) == plain
    for name in ("a.svg", "b.svg"):
        with open(path_of(name), encoding="ascii") as file:
            Picture(file.read())


def test_same_every_time():
    for path in (situation("scattered"), situation("errors")):
        for option in ("--svg", "--timeline"):
            first = viommu("replay", option, "-", path)
            Picture(first)
            assert viommu("replay", option, "-", path) == first
    # With locales as with anything else.
    environment = dict(ENVIRONMENT, LC_ALL="de_DE.UTF-8", LANG="de_DE.UTF-8")
    done = subprocess.run(COMMAND + ["replay", option, "-", path], capture_output=True, env=environment)
    assert done.stdout.decode() == first


def test_pictures_change_nothing():
    for path in CAPTURES:
        without, told = (json.loads(viommu("replay", "--json", "--map", *more, path)) for more in ([], ["--svg", path_of("x"), "--timeline", path_of("y")]))
        for one in (without, told):
            del one["seconds"], one["library_seconds"], one["miss_seconds"]
        assert without == told, path


def test_names():
    """Names of files are text from outside."""
    for name in ('<a&b>"c\'.vcap', "caf\u00e9.vcap", "x" * 150 + ".vcap", "tab\there\x01.vcap", "]]>--><!--.vcap"):
        with open(path_of(name), "w", encoding="ascii") as file:
            file.write(svg_captures.one_page())
        for option in ("--svg", "--timeline"):
            picture = Picture(viommu("replay", option, "-", path_of(name)))
            assert picture.texts[0].text[:4] == "".join(c if " " <= c <= "~" else "?" for c in name)[:4] or not name.isascii(), picture.texts[0].text


def test_bad_usage():
    path = situation("one_page")
    for arguments, said in (
        (["replay", "--svg", "x.svg", path, path], "a picture is of one capture, 2 are given"),
        (["replay", "--timeline", "x.svg", path, path], "a picture is of one capture, 2 are given"),
        (["show", "--svg", "x.svg", path, path], "a picture is of one capture, 2 are given"),
        (["show", "--svg", "x.svg", "-"], "impossible with standard input"),
        (["replay", "--svg", "/nonexistent/x.svg", path], "/nonexistent/x.svg: the picture could not be written: No such file or directory"),
        (["show", "--timeline", "/nonexistent/x.svg", path], "/nonexistent/x.svg: the picture could not be written: No such file or directory"),
        (["replay", "-q", "--svg", path_of("no.svg"), path_of("no.vcap")], "No such file or directory"),
    ):
        err = viommu(*arguments, status=2)
        assert said in err and len(err.splitlines()) == 1, err
    if os.path.exists("/dev/full"):
        assert "No space left" in viommu("replay", "-q", "--svg", "/dev/full", path, status=2)


def test_no_python():
    path = situation("one_page")
    # The command's own PATH is empty: an emulator that runs it is found before.
    command = [shutil.which(COMMAND[0]) or COMMAND[0]] + COMMAND[1:]
    for arguments in (["replay", "-q", "--svg", path_of("no.svg"), path], ["show", "--timeline", "-", path], ["bench", "--quick", "--only", "^create$", "--svg", "-"]):
        done = subprocess.run(command + arguments, capture_output=True, timeout=60, env=dict(ENVIRONMENT, PATH="/nonexistent"))
        said = done.stderr.decode().splitlines()
        assert done.returncode == 2 and len(said) == 1 and said[0].endswith("the picture could not be drawn: it needs python3, which is not installed"), said


def test_bad_captures():
    """The readable part is drawn, and there is one complaint."""
    with open(situation("one_page"), encoding="ascii") as file:
        text = file.read()
    path = put("cut.vcap", text[: text.index("end ")])
    for command in ("replay", "show"):
        err = viommu(command, "--svg", path_of("cut.svg"), "--timeline", path_of("cut-timeline.svg"), path, status=2)
        assert "truncated" in err and len(err.splitlines()) == 1, err
        for name in ("cut.svg", "cut-timeline.svg"):
            with open(path_of(name), encoding="ascii") as file:
                assert "1 page" in Picture(file.read()).all()
            os.unlink(path_of(name))


def test_memory_does_not_grow_with_length():
    short, long = put("short.vcap", rounds(5000, 1000)), put("long.vcap", rounds(60000, 1000))
    arguments = ["replay", "-q", "--svg", path_of("x"), "--timeline", path_of("y")]
    before, after = (peak_kib(COMMAND + arguments + [path], ENVIRONMENT) for path in (short, long))
    assert after - before < 4096, f"{before} KiB, then {after} KiB"


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
