# SPDX-License-Identifier: GPL-2.0
"""Event nested, with the built-in guest as the guest of a guest, whose exits are known."""
import bisect
import collections
import json

import lab_fixtures
from lab_fixtures import NONE, REASONS, boots_of, in_boots

# KVMW_KINDS_nested of util/events.h, and their tracepoints, as far as the kernel has them.
ENTER, EXIT, INJECT = 1, 2, 3
PAGE_FAULT = 1              # KVMW_KINDS_fault
RETRY, EMULATE, FIXED, WRITE_PROTECTED = 1, 2, 4, 7     # KVMW_RET_PFS
VMRUN = 0x80                # arch/x86/include/uapi/asm/svm.h
POINTS = {ENTER: ["vmenter", "vmrun"], EXIT: ["vmexit"], INJECT: ["vmexit_inject"],
          4: ["intercepts"], 5: ["intr_vmexit"], 8: ["vmenter_failed"]}


@in_boots(*boots_of("nested"))
def test_known_guest_of_a_guest(boot):
    step = boot.step("nested")
    assert step.status == 0, step.err
    line, = [line for line in step.out.splitlines() if line.startswith("{")]
    did, perf = json.loads(line), lab_fixtures.perf_stat(boot.path("nested.perf"))
    rows = lab_fixtures.rows(boot.path("nested.kvmw"), "nested")
    kinds = collections.defaultdict(list)
    for row in rows:
        kinds[row.kind].append(row)
    for kind, names in POINTS.items():
        assert len(kinds[kind]) == sum(perf.get(f"kvm:kvm_nested_{name}", 0) for name in names)

    # What L2 did; KVM hands all of it to L1, which intercepts the same as KVM.
    exits = {REASONS["svm"][name]: n for name, n in did["exits"]["svm"].items() if name != "npf"}
    for kind in EXIT, INJECT:
        numbers = collections.Counter(row.reason for row in kinds[kind])
        assert {reason: numbers[reason] for reason in exits} == exits
        assert {row.isa for row in kinds[kind]} == {2}

    # L1's time ends when it runs L2 again, which it does not after L2's last exit.
    enters = {row.time_ns for row in kinds[ENTER]}
    told = [row for row in kinds[INJECT] if row.span_ns != NONE]
    assert len(told) == len(kinds[INJECT]) - 1
    for row in told:
        assert row.time_ns + row.span_ns in enters
    last = max(kinds[INJECT], key=lambda row: row.time_ns)
    assert last.span_ns == NONE and last.time_ns > max(enters)
    total, = [t for t in lab_fixtures.rows(boot.path("nested.kvmw"), "total")
              if (t.event, t.reason) == (13, INJECT)][-1:]
    assert (total.count, total.done) == (len(kinds[INJECT]), len(told))
    assert total.span_ns == sum(row.span_ns for row in told)


@in_boots(*boots_of("nested"))
def test_exits_of_l2_are_marked(boot):
    """Exactly the exits of L2 are marked as such, and likewise faults at addresses of L2."""
    path = boot.path("nested.kvmw")
    exits = lab_fixtures.rows(path)
    traced = sorted(row for row in lab_fixtures.rows(path, "nested") if row.kind == EXIT)
    of_l2 = sorted(row for row in exits if row.nested == 1)
    assert len(of_l2) == len(traced) > 270
    assert [(row.rip, row.reason, row.info1) for row in of_l2] == [
        (row.rip, row.reason, row.info1) for row in traced]
    assert {row.nested for row in exits} == {0, 1}
    assert {row.nested for row in exits if row.reason == VMRUN} == {0}
    parts = {row["nested"]: row["count"]
             for row in lab_fixtures.report(path, "-s", "nested")["rows"]}
    assert parts == {1: len(of_l2), 0: len(exits) - len(of_l2)}

    faults = [row for row in lab_fixtures.rows(path, "fault") if row.kind == PAGE_FAULT]
    assert {row.nested for row in faults} == {0, 1}
    began = [row.time_ns for row in exits]
    for row in faults:
        of = exits[bisect.bisect_right(began, row.time_ns) - 1]
        assert row.nested == of.nested
        assert not row.nested or (row.level, row.pfn) == (NONE, NONE)
    # Other functions handle L2's faults: mapped, or left to L1.
    assert {row.ret_pf for row in faults if row.nested} == {RETRY, FIXED}
    # L1 writes to page tables that KVM shadows; this has its own number since 6.12.
    of_tables = {row.ret_pf for row in faults if not row.nested and row.mmio == 0} - {RETRY, FIXED}
    assert of_tables == {WRITE_PROTECTED if boot.name == "families-sid" else EMULATE}
