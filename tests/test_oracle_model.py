# SPDX-License-Identifier: GPL-2.0
"""The oracle notices every error. The traces and recordings here are made up."""
import copy
import types

import pytest

import ftrace
import oracle
import oracle_model
from oracle import EXIT, ONES, USERSPACE

US = 1000


class Trace:
    """Events as two tracers show them: one every millisecond, 10 us apart."""

    def __init__(self):
        self.events, self.now = [], 0

    def add(self, name, tid, cpu=0, **fields):
        self.now += 1000 * US
        self.events.append(ftrace.Event(name, tid, cpu, self.now, fields, self.now + 10 * US))

    def thread(self, tid, process):
        self.add("task_newtask", process or 1, pid=tid, clone_flags=0x10000 if process else 0)

    def ioctl(self, tid, fd, cmd, arg, ret):
        self.add("sys_enter_ioctl", tid, fd=fd, cmd=cmd, arg=arg)
        self.add("sys_exit_ioctl", tid, ret=ret)

    def vm(self, tid, fd):
        self.ioctl(tid, 3, oracle_model.CREATE_VM, 0, fd)

    def vcpu(self, tid, vm, fd, number):
        self.ioctl(tid, vm, oracle_model.CREATE_VCPU, number, fd)

    def run(self, tid, fd, cpu=0):
        self.add("sys_enter_ioctl", tid, cpu, fd=fd, cmd=oracle_model.RUN, arg=0)
        self.add("kvm_fpu", tid, cpu, load=1)

    def entry(self, tid, cpu=0):
        self.add("kvm_entry", tid, cpu)

    def exit(self, tid, reason=0x72, cpu=0):
        self.add("kvm_exit", tid, cpu, exit_reason=reason, guest_rip=0x1000, isa=2, info1=1, info2=2,
                 intr_info=3, error_code=4)

    def back(self, tid, reason=2, errno=0, cpu=0):
        self.add("kvm_userspace_exit", tid, cpu, reason=reason, errno=errno)
        self.add("sys_exit_ioctl", tid, cpu, ret=errno)

    def switch(self, tid, to, state, cpu=0):
        self.add("sched_switch", tid, cpu, prev_pid=tid, prev_state=state, next_pid=to)

    def wakeup(self, tid):
        self.add("sched_wakeup", 0, pid=tid)


def a_guest():
    """A process of one thread, 100, whose only vCPU, number 0 and file 5, has entered the guest."""
    t = Trace()
    t.thread(100, 0)
    t.vm(100, 4)
    t.vcpu(100, 4, 5, 0)
    t.run(100, 5)
    t.entry(100)
    return t


def two_vcpus():
    """A process, two threads, a VM, vCPUs 0 and 3: each runs, sleeps, waits; both end open."""
    t = Trace()
    t.thread(100, 0)
    t.thread(101, 100)
    t.vm(100, 4)
    t.vcpu(100, 4, 5, 0)
    t.vcpu(100, 4, 6, 3)
    for tid, fd in ((100, 5), (101, 6)):
        t.run(tid, fd)
        t.entry(tid)
        t.exit(tid)
        t.entry(tid)
        t.exit(tid, 0x7b)
        t.back(tid)
        t.switch(tid, 0, 1)
        t.wakeup(tid)
        t.switch(0, tid, 0)
        t.run(tid, fd)
        t.entry(tid)
        t.exit(tid)
        t.switch(tid, 0, 0)
        t.switch(0, tid, 0)
        t.back(tid, 2, -4)
        t.run(tid, fd)
        t.entry(tid)
        t.exit(tid)
        t.back(tid)
    return t


def middle(time):
    return ONES if time is None else (time.lo + time.hi) // 2


