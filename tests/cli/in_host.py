#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
The command viommu on a test host, whose IOMMU a real kernel drives: `viommu probe` against what is known of QEMU's machines, and `viommu replay --host`, whose
devices check by DMA that recordings of real guests lead where QEMU said. Prints TAP.

    in_host.py HOST VIOMMU TOP RUN-IN-HOST...     the kind of machine, the command, the source's top folder, and how to run a program there
"""
import errno
import json
import os
import re
import signal
import subprocess
import sys
import traceback

HOST, VIOMMU, TOP = sys.argv[1], os.path.abspath(sys.argv[2]), sys.argv[3]
RUN = [sys.executable, "-B", *sys.argv[4:]]
S390X = HOST == "s390x"
SKIPPED = 77
EDU = [] if S390X else ["edu"]
ONE = "type1" if HOST in ("vtd-scalable", "s390x") else "iommufd"  # where one of them is enough

# QEMU's intel-iommu has 48 address bits unless told otherwise (aw-bits), amd-iommu 64; a zPCI function's aperture is as large as the machine's memory, which is
# 512 MiB here, and begins at 4 GiB (Linux, arch/s390/pci). An SMMUv3's stage 1, which Linux uses, has 48 bits. Both x86 machines keep their interrupt window for
# themselves; Linux keeps the HyperTransport addresses from devices behind an AMD-Vi, and maps messages of interrupts at one place behind an SMMUv3 (MSI_IOVA_BASE).
WINDOW = [("0xfee00000", "0xfeefffff")]
KNOWN = {
    "vtd-legacy": {"type": "VT-d", "aperture": ("0x0", "0xffffffffffff"), "holes": WINDOW, "page_sizes": {4096, 2 << 20, 1 << 30}},
    "vtd-scalable": {"type": "VT-d", "aperture": ("0x0", "0xffffffffffff"), "holes": WINDOW, "page_sizes": {4096, 2 << 20, 1 << 30}},
    "amd": {"type": "AMD-Vi", "aperture": ("0x0", "0xffffffffffffffff"), "holes": WINDOW + [("0xfd00000000", "0xffffffffff")], "page_sizes": {4096, 2 << 20, 1 << 30}},
    "s390x": {"type": "zPCI", "aperture": ("0x100000000", "0x11fffffff"), "holes": [], "page_sizes": {4096}},
    "smmuv3": {"type": "SMMUv3", "aperture": ("0x0", "0xffffffffffff"), "holes": [("0x8000000", "0x80fffff")], "page_sizes": {4096, 2 << 20, 1 << 30}},
}[HOST]
ARCHITECTURE = {"s390x": "s390x", "smmuv3": "aarch64"}.get(HOST, "x86_64")


class Skipped(Exception):
    """This machine cannot run the test host."""


class Result:
    def __init__(self, devices, files, arguments, append="", options=()):
        command = RUN + ["--host", HOST, "--append", append, *options]
        for device in devices:
            command += ["--device", device]
        for name in files:
            command += ["--file", f"{os.path.basename(name)}={os.path.join(TOP, name)}"]
        with subprocess.Popen(command + [VIOMMU, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            try:
                out, err = running.communicate()
            except BaseException:
                running.terminate()  # so that it ends its machine
                raise
        self.status, self.out, self.err = running.returncode, out.decode(), err.decode()
        self.what = f"viommu {' '.join(arguments)}: status {self.status}\n{self.out}{self.err}"
        if self.status == SKIPPED:
            raise Skipped(self.out.strip().removeprefix("skipped: "))

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError:
            raise AssertionError(self.what) from None


def check(condition, result, why=""):
    if not condition:
        raise AssertionError(f"{why}\n{getattr(result, 'what', result)}")


def number(text):
    return int(text, 16)


# viommu probe


def test_probe_machine():
    result = Result(["nvme"], [], ["probe", "--json"])
    told = result.json()
    check(result.status == 0 and told["ready"] and told["type1"]["usable"] and told["iommufd"]["usable"], result)
    check(KNOWN["type"] in {iommu["type"] for iommu in told["iommus"]}, result)
    check(told["machine"]["architecture"] == ARCHITECTURE, result)
    check(told["type1"]["entry_limit"] == 65535 and told["limits"]["cap_ipc_lock"], result)
    check([device for device in told["devices"] if device["vfio"] and device["group"] is not None], result)
    check(not [piece for piece in told["advice"] if piece["needed"]], result)


def version(told):
    return tuple(int(part) for part in re.findall(r"[0-9]+", told["machine"]["kernel"])[:2])


def check_host(told, name, result):
    host = told["device"][name]
    first, last = KNOWN["aperture"]
    # type1 leaves out the very last page.
    if name == "type1" and last == "0xffffffffffffffff":
        last = "0xffffffffffffefff"
    check(host["state"] == "opened", result)
    check(host["aperture"] == {"first": first, "last": last}, result, name)
    # The aperture without the holes.
    expected, begin = [], number(first)
    for hole_first, hole_last in KNOWN["holes"]:
        expected.append((begin, number(hole_first) - 1))
        begin = number(hole_last) + 1
    expected.append((begin, number(last)))
    check([(number(r["first"]), number(r["last"])) for r in host["usable"]] == expected, result, name)
    check(4096 in host["page_sizes"] and not host["dirty_tracking"] and not host["splits"], result, name)
    # Linux nests with an SMMUv3 since 6.13.
    nests = HOST == "smmuv3" and name == "iommufd" and version(told) >= (6, 13)
    check(host["nesting"] == nests, result, name)
    return host


def test_probe_device():
    result = Result(EDU + ["nvme"], [], ["probe", "--json", "{nvme}" if S390X else "{edu}"])
    told = result.json()
    check(result.status == 0 and told["ready"] and told["device"]["driver"] == "vfio-pci", result)
    check(told["device"]["ids"] == ("1b36:0010" if S390X else "1234:11e8"), result)
    check(check_host(told, "type1", result)["entry_limit"] == 65535, result)
    check(KNOWN["page_sizes"] <= set(told["device"]["type1"]["page_sizes"]), result)
    check(check_host(told, "iommufd", result)["entry_limit"] is None, result)
    reserved = {(region["first"], region["last"]) for region in told["device"]["reserved"]}
    check(set(KNOWN["holes"]) <= reserved, result)


def test_probe_smmuv3():
    """The features of a guest's own SMMUv3. With QEMU's (hw/arm/smmuv3.c): all granules, 16 bits of ASIDs and of streams, no substreams, no stalls."""
    result = Result(["edu"], [], ["probe", "--json", "{edu}"])
    told = result.json()
    if version(told) < (6, 13):
        check(told["device"]["smmuv3"] is None, result)
        raise Skipped("this kernel does not report its SMMUv3, Linux 6.13 does")
    smmu = told["device"]["smmuv3"]
    known = {"guests": True, "errno": None, "granules": [4096, 16384, 65536], "address_bits": 48, "asid_bits": 16, "stream_bits": 16, "substream_bits": 0, "stalls": False}
    check({key: smmu[key] for key in known} == known and len(smmu["idr"]) == 6, result)
    check(not [piece for piece in told["advice"] if piece["id"] == "nesting"], result)
    result = Result(["edu"], [], ["probe", "{edu}"])
    check("SMMUv3" in result.out and "serves a guest's own" in result.out and "granules of 4 KiB, 16 KiB, 64 KiB" in result.out, result)


def test_probe_smmuv3_without_canwbs():
    """With the table that QEMU gives, Linux gives it to no guest, and the reason is reported."""
    result = Result(["edu"], [], ["probe", "--json", "{edu}"], options=["--original-iort"])
    told = result.json()
    if version(told) < (6, 13):
        raise Skipped("this kernel does not report its SMMUv3, Linux 6.13 does")
    check(result.status == 0 and told["device"]["smmuv3"]["guests"] is False and told["device"]["smmuv3"]["errno"] == errno.EOPNOTSUPP, result)
    check([piece for piece in told["advice"] if piece["id"] == "nesting" and "CANWBS" in piece["what"] and not piece["needed"]], result)


def test_probe_refused_interrupts():
    """Without the permission that this machine's kernel is booted with, VFIO refuses, and the remedy is reported."""
    append = "vfio_iommu_type1.allow_unsafe_interrupts=0 iommufd.allow_unsafe_interrupts=0"
    result = Result(["nvme"], [], ["probe", "--json", "{nvme}"], append)
    told = result.json()
    check(result.status == 1 and not told["ready"] and told["device"]["type1"]["state"] == "failed", result)
    commands = [command for piece in told["advice"] if piece["id"] == "interrupts" for command in piece["commands"]]
    check(any("iommufd/parameters/allow_unsafe_interrupts" in command for command in commands), result)


