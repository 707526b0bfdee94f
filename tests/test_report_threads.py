# SPDX-License-Identifier: GPL-2.0
"""What a recording says about the VMs' threads, and thus about vCPUs without events."""
import json

import pytest

import synthetic
from synthetic import START, Recording, report, text_of

MS = 1_000_000
NO = 0xffffffff
BEGIN, END = 1, 2
STACK = 1 << 30


def thread(kind, pid, tid, number, state, in_run, times, comm="CPU 1/KVM", stack=STACK):
    """times: user, system, guest, on a CPU, waiting."""
    words = [int.from_bytes(comm.encode().ljust(16, b"\0")[i:i + 8], "little") for i in (0, 8)]
    at = START + (0 if kind == BEGIN else 2000 * MS)
    return [at, kind, pid, tid, number, 77, *words, ord(state), in_run, 16, stack,
            *[ms * MS for ms in times], 3, 2, 0, 1 if tid == 102 else 0, 50 if tid == 102 else 0, -5]


def vcpu(kind, pid, number):
    row = [None] * 23
    row[:5] = [START + kind * 1000 * MS, kind, pid, NO, number]
    return row


def make(path, exits=True, name="qemu", **options):
    """vCPU 0 exits, 1 sleeps, 2 is in the guest all the time, 3 has no thread."""
    rec = Recording(**({} if exits else {"vms": [], "vcpus": []}), **options)
    if exits:
        rec.frame([(START + 10 * MS, 10 * MS, 1 * MS, 0, 30, 0, 1)])
        rec.totals()
    rec.lines.append(["IDENT", {"texts": [{"id": 0, "text": "2-3"}],
                                "neighbours": [{"pid": 100, "name": "debian12", "vmm": name}],
                                "stacks": [{"id": STACK, "frames": [
                                    "kvm_vcpu_block+0x4f [kvm]", "kvm_vcpu_ioctl+0x20 [kvm]"]}]}])
    running = 0xffff
    rec.lines.append(["STATS", "thread", [
        thread(BEGIN, 100, 101, NO, "R", running, (0, 0, 0, 0, 0), "CPU 0/KVM", NO),
        thread(BEGIN, 100, 102, 1, "S", 1, (10, 10, 10, 30, 0)),
        thread(BEGIN, 100, 103, NO, "R", running, (10, 10, 1000, 1020, 0), "CPU 2/KVM", NO),
        thread(BEGIN, 100, 100, NO, "S", 0, (0, 0, 0, 0, 0), "qemu"),
        vcpu(BEGIN, 100, 2), vcpu(BEGIN, 100, 3)]])
    memory = [512 << 20, 480 << 20, 2 << 20, None]
    groups = [[START, BEGIN, 100, 1, 5, 2, 0, 0, 0, 0, 0, *memory],
              [START, BEGIN, 100, 3, 5, None, 30 * MS, 100 * MS, 10, 5, 50 * MS, *[None] * 4]]
    rec.lines.append(["IDENT", {"texts": [{"id": 1, "text": "/slice/vm"}, {"id": 2, "text": "0-3"},
                                          {"id": 3, "text": "/slice"}]}])
    rec.lines.append(["STATS", "cgroup", [list(row) for row in groups]])
    facts = [[START, 1, 1, 100 * MS, NO], [START, 1, 2, 200 * MS, NO], [START, 1, 7, 50, NO],
             [START, 1, 8, None, 4], [START, 1, 21, None, 5], [START, 1, 21, None, 6], [START, 1, 99, 1, NO],
             [START, 1, 4, 3, NO]]
    rec.lines.append(["IDENT", {"texts": [{"id": 4, "text": "madvise"}, {"id": 5, "text": "mds: Vulnerable"},
                                          {"id": 6, "text": "l1tf: Mitigation: x"}]}])
    rec.lines.append(["STATS", "host", facts])
    at = START + 2000 * MS
    rec.lines.append(["STATS", "host", [[at, 2, 1, 1380 * MS, NO], [at, 2, 2, 64200 * MS, NO],
                                        [at, 2, 7, 20, NO]]])
    rec.end = START + 1999 * MS
    groups[0][1] = groups[1][1] = END
    groups[0][4] = groups[1][4] = 4
    groups[1][8:11] = [30, 15, 1050 * MS]
    rec.lines.append(["STATS", "cgroup", groups])
    rec.lines.append(["STATS", "thread", [
        thread(END, 100, 101, NO, "R", running, (0, 0, 900, 1000, 900), "CPU 0/KVM", NO),
        thread(END, 100, 102, 1, "S", 1, (10, 10, 10, 30, 0)),
        thread(END, 100, 103, 2, "S", 1, (10, 20, 2900, 2980, 20), "CPU 2/KVM"),
        thread(END, 100, 100, NO, "S", 0, (1, 1, 0, 2, 0), "qemu"), vcpu(END, 100, 3)]])
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return make(tmp_path_factory.mktemp("threads") / "kvmw.data")