def cycle_row(cycle, number):
    f = cycle.event.f
    return {"time_ns": middle(cycle.time), "guest_ns": middle(cycle.guest),
            "total_ns": middle(cycle.total()), "user_ns": middle(cycle.user), "rip": f["guest_rip"],
            "info1": f["info1"], "info2": f["info2"], "intr_info": f["intr_info"],
            "error_code": f["error_code"], "reason": cycle.reason(), "vcpu": number, "isa": 2,
            "halt_ns": 0, "poll_ns": 0, "wait_ns": middle(cycle.wait), "block_ns": middle(cycle.block),
            "throttled_ns": 0,
            "user_reason": oracle.NO_REASON if cycle.user_reason is None else cycle.user_reason,
            "exit_cpu": cycle.exit_cpu, "entry_cpu": cycle.entry_cpu if cycle.end else oracle.NO_CPU}


def return_row(back, number):
    return {"time_ns": middle(back.time), "run_ns": middle(back.run), "user_ns": middle(back.user),
            "reason": back.reason(), "error": back.event.f["errno"] & ONES, "vcpu": number, "isa": 0}


def totals(rows, event):
    found = {}
    for row in rows:
        key = row.vcpu, event, row.isa, row.reason
        total = found.setdefault(key, types.SimpleNamespace(
            vcpu=row.vcpu, event=event, isa=row.isa, reason=row.reason, count=0, done=0, lost=0,
            left_out=0, **dict.fromkeys(oracle.SUMS, 0)))
        columns = oracle.SUMS_OF[event]
        done = getattr(row, columns["span_ns"]) != ONES
        total.count += 1
        total.done += done
        for name, column in columns.items():
            value = getattr(row, column)
            if value != ONES and (done or name == "gap_ns"):
                setattr(total, name, getattr(total, name) + value)
    return found


def recording(model, command=("kvmw", "record", "-e", "exit,userspace")):
    """What kvmw should record, with times halfway between the tracers'."""
    ids = {vcpu: number for number, vcpu in enumerate(model.vcpus)}
    row = types.SimpleNamespace
    rows = {EXIT: [row(**cycle_row(c, ids[v])) for v in ids for c in v.cycles],
            USERSPACE: [row(**return_row(r, ids[v])) for v in ids for r in v.returns]}
    sums = {**totals(rows[EXIT], EXIT), **totals(rows[USERSPACE], USERSPACE)}
    return types.SimpleNamespace(
        rows=rows, totals=sums, lost=0,
        holders={(t.vcpu, i): row(vcpu=t.vcpu, place=i, time_ns=t.wait_ns)
                 for i, t in enumerate(sums.values())},
        meta={"command": command, "start_ns": 0, "stop": {"time_ns": 10 ** 12}},
        vms={vm.number: {"id": vm.number, "pid": vm.process.pid} for vm in model.vms},
        vcpus={ids[v]: {"id": ids[v], "vm": v.vm.number, "vcpu": v.number, "tid": min(v.tids)}
               for v in ids})


def differences(events, said):
    return oracle.Comparison(oracle_model.Model(copy.deepcopy(events)), said).differences


def test_what_is_right_is_found_right():
    t = two_vcpus()
    model = oracle_model.Model(t.events)
    assert [len(v.cycles) for v in model.vcpus] == [4, 4]
    assert [len(v.returns) for v in model.vcpus] == [3, 3]
    assert not differences(t.events, recording(model))


def changed(value):
    return 7 if value == ONES else value + 50 * US


@pytest.mark.parametrize("event", [EXIT, USERSPACE])
def test_each_field_of_each_row_counts(event):
    t = two_vcpus()
    said = recording(oracle_model.Model(t.events))
    rows = said.rows[event]
    for row in rows:
        for name in vars(row):
            before = getattr(row, name)
            setattr(row, name, 1 - before if name == "vcpu" else changed(before))
            # What an unfinished cycle did after the trace is unknown.
            is_open = event == EXIT and row.total_ns == ONES and name in ("wait_ns", "block_ns", "user_ns")
            assert is_open or differences(t.events, said), (row, name)
            setattr(row, name, before)
    for i, row in enumerate(rows):
        said.rows[event] = rows[:i] + rows[i + 1:]
        assert differences(t.events, said), f"without {row}"
        said.rows[event] = rows + [row]
        assert differences(t.events, said), f"twice {row}"
    said.rows[event] = rows
    assert not differences(t.events, said)


