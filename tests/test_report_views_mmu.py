# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e mmu: memory that the host took from VMs, and who did."""
import random

import pytest

from synthetic import META, START, VCPUS, VMS, Recording, report, text_of
from test_report_holders import word
from test_report_views_irq_fault import CLEAR, HVA, INVALIDATE, MADVISE, MIB, PROTECT, ROLES, taken_row

UNMAP, MUNMAP = 1, 11
SECOND = 10 ** 9


def make(path, rows, slots=()):
    tasks = [{"tid": 300, "comm": "balloon"}, {"tid": 301, "comm": "ksmd"}]
    rec = Recording(META | {"events": ["mmu", "memslot"]}, VMS, VCPUS + ROLES)
    rec.lines.append(["IDENT", {"tasks": tasks}])
    rows, slots = list(rows), list(slots)
    random.Random(7).shuffle(rows)
    rec.lines += [["EVENTS", "memslot", slots]] * bool(slots)
    rec.lines += [["EVENTS", "mmu", rows[i:i + 50]] for i in range(0, len(rows), 50)]
    rec.end = START + 2 * SECOND
    return rec.finish().write(path)


def taken():
    """In pages of 4 KiB; guest memory is pages 256 to 1279, at gpa 1 MiB, and 2048 on, of another VM."""
    rows = [taken_row(1000 * i, 256 + i, 1, 301) for i in range(512)]               # KSM, page by page
    rows += [taken_row(SECOND + i, 1024, 256, 300, CLEAR, MADVISE) for i in range(40)]      # the same MiB
    rows += [taken_row(5, 0, 2048, 102, PROTECT, vcpu=1)]       # all, what is before, and after
    rows += [taken_row(6 + i, 0, 16, 101, UNMAP, MUNMAP, vcpu=0) for i in range(3)]     # none of it
    rows += [taken_row(9, 2048, 8, 300, CLEAR, MADVISE, vcpu=21)]
    rows += [taken_row(1, 256, 1, 300, kind=1)]     # counted by KVM, not by the kernel
    return rows


SLOTS = [[START, 1, 20, 100, 0, 1, 3, 0, MIB, 4 * MIB, HVA + MIB, 0],
         [START, 1, 20, 100, 0, 1, 1 << 16, 0, MIB, 4 * MIB, HVA + MIB, 0],     # of SMM: the same memory
         [START, 1, 21, 200, 0, 1, 1, 0, 0, 64 * MIB, HVA + 8 * MIB, 0]]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make(tmp_path_factory.mktemp("mmu") / "f", taken(), SLOTS)


def test_causes(path):
    view = report(path, "-e", "mmu")["memory_taken"]
    assert [(c["how"], c["thread"], c["count"], c["bytes"], c["guest_count"], c["guest_bytes"])
            for c in view["causes"]] == [
        ("KSM", "ksmd", 512, 512 * 4096, 512, 512 * 4096),
        ("madvise", "balloon", 41, 40 * MIB + 8 * 4096, 41, 40 * MIB + 8 * 4096),
        ("NUMA balancing", "vCPUs", 1, 8 * MIB, 1, 4 * MIB),
        ("munmap", "vCPUs", 3, 3 * 16 * 4096, 0, 0)]
    assert (view["count"], view["guest_count"]) == (557, 554)
    assert view["guest_bytes"] == sum(c["guest_bytes"] for c in view["causes"])
    ksm, balloon, numa, munmap = view["causes"]
    assert (ksm["cause"], ksm["syscall"], ksm["max_bytes"]) == ("clear", None, 4096)
    assert (ksm["first_ns"], ksm["last_ns"]) == (START, START + 511_000)
    assert (munmap["cause"], munmap["syscall"]) == ("unmap", MUNMAP)
    assert (balloon["syscall"], balloon["max_bytes"]) == (MADVISE, MIB)
    assert ksm["per_second"] == pytest.approx(512 * SECOND / view["duration_ns"], rel=0.001)


