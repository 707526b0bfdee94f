# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e: families of events by kind and by detail; the cycle's parts."""
import csv
import io
import json
import operator
import random

import pytest

from synthetic import (META, START, SVM, VCPUS, VMS, Recording, kvmw, one_line, report,
                        same_in_csv, text_of)

MS = 1_000_000
ROLES = [{"id": 20, "vm": 0, "vcpu": None, "tid": 100, "comm": "qemu", "role": "vmm"},
         {"id": 21, "vm": None, "vcpu": None, "tid": 0, "comm": "", "role": "kernel"}]
TASKS = [{"tid": 55, "comm": "vhost-100"}]
STACKS = [{"id": 1, "frames": ["vcpu_enter_guest+0x1 [kvm]", "kvm_vcpu_ioctl+0x2 [kvm]"]},
          {"id": 2, "frames": ["__ioctl+0x3b [libc.so.6]", "kvm_cpu_exec+0x4 [qemu]"]}]
POINTS = [{"kind": 1, "name": "kvm:kvm_pio", "format": "name: kvm_pio"},
          {"kind": 2, "name": "kvm:kvm_fpu", "format": "name: kvm_fpu"}]
KVM_RUN, KVM_SET_REGS, UNKNOWN = 0xae80, 0x4090ae82, 0xaeff

# time, span, vcpu, tid, cpu, kind, then the family's own
IOCTLS = [[START + i, 100 + i, 20, 100, i % 2, 1, [KVM_RUN, KVM_SET_REGS, KVM_RUN, UNKNOWN][i % 4],
           3, 11, 0, 0] for i in range(40)]
HYPERCALLS = [[START + i, None, i % 2, 101, 0, [1, 1, 2][i % 3], [10, 11, 0x5c][i % 3]]
              for i in range(30)]
MMU = [[START + i * MS, 7000 if i % 2 else None, [21, 20][i % 2], 9, 3, [5, 1][i % 2], 0x7f0000,
        0x7f1000] for i in range(20)]
FAULTS = [[START + i, 2000 + i, 0, 101, 0, 1, 0xfee00000 + 0x800 * i, 2, 0, 2] for i in range(8)]
NESTED = [[START + i, None, 0, 101, 0, 2, 0, 0, [0x78, 0x72][i % 2], 0, 0, 0, 0, 2]
          for i in range(6)]
STACK = [[START + i, 500 + i, 0, 101, 0, 1, 0x78, 2, 1, [2, None][i % 2]] for i in range(10)]
RAW = [[START + i, None, 0, 101, 0, [1, 2, 1][i % 3], 8, 0] for i in range(9)]
FAMILIES = {"ioctl": IOCTLS, "hypercall": HYPERCALLS, "mmu": MMU, "fault": FAULTS,
            "nested": NESTED, "stack": STACK, "raw": RAW}
IDS = {"exit": 1, "fault": 3, "ioctl": 8, "hypercall": 9, "mmu": 11, "nested": 13, "stack": 14,
       "raw": 15}


def exit_row(at, guest, total, user, reason, vcpu, halt=0, poll=0, wait=0, block=0, detail=None,
             kind=0, user_reason=0xffffffff, cpu=0):
    return [at, guest, total, user, 0, 0, 0, 0, 0, reason, vcpu, 2, halt, poll, wait, block, detail,
            kind, 0, user_reason, cpu, cpu]


IN, OUT, MMIO_WRITE, FAULT_WRITE, RDMSR, WRMSR, CPUID = 1, 2, 4, 7, 9, 10, 13
EXITS = [
    exit_row(START + 1000, 500, 9000, 6000, SVM["io"], 0, wait=1000, detail=0x3f8, kind=OUT,
             user_reason=2, cpu=1),
    exit_row(START + 20000, 600, 9500, 6500, SVM["io"], 0, wait=500, detail=0x3f8, kind=OUT,
             user_reason=2),
    exit_row(START + 30000, 600, 4000, 2000, SVM["io"], 0, block=100, detail=0x60, kind=IN,
             user_reason=2),
    exit_row(START + 40000, 700, 1000, 0, SVM["cpuid"], 0, detail=7, kind=CPUID),
    exit_row(START + 50000, 800, 90 * MS, 0, SVM["hlt"], 1, halt=80 * MS, poll=200_000, wait=2 * MS,
             block=3 * MS),
    exit_row(START + 60000, 800, 3000, 0, SVM["npf"], 1, detail=0x1234567, kind=FAULT_WRITE),
    exit_row(START + 64000, 800, 5000, 0, SVM["npf"], 1, detail=0x1234008, kind=FAULT_WRITE),
    exit_row(START + 70000, 800, 2500, 0, SVM["npf"], 1, detail=0xfee000b0, kind=MMIO_WRITE),
    exit_row(START + 80000, 100, 2000, 0, 0x7c, 1, detail=0x6e0, kind=WRMSR),
    exit_row(START + 90000, 100, 2100, 0, 0x7c, 1, detail=0x12345, kind=RDMSR),
]
END = START + 200 * MS


