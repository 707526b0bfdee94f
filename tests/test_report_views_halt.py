# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e halt: how vCPUs halted, who woke them, the polling window, from known rows."""
import collections
import random

import pytest

from synthetic import META, START, VCPUS, VMS, Recording, report, text_of

MS = 1_000_000
WAKEUP, WINDOW = 1, 2
TASKS = [{"tid": 55, "comm": "vhost-100"}, {"tid": 56, "comm": "vhost-100"},
         {"tid": 57, "comm": "qemu"}]
NAMES = {0: "interrupt", 55: "vhost-100", 56: "vhost-100", 57: "qemu", 58: "tid 58",
         101: "vCPU 100/0", 102: "vCPU 100/1", 201: "vCPU 200/0"}
END = 1000 * MS


def halt_row(at, vcpu, span, poll, slept, valid, waker):
    return [START + at, span, vcpu, 101, 0, WAKEUP, poll, slept, valid, waker, None, None, None]


def window_row(at, vcpu, old, new):
    return [START + at, None, vcpu, 101, 0, WINDOW, None, None, None, None, int(new > old), new, old]


def make(path, rows, frame=97):
    rec = Recording(META | {"events": ["halt"]}, VMS, VCPUS)
    rec.lines[1][1]["tasks"] = TASKS
    rec.events("halt", rows, frame)
    rec.end = START + END - MS
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Halts of three vCPUs and the windows of two, unordered."""
    rng = random.Random(5)
    rows = []
    for _ in range(3000):
        span, slept = rng.randrange(100, 5 * MS), rng.randrange(2)
        poll = rng.choice([None, 0, span // 3]) if slept else span
        rows.append(halt_row(rng.randrange(END), rng.choice([0, 0, 1, 9]), span, poll, slept,
                             int(rng.random() < 0.8), rng.choice(list(NAMES)) if slept else None))
    windows = {0: [(100, 10_000), (300, 40_000), (305, 80_000), (310, 0), (700, 10_000)],
               9: [(900, 200_000)]}
    for vcpu, changes in windows.items():
        old = 0
        for at, new in changes:
            rows.append(window_row(at * MS, vcpu, old, new))
            old = new
    rng.shuffle(rows)
    return make(tmp_path_factory.mktemp("halt") / "kvmw.data", rows), rows


def test_numbers(known):
    path, rows = known
    view = report(path, "-e", "halt")["halt"]
    assert [v["name"] for v in view["vcpus"]] == ["vCPU 100/0", "vCPU 100/1", "vCPU 200/0"]
    assert view["duration_ns"] == END and view["left_out"] == 0
    for v in view["vcpus"]:
        mine = [r for r in rows if r[2] == v["vcpu_id"] and r[5] == WAKEUP]
        spans = sorted(r[1] for r in mine)
        polls = [r for r in mine if r[7] == 0 or r[6]]
        # Some began before the recording.
        inside = [min(r[1], r[0] - START) for r in mine]
        assert v["halts"] == len(mine) and v["halted_ns"] == sum(inside)
        assert v["mean_ns"] == sum(spans) // len(spans) and v["max_ns"] == spans[-1]
        assert v["p50_ns"] == pytest.approx(spans[len(spans) // 2], rel=0.07)
        assert v["p99_ns"] == pytest.approx(spans[len(spans) * 99 // 100], rel=0.07)
        assert v["polls"] == len(polls) and sum(r[6] for r in polls) >= v["poll_ns"] > 0
        assert v["polls_paid_off"] == sum(r[7] == 0 for r in mine)
        assert (v["valid"], v["invalid"]) == (sum(r[8] for r in mine),
                                              sum(not r[8] for r in mine))


def test_what_began_before(tmp_path):
    """A halt that began before the report counts from the report's start, so that shares refer to
    its time."""
    rows = [halt_row(300 * MS, 0, 5000 * MS, 10 * MS, 1, 1, 0),     # before the recording
            halt_row(800 * MS, 0, 400 * MS, 150 * MS, 1, 1, 0)]
    path = make(tmp_path / "f", rows)
    for options, halted, poll in (((), 300 + 400, 150), (("--time", "0.5,"), 300, 50),
                                  (("--time", "0.2,0.6"), 100, None)):
        v = report(path, "-e", "halt", *options)["halt"]["vcpus"][0]
        assert v["halted_ns"] == halted * MS and v["max_ns"] >= 400 * MS
        assert poll is None or v["poll_ns"] == poll * MS


def test_wakers(known):
    path, rows = known
    for v in report(path, "-e", "halt")["halt"]["vcpus"]:
        names = collections.Counter(NAMES[r[9]] for r in rows
                                    if r[2] == v["vcpu_id"] and r[9] is not None)
        assert v["woken"] == sum(names.values())
        want = sorted(names.items(), key=lambda item: (-item[1], item[0]))[:5]
        assert [(w["name"], w["count"]) for w in v["wakers"]] == want


def test_windows(known):
    view = report(known[0], "-e", "halt")["halt"]["vcpus"]
    assert view[1]["window"] is None
    window = view[0]["window"]
    assert (window["changes"], window["grew"], window["shrank"]) == (5, 4, 1)
    most = window["max_ns"]
    assert len(most) == 60 and window["step_ns"] == END // 60
    # The change at 310 ms is in the column with the greatest window.
    want = [0] * 6 + [10_000] * 12 + [80_000] + [0] * 23 + [10_000] * 18
    assert most == want
    assert view[2]["window"]["max_ns"] == [0] * 54 + [200_000] * 6
    # A part of the time: the window before it is known only from the part's own changes.
    window = report(known[0], "-e", "halt", "--time", "0.2,0.6")["halt"]["vcpus"][0]["window"]
    assert window["changes"] == 3 and window["max_ns"][0] == 10_000 and window["max_ns"][-1] == 0


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_text(known, width, locale):
    text = text_of(known[0], "-e", "halt", "--width", width, env={"LC_ALL": locale})
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    assert "Halts of the vCPUs in 1.000 s:" in text
    assert any(line.startswith("vCPU 200/0: ") and "interrupt " in line for line in lines)
    charts = [line for line in lines if line.startswith("vCPU 100/0 |")]
    assert len(charts) == 1 and charts[0].endswith("| 80.00us")
    chart = charts[0].split("|")[1]
    level = "█" if locale == "C.UTF-8" else "#"
    # The scale covers all vCPUs: 80 of 200 us is not full, the last one is.
    assert len(chart) in range(width - 25, 101) and level not in chart
    other = next(line for line in lines if line.startswith("vCPU 200/0 |"))
    assert other.count(level) in range(4, 12) and other.endswith(f"{level}| 200.0us")
    assert text.isascii() == (locale == "C")
    assert "full height 200.0us" in " ".join(text.split())


def test_filters(known):
    view = report(known[0], "-e", "halt", "--pid", "200")["halt"]["vcpus"]
    assert [v["vcpu_id"] for v in view] == [9]
    assert [v["vcpu_id"] for v in report(known[0], "-e", "halt", "--vcpu", "1")["halt"]["vcpus"]] == [1]


def test_nothing_told(tmp_path):
    path = make(tmp_path / "f", [[START, None, 0, 101, 0, WAKEUP] + [None] * 7])
    v = report(path, "-e", "halt")["halt"]["vcpus"][0]
    assert v["halts"] == 1 and v["halted_ns"] is None and v["poll_ns"] is None
    assert v["wakers"] == [] and v["window"] is None
    assert "polling window" not in text_of(path, "-e", "halt")
