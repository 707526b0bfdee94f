# SPDX-License-Identifier: GPL-2.0
"""kvmw script --reason, --min-duration, --outliers select the right rows."""
import csv
import json
import subprocess

import pytest

from synthetic import META, START, SVM, TREE, Recording, kvmw, one_line

FAMILIES = TREE / "tests/data/svm-families.kvmw"
USERSPACE = TREE / "tests/data/svm-userspace.kvmw"


@pytest.fixture(scope="module")
def svm(svm):
    return svm.path


def rows(path, *args, **kwargs):
    done = kvmw("script", *([] if "stdin" in kwargs else [path]), "--json", *args, **kwargs)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def stop_ns(path):
    about = json.loads(kvmw("info", path, "--json").stdout)
    return about["start_ns"] + about["duration_ns"]


def length(row, end):
    """How long an event took, None if it has no duration."""
    span = row.get({"exit": "total_ns", "userspace": "user_ns"}.get(row["event"], "span_ns"))
    if span is None and row["event"] in ("exit", "userspace"):
        return end - row["time_ns"]
    return span


def awake(row, end):
    """The same, without the time that a vCPU slept in a halt."""
    took, halt = length(row, end), row.get("halt_ns") or 0
    return took if took is None or halt > took else took - halt + min(row.get("poll_ns") or 0, halt)


@pytest.mark.parametrize("words", ["hlt", "io,npf", "0x400", "CPUID"])
def test_reason(svm, words):
    numbers = {SVM.get(word.lower()) or int(word, 0) for word in words.split(",")}
    assert rows(svm, "--reason", words) == [
        row for row in rows(svm) if row["reason_number"] in numbers]


def test_reason_of_what_has_none():
    """Of the families, only stack and nested have exit reasons."""
    got = rows(FAMILIES, "--reason", "msr,mmio")
    assert {row["event"] for row in got} == {"exit", "stack", "userspace"}
    assert {row["reason"] for row in got} == {"msr", "KVM_EXIT_MMIO"}
    assert got == [row for row in rows(FAMILIES) if row.get("reason") in ("msr", "KVM_EXIT_MMIO")]


@pytest.mark.parametrize("path", [FAMILIES, USERSPACE], ids=["families", "userspace"])
@pytest.mark.parametrize("least, ns", [("50us", 50_000), ("1ms", 1_000_000), ("20.5us", 20_500)])
def test_min_duration(path, least, ns):
    every, end = rows(path), stop_ns(path)
    wanted = [row for row in every if (length(row, end) or 0) >= ns]
    assert 0 < len(wanted) < len(every)
    assert rows(path, "--min-duration", least) == wanted


@pytest.mark.parametrize("path", [FAMILIES, USERSPACE], ids=["families", "userspace"])
@pytest.mark.parametrize("args", [[], ["-e", "exit,userspace"], ["--vcpu", "0"], ["--reason", "io"]])
@pytest.mark.parametrize("nr", [1, 7, 10000])
def test_outliers(path, args, nr):
    """Outliers are the longest events; those of equal length are in order of time."""
    end = stop_ns(path)
    every = [row for row in rows(path, *args) if awake(row, end) is not None]
    every.sort(key=lambda row: -awake(row, end))
    assert rows(path, *args, "--outliers", nr) == every[:nr]


def test_sleeping_is_not_waiting(tmp_path):
    """Sleep in a halt does not make an exit longer; polling does."""
    rec = Recording(META | {"events": ["exit"]})
    halts = [("slept", 900_000, 900_000, 0), ("polled", 500_000, 500_000, 500_000), ("worked", 400_000, 0, 0)]
    rec.lines.append(["EVENTS", "exit", [
        [START + 1_000_000 * i, 10, total, 0, 0xfff0 + i, 0, 0, 0, 0, SVM["hlt"], 0, 2, halt, poll, 0, 0]
        for i, (_, total, halt, poll) in enumerate(halts)]])
    rec.end += 10_000_000
    path = rec.finish().write(tmp_path / "f")
    assert [row["total_ns"] for row in rows(path, "--outliers", 3)] == [500_000, 400_000, 900_000]


