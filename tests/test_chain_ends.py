# SPDX-License-Identifier: GPL-2.0
"""kvmw report --outliers: events without a known end, and parts of events other than cycles, with a
known cause."""
import pytest

from synthetic import START, TREE, kvmw, one_line, report
from test_chain import IN, OUT, VCPU, VMM, WAKEUP, Known, late_interrupt


def test_missed_end(tmp_path):
    """An exit whose end was missed has no known length, whether or not a filter hides the exit
    after it."""
    rec = Known("exit")
    rec.quiet(5)
    rec.cycle(1000, 0, reason="npf", detail=(7, 0x1000))
    rec.rows["exit"][-1][2] = None
    rec.cycle(3_000, 300, reason="npf", detail=(7, 0x1000))
    rec.cycle(3_500_000, 5000, wait=4000)
    chain = rec.write_to(tmp_path / "f")
    assert chain["start_ns"] == START + 3_500_000_000
    assert [c["length_ns"] for c in report(rec.path, "--outliers", 9, "--reason", "npf")["outliers"]] == [300_000]
    window = "@%.6f-@%.6f" % ((START + 900_000) / 1e9, (START + 2_000_000) / 1e9)
    one_line(kvmw("report", rec.path, "--outliers", 1, "--time", window), 1, "none of the 13 recorded exits that the options select has a length")


def test_halted_to_the_end(tmp_path):
    """A guest halted until the end of the recording is no outlier."""
    rec = Known("exit")
    rec.cycle(1000, 20_000, wait=19_990)
    rec.cycle(30_000, 0, reason="hlt", detail=(0, None))
    rec.rows["exit"][-1][2] = None
    assert [c["start_ns"] for c in [rec.write_to(tmp_path / "f")]] == [START + 1_000_000]
    assert len(report(rec.path, "--outliers", 9)["outliers"]) == 1


def test_gone(tmp_path):
    """An exit whose vCPU died in it lasted until then."""
    rec = Known("exit")
    rec.lines[1][1]["vcpus"] = [vcpu | ({"gone_ns": START + 3_000_000} if vcpu["id"] == VCPU else {})
                                for vcpu in rec.lines[1][1]["vcpus"]]
    rec.cycle(1000, 0)
    rec.rows["exit"][-1][2] = None
    chain = rec.write_to(tmp_path / "f")
    assert (chain["length_ns"], chain["end_ns"], chain["gap"]) == (2_000_000, None, None)
    assert chain["cause"] == "had not ended when its vCPU was gone"


def test_cycle_of_unknown_end(tmp_path):
    """An exit of unknown end is not charged with later events."""
    rec = Known("exit", "irq", "sched")
    rec.cycle(1000, 0)
    rec.rows["exit"][-1][2] = None
    rec.cycle(4000, 10, guest=2900)
    rec.family("irq", 6020, None, 6, None, 0x55, 0, 0, None, 0, 0, 0)
    rec.family("irq", 9030, 3010, 7, None, 0x55, 0, None, None, None, None, 0)
    rec.cycle(9000, 40, guest=4900)
    chain = rec.write_to(tmp_path / "f", "irq")
    assert (chain["gap"], chain["parts"]["guest_ns"], chain["parts"]["kvm_ns"]) == ("guest", 2_980_000, 30_000)


def test_ioctl(tmp_path):
    """KVM_RUN is no delay; for other ioctls, the thread's switches show whether it slept, if
    recorded."""
    for switches in False, True:
        rec = Known("exit", "ioctl", "sched")
        rec.cycle(1000, 5)
        rec.family("ioctl", 500, 90_000, 1, 0xae80, 3, 12, 0, 0)
        rec.family("ioctl", 2000, 8000, 1, 0xae01, 1, 9, 0, 0, vcpu=VMM, tid=150)
        if switches:
            rec.sched(3000, OUT, 50, 0, state=1, tid=150, vcpu=VMM)
            rec.sched(9000, WAKEUP, 6000, 101, tid=150, vcpu=VMM)
            rec.sched(9000, IN, 0, 0, tid=150, vcpu=VMM)
        chain = rec.write_to(tmp_path / "f", "ioctl")
        assert chain["length_ns"] == 8_000_000 and "entered" not in {step["role"] for step in chain["steps"]}
        assert (chain["gap"], chain["parts"]["kvm_ns"]) == (("block", 2_000_000) if switches else (None, None))
        if not switches:
            assert chain["cause"] == "what took the time is unknown"
            assert chain["unknown"] == ["whether its thread ran, waited or slept is unknown: "
                                        "no switch of it was recorded around then"]


def test_asleep_for_good(tmp_path):
    """A sleep that nobody ended does not count as time in the VMM."""
    rec = Known("userspace", "sched")
    rec.rows["userspace"].append([START + 20_000_000, 2000, None, 2, 0, VCPU, 0])
    rec.sched(30_000, OUT, 50, 0, state=1)
    chain = rec.write_to(tmp_path / "f", "userspace")
    assert chain["parts"]["vmm_ns"] == 10_000_000 and chain["gap"] is None
    assert chain["parts"]["block_ns"] == chain["length_ns"] - 10_000_000
    assert chain["cause"].endswith("it was in the VMM, for KVM_EXIT_IO; its thread fell asleep after 10.000 ms")


