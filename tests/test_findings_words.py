# SPDX-License-Identifier: GPL-2.0
"""What findings say besides figures of exits: about snapshots, parameters, memory, senders."""
import pytest

from synthetic import META, START, VMS, Recording, report, text_of
from test_findings import CAUSES, NO, SECOND, US, Vcpu, busy, found, write
from test_report_families import FAULT_WRITE, WRMSR, exit_totals
from test_report_holders import IDLE, KERNEL, RECORDER, VMM, holder
from test_report_threads import BEGIN, END, STACK, thread
from test_report_views_mmu import sum_row

MIB, ICR = 1 << 20, 0x830


def record(path, vcpus, frames=(), params=None, vms=VMS[:1]):
    """frames: lines for make_recording, before the end."""
    kvm = {"module": "kvm_amd", "params": {"kvm": params or {}}}
    ids = [{"id": v.number, "vm": 0, "vcpu": v.number, "tid": 101 + v.number} for v in vcpus]
    rec = Recording(META | {"events": ["exit"], "kvm": kvm}, vms, ids)
    rec.lines += [["EVENTS", "exit", v.rows] for v in vcpus]
    rec.lines.append(["STATS", "total", exit_totals([row for v in vcpus for row in v.rows])])
    rec.lines += frames
    rec.end = START + SECOND
    return rec.finish().write(path)


def setup(irqchip=1, halt_poll_ns=200000):
    return ["STATS", "vm_config", [[START, 1, 100, 0, NO, 0, 0, 1, irqchip, 0, 0, halt_poll_ns] + [None] * 6]]


def wait_line(path, *args):
    lines = [line for line in text_of(path, "--width", 400, *args).splitlines() if line.startswith("-> ")]
    assert len(lines) <= 1
    return lines[0] if lines else None


def test_who_had_the_cpu_where_that_is_no_finding(tmp_path):
    vcpu = CAUSES["waiting"](busy(Vcpu(), 20))
    path = write(tmp_path / "f", [vcpu], holders=[
        holder(0, 1, RECORDER, 300, 300, NO, "kvmw", 9, 380_000 * US),
        holder(0, 2, RECORDER, 301, 300, NO, "kvmw", 9, 50_000 * US),
        holder(0, 3, VMM, 105, 100, NO, "debian12", 9, 60_000 * US),
        holder(0, 4, KERNEL, 7, 7, NO, "ksoftirqd/0", 9, 5_000 * US)])
    assert report(path)["findings"] == []
    assert wait_line(path) == (
        "-> Waiting for a CPU took 49.5% of the time: for 87% of that kvmw record itself had it, for 12% of that other "
        "threads of the VMM had it, most thread debian12 (tid 105).")
    path = write(tmp_path / "f", [busy(Vcpu(), 500).add(800 * US, 150 * US, "interrupt", 450, wait=140 * US)])
    assert wait_line(path) == "-> Waiting for a CPU took 6.3% of the time; who had it is unknown."
    assert wait_line(path, "--time", "0,0.9").endswith("% of the time; who had it is unknown for a window of time.")


def test_no_more_of_a_wait_that_is_a_finding(tmp_path):
    vcpu = CAUSES["waiting"](busy(Vcpu(), 20))
    for own, words in (0, "most kworker/0:1."), (150_000, "kworker/0:1. For another 15.0% of the time kvmw record itself had it."):
        path = write(tmp_path / "f", [vcpu], holders=[
            holder(0, 1, KERNEL, 7, 7, NO, "kworker/0:1", 9, (495_000 - own) * US),
            holder(0, 2, RECORDER, 300, 300, NO, "kvmw", 9, own * US)])
        finding, = report(path)["findings"]
        assert finding["rule"] == "waiting" and wait_line(path) is None
        assert finding["text"].endswith(words)


@pytest.mark.parametrize("by_migration, told", [(200_000, True), (450_000, False)])
def test_what_a_migration_does_not_explain(tmp_path, by_migration, told):
    vcpu = CAUSES["waiting"](busy(Vcpu(), 20))
    path = write(tmp_path / "f", [vcpu], holders=[
        holder(0, 1, VMM, 105, 100, NO, "live_migration", 9, by_migration * US),
        holder(0, 2, RECORDER, 300, 300, NO, "kvmw", 9, (495_000 - by_migration) * US)])
    assert "migration" in found(path)
    assert bool(wait_line(path)) == told


def test_little_waiting_is_not_told(tmp_path):
    vcpu = busy(Vcpu(), 20).add(800 * US, 100 * US, "interrupt", 450, wait=90 * US)
    path = write(tmp_path / "f", [vcpu], holders=[holder(0, 1, IDLE, 0, 0, NO, "", 9, 40_500 * US)])
    assert wait_line(path) is None


