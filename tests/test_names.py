# SPDX-License-Identifier: GPL-2.0
"""Names of details of exits and other events: built-in ones, and those of --regions."""
import csv
import io
import json
import random
import resource

import pytest

from synthetic import META, START, SVM, VMS, VCPUS, TREE, Recording, kvmw, one_line, report, text_of

IN, OUT, MMIO_READ, MMIO_WRITE, FAST_MMIO, FAULT_READ, FAULT_WRITE = 1, 2, 3, 4, 5, 6, 7
RDMSR, WRMSR, CR_WRITE, CPUID, HYPERCALL, INTERRUPT, EXCEPTION, HV = 9, 10, 12, 13, 14, 15, 16, 17
DETAILS = {     # (kind, number): label, name
    (OUT, 0x3f8): ("out 0x3f8 COM1 transmit", "COM1 transmit"),
    (IN, 0x3f8): ("in 0x3f8 COM1 receive", "COM1 receive"),
    (IN, 0x608): ("in 0x608 ACPI PM timer", "ACPI PM timer"),
    (OUT, 0xc040): ("out 0xc040", None),
    (MMIO_READ, 0xfed000f0): ("mmio-read 0xfed000f0 HPET counter", "HPET counter"),
    (MMIO_WRITE, 0xfee000b0): ("mmio-write 0xfee000b0 APIC EOI", "APIC EOI"),
    (MMIO_WRITE, 0xfeb80004): ("mmio-write 0xfeb80004", None),
    (FAST_MMIO, 0xfebd0000): ("mmio-fast 0xfebd0000", None),
    (FAULT_WRITE, 0xfed00000): ("fault-write 0xfed00000 HPET", "HPET"),
    (FAULT_READ, 0x5000000): ("fault-read 0x5000000", None),
    (WRMSR, 0x6e0): ("wrmsr 0x6e0 TSC_DEADLINE", "TSC_DEADLINE"),
    (RDMSR, 0x4b564d03): ("rdmsr 0x4b564d03 KVM_STEAL_TIME", "KVM_STEAL_TIME"),
    (RDMSR, 0x12345): ("rdmsr 0x12345", None),
    (CR_WRITE, 3): ("cr-write CR3", "CR3"),
    (CR_WRITE, 5): ("cr-write CR5", None),
    (CPUID, 0xb): ("cpuid 0xb extended topology", "extended topology"),
    (CPUID, 0x40000000): ("cpuid 0x40000000 hypervisor vendor", "hypervisor vendor"),
    (HYPERCALL, 11): ("hypercall 0xb KVM_HC_SCHED_YIELD", "KVM_HC_SCHED_YIELD"),
    (HV, 11): ("hv-hypercall 0xb SendSyntheticClusterIpi", "SendSyntheticClusterIpi"),
    (INTERRUPT, 0xec): ("interrupt 0xec host: local timer", "host: local timer"),
    (INTERRUPT, 0x31): ("interrupt 0x31", None),
    (EXCEPTION, 14): ("exception 14 #PF", "#PF"),
    (99, 1): ("? 0x1", None),
}
DATA = TREE / "tests/data"


def exit_row(i, kind, detail, nested=0):
    return [START + 1000 * i, 100, 1000 + 13 * i, 0, 0, 0, 0, 0, 0, SVM["io"], 0, 2, 0, 0, 0, 0, detail,
            kind, 1, 0xffffffff, 0, 0, nested]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    rec = Recording(META | {"events": ["exit", "fault", "dirty", "mmu"]}, VMS, VCPUS)
    rec.lines.append(["EVENTS", "exit", [exit_row(i, *key) for i, key in enumerate(DETAILS)] +
                      [exit_row(50, OUT, 0x3f8, nested=1)]])
    rec.lines.append(["EVENTS", "fault", [
        [START + i, 5, 0, 101, 0, 1, gpa, 0, 0, 2, mmio, None, None, None, 1, nested]
        for i, (gpa, mmio, nested) in enumerate([(0xfed00108, 1, 0), (0x5000123, 0, 0), (0x5000123, 0, 1)])]])
    rec.lines.append(["EVENTS", "dirty", [[START, None, 0, 101, 0, 1, 0x5000, 1, 1]]])
    rec.lines.append(["EVENTS", "mmu", [[START, None, 0, 101, 0, 5, 0, 0, 1 << 60, 1]]])
    rec.end = START + 1_000_000
    return rec.finish().write(tmp_path_factory.mktemp("names") / "kvmw.data")


def names(path, *args):
    """{(kind, number): name} as report shows them."""
    return {(row["detail_kind"], row["detail_value"]): row.get("name")
            for row in report(path, "-e", "exit", "-s", "detail", *args)["rows"]}


