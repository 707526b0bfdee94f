# SPDX-License-Identifier: GPL-2.0
"""The name of a VMM is harmless on a terminal, whichever command prints it."""
import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from synthetic import KVMW
from test_record_here import VM, pytestmark  # noqa: F401

# Escape sequences, newlines, changes of text direction, invalid UTF-8, and longer than any buffer.
NAME = b"a\x1b[31m\n 4711      8  qemu-system-x86_64  bank\r\t\x07\x9b\xc2\x9b \xe2\x80\xae\xe2\x81\xa6 \xff\xc3 "
LONG = NAME + "x€".encode() * 300
COMM = b"\x1b[2J\n\xe2\x80\xae\xff"
PR_SET_NAME = 15
NAMED_VM = f"import ctypes\nctypes.CDLL(None).prctl({PR_SET_NAME}, {COMM!r})\n" + VM


def harmless(done):
    for output in done.stdout, done.stderr:
        text = output.decode()			# is valid
        assert all(c in "\n\t" or c.isprintable() for c in text), ascii(text)
    return done.stdout.decode(), done.stderr.decode()


def run(*args, status=0):
    done = subprocess.run([KVMW, *map(os.fsencode, map(str, args))], capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=120)
    assert done.returncode == status, done.stderr
    return harmless(done)


@contextlib.contextmanager
def started(*args, executable, **kwargs):
    process = subprocess.Popen([executable, *args], stdin=subprocess.PIPE, **kwargs)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def processes(tmp_path):
    """Two VMs, named by options and thread name, and by the executable; and a process without a
    VM."""
    vmm, other = (os.fsencode(tmp_path) + b"/" + name + NAME.replace(b"/", b"") for name in (b"v", b"o"))
    shutil.copy(KVMW, vmm)
    shutil.copy(shutil.which("sleep"), other)
    with started("-c", NAMED_VM, "-name", LONG, "-uuid", LONG, executable=sys.executable,
                 stdout=subprocess.PIPE) as named, \
            started("bench", "guest", "--rounds", "0", "--pio", "1", executable=vmm,
                    stdout=subprocess.DEVNULL) as guest, started("600", executable=other) as none:
        assert named.stdout.readline() == b"ready\n"
        while not any("kvm-vcpu" in os.readlink(f"/proc/{guest.pid}/fd/{fd}") for fd in list_fds(guest.pid)):
            assert guest.poll() is None
        yield named.pid, guest.pid, none.pid


def list_fds(pid):
    return [fd for fd in os.listdir(f"/proc/{pid}/fd") if os.path.islink(f"/proc/{pid}/fd/{fd}")]


def test_every_command(processes, tmp_path):
    named, guest, none = processes
    path = tmp_path / "f"
    listed, _ = run("list")
    vms = [line.split()[0] for line in listed.split("\n\n")[0].splitlines()[1:]]
    assert {str(named), str(guest)} <= set(vms) and "4711" not in vms
    run("list", "--json")
    _, said = run("record", "-o", path, "-p", none, "--", "true", status=1)
    assert f"{none} (o" in said and said.count("\n") == 1
    _, said = run("record", "-o", path, "--vm", "nobody", "--", "true", status=1)
    assert f"{named} a" in said and said.count("\n") == 1
    run("--complete", "record", "--vm", "")
    run("record", "-v", "-o", path, "-e", "userspace,sched", "-p", f"{named},{guest}", "-d", "0.3")
    for args in (["info", "-v"], ["info", "--json"], ["report"], ["report", "-v"], ["report", "-e", "sched"],
                 ["report", "-s", "vm,vcpu,reason"], ["report", "--json"], ["report", "--csv"],
                 ["script", "--max-events", "20"], ["script", "--max-events", "20", "--json"],
                 ["script", "--max-events", "20", "--csv"]):
        run(*args, "-i", path)


def test_on_a_terminal(processes, tmp_path):
    """The status line on a terminal has no escapes but its own."""
    master, slave = os.openpty()
    done = subprocess.run([KVMW, "record", "-o", tmp_path / "f", "-e", "userspace", "-p", str(processes[1]),
                           "-d", "1.5"], stdin=subprocess.DEVNULL, stderr=slave, timeout=60)
    os.close(slave)
    text = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(master, 65536):
            text += chunk
    os.close(master)
    assert done.returncode == 0 and b"Ctrl-C stops" in text
    assert all(c.isprintable() or c in "\r\n" for c in text.decode().replace("\x1b[K", ""))
