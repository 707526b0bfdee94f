# SPDX-License-Identifier: GPL-2.0
"""The memory of VMs: what kvmw info makes of rows of tables slot and vm_memory."""
import collections
import json
import re

import pytest

import lab_fixtures
import synthetic
from lab_fixtures import boots_of, in_boots
from synthetic import META, START, VMS, VCPUS, Recording, kvmw

SECOND, MIB, ONES, NONE = 10 ** 9, 1 << 20, 2 ** 32 - 1, None
LOG, READONLY, MEMFD = 1, 2, 4


def info(path, *args):
    done = kvmw("info", "-i", path, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def slot(pid, number, gpa, size, flags=0, logging=0, vm=0, kind=1, hva=0x7f0000000000):
    return [START - 1, kind, pid, vm, number, flags, gpa, size, hva, logging]


def config(pid, kind=1):
    return [START, kind, pid, 0, ONES] + [NONE] * 12


def write(path, **tables):
    rec = Recording(META, VMS, VCPUS)
    rec.lines += [["STATS", table, rows] for table, rows in tables.items()]
    rec.end = START + SECOND
    return rec.finish().write(path)


SLOTS = [slot(100, 3, 4 << 30, 512 * MIB, MEMFD | 1 << 16, hva=NONE), slot(100, 1, 0, 128 * MIB, LOG, 1),
         slot(100, 2, 0xfffc0000, 256 << 10, READONLY), slot(100, 9, 1, 77, kind=5),
         slot(200, 1, 0, MIB, vm=1), slot(200, 1, 0, 2 * MIB), slot(150, 1, NONE, NONE, ONES, NONE),
         slot(300, 1, 0, 2 ** 64 - 2, 0, 1), slot(300, 2, 0, 4096, 0, 1)]


@pytest.fixture(scope="module")
def slots(tmp_path_factory):
    return write(tmp_path_factory.mktemp("slots") / "f", slot=SLOTS,
                 vm_config=[config(400), config(400, 2), config(100), config(500, 9)])


def test_slots(slots):
    vms = json.loads(info(slots, "--json"))["memory_slots"]
    assert [(vm["pid"], vm["number"], vm["vm_id"]) for vm in vms] == [
        (100, 0, 0), (150, 0, None), (200, 0, None), (200, 1, None), (300, 0, None), (400, 0, None)]
    one, unsure, first, second, huge, unknown = vms
    assert {key: one[key] for key in ("bytes", "read_only", "read_only_bytes", "logged", "logged_bytes")} == {
        "bytes": 640 * MIB + (256 << 10), "read_only": 1, "read_only_bytes": 256 << 10, "logged": 1,
        "logged_bytes": 128 * MIB}
    assert one["slots"] == [
        {"slot": 1, "gpa": 0, "gpa_hex": "0x0", "bytes": 128 * MIB, "hva": 0x7f0000000000,
         "hva_hex": "0x7f0000000000", "flags": ["log-dirty-pages"], "dirty_logging": True},
        {"slot": 2, "gpa": 0xfffc0000, "gpa_hex": "0xfffc0000", "bytes": 256 << 10, "hva": 0x7f0000000000,
         "hva_hex": "0x7f0000000000", "flags": ["readonly"], "dirty_logging": False},
        {"slot": 3, "gpa": 4 << 30, "gpa_hex": "0x100000000", "bytes": 512 * MIB, "hva": None,
         "hva_hex": None, "flags": ["guest-memfd", "bit 16"], "dirty_logging": False}]
    assert unsure["slots"] == [{"slot": 1, "gpa": None, "gpa_hex": None, "bytes": None, "hva": 0x7f0000000000,
                                "hva_hex": "0x7f0000000000", "flags": None, "dirty_logging": None}]
    assert (first["bytes"], second["bytes"]) == (2 * MIB, MIB)
    assert (huge["bytes"], huge["logged_bytes"], huge["logged"]) == (None, None, 2)
    assert {value for key, value in unknown.items() if key not in ("pid", "number")} == {None}


def test_slots_in_words(slots):
    text = info(slots, "-v")
    words = " ".join(text[text.index("Memory slots when"):].split())
    for said in ("pid 100: 3 slots, 640 MiB, of these 1 read-only (256 KiB); dirty logging on in 1 (128 MiB) ",
                 "pid 200, VM 0: 1 slot, 2.00 MiB; dirty logging off", "pid 150: 1 slot,", "pid 400: unknown: none was read"):
        assert said in words
    assert synthetic.widest(text) <= 80
    assert "Memory slots" not in info(slots)


def test_recordings_without(tmp_path):
    path = write(tmp_path / "f")
    assert "memory_slots" not in json.loads(info(path, "--json")) and "Memory slots" not in info(path, "-v")


def memory(pid, kind=2, node=ONES, size=NONE, anon=NONE, anon_huge=NONE, shmem=NONE, shmem_huge=NONE, hugetlb=NONE,
           huge_unknown=ONES, source=0, nodes_unknown=ONES):
    return [START, kind, pid, node, size, anon, anon_huge, shmem, shmem_huge, hugetlb, huge_unknown, source,
            nodes_unknown]


def at_node(pid, node, size, kind=2):
    return memory(pid, kind, node, size, source=NONE)


ROWS = [at_node(100, 3, 64 * MIB), at_node(100, 0, 448 * MIB), at_node(100, 7, 5, kind=1),
        memory(100, 1, size=MIB, source=1),
        memory(100, 2, size=600 * MIB, anon=512 * MIB, anon_huge=480 * MIB, shmem=0, shmem_huge=0, hugetlb=0, source=2),
        # A process gone at the end; one with only its nodes known; one with nothing known.
        memory(200, 1, size=5 << 30, anon=4 << 30, shmem=1 << 30, hugetlb=2 * MIB, huge_unknown=0, nodes_unknown=1),
        memory(250, source=3), at_node(250, 1, 2 * MIB), memory(300, source=9, nodes_unknown=77),
        memory(350, size=8 * MIB, source=1, hugetlb=4 * MIB, shmem=2 * MIB, shmem_huge=2 * MIB),
        at_node(350, 0, 12 * MIB), memory(360, size=MIB, anon=0, shmem=0, hugetlb=0, huge_unknown=0, nodes_unknown=0),
        memory(400, 5, size=1), at_node(500, 0, MIB)]


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    texts = ["/proc/200/smaps_rollup: Permission denied", "its pages\x1b are not counted"]
    rec = Recording(META, VMS, VCPUS)
    rec.lines.append(["IDENT", {"texts": [{"id": i, "text": text} for i, text in enumerate(texts)]}])
    rec.lines.append(["STATS", "vm_memory", ROWS])
    rec.end = START + SECOND
    return rec.finish().write(tmp_path_factory.mktemp("processes") / "f")


def test_processes(processes):
    """The values at the end count, and info says why others are unknown."""
    of = {p["pid"]: p for p in json.loads(info(processes, "--json"))["process_memory"]}
    assert list(of) == [100, 200, 250, 300, 350, 360]
    assert of[100] == {
        "pid": 100, "time_ns": START, "resident_bytes": 600 * MIB, "anon_bytes": 512 * MIB,
        "anon_huge_bytes": 480 * MIB, "shmem_bytes": 0, "shmem_huge_bytes": 0, "hugetlb_bytes": 0,
        "huge_unknown": None, "nodes": [{"node": 0, "bytes": 448 * MIB}, {"node": 3, "bytes": 64 * MIB}],
        "nodes_from": "cgroup", "nodes_unknown": None}
    gone = of[200]
    assert (gone["resident_bytes"], gone["anon_huge_bytes"], gone["nodes"], gone["nodes_from"]) == (5 << 30, None, None, None)
    assert gone["huge_unknown"].endswith("Permission denied")
    assert gone["nodes_unknown"] == "its pages? are not counted"
    assert (of[250]["nodes"], of[250]["nodes_from"]) == ([{"node": 1, "bytes": 2 * MIB}], "numa_maps")
    assert {value for key, value in of[300].items() if key not in ("pid", "time_ns")} == {None}
    assert (of[350]["nodes_from"], of[350]["hugetlb_bytes"]) == ("one node", 4 * MIB)


def test_processes_in_words(processes):
    text = info(processes, "-v")
    assert synthetic.widest(text) <= 80
    words = " ".join(text[text.index("Memory of the VMs' processes:"):].split())
    for said in (
            "pid 100: resident: 600 MiB; anonymous: 512 MiB, 93.8% of it in huge pages; NUMA node 0: 448 MiB, 3: "
            "64.0 MiB, as its control group counts pid 200: resident: 5.00 GiB; anonymous: 4.00 GiB; shared: "
            "1.00 GiB; hugetlbfs: 2.00 MiB; transparent huge pages unknown: /proc/200/smaps_rollup: Permission "
            "denied; NUMA nodes unknown: its pages? are not counted pid 250: resident: unknown; "
            "NUMA node 1: 2.00 MiB pid 300:", "pid 300: resident: unknown; NUMA nodes unknown pid 350:",
            "shared: 2.00 MiB, 100.0% of it in huge pages; hugetlbfs: 4.00 MiB; NUMA node 0: 12.0 MiB, the host's only one",
            "pid 360: resident: 1.00 MiB; transparent huge pages and NUMA nodes unknown: /proc/200/smaps_rollup: "):
        assert said in words
    assert "processes:" not in info(processes)


@in_boots(*boots_of("corners"))
def test_a_process_on_one_node(boot):
    process, = lab_fixtures.info(boot.path("idle-vcpus.kvmw"))["process_memory"]
    assert process["nodes"] == [{"node": 0, "bytes": process["resident_bytes"]}]
    assert (process["nodes_from"], process["nodes_unknown"], process["huge_unknown"]) == ("one node", None, None)
    assert 0 < process["anon_bytes"] + process["shmem_bytes"] < process["resident_bytes"] < 1 << 30
    assert process["anon_huge_bytes"] <= process["anon_bytes"] and process["hugetlb_bytes"] == 0


def in_maps(text):
    """Bytes on each node according to /proc/PID/numa_maps."""
    found = collections.Counter()
    for line in text.splitlines():
        words = dict(word.split("=") for word in line.split() if "=" in word)
        for word, pages in words.items():
            if re.fullmatch(r"N\d+", word):
                found[int(word[1:])] += int(pages) * int(words["kernelpagesize_kB"]) * 1024
    return found


@in_boots("avic")
def test_processes_on_two_nodes(boot):
    """Processes in their own group, in one with another process, and in none: 32 MiB are bound to
    node 1."""
    for name, source in (("own", "cgroup"), ("shared", "numa_maps"), ("none", "numa_maps")):
        assert boot.step(f"nodes-{name}").status == 0, boot.step(f"nodes-{name}").err
        process, = lab_fixtures.info(boot.path(f"nodes-{name}.kvmw"))["process_memory"]
        found = {node["node"]: node["bytes"] for node in process["nodes"]}
        assert process["nodes_from"] == source, process
        told = in_maps(boot.path(f"nodes-{name}.maps").read_text())
        if source == "numa_maps":
            assert found == told
            assert abs(sum(found.values()) - process["resident_bytes"]) < MIB
        else:       # without memory in files, and with pages that are no longer mapped
            assert 32 * MIB <= found[1] < sum(found.values()) < process["resident_bytes"] + MIB


@in_boots(*boots_of("memory"))
def test_slots_of_qemu(boot):
    """The slots of QEMU -m 32, with read-only firmware (memory.sh)."""
    for name in "full", "split":
        vm, = json.loads(boot.step(f"setup-{name}").out)["memory_slots"]
        size = sum(slot["bytes"] for slot in vm["slots"] if not slot["flags"])
        assert size <= 32 * MIB < size + MIB and vm["logged"] == 0
        assert vm["read_only"] == sum("readonly" in slot["flags"] for slot in vm["slots"]) > 0
        ends = [(slot["gpa"], slot["gpa"] + slot["bytes"]) for slot in vm["slots"]]
        assert ends == sorted(ends) and all(end <= gpa for (_, end), (gpa, _) in zip(ends, ends[1:]))


@in_boots(*boots_of("memory"))
def test_slots_that_are_logged(boot):
    vm, = lab_fixtures.info(boot.path("old.kvmw"))["memory_slots"]
    assert 0 < vm["logged"] == sum(slot["dirty_logging"] for slot in vm["slots"])
    assert vm["logged_bytes"] == sum(slot["bytes"] for slot in vm["slots"] if slot["dirty_logging"])
