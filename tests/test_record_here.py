# SPDX-License-Identifier: GPL-2.0
"""kvmw record and list on this machine's KVM, whether or not that shows VM exits."""
import contextlib
import fcntl
import json
import os
import re
import signal
import stat
import struct
import subprocess
import sys
import termios

import pytest

import endless
from synthetic import KVMW, kvmw, one_line
from test_record_options import SILENT

pytestmark = [pytest.mark.lab,
              pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK) or os.geteuid() != 0,
                                 reason="needs /dev/kvm and root")]

# KVM_CREATE_VM, KVM_CREATE_VCPU: a VM that does nothing until it is killed.
VM = """import fcntl, os, sys
kvm = os.open("/dev/kvm", os.O_RDWR)
vm = fcntl.ioctl(kvm, 0xae01, 0)
vcpu = fcntl.ioctl(vm, 0xae41, 0)
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def running(*args):
    """A process with a VM, and with these arguments, like a VMM."""
    vm = subprocess.Popen([sys.executable, "-c", VM, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True)
    try:
        assert vm.stdout.readline() == "ready\n"
        yield vm.pid
    finally:
        vm.kill()
        vm.wait()


@contextlib.contextmanager
def running_guest(*args):
    """A guest that returns to its VMM all the time, and has done so at least once."""
    with endless.endless_guest("--pio", "1", *args) as guest:
        while kvmw("record", "-q", "-e", "userspace", "-o", "/dev/null", "-p", guest.pid, "-d", "0.01").returncode:
            assert guest.poll() is None
        yield guest.pid


def record(*args, status=0, env=()):
    done = kvmw("record", *args, env=env)
    assert done.returncode == status, done.stderr
    return done


def pids(path):
    return json.loads(kvmw("info", path, "--json").stdout)["filters"]["pids"]


# ---- --vm --------------------------------------------------------------------

UUID = "6b0c2a5e-1f6e-4b61-8f4e-0d1d5f9b3c11"


def test_vm_by_name(tmp_path):
    path = tmp_path / "f"
    with running("-name", "guest=alpha,debug-threads=on", "-uuid", UUID) as alpha, \
            running("--id", "beta") as beta:
        for name, pid in ("alpha", alpha), (UUID, alpha), (UUID.upper(), alpha), (str(beta), beta), \
                ("beta", beta):
            record("-q", "-o", path, "--vm", name, "--", "true")
            assert pids(path) == [pid], name
        record("-q", "-o", path, "--vm", "alpha", "--vm", "beta", "-p", beta, "--", "true")
        assert pids(path) == [beta, alpha]
        record("-q", "-o", path, "-p", f"{beta},{alpha}", "--", "true")
        assert f"{beta},{alpha}" in json.loads(kvmw("info", path, "--json").stdout)["command"]
        listed = {vm["pid"]: vm for vm in json.loads(kvmw("list", "--json").stdout)["vms"]}
        assert (listed[alpha]["name"], listed[alpha]["uuid"]) == ("alpha", UUID)
        assert (listed[beta]["name"], listed[beta]["uuid"]) == ("beta", None)
        assert "alpha" in kvmw("--complete", "record", "--vm", "al").stdout


def test_vm_by_no_name(tmp_path):
    """--vm with an unknown name records nothing; the error lists the VMs that may be meant."""
    path = tmp_path / "f"
    with running("-name", "alpha") as one, running("-name", "alpha") as two, running("-name", "gamma"):
        vmm = os.path.basename(os.readlink(f"/proc/{one}/exe"))
        one_line(record("-o", path, "--vm", "alpha", "--", "true", status=1), 1, "2 VMs have this name",
                 f"{one} alpha ({vmm})", f"{two} alpha ({vmm})", "-p PID")
        one_line(record("-o", path, "--vm", "gama", "--", "true", status=1), 1, "no running VM has this name",
                 "did you mean gamma?", f"{two} alpha")
        one_line(record("-o", path, "--vm", vmm, "--", "true", status=1), 1, f"'{vmm}': ", "VMs have this name")
        one_line(record("-o", path, "--vm", "4000000", "--", "true", status=1), 1, "no running VM")
    assert not path.exists()


def test_vm_and_other_options(tmp_path):
    one_line(record("--vm", "x", "-a", status=2), 2, "--vm and -a exclude each other")
    one_line(record("--vm", "", status=2), 2, "no name given")
    one_line(record("-p", "alpha", status=2), 2, "must be a process id; --vm alpha")
    one_line(record("-p", "", status=2), 2, "-p: no process id given")
    for pids in ",", "1,", "1,,2":
        one_line(record("-p", pids, status=2), 2, "-p: a process id is missing beside a comma")
    for size in "0", "1", "4095", "2G":
        one_line(record("-m", size, status=2), 2, f"-m '{size}': must be a size of 4K to 1G")


# ---- the owner of the file ---------------------------------------------------

def owner(path):
    about = os.stat(path)
    return about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)


def sudo(uid, gid):
    return {"SUDO_UID": str(uid), "SUDO_GID": str(gid)}


@pytest.fixture
def users(tmp_path):
    """A directory of user 1234, for whom sudo runs a command."""
    os.chmod(tmp_path.parent, 0o755)
    os.chmod(tmp_path, 0o755)
    directory = tmp_path / "home"
    directory.mkdir()
    os.chown(directory, 1234, 2345)
    return directory


def test_under_sudo(users):
    """Under sudo the recording belongs to the invoking user, and so does the next one; only he can
    read them."""
    path = users / "kvmw.data"
    for _ in range(2):
        record("-q", "-o", path, "--", "true", env=sudo(1234, 2345))
        assert owner(path) == (1234, 2345, 0o600)
    assert owner(users / "kvmw.data.old") == (1234, 2345, 0o600)
    record("-q", "-o", users / "roots", "--", "true")
    assert owner(users / "roots") == (0, 0, 0o600)


@pytest.mark.parametrize("uid, gid", [
    ("1234x", 2345), (1234, "-1"), (0, 0), (2 ** 32 - 1, 2345), (2 ** 32 + 1234, 2345)])
def test_numbers_that_are_none(users, uid, gid):
    record("-q", "-o", users / "f", "--", "true", env=sudo(uid, gid))
    assert owner(users / "f") == (0, 0, 0o600)


def test_only_what_he_could_have_made(users, tmp_path):
    """The file is given away only where that user could create it; else sudo kvmw could make files
    anywhere."""
    record("-q", "-o", tmp_path / "f", "--", "true", env=sudo(1234, 2345))
    assert owner(tmp_path / "f") == (0, 0, 0o600)
    # By means of his group.
    os.chown(users, 0, 2345)
    os.chmod(users, 0o775)
    record("-q", "-o", users / "f", "--", "true", env=sudo(1234, 2345))
    assert owner(users / "f") == (1234, 2345, 0o600)


def test_only_root_gives_away(users, tmp_path):
    """SUDO_* variables from a user other than root are ignored, as kvmw may have capabilities."""
    done = subprocess.run([KVMW, "record", "-q", "-o", users / "f", "--", "true"], user=1234, group=2345,
                          extra_groups=[], env={"PATH": os.environ["PATH"], **sudo(3456, 4567)},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 or owner(users / "f") == (1234, 2345, 0o600)


# ---- the vCPU's number -------------------------------------------------------

@pytest.mark.parametrize("pios", [0, 50])
def test_short_runs_know_their_vcpu(tmp_path, pios):
    """Even in a short run --vcpu 0 finds the vCPU, when reading and when recording."""
    path = tmp_path / "f"
    guest = [KVMW, "bench", "guest", "--json", "--vcpus", "2", "--cpuid", "1", "--pio", str(pios)]
    record("-q", "-o", path, "-e", "userspace", "--", *guest)
    about = json.loads(kvmw("info", path, "--json").stdout)
    assert sorted(vcpu["vcpu"] for vcpu in about["vcpus"]) == [0, 1]
    counts = {}
    for number in 0, 1:
        done = kvmw("report", path, "--vcpu", number, "-s", "vcpu", "--json")
        row, = json.loads(done.stdout)["rows"]
        assert row["vcpu"] == number
        counts[number] = row["count"]
    assert counts[0] >= pios and counts[1] >= pios
    record("-q", "-o", path, "-e", "userspace", "--vcpu", "1", "--", *guest)
    row, = json.loads(kvmw("report", path, "-s", "vcpu", "--json").stdout)["rows"]
    assert (row["vcpu"], row["count"]) == (1, counts[1])


# ---- a host that does not show exits -----------------------------------------

@pytest.mark.skipif(not SILENT, reason="this host shows its VM exits")
def test_exits_that_cannot_be_seen(tmp_path):
    """record says so, the recording keeps it, and report says it if asked for exits."""
    path = tmp_path / "f"
    done = record("-o", path, "--", KVMW, "bench", "guest", "--json", "--pio", "50")
    said = done.stderr.splitlines()
    assert said[0] == ("kvmw: warning: this host shows no VM exits (neither kvm_intel nor kvm_amd): "
                       "recording returns to the VMM instead")
    about = json.loads(kvmw("info", path, "--json").stdout)
    assert about["events"] == ["userspace"] and list(about["skipped"]) == ["exit"]
    assert about["skipped"]["exit"] in said[0] and about["skipped"]["exit"] in about["notes"]
    assert re.search(r"^skipped     exit: this host shows no VM exits", kvmw("info", path).stdout, re.M)
    one_line(kvmw("report", path, "-e", "exit", "--csv"), 1, "exits were not recorded: this host shows no VM exits",
             "the recording holds: userspace ")
    assert kvmw("report", path).returncode == 0
    done = record("-o", path, "-e", "all", "--", "true")
    assert "warning: skipping event exit: this host shows no VM exits" in done.stderr
    assert "returns to the VMM" not in done.stderr
    one_line(record("-o", path, "--reason", "io", "--", "true", status=1), 1,
             "--reason only filters event exit, and this host shows no VM exits")


@pytest.mark.skipif(not SILENT, reason="this host shows its VM exits")
@pytest.mark.parametrize("args", [["-e", "sched"], ["-e", "scheduling"], ["--stack", "vmm"]], ids=" ".join)
def test_vms_are_found_without_exits(tmp_path, args):
    """Events that do not identify VMs need one that does, unless -p names the process."""
    path = tmp_path / "f"
    with running_guest() as pid:
        done = record("-o", path, "-a", *args, "-d", "0.3")
        one_line_of, = [line for line in done.stderr.splitlines() if "warning" in line]
        assert "this host shows no VM exits" in one_line_of
        assert one_line_of.endswith("recording event userspace as well, to find the VMs")
        about = json.loads(kvmw("info", path, "--json").stdout)
        assert "userspace" in about["events"] and pid in [vm["pid"] for vm in about["vms"]]
        record("-q", "-o", path, "-p", pid, "-e", "sched", "-d", "0.3")
        assert json.loads(kvmw("info", path, "--json").stdout)["events"] == ["sched"]


@pytest.mark.skipif(not SILENT, reason="this host shows its VM exits")
def test_stacks_of_exits_that_cannot_be_seen(tmp_path):
    done = record("-o", tmp_path / "f", "-a", "--stack", "exit,vmm", status=1)
    one_line(done, 1, "--stack exit: this host shows no VM exits", "--stack userspace")


# ---- the last line -----------------------------------------------------------

def test_last_cycle_of_a_vm_that_is_gone(tmp_path):
    """The last cycle of a VM that is gone never ends, which is no error; that of a running VM is
    unfinished."""
    path = tmp_path / "f"
    done = record("-e", "userspace", "-o", path, "--", KVMW, "bench", "guest", "--vcpus", "2", "--pio", "50")
    assert re.search(r"\d\d+ events \(0 unfinished\) of 2 vCPUs", done.stderr)
    with running_guest() as guest:
        # A signal makes KVM_RUN return to the VMM.
        done = record("-e", "userspace", "-o", path, "-p", str(guest), "--", "sh", "-c",
                      f"sleep 0.5; kill -STOP {guest}; sleep 0.5")
        assert re.search(r"\d\d+ events \(1 unfinished\)", done.stderr)


def test_events_of_no_vm(tmp_path):
    """Ioctls without a vCPU are events, too."""
    calls = "import fcntl, os; kvm = os.open('/dev/kvm', 2); [fcntl.ioctl(kvm, 0xae00, 0) for _ in range(50)]"
    done = record("-e", "ioctl,sched", "-o", tmp_path / "f", "--", sys.executable, "-c", calls)
    assert "50 events" in done.stderr and "warning" not in done.stderr
    assert "warning: no events recorded" in record("-e", "ioctl", "-o", tmp_path / "f", "--", "true").stderr


# ---- the terminal ------------------------------------------------------------

def test_status_line(tmp_path):
    """The status line shows the elapsed time and how to stop; only on a terminal."""
    master, slave = os.openpty()
    with running_guest() as guest:
        recorder = subprocess.Popen([KVMW, "record", "-p", str(guest), "-o", tmp_path / "f"],
                                    stdin=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        text, stopped = b"", False
        # Reading fails once the recorder has ended.
        with contextlib.suppress(OSError):
            while chunk := os.read(master, 65536):
                text += chunk
                if len(set(re.findall(rb"(\d+) events, .*?Ctrl-C stops", text))) >= 2 and not stopped:
                    recorder.send_signal(signal.SIGINT)
                    stopped = True
        assert recorder.wait(timeout=60) == 0, text
    os.close(master)
    lines = text.decode().replace("\x1b[K", "").replace("\r", "\n").split("\n")
    status = [line for line in lines if "Ctrl-C stops" in line]
    found = [re.fullmatch(r"0:(\d\d): (\d+) events, \d+/s, \d+\.\d MB, 0 lost(, 1 vCPU)?; Ctrl-C stops ", line)
             for line in status]
    assert all(found), status
    assert int(found[0][1]) < int(found[-1][1]) and int(found[0][2]) < int(found[-1][2])
    assert len(max(status, key=len)) < 80
    assert any(line.startswith("[ kvmw record: ") for line in lines)
    done = record("-o", tmp_path / "f", "-d", "1.2", "-a")
    assert "Ctrl-C" not in done.stderr


def test_status_line_of_a_narrow_terminal(tmp_path):
    """On a narrow terminal the status line does not wrap, and makes room for messages about
    snapshots."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 40, 0, 0))
    recorder = subprocess.Popen([KVMW, "record", "-a", "--keep", "2s,16M"], cwd=tmp_path, stdin=subprocess.DEVNULL,
                                stderr=slave)
    os.close(slave)
    text, asked = b"", set()
    with contextlib.suppress(OSError):
        while chunk := os.read(master, 65536):
            text += chunk
            for seen, sig in (b" lost", signal.SIGUSR2), (b": SIGUSR2: ", signal.SIGINT):
                if seen in text and sig not in asked:
                    asked.add(sig)
                    recorder.send_signal(sig)
    os.close(master)
    assert recorder.wait(timeout=60) == 0, text
    lines = re.split("\r\x1b\\[K|\r?\n", text.decode())
    status = [line for line in lines if re.match(r"\d:\d\d: ", line)]
    assert status and max(map(len, status)) < 40, lines
    assert any(line.startswith("[ kvmw record: SIGUSR2: ") for line in lines), lines


