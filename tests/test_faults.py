# SPDX-License-Identifier: GPL-2.0
"""Memory runs out, and writing fails, at each place: it is said, and what is printed or written is right."""
import collections
import errno
import os
import random
import re

import pytest

import faults
import lab_fixtures
import synthetic
from synthetic import KVMW, MAKE_RECORDING

DATA = synthetic.TREE / "tests/data"
COMMANDS = {
    "report": ["report", DATA / "svm-mixed.kvmw"],
    "report-json": ["report", "--json", DATA / "svm-cut.kvmw"],
    "report-csv": ["report", "--csv", "-s", "vcpu,detail", DATA / "svm-lost.kvmw"],
    "report-sched": ["report", "-e", "sched", DATA / "svm-families.kvmw"],
    "report-irq": ["report", "-e", "irq", DATA / "svm-families.kvmw"],
    "script": ["script", DATA / "svm-mixed.kvmw"],
    "script-json": ["script", "--json", "-e", "irq", DATA / "svm-families.kvmw"],
    "info": ["info", "-v", DATA / "svm-families.kvmw"],
    "info-json": ["info", "--json", DATA / "svm-linux.kvmw"],
}

WITHOUT = {"kvmw: out of memory", f"kvmw: no thread could be started: {os.strerror(errno.EAGAIN)}"}


# ---- memory ------------------------------------------------------------------

def check_reader(done, whole):
    """
    All as ever; or it says why not, and exits with 1: then lines may be missing, but there is none that
    would not be there otherwise. The last one may end early.
    """
    if done.status == whole.status and done.out == whole.out:
        return
    assert done.status == 1, (done.fault, done.status, done.err)
    said = set(done.err.splitlines()) - set(whole.err.splitlines())
    assert len(said) == 1 and said <= WITHOUT, (done.fault, done.err)
    lines = done.out.split("\n")
    more = collections.Counter(lines[:-1]) - collections.Counter(whole.out.split("\n"))
    assert not more and any(line.startswith(lines[-1]) for line in whole.out.split("\n")), (done.fault, more)


def run_reader(name, kind, most=None):
    whole = faults.run("malloc 0", KVMW, *COMMANDS[name])
    assert len(whole.may_fail) > 150
    numbers = whole.may_fail
    if most:
        numbers = random.Random(os.environ.get("KVMW_SEED", name)).sample(numbers, most)
    found = list(faults.at_each(kind, numbers, KVMW, *COMMANDS[name]))
    for done in found:
        check_reader(done, whole)
    assert any(done.status == 1 and done.err.startswith("kvmw: out of memory\n") for done in found)


@pytest.mark.parametrize("name", COMMANDS)
def test_reader_without_memory(name):
    run_reader(name, "memory", 4)
    run_reader(name, "malloc", 8)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_reader_without_memory_at_many_places(name):
    run_reader(name, "malloc", 150)
    run_reader(name, "memory", 50)
