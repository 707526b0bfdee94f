# SPDX-License-Identifier: GPL-2.0
"""The machines that the whole-program tests run in, and what they left behind.

One boot of the lab runs several scripts of tests/lab/scripts. Each script leaves recordings
and the output of its steps in /out; the tests look at them here, with this tree's kvmw.
"""
import array
import collections
import functools
import io
import json
import os
import pathlib
import re
import subprocess

import pytest

import vmm_programs
from lanes import KVMW, TESTS, Job

PROGRAMS = pathlib.Path(KVMW).parent / "obj" / "tests"
DUMP_ROWS = PROGRAMS / "dump_rows"
# Programs in the lab's machines besides kvmw.
ADDED = [word for name in ("vmm", "hyperv_guest", "fault_vmm")
         for word in ("--add", f"{PROGRAMS / name}:/usr/bin/{name}")]

# VMs that come and go one after another; a word of the kernel's command line, which scripts see in
# their environment.
SHORT_VMS = int(os.environ.get("KVMW_VMS", 400))
MANY = ["--append", f"lab_vms={SHORT_VMS}"]

# A script whose subject depends on the kernel runs at least on the kernel that matters. A script
# with a plus runs only if KVMW_EVERYWHERE is set, as in make soak: make check tests that kernel's
# peculiarities in other scripts, and the rest on other machines. errors.sh unloads KVM, so it is
# the last one of
# its machine.
# name: (about how many seconds it takes, options of lab run, scripts). lanes.py runs them.
MACHINES = {
    "intel": (150, ["--cpu", "intel"], "known stat families bench scenarios-intel"),
    "intel-bullseye": (50, ["--cpu", "intel", "--kernel", "bullseye"], "reentry"),
    "bookworm": (85, ["--kernel", "bookworm"],
                 "known killed stat+ overflow+ memory+ irq+ time+ corners+ errors"),
    "bullseye": (270, ["--kernel", "bullseye"],
                 "known stat overflow memory irq stack time corners oracle caps filters+ groups+"),
    "trixie": (20, ["--kernel", "trixie"], "known overflow+ memory+ irq+"),
    "sid": (460, ["--kernel", "sid"],
            "known stat overflow filters memory irq stack ring time idle corners oracle caps bench groups"),
    "avic": (30, ["--kernel", "bookworm", "--append", "kvm_amd.avic=1",
                  "--append", "kvm_amd.force_avic=1", "--nodes", "2"], "avic"),
    "linux": (105, ["--kernel", "bookworm"], "linux scenarios-linux"),
    "behave": (145, ["--kernel", "bookworm"], "behave keep top"),
    "families-bookworm": (90, ["--kernel", "bookworm"], "families guests nested"),
    "families-bullseye": (100, ["--kernel", "bullseye"], "families nested top"),
    "families-trixie": (125, ["--kernel", "trixie"], "families converge"),
    "families-sid": (130, ["--kernel", "sid"], "families nested"),
    "sched-bookworm": (185, ["--kernel", "bookworm", "--smp", "2"], "sched oracle scenarios chains hurt"),
    "sched-bullseye": (50, ["--kernel", "bullseye", "--smp", "2"], "sched oracle scenarios+"),
    "sched-trixie": (120, ["--kernel", "trixie", "--smp", "2", *MANY], "sched oracle many"),
    "sched-sid": (140, ["--kernel", "sid", "--smp", "2"], "sched oracle scenarios chains"),
    "legacy-mmu": (35, ["--kernel", "bookworm", "--append", "kvm.tdp_mmu=0"], "bench"),
    "integrity": (25, ["--kernel", "bookworm", "--append", "lockdown=integrity"], "lockdown"),
    "confidential": (20, ["--kernel", "bookworm", "--append", "lockdown=confidentiality"], "lockdown"),
    "smp": (30, ["--kernel", "bookworm", "--smp", "8"], "known overflow"),
    "systemd": (20, ["--kernel", "bookworm", "--systemd", "--add",
                     str(TESTS.parent / "packaging/kvmw-recorder.service.in")], "systemd"),
}
EVERYWHERE = bool(os.environ.get("KVMW_EVERYWHERE"))
BOOTS = {name: (seconds, options, [script.rstrip("+") for script in scripts.split()
                                   if EVERYWHERE or not script.endswith("+")])
         for name, (seconds, options, scripts) in MACHINES.items()}


