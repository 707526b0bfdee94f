# SPDX-License-Identifier: GPL-2.0
"""sched, halt, timer and load_root compared with perf, which recorded the same tracepoints with
the same clock: of VMs that were stopped when the recordings began and ended, so that no event
may be missing at either end; and of a VM that is counted from its start to its end."""
import collections
import json

import independent_reader
import lab_fixtures
from lab_fixtures import NONE, boots_of, in_boots

GONE = 0xffffffff
OUT, IN, WAKEUP, MIGRATE = 1, 2, 3, 4           # kinds of sched
APIC_START, APIC_EXPIRE = 3, 4                  # of timer
LOAD_ROOT = 12                                  # of mmu
# Two tracers read the clock one after the other, on an emulator that shares its CPUs.
SLACK_NS = 20_000_000
IDENT = 3                                       # type of a frame
INTERRUPT = 0x08 | 0x10 | 0x40                  # enum trace_flag_type: hard, soft, NMI
PREEMPTED, DEAD = 0x100, 0x80                   # include/trace/events/sched.h; TASK_DEAD



def perf_events(boot):
    # Without --guest-code perf script omits interrupts that arrived in guest mode.
    found = lab_fixtures.perf_events(boot.path("sched.data"), "--guest-code")
    assert boot.path("sched.perf").read_text() == "" and len(found) > 1000
    return sorted(found, key=lambda event: event.time_ns)


def rows(boot, event, name="sched"):
    return sorted(lab_fixtures.rows(boot.path(f"{name}.kvmw"), event), key=lambda row: row.time_ns)


def who(event):
    return 0 if event.flags & INTERRUPT else event.tid


def vm_threads(boot, events):
    pids = {int(pid) for pid in boot.path("sched.pids").read_text().split()}
    before = {int(line.split()[0]) for line in boot.path("sched.before").read_text().splitlines()}
    return before | {event.tid for event in events if event.pid in pids}


def expected(events, threads):
    """The expected sched rows of these threads: {(thread, kind): [(CPU, other, detail)]}, and
    their times."""
    found, times = collections.defaultdict(list), collections.defaultdict(list)
    waker = {}

    def add(tid, kind, event, *what):
        if tid in threads:
            found[tid, kind].append(what)
            times[tid, kind].append(event.time_ns)

    for event in events:
        f = event.f
        if event.name == "sched__sched_waking":
            waker[f["pid"]] = who(event)
        elif event.name == "sched__sched_wakeup":
            add(f["pid"], WAKEUP, event, f["target_cpu"], waker.get(f["pid"]))
        elif event.name == "sched__sched_migrate_task":
            add(f["pid"], MIGRATE, event, f["dest_cpu"], who(event), f["orig_cpu"])
        elif event.name == "sched__sched_switch":
            state = f["prev_state"]
            add(f["prev_pid"], OUT, event, event.cpu, f["next_pid"],
                0 if state & PREEMPTED else state)
            add(f["next_pid"], IN, event, event.cpu, f["prev_pid"])
    return found, times


def traced_state(state):
    """The state of a task as the tracepoint prints it; for a task that ends it is another word."""
    return "ends" if state & DEAD else state & 0x7f


def told(row):
    detail = {OUT: lambda: (row.state,), MIGRATE: lambda: (row.from_cpu,)}
    return (row.cpu, row.other) + detail.get(row.kind, tuple)()


