# SPDX-License-Identifier: GPL-2.0
"""A stranger's file: whatever is in it, 10 MB of it take at most 64 MB and ten seconds.

tests/data/hostile holds files with sound checksums that once took gigabytes, minutes, or a crash.
Seconds are those of the CPU, and a limit that kvmw-report(1) states.
"""
import os
import pathlib
import subprocess
import sys

import pytest

from synthetic import KVMW

HERE = pathlib.Path(__file__).parent / "data" / "hostile"
MEMORY, SECONDS = 64 << 10, 10          # KiB, s of CPU


# A process remembers how large its parent was when it began: a small one starts kvmw.
MEASURE = """import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
status, used = os.wait4(pid, 0)[1:]
print(os.waitstatus_to_exitcode(status), used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr)
"""


class Done:
    """A run of kvmw: exit status, output, and what it took."""

    def __init__(self, *args):
        done = subprocess.run([sys.executable, "-S", "-c", MEASURE, KVMW, *map(str, args)],
                              stdin=subprocess.DEVNULL, capture_output=True, check=True,
                              env=os.environ | {"LC_ALL": "C.UTF-8", "TZ": "UTC"})
        self.out = done.stdout.decode(errors="replace")
        *err, figures = done.stderr.decode(errors="replace").splitlines()
        self.err = "\n".join(err)
        self.status, self.memory = map(int, figures.split()[:2])
        self.seconds = float(figures.split()[2])

    def check(self, rows=0):
        """It ended by itself, within the limits of a file with so many rows."""
        assert self.status in (0, 1), self.err
        assert self.memory <= MEMORY
        assert self.seconds <= max(SECONDS, rows / 1e6)
        return self


def test_field_without_a_size():
    """libtraceevent takes the rest of the record for it, which is less than nothing."""
    path = HERE / "tp-zero-size.kvmw"
    line, = Done("script", "-i", path).check().out.splitlines()
    assert line.endswith("kvm:kvm_x1: vcpu=0 a=0x5")


COMMANDS = {"info": ["info"], "report": ["report"], "csv": ["report", "--csv"],
            "info-json": ["info", "--json"], "first": ["script", "--max-events", "10"]}
# Rows of each file, and what the report says of it.
FILES = {
    "collide-65536": (65536, "events are not shown: more different keys"),
    "control-65536": (65536, "events are not shown: more different keys"),
    "hist-128k-keys": (262144, "events are not shown: more different keys"),
    "dirty-16M": (16777216, "not all of it fits into memory"),
    "json-meta-objs": (0, "META frame has more JSON than kvmw reads"),
    "json-schema-objs": (0, "an event's description cannot be understood"),
    "meta-1M-arrays-x20": (0, "META frame has more JSON than kvmw reads"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", FILES)
def test_within_limits(name, command):
    rows, words = FILES[name]
    done = Done(*COMMANDS[command], "-i", HERE / f"{name}.kvmw").check(rows)
    if command in ("report", "json", "csv") and not (command == "csv" and name == "dirty-16M"):
        assert words in done.err and done.status == 1
