# SPDX-License-Identifier: GPL-2.0
"""kvmw report of a default recording: who had the CPU, and what a quota took."""
import csv
import io

import pytest

import synthetic
from synthetic import START, Recording, report, same_in_csv, text_of

MS = 1_000_000
IDLE, VCPU, VMM, VM, KERNEL, PROCESS, RECORDER, OTHERS, COMMAND = range(1, 10)
NO = 0xffffffff


def word(comm):
    return [int.from_bytes(comm.encode().ljust(16, b"\0")[i:i + 8], "little") for i in (0, 8)]


def holder(vcpu, place, kind, tid, pid, number, comm, turns, time_ns):
    return [vcpu, place, kind, tid, pid, number, *word(comm), turns, time_ns]


HOLDERS = [
    holder(0, 3, PROCESS, 300, 300, NO, "stress-ng-cpu-12", 40, 400 * MS),
    holder(0, 4, PROCESS, 301, 300, NO, "hog", 30, 90 * MS),
    holder(0, 33, IDLE, 0, 0, NO, "", 50, 500 * MS),
    holder(0, 5, RECORDER, 77, 76, NO, "kvmw", 2, 2 * MS),
    holder(1, 1, VCPU, 101, 100, 0, "CPU 0/KVM", 9, 60 * MS),
    holder(1, 3, PROCESS, 300, 300, NO, "stress-ng-cpu-12", 10, 100 * MS),
    holder(9, 0, VM, 4711, 4700, 2, "CPU 2/KVM", 3, 30 * MS),
    holder(9, 1, KERNEL, 15, 15, NO, "ksoftirqd/0", 3, 3 * MS),
    holder(9, 2, VMM, 202, 200, NO, "fc_api", 1, 1 * MS),
    holder(9, 32, OTHERS, NO, NO, NO, "", 1, 4 * MS),
]
WAIT = {0: 992 * MS, 1: 160 * MS, 9: 38 * MS}


def make(path, throttled={0: 500 * MS, 1: 0, 9: 0}):
    """Three vCPUs of two VMs. All waited; vCPU 0 was throttled for half a second."""
    rec = Recording()
    rec.frame([(START + 1000 * MS, 1000 * MS, 1000 * MS, 0, 30, vcpu, 1) for vcpu in WAIT])
    rec.lines.append(["STATS", "total", [
        [vcpu, 1, 1, 30, 1, 1, 0, 1000 * MS, 1000 * MS, 0, 0, 0, wait, 0, 0,
         throttled and throttled[vcpu]] for vcpu, wait in WAIT.items()]])
    # The last row of each vCPU and place wins.
    rec.lines.append(["STATS", "holder", [row[:-1] + [1] for row in HOLDERS]])
    rec.lines.append(["IDENT", {"neighbours": [{"pid": 4700, "name": "web", "vmm": "qemu"}]}])
    rec.lines.append(["STATS", "holder", HOLDERS])
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return make(tmp_path_factory.mktemp("holders") / "kvmw.data")


def test_json(known):
    rep = report(known, "-e", "sched")
    view = rep["sched"]
    assert rep["empty"] is None and view["threads"] == []
    assert [(h["vcpu_id"], h["tid"], h["turns"], h["time_ns"]) for h in view["holders"]] == [
        (row[0], None if row[3] == NO else row[3], *row[8:])
        for row in sorted(HOLDERS, key=lambda row: -row[-1])]
    assert view["held_ns"] == view["wait_ns"] == sum(WAIT.values())
    assert (view["throttled_ns"], view["holders_left_out"]) == (500 * MS, 0)
    by_tid = {h["tid"]: h for h in view["holders"]}
    kinds = {None: "others", 0: "idle", 300: "process", 77: "recorder", 101: "vcpu", 4711: "vm",
             15: "kernel", 202: "vmm", 301: "process"}
    assert {tid: h["kind"] for tid, h in by_tid.items()} == kinds
    assert (by_tid[4711]["vm"], by_tid[4711]["name"], by_tid[4711]["runs_vcpu"]) == (
        "web", "vCPU 2", 2)
    assert by_tid[101]["name"] == "vCPU 100/0" and by_tid[101]["vcpu"] == 1
    assert by_tid[300]["name"] == "stress-ng-cpu-12" and by_tid[300]["runs_vcpu"] is None


