# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e irq and -e fault: the views below the table."""
import collections
import json
import random
import re

import pytest

from synthetic import META, START, VCPUS, VMS, Recording, kvmw, one_line, report, text_of

SET_IRQ, PIC, IOAPIC, MSI, IPI, ACCEPT, INJECT, EOI, PV_EOI = 1, 2, 3, 4, 5, 6, 7, 9, 10
PAGE_FAULT, FAST, SET_SPTE = 1, 2, 4
READ, WRITE, EXEC = 1, 2, 4
RETRY, EMULATE, FIXED, SPURIOUS = 1, 2, 4, 5
MIB = 1 << 20
CROWD = 140_000
ROLES = [{"id": 20, "vm": 0, "vcpu": None, "tid": 100, "comm": "qemu", "role": "vmm"},
         {"id": 21, "vm": 4, "vcpu": None, "tid": 200, "comm": "fc", "role": "vmm"}]


def irq_row(i, kind, span=None, vcpu=0, irq=None, vector=None, mode=None, coalesced=None,
            source=None, address=None):
    return [START + i, span, vcpu, 101, 0, kind, irq, vector, 0, mode, None, None, coalesced,
            source, address, None, None]


def fault_row(i, span, gpa, access, mmio=0, level=None, vcpu=0, kind=PAGE_FAULT, pfn=None, ret_pf=None):
    return [START + i, span, vcpu, 101, 0, kind, gpa, None, None, access, mmio, level, pfn, None, 1,
            None, ret_pf]


def slot_row(i, slot, gpa, size, vcpu=20, result=0):
    return [START + i, 100, vcpu, 100, 0, 1, slot, 0, gpa, size, 0x7f0000000000, result]


def irqs():
    rows = []
    for i in range(100):
        vcpu = i % 2
        rows += [irq_row(10 * i, ACCEPT, 1000 + i, vcpu, 4, 0x23, 0, source=SET_IRQ),
                 irq_row(10 * i + 1, INJECT, 20_000 + i, vcpu, 4, 0x23, source=SET_IRQ),
                 irq_row(10 * i + 2, EOI, 300_000 + i, vcpu, 4, 0x23, source=SET_IRQ)]
    for i in range(40):
        rows += [irq_row(10 * i, ACCEPT, None, 0, None, 0xec, 0, source=0),
                 irq_row(10 * i, INJECT, 700, 0, None, 0xec, source=0),
                 irq_row(10 * i, EOI, 800, 0, None, 0xec, source=0),
                 irq_row(10 * i, PV_EOI, 810, 0, None, 0xec, source=0)]
    rows += [irq_row(i, INJECT, None, 0, None, 0xec, source=0) for i in range(5)]
    rows += [irq_row(i, INJECT, None, 0, None, 0x08) for i in range(7)]
    rows += [irq_row(i, ACCEPT, 50, 0, None, 0x90 + i, 6, source=IPI) for i in range(3)]
    rows += [irq_row(i, IOAPIC, irq=4, vector=0x23, coalesced=i < 6) for i in range(20)]
    rows += [irq_row(i, PIC, irq=2, coalesced=i < 2, address=1) for i in range(10)]
    return rows


def faults():
    rows = [fault_row(i, 1000 + i, 64 * MIB + (i << 12), WRITE, 0, 1, ret_pf=FIXED) for i in range(300)]
    rows += [fault_row(i, 500, 6 * MIB + i * 8, READ, 0, 2, vcpu=1, ret_pf=i % 2 and RETRY or SPURIOUS)
             for i in range(50)]
    rows += [fault_row(i, 90_000, 0xfee000b0, WRITE, 1, ret_pf=EMULATE) for i in range(20)]
    rows += [fault_row(i, 10_000, 64 * MIB, EXEC, 0, 3, vcpu=9) for i in range(4)]
    rows += [fault_row(i, 10, None, READ) for i in range(2)]
    rows += [fault_row(i, None, 64 * MIB, None, None, 1, kind=SET_SPTE, pfn=77) for i in range(310)]
    rows += [fault_row(i, None, 0xfee00000, None, None, 1, kind=SET_SPTE) for i in range(9)]
    rows += [fault_row(i, None, 64 * MIB, None, None, kind=FAST) for i in range(30)]
    return rows


