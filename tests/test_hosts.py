# SPDX-License-Identifier: GPL-2.0
"""Hosts with control groups and containers, a PID namespace, kernel lockdown."""
import json

import pytest

import lab_fixtures
from lab_fixtures import boots_of, in_boots


def by_pid(boot, name):
    """{process: exits} of kvmw stat --per vm, where each process has one VM."""
    step = boot.step(name)
    assert step.status == 0, step.err
    rep = json.loads(step.out)
    found = {row["pid"]: row["count"] for row in rep["rows"]}
    assert len(found) == len(rep["rows"]) == len(rep["recording"]["vms"])
    return found


def told(text):
    """The exits of the guests that printed these lines."""
    return [sum(json.loads(line)["exits"]["svm"].values()) for line in text.splitlines() if line.startswith("{")]


@in_boots(*boots_of("groups"))
def test_guests_of_a_group_beside_perf(boot):
    """
    Each guest in the group or below has as many exits as perf counts for it; one outside has none;
    one that is moved in has some.
    """
    found = by_pid(boot, "groups")
    mover = int(boot.path("groups.mover").read_text())
    assert found.pop(mover) > 0
    perf = [lab_fixtures.perf_stat(boot.path(f"groups.{i}-{k}.perf"))["kvm:kvm_exit"] for i in (1, 2, 3) for k in (1, 2)]
    assert list(found.values()) == perf
    assert all(one >= guest for one, guest in zip(perf, told(boot.path("groups.told").read_text()), strict=True))
    assert len(told(boot.path("groups.others").read_text())) == 3


@in_boots(*boots_of("groups"))
def test_containers_and_exclusions(boot):
    for name, guest in (("groups-container", -1), ("groups-exclude", 0)):
        exits, = by_pid(boot, name).values()
        want = told(boot.step(name).err)[guest]
        assert want <= exits < want + 20        # and interrupts of the host
    mover = int(boot.path("groups.mover").read_text())
    recorded = lab_fixtures.info(boot.path("groups.kvmw"))
    assert len({vm["pid"] for vm in recorded["vms"]} - {mover}) == 1
    assert recorded["filters"]["groups"] == ["/in.slice"] and recorded["filters"]["pids"] == [mover]
    boot.step("groups-unknown").said(1, "-G 'in.slcie'", "did you mean in.slice?")
    boot.step("groups-docker").said(1, "--container 'fedcba'", "docker ps")


@in_boots(*boots_of("groups"))
def test_pid_namespace(boot):
    """Facts from the kernel are recorded, but not what a container's /proc says about unrelated
    processes."""
    boot.step("pid-pid").said(1, "VMs cannot be selected by process here", "--pid=host")
    mover = int(boot.path("groups.mover").read_text())
    assert list(by_pid(boot, "pid-all")) == [mover]
    about = lab_fixtures.info(boot.path("pid-group.kvmw"))
    assert [(vm["pid"], vm["name"], vm["vmm"]) for vm in about["vms"]] == [(mover, "", "kvmw")]
    assert any("PID namespace" in note for note in about["notes"])


@in_boots("integrity")
def test_integrity(boot):
    assert "[integrity]" in boot.path("lockdown.level").read_text()
    for name in ("lockdown-unmounted", "lockdown-stat"):
        rep = json.loads(boot.step(name).out)
        assert lab_fixtures.of_guest(rep) == {"cpuid": 200, "io": 102, "npf": 5}
    assert lab_fixtures.of_guest(lab_fixtures.report(boot.path("lockdown.kvmw"))) == {"cpuid": 200, "io": 102, "npf": 5}
    assert boot.step("lockdown-record").status == boot.step("lockdown-unseen").status == 0


@in_boots("confidential")
@pytest.mark.parametrize("name", ["lockdown-unmounted", "lockdown-stat", "lockdown-record", "lockdown-unseen"])
def test_confidentiality(boot, name):
    """Under lockdown any command fails with one line, whether securityfs is mounted or not."""
    assert "[confidentiality]" in boot.path("lockdown.level").read_text()
    boot.step(name).said(1, "level confidentiality", "lockdown=integrity, at which kvmw works")
