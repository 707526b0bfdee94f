# SPDX-License-Identifier: GPL-2.0
"""The lab itself: the properties that other tests rely on."""
import os
import subprocess

import pytest

import lab_fixtures
from lanes import LAB

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]
KERNELS = {"bullseye": "5.10.", "bookworm": "6.1.", "trixie": "6.12.", "sid": ""}


def lab(*args, **kwargs):
    return subprocess.run([LAB, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=900, **kwargs)


def lab_run(name, *args):
    return pytest.mark.lab_run(f"lab-{name}", 8, ("--kvmw", "/bin/true", *args))


@lab_run("output", "--", "bash", "-c",
         'echo "$1"; echo "$2" >&2; echo "<$#>" >/dev/stdout; mkdir /out/dir; '
         'head -c 300000 /dev/urandom >/out/dir/random; sha256sum </out/dir/random; exit 7',
         "zero", "two  words", "$HOME * 'quoted'", "")
def test_output_status_and_out_come_back(ran):
    assert ran.returncode == 7, ran.stderr
    lines = ran.stdout.split("\n")
    assert lines[:3] == ["two  words", "$HOME * 'quoted'", "<3>"]
    there = subprocess.run(["sha256sum"], stdin=open(ran.out / "dir" / "random"),
                           capture_output=True, text=True).stdout
    assert lines[3:] == there.split("\n"), "output or /out changed on its way"


@lab_run("shell-text", "--", "echo $((6 * 7)) | sed 's/^/= /'; id -u; seq 200000")
def test_one_word_is_shell_text_and_large_output_arrives_whole(ran):
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "= 42\n0\n" + "".join(f"{i}\n" for i in range(1, 200001))


@lab_run("timeout", "--timeout", "15", "--", "echo started; sleep 600")
def test_timeout_ends_the_machine(ran):
    if not ran.stdout:      # this machine is busy
        again = lab("run", "--kvmw", "/bin/true", "--timeout", "90", "--", "echo started; sleep 600")
        ran = ran._replace(returncode=again.returncode, stdout=again.stdout, stderr=again.stderr)
    assert (ran.returncode, ran.stdout) == (124, "started\n"), ran.stderr
    assert "still running after " in ran.stderr


@lab_run("failed-boot", "--append", "lab_modules=no_such_module", "--", "true")
def test_failed_boot_shows_the_console(ran):
    assert (ran.returncode, ran.stdout) == (125, "")
    assert "no_such_module did not load" in ran.stderr
    assert "did not boot" in ran.stderr


@lab_run("crash", "--", "echo c >/proc/sysrq-trigger; sleep 60")
def test_a_dying_machine_is_no_success(ran):
    assert ran.returncode == 125
    assert "sysrq triggered crash" in ran.stderr


@lab_fixtures.in_boots(*KERNELS)
def test_every_kernel_is_a_kvm_host(boot):
    lines = boot.path("host").read_text().splitlines()
    assert lines[0].startswith(KERNELS[boot.name])
    assert lines[1:] == ["0", "/sys/kernel/btf/vmlinux",
                         "/sys/kernel/tracing/events/kvm/kvm_exit/format", "3",
                         "0,kvm:kvm_exit", "0"]


@lab_fixtures.in_boots("intel")
def test_intel_is_a_kvm_host(boot):
    assert boot.path("ept").read_text() == "Y\n"
    assert boot.stdout.startswith("".join(f"{i}\n" for i in range(1, 1001)))


def test_wrong_usage():
    assert lab("run", "--kernel", "nosuch", "--", "true").returncode == 2
    assert lab("run").returncode == 2
    assert lab("fetch", "nosuch").returncode == 2


def test_no_archive_is_one_clear_line(tmp_path):
    """Without a cached kernel and a reachable archive, lab says so and boots nothing."""
    done = lab("run", "--", "true", env={**os.environ, "XDG_CACHE_HOME": str(tmp_path),
                                         "LAB_MIRROR": "file:///nonexistent/debian"})
    assert done.returncode == 125
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
