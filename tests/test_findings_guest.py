# SPDX-License-Identifier: GPL-2.0
"""Rules about nested guests, failures, kinds of page faults, and families: each on its cause, and
on a near miss."""
import pytest

from synthetic import META, START, VMS, Recording, report
from test_findings import SECOND, US, Vcpu, busy, found, write
from test_report_families import CPUID, FAULT_WRITE, OUT, WRMSR, exit_totals

NONE = None
VMRUN, RSM, NESTED = 0x80, 0x73, 22
INJECT, PAGE, WINDOW, PAGE_FAULT = 7, 1, 2, 1
RETRY, FIXED, SPURIOUS = 1, 4, 5
THP = 8


def record(path, vcpu, families=None, notes=(), thp=None, extra_totals=()):
    """Records one vCPU, and rows of families: {name: rows}."""
    meta = META | {"events": ["exit", *(families or {})]} | ({"notes": list(notes)} if notes else {})
    rec = Recording(meta, VMS[:1], [{"id": 0, "vm": 0, "vcpu": 0, "tid": 101}])
    rec.lines += [["EVENTS", "exit", vcpu.rows],
                  ["STATS", "total", [*exit_totals(vcpu.rows), *extra_totals]]]
    if thp:
        rec.lines += [["IDENT", {"texts": [{"id": 3, "text": thp}]}],
                      ["STATS", "host", [[START, 1, THP, NONE, 3]]]]
    for name, rows in (families or {}).items():
        rec.lines.append(["EVENTS", name, rows])
    rec.end = START + SECOND
    return rec.finish().write(path)


def nested(vcpu, forwarded, rounds=3000, exit="cpuid", again=VMRUN):
    """Exits of a nested guest; its hypervisor handles FORWARDED of ten and runs it again."""
    for i in range(rounds):
        vcpu.add(100 * US, 40 * US, exit, detail=1, kind=CPUID)
        vcpu.rows[-1].append(1)
        if i % 10 < forwarded:
            vcpu.add(20 * US, 60 * US, again)
    return vcpu


@pytest.mark.parametrize("forwarded, words", [(10, "probably 100%"), (3, "probably 30%")])
def test_nested_guests(tmp_path, forwarded, words):
    finding = found(record(tmp_path / "f", nested(busy(Vcpu(), 20), forwarded)))["nested"]
    assert f"{words} of them went to that hypervisor" in finding["text"]
    assert finding["share"] == pytest.approx(12 + 1.8 * forwarded, abs=0.1)
    assert finding["next"] == "kvmw record -e exit,nested ..."
    assert finding["evidence"]["entries"] == 300 * forwarded


def test_nested_guests_counted(tmp_path):
    rows = [[START + i, NONE, 0, 101, 0, 2 if i % 4 else 3] for i in range(4000)]
    finding = found(record(tmp_path / "f", nested(busy(Vcpu(), 20), 10), {"nested": rows}))["nested"]
    assert "; 33% of them went to that hypervisor" in finding["text"] and finding["next"] == "kvmw report -e nested"


def test_a_few_exits_of_nested_guests(tmp_path):
    assert "nested" not in found(record(tmp_path / "f", nested(busy(Vcpu(), 500), 10, 300)))


@pytest.mark.parametrize("count, holds", [(9, False), (12, True)])
def test_smis(tmp_path, count, holds):
    vcpu = busy(Vcpu(), 500)
    for _ in range(count):
        vcpu.add(1000 * US, 20 * US, "io", detail=0xb2, kind=OUT, user_reason=2)
    assert ("smi" in found(record(tmp_path / "f", vcpu))) == holds
    other = busy(Vcpu(), 500).add(1000 * US, 20 * US, "io", count, detail=0xb3, kind=OUT, user_reason=2)
    assert "smi" not in found(record(tmp_path / "g", other))
    ends = busy(Vcpu(), 500).add(1000 * US, 20 * US, RSM, count)
    assert ("smi" in found(record(tmp_path / "h", ends))) == holds


@pytest.mark.parametrize("user_reason, words", [
    (17, "returned 1 time with KVM_EXIT_INTERNAL_ERROR: KVM could not go on"),
    (9, "returned 1 time with KVM_EXIT_FAIL_ENTRY: the CPU refused"),
    (8, "returned 1 time with KVM_EXIT_SHUTDOWN"), (2, None)])