SLOTS = [slot_row(1, 0, 0, 128 * MIB), slot_row(2, 5, MIB, 127 * MIB),
         slot_row(3, 65541, MIB, 127 * MIB), slot_row(4, 6, 64 * MIB, 0),
         slot_row(5, 7, 0, 256 * MIB, result=-22), slot_row(6, 3, 0, 1024 * MIB, vcpu=21)]


def make(path, families, shuffle=None):
    rec = Recording(META | {"events": list(families)}, VMS, VCPUS + ROLES)
    for name, rows in families.items():
        rows = list(rows)
        if shuffle is not None:
            random.Random(shuffle).shuffle(rows)
        rec.events(name, rows, 97)
    rec.end = START + 1_000_000
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make(tmp_path_factory.mktemp("views") / "f",
                {"fault": faults(), "irq": irqs(), "memslot": SLOTS}, shuffle=3)


def near(value, exact):
    return value == pytest.approx(exact, rel=1 / 16)


def test_interrupts(path):
    view = report(path, "-e", "irq")["interrupts"]
    lines = {(line["source"], line["vector"]): line for line in view["sources"]}
    assert [(line["source"], line["injected"]) for line in view["sources"]] == [
        ("GSI 4", 100), ("timer/other", 45), ("unknown", 7), ("IPI", 0)]
    gsi = lines["GSI 4", 0x23]
    assert (gsi["accepted"], gsi["injected"], gsi["eois"], gsi["pv_eois"]) == (100, 100, 100, 0)
    assert (gsi["irq"], gsi["source_kind"], gsi["injected_again"]) == (4, SET_IRQ, 0)
    for key, base in ("to_acceptance", 1000), ("to_injection", 20_000), ("to_eoi", 300_000):
        assert gsi[key]["count"] == 100 and gsi[key]["max_ns"] == base + 99
        assert near(gsi[key]["p50_ns"], base + 50) and near(gsi[key]["p99_ns"], base + 99)
    timer = lines["timer/other", 0xec]
    assert (timer["injected_again"], timer["eois"], timer["pv_eois"]) == (5, 40, 40)
    assert gsi["merged"] == 0 and gsi["to_handler_mean_ns"] == 1000 + 49 + 20_000 + 49
    assert timer["to_handler_mean_ns"] and lines["unknown", 8]["to_handler_mean_ns"] is None
    assert timer["to_acceptance"] == {"count": 0, "p50_ns": None, "p99_ns": None, "max_ns": None}
    assert (timer["to_eoi"]["count"], timer["to_eoi"]["max_ns"]) == (40, 800)
    assert lines["unknown", 8]["injected_again"] == 0
    assert (lines["IPI", None]["mode"], lines["IPI", None]["accepted"]) == ("SIPI", 3)
    assert [(pin["kind"], pin["pin"], pin["coalesced"], pin["changes"])
            for pin in view["coalesced"]] == [("ioapic_set_irq", 4, 6, 20), ("pic_set_irq", 10, 2, 10)]
    assert view["left_out"] == view["sources_hidden"] == 0


def test_text_of_interrupts(path):
    text = text_of(path, "-e", "irq", "--width", "120")
    line = next(line for line in text.splitlines() if line.startswith("GSI 4 ")).split()
    # Nothing was merged; the mean until the handler, and three figures for each step, in us.
    assert line[2:6] == ["0x23", "100", "100", "100"] and len(line) == 16
    assert float(line[6]) == pytest.approx(1.05 + 20.05, abs=0.01)
    narrow = text_of(path, "-e", "irq").splitlines()
    line = next(line for line in narrow if line.startswith("GSI 4 ")).split()
    assert len(line) == 9 and max(map(len, narrow)) <= 80
    words = " ".join(text.replace("\n# ", " ").split())
    assert "handler from the assertion to the injection." in words and " merged: " not in words
    assert "timer/other: raised by KVM itself" in words and "unknown: injected, but" in words
    assert "5 injections were repeated" in words and "40 EOIs were paravirtual" in words
    assert ("8 of 30 changes of interrupt controller pins were coalesced with a pending one: "
            "IOAPIC pin 4 6, PIC pin 10 2") in words


