# SPDX-License-Identifier: GPL-2.0
"""What kvmw record refuses, in one line with advice; and damaged recordings."""
import json
import random

import pytest

import lab_fixtures
from lab_fixtures import boots_of, check_chain, in_boots


# ---- damaged recordings ------------------------------------------------------

@in_boots("bookworm")
def test_killed_recorder(boot):
    """After kill -9 everything up to the last second is there, without a hole."""
    path = boot.path("killed.kvmw")
    killed_ns = int(boot.path("killed.when").read_text())
    rep = lab_fixtures.report(path, status=1)
    assert "did not finish" in lab_fixtures.kvmw("report", "-i", path).stderr
    assert (rep["recording"]["finished"], rep["recording"]["damage"]) == (False, [])
    rows = lab_fixtures.rows(path, status=1)
    check_chain(rows)
    # The kernel's totals were read while some cycles were still in the ring.
    assert len(rows) == rep["recorded"] <= sum(row["count"] for row in rep["rows"]) < 1.1 * len(rows)
    about = rep["recording"]
    assert killed_ns - about["start_ns"] > 4e9, "it was killed too early to show anything"
    assert rows[0].time_ns - about["start_ns"] < 1e9
    assert killed_ns - rows[-1].time_ns < 2e9
    assert [v["comm"] for v in about["vcpus"]] == ["vcpu0"]
    assert boot.path("killed.progs").read_text() == "0\n", "BPF programs stayed behind"


def whole(path):
    """The frames of an intact recording; each ends where the next one begins."""
    found = lab_fixtures.frames(path)
    ends = [frame.offset for frame in found[1:]] + [path.stat().st_size]
    assert len([frame for frame in found if frame.event == "exit"]) >= 3
    return list(zip(found, ends))


def check_report(path, frames, complete=False):
    """The report of FRAMES: it has all of their rows, and its exit status shows that some are
    missing."""
    recorded = sum(frame.rows for frame in frames if frame.event == "exit")
    done = lab_fixtures.kvmw("report", "-i", path, "--json")
    assert done.returncode == (0 if complete else 1), done.stderr
    if recorded:
        assert json.loads(done.stdout)["recorded"] == recorded
    if not complete:
        assert str(path) in done.stderr


@in_boots("bookworm")
def test_cut_at_every_4k(boot, tmp_path):
    whole_frames = whole(boot.path("killed-not.kvmw"))
    data = boot.path("killed-not.kvmw").read_bytes()
    cut = tmp_path / "cut"
    assert len(data) > 10 * 4096
    for size in range(4096, len(data), 4096):
        cut.write_bytes(data[:size])
        left = [frame for frame, end in whole_frames if end <= size]
        assert lab_fixtures.frames(cut, status=1) == left, size
        check_report(cut, left)


@in_boots("bookworm")
@pytest.mark.parametrize("part", ["header", "payload"])
def test_one_byte_flipped_in_every_frame(boot, tmp_path, part):
    whole_frames = whole(boot.path("killed-not.kvmw"))
    data = boot.path("killed-not.kvmw").read_bytes()
    flipped = tmp_path / "flipped"
    where = random.Random(part)
    for i, (frame, _) in enumerate(whole_frames):
        first = frame.offset + (0 if part == "header" else lab_fixtures.FRAME_HEADER)
        length = lab_fixtures.FRAME_HEADER if part == "header" else frame.size
        at = where.randrange(first, first + length)
        flipped.write_bytes(data[:at] + bytes([data[at] ^ 1 << where.randrange(8)]) + data[at + 1:])
        left = [other for j, (other, _) in enumerate(whole_frames) if j != i]
        assert lab_fixtures.frames(flipped, status=1) == left, (i, at)
        check_report(flipped, left)


