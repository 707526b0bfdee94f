# SPDX-License-Identifier: GPL-2.0
"""kvmw record ends on request even if its output is stuck, and says what is lost."""
import contextlib
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from synthetic import KVMW, kvmw
from test_record_here import pytestmark  # noqa: F401

LOST = re.compile(r"kvmw: (.*): (.*): gave up; of the (\d+) events so far, (\d+) and the last totals are missing; "
                  r"its first (\d+) bytes are a readable recording\n")
GUEST = ["sh", "-c", f"exec '{KVMW}' bench guest --rounds 0 --pio 50 >/dev/null"]
SYS_WRITE = "1"


def is_stuck(pid):
    """Whether one of its threads is in write(2), and still is a little later."""
    def writing():
        calls = {}
        for tid in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{tid}/syscall") as file:
                calls[tid] = file.read()
        return {(tid, call) for tid, call in calls.items() if call.split()[0] == SYS_WRITE}

    before = writing()
    time.sleep(0.3)
    return bool(before & writing())


@contextlib.contextmanager
def recorder(output, *args, **kwargs):
    """A recorder of an endless guest, whose output is a full pipe."""
    kwargs.setdefault("stderr", subprocess.PIPE)
    process = subprocess.Popen([KVMW, "record", "-e", "userspace", "-o", output, *args, "--", *GUEST],
                               stdin=subprocess.DEVNULL, **kwargs)
    try:
        while not is_stuck(process.pid):
            assert process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in process.stdout, process.stderr:
            if pipe:
                pipe.close()


@pytest.fixture(params=["pipe", "fifo"])
def stuck(request, tmp_path):
    if request.param == "pipe":
        with recorder("-", stdout=subprocess.PIPE) as process:
            yield process, process.stdout.fileno(), "standard output"
        return
    path = tmp_path / "fifo"
    os.mkfifo(path)
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(end, True)
    with recorder(path) as process:
        yield process, end, str(path)
    os.close(end)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def gone(pid):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def read_all(fd):
    data = b""
    while chunk := os.read(fd, 1 << 16):
        data += chunk
    return data


def check_lost(process, end, name, why, tmp_path):
    """Checks that it says correctly what is lost, and that what was read is a recording without an
    end."""
    found = LOST.fullmatch(process.stderr.read().decode())
    assert found and found.groups()[:2] == (name, why)
    taken, lost, written = map(int, found.groups()[2:])
    part = tmp_path / "part"
    part.write_bytes(read_all(end))
    done = kvmw("script", "-i", part, "-e", "userspace", "--csv")
    # The first frame may be larger than a pipe's buffer.
    assert done.returncode == 1 and ("did not finish" if taken > lost else "contains no events") in done.stderr
    assert taken - lost == max(0, len(done.stdout.splitlines()) - 1)
    # The pipe may also contain part of the next frame.
    assert 0 < written <= part.stat().st_size and lost > 0


def test_one_signal(stuck, tmp_path):
    """Two seconds after one signal it is gone, and its command too."""
    process, end, name = stuck
    guest, = children(process.pid)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 1
    assert time.monotonic() - begin > 1.9
    assert gone(guest)
    check_lost(process, end, name, "took no data for 2 s after the signal", tmp_path)


def test_two_signals(stuck, tmp_path):
    """Two signals end it at once, before the two seconds are over, as the message shows."""
    process, end, name = stuck
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 1
    check_lost(process, end, name, "a second signal came before all was written", tmp_path)


def test_reader_that_comes_back(stuck, tmp_path):
    """If the reader comes back in time, nothing is lost. Simultaneous signals, as from timeout(1),
    count as one."""
    process, end, _ = stuck
    data = []
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    reader = threading.Thread(target=lambda: data.append(read_all(end)))
    reader.start()
    process.wait(timeout=60)
    reader.join()
    path = tmp_path / "whole"
    path.write_bytes(data[0])
    assert "gave up" not in process.stderr.read().decode()
    assert kvmw("info", path).returncode == 0


def test_errors_go_the_same_way(tmp_path):
    """With 2>&1 |, a reader that does not read the recording does not read the message either."""
    with recorder("-", stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 1


def test_nothing_stays_behind(tmp_path):
    """Its BPF programs end with it, and so does a frame that it was writing."""
    with recorder("-", stdout=subprocess.PIPE) as process:
        with open(f"/proc/{process.pid}/fdinfo/{program_fd(process.pid)}") as file:
            number = re.search(r"^prog_id:\s*(\d+)", file.read(), re.M)[1]
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    found = subprocess.run(["bpftool", "prog", "show", "id", number], capture_output=True, text=True)
    assert found.returncode != 0


def program_fd(pid):
    for fd in os.listdir(f"/proc/{pid}/fd"):
        if os.readlink(f"/proc/{pid}/fd/{fd}") == "anon_inode:bpf-prog":
            return fd
    raise AssertionError("no program is loaded")
