#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Captures of an SMMUv3's guest as the command takes them: replayed, shown, and refused. Prints TAP.

    smmuv3.py VIOMMU DOCS      the command, and the folder that holds capture-format.md

captures/smmuv3/ holds captures written by hand. The target of each access was worked out by hand from the architecture, and is in their oracles; the expected output of
`--ops --map` is beside each, worked out in the same way. Captures that must disagree are made from them here, by changing a line.
"""
import glob
import json
import os
import re
import sys

from command import BAD_INPUT, DISAGREES, OK, Result as viommu, changed, check, run_tests, with_text

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = sys.argv[2]
CAPTURES = sorted(glob.glob(os.path.join(HERE, "captures", "smmuv3", "*.vcap")))


def read(name):
    with open(name if os.path.sep in name else os.path.join(HERE, "captures", "smmuv3", name + ".vcap"), encoding="ascii") as file:
        return file.read()


def test_operations_and_maps():
    check(len(CAPTURES) >= 6, "captures are missing")
    for path in CAPTURES:
        result = viommu("replay", "--ops", "--map", path)
        check(result.status == OK and not result.err, result)
        check(result.out == read(path.replace(".vcap", ".expected")), result)


def test_everything_agrees():
    for options in ([], ["--pin", "guest"], ["--budget", "64M"]):
        result = viommu("replay", *options, *CAPTURES)
        check(result.status == OK and not result.err, result)
        for path in CAPTURES:
            check(f"{path}: everything agrees\n" in result.out, result)


def test_json():
    result = viommu("replay", "--json", "--ops", "--map", *CAPTURES)
    document = json.loads(result.out)
    check(result.status == OK and document["total"]["agrees"], result)
    for one, path in zip(document["captures"], CAPTURES):
        text = read(path)
        check(one["guest"] == "smmuv3" and one["complete"] and one["oracle_checks"] == text.count("\noracle "), result)
        check(one["operations"] == len(one["ops"]) == text.count("\nwrite ") + text.count("\nkick "), result)
        check(one["answers"]["KICK"] == {"count": text.count("\nkick ")}, result)
        check(one["answers"]["WRITE.CMDQ_PROD"]["count"] == text.count("\nwrite offset=0x98 "), result)
        check(not any("MPCIFC" in name for name in one["answers"]), result)
        check(all(run["stream"].startswith("0x") for run in one["map"]), result)
        check(one["pages_established"] == one["pages_released"] + one["mapped_pages"], result)
    mixed = viommu("replay", "--json", CAPTURES[0], os.path.join(HERE, "captures", "three-levels.vcap"))
    check(mixed.status == OK and {"KICK", "RPCIT"} <= set(json.loads(mixed.out)["total"]["answers"]), mixed)


def documented():
    return re.search(r"^```\n(viommu-capture 1 smmuv3\n.*?)^```\n", read(os.path.join(DOCS, "capture-format.md")), re.M | re.S).group(1)


def test_example_of_the_documentation():
    result = with_text(documented(), "replay", "--json")
    check(result.status == OK and json.loads(result.out)["oracle_pages"] == 2, result)


def test_pages_between_operations():
    """A page that an access has found, and that the next operation takes away, has been there."""
    text = changed(changed(documented(), "mem 0x40014800 0x40020cc3\n", "mem 0x40014800 0\n"), "page 0x100000 0x40020000 r\n", "")
    document = json.loads(with_text(text, "replay", "--json").out)
    check(document["mapped_pages_peak"] == document["pages_established"] == document["pages_released"] == 1 and document["agrees"], document)


def test_disagreements():
    linear, stale, two, bypass = read("linear"), read("stale"), read("two-levels"), read("bypass")
    cases = (
        # Another page, more rights, less, a page that is missing, one too many.
        (
            changed(linear, "page 0x2000 0x40033000 r\n", "page 0x2000 0x40034000 r\n"),
            "0x2000..0x2fff: the oracle has 0x40034000 r, an access finds 0x40033000 r",
        ),
        (changed(linear, "page 0x0 0x40031000 rw 2\n", "page 0x0 0x40031000 r 2\n"), "0x0..0xfff: the oracle has 0x40031000 r, an access finds 0x40031000 rw"),
        (
            changed(linear, "page 0x2000 0x40033000 r\n", "page 0x2000 0x40033000 rw\n"),
            "0x2000..0x2fff: the oracle has 0x40033000 rw, an access finds 0x40033000 r",
        ),
        (changed(linear, "page 0x2000 0x40033000 r\n", ""), "0x2000..0x2fff: the oracle has nothing, the shadow has 0x40033000 r"),
        (changed(linear, "page 0x2000 0x40033000 r\n", "page 0x2000 0x40033000 r 2\n"), "0x3000..0x3fff: the oracle has 0x40034000 r, an access finds nothing"),
        # A page that only the tables have; one that the guest has not invalidated; one that a refresh has established.
        (changed(stale, "page 0x1000 0x40032000 rw\n", ""), "0x1000..0x1fff: the oracle has nothing, an access finds 0x40032000 r"),
        (
            changed(stale, "kick sid=0x8\noracle sid=0x8 first=0x0 last=0xfff\n", "kick sid=0x8\noracle sid=0x8 first=0x0 last=0x1fff\n"),
            "0x1000..0x1fff: the oracle has nothing, the shadow has 0x40032000 rw",
        ),
        (changed(stale, "page 0x1000 0x40033000 rw 2\n", "page 0x1000 0x40033000 rw\n"), "0x2000..0x2fff: the oracle has nothing, the shadow has 0x40034000 r"),
        # A stream in bypass; a page too many; an answer for a stream that was never plugged, without pages and with some.
        (
            changed(two, "oracle sid=0x9 first=0x0 last=0x3fff\npage", "oracle sid=0x7 first=0x0 last=0x3fff\npage"),
            "0x0..0xfff: the oracle has 0x40031000 rw, the shadow has nothing",
        ),
        (changed(bypass, "page 0x40fff000 0x40fff000 rw\n", ""), "0x40fff000..0x40ffffff: the oracle has nothing"),
        (
            changed(two, "page 0x0 0x40031000 rw\n", "page 0x0 0x40031000 rw\npage 0x3000 0x40031000 rw\n"),
            "0x3000..0x3fff: the oracle has 0x40031000 rw, an access finds nothing",
        ),
        (changed(two, "kick sid=0x108\noracle sid=0x108 ", "kick sid=0x108\noracle sid=0x107 "), None),
        (changed(changed(two, "kick sid=0x108\n", "kick sid=0x107\n"), "oracle sid=0x108 ", "oracle sid=0x107 "), "no device has this StreamID"),
    )
    for text, said in cases:
        result = with_text(text, "replay")
        check(result.status == (DISAGREES if said else OK), result)
        check((said or "everything agrees") in result.err + result.out, result, said)


def test_shared_domain():
    """After operation 10, two streams reach one page by one domain: it counts once, and both have it."""
    result = with_text(read("two-levels"), "replay", "--json", "--map", "--stop-after", 10)
    document = json.loads(result.out)
    check([run["stream"] for run in document["map"]] == ["0x8", "0x9"], result)
    check(document["mapped_pages"] == document["pages_established"] == 1 and document["pinned_bytes"] == 4096, result)


def test_disagreements_name_the_operation():
    result = with_text(changed(read("stale"), "page 0x1000 0x40033000 rw 2\n", "page 0x1000 0x40033000 rw\n"), "replay")
    line = read("stale").split("page 0x1000 0x40033000 rw 2\n")[0].count("\n") - 1
    check(result.err.startswith(f"CAPTURE:{line}: IOVA 0x2000") and "WRITE.CMDQ_PROD, offset 0x98, value 0x7; 2 commands, 1 refresh)" in result.err, result)


def test_shortage():
    """One page for a guest that has two: the one that does not fit is missing, and that is no disagreement."""
    text = read("stale")
    result = with_text(text, "replay", "--json", "--budget", "4K")
    document = json.loads(result.out)
    check(result.status == OK and document["oracle_missing"] > 0 and document["insufficient_resources"] > 0, result)
    check(document["pinned_bytes_peak"] == 4096 and not document["invariant_violations"], result)
    check("pages missing" in with_text(text, "replay", "--budget", "4K").out, result)
    # A page below one that is there already: it alone is missing.
    more = "mem 0x400147f8 0x4001fc43\nkick sid=0x8\noracle sid=0x8 first=0xff000 last=0x100fff\npage 0xff000 0x4001f000 rw 2\n"
    text = changed(changed(documented(), "# It becomes read-only", more + "# It becomes read-only"), "end operations=8", "end operations=9")
    result = with_text(text, "replay", "--json", "--budget", "4K", "--stop-after", 7)
    check(result.status == OK and json.loads(result.out)["oracle_missing"] == 1, result)
    # Tables that do not fit at all: the device is attached to nothing, and one access to each part of an answer is enough to know it.
    result = with_text(read("linear"), "replay", "--json", "--budget", "8K")
    document = json.loads(result.out)
    check(result.status == OK and document["oracle_missing"] + document["oracle_unbacked"] == document["oracle_pages"], result)
    check(document["accesses"] < 100, result)


def test_stop_after():
    text = read("stale")
    check(with_text(text, "replay", "--map", "--stop-after", 6).out == "0x8 0x0 0xfff 0x40031000 rw\n", "--stop-after 6")
    check(with_text(text, "replay", "--map", "--stop-after", 7).out == "0x8 0x0 0x1fff 0x40031000 rw\n", "--stop-after 7")


def test_bad_captures():
    text = read("linear")
    at = text.split("stream sid=0x8")[0].count("\n") + 1
    cases = (
        (changed(text, "stream sid=0x8", "stream sid=0x8\nstream sid=0x8"), at + 1, "another device has its StreamID"),
        (changed(text, "stream sid=0x8", "unplug sid=0x8"), at, "no device has the StreamID 0x8"),
        (changed(text, "stream sid=0x8", "stream sid=0x10000"), at, "has more than 16 bits"),
        (changed(text, "stream sid=0x8", "function fh=1 fid=1 state=disabled"), at, "a capture of smmuv3 has no record 'function'"),
        (changed(text, "bytes=8 value=0x40010000", "bytes=8 value="), text.split("write")[0].count("\n") + 1, "is not a number"),
        (text[: text.index("end operations")], text.count("\n"), "truncated"),
        (changed(text, "end operations=9", "end operations=8"), text.count("\n"), "end says 8 operations"),
    )
    for bad, line, said in cases:
        result = with_text(bad, "replay")
        check(result.status == BAD_INPUT and re.search(rf"^viommu: CAPTURE:{line}: .*{re.escape(said)}", result.err, re.M), result, f"{line}: {said}")
        shown = with_text(bad, "show", "--records")
        check(shown.status == (OK if said.startswith(("another", "no device")) else BAD_INPUT), shown)


def test_nonsense():
    path = CAPTURES[0]
    for options, said in ((["--qemu"], "--qemu is for captures of zpci"), (["--host", "type1:0000:00:05.0"], "--host is for captures of zpci")):
        result = viommu("replay", *options, path)
        check(result.status == BAD_INPUT and f"viommu: {path}: {said}" in result.err and not result.out, result)


def test_bench():
    path = os.path.join(HERE, "captures", "smmuv3", "stale.vcap")
    result = viommu("bench", "--quick", "--runs", 1, "--only", "capture/", path)
    check(result.status == OK and re.search(r"^capture/stale .*\n +soft host +[0-9]", result.out, re.M) and "page by page" not in result.out, result)
    wrong = with_text(changed(read("stale"), "page 0x1000 0x40033000 rw 2\n", "page 0x1000 0x40033000 rw\n"), "bench", "--quick", "--only", "capture/")
    check(wrong.status == DISAGREES and "what the library does is not what is recorded" in wrong.err + wrong.out, wrong)


def test_show_records():
    result = viommu("show", "--records", os.path.join(HERE, "captures", "smmuv3", "stale.vcap"))
    for line in ("CMDQ_PROD = 0x00000001", "STRTAB_BASE = 0x0000000040010000", "0x8 is plugged", "kick      stream 0x8", "stream 0x8 IOVA 0x0..0x3fff"):
        check(line in result.out, result, line)


def test_show():
    result = viommu("show", os.path.join(HERE, "captures", "smmuv3", "two-levels.vcap"))
    for line in (
        "capture version 1 of an smmuv3 guest",
        "smmu        StreamIDs of 16 bits, addresses of 44 bits; after a reset devices reach nothing",
        "stream      0x8, unplugged again, 1 kick",
        "stream      0x9, 3 kicks",
        "10 answers of the oracle within IOVA 0x0..0x4000ffff",
        "registers   1 STRTAB_BASE, 1 STRTAB_BASE_CFG, 1 CMDQ_BASE, 1 EVENTQ_BASE, 3 CR0, 4 CMDQ_PROD, 1 GBPA",
        "oracle      18 answers with 4,134 pages",
    ):
        check(line in result.out, result, line)
    check(result.status == OK and not result.err and "function" not in result.out, result)


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
