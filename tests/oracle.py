#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""oracle.py TRACE RECORDING: check a recording against a trace of the same run.

Rebuilds every row and every total of the events exit and userspace from TRACE.first.cpu* and
TRACE.last.cpu*, written by lab/scripts/oracle.sh, and compares them one by one. It is based on
kvmw-record(1) and kvmw.data-file-format(5), and on none of kvmw's code.
"""
import argparse
import bisect
import collections
import itertools
import pathlib
import sys
import typing

import ftrace
import independent_reader
from oracle_model import ZERO, Model, Time

ONES = 2 ** 64 - 1
EXIT, USERSPACE = 1, 2                      # ids of events
IDENT, META, STATS, EVENTS, LOSS = 3, 2, 6, 4, 5     # types of frames
NO_REASON, NO_CPU = 0xffffffff, 0xffff
UNITS = {"ns": 1, "us": 1000, "ms": 10 ** 6, "s": 10 ** 9}
# Fields of kvm_exit, which some kernels lack, and their names in the recording.
SAME = {"guest_rip": "rip", "info1": "info1", "info2": "info2", "intr_info": "intr_info",
        "error_code": "error_code", "exit_reason": "reason", "isa": "isa"}
PARTS = ("user_ns", "wait_ns", "block_ns")
SUMS_OF = {EXIT: {"gap_ns": "guest_ns", "span_ns": "total_ns", "user_ns": "user_ns", "halt_ns": "halt_ns",
                  "poll_ns": "poll_ns", "wait_ns": "wait_ns", "block_ns": "block_ns",
                  "throttled_ns": "throttled_ns"},
           USERSPACE: {"gap_ns": "run_ns", "span_ns": "user_ns", "user_ns": "user_ns"}}
SUMS = ("gap_ns", "span_ns", "user_ns", "halt_ns", "poll_ns", "wait_ns", "block_ns", "throttled_ns")
# arch/x86/include/uapi/asm/svm.h
REASONS = {"cpuid": 0x72, "io": 0x7b, "interrupt": 0x60, "npf": 0x400}


class Recording:
    """Its rows, its totals, and what it says about itself."""

    def __init__(self, path):
        reader = independent_reader.Recording(pathlib.Path(path).read_bytes())
        assert reader.finished and not reader.damage, f"{path}: {reader.damage or 'no end'}"
        self.rows, self.totals, self.meta, self.lost = collections.defaultdict(list), {}, {}, 0
        self.vcpus, self.vms, self.holders = {}, {}, {}
        for frame in reader.frames:
            self.frame(reader, frame)

    def frame(self, reader, frame):
        if frame.type == META:
            self.meta.update(independent_reader.text(frame))
        elif frame.type == IDENT:
            said = independent_reader.text(frame)
            self.vms.update((vm["id"], vm) for vm in said.get("vms", []))
            self.vcpus.update((v["id"], v) for v in said.get("vcpus", []) if "role" not in v)
        elif frame.type in (EVENTS, STATS, LOSS):
            names, columns = zip(*reader.columns(frame).items())
            row = collections.namedtuple("row", names)
            found = [row(*values) for values in zip(*columns)]
            if frame.type == EVENTS:
                self.rows[frame.event] += found
            elif frame.type == LOSS:
                self.lost += sum(one.count for one in found)
            elif "left_out" in names:
                self.totals.update(((t.vcpu, t.event, t.isa, t.reason), t) for t in found)
            elif reader.events[frame.event]["name"] == "holder":
                self.holders.update(((h.vcpu, h.place), h) for h in found)


class Filters:
    """The filters on a recording's command line."""

    def __init__(self, command):
        parser = argparse.ArgumentParser()
        parser.add_argument("-e", default="exit")
        parser.add_argument("--vcpu")
        parser.add_argument("--reason")
        parser.add_argument("--min-duration", default="0ns")
        known, _ = parser.parse_known_args(command)
        self.events = {{"exit": EXIT, "userspace": USERSPACE}[name] for name in known.e.split(",")}
        self.vcpus = None
        if known.vcpu:
            ends = [list(map(int, part.split("-"))) for part in known.vcpu.split(",")]
            self.vcpus = {n for end in ends for n in range(end[0], end[-1] + 1)}
        self.reasons = known.reason and {REASONS[name] for name in known.reason.split(",")}
        number = known.min_duration.rstrip("nums")
        self.min_ns = int(number) * UNITS[known.min_duration[len(number):]]

    def selects(self, vcpu):
        return self.vcpus is None or vcpu.number in self.vcpus

    def keep(self, thing):
        """Whether it has a row: True, False, or None if that depends on unknown nanoseconds."""
        if self.reasons and thing.isa() and thing.reason() not in self.reasons:
            return False
        duration = thing.total()
        if duration is None:
            # The trace does not show when the vCPU went away.
            return True if thing.at_least() >= self.min_ns else None
        return True if duration.lo >= self.min_ns else False if duration.hi < self.min_ns else None

    def keep_all(self):
        return not self.reasons and not self.min_ns


