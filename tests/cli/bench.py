#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
`viommu bench`: every case runs, its results are consistent, and bad input is refused. Speed is not tested. Prints TAP.

    bench.py VIOMMU CAPTURES    the command, and the folder of recordings
"""
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from command import BAD_INPUT, COMMAND, DISAGREES, ENVIRONMENT, OK, Result, check, run_tests

CAPTURES = sys.argv[2]
CAPTURE = os.path.join(CAPTURES, "nvme-64k-strict.vcap.zst")
HERE = os.path.dirname(os.path.abspath(__file__))
SVG = "{http://www.w3.org/2000/svg}"

# The work that must be among the cases.
GROUPS = """map/1 map/1/lone map/16 map/256 map/256/scattered unmap/1 unmap/1/lone unmap/16 unmap/256 unmap/256/scattered whole/map/1 whole/map/100
whole/map/10000 whole/unmap/1 whole/unmap/100 whole/unmap/10000 same/dense/1M same/dense/1G same/dense/64G same/sparse/1M same/sparse/1T same/two/4T
smmuv3/unmap/1 smmuv3/miss vtd/unmap/1 vtd/unmap/16 vtd/unmap/256 amdvi/unmap/1 amdvi/unmap/16 amdvi/unmap/256 virtio/map/1 virtio/map/16 virtio/map/256
virtio/unmap/1 virtio/unmap/16 virtio/unmap/256 create
register/dense register/sparse release destroy translate/hit translate/miss translate/mixed translate/fault translate/long translate/long/scattered
translate/hit/threads translate/miss/threads vcpus/ranges/1/no-op vcpus/domains/1/soft memory/dense memory/lone steady/allocations steady/system-calls
capture/nvme-64k-strict""".split()

# Limits of a machine: one CPU, a process that may not watch another, an address space of 32 bits.
MAY_BE_MISSING = re.compile("/threads$|^vcpus/|^steady/system-calls$|^same/|^hold/|^track")


def bench(*arguments, **rest):
    return Result("bench", *arguments, **rest)


def names(result):
    return [line.split()[0] for line in result.out.splitlines()]


def same(one, other):
    return math.isclose(one, other, rel_tol=1e-9)


def check_spread(told, values, what):
    check(same(told["median"], statistics.median(values)), what, "not the median")
    check(same(told["least"], min(values)) and same(told["most"], max(values)), what, "not the least and the largest")


def check_figure(figure, case, runs):
    what = f"{case['name']}: {figure}"
    check(len(figure["runs"]) == runs, what, "not a value a run")
    check(all(value > 0 or case["unit"] == "count" and value == 0 for value in figure["runs"]), what)
    check_spread(figure, figure["runs"], what)
    baselines = {other["name"]: other["runs"] for other in case["figures"] if other["baseline"]}
    check(figure["name"] not in baselines or not figure["times_as_fast_as"], what, "a baseline beside itself")
    for name, spread in figure["times_as_fast_as"].items():
        check_spread(spread, [other / mine for other, mine in zip(baselines[name], figure["runs"])], what)
    aim = figure["aim"]
    if aim:
        met = aim["at_most"] is None or figure["median"] <= aim["at_most"]
        if aim["times_at_least"] is not None:
            met = met and all(spread["median"] >= aim["times_at_least"] for spread in figure["times_as_fast_as"].values())
        check(aim["met"] == met, what, "not what the aim says")


def check_document(told, runs):
    check(told["runs"] == runs and told["samples"] > 0 and told["samples_taken_again"] <= told["samples"], told)
    check(told["machine"]["cpus"] >= 1 and told["machine"]["clock_ns"] > 0 and told["machine"]["cpu"] and told["machine"]["system"], told)
    for case in told["cases"]:
        if case["not_measured"]:
            check(MAY_BE_MISSING.search(case["name"]), case, "not measured")
            continue
        check(any(not figure["baseline"] for figure in case["figures"]), case, "nothing of the library's")
        check(case["unit"] in ("ns", "bytes", "count"), case)
        for figure in case["figures"]:
            check_figure(figure, case, runs)


def test_everything():
    """Each case that is listed is measured, and each piece of work is listed."""
    listed = names(bench("--list", CAPTURE))
    check(not set(GROUPS) - set(listed), listed, "missing")
    check(len(set(listed)) == len(listed), listed, "twice")
    quick = names(bench("--list", "--quick", CAPTURE))
    check(set(quick) < set(listed), quick)
    result = bench("--quick", "--json", CAPTURE)
    check(result.status == OK and not result.err, result)
    told = json.loads(result.out)
    check(told["quick"], result)
    check([case["name"] for case in told["cases"]] == quick, result, "not the cases that are listed")
    check_document(told, 1)
    cases = {case["name"]: {figure["name"]: figure["median"] for figure in case["figures"]} for case in told["cases"]}
    # Results that do not depend on the machine's speed or load.
    for name in ("steady/allocations", "steady/system-calls"):
        check(not any(cases[name].values()), cases[name], f"{name}: not a steady state")
    check(16 <= cases["memory/dense"]["page by page"] <= 64, cases["memory/dense"])
    check(8 <= cases["memory/dense"]["no-op host"] <= cases["memory/dense"]["soft host"] < 64, cases["memory/dense"])
    check(cases["memory/lone"]["no-op host"] > cases["memory/dense"]["no-op host"], cases["memory/lone"])


def test_several_runs():
    """A value a run, and their summary, aims included."""
    result = bench("--quick", "--json", "--runs", "4", "--only", "^(map/(1|256)|same/dense/1M|memory/lone|steady/allocations)$")
    check(result.status == OK, result)
    told = json.loads(result.out)
    check(len(told["cases"]) == 5, result)
    check_document(told, 4)
    check(sum(bool(figure["aim"]) for case in told["cases"] for figure in case["figures"]) >= 4, result, "no aims")


def test_only():
    check(names(bench("--list", "--only", "^map/1$")) == ["map/1"], "")
    # The last one counts.
    check(names(bench("--list", "--only", "x", "--only", "e(at|tr)e$")) == ["create"], "")
    result = bench("--list", "--only", "no such case")
    check(result.status == BAD_INPUT and "no such case" in result.err, result)


def test_memory():
    dense = lambda *options: [name for name in names(bench("--list", *options)) if name.startswith("same/dense")]
    check(not dense("--memory", "0"), dense("--memory", "0"))
    check(dense("--memory", "4M") == ["same/dense/1M", "same/dense/16M"], dense("--memory", "4M"))
    check(dense("--memory", "1T")[-1] == "same/dense/1T", dense("--memory", "1T"))


def test_table():
    """The table has the contents of the JSON: names, lanes, and a median for each."""
    result = bench("--quick", "--only", "^(create|map/16|memory/dense)$")
    check(result.status == OK and not result.err, result)
    for name in ("create", "map/16", "memory/dense"):
        check(re.search(f"^{name}  ", result.out, re.M), result, name)
    lines = re.findall(r"^    (\S.*?)  +([0-9.]+) (ns|us|ms|s|B)  ", result.out, re.M)
    check(sorted(name for name, _, _ in lines) == sorted(["no-op host", "soft host"] * 3 + ["page by page"] * 2 + ["its allocations alone"]), result)
    check(re.search(r"no-op host .* \d\S* x page by page +12\.0 B +(met|missed)$", result.out, re.M), result, "no aim")


def parse_svg(text):
    root = xml.etree.ElementTree.fromstring(text)
    check(root.tag == SVG + "svg" and root.find(SVG + "title") is not None, text)
    return root


def test_svg():
    only = "^same/(dense/(1M|16M)|two/(1G|4G))$"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bench.svg")
        result = bench("--quick", "--json", "--only", only, "--svg", path)
        check(result.status == OK and not result.err, result)
        with open(path, encoding="ascii") as file:
            root = parse_svg(file.read())
    cases = [case for case in json.loads(result.out)["cases"] if case["figures"]]
    titles = [title.text for title in root.iter(SVG + "title")]
    for case in cases:
        check(case["aperture"], case)
        for figure in case["figures"]:
            label = {"no-op host": "library"}.get(figure["name"], figure["name"])
            mark = f": {label}, .*: {figure['median']:.0f} ns"
            check(any(re.search(mark, title) for title in titles), titles, f"no point for {case['name']}, {figure['name']}")
    points = [title for title in titles if title.endswith(")")]
    check(len(points) == sum(len(case["figures"]) for case in cases), titles, "not a point a figure")
    for path in root.iter(SVG + "path"):
        for x, y in re.findall(r"[ML]([0-9.-]+) ([0-9.-]+)", path.get("d")):
            check(0 <= float(x) <= 1200 and 0 <= float(y) <= 760, path.attrib, "outside of the picture")


def test_svg_alone():
    result = bench("--quick", "--only", "^create$", "--svg", "-")
    check(result.status == OK, result)
    check("no case of the group same/ was measured" in "".join(parse_svg(result.out).itertext()), result)


def test_bad_options():
    for arguments, said in (
        (["--runs", "0"], "--runs: '0'"),
        (["--runs", "100"], "--runs: '100'"),
        (["--runs", "x"], "--runs: 'x'"),
        (["--only", "("], "--only: '('"),
        (["--memory", "much"], "--memory: 'much'"),
        (["--nothing"], "--nothing"),
        (["-"], "standard input"),
        (["a/one.vcap", "b/one.vcap.zst"], "'capture/one'"),
    ):
        result = bench(*arguments)
        check(result.status == BAD_INPUT and said in result.err and not result.out, result)


def test_bad_files():
    with tempfile.TemporaryDirectory() as folder:
        with open(CAPTURE, "rb") as file:
            content = file.read()
        broken = os.path.join(folder, "broken.vcap.zst")
        with open(broken, "wb") as file:
            file.write(content[: len(content) // 2])
        other = os.path.join(folder, "other.vcap")
        with open(os.path.join(HERE, "captures", "three-levels.vcap"), encoding="ascii") as file:
            text = file.read()
        check("cc=0" in text, text)
        with open(other, "w", encoding="ascii") as file:
            file.write(re.sub("cc=0", "cc=3", text, count=1))
        for path, said, status in (
            (os.path.join(folder, "missing"), "No such file", BAD_INPUT),
            (__file__, "not a capture", BAD_INPUT),
            (broken, "broken.vcap.zst", BAD_INPUT),
            (other, "viommu replay", DISAGREES),
        ):
            result = bench("--quick", "--only", "capture", path)
            check(result.status == status and said in result.err, result, said)
        result = bench("--quick", "--only", "create", "--svg", os.path.join(folder, "no", "such.svg"))
        check(result.status == BAD_INPUT and "such.svg" in result.err, result)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(COMMAND + ["bench", "--list"], stdout=full, stderr=subprocess.PIPE, timeout=60, env=ENVIRONMENT)
        check(done.returncode == BAD_INPUT and b"standard output" in done.stderr, done)


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
