# SPDX-License-Identifier: GPL-2.0
"""kvmw bench guest makes exactly the VM exits it says, by the kernel's own names and count.

The witness is the trace buffer with kvm:kvm_exit in it, large enough to hold all: 5.10 of
Debian's cloud kernels has no histogram triggers, and Intel's lab has no perf.
"""
import json
import os
import pathlib
import re
import subprocess

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
KVMW = os.environ.get("KVMW", str(TESTS.parent / "kvmw"))

# What the host does while a guest runs: interrupts and NMIs.
HOST = {"svm": {"interrupt", "nmi"}, "vmx": {"EXTERNAL_INTERRUPT", "EXCEPTION_NMI"}}

PREPARE = """
cd /sys/kernel/tracing || exit
echo 16384 >buffer_size_kb || exit
"""
COUNTED = """
echo >trace
echo 1 >events/kvm/kvm_exit/enable || exit
kvmw bench guest --json %s || exit
echo 0 >events/kvm/kvm_exit/enable
cat per_cpu/cpu*/stats
sed -n 's/.*kvm_exit:.* reason \\([A-Za-z_0-9]*\\) .*/reason \\1/p' trace | sort | uniq -c
"""

SMALL = ["--rounds 100", "--rounds 50 --vcpus 2", "--touch 600 --rounds 2 --vcpus 2 --dirty-log"]
# One window is three rounds here: the fourth gives memory back, on both vCPUs.
LARGE = SMALL + ["--touch 5000 --rounds 4 --vcpus 2", "--touch 5000 --rounds 4 --dirty-log",
                 "--cpuid 1 --pio 1 --rounds 3000"]


def check(isa, text):
    """A JSON line, what the buffer lost, and the reasons; any number of times."""
    results, stats = [], 0
    for line in text.splitlines():
        if line.startswith('{"vcpus"'):
            results.append((json.loads(line), {}))
        lost = re.match(r"(overrun|commit overrun|dropped events): (\d+)", line)
        if lost:
            stats += 1
            assert lost[2] == "0", line
        row = re.match(r" *(\d+) reason (\w+)$", line)
        if row:
            results[-1][1][row[2]] = int(row[1])
    assert stats >= 3 * len(results)
    for said, counted in results:
        assert said["exits"][isa] == {reason: n for reason, n in counted.items()
                                      if reason not in HOST[isa]}
    return len(results)


@pytest.mark.parametrize("isa, where, runs", [
    ("svm", ["--kernel", "bullseye"], LARGE),
    ("svm", ["--kernel", "bookworm"], LARGE),
    ("svm", ["--kernel", "bookworm", "--append", "kvm.tdp_mmu=0"], LARGE),
    ("svm", ["--kernel", "trixie"], LARGE),
    ("svm", ["--kernel", "sid"], LARGE),
    ("vmx", ["--cpu", "intel"], SMALL),
], ids=["bullseye", "bookworm", "bookworm-legacy-mmu", "trixie", "sid", "intel"])
def test_exits_are_exact(isa, where, runs):
    script = PREPARE + "".join(COUNTED % run for run in runs)
    done = subprocess.run([TESTS / "lab" / "lab", "run", "--kvmw", KVMW, *where, "--", script],
                          capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert check(isa, done.stdout) == len(runs)


def test_the_rest_of_it_works_in_the_lab():
    done = subprocess.run([TESTS / "lab" / "lab", "run", "--kvmw", KVMW, "--",
                           "KVMW=$(command -v kvmw) python3 -m pytest -q -p no:cacheprovider "
                           "tests/test_bench_guest.py"],
                          capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout and "skipped" not in done.stdout