def test_each_field_of_each_total_counts():
    t = two_vcpus()
    said = recording(oracle_model.Model(t.events))
    for key, total in list(said.totals.items()):
        for name in ("count", "done", "lost", "left_out", *oracle.SUMS):
            setattr(total, name, getattr(total, name) + 1)
            assert differences(t.events, said), (total, name)
            setattr(total, name, getattr(total, name) - 1)
        del said.totals[key]
        assert differences(t.events, said), f"without {total}"
        said.totals[key[0], key[1], key[2], 0x55] = total
        assert differences(t.events, said), f"another reason for {total}"
        del said.totals[key[0], key[1], key[2], 0x55]
        said.totals[key] = total
    assert not differences(t.events, said)


def test_all_waiting_has_holders():
    t = two_vcpus()
    said = recording(oracle_model.Model(t.events))
    waited = [holder for holder in said.holders.values() if holder.time_ns]
    assert waited
    for holder in waited:
        holder.time_ns -= 1
        assert differences(t.events, said), holder
        holder.time_ns += 1
    assert not differences(t.events, said)


def test_each_identity_counts():
    t = two_vcpus()
    said = recording(oracle_model.Model(t.events))
    for vcpu in said.vcpus.values():
        for name in ("vcpu", "tid"):
            vcpu[name] += 10
            assert differences(t.events, said), (vcpu, name)
            vcpu[name] -= 10
    said.vms[0]["pid"] += 1
    assert differences(t.events, said)
    said.vms = {0: {"pid": 100}, 1: {"pid": 100}}
    said.vcpus[1]["vm"] = 1
    assert differences(t.events, said)
    said.vcpus[1]["vm"] = 0
    said.lost = 1
    assert differences(t.events, said)
    said.lost = 0
    assert not differences(t.events, said)


def test_each_event_of_the_trace_counts():
    """Without any one event, the trace is either inconsistent or means something else."""
    t = two_vcpus()
    said = recording(oracle_model.Model(t.events))
    for i, event in enumerate(t.events):
        rest = t.events[:i] + t.events[i + 1:]
        try:
            found = differences(rest, said)
        except (AssertionError, KeyError, AttributeError):
            continue
        told_twice = event.name in ("kvm_fpu", "task_newtask") or (
            event.name == "sys_exit_ioctl" and event.f["ret"] <= 0) or (
            event.name == "sys_enter_ioctl" and event.f["cmd"] == oracle_model.CREATE_VM)
        assert found or told_twice, event


def only(events):
    """The first cycles and returns of each vCPU."""
    return [(v.cycles, v.returns) for v in oracle_model.Model(events).vcpus]


def about(time):
    """Equal in milliseconds: the tracers are 10 us apart, and KVM_RUN begins within one ms."""
    return time.lo // (1000 * US), -(-time.hi // (1000 * US))


def test_a_vcpu_that_changes_its_thread():
    """A vCPU's cycle goes on in another thread; all of its time outside KVM_RUN is the VMM's."""
    t = a_guest()
    t.thread(101, 100)
    t.exit(100, 0x7b)
    t.back(100)
    t.switch(100, 101, 1)
    t.run(101, 5)
    t.entry(101, 0)
    t.exit(101)
    ((cycles, returns),) = only(t.events)
    assert len(cycles) == 2 and len(returns) == 1
    assert about(cycles[0].total()) == (5, 7) and about(cycles[0].user) == (2, 5)
    assert cycles[0].wait == cycles[0].block == oracle_model.ZERO
    assert returns[0].user == cycles[0].user and cycles[1].guest is not None


