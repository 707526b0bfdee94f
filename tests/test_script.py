# SPDX-License-Identifier: GPL-2.0
"""kvmw script: every event, in order, compared with the rows from an independent reader."""
import csv
import json
import random
import subprocess
import threading
import time

import pytest

import independent_reader
from synthetic import (KVMW, META, START, SVM, TREE, VCPUS, VMS, Recording, kvmw, one_line,
                        random_rows)

GOLDEN = sorted((TREE / "tests/data").glob("*.kvmw"))
ONES = independent_reader.ONES
ROLES = VCPUS + [{"id": 20, "vm": 0, "vcpu": None, "tid": 100, "comm": "qemu", "role": "vmm"},
                 {"id": 21, "vm": None, "vcpu": None, "tid": 0, "comm": "", "role": "kernel"}]
IDENT = {"vms": VMS, "vcpus": ROLES,
         # The last name of a thread counts.
         "tasks": [{"tid": 300, "comm": name} for name in ("kthread", "kworker", "vhost-100")] +
                  [{"tid": 103, "comm": "worker"}],
         "stacks": [{"id": 1, "frames": ["kvm_vcpu_halt+0x10 [kvm]", "vcpu_run+0x5 [kvm]"]},
                    {"id": 2, "frames": ["ioctl+0x3 (libc.so.6)"]}]}
PIO = """name: kvm_pio
ID: 110
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:unsigned int rw;	offset:8;	size:4;	signed:0;
	field:unsigned int port;	offset:12;	size:4;	signed:0;
	field:unsigned int size;	offset:16;	size:4;	signed:0;
	field:unsigned int count;	offset:20;	size:4;	signed:0;
	field:unsigned int val;	offset:24;	size:4;	signed:0;

print fmt: "pio_%s at 0x%x size %d count %d val 0x%x %s", REC->rw ? "write" : "read", REC->port, REC->size, REC->count, REC->val, REC->count > 1 ? "(...)" : ""
"""


def script(path, *args, status=0, **kwargs):
    done = kvmw("script", "-i", path, *args, **kwargs)
    assert done.returncode == status, done.stderr
    return done.stdout.splitlines()


def rows_of(path, *args, status=0):
    return [json.loads(line) for line in script(path, "--json", *args, status=status)]


def schema():
    """The schema that this kvmw writes into a recording: events by name."""
    return {event["name"]: event for event in schema.events}


@pytest.fixture(scope="module", autouse=True)
def events(tmp_path_factory):
    path = Recording().finish().write(tmp_path_factory.mktemp("schema") / "f")
    everything = independent_reader.Recording(path.read_bytes()).events.values()
    schema.events = [event for event in everything if event["id"] < 32]


class Events:
    """Frames of any events; each row is a dict, and fields not in it are unknown."""

    def __init__(self, meta=META, ident=IDENT):
        self.lines = [["META", meta], ["IDENT", ident]]

    def frame(self, event, rows):
        names = [field["name"] for field in schema()[event]["fields"]]
        for row in rows:
            assert set(row) <= set(names)
        self.lines.append(["EVENTS", event, [[row.get(name) for name in names] for row in rows]])
        return self

    def write(self, path, finish=True):
        if finish:
            self.lines += [["META", {"stop": {"time_ns": START + 10**9, "why": "done"}}], ["FINISH"]]
        Recording.write(self, path)
        return path


def random_event(rng, event):
    """A row with plausible values, some of them unknown."""
    row = {}
    for field in event["fields"]:
        name, unit = field["name"], field["unit"]
        if name == "time_ns":
            row[name] = START + rng.randrange(10**8)
        elif name == "vcpu":
            row[name] = rng.choice([0, 1, 9, 20, 21])
        elif name == "kind":
            row[name] = rng.choice([kind["number"] for kind in event.get("kinds", [])] or [1])
        elif name in ("tid", "cpu"):
            row[name] = rng.choice([101, 300])
        elif name == "isa":
            row[name] = rng.choice([1, 2])
        elif field["type"] in ("u64", "s64") and not rng.randrange(4):
            row[name] = None
        elif unit in ("bool", "access", "reason", "user", "detail"):
            row[name] = rng.randrange(1 if unit == "bool" else 3)
        elif field["type"] in ("s64", "s32"):
            row[name] = rng.choice([0, -22, 7, -12345])
        else:
            row[name] = rng.randrange(2 ** rng.randrange(1, 16 if field["type"] == "u16" else 31))
    return row


