#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
Captures of version 2 as the command takes them: of VT-d, AMD-Vi and a virtio-iommu. Prints TAP.

    streams.py VIOMMU DOCS      the command, and the folder that holds capture-format.md

captures/streams/ holds captures written by hand: the target of each access was worked out from the specifications, and is in their oracles. Captures that must disagree
are made from them here, by changing a line.
"""
import json
import os
import re
import sys

from command import BAD_INPUT, DISAGREES, OK, Result as viommu, changed, check, run_tests, with_text

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = sys.argv[2]
GUESTS = ("vtd", "amdvi", "virtio")


def path_of(guest):
    return os.path.join(HERE, "captures", "streams", guest + ".vcap")


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def test_everything_agrees():
    for options in ([], ["--pin", "guest"], ["--budget", "64M"]):
        for guest in GUESTS:
            result = viommu("replay", *options, path_of(guest))
            check(result.status == OK and not result.err and "everything agrees" in result.out, result)


def test_maps_at_the_end():
    ends = {"vtd": "0x8 0x0 0xfffff 0x0 rw\n", "amdvi": "0x8 0x4000 0x7fff 0x24000 r\n", "virtio": "0x8 0x100000 0x101fff 0x30000 rw\n"}
    for guest, end in ends.items():
        result = viommu("replay", "--map", path_of(guest))
        check(result.status == OK and result.out == end, result)
    before = viommu("replay", "--map", "--stop-after", "6", path_of("vtd"))
    check(before.out == "0x8 0x0 0xfff 0x20000 r\n0x8 0x1000 0x1fff 0x21000 w\n", before)


def test_json():
    for guest, operations in (("vtd", 9), ("amdvi", 7), ("virtio", 8)):
        result = viommu("replay", "--json", "--ops", path_of(guest))
        document = json.loads(result.out)
        check(result.status == OK and document["guest"] == guest and document["operations"] == len(document["ops"]) == operations, result)
        check(document["pages_established"] == document["pages_released"] + document["mapped_pages"], result)


def test_disagreements():
    vtd, amdvi, virtio = (read(path_of(guest)) for guest in GUESTS)
    cases = (
        # Rights, addresses, a page that is missing, and one that should be gone.
        (changed(vtd, "page 0x1000 0x21000 w\n", "page 0x1000 0x21000 rw\n"), "0x1000..0x1fff: the oracle has 0x21000 rw"),
        (changed(vtd, "page 0x1000 0x21000 w\n", ""), "0x1000..0x1fff: the oracle has nothing, the shadow has 0x21000 w"),
        (changed(vtd, "page 0x0 0x20000 r\n", "page 0x0 0x22000 r\n"), "0x0..0xfff: the oracle has 0x22000 r, an access finds 0x20000 r"),
        # An invalidation of another domain, of which this one knows nothing.
        (changed(vtd, "mem 0x15000 0x50032\n", "mem 0x15000 0x60032\n"), "0x0..0xfff: the oracle has 0x20000 r, an access finds nothing"),
        (changed(amdvi, "page 0x4000 0x24000 r 4\n", "page 0x4000 0x24000 r 3\n"), "0x7000..0x7fff: the oracle has nothing, the shadow has 0x27000 r"),
        (changed(amdvi, "mem 0x15008 0x3001\n", "mem 0x15008 0x1\n"), "0x4000..0x4fff: the oracle has 0x24000 r, an access finds nothing"),
        (changed(virtio, "status=5", "status=0"), "the status was 0, the library's is 5"),
        (changed(virtio, "page 0xfffff000 0x21000 r\n", "page 0xfffff000 0x21000 rw\n"), "0xfffff000..0xffffffff: the oracle has 0x21000 rw, an access finds 0x21000 r"),
    )
    for text, message in cases:
        result = with_text(text, "replay")
        check(result.status == DISAGREES and message in result.err, (message, result))


def test_stores_alone_of_virtio():
    """A virtio-iommu of the library's lets a device load from a page that is mapped for stores alone."""
    text = changed(read(path_of("virtio")), "gpa=0x21000 flags=1", "gpa=0x21000 flags=2")
    check(with_text(changed(text, "0x21000 r\n", "0x21000 w\n"), "replay").status == OK, text)
    check(with_text(text, "replay").status == DISAGREES, text)


def test_show():
    texts = {"vtd": "capture version 2 of a vtd guest", "amdvi": "capture version 2 of an amdvi guest", "virtio": "3 map, 2 unmap; 2 refused"}
    for guest, text in texts.items():
        result = viommu("show", path_of(guest))
        check(result.status == OK and text in result.out, result)
        records = viommu("show", "--records", path_of(guest))
        check(records.status == OK and records.out.count("\n") > 16, records)


def test_pictures():
    for guest in GUESTS:
        result = viommu("replay", "--svg", "-", path_of(guest))
        check(result.status == OK and result.out.startswith("<svg"), result)


def test_bad_usage():
    result = viommu("replay", "--host", "type1:0000:00:00.0", path_of("vtd"))
    check(result.status == BAD_INPUT and "--host is for captures of zpci" in result.err, result)
    result = with_text(changed(read(path_of("vtd")), "iommu\n", "iommu address_bits=40\n"), "replay")
    check(result.status == BAD_INPUT and "the remapping unit cannot be made" in result.err, result)
    result = with_text(changed(read(path_of("virtio")), "stream sid=0x8\n", "stream sid=0x8\nstream sid=0x8\n"), "replay")
    check(result.status == BAD_INPUT and "another device has its endpoint ID" in result.err, result)


def test_examples_of_the_documentation():
    for guest in ("vtd", "virtio"):
        text = re.search(rf"^```\n(viommu-capture 2 {guest}\n.*?)^```\n", read(os.path.join(DOCS, "capture-format.md")), re.M | re.S).group(1)
        check(text == read(path_of(guest)), f"the example of {guest} is not the capture in captures/streams")


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
