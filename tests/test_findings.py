# SPDX-License-Identifier: GPL-2.0
"""Findings of kvmw report: each rule fires on a recording of its cause, and none if nothing is
wrong."""
import json
import shlex

import pytest

from synthetic import META, START, SVM, TREE, VMS, Recording, kvmw, report, text_of
from test_report_families import CPUID, END, FAULT_WRITE, IN, OUT, WRMSR, exit_row, exit_totals
import test_report_threads as threads
from test_report_views_mmu import NONE, sum_row
from test_report_holders import COMMAND, IDLE, KERNEL, PROCESS, RECORDER, VCPU, VM, VMM, holder

MMIO_READ, US = 3, 1000
SHUTDOWN = 0x7f
SECOND = 1_000_000 * US


class Vcpu:
    """A vCPU's exits, one after another: guest time, then an exit, until the second is over."""

    def __init__(self, number=0):
        self.rows, self.number, self.now = [], number, START

    def add(self, guest, total, reason, times=1, user=0, rip=0, info1=0, **what):
        for _ in range(times):
            self.now += guest
            row = exit_row(self.now, guest, total, user, SVM.get(reason, reason), self.number, **what)
            row[4], row[5] = rip, info1
            self.rows.append(row)
            self.now += total
        return self


def write(path, vcpus, idle=(), holders=(), throttled=None, taken=()):
    """Writes a recording of one second. idle: the numbers of vCPUs without exits."""
    ids = [{"id": n, "vm": 7, "vcpu": n, "tid": 101 + n} for n in [v.number for v in vcpus] + list(idle)]
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], ids)
    rows = [row for vcpu in vcpus for row in vcpu.rows]
    for vcpu in vcpus:
        rec.lines.append(["EVENTS", "exit", vcpu.rows])
    totals = exit_totals(rows)
    rec.lines.append(["STATS", "total", [[*row, 0, throttled if row[3] == SVM["interrupt"] else 0] for row in totals]
                      if throttled else totals])
    if holders:
        rec.lines.append(["STATS", "holder", holders])
    if taken:
        rec.lines.append(["STATS", "taken", taken])
    rec.end = START + SECOND
    return rec.finish().write(path)


def found(path, *args):
    return {f["rule"]: f for f in report(path, *args)["findings"]}


def busy(vcpu, rounds=1000, guest=900 * US):
    """Makes the vCPU compute, with a few cheap exits."""
    return vcpu.add(guest, 5 * US, "cpuid", rounds, detail=1, kind=CPUID)


# rule: what the vCPU does in its second besides cheap exits
CAUSES = {
    "waiting": lambda v: v.add(800 * US, 1000 * US, "interrupt", 500, wait=990 * US),
    "slow-vmm": lambda v: v.add(500 * US, 1500 * US, "io", 480, user=1400 * US, detail=0x3f8, kind=OUT,
                                user_reason=2),
    "one-detail": lambda v: v.add(50 * US, 50 * US, 0x7c, 9000, detail=0x12345, kind=WRMSR),
    "clock": lambda v: v.add(80 * US, 20 * US, "npf", 9000, user=2 * US, detail=0xfed000f0, kind=MMIO_READ,
                             user_reason=6),
    "timer-storm": lambda v: v.add(80 * US, 20 * US, 0x7c, 9000, detail=0x6e0, kind=WRMSR),
    "ipi-storm": lambda v: v.add(80 * US, 20 * US, 0x7c, 9000, detail=0x830, kind=WRMSR),
    "eoi": lambda v: v.add(80 * US, 20 * US, "npf", 9000, detail=0xfee000b0, kind=4),
    "polling": lambda v: v.add(500 * US, 1500 * US, "hlt", 480, halt=1490 * US, poll=200 * US),
    "never-halts": lambda v: v.add(200 * US, 20 * US, "hlt", 4000),
    "page-faults": lambda v: [v.add(50 * US, 50 * US, "npf", detail=0x1000000 + i * 4096, kind=FAULT_WRITE)
                              for i in range(9000)],
    "blocked": lambda v: v.add(500 * US, 1500 * US, "io", 480, block=1400 * US, detail=0x3f8, kind=IN,
                               user_reason=2),
    "triple-fault": lambda v: v.add(900 * US, 100 * US, SHUTDOWN),
}