@in_boots(*boots_of("sched"))
def test_threads_as_perf_saw_them(boot):
    """Every switch, wakeup and migration of every thread of the VM is as perf recorded it."""
    step = boot.step("sched")
    assert step.status == 0, step.err
    events = perf_events(boot)
    threads = vm_threads(boot, events)
    want, times = expected(events, threads)
    got, spans = collections.defaultdict(list), collections.defaultdict(list)
    for row in rows(boot, "sched"):
        assert row.tid in threads
        got[row.tid, row.kind].append(told(row))
        spans[row.tid, row.kind].append((row.time_ns, row.span_ns))
    assert {kind for _, kind in got} == {OUT, IN, WAKEUP, MIGRATE}
    assert {key: len(found) for key, found in got.items()} == {
        key: len(found) for key, found in want.items()}
    for key, found in got.items():
        if key[1] == OUT:
            ours = [(*row[:2], traced_state(row[2])) for row in found]
            perfs = [(*row[:2], "ends" if row[2] in (0x10, 0x20) else row[2] & 0x7f)
                     for row in want[key]]
            assert ours == perfs
        else:
            # perf has no id for a thread that wakes another one while it exits.
            ours = [(mine[0], GONE, *mine[2:]) if theirs[1] == GONE else mine
                    for mine, theirs in zip(found, want[key])]
            assert ours == want[key]
        near(time - perfs for (time, _), perfs in zip(spans[key], times[key]))
    assert sum(other == 0 for (_, kind), found in got.items() if kind == WAKEUP
               for _, other in found) > 0
    check_spans(spans)


