# SPDX-License-Identifier: GPL-2.0
"""kvmw record on real KVM hosts, compared with witnesses of the same runs.

Witnesses: the built-in guest, which counts what it does; perf stat, which counts the same
tracepoint; perf record, which has every exit and entry with times of the same clock.
"""
import bisect
import collections
import json
import statistics

import independent_reader
import lab_fixtures
from lab_fixtures import NONE, REASONS, boots_of, check_chain, end_ns, in_boots, of_guest

META = 2                # a type of frames


@in_boots(*boots_of("known"))
def test_known_guest(boot):
    """Each reason's count is what the guest did, and the sum is perf's count."""
    step = boot.step("known")
    assert step.status == 0, step.err
    did = json.loads(step.out)
    perf = lab_fixtures.perf_stat(boot.path("known.perf"))
    rep = lab_fixtures.report(boot.path("known.kvmw"))
    assert of_guest(rep) == did["exits"][boot.isa]
    assert sum(lab_fixtures.counts(rep).values()) == rep["recorded"] == perf["kvm:kvm_exit"]
    assert (rep["lost"], rep["unfinished"]) == (0, did["vcpus"])
    assert rep["recording"]["complete"] and rep["recording"]["stopped"] == "command ended"

    # The recorded VM and vCPU.
    assert [vm["vmm"] for vm in rep["recording"]["vms"]] == ["kvmw"]
    seen = {v["id"]: (v["vcpu"], v["tid"], v["comm"]) for v in rep["recording"]["vcpus"]}
    assert sorted(seen.values()) == [(v["id"], v["tid"], f"vcpu{v['id']}") for v in did["vcpu"]]

    # The rows agree with the totals for each reason and vCPU.
    rows = lab_fixtures.rows(boot.path("known.kvmw"))
    numbers = collections.Counter(row.reason for row in rows)
    for name, n in did["exits"][boot.isa].items():
        assert numbers[REASONS[boot.isa][name]] == n
    for vcpu, of_vcpu in lab_fixtures.by_vcpu(rows).items():
        check_chain(of_vcpu)
        assert of_vcpu[-1].total_ns == NONE
        assert of_vcpu[-1].reason == REASONS[boot.isa]["IO_INSTRUCTION" if boot.isa == "vmx" else "io"]
        done = did["vcpu"][seen[vcpu][0]]
        cpuid = REASONS[boot.isa]["CPUID" if boot.isa == "vmx" else "cpuid"]
        assert sum(row.reason == cpuid for row in of_vcpu) == done["cpuid"]
    assert {row.isa for row in rows} == {1 if boot.isa == "vmx" else 2}
    # The kernel's totals, with sums of times.
    totals = {(t.vcpu, t.reason): t for t in lab_fixtures.rows(boot.path("known.kvmw"), "total")}
    for (vcpu, reason), total in totals.items():
        mine = [r for r in rows if (r.vcpu, r.reason) == (vcpu, reason)]
        done = [r for r in mine if r.total_ns != NONE]
        assert (total.count, total.done, total.lost) == (len(mine), len(done), 0)
        assert total.span_ns == sum(r.total_ns for r in done)
        assert total.user_ns == sum(r.user_ns for r in done)


@in_boots(*(name for name in boots_of("known") if name != "smp"))
def test_host_is_described(boot):
    about = lab_fixtures.info(boot.path("known.kvmw"))
    assert about["kvm"]["module"] == ("kvm_intel" if boot.isa == "vmx" else "kvm_amd")
    assert about["command"][:3] == ["kvmw", "record", "-o"]
    assert about["start_ns"] > 0 and about["duration_ns"] > 0 and about["finished"]
    assert about["cost"]["bpf_events"] > 0 and about["cost"]["bpf_ns"] > 0


# The programs of a cycle: on tracepoints and functions of a KVM with BTF, or in a way that any
# kernel supports. The second way is used if the kernel may preempt programs of the first, and then
# misses events.
EXIT, ENTRY, RUN, RETURN = (("exit_svm", "kvm_exit"), ("entry_btf", "kvm_entry"), ("run_fentry", "run_kprobe"),
                            ("userspace_exit_btf", "kvm_userspace_exit"))