@pytest.mark.parametrize("rule", CAUSES)
def test_the_first_finding_is_the_cause(tmp_path, rule):
    vcpu = busy(Vcpu(), 20)
    CAUSES[rule](vcpu)
    path = write(tmp_path / "f", [vcpu])
    findings = report(path)["findings"]
    assert findings[0]["rule"] == rule, findings
    assert 0 < findings[0]["share"] <= 100 and all(v >= 0 for v in findings[0]["evidence"].values())
    shares = [f["share"] for f in findings]
    assert shares == sorted(shares, reverse=True) and len(findings) <= 5
    lines = text_of(path, "--width", 400).splitlines()
    assert [line for line in lines if line.startswith("=> ")] == [f"=> {f['text']}" for f in findings]
    assert [line for line in lines if line.startswith("   More: ")] == [
        f"   More: {f['command']}" for f in findings if f["command"]]


def test_commands(tmp_path):
    """The command that shows more can be pasted into a shell; it names the file, or what to
    record."""
    path = write(tmp_path / "it's one", [CAUSES["one-detail"](busy(Vcpu(), 20))])
    finding = found(path)["one-detail"]
    assert finding["next"] == "kvmw report -s reason,detail"
    assert shlex.split(finding["command"]) == ["kvmw", "report", "-i", str(path), "-s", "reason,detail"]
    assert kvmw(*shlex.split(finding["command"])[1:]).returncode == 0
    assert f"   More: {finding['command']}\n" in text_of(path, "--width", 60)
    path.rename(tmp_path / "kvmw.data")
    done = kvmw("report", "--json", cwd=tmp_path)
    assert [f["command"] for f in json.loads(done.stdout)["findings"]] == ["kvmw report -s reason,detail"]
    path = write(tmp_path / "f", [CAUSES["timer-storm"](busy(Vcpu(), 20))])
    finding = found(path)["timer-storm"]
    assert finding["next"] == "kvmw record -e exit,timer ..."
    assert finding["command"] == f"kvmw record -e exit,timer --vm {VMS[0]['name']} -- sleep 10"
    # Without a name it is chosen by its process; several VMs by -a.
    for vms, which in ([VMS[0] | {"name": ""}], f"-p {VMS[0]['pid']}"), (VMS, "-a"):
        rec = Recording(META | {"events": ["exit"]}, vms, [{"id": 0, "vm": vms[0]["id"], "vcpu": 0, "tid": 101}])
        rec.lines.append(["EVENTS", "exit", CAUSES["timer-storm"](busy(Vcpu(), 20)).rows])
        rec.end = START + SECOND
        path = rec.finish().write(tmp_path / "f")
        assert found(path)["timer-storm"]["command"] == f"kvmw record -e exit,timer {which} -- sleep 10"


def test_what_most_exits_are_about_is_no_cause(tmp_path):
    """If another finding explains more of the time, one-detail is not shown beside it."""
    vcpu = Vcpu().add(50 * US, 50 * US, 0x7c, 3000, detail=0x12345, kind=WRMSR)
    assert list(found(write(tmp_path / "f", [vcpu]))) == ["one-detail"]
    vcpu.add(100 * US, 1000 * US, "interrupt", 600, wait=990 * US)
    assert list(found(write(tmp_path / "f", [vcpu]))) == ["waiting"]


def test_exits_about_nothing_known_are_no_one_thing(tmp_path):
    assert "one-detail" not in found(write(tmp_path / "f", [Vcpu().add(50 * US, 50 * US, "interrupt", 3000)]))