def test_merged(tmp_path):
    """Interrupts accepted while their vector was pending, from any source, are handled as one."""
    GSI, VECTOR = 4, 0x23
    rows = [irq_row(i, ACCEPT, 100, 0, GSI, VECTOR, 0, source=SET_IRQ) for i in range(40)]
    rows += [irq_row(i, ACCEPT, 100, 0, None, VECTOR, 0, source=IPI) for i in range(7)]
    rows += [irq_row(i, INJECT, 200, 0, GSI, VECTOR, source=SET_IRQ) for i in range(30)]
    rows += [irq_row(i, ACCEPT, 100, 0, 5, 0x41, 0, source=SET_IRQ) for i in range(3)]     # by the processor
    rows += [irq_row(i, ACCEPT, 100, 0, 6, 0x51, 0, source=SET_IRQ) for i in range(9)]
    rows += [irq_row(i, INJECT, 200, 0, 6, 0x51, source=SET_IRQ) for i in range(2)]
    rows += [irq_row(i, INJECT, None, 0, None, 0x51) for i in range(4)]     # maybe the same ones
    path = make(tmp_path / "f", {"irq": rows})
    lines = {(line["source"], line["vector"]): line for line in report(path, "-e", "irq")["interrupts"]["sources"]}
    assert {key: line["merged"] for key, line in lines.items()} == {
        ("GSI 4", VECTOR): 10, ("IPI", VECTOR): 7, ("GSI 5", 0x41): None, ("GSI 6", 0x51): 3, ("unknown", 0x51): 0}
    text = text_of(path, "-e", "irq")
    assert re.search(r"^GSI 4 +0x23 +40 +30 +10 ", text, re.M) and re.search(r"^GSI 5 +0x41 +3 +0 +- ", text, re.M)
    assert "merged: accepted while the same vector was pending" in text


def test_only_paravirtual_eois(tmp_path):
    rows = [irq_row(i, PV_EOI, 5000, vector=0xec, source=0) for i in range(3)]
    line, = report(make(tmp_path / "f", {"irq": rows}), "-e", "irq")["interrupts"]["sources"]
    assert (line["eois"], line["to_eoi"]["count"], line["to_eoi"]["max_ns"]) == (3, 3, 5000)


def test_faults(path):
    view = report(path, "-e", "fault")["page_faults"]
    assert view["count"] == 376 and view["no_gpa"] == 2
    access = {(row["access"], row["mmio"]): row for row in view["access"]}
    assert {key: row["count"] for key, row in access.items()} == {
        ("write", False): 300, ("read", False): 52, ("write", True): 20, ("exec", False): 4}
    row = access["write", False]
    assert row["time_ns"] == sum(range(1000, 1300)) and row["max_ns"] == 1299
    assert row["mean_ns"] == row["time_ns"] // 300 and near(row["p50_ns"], 1150)
    assert row["count_percent"] == pytest.approx(100 * 300 / 376, abs=0.001)
    assert sum(row["time_percent"] for row in access.values()) == pytest.approx(100, abs=0.01)
    assert [(row["pid"], row["gpa"], row["size"], row["mmio"], row["slot"], row["count"])
            for row in view["ranges"]] == [
        (100, 64 * MIB, 2 * MIB, False, 5, 300), (100, 6 * MIB, 2 * MIB, False, 5, 50),
        (100, 0xfee00000, 4096, True, None, 20), (200, 64 * MIB, 2 * MIB, False, 3, 4)]
    assert view["ranges"][0]["slot_gpa"] == MIB and view["ranges"][0]["slot_size"] == 127 * MIB
    assert {row["level"]: (row["faults"], row["mapped"]) for row in view["levels"]} == {
        None: (2, 0), 1: (300, 310), 2: (50, 0), 3: (4, 0)}


def test_results_of_faults(path, tmp_path):
    view = report(path, "-e", "fault")["page_faults"]
    assert [(row["ret_pf"], row["mmio"], row["count"], row["time_ns"]) for row in view["results"]] == [
        ("fixed", False, 300, sum(range(1000, 1300))), ("retry", False, 25, 12_500),
        ("spurious", False, 25, 12_500), ("emulate", True, 20, 1_800_000), (None, False, 6, 40_020)]
    rows = [line.split()[:4] for line in text_of(path, "-e", "fault").splitlines()]
    assert ["fixed", "RAM", "300", "79.8"] in rows and ["-", "RAM", "6", "1.6"] in rows
    shown = kvmw("script", "-i", path, "-e", "fault:page_fault").stdout
    assert shown.count("ret_pf=emulate") == 20 and shown.count("ret_pf=") == 370
    rows = [json.loads(line) for line in kvmw("script", "-i", path, "-e", "fault", "--json").stdout.splitlines()]
    assert collections.Counter(row["ret_pf"] for row in rows) == {
        "fixed": 300, "retry": 25, "spurious": 25, "emulate": 20, None: 355}
    # A recording without them, and one of a later version with additional ones.
    old = make(tmp_path / "old", {"fault": [fault_row(0, 5, 4096, READ)]})
    assert "RET_PF" not in text_of(old, "-e", "fault")
    later = make(tmp_path / "later", {"fault": [fault_row(0, 5, 4096, READ, ret_pf=77)]})
    assert ["?", "RAM", "1"] in [line.split()[:3] for line in text_of(later, "-e", "fault").splitlines()]
    assert "ret_pf=77" in kvmw("script", "-i", later).stdout


