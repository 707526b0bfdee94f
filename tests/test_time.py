# SPDX-License-Identifier: GPL-2.0
"""Where a vCPU's time goes, and the details of its exits, on real KVM hosts.

Witnesses: the built-in guest, which counts what it does and how long its VMM takes; the
scheduler's accounting of each thread; perf, with returns to the VMM and halts of the same run.
"""
import collections
import json
import re

import lab_fixtures
from lab_fixtures import NONE, boots_of, by_vcpu, check_chain, in_boots, perf_script

# util/events.h
PIO_OUT, MMIO_WRITE, FAULT_WRITE, MSR_READ, MSR_WRITE, CPUID, INTERRUPT = 2, 4, 7, 9, 10, 13, 15
PARTS = ("user_ns", "halt_ns", "wait_ns", "block_ns")
NO_REASON, NO_CPU = 0xffffffff, 0xffff
USER = {"io": 2, "hlt": 5, "mmio": 6}      # include/uapi/linux/kvm.h: KVM_EXIT_*

SCENES = ["time-busy", "time-vmm", "time-preempted"]


def recorded(boot, name):
    """A recording's rows by vCPU, checked to add up, and the thread of each vCPU."""
    step = boot.step(name)
    assert step.status == 0, step.err
    path = boot.path(f"{name}.kvmw")
    rep = lab_fixtures.report(path)
    assert rep["lost"] == 0
    return by_vcpu(lab_fixtures.rows(path)), {v["id"]: v["tid"] for v in rep["recording"]["vcpus"]}


def kvm_ns(row):
    return row.total_ns - sum(getattr(row, part) for part in PARTS)


@in_boots(*boots_of("time"))
def test_parts_add_up(boot):
    """guest + KVM + VMM + halted + waiting + blocked is all of the time, nothing counted twice."""
    for name in SCENES + ["time-idle"] * (boot.name in boots_of("idle")):
        rows, _ = recorded(boot, name)
        about = lab_fixtures.info(boot.path(f"{name}.kvmw"))
        totals = [t for t in lab_fixtures.rows(boot.path(f"{name}.kvmw"), "total") if t.event == 1]
        last = {(t.vcpu, t.reason): t for t in totals}
        for vcpu, of_vcpu in rows.items():
            check_chain(of_vcpu)
            done = [row for row in of_vcpu if row.total_ns != NONE]
            for row in done:
                assert kvm_ns(row) >= 0 and row.poll_ns <= row.halt_ns
                assert row.entry_cpu == row.exit_cpu == 0
            assert [row.entry_cpu for row in of_vcpu if row.total_ns == NONE] == [NO_CPU]

            # The kernel's totals are the same, and equal the time by the clock.
            spent = collections.Counter()
            for (of, _), total in last.items():
                for column in ("gap_ns", "span_ns", "poll_ns", *PARTS):
                    spent[column] += getattr(total, column) if of == vcpu else 0
            for column in ("poll_ns", *PARTS):
                assert spent[column] == sum(getattr(row, column) for row in done)
            first = of_vcpu[0]
            began = first.time_ns - (first.guest_ns if first.guest_ns != NONE else 0)
            clock = about["start_ns"] + about["duration_ns"] - began
            still_open = about["start_ns"] + about["duration_ns"] - of_vcpu[-1].time_ns
            parts = {part: spent[part] for part in PARTS}
            parts["kvm"] = spent["span_ns"] - sum(parts.values())
            assert parts["kvm"] > 0
            all_of_it = spent["gap_ns"] + sum(parts.values()) + still_open
            assert abs(all_of_it - clock) <= clock / 1000, (name, vcpu, parts)


def window(rows, begin, end, value):
    """A value's sum over the cycles (each with the guest time before it) in a window: at least, at
    most."""
    least = most = 0
    for row in rows:
        first = row.time_ns - (row.guest_ns if row.guest_ns != NONE else 0)
        if row.total_ns == NONE or first >= end or lab_fixtures.end_ns(row) <= begin:
            continue
        most += value(row)
        if first >= begin and lab_fixtures.end_ns(row) <= end:
            least += value(row)
    return least, most


