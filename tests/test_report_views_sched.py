# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e sched: where threads' time went and who took their CPUs, from known rows."""
import collections
import random

import pytest

from synthetic import META, START, VCPUS, VMS, Recording, report, text_of

MS = 1_000_000
OUT, IN, WAKEUP, MIGRATE = 1, 2, 3, 4
ROLES = [{"id": 20, "vm": 0, "vcpu": None, "tid": 100, "comm": "qemu", "role": "vmm"}]
TASKS = [{"tid": 300 + i, "comm": f"worker {i % 4}"} for i in range(40)]
VCPU_NAMES = {101: "vCPU 100/0", 102: "vCPU 100/1", 201: "vCPU 200/0"}
IDS = {101: 0, 102: 1, 201: 9}
END = 2000 * MS


def name_of(tid, alone=False):
    if tid in VCPU_NAMES or not tid:
        return VCPU_NAMES.get(tid, "idle")
    comm = "qemu" if tid == 100 else f"worker {(tid - 300) % 4}"
    return comm if alone else f"{tid} {comm}"


def thread_rows(rng, tid):
    """A thread's life from time 0 to END, and the expected figures."""
    rows, did = [], collections.Counter()
    takers, waits = collections.Counter(), []
    at, since = 0, None
    steps = rng.randrange(20, 60)
    for _ in range(steps):
        # On a CPU, off it; sometimes asleep; runnable; on a CPU again.
        on, asleep, wait = (rng.randrange(1, 8 * MS) for _ in range(3))
        at += on
        preempted = rng.random() < 0.5
        other = rng.choice([0, 101, 102, 100, 300, 301, 304, 308])
        rows.append([START + at, None if since is None else on, OUT, other, 0 if preempted else 1])
        did["on"] += 0 if since is None else on
        did["switches"] += 1
        if preempted:
            takers[name_of(other, alone=True)] += 1
        else:
            at += asleep
            did["asleep"] += asleep
            rows.append([START + at, asleep, WAKEUP, other, None])
        if rng.random() < 0.3:
            rows.append([START + at, None, MIGRATE, other, None])
            did["moved"] += 1
        at += wait
        waits.append(wait)
        rows.append([START + at, wait, IN, other, None])
        since = at
    did["on"] += END - at
    vcpu = IDS.get(tid, 20)
    rows = [[t, span, vcpu, tid, 0, kind, other, state, 1 if kind == MIGRATE else None]
            for t, span, kind, other, state in rows]
    return rows, did, waits, takers


def make(path, rows, end=END, frame=101):
    rec = Recording(META | {"events": ["sched"]}, VMS, VCPUS + ROLES)
    rec.lines[1][1]["tasks"] = TASKS
    rec.events("sched", rows, frame)
    rec.end = START + end - MS
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    rng = random.Random(11)
    threads = {tid: thread_rows(rng, tid) for tid in [101, 102, 201, 100, *range(300, 325)]}
    rows = [row for thread in threads.values() for row in thread[0]]
    rng.shuffle(rows)
    return make(tmp_path_factory.mktemp("sched") / "kvmw.data", rows), threads


