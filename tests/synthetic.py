# SPDX-License-Identifier: GPL-2.0
"""Makes recordings in which every row is known, and runs kvmw on them.

tests/make_recording.c writes them with kvmw's own writer.
"""
import json
import os
import pathlib
import random
import subprocess

import json_schema

TREE = pathlib.Path(__file__).resolve().parent.parent
KVMW = pathlib.Path(os.environ.get("KVMW", TREE / "kvmw")).resolve()
MAKE_RECORDING = os.environ.get("MAKE_RECORDING", KVMW.parent / "obj/tests/make_recording")

START = 5_000_000_000
VMX = {"CPUID": 10, "HLT": 12, "IO_INSTRUCTION": 30, "EPT_VIOLATION": 48,
       "EXTERNAL_INTERRUPT": 1, "INVALID_STATE|FAILED_VMENTRY": 0x80000021, "VMX 0x63": 0x63}
SVM = {"cpuid": 0x72, "hlt": 0x78, "io": 0x7b, "npf": 0x400, "interrupt": 0x60, "SVM 0x56": 0x56}
VMS = [{"id": 0, "pid": 100, "name": "debian12", "vmm": "qemu-system-x86_64"},
       {"id": 4, "pid": 200, "name": "", "vmm": "firecracker"}]
VCPUS = [{"id": 0, "vm": 0, "vcpu": 0, "tid": 101, "comm": "CPU 0/KVM"},
         {"id": 1, "vm": 0, "vcpu": 1, "tid": 102, "comm": "CPU 1/KVM"},
         {"id": 9, "vm": 4, "vcpu": 0, "tid": 201, "comm": "fc_vcpu 0"}]
META = {"kvmw": "0.1", "command": ["kvmw", "record", "-a"], "start_ns": START,
        "host": {"name": "node7", "kernel": "6.1.0-18-amd64", "arch": "x86_64",
                 "cpu": "AMD EPYC 7543 32-Core Processor", "cpus": 64},
        "kvm": {"module": "kvm_amd", "params": {"kvm_amd": {"npt": "Y"}}},
        "events": ["exit"], "rings": 1, "ring_bytes": 8388608,
        "clocks": [{"monotonic_ns": START, "realtime_ns": 1_735_689_600_000_000_000}]}


def text_for_maker(lines):
    """What make_recording reads."""
    return "".join(json.dumps(line) + "\n" for line in lines)


class Recording:
    """Lines for make_recording, and the rows in them."""

    def __init__(self, meta=META, vms=VMS, vcpus=VCPUS):
        self.lines = [["META", meta], ["IDENT", {"vms": vms, "vcpus": vcpus}]]
        self.exits = []
        self.end = START

    def frame(self, exits, keep=lambda row: True):
        """A frame of rows (time, guest, total, user, reason, vcpu, isa); those not kept are
        lost."""
        self.exits += exits
        kept, lost = [], []
        for row in exits:
            (kept if keep(row) else lost).append(row)
        if kept:
            self.lines.append(["EVENTS", "exit", [
                [t, guest, total, user, 0xffffffff81000000, 0, 0, 0, 0, reason, vcpu, isa]
                for t, guest, total, user, reason, vcpu, isa in kept]])
        if lost:
            self.lines.append(["LOSS", "loss", [[0, 1, len(lost), lost[0][0], lost[-1][0]]]])
        self.end = max([self.end] + [t + (total or 0) for t, _, total, *_ in exits])
        return lost

    def events(self, event, rows, frame):
        """Rows of an event, in frames of a given size."""
        self.lines += [["EVENTS", event, rows[i:i + frame]] for i in range(0, len(rows), frame)]

    def totals(self, lost=()):
        rows = {}
        lost = set(lost)
        for row in self.exits:
            t, guest, total, user, reason, vcpu, isa = row
            r = rows.setdefault((vcpu, isa, reason), [vcpu, 1, isa, reason, 0, 0, 0, 0, 0, 0])
            r[4] += 1
            r[5] += total is not None
            r[6] += row in lost
            r[7] += guest or 0
            r[8] += total or 0
            r[9] += user or 0
        self.lines.append(["STATS", "total", list(rows.values())])
        self.lines.append(["STATS", "cost", [[self.end, len(self.exits) * 123,
                                              len(self.exits), 20_000_000, 0, 0]]])

    def finish(self):
        self.end += 1_000_000
        self.lines.append(["META", {"stop": {"time_ns": self.end, "why": "command ended"}}])
        self.lines.append(["FINISH"])
        return self

    def write(self, path):
        subprocess.run([MAKE_RECORDING, path], input=text_for_maker(self.lines), text=True, check=True, timeout=60)
        return path