def test_runs_that_failed(tmp_path, user_reason, words):
    vcpu = busy(Vcpu(), 900).add(1000 * US, 50 * US, "npf", user=10 * US, user_reason=user_reason)
    findings = found(record(tmp_path / "f", vcpu))
    assert list(findings) == ["run-failed"] * bool(words)
    if words:
        assert words in findings["run-failed"]["text"] and findings["run-failed"]["share"] == 100


def test_a_triple_fault_is_said_once(tmp_path):
    vcpu = busy(Vcpu(), 900).add(1000 * US, 50 * US, 0x7f, user=10 * US, user_reason=8)
    assert list(found(record(tmp_path / "f", vcpu))) == ["triple-fault"]


@pytest.mark.parametrize("errno, holds", [(14, True), (4, False), (11, False)])
def test_errors_of_kvm_run(tmp_path, errno, holds):
    total = [0, 2, 0, 0x80000000 + errno, 40, 40] + [0] * 10
    findings = found(record(tmp_path / "f", busy(Vcpu()), extra_totals=[total]))
    assert list(findings) == ["run-failed"] * holds
    if holds:
        assert "failed 40 times, mostly with EFAULT" in findings["run-failed"]["text"]


def faults(vcpu, number, gpa, rip=0x1000, info1=0, cost=50):
    for i in range(number):
        vcpu.add(50 * US, cost * US, "npf", rip=rip, info1=info1, detail=gpa(i), kind=FAULT_WRITE)
    return vcpu


@pytest.mark.parametrize("gpa, info1, holds", [
    (lambda i: 0x7000_0008, 0, True),
    (lambda i: 0x7000_0000 + (i % 3 == 0) * 4096 * i, 0, True),
    (lambda i: 0x7000_0000 + (i % 3 != 0) * 4096 * i, 0, False),
    (lambda i: 0x7000_0008, 3, False),                      # made writable each time
])
def test_no_progress(tmp_path, gpa, info1, holds):
    findings = found(record(tmp_path / "f", faults(busy(Vcpu(), 20), 5000, gpa, info1=info1)))
    assert list(findings) == (["no-progress"] if holds else ["write-protection" if info1 else "page-faults"])
    if holds:
        assert "vCPU 0 probably makes no progress: " in findings["no-progress"]["text"]
        assert "rip 0x1000 on the page at gpa 0x70000000, " in findings["no-progress"]["text"]


def test_as_many_instructions_are_progress(tmp_path):
    vcpu = busy(Vcpu(), 20)
    for i in range(5000):
        faults(vcpu, 1, lambda _: 0x7000_0000, rip=0x1000 + i)
    assert list(found(record(tmp_path / "f", vcpu))) == ["page-faults"]


def test_few_faults_are_no_habit(tmp_path):
    assert found(record(tmp_path / "f", faults(busy(Vcpu(), 900), 99, lambda i: 0x7000_0000, cost=900))) \
        .get("no-progress") is None


@pytest.mark.parametrize("ret_pf, holds", [(RETRY, True), (SPURIOUS, True), (FIXED, False)])
def test_whether_anything_was_mapped(tmp_path, ret_pf, holds):
    """Event fault shows whether a fault mapped anything: if not, the finding is no-progress."""
    rows = [[START + i, 30 * US, 0, 101, 0, PAGE_FAULT, 0x7000_0000, 0, 0x1000, 2, 0, 1, NONE, NONE, NONE, 0, ret_pf]
            for i in range(5000)]
    vcpu = faults(busy(Vcpu(), 20), 5000, lambda i: 0x7000_0000)
    findings = found(record(tmp_path / "f", vcpu, {"fault": rows}))
    assert list(findings) == ["no-progress" if holds else "page-faults"]
    if holds:
        assert "vCPU 0 makes no progress: 5000 page faults" in findings["no-progress"]["text"]
        assert findings["no-progress"]["next"] == "kvmw report -e fault"


@pytest.mark.parametrize("gpa, thp, holds", [
    (lambda i: 0x4000_0000 + i * 4096, "never", True),
    (lambda i: 0x4000_0000 + i * 4096, "madvise", False),
    (lambda i: 0x4000_0000 + i * 4096, None, False),
    (lambda i: 0x4000_0000 + i % 600 * 4096, "never", False),       # few pages, again and again
    (lambda i: 0x4000_0000 + i * (2 << 20), "never", False),        # one in each range
])
def test_small_pages(tmp_path, gpa, thp, holds):
    vcpu = busy(Vcpu(), 20)
    for i in range(5000):
        faults(vcpu, 1, lambda _: gpa(i), rip=0x1000 + i)
    findings = found(record(tmp_path / "f", vcpu, thp=thp))
    assert list(findings) == ["small-pages" if holds else "page-faults"]
    if holds:
        assert "5000 in 10 ranges of 2 MiB. Transparent huge pages are off" in findings["small-pages"]["text"]


