# SPDX-License-Identifier: GPL-2.0
"""kvmw script for people: short lines, times that --time accepts, and exact values with -F."""
import json
import os
import re
import subprocess

import pytest

import independent_reader
from synthetic import KVMW, META, START, SVM, TREE, VCPUS, VMS, Recording, kvmw, one_line

GOLDEN = sorted((TREE / "tests/data").glob("[sv]*.kvmw"))
FAMILIES = TREE / "tests/data/svm-families.kvmw"
PARTS = ["user_ns", "halt_ns", "poll_ns", "wait_ns", "block_ns"]


def lines(path, *args, status=0, env=()):
    done = kvmw("script", path, *args, env=env)
    assert done.returncode == status, done.stderr
    return done.stdout.splitlines()


def one(tmp_path, vms=VMS[:1], **fields):
    """The line of an exit with these fields; the schema has all of them."""
    schema = independent_reader.Recording(
        Recording().finish().write(tmp_path / "schema").read_bytes()).events
    names = [field["name"] for field in next(e for e in schema.values() if e["name"] == "exit")["fields"]]
    row = {"time_ns": START + 1234, "guest_ns": 10, "total_ns": 500, "reason": SVM["io"], "isa": 2,
           "vcpu": 0, "rip": 0xfff0, "detail": 0x5150, "detail_kind": 2, "detail_size": 1, "exit_cpu": 3,
           "entry_cpu": 3, "user_reason": 2, "nested": 0, **dict.fromkeys(PARTS, 0)} | fields
    assert set(row) <= set(names)
    rec = Recording(META, vms, VCPUS)
    rec.lines.append(["EVENTS", "exit", [[row.get(name, 0) for name in names]]])
    rec.end += 1000
    return rec.finish().write(tmp_path / "f")


@pytest.mark.parametrize("fields, text", [
    ({}, "guest=10ns total=500ns rip=0xfff0"),
    ({"user_ns": 30}, "guest=10ns total=500ns user=30ns rip=0xfff0"),
    ({"halt_ns": 400, "poll_ns": 300, "block_ns": 1},
     "guest=10ns total=500ns halt=400ns poll=300ns block=1ns rip=0xfff0"),
    # Unknown is not zero.
    ({"wait_ns": None}, "guest=10ns total=500ns wait=- rip=0xfff0"),
    ({"halt_ns": None, "poll_ns": None}, "guest=10ns total=500ns halt=- rip=0xfff0"),
    ({"total_ns": None}, "guest=10ns rip=0xfff0"),
    ({"entry_cpu": 4}, "guest=10ns total=500ns rip=0xfff0 entry_cpu=4"),
    ({"intr_info": 0x80000030, "error_code": 5},
     "guest=10ns total=500ns rip=0xfff0 intr_info=0x80000030 error_code=0x5"),
    ({"nested": 1}, "guest=10ns total=500ns rip=0xfff0 nested=1"),
    # The return reason of KVM_RUN, unless the exit reason says the same.
    ({"user_reason": 10}, "guest=10ns total=500ns rip=0xfff0 user_reason=KVM_EXIT_INTR"),
    ({"user_reason": 6}, "guest=10ns total=500ns rip=0xfff0 user_reason=KVM_EXIT_MMIO"),
    ({"user_reason": 2 ** 32 - 1}, "guest=10ns total=500ns rip=0xfff0"),
])
def test_parts_that_are_0_are_left_out(tmp_path, fields, text):
    assert lines(one(tmp_path, **fields)) == [
        f"[003]     0.000001234: exit: vcpu=0 reason=io detail=out:0x5150 {text}"]


def test_what_fields_choose_is_exact(tmp_path):
    path = one(tmp_path)
    fields = ",".join(["reason", *PARTS, "info1", "detail_size", "entry_cpu", "user_reason", "nested"])
    assert lines(path, "-F", fields) == [
        "reason=io user=0ns halt=0ns poll=0ns wait=0ns block=0ns user_reason=KVM_EXIT_IO"
        .replace(" user_reason", " info1=0x0 detail_size=1 entry_cpu=3 nested=0 user_reason")]
    line, = lines(path, "-F", "+wait,+comm,+tid")
    assert line == ("       CPU 0/KVM     101 [003]     0.000001234: exit: vcpu=0 reason=io "
                    "detail=out:0x5150 guest=10ns total=500ns wait=0ns rip=0xfff0")


def test_vms_are_told_apart(tmp_path):
    """With several VMs, a line has the VM beside the vCPU's number; -F has fields for it."""
    path = one(tmp_path, vms=VMS)
    assert " vcpu=100/0 " in lines(path)[0]
    assert lines(path, "-F", "vcpu,reason") == ["vcpu=0 reason=io"]
    assert " vcpu=0 " in lines(path, "-F", "+pid")[0]


def test_who_is_no_vcpu():
    """Lines of threads without a vCPU have their name and id."""
    text = lines(FAMILIES, "-e", "ioctl")
    rows = [json.loads(line) for line in lines(FAMILIES, "-e", "ioctl", "--json")]
    assert {row["vcpu"] is None for row in rows} == {True, False}
    for line, row in zip(text, rows):
        if row["vcpu"] is None:
            assert f": tid={row['tid']}({row['comm']}) cmd=" in line
        else:
            assert "tid=" not in line and f"/{row['vcpu']} cmd=" in line
    assert not any("tid=" in line for line in lines(FAMILIES, "-e", "ioctl", "-F", "event,cmd"))


