# SPDX-License-Identifier: GPL-2.0
"""A process that reads a recording can do nothing else: checks its state in /proc while it reads.

unit/test_sandbox.c tests what is forbidden in the sandbox; all other tests, that what is needed is
allowed.
"""
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from synthetic import KVMW, TREE

DATA = TREE / "tests/data"
FILE = DATA / "svm-families.kvmw"
LIMIT = 60              # s, a limit for what hangs

pytestmark = pytest.mark.skipif("Seccomp:" not in pathlib.Path("/proc/self/status").read_text(),
                                reason="this kernel has no seccomp")


def status(path):
    try:
        return dict(line.split(":\t", 1) for line in (path / "status").read_text().splitlines() if ":\t" in line)
    except (FileNotFoundError, ProcessLookupError):
        return {}


def children(pid):
    return [int(word) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()]


def waiting(pid):
    """The threads of a process, if all of them sleep."""
    found = [status(task) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
    return found if all(one.get("State", "").startswith("S") for one in found) else []


def until(state):
    end = time.monotonic() + LIMIT
    while not (found := state()):
        assert time.monotonic() < end
        time.sleep(0.005)
    return found


def walled(threads):
    return [(one["Seccomp"], one["NoNewPrivs"]) for one in threads] == [("2", "1")] * len(threads)


@pytest.fixture
def reader(tmp_path):
    """Starts a command with all of a recording but its end, which end() provides."""
    ends = []

    def start(*command, **kwargs):
        read, write = os.pipe()
        ends.append(write)
        # A pipe holds this much.
        assert os.write(write, FILE.read_bytes()) == FILE.stat().st_size
        process = subprocess.Popen([KVMW, *command], stdin=read, stdout=subprocess.DEVNULL, cwd=tmp_path,
                                   **{"stderr": subprocess.DEVNULL} | kwargs)
        os.close(read)
        return process

    def end(process):
        os.close(ends.pop())
        assert process.wait(LIMIT) == 0

    start.end = end
    yield start
    for write in ends:
        os.close(write)


@pytest.mark.parametrize("command", [
    ["report", "-i", "-"], ["report", "--json", "-e", "fault", "-i", "-"], ["info", "-i", "-"],
    ["script", "--json", "-i", "-"], ["diff", FILE, "-"]], ids=lambda command: command[0])
def test_behind_the_wall(reader, command):
    """A process behind the wall is confined, and so are its threads."""
    process = reader(*command)
    least = 2 if command[0] == "report" else 1
    until(lambda: len(found := waiting(process.pid)) >= least and walled(found))
    reader.end(process)


def test_the_copy_is_made_behind_the_wall(reader, tmp_path):
    process = reader("scrub", "-", "out")
    child, = until(lambda: children(process.pid))
    until(lambda: (found := waiting(child)) and walled(found))
    reader.end(process)
    assert (tmp_path / "out").stat().st_size


def test_texts_are_printed_behind_a_second_wall(reader):
    process = reader("script", "--no-demangle", "-i", "-")
    child, = until(lambda: children(process.pid))
    until(lambda: walled(waiting(process.pid)) and waiting(child))
    found, = waiting(child)
    assert walled([found]) and found.get("Seccomp_filters", "2") == "2"
    # Its memory is limited.
    assert not re.search(r"^Max address space +unlimited", pathlib.Path(f"/proc/{child}/limits").read_text(), re.M)
    reader.end(process)


def test_names_are_demangled_behind_a_wall(reader):
    """Names are demangled in a process with only a socket open."""
    process = reader("report", "-i", "-")
    child, = until(lambda: children(process.pid))
    until(lambda: (found := waiting(child)) and walled(found))
    assert [file.name for file in pathlib.Path(f"/proc/{child}/fd").iterdir()] == ["0"]
    reader.end(process)


def test_a_copy_that_fails_is_undone(reader, tmp_path):
    """The parent undoes a failed copy, as the copying process could not."""
    (tmp_path / "out").write_text("an old file")
    process = reader("scrub", "-", "out", stderr=subprocess.PIPE)
    child, = until(lambda: children(process.pid))
    until(lambda: waiting(child))
    assert (tmp_path / "out.old").read_text() == "an old file"
    os.kill(child, signal.SIGKILL)
    err = process.communicate()[1].decode()
    assert process.returncode == 1 and err == "kvmw: -: reading it ended with signal 9 (Killed)\n"
    assert (tmp_path / "out").read_text() == "an old file" and not (tmp_path / "out.old").exists()
