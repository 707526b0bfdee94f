# SPDX-License-Identifier: GPL-2.0
"""kvmw report --outliers: the longest events and what is around them, compared with the rows that
kvmw script prints, and with recordings of a known cause."""
import functools
import json
import random

import pytest

from synthetic import META, START, SVM, TREE, Recording, kvmw, one_line, report, text_of, widest

DATA = TREE / "tests/data"
FAMILIES = DATA / "svm-families.kvmw"
SPAN = {"exit": "total_ns", "userspace": "user_ns"}
LOOKS_BACK = "irq", "halt", "sched", "timer"
NEVER = 2**64 - 1


@functools.cache
def rows(path):
    """All rows, in order of time."""
    done = kvmw("script", path, "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


@functools.cache
def of_vms(path):
    """Threads whose switches are recorded."""
    return {vcpu["tid"] for vcpu in json.loads(kvmw("info", path, "--json").stdout)["vcpus"]}


def span(row):
    return row.get(SPAN.get(row["event"], "span_ns"))


def extent(row):
    length, time = span(row) or 0, row["time_ns"]
    return (time - length, time) if row["event"] in LOOKS_BACK else (time, time + length)


def overlap(a, b):
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def unfinished(every, event):
    """Cycles without an end that are the last of their vCPU, except those of a halted guest, which
    waits for nobody."""
    last = {row["vcpu_id"]: row for row in every if row["event"] == event}
    return [row for row in last.values() if span(row) is None and row.get("reason") not in ("hlt", "HLT")]


def length(row, end):
    """The length by which it is an outlier, or None. end: stands in for a missing end."""
    if row["event"] == "sched" and row["kind"] != "in" or \
            row["event"] == "irq" and row["kind"] not in ("apic_accept_irq", "inj_virq") or \
            row["event"] == "ioctl" and row["cmd"] == "KVM_RUN":
        return None
    if span(row) is None:
        return end(row)
    return span(row) - (row.get("halt_ns") or 0) + (row.get("poll_ns") or 0) if row["event"] == "exit" else span(row)


def holders(every, wait, cpu):
    """Stretches of a wait whose begin and end name the same thread, and the last holder of a
    different name."""
    had, who, since, last = {}, None, wait[0], None
    switches = [row for row in every if row["event"] == "sched" and row["cpu"] == cpu and
                row["kind"] in ("in", "out") and row["time_ns"] <= wait[1]]
    for row in sorted(switches, key=lambda row: (row["time_ns"], row["kind"] == "in")):
        came, went = (row["tid"], row["other"]) if row["kind"] == "in" else (row["other"], row["tid"])
        if row["time_ns"] > since:
            last = went if who != went else None
            if who == went:
                had.setdefault(who, []).append(row["time_ns"] - since)
            since = row["time_ns"]
        who = came
    return had, last


def check_holders(chain, every, followed, wait):
    """A VM's thread certainly had the CPU if no row is missing; another thread was there at least
    at both ends."""
    if chain["left_out"]:
        return
    had, last = holders(every, extent(wait), wait["cpu"])
    longest = sorted(((not (tid in followed and not chain["lost"]), -sum(ns), tid, len(ns)) for tid, ns in had.items()))
    assert [(not h["certain"], -h["time_ns"], h["tid"], h["stretches"]) for h in chain["holders"]] == longest[:4]
    certain = -sum(ns for unsure, ns, *_ in longest if not unsure)
    assert chain["certain_ns"] == certain
    assert chain["others_ns"] == -sum(ns for _, ns, *_ in longest[4:])
    assert (chain["last_holder"] is None) == (last is None)
    unknown = wait["span_ns"] - certain > wait["span_ns"] // 100
    assert any(why.startswith("who had it ") for why in chain["unknown"]) == unknown


def key(row):
    return row["event"], row["kind"], row["time_ns"], row["vcpu_id"], span(row)


def check_chain(chain, path):
    """Checks one chain of an exit against all rows."""
    every = rows(path)
    me = next(row for row in every if row["event"] == "exit" and row["vcpu_id"] == chain["vcpu_id"] and
              row["time_ns"] == chain["start_ns"])
    mine = [row for row in every if row["vcpu_id"] == chain["vcpu_id"]]
    begin, end = extent(me)
    if span(me) is None:
        end = begin + 1
    cycles = [row for row in mine if row["event"] == "exit"]
    before = [row for row in cycles if begin - 10_000_000 <= row["time_ns"] and extent(row)[1] <= begin and row is not me]
    after = [row for row in cycles if end <= row["time_ns"] <= end + 1_000_000 and row is not me]
    steps = {role: [step for step in chain["steps"] if step["role"] == role]
             for role in ("self", "before", "after", "entered", "around")}
    assert [step["time_ns"] for step in steps["self"]] == [begin]
    if before:
        assert [step["time_ns"] for step in steps["before"]] == [before[-1]["time_ns"]]
    if after:
        assert [step["time_ns"] for step in steps["after"]] == [after[0]["time_ns"]]
    times = [step["time_ns"] for step in chain["steps"]]
    assert times == sorted(times)
    assert [step["offset_ns"] for step in chain["steps"]] == [time - begin for time in times]
    assert sum(step["made_it_long"] for step in chain["steps"]) == 1
    known = {key(row) for row in every}
    for step in steps["around"]:
        assert (step["event"], step["kind"], step["time_ns"], step["vcpu_id"], step["span_ns"]) in known
    if span(me) is None:
        assert chain["end_ns"] is None
        return
    assert [step["time_ns"] for step in steps["entered"]] == [end] == [chain["end_ns"]]
    check_cause(chain, every, me, mine, of_vms(path))


def check_cause(chain, every, me, mine, followed):
    parts = chain["parts"]
    columns = {"vmm": "user_ns", "halt": "halt_ns", "wait": "wait_ns", "block": "block_ns",
               "throttled": "throttled_ns"}
    for part, column in columns.items():
        assert parts[part + "_ns"] == me.get(column)
    if None in (me.get("user_ns"), me.get("halt_ns"), me.get("wait_ns"), me.get("block_ns")):
        assert parts["kvm_ns"] is None
        return
    kvm = me["total_ns"] - me["user_ns"] - me["halt_ns"] - me["wait_ns"] - me["block_ns"]
    assert parts["kvm_ns"] == kvm
    weights = {"kvm": kvm, "vmm": me["user_ns"], "halt": me["poll_ns"], "wait": me["wait_ns"],
               "block": me["block_ns"]}
    most = max(weights, key=weights.get)
    gap = chain["gap"]
    assert gap == most or gap == "throttled" and most == "wait" or weights[gap] == weights[most]
    # All of the thread's own rows during the exit are steps: there are few.
    if not chain["left_out"]:
        own = {key(row) for row in mine if row["event"] == "sched" and
               me["time_ns"] <= row["time_ns"] <= chain["end_ns"]}
        assert own <= {(s["event"], s["kind"], s["time_ns"], s["vcpu_id"], s["span_ns"]) for s in chain["steps"]}
    waits = [row for row in mine if row["event"] == "sched" and row["kind"] == "in" and row["span_ns"] and
             overlap(extent(row), (me["time_ns"], chain["end_ns"]))]
    if gap == "wait" and waits:
        wait = max(waits, key=lambda row: overlap(extent(row), (me["time_ns"], chain["end_ns"])))
        marked = next(step for step in chain["steps"] if step["made_it_long"])
        assert (marked["event"], marked["kind"], marked["time_ns"]) == ("sched", "in", wait["time_ns"])
        assert chain["waited_for_cpu"] == wait["cpu"]
        check_holders(chain, every, followed, wait)


@pytest.mark.parametrize("name, event", [("svm-families", event) for event in
                         ("exit", "userspace", "fault", "irq", "halt", "sched", "ioctl", "hypercall", "timer",
                          "memslot")] +
                         [("svm-cut", "exit"), ("vmx-mixed", "exit"), ("svm-userspace", "userspace")])
def test_golden(name, event):
    """Outliers are the longest events, in order; everything said about exits is in the rows."""
    path = DATA / (name + ".kvmw")
    every = rows(path)
    about = json.loads(kvmw("info", path, "--json").stdout)
    gone = {vcpu["id"]: vcpu.get("gone_ns") for vcpu in about["vcpus"]}
    over = unfinished(every, event) if event in SPAN else []

    def end(row):
        over_ns = gone.get(row["vcpu_id"]) or about["start_ns"] + about["duration_ns"]
        return over_ns - row["time_ns"] if row in over else None

    lengths = sorted((n for n in (length(row, end) for row in every if row["event"] == event) if n is not None),
                     reverse=True)
    model = json.loads(kvmw("report", path, "-e", event, "--outliers", 30, "--json").stdout)
    assert model["event"] == event and model["recorded"] == sum(row["event"] == event for row in every)
    found = [chain["length_ns"] for chain in model["outliers"]]
    assert found == lengths[:30]
    if event == "exit":
        for chain in model["outliers"]:
            check_chain(chain, path)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("event", ["exit", "irq", "ioctl"])
def test_text(width, event):
    text = text_of(FAMILIES, "--outliers", 20, "-e", event, "--width", width)
    assert widest(text) <= width
    marks = [line for line in text.splitlines() if line.startswith("> ")]
    assert len(marks) == 20 and not any(line.endswith(" ") for line in text.splitlines())


# ---- recordings with a known cause ------------------------------------------

TASKS = [{"tid": 4711, "comm": "hog"}, {"tid": 150, "comm": "vmm-io"}, {"tid": 4712, "comm": "vhost-4711"}]
VCPU, VMM = 0, 30
IN, OUT, WAKEUP = 2, 1, 3


class Known(Recording):
    """One VM whose vCPU 0 is thread 101; times are us since the start."""

    def __init__(self, *events):
        super().__init__(META | {"events": list(events)})
        self.lines[1][1]["vcpus"] = self.lines[1][1]["vcpus"] + [
            {"id": VMM, "vm": 0, "vcpu": None, "tid": 150, "comm": "vmm-io", "role": "vmm"}]
        self.lines[1][1]["tasks"] = TASKS
        self.rows = {event: [] for event in events}

    def cycle(self, at, total, guest=2, reason="io", detail=(2, 0x3f8), user=0, halt=0, wait=0, block=0, throttled=0,
              user_reason=None, vcpu=VCPU):
        us = [n * 1000 for n in (guest, total, user)]
        kind, number = detail
        self.rows["exit"].append([START + at * 1000, *us, 0xffffffff81000000, 0, 0, 0, 0, SVM[reason], vcpu, 2,
                                  halt * 1000, 0, wait * 1000, block * 1000, number, kind, 1, user_reason, 3, 3, 0,
                                  throttled * 1000, None])

    def sched(self, at, kind, span, other, state=0, tid=101, vcpu=VCPU, cpu=3):
        self.rows["sched"].append([START + at * 1000, None if span is None else span * 1000, vcpu, tid, cpu, kind,
                                   other, state if kind == OUT else None, None])

    def family(self, event, at, span, kind, *values, vcpu=VCPU, tid=101, cpu=3):
        self.rows[event].append([START + at * 1000, None if span is None else span * 1000, vcpu, tid, cpu, kind,
                                 *values])

    def quiet(self, nr=20):
        """Short cycles before and after."""
        for at in [*range(100, 100 + 10 * nr, 10), *range(90_000, 90_000 + 10 * nr, 10)]:
            self.cycle(at, 5, guest=5)

    def write_to(self, path, event="exit", *args):
        for name, rows in self.rows.items():
            if rows:
                self.lines.append(["EVENTS", name, sorted(rows)])
        self.end = START + 100_000_000
        self.finish().write(path)
        self.path = path
        return report(path, "--outliers", 1, "-e", event, *args)["outliers"][0]


def marked(chain):
    [step] = [step for step in chain["steps"] if step["made_it_long"]]
    return step


def test_hog(tmp_path):
    """A hog takes the CPU for 8 ms."""
    rec = Known("exit", "sched")
    rec.quiet()
    rec.cycle(1000, 8010, wait=8000, reason="npf", detail=(7, 0x1000))
    rec.sched(1005, OUT, 500, 4711)
    rec.sched(9005, IN, 8000, 4711)
    chain = rec.write_to(tmp_path / "f")
    assert chain["gap"] == "wait" and marked(chain)["kind"] == "in"
    assert chain["cause"] == "waited 8.000 ms for CPU 3; hog (4711) had it when 8.000 ms of the wait began and ended"
    assert chain["holders"] == [{"name": "hog (4711)", "tid": 4711, "time_ns": 8_000_000, "stretches": 1,
                                 "certain": False}]
    assert chain["unknown"] == ["who had it for the 8.000 ms is unknown: threads of no VM are not followed"]
    assert chain["lost"] == 0
    assert [step["role"] for step in chain["steps"]] == ["before", "self", "around", "around", "entered"]


def test_others_had_it(tmp_path):
    """Each of a wait's three parts has its holder; a part whose begin none of the VM's threads saw
    has none."""
    rec = Known("exit", "sched")
    rec.cycle(1000, 8010, wait=8000)
    rec.sched(1005, OUT, 500, 4711)
    rec.sched(3005, IN, None, 4711, tid=150, vcpu=VMM)
    rec.sched(4005, OUT, 1000, 4712, tid=150, vcpu=VMM)
    rec.sched(9005, IN, 8000, 77)
    chain = rec.write_to(tmp_path / "f")
    assert [(h["name"], h["time_ns"], h["certain"]) for h in chain["holders"]] == \
        [("vmm-io (150)", 1_000_000, True), ("hog (4711)", 2_000_000, False)]
    assert chain["cause"] == "waited 8.000 ms for CPU 3, which vmm-io (150) had for 1.000 ms; " \
        "hog (4711) had it when 2.000 ms of the wait began and ended; tid 77 had it at the end"
    assert chain["last_holder"] == "tid 77"
    assert chain["unknown"] == ["who had it for the other 7.000 ms is unknown: threads of no VM are not followed"]


def with_threads(nr):
    """A recording with nr threads of the VMM: 160, 161 and so on."""
    rec = Known("exit", "sched")
    rec.lines[1][1]["vcpus"] = rec.lines[1][1]["vcpus"] + [
        {"id": 40 + i, "vm": 0, "vcpu": None, "tid": 160 + i, "comm": f"io{i}", "role": "vmm"} for i in range(nr)]
    return rec


def take_turns(rec, turns):
    """While the vCPU waits, threads of the VMM have its CPU: (number, us)."""
    at = 1005
    rec.cycle(1000, 10 + sum(us for _, us in turns), wait=sum(us for _, us in turns))
    rec.sched(at, OUT, 500, 160 + turns[0][0])
    for i, (thread, us) in enumerate(turns):
        after = 160 + turns[i + 1][0] if i + 1 < len(turns) else 101
        rec.sched(at, IN, 50, 160 + turns[i - 1][0] if i else 101, tid=160 + thread, vcpu=40 + thread)
        rec.sched(at + us, OUT, us, after, tid=160 + thread, vcpu=40 + thread)
        at += us
    rec.sched(at, IN, at - 1005, 160 + turns[-1][0])


def test_the_longest_holders(tmp_path):
    """Of five holders the last one had the CPU the longest, and is named."""
    rec = with_threads(5)
    take_turns(rec, [(0, 100), (1, 200), (2, 300), (3, 400), (4, 49_000)])
    chain = rec.write_to(tmp_path / "f")
    assert [(h["tid"], h["time_ns"]) for h in chain["holders"]] == \
        [(164, 49_000_000), (163, 400_000), (162, 300_000), (161, 200_000)]
    assert (chain["others_ns"], chain["certain_ns"], chain["unknown"]) == (100_000, 50_000_000, [])
    assert chain["cause"].endswith("; further threads had it when 0.100 ms of the wait began and ended")


def test_more_switches_than_are_kept(tmp_path):
    """Some of the switches are not enough to say who had the CPU."""
    rec = with_threads(2)
    take_turns(rec, [(i % 2, 1900 if i % 2 else 100) for i in range(60)])
    chain = rec.write_to(tmp_path / "f")
    assert chain["left_out"] and chain["holders"] == [] and chain["last_holder"] == "io1 (161)"
    assert chain["unknown"] == ["who had it for the 60.000 ms is unknown: there were more switches than kvmw looks at"]


def test_lost_switches(tmp_path):
    """If switches were lost, it is uncertain whether a VM's thread seen at both ends stayed in
    between."""
    for lost in False, True:
        rec = with_threads(1)
        take_turns(rec, [(0, 8000)])
        if lost:
            rec.lines.append(["LOSS", "loss", [[VCPU, 7, 7, START + 2_000_000, START + 3_000_000]]])
        chain = rec.write_to(tmp_path / "f")
        [holder] = chain["holders"]
        assert holder["certain"] == (not lost) and (chain["unknown"] == []) == (not lost)


def test_moved_to_another_cpu(tmp_path):
    """Switches on the new CPU are known from before the vCPU's thread was seen to move there."""
    rec = Known("exit", "sched", "fault")
    rec.cycle(1000, 8020, wait=8000, reason="npf", detail=(7, 0x5000))
    rec.family("fault", 1001, 8015, 1, 0x5000, 0, 0, 2, 0, 1, None, None, 1, 0, 5)
    rec.sched(1005, OUT, 500, 4711)
    rec.sched(1100, OUT, 50, 4711, tid=150, vcpu=VMM, cpu=5)
    rec.sched(9005, IN, 7900, 4711, cpu=5)
    for event in "fault", "exit":
        chain = rec.write_to(tmp_path / "f", event) if event == "fault" else report(rec.path, "--outliers", 1)["outliers"][0]
        assert chain["waited_for_cpu"] == 5 and chain["last_holder"] is None
        assert [(h["tid"], h["time_ns"]) for h in chain["holders"]] == [(4711, 7_900_000)]


def test_without_the_scheduler(tmp_path):
    """Without event sched, that it waited is known, but not who had the CPU."""
    rec = Known("exit")
    rec.quiet()
    rec.cycle(1000, 8010, wait=8000)
    chain = rec.write_to(tmp_path / "f")
    assert (chain["gap"], marked(chain)["role"], chain["cause"]) == ("wait", "self", "waited 8.000 ms for a CPU")
    assert chain["unknown"] == ["who had it then is unknown: record with -e sched"]


def test_lost(tmp_path):
    """A family with records lost during the exit is reported so; losses at another time do not
    matter."""
    for when, count, why in (1_000, 7, "records of this time were lost"), \
            (50_000, 0, "the recording has no event sched of it"):
        rec = Known("exit", "sched")
        rec.cycle(1000, 8010, wait=8000)
        rec.sched(80_000, IN, 1, 77)
        rec.lines.append(["LOSS", "loss", [[VCPU, 7, 7, START + when * 1000, START + when * 1000 + 10]]])
        chain = rec.write_to(tmp_path / "f")
        assert chain["lost"] == count
        assert chain["unknown"] == ["who had it then is unknown: " + why]


def test_vmm(tmp_path):
    rec = Known("exit", "userspace")
    rec.quiet()
    rec.cycle(1000, 12_310, user=12_300, user_reason=2)
    rec.rows["userspace"].append([START + 1_003_000, 2000, 12_300_000, 2, 0, VCPU, 0])
    chain = rec.write_to(tmp_path / "f")
    assert chain["gap"] == "vmm" and chain["cause"] == \
        "was in the VMM for 12.300 ms: KVM_EXIT_IO, io out 0x3f8 (COM1 transmit)"
    assert marked(chain)["role"] == "self" and chain["parts"]["kvm_ns"] == 10_000


def test_asleep(tmp_path):
    """A lock of the VMM: the vCPU's thread slept until the holder woke it."""
    rec = Known("exit", "sched")
    rec.quiet()
    rec.cycle(1000, 5110, user=60, block=5000, user_reason=6)
    rec.sched(1050, OUT, 40, 0, state=1)
    rec.sched(6050, WAKEUP, 5000, 150)
    rec.sched(6060, IN, 10, 0)
    chain = rec.write_to(tmp_path / "f")
    assert (chain["gap"], marked(chain)["kind"]) == ("block", "wakeup")
    assert chain["cause"] == "was asleep for 5.000 ms, not halted, until vmm-io (150) woke it"


def test_no_end(tmp_path):
    """The vCPU's thread fell asleep in the VMM, and nobody woke it."""
    rec = Known("exit", "sched")
    rec.quiet(5)
    rec.cycle(95_000, 0, user_reason=2)
    rec.rows["exit"][-1][2] = None
    rec.sched(95_040, OUT, 40, 0, state=1)
    chain = rec.write_to(tmp_path / "f")
    assert chain["end_ns"] is None and chain["gap"] is None
    assert chain["cause"] == "had not ended when the recording did; it was in the VMM, for KVM_EXIT_IO; " \
                             "its thread fell asleep after 0.040 ms"


def test_filtered(tmp_path):
    """Filtered rows are reported neither as lost nor as unknown."""
    rec = Known("exit", "sched")
    rec.lines[0][1]["filters"] = {"min_ns": 1_000_000}
    rec.cycle(1000, 8010, wait=8000)
    rec.sched(80_000, IN, 1, 77)
    [why] = rec.write_to(tmp_path / "f")["unknown"]
    assert why.startswith("who had it then is unknown: it was recorded with ") and "--min-duration" in why


def test_throttled(tmp_path):
    rec = Known("exit", "sched")
    rec.cycle(1000, 80_010, wait=80_000, throttled=79_000)
    rec.sched(1005, OUT, 500, 0)
    rec.sched(81_005, IN, 80_000, 0)
    chain = rec.write_to(tmp_path / "f")
    assert chain["gap"] == "throttled" and "quota of its cgroup was used up" in chain["cause"]


def test_fault(tmp_path):
    """The fault shows what KVM did; without that family, how it did so is unknown."""
    for families in ("exit", "fault"), ("exit",):
        rec = Known(*families)
        rec.cycle(1000, 3010, reason="npf", detail=(7, 0x5000))
        if "fault" in families:
            rec.family("fault", 1001, 3000, 1, 0x5000, 0, 0, 2, 0, 1, None, None, 1, 0, 5)
        chain = rec.write_to(tmp_path / "f")
        assert chain["gap"] == "kvm" and "was in KVM for 3.010 ms: npf fault-write 0x5000" in chain["cause"]
        assert (chain["unknown"] == []) == ("fault" in families)
        if "fault" not in families:
            assert chain["unknown"] == ["how KVM handled the page fault is unknown: record with -e fault"]


def late_interrupt(path, waits=True):
    """A timer is armed and expires on time, its vCPU is woken, and a hog keeps it off its CPU for 8
    ms."""
    rec = Known("exit", "sched", "timer", "irq")
    late = 8000 if waits else 0
    expires = START + 3_000_000
    rec.cycle(995, 4, reason="hlt", detail=(0, None))
    rec.family("timer", 998, None, 3, expires, tid=101)
    rec.cycle(1000, 2000 + 50 + late, reason="hlt", detail=(0, None), halt=2010, wait=late)
    rec.sched(1010, OUT, 10, 4711, state=1)
    rec.family("timer", 3002, 2, 4, expires)
    rec.sched(3005, WAKEUP, 1995, 0)
    rec.sched(3010 + late, IN, 5 + late, 4711)
    rec.family("irq", 3020 + late, None, 6, None, 0xec, 0, 0, None, 0, 0, 0)
    rec.family("irq", 3030 + late, 10, 7, None, 0xec, 0, None, None, None, None, 0)
    rec.cycle(3060 + late, 5, reason="npf", detail=(7, 0x6000), guest=10)
    rec.family("irq", 3062 + late, 32, 9, None, 0xec, 0, None, None, None, None, 0)
    return rec


def test_late_interrupt(tmp_path):
    """One chain from arming to EOI, with the wait marked: as an outlier of interrupts, and of
    exits."""
    rec = late_interrupt(tmp_path / "f")
    chain = rec.write_to(tmp_path / "f", "irq")
    names = ["%s:%s" % (s["event"], s["kind"]) if s["kind"] else s["role"] for s in chain["steps"]]
    order = ["timer:apic_start", "timer:apic_expire", "sched:wakeup", "sched:in", "irq:apic_accept_irq", "irq:inj_virq",
             "entered", "irq:eoi"]
    places = [names.index(name) for name in order]
    assert places == sorted(places), names
    assert chain["gap"] == "wait" and marked(chain)["kind"] == "in"
    assert chain["holders"][0]["name"] == "hog (4711)"
    by_exit = report(rec.path, "--outliers", 1)["outliers"][0]
    assert by_exit["gap"] == "wait" and marked(by_exit) == marked(chain) | {
        "offset_ns": marked(by_exit)["offset_ns"], "since_previous_ns": marked(by_exit)["since_previous_ns"]}


def test_late_timer(tmp_path):
    rec = Known("exit", "timer")
    rec.quiet()
    rec.family("timer", 1000, None, 3, START + 2_000_000)
    rec.family("timer", 7000, 5000, 4, START + 2_000_000)
    chain = rec.write_to(tmp_path / "f", "timer")
    assert (chain["gap"], chain["length_ns"], chain["start_ns"]) == ("late", 5_000_000, START + 2_000_000)
    assert chain["cause"] == "the host ran the timer 5.000 ms late" and marked(chain)["role"] == "self"


@pytest.mark.parametrize("seed", range(3))
def test_random(tmp_path, seed):
    """vCPU threads on two CPUs, switched at random, compared with a slow evaluation."""
    rng = random.Random(seed)
    rec = Known("exit", "sched")
    for vcpu, tid, cpu in (0, 101, 3), (1, 102, 3), (9, 201, 5):
        at = 100
        for _ in range(150):
            guest, waits = rng.randrange(1, 200), rng.random() < 0.3
            at += guest
            wait = rng.randrange(10, 400) if waits else 0
            rec.cycle(at, 20 + wait, guest=guest, wait=wait, vcpu=vcpu)
            if waits:
                rec.sched(at + 5, OUT, 7, rng.choice([4711, 77, 102, 101]), tid=tid, vcpu=vcpu, cpu=cpu)
                rec.sched(at + 5 + wait, IN, wait, rng.choice([4711, 77, 102, 101]), tid=tid, vcpu=vcpu, cpu=cpu)
            at += 20 + wait
    rec.write_to(tmp_path / "f")
    for chain in report(rec.path, "--outliers", 200)["outliers"]:
        check_chain(chain, rec.path)


def test_rows_are_bounded(tmp_path):
    """Among very many rows, those that matter are kept and the others are counted."""
    rec = Known("exit", "sched", "ioctl")
    rec.cycle(1000, 50_000, wait=48_000)
    for i in range(100):
        rec.family("ioctl", 1100 + i * 10, 5, 1, 0x4020ae46, 2, 9, 0, 0, vcpu=VMM, tid=150)
    rec.sched(1005, OUT, 500, 4711)
    rec.sched(49_005, IN, 48_000, 4711)
    chain = rec.write_to(tmp_path / "f")
    assert len(chain["steps"]) == 42 and chain["left_out"] == 62
    assert chain["holders"][0]["time_ns"] == 48_000_000
    assert "62 more not shown" in text_of(rec.path, "--outliers", 1)


def test_selection(tmp_path):
    """--where, --vcpu, --reason and --time select outliers, but not the steps around them."""
    every = [row for row in rows(FAMILIES) if row["event"] == "exit" and row["total_ns"] is not None]
    for args, keep in (["--where", "reason==io && total<20ms"],
                       lambda row: row["reason"] == "io" and row["total_ns"] < 20_000_000), \
            (["--vcpu", 1], lambda row: row["vcpu"] == 1), (["--reason", "npf"], lambda row: row["reason"] == "npf"):
        chains = report(FAMILIES, "--outliers", 5, *args)["outliers"]
        most = sorted((row["total_ns"] - row["halt_ns"] + row["poll_ns"] for row in every if keep(row)), reverse=True)
        assert [c["length_ns"] for c in chains if c["end_ns"] is not None] == \
            most[:len([c for c in chains if c["end_ns"] is not None])]
        assert any(step["event"] != "exit" for chain in chains for step in chain["steps"])
    first = report(FAMILIES, "--outliers", 1)["outliers"][0]["start_ns"]
    [chain] = report(FAMILIES, "--outliers", 1, "--time", "@%.9f-@%.9f" % (first / 1e9, first / 1e9))["outliers"]
    assert chain["start_ns"] == first and len(chain["steps"]) > 1


def test_mistakes(tmp_path):
    for bad in "0", "x", "1001":
        one_line(kvmw("report", FAMILIES, "--outliers", bad), 2, bad, "from 1 to 1000")
    for args in ["--sort", "rip"], ["--top", 3], ["--hist"], ["--order", "count"], ["--interval", "1s"]:
        one_line(kvmw("report", FAMILIES, "--outliers", 3, *args), 2, args[0], "exclude each other")
    one_line(kvmw("report", FAMILIES, "--outliers", 3, "--csv"), 2, "--json")
    one_line(kvmw("report", FAMILIES, "--outliers", 3, "-e", "dirty"), 2, "event dirty has no durations")
    one_line(kvmw("report", DATA / "svm-lost.kvmw", "--outliers", 3, "-e", "irq"), 1, "holds no irq events", "exit")
    one_line(kvmw("report", FAMILIES, "--outliers", 3, "--where", "total>1h"), 1, "the options select")
    with open(FAMILIES) as file:
        one_line(kvmw("report", "-i", "-", "--outliers", 3, stdin=file), 1, "standard input", "save it first")