# ---- the width ---------------------------------------------------------------

@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_lines_are_below_140_columns(path):
    """Fields that do not fit are cut off at the end, shown by three dots."""
    status = int(path.stem == "svm-cut")
    short = lines(path, status=status)
    wide = lines(path, status=status, env={"COLUMNS": "400"})
    assert max(map(len, short)) < 140 and len(short) == len(wide)
    for got, whole in zip(short, wide):
        if got == whole:
            continue
        assert len(whole) > 139 and got.endswith(" ...")
        begin = got[:-len(" ...")]
        assert whole.startswith(begin + " ")
        # As much as fits is printed.
        following = whole[len(begin):].split()[0]
        assert len(begin) + 1 + len(following) + len(" ...") > 139


def test_a_wide_terminal_shows_more():
    assert any(len(line) > 139 for line in lines(FAMILIES, env={"COLUMNS": "200"}))
    assert max(map(len, lines(FAMILIES, env={"COLUMNS": "200"}))) <= 200
    assert max(map(len, lines(FAMILIES, env={"COLUMNS": "80"}))) == max(map(len, lines(FAMILIES)))
    assert not any("..." in line for line in lines(FAMILIES, "-F", "+info1,+info2,+detail_size"))


def test_tracepoints_are_cut_anywhere(tmp_path):
    """The text of a tracepoint has no fields, and is cut anywhere."""
    fmt = ("name: x\nID: 1\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
           "\tfield:u32 n;\toffset:8;\tsize:4;\tsigned:0;\n\n" + 'print fmt: "' + "a" * 300 + '%d", REC->n\n')
    rec = Recording(META | {"tracepoints": [{"kind": 1, "name": "x:x", "format": fmt}]}, VMS[:1], VCPUS)
    rec.lines.append(["EVENTS", "raw", [[START + 5, None, 0, 101, 3, 1, 12, 0, 7]]])
    path = rec.finish().write(tmp_path / "f")
    line, = lines(path)
    assert len(line) == 139 and line.endswith("a ...")
    whole, = lines(path, "-F", "event,kind")
    assert whole == "x:x: " + "a" * 300 + "7"


# ---- clocks ------------------------------------------------------------------

def time_of(line):
    return re.match(r"\[\S+\] +(\S+): ", line)[1]


@pytest.mark.parametrize("clock, option", [
    ("start", "{}"), ("mono", "@{}"), ("wall", "{}")])
def test_what_is_printed_is_taken_by_time(clock, option):
    """Each printed time, passed to --time, selects that event."""
    shown = lines(FAMILIES, "-e", "exit", "--clock", clock)
    rows = [json.loads(line) for line in lines(FAMILIES, "-e", "exit", "--json")]
    for i in range(0, len(shown), len(shown) // 7):
        selected = lines(FAMILIES, "-e", "exit", "--json", "--time", option.format(time_of(shown[i])))
        assert [json.loads(line)["time_ns"] for line in selected] == [rows[i]["time_ns"]]


def test_clocks(tmp_path):
    path = one(tmp_path)
    assert [time_of(lines(path, *args)[0]) for args in (
        [], ["--clock", "start"], ["--clock", "mono"], ["--clock", "wall"])] == [
            "0.000001234", "0.000001234", "5.000001234", "2025-01-01T00:00:00.000001234"]
    east = lines(path, "--clock", "wall", env={"TZ": "XYZ-5:30"})
    assert time_of(east[0]) == "2025-01-01T05:30:00.000001234"
    # Times before the recording began.
    assert time_of(lines(one(tmp_path, time_ns=START - 1500))[0]) == "-0.000001500"


def test_clocks_of_other_fields():
    """Other fields with times use the same clock."""
    info = json.loads(kvmw("info", FAMILIES, "--json").stdout)
    rows = [json.loads(line) for line in lines(FAMILIES, "-e", "timer:apic_expire", "--json")]
    text = lines(FAMILIES, "-e", "timer:apic_expire")
    assert len(rows) == len(text) > 0
    for row, line in zip(rows, text):
        since = row["expires_ns"] - info["start_ns"]
        assert f" expires={since // 10 ** 9}.{since % 10 ** 9:09}" in line


def test_wrong_clocks(tmp_path):
    path = one(tmp_path)
    one_line(kvmw("script", path, "--clock", "wal"), 2, "'wal'", "did you mean wall?", "start, mono and wall")
    for how in "--json", "--csv":
        one_line(kvmw("script", path, how, "--clock", "wall"), 2, "--clock is for text")
    rec = Recording({key: value for key, value in META.items() if key != "clocks"})
    rec.frame([(START + 10, 10, 1000, 0, SVM["io"], 0, 2)])
    one_line(kvmw("script", rec.finish().write(tmp_path / "g"), "--clock", "wall"), 1,
             "does not say when it was made")


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one CPU only")
@pytest.mark.parametrize("args", [[], ["--json"], ["--csv", "--where", "total_ns>5us"]], ids=" ".join)
def test_threads_print_in_order(tmp_path, args):
    """The output with several CPUs is the same as with one, where nothing is divided among
    threads."""
    path = tmp_path / "made.kvmw"
    assert kvmw("bench", "record", "--rows", 20000, "-o", path).returncode == 0
    command = [KVMW, "script", "-i", path, *args]
    one = subprocess.run(command, capture_output=True, check=True, timeout=60,
                         preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}))
    all_of_them = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert one.stdout.count(b"\n") > 5000
    assert one.stdout == all_of_them.stdout