def test_what_page_faults_slept_is_told_once(tmp_path):
    vcpu = busy(Vcpu(), 20)
    for i in range(4000):
        vcpu.add(20 * US, 200 * US, "npf", block=150 * US, detail=0x1000000 + i * 4096, kind=FAULT_WRITE)
    taken = [sum_row(1, 1, 100, 300, 100, "balloon", 2, 28, 60, 6000, 5000)]
    assert list(found(write(tmp_path / "f", [vcpu], taken=taken))) == ["memory-taken"]
    # The rest of their sleep does not matter here.
    vcpu.add(500 * US, 1500 * US, "io", 40, block=1400 * US, detail=0x5150, kind=2, user_reason=2)
    findings = found(write(tmp_path / "f", [vcpu], taken=taken))
    assert list(findings) == ["memory-taken", "blocked"]
    assert findings["blocked"]["evidence"]["block_ns"] == 40 * 1400 * US


@pytest.mark.parametrize("begin, end, call, words", [
    ("S", "S", 202, "; at the end vCPU 0 was asleep in futex_wait_queue, in system call futex."),
    ("S", "D", 999, "; at the end vCPU 0 was asleep in futex_wait_queue, in system call 999."),
    ("S", "R", 202, "; at the start vCPU 0 was asleep in futex_wait_queue, in system call futex."),
    ("T", "R", 202, "io out 0x5150."),
])
def test_where_a_thread_slept(tmp_path, begin, end, call, words):
    vcpu = busy(Vcpu(), 20).add(500 * US, 1500 * US, "io", 480, block=1400 * US, detail=0x5150, kind=2, user_reason=2)
    rows = [thread(kind, 100, 101, 0, state, 0, (0, 0, 0, 0, 0), "CPU 0/KVM") for kind, state in
            ((BEGIN, begin), (END, end))]
    for row in rows:
        row[10] = call
    stack = {"stacks": [{"id": STACK, "frames": ["futex_wait_queue+0x60", "do_futex+0x10"]}]}
    path = record(tmp_path / "f", [vcpu], [["IDENT", stack], ["STATS", "thread", rows]])
    assert found(path)["blocked"]["text"].endswith(words.replace("io out", "out"))


def test_who_lets_a_halt_go_on(tmp_path):
    """never-halts says who lets halts go on: the VMM, as KVM has no interrupt controller, or
    KVM."""
    of_vmm = busy(Vcpu(), 20).add(200 * US, 20 * US, "hlt", 4000, user=10 * US, user_reason=5)
    for irqchip, words in (0, " no interrupt controller in KVM, so that KVM does not halt it."), (1, " the vCPU go on."):
        text = found(record(tmp_path / "f", [of_vmm], [setup(irqchip)]))["never-halts"]["text"]
        assert " 100% of them went to the VMM, which let the vCPU go on" in text and text.endswith(words)
    of_kvm = busy(Vcpu(), 20).add(200 * US, 20 * US, "hlt", 3000).add(20 * US, 5 * US, 0x7c, 300, detail=0x80b, kind=WRMSR)
    assert found(record(tmp_path / "f", [of_kvm], [setup()]))["never-halts"]["text"].endswith(
        " KVM found an interrupt, or another event, already pending; the guest ends 300 interrupts a second.")


def test_the_window_of_polling(tmp_path):
    vcpu = CAUSES["polling"](busy(Vcpu(), 20))
    params = {"halt_poll_ns": "200000", "halt_poll_ns_grow": "2", "halt_poll_ns_grow_start": "10000",
              "halt_poll_ns_shrink": "0"}
    for limit, own in (200000, ""), (50000, "; this VM's limit is 50000"), (None, ""):
        finding = found(record(tmp_path / "f", [vcpu], [setup(halt_poll_ns=limit)], params))["polling"]
        assert finding["text"].endswith(
            f" kvm.halt_poll_ns is 200000, grow 2, grow_start 10000, shrink 0{own}.")
        assert finding["evidence"].get("halt_poll_ns") == limit
    assert "halt_poll_ns" not in found(record(tmp_path / "f", [vcpu]))["polling"]["text"]


def memory(**of):
    row = {"bytes": 300 * MIB, "anon": 256 * MIB, "huge": 64 * MIB, "hugetlb": 0} | of
    return [START, 2, 100, NO, row["bytes"], row["anon"], row["huge"], 0, 0, row["hugetlb"], NO, 2, NO]


SLOTS = [[START, 1, 100, 0, 0, 0, 0, 0xa0000, 0x7f0000000000, 0],
         [START, 1, 100, 0, 3, 0, 0x100000, 0x7ff00000, 0x7f1000000000, 0],
         [START, 1, 100, 0, 1 << 16 | 3, 0, 0x100000, 0x7ff00000, 0x7f1000000000, 0]]