@pytest.fixture(scope="module")
def families(tmp_path_factory, events):
    """All events, in frames that overlap, with unordered rows."""
    rng = random.Random(4)
    rec = Events()
    rec.rows = []
    for _ in range(4):
        for event in schema.events:
            rows = [random_event(rng, event) for _ in range(rng.randrange(20, 120))]
            rec.frame(event["name"], rows)
            rec.rows += [(event["name"], row) for row in rows]
    rec.path = rec.write(tmp_path_factory.mktemp("families") / "kvmw.data")
    return rec


def expect(event, field, value):
    """The JSON value of a field, except for names."""
    none = value is None or value == -1 and field["type"] != "s32"
    if field["unit"] in ("id", "user") and field["type"] != "u64":
        none |= value == 2 ** int(field["type"][1:]) - 1
    if none:
        return None
    return bool(value) if field["unit"] == "bool" else value


def test_every_event(families):
    """All rows of all events, with every field, are printed in order of time."""
    shown = rows_of(families.path)
    assert len(shown) == len(families.rows)
    times = [row["time_ns"] for row in shown]
    assert times == sorted(times)

    # Rows of one event with the same time are sorted by all of their values.
    def key(event, row):
        return event, row["time_ns"], json.dumps(row, sort_keys=True)

    def plain(row):
        event = schema()[row["event"]]
        out = {}
        for field in event["fields"]:
            name = field["name"]
            if name == "vcpu":
                out[name] = row["vcpu_id"]
            elif name == "kind":
                numbers = {kind["name"]: kind["number"] for kind in event.get("kinds", [])}
                out[name] = numbers.get(row["kind"], row["kind"])
            elif row["event"] == "raw" and name.startswith("w"):
                continue
            else:
                out[name] = row[name + "_number"] if name + "_number" in row else row[name]
            if field["unit"] in ("detail", "isa", "access", "ret_pf", "cause"):
                out[name] = row[name] is None
        return out

    def planned(name, row):
        event = schema()[name]
        out = {}
        for field in event["fields"]:
            if name == "raw" and field["name"].startswith("w"):
                continue
            value = expect(event, field, row.get(field["name"]))
            named = field["unit"] in ("detail", "isa", "access", "ret_pf", "cause")
            out[field["name"]] = value is None if named else value
        return out

    got = sorted(key(row["event"], plain(row)) for row in shown)
    wanted = sorted(key(name, planned(name, row)) for name, row in families.rows)
    assert got == wanted


def test_who(families):
    """A row's ids give the VM, the vCPU's number and the thread."""
    pids = {vm["id"]: vm["pid"] for vm in VMS}
    who = {vcpu["id"]: vcpu for vcpu in ROLES}
    comms = {300: "vhost-100", 103: "worker"}
    for row in rows_of(families.path):
        entry = who[row["vcpu_id"]]
        assert row["vcpu"] == entry["vcpu"]
        assert row["pid"] == pids.get(entry["vm"])
        if row["event"] in ("exit", "userspace"):
            assert row["tid"] == entry["tid"]
        assert row["comm"] == (entry["comm"] or None if row["tid"] == entry["tid"] else
                               comms.get(row["tid"]))
        if row["event"] == "exit":
            assert row["cpu"] == row["exit_cpu"]


def test_counts_are_those_of_info(families):
    info = json.loads(kvmw("info", "-i", families.path, "--json").stdout)
    counts = {f["event"]: f["rows"] for f in info["frames"] if f["type"] == "EVENTS"}
    shown = [row["event"] for row in rows_of(families.path)]
    assert {event: shown.count(event) for event in counts} == counts