def near(differences):
    """Whether nearly all times agree: the emulating machine may stop between two readings of a
    clock."""
    differences = list(differences)
    assert sum(abs(d) >= SLACK_NS for d in differences) <= max(2, len(differences) // 10)


def check_spans(spans):
    """A span reaches back exactly to the event before it."""
    for tid in {tid for tid, _ in spans}:
        of_thread = sorted((time, kind, span) for (t, kind), found in spans.items() if t == tid
                           for time, span in found if kind != MIGRATE)
        on = ready = off = None
        for time, kind, span in of_thread:
            since = {OUT: on, IN: ready, WAKEUP: off}[kind]
            # On a CPU, or preempted on its way to sleep: then it does not sleep.
            awake = kind == WAKEUP and span == 0 and (on, ready) != (None, None)
            assert span == (NONE if since is None else time - since) or awake or (
                kind == OUT and span != NONE)
            if kind == OUT:
                # The next row shows whether it went to sleep.
                on, ready, off = None, time, time
            elif kind == WAKEUP and not awake:
                ready, off = time, None
            elif kind == IN:
                on, ready, off = time, None, None


def thread_times(path):
    found = {}
    for line in path.read_text().splitlines():
        tid, on, waited, _ = map(int, line.split())
        found[tid] = (on, waited)
    return found


@in_boots(*boots_of("sched"))
def test_time_as_the_scheduler_counts_it(boot):
    """Time on CPUs and time waiting for one, compared with schedstat, for the thread that never
    sleeps. (For a thread that sleeps, the kernel stops counting some time before it switches.) Both
    add up to the whole time. The kernel divides them by a clock that it reads earlier in a switch
    than its tracepoint, more so on a busy machine; test_threads_as_perf_saw_them checks each
    switch."""
    before = thread_times(boot.path("sched.before"))
    after = thread_times(boot.path("sched.after"))
    ours, switches, sleeps = collections.Counter(), collections.Counter(), collections.Counter()
    for row in rows(boot, "sched"):
        switches[row.tid] += row.kind == OUT
        sleeps[row.tid] += row.kind == OUT and row.state != 0
        if row.span_ns != NONE:
            ours[row.tid, row.kind] += row.span_ns
    busy = [tid for tid in before.keys() & after.keys()
            if switches[tid] > 20 and sleeps[tid] < 0.1 * switches[tid]]
    assert len(busy) == 1
    for tid in busy:
        kernels = [after[tid][i] - before[tid][i] for i in range(2)]
        assert ours[tid, OUT] > 500_000_000
        assert abs(ours[tid, OUT] + ours[tid, IN] - sum(kernels)) < SLACK_NS + 0.01 * sum(kernels)
        assert abs(ours[tid, IN] - kernels[1]) < 0.25 * sum(kernels)


@in_boots(*boots_of("sched"))
def test_halts_as_perf_saw_them(boot):
    events = perf_events(boot)
    ident = {v["id"]: v for v in lab_fixtures.report(boot.path("sched.kvmw"), "-e", "halt")[
        "recording"]["vcpus"]}
    halts = collections.defaultdict(list)
    for row in rows(boot, "halt"):
        halts[row.tid, row.kind].append(row)
        assert ident[row.vcpu]["tid"] == row.tid and ident[row.vcpu]["vcpu"] is not None
    outs, ins, waking = (collections.defaultdict(list) for _ in range(3))
    want = collections.defaultdict(list)
    for event in events:
        if event.name == "kvm__kvm_vcpu_wakeup":
            want[event.tid, 1].append(event)
        elif event.name == "kvm__kvm_halt_poll_ns":
            want[event.tid, 2].append(event)
        elif event.name == "sched__sched_switch":
            outs[event.f["prev_pid"]].append(event.time_ns)
            ins[event.f["next_pid"]].append(event.time_ns)
        elif event.name == "sched__sched_waking":
            waking[event.f["pid"]].append(event)
    assert {key: len(found) for key, found in halts.items()} == {
        key: len(found) for key, found in want.items()}
    slept, wakers, polls = 0, 0, []
    for (tid, kind), found in halts.items():
        for row, event in zip(found, want[tid, kind]):
            if kind == 2:
                assert (row.grow, row.window_ns, row.old_window_ns) == tuple(
                    int(event.f[key]) for key in ("grow", "new", "old"))
                continue
            assert (row.span_ns, row.slept, row.valid) == tuple(
                int(event.f[key]) for key in ("ns", "waited", "valid"))
            if not row.slept:
                assert (row.poll_ns, row.waker) == (row.span_ns, NONE)
                continue
            slept += 1
            assert row.poll_ns == NONE or row.poll_ns <= row.span_ns
            begin = row.time_ns - row.span_ns
            inside = [e for e in waking[tid] if begin <= e.time_ns < row.time_ns]
            if inside:
                wakers += 1
                assert row.waker == who(inside[-1])
            start = event.time_ns - row.span_ns
            # The time when the thread came back shows which switch began the halt.
            first = next(out for out, back in zip(outs[tid], ins[tid][1:]) if back > start)
            # 0: with a window of 0 it did not poll.
            if row.poll_ns not in (0, NONE):
                polls.append(row.poll_ns - max(first - start, 0))
    near(polls)
    assert slept > 5 and wakers > 0.9 * slept
    not_told = sum(row.poll_ns == NONE for (_, kind), found in halts.items() if kind == 1
                   for row in found)
    assert not_told < 0.1 * slept


@in_boots(*boots_of("sched"))
def test_timers_as_perf_saw_them(boot):
    starts, expiries, owner, until = [], [], {}, {}
    for event in perf_events(boot):
        timer = event.f.get("hrtimer")
        if event.name == "timer__hrtimer_start":
            if who(event):
                owner[timer] = event.tid
            until[timer] = event.f["expires"]
            starts.append((owner[timer], event.f["expires"]))
        elif event.name == "timer__hrtimer_expire_entry":
            expiries.append((owner[timer], until[timer], event.f["now"] - until[timer]))
    ours = rows(boot, "timer")
    assert [(row.tid, row.expires_ns) for row in ours if row.kind == APIC_START] == starts
    mine = [row for row in ours if row.kind == APIC_EXPIRE]
    assert [(row.tid, row.expires_ns) for row in mine] == [e[:2] for e in expiries]
    assert len(mine) > 5
    # The kernel itself read the clock before us, at the begin of the interrupt.
    for row, (_, _, late) in zip(mine, expiries):
        assert late <= row.span_ns == row.time_ns - row.expires_ns
    near(row.span_ns - late for row, (_, _, late) in zip(mine, expiries))


@in_boots(*boots_of("sched"))
def test_threads_have_names(boot):
    """Threads that took the CPU, or woke or moved a thread, have names."""
    comms = collections.defaultdict(set)
    for event in perf_events(boot):
        for prefix in ("", "prev_", "next_"):
            if f"{prefix}pid" in event.f and f"{prefix}comm" in event.f:
                comms[event.f[f"{prefix}pid"]].add(event.f[f"{prefix}comm"])
    names = {}
    recording = independent_reader.Recording(boot.path("sched.kvmw").read_bytes())
    for frame in recording.frames:
        if frame.type == IDENT:
            for task in independent_reader.text(frame).get("tasks", []):
                names[task["tid"]] = task["comm"]
    others = {row.other for row in rows(boot, "sched")} - {0, NONE}
    others |= {row.waker for row in rows(boot, "halt")} - {0, NONE}
    assert others and others <= names.keys()
    for tid in others:
        assert tid not in comms or names[tid] in comms[tid]


@in_boots(*boots_of("sched"))
def test_halting_guest(boot):
    """A guest that halts until its timer fires, recorded from its start, has the counts of perf
    stat."""
    step = boot.step("halts")
    assert step.status == 0, step.err
    perf = lab_fixtures.perf_stat(boot.path("halts.perf"))
    kinds = {event: collections.Counter(row.kind for row in rows(boot, event, "halts"))
             for event in ("halt", "timer", "mmu")}
    assert kinds["halt"][1] == perf["kvm:kvm_vcpu_wakeup"] > 0
    assert kinds["halt"][2] == perf["kvm:kvm_halt_poll_ns"]
    assert kinds["timer"][APIC_START] == perf["timer:hrtimer_start"]
    assert kinds["timer"][APIC_EXPIRE] == perf["timer:hrtimer_expire_entry"]
    assert kinds["timer"][APIC_EXPIRE] > 5
    assert kinds["mmu"][LOAD_ROOT] == perf["kvmwtest:mmu_load"] > 0
    # And so do the kernel's totals.
    totals = collections.Counter()
    for total in {(t.vcpu, t.event, t.reason): t for t in rows_of_totals(boot)}.values():
        totals[total.event, total.reason] += total.count
    for name, number in (("halt", 6), ("timer", 10), ("mmu", 11)):
        for kind, n in kinds[name].items():
            assert totals[number, kind] == n


@in_boots(*(name for name in boots_of("sched") if name != "sched-bullseye"))
def test_no_window_no_polling(boot):
    """A new vCPU does not poll until a tracepoint shows that it does; without event exit."""
    window, halts, polled = collections.Counter(), collections.Counter(), []
    for row in rows(boot, "halt", "halts"):
        if row.kind == 2:
            window[row.tid] = row.window_ns
            # Another test covers this halt, which is about to end.
            halts[row.tid] = -1
            continue
        halts[row.tid] += 1
        # For the first one seen, this is still unknown.
        if row.slept and not window[row.tid] and halts[row.tid] > 1:
            polled.append(row.poll_ns)
    assert len(polled) > 5 and set(polled) == {0}


def rows_of_totals(boot):
    return lab_fixtures.rows(boot.path("halts.kvmw"), "total")


@in_boots(*boots_of("irq"))
def test_hidden_addresses(boot):
    """Without the address of KVM's function, a reason is recorded in place of the APIC timer."""
    timer = next(event for event in json.loads(boot.step("hidden").out)["events"]
                 if event["name"] == "timer")
    assert timer["missing"] is None
    for kind in ("apic_start", "apic_expire"):
        assert f"{kind} (/proc/kallsyms hides the address of apic_timer_fn" in timer["lacks"]
    step = boot.step("hidden-record")
    assert step.status == 0, step.err
    kinds = {row.kind for row in rows(boot, "timer", "hidden")}
    assert not kinds & {APIC_START, APIC_EXPIRE}
