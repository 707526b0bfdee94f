# SPDX-License-Identifier: GPL-2.0
"""A stranger's file: whatever is in it, 10 MB of it take at most 64 MB and ten seconds.

tests/data/hostile holds files with sound checksums that once took gigabytes, minutes, or a crash.
Seconds are those of the CPU, and a limit that kvmw-report(1) states.
"""
import os
import pathlib
import subprocess

from synthetic import KVMW

HERE = pathlib.Path(__file__).parent / "data" / "hostile"
MEMORY, SECONDS = 64 << 10, 10          # KiB, s of CPU


class Done:
    """A run of kvmw: exit status, output, and what it took."""

    def __init__(self, tmp_path, *args):
        out, err = tmp_path / "out", tmp_path / "err"
        with open(out, "wb") as stdout, open(err, "wb") as stderr:
            child = subprocess.Popen([KVMW, *map(str, args)], stdin=subprocess.DEVNULL, stdout=stdout,
                                     stderr=stderr, env=os.environ | {"LC_ALL": "C.UTF-8", "TZ": "UTC"})
            _, status, used = os.wait4(child.pid, 0)
        child.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.out, self.err = out.read_text(errors="replace"), err.read_text(errors="replace")
        self.memory, self.seconds = used.ru_maxrss, used.ru_utime + used.ru_stime

    def check(self, rows=0):
        """It ended by itself, within the limits of a file with so many rows."""
        assert self.status in (0, 1), self.err
        assert self.memory <= MEMORY
        assert self.seconds <= max(SECONDS, rows / 1e6)
        return self


def test_field_without_a_size(tmp_path):
    """libtraceevent takes the rest of the record for it, which is less than nothing."""
    path = HERE / "tp-zero-size.kvmw"
    line, = Done(tmp_path, "script", "-i", path).check().out.splitlines()
    assert line.endswith("kvm:kvm_x1: vcpu=0 a=0x5")