def test_which_memory_is_touched(tmp_path):
    vcpu = busy(Vcpu(), 20)
    CAUSES["page-faults"](vcpu)
    frames = [["STATS", "slot", SLOTS], ["STATS", "vm_memory", [memory()]],
              ["IDENT", {"texts": [{"id": 3, "text": "madvise"}]}], ["STATS", "host", [[START, 1, 8, None, 3]]]]
    finding = found(record(tmp_path / "f", [vcpu], frames))["page-faults"]
    assert finding["text"].endswith(
        " They were on 9000 pages of 4 KiB, 35.2 MiB, 1.0 faults for each: probably its first touch. 100% of the pages "
        "are in memory slot 3, gpa 0x100000 to 0x7fffffff. 25.0% of the VMM's anonymous memory, 256 MiB, was in huge pages "
        "(transparent_hugepage: madvise).")
    evidence = finding["evidence"]
    assert (evidence["pages"], evidence["of_one_slot"], evidence["anon_huge_percent"]) == (9000, 9000, 25)
    for column in 6, 7:
        unknown = [list(row) for row in SLOTS]
        unknown[1][column] = None
        frames[0] = ["STATS", "slot", unknown]
        assert "memory slot" not in found(record(tmp_path / "f", [vcpu], frames))["page-faults"]["text"]
    # Unknown is not zero, and there may be several nodes.
    nodes = [[START, 2, 100, node, size * MIB, None, None, None, None, None, NO, 0, NO] for node, size in
             ((0, 60), (1, 180))]
    frames = [["STATS", "vm_memory", [memory(huge=None, hugetlb=128 * MIB), *nodes]]]
    text = found(record(tmp_path / "f", [vcpu], frames))["page-faults"]["text"]
    assert text.endswith(": probably its first touch. 128 MiB of the VMM's memory are pages of hugetlbfs. Its memory is on the "
                         "NUMA nodes 0 (25%), 1 (75%).")


def test_touched_again(tmp_path):
    vcpu = busy(Vcpu(), 20)
    for i in range(9000):
        vcpu.add(50 * US, 50 * US, "npf", detail=0x1000000 + i % 3000 * 4096, kind=FAULT_WRITE)
    assert " They were on 3000 pages of 4 KiB, 11.7 MiB, 3.0 faults for each: some came back." in \
        found(record(tmp_path / "f", [vcpu]))["page-faults"]["text"]


def test_who_sends_interrupts(tmp_path):
    vcpus = [Vcpu(0), busy(Vcpu(1), 900), busy(Vcpu(2), 900)]
    vcpus[0].add(80 * US, 20 * US, 0x7c, 9000, detail=ICR, kind=WRMSR)
    vcpus[1].add(80 * US, 20 * US, 0x7c, 900, detail=ICR, kind=WRMSR)
    for row in vcpus[0].rows + vcpus[1].rows[900:]:
        row += [0, 0, 2 << 32 | 0xfd]
    finding = found(record(tmp_path / "f", vcpus))["ipi-storm"]
    assert finding["text"].endswith(" 2 of 3 vCPUs send any; vCPU 0 sent most, 91%.")
    assert " 100% of them: IPI vector 0xfd to " in finding["text"]
    assert finding["evidence"]["senders"] == 2 and finding["evidence"]["of_one_vcpu"] == 9000


def test_how_often_timers_are_set(tmp_path):
    finding = found(record(tmp_path / "f", [CAUSES["timer-storm"](busy(Vcpu(), 20))]))["timer-storm"]
    assert ": 8991 a second per vCPU, one every 110 us, 18.0% of the time." in finding["text"]


def test_a_tick_is_no_storm(tmp_path):
    """A periodic tick is no timer-storm, however much it costs."""
    vcpu = busy(Vcpu(), 20).add(1000 * US, 2500 * US, 0x7c, 240, detail=0x6e0, kind=WRMSR)
    assert "timer-storm" not in found(record(tmp_path / "f", [vcpu]))


def test_in_which_stack_threads_slept(tmp_path):
    """blocked names the stack in which threads slept, not one of a lost CPU or of a halt."""
    vcpu = busy(Vcpu(), 20).add(500 * US, 1500 * US, "io", 480, block=1400 * US, detail=0x5150, kind=2, user_reason=2)
    frames = [["do_sys_poll+0x1a0", "__x64_sys_ppoll+0x9"], ["exit_to_user_mode_prepare+0x17c"],
              ["kvm_vcpu_block+0x4f [kvm]"], ["dm_submit_bio+0x10 [dm_mod]"]]
    rows = [[START + i * 1000, span * US, 0, 101, 0, kind, 0x7b, 2, stack, None] for i, (span, kind, stack) in enumerate(
        [(100, 1, 1), (150, 1, 1), (900, 1, 2), (800, 1, 3), (200, 1, 4), (9000, 2, 4), (9000, 1, None)])]
    lines = [["IDENT", {"stacks": [{"id": i + 1, "frames": one} for i, one in enumerate(frames)]}], ["EVENTS", "stack", rows]]
    finding = found(record(tmp_path / "f", [vcpu], lines))["blocked"]
    assert finding["text"].endswith("; by the recorded stacks, most in do_sys_poll.")
    assert finding["next"] == "kvmw report -e stack"