@pytest.mark.parametrize("rule", CAUSES)
def test_a_tenth_of_it_is_none(tmp_path, rule):
    """With a tenth of its cause, only triple-fault is still a finding."""
    vcpu = Vcpu()
    CAUSES[rule](vcpu)
    vcpu.rows = vcpu.rows[:max(len(vcpu.rows) // 40, 1)]
    vcpu.now = START + SECOND // 20
    busy(vcpu, 950)
    assert (rule in found(write(tmp_path / "f", [vcpu]))) == (rule == "triple-fault")


def test_nothing_stands_out(tmp_path):
    """Neither a busy guest nor an idle one, which sleeps in halts, has findings."""
    idle = Vcpu().add(10 * US, 9990 * US, "hlt", 99, halt=9980 * US)
    for name, vcpu, did in (("busy", busy(Vcpu()), "ran guest code 89.9% of the time, and were halted 0.0%."),
                            ("idle", idle, "were halted 98.7% of the time, and ran guest code 0.1%.")):
        path = write(tmp_path / name, [vcpu])
        assert report(path)["findings"] == []
        assert f"=> Nothing stands out: the vCPUs {did}" in text_of(path, "--width", 200)
    text = text_of(TREE / "tests" / "data" / "svm-tables.kvmw", "--width", 400)
    assert text.count(" What they did for 68.3% was not seen. For 18.1%, vCPUs were gone.\n") == 1


NO = 0xffffffff
HOLDERS = {
    "processes": (VM, PROCESS, "other processes", "hog (pid 300)"),
    "kernel": (VM, KERNEL, "kernel threads", "hog"),
    "another VM": (PROCESS, VM, "other VMs", "thread hog (tid 300)"),
    "command": (VM, COMMAND, "the command that kvmw record ran", "hog (pid 300)"),
}


@pytest.mark.parametrize("who", HOLDERS)
def test_who_had_the_cpu(tmp_path, who):
    other, kind, words, name = HOLDERS[who]
    vcpu = CAUSES["waiting"](busy(Vcpu(), 20))
    path = write(tmp_path / "f", [vcpu], holders=[
        holder(0, 1, other, 400, 400, NO, "little", 9, 50_000 * US),
        holder(0, 2, kind, 300, 300, NO, "hog", 9, 350_000 * US),
        holder(0, 3, kind, 301, 300, NO, "hug", 9, 50_000 * US),
        holder(0, 4, IDLE, 0, 0, NO, "", 9, 45_000 * US)])
    finding, = report(path)["findings"]
    assert finding["rule"] == "waiting" and finding["next"] == "kvmw report -e sched"
    most = "" if kind == COMMAND else "most "
    assert f"For 81% of that, {words} had it, {most}{name}." in finding["text"]
    assert finding["evidence"]["held_ns"] == 400_000 * US


def test_siblings(tmp_path):
    vcpu = CAUSES["waiting"](busy(Vcpu(), 20))
    path = write(tmp_path / "f", [vcpu], holders=[
        holder(0, 1, VCPU, 102, 100, 1, "CPU 1/KVM", 9, 490_000 * US),
        holder(0, 2, PROCESS, 300, 300, NO, "hog", 9, 5_000 * US)])
    finding, = report(path)["findings"]
    assert finding["rule"] == "siblings" and "For 99% of that, other vCPUs of the same VM had it, most vCPU 1" \
        in finding["text"]


def test_quota(tmp_path):
    vcpu = CAUSES["waiting"](busy(Vcpu(), 20))
    path = write(tmp_path / "f", [vcpu], throttled=480_000 * US, holders=[
        holder(0, 1, IDLE, 0, 0, NO, "", 9, 490_000 * US), holder(0, 2, KERNEL, 9, 9, NO, "kworker", 9, US)])
    (rule,) = report(path)["findings"]
    assert rule["rule"] == "quota" and rule["share"] == pytest.approx(48, abs=0.1)
    assert "The quota of its cgroup kept vCPU 0 from running 48.0% of the time." == rule["text"]


def test_what_the_recorder_took_is_no_finding(tmp_path):
    vcpu = CAUSES["waiting"](busy(Vcpu(), 20))
    path = write(tmp_path / "f", [vcpu], holders=[
        holder(0, 1, RECORDER, 300, 300, NO, "kvmw", 9, 460_000 * US),
        holder(0, 2, PROCESS, 301, 301, NO, "hog", 9, 35_000 * US)])
    assert report(path)["findings"] == []


BALLOON = sum_row(1, 1, 100, 300, 100, "balloon", 2, 28, 60, 6000, 5000)
KSM = sum_row(0, 2, 100, 9, 9, "ksmd", 2, NONE, 2000, 2000, 2000)
TOOL = sum_row(2, 3, 100, 77, 76, "idle-pages", 5, 1, 10, 7000, 7000)
FEW = sum_row(3, 1, 100, 300, 100, "balloon", 2, 28, 60, 6000, 2200)


@pytest.mark.parametrize("sums, words", [
    ([BALLOON, KSM], "madvise by the VMM's thread balloon, 60/s, 19.5 MiB."),
    ([TOOL, KSM], "soft_dirty by process idle-pages (pid 76), 10/s, 27.3 MiB."),
    ([[*KSM[:9], 9000, 9000 * 4096, 9000, 9000 * 4096]], "KSM (ksmd), 8991/s, 35.2 MiB."),
    ([[*FEW[:11], None, None]], "madvise by the VMM's thread balloon, 60/s, 23.4 MiB."),     # slots are not known
    ([FEW], None),
    ([[*BALLOON[:11], 0, 0]], None),
])
def test_page_faults_on_memory_that_was_taken(tmp_path, sums, words):
    vcpu = busy(Vcpu(), 20)
    CAUSES["page-faults"](vcpu)
    finding, = report(write(tmp_path / "f", [vcpu], taken=sums))["findings"]
    assert finding["rule"] == ("memory-taken" if words else "page-faults")
    if words:
        assert finding["text"].endswith(" takes the memory away again: " + words)
        assert finding["next"] == "kvmw report -e mmu"


@pytest.mark.parametrize("taken, rule", [(0, "no-progress"), (40, "no-progress"), (400, "memory-taken")])
def test_faults_while_memory_is_taken(tmp_path, taken, rule):
    """Each of 400 pages faults 20 times, one page far more often: no-progress, unless enough memory
    was taken."""
    vcpu = busy(Vcpu(), 20)
    for i in range(8000):
        vcpu.add(50 * US, 50 * US, "npf", rip=0x1000, detail=0x7000_0000 + 4096 * (i // 20 if i % 500 < 200 else 0),
                 kind=FAULT_WRITE)
    sums = [[*KSM[:9], *[taken, taken * 4096] * 2]]
    assert list(found(write(tmp_path / "f", [vcpu], taken=sums))) == [rule]


def test_memory_taken_without_faults_is_no_finding(tmp_path):
    assert found(write(tmp_path / "f", [busy(Vcpu())], taken=[BALLOON, TOOL])) == {}


@pytest.mark.parametrize("rip, holds", [
    (lambda i: 0xffffffff81000000 + i % 16, True),
    (lambda i: 0xffffffff810000f0 + i % 32, True),      # across a border
    (lambda i: 0xffffffff81000000 + (i % 20 == 0) * 4096 * i, True),
    (lambda i: 0xffffffff81000000 + (i % 4 == 0) * 4096 * i, False),
    (lambda i: 0xffffffff81000000 + i * 128, False),
])
def test_spinning(tmp_path, rip, holds):
    vcpu = Vcpu()
    for i in range(240):
        vcpu.add(3990 * US, 10 * US, "interrupt", rip=rip(i))
    vcpu.add(10 * US, 10 * US, "cpuid", 12, detail=1, kind=CPUID)
    findings = found(write(tmp_path / "f", [vcpu]))
    assert list(findings) == ["spinning"] * holds
    if holds:
        assert findings["spinning"]["share"] == pytest.approx(95.7, abs=0.1)
        assert "around rip 0xffffffff810000" in findings["spinning"]["text"]


def test_few_samples_are_no_loop(tmp_path):
    assert found(write(tmp_path / "f", [Vcpu().add(24_000 * US, 10 * US, "interrupt", 40)])) == {}


@pytest.mark.parametrize("isa, reason, info1, holds", [
    (2, 0x400, 3, True), (2, 0x400, 7, True), (2, 0x400, 2, False), (2, 0x400, 1, False),
    (1, 48, 1 << 1 | 1 << 3, True), (1, 48, 1 << 1, False), (1, 48, 1 << 1 | 1 << 3 | 1 << 4, False),
])
def test_faults_of_write_protection(tmp_path, isa, reason, info1, holds):
    vcpu = busy(Vcpu(), 20)
    for i in range(9000):
        vcpu.add(50 * US, 50 * US, reason, info1=info1 if i % 9 else 4, detail=0x1000000 + i * 4096,
                 kind=FAULT_WRITE)
    for row in vcpu.rows:
        row[11] = isa
    rules = [f["rule"] for f in report(write(tmp_path / "f", [vcpu]))["findings"]]
    assert rules[0] == ("write-protection" if holds else "page-faults") and len(rules) == 1


@pytest.mark.parametrize("kind, value, holds", [
    (4, 0xfe003000, True), (4, 0x380000003004, True), (4, 0xfeb00e50, True), (4, 0xd0001050, True),
    (OUT, 0xc050, True), (4, 0xfe002ffc, False), (4, 0xfed03000, False), (4, 0xfe003002, False),
    (OUT, 0x3f0, False), (OUT, 0xc051, False), (MMIO_READ, 0xfe003000, False),
])
def test_notifications_of_virtio(tmp_path, kind, value, holds):
    vcpu = busy(Vcpu(), 20).add(500 * US, 500 * US, "npf", 900, user=400 * US, detail=value, kind=kind,
                                user_reason=6)
    finding, = report(write(tmp_path / "f", [vcpu]))["findings"]
    assert finding["rule"] == ("no-ioeventfd" if holds else "slow-vmm")
    assert finding["share"] == pytest.approx(45 if holds else 36, abs=0.1)


def test_ends_of_ipis_belong_to_them(tmp_path):
    vcpu = busy(Vcpu(), 20)
    for _ in range(4000):
        vcpu.add(80 * US, 20 * US, 0x7c, detail=0x830, kind=WRMSR)
        vcpu.add(80 * US, 20 * US, 0x7c, detail=0x80b, kind=WRMSR)
    finding, = report(write(tmp_path / "f", [vcpu]))["findings"]
    assert finding["rule"] == "ipi-storm" and finding["share"] == pytest.approx(16, abs=0.1)


def test_a_vcpu_that_never_exited(tmp_path):
    path = write(tmp_path / "f", [busy(Vcpu())], idle=[1])
    finding = found(path)["never-exited"]
    assert "vCPU 1 never exited" in finding["text"] and finding["share"] == pytest.approx(50, abs=0.1)


def snapshot(rec, *rows):
    """rows: moment, thread, vCPU, state, in KVM_RUN, and times as test_report_threads has them."""
    rec.lines.append(["IDENT", {"stacks": [
        {"id": threads.STACK, "frames": ["handle_userfault+0x1f", "kvm_vcpu_ioctl+0x20 [kvm]"]},
        {"id": threads.STACK + 1, "frames": ["kvm_vcpu_block+0x1f [kvm]", "kvm_vcpu_ioctl+0x20 [kvm]"]}]}])
    rec.lines.append(["STATS", "thread", [
        threads.thread(moment, 100, tid, number, state, 1, times, stack=threads.STACK + (number == 2))
        if tid else threads.vcpu(moment, 100, number) for moment, tid, number, state, times in rows]])


@pytest.mark.parametrize("state, words", [("S", "; its thread was asleep in handle_userfault."), ("R", " ended.")])
def test_an_exit_without_an_end(tmp_path, state, words):
    vcpu = busy(Vcpu(), 500)
    vcpu.rows.append([*vcpu.rows[-1][:2], None, None, *vcpu.rows[-1][4:]])
    vcpu.rows[-1][0] = vcpu.now + vcpu.rows[-1][1]
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 0, "vcpu": 0, "tid": 101}])
    rec.lines.append(["EVENTS", "exit", vcpu.rows])
    snapshot(rec, (threads.BEGIN, 101, 0, "R", [1] * 5), (threads.END, 101, 0, state, [2] * 5))
    rec.end = START + SECOND
    finding = found(rec.finish().write(tmp_path / "f"))["open-exit"]
    assert finding["share"] == pytest.approx(54.7, abs=0.5) and finding["next"] == "kvmw script --vcpu 0"
    assert finding["text"].endswith(words)
    assert "after its last exit, cpuid 0x1" in finding["text"]
    assert "\nOpen: vCPU 0 for 0.5" in text_of(tmp_path / "f")


