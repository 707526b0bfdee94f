# SPDX-License-Identifier: GPL-2.0
"""The expected content of a recording of vCPUs, rebuilt from a trace of the same run.

System calls alone identify the vCPU of an event: KVM_CREATE_VM and KVM_CREATE_VCPU return files,
and a thread that enters, exits or returns is in KVM_RUN on such a file.

Every time is a Time, the earliest and the latest possible one: see ftrace.between(). So is every
value computed from times. There is no tolerance.
"""
import bisect
import dataclasses
import typing

CREATE_VM, CREATE_VCPU, RUN = 0xae01, 0xae41, 0xae80        # include/uapi/linux/kvm.h
CLONE_THREAD = 0x10000
FAILED = 0x80000000                                         # reason: this + errno
PREEMPTED = 0x100                                           # prev_state of sched_switch
ON_CPU, READY, ASLEEP = "on a CPU", "ready", "asleep"
# State 0 means ready, unless a wakeup follows. Before 5.18 sched_switch read the state after
# another CPU might have changed it (commit fa2c3254d7cf).
NO_STATE = "ready or asleep"


class Time(typing.NamedTuple):
    """A moment, or a duration: from LO to HI ns."""
    lo: int
    hi: int

    def __str__(self):
        return f"{self.lo}..{self.hi}"

    def __contains__(self, value):
        return self.lo <= value <= self.hi

    def __add__(self, other):
        return Time(self.lo + other.lo, self.hi + other.hi)


ZERO = Time(0, 0)


def when(event):
    assert event.hi is not None, f"only the first tracer saw {event}"
    return Time(event.lo, event.hi)


def span(begin, end):
    return Time(max(end.lo - begin.hi, 0), max(end.hi - begin.lo, 0))


class Thread:
    """What the scheduler did to a thread: its states, and since when it has been in each."""

    def __init__(self):
        self.times, self.states, self.cpus = [], [], []
        self.running = None         # the vCPU whose KVM_RUN it is in
        self.runs = 0               # how many KVM_RUN it has begun
        self.ioctl = None           # the one it is in

    def becomes(self, state, event):
        self.times.append(when(event))
        self.states.append(state)
        self.cpus.append(event.cpu)

    def state(self):
        return self.states[-1] if self.states else ON_CPU

    def spent(self, begin, end):
        """{state: time} from BEGIN to END."""
        found = dict.fromkeys((ON_CPU, READY, ASLEEP, NO_STATE), ZERO)
        first = bisect.bisect_left(self.times, begin.lo, key=lambda time: time.hi) - 1
        for i in range(first, len(self.times)):
            since = self.times[i] if i >= 0 else begin
            until = self.times[i + 1] if i + 1 < len(self.times) else end
            if since.lo > end.hi:
                break
            state = self.states[i] if i >= 0 else ON_CPU
            found[state] += Time(max(min(until.lo, end.lo) - max(since.hi, begin.hi), 0),
                                 max(min(until.hi, end.hi) - max(since.lo, begin.lo), 0))
        found[READY] += found[NO_STATE]
        return found

    def left_cpu(self, begin, end):
        """When it first lost its CPU between two of its events, and which CPU; or None."""
        i = bisect.bisect_right(self.times, begin.lo, key=lambda time: time.lo)
        while i < len(self.times) and self.times[i].lo < end.lo:
            if self.states[i] != ON_CPU:
                return self.times[i], self.cpus[i]
            i += 1
        return None