def injections(number, late, span):
    return [[START + i, span if i < late else 3000, 0, 101, 0, INJECT, NONE, 0x30] for i in range(number)]


@pytest.mark.parametrize("number, late, span, holds", [
    (100, 40, 5000 * US, True), (100, 9, 5000 * US, False), (500, 49, 5000 * US, False), (100, 100, 999 * US, False)])
def test_interrupts_that_wait(tmp_path, number, late, span, holds):
    findings = found(record(tmp_path / "f", busy(Vcpu()), {"irq": injections(number, late, span)}))
    assert list(findings) == ["late-injection"] * holds
    if holds:
        finding = findings["late-injection"]
        assert finding["share"] == pytest.approx(20, abs=0.1) and finding["next"] == "kvmw report -e irq"
        assert finding["text"].startswith("40% of the interrupts waited for 1 ms or longer")
        assert finding["text"].endswith("5.0 ms on average, one 5.0 ms.")


@pytest.mark.parametrize("pages, logging, holds", [(31000, 1, True), (30000, 1, False), (31000, 0, False)])
def test_dirty_rate(tmp_path, pages, logging, holds):
    rows = [[START + i, NONE, 0, 101, 0, PAGE, i, 0, logging] for i in range(pages)]
    findings = found(record(tmp_path / "f", busy(Vcpu()), {"dirty": rows}))
    assert list(findings) == ["dirty-rate"] * holds
    if holds:
        assert "dirtied 127 MB of its memory a second" in findings["dirty-rate"]["text"]
        assert "1.0 Gbit/s" in findings["dirty-rate"]["text"]


def changes(grew, shrank):
    return [[START + i, NONE, 0, 101, 0, WINDOW, NONE, NONE, NONE, NONE, int(i < grew), 10000, 0]
            for i in range(grew + shrank)]


@pytest.mark.parametrize("grew, shrank, poll, holds", [
    (40, 40, 40, True), (40, 8, 40, False), (8, 40, 40, False), (40, 40, 10, False)])
def test_a_window_that_thrashes(tmp_path, grew, shrank, poll, holds):
    vcpu = busy(Vcpu(), 20).add(500 * US, 1500 * US, "hlt", 480, halt=1490 * US, poll=poll * US)
    findings = found(record(tmp_path / "f", vcpu, {"halt": changes(grew, shrank)}))
    assert list(findings) == ["polling-thrash"] * holds
    if holds:
        assert "40 and 40 times a second per vCPU, and polling took 1.9% of the time" in \
            findings["polling-thrash"]["text"]


@pytest.mark.parametrize("halt, poll, times, holds", [
    (90, 50, 480, True), (110, 50, 480, False), (50, 50, 480, False), (90, 50, 90, False)])
def test_a_window_too_short(tmp_path, halt, poll, times, holds):
    vcpu = busy(Vcpu(), 20).add(1800 * US, 120 * US, "hlt", times, halt=halt * US, poll=poll * US)
    busy(vcpu, 900 - times)
    findings = found(record(tmp_path / "f", vcpu))
    assert list(findings) == ["polling-short"] * holds
    if holds:
        assert "too early in 100% of 480 halts a second" in findings["polling-short"]["text"]


@pytest.mark.parametrize("missed, holds", [(10, True), (9, False)])
def test_missed_events(tmp_path, missed, holds):
    note = f"missed up to {missed} exits: the kernel skipped our BPF program that often"
    findings = found(record(tmp_path / "f", busy(Vcpu()), notes=["something else", note]))
    assert list(findings) == ["missed"] * holds


def test_what_polling_saw(tmp_path):
    vcpu = busy(Vcpu(), 20)
    vcpu.add(500 * US, 1500 * US, "hlt", 360, halt=1490 * US, poll=200 * US)
    vcpu.add(500 * US, 250 * US, "hlt", 120, halt=200 * US, poll=200 * US)
    finding = found(write(tmp_path / "f", [vcpu]))["polling"]
    assert finding["text"].endswith(" It saw the end of 25% of 480 halts a second.")


