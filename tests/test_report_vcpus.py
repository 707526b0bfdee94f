# SPDX-License-Identifier: GPL-2.0
"""Where each vCPU's time went if it was not there all the time, or not seen."""
import pytest

import synthetic
from synthetic import START, VCPUS, Recording, report, text_of

MS = 1_000_000
PARTS = ["guest_ns", "kvm_ns", "vmm_ns", "halt_ns", "wait_ns", "block_ns", "open_ns", "unseen_ns",
         "gone_for_ns"]


def make(path, gone_ns=None):
    """vCPU 0 is open, 1 has a gap, 2 never exits; 0 dies."""
    vcpus = [dict(VCPUS[0], gone_ns=gone_ns), VCPUS[1],
             {"id": 2, "vm": 0, "vcpu": 2, "tid": 103, "comm": "CPU 2/KVM"}, VCPUS[2]]
    rec = Recording(vcpus=vcpus)
    rec.frame([(START + 1000 * MS, None, 500 * MS, 100 * MS, 30, 0, 1),
               (START + 2000 * MS, 500 * MS, None, None, 12, 1, 1),
               (START + 2500 * MS, 100 * MS, 400 * MS, 0, 10, 1, 1),
               (START + 3500 * MS, 2000 * MS, None, None, 12, 0, 1),
               (START + 3000 * MS, 1 * MS, 1999 * MS, 0, 10, 9, 1)])
    rec.totals()
    rec.end = START + 5999 * MS
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def gone(tmp_path_factory):
    return make(tmp_path_factory.mktemp("gone") / "kvmw.data", START + 4800 * MS)


@pytest.mark.parametrize("sort", ["reason", "vcpu", "cpu"])
def test_gone(gone, sort):
    rep = report(gone, "--sort", sort)
    vcpus = {v["vcpu_id"]: v for v in rep["vcpu_time"]}
    for v in vcpus.values():
        assert sum(v.get(part) or 0 for part in PARTS) == v["wall_ns"] == 6000 * MS
    assert vcpus[0]["open_ns"] == 1300 * MS and vcpus[0]["gone_for_ns"] == 1200 * MS
    assert vcpus[1]["gaps"] == 1 and "gone_for_ns" not in vcpus[1]
    assert vcpus[2]["count"] == 0 and vcpus[2]["unseen_ns"] == 6000 * MS
    assert vcpus[2]["kvm_ns"] is None
    assert "gaps" not in vcpus[0]
    assert rep["unfinished"] == 2
    known = {v["id"]: v for v in rep["recording"]["vcpus"]}
    assert known[0]["gone_ns"] == START + 4800 * MS and "gone_ns" not in known[1]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_text(gone, width):
    text = text_of(gone, "--width", width)
    assert all(len(line) <= width for line in text.splitlines())
    assert " gone " in text and "3 vCPUs seen, 1 died" in text
    assert "\nDied: vCPU 100/0 at 4.800 s\nNever exited: vCPU 100/2\nGaps " in text
    assert "(the next VM entry was missed): 1 of vCPU 100/1\n" in text


def test_selected(gone):
    text = text_of(gone, "--vcpu", "1")
    assert "Died" not in text and "Never" not in text and "Gaps" in text
    text = text_of(gone, "--time", "0,3")
    assert "Died" not in text and "Never" not in text and "Gaps" not in text


def test_there_to_the_end(tmp_path):
    path = make(tmp_path / "kvmw.data")
    vcpu = report(path)["vcpu_time"][0]
    assert vcpu["open_ns"] == 2500 * MS and "gone_for_ns" not in vcpu
    text = text_of(path)
    assert "Died" not in text and " gone " not in text


def test_info(gone):
    text = synthetic.kvmw("info", "-i", gone).stdout
    assert "tid 101, CPU 0/KVM, died at 4.800 s\n" in text
    assert text.count("died") == 1
