# SPDX-License-Identifier: GPL-2.0
"""The lab itself: what other tests rely on when they run something in it."""
import os
import pathlib
import subprocess

import pytest

pytestmark = pytest.mark.lab
LAB = pathlib.Path(__file__).parent / "lab" / "lab"
KERNELS = {"bullseye": "5.10.", "bookworm": "6.1.", "trixie": "6.12.", "sid": ""}


def lab(*args, **kwargs):
    return subprocess.run([LAB, *args], capture_output=True, text=True, timeout=900, **kwargs)


def run(*args, **kwargs):
    return lab("run", "--kvmw", "/bin/true", *args, **kwargs)


def test_output_status_and_out_come_back(tmp_path):
    done = run("--out", str(tmp_path), "--", "bash", "-c",
               'echo "$1"; echo "$2" >&2; echo "<$#>" >/dev/stdout; mkdir /out/dir; '
               'head -c 300000 /dev/urandom >/out/dir/random; sha256sum </out/dir/random; exit 7',
               "zero", "two  words", "$HOME * 'quoted'", "")
    assert done.returncode == 7, done.stderr
    lines = done.stdout.split("\n")
    assert lines[:3] == ["two  words", "$HOME * 'quoted'", "<3>"]
    there = subprocess.run(["sha256sum"], stdin=open(tmp_path / "dir" / "random"),
                           capture_output=True, text=True).stdout
    assert lines[3:] == there.split("\n"), "output or /out changed on its way"


def test_one_word_is_shell_text():
    done = run("--", "echo $((6 * 7)) | sed 's/^/= /'; id -u")
    assert (done.returncode, done.stdout) == (0, "= 42\n0\n"), done.stderr


def test_large_output_arrives_whole():
    done = run("--", "seq 200000")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(f"{i}\n" for i in range(1, 200001))


def test_timeout_ends_the_machine():
    done = run("--timeout", "15", "--", "echo started; sleep 600")
    assert (done.returncode, done.stdout) == (124, "started\n"), done.stderr
    assert "still running after 15" in done.stderr


def test_failed_boot_shows_the_console():
    done = run("--append", "lab_modules=no_such_module", "--", "true")
    assert (done.returncode, done.stdout) == (125, "")
    assert "no_such_module did not load" in done.stderr
    assert "did not boot" in done.stderr


def test_a_dying_machine_is_no_success():
    done = run("--", "echo c >/proc/sysrq-trigger; sleep 60")
    assert done.returncode == 125
    assert "sysrq triggered crash" in done.stderr


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_is_a_kvm_host(kernel):
    done = run("--kernel", kernel, "--", "uname -r; test -c /dev/kvm; echo $?;"
               "ls /sys/kernel/tracing/events/kvm/kvm_exit/format /sys/kernel/btf/vmlinux; "
               "grep -c -e debugfs -e tracefs -e bpf /proc/mounts; "
               "perf stat -x, -e kvm:kvm_exit true 2>&1 | cut -d, -f1,3; bpftool prog >/dev/null; echo $?")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0].startswith(KERNELS[kernel])
    assert lines[1:] == ["0", "/sys/kernel/btf/vmlinux",
                         "/sys/kernel/tracing/events/kvm/kvm_exit/format", "3",
                         "0,kvm:kvm_exit", "0"]


def test_a_linux_guest_runs_inside():
    script = ("perf stat -x, -o /tmp/stat -e kvm:kvm_exit "
              "env LAB_GUEST='nproc; dd if=/dev/vda of=/dev/null bs=1M count=4 && echo disk' lab-guest;"
              "echo status $?; cut -d, -f1 /tmp/stat | tail -n 1")
    done = run("--", script)
    lines = done.stdout.replace("\r", "").splitlines()
    assert done.returncode == 0, done.stderr
    assert "2 vCPUs" in lines[0] and "2" in lines and "disk" in lines and "status 0" in lines
    assert int(lines[-1]) > 5000


def test_pytest_runs_inside():
    done = run("--", "cd /tmp && echo 'def test_one(): assert 1' >test_x.py && "
               "python3 -m pytest -q -p no:cacheprovider test_x.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_intel_is_a_kvm_host(tmp_path):
    done = run("--cpu", "intel", "--out", str(tmp_path), "--",
               "cat /sys/module/kvm_intel/parameters/ept; seq 1000; echo kept >/out/file; exit 3")
    assert done.returncode == 3, done.stderr
    assert done.stdout == "Y\n" + "".join(f"{i}\n" for i in range(1, 1001))
    assert (tmp_path / "file").read_text() == "kept\n"


def test_wrong_usage():
    assert lab("run", "--kernel", "nosuch", "--", "true").returncode == 2
    assert lab("run").returncode == 2
    assert lab("fetch", "nosuch").returncode == 2


def test_no_archive_is_one_clear_line(tmp_path):
    """Nothing cached and an archive that is not there: says so, boots nothing."""
    done = lab("run", "--", "true", env={**os.environ, "XDG_CACHE_HOME": str(tmp_path),
                                         "LAB_MIRROR": "file:///nonexistent/debian"})
    assert done.returncode == 125
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
