# SPDX-License-Identifier: GPL-2.0
"""Memory runs out or a write fails, at each place: kvmw reports it, and all output until then is
right."""
import collections
import errno
import os
import random
import re

import pytest

import faults
import lab_fixtures
import synthetic
from synthetic import KVMW, MAKE_RECORDING

DATA = synthetic.TREE / "tests/data"
COMMANDS = {
    "report": ["report", DATA / "svm-mixed.kvmw"],
    "report-json": ["report", "--json", DATA / "svm-cut.kvmw"],
    "report-csv": ["report", "--csv", "-s", "vcpu,detail", DATA / "svm-lost.kvmw"],
    "report-sched": ["report", "-e", "sched", DATA / "svm-families.kvmw"],
    "report-irq": ["report", "-e", "irq", DATA / "svm-families.kvmw"],
    "script": ["script", DATA / "svm-mixed.kvmw"],
    "script-json": ["script", "--json", "-e", "irq", DATA / "svm-families.kvmw"],
    "info": ["info", "-v", DATA / "svm-families.kvmw"],
    "info-json": ["info", "--json", DATA / "svm-linux.kvmw"],
}

WITHOUT = {"kvmw: out of memory", f"kvmw: cannot start a thread: {os.strerror(errno.EAGAIN)}"}


# ---- memory ------------------------------------------------------------------

def check_reader(done, whole):
    """
    The output is complete; or kvmw says why not and exits with 1. Then lines may be missing, and
    the last one may be cut off, but no line differs from the complete output.
    """
    if done.status == whole.status and done.out == whole.out:
        return
    assert done.status == 1, (done.fault, done.status, done.err)
    said = collections.Counter(done.err.splitlines()) - collections.Counter(whole.err.splitlines())
    assert len(said) == 1 and set(said) <= WITHOUT, (done.fault, done.err)
    lines = done.out.split("\n")
    more = collections.Counter(lines[:-1]) - collections.Counter(whole.out.split("\n"))
    assert not more and any(line.startswith(lines[-1]) for line in whole.out.split("\n")), (done.fault, more)


def run_reader(name, kind, most=None):
    whole = faults.run("malloc 0", KVMW, *COMMANDS[name])
    assert len(whole.may_fail) > 150
    numbers = whole.may_fail
    if most:
        numbers = random.Random(os.environ.get("KVMW_SEED", name)).sample(numbers, most)
    found = list(faults.at_each(kind, numbers, KVMW, *COMMANDS[name]))
    for done in found:
        check_reader(done, whole)
    assert any(done.status == 1 and done.err.startswith("kvmw: out of memory\n") for done in found)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_reader_without_memory(name):
    run_reader(name, "malloc", 8)
    found = run_reader(name, "memory", 4)
    # A failure is reported once, or once by each thread that needed memory at the time.
    assert name.startswith("report") or all(done.err.count("out of memory") <= 1 for done in found)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_reader_without_memory_at_many_places(name):
    run_reader(name, "malloc", 80)
    run_reader(name, "memory", 25)


def test_rows_before_a_failure(tmp_path):
    """Rows that precede the failure are printed, also those made by other threads."""
    rec = synthetic.Recording()
    rows = synthetic.random_rows(random.Random(3), synthetic.SVM, 2, 6000)
    for i in range(0, 6000, 1000):
        rec.frame(rows[i:i + 1000])
    path = rec.finish().write(tmp_path / "f")
    whole = faults.run("malloc 0", KVMW, "script", "--json", path)
    lines = whole.out.splitlines()
    between = set()
    # The last allocations, then more of them: which one is where depends on the threads.
    for numbers in whole.may_fail[-60::4], whole.may_fail[-120:], whole.may_fail[-360:-120]:
        found = [done for done in faults.at_each("malloc", numbers, KVMW, "script", "--json", path) if done.status]
        assert all(done.out.splitlines() == lines[:done.out.count("\n")] for done in found)
        # Failures between two frames: one frame is printed in full, and nothing of the next one.
        between |= {done.out.count("\n") for done in found} & {1000, 3000, 5000}
        if between:
            break
    assert between


# ---- writing -----------------------------------------------------------------

ROWS = 200
NO_SPACE = errno.ENOSPC
SAID = re.compile(r"kvmw: (.*): cannot write: ([^;]*)(?:; the (\d+) bytes before are a readable recording)?\n")


def made(path, fault):
    """Runs make_recording: a frame each of META, IDENT and STATS, and four frames of exits."""
    rec = synthetic.Recording()
    rows = synthetic.random_rows(random.Random(3), synthetic.SVM, 2, 4 * ROWS)
    for i in range(0, len(rows), ROWS):
        rec.frame(rows[i:i + ROWS])
    rec.totals()
    return faults.run(fault, MAKE_RECORDING, path, input=synthetic.text_for_maker(rec.finish().lines).encode())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "f"
    done = made(path, "write 0 0")
    assert done.status == 0
    frames = lab_fixtures.frames(path)
    # The file's header is a separate write.
    assert done.count == len(frames) + 1 > 8
    return path.read_bytes(), frames


@pytest.mark.parametrize("kind, err", [("write", NO_SPACE), ("once", errno.EIO)])
def test_writer(tmp_path, whole, kind, err):
    """If a write fails, the file has all frames before it and nothing else, and the message says
    so."""
    data, frames = whole
    offsets = [0, *(frame.offset for frame in frames)]
    for n, offset in enumerate(offsets, 1):
        path = tmp_path / f"{n}"
        done = made(path, f"{kind} {n} {err}")
        found = SAID.fullmatch(done.err)
        assert done.status == 1 and found, (n, done.err)
        rows = any(frame.event == "exit" for frame in frames if frame.offset < offset)
        assert found.groups() == (str(path), os.strerror(err), str(offset) if rows else None)
        assert path.read_bytes() == data[:offset]
        if offset:
            assert lab_fixtures.frames(path, status=1) == frames[:n - 2]
            again = synthetic.kvmw("info", path)
            assert again.returncode == 1 and "the recorder did not finish" in again.stderr


@pytest.mark.parametrize("most", [1, 7, 4096])
def test_short_writes(tmp_path, whole, most):
    """Writes that take only a few bytes at a time, with a signal before each, still make the same
    file."""
    done = made(tmp_path / "f", f"short {most}")
    assert done.status == 0 and done.count >= len(whole[0]) // most
    assert (tmp_path / "f").read_bytes() == whole[0]


def test_close(tmp_path, whole):
    """close() may fail: some file systems report only then that the disk is full."""
    done = made(tmp_path / "f", f"close 1 {NO_SPACE}")
    assert done.status == 1 and done.err == f"kvmw: {tmp_path}/f: {os.strerror(NO_SPACE)}\n"
