# SPDX-License-Identifier: GPL-2.0
"""kvmw record --keep: snapshots of a window, on this machine's KVM."""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys

import pytest

import lab_fixtures
from lab_fixtures import in_boots
from synthetic import KVMW, kvmw, one_line
from test_record_here import running_guest

CLONE_NEWNET = 0x40000000
here = pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK) or os.geteuid() != 0, reason="needs /dev/kvm and root")


@pytest.fixture
def alone():
    """Hides other recorders on this machine: their addresses are per network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as network:
        if libc.unshare(CLONE_NEWNET):
            pytest.skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        yield
        assert libc.setns(network.fileno(), CLONE_NEWNET) == 0


class Recorder:
    """A running kvmw record --keep; its lines are read as they come."""
    def __init__(self, where, *args, env=None):
        self.snapshots = 0
        self.process = subprocess.Popen([KVMW, "record", *map(str, args)], stderr=subprocess.PIPE, text=True, cwd=where,
                                        stdout=subprocess.DEVNULL, env=os.environ | (env or {}))

    def __enter__(self):
        first = self.line()
        assert first.endswith(f"; kvmw snapshot, or kill -USR2 {self.process.pid}, writes it to a file ]"), first
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stderr.close()
        self.process.wait()

    def tell(self, sig=signal.SIGUSR2):
        self.process.send_signal(sig)

    def line(self):
        return self.process.stderr.readline().strip()

    def snapshot(self):
        """Requests a snapshot and waits until it is written; returns its line and its path."""
        self.tell()
        return self.written()

    def snapshot_of_events(self):
        """The first snapshot that has events."""
        while True:
            line, path = self.snapshot()
            if not re.search(r": 0 events of", line):
                return path

    def written(self):
        line = self.line()
        found = re.search(r" MB (\S+), \d+ lost \]", line)
        assert found, line
        self.snapshots += 1
        return line, found[1]

    def end(self, status=0, sig=signal.SIGINT):
        self.tell(sig)
        errors = self.process.stderr.read()
        assert self.process.wait() == status, errors
        return errors


@contextlib.contextmanager
def small_disk(where, size):
    """A folder with limited space, and a function that makes it larger."""
    folder = where / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield folder, lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", "none", folder], check=True)
    finally:
        subprocess.run(["umount", folder], check=True)


def report(path, *args):
    done = kvmw("report", "-i", path, "--json", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows_of(path):
    done = kvmw("script", "-i", path, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.lab
@here
def test_snapshots(tmp_path):
    """Two snapshots of a running recorder are whole recordings; each counts what it has, and
    nothing else."""
    with running_guest() as pid, Recorder(tmp_path, "--keep", "2s,16M", "-e", "userspace", "-p", pid) as rec:
        paths = [tmp_path / rec.snapshot_of_events() for _ in range(2)]
        written = rec.snapshots
        errors = rec.end()
    assert re.search(r"\[ kvmw record: %d snapshots; \d+ events of 1 vCPU passed by, 0 lost" % written, errors), errors
    assert len(list(tmp_path.iterdir())) == written
    for path in paths:
        assert re.fullmatch(r"kvmw-kvmw-\d{8}-\d{6}\.\d{3}\.data", path.name)
        assert path.stat().st_mode & 0o777 == 0o600
        rep = report(path)
        rows = rows_of(path)
        about = rep["recording"]
        assert about["complete"] and about["finished"] and about["stopped"] == "snapshot"
        assert about["trigger"] == "SIGUSR2"
        assert 0 <= about["trigger_ns"] - about["start_ns"] <= about["duration_ns"]
        assert rows and rep["total"]["count"] == rep["total"]["recorded"] == len(rows)
        assert rep["total"]["exact"] and rep["total"]["lost"] == 0
        assert about["command"][:4] == ["kvmw", "record", "--keep", "2s,16M"]
        info = kvmw("info", "-i", path)
        assert info.returncode == 0 and "the end of the recording is missing" not in info.stdout


@pytest.mark.lab
@here
def test_rounded(tmp_path):
    """A snapshot states the resolution of its durations; its totals are exact."""
    with running_guest() as pid, \
         Recorder(tmp_path, "--keep", "2s,16M", "--resolution", "1us", "-e", "userspace", "-p", pid) as rec:
        path = tmp_path / rec.snapshot_of_events()
        rec.end()
    rep, rows = report(path), rows_of(path)
    assert rep["recording"]["resolution"] == "1us"
    assert rep["total"]["exact"] and rep["total"]["count"] == len(rows)
    done = [row["user_ns"] for row in rows if row["user_ns"] is not None]
    assert done and all(ns % 1000 == 0 for ns in done)


@pytest.mark.lab
@here
def test_names_and_commands(tmp_path):
    """-o names the files, --exec gets their names, and at most --max-snapshots are made."""
    with running_guest() as pid, \
         Recorder(tmp_path, "--keep", "2s,16M", "-e", "userspace", "-p", pid, "-o", "sub.kvmw", "--max-snapshots", 1,
                  "--exec", 'ls /proc/self/fd | wc -l >fds; readlink /proc/self/fd/0 >stdin; mv "$1" done') as rec:
        rec.tell()
        while not (tmp_path / "done").exists():
            assert rec.process.poll() is None
        rec.tell()
        assert "this was snapshot 1 of the 1 that --max-snapshots allows" in rec.end()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["done", "fds", "stdin"]
    assert (tmp_path / "stdin").read_text() == "/dev/null\n"
    assert kvmw("info", "-i", tmp_path / "done").returncode == 0
    # Its own three descriptors, and the folder's.
    assert int((tmp_path / "fds").read_text()) <= 4


@pytest.mark.lab
@here
@pytest.mark.parametrize("size", ["4k", "8k"])
def test_full_disk(tmp_path, size):
    """A full disk is reported; a snapshot with some events keeps what fitted, and the next one is
    made."""
    with small_disk(tmp_path, size) as (folder, grow), running_guest() as pid, \
         Recorder(folder, "--keep", "2s,16M", "-e", "userspace", "-p", pid) as rec:
        rec.tell()
        line = rec.line()
        path, fitted = re.fullmatch(r"kvmw: (\S+): cannot write: No space left on device(; the \d+ bytes before are a "
                                    r"readable recording)?", line).groups()
        # The description of the host precedes the rows, and its size varies.
        if fitted:
            begun = kvmw("info", "-i", folder / path)
            assert begun.stdout and begun.stderr.endswith("the recorder did not finish; all complete frames were used\n")
        grow("64m")
        assert report(folder / rec.snapshot()[1])["recording"]["complete"]
        assert (folder / path).exists() == bool(fitted)
        rec.end(status=1)


@pytest.mark.lab
@here
def test_end_during_one(tmp_path):
    """After SIGUSR2, another one and SIGTERM at once, the requested snapshots are complete."""
    with running_guest() as pid, Recorder(tmp_path, "--keep", "2s,16M", "-e", "userspace", "-p", pid) as rec:
        rec.tell()
        rec.tell()
        rec.end(sig=signal.SIGTERM)
    paths = list(tmp_path.iterdir())
    assert paths
    for path in paths:
        assert report(path)["recording"]["complete"]


@pytest.mark.lab
@here
def test_snapshot_command(alone, tmp_path):
    """kvmw snapshot finds the recorder by its own process id, or the VM's; only root may ask root's
    recorder."""
    with running_guest() as pid, Recorder(tmp_path, "--keep", "2s,16M", "-e", "userspace", "-p", pid) as rec:
        for what in (), (rec.process.pid,), (pid,):
            done = kvmw("snapshot", "--wait", *what)
            assert done.returncode == 0 and not done.stderr, done.stderr
            path = pathlib.Path(done.stdout.strip())
            assert path.parent == tmp_path
            assert report(path)["recording"]["trigger"] == "kvmw snapshot"
            assert rec.written()[1] == path.name
        assert kvmw("snapshot", pid).stdout == ""
        rec.written()
        one_line(kvmw("snapshot", os.getpid()), 1, f"no kvmw record --keep that you may ask is recording {os.getpid()}")
        other = subprocess.run([KVMW, "snapshot"], capture_output=True, text=True, check=False, user=65534)
        one_line(other, 1, f"kvmw record (pid {rec.process.pid}) does not answer: only root or the recorder's user may ask it")
        rec.end()
    one_line(kvmw("snapshot"), 1, "no kvmw record --keep is running")


class Client:
    """Talks to a recorder as kvmw snapshot does: a request for this VM, and whether to wait."""
    DONE, NOT_MINE, NO_MORE = 0, 2, 4

    def __init__(self, recorder, vm=0, wait=True):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(f"\0kvmw-keep/{recorder}")
        self.socket.send(struct.pack("=II", vm, wait))

    def answer(self):
        with self.socket:
            result, path = struct.unpack("=I4096s", self.socket.recv(8192))
        return result, path.rstrip(b"\0").decode()


@pytest.mark.lab
@here
@pytest.mark.parametrize("most", [1, 2])
def test_each_client_is_answered(alone, tmp_path, most):
    """At its end the recorder makes all requested snapshots and tells each client its file;
    requests beyond --max-snapshots are refused at once."""
    with running_guest() as pid, \
         Recorder(tmp_path, "--keep", "2h,16M", "-e", "userspace", "-p", pid, "--after", "1h", "--max-snapshots", most) as rec:
        clients = [Client(rec.process.pid) for _ in range(2)]
        # Clients are served in order.
        assert Client(rec.process.pid, vm=os.getpid()).answer() == (Client.NOT_MINE, "")
        if most == 1:
            assert clients.pop().answer() == (Client.NO_MORE, "")
            one_line(kvmw("snapshot"), 1, f"kvmw record (pid {rec.process.pid}) makes no more snapshots")
        rec.end()
        answers = [client.answer() for client in clients]
    assert [result for result, _ in answers] == [Client.DONE] * most
    assert sorted(path for _, path in answers) == sorted(map(str, tmp_path.iterdir()))


@pytest.mark.lab
@here
def test_gone_is_gone(tmp_path):
    """The end of a command is no trigger for a VM that it did not start; the end of a VM that it
    started is."""
    # Nor does output that it does not write interfere.
    (tmp_path / "kvmw.data").mkdir()
    args = ["--keep", "2s,16M", "-e", "userspace", "--trigger", "gone"]
    with running_guest() as pid:
        done = kvmw("record", *args, "-p", pid, "--", "true", cwd=tmp_path)
        assert done.returncode == 0 and " 0 snapshots" in done.stderr, done.stderr
    done = kvmw("record", *args, "--", KVMW, "bench", "guest", "--rounds", "10", "--pio", "1", cwd=tmp_path)
    assert done.returncode == 0 and " 1 snapshot;" in done.stderr, done.stderr
    assert re.search(r"record: gone: (vCPU 0 of )?kvmw \(pid \d+\): ", done.stderr), done.stderr
    assert list(tmp_path.glob("kvmw-kvmw-2*.data")), "named after the VM that is gone"
    done = kvmw("record", *args, "--", "true", cwd=tmp_path)
    assert done.returncode == 0 and " 0 snapshots" in done.stderr, done.stderr


def trigger_of(folder, line):
    found = re.search(r"record: (.*): \d+ events of .* MB (\S+),", line)
    path = folder / found[2]
    assert report(path)["recording"]["trigger"] == found[1]
    return found[1]


@pytest.mark.lab
@here
@pytest.mark.parametrize("when", ["reason==KVM_EXIT_IO", "rate(KVM_EXIT_IO)>1", "rate(reason==KVM_EXIT_IO && run>0)>0"])
def test_row_triggers(tmp_path, when):
    """A row or a rate that matches makes a snapshot, one that does not makes none; --cooldown
    prevents a second."""
    with running_guest() as pid, \
         Recorder(tmp_path, "--keep", "2s,16M", "-e", "userspace", "-p", pid, "--trigger", "reason==KVM_EXIT_HLT", "--trigger",
                  when, "--trigger", "rate(KVM_EXIT_IO)>1000000000", "--cooldown", "1h") as rec:
        assert trigger_of(tmp_path, rec.written()[0]).startswith(when)
        assert "SIGUSR2" in rec.snapshot()[0]
        rec.end()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.lab
@here
def test_vm_triggers(tmp_path):
    """Triggers: a VMM that stands still, then dies; and lost events."""
    with running_guest() as pid, \
         Recorder(tmp_path, "--keep", "2s,16M", "-m", "4K", "-e", "userspace", "-p", pid, "--trigger", "stuck>400ms",
                  "--trigger", "gone", "--trigger", "lost", "--cooldown", "0") as rec:
        os.kill(pid, signal.SIGSTOP)
        line = rec.written()[0]
        while "stuck" not in line:
            line = rec.written()[0]
        assert re.match(rf"stuck>400ms: vCPU 0 of pid {pid}, (in the VMM|since its last exit) for", trigger_of(tmp_path, line))
        os.kill(pid, signal.SIGCONT)
        os.kill(rec.process.pid, signal.SIGSTOP)
        began = cpu_ticks(pid)
        while cpu_ticks(pid) < began + 30:
            assert rec.process.poll() is None
        os.kill(rec.process.pid, signal.SIGCONT)
        while "lost" not in trigger_of(tmp_path, line):
            line = rec.written()[0]
        assert re.fullmatch(r"lost: \d+ records", trigger_of(tmp_path, line))
        os.kill(pid, signal.SIGKILL)
        while not trigger_of(tmp_path, line).startswith("gone"):
            line, path = rec.written()
        assert re.fullmatch(rf"gone: (vCPU 0 of )?kvmw \(pid {pid}\)", trigger_of(tmp_path, line))
        assert path.startswith("kvmw-kvmw-")
        assert rec.process.wait() == 0


def cpu_ticks(pid):
    """The CPU time of a process so far."""
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


class Kept:
    """The only snapshot in a step of keep.sh."""
    def __init__(self, boot, name):
        step = boot.step(name)
        assert step.status == 0, step.err
        found = sorted(boot.path(name).parent.glob(f"{name}.2*"))
        assert len(found) == 1, step.err
        self.did = json.loads(step.out)
        self.path = found[0]
        self.report = lab_fixtures.report(self.path)
        self.rows = lab_fixtures.rows(self.path)
        self.total = self.report["total"]
        assert self.report["recording"]["complete"] and self.total["exact"]


@in_boots("behave")
@pytest.mark.parametrize("name", ["all", "lost", "sample", "both"])
def test_exact(boot, name):
    """With rows lost or filtered, a snapshot still counts what the guest did, and the exits that
    perf counted."""
    kept = Kept(boot, f"keep-{name}")
    assert kept.report["recording"]["trigger"].startswith("gone: ")
    for reason, number in kept.did["exits"]["svm"].items():
        assert lab_fixtures.counts(kept.report)[reason] == number
    perf = int(re.search(r"^(\d+),,kvm:kvm_exit", boot.path(f"keep-{name}.perf").read_text(), re.M)[1])
    assert kept.total["count"] == perf
    sums = [row for row in lab_fixtures.rows(kept.path, "total") if row.event == 1]
    left_out = sum(row.left_out for row in sums)
    assert bool(left_out) == (name in ("sample", "both"))
    # The last cycle has no end; with --sample it has no record.
    assert kept.total["count"] - len(kept.rows) - kept.total["lost"] - left_out in ((0, 1) if left_out else (0,))
    assert kept.total["unfinished"] <= 1
    if name == "lost":
        assert kept.total["lost"]
    lost = sum(row.count for row in lab_fixtures.rows(kept.path, "loss") if row.event == 1)
    assert lost == kept.total["lost"]
    if name == "all":
        assert kept.total["time_ns"] == sum(row.total_ns for row in kept.rows if row.total_ns != lab_fixtures.NONE)


@in_boots("behave")
def test_series_is_exact(boot):
    """
    A new file begins while the guest exits as fast as it can: a row that waits for its batch is in
    this file or in the next one. Together they have each exit once, and count what the guest did.
    """
    step = boot.step("keep-series")
    assert step.status == 0, step.err
    paths = sorted(boot.path("keep-series").parent.glob("keep-series.2*"))
    reports = [lab_fixtures.report(path) for path in paths if lab_fixtures.rows(path)]
    assert len(reports) >= 2 and all(rep["total"]["exact"] for rep in reports)
    rows = [row for path in paths for row in lab_fixtures.rows(path)]
    assert len({row.time_ns for row in rows}) == len(rows) == sum(rep["total"]["count"] for rep in reports)
    perf = int(re.search(r"^(\d+),,kvm:kvm_exit", boot.path("keep-series.perf").read_text(), re.M)[1])
    assert len(rows) == perf
    for reason, number in json.loads(step.out)["exits"]["svm"].items():
        assert sum(lab_fixtures.counts(rep).get(reason, 0) for rep in reports) == number


@in_boots("behave")
def test_quiet(boot):
    assert "0 snapshots" in boot.step("keep-quiet").err
    assert not list(boot.path("keep-quiet").parent.glob("keep-quiet.2*"))


@in_boots("behave")
def test_fault(boot):
    """A fault beside a busy guest: the snapshot has everything that led up to it, without a
    hole."""
    assert boot.step("keep-fault").status == 0, boot.step("keep-fault").err
    first, second = sorted(boot.path("keep-fault").parent.glob("keep-fault.2*"))
    about = lab_fixtures.report(first)["recording"]
    assert about["trigger"] == "reason==shutdown"
    assert boot.step("keep-command").out.strip().endswith(second.name)
    rows = lab_fixtures.rows(first)
    fault = [row for row in rows if row.reason == 0x7f]     # SVM_EXIT_SHUTDOWN
    assert len(fault) == 1
    mine = [row for row in rows if row.vcpu == fault[0].vcpu]
    assert mine[-1] == fault[0]
    assert sum(row.reason == lab_fixtures.REASONS["svm"]["cpuid"] for row in mine) == 80
    other = [row for row in rows if row.vcpu != fault[0].vcpu]
    assert len(other) > 100
    for before, after in zip(other, other[1:]):
        assert before.time_ns + before.total_ns + after.guest_ns == after.time_ns


@pytest.mark.parametrize("args, error", [
    (["--keep", "0"], "--keep '0': must be a time of at least 1s"),
    (["--keep", "10s,1M"], "--keep '10s,1M': what follows the comma must be a size of 16M to 64G"),
    (["--keep", "10s", "--trigger", "rate(io)"], "--trigger 'rate(io)': must be rate(EXPR)>N"),
    (["--keep", "10s", "--trigger", "stuck>soon"], "--trigger 'stuck>soon': must be stuck>TIME"),
    (["--keep", "10s", "--trigger", "stuck>2s", "--trigger", "stuck>1s"], "--trigger 'stuck>1s': 'stuck>2s' is given already"),
    (["--keep", "10s", "-o", "x" * 4080], "-o: a path of 4080 bytes is too long"),
    (["--keep", "10s", "--trigger", "total>"], "--trigger 'total>', column 7: expected a number"),
    (["--trigger", "gone"], "--trigger needs --keep"),
    (["--after", "1s"], "--after needs --keep"),
    (["--keep", "10s", "-o", "-"], "-o - and --keep exclude each other"),
    (["--keep", "10s", "-o", "/dev/null"], "-o /dev/null: it is not a regular file; --keep makes files, named FILE.20"),
    (["--keep", "10s", "-o", "/tmp"], "-o /tmp: it is a directory; --keep makes files, named FILE.20"),
    (["--keep", "10s", "--after", "10s"], "--after must be shorter than the TIME of --keep"),
    (["--keep", "10s", "--cooldown", "10s"], "--cooldown needs --trigger"),
    (["--keep", "10s", "--trigger", "gon"], "--trigger 'gon': must be stuck>TIME, gone, lost, rate(EXPR)>N, or an expression"),
    (["--keep", "10s", "--trigger", "stuck>=2s"], "--trigger 'stuck>=2s': must be stuck>TIME, gone"),
    (["--keep", "10s", "--trigger", "depth>2"], "--trigger 'depth>2', column 1: exits have no field 'depth'"),
    (["--keep", "10s", "--trigger", "rate(reason==nothing)>2"], "--trigger 'rate(reason==nothing)>2', column 9: reason is never 'nothing'"),
    (["--keep", "10s", "--max-snapshots", "0"], "--max-snapshots '0': must be a positive number"),
    (["--keep", "10s", "--cooldown", "soon"], "--cooldown 'soon': must be a time"),
])
def test_wrong_keep_options(args, error):
    done = kvmw("record", "-a", *args)
    one_line(done, 2, error)


def test_folder(tmp_path):
    """If no file can be made, kvmw says so at once."""
    done = kvmw("record", "-a", "--keep", "10s", "-d", "0.01", "-o", tmp_path / "none" / "x")
    # If nothing can be recorded, that is reported first.
    assert done.returncode == 1
    if os.geteuid() == 0 and os.path.exists("/dev/kvm"):
        one_line(done, 1, f"no snapshot could be written to {tmp_path}/none: No such file or directory; choose another folder with -o")


# Listens under a recorder's name.  "open": hangs up on every client; "full": accepts none.
LISTEN = """import os, socket, sys
os.setuid(int(sys.argv[1]))
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(f"\\0kvmw-keep/{os.getpid()}")
s.listen(9 if sys.argv[2] == "open" else 0)
if sys.argv[2] == "full":
    one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.connect(s.getsockname())