def test_json(known):
    rep = report(known)
    assert [(t["vcpu"], t["tid"]) for t in rep["vcpus_without_events"]] == [(1, 102), (2, 103), (3, None)]
    asleep, busy, never = rep["vcpus_without_events"]
    assert (asleep["asleep_ns"], asleep["span_ns"], asleep["on_cpu_ns"]) == (2000 * MS, 2000 * MS, 0)
    assert asleep["start"]["asleep_in"] == asleep["end"]["asleep_in"] == "kvm_vcpu_block"
    assert (busy["guest_ns"], busy["system_ns"], busy["on_cpu_ns"], busy["waiting_ns"]) == (
        1900 * MS, 10 * MS, 1960 * MS, 20 * MS)
    assert busy["start"]["stack"] == [] and busy["start"]["asleep_in"] is None
    assert never["start"] is never["on_cpu_ns"] is None


def test_info(known):
    info = json.loads(synthetic.kvmw("info", "-i", known, "--json").stdout)
    threads = {t["tid"]: t for t in info["threads"]}
    assert list(threads) == [101, 102, 103, None, 100] and info["threads_left_out"] == 0
    assert (threads[101]["vcpu"], threads[101]["vcpu_id"], threads[100]["vcpu"]) == (0, 0, None)
    end = threads[102]["end"]
    assert (end["policy"], end["rt_priority"], end["nice"], end["affinity"], end["cpus"]) == (
        1, 50, -5, "2-3", 2)
    text = synthetic.kvmw("info", "-v", "-i", known).stdout
    for words in ("100/101    0 CPU 0/KVM R R  ", "100/?      3", "kvm_vcpu_block"):
        assert words in text
    assert "fifo 50" in synthetic.kvmw("info", "-v", "-i", known, env={"COLUMNS": "120"}).stdout
    assert "100/101" not in synthetic.kvmw("info", "-i", known).stdout


def test_limits(known):
    info = json.loads(synthetic.kvmw("info", "-i", known, "--json").stdout)
    assert info["vm_cpus"] == [{"pid": 100, "vcpus": 4, "cpus": 2, "quota_cpus": 0.3}]
    above, own = info["cgroups"]
    assert above == {"pid": 100, "path": "/slice", "threads": 4, "cpuset": None, "quota_ns": 30 * MS,
                     "period_ns": 100 * MS, "periods": 20, "throttled_periods": 10,
                     "throttled_ns": 1000 * MS, "anon_bytes": None, "anon_huge_bytes": None,
                     "shmem_bytes": None, "shmem_huge_bytes": None}
    assert (own["anon_huge_bytes"], own["shmem_bytes"], own["shmem_huge_bytes"]) == (480 << 20, 2 << 20, None)
    assert (own["path"], own["cpuset"], own["quota_ns"]) == ("/slice/vm", "0-3", 0)
    for text in (synthetic.kvmw("info", "-i", known).stdout, text_of(known, "-v")):
        words = " ".join(text.replace("#", " ").split())
        assert "pid 100: 4 vCPUs, which may use 2 CPUs, but no more than 0.30 CPUs' time" in words
        assert ("/slice (pid 100, 4 threads): quota 30 of each 100 ms, used up in 10 of 20 periods, "
                "1.000s") in words
        assert ("/slice/vm (pid 100, 4 threads): CPUs 0-3, no quota, 512 MiB anonymous memory (93.8% in huge "
                "pages), 2 MiB shared memory") in words
    assert "no quota" not in text_of(known)