def test_csv(known):
    done = synthetic.kvmw("report", "-i", known, "-e", "sched", "--csv")
    assert done.returncode == 0, done.stderr
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    want = report(known, "-e", "sched")["sched"]["holders"]
    assert len(lines) == len(want)
    for line, one in zip(lines, want):
        same_in_csv(line, one)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_text(known, width):
    text = text_of(known, "-e", "sched", "--width", width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "\n\n\n" not in text
    assert "vCPUs waited for a CPU for 1.19s, throttled for 500ms of it. Who had it" in text
    table = text[text.index("had the CPU"):].splitlines()
    assert text[:text.index("had the CPU")].splitlines()[-1].split() == (
        ["ms", "us"] if width >= 100 else ["ms"])
    assert table[1].startswith("nobody: throttled, waking up or migrating idle ")
    # Both vCPUs together, by time.
    assert [line.split()[0] for line in table[1:]] == [
        "nobody:", "stress-ng-cpu-12", "hog", "vCPU", "vCPU", "others", "ksoftirqd/0", "kvmw",
        "fc_api"]
    for words in ("vCPU 2 of web", "another VM 4700/4711", "same VM", "recorder   76/77", "the VMM",
                  "process    300/301"):
        assert words in text
    assert ("vCPUs waited\n" in text) == (width >= 100)


def test_top(known):
    text = text_of(known, "-e", "sched", "--top", 2)
    assert "stress-ng-cpu-12" in text and "hog" not in text
    assert "7 more not shown (use --top N)" in text


def test_selection(known):
    view = report(known, "-e", "sched", "--pid", 200)["sched"]
    assert view["held_ns"] == view["wait_ns"] == WAIT[9] and view["throttled_ns"] == 0
    assert "nobody" not in text_of(known, "-e", "sched", "--pid", 200)
    # Counts from start to end say nothing about a part of the time.
    done = synthetic.kvmw("report", "-i", known, "-e", "sched", "--time", "0,1")
    assert done.returncode == 1 and "Who had it" not in done.stdout
    assert "kvmw record -e sched records them" in done.stderr


def test_idle_without_a_quota(tmp_path):
    text = text_of(make(tmp_path / "f", dict.fromkeys(WAIT, 0)), "-e", "sched")
    assert "nobody: waking up or migrating" in text and "throttled" not in text


def test_older_recordings_have_none(tmp_path):
    rec = Recording()
    rec.frame([(START + 1000 * MS, 1000 * MS, 1000 * MS, 0, 30, 0, 1)])
    rec.totals()
    path = rec.finish().write(tmp_path / "f")
    done = synthetic.kvmw("report", "-i", path, "-e", "sched")
    synthetic.one_line(done, 1, "no sched events", "kvmw record -e sched")


@pytest.mark.parametrize("width", [80, 120])
def test_throttled_of_vcpus(known, width):
    assert [v["throttled_ns"] for v in report(known)["vcpu_time"]] == [500 * MS, 0, 0]
    text = text_of(known, "--width", width)
    assert synthetic.widest(text) <= width
    lines = text[text.index("Where each vCPU's time went"):].splitlines()
    # The parts add up, and empty ones are omitted.
    assert lines[1].split() == ["vCPU", "guest", "KVM", "wait", "throttled", "exits", "thread"]
    assert lines[2].split()[3:5] == ["24.6%", "25.0%"]
    assert lines[3].split()[3:5] == ["8.0%", "0.0%"]


def test_throttled_of_the_whole(known):
    assert report(known)["whole"]["throttled_ns"] == 500 * MS
    bars = {line[2:20].strip(): line.split()[-2] for line in text_of(known).splitlines()
            if line.endswith(("█", "▏"))}
    wall = report(known)["whole"]["wall_ns"]
    assert bars["throttled by quota"] == f"{100 * 500 * MS / wall:.1f}%"
    assert bars["wait for a CPU"] == f"{100 * (sum(WAIT.values()) - 500 * MS) / wall:.1f}%"


def test_throttled_of_reasons(known):
    rep = report(known)
    assert rep["total"]["throttled_ns"] == rep["rows"][0]["throttled_ns"] == 500 * MS
    done = synthetic.kvmw("report", "-i", known, "--csv")
    assert list(csv.DictReader(io.StringIO(done.stdout)))[0]["throttled_ns"] == str(500 * MS)


def test_unknown_is_no_zero(tmp_path):
    path = make(tmp_path / "f", None)
    rep = report(path)
    assert {v["throttled_ns"] for v in rep["vcpu_time"]} == {None}
    assert rep["rows"][0]["throttled_ns"] is rep["whole"]["throttled_ns"] is None
    view = report(path, "-e", "sched")["sched"]
    assert view["throttled_ns"] is None and view["wait_ns"] == sum(WAIT.values())
    assert "throttled" not in text_of(path)
