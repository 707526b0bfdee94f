# SPDX-License-Identifier: GPL-2.0
"""kvmw bench guest makes exactly the VM exits it says, by the kernel's own count.

The witness is a histogram trigger on kvm:kvm_exit: counted in the kernel, nothing to lose.
"""
import json
import os
import pathlib
import re
import subprocess

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
KVMW = os.environ.get("KVMW", str(TESTS.parent / "kvmw"))

# arch/x86/include/uapi/asm/{svm,vmx}.h
REASONS = {
    "svm": {"cpuid": 0x72, "hlt": 0x78, "io": 0x7b, "msr": 0x7c, "npf": 0x400},
    "vmx": {"CPUID": 10, "HLT": 12, "IO_INSTRUCTION": 30, "MSR_READ": 31, "MSR_WRITE": 32,
            "EPT_VIOLATION": 48, "EPT_MISCONFIG": 49},
}
# What the host does while a guest runs: interrupts and NMIs.
HOST = {"svm": {0x60, 0x61}, "vmx": {0, 1}}

COUNTED = """
event=/sys/kernel/tracing/events/kvm/kvm_exit
echo hist:keys=exit_reason >$event/trigger || exit
kvmw bench guest --json %s || exit
cat $event/hist
echo '!hist:keys=exit_reason' >$event/trigger
"""

SMALL = ["--rounds 100", "--rounds 50 --vcpus 2", "--touch 600 --rounds 2 --vcpus 2 --dirty-log"]
# One window is three rounds here: the fourth gives memory back, on both vCPUs.
LARGE = SMALL + ["--touch 5000 --rounds 4 --vcpus 2", "--touch 5000 --rounds 4 --dirty-log",
                 "--cpuid 1 --pio 1 --rounds 3000"]


def check(isa, text):
    """One JSON line, then the histogram; any number of times."""
    results = []
    for line in text.splitlines():
        if line.startswith("{\"vcpus\""):
            results.append((json.loads(line), {}))
        row = re.match(r"\{ exit_reason: +(\d+) \} hitcount: +(\d+)", line)
        if row:
            results[-1][1][int(row[1])] = int(row[2])
        assert not re.search(r"Dropped: [^0]", line)
    for said, counted in results:
        want = {REASONS[isa][name]: n for name, n in said["exits"][isa].items()}
        assert want == {reason: n for reason, n in counted.items() if reason not in HOST[isa]}
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
    script = "".join(COUNTED % run for run in runs)
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