USED = {"bullseye": (1, 1, 1, 1), "bookworm": (0, 0, 0, 0), "trixie": (0, 0, 0, 0), "sid": (0, 0, 1, 1),
        "intel": (1, 0, 0, 0)}


@in_boots(*(name for name in boots_of("known") if name != "smp"))
def test_which_programs_it_uses(boot):
    """A program that the kernel refuses is replaced silently by one that costs twice as much."""
    reader = independent_reader.Recording(boot.path("known.kvmw").read_bytes())
    used = [independent_reader.text(frame)["programs"] for frame in reader.frames if frame.type == META][-1]
    both = (EXIT, ENTRY, RUN, RETURN)
    assert set(used) & {name for names in both for name in names} == {
        names[n] for names, n in zip(both, USED[boot.name])}


def pair(rows, events, same):
    """Each row, with perf's exit and entry of the same cycle. SAME compares them."""
    exits = [event for event in events if event.kind == "exit"]
    nearest = min(range(len(events)), key=lambda i: abs(events[i].time_ns - rows[0].time_ns)
                  if events[i].kind == "exit" else float("inf"))
    assert len(exits) > len(rows)
    before = 0
    for i, row in enumerate(rows):
        exit, entry = events[nearest + 2 * i: nearest + 2 * i + 2]
        same(row, exit)
        assert entry.kind == "entry"
        if row.total_ns == NONE:
            assert i == len(rows) - 1
            return
        assert before < exit.time_ns < end_ns(row)
        assert row.time_ns < entry.time_ns
        assert i + 1 == len(rows) or entry.time_ns < rows[i + 1].time_ns
        before = end_ns(row)
        yield row, exit, entry


@in_boots("linux")
def test_linux_guest_beside_perf_kvm_stat(boot):
    """A 2-vCPU Linux in QEMU: each cycle equals that of perf kvm stat record."""
    step = boot.step("linux")
    assert step.status == 0, step.err
    rep = lab_fixtures.report(boot.path("linux.kvmw"))
    assert rep["lost"] == 0
    vms = [(vm["vmm"], vm["name"]) for vm in rep["recording"]["vms"]]
    assert vms == [("qemu-system-x86_64", "lab-guest")]
    vcpus = {v["id"]: v for v in rep["recording"]["vcpus"]}
    assert sorted((v["vcpu"], v["comm"]) for v in vcpus.values()) == [
        (0, "CPU 0/KVM"), (1, "CPU 1/KVM")]

    events = lab_fixtures.trace(boot.path("linux.data"))
    names = {row["reason_number"]: row["reason"] for row in rep["rows"]}
    assert {"io", "msr", "hlt", "npf", "cpuid"} <= set(names.values())
    pairs = []

    def same(row, exit):
        assert (names[row.reason], row.rip) == (exit.reason, exit.rip)

    rows = lab_fixtures.rows(boot.path("linux.kvmw"))
    for vcpu, of_vcpu in lab_fixtures.by_vcpu(rows).items():
        check_chain(of_vcpu)
        pairs += pair(of_vcpu, events[vcpus[vcpu]["tid"]], same)
    assert len(pairs) > 1000 and len(pairs) >= len(rows) - len(vcpus)

    for row in rep["rows"]:
        mine = [pair for pair in pairs if pair[1].reason == row["reason"]]
        assert row["count"] - len(mine) == row["unfinished"]
    medians_agree(pairs)