def migrating(tmp_path, comm, *lines):
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 0, "vcpu": 0, "tid": 101}])
    vcpu = CAUSES["waiting"](busy(Vcpu(), 20))
    rec.lines += [["EVENTS", "exit", vcpu.rows], ["STATS", "total", exit_totals(vcpu.rows)]]
    rec.lines.append(["STATS", "thread", [threads.thread(threads.END, 100, 140, NO, "S", 0, [1] * 5, comm)]])
    if lines:
        rec.lines.append(["STATS", "holder", [*lines]])
    rec.end = START + SECOND
    return report(rec.finish().write(tmp_path / "f"))["findings"]


def test_migration(tmp_path):
    had = [holder(0, 1, VMM, 140, 100, NO, "live_migration", 9, 300_000 * US),
           holder(0, 2, PROCESS, 300, 300, NO, "hog", 9, 190_000 * US)]
    finding, = migrating(tmp_path, "live_migration", *had)
    assert finding["rule"] == "migration" and finding["share"] == pytest.approx(49.5, abs=0.1)
    assert "QEMU (pid 100) was migrating the VM: for 30.0% of the time vCPUs waited" in finding["text"]
    # Others that had the CPU for longer come first.
    rules = [f["rule"] for f in migrating(tmp_path, "mig/src/main", *had[1:])]
    assert rules == ["waiting", "migration"]
    assert [f["rule"] for f in migrating(tmp_path, "migrator", *had[1:])] == ["waiting"]