print("ready", flush=True)
while sys.argv[2] == "open":
    s.accept()
sys.stdin.read()
"""


@contextlib.contextmanager
def listening(how, user=os.geteuid()):
    """A process that pretends to be a recorder."""
    with subprocess.Popen([sys.executable, "-c", LISTEN, str(user), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process.pid
        finally:
            process.kill()


root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be other users")


def test_recorder_that_hangs_up():
    """A recorder that ends during the request is reported."""
    with listening("open") as pid:
        one_line(kvmw("snapshot", pid), 1, f"kvmw record (pid {pid}) does not answer: it ended, or is too busy")


@root
def test_recorder_of_root():
    with listening("open") as pid:
        one_line(kvmw("snapshot", pid, user=65534), 1,
                 f"kvmw record (pid {pid}) does not answer: only root or the recorder's user may ask it")


@root
@pytest.mark.parametrize("how", ["open", "full"])
def test_stranger(how):
    """A process that only pretends to be a recorder neither hides the real one nor makes clients
    wait."""
    with listening(how, user=65534) as stranger, listening("open") as pid:
        one_line(kvmw("snapshot", stranger), 1, f"no kvmw record --keep that you may ask is recording {stranger}")
        one_line(kvmw("snapshot", pid), 1, f"(pid {pid}) does not answer")
        errors = kvmw("snapshot").stderr
        assert str(pid) in errors and str(stranger) not in errors