class Scheduler:
    """All threads of a trace."""

    def __init__(self):
        self.threads = {}

    def threads_of(self, events):
        """The thread of each event: several threads may have had the same number."""
        found = []
        for event in events:
            handle = getattr(self, event.name, None)
            if handle:
                handle(event)
            found.append(self.thread(event.tid))
        return found

    def thread(self, tid):
        return self.threads.setdefault(tid, Thread())

    def task_newtask(self, event):
        self.threads[event.f["pid"]] = Thread()

    def sched_switch(self, event):
        if event.hi is None:
            return
        state = event.f["prev_state"]
        ready = READY if state & PREEMPTED else NO_STATE if state == 0 else ASLEEP
        self.thread(event.f["prev_pid"]).becomes(ready, event)
        self.thread(event.f["next_pid"]).becomes(ON_CPU, event)

    def sched_wakeup(self, event):
        thread = self.thread(event.f["pid"])
        if event.hi is not None and thread.state() in (ASLEEP, NO_STATE):
            thread.states[-1] = ASLEEP
            thread.becomes(READY, event)


@dataclasses.dataclass(eq=False)
class Cycle:
    """From a VM exit to the next entry."""
    vcpu: object
    time: Time                      # of the exit
    event: object
    exit_cpu: int
    guest: Time = None              # None: it had never entered before
    end: Time = None                # None: unfinished
    entry_cpu: int = None
    user: Time = ZERO
    wait: Time = ZERO
    block: Time = ZERO
    user_reason: int = None
    outside: bool = False           # it has not come back from the VMM

    def __str__(self):
        return f"{self.vcpu}, exit {self.reason():#x} at {self.time.lo / 1e9:.9f}"

    def reason(self):
        return self.event.f["exit_reason"]

    def isa(self):
        return self.event.f["isa"]

    def cpu(self):
        return self.exit_cpu

    def like(self, row):
        return row.total_ns

    def total(self):
        """None: unfinished."""
        return span(self.time, self.end) if self.end else None

    def at_least(self):
        """The least duration of an unfinished cycle: until the vCPU's last event."""
        return max(self.vcpu.seen - self.time.hi, 0)

    def part(self, name):
        return {"gap_ns": self.guest, "span_ns": self.total(), "user_ns": self.user,
                "wait_ns": self.wait, "block_ns": self.block}.get(name, ZERO)


@dataclasses.dataclass(eq=False)
class Return:
    """From the return of a KVM_RUN to the next KVM_RUN."""
    vcpu: object
    time: Time
    event: object
    run: Time
    thread: Thread
    runs: int                       # of the thread, at that time
    user: Time = None               # None: unfinished

    def __str__(self):
        return f"{self.vcpu}, return {self.reason():#x} at {self.time.lo / 1e9:.9f}"

    def reason(self):
        f = self.event.f
        return FAILED - f["errno"] if f["errno"] < 0 else f["reason"]

    def isa(self):
        return 0

    def cpu(self):
        return None                 # rows do not say

    def like(self, row):
        return row.user_ns

    def total(self):
        """None: unfinished."""
        return self.user

    def at_least(self):
        return max(self.vcpu.seen - self.time.hi, 0)

    def part(self, name):
        return {"gap_ns": self.run, "span_ns": self.user, "user_ns": self.user}.get(name, ZERO)


class Process:
    def __init__(self, pid):
        self.pid = pid
        self.files = {}             # number: Vm or Vcpu


class Vm:
    def __init__(self, process, number):
        self.process, self.number = process, number
        self.vcpus = []