HVA = 0x7f0000000000
UNMAP, ZAP_ALL, INVALIDATE, CLEAR, PROTECT = 1, 9, 13, 2, 3
MADVISE, IOCTL = 28, 16


def taken_row(i, first, nr, tid, cause=CLEAR, syscall=None, vcpu=20, kind=INVALIDATE):
    """A row: pages of the VMM from FIRST on are taken."""
    start = HVA + (first << 12)
    return [START + i, None, vcpu, tid, 0, kind, start, start + (nr << 12), None, None, None, None,
            None, None, cause, syscall]


def causes(path, *args):
    found = report(path, "-e", "fault", *args)["page_faults"]["refaults"]
    assert found["count"] == sum(cause["count"] for cause in found["causes"])
    return {(cause["how"], cause["thread"]): cause["count"] for cause in found["causes"]}


def test_refaults(tmp_path):
    """Re-faults: pages are mapped at 0, some are taken, and mapped again."""
    slots = [slot_row(0, 0, 0, 512 * MIB)]

    def mapped(when, pages, vcpu=0, level=1, ret_pf=FIXED):
        return [fault_row(when + page, 10, page << 12, WRITE, 0, level, vcpu, ret_pf=ret_pf)
                for page in pages]

    faults = mapped(0, range(100))
    taken = [taken_row(1000, 0, 10, 300, CLEAR, MADVISE),           # by a thread of the VMM
             taken_row(1001, 20, 5, 301),                           # by ksmd, and then again:
             taken_row(1002, 24, 6, 102, PROTECT, IOCTL, vcpu=1),   # by a vCPU: NUMA balancing
             taken_row(1003, 50, 10, 300, CLEAR, MADVISE),
             taken_row(1004, 70, 10, 300, kind=UNMAP),              # of KVM, which does not say why
             taken_row(1005, 40, 0, 300), taken_row(1006, 45, 5, 300, vcpu=21)]     # another VM's
    faults += mapped(2000, range(100), vcpu=1)
    # Not caused by what happened before the page was last mapped, nor by what happened later.
    faults += mapped(4000, [0, 1, 2]) + mapped(4100, [21])
    taken += [taken_row(5000, 0, 100, 300, CLEAR, MADVISE)]
    # These stayed mapped.
    faults += mapped(4200, [30, 31], ret_pf=SPURIOUS) + mapped(4300, [32], level=None)
    # KVM drops all mappings of a VM; this does not affect another one.
    taken += [taken_row(6000, 0, 0, 102, vcpu=1, kind=ZAP_ALL),
              taken_row(6500, 0, 0, 201, vcpu=9, kind=ZAP_ALL)]
    faults += mapped(7000, [90, 91])
    # A huge page, taken as a whole, is mapped again as small ones.
    faults += mapped(0, [1024], level=2) + mapped(9000, range(1024, 1034))
    taken += [taken_row(8000, 1024, 512, 303)]
    tasks = [{"tid": 300, "comm": "balloon"}, {"tid": 301, "comm": "ksmd"},
             {"tid": 303, "comm": "khugepaged"}]
    rec = Recording(META | {"events": ["fault", "mmu", "memslot"]}, VMS, VCPUS + ROLES)
    rec.lines.append(["IDENT", {"tasks": tasks}])
    for name, rows in ("memslot", slots), ("mmu", taken), ("fault", faults):
        random.Random(5).shuffle(rows)
        rec.lines += [["EVENTS", name, rows[i:i + 37]] for i in range(0, len(rows), 37)]
    rec.end = START + 10_000
    path = rec.finish().write(tmp_path / "f")
    assert causes(path) == {("madvise", "balloon"): 20, ("KSM", "ksmd"): 4,
                            ("NUMA balancing", "vCPUs"): 6, ("khugepaged", "khugepaged"): 10,
                            ("zap_all", "vCPUs"): 2, (None, None): 70 + 4}
    assert causes(path, "--vcpu", "0") == {("khugepaged", "khugepaged"): 10, ("zap_all", "vCPUs"): 2,
                                           (None, None): 4}
    text = text_of(path, "-e", "fault")
    assert ["madvise", "balloon", "20"] in [line.split()[:3] for line in text.splitlines()]
    assert "from the VM's start on" not in " ".join(text.split())
    # Without the slots no address is known.
    rec.lines = [line for line in rec.lines if line[1:2] != ["memslot"]]
    path = rec.write(tmp_path / "g")
    assert causes(path) == {(None, None): 116}
    assert report(path, "-e", "fault")["page_faults"]["refaults"]["no_address"] == 116
    assert "from the VM's start on" in " ".join(text_of(path, "-e", "fault").split())


