# SPDX-License-Identifier: GPL-2.0
"""The memory of VMs: what kvmw info says of rows of table slot."""
import json

import pytest

import lab_fixtures
import synthetic
from lab_fixtures import AMD, in_boots
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


@in_boots(*AMD)
def test_slots_of_qemu(boot):
    """-m 32, and firmware that is read-only (memory.sh)."""
    for name in "full", "split":
        vm, = json.loads(boot.step(f"setup-{name}").out)["memory_slots"]
        size = sum(slot["bytes"] for slot in vm["slots"] if not slot["flags"])
        assert size <= 32 * MIB < size + MIB and vm["logged"] == 0
        assert vm["read_only"] == sum("readonly" in slot["flags"] for slot in vm["slots"]) > 0
        ends = [(slot["gpa"], slot["gpa"] + slot["bytes"]) for slot in vm["slots"]]
        assert ends == sorted(ends) and all(end <= gpa for (_, end), (gpa, _) in zip(ends, ends[1:]))


@in_boots(*AMD)
def test_slots_that_are_logged(boot):
    vm, = lab_fixtures.info(boot.path("old.kvmw"))["memory_slots"]
    assert 0 < vm["logged"] == sum(slot["dirty_logging"] for slot in vm["slots"])
    assert vm["logged_bytes"] == sum(slot["bytes"] for slot in vm["slots"] if slot["dirty_logging"])