HALTED = [(threads.BEGIN, 103, 2, "S", [5] * 5), (threads.END, 103, 2, "S", [5] * 5)]


@pytest.mark.parametrize("rows, words", [
    ([(threads.BEGIN, 102, 1, "S", (1, 1, 0, 2, 0)), (threads.END, 102, 1, "S", (1, 1, 0, 2, 0))],
     "the guest has probably never started it, its thread has no time in the guest."),
    ([(threads.BEGIN, 102, 1, "S", [5] * 5), (threads.END, 102, 1, "S", [5] * 5)],
     "its thread was asleep in handle_userfault at the start and at the end."),
    ([(threads.BEGIN, 102, 1, "R", (1, 1, 1000, 1002, 0)), (threads.END, 102, 1, "R", (1, 1, 2600, 2602, 0))],
     "it ran in the guest without any."),
])
def test_what_a_vcpu_without_exits_did(tmp_path, rows, words):
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 0, "vcpu": 0, "tid": 101}])
    vcpu = busy(Vcpu())
    rec.lines += [["EVENTS", "exit", vcpu.rows], ["STATS", "total", exit_totals(vcpu.rows)]]
    snapshot(rec, *rows, *HALTED)
    rec.end = START + 2 * SECOND
    finding, = report(rec.finish().write(tmp_path / "f"))["findings"]
    assert finding["rule"] == "never-exited" and finding["text"] == f"vCPU 1 never exited: {words}"
    assert finding["share"] == pytest.approx(33.3, abs=0.1)


