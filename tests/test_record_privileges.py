# SPDX-License-Identifier: GPL-2.0
"""The privileges of kvmw record while it records, and those of its command."""
import os
import pathlib
import pwd
import re
import shutil
import subprocess

import pytest

import endless
from synthetic import KVMW, kvmw, one_line
from test_record_here import pytestmark  # noqa: F401

# include/uapi/linux/capability.h
NUMBERS = {"cap_dac_read_search": 2, "cap_kill": 5, "cap_sys_ptrace": 19, "cap_sys_admin": 21, "cap_syslog": 34,
           "cap_perfmon": 38, "cap_bpf": 39}


def caps(status):
    return {name: int(value, 16) for name, value in re.findall(r"^(Cap\w+):\s*([0-9a-f]+)$", status, re.M)}


def mine():
    with open("/proc/self/status") as file:
        return caps(file.read())


def test_every_thread_of_the_recorder(tmp_path):
    """Every thread has only the capabilities that -v lists, and no program can gain more."""
    script = "sleep 0.3; for task in /proc/$PPID/task/*; do echo; cat $task/status; done"
    done = kvmw("record", "-v", "-e", "userspace", "-o", tmp_path / "f", "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    said, = re.findall(r"^capabilities while it records: (\S*)$", done.stderr, re.M)
    expected = sum(1 << NUMBERS[name] for name in said.split(","))
    assert expected == mine()["CapPrm"] & sum(1 << number for number in NUMBERS.values())
    threads = done.stdout.strip().split("\n\n")
    assert len(threads) == 4
    for status in threads:
        found = caps(status)
        assert found["CapEff"] == found["CapPrm"] == expected and found["CapInh"] == 0
        assert "\nNoNewPrivs:\t1\n" in status


def test_the_command(tmp_path):
    """The command runs as if started without kvmw: with the same rights, and no file of kvmw's."""
    script = "cat /proc/self/status; exec python3 -c 'import os; print(sorted(os.listdir(\"/proc/self/fd\"))[:-1])'"
    done = subprocess.run([KVMW, "record", "-q", "-e", "userspace", "-o", tmp_path / "f", "--", "sh", "-c", script],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert caps(done.stdout) == mine()
    assert "\nNoNewPrivs:\t0\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "['0', '1', '2']"


@pytest.mark.parametrize("name, uid, gid", [("nobody", 65534, 65534), (None, 12345, 2345)])
def test_the_command_of_the_user_who_asked(tmp_path, name, uid, gid):
    """The command of the invoking user, known to the host or not, has his groups and no right of
    root's."""
    script = "id -u; id -g; id -G; grep ^Cap /proc/self/status; echo $USER $LOGNAME $HOME"
    env = {"SUDO_UID": str(uid), "SUDO_GID": str(gid), "USER": "me", "LOGNAME": "me", "HOME": "/me"}
    done = kvmw("record", "-q", "--user", "-e", "userspace", "-o", tmp_path / "f", "--", "sh", "-c", script, env=env)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:3] == [str(uid), str(gid), str(gid)]
    assert {value for name, value in caps(done.stdout).items() if name != "CapBnd"} == {0}
    assert lines[-1] == (f"{name} {name} {pwd.getpwnam(name).pw_dir}" if name else "me me /me")
    # Without the option the command keeps root's rights.
    done = kvmw("record", "-q", "-e", "userspace", "-o", tmp_path / "f", "--", "sh", "-c", "id -u; echo $HOME", env=env)
    assert done.stdout == "0\n/me\n"


def test_no_user_asked(tmp_path):
    one_line(kvmw("record", "--user", "-e", "userspace", "-o", tmp_path / "f", "--", "true",
                  env={"SUDO_UID": ""}), 1, "--user: sudo did not start kvmw", "sudo -u USER")
    assert os.listdir(tmp_path) == []


def test_a_command_that_cannot_be_run(tmp_path):
    """If the command cannot be run, everything is undone, even in a directory of another user."""
    os.chown(tmp_path, 1234, 1234)
    done = kvmw("record", "-q", "-e", "userspace", "-o", tmp_path / "f", "--", "no-such-command")
    assert done.returncode == 1 and os.listdir(tmp_path) == []


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_no_file_in_memory(tmp_path):
    """If the kernel refuses a file in memory, libbpf looks for types itself."""
    done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=memfd_create:error=EPERM", KVMW, "record",
                           "-e", "userspace", "-o", tmp_path / "f", "--", "true"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_types_of_an_unknown_kind(tmp_path):
    """With BTF of an unknown kind, libbpf, which may know it, looks for types: it sees the original
    first type."""
    btf = pathlib.Path("/sys/kernel/btf/vmlinux")
    first = btf.read_bytes()[:28] + (30 << 24).to_bytes(4, "little")
    done = subprocess.run(["strace", "-f", "-qq", "-o", tmp_path / "calls", "-P", btf, "-e", "trace=read", "-e",
                           f"inject=read:poke_exit=@arg2={first.hex()}:when=1", KVMW, "record", "-e", "userspace",
                           "-o", tmp_path / "f", "--", "true"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "calls").read_text().count("(INJECTED") == 1


def test_types_that_cannot_be_read(tmp_path):
    """Unreadable BTF is reported once, and no program is tried."""
    (tmp_path / "btf").write_bytes(b"\x9f\xeb\x01\x00" + bytes(100))
    done = subprocess.run(["unshare", "-m", "sh", "-c", f"mount --bind {tmp_path}/btf /sys/kernel/btf/vmlinux && "
                           f"exec {KVMW} record -e userspace -o {tmp_path}/f -- true"], capture_output=True, text=True, timeout=60)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("no mount namespace here")
    one_line(done, 1, "cannot read the kernel's types", "/sys/kernel/btf/")


def test_all_is_recorded_nevertheless(tmp_path):
    """Even with few privileges, all is recorded: threads and memory at the end, and cost."""
    with endless.endless_guest("--pio", "1") as vm:
        done = kvmw("record", "-e", "userspace,sched", "-o", tmp_path / "f", "-p", vm.pid,
                    "-d", "1.5")
    assert done.returncode == 0 and re.search(r"BPF \d+\.\d% of a CPU", done.stderr), done.stderr
    text = kvmw("info", "-v", tmp_path / "f").stdout
    assert re.search(rf"\b{vm.pid}\b", text) and "Permission denied" not in text
