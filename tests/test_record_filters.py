# SPDX-License-Identifier: GPL-2.0
"""Filters of kvmw record select the cycles that get a record; totals count all cycles."""
import collections
import json

import lab_fixtures
from lab_fixtures import NONE, REASONS, boots_of, in_boots

SVM = REASONS["svm"]
PORT, MSR = 0x5150, 0x17a       # bench/x86/ports.h


class Filtered:
    def __init__(self, boot, name):
        step = boot.step(f"filter-{name}")
        assert step.status == 0, step.err
        self.did = json.loads(step.out)
        self.path = boot.path(f"filter-{name}.kvmw")
        self.rows = lab_fixtures.rows(self.path)
        last = {(t.vcpu, t.event, t.isa, t.reason): t for t in lab_fixtures.rows(self.path, "total")}
        self.totals = {(key[1], key[3]): t for key, t in last.items()}
        assert lab_fixtures.report(self.path)["recording"]["complete"]
        # The totals cover the whole guest, and count the filtered cycles.
        for name, number in self.did["exits"]["svm"].items():
            assert self.totals[1, SVM[name]].count == number
        by_reason = collections.Counter(row.reason for row in self.rows)
        for (event, reason), t in self.totals.items():
            if event == 1:
                # The very last cycle has no end: it is neither recorded nor filtered.
                assert t.count - (by_reason[reason] + t.lost + t.left_out) in (0, 1)
                assert t.count - t.done in (0, 1)

    def only(self, *reasons):
        assert {row.reason for row in self.rows} == {SVM[name] for name in reasons}


@in_boots(*boots_of("filters"))
def test_reason(boot):
    found = Filtered(boot, "reason")
    found.only("cpuid", "msr")
    assert len(found.rows) == 310


@in_boots(*boots_of("filters"))
def test_min_duration(boot):
    """--min-duration applies to every event; a cycle without an end passes if it is old enough."""
    found = Filtered(boot, "duration")
    assert all(row.total_ns >= 400_000 for row in found.rows)
    for row in lab_fixtures.rows(found.path, "userspace"):
        assert row.user_ns >= 400_000
    for row in lab_fixtures.rows(found.path, "fault"):
        assert row.span_ns >= 400_000
    assert any(t.left_out for (event, _), t in found.totals.items() if event == 1)


@in_boots(*boots_of("filters"))
def test_port(boot):
    found = Filtered(boot, "port")
    found.only("io")
    assert len(found.rows) == 200
    assert {(row.detail, row.detail_size) for row in found.rows} == {(PORT, 1)}


@in_boots(*boots_of("filters"))
def test_gpa(boot):
    """--gpa selects page faults and MMIO, in events exit and fault."""
    found = Filtered(boot, "gpa")
    found.only("npf")
    faults = [row for row in lab_fixtures.rows(found.path, "fault") if row.gpa != NONE]
    assert faults and all(row.gpa >= 0x100000000 for row in faults)
    assert all(row.detail >= 0x100000000 for row in found.rows)
    assert len(found.rows) < found.totals[1, SVM["npf"]].count


@in_boots(*boots_of("filters"))
def test_msr(boot):
    found = Filtered(boot, "msr")
    found.only("msr")
    assert len(found.rows) == 10 and {row.detail for row in found.rows} == {MSR}


@in_boots(*boots_of("filters"))
def test_several_details_are_alternatives(boot):
    found = Filtered(boot, "several")
    found.only("msr", "io")
    assert len(found.rows) == 210


@in_boots(*boots_of("filters"))
def test_sample(boot):
    found = Filtered(boot, "sample")
    done = sum(t.done for (event, _), t in found.totals.items() if event == 1)
    assert len(found.rows) == done // 7
    assert len(Filtered(boot, "both").rows) == 30


@in_boots(*boots_of("filters"))
def test_no_addresses(boot):
    """With --no-addresses every address, value and stack is unknown; counts are not."""
    path = boot.path("filter-no-addresses.kvmw")
    assert boot.step("filter-no-addresses").status == 0
    rows = lab_fixtures.rows(path)
    assert rows and {(row.rip, row.info2, row.written) for row in rows} == {(NONE,) * 3}
    assert {row.detail for row in rows if 3 <= row.detail_kind <= 8} == {NONE}
    for event, names in {"fault": ["gpa", "rip", "hva", "pfn"], "ioctl": ["arg"], "mmu": ["start", "end", "gfn"],
                         "memslot": ["gpa", "hva"], "dirty": ["gfn"]}.items():
        assert all(getattr(row, name) == NONE for row in lab_fixtures.rows(path, event) for name in names)


@in_boots(*boots_of("filters"))
def test_resolution(boot):
    """With --resolution durations are rounded, but their sums are still the kernel's."""
    found = Filtered(boot, "resolution")
    assert lab_fixtures.report(found.path)["recording"]["resolution"] == "1/16"
    for event, names in {"exit": ["guest_ns", "total_ns", "user_ns", "halt_ns"], "userspace": ["run_ns", "user_ns"],
                         "fault": ["span_ns"], "ioctl": ["span_ns"]}.items():
        for value in (getattr(row, name) for row in lab_fixtures.rows(found.path, event) for name in names):
            step = min(1 << max(value.bit_length() - 5, 0), 1024)
            assert value == NONE or value % step == 0
    exits = [t for (event, _), t in found.totals.items() if event == 1]
    assert not any(t.lost for t in exits)
    # Half of the largest step for each vCPU; there is one vCPU.
    for name, total in ("total_ns", "span_ns"), ("guest_ns", "gap_ns"), ("user_ns", "user_ns"):
        recorded = sum(getattr(row, name) for row in found.rows if getattr(row, name) != NONE)
        assert abs(recorded - sum(getattr(t, total) for t in exits)) <= 512, name