STATUS = 3              # standard output of each boot's command: the lab passes it on


def boots_of(script):
    """The machines that run a script."""
    return [name for name, (_, _, scripts) in BOOTS.items() if script in scripts]


def in_boots(*names):
    """Runs the test once for each of these boots, on what it left behind."""
    return pytest.mark.parametrize("boot", names, indirect=True)


class Step:
    """One command of a script: its standard output, standard error and exit status."""

    def __init__(self, out, name):
        self.out = (out / f"{name}.out").read_text(errors="replace")
        self.err = (out / f"{name}.err").read_text(errors="replace")
        self.status = int((out / f"{name}.status").read_text())

    def said(self, status, *words):
        """Asserts that it ended with STATUS and one line of error with all of WORDS."""
        assert self.status == status, self.err
        lines = [line for line in self.err.splitlines() if not line.startswith("[ kvmw record")]
        assert len(lines) == 1 and lines[0].startswith("kvmw: "), self.err
        for word in words:
            assert word in lines[0]


class Boot:
    """What one boot left behind."""

    def __init__(self, name, done):
        assert done.returncode == STATUS and done.stdout.endswith("lab done\n"), \
            done.stdout + done.stderr
        self.name = name
        self.out = done.out
        self.stdout = done.stdout
        self.isa = "vmx" if name.startswith("intel") else "svm"

    def step(self, name):
        return Step(self.out, name)

    def path(self, name):
        return self.out / name

    def json(self, name):
        return json.loads(self.path(name).read_text())


def command(name):
    scripts = BOOTS[name][2]
    plans = vmm_programs.shell(vmm_programs.plans(name)) if "oracle" in scripts else ""
    text = "; ".join(f"sh tests/lab/scripts/{script}.sh" for script in scripts)
    return f"{plans}{text}; echo lab done; exit {STATUS}"


@functools.cache
def job(name):
    seconds, options, _ = BOOTS[name]
    return Job(name, seconds, (*options, *ADDED, "--", functools.partial(command, name)))


def kvmw(*args, **kwargs):
    done = subprocess.run([KVMW, *map(str, args)], capture_output=True, text=True, timeout=120, **kwargs)
    import json_schema  # not in the lab, where tests of the guest run without the rest of the tree
    json_schema.check_output(args, done)
    return done


def report(path, *args, status=0):
    """kvmw report --json of a recording that is expected to end with STATUS."""
    done = kvmw("report", "-i", path, "--json", "--percent-limit", 0, *args)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def info(path, *args, status=0):
    done = kvmw("info", "-i", path, "--json", *args)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def missed(boot, path):
    """{event: how many a recording says were missed at most}. From Linux 7.1 on the kernel skips a
    program while another thread is preempted in one, and hides the event from perf too."""
    notes = re.findall(r"^missed up to (\d+) (.*): the kernel skipped", "\n".join(info(path)["notes"]), re.M)
    assert not notes or "sid" in boot.name
    return collections.Counter({what: int(number) for number, what in notes})


def counts(rep):
    """{reason: exits} of a report."""
    return {row["reason"]: row["count"] for row in rep["rows"]}


# Exits that the host's own interrupts add, by their names in perf and kvmw.
HOST = {"interrupt", "nmi", "EXTERNAL_INTERRUPT", "EXCEPTION_NMI"}


def of_guest(rep):
    """{reason: exits} without those that the host's interrupts caused."""
    return {name: n for name, n in counts(rep).items() if name not in HOST}


NONE = 2 ** 64 - 1      # not captured
# arch/x86/include/uapi/asm/{svm,vmx}.h
REASONS = {
    "svm": {"interrupt": 0x60, "nmi": 0x61, "vintr": 0x64, "cpuid": 0x72, "hlt": 0x78,
            "io": 0x7b, "msr": 0x7c, "npf": 0x400},
    "vmx": {"CPUID": 10, "HLT": 12, "IO_INSTRUCTION": 30, "MSR_READ": 31, "MSR_WRITE": 32,
            "EPT_VIOLATION": 48, "EPT_MISCONFIG": 49},
}


