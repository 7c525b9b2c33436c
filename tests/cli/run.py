#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The command viommu as a user meets it: output, exit status and complaints. Prints TAP.

    run.py VIOMMU DOCS      the command, and the folder that holds capture-format.md

captures/ holds captures written by hand; beside each stands what `--ops --map` must print for it. Those files are what model.py says, which is tested, too.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import model
from command import BAD_INPUT, COMMAND, DISAGREES, ENVIRONMENT, OK, Result as viommu, check, run_tests
from peak import peak_kib

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = sys.argv[2]
CAPTURES = sorted(glob.glob(os.path.join(HERE, "captures", "*.vcap")))
BOMBS = [path for path in CAPTURES if "bomb" in path]
MODELLED = [path for path in CAPTURES if path not in BOMBS]

KEYS = """refreshes global_refreshes pages_established pages_released mapped_pages mapped_pages_peak pinned_bytes pinned_bytes_peak insufficient_resources
errors oracle_checks oracle_mismatches seconds answers operations make_room_refreshes oracle_missing invariant_violations answer_mismatches agrees complete
error capture""".split()


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def expected(path):
    return read(path[: -len("vcap")] + "expected")


class Folder:
    """Files that are made for one test."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *rest):
        self.folder.cleanup()

    def put(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return path


# A guest with one function, and its registration of tables for one page.
HEAD = "viommu-capture 1 zpci\nslot gpa=0 bytes=0x100000 prot=rw\nfunction fh=0x80000001 fid=1 state=enabled\n"
REGISTRATION = """\
mem 0x10000 0x20 2048
mem 0x14000 0x20 2048
mem 0x18000 0x400 256
mem 0x10010 0x14007
mem 0x14000 0x18000
mpcifc fh=0x80000001 oc=4 dmaas=0 pba=0x100000000 pal=0x17fffffff iota=0x10804"""

# Operations and output


def test_model_agrees_with_expected_output():
    for path in MODELLED:
        machine = model.replay(path)
        check("\n".join(machine.operations + machine.map()) + "\n" == expected(path), path)


def test_operations_and_map():
    for path in CAPTURES:
        result = viommu("replay", "--ops", "--map", path)
        check(result.out == expected(path), result, "not what is expected")
        check(result.status == OK and not result.err, result)


def test_map_after_each_operation():
    """--stop-after N leaves the state of the model after N operations; and at the end it is the same with the whole guest pinned."""
    for path in MODELLED:
        lines = read(path).splitlines()[1:]
        operations = len(model.replay(path).operations)
        for stop in range(operations + 1):
            machine = model.Machine()
            for line in lines:
                words = line.split()
                if len(machine.operations) == stop and words and words[0] not in ("oracle", "page", "note"):
                    break
                machine.record(line)
            for pin in ("refresh", "guest") if stop == operations else ("refresh",):
                result = viommu("replay", "--map", "--stop-after", stop, "--pin", pin, path)
                check(result.status == OK, result)
                check(result.out.splitlines() == machine.map(), result, f"the model has {machine.map()}")


def test_budgets():
    """With any budget, mappings are right, and exactly the mapped pages are pinned: everything else would be a disagreement."""
    for path in MODELLED:
        for budget in ("0", "4K", "8192", "0x4000", "64K", "1M", "2TiB"):
            result = viommu("replay", "--budget", budget, "--json", path)
            check(result.status == OK and not result.err, result)
            told = json.loads(result.out)
            limit = told["budget"]
            check(told["pinned_bytes_peak"] <= limit, result)
            check(told["agrees"] and not told["invariant_violations"] and not told["oracle_mismatches"], result)


def test_make_room():
    path = os.path.join(HERE, "captures", "three-levels.vcap")
    roomy = json.loads(viommu("replay", "--json", path).out)
    check(not roomy["insufficient_resources"] and not roomy["make_room_refreshes"] and not roomy["oracle_missing"], roomy)
    tight = json.loads(viommu("replay", "--json", "--budget", "4K", path).out)
    check(tight["insufficient_resources"] and tight["make_room_refreshes"] and tight["oracle_missing"], tight)
    check(tight["refreshes"] == roomy["refreshes"] and tight["answers_short"], tight)
    check(tight["pinned_bytes_peak"] == 4096, tight)


def test_bombs():
    for path in BOMBS:
        for options in ([], ["--shadow", "1M"], ["--budget", "1M"], ["--pin", "guest"]):
            result = viommu("replay", "--json", *options, path)
            check(result.status == OK, result)
            told = json.loads(result.out)
            check(told["insufficient_resources"] == 1 and told["answer_mismatches"] == 0, result)
            check(told["shadow_bytes_peak"] <= 256 << 20, result)


def test_json():
    for path in MODELLED:
        result = viommu("replay", "--json", "--ops", "--map", path)
        check(result.status == OK, result)
        told = json.loads(result.out)
        for key in KEYS:
            check(key in told, result, f"no {key}")
        machine = model.replay(path)
        pages = sum(len(function.pages) for function in machine.functions)
        check(told["operations"] == len(machine.operations) == len(told["ops"]), result)
        check(told["mapped_pages"] == pages, result, f"the model has {pages} pages")
        check(told["pages_established"] == machine.established, result, f"the model has established {machine.established} pages")
        check(told["pages_established"] - told["pages_released"] == pages, result)
        check(told["oracle_checks"] == len(re.findall("^oracle", read(path), re.M)), result)
        check(told["complete"] and told["agrees"] and told["error"] is None and not told["stopped"], result)
        text = [f"{line['function']} {line['first']} {line['last']} {line['gpa']} {line['rights']}" for line in told["map"]]
        check(text == machine.map(), result)
        cell = lambda value: "-" if value is None else str(value)
        for operation, line in zip(told["ops"], machine.operations):
            exception = "-" if operation["exception"] is None else f"0x{int(operation['exception'], 16):04x}"
            events = ",".join(f"0x{int(event['pec'], 16):02x}@{event['faddr']}" for event in operation["events"]) or "-"
            mine = f"{operation['number']} {operation['instruction']} {cell(operation['cc'])} {cell(operation['status'])} {exception} {events}"
            check(mine == line, result, f"'{mine}' for '{line}'")
        counts = {}
        for line in machine.operations:
            _, name, cc, status, exception, _ = line.split()
            counts[name, "cc", cc] = counts.get((name, "cc", cc), 0) + 1
            counts[name, "status", status] = counts.get((name, "status", status), 0) + 1
            counts[name, "exception", exception] = counts.get((name, "exception", exception), 0) + 1
        for name, answers in told["answers"].items():
            check(list(answers["cc"]) == ["0", "1", "2", "3"], result)
            for kind in ("cc", "status", "exception"):
                for value, count in answers[kind].items():
                    check(counts.get((name, kind, value), 0) == count, result, f"{name} {kind} {value}")
        check(told["errors"] == told["events"] + told["exceptions"], result)
        check(told["exceptions"] == sum(count for key, count in counts.items() if key[1] == "exception" and key[2] != "-"), result)


def test_json_of_several():
    result = viommu("replay", "--json", *MODELLED)
    check(result.status == OK, result)
    told = json.loads(result.out)
    check([one["capture"] for one in told["captures"]] == MODELLED, result)
    for key in ("operations", "refreshes", "oracle_checks", "pages_established", "errors"):
        check(told["total"][key] == sum(one[key] for one in told["captures"]), result, key)
    check(told["total"]["mapped_pages_peak"] == max(one["mapped_pages_peak"] for one in told["captures"]), result)


def test_qemu_ways():
    """A page entry of zeros: the page at 0 by the architecture, an error event (table entry, 7) to QEMU."""
    text = f"""{HEAD}{REGISTRATION}