def totals_of(name, rows):
    """Totals of a family: reason is the kind."""
    sums = {}
    for row in rows:
        t = sums.setdefault((row[2], row[5]), [row[2], IDS[name], 0, row[5], 0, 0, 0, 0, 0])
        t[4] += 1
        t[5] += row[1] is not None
        t[8] += row[1] or 0
    return list(sums.values())


def exit_totals(rows):
    of = {}
    for row in rows:
        of.setdefault((row[10], row[9]), []).append(row)
    return [[vcpu, 1, 2, reason, len(mine), len(mine), 0, *(
        sum(filter(None, column)) for column in operator.itemgetter(1, 2, 3, 12, 13, 14, 15)([*zip(*mine)]))]
        for (vcpu, reason), mine in of.items()]


def make(path, families, exits=(), with_totals=True, lost=None):
    meta = META | {"events": ["exit", *families, "timer"], "tracepoints": POINTS}
    rec = Recording(meta, VMS, VCPUS + ROLES)
    rec.lines[1][1]["tasks"] = TASKS
    rec.lines[1][1]["stacks"] = STACKS
    totals = exit_totals(exits)
    if exits:
        rec.lines.append(["EVENTS", "exit", exits])
    for name, rows in families.items():
        rec.lines.append(["EVENTS", name, rows])
        totals += totals_of(name, rows)
    for extra in lost or []:
        totals += extra
    if with_totals:
        rec.lines.append(["STATS", "total", totals])
    rec.end = END - MS
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return make(tmp_path_factory.mktemp("families") / "kvmw.data", FAMILIES, EXITS)


def by(rep, key):
    return {row[key]: row for row in rep["rows"]}


@pytest.mark.parametrize("name, kinds", [
    ("ioctl", {"call": 1}), ("hypercall", {"kvm": 1, "hyperv": 2}),
    ("mmu", {"unmap_hva": 1, "get_page": 5}), ("fault", {"page_fault": 1}),
    ("nested", {"exit": 2}), ("raw", {"kvm:kvm_pio": 1, "kvm:kvm_fpu": 2})])