def random_rows(rng, names, isa, nr, start=START):
    """Cycles of three vCPUs, each at its own pace."""
    now = {vcpu["id"]: start + vcpu["id"] for vcpu in VCPUS}
    rows = []
    for _ in range(nr):
        vcpu = rng.choice(list(now))
        name = rng.choices(list(names), range(1, len(names) + 1))[0]
        guest = rng.randrange(300, 9000)
        total = int(rng.lognormvariate(7 + len(name) % 4, 1)) + 100
        user = total * 6 // 10 if name in ("io", "IO_INSTRUCTION") else 0
        at = now[vcpu] + guest
        now[vcpu] = at + total
        rows.append((at, guest, total, user, names[name], vcpu, isa))
    return sorted(rows)


def vmx_recording(path):
    """4,000 VMX cycles in four frames, one in 50 lost, one unfinished."""
    rng = random.Random(1)
    rec = Recording()
    rows = random_rows(rng, VMX, 1, 4000)
    lost = []
    for i in range(0, len(rows), 1000):
        lost += rec.frame(rows[i:i + 1000], keep=lambda row: rng.randrange(50))
    last = max(row[0] + row[2] for row in rows if row[5] == 1)
    lost += rec.frame([(last + 500, 500, None, None, VMX["HLT"], 1, 1)])
    rec.totals(lost)
    rec.lost = set(lost)
    rec.path = rec.finish().write(path)
    return rec


def svm_recording(path):
    """3,000 SVM cycles in three frames, none lost."""
    rec = Recording()
    rows = random_rows(random.Random(2), SVM, 2, 3000)
    for i in range(0, len(rows), 1000):
        rec.frame(rows[i:i + 1000])
    rec.totals()
    rec.lost = set()
    rec.path = rec.finish().write(path)
    return rec


def kvmw(*args, env=(), **kwargs):
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    environ = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LC_ALL")}
    environ |= {"LC_ALL": "C.UTF-8", "TZ": "UTC"} | dict(env)
    done = subprocess.run([KVMW, *map(str, args)], capture_output=True, text=True, timeout=120,
                          env=environ, **kwargs)
    done.value = json_schema.check_output(args, done)
    return done


def report(path, *args, status=0):
    done = kvmw("report", "-i", path, "--json", *args)
    assert done.returncode == status and done.value, done.stderr
    return done.value


def text_of(path, *args, status=0, env=()):
    done = kvmw("report", "-i", path, *args, env=env)
    assert done.returncode == status, done.stderr
    return done.stdout


def widest(text):
    """Columns of the longest line, except commands, which are never cut, so that they can be
    pasted."""
    return max(len(line) for line in text.splitlines() if not line.startswith("   More: "))


def one_line(done, status, *words):
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("kvmw: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


def same_in_csv(line, row):
    """Compares CSV with JSON: columns are the members except the histogram; null, or no name, is
    empty."""
    if not line.get("name", "name"):
        line = {key: value for key, value in line.items() if key != "name"}
    assert list(line) == [key for key in row if key != "histogram"]
    for key, value in line.items():
        if row[key] is None or isinstance(row[key], str):
            assert value == (row[key] or ""), key
        else:
            assert value and float(value) == row[key], key
