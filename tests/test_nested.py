# SPDX-License-Identifier: GPL-2.0
"""Event nested, with the built-in guest as guest of a guest: its exits are known."""
import collections
import json

import lab_fixtures
from lab_fixtures import NONE, REASONS, in_boots

# KVMW_KINDS_nested of util/events.h, and the tracepoints beneath: those that the kernel has.
ENTER, EXIT, INJECT = 1, 2, 3
POINTS = {ENTER: ["vmenter", "vmrun"], EXIT: ["vmexit"], INJECT: ["vmexit_inject"],
          4: ["intercepts"], 5: ["intr_vmexit"], 8: ["vmenter_failed"]}


@in_boots("families-bookworm", "families-bullseye", "families-trixie", "families-sid")
def test_known_guest_of_a_guest(boot):
    step = boot.step("nested")
    assert step.status == 0, step.err
    line, = [line for line in step.out.splitlines() if line.startswith('{"vcpus"')]
    did, perf = json.loads(line), lab_fixtures.perf_stat(boot.path("nested.perf"))
    rows = lab_fixtures.rows(boot.path("nested.kvmw"), "nested")
    kinds = collections.defaultdict(list)
    for row in rows:
        kinds[row.kind].append(row)
    for kind, names in POINTS.items():
        assert len(kinds[kind]) == sum(perf.get(f"kvm:kvm_nested_{name}", 0) for name in names)

    # What L2 did; KVM hands all of it to L1, which intercepts as KVM does.
    exits = {REASONS["svm"][name]: n for name, n in did["exits"]["svm"].items() if name != "npf"}
    for kind in EXIT, INJECT:
        numbers = collections.Counter(row.reason for row in kinds[kind])
        assert {reason: numbers[reason] for reason in exits} == exits
        assert {row.isa for row in kinds[kind]} == {2}

    # L1's time ends where it runs L2 again; after L2's last exit it does not.
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
