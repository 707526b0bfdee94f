# SPDX-License-Identifier: GPL-2.0
"""kvmw record --keep at length: every trigger again and again, and with obstacles."""
import contextlib
import os
import re
import signal
import time

import pytest

from synthetic import KVMW, kvmw
from test_record_keep import Recorder, cpu_ticks, here, report, small_disk
from test_record_here import running_guest

pytestmark = [pytest.mark.lab, pytest.mark.slow, here]
TIMES = 20


def written_for(rec, why):
    """Reads lines until a snapshot is written for this reason; returns its path."""
    while True:
        line = rec.line()
        assert line, "the recorder ended"
        found = re.search(r"record: (.*?): \d+ events of .* MB (\S+),", line)
        if found and found[1].startswith(why):
            return found[2]


@contextlib.contextmanager
def recorded_guests(where, *args):
    """
    A recorder of the guests that it starts and of no other VM; and a function that runs a guest
    with these options until it ends.
    """
    os.mkfifo(where / "wanted")
    script = f'while read -r what; do {KVMW} bench guest --rounds 1 $what; echo >>ended; done <wanted'
    files = where / "files"
    files.mkdir()
    with Recorder(where, "--keep", "3s,16M", "-e", "userspace", "-o", files / "s", *args, "--",
                  "sh", "-c", script) as rec, open(where / "wanted", "w", encoding="ascii") as wanted:
        ran = 0

        def run(what):
            nonlocal ran
            wanted.write(what + "\n")
            wanted.flush()
            ran += 1
            while not (where / "ended").exists() or (where / "ended").stat().st_size < ran:
                assert rec.process.poll() is None
                time.sleep(0.005)
        yield rec, run


@pytest.mark.parametrize("when, what", [
    ("reason==KVM_EXIT_MMIO", "--mmio 1"),
    ("gone", "--pio 1"),
])
def test_each_time(tmp_path, when, what):
    """Each cause happens once: there is one snapshot for each, which contains it."""
    with recorded_guests(tmp_path, "--cooldown", "0", "--trigger", when) as (rec, run):
        for _ in range(TIMES):
            run(what)
            path = tmp_path / written_for(rec, when)
            about = report(path)
            assert about["recording"]["complete"] and about["total"]["count"]
            if when == "reason==KVM_EXIT_MMIO":
                assert any(row["reason"] == "KVM_EXIT_MMIO" for row in about["rows"])
            path.unlink()
        rec.end(status=143)


@pytest.mark.parametrize("when", ["reason==KVM_EXIT_MMIO", "rate(KVM_EXIT_IO)>1000000000", "user>1000s", "stuck>1h", "lost"])
def test_none(tmp_path, when):
    """Guests that do everything else cause no snapshot."""
    with recorded_guests(tmp_path, "--cooldown", "0", "--trigger", when) as (rec, run):
        for _ in range(TIMES):
            run("--pio 50")
        assert " 0 snapshots;" in rec.end(status=143)
    assert not list((tmp_path / "files").iterdir())


def test_stuck_each_time(tmp_path):
    with running_guest() as pid, \
         Recorder(tmp_path, "-p", pid, "--keep", "3s,16M", "-e", "userspace", "--trigger", "stuck>300ms", "--cooldown", "0") as rec:
        for _ in range(TIMES):
            os.kill(pid, signal.SIGSTOP)
            path = tmp_path / written_for(rec, "stuck>300ms: vCPU 0")
            os.kill(pid, signal.SIGCONT)
            path.unlink()
            # Until it has entered the guest again, it is the same standstill.
            began = cpu_ticks(pid)
            while cpu_ticks(pid) < began + 2:
                assert rec.process.poll() is None
        rec.end()


def test_stuck_during_the_cooldown(tmp_path):
    """A vCPU that is still stuck after --cooldown causes a snapshot."""
    with running_guest() as pid, \
         Recorder(tmp_path, "-p", pid, "--keep", "3s,16M", "-e", "userspace", "--trigger", "stuck>300ms", "--cooldown", "2s") as rec:
        os.kill(pid, signal.SIGSTOP)
        rec.snapshot()
        written_for(rec, "stuck>300ms: vCPU 0")
        rec.end()


def test_gone_while_another_one_is_made(tmp_path):
    """A VM that ends during another snapshot gets its own, whichever comes first."""
    for _ in range(5):
        with running_guest() as pid, Recorder(tmp_path, "-p", pid, "--keep", "3s,16M", "-e", "userspace", "--trigger", "gone") as rec:
            rec.tell()
            os.kill(pid, signal.SIGKILL)
            errors = rec.process.stderr.read()
            assert errors.count(" record: SIGUSR2: ") == errors.count(" record: gone: ") == 1, errors
            assert rec.process.wait() == 0


def test_disk_that_fills_again_and_again(tmp_path):
    """Snapshots are requested while one fails on a full disk; then the disk gets room, and SIGTERM
    follows at once."""
    with small_disk(tmp_path, "4k") as (folder, grow):
        with running_guest() as pid, Recorder(folder, "--keep", "3s,16M", "-e", "userspace", "-p", pid) as rec:
            for _ in range(TIMES):
                rec.tell()
                rec.tell()
                line = rec.line()
                assert "cannot write: No space left on device" in line, line
            grow("64m")
            # The two requests above make one more snapshot, or failed before there was room.
            rec.tell()
            errors = rec.end(status=1, sig=signal.SIGTERM)
            assert re.search(r" MB \S+, 0 lost \]", errors), errors
        assert any(report_is_whole(path) for path in folder.iterdir())


def report_is_whole(path):
    done = kvmw("report", "-i", path, "--json")
    return done.returncode == 0 and '"complete": true' in done.stdout and '"finished": true' in done.stdout


def resident(pid):
    """Memory in use (KiB), and descriptors, without short-lived ones such as BPF statistics."""
    status = open(f"/proc/{pid}/status", encoding="ascii").read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]), len(os.listdir(f"/proc/{pid}/fd"))


def test_memory_is_flat(tmp_path):
    """Memory stays flat with snapshots and short VMs for KVMW_KEEP_SECONDS; run it by hand for a
    day."""
    seconds = int(os.environ.get("KVMW_KEEP_SECONDS", "60"))
    with recorded_guests(tmp_path) as (rec, run):
        first = None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            run("--pio 9")
            line, path = rec.snapshot()
            (tmp_path / path).unlink()
            # By now the window is full, and everything that is allocated once has been.
            if not first and rec.snapshots >= 10 and float(re.search(r" events of (\S+) s,", line)[1]) >= 3:
                first = resident(rec.process.pid)
        last = resident(rec.process.pid)
        rec.end(status=143)
    print(f"{seconds} s, {rec.snapshots} snapshots: {first[0]} KiB and {first[1]} descriptors, then {last[0]} and {last[1]}")
    assert last[0] <= first[0] * 1.05 and last[1] <= first[1] + 2, (first, last, rec.snapshots)
