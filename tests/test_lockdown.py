# SPDX-License-Identifier: GPL-2.0
"""What kernel lockdown leaves: at one level everything is recorded, at the other nothing, and that is said."""
import json

import pytest

import lab_fixtures
from lab_fixtures import in_boots


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
    """One line, whatever is asked for, whether securityfs is mounted or not."""
    assert "[confidentiality]" in boot.path("lockdown.level").read_text()
    boot.step(name).said(1, "level confidentiality", "lockdown=integrity, at which kvmw works")