def on_cpu(row):
    """Time on a CPU within halts that slept: going to sleep, waking up."""
    return (kvm_ns(row) + row.user_ns + row.poll_ns +
            (row.guest_ns if row.guest_ns != NONE else 0))


SWITCH_NS = 100_000     # of an emulated clock


def agrees_with_scheduler(boot, name, share):
    """
    Yields a vCPU's wait and its wall time, checked against the scheduler. They may differ by a
    share, and for each switch by some microseconds between the two readings of the clock.
    """
    rows, tids = recorded(boot, name)
    (begin, before), (end, after) = json.loads(boot.step(name).out)
    for vcpu, of_vcpu in rows.items():
        tid = str(tids[vcpu])
        ran, waited = (after[tid][i] - before[tid][i] for i in (0, 1))
        slack = (end - begin) * share + SWITCH_NS * sum(
            row.halt_ns > 0 or row.wait_ns > 0 for row in of_vcpu if row.total_ns != NONE)
        # The cycle that was open at the end, if the end was in the window.
        last = of_vcpu[-1]
        after_last = last.time_ns if last.total_ns == NONE else lab_fixtures.end_ns(last)
        unknown = max(end - after_last, 0)
        least, most = window(of_vcpu, begin, end, lambda row: row.wait_ns)
        assert least - slack <= waited <= most + unknown + slack
        least, most = window(of_vcpu, begin, end, on_cpu)
        assert least - slack <= ran <= most + unknown + slack
        yield waited, end - begin


@in_boots(*boots_of("time"))
def test_preempted(boot):
    """Two vCPUs that never sleep, on one CPU: each waits while the other one runs."""
    waits = list(agrees_with_scheduler(boot, "time-preempted", 0.02))
    assert len(waits) == 2
    for waited, wall in waits:
        assert 0.4 * wall < waited < 0.7 * wall
    for of_vcpu in recorded(boot, "time-preempted")[0].values():
        assert sum(row.halt_ns for row in of_vcpu) == 0


WAKEUP = re.compile(r"\s*(\d+)\s+(\d+)\.(\d{9}): +(wait|poll) time (\d+) ns, polling")


@in_boots(*boots_of("idle"))
def test_idle(boot):
    """Linux with little to do: halted for as long as KVM says, in HLT cycles."""
    assert len(list(agrees_with_scheduler(boot, "time-idle", 0.05))) == 2
    rows, tids = recorded(boot, "time-idle")
    halts = collections.defaultdict(list)
    wakeups = perf_script(boot.path("time-idle.data"), "--ns", "-F", "tid,time,trace")
    for line in wakeups.splitlines():
        tid, sec, ns, how, took = WAKEUP.match(line).groups()
        halts[int(tid)].append((int(sec) * 10 ** 9 + int(ns), how, int(took)))
    for vcpu, of_vcpu in rows.items():
        begin, end = of_vcpu[0].time_ns, lab_fixtures.end_ns(of_vcpu[-2])
        mine = [halt for halt in halts[tids[vcpu]] if begin <= halt[0] <= end]
        told = sum(took for _, _, took in mine)
        halted = [row for row in of_vcpu if row.halt_ns]
        assert len(mine) >= 10 and len(halted) >= 10
        # KVM's figure includes a thread's wait for its CPU after it was woken or while it polled.
        ours = sum(row.halt_ns for row in halted)
        assert ours <= told * 1.0001
        assert told <= (ours + sum(row.wait_ns for row in halted)) * 1.0001
        # Nearly all of these are HLT; none slept for anything else.
        assert sum(r.halt_ns for r in halted if r.reason == lab_fixtures.REASONS["svm"]["hlt"]) > 0.9 * ours
        assert sum(row.block_ns for row in halted) < 0.05 * ours
        polls = sum(took for _, how, took in mine if how == "poll")
        assert sum(row.poll_ns for row in halted) >= polls - sum(row.wait_ns for row in halted)


