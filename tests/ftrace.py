# SPDX-License-Identifier: GPL-2.0
"""Reads raw pages of the kernel's tracer, and merges what two tracers around a third one saw.

Documentation/trace/ring-buffer-design.rst and include/linux/ring_buffer.h describe a page,
tracefs's file events/CATEGORY/NAME/format each event.
"""
import bisect
import collections
import dataclasses
import pathlib
import re
import struct

PAGE, DATA_AT = 4096, 16                # u64 time, u64 bytes of data, then the data
MISSED = 1 << 30 | 1 << 31              # flags in the bytes of data: the buffer was full
PADDING, TIME_EXTEND, TIME_STAMP = 29, 30, 31
DELTA_BITS = 27

# Fields that all probes see alike; each probe reads some others anew.
SAME = {"pid", "prev_pid", "next_pid", "fd", "cmd", "ret", "exit_reason", "guest_rip", "reason", "errno",
        "load", "rip"}
FIELD = re.compile(r"\tfield:(.*?)(\w+)(\[\d+\])?;\toffset:(\d+);\tsize:(\d+);\tsigned:(\d);")


@dataclasses.dataclass
class Event:
    """One event of one thread. Any other observer saw it between LO and HI."""
    name: str
    tid: int
    cpu: int
    lo: int
    f: dict
    hi: int = None

    def key(self):
        """What both tracers record of an event. The idle thread of each CPU is 0."""
        return (self.name, self.tid, self.cpu if self.tid == 0 else None,
                *(value for name, value in self.f.items() if name in SAME))

    def __str__(self):
        return f"{self.name} of thread {self.tid} at {self.lo / 1e9:.9f}"


class Formats:
    """The layout of event records."""

    def __init__(self, text):
        self.by_id, fields = {}, None
        for line in text.splitlines():
            if line.startswith("name: "):
                name = line.split()[1]
            elif line.startswith("ID: "):
                self.by_id[int(line.split()[1])] = name, (fields := [])
            elif match := FIELD.match(line):
                kind, field, array, offset, size, signed = match.groups()
                if not field.startswith("common_") and "__data_loc" not in kind:
                    fields.append((field, int(offset), int(size), signed == "1", bool(array)))

    def decode(self, record):
        kind, tid = struct.unpack_from("<H2xi", record)
        name, fields = self.by_id[kind]
        own = {}
        for field, offset, size, signed, array in fields:
            value = record[offset:offset + size]
            own[field] = (value.split(b"\0")[0].decode(errors="replace") if array
                          else int.from_bytes(value, "little", signed=signed))
        return name, tid, own


def records(page):
    """(time, record) of one page."""
    time, commit = struct.unpack_from("<QQ", page)
    assert not commit & MISSED, "the tracer's buffer was too small"
    at, end = DATA_AT, DATA_AT + (commit & 0xfffff)
    while at < end:
        word, more = struct.unpack_from("<II", page.ljust(PAGE + 8, b"\0"), at)
        kind, delta = word & 31, word >> 5
        at += 4
        if kind == PADDING:
            if not delta:
                return
            at += more
            time += delta
        elif kind in (TIME_EXTEND, TIME_STAMP):
            at += 4
            full = more << DELTA_BITS | delta
            # An absolute time stamp lacks the highest bits, which do not change during a run.
            time = time + full if kind == TIME_EXTEND else time >> 59 << 59 | full
        else:
            time += delta
            size = 4 * kind if kind else more - 4
            at += 0 if kind else 4
            yield time, page[at:at + size]
            at += size


def tracer(prefix, formats):
    """All events that one tracer saw, CPU by CPU."""
    files = sorted(pathlib.Path(prefix).parent.glob(f"{pathlib.Path(prefix).name}.cpu*"))
    assert files, f"there is no {prefix}.cpu*"
    found = []
    for path in files:
        data, cpu = path.read_bytes(), int(path.suffix[4:])
        for at in range(0, len(data), PAGE):
            for time, record in records(data[at:at + PAGE]):
                name, tid, own = formats.decode(record)
                found.append(Event(name, tid, cpu, time, own))
    return sorted(found, key=lambda event: event.lo)


def between(first, last):
    """
    FIRST's events, each with the time at which LAST saw the same one, if it did.

    FIRST's probe runs before all others, LAST's after them. If a thread has equal events,
    LAST's is the latest that FIRST had seen by then.
    """
    same = collections.defaultdict(list)
    for event in first:
        same[event.key()].append(event)
    for event in last:
        known = same[event.key()]
        i = bisect.bisect_right(known, event.lo, key=lambda e: e.lo) - 1
        assert i >= 0 and known[i].hi is None, f"only the last tracer saw {event}"
        known[i].hi = event.lo
    return first


def read(prefix, formats):
    """The events in PREFIX.first.cpu*, with their latest times from PREFIX.last.cpu*."""
    formats = Formats(pathlib.Path(formats).read_text())
    return between(tracer(f"{prefix}.first", formats), tracer(f"{prefix}.last", formats))