def test_report(path):
    rows = report(path, "-e", "exit", "-s", "detail")["rows"]
    assert {(row["detail_kind"], row["detail_value"]): (row["detail"], row.get("name"))
            for row in rows} == DETAILS
    assert all("name" in row or DETAILS[row["detail_kind"], row["detail_value"]][1] is None for row in rows)
    done = kvmw("report", "-i", path, "-e", "exit", "-s", "detail", "--csv")
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {(int(row["detail_kind"]), int(row["detail_value"])): (row["detail"], row["name"] or None)
            for row in lines} == DETAILS


@pytest.mark.parametrize("sort", ["detail", "reason,detail", "detail,vcpu"])
def test_not_cut_at_80_columns(path, sort):
    text = text_of(path, "-e", "exit", "-s", sort, "--width", "80")
    assert max(map(len, text.splitlines())) <= 80
    for label, _ in DETAILS.values():
        assert label in text


def test_script(path):
    lines = kvmw("script", "-i", path, "-e", "exit").stdout.splitlines()
    assert len(lines) == len(DETAILS) + 1
    for line, ((kind, number), (label, name)) in zip(lines, DETAILS.items()):
        word = f"({name.replace(': ', ':').replace(' ', '_')})" if name else ""
        assert f":{number:#x}{word} " in line, label
    rows = [json.loads(line) for line in kvmw("script", "-i", path, "-e", "exit", "--json").stdout.splitlines()]
    assert [row.get("name") for row in rows[:-1]] == [name for _, name in DETAILS.values()]
    assert [row["detail"] for row in rows[:-1]] == [number for _, number in DETAILS]
    rows = list(csv.DictReader(io.StringIO(kvmw("script", "-i", path, "-e", "exit", "--csv").stdout)))
    assert [row["name"] or None for row in rows[:-1]] == [name for _, name in DETAILS.values()]
    assert "detail=0x3f8(COM1_transmit)" in kvmw("script", "-i", path, "-e", "exit", "-F", "detail").stdout
    assert "name" not in kvmw("script", "-i", path, "-e", "exit", "-F", "rip", "--csv").stdout


def test_of_faults(path, tmp_path):
    view = report(path, "-e", "fault")["page_faults"]["ranges"]
    assert {r["gpa"]: r.get("name") for r in view} == {0xfed00000: "HPET", 0x4e00000 + 0x200000: None}
    text = text_of(path, "-e", "fault", "--width", "80")
    assert max(map(len, text.splitlines())) <= 80
    assert any(line.split()[0] == "0xfed00000-0xfed00fff" and line.endswith(" HPET")
               for line in text.splitlines() if line.startswith("0x"))
    regions = tmp_path / "map"
    regions.write_text("0-fffffff a region with a rather long name, as those of devices are\n")
    ranges = report(path, "-e", "fault", "--regions", regions)["page_faults"]["ranges"]
    assert {r.get("name", "")[:8] for r in ranges} == {"HPET", "a region"}
    text = text_of(path, "-e", "fault", "--width", "80", "--regions", regions)
    assert max(map(len, text.splitlines())) <= 80 and "0x5000000-0x51fffff" in text
    # Part of the range is something else.
    regions.write_text("0-5100fff pc.ram\n")
    ranges = report(path, "-e", "fault", "--regions", regions)["page_faults"]["ranges"]
    assert {r.get("name") for r in ranges} == {"HPET", None}
    rows = report(path, "-e", "fault", "-s", "detail", "--regions", regions)["rows"]
    assert {(row["detail"], row.get("name")) for row in rows} == {
        ("page_fault 0xfed00000 HPET", "HPET"), ("page_fault 0x5000000 pc.ram", "pc.ram")}
    assert report(path, "-e", "dirty", "-s", "detail", "--regions", regions)["rows"][0]["name"] == "pc.ram"
    assert "name" not in report(path, "-e", "mmu", "-s", "detail", "--regions", regions)["rows"][0]