def test_a_thread_that_turns_to_another_vcpu():
    t = Trace()
    t.thread(100, 0)
    t.vm(100, 4)
    t.vm(100, 7)
    t.vcpu(100, 4, 5, 0)
    t.vcpu(100, 7, 6, 0)
    for fd in (5, 6, 5):
        t.run(100, fd)
        t.entry(100)
        t.exit(100, 0x7b)
        t.back(100)
        t.switch(100, 0, 1)
        t.wakeup(100)
        t.switch(0, 100, 0)
    model = oracle_model.Model(t.events)
    first, second = model.vcpus
    assert first.vm is not second.vm and first.vm.process is second.vm.process
    assert [len(first.cycles), len(second.cycles)] == [2, 1]
    assert first.cycles[0].user == first.returns[0].user and about(first.cycles[0].user) == (13, 16)
    assert first.cycles[0].wait == first.cycles[0].block == oracle_model.ZERO


def test_sleeping_and_waiting():
    t = two_vcpus()
    (cycles, _), _ = only(t.events)
    # Asleep from the switch to the wakeup, ready until it is on a CPU again.
    assert about(cycles[1].block) == (0, 2) and about(cycles[1].wait) == (0, 2)
    assert about(cycles[1].user) == (2, 5)
    assert cycles[0].wait == cycles[0].block == cycles[0].user == oracle_model.ZERO


@pytest.mark.parametrize("state,wakeup,asleep", [
    (1, True, True), (0, True, True), (0, False, False), (0x100, True, False), (0x101, True, False)])
def test_whether_it_slept(state, wakeup, asleep):
    """State 0 may have been read too late, and a preempted thread may be woken, too."""
    t = a_guest()
    t.exit(100)
    t.switch(100, 0, state)
    t.add("sched_wakeup", 0, pid=100 if wakeup else 99)
    t.switch(0, 100, 0)
    t.entry(100)
    (((cycle,), _),) = only(t.events)
    assert about(cycle.block) == ((0, 2) if asleep else (0, 0))
    assert about(cycle.wait) == ((0, 2) if asleep else (1, 3))


def test_losing_the_cpu_on_the_way_into_kvm():
    """The full wait counts, whether the CPU is lost before KVM began to run or after."""
    t = a_guest()
    t.exit(100)
    t.back(100)
    t.add("sys_enter_ioctl", 100, fd=5, cmd=oracle_model.RUN, arg=0)
    t.switch(100, 0, 0)
    t.switch(0, 100, 0)
    t.add("kvm_fpu", 100, load=1)
    t.entry(100)
    (((cycle,), _),) = only(t.events)
    assert about(cycle.wait) == (0, 2) and about(cycle.user) == (1, 5) and cycle.block.hi == 0


def test_losing_the_cpu_while_kvm_tells_of_the_return():
    """From 7.1 on a thread can be preempted between two programs that watch the same event."""
    t = a_guest()
    t.exit(100, 0x7b)
    t.add("kvm_userspace_exit", 100, reason=2, errno=0)
    back = t.events[-1]
    t.switch(100, 0, 0x100)
    t.switch(0, 100, 0)
    back.hi = t.now + 20 * US
    t.add("sys_exit_ioctl", 100, ret=0)
    t.run(100, 5)
    t.entry(100)
    (((cycle,), (returned,)),) = only(t.events)
    assert about(returned.time) == (10, 13) and about(returned.user) == (1, 6)
    # It waited, whether in the kernel or in the VMM.
    assert about(cycle.wait) == (0, 2) and about(cycle.user) == (1, 5)


def test_files_are_of_their_process():
    """File numbers mean nothing in another process, or after KVM has reused them."""
    t = Trace()
    for tid in (100, 200):
        t.thread(tid, 0)
        t.vm(tid, 4)
        t.vcpu(tid, 4, 5, 0)
        t.run(tid, 5)
        t.entry(tid)
        t.exit(tid)
        t.back(tid)
    t.vm(200, 4)
    t.vcpu(200, 4, 5, 0)
    t.run(200, 5)
    t.entry(200)
    t.exit(200)
    model = oracle_model.Model(t.events)
    assert [len(v.cycles) for v in model.vcpus] == [1, 1, 1]
    assert len({v.vm for v in model.vcpus}) == 3
    assert len({v.vm.process for v in model.vcpus}) == 2