FRAME_HEADER = 56       # bytes, Documentation/kvmw.data-file-format.txt


class Frame:
    """One frame, as dump_rows prints it: its columns by name, if it has rows."""

    def __init__(self, line, stream):
        words = line.split()
        self.offset, self.size = int(words[0]), int(words[1])
        self.event = words[2]
        self.rows = int(words[4])
        self.columns = {}
        for name in words[5:]:
            self.columns[name] = array.array("Q", stream.read(8 * self.rows))

    def __eq__(self, other):
        return vars(self) == vars(other)


def frames(path, status=0):
    """All frames that the reader gives; damage is expected when STATUS is 1."""
    done = subprocess.run([DUMP_ROWS, path], capture_output=True, timeout=120)
    assert done.returncode == status, done.stderr.decode()
    stream, found = io.BytesIO(done.stdout), []
    for line in iter(stream.readline, b""):
        found.append(Frame(line.decode(), stream))
    return found


def rows(path, event="exit", status=0):
    """All rows of an event, as tuples with names, in the order of the file."""
    found = [frame for frame in frames(path, status) if frame.event == event]
    if not found:
        return []
    row = collections.namedtuple("row", found[0].columns)
    return [row(*values) for frame in found for values in zip(*frame.columns.values())]


def end_ns(row):
    return row.time_ns + row.total_ns


def check_chain(found):
    """Rows of one vCPU, none lost in between: each one starts where the previous one ended."""
    for before, row in zip(found, found[1:]):
        assert end_ns(before) + row.guest_ns == row.time_ns


def by_vcpu(found):
    result = collections.defaultdict(list)
    for row in found:
        result[row.vcpu].append(row)
    return result


TRACE = re.compile(r"\s*(\d+)\s+(\d+)\.(\d{9}):\s+kvm:kvm_(exit|entry): vcpu (\d+)"
                   r"(?:, rip .*| reason (\S+) rip 0x([0-9a-f]+).*)$")
Event = collections.namedtuple("Event", "time_ns kind reason rip")


@functools.cache
def perf_script(path, *args):
    """What perf script prints for a perf.data; run on this machine, which is much faster than the
    lab."""
    done = subprocess.run(["perf", "script", "-f", "-i", path, *args], capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


PerfEvent = collections.namedtuple("PerfEvent", "name time_ns pid tid cpu flags f")


def perf_events(path, *args):
    """All events of a perf.data, with their own fields as the dictionary f."""
    lines = perf_script(path, *args, "-s", TESTS / "perf_dump.py").splitlines()
    return [PerfEvent(*json.loads(line)) for line in lines]


RUN_FAILED = 0x80000000     # KVMW_REASON_ERRNO, util/events.h


def return_reasons(path):
    """{reason: returns of KVM_RUN}, from the kvm_userspace_exit events in a perf.data.

    Where KVM_RUN failed, perf's own text has the reason of an earlier return.
    """
    found = collections.Counter()
    for event in perf_events(path):
        error = -event.f["errno"] & 0xffffffff
        found[RUN_FAILED + error if error else event.f["reason"]] += 1
    return found


def trace(path):
    """kvm_exit and kvm_entry of a perf.data: {thread: [Event]}."""
    result = collections.defaultdict(list)
    for line in perf_script(path, "--ns", "-F", "tid,time,event,trace").splitlines():
        if "kvm:kvm_exit:" not in line and "kvm:kvm_entry:" not in line:
            continue
        tid, sec, ns, kind, _, reason, rip = TRACE.match(line).groups()
        result[int(tid)].append(Event(int(sec) * 10 ** 9 + int(ns), kind, reason,
                                      int(rip, 16) if rip else None))
    return result


def perf_stat(path):
    """{event: count} of perf stat -x,"""
    lines = [line.split(",") for line in path.read_text().splitlines() if "," in line]
    return {words[2]: int(words[0]) for words in lines}