class Vcpu:
    def __init__(self, vm, number):
        self.vm, self.number = vm, number
        vm.vcpus.append(self)
        self.tids = set()
        self.cycles, self.returns = [], []
        self.began = self.entered = self.cycle = None
        self.seen = 0               # its last event

    def __str__(self):
        return f"vCPU {self.number} of VM {self.vm.number} of process {self.vm.process.pid}"

    # The order of calls: run, then entry and exit in turn, then returned.

    def run(self, thread, time):
        """KVM_RUN begins."""
        self.began = time
        if self.returns:
            self.came_back(thread, time, self.returns[-1])

    def came_back(self, thread, time, last):
        last.user = span(last.time, time)
        if self.cycle:
            self.cycle.outside = False
            if last.thread is thread and last.runs == thread.runs - 1:
                self.cycle.user += thread.spent(last.time, time)[ON_CPU]
            else:
                self.cycle.user += last.user    # it is unknown which thread did what for it
                self.since, self.before = time, (self.cycle.wait, self.cycle.block)

    def off_cpu(self, thread, until):
        """Time off the CPU until now, since the exit or since the thread last became its own."""
        spent, (wait, block) = thread.spent(self.since, until), self.before
        self.cycle.wait, self.cycle.block = wait + spent[READY], block + spent[ASLEEP]

    def entry(self, thread, event):
        if self.cycle:
            self.off_cpu(thread, when(event))
            self.cycle.end, self.cycle.entry_cpu = when(event), event.cpu
        self.cycle, self.entered = None, when(event)

    def exit(self, thread, event):
        begin, cpu, guest = when(event), event.cpu, None
        if self.entered:
            begin, cpu = thread.left_cpu(self.entered, begin) or (begin, cpu)
            guest = span(self.entered, begin)
        self.cycle = Cycle(self, begin, event, cpu, guest)
        self.cycles.append(self.cycle)
        self.since, self.before = begin, (ZERO, ZERO)

    def returned(self, thread, event):
        self.returns.append(Return(self, when(event), event, span(self.began, when(event)), thread,
                                   thread.runs))
        if self.cycle:
            self.off_cpu(thread, when(event))
            self.cycle.outside = True
            if self.cycle.user_reason is None:
                self.cycle.user_reason = self.returns[-1].reason()


class Model:
    """All vCPUs of a trace. Takes events in order."""

    def __init__(self, events):
        self.processes, self.vcpus, self.vms = {}, [], []
        # The scheduler first, as a thread may lose its CPU in the middle of another event.
        threads = Scheduler().threads_of(events)
        for event, thread in zip(events, threads):
            handle = getattr(self, event.name, None)
            if handle:
                handle(event, thread)

    def process(self, tid):
        return self.processes.setdefault(tid, Process(tid))

    def task_newtask(self, event, _):
        child = event.f["pid"]
        self.processes[child] = (self.process(event.tid) if event.f["clone_flags"] & CLONE_THREAD
                                 else Process(child))

    def sys_enter_ioctl(self, event, thread):
        thread.ioctl = event
        if event.f["cmd"] == RUN:
            thread.running = self.process(event.tid).files.get(event.f["fd"])
            thread.runs += 1

    def begins(self, event, thread):
        """When KVM began to run the vCPU: at some time since the system call began."""
        vcpu = thread.running
        assert vcpu, f"no KVM_RUN is known around {event}"
        vcpu.seen = event.lo
        if thread.ioctl:
            vcpu.tids.add(event.tid)
            vcpu.run(thread, Time(thread.ioctl.lo, event.hi))
            thread.ioctl = None
        return vcpu

    def kvm_fpu(self, event, thread):
        if event.f["load"] and thread.running:
            self.begins(event, thread)

    def kvm_entry(self, event, thread):
        self.begins(event, thread).entry(thread, event)

    def kvm_exit(self, event, thread):
        self.begins(event, thread).exit(thread, event)

    def kvm_userspace_exit(self, event, thread):
        self.begins(event, thread).returned(thread, event)
        thread.running = None

    def kvm_vcpu_wakeup(self, event, _):
        raise NotImplementedError(f"a halt in KVM: {event}")

    def sys_exit_ioctl(self, event, thread):
        began, thread.ioctl, fd = thread.ioctl, None, event.f["ret"]
        thread.running = None
        if not began or fd < 0:
            return
        files = self.process(event.tid).files
        if began.f["cmd"] == CREATE_VM:
            files[fd] = Vm(self.process(event.tid), len(self.vms))
            self.vms.append(files[fd])
        elif began.f["cmd"] == CREATE_VCPU:
            files[fd] = Vcpu(files[began.f["fd"]], began.f["arg"])
            self.vcpus.append(files[fd])
