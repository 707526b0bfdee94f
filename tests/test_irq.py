# SPDX-License-Identifier: GPL-2.0
"""Interrupts from assertion to EOI, and hypercalls: if a row has a time since the previous step,
that step is among the rows, at exactly that time and with the same source.
"""
import collections
import json

import lab_fixtures
from lab_fixtures import NONE, boots_of, in_boots

# KVMW_KINDS_irq of util/events.h
SET_IRQ, MSI, IPI, ACCEPT, INJECT, EOI, PV_EOI, ACK = 1, 4, 5, 6, 7, 9, 10, 11
PICS = (0, 1)                           # chips, in ACK
VECTOR_IPI, VECTOR_TIMER = 0x20, 0x21   # bench/x86/ports.h


def check_steps(rows):
    """Checks the steps; returns the rows by kind."""
    by_kind = collections.defaultdict(list)
    at = collections.defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
        at[row.kind, row.time_ns].append(row)
    for row in by_kind[ACCEPT]:
        assert (row.span_ns == NONE) == (row.source == 0)
        if row.source:
            before, = at[row.source, row.time_ns - row.span_ns]
            assert before.tid == row.tid
            assert before.irq == row.irq
            assert row.source == SET_IRQ or before.vector == row.vector
    for kind, earlier in (INJECT, ACCEPT), (EOI, INJECT), (PV_EOI, INJECT):
        for row in by_kind[kind]:
            if row.span_ns == NONE:
                continue
            before = [b for b in at[earlier, row.time_ns - row.span_ns]
                      if (b.dest, b.vector) == (row.dest, row.vector)]
            assert len(before) == 1, row
            assert (before[0].source, before[0].irq) == (row.source, row.irq)
    return by_kind


@in_boots(*boots_of("irq"))
def test_known_interrupts(boot):
    step = boot.step("irqs")
    assert step.status == 0, step.err
    did, perf = json.loads(step.out)["total"], lab_fixtures.perf_stat(boot.path("irqs.perf"))
    steps = check_steps(lab_fixtures.rows(boot.path("irqs.kvmw"), "irq"))
    for kind, name in ((IPI, "apic_ipi"), (ACCEPT, "apic_accept_irq"), (INJECT, "inj_virq"),
                       (EOI, "eoi")):
        assert len(steps[kind]) == perf[f"kvm:kvm_{name}"], name
    assert len(steps[IPI]) == did["ipi"]
    assert len(steps[ACCEPT]) == len(steps[EOI]) == did["ipi_taken"] + did["timer_fired"]
    # The source of each; KVM shows no assertion of the APIC's own timer.
    wanted = collections.Counter({(VECTOR_IPI, IPI): did["ipi_taken"],
                                  (VECTOR_TIMER, 0): did["timer_fired"]})
    for kind in ACCEPT, EOI:
        assert collections.Counter((row.vector, row.source) for row in steps[kind]) == wanted
    # Injected once after each acceptance. One injected again because its entry was put off has
    # no time, as it was not accepted a second time.
    first = [row for row in steps[INJECT] if row.span_ns != NONE]
    assert collections.Counter((row.vector, row.source) for row in first) == wanted
    assert all(row.span_ns != NONE for row in steps[EOI])


@in_boots(*boots_of("irq"))
def test_known_hypercalls(boot):
    step = boot.step("irqs")
    did, perf = json.loads(step.out)["total"], lab_fixtures.perf_stat(boot.path("irqs.perf"))
    rows = lab_fixtures.rows(boot.path("irqs.kvmw"), "hypercall")
    assert len(rows) == perf["kvm:kvm_hypercall"] == did["vmcall"]
    # KVM_HC_VAPIC_POLL_IRQ, which gives 0
    assert {row.nr for row in rows} == {1}
    assert {row.result for row in rows} == {0}
    assert all(0 < row.span_ns < 10 ** 9 for row in rows)


@in_boots(*(name for name in boots_of("families") if name != "intel"))
def test_linux_guest(boot):
    """Disk (MSI), serial line (GSI 4), IPIs and timers: the steps match, and almost all have a
    source."""
    steps = check_steps(lab_fixtures.rows(boot.path("families.kvmw"), "irq"))
    accepted = collections.Counter(row.source for row in steps[ACCEPT])
    assert min(accepted[source] for source in (0, SET_IRQ, MSI, IPI)) > 10
    assert {row.irq for row in steps[ACCEPT] if row.source == SET_IRQ} >= {4}
    # The first one of a vector may have been accepted before its vCPU was known.
    for kind in EOI, PV_EOI:
        told = sum(row.span_ns != NONE for row in steps[kind])
        assert told >= 0.98 * len(steps[kind]) > 0
    # No local APIC accepts what a PIC asserts; firmware and early Linux use the PIC.
    pic = max((row.time_ns for row in steps[ACK] if row.address in PICS), default=0)
    later = [row for row in steps[INJECT] if row.time_ns > pic]
    assert sum(row.source != NONE for row in later) >= 0.98 * len(later) > 0