def retried(path, *args):
    """{class: {(how, thread): count}}, or the number for a class without causes; they add up to all
    retries."""
    found = report(path, "-e", "fault", *args)["page_faults"]["retries"]
    if found is None:
        return None
    classes = ["page", "elsewhere", "before", "without", "unknown"]
    for key in "count", "time_ns":
        assert found[key] == sum(found[name][key] for name in classes)
    for name in classes[:3]:
        assert found[name]["count"] == sum(cause["count"] for cause in found[name]["causes"])
    return {name: {(cause["how"], cause["thread"]): cause["count"] for cause in found[name]["causes"]}
            if "causes" in found[name] else found[name]["count"] for name in classes if found[name]["count"]}


def retry_recording(rows, taken, events=("fault", "mmu", "memslot"), meta=META):
    tasks = [{"tid": 300, "comm": "balloon"}, {"tid": 301, "comm": "ksmd"}]
    rec = Recording(meta | {"events": list(events)}, VMS, VCPUS + ROLES)
    rec.lines.append(["IDENT", {"tasks": tasks}])
    slots = [slot_row(0, 0, 0, 512 * MIB), slot_row(0, 0, 0, 512 * MIB, vcpu=21)]
    for name, of in ("memslot", slots), ("mmu", taken), ("fault", rows):
        of = list(of)
        random.Random(7).shuffle(of)
        rec.lines += [["EVENTS", name, of[i:i + 3]] for i in range(0, len(of), 3) if name in events]
    rec.end = START + 10_000
    return rec.finish()


def fault_of(page, when=1000, span=100, ret_pf=RETRY, **more):
    return fault_row(when, span, page << 12, WRITE, 0, more.pop("level", None), ret_pf=ret_pf, **more)


