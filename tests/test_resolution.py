# SPDX-License-Identifier: GPL-2.0
"""Recordings with rounded durations (record --resolution), compared with exact ones of the same
rows."""
import collections
import json
import random
import re

import pytest

import independent_reader
import lab_fixtures
from synthetic import META, START, Recording, kvmw, random_rows, report

ROWS = 8_000
KNOWN = {"1/16": (lambda ns: min(max(ns // 16, 1), 1024), 1024), "100ns": (lambda ns: 100, 100)}
COLUMNS = "time_ns", "guest_ns", "total_ns", "user_ns", "vcpu", "reason", "rip", "info2"


def made(path, *args, rows=ROWS):
    done = kvmw("bench", "record", "--rows", rows, "-o", path, *args)
    assert (done.returncode, done.stderr) == (0, "")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return {to: made(folder / (to.replace("/", "_") or "exact"), *(["--resolution", to] if to else []))
            for to in ("", *KNOWN)}


def columns(path):
    """The columns of all exits."""
    found = collections.defaultdict(list)
    for frame in lab_fixtures.frames(path):
        if frame.event == "exit":
            for name, values in frame.columns.items():
                found[name] += values
    return found


def bytes_of_durations(path):
    frames = json.loads(kvmw("info", "--json", path).stdout)["frames"]
    columns = next(frame["columns"] for frame in frames if frame["event"] == "exit")
    return sum(column["stored_bytes"] for column in columns if column["name"] in COLUMNS[1:4])


def texts(path):
    rec = independent_reader.Recording(path.read_bytes())
    meta = {}
    for frame in rec.frames:
        if frame.type == 2:
            meta |= independent_reader.text(frame)
    return meta


@pytest.mark.parametrize("to", KNOWN)
def test_rows_are_those_of_the_exact_one(files, to):
    step, times = KNOWN[to]
    was, found = columns(files[""]), columns(files[to])
    for name in "guest_ns", "total_ns", "user_ns":
        assert all(abs(a - b) < step(a) or a == b for a, b in zip(was[name], found[name])), name
    assert all(abs(a - b) <= times for a, b in zip(was["time_ns"], found["time_ns"]))
    assert all(was[name] == found[name] for name in COLUMNS[4:])
    assert found["total_ns"] != was["total_ns"]
    sums = collections.Counter()
    for vcpu, *durations in zip(was["vcpu"], was["guest_ns"], found["guest_ns"], was["total_ns"], found["total_ns"]):
        sums.update({(vcpu, "guest"): durations[1] - durations[0], (vcpu, "total"): durations[3] - durations[2]})
    assert len(sums) == 8 and all(abs(error) <= times / 2 for error in sums.values())


@pytest.mark.parametrize("to", KNOWN)
def test_the_format_is_the_same(tmp_path, to):
    """The format is unchanged: the independent reader, written before there was a resolution, reads
    it."""
    path = made(tmp_path / "small", "--resolution", to, rows=500)
    rec = independent_reader.Recording(path.read_bytes())
    assert not rec.damage and rec.finished and rec.minor == 1
    exits = [rec.columns(frame) for frame in rec.frames if frame.type == 4]
    assert exits == [{name: list(values) for name, values in frame.columns.items()}
                     for frame in lab_fixtures.frames(path) if frame.event == "exit"]


@pytest.mark.parametrize("to", KNOWN)
def test_it_takes_less(files, to):
    assert bytes_of_durations(files[to]) < bytes_of_durations(files[""]) * 0.6
    assert files[to].stat().st_size < files[""].stat().st_size * 0.8


@pytest.mark.parametrize("to", KNOWN)
def test_reports_are_those_of_the_exact_one(files, to):
    exact, found = report(files[""]), report(files[to])
    assert found["recording"]["resolution"] == to and "resolution" not in exact["recording"]
    for was, row in zip(exact["rows"], found["rows"], strict=True):
        for member in "reason", "count", "time_ns", "user_ns", "kvm_ns", "exact", "recorded":
            assert row[member] == was[member]
        for member in "p50_ns", "p90_ns", "p99_ns", "max_ns":     # plus the histogram's 1/16
            assert row[member] == pytest.approx(was[member], rel=1 / 8, abs=200)


@pytest.mark.parametrize("to", KNOWN)
def test_it_is_said(files, to):
    assert f"# resolution {to}: durations " in kvmw("report", "-i", files[to]).stdout
    assert f"\nresolution  {to}: durations " in kvmw("info", files[to]).stdout
    assert json.loads(kvmw("info", "--json", files[to]).stdout)["resolution"] == to
    for command in "report", "info":
        assert "resolution" not in kvmw(command, "-i", files[""]).stdout


def test_diff_says_that_it_differs(files):
    def said(old, new):
        return re.sub(r"\n# +", " ", kvmw("diff", files[old], files[new]).stdout)

    assert "resolution of durations: exact; now 1/16" in said("", "1/16")
    assert "resolution of durations: 100ns; now exact" in said("100ns", "")
    assert "resolution" not in said("1/16", "1/16")


def test_parts_and_copies_keep_it(files, tmp_path):
    parts = [tmp_path / "a", tmp_path / "b"]
    for part, time in zip(parts, (",31.7%", "31.7%,")):
        assert kvmw("cut", "-i", files["1/16"], "-o", part, "--time", time).returncode == 0
    assert kvmw("merge", "-o", tmp_path / "all", *parts).returncode == 0
    assert kvmw("scrub", files["1/16"], tmp_path / "copy").returncode == 0
    for path in *parts, tmp_path / "all", tmp_path / "copy":
        assert texts(path)["resolution"] == "1/16"
    # Rounded once: a copy is not rounded further, and is no larger.
    whole = columns(files["1/16"])
    for name in "all", "copy":
        found = columns(tmp_path / name)
        for column in "time_ns", "guest_ns", "total_ns", "user_ns":
            assert sorted(found[column]) == sorted(whole[column]), (name, column)
        assert bytes_of_durations(tmp_path / name) < bytes_of_durations(files["1/16"]) * 1.2


@pytest.mark.parametrize("to", ["1/8", "", "\x1b[2J", "0", "-1", "1e300", "9" * 400, 16, None, {"ns": 5}, ["1/16"]],
                         ids=lambda to: repr(to)[:12])
def test_hostile_meta(tmp_path, to):
    """An invalid resolution is ignored."""
    rec = Recording(META | {"resolution": to})
    rec.frame(random_rows(random.Random(1), {"HLT": 12}, 1, 10, START))
    path = rec.finish().write(tmp_path / "f")
    assert "resolution" not in report(path)["recording"]
    assert kvmw("scrub", path, tmp_path / "copy").returncode == 0
    assert "resolution" not in texts(tmp_path / "copy")


@pytest.mark.parametrize("command", ["record", "bench record"])
def test_wrong_usage(command):
    for to in "1/8", "0", "2s", "x":
        done = kvmw(*command.split(), "--resolution", to)
        assert done.returncode == 2
        assert f"--resolution '{to}': must be 1/16, or a time of 1ns to 1s, such as 100ns" in done.stderr