def test_numbers(known):
    path, threads = known
    view = report(path, "-e", "sched")["sched"]
    assert view["duration_ns"] == END and view["left_out"] == view["threads_left_out"] == 0
    assert {t["tid"] for t in view["threads"]} == set(threads)
    assert [t["waiting_ns"] for t in view["threads"]] == sorted(
        (sum(waits) for _, _, waits, _ in threads.values()), reverse=True)
    for t in view["threads"]:
        _, did, waits, takers = threads[t["tid"]]
        waits = sorted(waits)
        assert t["name"] == name_of(t["tid"])
        assert t["role"] == (None if t["tid"] in IDS else "vmm")
        assert (t["on_cpu_ns"], t["waiting_ns"], t["asleep_ns"]) == (
            did["on"], sum(waits), did["asleep"])
        assert (t["switches"], t["migrations"]) == (did["switches"], did["moved"])
        assert t["preempted"] == sum(takers.values())
        assert (t["waits"], t["wait_max_ns"]) == (len(waits), waits[-1])
        assert t["wait_p50_ns"] == pytest.approx(waits[(len(waits) - 1) // 2], rel=0.07)
        best = min(takers.items(), key=lambda item: (-item[1], item[0]))
        assert (t["preempted_by"]["name"], t["preempted_by"]["count"]) == best


@pytest.mark.parametrize("width", [80, 120])
def test_text(known, width):
    path, threads = known
    text = text_of(path, "-e", "sched", "--width", width)
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    at = next(i for i, line in enumerate(lines) if line.startswith("Threads by time waiting"))
    assert "in 2.000 s" in lines[at]
    first = report(path, "-e", "sched")["sched"]["threads"][0]
    assert lines[at + 3].startswith(first["name"])
    assert lines[at + 3].rstrip().endswith(first["preempted_by"]["name"])
    assert f"{len(threads) - 20} more threads not shown" in text
    assert ("asleep" in lines[at + 2]) == (width == 120)
    for word in "thread", "p50", "p99", "max", "preempted":
        assert word in lines[at + 2]
    assert "more threads" not in text_of(path, "-e", "sched", "--top", "50", "--width", width)


def test_filters(known):
    path, threads = known
    view = report(path, "-e", "sched", "--pid", "100", "--vcpu", "1")["sched"]["threads"]
    assert [t["tid"] for t in view] == [102]
    view = report(path, "-e", "sched", "--pid", "200")["sched"]["threads"]
    assert [t["tid"] for t in view] == [201]
    # For a part of the time: only what its rows say.
    rows = [row for row in threads[201][0] if row[0] <= START + 100 * MS]
    view = report(path, "-e", "sched", "--pid", "200", "--time", ",0.1")["sched"]
    assert view["duration_ns"] == 100 * MS
    assert view["threads"][0]["on_cpu_ns"] == sum(r[1] or 0 for r in rows if r[5] == OUT)


def test_what_began_before(known):
    """Sums count only time within the window; the length of a wait is that of the whole wait."""
    path, threads = known
    view = report(path, "-e", "sched", "--time", "0.2,0.5", "--top", 50)["sched"]
    assert view["duration_ns"] == 300 * MS and len(view["threads"]) > 20
    for t in view["threads"]:
        sums, longest = collections.Counter(), 0
        for time, span, _, _, _, kind, *_ in threads[t["tid"]][0]:
            if 200 * MS <= time - START <= 500 * MS and span is not None:
                sums[kind] += min(span, time - START - 200 * MS)
                longest = max(longest, span if kind == IN else 0)
        assert (t["on_cpu_ns"], t["asleep_ns"], t["waiting_ns"]) == (
            sums[OUT], sums[WAKEUP], sums[IN])
        assert t["on_cpu_ns"] + t["asleep_ns"] + t["waiting_ns"] <= 300 * MS
        assert t["wait_max_ns"] == longest


@pytest.mark.parametrize("last, grown", [
    ([OUT, 55, 0], "waiting_ns"), ([OUT, 55, 1], "asleep_ns"), ([WAKEUP, 55, None], "waiting_ns"),
    ([IN, 55, None], "on_cpu_ns"), ([OUT, 55, 0x10], None), ([OUT, 55, None], None)])
def test_until_the_end(tmp_path, last, grown):
    kind, other, state = last
    rows = [[START + 500 * MS, None if kind == OUT else 3, 0, 101, 0, kind, other, state, None]]
    t = report(make(tmp_path / "f", rows), "-e", "sched")["sched"]["threads"][0]
    for key in "waiting_ns", "asleep_ns", "on_cpu_ns":
        own = 3 if (kind, key) in ((WAKEUP, "asleep_ns"), (IN, "waiting_ns")) else 0
        assert t[key] == own + (1500 * MS if key == grown else 0)


def test_not_until_the_end_where_rows_are_missing(tmp_path):
    rec = Recording(META | {"events": ["sched"]}, VMS, VCPUS)
    rec.lines.append(["EVENTS", "sched", [[START + 5, 5, 0, 101, 0, IN, 0, None, None]]])
    rec.lines.append(["LOSS", "loss", [[0, 7, 3, START, START + MS]]])
    rec.end = START + END
    t = report(rec.finish().write(tmp_path / "f"), "-e", "sched")["sched"]["threads"][0]
    assert (t["on_cpu_ns"], t["waiting_ns"]) == (0, 5)