@pytest.mark.parametrize("sched", [True, False])
def test_halt_and_wait(tmp_path, sched):
    """In a halt, the wait for a CPU after the wakeup is shown separately."""
    rec = Known("exit", "halt", *(["sched"] if sched else []))
    rec.cycle(1000, 18_400, reason="hlt", detail=(0, None), halt=6400, wait=11_900)
    rec.family("halt", 19_350, 18_300, 1, 0, 1, 0, 0)
    if sched:
        rec.sched(1060, OUT, 10, 0, state=1)
        rec.sched(7450, WAKEUP, 6390, 0)
        rec.sched(19_350, IN, 11_900, 4711)
    chain = rec.write_to(tmp_path / "f", "halt")
    assert (chain["parts"]["halt_ns"], chain["parts"]["wait_ns"], chain["gap"]) == (6_400_000, 11_900_000, "wait")


def test_interrupt_of_a_timer(tmp_path):
    """The interrupt is an outlier by 10 us, explained by all the time since its timer was due."""
    chain = late_interrupt(tmp_path / "f").write_to(tmp_path / "f", "irq")
    assert chain["length_ns"] == 10_000
    assert chain["cause"].startswith("in the 8.030 ms since its timer was due: waited 8.005 ms for CPU 3")


def test_timers_and_faults_in_words(tmp_path):
    """Only an expiry can be late, and only a known time can be past."""
    rec = Known("exit", "timer", "fault")
    rec.cycle(1000, 8000)
    rec.family("timer", 2000, None, 1, None)
    rec.family("timer", 3000, None, 3, None)
    rec.family("timer", 4000, None, 3, START + 1000)
    rec.family("timer", 5000, 2, 4, START + 4_998_000)
    rec.family("fault", 6000, None, 4, 0x5000, 0, 0, None, 0, 1, None, None, 1, 0, None)
    chain = rec.write_to(tmp_path / "f")
    assert [step["what"] for step in chain["steps"] if step["role"] == "around"] == \
        ["timer:hv_timer_state", "timer: armed", "timer: armed for the past", "timer: expired 2.00 us late",
         "fault:set_spte gpa 0x5000"]


def test_more_cpus_than_are_looked_at(tmp_path):
    """On the fifth CPU only the thread's own switches are looked at."""
    rec = Known("exit", "sched")
    rec.cycle(1000, 8100, wait=8000)
    for i in range(4):
        rec.sched(1010 + 10 * i, 4, None, 0, cpu=10 + i)
    rec.sched(1060, OUT, 50, 150, cpu=7)
    rec.sched(2000, OUT, 900, 4711, tid=150, vcpu=VMM, cpu=7)
    rec.sched(8000, IN, None, 4711, tid=150, vcpu=VMM, cpu=7)
    rec.sched(9060, IN, 8000, 150, cpu=7)
    chain = rec.write_to(tmp_path / "f")
    assert (chain["holders"], chain["last_holder"]) == ([], "vmm-io (150)")


def test_heading_and_words():
    """The heading says what was asked for; a detail named like its reason, and notes on the file,
    appear once."""
    path = TREE / "tests/data/svm-families.kvmw"
    page = kvmw("report", path, "--outliers", 2, "--where", "total>1ms", "--time", "3,4").stdout
    assert "# window    3.000000 to 4.000000 s: " in page and "# where     total>1ms: " in page
    assert "The 2 longest exits, by " in page and "426 were recorded" in page.replace("\n", " ")
    rep = report(path, "--outliers", 2, "--where", "total>1ms", "--time", "3,4")
    assert rep["where"] == "total>1ms" and rep["window"]["from_ns"] == rep["recording"]["start_ns"] + 3 * 10**9
    words = [step["what"] for chain in report(path, "--outliers", 400)["outliers"] for step in chain["steps"]]
    assert any("exit: hypercall 0x1 (" in what for what in words)
    assert not any(word == after for what in words for word, after in zip(what.split(), what.split()[1:]))


@pytest.mark.parametrize("woken", [False, True])
def test_while_its_thread_sleeps(tmp_path, woken):
    """Who has its CPU while it sleeps does not matter; who has it after the wakeup does."""
    rec = Known("exit", "sched")
    rec.cycle(1000, 8030 if woken else 0, user=30, block=1_960, wait=6_000)
    rec.sched(1040, OUT, 40, 0, state=1)
    for at in range(1100, 3000, 100):
        rec.sched(at, IN, 5, 4711, tid=150, vcpu=VMM)
        rec.sched(at + 90, OUT, 90, 4711, tid=150, vcpu=VMM, state=1)
    if woken:
        rec.sched(3000, WAKEUP, 1960, 150)
        rec.sched(9000, IN, 6000, 4711)
    else:
        rec.rows["exit"][-1][2] = None
    chain = rec.write_to(tmp_path / "f")
    around = [(step["tid"], step["kind"], step["offset_ns"]) for step in chain["steps"] if step["role"] == "around"]
    theirs = [(150, "out", 1_990_000), (101, "wakeup", 2_000_000), (101, "in", 8_000_000)]
    assert around == [(101, "out", 40_000)] + (theirs if woken else [])
    assert [(h["tid"], h["time_ns"]) for h in chain["holders"]] == ([(4711, 6_000_000)] if woken else [])
