# SPDX-License-Identifier: GPL-2.0
"""kvmw bench guest makes exactly the VM exits that it reports, by the kernel's own names and
counts."""
import collections
import json
import re

import pytest

from lab_fixtures import boots_of, in_boots

# The host's own exits while a guest runs: interrupts and NMIs.
HOST = {"svm": {"interrupt", "nmi"}, "vmx": {"EXTERNAL_INTERRUPT", "EXCEPTION_NMI"}}


class Run:
    """What one guest printed, what the trace buffer lost, and its events."""

    def __init__(self, lines):
        self.said = None
        self.lost = []
        self.found = {"reason": collections.Counter(), "event": collections.Counter()}
        for line in lines:
            lost = re.match(r"(overrun|commit overrun|dropped events): (\d+)", line)
            row = re.match(r" *(\d+) (reason|event) (\w+)$", line)
            if line.startswith("{"):
                self.said = json.loads(line)
            elif lost:
                self.lost.append(int(lost[2]))
            elif row:
                self.found[row[2]][row[3]] = int(row[1])


def check_events(did, delay_us, events):
    """Checks what the guest did against other tracepoints of KVM."""
    taken = did["ipi_taken"] + did["timer_fired"]
    assert events["kvm_hypercall"] == did["vmcall"]
    assert events["kvm_apic_ipi"] == did["ipi"]
    assert events["kvm_apic_accept_irq"] == events["kvm_eoi"] == taken
    # Repeated if KVM puts off the entry after it has set up the injection.
    assert taken <= events["kvm_inj_virq"] <= taken + taken // 10 + 5
    # None if the timer has fired before the halt.
    assert events["kvm_vcpu_wakeup"] <= did["halted"]
    if did["timer"] and delay_us >= 10000:
        assert events["kvm_vcpu_wakeup"] > 0


@in_boots(*boots_of("bench"))
def test_exits_are_exact(boot):
    runs = boot.path("bench.txt").read_text().split("run --")[1:]
    assert len(runs) == (1 if boot.isa == "vmx" else 13) and runs[-1].endswith("\ndone\n")
    for run in map(Run, (text.splitlines() for text in runs)):
        said = run.said
        assert len(run.lost) >= 3 and not any(run.lost)
        not_told = {*HOST[boot.isa], *said["not_told"].get(boot.isa, [])}
        assert said["exits"][boot.isa] == {reason: n for reason, n in run.found["reason"].items()
                                           if reason not in not_told}
        check_events(said["total"], said["timer_delay_us"], run.found["event"])


@pytest.mark.lab_run("bench-pytest", 60, (
    "--", "KVMW=$(command -v kvmw) python3 -m pytest -q -m lab -p no:cacheprovider tests/test_bench_guest.py"))
def test_the_rest_of_it_works_in_the_lab(ran):
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "passed" in ran.stdout and "skipped" not in ran.stdout