def test_a_halted_vcpu_is_no_finding(tmp_path):
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 0, "vcpu": 0, "tid": 101}])
    vcpu = busy(Vcpu())
    rec.lines += [["EVENTS", "exit", vcpu.rows], ["STATS", "total", exit_totals(vcpu.rows)]]
    snapshot(rec, *HALTED)
    rec.end = START + SECOND
    rep = report(rec.finish().write(tmp_path / "f"))
    assert rep["findings"] == [] and len(rep["vcpus_without_events"]) == 1


def test_a_detail_without_times_hides_no_other(tmp_path):
    """Exits of one port have no known end: the finding names the port that cost most
    nevertheless."""
    vcpu = Vcpu().add(50 * US, 50 * US, "io", 9000, detail=0x3f8, kind=OUT)
    for row in [list(row) for row in vcpu.rows[:3000]]:
        row[0], row[2], row[3], row[16] = row[0] + 60 * US, None, None, 0x80
        row[12:16] = [None] * 4
        vcpu.rows.append(row)
    vcpu.rows.sort(key=lambda row: row[0])
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
    rec.lines.append(["EVENTS", "exit", vcpu.rows])
    rec.end = START + SECOND
    path = rec.finish().write(tmp_path / "f")
    (row,) = report(path)["rows"]
    assert [d["cost_ns"] is None for d in row["details"]] == [False, True]
    assert found(path)["one-detail"]["text"].startswith("out 0x3f8 ")


