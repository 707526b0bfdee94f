# SPDX-License-Identifier: GPL-2.0
"""kvmw bench guest makes exactly the VM exits it says, by the kernel's own names and count.

The witness is the trace buffer with kvm:kvm_exit and the events of interrupts in it, large enough to hold all: 5.10 of
Debian's cloud kernels has no histogram triggers, and Intel's lab has no perf.
"""
import collections
import json
import re

import pytest

# What the host does while a guest runs: interrupts and NMIs.
HOST = {"svm": {"interrupt", "nmi"}, "vmx": {"EXTERNAL_INTERRUPT", "EXCEPTION_NMI"}}

# A guest that stands still is QEMU's fault (lab/qemu.py): it is measured again.
PREPARE = """
measured()
{
	for try in 1 2 3; do
		timeout -k 5 $limit kvmw bench guest --json "$@" >/tmp/result
		status=$?
		[ $status = 124 ] || break
		echo >trace
	done
	cat /tmp/result
	return $status
}
limit=60
grep -q vmx /proc/cpuinfo && limit=300
cd /sys/kernel/tracing/events/kvm || exit
set -- kvm_exit kvm_hypercall kvm_apic_ipi kvm_apic_accept_irq kvm_inj_virq kvm_eoi kvm_vcpu_wakeup
for event; do
	[ -e $event ] || exit
done
cd ../..
echo 16384 >buffer_size_kb || exit
"""
COUNTED = """
echo >trace
for event; do echo 1 >events/kvm/$event/enable; done
measured %s || exit
for event; do echo 0 >events/kvm/$event/enable; done
cat per_cpu/cpu*/stats
sed -n 's/.*kvm_exit:.* reason \\([A-Za-z_0-9]*\\) .*/reason \\1/p
t
s/.*: \\(kvm_[a-z_]*\\): .*/event \\1/p' trace | sort | uniq -c
"""

INTERRUPTS = ["--ipi 10 --rounds 10", "--vmcall 7 --rounds 10",
              "--timer 5 --rounds 3 --timer-delay 10000",
              "--ipi 3 --timer 2 --vmcall 2 --cpuid 4 --pio 2 --mmio 2 --msr 3 --touch 3 --vcpus 2 "
              "--rounds 10", "--timer 50 --rounds 2 --timer-delay 1 --vcpus 2"]
SMALL = ["--rounds 100", "--rounds 50 --vcpus 2", "--touch 600 --rounds 2 --vcpus 2 --dirty-log",
         *INTERRUPTS]
# One window is three rounds here: the fourth gives memory back, on both vCPUs.
LARGE = SMALL + ["--touch 5000 --rounds 4 --vcpus 2", "--touch 5000 --rounds 4 --dirty-log",
                 "--cpuid 1 --pio 1 --rounds 3000", "--ipi 20 --rounds 100",
                 "--timer 20 --rounds 20 --timer-delay 500"]


def check(isa, text):
    """A JSON line, what the buffer lost, the reasons and events; any number of times."""
    results, stats = [], 0
    for line in text.splitlines():
        if line.startswith('{"vcpus"'):
            results.append((json.loads(line), collections.Counter(), collections.Counter()))
        lost = re.match(r"(overrun|commit overrun|dropped events): (\d+)", line)
        if lost:
            stats += 1
            assert lost[2] == "0", line
        row = re.match(r" *(\d+) (reason|event) (\w+)$", line)
        if row:
            results[-1][1 if row[2] == "reason" else 2][row[3]] = int(row[1])
    assert stats >= 3 * len(results)
    for said, reasons, events in results:
        not_told = {*HOST[isa], *said["not_told"].get(isa, [])}
        assert said["exits"][isa] == {reason: n for reason, n in reasons.items()
                                      if reason not in not_told}
        check_events(said, events)
    return len(results)


def check_events(said, events):
    """Of one run: what the guest did, as other tracepoints of KVM have it."""
    did = said["total"]
    taken = did["ipi_taken"] + did["timer_fired"]
    assert events["kvm_hypercall"] == did["vmcall"]
    assert events["kvm_apic_ipi"] == did["ipi"]
    assert events["kvm_apic_accept_irq"] == events["kvm_eoi"] == taken
    # Again when KVM puts off the entry after it has set up the injection.
    assert taken <= events["kvm_inj_virq"] <= taken + taken // 10 + 5
    # None when the timer has fired by the time of the halt.
    assert events["kvm_vcpu_wakeup"] <= did["halted"]
    if did["timer"] and said["timer_delay_us"] >= 10000:
        assert events["kvm_vcpu_wakeup"] > 0


def script(runs):
    return PREPARE + "".join(COUNTED % run for run in runs)


def on(isa, name, seconds, options, runs):
    return pytest.param(isa, len(runs), id=name, marks=pytest.mark.lab_run(
        f"bench-{name}", seconds, (*options, "--", script(runs))))


@pytest.mark.parametrize("isa, runs", [
    on("svm", "bullseye", 60, ["--kernel", "bullseye"], LARGE),
    on("svm", "bookworm", 60, ["--kernel", "bookworm"], LARGE),
    on("svm", "bookworm-legacy-mmu", 60, ["--kernel", "bookworm", "--append", "kvm.tdp_mmu=0"], LARGE),
    on("svm", "trixie", 60, ["--kernel", "trixie"], LARGE),
    on("svm", "sid", 60, ["--kernel", "sid"], LARGE),
    # Slow: one run with all of the interrupts' ops.
    on("vmx", "intel", 150, ["--cpu", "intel"], SMALL[:3] + INTERRUPTS[3:4]),
])
def test_exits_are_exact(ran, isa, runs):
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert check(isa, ran.stdout) == runs


@pytest.mark.lab_run("bench-pytest", 60, (
    "--", "KVMW=$(command -v kvmw) python3 -m pytest -q -p no:cacheprovider tests/test_bench_guest.py"))
def test_the_rest_of_it_works_in_the_lab(ran):
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "passed" in ran.stdout and "skipped" not in ran.stdout