@in_boots(*boots_of("time"))
def test_vmm_bound(boot):
    """The VMM is busy for a millisecond after each port write, which is its time on a CPU."""
    rows, _ = recorded(boot, "time-vmm")
    did = json.loads(boot.step("time-vmm").out)
    (of_vcpu,) = rows.values()
    vmm = sum(row.user_ns for row in of_vcpu if row.total_ns != NONE)
    waited = sum(row.wait_ns + row.block_ns for row in of_vcpu if row.total_ns != NONE)
    delay = did["vmm_delay_ns"]
    assert delay >= 400_000_000
    # The last delay is in the unfinished cycle.
    assert delay * 0.99 - 2_000_000 <= vmm + waited
    assert vmm <= delay * 1.1 + len(of_vcpu) * 50_000
    assert sum(row.block_ns for row in of_vcpu) < 0.05 * vmm


@in_boots(*boots_of("time"))
def test_returns_to_the_vmm(boot):
    """user_reason is the reason of KVM_RUN's return; perf counted as many of each."""
    rows, _ = recorded(boot, "time-busy")
    (of_vcpu,) = rows.values()
    ours = collections.Counter(row.user_reason for row in of_vcpu if row.user_reason != NO_REASON)
    assert ours == lab_fixtures.return_reasons(boot.path("time-busy.data"))
    did = json.loads(boot.step("time-busy").out)
    for name, number in USER.items():
        assert ours[number] == did["user_exits"][name]
    for row in of_vcpu:
        assert (row.user_ns > 0) == (row.user_reason != NO_REASON) or row.total_ns == NONE


@in_boots(*boots_of("known"))
def test_details(boot):
    """The detail of each exit of the built-in guest is what it did there."""
    did = json.loads(boot.step("known").out)
    rows = by_vcpu(lab_fixtures.rows(boot.path("known.kvmw")))
    number = {v["id"]: v["vcpu"] for v in lab_fixtures.report(boot.path("known.kvmw"))["recording"]["vcpus"]}
    names = {value: name for name, value in lab_fixtures.REASONS[boot.isa].items()}
    assert len(rows) == did["vcpus"]
    for vcpu, of_vcpu in rows.items():
        done = did["vcpu"][number[vcpu]]
        seen = collections.Counter((row.detail_kind, row.detail, row.detail_size)
                                   for row in of_vcpu)
        assert seen[PIO_OUT, 0x5150, 1] == done["pio"]
        assert seen[MSR_READ, 0x17a, 0] == done["rdmsr"]
        assert seen[MSR_WRITE, 0x17a, 0] == done["wrmsr"]
        assert seen[CPUID, 0, 0] == done["cpuid"]
        # One more from the set-up.
        assert seen[MMIO_WRITE, 0x20000000 + number[vcpu] * 4096, 4] == done["mmio"] + 1

        # Every touched page once, and none above them.
        gpas = [row.detail & ~0xfff for row in of_vcpu
                if row.detail_kind == FAULT_WRITE and row.detail >= 1 << 32]
        base = min(gpas)
        assert sorted(gpas) == [base + n * 4096 for n in range(done["touch"])]

        for row in of_vcpu:
            name = names.get(row.reason, "")
            if name == "EXTERNAL_INTERRUPT":
                assert row.detail_kind == INTERRUPT and 0x20 <= row.detail <= 0xff
            elif name.lower() in ("hlt", "interrupt", "vintr"):
                assert (row.detail_kind, row.detail) == (0, NONE)
            else:
                assert row.detail_kind != 0 and row.detail != NONE, name
            assert (row.user_reason == USER["hlt"]) == (name.lower() == "hlt")