BALLOON, KSM = ("madvise", "balloon"), ("KSM", "ksmd")
RETRIES = {
    # During the fault, at its first and its last moment.
    "begin": ([fault_of(5)], [taken_row(1000, 5, 1, 300, CLEAR, MADVISE)], {"page": {BALLOON: 1}}),
    "end": ([fault_of(5)], [taken_row(1100, 0, 9, 301)], {"page": {KSM: 1}}),
    "just before": ([fault_of(5)], [taken_row(999, 5, 1, 301)], {"before": {KSM: 1}}),
    "just after": ([fault_of(5)], [taken_row(1101, 5, 1, 301)], {"without": 1}),
    # The last of those that covered it; they take precedence over those that did not.
    "two": ([fault_of(5)], [taken_row(1010, 5, 1, 301), taken_row(1020, 5, 1, 300, CLEAR, MADVISE),
                            taken_row(1030, 6, 1, 301)], {"page": {BALLOON: 1}}),
    "page beside it": ([fault_of(5)], [taken_row(1050, 6, 9, 301), taken_row(1050, 0, 5, 301)],
                       {"elsewhere": {KSM: 1}}),
    "elsewhere too early": ([fault_of(5)], [taken_row(999, 6, 9, 301)], {"without": 1}),
    "elsewhere, and before": ([fault_of(5)], [taken_row(999, 5, 1, 301),
                              taken_row(1050, 6, 1, 300, CLEAR, MADVISE)], {"elsewhere": {BALLOON: 1}}),
    "other VM": ([fault_of(5)], [taken_row(1050, 5, 1, 301, vcpu=21),
                                 taken_row(1051, 0, 0, 201, vcpu=9, kind=ZAP_ALL)], {"without": 1}),
    "zap_all": ([fault_of(5)], [taken_row(1050, 0, 0, 102, vcpu=1, kind=ZAP_ALL)],
                {"page": {("zap_all", "vCPUs"): 1}}),
    "nothing taken": ([fault_of(5), fault_of(5, 1200)], [], {"without": 2}),
    # Another vCPU has mapped it since, as a small or a huge page, or before.
    "mapped since": ([fault_of(5), fault_of(5, 950, 10, FIXED, vcpu=1, level=1)],
                     [taken_row(900, 5, 1, 301)], {"without": 1}),
    "huge page since": ([fault_of(5), fault_of(0, 950, 10, FIXED, vcpu=1, level=2)],
                        [taken_row(900, 5, 1, 301)], {"without": 1}),
    "mapped before": ([fault_of(5), fault_of(5, 850, 10, FIXED, vcpu=1, level=1)],
                      [taken_row(900, 5, 1, 301)], {"before": {KSM: 1}}),
    "again and again": ([fault_of(5, 1000 + 200 * i) for i in range(4)] + [fault_of(5, 2000, 10, FIXED, level=1)],
                        [taken_row(1050, 5, 1, 301)], {"page": {KSM: 1}, "before": {KSM: 3}}),
    # A long fault does not hide a short one that ended before.
    "one within another": ([fault_of(5, 1000, 500), fault_of(5, 1100, 10, vcpu=1)],
                           [taken_row(1300, 5, 1, 301)], {"page": {KSM: 1}, "without": 1}),
    "no address": ([fault_of(5), fault_row(1000, 100, None, WRITE, 0, ret_pf=RETRY), fault_of(5, span=None),
                    fault_of((600 * MIB) >> 12)], [taken_row(1050, 5, 1, 301)],
                   {"page": {KSM: 1}, "unknown": 3}),
    "not retried": ([fault_of(5, ret_pf=SPURIOUS), fault_of(6, ret_pf=FIXED, level=1), fault_of(7, ret_pf=None)],
                    [taken_row(1050, 0, 9, 301)], {}),
    "MMIO": ([fault_row(1000, 100, 5 << 12, WRITE, 1, ret_pf=RETRY)], [taken_row(1050, 0, 9, 301)], {}),
}


@pytest.mark.parametrize("name", RETRIES)
def test_retries(tmp_path, name):
    rows, taken, told = RETRIES[name]
    path = retry_recording(rows, taken).write(tmp_path / "f")
    assert retried(path) == told
    assert ("RET_PF_RETRY" in text_of(path, "-e", "fault")) == bool(told)


def test_retries_are_no_mappings(tmp_path):
    """A retry is no mapping: neither a page's first nor its last fault is a re-fault. VMs are kept
    apart."""
    rows = [fault_of(5, 900, 10, FIXED, level=1), fault_of(5), fault_of(5, 1200, 10, FIXED, level=1),
            fault_of(5, 1000, vcpu=9)]
    path = retry_recording(rows, [taken_row(1050, 5, 1, 301)]).write(tmp_path / "f")
    assert causes(path) == {KSM: 1}
    assert retried(path) == {"page": {KSM: 1}, "without": 1}
    assert retried(path, "--vcpu", "0", "--pid", "100") == {"page": {KSM: 1}}
    assert retried(path, "--pid", "200") == {"without": 1}


def test_text_of_retries(tmp_path):
    rows = [fault_of(page, 1000 + 10 * page, 5) for page in range(30)]
    taken = [taken_row(1000 + 10 * page, page, 1, 300, CLEAR, MADVISE) for page in range(12)]
    taken += [taken_row(1000 + 10 * page, 100, 1, 301) for page in range(12, 15)] + [taken_row(900, 20, 5, 301)]
    path = retry_recording(rows, taken).write(tmp_path / "f")
    text = text_of(path, "-e", "fault")
    lines = [line.split() for line in text.splitlines()]
    assert ["the", "page", "madvise", "balloon", "12", "40.0"] in [line[:6] for line in lines]
    assert ["elsewhere", "KSM", "ksmd", "3", "10.0"] in [line[:5] for line in lines]
    assert ["before", "KSM", "ksmd", "5", "16.7"] in [line[:5] for line in lines]
    assert ["nothing", "-", "-", "10", "33.3"] in [line[:5] for line in lines]
    assert text.index("by result (RET_PF_*)") < text.index("Retried page faults") < text.index("Most frequent")
    assert max(map(len, text.splitlines())) <= 80
    more = [fault_of(90, 3000, 5)]
    more_taken = [taken_row(3000, 90, 1, 301)]
    path = retry_recording(rows + more, taken + more_taken).write(tmp_path / "g")
    assert "1 more not shown" in text_of(path, "-e", "fault", "--top", "1")


