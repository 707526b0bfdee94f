# SPDX-License-Identifier: GPL-2.0
"""The unit kvmw-recorder.service, and kvmw's messages to a service manager and its journal."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import endless
import lab_fixtures
from synthetic import KVMW, TREE

UNIT = TREE / "packaging/kvmw-recorder.service.in"


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"needs {program}")


def analyze(*args):
    return subprocess.run(["systemd-analyze", *map(str, args)], text=True, capture_output=True, timeout=60,
                          env=os.environ | {"LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "NO_COLOR": "1"})


@pytest.fixture
def unit(tmp_path):
    """The unit for the program under test; its man pages are not installed."""
    text = UNIT.read_text().replace("@bindir@/kvmw", str(KVMW))
    assert "@bindir@" not in text
    path = tmp_path / "kvmw-recorder.service"
    path.write_text(re.sub(r"^Documentation=.*\n", "", text, flags=re.M))
    return path


@needs("systemd-analyze")
def test_the_unit_is_right(unit):
    done = analyze("verify", unit)
    assert done.returncode == 0 and str(unit) not in done.stderr, done.stderr


@needs("systemd-analyze")
def test_the_unit_is_confined(unit):
    """A root service that attaches BPF programs cannot be confined much more; no setting may get
    lost."""
    done = analyze("security", "--offline=yes", unit)
    if "offline" in done.stderr:
        pytest.skip("this systemd-analyze reads no files")
    score = float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)[1])
    print(f"exposure level: {score}")
    assert score <= 3.2, done.stdout


def test_the_unit_keeps_what_the_recorder_needs():
    """The unit has the capabilities that util/capture/privileges.c keeps, and those for locked
    memory and old kernels."""
    kept = set(re.findall(r'"(cap_\w+)"', (TREE / "util/capture/privileges.c").read_text()))
    bounds = set(re.search(r"^CapabilityBoundingSet=(.*)", UNIT.read_text(), re.M)[1].lower().split())
    assert kept and bounds == kept | {"cap_sys_resource", "cap_ipc_lock"}


def systemcalls():
    """The system calls that SystemCallFilter= allows."""
    allowed, todo = set(), re.search(r"^SystemCallFilter=(.*)", UNIT.read_text(), re.M)[1].split()
    while todo:
        name = todo.pop()
        if name.startswith("@"):
            todo += re.findall(r"^ +(@?[\w-]+)$", analyze("syscall-filter", name).stdout, re.M)
        else:
            allowed.add(name)
    return allowed


# ---- messages -------------------------------------------------------------------------

native = pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK) or os.geteuid() != 0,
                            reason="needs /dev/kvm and root")


@pytest.mark.parametrize("journal", [True, False])
def test_priorities_for_the_journal(journal, tmp_path):
    """Lines have priorities on the stream that JOURNAL_STREAM names, and on no other."""
    with open(tmp_path / "stream", "w+") as err:
        st = os.fstat(err.fileno())
        stream = f"{st.st_dev}:{st.st_ino + (not journal)}"
        subprocess.run([KVMW, "report", "-i", tmp_path / "none"], stderr=err, timeout=30,
                       env=os.environ | {"JOURNAL_STREAM": stream})
    assert (tmp_path / "stream").read_text().startswith("<3>kvmw: cannot open" if journal else "kvmw: cannot open")


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(60)
        self.socket.bind(str(path) if not isinstance(path, bytes) else path)

    def told(self):
        return self.socket.recv(4096).decode()


@native
@pytest.mark.lab
@pytest.mark.parametrize("abstract", [False, True])
def test_ready_and_stopping(abstract, tmp_path):
    name = f"kvmw-test-{os.getpid()}"
    manager = Manager(f"\0{name}".encode() if abstract else tmp_path / "notify")
    recorder = subprocess.Popen([KVMW, "record", "-a", "--keep", "2s,16M"], cwd=tmp_path, stderr=subprocess.PIPE,
                                env=os.environ | {"NOTIFY_SOCKET": f"@{name}" if abstract else str(tmp_path / "notify")})
    try:
        assert manager.told() == "READY=1"
        recorder.send_signal(signal.SIGTERM)
        assert manager.told() == "STOPPING=1"
        assert recorder.wait(timeout=60) == 0, recorder.stderr.read()
    finally:
        recorder.kill()
        recorder.wait()


@native
@needs("strace")
@needs("systemd-analyze")
@needs("setpriv")
@pytest.mark.lab
def test_it_records_as_the_unit_lets_it(tmp_path):
    """With the unit's capabilities a window is kept and a snapshot made, using only system calls in
    the filter."""
    manager = Manager(tmp_path / "notify")
    bounds = re.search(r"^CapabilityBoundingSet=(.*)", UNIT.read_text(), re.M)[1].lower().replace("cap_", "+").split()
    recorder = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", tmp_path / "calls", "setpriv", "--no-new-privs", "--bounding-set=-all," + ",".join(bounds),
         KVMW, "record", "-a", "--keep", "2s,16M", "--max-snapshots", "1"],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")})
    try:
        assert manager.told() == "READY=1"
        pid = next(int(line.split()[0]) for line in (tmp_path / "calls").read_text().splitlines() if "sendto(" in line)
        with endless.endless_guest():
            os.kill(pid, signal.SIGUSR2)
            deadline = time.monotonic() + 60
            while not list(tmp_path.glob("kvmw-*.data")):
                assert time.monotonic() < deadline
                time.sleep(0.1)
        os.kill(pid, signal.SIGTERM)
        assert manager.told() == "STOPPING=1"
        assert recorder.wait(timeout=60) == 0
    finally:
        recorder.kill()
        recorder.wait()
    calls = set(re.findall(r"^\d+ +(\w+)\(", (tmp_path / "calls").read_text(), re.M))
    assert calls - systemcalls() == set()
    snapshot, = tmp_path.glob("kvmw-*.data")
    assert subprocess.run([KVMW, "info", "-i", snapshot], capture_output=True, timeout=60).returncode == 0


# ---- under systemd --------------------------------------------------------------------

@lab_fixtures.in_boots("systemd")
def test_systemd_runs_it(boot):
    """Started, the unit is ready when systemctl returns; stopped, it leaves no failed state."""
    print(f"booted after {boot.path('booted').read_text().strip()} s")
    for name in "unit-enabled", "unit-active", "unit-status", "unit-stopped":
        assert boot.step(name).status == 0, boot.step(name).err
    assert boot.step("unit-active").out == "active\n"
    status = boot.step("unit-status").out
    assert "kvmw-recorder.service - Flight recorder" in status and "enabled" in status and "Active: active (running)" in status
    assert set(boot.path("unit.show").read_text().splitlines()) == {"ActiveState=inactive", "Result=success",
                                                                   "ExecMainStatus=0", "NRestarts=0"}
    assert boot.path("unit.system").read_text() == "running\n"


@lab_fixtures.in_boots("systemd")
def test_a_snapshot_under_systemd(boot):
    """A snapshot of a guest is readable only by root, in the unit's folder, and has everything that
    it did."""
    asked = boot.step("unit-snapshot")
    assert asked.status == 0, asked.err
    modes = dict(reversed(line.split(maxsplit=1)) for line in boot.path("unit.files").read_text().splitlines())
    path, = modes.keys() - {"/var/lib/kvmw"}
    assert modes == {"/var/lib/kvmw": "700", path: "600"} and re.fullmatch(r"/var/lib/kvmw/kvmw-kvmw-[\d-]+\.\d+\.data", path)
    rep = lab_fixtures.report(boot.path("unit.data"))
    assert boot.step("unit-guest").status == 0 and lab_fixtures.counts(rep)["cpuid"] == 20 * 50


@lab_fixtures.in_boots("systemd")
def test_the_journal_of_the_unit(boot):
    lines = [json.loads(line) for line in boot.path("unit.journal").read_text().splitlines()]
    said = [line for line in lines if line.get("SYSLOG_IDENTIFIER") == "kvmw"]
    assert any("keeps the last" in line["MESSAGE"] for line in said), said
    # No line has the priority of a warning or above.
    assert [line["MESSAGE"] for line in lines if int(line["PRIORITY"]) < 5] == []
