# SPDX-License-Identifier: GPL-2.0
"""VMs with one thing wrong each: kvmw report says that first; and with nothing wrong, nothing."""
import pytest

import lab_fixtures
from lab_fixtures import in_boots

# name: the rule, and words of its sentence
ON_ALL = {
    "slow-device": ("slow-vmm", "mostly for out 0x5150"),
    "hogs": ("waiting", "other processes had it, most sh (pid "),
    "siblings": ("siblings", "other vCPUs of the same VM had it"),
    "quota": ("quota", "The quota of its cgroup, 30 ms of each 100 ms (/quota), kept vCPU 0 from running"),
    "polling": ("polling", "Halt polling took"),
    "spinning": ("spinning", "vCPU 0 probably spins"),
    "blocked": ("open-exit", "its thread was asleep in handle_userfault"),
}
ON_6_1 = ON_ALL | {
    "never-halts": ("never-halts", "100% of the HLTs did not halt"),
    "ipi-storm": ("ipi-storm", "sends itself interrupts"),
    "timer-storm": ("timer-storm", "sets the timer of its local APIC"),
    "first-touch": ("page-faults", "Page faults on guest memory took"),
    "small-pages": ("small-pages", "Transparent huge pages are off on the host"),
}
LINUX = {
    "idle": None,
    "busy": None,
    "serial": ("slow-vmm", "mostly for out 0x3f8"),
    "no-ioeventfd": ("no-ioeventfd", "is probably how the guest notifies a virtio device"),
    "hpet": ("clock", "clock, the HPET, exits"),
    "pm-timer": ("clock", "clock, the ACPI PM timer, exits"),
    "migration": ("migration", "was migrating the VM"),
    "never-started": ("never-exited", "vCPU 1 never exited: the guest has probably never started it"),
}


def check(boot, name, expected):
    step = boot.step(name)
    assert step.status == 0, step.err
    rep = lab_fixtures.report(boot.path(f"{name}.kvmw"))
    found = [(f["rule"], f["text"]) for f in rep["findings"]]
    if not expected:
        assert not found
        return
    rule, words = expected
    assert found and found[0][0] == rule and words in found[0][1], found


@in_boots("sched-bullseye", "sched-sid")
@pytest.mark.parametrize("name", ON_ALL)
def test_the_first_finding_is_the_cause(boot, name):
    check(boot, name, ON_ALL[name])


@in_boots("sched-bookworm")
@pytest.mark.parametrize("name", ON_6_1)
def test_the_first_finding_is_the_cause_on_6_1(boot, name):
    check(boot, name, ON_6_1[name])


@in_boots("linux")
@pytest.mark.parametrize("name", LINUX)
def test_of_linux(boot, name):
    check(boot, name, LINUX[name])


@in_boots("sched-bookworm")
def test_siblings_and_their_cpus(boot):
    text = lab_fixtures.report(boot.path("siblings.kvmw"))["findings"][0]["text"]
    assert text.endswith(" The VM has 3 vCPUs and may use 1 host CPU.")