def test_retries_without_rows_of_memory_taken(tmp_path):
    rows, taken, _ = RETRIES["begin"]
    for name, events, meta in (("not asked for", ("fault", "memslot"), META),
                               ("not here", ("fault", "mmu", "memslot"), META | {"skipped": {"mmu": "no kprobes"}}),
                               ("one vCPU", ("fault", "mmu", "memslot"), META | {"filters": {"vcpus": [0]}})):
        path = retry_recording(rows, [] if name == "not here" else taken, events, meta).write(tmp_path / "f")
        assert retried(path) is None, name
        assert "RET_PF_RETRY" not in text_of(path, "-e", "fault")


def test_text_of_faults(path):
    lines = text_of(path, "-e", "fault").splitlines()
    rows = [line.split() for line in lines]
    assert ["write", "RAM", "300", "79.8"] in [row[:4] for row in rows]
    assert ["0x4000000-0x41fffff", "100", "RAM", "5", "300", "79.8"] in [row[:6] for row in rows]
    assert ["4", "KiB", "300", "310"] in rows
    # A page of MMIO is separate from its neighbours; a single VM needs no column.
    rows = [line.split()[:5] for line in text_of(path, "-e", "fault", "--pid", "100").splitlines()]
    assert ["0xfee00000-0xfee00fff", "MMIO", "-", "20", "5.4"] in rows


def test_selection(path):
    gsi = report(path, "-e", "irq", "--vcpu", "1")["interrupts"]["sources"]
    assert [(line["source"], line["injected"]) for line in gsi] == [("GSI 4", 50)]
    view = report(path, "-e", "fault", "--pid", "200")["page_faults"]
    assert view["count"] == 4 and [row["slot"] for row in view["ranges"]] == [3]
    assert {row["level"]: row["faults"] for row in view["levels"]} == {3: 4}
    view = report(path, "-e", "fault", "--vcpu", "1")["page_faults"]
    assert view["count"] == 50 and view["no_gpa"] == 0


def test_window(path):
    view = report(path, "-e", "irq", "--time", "0,0.0000001")["interrupts"]
    assert view["sources"][0]["injected"] == sum(
        row[0] <= START + 100 for row in irqs() if row[5] == INJECT and row[7] == 0xec)


def test_top(path):
    view = report(path, "-e", "irq", "--top", "1")["interrupts"]
    assert len(view["sources"]) == 1 and view["sources_hidden"] == 3
    view = report(path, "-e", "fault", "--top", "2")["page_faults"]
    assert len(view["ranges"]) == 2 and view["ranges_hidden"] == 2
    assert "2 more ranges not shown" in text_of(path, "-e", "fault", "--top", "2")


def test_order_of_rows_is_of_no_matter(path, tmp_path):
    other = make(tmp_path / "f", {"memslot": SLOTS, "irq": irqs(), "fault": faults()})
    for event, key in ("irq", "interrupts"), ("fault", "page_faults"):
        assert report(path, "-e", event)[key] == report(other, "-e", event)[key]


@pytest.mark.parametrize("name", ["irq", "fault"])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_it_fits(path, name, width):
    assert max(map(len, text_of(path, "-e", name, "--width", width).splitlines())) <= width


def test_hostile_numbers(tmp_path):
    rng = random.Random(11)
    some = [0, 1, 2, 3, 6, 7, 9, 10, 20, 2**64 - 1, 2**64 - 2, 2**63, 0xffffffff, 0xffff, START]

    def value():
        return rng.choice([rng.choice(some), rng.getrandbits(12), rng.getrandbits(63)])

    rows = {name: [[value() for _ in range(nr)] for _ in range(1000)]
            for name, nr in {"irq": 17, "fault": 17, "memslot": 12, "mmu": 16}.items()}
    for name, kinds in ("irq", range(1, 12)), ("fault", [1, 4]), ("memslot", [1]), ("mmu", [13]):
        for row in rows[name]:
            row[5] = rng.choice(list(kinds))
    path = make(tmp_path / "f", rows)
    for name, key in ("irq", "interrupts"), ("fault", "page_faults"):
        rep = report(path, "-e", name, "--top", "100000")
        assert rep[key]["left_out"] >= 0
        for width in 80, 120:
            text = text_of(path, "-e", name, "--width", width)
            assert max(map(len, text.splitlines())) <= width
    done = report(path, "-e", "irq", "--top", "100000")["interrupts"]
    assert sum(line["injected"] for line in done["sources"]) == sum(
        row[5] == INJECT for row in rows["irq"])