def test_preempted_before_kvm_told_of_the_exit():
    """The cycle begins when the thread lost its CPU."""
    t = a_guest()
    t.switch(100, 0, 0)
    t.switch(0, 100, 0, cpu=1)
    t.exit(100, cpu=1)
    t.entry(100, cpu=1)
    (((cycle,), _),) = only(t.events)
    assert (cycle.exit_cpu, cycle.entry_cpu) == (0, 1)
    assert about(cycle.guest) == (0, 2) and about(cycle.wait) == (0, 2) and about(cycle.total()) == (2, 4)


@pytest.mark.parametrize("words,row,kept", [
    ("--reason cpuid", (0x72, 0), True), ("--reason cpuid", (0x7b, 0), False),
    ("--reason cpuid", (2, None), True), ("--min-duration 1ms", (0x72, 999_000), False),
    ("--min-duration 1ms", (0x72, 1_000_000), True), ("--min-duration 1ms", (0x72, None), None),
    ("--min-duration 4us", (0x72, None), True), ("", (0x72, None), True),
    ("--min-duration 1ms", (0x72, 999_995), None), ("", (0x72, 0), True)])
def test_filters(words, row, kept):
    reason, ns = row
    thing = types.SimpleNamespace(
        isa=lambda: 0 if reason == 2 else 2, reason=lambda: reason, at_least=lambda: 5000,
        total=lambda: None if ns is None else oracle.Time(ns, ns + 10))
    assert oracle.Filters(["kvmw", "record", *words.split()]).keep(thing) is kept


def test_left_out_by_number():
    filters = oracle.Filters(["kvmw", "record", "--vcpu", "0,2-3"])
    assert [n for n in range(6) if filters.selects(types.SimpleNamespace(number=n))] == [0, 2, 3]


def test_two_tracers():
    """Equal events are matched in order; an event that only the first tracer saw has no latest
    time."""
    def events(times):
        return [ftrace.Event("kvm_entry", 100, 0, time, {"rip": 1}) for time in times]

    merged = ftrace.between(events([10, 20, 30, 40]), events([21, 39]))
    assert [event.hi for event in merged] == [None, 21, 39, None]
    same = ftrace.between([ftrace.Event("kvm_exit", 100, 0, 10, {"guest_rip": 1, "requests": 0})],
                          [ftrace.Event("kvm_exit", 100, 0, 15, {"guest_rip": 1, "requests": 4096})])
    assert same[0].hi == 15
    for bad in ([5], [21, 22]):
        with pytest.raises(AssertionError):
            ftrace.between(events([10, 20]), events(bad))


def test_pages_of_a_tracer():
    """Records of both sizes, a long pause, and a page that lost events."""
    formats = ftrace.Formats("name: kvm_entry\nID: 9\nformat:\n"
                             "\tfield:unsigned int vcpu_id;\toffset:8;\tsize:4;\tsigned:0;\n"
                             "\tfield:char comm[4];\toffset:12;\tsize:4;\tsigned:0;\n")
    record = bytes([9, 0, 0, 0]) + (77).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"ab\0z"
    words = [5 << 5 | 4]                                # 16 bytes, 5 ns later
    data = words[0].to_bytes(4, "little") + record
    data += (2 << 5 | 30).to_bytes(4, "little") + (1).to_bytes(4, "little")     # 2^27 + 2 ns
    data += (1 << 5).to_bytes(4, "little") + (20).to_bytes(4, "little") + record
    page = (1000).to_bytes(8, "little") + len(data).to_bytes(8, "little") + data
    found = list(ftrace.records(page.ljust(ftrace.PAGE, b"\0")))
    assert [time for time, _ in found] == [1005, 1005 + 2 ** 27 + 2 + 1]
    for _, raw in found:
        assert formats.decode(raw) == ("kvm_entry", 77, {"vcpu_id": 3, "comm": "ab"})
    with pytest.raises(AssertionError):
        list(ftrace.records((1000).to_bytes(8, "little") + (1 << 31).to_bytes(8, "little") + bytes(4080)))