def test_tracepoints_like_none(tmp_path):
    """Without a similar tracepoint, none is suggested: the folder's "." is not a candidate."""
    done = record("-e", "kvm:foo", "-o", tmp_path / "f", "--", "true", status=1)
    one_line(done, 1, "tracepoint kvm:foo: this kernel does not have it; ls ")


@pytest.mark.parametrize("typed, meant", [("kvm:kvm_poio", "kvm:kvm_pio"), ("shced:sched_switch", "sched:sched_switch")])
def test_tracepoints_that_are_misspelt(tmp_path, typed, meant):
    one_line(record("-e", typed, "-o", tmp_path / "f", "--", "true", status=1), 1,
             f"tracepoint {typed}: this kernel does not have it (did you mean {meant}?)")


def test_reader_has_enough():
    """stat -I | head ends without an error, like commands that read recordings."""
    stat = subprocess.Popen([KVMW, "stat", "-a", "-I", "0.05"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "time" in stat.stdout.readline()
    stat.stdout.close()
    errors = stat.stderr.read()
    assert stat.wait(timeout=60) == 0 and "Broken pipe" not in errors, errors


# ---- --limit -------------------------------------------------------------------

def test_ends_at_the_size_of_limit(tmp_path):
    """--limit ends a recording as --duration does: complete, with totals of everything in it."""
    path = tmp_path / "f"
    with running_guest() as pid:
        record("-q", "-e", "userspace", "-o", path, "-p", pid, "--limit", "200K")
    assert 200 << 10 <= path.stat().st_size
    info = json.loads(kvmw("info", path, "--json").stdout)
    assert info["finished"] and info["stopped"] == "file has the size of --limit"
    found = json.loads(kvmw("report", "-e", "userspace", path, "--json").stdout)
    assert found["recorded"] + found["lost"] == sum(row["count"] for row in found["rows"])


def test_parts_of_what_was_recorded(tmp_path):
    """The parts have the kernel's totals, and merged they are the recording."""
    path, parts = tmp_path / "f", [tmp_path / "a", tmp_path / "b"]
    with running_guest() as pid:
        record("-q", "-e", "userspace,sched,halt", "-o", path, "-p", pid, "-d", "1.5")
    for part, when in zip(parts, [",0.699999999", "0.7,"]):
        assert kvmw("cut", "-i", path, "-o", part, "--time", when).returncode == 0
        for event in "userspace", "sched":
            whole, cut = (json.loads(kvmw("report", "--json", "-e", event, *args).stdout)
                          for args in ([path, "--time", when], [part]))
            for member in "file", "recording":
                whole.pop(member), cut.pop(member)
            assert whole == cut
    assert kvmw("merge", "-o", tmp_path / "m", *parts).returncode == 0
    for event in "userspace", "sched":
        whole, merged = (json.loads(kvmw("report", "--json", "-e", event, p).stdout) for p in (path, tmp_path / "m"))
        for member in "file", "recording":
            whole.pop(member), merged.pop(member)
        assert whole == merged