def test_ranges(path):
    view = report(path, "-e", "mmu")["memory_taken"]
    assert [(r["pid"], r["gpa"], r["size"], r["count"], r["bytes"]) for r in view["ranges"]] == [
        (100, 0, 2 * MIB, 256, 256 * 4096),             # gpa 1 MiB to 2 MiB
        (100, 2 * MIB, 2 * MIB, 256, 256 * 4096),
        (100, 4 * MIB, 2 * MIB, 40, 40 * MIB),
        (100, MIB, 4 * MIB, 1, 4 * MIB),                # larger than 2 MiB: a row of its own
        (200, 0, 2 * MIB, 1, 8 * 4096)]
    view = report(path, "-e", "mmu", "--top", "2")["memory_taken"]
    assert len(view["ranges"]) == 2 and view["ranges_hidden"] == 3
    assert "3 more ranges not shown" in text_of(path, "-e", "mmu", "--top", "2")


def test_selection(path):
    causes = report(path, "-e", "mmu", "--vcpu", "1")["memory_taken"]["causes"]
    assert [(c["how"], c["count"]) for c in causes] == [("NUMA balancing", 1)]
    causes = report(path, "-e", "mmu", "--pid", "200")["memory_taken"]["causes"]
    assert [(c["how"], c["guest_bytes"]) for c in causes] == [("madvise", 8 * 4096)]
    causes = report(path, "-e", "mmu", "--time", "0.9,2")["memory_taken"]["causes"]
    assert [(c["how"], c["count"]) for c in causes] == [("madvise", 40)]


def test_without_slots(tmp_path):
    path = make(tmp_path / "f", taken())
    view = report(path, "-e", "mmu")["memory_taken"]
    assert view["count"] == 557 and view["guest_count"] is None and view["ranges"] == []
    assert {c["guest_bytes"] for c in view["causes"]} == {None}
    assert "event memslot is recorded too" in " ".join(text_of(path, "-e", "mmu").split())


def test_without_such_rows(tmp_path):
    path = make(tmp_path / "f", [taken_row(1, 256, 1, 300, kind=1)], SLOTS)
    assert report(path, "-e", "mmu")["memory_taken"]["causes"] == []
    assert "Memory that the host took" not in text_of(path, "-e", "mmu")


@pytest.mark.parametrize("width", [80, 100, 120])
def test_it_fits(path, width):
    text = text_of(path, "-e", "mmu", "--width", width)
    assert max(map(len, text.splitlines())) <= width
    assert ["KSM", "ksmd", "512"] in [line.split()[:3] for line in text.splitlines()]


def test_many_threads(tmp_path):
    """More threads than are listed: the rest is one line."""
    rows = [taken_row(i, 256 + i, 1, 1000 + i, CLEAR, MADVISE) for i in range(100)]
    causes = report(make(tmp_path / "f", rows, SLOTS), "-e", "mmu")["memory_taken"]["causes"]
    assert len(causes) == 65 and sum(c["count"] for c in causes) == 100
    assert [(c["how"], c["thread"], c["count"]) for c in causes if c["how"] == "others"] == [
        ("others", None, 36)]
    assert "55 more not shown" in text_of(tmp_path / "f", "-e", "mmu")
    assert "others" in text_of(tmp_path / "f", "-e", "mmu", "--top", "100")


def test_hostile_numbers(tmp_path):
    rng = random.Random(3)
    some = [0, 1, 4096, HVA, HVA + MIB, 2**64 - 1, 2**64 - 2, 2**63, 2**63 + 4095, START]

    def row(nr, kind):
        row = [rng.choice(some) for _ in range(nr)]
        row[2:6] = rng.choice([0, 1, 20, 21, 999]), rng.choice([101, 300, 2**32 - 1]), 0, kind
        return row

    rows = [row(16, INVALIDATE) for _ in range(3000)]
    path = make(tmp_path / "f", rows, [row(12, 1) for _ in range(300)])
    view = report(path, "-e", "mmu", "--top", "100000")["memory_taken"]
    assert view["count"] == sum(c["count"] for c in view["causes"]) > 0
    assert max(map(len, text_of(path, "-e", "mmu").splitlines())) <= 80