CYCLES = ("exit", "userspace")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_recordings(path):
    """Recordings of every released version: fields that they lack are null."""
    rec = independent_reader.Recording(path.read_bytes())
    wanted = []
    for frame in rec.frames:
        if independent_reader.NAMES.get(frame.type) == "EVENTS":
            columns = rec.columns(frame)
            name = rec.events[frame.event]["name"]
            # Families have kinds in place of reasons.
            reasons = columns["reason"] if name in CYCLES else [-1] * frame.rows
            wanted += [(t, name, reason) for t, reason in zip(columns["time_ns"], reasons)]
    status = int(bool(rec.damage) or not rec.finished)
    shown = rows_of(path, status=status)
    assert sorted(wanted) == sorted(
        (row["time_ns"], row["event"], row["reason_number"] if row["event"] in CYCLES else -1)
        for row in shown)
    assert [row["time_ns"] for row in shown] == sorted(row["time_ns"] for row in shown)
    names = {field["name"] for event in rec.events.values() for field in event["fields"]}
    exits = [row for row in shown if row["event"] == "exit"] or shown
    assert ("halt_ns" in exits[0]) == ("halt_ns" in names)
    lines = script(path, "-F", "time,event", status=status)
    assert len(lines) == len(script(path, "--csv", status=status)) - 1 == len(wanted)


def write_one(path, event, ident=IDENT, meta=META, **row):
    row = {"time_ns": START + 1234, "vcpu": 0, "tid": 101, "cpu": 3} | row
    names = {field["name"] for field in schema()[event]["fields"]}
    rec = Events(meta, ident).frame(event, [{k: v for k, v in row.items() if k in names}])
    return rec.write(path)


HEAD = "[003]     0.000001234: "


@pytest.mark.parametrize("event, row, text", [
    ("exit", dict(guest_ns=999, total_ns=1234567, user_ns=0, rip=0xfff0, reason=0x400, isa=2,
                  detail=0x1a2000, detail_kind=7, detail_size=0, user_reason=0xffffffff, exit_cpu=3,
                  entry_cpu=4),
     "exit: vcpu=100/0 reason=npf detail=fault-write:0x1a2000 guest=999ns total=1.234ms "
     "halt=- wait=- block=- ..."),
    ("exit", dict(reason=0x7c, isa=2, detail=0x6e0, detail_kind=10, detail_size=0, exit_cpu=3,
                  user_reason=2),
     "exit: vcpu=100/0 reason=msr detail=wrmsr:0x6e0(TSC_DEADLINE) user=- "
     "halt=- wait=- block=- user_reason=KVM_EXIT_IO"),
    ("exit", dict(reason=30, isa=1, detail=0x3f8, detail_kind=2, detail_size=1, exit_cpu=3),
     "exit: vcpu=100/0 reason=IO_INSTRUCTION detail=out:0x3f8(COM1_transmit) user=- halt=- wait=- block=-"),
    ("irq", dict(kind=7, span_ns=45678, vector=236),
     "irq:inj_virq: vcpu=100/0 span=45.67us vector=236(Linux:local_timer)"),
    ("irq", dict(kind=7, span_ns=45678, vector=49), "irq:inj_virq: vcpu=100/0 span=45.67us vector=49"),
    ("irq", dict(kind=8, vector=14), "irq:inj_exception: vcpu=100/0 vector=14(#PF)"),
    ("irq", dict(kind=5, vector=253, data=0xc08fd),
     "irq:apic_ipi: vcpu=100/0 vector=253(Linux:reschedule) data=0xc08fd(vector_0xfd_to_others)"),
    ("irq", dict(kind=12, level=1, address=0xb0, data=0),
     "irq:apic: vcpu=100/0 level=1 address=0xb0(APIC_EOI) data=0x0"),
    ("irq", dict(kind=4, address=0xfee00000, data=0x31),
     "irq:msi_set_irq: vcpu=100/0 address=0xfee00000 data=0x31"),
    ("hypercall", dict(kind=1, nr=10, a3=0x8fb),
     "hypercall:kvm: vcpu=100/0 nr=0xa(KVM_HC_SEND_IPI) a3=0x8fb(vector_0xfb)"),
    ("hypercall", dict(kind=2, nr=10, a3=0x8fb), "hypercall:hyperv: vcpu=100/0 nr=0xa a3=0x8fb"),
    ("hypercall", dict(kind=2, nr=0x5d), "hypercall:hyperv: vcpu=100/0 nr=0x5d(SignalEvent)"),
    ("exit", dict(reason=1, isa=1, detail=0xfd, detail_kind=15, exit_cpu=3),
     "exit: vcpu=100/0 reason=EXTERNAL_INTERRUPT detail=interrupt:0xfd(host:reschedule) user=- halt=- wait=- block=-"),
    ("exit", dict(reason=131072, isa=1, exit_cpu=3), "exit: vcpu=100/0 reason=0x20000 user=- halt=- wait=- block=-"),
    ("irq", dict(kind=77), "irq:77: vcpu=100/0"),
    ("fault", dict(kind=1, gpa=0x1000, access=3, mmio=1), "fault:page_fault: vcpu=100/0 gpa=0x1000 access=rw mmio=1"),
    ("ioctl", dict(kind=1, vcpu=20, tid=100, cmd=0xae80, result=-4, fd=-3),
     "ioctl:call: tid=100(qemu) cmd=KVM_RUN fd=-3 result=-EINTR"),
    ("ioctl", dict(kind=1, cmd=0x12345678, result=5), "ioctl:call: vcpu=100/0 cmd=0x12345678 result=5"),
    ("sched", dict(kind=3, other=300, state=1), "sched:wakeup: vcpu=100/0 other=300(vhost-100) state=0x1"),
    ("timer", dict(kind=3, expires_ns=6_000_000_007), "timer:apic_start: vcpu=100/0 expires=1.000000007"),
    ("nested", dict(kind=2, reason=0x72, isa=2), "nested:exit: vcpu=100/0 reason=cpuid"),
])
def test_text(tmp_path, event, row, text):
    if event == "exit":     # fields that are always known
        row = dict(intr_info=0, error_code=0, detail_kind=0, detail_size=0) | row
    line, = script(write_one(tmp_path / "f", event, **row))
    assert line == HEAD + text