def test_lost_exits(tmp_path):
    vcpu = busy(Vcpu())
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
    rec.lines.append(["EVENTS", "exit", vcpu.rows[::2]])
    totals = exit_totals(vcpu.rows)
    totals[0][6] = 500
    rec.lines += [["STATS", "total", totals], ["LOSS", "loss", [[0, 1, 500, START, END]]]]
    rec.end = START + SECOND
    assert "50% of the exits were lost" in found(rec.finish().write(tmp_path / "f"))["lost"]["text"]


def test_lost_exits_of_a_recording_without_totals(tmp_path):
    vcpu = busy(Vcpu())
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
    kept = vcpu.rows[::4]
    rec.lines += [["EVENTS", "exit", kept], ["LOSS", "loss", [[0, 1, 3 * len(kept), START, END]]]]
    rec.end = START + SECOND
    assert "75% of the exits were lost" in found(rec.finish().write(tmp_path / "f"))["lost"]["text"]


def test_more_lost_than_there_were(tmp_path):
    """A file that claims more lost exits than it counts gets no percentage."""
    vcpu = busy(Vcpu())
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
    rec.lines += [["EVENTS", "exit", vcpu.rows], ["STATS", "total", exit_totals(vcpu.rows)],
                  ["LOSS", "loss", [[0, 1, 2**40, START, END]]]]
    rec.end = START + SECOND
    text = found(rec.finish().write(tmp_path / "f"))["lost"]["text"]
    assert text.startswith("Exits were lost") and "%" not in text


def test_other_reports_have_none(tmp_path):
    path = write(tmp_path / "f", [busy(Vcpu())])
    for args in ["-s", "vcpu"], ["-s", "reason"]:
        assert "findings" not in report(path, *args) and "=> " not in text_of(path, *args)


def test_a_window_has_its_own(tmp_path):
    """With --time, rates and shares are those of the window."""
    vcpu = Vcpu().add(80 * US, 20 * US, 0x7c, 2000, detail=0x6e0, kind=WRMSR)
    busy(vcpu, 880)
    path = write(tmp_path / "f", [vcpu])
    assert "timer-storm" in found(path, "--time", "0,0.2")
    assert json.loads(kvmw("report", "-i", path, "--json", "--time", "0.3,").stdout)["findings"] == []


def test_the_heading_names_what_a_finding_points_to(tmp_path):
    rows = [exit_row(START + i * 2_000_000, 1_000_000, 900_000, 0, SVM["interrupt"], 0, wait=800_000)
            for i in range(100)]
    rec = Recording(META | {"events": ["exit", "hypercall", "sched"]})
    rec.lines += [["EVENTS", "exit", rows], ["EVENTS", "hypercall", [[START + 1000, 100, 0, 101, 0, 1]]],
                  ["EVENTS", "sched", [[START + 1000, 100, 0, 101, 0, 1, 0, 0, 0]]]]
    rec.end = END
    text = " ".join(text_of(rec.finish().write(tmp_path / "f"), "--width", 200).split())
    assert "also contains sched 1, hypercall 1 (kvmw report -e sched)" in text
    assert text.split(" More: ")[1].split(" ")[:2] == ["kvmw", "report"]
