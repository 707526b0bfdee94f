# SPDX-License-Identifier: GPL-2.0
"""The time of vCPUs that did not exist all the time, or were not seen."""
import csv
import io
import json

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
    text = text_of(gone, "-v", "--width", width)
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


def same_pid(path):
    """Process 100 has two VMs; two processes had pid 200 in turn, and two threads tid 201."""
    vms = [{"id": 7, "pid": 100, "name": "", "vmm": "vmm"}, {"id": 4000000000, "pid": 100},
           {"id": 3, "pid": 200, "name": "first"}, {"id": 1027, "pid": 200, "name": "second"}]
    vcpus = [{"id": 1, "vm": 7, "vcpu": 0, "tid": 101}, {"id": 2, "vm": 4000000000, "vcpu": 0,
                                                         "tid": 102},
             {"id": 5, "vm": 3, "vcpu": 0, "tid": 201, "gone_ns": START + 20 * MS},
             {"id": 4294967293, "vm": 1027, "vcpu": 0, "tid": 201}]
    rec = Recording(vms=vms[:1], vcpus=vcpus[:1])
    for vm, vcpu in zip(vms[1:], vcpus[1:]):
        rec.lines.append(["IDENT", {"vms": [vm], "vcpus": [vcpu]}])
    rec.frame([(START + i * MS, 1000, 1000 * n, 0, 10, vcpu["id"], 1)
               for n, vcpu in enumerate(vcpus, 1) for i in range(n)])
    rec.totals()
    sched = [[START + 1 * MS, 1000, 5, 201, 0, 2], [START + 30 * MS, 1000, 4294967293, 201, 0, 2],
             [START + 1 * MS, 1000, 1, 101, 0, 2]]
    rec.lines.append(["EVENTS", "sched", sched])
    rec.lines.append(["EVENTS", "dirty", [[START + MS, 0, v["id"], 1, 0, 1, 5, 0, 1]
                                          for v in vcpus]])
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def vms(tmp_path_factory):
    return same_pid(tmp_path_factory.mktemp("vms") / "kvmw.data")


NAMES = {7: "100#1", 4000000000: "100#2", 3: "200#1", 1027: "200#2"}


def test_vms_of_one_pid_in_json(vms):
    rep = report(vms, "--sort", "vm")
    assert {row["vm_id"]: row["count"] for row in rep["rows"]} == {7: 1, 4000000000: 2, 3: 3,
                                                                   1027: 4}
    assert {row["vm_id"]: row["pid"] for row in rep["rows"]}[4000000000] == 100
    rows = report(vms, "--sort", "vcpu")["rows"]
    assert [row["vm_id"] for row in sorted(rows, key=lambda row: row["count"])] == list(NAMES)
    out = synthetic.kvmw("report", "-i", vms, "--csv", "--sort", "vm").stdout
    assert {int(row["vm_id"]) for row in csv.DictReader(io.StringIO(out))} == set(NAMES)
    by = report(vms, "-e", "dirty")["dirty"]["by"]
    assert {row["vm_id"] for row in by} == set(NAMES)


def test_vms_of_one_pid_in_text(vms):
    for sort, what in ("vm", " "), ("vcpu", "/0 "):
        text = text_of(vms, "--sort", sort)
        for name in NAMES.values():
            assert f"\n{name}{what}" in text, text
    for args in ["report", "-v", "-i", vms], ["info", "-i", vms]:
        text = synthetic.kvmw(*args).stdout
        for name in NAMES.values():
            assert f"pid {name}," in text
    text = synthetic.kvmw("script", "-i", vms, "-F", "pid,time,event,vcpu", "-e", "exit").stdout
    for name in NAMES.values():
        assert f"{name} " in text and f"vcpu={name}/0" in text


@pytest.mark.parametrize("option", ["--vm", "--pid"])
@pytest.mark.parametrize("which, ids", [
    ("100", [7, 4000000000]), ("100#1", [7]), ("100#2", [4000000000]), ("100#2,200#1",
                                                                        [4000000000, 3]),
    ("200#1-2", [3, 1027]), ("100-200", list(NAMES)), ("7", []), ("100#3", [])])
def test_vms_selected(vms, option, which, ids):
    done = synthetic.kvmw("report", "-i", vms, "--json", "--sort", "vm", option, which)
    rep = json.loads(done.stdout)
    assert sorted(row["vm_id"] for row in rep["rows"]) == sorted(ids)
    if not ids:
        assert done.returncode == 1 and option in rep["empty"]
    out = synthetic.kvmw("script", "-i", vms, "--csv", "-e", "exit", option, which).stdout
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == sum(list(NAMES).index(vm) + 1 for vm in ids)


@pytest.mark.parametrize("which", ["", "100#", "100-200#1", "#1", "100#x", "100#1#2", "100,"])
@pytest.mark.parametrize("option", ["--vm", "--pid"])
def test_wrong_vms(vms, option, which):
    done = synthetic.kvmw("report", "-i", vms, option, which)
    synthetic.one_line(done, 2, option, "list of VMs")


def test_ranges_of_vms(vms):
    done = synthetic.kvmw("report", "-i", vms, "--vm", "100#1-100#2")
    synthetic.one_line(done, 2, "a range of VMs with one pid is 100#1-2")
    synthetic.one_line(synthetic.kvmw("report", "-i", vms, "--vm", "100#1-200#2"), 2, "list of VMs")


def test_vms_by_name(tmp_path):
    """--vm takes the VM's name, or its VMM's; --pid takes no names."""
    rec = synthetic.svm_recording(tmp_path / "f")
    counts = {vm: sum(row[5] in vcpus for row in rec.exits) for vm, vcpus in (("debian12", (0, 1)),
                                                                              ("firecracker", (9,)))}
    for name, count in counts.items():
        assert report(rec.path, "--vm", name)["recorded"] == count > 0
        out = synthetic.kvmw("script", "-i", rec.path, "--csv", "--vm", name).stdout
        assert out.count("\n") == count + 1
    assert report(rec.path, "--vm", "debian12,200")["recorded"] == sum(counts.values())
    synthetic.one_line(synthetic.kvmw("report", "-i", rec.path, "--vm", "debian13"), 1, "is left by --vm",
                       "0 of pid 100 debian12")
    synthetic.one_line(synthetic.kvmw("script", "-i", rec.path, "--vm", "debian13"), 1, "no events match --vm")
    synthetic.one_line(synthetic.kvmw("report", "-i", rec.path, "--pid", "debian12"), 2, "list of VMs")


def test_thread_of_several_vcpus(vms):
    """A thread that ran two vCPUs in turn counts as neither."""
    threads = {t["tid"]: t for t in report(vms, "-e", "sched")["sched"]["threads"]}
    assert threads[101]["name"] == "vCPU 100#1/0"
    assert threads[201]["name"] == "tid 201" and "gone_for_ns" not in threads[201]


def test_one_vm_of_its_pid(gone):
    assert "vm_id" not in report(gone, "--sort", "vm")["rows"][0]
    assert report(gone, "--vm", "100#1")["recorded"] == 4