def test_simple_regions(path, tmp_path):
    regions = tmp_path / "map"
    regions.write_text("""\
# what this VM has
  0xfe000000-0xfeffffff\tall of it

feb80000-feb9ffff  nic\r
FED000F0-FED000F7 my counter
fed00000-fed003ff hpet
address-space: I/O
0x3f8-0x3ff serial
0x3fa-0x3fa never
c000-cfff first
c000-cfff second, which counts
address-space: memory
5000000-5000000 one byte
""")
    assert names(path, "--regions", regions) == {key: name for key, (_, name) in DETAILS.items()} | {
        (MMIO_WRITE, 0xfeb80004): "nic", (MMIO_READ, 0xfed000f0): "my counter",
        (FAULT_WRITE, 0xfed00000): "hpet", (MMIO_WRITE, 0xfee000b0): "all of it",
        (FAST_MMIO, 0xfebd0000): "all of it", (OUT, 0x3f8): "serial", (IN, 0x3f8): "serial",
        (OUT, 0xc040): "second, which counts", (FAULT_READ, 0x5000000): "one byte"}
    lines = kvmw("script", "-i", path, "-e", "exit,fault", "--regions", regions).stdout.splitlines()
    assert sum("detail=out:0x3f8(serial)" in line for line in lines) == 1
    # A nested guest's ports and memory get no names of the VM's.
    assert sum("detail=out:0x3f8(COM1_transmit)" in line for line in lines) == 1
    assert sum("gpa=0xfed00108(hpet)" in line for line in lines) == 1


@pytest.mark.parametrize("name", ["mtree-q35.txt", "mtree-pc.txt"])
def test_qemus_text(path, tmp_path, name):
    """QEMU's text as its monitor prints it; a more exact built-in name is kept."""
    found = names(path, "--regions", DATA / name)
    known = {key: name for key, (_, name) in DETAILS.items()} | {(FAULT_READ, 0x5000000): "pc.ram"}
    if name == "mtree-q35.txt":
        known |= {(MMIO_WRITE, 0xfeb80004): "e1000e-mmio", (FAST_MMIO, 0xfebd0000): "msix-table",
                  (OUT, 0xc040): "e1000e-io"}
    assert found == known
    # With KVM, regions with a memory slot are marked; with -o, each has an owner.
    text = (DATA / name).read_bytes().decode().replace("\r", "")
    for end in " KVM", " owner:{dev id=net0}", " owner:{dev path=/machine/q35} KVM":
        other = tmp_path / "other"
        other.write_text("".join(line + (end if " (prio " in line else "") + "\n"
                                 for line in text.splitlines()))
        assert names(path, "--regions", other) == found


def test_older_headings(path, tmp_path):
    regions = tmp_path / "map"
    for heading in "address-space (flat view): I/O", "address-space: I/O":
        regions.write_text(f"{heading}\n  000000000000c000-000000000000c0ff (prio 1, i/o): nic @0000000000000010\n"
                           "address-space: VGA\n  0000000000000000-ffffffffffffffff (prio 0, i/o): bus\n")
        assert names(path, "--regions", regions)[OUT, 0xc040] == "nic"
        assert names(path, "--regions", regions)[FAULT_READ, 0x5000000] is None


@pytest.mark.parametrize("text, line, words", [
    ("0-10 a\n\n20-10 b\n", 3, ["FROM is greater than TO"]),
    ("0-10\n", 1, ["FROM-TO without a NAME"]),
    ("0-10 a\n11 b\n", 2, ["'11 b'", "FROM-TO NAME", "info mtree -f"]),
    ("0-10 a\n10-xyz b\n", 2, ["'10-xyz b'"]),
    ("0-10x b\n", 1, ["'0-10x b'"]),
    ("-10 b\n", 1, ["'-10 b'"]),
    ("0-10000000000000000 b\n", 1, ["FROM-TO NAME"]),
    ("0x-10 b\n", 1, ["FROM-TO NAME"]),
    ("what\033[31m is this" * 9 + "\n", 1, ["'what?[31m is this"]),
    ("  0000-00ff (prio 0, i/o) serial\n", 1, ["info mtree -f"]),
    ("address-space: I/O\n  0-ffff (prio 0, i/o): io\n    20-21 (prio 0, i/o): pic\n", 3,
     ["info mtree; use that of info mtree -f"]),
    ("address-space: memory\n  0-ff (prio 0, ram): alias ram-below-4g @pc.ram 0-ff\n", 2,
     ["use that of info mtree -f"]),
    ("0-1 " + "x" * 5000 + "\n", 1, ["more than 4094 bytes"]),
    ("0-1 a\n2-3 b\0c\n4-5 d\n", 2, ["not a line of text"]),
])
def test_wrong_lines(path, tmp_path, text, line, words):
    regions = tmp_path / "map"
    regions.write_text(text)
    for command in "report", "script":
        one_line(kvmw(command, "-i", path, "--regions", regions), 1, f"kvmw: {regions}:{line}: ", *words)