def test_outliers_without_an_end(tmp_path):
    """A vCPU's last exit without an end lasts to the end of the recording, unless it is halted;
    other exits without an end have no known length."""
    rec = Recording(META | {"events": ["exit"]})
    cycles = [(0, 1, 900_000, "io"), (0, 2, None, "npf"), (0, 3, 500_000, "io"), (1, 4, None, "hlt"), (2, 5, None, "io"),
              (9, 2, None, "npf"), (9, 4, None, "npf")]
    rec.lines.append(["EVENTS", "exit", [
        [START + 1_000_000 * ms, 10, total, 0, 0xfff0, 0, 0, 0, 0, SVM[reason], vcpu, 2, 0, 0, 0, 0]
        for vcpu, ms, total, reason in sorted(cycles, key=lambda cycle: cycle[1])]])
    rec.end = START + 10_000_000
    rec.lines[1][1]["vcpus"] = [vcpu | ({"gone_ns": START + 7_000_000} if vcpu["id"] == 9 else {})
                                for vcpu in rec.lines[1][1]["vcpus"]]
    path = rec.finish().write(tmp_path / "f")
    assert [(row["vcpu_id"], row["time_ns"] - START) for row in rows(path, "--outliers", 9)] == \
        [(2, 5_000_000), (9, 4_000_000), (0, 1_000_000), (0, 3_000_000)]
    assert [row["vcpu_id"] for row in rows(path, "--outliers", 9, "--where", "reason==npf")] == [9]
    assert [row["vcpu_id"] for row in rows(path, "--outliers", 9, "--time", ",6ms")] == [0, 0]


@pytest.mark.parametrize("how", [[], ["--csv"], ["--json"]])
def test_outliers_in_every_format(how):
    """Outliers are printed in every format, also from a pipe, which is read only once."""
    done = kvmw("script", FAMILIES, "--outliers", 20, *how)
    assert done.returncode == 0
    with open(FAMILIES) as pipe:
        from_pipe = kvmw("script", "-i", "-", "--outliers", 20, *how, stdin=pipe)
    if how == ["--csv"]:
        times = [[row["time_ns"] for row in csv.DictReader(out.stdout.splitlines())]
                 for out in (done, from_pipe)]
        assert times[0] == times[1] and len(times[0]) == 20
    else:
        assert done.stdout == from_pipe.stdout


def test_mistakes(svm):
    for args in ["--outliers", "0"], ["--outliers", "10001"], ["--outliers", "x"], \
            ["--min-duration", "x"], ["--min-duration", "1d"], ["--reason", "nothing"]:
        one_line(kvmw("script", svm, *args), 2, args[1])
    one_line(kvmw("script", svm, "--outliers", 3, "--max-events", 3), 2, "exclude each other")
    one_line(kvmw("script", svm, "--min-duration", "1h"), 1, "no events match --min-duration;")
    one_line(kvmw("script", svm, "--reason", "pause", "--outliers", 3), 1, "no events match --reason;")


def test_percent():
    """Percentages refer to the time that info shows; not for a pipe, or a recording that goes
    on."""
    duration = json.loads(kvmw("info", "--json", FAMILIES).stdout)["duration_ns"]
    window = f"{duration * 7 // 10 / 1e9:.9f},{duration * 8 // 10 / 1e9:.9f}"
    for command in ("script",), ("report", "-e", "irq"), ("report", "--json"):
        assert kvmw(*command, FAMILIES, "--time", "70%,80%").stdout == kvmw(*command, FAMILIES, "--time", window).stdout != ""
    with subprocess.Popen(["cat", FAMILIES], stdout=subprocess.PIPE) as cat:
        one_line(kvmw("script", "-", "--time", "70%", stdin=cat.stdout), 1, "needs a file")
    cut = TREE / "tests/data/svm-cut.kvmw"
    assert kvmw("report", cut, "--time", "0%,100%").stderr == kvmw("report", cut).stderr != ""
    one_line(kvmw("script", "-f", FAMILIES, "--time", "70%"), 2, "--follow")
    one_line(kvmw("report", FAMILIES, "--time", "170%"), 2, "cannot understand '170%'")


def test_around():
    """--around selects the same as the window that it stands for, and excludes --time."""
    for around, window in (("3.4+-50ms", "3.35,3.45"), ("3.4±.05", "3.35,3.45"), ("0+-1s", ",1")):
        assert kvmw("script", FAMILIES, "--around", around).stdout == \
            kvmw("script", FAMILIES, "--time", window).stdout != ""
    one_line(kvmw("script", FAMILIES, "--around", "3.4"), 2, "--around '3.4'", "T+-D")
    one_line(kvmw("report", FAMILIES, "--around", "3+-1", "--time", "3"), 2, "exclude each other")