VMM, KERNEL, PROCESS, OTHERS = range(1, 5)
NONE = 2 ** 64 - 1


def sums(path, rows):
    """A default recording, with sums of what was taken, but no rows."""
    rec = Recording(META | {"events": ["exit"]}, VMS, VCPUS)
    rec.lines.append(["STATS", "taken", rows])
    rec.end = START + 2 * SECOND
    return rec.finish().write(path)


def sum_row(place, kind, pid, tid, tgid, comm, cause, syscall, count, pages, guest_pages):
    return [place, kind, pid, tid, tgid, *word(comm), cause, syscall, count, pages * 4096, guest_pages and 1,
            guest_pages * 4096]


def test_sums(tmp_path):
    path = sums(tmp_path / "f", [
        sum_row(0, KERNEL, 100, 301, 301, "ksmd", CLEAR, NONE, 300, 300, 200),
        sum_row(1, VMM, 100, 300, 100, "balloon", CLEAR, MADVISE, 4, 2048, 1024),
        sum_row(512, OTHERS, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1, "", NONE, NONE, 1, 1, 0)])
    taken = report(path, "-e", "mmu")["taken"]
    assert [(c["how"], c["thread"], c["kind"], c["pid"], c["count"], c["guest_bytes"]) for c in taken["causes"]] == [
        ("madvise", "balloon", "vmm", 100, 4, 4 * MIB),
        ("KSM", "ksmd", "kernel", 301, 300, 200 * 4096),
        ("others", None, "others", None, 1, 0)]
    assert (taken["count"], taken["bytes"]) == (305, 2349 * 4096)
    text = text_of(path, "-e", "mmu")
    assert "in 2.001 s:" in text and "kvmw record -e mmu,memslot records when each was taken" in text
    assert [line.split() for line in text.splitlines() if "balloon" in line] == [
        "madvise balloon the VMM 4 2.0 8.00 MiB 1 4.00 MiB".split()]
    lines = text_of(path, "-e", "mmu", "--csv").splitlines()
    assert lines[0].startswith("how,thread,kind,pid,cause,syscall,count,") and len(lines) == 4
    assert lines[3].startswith("others,,others,,,,1,4096,")


def test_nothing_was_taken(tmp_path):
    path = sums(tmp_path / "f", [sum_row(512, OTHERS, 0, 0, 0, "", NONE, NONE, 0, 0, 0)])
    assert report(path, "-e", "mmu", status=1)["taken"]["causes"] == []


def first_slot(pid, slot, gpa, size, hva, vm=0):
    return [START - 1, 1, pid, vm, slot, 0, gpa, size, hva, 0]


def test_slots_of_the_beginning(tmp_path):
    """The slots at the start serve for all rows of a VM; they are not used if a process has two
    VMs."""
    rec = Recording(META | {"events": ["mmu"]}, VMS, VCPUS + ROLES)
    rec.lines.append(["STATS", "slot", [first_slot(100, 3, MIB, 4 * MIB, HVA + MIB),
                                        first_slot(100, 4, 8 * MIB, MIB, HVA + 64 * MIB),
                                        first_slot(200, 1, 0, 64 * MIB, HVA + 8 * MIB),
                                        first_slot(200, 1, 0, 64 * MIB, HVA + 8 * MIB, vm=1),
                                        first_slot(300, 1, 0, 64 * MIB, HVA)]])
    rec.lines.append(["EVENTS", "mmu", taken()])
    rec.end = START + 2 * SECOND
    view = report(rec.finish().write(tmp_path / "f"), "-e", "mmu")["memory_taken"]
    assert {c["thread"]: c["guest_bytes"] for c in view["causes"] if c["how"] != "munmap"} == {
        "tid 301": 512 * 4096, "tid 300": 40 * MIB, "vCPUs": 4 * MIB}
    assert [r["gpa"] for r in view["ranges"]] == [0, 2 * MIB, 4 * MIB, MIB]
