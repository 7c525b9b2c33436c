#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""
`viommu probe` on machines that are made of files (probe_trees.py), and on malformed files. Prints TAP.

    probe.py VIOMMU DOCS      the command, and the folder that holds probe.md
"""
import gzip
import json
import os
import random
import re
import sys
import tempfile

import probe_trees
from command import Result, check, run_tests

DOCS = sys.argv[2]
READY, MISSING, BAD = 0, 1, 2
# An emulated processor takes long to start a program: then each of the many bad files is not tried.
EACH = 6 if os.environ.get("MESON_EXE_WRAPPER") else 1


def probe(*arguments):
    result = Result("probe", *arguments)
    check(result.out.isascii(), result)
    return result


class Machine:
    """A tree that is there for one test."""

    def __init__(self, make):
        self.make = make

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.tree = probe_trees.Tree(self.temporary.name)
        self.make(self.tree)
        return self

    def __exit__(self, *rest):
        self.temporary.cleanup()

    def text(self, *arguments):
        return probe(*arguments, "--root", self.tree.folder)

    def json(self, *arguments):
        result = self.text("--json", *arguments)
        check(not result.err, result)
        told = json.loads(result.out)
        check(told["ready"] == (result.status == READY), result)
        return told


def advice(told, identity):
    return [piece for piece in told["advice"] if piece["id"] == identity]


def commands(told, identity):
    return [command for piece in advice(told, identity) for command in piece["commands"]]


# Machines


def test_no_iommu():
    with Machine(probe_trees.no_iommu) as machine:
        told = machine.json()
        check(not told["ready"] and not told["iommus"] and not told["groups"], told)
        check(told["machine"]["virtual"] and told["machine"]["acpi_table"] is None, told)
        check("intel-iommu" in advice(told, "virtual-machine")[0]["what"], told)
        check(told["devices"][0]["group"] is None, told)
        check(not machine.json("0000:00:05.0")["ready"], told)
        check("none that the kernel drives" in machine.text().out, machine.text())


def test_advice_does_not_contradict_itself():
    """One of two interfaces is enough, so at most one is missing: the one that the running kernel supports. Without an IOMMU there is no advice about drivers."""
    with Machine(probe_trees.switched_off) as machine:
        interfaces = [piece for piece in machine.json()["advice"] if re.match("type1|iommufd", piece["what"])]
        check([(piece["what"].split(":")[0], piece["needed"]) for piece in interfaces] == [("type1", True), ("iommufd", False)], interfaces)
    no_type1 = probe_trees.DEBIAN.replace("CONFIG_VFIO_GROUP=y", "# CONFIG_VFIO_GROUP is not set").replace("# CONFIG_IOMMUFD is not set", "CONFIG_IOMMUFD=m\nCONFIG_VFIO_DEVICE_CDEV=y")
    with Machine(lambda tree: (probe_trees.switched_off(tree), tree.put("/boot/config-6.12.1-test", no_type1))) as machine:
        interfaces = [piece for piece in machine.json()["advice"] if re.match("type1|iommufd", piece["what"])]
        check([(piece["what"].split(":")[0], piece["needed"]) for piece in interfaces] == [("type1", False), ("iommufd", True)], interfaces)
    without = probe_trees.DEBIAN.replace("CONFIG_INTEL_IOMMU=y", "# CONFIG_INTEL_IOMMU is not set")
    with Machine(lambda tree: (probe_trees.no_iommu(tree), tree.put("/boot/config-6.12.1-test", without))) as machine:
        told = machine.json()
        check(advice(told, "virtual-machine") and not any("this machine's IOMMU" in piece["what"] for piece in told["advice"]), told)
        check(not any("dmesg" in command for piece in told["advice"] for command in piece["commands"]), told)


def test_switched_off():
    with Machine(probe_trees.switched_off) as machine:
        told = machine.json()
        check(any("intel_iommu=on" in command for command in commands(told, "kernel-parameter")), told)
        check(commands(told, "module")[:1] == ["modprobe vfio"], told)


def test_told_to_be_off():
    """Options that are on the command line already are not requested again; options that disable them are named."""
    with Machine(lambda tree: (probe_trees.switched_off(tree), tree.put("/proc/cmdline", "ro intel_iommu=off quiet\n"))) as machine:
        pieces = advice(machine.json(), "kernel-parameter")
        check(len(pieces) == 1 and "intel_iommu=off" in pieces[0]["what"], pieces)
        check(machine.json()["machine"]["parameters"] == ["intel_iommu=off"], pieces)


def test_kernel_without_driver():
    with Machine(lambda tree: (probe_trees.switched_off(tree), tree.put("/boot/config-6.12.1-test", "# CONFIG_INTEL_IOMMU is not set\n"))) as machine:
        told = machine.json()
        check(any("CONFIG_INTEL_IOMMU" in piece["what"] for piece in advice(told, "kernel-option")), told)


def test_firmware():
    """No table, and not a virtual machine."""
    with Machine(lambda tree: tree.system()) as machine:
        check("DMAR" in advice(machine.json(), "firmware")[0]["what"], machine.json())


def test_type1_only():
    with Machine(probe_trees.type1_only) as machine:
        told = machine.json()
        check(told["ready"] and told["type1"]["usable"] and not told["iommufd"]["usable"], told)
        iommu = told["iommus"][0]
        check(iommu == {"name": "dmar0", "type": "VT-d", "version": "1:0", "address_bits": 48, "page_sizes": [4096, 2 << 20, 1 << 30], "scalable": False,
                        "nesting": False, "dirty_tracking": False, "devices": 2}, told)
        check(told["type1"]["entry_limit"] == 65535 and told["type1"]["allow_unsafe_interrupts"] is False, told)
        check(told["type1"]["options"]["CONFIG_VFIO_GROUP"] == "y" and told["iommufd"]["options"]["CONFIG_IOMMUFD"] == "n", told)
        check(told["type1"]["modules"]["vfio_iommu_type1"] == "loaded", told)
        check(not any(piece["needed"] for piece in told["advice"]) and "CONFIG_IOMMUFD" in advice(told, "kernel-option")[0]["what"], told)
        check([group["group"] for group in told["groups"]] == ["5", "12"], told, "numbers are not in order")
        told = machine.json("0000:00:05.0")
        check(told["ready"] and told["device"]["group"] == "5" and told["device"]["group_may_open"], told)
        check(told["device"]["reserved"] == [{"first": "0xfee00000", "last": "0xfeefffff", "type": "msi"}], told)
        check(told["device"]["type1"]["state"] == "not tried" and told["device"]["iommufd"]["aperture"] is None, told)
        check(machine.json("00:05.0")["device"]["address"] == "0000:00:05.0", told, "an address without domain")


def test_module():
    loaded = "/sys/module/viommu/parameters/allow_unsafe_interrupts"
    with Machine(lambda tree: (probe_trees.type1_only(tree), tree.put(loaded, "N\n"))) as machine:
        told = machine.json()
        check(told["kernel"]["usable"] and told["kernel"]["modules"]["viommu"] == "loaded" and told["kernel"]["allow_unsafe_interrupts"] is False, told)
        check(not advice(told, "module"), told)
        check("kernel      /dev/vfio/vfio" in machine.text().out, machine.text())
    with Machine(probe_trees.type1_only) as machine:
        told = machine.json()
        check(not told["kernel"]["usable"] and commands(told, "module") == ["./run module"] and not advice(told, "module")[0]["needed"], told)
    with Machine(lambda tree: (probe_trees.type1_only(tree), tree.put("/lib/modules/6.12.1-test/modules.dep", "updates/dkms/viommu.ko.xz:\n"))) as machine:
        check(commands(machine.json(), "module") == ["modprobe viommu"], machine.json())


def test_iommufd_only():
    with Machine(probe_trees.iommufd_only) as machine:
        # Only whole lines count.
        with open(machine.tree.path("/boot/config-6.12.1-test"), "a", encoding="ascii") as file:
            file.write("# once CONFIG_VFIO_CONTAINER=y\n")
        told = machine.json("0000:00:05.0")
        check(told["ready"] and told["iommufd"]["usable"] and not told["type1"]["usable"], told)
        check(told["type1"]["options"]["CONFIG_VFIO_CONTAINER"] == "n", told)
        check(told["device"]["cdev"] == "/dev/vfio/devices/vfio3" and told["device"]["cdev_may_open"], told)
        check(told["iommus"][0]["nesting"] and told["iommus"][0]["dirty_tracking"] and told["iommus"][0]["scalable"], told)
        check("CONFIG_VFIO_GROUP" in advice(told, "kernel-option")[0]["what"], told)


def test_wrong_driver():
    with Machine(probe_trees.wrong_driver) as machine:
        told = machine.json("0000:00:07.0")
        check(not told["ready"] and not told["device"]["vfio"] and told["device"]["driver"] == "e1000e", told)
        check(commands(told, "bind") == ["modprobe vfio-pci", "echo vfio-pci > /sys/bus/pci/devices/0000:00:07.0/driver_override",
                                         "echo 0000:00:07.0 > /sys/bus/pci/devices/0000:00:07.0/driver/unbind",
                                         "echo 0000:00:07.0 > /sys/bus/pci/drivers_probe"], told)
        check("network" in advice(told, "bind")[0]["what"], told)


def test_shared_group():
    with Machine(probe_trees.shared_group) as machine:
        told = machine.json("0000:03:00.0")
        check(not told["ready"], told)
        pieces = advice(told, "bind-group")
        check(len(pieces) == 1 and pieces[0]["needed"] and "0000:03:00.1" in pieces[0]["what"], told)
        check("echo 0000:03:00.1 > /sys/bus/pci/drivers_probe" in pieces[0]["commands"], told)
        check([device["in_the_way"] for device in told["devices"]] == [False, False, True, False], told)
        check("bridge" in advice(machine.json("0000:00:1c.0"), "bridge")[0]["what"], told)
        # The unused function needs a driver before it can be given away.
        check(not any("unbind" in command for command in commands(machine.json("0000:03:00.2"), "bind")), told)


def test_no_rights():
    with Machine(probe_trees.no_rights) as machine:
        told = machine.json("0000:00:05.0")
        check(not told["ready"], told)
        check(told["device"]["group_may_open"] is False and told["device"]["cdev_may_open"] is False and told["iommufd"]["may_open"] is False, told)
        wanted = ["setfacl -m u:4242:rw /dev/iommu", "setfacl -m u:4242:rw /dev/vfio/5", "setfacl -m u:4242:rw /dev/vfio/devices/vfio0"]
        check(sorted(commands(told, "rights")) == wanted, told)
        limits = told["limits"]
        check(limits["memlock"] == 8388608 and limits["memlock_hard"] is None and limits["cap_ipc_lock"] is False, told)
        check(limits["locked_bytes"] == 8192 and limits["pinned_bytes"] == 12288, told, "of this user's processes alone")
        check(commands(told, "memlock")[0] == "ulimit -l unlimited", told)
        # The same files for root.
        machine.tree.put("/proc/self/status", probe_trees.ROOT_STATUS)
        told = machine.json("0000:00:05.0")
        check(told["ready"] and not advice(told, "memlock") and not advice(told, "rights"), told)


def test_s390x():
    with Machine(probe_trees.s390x) as machine:
        told = machine.json("0000:00:00.0")
        check(told["ready"] and told["machine"]["architecture"] == "s390x", told)
        check([iommu["type"] for iommu in told["iommus"]] == ["zPCI", "zPCI"], told)
        check(told["device"]["function_id"] == "0x00000021", told)
        check(told["machine"]["parameters"] == ["s390_iommu_aperture=0"], told)
        check("s390-iommu.00000021 and 1 more" in machine.text().out, machine.text())
    with Machine(lambda tree: tree.system(architecture="s390x")) as machine:
        check("slots" in advice(machine.json(), "no-function")[0]["what"], machine.json())


def test_smmuv3():
    """A kernel that gives no guest an SMMUv3 is usable for everything else. One that drives no SMMUv3 is not usable."""
    with Machine(probe_trees.smmuv3) as machine:
        told = machine.json("0000:00:10.0")
        check(told["ready"] and told["machine"]["acpi_table"] == "IORT", told)
        check([iommu["type"] for iommu in told["iommus"]] == ["SMMUv3"], told)
        check(told["device"]["smmuv3"] is None, told)
        check([piece["needed"] for piece in advice(told, "nesting")] == [False], told)
        check("CONFIG_ARM_SMMU_V3_IOMMUFD" in advice(told, "nesting")[0]["what"], told)
        config = machine.tree.path("/boot/config-6.12.1-test")
        with open(config, encoding="utf-8") as file:
            words = file.read()
        machine.tree.put("/boot/config-6.12.1-test", words.replace("# CONFIG_ARM_SMMU_V3_IOMMUFD is not set", "CONFIG_ARM_SMMU_V3_IOMMUFD=y"))
        check(not advice(machine.json("0000:00:10.0"), "nesting"), told)
    with Machine(lambda tree: tree.system(architecture="aarch64", acpi=("IORT",), config="CONFIG_IOMMU_SUPPORT=y\n# CONFIG_ARM_SMMU_V3 is not set\n")) as machine:
        pieces = advice(machine.json(), "kernel-option")
        check("CONFIG_ARM_SMMU_V3," in pieces[0]["what"] and pieces[0]["needed"], machine.json())


def test_firmware_keeps_the_device():
    with Machine(probe_trees.type1_only) as machine:
        machine.tree.put("/sys/kernel/iommu_groups/5/reserved_regions", "0x00000000bdf6f000 0x00000000bdf7efff direct\n" + probe_trees.MSI)
        told = machine.json("0000:00:05.0")
        check("0xbdf6f000" in advice(told, "direct-region")[0]["what"] and len(told["device"]["reserved"]) == 2, told)


def test_without_a_group():
    """VFIO's mode without IOMMU cannot carry a guest's translation."""
    with Machine(probe_trees.no_iommu) as machine:
        machine.tree.type1()
        machine.tree.device("0000:00:09.0", group=0, driver="vfio-pci")
        machine.tree.put("/sys/kernel/iommu_groups/0/name", "vfio-noiommu\n")
        machine.tree.put("/dev/vfio/0", "", 0o600)
        check(not machine.json()["ready"] and not machine.json("0000:00:09.0")["ready"], machine.json())


def test_packed_configuration():
    with Machine(probe_trees.type1_only) as machine:
        machine.tree.put("/proc/config.gz", gzip.compress(b"CONFIG_VFIO=y\n# CONFIG_IOMMUFD is not set\n"))
        told = machine.json()
        check(told["machine"]["config"] in ("/proc/config.gz", "/boot/config-6.12.1-test"), told)
        if told["machine"]["config"] == "/proc/config.gz":
            check(told["type1"]["options"]["CONFIG_VFIO"] == "y" and told["type1"]["options"]["CONFIG_VFIO_GROUP"] == "n", told)


def test_without_a_configuration():
    """Unknown values are null, and there is no advice about them."""
    with Machine(probe_trees.type1_only) as machine:
        os.remove(machine.tree.path("/boot/config-6.12.1-test"))
        told = machine.json()
        check(told["ready"] and set(told["type1"]["options"].values()) == {None} and told["machine"]["config"] is None, told)
        check(not advice(told, "kernel-option"), told)


def test_text():
    """Each machine, all of it and each of its devices: words, with the same exit status as the JSON."""
    for make in probe_trees.ALL:
        with Machine(make) as machine:
            told = machine.json()
            for address in [None] + [device["address"] for device in told["devices"]][::EACH]:
                arguments = [address] if address else []
                result = machine.text(*arguments)
                check(not result.err and (result.status == READY) == machine.json(*arguments)["ready"], result)
                check(result.out.count("missing:") + result.out.count("note:") == len(machine.json(*arguments)["advice"]), result)
                for device in told["devices"]:
                    check(address or device["address"] in result.out, result)


def keys(value, prefix=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield prefix + name
            yield from keys(inner, prefix)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, prefix)


def test_documented_keys():
    """Every key that is printed stands in the documentation, and each kind of object has the same keys everywhere."""
    with open(os.path.join(DOCS, "probe.md"), encoding="utf-8") as file:
        document = file.read()
    documented = set(re.findall(r"`([^`\s]+)`", document))
    shapes = {}
    for make in probe_trees.ALL:
        with Machine(make) as machine:
            for device in [None] + [device["address"] for device in machine.json()["devices"]]:
                told = machine.json(*([device] if device else []))
                missing = {key for key in keys(told)} - documented - {name for part in ("type1", "iommufd") for name in told[part]["modules"]}
                check(not {key for key in missing if not key.startswith("CONFIG_")}, told, f"not in probe.md: {missing}")
                for name, value in told.items():
                    for piece in value if isinstance(value, list) else [value]:
                        if isinstance(piece, dict):
                            check(shapes.setdefault(name, set(piece)) == set(piece), told, name)
                for piece in told["advice"]:
                    check(piece["id"] in documented, told, f"advice {piece['id']} is not in probe.md")


# Usage


def test_bad_usage():
    with Machine(probe_trees.type1_only) as machine:
        for arguments in (["0000:00:99.0"], ["nonsense"], ["0000:00:05.0", "0000:00:06.0"], ["--root"], ["--nonsense"], ["../../etc"], [""]):
            result = machine.text(*arguments)
            check(result.status == BAD and not result.out and result.err, result)
        result = machine.text("0000:00:0f.0")
        check(result.status == BAD and "there is no PCI device 0000:00:0f.0" in result.err, result)
    check(probe("--root", "/nowhere/at/all").status == BAD, "")


def test_here():
    """This machine, whatever it is."""
    result = probe()
    check(result.status in (READY, MISSING) and not result.err, result)
    told = json.loads(probe("--json").out)
    check(told["machine"]["kernel"] and told["root"] is None, told)


def test_nothing_at_all():
    with Machine(lambda tree: None) as machine:
        told = machine.json()
        check(not told["ready"] and told["machine"]["architecture"] is None, told)
        check(machine.text().status == MISSING, machine.text())


# Files as bad as they can be


def all_files(tree):
    for folder, _, names in os.walk(tree.folder):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                yield path


BAD_CONTENTS = [b"", b"\0", b"\n", b"\xff\xfe" * 3000, b"A" * 200000, b"\x1b[31m\x07", b"0x" + b"f" * 500, b"-1", b"Uid:", b"CONFIG_VFIO", b"%s%n%d" * 100]


def survives(machine, lines=((), ("--json",), ("0000:00:05.0",), ("0000:00:05.0", "--json"))):
    for line in lines:
        result = machine.text(*line)
        check(result.status in (READY, MISSING, BAD), result, "it crashed")
        check(all(character == "\n" or " " <= character <= "~" for character in result.out + result.err), result, "not printable")
        if "--json" in line and result.status != BAD:
            json.loads(result.out)


def test_bad_contents():
    """Each file in turn, with some of the contents: all of them in turn."""
    for make in (probe_trees.type1_only, probe_trees.s390x):
        with Machine(make) as machine:
            for number, path in enumerate(list(all_files(machine.tree))[::EACH]):
                with open(path, "rb") as file:
                    good = file.read()
                for content in BAD_CONTENTS[number % 4 :: 4]:
                    with open(path, "wb") as file:
                        file.write(content)
                    result = machine.text("0000:00:05.0" if make is probe_trees.type1_only else "0000:00:00.0", "--json")
                    check(result.status in (READY, MISSING, BAD), result, f"{path} with {content[:20]}")
                    check(all(c == "\n" or " " <= c <= "~" for c in result.out + result.err), result, path)
                    if result.status != BAD:
                        json.loads(result.out)
                with open(path, "wb") as file:
                    file.write(good)


def test_missing_files():
    with Machine(probe_trees.no_rights) as machine:
        for path in list(all_files(machine.tree))[::EACH]:
            with open(path, "rb") as file:
                good = file.read()
            os.remove(path)
            survives(machine, [["0000:00:05.0", "--json"]])
            os.mkdir(path)
            survives(machine, [["0000:00:05.0"]])
            os.rmdir(path)
            with open(path, "wb") as file:
                file.write(good)


def test_bad_links():
    """Links in circles, out of the tree, to devices, and very long ones."""
    secret = "kept to itself"
    with tempfile.TemporaryDirectory() as outside:
        with open(os.path.join(outside, "secret"), "w", encoding="ascii") as file:
            file.write(secret)
        for target in ("loop", ".", "..", "/", "/dev/zero", "a" * 3000, "../" * 1000, os.path.join(outside, "secret"),
                       "../" * 40 + outside.lstrip("/") + "/secret", "/proc/self/mem")[-1 : None : -EACH]:
            with Machine(probe_trees.type1_only) as machine:
                for path in ("/proc/sys/kernel/osrelease", "/sys/kernel/iommu_groups/5/devices/loop", "/sys/class/iommu/loop", "/sys/kernel/iommu_groups/5/type",
                             "/sys/bus/pci/devices/loop", "/lib/modules/6.12.1-test/modules.dep", "/proc/config.gz"):
                    if os.path.lexists(machine.tree.path(path)):
                        os.remove(machine.tree.path(path))
                    machine.tree.link(path, target)
                survives(machine)
                check(secret not in machine.text().out + machine.text("--json").out, machine.text(), "it was led out of the tree")


def test_odd_names():
    """Folder entries with names that no kernel uses."""
    with Machine(probe_trees.type1_only) as machine:
        for name in (b"\xff\xff", b"a b", b"\x1b[31m", b"x" * 250, b"%s", b"5\n", b"999999999999999999999999999"):
            for folder in ("/sys/kernel/iommu_groups", "/sys/kernel/iommu_groups/5/devices", "/sys/class/iommu", "/sys/bus/pci/devices", "/proc"):
                os.makedirs(os.path.join(machine.tree.path(folder).encode(), name), exist_ok=True)
        survives(machine)


def test_very_many():
    """More items than are kept: counted or cut, and reported."""
    def make(tree):
        probe_trees.type1_only(tree)
        for number in range(4200):
            tree.folder_at(f"/sys/kernel/iommu_groups/{number + 100}/devices/0001:00:00.0")
        for number in range(300):
            tree.folder_at(f"/sys/class/iommu/dmar{number + 1}")
    with Machine(make) as machine:
        told = machine.json()
        check(not told["complete"] and len(told["groups"]) == 4096 and len(told["iommus"]) == 256, "")
        check("and more" in machine.text().out, "")
        survives(machine)


def test_text_that_is_none():
    """Contents of files are printed as printable characters."""
    bad = b"6.12\x1b[31m\xff\x07\"\\<tail>\n"
    with Machine(probe_trees.type1_only) as machine:
        for path in ("/proc/sys/kernel/osrelease", "/proc/sys/kernel/arch", "/sys/kernel/iommu_groups/5/type", "/sys/class/iommu/dmar0/intel-iommu/version"):
            machine.tree.put(path, bad)
        machine.tree.put("/proc/cmdline", b"iommu=" + bad)
        machine.tree.put("/proc/cpuinfo", b"vendor_id\t: " + bad)
        survives(machine)
        told = machine.json("0000:00:05.0")
        wanted = '6.12?[31m???"\\<tail>'.replace("???", "??")
        check(told["machine"]["kernel"] == wanted and told["machine"]["parameters"] == ["iommu=" + wanted], told)


def test_random_damage():
    """Damages many files at once, from a fixed seed."""
    dice = random.Random(20)
    for _ in range(15 // EACH):
        with Machine(probe_trees.no_rights) as machine:
            for path in list(all_files(machine.tree)):
                if dice.random() < 0.3:
                    with open(path, "wb") as file:
                        file.write(bytes(dice.randrange(256) for _ in range(dice.randrange(300))))
            survives(machine)


def test_packed_damage():
    """A configuration that unpacks beyond the limit, and broken ones."""
    with Machine(probe_trees.type1_only) as machine:
        for content in (gzip.compress(b"C" * (64 << 20)), gzip.compress(b"CONFIG_VFIO=y\n" * 1000)[:60], b"\x1f\x8b" + b"\xff" * 100):
            machine.tree.put("/proc/config.gz", content)
            survives(machine)


if __name__ == "__main__":
    sys.exit(run_tests(globals()))