def test_host(known):
    info = json.loads(synthetic.kvmw("info", "-i", known, "--json").stdout)
    facts = {(fact["name"], fact["text"]): fact for fact in info["host_state"]}
    assert list(facts) == [("steal", None), ("idle", None), ("vms", None), ("ksm_sharing", None),
                           ("thp", "madvise"), ("vulnerability", "l1tf: Mitigation: x"),
                           ("vulnerability", "mds: Vulnerable")]
    # Of the 64 CPUs of the synthetic host.
    assert (facts["steal", None]["change"], facts["steal", None]["percent"]) == (1280 * MS, 1)
    assert facts["idle", None]["percent"] == 50
    assert (facts["ksm_sharing", None]["value"], facts["ksm_sharing", None]["change"]) == (20, -30)
    assert (facts["thp", "madvise"]["value"], facts["vms", None]["change"]) == (None, None)
    for text in (synthetic.kvmw("info", "-i", known).stdout, text_of(known, "-v")):
        for words in ("steal: 1.0% of the time of all CPUs", "ksm_sharing: 20 (-30 in the recording)",
                      "thp: madvise", "vms: 3\n", "vulnerability: mds: Vulnerable"):
            assert words in text
    assert "madvise" not in text_of(known)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_text(known, width):
    text = text_of(known, "--width", width)
    assert synthetic.widest(text) <= width
    words = " ".join(text[text.index("vCPUs without an exit"):].split())
    assert ("vCPU 100/1: thread 102 CPU 1/KVM; on a CPU 0.0%, waiting for one 0.0%, asleep 100.0% of the time; "
            "asleep in kvm_vcpu_block inside KVM_RUN at the start and at the end") in words
    assert ("vCPU 100/2: thread 103 CPU 2/KVM; on a CPU 98.0% (in the guest 95.0%), waiting for one 1.0%, asleep "
            "1.0% of the time; at the end asleep in") in words
    assert "vCPU 100/3: no thread is known to run it" in words and "vCPU 100/0" not in words


def test_selection(known):
    assert [t["vcpu"] for t in report(known, "--vcpu", "0,2")["vcpus_without_events"]] == [2]
    assert report(known, "--vm", "debian12")["vcpus_without_events"]
    assert "vcpus_without_events" not in report(known, "--time", "0,1")


def test_a_vm_without_an_exit(tmp_path):
    path = make(tmp_path / "f", exits=False)
    done = synthetic.kvmw("report", "-i", path)
    synthetic.one_line(done, 1, "no VM exit happened", "3 vCPUs", "1 asleep", "1 on a CPU", "1 of unknown state")
    assert "3 vCPUs without an event" in done.stdout and "vCPU 2: thread 103" in done.stdout
    assert len(report(path, status=1)["vcpus_without_events"]) == 3


def test_vcpus_that_were_not_recorded(tmp_path):
    """With record --vcpu, report does not claim that the other vCPUs had no events."""
    meta = synthetic.META | {"filters": {"vcpus": [0]}}
    assert "vcpus_without_events" not in report(make(tmp_path / "f", meta=meta))
    meta = synthetic.META | {"events": ["irq"]}
    assert "vcpus_without_events" not in report(make(tmp_path / "g", meta=meta))


def test_a_vcpu_that_is_gone(tmp_path):
    """A vCPU that had events and died: its thread at the start does not count as a vCPU without
    events."""
    vcpus = [dict(synthetic.VCPUS[0]), dict(synthetic.VCPUS[1]) | {"gone_ns": START + 500 * MS}]
    rec = Recording(vcpus=vcpus)
    rec.frame([(START + 10 * MS, 10 * MS, 1 * MS, 0, 30, 0, 1), (START + 20 * MS, 10 * MS, 1 * MS, 0, 30, 1, 1)])
    rec.totals()
    rec.lines.append(["STATS", "thread", [
        thread(BEGIN, 100, 101, 0, "R", 0, [1] * 5), thread(BEGIN, 100, 102, 1, "R", 0, [1] * 5),
        thread(END, 100, 101, 0, "R", 0, [2] * 5)]])
    assert report(rec.finish().write(tmp_path / "f"))["vcpus_without_events"] == []