def medians_agree(pairs):
    """
    Median times within 5 % of perf's, per reason and over all.

    Two tracers read the clock some time apart, microseconds in an emulator.  Twice the median
    of that is allowed, which differs between reasons.  If they are far apart, the thread was
    preempted in between, and the cycle is not compared.
    """
    def distances(row, exit, entry):
        return abs(row.time_ns - exit.time_ns), abs(end_ns(row) - entry.time_ns)

    near = [pair for pair in pairs if max(distances(*pair)) < 200_000]
    assert len(near) > 0.9 * len(pairs)
    slack = 2 * sum(statistics.median(column) for column in zip(*(distances(*p) for p in near)))
    often = [reason for reason, n in collections.Counter(e.reason for _, e, _ in near).items()
             if n >= 100]
    assert len(often) >= 3
    for reason in often + [None]:
        cycles = [(row.total_ns, entry.time_ns - exit.time_ns) for row, exit, entry in near
                  if reason in (exit.reason, None)]
        ours, perfs = (statistics.median(column) for column in zip(*cycles))
        assert abs(ours - perfs) < max(perfs * 0.05, slack), reason


@in_boots("linux")
def test_list_shows_the_vm(boot):
    listed = json.loads(boot.step("linux-list").out)
    assert [(vm["vmm"], vm["name"], vm["vcpus"]) for vm in listed["vms"]] == [
        ("qemu-system-x86_64", "lab-guest", 2)]
    assert {"exit", "userspace", "irq", "sched"} <= {event["name"] for event in listed["events"]}
    assert not any(event["missing"] for event in listed["events"])


@in_boots("linux")
def test_vm_by_name(boot):
    """--vm takes QEMU's -name, as kvmw list shows it."""
    assert boot.step("linux-name").status == 0, boot.step("linux-name").err
    about = lab_fixtures.info(boot.path("name.kvmw"))
    pid = json.loads(boot.step("linux-list").out)["vms"][0]["pid"]
    assert about["filters"]["pids"] == [pid] == [vm["pid"] for vm in about["vms"]]
    boot.step("linux-no-name").said(1, "no running VM has this name", "did you mean lab-guest?",
                                    f"{pid} lab-guest (qemu-system-x86_64)")


@in_boots(*boots_of("overflow"))
def test_overflow(boot):
    """With a ring far too small, lost records are counted exactly, and the others are right."""
    step = boot.step("overflow")
    assert step.status == 0, step.err
    assert "records lost (the totals still count them)" in step.err
    did = json.loads(step.out)
    perf = lab_fixtures.perf_stat(boot.path("overflow.perf"))["kvm:kvm_exit"]
    rep = lab_fixtures.report(boot.path("overflow.kvmw"))
    rows = lab_fixtures.rows(boot.path("overflow.kvmw"))
    assert rep["lost"] > 0
    about = rep["recording"]
    assert (about["rings"], about["ring_bytes"]) == (2 if boot.name == "smp" else 1, 4096)
    assert of_guest(rep) == did["exits"]["svm"]
    assert len(rows) + rep["lost"] == sum(lab_fixtures.counts(rep).values()) == perf
    losses = lab_fixtures.rows(boot.path("overflow.kvmw"), "loss")
    assert sum(loss.count for loss in losses) == rep["lost"]
    assert all(0 < loss.first_ns <= loss.last_ns for loss in losses)

    events = lab_fixtures.trace(boot.path("overflow.data"))
    assert sum(e.kind == "exit" for of_tid in events.values() for e in of_tid) == perf
    vcpus = {v["id"]: v["tid"] for v in rep["recording"]["vcpus"]}
    names = {number: name for name, number in REASONS["svm"].items()}
    for vcpu, of_vcpu in lab_fixtures.by_vcpu(rows).items():
        check_cycles(of_vcpu, [e for e in events[vcpus[vcpu]] if e.kind == "exit"], names)


def check_cycles(rows, exits, names):
    """Each row spans exactly one exit of perf's, and no end or begin of another cycle."""
    times = [event.time_ns for event in exits]
    last = 0
    for row in rows[:-1]:
        begin = row.time_ns - row.guest_ns if row.guest_ns != NONE else 0
        first = bisect.bisect(times, begin)
        assert bisect.bisect(times, end_ns(row)) == first + 1
        assert (exits[first].reason, exits[first].rip) == (names[row.reason], row.rip)
        assert begin >= last
        last = end_ns(row)
    assert rows[-1].total_ns == NONE
