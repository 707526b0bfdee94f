# SPDX-License-Identifier: GPL-2.0
"""A Linux guest exits from three functions of its kernel and one of a module, a known number of
times: rows by function, with each kind of symbol file."""
import collections
import gzip
import re
import struct

import pytest

import lab_fixtures
from lab_fixtures import in_boots

pytestmark = [pytest.mark.lab, in_boots("linux")]

LINKED = 0xffffffff81000000         # address of _text in the kernel's own files
READ_TSC, WRITE_MTRR, LEAVES, BLOCKS = 60, 50, 80, 40
MMIO_WRITE, RDMSR, WRMSR, CPUID = 4, 9, 10, 13       # KVMW_DETAILS of util/events.h


@pytest.fixture
def kallsyms(boot, tmp_path):
    text = gzip.decompress(boot.path("kallsyms.gz").read_bytes()).decode()
    (tmp_path / "kallsyms").write_text(text)
    return tmp_path / "kallsyms"


@pytest.fixture
def kernel(kallsyms):
    """(address, type, name) of the kernel itself, and its offset."""
    lines = [line.split() for line in kallsyms.read_text().splitlines()]
    found = [(int(line[0], 16), *line[1:]) for line in lines if len(line) == 3]
    offset = next(address for address, _, name in found if name == "_text") - LINKED
    assert offset, "this guest has no KASLR"
    return [symbol for symbol in found if LINKED <= symbol[0] - offset < LINKED + (1 << 30) - (16 << 20)], offset


@pytest.fixture
def system_map(kernel, tmp_path):
    symbols, offset = kernel
    path = tmp_path / "System.map"
    path.write_text("".join(f"{address - offset:016x} {kind} {name}\n" for address, kind, name in symbols))
    return path


@pytest.fixture
def vmlinux(kernel, tmp_path):
    """An ELF file with symbols, but without code."""
    symbols, offset = kernel
    names, table = bytearray(b"\0"), bytearray(24)
    for address, kind, name in symbols:
        table += struct.pack("<IBBHQQ", len(names), (kind.isupper() << 4) | 2, 0, 1, address - offset, 0)
        names += name.encode() + b"\0"
    sections = [(0, 0, 0, 0, 0, 0, 0, 0, 0), (8, 6, LINKED, 64, 0, 0, 0, 16, 0),
                (2, 0, 0, 64, len(table), 3, 1, 8, 24), (3, 0, 0, 64 + len(table), len(names), 0, 0, 1, 0)]
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, LINKED, 0, 64 + len(table) + len(names), 0, 64,
                       56, 0, 64, len(sections), 3)
    path = tmp_path / "vmlinux"
    path.write_bytes(head + table + names + b"".join(struct.pack("<IIQQQQIIQQ", 0, *section) for section in sections))
    return path


def counts(rows, of):
    found = collections.Counter()
    for row in rows:
        found[of(row)] += row["count"]
    return found


def check(path, *args, modules):
    rows = lab_fixtures.report(path, "-s", "sym,detail", *args)["rows"]
    found = counts(rows, lambda row: (row["symbol"], row["detail_kind"], row["detail_value"]))
    assert found["native_read_msr_safe", RDMSR, 0x10] == READ_TSC
    assert found["native_write_msr_safe", WRMSR, 0x250] == WRITE_MTRR
    leaves = {leaf: nr for (symbol, kind, leaf), nr in found.items() if (symbol, kind) == ("native_cpuid", CPUID)}
    assert set(leaves) >= set(range(LEAVES)) and sum(leaves.values()) < LEAVES + 10
    writes = counts([row for row in rows if row["detail_kind"] == MMIO_WRITE],
                    lambda row: (row["module"], (row["symbol"] or "")[:7]))
    assert writes["vmw_pvscsi", "pvscsi_"] == (BLOCKS if modules else 0)


def test_kallsyms(boot, kallsyms):
    assert boot.step("symbols").status == 0, boot.step("symbols").err
    check(boot.path("symbols.kvmw"), "--guest-kallsyms", kallsyms, modules=True)


def test_recording_alone(boot, kallsyms):
    """A recording has only the functions that it needs; a file of the guest gives the same name in
    every row."""
    path = boot.path("symbols.kvmw")
    check(path, modules=True)
    for keys in "sym", "reason,sym", "rip":
        assert lab_fixtures.report(path, "-s", keys)["rows"] == \
            lab_fixtures.report(path, "-s", keys, "--guest-kallsyms", kallsyms)["rows"]
    stored = int(re.search(r"^symbols +(\d+) functions of the guest$", lab_fixtures.kvmw("info", path).stdout, re.M)[1])
    rows = lab_fixtures.report(path, "-s", "sym")["rows"]
    assert stored == sum(row["symbol_address"] is not None for row in rows)


def test_map_and_image_as_it_is_booted(boot, kernel, system_map):
    """The kernel's offset under KASLR is found from its code."""
    args = ["--guest-map", system_map, "--guest-vmlinux", boot.path("vmlinuz")]
    check(boot.path("symbols.kvmw"), *args, modules=False)
    said = lab_fixtures.kvmw("report", "-s", "sym", *args, boot.path("symbols.kvmw")).stderr
    assert re.match(rf"kvmw: the guest's kernel was at offset {kernel[1]:#x}: (\d+) of \1 instructions ", said)


def test_elf(boot, kernel, vmlinux):
    check(boot.path("symbols.kvmw"), "--guest-vmlinux", vmlinux, "--guest-kaslr", hex(kernel[1]), modules=False)