def test_stacks(tmp_path):
    path = write_one(tmp_path / "f", "stack", kind=1, reason=0x78, isa=2, kernel=1, user=2, span_ns=5)
    assert script(path) == [
        HEAD + "stack:exit: vcpu=100/0 reason=hlt span=5ns kernel=1 user=2",
        "\t    kvm_vcpu_halt+0x10 [kvm]", "\t    vcpu_run+0x5 [kvm]", "\t    ioctl+0x3 (libc.so.6)"]
    row, = rows_of(path)
    assert row["kernel_stack"] == IDENT["stacks"][0]["frames"]
    assert row["user_stack"] == IDENT["stacks"][1]["frames"]
    row, = csv.DictReader(script(path, "--csv"))
    assert row["kernel_stack"] == "vcpu_run+0x5 [kvm];kvm_vcpu_halt+0x10 [kvm]"
    row, = rows_of(write_one(tmp_path / "f", "stack", kind=2, reason=2, isa=0, kernel=-1, user=77))
    assert row["kernel_stack"] is row["user_stack"] is None
    assert row["reason"] == "KVM_EXIT_IO"


def raw_words(record):
    record += bytes(-len(record) % 8)
    return {f"w{i}": int.from_bytes(record[8 * i:8 * i + 8], "little") for i in range(len(record) // 8)}


def pio(path, fmt=PIO, name="kvm:kvm_pio", kind=1, record=None):
    record = record or bytes(8) + b"".join(n.to_bytes(4, "little") for n in (1, 0x3f8, 1, 2, 0x5a))
    meta = META | {"tracepoints": [{"kind": 1, "name": name, "format": fmt}]}
    return write_one(path, "raw", meta=meta, kind=kind, size=len(record), **raw_words(record))


def test_raw(tmp_path):
    path = pio(tmp_path / "f")
    text = "pio_write at 0x3f8 size 1 count 2 val 0x5a (...)"
    assert script(path) == [HEAD + "kvm:kvm_pio: vcpu=100/0 " + text]
    row, = rows_of(path)
    assert row["kind"] == "kvm:kvm_pio" and row["size"] == 28
    assert row["fields"] == {"rw": 1, "port": 0x3f8, "size": 1, "count": 2, "val": 0x5a}
    row, = csv.DictReader(script(path, "--csv"))
    assert row["text"] == text
    assert row["bytes"] == 8 * "00" + "01000000f803000001000000020000005a000000"
    assert len(script(path, "-e", "kvm:kvm_pio")) == len(script(path, "-e", "raw")) == 1
    one_line(kvmw("script", "-i", path, "-e", "kvm:kvm_mmio"), 2, "kvm:kvm_mmio")


STRINGS = """name: odd
ID: 7
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:s16 little;	offset:8;	size:2;	signed:1;
	field:char comm[6];	offset:10;	size:6;	signed:0;
	field:__data_loc char[] name;	offset:16;	size:4;	signed:0;
	field:u8 bytes[4];	offset:20;	size:4;	signed:0;

print fmt: "%s %s", REC->comm, __get_str(name)
"""


def test_raw_strings(tmp_path):
    record = bytes(8) + b"\xfe\xff" + b"ab\x1b\0zz" + (24 | 6 << 16).to_bytes(4, "little") + \
        b"\1\2\3\xff" + b"hello\0"
    row, = rows_of(pio(tmp_path / "f", STRINGS, "odd:odd", record=record))
    assert row["fields"] == {"little": -2, "comm": "ab\x1b", "name": "hello", "bytes": "010203ff"}
    line, = script(tmp_path / "f")
    assert line.endswith(": vcpu=100/0 ab? hello")
    # A string that lies outside the record.
    row, = rows_of(pio(tmp_path / "f", STRINGS, "odd:odd", record=record[:24]))
    assert row["fields"]["name"] is None
    script(tmp_path / "f")


ARGS = '"pio_%s at 0x%x size %d count %d val 0x%x %s", REC->rw'
HOSTILE = {
    "nothing": "",
    "no print fmt": PIO[:PIO.index("print fmt")],
    "control": PIO.replace("kvm_pio", "kvm\x1b_pio"),
    "past its end": PIO.replace("offset:24", "offset:100000"),
    "before its begin": PIO.replace("offset:24", "offset:-8"),
    "huge": PIO.replace("size:4", "size:2000000000"),
    "width": PIO.replace("%x", "%2000000000x"),
    "star": PIO.replace("%x", "%*x"),
    "zero": PIO.replace(", REC->val", ", REC->val / (REC->rw - REC->rw)"),
    "index": PIO.replace(", REC->val", ", ((u8 *)REC->val)[0x7fffffffffff]"),
    "hex": PIO.replace(", REC->val", ", __print_hex(REC->val, 2000000000)"),
    "deep": PIO.replace("REC->rw ?", "(" * 5000 + "REC->rw" + ")" * 5000 + " ?"),
    "chain": PIO.replace("REC->rw ?", "REC->rw " + "+ 1" * 5000 + " ?"),
    "not": PIO.replace("REC->rw ?", "!" * 5000 + "REC->rw ?"),
    "array of 0 bytes": PIO.replace("int val;	offset:24;	size:4", "u8 val[4];	offset:24;	size:0"),  # its parser divides by it
    "cut": PIO[:-20],
    "no such field": PIO.replace("REC->port", "REC->nothing"),
    "long": PIO + "x" * 100000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_formats(tmp_path, name):
    """Whatever the format is, the row is printed: as fields, or as bytes."""
    path = pio(tmp_path / "f", HOSTILE[name])
    line, = script(path)
    assert "\x1b" not in line and "kvm:kvm_pio: vcpu=100/0 " in line
    row, = rows_of(path)
    assert row.get("fields", {}).get("port") == 0x3f8 or "f8030000" in row["bytes"]
    assert len(script(path, "--csv")) == 2


@pytest.mark.parametrize("arg", ['__print_symbolic(REC->rw, {0, "read"}, {1, "write"})',
                                 '__print_flags(REC->rw, "|", {1, "write"}, {2, "read"})', '(u64)REC->rw / 1 ? "write" : ""'])
def test_what_formats_may_call(tmp_path, arg):
    assert script(pio(tmp_path / "f", PIO.replace('REC->rw ? "write" : "read"', arg))) == script(pio(tmp_path / "f"))


def test_unknown_tracepoint(tmp_path):
    line, = script(pio(tmp_path / "f", kind=9))
    assert "raw:9: vcpu=100/0 0000000000000000" + "01000000f8030000" in line


def test_selection(svm, families):
    rows = rows_of(svm.path)
    assert rows == rows_of(svm.path, "-e", "exit") and len(rows) == 3000
    assert rows_of(svm.path, "--max-events", 17) == rows[:17]
    assert rows_of(svm.path, "--vcpu", "1") == [row for row in rows if row["vcpu"] == 1]
    assert rows_of(svm.path, "--pid", "200") == [row for row in rows if row["pid"] == 200]
    window = [row for row in rows if 1_000_000 <= row["time_ns"] - START <= 2_500_000]
    assert window and rows_of(svm.path, "--time", "0.001,0.0025") == window
    assert rows_of(svm.path, "--time", "@5.001,@5.0025") == window
    rows = rows_of(families.path)
    for events in "irq", "irq,halt,exit", "irq:eoi,sched", "irq:eoi,irq:inj_virq":
        asked = set(events.split(","))
        some = [row for row in rows if row["event"] in asked or
                f"{row['event']}:{row['kind']}" in asked]
        assert some and rows_of(families.path, "-e", events) == some


def test_fields(svm):
    def some(*args):
        return script(svm.path, "--max-events", 1, *args)[0]

    row = rows_of(svm.path, "--max-events", 1)[0]
    us = row["time_ns"] - START
    assert some("-F", "time,event") == f"    0.{us:09}: exit:"
    assert some("-F", "vcpu,reason") == f"vcpu={row['vcpu']} reason={row['reason']}"
    assert some("-F", "comm,pid,tid,time") == \
        f"{row['comm']:>16} {row['pid']}/{row['tid']:>7}     0.{us:09}:"
    assert some("-F", "time,event", "--clock", "mono") == f"    5.{us:09}: exit:"
    assert "rip=" in some() and "rip=" not in some("-F", "-rip")
    assert "isa=SVM" not in some() and "isa=SVM" in some("-F", "+isa")
    assert some("-F", "total") == some("-F", "total_ns") != some("-F", "reason")
    # Event stack has a field of exactly that name.
    assert some("-F", "user") == ""
    assert json.loads(some("--json", "-F", "time_ns,reason")) == {
        "time_ns": row["time_ns"], "reason": row["reason"], "reason_number": row["reason_number"]}
    assert some("--csv", "-F", "reason,event,total_ns") == "event,total_ns,reason,reason_number"


def test_csv(families):
    """CSV has a column for each name, empty for events without it."""
    lines = list(csv.reader(script(families.path, "--csv")))
    names = lines[0]
    assert len(set(names)) == len(names) and names[:4] == ["time_ns", "event", "kind", "pid"]
    rows = rows_of(families.path)
    assert len(rows) == len(lines) - 1
    for row, line in zip(rows, lines[1:]):
        assert len(line) == len(names)
        got = dict(zip(names, line))
        for name, value in row.items():
            if isinstance(value, (list, dict)) or name.endswith(("_stack", "_hex")):
                continue
            if isinstance(value, bool):
                value = int(value)
            assert got[name] == ("" if value is None else str(value)), name
        told = set(row) | {"kernel_stack", "user_stack", "text", "bytes"}
        assert all(not value for name, value in got.items() if name not in told)
    only = next(csv.reader(script(families.path, "--csv", "-e", "halt")))
    assert "window_ns" in only and "gpa" not in only


def test_pipe_is_sorted(families):
    """Frames that overlap by less than the delay are sorted as from a file."""
    for args in [], ["--json"]:
        with open(families.path) as file:
            cat = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
            done = kvmw("script", "-i", "-", *args, stdin=cat.stdout)
            cat.wait()
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == script(families.path, *args)
    with open(families.path) as file:
        assert kvmw("script", "-i", "-", stdin=file).stdout.splitlines() == script(families.path)


def parts(tmp_path):
    """A recording's bytes up to the end of each of three frames, and all of them."""
    rows = sorted(random_rows(random.Random(6), SVM, 2, 300))
    whole = Recording()
    for i in range(3):
        whole.frame([(t + i * 3 * 10**9, *rest) for t, *rest in rows[100 * i:100 * i + 100]])
    path = whole.finish().write(tmp_path / "whole")
    data = path.read_bytes()
    frames = [f for f in independent_reader.Recording(data).frames]
    ends = [b.offset for a, b in zip(frames, frames[1:]) if independent_reader.NAMES[a.type] == "EVENTS"]
    return path, data, ends + [len(data)]


class Lines(threading.Thread):
    """The output of a program, as it comes."""

    def __init__(self, program):
        super().__init__(daemon=True)
        self.program, self.lines = program, []
        self.start()

    def run(self):
        for line in self.program.stdout:
            self.lines.append(line)

    def wait(self, nr):
        end = time.monotonic() + 20
        while len(self.lines) < nr and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.lines) == nr


def test_while_it_is_written(tmp_path):
    """Lines come while the recording grows, and the last ones of a frame after a pause: through a
    pipe, and with --follow. Both run at once, because the pause takes a while."""
    path, data, ends = parts(tmp_path)
    at = ends[0] - 1000 if ends[0] > 1000 else 500
    growing = open(tmp_path / "growing", "wb", buffering=0)
    growing.write(data[:at])
    programs = [subprocess.Popen([KVMW, "script", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                for args in (["-i", "-"], ["-i", growing.name, "-f"])]
    outs = [Lines(program) for program in programs]
    pipe = programs[0].stdin
    pipe.write(data[:at])
    for nr, end in enumerate(ends, 1):
        for to in pipe, growing:
            to.write(data[at:end])
            to.flush()
        at = end
        for out in outs if nr <= 3 else ():
            out.wait(100 * nr)
    pipe.close()
    want = script(path)
    for program, out in zip(programs, outs):
        assert program.wait(timeout=20) == 0
        out.join()
        assert b"".join(out.lines).decode().splitlines() == want


def test_reader_that_had_enough(svm):
    """Piped to head, script prints no message, whether SIGPIPE is ignored or not."""
    for ignore in "", "trap '' PIPE; ":
        done = subprocess.run(["bash", "-c", f"{ignore}'{KVMW}' script -i '{svm.path}' | head -n 1"],
                              capture_output=True, text=True, timeout=60)
        assert done.stdout.count("\n") == 1 and not done.stderr


def test_full_disk(svm):
    with open("/dev/full", "w") as full:
        done = subprocess.run([KVMW, "script", "-i", svm.path], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=60)
    one_line(done, 1, "No space left on device")


def test_damage(svm, tmp_path):
    data = bytearray(svm.path.read_bytes())
    frame = [f for f in independent_reader.Recording(bytes(data)).frames if f.type == 4][1]
    data[frame.offset + 100] ^= 1
    path = tmp_path / "damaged"
    path.write_bytes(data)
    done = kvmw("script", "-i", path, "--json")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 2 and f"offset {frame.offset}" in done.stderr
    assert "1000 events are missing" in done.stderr
    assert len(done.stdout.splitlines()) == 2000
    path.write_bytes(data[:frame.offset + 10])
    done = kvmw("script", "-i", path)
    assert done.returncode == 1 and "did not finish" in done.stderr
    assert len(done.stdout.splitlines()) == 1000


def test_lost_events_are_named(tmp_path):
    rec = Recording()
    rows = random_rows(random.Random(9), SVM, 2, 100)
    rec.frame(rows, keep=lambda row: row != rows[5])
    done = kvmw("script", "-i", rec.finish().write(tmp_path / "f"))
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 99
    assert "1 event lost while recording" in done.stderr


def test_mistakes(svm, families, tmp_path):
    for args in ["-e", "bogus"], ["-e", "exit:bogus"], ["-F", "bogus"], ["-F", "+time,-bogus"], \
            ["--json", "--csv"], ["--time", "x"], ["--vcpu", "x"], ["--max-events", "0"], ["bogus"]:
        one_line(kvmw("script", "-i", families.path, *args), 2)
    one_line(kvmw("script", "-i", svm.path, "-e", "irq"), 1, "contains no 'irq' events, only: exit 3000")
    one_line(kvmw("script", "-i", svm.path, "--vcpu", "77"), 1,
             "no events match --vcpu;")
    one_line(kvmw("script", "-i", svm.path, "-e", "exit", "--time", ",0.000000001"), 1,
             "no events match -e, --time;")
    one_line(kvmw("script", "-i", Recording().finish().write(tmp_path / "f")), 1, "contains no events")
    one_line(kvmw("script", "-i", tmp_path / "nowhere"), 1, "nowhere")