def test_wrong_files(path, tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    one_line(kvmw("report", "-i", path, "--regions", empty), 1, "names no memory and no ports", "info mtree -f")
    one_line(kvmw("script", "-i", path, "--regions", tmp_path / "nowhere"), 1, "nowhere: No such file")
    one_line(kvmw("report", "-i", path, "--regions", tmp_path), 1, "Is a directory")
    one_line(kvmw("report", "-i", path, "--regions", DATA / "svm-mixed.kvmw"), 1, "svm-mixed.kvmw:1: ")


def test_large_file(path, tmp_path):
    """Overlapping ranges in any order. The safety limit is in seconds of CPU time."""
    rng = random.Random(4)
    ranges = []
    for i in range(100_000):
        start = rng.randrange(1 << 40)
        ranges.append((start, start + rng.randrange(1 << rng.randrange(1, 40)), f"r{i}"))
    regions = tmp_path / "map"
    regions.write_text("".join(f"{start:x}-{end:#x} {name}\n" for start, end, name in ranges))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = names(path, "--regions", regions)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    for (kind, number), (_, name) in DETAILS.items():
        if kind not in (MMIO_READ, MMIO_WRITE, FAST_MMIO, FAULT_READ, FAULT_WRITE):
            continue
        inside = [(end - start, -i) for i, (start, end, _) in enumerate(ranges) if start <= number <= end]
        assert found[kind, number] == (f"r{-min(inside)[1]}" if inside else name)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5


def msr_row(i, vcpu, written, nested=0, msr=0x830, total=10_000):
    return [START + 100_000 * i, 1000, total, 0, 0, 0, 0, 0, 0, 0x7c, vcpu, 2, 0, 0, 0, 0, msr, WRMSR,
            0, 0xffffffff, 0, 0, nested, 0, written]


def write_msrs(path, rows):
    rec = Recording(META, VMS, VCPUS)
    rec.lines.append(["EVENTS", "exit", rows])
    rec.end = START + 100_000 * (len(rows) + 1)
    return rec.finish().write(path)


def icr(to, vector, more=0):
    return to << 32 | vector | more


def test_interrupt_commands(tmp_path):
    """Every output names target and vector of an interrupt command; level and trigger do not
    matter."""
    sent = [(icr(1, 0xfd), "ICR: IPI vector 0xfd to vCPU 1")] * 3 + [
        (icr(1, 0xfd, 0x4000), "ICR: IPI vector 0xfd to vCPU 1"),
        (icr(2, 0xfb), "ICR: IPI vector 0xfb to APIC id 2"),
        (icr(0, 0xf6, 0xc0000), "ICR: IPI vector 0xf6 to others"),
        (None, "X2APIC_ICR")]
    path = write_msrs(tmp_path / "f", [msr_row(i, 0, value) for i, (value, _) in enumerate(sent)] +
                      [msr_row(20, 0, icr(1, 0xfd), nested=1)])
    sent.append((None, "ICR: IPI vector 0xfd to APIC id 1"))
    names = [name for _, name in sent]
    rows = report(path, "-s", "detail")["rows"]
    assert {row["name"]: row["count"] for row in rows} == {name: names.count(name) for name in names}
    assert {row["detail"] for row in rows} == {
        f"wrmsr {'0x830 ' if name == 'X2APIC_ICR' else ''}{name}" for name in names}
    assert all(row["detail_value"] == 0x830 for row in rows)
    found = [json.loads(line) for line in kvmw("script", "-i", path, "--json").stdout.splitlines()]
    assert [row["name"] for row in found] == names
    assert found[0]["written"] == icr(1, 0xfd) and found[6]["written"] is None
    rows = csv.DictReader(io.StringIO(kvmw("script", "-i", path, "--csv").stdout))
    assert [row["name"] for row in rows] == names
    text = kvmw("script", "-i", path).stdout
    assert "detail=wrmsr:0x830(ICR:IPI_vector_0xfd_to_vCPU_1) " in text
    assert "written=0x1000000fd" in kvmw("script", "-i", path, "-F", "+written").stdout


def test_interrupt_commands_of_a_reason(tmp_path):
    """Frequent commands are details; if there are too many different ones, the register is."""
    few = [msr_row(i, 0, icr(i % 4 == 0, 0xfd)) for i in range(100)]
    (reason,) = report(write_msrs(tmp_path / "few", few))["rows"]
    assert [(d["detail"], d["count"]) for d in reason["details"]] == [
        ("wrmsr ICR: IPI vector 0xfd to vCPU 0", 75), ("wrmsr ICR: IPI vector 0xfd to vCPU 1", 25)]
    many = [msr_row(i, 0, icr(i % 50, 0xfd)) for i in range(100)] + [
        msr_row(i, 0, i, msr=0x6e0) for i in range(100, 150)]
    (reason,) = report(write_msrs(tmp_path / "many", many))["rows"]
    assert [(d["detail"], d["count"]) for d in reason["details"]] == [
        ("wrmsr 0x830 X2APIC_ICR", 100), ("wrmsr 0x6e0 TSC_DEADLINE", 50)]