def test_a_slow_device_that_is_busy_or_not(tmp_path):
    """slow-vmm says "about as long each time" only if the times are alike."""
    for words, spread in (" of the VMM each, about as long each time.", 1), (" of the VMM each.", 10):
        vcpu = busy(Vcpu(), 20)
        for i in range(400):
            user = 1400 * US if i % 3 else 1400 * US // spread
            vcpu.add(500 * US, user + 100 * US, "io", user=user, detail=0x3f8, kind=OUT, user_reason=2)
        finding = report(write(tmp_path / "f", [vcpu]))["findings"][0]
        assert finding["rule"] == "slow-vmm" and finding["text"].endswith(words), finding


def test_after_what_it_slept(tmp_path):
    vcpu = busy(Vcpu(), 20).add(500 * US, 1500 * US, "io", 480, block=1400 * US, detail=0x5150, kind=OUT,
                                user_reason=2)
    finding = found(write(tmp_path / "f", [vcpu]))["blocked"]
    assert finding["text"].endswith(", mostly after out 0x5150.")
    assert finding["evidence"]["of_one_detail_ns"] == finding["evidence"]["block_ns"]


def test_faults_of_two_vcpus_are_two(tmp_path):
    """Two vCPUs that each have some faults at one place, and progress elsewhere, are not stuck."""
    vcpus = [faults(Vcpu(n), 2000, lambda i: 0x7000_0000 + (i % 5 > 1) * i * 4096) for n in range(2)]
    assert "no-progress" not in found(write(tmp_path / "f", vcpus))


@pytest.mark.parametrize("msr, rule", [(0x6e0, "timer-storm"), (0x830, "ipi-storm"), (0x80b, "eoi")])
@pytest.mark.parametrize("times, cost, holds", [(300, 400, True), (300, 250, False), (600, 60, True), (200, 900, False)])
def test_storms_of_few_that_cost_much(tmp_path, msr, rule, times, cost, holds):
    vcpu = busy(Vcpu(), 20).add(1000 * US, cost * US, 0x7c, times, detail=msr, kind=WRMSR)
    assert (rule in found(record(tmp_path / "f", vcpu))) == holds


MMIO_READ, X2APIC_ICR = 3, 0x830
# The same causes with Intel's numbers. These are made up, not recorded on hardware.
ON_VMX = {
    "slow-vmm": lambda v: v.add(500 * US, 1500 * US, 30, 400, user=1400 * US, detail=0x3f8, kind=OUT, user_reason=2),
    "never-halts": lambda v: v.add(200 * US, 20 * US, 12, 4000),
    "page-faults": lambda v: [v.add(50 * US, 50 * US, 48, info1=2, rip=i, detail=0x1000000 + i * 4096, kind=FAULT_WRITE)
                              for i in range(9000)],
    "write-protection": lambda v: [v.add(50 * US, 50 * US, 48, info1=0xa, rip=i, detail=0x1000000 + i * 4096,
                                         kind=FAULT_WRITE) for i in range(9000)],
    "clock": lambda v: v.add(80 * US, 20 * US, 49, 9000, detail=0xfed000f0, kind=MMIO_READ, user_reason=6),
    "ipi-storm": lambda v: v.add(80 * US, 20 * US, 32, 9000, detail=X2APIC_ICR, kind=WRMSR),
    "spinning": lambda v: v.add(3990 * US, 10 * US, 1, 240, rip=0xffffffff81000000),
    "triple-fault": lambda v: v.add(900 * US, 100 * US, 2),
    "nested": lambda v: nested(v, 10, exit=10, again=24),
}


@pytest.mark.parametrize("rule", ON_VMX)
def test_the_same_on_intel(tmp_path, rule):
    vcpu = Vcpu().add(900 * US, 5 * US, 10, 20, detail=1, kind=CPUID)
    ON_VMX[rule](vcpu)
    for row in vcpu.rows:
        row[11] = 1
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 0, "vcpu": 0, "tid": 101}])
    rec.lines.append(["EVENTS", "exit", vcpu.rows])
    rec.end = START + SECOND
    findings = report(rec.finish().write(tmp_path / "f"))["findings"]
    assert [f["rule"] for f in findings] == [rule], findings
    if rule == "nested":
        assert findings[0]["evidence"]["entries"] == 3000