def crowded(path):
    """More faults than any table has rows, each on its own page in its own range, unordered."""
    rows = [fault_row(i, 10, i * 2 * MIB, WRITE) for i in range(CROWD)]
    random.Random(1).shuffle(rows)
    rec = Recording(META | {"events": ["fault"]}, VMS, VCPUS + ROLES)
    rec.events("fault", rows, CROWD // 4)
    rec.end = START + CROWD
    return rec.finish().write(path)


def test_more_ranges_and_kinds_than_are_kept(tmp_path):
    """Both in one test: the recording takes long to make."""
    path = crowded(tmp_path / "f")
    rep = report(path, "-e", "fault", "--memory", "1G")
    view = rep["page_faults"]
    assert view["left_out"] == CROWD - 131_072 and view["count"] == rep["total"]["count"] == CROWD
    assert "8,928 faults are not counted here" in text_of(path, "-e", "fault", "--memory", "1G")
    done = kvmw("report", "-i", path, "-e", "fault", "-s", "detail", "--json", "--top", "5", "--memory", "1G")
    one_line(done, 1, f"{CROWD - 131_072} events are not shown: more different keys")
    rep = json.loads(done.stdout)
    assert len(rep["rows"]) == 5 and rep["total"]["recorded"] == 131_072


def test_without_such_rows(tmp_path):
    path = make(tmp_path / "f", {"fault": [fault_row(0, None, 4096, None, None, kind=FAST)]})
    view = report(path, "-e", "fault")["page_faults"]
    assert view["count"] == 0 and view["access"] == view["ranges"] == view["levels"] == []
    assert "Page faults by" not in text_of(path, "-e", "fault")
    one_line(kvmw("report", "-i", path, "-e", "irq"), 1, "no irq events")


def counts(path, *args, key):
    return {row[key]: row["count"] for row in report(path, *args)["rows"]}


def test_faults_by_memory_slot(path, tmp_path):
    assert counts(path, "-e", "fault", "-s", "slot", key="slot") == {5: 690, 3: 4, None: 31}
    assert counts(path, "-e", "memslot", "-s", "slot", key="slot") == {
        row[6]: 1 for row in SLOTS}
    text = text_of(path, "-e", "fault", "-s", "slot,reason")
    assert {line.split()[0] for line in text.splitlines() if " page_fault " in line} == {
        "5", "3", "-"}
    # Small slots are distinguished below 4 MiB; without memslot events slots are unknown.
    low = [fault_row(i, 100, gpa, READ) for i, gpa in enumerate([0x9f000, 0xa0000, MIB, 5 * MIB])]
    slots = [slot_row(1, 0, 0, 0xa0000), slot_row(2, 1, MIB, 63 * MIB)]
    some = make(tmp_path / "low", {"fault": low, "memslot": slots})
    assert counts(some, "-e", "fault", "-s", "slot", key="slot") == {0: 1, 1: 2, None: 1}
    assert counts(make(tmp_path / "none", {"fault": low}), "-e", "fault", "-s", "slot",
                  key="slot") == {None: 4}


def test_families_by_thread(path):
    assert counts(path, "-e", "irq", "-s", "tid", key="thread_number") == {101: len(irqs())}
    assert counts(path, "-e", "memslot", "-s", "thread", key="thread") == {"100": len(SLOTS)}
    rows = report(path, "-e", "irq", "-s", "tid,vcpu")["rows"]
    assert {(row["thread_number"], row["vcpu_id"]) for row in rows} == {(101, 0), (101, 1)}


@pytest.mark.parametrize("event, key", [("exit", "slot"), ("irq", "slot")])
def test_key_that_an_event_lacks(path, event, key):
    done = kvmw("report", "-i", path, "-e", event, "-s", key)
    assert done.returncode == 1 and f"have no key '{key}', but " in done.stderr
    keys = done.stderr.strip().rpartition("but ")[2].split(", ")
    assert key not in keys
    for other in keys:
        assert kvmw("report", "-i", path, "-e", event, "-s", other).stderr.count("have no key") == 0