mem 0x18000 0
rpcit fh=0x80000001 start=0x100000000 bytes=0x1000
end operations=2
"""
    with Folder() as folder:
        path = folder.put("zeros.vcap", text)
        check(viommu("replay", "--ops", path).out.splitlines()[1] == "2 RPCIT 0 - - -", viommu("replay", "--ops", path))
        result = viommu("replay", "--ops", "--qemu", path)
        check(result.out.splitlines()[1] == "2 RPCIT 1 8 - 0x07@0x100000000", result)


def test_example_of_the_documentation():
    blocks = re.findall(r"^```\n(.*?)^```\n", read(os.path.join(DOCS, "capture-format.md")), re.M | re.S)
    at = [block.startswith("viommu-capture 1 zpci") for block in blocks].index(True)
    capture, printed = blocks[at : at + 2]
    with Folder() as folder:
        path = folder.put("example.vcap", capture)
        result = viommu("replay", "--json", path)
        check(result.status == OK and json.loads(result.out)["oracle_pages"] == 2, result)
        result = viommu("replay", "--stop-after", 3, "--map", path)
        check(result.out == printed, result)


def test_standard_input():
    path = MODELLED[0]
    with open(path, "rb") as file:
        result = viommu("replay", "--ops", "--map", "-", stdin=file.read())
    check(result.status == OK and result.out == expected(path), result)


def test_summary():
    result = viommu("replay", *MODELLED)
    check(result.status == OK and not result.err, result)
    for path in MODELLED:
        check(re.search(f"^{re.escape(path)}: (everything agrees|carried out; it holds nothing to compare with)$", result.out, re.M), result)
    check(re.search(rf"^all {len(MODELLED)} captures: everything agrees \([0-9,]+ answers and [0-9,]+ pages compared\)$", result.out.splitlines()[-1]), result)
    check("\033" not in result.out, result)
    check(viommu("replay", "--quiet", *MODELLED).out == "", "--quiet prints")


def test_headline_names_missing_parts():
    path = os.path.join(HERE, "captures", "three-levels.vcap")
    for budget in ("128", "4K", "400K"):
        result = viommu("replay", "--budget", budget, path)
        told = json.loads(viommu("replay", "--json", "--budget", budget, path).out)
        missing, pages = told["oracle_missing"], told["oracle_pages"] - told["oracle_unbacked"]
        check(result.status == OK and missing and (missing == pages) == (budget == "128"), result)
        rest = "" if missing == pages else "; the rest agrees"
        check(result.out.splitlines()[0] == f"{path}: INCOMPLETE: {missing:,} of {pages:,} pages are missing, as there was no room{rest}", result)
        both = viommu("replay", "--budget", budget, path, path).out.splitlines()[-1]
        check(both.startswith(f"all 2 captures: INCOMPLETE: {2 * missing:,} of {2 * pages:,} pages are missing, as there was no room{rest} ("), both)


def test_one_is_one():
    """No output has "1 pages" and the like."""
    text = f"""{HEAD}# one note
{REGISTRATION} cc=0
mem 0x18000 0x2000
rpcit fh=0x80000001 start=0x100000000 bytes=0x1000 cc=0
oracle first=0x100000000 last=0x100000fff
page 0x100000000 {{}} rw
end operations=2
"""
    with Folder() as folder:
        for gpa in ("0x2000", "0x3000"):
            path = folder.put("one.vcap", text.format(gpa))
            for arguments in (["replay"], ["replay", "--budget", "0"], ["show"], ["show", "--records"]):
                result = viommu(*arguments, path)
                said = re.sub(r"\b1 cc|cc 1|function 1\b", "", result.out + result.err)
                check(not re.search(r"(?<![0-9,.])1 [a-z ]*\b(pages|operations|answers|functions|refreshes|slots|notes|times|exceptions|checks|runs|doublewords)\b", said), result)


def test_control_sequences_are_escaped():
    """No capture, and no name of one, sends a control sequence to the terminal."""
    with Folder() as folder:
        path = folder.put("\033[31mred\x9b.vcap", "viommu-capture 1 zpci\nnonsense\n")
        result = viommu("replay", path)
        check(result.status == BAD_INPUT and "\\x1b[31mred\\xc2\\x9b.vcap: INCOMPLETE" in result.out, result)
        check("\033" not in result.out + result.err and "\x9b" not in result.out + result.err, result)
        path = folder.put("\033[2J\u00e9.vcap", read(RIGHT).replace("bytes=2 cc=0", "bytes=2 cc=3"))
        for result in (viommu("replay", path), viommu("show", path)):
            check("\033" not in result.out + result.err and "\\x1b[2J\u00e9.vcap" in result.out, result)


def test_example_of_replay():
    """The output in docs/replay.md is that of the command, except for times."""
    text = read(os.path.join(DOCS, "replay.md"))
    examples = re.findall(r"^```\n\$ viommu (replay [^\n]*)\n(.*?)^```\n", text, re.M | re.S)
    examples = [(arguments.split(), printed) for arguments, printed in examples if "--host" not in arguments]
    check(examples, "there is no example")
    timeless = lambda printed: re.sub(r"[0-9.]+ (us|ms|s)\b", "TIME", printed)
    for arguments, printed in examples:
        result = subprocess.run(COMMAND + arguments, capture_output=True, text=True, timeout=60, env=ENVIRONMENT, cwd=os.path.join(DOCS, ".."), check=False)
        check(result.returncode == OK and timeless(result.stdout) == timeless(printed), result.stdout, printed)


def test_figures_do_not_depend_on_addresses():
    """A slot lies in this process as it does in the guest: untranslated, it has leaves of 2 MiB whatever its size, and one page more takes one table more."""
    peaks = []
    for size in (0x800000, 0x801000):
        text = (
            f"viommu-capture 1 zpci\nslot gpa=0 bytes={size:#x} prot=rw\nfunction fh=0x80000001 fid=0x10 state=enabled relaxed=1\n"
            "mpcifc fh=0x80000001 oc=4 dmaas=0 pba=0x100000000 pal=0x17fffffff iota=0 cc=0\nend operations=1\n"
        )
        with Folder() as folder:
            path = folder.put("slot.vcap", text)
            peaks.append({json.loads(viommu("replay", "--json", path).out)["shadow_bytes_peak"] for _ in range(4)})
    check([len(peak) for peak in peaks] == [1, 1] and peaks[1].pop() - peaks[0].pop() == 4096, peaks)


# Disagreement

RIGHT = os.path.join(HERE, "captures", "three-levels.vcap")
WRONG = [
    # A text, its replacement, and the message about it.
    ("page 0x1000ff000 0x400000 rw", "page 0x1000ff000 0x401000 rw", "the oracle has 0x401000 rw, the shadow has 0x400000 rw"),
    ("page 0x1000ff000 0x400000 rw", "page 0x1000ff000 0x400000 r", "the oracle has 0x400000 r, the shadow has 0x400000 rw"),
    ("page 0x1000ff000 0x400000 rw", "# nothing", "the oracle has nothing, the shadow has 0x400000 rw"),
    ("page 0x1000ff000 0x200000 rw 2", "page 0x1000ff000 0x200000 rw", "0x100100000..0x100100fff: the oracle has nothing, the shadow has 0x201000 rw"),
    ("page 0x1000ff000 0x200000 rw 2", "page 0x100100000 0x201000 rw", "0x1000ff000..0x1000fffff: the oracle has nothing, the shadow has 0x200000 rw"),
    (
        "page 0x100001000 0x101000 r\npage 0x1000ff000 0x200000 rw 2",
        "page 0x100001000 0x101000 r\npage 0x1000fe000 0x1ff000 rw 3",
        "0x1000fe000..0x1000fefff: the oracle has 0x1ff000 rw, the shadow has nothing",
    ),
    ("oracle first=0x100200000 last=0x1002fffff\n\n", "oracle first=0x100200000 last=0x1002fffff\npage 0x100200000 0 rw 256\n\n", "the shadow has nothing"),
    ("bytes=2 cc=0", "bytes=2 cc=3", "the answer is not the recorded one"),
    ("bytes=2 cc=0", "bytes=2 cc=1 status=8", "the answer is not the recorded one"),
    ("bytes=2 cc=0", "bytes=2 exception=0x15", "recorded: exception 0x0015 (operand), here: cc 0"),
    ("stpcifc fh=0x80000001 cc=0", "clp fh=0x80000001 op=enable to=0x81000001", "would not carry it out"),
    ("stpcifc fh=0x80000001 cc=0", "sclp fh=0x5 op=configure", "no function has this handle"),
]


def test_disagreements():
    text = read(RIGHT)
    for old, new, said in WRONG:
        check(old in text, old, "not in the capture")
        with Folder() as folder:
            path = folder.put("wrong.vcap", text.replace(old, new, 1))
            result = viommu("replay", path)
            check(result.status == DISAGREES and said in result.err, result, f"{old} -> {new}")
            check(re.search(r"wrong\.vcap:\d+: .*\(operation \d+, ", result.err), result)
            check("DISAGREES" in result.out, result)
            result = viommu("replay", "--json", "--quiet", path)
            check(result.status == DISAGREES and not json.loads(result.out)["agrees"] and not result.err, result)


def test_no_shortage_excuses_errors():
    """With a budget, pages may be missing. They may not be others, nor more."""
    text = read(RIGHT)
    for old, new, said in WRONG[:3]:
        with Folder() as folder:
            path = folder.put("wrong.vcap", text.replace(old, new, 1))
            result = viommu("replay", "--budget", "2M", path)
            check(result.status == DISAGREES and said in result.err, result)
    # Without a limit set by the user, a shortage is a disagreement.
    bomb = read(os.path.join(HERE, "captures", "bomb-pages.vcap")).replace("cc=1 status=16", "cc=0")
    with Folder() as folder:
        path = folder.put("bomb.vcap", bomb)
        check(viommu("replay", path).status == DISAGREES, "a bomb that fits")
    bomb = read(os.path.join(HERE, "captures", "bomb-pages.vcap"))
    bomb = bomb.replace("cc=1 status=16\n", "cc=1 status=16\noracle first=0x100000000 last=0x100000fff\npage 0x100000000 0x24000 rw\n")
    with Folder() as folder:
        path = folder.put("bomb.vcap", bomb)
        check(viommu("replay", path).status == DISAGREES, "pages missing without a limit")
        check(viommu("replay", "--shadow", "1M", path).status == OK, "pages missing with a limit")


def test_many_disagreements():
    text = "viommu-capture 1 zpci\nfunction fh=0x80000001 fid=1 state=enabled\n" + "stpcifc fh=0x80000001 cc=3\n" * 50 + "end operations=50\n"
    with Folder() as folder:
        result = viommu("replay", folder.put("wrong.vcap", text))
        check(result.status == DISAGREES and len(result.err.splitlines()) == 21 and "and 30 more disagreements" in result.err, result)


# Bad input and bad usage


def check_complaint(result, said, status=BAD_INPUT):
    check(result.status == status, result)
    check(len(result.err.splitlines()) == 1 and said in result.err, result, f"not one line that says '{said}'")


BAD = [
    ("", "it is empty"),
    ("hello\n", "not a capture"),
    (b"\x7fELF" + bytes(100), "not a capture"),
    ("viommu-capture 2 zpci\n", "another version"),
    (HEAD, "bad.vcap:4: truncated: the end record is missing"),
    (HEAD + "rpcit fh=0x8", "bad.vcap:4: truncated: the last line has no line end"),
    (HEAD + "end operations=7\n", "bad.vcap:4: end says 7 operations, but there are 0"),
    (HEAD + "mem 0x1000 zero\n", "bad.vcap:4: value: 'zero' is not a number"),
    (HEAD + "note " + "x" * 5000 + "\n", "bad.vcap:4: the line is too long"),
    (HEAD + "function fh=0x80000001 fid=2 state=enabled\n", "bad.vcap:4: the function 0x80000001 cannot be added: another one has its index or its fid"),
    (HEAD + "unplug fh=0x5\n", "bad.vcap:4: unplug: no function has the handle"),
    (HEAD + "slot gpa=0x100000 bytes=0xfffffffffff00000 prot=rw\n", "bad.vcap:4: a slot of 16.0 EiB does not fit into this machine"),
    (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "corrupt"),
    (b"\x28\xb5\x2f\xfd\x00", "truncated"),
]


def test_bad_captures():
    for content, said in BAD:
        with Folder() as folder:
            path = folder.put("bad.vcap", content)
            check_complaint(viommu("replay", path), said)
            check_complaint(viommu("replay", "--quiet", path), said)
            result = viommu("replay", "--json", path)
            check_complaint(result, said)
            told = json.loads(result.out)
            check(told["complete"] is False and said in told["error"], result)
            if "cannot be added" not in said and "unplug" not in said and "fit" not in said:
                check_complaint(viommu("show", path), said)


def test_too_much_guest_memory():
    text = HEAD + "mem 0 1 131072\nend operations=0\n"
    with Folder() as folder:
        path = folder.put("big.vcap", text)
        check(viommu("replay", path).status == OK, path)
        check_complaint(viommu("replay", "--memory", "64K", path), "big.vcap:4: the capture fills more than 64 KiB of guest memory (--memory)")
        zeros = folder.put("zeros.vcap", text.replace("mem 0 1 ", "mem 0 0 "))
        check(viommu("replay", "--memory", "0", zeros).status == OK, zeros)


def test_readable_part_is_reported():
    text = read(RIGHT)
    cut = text.index("# Valid to valid")
    with Folder() as folder:
        path = folder.put("cut.vcap", text[:cut])
        result = viommu("replay", path)
        check_complaint(result, "truncated")
        check("INCOMPLETE" in result.out and "operations  11 " in result.out, result)
        result = viommu("replay", "--ops", path)
        check(result.out.splitlines() == model.replay(RIGHT).operations[:11], result)
        told = json.loads(viommu("replay", "--json", path).out)
        check(told["operations"] == 11 and told["agrees"] and not told["complete"], told)
        # The good one is carried out nevertheless.
        result = viommu("replay", path, RIGHT)
        check(result.status == BAD_INPUT and f"{RIGHT}: everything agrees" in result.out, result)
        # An incomplete answer of an oracle has no meaning for its missing part.
        cut = text.index("page 0x1000ff000 0x200000 rw 2\n\n")
        check_complaint(viommu("replay", folder.put("cut.vcap", text[:cut])), "truncated")


def test_bad_usage():
    result = viommu()
    check(result.status == BAD_INPUT and not result.out and "replay CAPTURE..." in result.err, result, "the commands are not listed")
    check_complaint(viommu("frobnicate"), "unknown command 'frobnicate'")
    check_complaint(viommu("replay"), "no capture given")
    check_complaint(viommu("show"), "no capture given")
    check_complaint(viommu("replay", "/nonexistent/x.vcap"), "/nonexistent/x.vcap: No such file or directory")
    check_complaint(viommu("replay", HERE), "Is a directory")
    for size in ("", "x", "-1", "1X", "1KB", "1 K", "K", "1.5M", "0x", "18446744073709551616", "16777216T", "99999999999999999999", "1e3"):
        check_complaint(viommu("replay", f"--budget={size}", RIGHT), f"--budget: '{size}' is not a size")
    check_complaint(viommu("replay", "--shadow=0", RIGHT), "--shadow")
    check_complaint(viommu("replay", "--stop-after=-1", RIGHT), "--stop-after: '-1' is not a number")
    check_complaint(viommu("replay", "--stop-after=1x", RIGHT), "--stop-after: '1x' is not a number")
    check_complaint(viommu("replay", "--pin=both", RIGHT), "--pin: 'both' is neither guest nor refresh")
    check_complaint(viommu("replay", "-q", "--pin=guest", "--budget=4K", RIGHT), "does not fit into a pin budget of 4 KiB")
    for host in ("", "hard", "kernel", "kernel:x", "type1", "type1:", "iommufd:x", "soft:0000:00:05.0", "iommufd:0000:00:05.0,", "type1:0000:00:05.0,00:05.0", "type1:0000:00:05.0:1"):
        check_complaint(viommu("replay", f"--host={host}", RIGHT), "--host: ")
    check_complaint(viommu("replay", "--host=type1:" + ",".join(f"0000:00:{n:02x}.0" for n in range(17)), RIGHT), "no more than 16 devices")
    check_complaint(viommu("replay", "--host=kernel:0000:00:05.0", "--budget=1M", RIGHT), "keeps no --budget")
    check_complaint(viommu("replay", "--dma-pages=-1", RIGHT), "--dma-pages: '-1' is not a number")
    check(viommu("replay", "--frobnicate").status == BAD_INPUT, "an unknown option")


def test_help_and_version():
    result = viommu("--version")
    check(result.status == OK and re.fullmatch(r"viommu \d+\.\d+\.\d+\n", result.out), result)
    check(viommu("version").out == result.out, result)
    for arguments, title in (([], "viommu"), *([[name], f"viommu {name}"] for name in ("bench", "live", "probe", "replay", "show"))):
        told = [viommu(*arguments, "--help"), viommu(*arguments, "-h"), viommu("help", *arguments)]
        for result in told:
            check(result.status == OK and not result.err and result.out == told[0].out and result.out.startswith(f"Usage: {title} "), result)
    check_complaint(viommu("help", "nothing"), "unknown command 'nothing'")


def test_full_disk():
    if not os.path.exists("/dev/full"):
        return
    with open("/dev/full", "wb") as full:
        done = subprocess.run(COMMAND + ["replay", RIGHT], stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT)
    check(done.returncode == BAD_INPUT and b"standard output" in done.stderr, done)


# show


def test_show():
    for path in CAPTURES:
        text = read(path)
        result = viommu("show", path)
        check(result.status == OK and not result.err, result)
        for fh in re.findall(r"^function fh=(0x[0-9a-f]+)", text, re.M):
            check(f"0x{int(fh, 16):08x}" in result.out, result, fh)
        for note in re.findall(r"^note (.*)", text, re.M):
            check(note in result.out, result, note)
        for keyword in ("slot", "mem", "rpcit", "oracle", "page"):
            count = len(re.findall(f"^{keyword} ", text, re.M))
            check(f" {count} {keyword}" in result.out or not count, result, keyword)
        records = viommu("show", "--records", path)
        lines = [line for line in text.splitlines()[1:] if line and not line.startswith("#")]
        check(records.status == OK and len(records.out.splitlines()) == len(lines), records)
        for shown, line in zip(records.out.splitlines(), lines):
            check(shown.split()[1] == line.split()[0], records)
    result = viommu("show", os.path.join(HERE, "captures", "two-four-five-levels.vcap"))
    for levels in ("segment table, 2 levels", "region-second table, 4 levels", "region-first table, 5 levels"):
        check(levels in result.out, result)


# Length


def long_capture(rounds):
    """Maps and unmaps pages, some at a time, with an oracle for each."""
    lines = [HEAD.rstrip(), "mem 0x10000 0x20 2048", "mem 0x14000 0x20 2048", "mem 0x18000 0x400 256", "mem 0x10010 0x14007", "mem 0x14000 0x18000"]
    lines.append("mpcifc fh=0x80000001 oc=4 dmaas=0 pba=0x100000000 pal=0x17fffffff iota=0x10804 cc=0")
    for i in range(rounds):
        entry, page = 0x18000 + 8 * (i % 200), 0x100000000 + 0x1000 * (i % 200)
        lines += [f"mem 0x{entry:x} 0x20000", f"rpcit fh=0x80000001 start=0x{page:x} bytes=0x1000 cc=0", f"oracle first=0x{page:x} last=0x{page + 0xFFF:x}"]
        lines += [f"page 0x{page:x} 0x20000 rw", f"mem 0x{entry:x} 0x20400", f"rpcit fh=0x80000001 start=0x{page:x} bytes=0x1000 cc=0"]
    lines.append(f"end operations={2 * rounds + 1}")
    return "\n".join(lines) + "\n"


def test_memory_does_not_grow_with_length():
    with Folder() as folder:
        short, long = folder.put("short.vcap", long_capture(5000)), folder.put("long.vcap", long_capture(80000))
        for arguments in (["replay", "--quiet"], ["replay", "--ops"], ["replay", "--json", "--ops"], ["show"], ["show", "--records"]):
            before, after = (peak_kib(COMMAND + arguments + [path], ENVIRONMENT) for path in (short, long))
            check(after - before < 2048, f"{arguments}: {before} KiB, then {after} KiB")


def test_host():
    """The soft host by name is the default; a missing device is reported, and nothing is carried out."""
    told = json.loads(viommu("replay", "--host=soft", "--json", RIGHT).out)
    check(told["host"] == "soft" and told["devices"] == [] and told["agrees"] and told["dma_note"] is None and not told["dma_functions"], told)
    for host in ("type1", "iommufd"):
        result = viommu("replay", f"--host={host}:ffff:ff:1f.7", "--json", RIGHT)
        told = json.loads(result.out)
        check(result.status == BAD_INPUT and host in told["error"] and "viommu probe ffff:ff:1f.7" in result.err and not told["operations"], result)


def test_keys_are_documented():
    with open(os.path.join(DOCS, "replay.md"), encoding="utf-8") as file:
        document = file.read()
    told = json.loads(viommu("replay", "--json", "--map", "--ops", RIGHT).out)
    check(not [key for key in told if f"`{key}`" not in document], [key for key in told if f"`{key}`" not in document])


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