@in_boots("bookworm")
def test_all_frames_flipped_at_once(boot, tmp_path):
    """With every second frame damaged, all others are there."""
    whole_frames = whole(boot.path("killed-not.kvmw"))
    data = bytearray(boot.path("killed-not.kvmw").read_bytes())
    flipped = tmp_path / "flipped"
    for frame, _ in whole_frames[1::2]:
        data[frame.offset + lab_fixtures.FRAME_HEADER + frame.size // 2] ^= 0x10
    flipped.write_bytes(data)
    left = [frame for frame, _ in whole_frames[0::2]]
    assert lab_fixtures.frames(flipped, status=1) == left
    check_report(flipped, left)


# ---- trouble on the host -----------------------------------------------------

@in_boots("sched-bookworm")
def test_cpu_goes_offline(boot):
    """The guest's CPU goes offline; the guest goes on elsewhere, and nothing is lost."""
    step = boot.step("offline")
    assert step.status == 0 and " 0 lost" in step.err, step.err
    did, path = boot.json("offline.json"), boot.path("offline.kvmw")
    assert lab_fixtures.of_guest(lab_fixtures.report(path, "-e", "exit")) == did["exits"]["svm"]
    assert len(lab_fixtures.rows(path, "userspace")) == did["user_exits"]["io"]
    check_chain(lab_fixtures.rows(path))


@in_boots("sched-bookworm")
def test_wall_clock_is_set(boot):
    """Setting the wall clock does not affect times: they ascend, and the recording has its true
    length."""
    step = boot.step("clock")
    assert step.status == 0, step.err
    did, = [json.loads(line) for line in step.out.splitlines() if line.startswith("{")]
    about = lab_fixtures.info(boot.path("clock.kvmw"))
    rows = lab_fixtures.rows(boot.path("clock.kvmw"), "userspace")
    times = [row.time_ns for row in rows]
    assert len(rows) == did["user_exits"]["io"] and times == sorted(times)
    assert about["start_ns"] <= times[0] and times[-1] - times[0] < 3600e9


@in_boots("sched-bookworm")
@pytest.mark.parametrize("size", ["64M", "256M"])
def test_little_memory(boot, size):
    """With a low memory.max, the kernel kills the recorder, or the recording is complete."""
    status, path = boot.step(f"memory-{size}").status, boot.path(f"memory-{size}.kvmw")
    assert status in ((0,) if size == "256M" else (0, 1, 137))
    if path.exists() and path.stat().st_size:
        about = lab_fixtures.info(path, status=int(status != 0))
        assert about["damage"] == [] and about["finished"] == (status == 0)


# ---- refused -----------------------------------------------------------------

REFUSED = {
    "no-pid": (1, ["4000000: no such process", "kvmw list"]),
    "no-vm": (1, ["(sleep) is not a virtual machine", "no KVM file descriptors", "kvmw list"]),
    "no-event": (2, ["unknown event 'exits' (did you mean exit?)", "exit, userspace", "kvmw list"]),
    "no-dir": (1, ["cannot write /nowhere/at/all", "No such file or directory", "-o"]),
    "no-file": (1, ["/proc/version", "cannot write"]),
    "no-command": (1, ["cannot run 'no-such-command'", "No such file or directory"]),
    "no-btf": (1, ["/sys/kernel/btf/vmlinux", "CONFIG_DEBUG_INFO_BTF"]),
    "no-tracefs": (1, ["tracefs is not mounted", "mount -t tracefs"]),
    "no-kvm": (1, ["no KVM on this host", "/dev/kvm", "modprobe kvm_intel or kvm_amd"]),
    "full-already": (1, ["/tmp/small/more", "No space left on device"]),
}


@in_boots("bookworm")
@pytest.mark.parametrize("name", REFUSED)
def test_refused(boot, name):
    status, words = REFUSED[name]
    boot.step(name).said(status, *words)


@in_boots("bookworm")
@pytest.mark.parametrize("name, word", [("nothing", "-p PID"), ("both", "exclude each other")])
def test_wrong_usage(boot, name, word):
    step = boot.step(name)
    assert step.status == 2
    assert word in step.err.splitlines()[0]


@pytest.mark.parametrize("args, word", [
    (["-p", "x"], "'x'"), (["-p", "0"], "'0'"), (["-m", "12Q"], "'12Q'"), (["-d", "soon"], "'soon'"), (["--limit", "9K"], "'9K'"),
    (["--limit", "1M", "--keep", "5s"], "--limit is about a file that grows"),
    (["--vcpu", "3-1"], "'3-1'"), (["--bogus"], "--bogus"), (["-e", ""], "unknown event ''"),
    (["-e", "irq", "--reason", "1"], "--reason only filters event exit,"),
    (["-e", "irq,fault", "--sample", "9"], "--sample only filters event exit,"),
    (["--cpu-limit", "0"], "--cpu-limit '0': must be a percentage of one CPU, from 0.1% to 100%, such as 3%"),
    (["--cpu-limit", "3", "--keep", "5s", "--trigger", "stuck>1s", "--trigger", "total>1ms"],
     "--trigger 'total>1ms' looks at rows"), (["-G", "a,,b"], "-G 'a,,b': a name is missing beside a comma"),
    (["--cpu-limit", "3x"], "--cpu-limit '3x': must be a percentage"),
    (["--nice", "-1"], "--nice '-1': must be a number from 0 to 19"),
    (["--stack", "userspace", "--port", "0x80"], "--port only filters event exit,"),
    (["-e", "sched", "--gpa", "0x1000"], "--gpa only filters events exit, fault and dirty,"),
])
def test_wrong_options(args, word):
    done = lab_fixtures.kvmw("record", *args, "--", "true")
    assert done.returncode == 2
    assert word in done.stderr


@in_boots("bookworm")
def test_disk_full(boot):
    """What was written before the disk was full is a recording."""
    step = boot.step("full")
    assert step.status == 1
    assert "/tmp/small/full.kvmw: cannot write: No space left on device" in step.err
    about = lab_fixtures.info(boot.path("full.kvmw"), status=1)
    assert about["damage"] == [] and not about["finished"]
    rows = lab_fixtures.rows(boot.path("full.kvmw"), status=1)
    assert len(rows) > 1000
    check_chain(rows)


# ---- without root ------------------------------------------------------------

@in_boots(*boots_of("caps"))
def test_missing_privilege(boot):
    boot.step("caps-none").said(1, "CAP_BPF and CAP_PERFMON", "missing: CAP_BPF, CAP_PERFMON",
                                "root", "setcap cap_bpf,cap_perfmon")
    boot.step("caps-bpf").said(1, "missing: CAP_PERFMON;")
    assert int(boot.path("caps-paranoid").read_text()) > 2, "the kernel allows it: no test"
    boot.step("caps-perf").said(1, "CAP_PERFMON is not enough", "sysctl kernel.perf_event_paranoid=2")
    boot.step("caps-tracefs").said(1, "events/kvm: Permission denied", "CAP_DAC_READ_SEARCH",
                                   "mount -o remount,mode=750,gid=GROUP")
    boot.step("caps-other").said(1, "(kvmw): cannot read its file descriptors",
                                 "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")


@in_boots(*boots_of("caps"))
@pytest.mark.parametrize("name", ["caps-two", "caps-four"])
def test_capabilities_are_enough(boot, name):
    """User 1000 can record with CAP_BPF and CAP_PERFMON, after following the advice in the
    refusals."""
    step = boot.step(name)
    assert step.status == 0, step.err
    rep = lab_fixtures.report(boot.path(f"{name}.kvmw"))
    assert lab_fixtures.of_guest(rep) == json.loads(step.out)["exits"]["svm"]
    assert rep["recording"]["complete"]


@in_boots(*boots_of("caps"))
def test_capabilities_for_other_users_vms(boot):
    assert boot.step("caps-ptrace").status == 0
    rep = lab_fixtures.report(boot.path("caps-ptrace.kvmw"))
    assert rep["recorded"] > 100
    assert [vm["vmm"] for vm in rep["recording"]["vms"]] == ["kvmw"]
    without, with_caps = (json.loads(boot.step(n).out) for n in ("caps-list", "caps-list-four"))
    assert without["hidden"] > 0 and without["vms"] == []
    assert with_caps["hidden"] == 0 and [vm["vmm"] for vm in with_caps["vms"]] == ["kvmw"]


@in_boots(*boots_of("caps"))
def test_memlock_limit(boot):
    """A limit that cannot be raised matters only before 5.11, and only if it is low."""
    step = boot.step("memlock-unlimited")
    assert step.status == 0, step.err
    if boot.name == "bullseye":
        boot.step("memlock").said(1, "locked memory", "64 KiB", "CAP_SYS_RESOURCE", "ulimit -l")
    else:
        step = boot.step("memlock")
        assert step.status == 0, step.err
        assert lab_fixtures.of_guest(lab_fixtures.report(boot.path("memlock.kvmw"))) == \
            json.loads(step.out)["exits"]["svm"]


# ---- files that are not recordings -------------------------------------------

def test_no_recording(tmp_path):
    for name, data in ("text", b"hello\n" * 1000), ("empty", b""), ("zeros", bytes(10000)):
        path = tmp_path / name
        path.write_bytes(data)
        for command in "report", "info":
            done = lab_fixtures.kvmw(command, "-i", path)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.count("\n") == 1 and str(path) in done.stderr, done.stderr
    done = lab_fixtures.kvmw("report", "-i", tmp_path / "missing")
    assert done.returncode == 1 and "No such file" in done.stderr and done.stderr.count("\n") == 1