# viommu replay --host


def replay(devices, capture, arguments, append=""):
    result = Result(devices, [capture], ["replay", "--json", "--overwrite", *arguments, "/" + os.path.basename(capture)], append)
    return result, result.json()


def check_agrees(result, told, pages, **at_least):
    """Everything agrees, and this many pages were checked by devices, with the recorded machine as the witness."""
    check(result.status == 0 and told["agrees"] and told["complete"] != told["stopped"] and not told["dma_wrong"], result)
    check(told["dma_pages"] == pages and not told["dma_unwitnessed"], result, f"{pages} pages were to be checked")
    for key, value in at_least.items():
        # When Linux on s390 resets a function of QEMU's that is in the error state, QEMU forgets its translations; then no more that must not work is tried.
        if S390X and key in ("dma_protected", "dma_unmapped") and told["dma_note"]:
            value = 1 if key == "dma_protected" else 0
        check(told[key] >= value, result, f"{key} should be {value} at least")


def test_replay_many_pages():
    """In the middle of its writing a guest has thousands of pages mapped, most of them read-only: an NVMe checks some from everywhere."""
    for host in ("type1", "iommufd"):
        result, told = replay(["nvme"], "captures/nvme-64k-lazy.vcap.zst", ["--stop-after", "300", "--dma-pages", "300", "--host", host + ":{nvme}"])
        check_agrees(result, told, 300, dma_read_only=200, dma_protected=10, dma_unmapped=2, mapped_pages=4000)
        check(told["host"] == host and told["dma_functions"] == 1, result)