def pair(things, rows, likeness):
    """(thing, row), each one once, with None for a missing counterpart.

    A row belongs to what happened at its time; on several CPUs that may be ambiguous.
    """
    rows = sorted(rows, key=lambda row: row.time_ns)
    things = sorted(things, key=lambda thing: thing.time.lo)
    latest = list(itertools.accumulate((thing.time.hi for thing in things), max))
    left, found = dict.fromkeys(range(len(things))), []
    for row in rows:
        i = bisect.bisect_right(things, row.time_ns, key=lambda thing: thing.time.lo) - 1
        choice = []
        while i >= 0 and latest[i] >= row.time_ns:
            if i in left and row.time_ns in things[i].time:
                choice.append(i)
            i -= 1
        best = max(choice, key=lambda i: likeness(things[i], row)) if len(choice) > 1 else (
            choice[0] if choice else None)
        if choice:
            left.pop(best)
        found.append((things[best] if choice else None, row))
    return found + [(things[i], None) for i in left]


class Difference(typing.NamedTuple):
    process: object                 # None: of no vCPU
    text: str

    def __str__(self):
        return self.text


class Comparison:
    """The differences, in words."""

    def __init__(self, model, recording):
        self.model, self.recording, self.filters = model, recording, Filters(recording.meta["command"])
        self.stop = recording.meta["stop"]["time_ns"]
        self.vcpus = [v for v in model.vcpus if self.filters.selects(v) and (v.cycles or v.returns)
                      and self.of_this_recording(v)]
        self.differences, self.compared, self.largest = [], 0, 0
        self.ids = collections.defaultdict(set)         # id in the recording: vCPUs of the trace
        self.equal(self, "number of lost records", recording.lost, 0)
        self.rows_of(EXIT, [c for v in self.vcpus for c in v.cycles], self.cycle)
        self.rows_of(USERSPACE, [r for v in self.vcpus for r in v.returns], self.returned)
        self.chains()
        self.identities()
        for vcpu in self.vcpus:
            self.totals_of(vcpu)

    def of_this_recording(self, vcpu):
        first = min(thing.time.lo for thing in vcpu.cycles[:1] + vcpu.returns[:1])
        return self.recording.meta["start_ns"] <= first <= self.stop

    def differ(self, what, *why):
        """Notes a difference. WHAT: a Cycle, Return or Vcpu, or the recording."""
        text = f"{'recording' if what is self else what}: {' '.join(map(str, why))}"
        vcpu = getattr(what, "vcpu", what)
        self.differences.append(Difference(getattr(vcpu, "vm", None) and vcpu.vm.process, text))

    def equal(self, what, name, got, want):
        if got != want:
            self.differ(what, name, "is", got, "not", want)

    def within(self, what, name, got, want):
        """Checks a time or a duration; None: all ones."""
        if want is None:
            self.equal(what, name, got, ONES)
        elif got not in want:
            self.differ(what, name, "is", got, "not", want)
        elif name == "time_ns":
            self.largest = max(self.largest, want.hi - want.lo)

    # Rows

    def rows_of(self, event, things, compare):
        rows = self.recording.rows[event]
        if event not in self.filters.events:
            self.equal(self, f"number of rows of event {event}", len(rows), 0)
            return
        for thing, row in pair(things, rows, self.likeness):
            if not thing:
                self.differ(self, f"at the time of the row {row} nothing happened")
            elif not row:
                if self.filters.keep(thing):
                    self.differ(thing, "there is no row")
            elif self.filters.keep(thing) is False:
                self.differ(thing, "there is a row in spite of the filters")
            else:
                self.compared += 1
                self.ids[row.vcpu].add(thing.vcpu)
                compare(thing, row)

    def likeness(self, thing, row):
        """How well a row fits."""
        said = self.recording.vcpus.get(row.vcpu, {"vcpu": None, "tid": None})
        return [thing.reason() == row.reason, thing.cpu() in (None, getattr(row, "exit_cpu", None)),
                said["vcpu"] == thing.vcpu.number and said["tid"] in thing.vcpu.tids,
                thing.total() is not None and thing.like(row) in thing.total()]

    def cycle(self, cycle, row):
        f = cycle.event.f
        for field, name in SAME.items():
            if field in f:
                self.equal(cycle, name, getattr(row, name), f[field])
        self.within(cycle, "time_ns", row.time_ns, cycle.time)
        self.within(cycle, "guest_ns", row.guest_ns, cycle.guest)
        self.within(cycle, "total_ns", row.total_ns, cycle.total())
        reason = NO_REASON if cycle.user_reason is None else cycle.user_reason
        self.equal(cycle, "user_reason", row.user_reason, reason)
        self.equal(cycle, "exit_cpu", row.exit_cpu, cycle.exit_cpu)
        self.equal(cycle, "entry_cpu", row.entry_cpu, cycle.entry_cpu if cycle.end else NO_CPU)
        for name in ("halt_ns", "poll_ns", "throttled_ns"):
            self.equal(cycle, name, getattr(row, name), 0)
        if cycle.end:
            for name in PARTS:
                self.within(cycle, name, getattr(row, name), cycle.part(name))
            spent = sum(getattr(row, name) for name in PARTS)
            if spent > row.total_ns:
                self.differ(cycle, "the parts are", spent, "of", row.total_ns)
        else:
            self.unfinished(cycle, row)

    def unfinished(self, cycle, row):
        """Its parts go on until the end of the recording, which the trace does not show."""
        rest = Time(0, self.stop - cycle.time.lo)
        for name in PARTS:
            got = getattr(row, name)
            if not (name == "user_ns" and got == ONES and cycle.outside):
                self.within(cycle, name, got, cycle.part(name) + rest)

    def returned(self, back, row):
        self.within(back, "time_ns", row.time_ns, back.time)
        self.within(back, "run_ns", row.run_ns, back.run)
        self.within(back, "user_ns", row.user_ns, back.user)
        self.equal(back, "reason", row.reason, back.reason())
        self.equal(back, "error", row.error, back.event.f["errno"] & ONES)
        self.equal(back, "isa", row.isa, 0)

    def chains(self):
        """Each cycle of a vCPU begins where the previous one, followed by guest time, ended."""
        if not self.filters.keep_all():
            return
        last = {}
        for row in sorted(self.recording.rows[EXIT], key=lambda row: row.time_ns):
            before = last.get(row.vcpu)
            if before and before.time_ns + before.total_ns + row.guest_ns & ONES != row.time_ns:
                self.differ(self, f"{row} does not follow the vCPU's row before")
            last[row.vcpu] = row

    # Identities

    def identities(self):
        self.ids_without_rows()
        seen, vms = collections.defaultdict(set), collections.defaultdict(set)
        for number, vcpus in sorted(self.ids.items()):
            if len(vcpus) > 1:
                self.differ(min(vcpus, key=str), f"its id {number} stands for", len(vcpus), "vCPUs")
            for vcpu in vcpus:
                seen[vcpu].add(number)
                self.identity(vcpu, self.recording.vcpus[number], vms)
        for vcpu, numbers in seen.items():
            if len(numbers) > 1:
                self.differ(vcpu, "it has the ids", *sorted(numbers))
        for number, found in vms.items():
            if len(found) > 1:
                self.differ(next(iter(found)).vcpus[0], f"the id of its VM, {number}, stands for",
                            len(found), "VMs")
        self.equal(self, "number of VMs", len(vms), len({v.vm for v in self.vcpus}))

    def identity(self, vcpu, said, vms):
        vms[said["vm"]].add(vcpu.vm)
        self.equal(vcpu, "number", said["vcpu"], vcpu.number)
        self.equal(vcpu, "process", self.recording.vms[said["vm"]]["pid"], vcpu.vm.process.pid)
        if said["tid"] not in vcpu.tids:
            self.differ(vcpu, "thread", said["tid"], "is none of", *sorted(vcpu.tids))

    def ids_without_rows(self):
        """For a vCPU without rows: an id of its process and number with the same counts."""
        known = {vcpu for vcpus in self.ids.values() for vcpu in vcpus}
        for number, said in self.recording.vcpus.items():
            if number in self.ids:
                continue
            counts = {key[1:]: t.count for key, t in self.recording.totals.items() if key[0] == number}
            alike = [v for v in self.vcpus if v not in known and v.number == said["vcpu"]
                     and v.vm.process.pid == self.recording.vms[said["vm"]]["pid"]
                     and {key: len(found) for key, found in self.grouped(v).items()} == counts]
            if alike:
                self.ids[number].add(alike[0])
                known.add(alike[0])
            else:
                self.differ(self, f"the vCPU id {number} stands for none")

    # Totals

    def grouped(self, vcpu):
        """{(event, isa, reason): what happened}"""
        found = collections.defaultdict(list)
        for event, things in ((EXIT, vcpu.cycles), (USERSPACE, vcpu.returns)):
            for thing in things if event in self.filters.events else ():
                found[event, thing.isa(), thing.reason()].append(thing)
        return found

    def totals_of(self, vcpu):
        ids = {number for number, vcpus in self.ids.items() if vcpu in vcpus}
        if len(ids) != 1 or len(self.ids[min(ids)]) != 1:
            if not ids:
                self.differ(vcpu, "the recording does not have it")
            return
        (number,) = ids
        want = self.grouped(vcpu)
        got = {key[1:]: t for key, t in self.recording.totals.items() if key[0] == number}
        for key in sorted(want.keys() | got.keys()):
            what = f"total of event {key[0]}, reason {key[2]:#x}"
            if key in got and key in want:
                self.total(vcpu, what, got[key], want[key], number)
            else:
                self.differ(vcpu, what, "is missing" if key in want else "is of nothing")
        self.held(vcpu, number)

    def held(self, vcpu, number):
        """Somebody had the CPU all the time that it waited, in unfinished cycles too."""
        waited = sum(t.wait_ns for key, t in self.recording.totals.items() if key[:2] == (number, EXIT))
        held = sum(h.time_ns for key, h in self.recording.holders.items() if key[0] == number)
        if held < waited:
            self.differ(vcpu, "its holders had the CPU for", held, "ns; it waited for", waited)

    def total(self, vcpu, what, got, things, number):
        done = [thing for thing in things if thing.total()]
        columns = SUMS_OF[got.event]
        rows = [row for row in self.recording.rows[got.event]
                if (row.vcpu, row.isa, row.reason) == (number, got.isa, got.reason)]
        done_rows = [row for row in rows if getattr(row, columns["span_ns"]) != ONES]
        self.equal(vcpu, f"{what}, count", got.count, len(things))
        self.equal(vcpu, f"{what}, done", got.done, len(done))
        self.equal(vcpu, f"{what}, lost", got.lost, 0)
        # A cycle that is still open is not counted: whether it would be filtered is unknown.
        self.equal(vcpu, f"{what}, left_out", got.left_out, len(done) - len(done_rows))
        for name in SUMS:
            of = things if name == "gap_ns" else done
            self.within(vcpu, f"{what}, {name}", getattr(got, name),
                        sum((thing.part(name) or ZERO for thing in of), ZERO))
        if len(rows) == len(things):
            for name, column in columns.items():
                values = [getattr(row, column) for row in (rows if name == "gap_ns" else done_rows)]
                self.equal(vcpu, f"{what}, {name}", getattr(got, name),
                           sum(value for value in values if value != ONES))


def compare(trace, recording, formats=None):
    formats = formats or pathlib.Path(trace).parent / "oracle.formats"
    return Comparison(Model(ftrace.read(trace, formats)), Recording(recording))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace")
    parser.add_argument("recording")
    parser.add_argument("-n", type=int, default=10, help="print at most N differences (default 10)", metavar="N")
    args = parser.parse_args()
    found = compare(args.trace, args.recording)
    print(f"{found.compared} rows and {len(found.recording.totals)} totals of {len(found.vcpus)} "
          f"vCPUs compared; both tracers are at most {found.largest / 1000:.1f} us apart")
    print(f"{len(found.differences)} differences")
    for difference in found.differences[:args.n]:
        print(difference)
    return 1 if found.differences else 0


if __name__ == "__main__":
    sys.exit(main())
