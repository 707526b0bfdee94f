# SPDX-License-Identifier: GPL-2.0
"""Hundreds of VMs at once, and more one after another than the maps hold: recorded counts equal
perf's, VM by VM."""
import pytest

import lab_fixtures
from lab_fixtures import boots_of, in_boots

TURNS = {"many-at-once": 3, "many-short": 2}


@in_boots(*boots_of("many"))
@pytest.mark.parametrize("name, vms, each", [("many-at-once", 300, 2), ("many-short", lab_fixtures.SHORT_VMS, 1)])
def test_as_many_exits_as_perf_counts(boot, name, vms, each):
    step = boot.step(name)
    assert step.status == 0, step.err
    about = lab_fixtures.info(boot.path(f"{name}.kvmw"), "--memory", "1G")
    assert not about["notes"]
    assert len(about["vms"]) == vms
    vcpus = [v for v in about["vcpus"] if not v["role"]]
    assert sorted((v["vm"], v["vcpu"]) for v in vcpus) == sorted((vm["id"], n) for vm in about["vms"] for n in range(each))
    rep = lab_fixtures.report(boot.path(f"{name}.kvmw"), "--memory", "1G")
    perf, = lab_fixtures.perf_stat(boot.path(f"{name}.perf")).values()
    assert rep["total"]["exact"]
    assert rep["total"]["count"] == rep["total"]["recorded"] == perf
    exits = lab_fixtures.counts(rep)
    assert exits["cpuid"] == exits["io"] == TURNS[name] * vms * each