def test_a_family_by_kind(everything, name, kinds):
    rep = report(everything, "-e", name, "-s", "kind")
    assert rep["event"] == name and rep["lost"] == rep["unfinished"] == 0
    assert {row["kind"]: row["kind_number"] for row in rep["rows"]} == kinds
    for row in rep["rows"]:
        mine = [r for r in FAMILIES[name] if r[5] == row["kind_number"]]
        spans = [r[1] for r in mine if r[1] is not None]
        assert row["exact"] and row["count"] == row["recorded"] == len(mine)
        assert row["spans"] == len(spans)
        assert row["time_ns"] == (sum(spans) if spans else None)
        assert row["max_ns"] == (max(spans) if spans else None)
        assert row["mean_ns"] == (sum(spans) // len(spans) if spans else None)
    assert rep["total"]["count"] == len(FAMILIES[name])


def test_counts_of_the_kernel_hold_under_loss(tmp_path):
    lost = [[[0, 11, 0, 1, 5, 5, 5, 0, 1000]]]
    path = make(tmp_path / "f", {"mmu": MMU}, lost=lost)
    row = by(report(path, "-e", "mmu"), "kind")["unmap_hva"]
    assert (row["count"], row["lost"], row["recorded"], row["exact"]) == (15, 5, 10, True)
    assert row["time_ns"] == 10 * 7000 + 1000
    path = make(tmp_path / "g", {"mmu": MMU}, with_totals=False)
    row = by(report(path, "-e", "mmu"), "kind")["unmap_hva"]
    assert (row["count"], row["exact"], row["time_ns"]) == (10, False, 70000)


def test_a_view_of_rows_says_so_under_loss(everything, tmp_path):
    rows = FAMILIES["fault"]
    path = make(tmp_path / "f", {"fault": rows}, lost=[[[1, IDS["fault"], 0, 1, 5, 5, 5, 0, 1000]]])
    text = " ".join(text_of(path, "-e", "fault").split())
    assert f"The sections below cover only the {len(rows)} recorded " in text
    assert f", not all {len(rows) + 5}. " in text
    assert "The sections below" not in text_of(everything, "-e", "fault")


def test_a_family_without_times_has_no_columns_of_times(everything):
    head = next(line for line in text_of(everything, "-e", "hypercall", "-s", "kind").splitlines()
                if line.startswith("what"))
    assert head.split() == ["what", "count", "%"]
    head = next(line for line in text_of(everything, "-e", "mmu").splitlines()
                if line.startswith("what"))
    assert "p99" in head.split() and "VMM%" not in head and "guest" not in head
    line = next(line for line in text_of(everything, "-e", "mmu").splitlines()
                if line.startswith("get_page"))
    assert line.split()[1:] == ["10", "50.0"] + ["-"] * 8


def test_ioctls_by_name(everything):
    rows = by(report(everything, "-e", "ioctl"), "detail")
    assert {name: row["count"] for name, row in rows.items()} == {
        "KVM_RUN": 20, "KVM_SET_REGS": 10, "0xaeff": 10}
    assert rows["KVM_SET_REGS"]["detail_value"] == KVM_SET_REGS
    assert not rows["KVM_RUN"]["exact"]
    # The kernel still counts what no row distinguishes.
    total = report(everything, "-e", "ioctl")["total"]
    assert total["exact"] and total["count"] == 40 and total["time_ns"] == sum(r[1] for r in IOCTLS)


def test_hypercalls_by_kind_and_number(everything):
    rep = report(everything, "-e", "hypercall")
    assert {(row["kind"], row["detail"]): row["count"] for row in rep["rows"]} == {
        ("kvm", "0xa KVM_HC_SEND_IPI"): 10, ("kvm", "0xb KVM_HC_SCHED_YIELD"): 10,
        ("hyperv", "0x5c PostMessage"): 10}


def test_exits_of_nested_guests_by_reason(everything):
    rep = report(everything, "-e", "nested")
    assert {(row["kind"], row["detail"]): row["count"] for row in rep["rows"]} == {
        ("exit", "hlt"): 3, ("exit", "cpuid"): 3}


def test_stacks(everything):
    rep = report(everything, "-e", "stack")
    assert {row["detail"]: row["count"] for row in rep["rows"]} == {
        "vcpu_enter_guest+0x1 [kvm] < kvm_vcpu_ioctl+0x2 [kvm]": 5,
        "vcpu_enter_guest+0x1 [kvm] < kvm_vcpu_ioctl+0x2 [kvm] | __ioctl+0x3b [libc.so.6] < "
        "kvm_cpu_exec+0x4 [qemu]": 5}
    assert rep["stacks"][0]["kernel"] == STACKS[0]["frames"]
    assert sorted(len(stack["user"]) for stack in rep["stacks"]) == [0, 2]
    assert report(everything, "-e", "stack", "--top", "1")["rows_hidden"] == 1
    text = text_of(everything, "-e", "stack")
    assert text.count("  kernel vcpu_enter_guest+0x1 [kvm]") == 2
    assert text.count("  VMM    __ioctl+0x3b [libc.so.6]\n         kvm_cpu_exec+0x4 [qemu]") == 1
    text = text_of(everything, "-e", "stack", "--top", "1")
    assert "1 more row not shown, but included in the total" in text


def test_stacks_that_look_alike_are_one(tmp_path):
    """Stacks that differ only in parts that are not shown are one row; labels omit how the thread
    left its CPU."""
    frames = ["__schedule+0x5", "schedule+0x1"] + STACKS[0]["frames"]
    rec = Recording(META | {"events": ["stack"]}, VMS, VCPUS)
    rec.lines[1][1]["stacks"] = [{"id": i, "frames": frames} for i in (9, 7)] + STACKS
    rows = [row[:8] + [[9, 7][i % 2], None] for i, row in enumerate(STACK)]
    rec.lines.append(["EVENTS", "stack", rows])
    rec.end = END
    rep = report(rec.finish().write(tmp_path / "f"), "-e", "stack")
    assert {row["detail"]: row["count"] for row in rep["rows"]} == {
        "vcpu_enter_guest+0x1 [kvm] < kvm_vcpu_ioctl+0x2 [kvm]": 10}
    assert [stack["kernel"] for stack in rep["stacks"]] == [frames]


def test_a_tracepoint_that_never_fired(tmp_path):
    rec = Recording(META | {"events": ["kvm:kvm_pio"], "tracepoints": POINTS[:1]})
    rec.end = END
    path = rec.finish().write(tmp_path / "f")
    one_line(kvmw("report", "-i", path), 1, "VM exits were not asked for", "kvm:kvm_pio")


def test_one_tracepoint(everything):
    rep = report(everything, "-e", "kvm:kvm_fpu")
    assert [(row["kind"], row["count"]) for row in rep["rows"]] == [("kvm:kvm_fpu", 3)]
    assert rep["event"] == "raw" and rep["tracepoint"] == "kvm:kvm_fpu"
    one_line(kvmw("report", "-i", everything, "-e", "kvm:kvm_cr"), 1, "kvm:kvm_cr",
             "kvmw record -e kvm:kvm_cr", "raw 9")


def test_what_is_of_no_vm(everything):
    """The kernel's own threads do not belong to the VM with id 0."""
    rows = by(report(everything, "-e", "mmu", "-s", "vm"), "pid")
    assert {pid: row["count"] for pid, row in rows.items()} == {100: 10, None: 10}
    assert any(line.startswith("? ") for line in
               text_of(everything, "-e", "mmu", "-s", "vm").splitlines())


def test_who_is_no_vcpu(everything):
    rows = by(report(everything, "-e", "mmu", "-s", "vcpu,cpu"), "vcpu_id")
    assert rows[20]["vcpu"] is None and rows[20]["pid"] == 100 and rows[21]["pid"] is None
    assert rows[20]["cpu"] == 3 and (rows[20]["role"], rows[21]["role"]) == ("vmm", "kernel")
    text = text_of(everything, "-e", "mmu", "-s", "vcpu")
    assert any(line.startswith("100/vmm ") for line in text.splitlines())
    assert any(line.startswith("kernel ") for line in text.splitlines())
    assert "pid 100, 2 vCPUs seen" in text_of(everything, "-v")
    assert report(everything, "-e", "mmu", "--pid", "100")["total"]["count"] == 10
    # vCPU 9 never exited.
    assert {v["vcpu_id"]: v["count"] for v in report(everything)["vcpu_time"]} == {0: 4, 1: 6, 9: 0}
    done = kvmw("report", "-i", everything, "-e", "mmu", "--vcpu", "0")
    one_line(done, 1, "--vcpu")


def test_faults_by_page(everything):
    rows = by(report(everything, "-e", "fault", "-s", "detail"), "detail")
    assert {name: row["count"] for name, row in rows.items()} == {
        f"page_fault 0xfee0{i}000 {'MSI' if i else 'APIC'}": 2 for i in range(4)}


def test_window_of_a_family(everything):
    rep = report(everything, "-e", "mmu", "--time", "0.003,0.006")
    assert rep["total"]["count"] == 4 and not rep["total"]["exact"]


def test_histograms_of_a_family(everything):
    text = text_of(everything, "-e", "ioctl", "--hist")
    assert "\nKVM_RUN: 20 recorded" in text
    assert "distribution" not in text_of(everything, "-e", "hypercall", "--hist")


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_family_fits(everything, name, width):
    for args in ["--hist"], ["-s", "vm,vcpu,kind"]:
        text = text_of(everything, "-e", name, "--width", width, *args)
        assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("event, sort, nr", [
    ("ioctl", "kind,detail,cpu", 3), ("mmu", "vm,vcpu,kind", 2), ("exit", "user,cpu,detail", 9)])
def test_csv_is_what_json_says(everything, event, sort, nr):
    rows = report(everything, "-e", event, "-s", sort)["rows"]
    done = kvmw("report", "-i", everything, "-e", event, "-s", sort, "--csv")
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(lines) == len(rows) == nr
    for line, row in zip(lines, rows):
        same_in_csv(line, row)


def test_not_captured_is_null(tmp_path):
    """A value that was not captured is null, not all ones, nor a share of zero."""
    rec = Recording(META | {"events": ["exit", "hypercall"]})
    row = EXITS[0][:16] + [None, 0xffff, 0xffff, 0xffffffff, 0xffff, 0xffff]
    rec.lines += [["EVENTS", "exit", [row]], ["EVENTS", "hypercall", HYPERCALLS[:3]]]
    rec.end = END
    path = rec.finish().write(tmp_path / "f")
    row, = report(path, "-e", "exit", "-s", "user,cpu,detail")["rows"]
    for key in "user_reason", "user_reason_number", "cpu", "detail_kind", "detail_value":
        assert row[key] is None, key
    for row in report(path, "-e", "hypercall")["rows"]:
        assert row["time_ns"] is None and row["time_percent"] is None


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("sort", ["reason,vcpu,detail", "vm,vcpu,reason,detail",
                                  "vm,vcpu,reason,detail,user,cpu"])
def test_many_keys_fit(everything, width, sort):
    """With many keys, their columns take precedence over durations."""
    text = text_of(everything, "-s", sort, "--width", width)
    assert max(map(len, text.splitlines())) <= width
    for word in "rdmsr 0x12345", "wrmsr 0x6e0", "in 0x60", "cpuid 0x7":
        assert text.count(word) == 1
    assert ("KVM_EXIT_IO" in text) == ("user" in sort)


def test_the_heading_names_what_else_there_is(everything):
    text = " ".join(text_of(everything, "--width", 200).split())
    assert ("also contains fault 8, ioctl 40, hypercall 30, mmu 20, nested 6, stack 10, raw 9 "
            "(kvmw report -e fault)") in text
    assert "exit 10" in text_of(everything, "-e", "mmu", "--width", 200)


def test_what_other_events_lost_is_told(tmp_path):
    """Losses of other events are mentioned in any report, even if nothing else of that event is
    left."""
    rec = Recording(META | {"events": ["exit", "fault", "mmu"]})
    rec.lines += [["EVENTS", "exit", EXITS], ["EVENTS", "fault", FAULTS],
                  ["LOSS", "loss", [[0, IDS["fault"], 1700, START, START + 9]]],
                  ["LOSS", "loss", [[0, IDS["mmu"], 3, START, START + 9]]]]
    rec.end = END
    path = rec.finish().write(tmp_path / "lost")
    text = " ".join(text_of(path, "--width", 200).split())
    assert "also contains fault 8 (1,700 lost), mmu 0 (3 lost) (kvmw report -e fault)" in text
    for got in report(path)["recording"]["lost"], json.loads(
            kvmw("info", "-i", path, "--json").stdout)["lost"]:
        assert got == {"exit": 0, "fault": 1700, "mmu": 3}
    text = kvmw("info", "-i", path).stdout
    assert "1700 records of fault:" in text and "3 records of mmu:" in text


def test_what_the_time_is(everything):
    """The meaning of a family's durations, and how many rows have one."""
    text = text_of(everything, "-e", "mmu", "--hist")
    assert "# time: how long it took\n" in text
    assert "get_page: 10 recorded, 0 with a time\n" in text
    assert "unmap_hva: 10 recorded\n" in text and "total: 20 recorded, 10 with a time\n" in text
    assert "# time:" not in text_of(everything) + text_of(everything, "-e", "raw")


def test_a_kind_is_not_an_event(everything):
    one_line(kvmw("report", "-i", everything, "-e", "fault:page_fault"), 2,
             "one kind of event fault", "script -e fault:page_fault lists its events")


def test_what_was_not_recorded(everything, tmp_path):
    done = kvmw("report", "-i", everything, "-e", "irq")
    one_line(done, 1, "holds no irq events", "exit 10, fault 8, ioctl 40",
             "kvmw record -e irq records them")
    # Whether the host has such a tracepoint is unknown here.
    one_line(kvmw("report", "-i", everything, "-e", "kvm:bogus"), 1,
             "kvmw record -e kvm:bogus records them, if its host has that tracepoint")
    # It was recorded, and nothing happened.
    one_line(kvmw("report", "-i", everything, "-e", "timer"), 1, "no timer event happened")
    # For half a file that is unknown.
    half = tmp_path / "half"
    half.write_bytes(everything.read_bytes()[:everything.stat().st_size * 2 // 3])
    done = kvmw("report", "-i", half, "-e", "timer")
    assert done.returncode == 1 and "happened" not in done.stderr
    assert "no timer event could be read of what is damaged" in done.stderr


@pytest.mark.parametrize("event, key", [("userspace", "detail"), ("mmu", "user"), ("timer", "name")])
def test_keys_that_an_event_does_not_have(everything, event, key):
    done = kvmw("report", "-i", everything, "-e", event, "-s", key)
    assert done.returncode == 1 and done.stderr.count("\n") == 1


def test_only_families(tmp_path):
    path = make(tmp_path / "f", {"mmu": MMU, "ioctl": IOCTLS})
    rep = report(path)
    assert (rep["event"], rep["total"]["count"]) == ("ioctl", 40)
    assert rep["sort"] == ["detail"] and rep["vcpu_time"] == []
    assert "contains mmu 20 (kvmw report -e mmu)" in " ".join(text_of(path).split())
    with open(path) as file:
        one_line(kvmw("report", "-i", "-", stdin=file), 1, "no exit events", "ioctl 40, mmu 20")


def test_what_was_left_out_when_it_was_recorded(tmp_path):
    """With every second row, as recorded with --sample 2, counts cover all events."""
    rec = Recording()
    rows = [exit_row(START + i * 10000, 100, 2000, 0, SVM["cpuid"], 0, detail=i % 8, kind=CPUID)
            for i in range(200)]
    rec.lines.append(["EVENTS", "exit", rows[::2]])
    rec.lines.append(["STATS", "total", [total[:14] + [100] for total in exit_totals(rows)]])
    rec.end = END
    path = rec.finish().write(tmp_path / "f")
    rep = report(path)
    assert (rep["total"]["count"], rep["recorded"], rep["lost"], rep["not_wanted"]) == (
        200, 100, 0, 100)
    text = " ".join(text_of(path).replace("#", "").split())
    assert "100 of 200 exits were recorded, as requested" in text and "p50*" in text
    # Rows not counted by the kernel cover only recorded events, and so does their total.
    rep = report(path, "-s", "detail")
    assert sum(row["count_percent"] for row in rep["rows"]) == pytest.approx(100, abs=0.01)
    assert rep["total"]["count"] == 100 and {row["count"] for row in rep["rows"]} == {25}
    assert not rep["total"]["exact"] and rep["not_wanted"] == 100
    text = text_of(path, "-s", "detail")
    assert "p50*" not in text and "went, of 0.2" in text and ", all exits:" in text
    text = " ".join(text.replace("#", "").split())
    assert "100 of 200 exits were recorded, as requested; the rows and their total cover only " \
           "these" in text


def long_ones(path, totals=True):
    """Cycles of 10 us: 100 of 200 passed --min-duration 5us; and one without an end."""
    rec = Recording(meta=META | {"filters": {"all": True, "pids": [], "min_ns": 5000}})
    rows = [exit_row(START + i * 20000, 100, 1000 if i % 2 else 10000, 0, SVM["cpuid"], 0,
                     detail=i % 8, kind=CPUID) for i in range(200)]
    rec.lines.append(["EVENTS", "exit", rows[::2]])
    total = exit_totals(rows)[0][:14] + [100]
    total[4] += 1
    if totals:
        rec.lines.append(["STATS", "total", [total]])
    rec.end = END
    return rec.finish().write(path)


@pytest.mark.parametrize("sort", ["reason", "detail", "cpu", "vcpu,user"])
@pytest.mark.parametrize("window", [[], ["--time", "0,1"]])
def test_filtered_numbers_do_not_contradict_each_other(tmp_path, sort, window):
    path = long_ones(tmp_path / "f")
    rep = report(path, "-s", sort, *window)
    total, fine = rep["total"], sort != "reason" or window
    assert rep["recorded"] == 100 and rep["lost"] == rep["unfinished"] == 0
    assert rep["not_wanted"] == (0 if window else 101)
    for number in "count", "time_ns":
        assert total[number] == sum(row[number] for row in rep["rows"])
    if fine:
        assert total["count"] == 100 and total["min_ns"] <= total["mean_ns"] <= total["max_ns"]
    else:
        assert total["count"] == 201 and total["exact"]
    text = " ".join(text_of(path, "-v", "-s", sort, *window).replace("#", "").split())
    assert ("others were filtered, as requested" if window else "100 of 201 exits") in text
    assert "0 unfinished" in text and (bool(fine) != ("p99*" in text))


def test_filtered_without_totals(tmp_path):
    text = " ".join(text_of(long_ones(tmp_path / "f", totals=False)).replace("#", "").split())
    assert "only some exits were recorded, as requested; all numbers cover only these" in text


def test_details_of_exits(everything):
    rep = report(everything, "-s", "detail")
    assert {row["detail"]: row["count"] for row in rep["rows"]} == {
        "out 0x3f8 COM1 transmit": 2, "in 0x60 keyboard data": 1,
        "cpuid 0x7 extended features": 1, "-": 1, "fault-write 0x1234000": 2,
        "mmio-write 0xfee000b0 APIC EOI": 1, "wrmsr 0x6e0 TSC_DEADLINE": 1, "rdmsr 0x12345": 1}
    assert rep["total"]["exact"] and rep["total"]["count"] == 10
    row = by(rep, "detail")["out 0x3f8 COM1 transmit"]
    assert (row["time_ns"], row["user_ns"], row["wait_ns"], row["exact"]) == (18500, 12500, 1500, False)
    rows = by(report(everything, "-s", "user"), "user_reason")
    assert {name: row["count"] for name, row in rows.items()} == {"KVM_EXIT_IO": 3, None: 7}
    rows = by(report(everything, "-s", "cpu"), "cpu")
    assert {cpu: row["count"] for cpu, row in rows.items()} == {0: 9, 1: 1}


@pytest.mark.parametrize("args", [[], ["-s", "detail"], ["-s", "vcpu,user"], ["--time", "0,1"]])
def test_the_parts_of_the_time(everything, tmp_path, args):
    without = make(tmp_path / "without", {}, EXITS, with_totals=False)
    for path in everything, without:
        rep = report(path, *args)
        for row in rep["rows"] + [rep["total"]]:
            parts = [row[k] for k in ("kvm_ns", "user_ns", "halt_ns", "wait_ns", "block_ns")]
            assert sum(parts) == row["time_ns"] and row["poll_ns"] <= row["halt_ns"]
        assert rep["total"]["halt_ns"] == 80 * MS and rep["total"]["poll_ns"] == 200_000
        assert rep["total"]["wait_ns"] == 2 * MS + 1500
        assert rep["total"]["block_ns"] == 3 * MS + 100
    row = by(report(everything), "reason")["io"]
    assert (row["time_ns"], row["user_ns"], row["wait_ns"], row["block_ns"], row["kvm_ns"]) == (
        22500, 14500, 1500, 100, 6400)


def test_a_vcpus_time_adds_up(everything):
    for v in report(everything)["vcpu_time"]:
        rows = [e for e in EXITS if e[10] == v["vcpu_id"]]
        for key, column in (("guest_ns", 1), ("vmm_ns", 3), ("halt_ns", 12), ("poll_ns", 13),
                            ("wait_ns", 14), ("block_ns", 15)):
            assert v[key] == (sum(row[column] for row in rows) if rows else None), key
        parts = ("guest_ns", "kvm_ns", "vmm_ns", "halt_ns", "wait_ns", "block_ns", "open_ns",
                 "unseen_ns")
        assert sum(v[key] or 0 for key in parts) == v["wall_ns"] == END - START


def test_the_split_is_shown_where_there_is_room(everything):
    wide = text_of(everything, "--width", 120).splitlines()
    head = next(line for line in wide if " p50" in line).split()
    # No column with only zeros.
    assert head[:9] == ["reason", "exits", "/s", "cost", "KVM", "halt", "wait", "block", "p50"]
    line = next(line for line in wide if line.startswith("hlt ")).split()
    wall = report(everything)["whole"]["wall_ns"] / 90 / MS     # of the one halt
    assert [float(x) * wall for x in line[4:8]] == pytest.approx([5.6, 88.9, 2.2, 3.3], abs=0.3)
    narrow = text_of(everything).splitlines()
    head = next(line for line in narrow if " p50" in line).split()
    assert "halt" in head and "max" in head and "block" not in head     # below 1 % in all
    head = next(line for line in narrow if line.startswith("vCPU")).split()
    assert head == "vCPU guest KVM poll halt wait block no exit unseen exits thread".split()


def test_version_1_0_tells_no_parts(tmp_path):
    rows = [[*row[:12], *[None] * 10] for row in EXITS]
    totals = [[*row[:10], *[None] * 4] for row in exit_totals(EXITS)]
    for stats in True, False:
        rec = Recording()
        rec.lines.append(["EVENTS", "exit", rows])
        if stats:
            rec.lines.append(["STATS", "total", totals])
        rec.end = END
        path = rec.finish().write(tmp_path / f"stats-{stats}")
        rep = report(path)
        row = by(rep, "reason")["hlt"]
        assert row["exact"] == stats
        assert row["halt_ns"] is None and row["kvm_ns"] == row["time_ns"] == 90 * MS
        assert rep["vcpu_time"][1]["wait_ns"] is None
        text = text_of(path, "--width", 160)
        assert "KVM contains halts and waits: this recording does not separate them" in text
        heads = [line for line in text.splitlines() if line.startswith(("reason ", "vCPU "))]
        assert len(heads) == 2 and "KVM" in heads[0] and "KVM" in heads[1]
        assert not set(" ".join(heads).split()) & {"halt", "wait", "poll"}


def test_hostile_numbers(tmp_path):
    """Any value in any field causes no crash, and no garbage on the screen (see also SAN=1)."""
    rng = random.Random(7)
    fields = {"exit": 22, "userspace": 7, "dirty": 12, "irq": 17, "halt": 13, "sched": 9,
              "timer": 11, "memslot": 12, **{name: len(FAMILIES[name][0]) for name in FAMILIES}}
    some = [0, 1, 2, 3, 9, 20, 21, 2**64 - 1, 2**64 - 2, 2**63, 0xffffffff, 0xffff, START + 5]

    def value():
        return rng.choice([rng.choice(some), rng.getrandbits(16), rng.getrandbits(63)])

    rec = Recording(META | {"tracepoints": POINTS}, VMS, VCPUS + ROLES)
    for name, nr in fields.items():
        rec.lines.append(["EVENTS", name, [[value() for _ in range(nr)] for _ in range(200)]])
    rec.lines.append(["STATS", "total", [[value(), rng.randrange(1, 16), *[value() for _ in range(12)]]
                                         for _ in range(300)]])
    path = rec.finish().write(tmp_path / "f")
    for name in fields:
        done = kvmw("report", "-i", path, "-e", name, "-s", "reason", "--json")
        assert done.returncode == 0, (name, done.stderr)
        for row in json.loads(done.stdout)["rows"]:
            assert 0 <= row["count_percent"] <= 100.001 and (
                    row["time_ns"] is None) == (row["time_percent"] is None) and (
                    0 <= (row["time_percent"] or 0) <= 100.001)
        for args in ["-s", "vm,vcpu,kind", "--hist"], ["-s", "detail,cpu", "--csv"]:
            done = kvmw("report", "-i", path, "-e", name, *args)
            assert done.returncode in (0, 1), (name, args, done.stderr)


def test_exits_that_the_host_did_not_show(tmp_path):
    """report does not say that no exits happened, if the recorder said why it has none, or vCPUs
    returned to the VMM."""
    def recording(**meta):
        rec = Recording(META | meta)
        rec.lines.append(["EVENTS", "userspace", [[START + 1000, 5, 5, 2, 0, 0, 0]]])
        rec.end += 10_000
        return rec.finish().write(tmp_path / "f")

    holds = "the recording holds: userspace 1"
    path = recording(events=["userspace"], skipped={"exit": "no exits here"})
    for args in [], ["--vcpu", 0], ["--time", "0"]:
        one_line(kvmw("report", "-i", path, "-e", "exit", "--csv", *args), 1,
                 "exits were not recorded: no exits here", holds)
    assert "no exits here" in report(path, "-e", "exit", status=1)["empty"]
    # As older recorders wrote it.
    path = recording(events=["exit", "userspace"])
    one_line(kvmw("report", "-i", path, "-e", "exit", "--csv"), 1,
             "exits were not recorded: the host did not show them", holds)
    path = recording(events=["userspace"])
    one_line(kvmw("report", "-i", path, "-e", "exit", "--csv"), 1, "holds no exit events", "kvmw record -e exit records them")