def test_replay_to_the_end():
    """The final mappings, checked by an edu if there is one."""
    for host in ("type1", "iommufd"):
        result, told = replay(EDU or ["nvme"], "captures/nvme-recover.vcap.zst", ["--host", host + (":{nvme}" if S390X else ":{edu}")])
        check_agrees(result, told, 24, dma_unmapped=2)
        check(not told["dma_unchecked"], result)


def test_replay_two_functions():
    """Unplugged and plugged again, twice, each its own device: the devices reach different pages."""
    for host in ("type1", "iommufd"):
        result, told = replay(["nvme:2"], "captures/two-functions-replug.vcap.zst", ["--host", host + ":{nvme},{nvme1}"])
        # The other function has 4 pages left, too few for an NVMe's queues.
        check_agrees(result, told, 44, dma_functions=2, dma_unchecked=4)
        check("five pages" in told["dma_note"] and len(told["devices"]) == 2, result)


def test_replay_one_of_two():
    """A function without a device is on the soft host, and the summary says so."""
    result, told = replay(["nvme"], "captures/two-functions-smp2.vcap.zst", ["--host", "iommufd:{nvme}"])
    check_agrees(result, told, 44, soft_functions=1, dma_functions=1)


def test_replay_little_memory():
    """With a small budget the guest makes room; its final mappings are right."""
    result, told = replay(["nvme"], "captures/nvme-4k-lazy.vcap.zst", ["--stop-after", "1500", "--budget", "100K", "--host", ONE + ":{nvme}"])
    check(result.status == 0 and told["agrees"] and not told["dma_wrong"] and told["pinned_bytes_peak"] <= 102400, result)
    check(told["insufficient_resources"] and told["dma_pages"] >= 20, result)


def test_replay_pinned_guest():
    """On s390x the guest's memory is as large as the machine's, and only type1 does not pin what is not mapped."""
    result, told = replay(["nvme"], "captures/nvme-reset.vcap.zst", ["--pin", "guest", "--host", ("type1" if S390X else "iommufd") + ":{nvme}"])
    check_agrees(result, told, 24)
    check(told["pinned_bytes"] == 512 << 20, result)


def test_replay_wide_aperture():
    """A guest that registers nearly 4 TiB."""
    capture = "captures/two-functions-4tib.vcap.zst"
    if S390X:
        result = Result(["nvme"], [capture], ["replay", "--overwrite", "--host", "type1:{nvme}", "/" + os.path.basename(capture)])
        check(result.status == 2 and "s390_iommu_aperture=0" in result.err, result)
    result, told = replay(["nvme"], capture, ["--host", ONE + ":{nvme}"], append="s390_iommu_aperture=0" if S390X else "")
    check_agrees(result, told, 24, soft_functions=1)


def test_replay_refuses():
    """An impossible request is refused before anything is done."""
    capture = "captures/nvme-recover.vcap.zst"
    for arguments, why in ((["--host", "type1:{nvme}"], "--overwrite"), (["--host", "type1:0000:77:00.0"], "viommu probe")):
        result = Result(["nvme"], [capture], ["replay", *arguments, "/" + os.path.basename(capture)])
        check(result.status == 2 and why in result.err, result)
    result = Result(["nvme"], [capture], ["replay", "--json", "--dma-pages", "0", "--host", "type1:{nvme}", "/" + os.path.basename(capture)])
    told = result.json()
    check(result.status == 0 and told["agrees"] and not told["dma_functions"], result)


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    # Those of one kind of machine.
    for where, only in (("amd", test_probe_refused_interrupts), ("smmuv3", test_probe_smmuv3), ("smmuv3", test_probe_smmuv3_without_canwbs)):
        if HOST != where:
            tests.remove((only.__name__, only))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed = skipped = 0
    print(f"1..{len(tests)}")
    for count, (name, test) in enumerate(tests, 1):
        title = name[len("test_") :].replace("_", " ")
        try:
            test()
            print(f"ok {count} - {title}", flush=True)
        except Skipped as why:
            skipped += 1
            print(f"ok {count} - {title} # SKIP {why}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {count} - {title}")
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="", flush=True)
    return 1 if failed else SKIPPED if skipped == len(tests) else 0


if __name__ == "__main__":
    sys.exit(main())
