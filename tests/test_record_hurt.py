# SPDX-License-Identifier: GPL-2.0
"""Whatever happens to a recorder, its file can be read, its counts are right, and nothing stays
behind."""
import json
import os
import random
import re
import resource
import signal
import subprocess
import time

import pytest

import lab_fixtures
from synthetic import KVMW, kvmw
from test_record_here import pytestmark, running_guest  # noqa: F401

MOMENTS = int(os.environ.get("KVMW_KILLS", "8"))	# how often kill -9 is sent; soak: 200


@pytest.fixture
def guest():
    with running_guest() as pid:
        yield pid


def recorder(path, pid, *args, **kwargs):
    return subprocess.Popen([KVMW, "record", "-e", "userspace", "-o", path, "-p", str(pid), *map(str, args)],
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **kwargs)


def programs():
    done = subprocess.run(["bpftool", "-j", "prog", "show"], capture_output=True, text=True, check=True)
    return {(program["id"], pid["pid"]) for program in json.loads(done.stdout) for pid in program.get("pids", ())}


def account(path):
    """The numbers of recorded events, of lost ones, and of those counted in the kernel."""
    rep = lab_fixtures.report(path, "-e", "userspace")
    return rep["recorded"], rep["lost"], sum(row["count"] for row in rep["rows"])


# ---- writing fails -----------------------------------------------------------

def test_write_fails_anywhere(guest, tmp_path):
    """A write fails at a frame's first byte, or in the middle of one: everything before that frame
    remains."""
    whole = tmp_path / "whole"
    done = recorder(whole, guest, "-d", "1.3")
    assert done.wait(timeout=60) == 0
    done.stderr.close()
    frames = lab_fixtures.frames(whole)
    offsets = [frame.offset for frame in frames]
    first_rows = min(frame.offset for frame in frames if frame.event == "userspace")
    later = 3 * whole.stat().st_size
    for limit in 10, offsets[1] - 1, offsets[2] + 7, first_rows, first_rows + 99, later:
        path = tmp_path / f"limit-{limit}"
        # The recorder ends when a write fails, however slow the guest is.
        process = recorder(path, guest, "-d", "60", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (limit, limit)))
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 1, limit
        found, = re.findall(rf"^kvmw: {path}: cannot write: File too large(?:; the (\d+) bytes before are a readable "
                            "recording)?$", said, re.M)
        # If it fails before recording starts, everything is undone.
        if limit < offsets[1] or not path.exists():
            assert limit <= first_rows and not path.exists() and not found
            continue
        size = path.stat().st_size
        assert size <= limit and (not found or size == int(found))
        assert found or limit != later
        info = kvmw("info", "-v", path)
        assert info.returncode == 1 and "did not finish" in info.stderr and "damage      none" in info.stdout


# ---- killed, stopped -----------------------------------------------------------

def test_killed_at_any_moment(guest, tmp_path):
    """Killed while it sets up, records or ends, it leaves a recording, or no file yet."""
    rng = random.Random(os.environ.get("KVMW_SEED", "7"))
    phases = {"set-up": (0, 0.8), "recording": (0.8, 3), "end": (2.3, 2.8)}
    for i in range(MOMENTS):
        path = tmp_path / f"f{i}"
        process = recorder(path, guest, "-d", "1")
        time.sleep(rng.uniform(*phases[list(phases)[i % len(phases)]]))
        process.kill()
        process.wait()
        process.stderr.close()
        assert set(os.listdir(tmp_path)) <= {f"f{k}" for k in range(i + 1)}
        if path.exists() and path.stat().st_size:
            assert "damage      none" in kvmw("info", "-v", path).stdout
            assert lab_fixtures.kvmw("script", "-i", path).returncode in (0, 1)
    left = [program for program, pid in programs() if not os.path.exists(f"/proc/{pid}")]
    assert not left


def test_stopped_for_a_while(guest, tmp_path):
    """During SIGSTOP, records that do not fit into the ring are lost, and every one of them is
    counted."""
    path, other = tmp_path / "f", tmp_path / "other"
    process = recorder(path, guest, "-m", "64K")
    while started(path) is None:
        assert process.poll() is None
    process.send_signal(signal.SIGSTOP)
    # A record takes more than 8 bytes, so this many events, counted by another recorder, fill the
    # ring.
    meanwhile = 0
    while meanwhile < 65536 // 8:
        assert kvmw("record", "-q", "-e", "userspace", "-o", other, "-p", guest, "-d", "0.3").returncode == 0
        meanwhile += account(other)[2]
    process.send_signal(signal.SIGCONT)
    process.terminate()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0
    recorded, lost, counted = account(path)
    assert lost > 0 and recorded + lost == counted
    assert f"{lost} records lost (the totals still count them)" in said


def started(path):
    done = kvmw("info", "--json", path)
    return json.loads(done.stdout)["start_ns"] if done.stdout else None


def test_two_recorders(guest, tmp_path):
    """Two recorders, one permanent, one that comes and goes, do not take events from each other."""
    first = recorder(tmp_path / "first", guest)
    while started(tmp_path / "first") is None:
        assert first.poll() is None
    second = recorder(tmp_path / "second", guest, "-d", "1")
    assert second.wait(timeout=60) == 0
    first.terminate()
    assert first.wait(timeout=60) == 0
    for process in first, second:
        process.stderr.close()
    times = [[row.time_ns for row in lab_fixtures.rows(tmp_path / name, "userspace")] for name in ("first", "second")]
    # Each event runs both programs in the same order, so at each end one event may be outside.
    begin, end = times[1][0], times[1][-1]
    inside = [t for t in times[0] if begin <= t <= end]
    assert len(times[1]) > 100 and 0 <= len(times[1]) - len(inside) <= 1
    for name in "first", "second":
        recorded, lost, counted = account(tmp_path / name)
        assert lost == 0 and recorded == counted
