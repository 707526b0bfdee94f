# SPDX-License-Identifier: GPL-2.0
"""VMMs with unusual behaviour: kvmw's figures about them are right, or marked as not."""
import collections
import errno
import json

import lab_fixtures
from lab_fixtures import NONE, REASONS, RUN_FAILED, boots_of, in_boots

IO = 2                      # KVM_EXIT_IO, include/uapi/linux/kvm.h
NO_REASON = 0xffffffff
HYPERV_CALL = 0x5c          # hyperv_guest.c
VECTOR = 0x30               # vmm.c
SMRAM, SMM_STATE = 0x30000, 0x3fe00     # the CPU's state after reset: AMD APM volume 2, 10.2
MSI, ACCEPT, INJECT, EOI, APICV_ACCEPT, APICV_CHANGE = 4, 6, 7, 9, 18, 19     # KVMW_KINDS_irq
HV_HYPERCALL = 17           # KVMW_DETAIL_HV_HYPERCALL


@in_boots(*boots_of("corners"))
def test_failed_run(boot):
    """A failed KVM_RUN has its errno as the reason, in rows, totals and reports."""
    step = boot.step("failed-run")
    assert step.status == 0, step.err
    (did,) = json.loads(step.out)["vcpus"]
    io, failed = did["io"], did["eintr"]
    assert io == 10 and failed >= 30
    path = boot.path("failed-run.kvmw")
    eintr = RUN_FAILED + errno.EINTR
    rows = lab_fixtures.rows(path, "userspace")
    assert collections.Counter((row.reason, row.error) for row in rows) == {
        (IO, 0): io, (eintr, 2 ** 64 - errno.EINTR): failed}
    totals = {t.reason: t.count for t in lab_fixtures.rows(path, "total") if t.event == 2}
    assert totals == {IO: io, eintr: failed}
    assert lab_fixtures.counts(lab_fixtures.report(path, "-e", "userspace")) == {
        "KVM_EXIT_IO": io, "EINTR": failed}
    exits = collections.Counter(row.user_reason for row in lab_fixtures.rows(path))
    assert {reason: n for reason, n in exits.items() if reason not in (NO_REASON, eintr)} == {IO: io}
    assert lab_fixtures.return_reasons(boot.path("failed-run.data")) == {IO: io, eintr: failed}


@in_boots(*boots_of("corners"))
def test_hypercall_of_hyperv(boot):
    """The exit's detail is the number that the hypercall's tracepoint shows."""
    assert boot.step("hyperv").status == 0, boot.step("hyperv").err
    path = boot.path("hyperv.kvmw")
    rep = lab_fixtures.report(path, "-e", "exit", "-s", "reason,detail")
    calls = [(row["detail_kind"], row["detail_value"], row["count"]) for row in rep["rows"]
             if row["reason"] == "hypercall"]
    assert calls == [(HV_HYPERCALL, HYPERV_CALL, 20)]
    rows = [row for row in lab_fixtures.rows(path, "hypercall") if row.kind == 2]
    assert [row.nr for row in rows] == [HYPERV_CALL] * 20


CPUID = 0x72                # SVM exit codes, AMD APM volume 2, appendix C
IOIO = 0x7b


def vcpus(path):
    """{id: what the recording says of a vCPU}"""
    return {v["id"]: v for v in lab_fixtures.info(path)["vcpus"] if not v["role"]}


def by_vcpu(path, event, reasons):
    """{vCPU: {reason: rows}}"""
    found = collections.defaultdict(collections.Counter)
    for row in lab_fixtures.rows(path, event):
        if row.reason in reasons:
            found[row.vcpu][row.reason] += 1
    return found


def totals_by_vcpu(path, event, reasons):
    """{vCPU: {reason: count}}, as the kernel counted."""
    found = collections.defaultdict(dict)
    for row in lab_fixtures.rows(path, "total"):
        if row.event == event and row.reason in reasons:
            found[row.vcpu][row.reason] = row.count
    return found


def agree(boot, name, event, number, reasons, expected):
    """Asserts that rows and totals have these counts for the vCPUs, in any order."""
    path = boot.path(f"{name}.kvmw")
    if lab_fixtures.missed(boot, path):
        return
    for found in by_vcpu(path, event, reasons), totals_by_vcpu(path, number, reasons):
        assert sorted(sorted(counts.items()) for counts in found.values()) == \
            sorted(sorted(counts.items()) for counts in expected)


@in_boots(*boots_of("corners"))
def test_one_of_two(boot):
    """--vcpu 0, with a thread that runs two vCPUs, records nothing of the other one."""
    step = boot.step("one-of-two")
    assert step.status == 0, step.err
    zero, one = json.loads(step.out)["vcpus"]
    assert (zero["io"], one["io"]) == (10, 25)
    path = boot.path("one-of-two.kvmw")
    assert [v["vcpu"] for v in vcpus(path).values()] == [0]
    agree(boot, "one-of-two", "userspace", 2, {IO, RUN_FAILED + errno.EINTR},
          [{IO: 10, RUN_FAILED + errno.EINTR: zero["eintr"]}])
    agree(boot, "one-of-two", "exit", 1, {CPUID, IOIO}, [{CPUID: 30, IOIO: 10}])


@in_boots(*boots_of("corners"))
def test_moving_vcpu(boot):
    """A vCPU that another thread takes over remains one vCPU, and its cycles go on."""
    step = boot.step("moves")
    assert step.status == 0, step.err
    path = boot.path("moves.kvmw")
    ((vcpu, who),) = vcpus(path).items()
    tids = json.loads(step.out)["vcpus"][0]["tids"]
    assert len(tids) == 2 and who["tid"] == tids[0]
    agree(boot, "moves", "userspace", 2, {IO}, [{IO: 22}])
    agree(boot, "moves", "exit", 1, {CPUID, IOIO}, [{CPUID: 44, IOIO: 22}])
    if lab_fixtures.missed(boot, path):
        return
    exits = sorted(lab_fixtures.rows(path), key=lambda row: row.time_ns)
    assert {row.vcpu for row in exits} == {vcpu}
    for row, following in zip(exits, exits[1:]):
        assert row.time_ns + row.total_ns + following.guest_ns == following.time_ns
        assert row.user_ns + row.wait_ns + row.block_ns + row.halt_ns <= row.total_ns
    # Between the two threads it was in the VMM: the second one slept for 200 ms.
    assert max(row.user_ns for row in exits[:-1]) >= 200 * 10 ** 6


@in_boots(*boots_of("corners"))
def test_two_vms(boot):
    """Two VMs run by one thread are kept apart, and so are their memory slots."""
    step = boot.step("two-vms")
    assert step.status == 0, step.err
    path = boot.path("two-vms.kvmw")
    who = vcpus(path)
    assert [v["vcpu"] for v in who.values()] == [0, 0]
    assert len({v["vm"] for v in who.values()}) == 2
    agree(boot, "two-vms", "userspace", 2, {IO}, [{IO: 10}, {IO: 25}])
    agree(boot, "two-vms", "exit", 1, {CPUID, IOIO}, [{CPUID: 20, IOIO: 10}, {CPUID: 50, IOIO: 25}])
    vm_of = {v["id"]: v["vm"] for v in lab_fixtures.info(path)["vcpus"]}
    slots = [row for row in lab_fixtures.rows(path, "memslot") if row.kind == 1]
    assert sorted(vm_of[row.vcpu] for row in slots) == sorted(v["vm"] for v in who.values())


@in_boots(*boots_of("corners"))
def test_many_vms(boot):
    """VMs at the same address, one after another, with more vCPUs in all than there are states."""
    assert boot.step("many-vms").status == 0, boot.step("many-vms").err
    many, each = 30, 40
    agree(boot, "many-vms", "userspace", 2, {IO}, [{IO: 2}] * many * each)
    path = boot.path("many-vms.kvmw")
    found = collections.Counter((v["vm"], v["vcpu"]) for v in vcpus(path).values())
    made = collections.Counter((vm, vcpu) for vm in range(many) for vcpu in range(each))
    # Without its end, a vCPU and the next one at its address are one.
    assert not found - made
    assert (made - found).total() <= lab_fixtures.missed(boot, path)["ends of vCPUs"]


@in_boots(*boots_of("corners"))
def test_same_pid(boot):
    """Two processes with the same pid, one after the other, are two VMs."""
    step = boot.step("same-pid")
    assert step.status == 0, step.err
    first, second = (json.loads(line) for line in step.out.splitlines())
    assert first["pid"] == second["pid"]
    path = boot.path("same-pid.kvmw")
    assert len({v["vm"] for v in vcpus(path).values()}) == 2
    agree(boot, "same-pid", "userspace", 2, {IO}, [{IO: 10}, {IO: 25}])


@in_boots(*boots_of("corners"))
def test_killed_vmm(boot):
    """A vCPU exists until its thread dies."""
    assert boot.step("dead-vmm").status == 0, boot.step("dead-vmm").err
    path = boot.path("dead-vmm.kvmw")
    info = lab_fixtures.info(path)
    stop = info["start_ns"] + info["duration_ns"]
    assert sorted(v["vcpu"] for v in vcpus(path).values()) == [0, 1]
    for v in vcpus(path).values():
        assert info["start_ns"] < v["gone_ns"] < stop - 900 * 10 ** 6


@in_boots(*boots_of("corners"))
def test_interrupts_by_others(boot):
    """An interrupt belongs to the VM and is followed, whoever delivers it, even an interrupt of the
    host."""
    step = boot.step("deliver")
    assert step.status == 0, step.err
    did = json.loads(step.out)
    assert did["vcpus"][0]["irq"] == 60
    path = boot.path("deliver.kvmw")
    about = lab_fixtures.info(path)
    assert [vm["pid"] for vm in about["vms"]] == [did["pid"]]
    assert sorted(str(v["role"]) for v in about["vcpus"]) == ["None", "vmm"]
    kinds = collections.defaultdict(list)
    for row in lab_fixtures.rows(path, "irq"):
        if row.vector == VECTOR:
            kinds[row.kind].append(row)
    assert len(kinds[MSI]) == len(kinds[ACCEPT]) == len(kinds[EOI]) == 60
    own = [row for row in kinds[ACCEPT] if row.tid == did["pid"]]
    assert 20 <= len(own) <= 40         # an interrupt may come while it runs
    for kind in ACCEPT, INJECT, EOI:
        known = [row for row in kinds[kind] if row.span_ns != NONE]
        assert [row.source for row in known] == [MSI] * 60, kind


@in_boots(*boots_of("corners"))
def test_vm_that_ran_before(boot):
    """No time before the recording is counted, except that of halts, which KVM itself measures."""
    assert boot.step("attached-record").status == 0, boot.step("attached-record").err
    path = boot.path("attached.kvmw")
    start = lab_fixtures.info(path)["start_ns"]
    exits, returns = lab_fixtures.rows(path), lab_fixtures.rows(path, "userspace")
    assert len(lab_fixtures.by_vcpu(exits)) == 3
    for gap, rows in ("guest_ns", exits), ("run_ns", returns):
        for found in lab_fixtures.by_vcpu(rows).values():
            gaps = [getattr(row, gap) for row in found]
            assert lab_fixtures.missed(boot, path) or NONE not in gaps[1:]
            assert all(ns == NONE or row.time_ns - ns >= start for row, ns in zip(found, gaps))
    for row in exits:
        assert row.time_ns >= start
        if row.total_ns != NONE:
            assert row.user_ns + row.wait_ns + row.block_ns + row.halt_ns <= row.total_ns
            assert row.poll_ns <= row.halt_ns
    for row in lab_fixtures.rows(path, "irq"):
        assert row.span_ns == NONE or row.time_ns - row.span_ns >= start
        # Interrupts accepted or injected before have no time and no source.
        assert row.kind not in (INJECT, EOI) or row.span_ns != NONE or row.source in (NONE, 0)
    for row in lab_fixtures.rows(path, "halt"):
        assert row.poll_ns == NONE or row.poll_ns <= row.span_ns


@in_boots(*boots_of("corners"))
def test_system_management_mode(boot):
    """Pages dirtied in SMM are in slots of the second address space."""
    assert boot.step("smm").status == 0, boot.step("smm").err
    pages = {(row.gfn, row.slot) for row in lab_fixtures.rows(boot.path("smm.kvmw"), "dirty")
             if row.gfn >= SMRAM >> 12 and row.kind == 1}
    # And the page of the code, which is mapped writable.
    assert (SMM_STATE >> 12, 1 << 16 | 7) in pages
    assert {slot for _, slot in pages} == {1 << 16 | 7}


@in_boots(*boots_of("corners"))
def test_vcpu_plugged_again(boot):
    """After a replug the thread is new, but the vCPU is the same and its cycles go on."""
    step = boot.step("replug")
    assert step.status == 0, step.err
    zero, one = json.loads(step.out)["vcpus"]
    assert (zero["io"], one["io"]) == (5, 25) and len(one["tids"]) == 2
    path = boot.path("replug.kvmw")
    numbers = {v["id"]: v["vcpu"] for v in lab_fixtures.info(path)["vcpus"] if not v["role"]}
    assert sorted(numbers.values()) == [0, 1]
    returns = collections.Counter(numbers[row.vcpu] for row in lab_fixtures.rows(path, "userspace")
                                  if row.reason == IO)
    assert returns == {0: 5, 1: 25}
    for rows in lab_fixtures.by_vcpu(lab_fixtures.rows(path)).values():
        if not lab_fixtures.missed(boot, path):
            assert [row.total_ns for row in rows].index(NONE) == len(rows) - 1
            lab_fixtures.check_chain(rows)


@in_boots("avic")
def test_acceptance_left_to_the_cpu(boot):
    """An injection is not linked to an interrupt left to AVIC, which the CPU may have delivered
    long ago."""
    step = boot.step("avic")
    assert step.status == 0, step.err
    kinds = collections.defaultdict(list)
    for row in lab_fixtures.rows(boot.path("avic.kvmw"), "irq"):
        kinds[row.kind].append(row)
    for kind in ACCEPT, APICV_ACCEPT, EOI:
        assert [row.vector for row in kinds[kind]] == [VECTOR]
    assert {(row.vector, row.span_ns, row.source, row.irq) for row in kinds[INJECT]} == {
        (VECTOR, NONE, NONE, NONE)}
    assert kinds[EOI][0].source == NONE != kinds[EOI][0].span_ns
    # Injected by the PIT, after the message.
    sent, injected = kinds[MSI][0].time_ns, kinds[INJECT][0].time_ns
    inhibited = [row for row in kinds[APICV_CHANGE] if sent < row.time_ns < injected and row.level == 1]
    assert inhibited and all(row.data >> row.mode & 1 for row in inhibited)
    assert all(row.data >> inhibited[0].mode & 1 for row in kinds[APICV_CHANGE] if sent < row.time_ns < injected)


@in_boots("intel-bullseye")
def test_guest_that_runs_again_at_once(boot):
    """The fast path of IA32_TSC_DEADLINE has no kvm_entry, yet each cycle has all of its times."""
    step = boot.step("reentry")
    assert step.status == 0, step.err
    assert boot.path("preemption_timer").read_text() == "Y\n"
    (did,) = json.loads(step.out)["vcpus"]
    rows = lab_fixtures.rows(boot.path("reentry.kvmw"))
    traced = collections.Counter(line.split(":")[0]
                                 for line in boot.path("reentry.trace").read_text().splitlines())
    assert len(rows) == traced["kvm_exit"]
    assert traced["kvm_entry"] <= traced["kvm_exit"] - did["arm"]
    reasons = collections.Counter(row.reason for row in rows)
    assert reasons[REASONS["vmx"]["MSR_WRITE"]] == did["arm"] == 600
    assert [row.total_ns for row in rows].index(NONE) == len(rows) - 1
    assert all(row.guest_ns != NONE for row in rows)
    lab_fixtures.check_chain(rows)


@in_boots(*boots_of("corners"))
def test_vcpus_without_an_exit(boot):
    """The report shows the state of their threads from /proc: one sleeps in KVM_RUN, one has no
    thread."""
    assert boot.step("idle-vcpus").status == 0, boot.step("idle-vcpus").err
    path = boot.path("idle-vcpus.kvmw")
    asleep, never = lab_fixtures.report(path)["vcpus_without_events"]
    assert (asleep["vcpu"], never["vcpu"], never["tid"], never["end"]) == (1, 2, None, None)
    # Linux 5.10 has no BTF of KVM.
    assert never["never_ran"] == (boot.name != "bullseye")
    assert asleep["tid"] != asleep["pid"] and asleep["start"]["state"] == "T"
    end = asleep["end"]
    assert (end["state"], end["in_kvm_run"]) == ("S", True)
    assert end["asleep_in"].startswith("kvm_vcpu_")
    assert any(line.startswith("kvm_vcpu_ioctl+") for line in end["stack"])
    assert asleep["asleep_ns"] > asleep["span_ns"] * 0.8
    threads = {t["tid"]: t for t in lab_fixtures.info(path)["threads"]}
    ran = threads[asleep["pid"]]
    assert ran["vcpu"] == 0 and ran["end"]["affinity"] == "0" and ran["end"]["cpus"] == 1
    assert ran["on_cpu_ns"] + ran["waiting_ns"] + ran["asleep_ns"] == ran["span_ns"]
    assert ran["on_cpu_ns"] > ran["span_ns"] / 10


@in_boots(*boots_of("corners"))
def test_a_vm_that_stands_still(boot):
    """Without any exit the report still knows the VM, and says why there is none."""
    assert boot.step("stopped").status == 0, boot.step("stopped").err
    path = boot.path("stopped.kvmw")
    rep = lab_fixtures.report(path, status=1)
    assert [t["vcpu"] for t in rep["vcpus_without_events"]] == [0, 1, 2]
    assert "3 vCPUs, 2 asleep most of the time, 1 of unknown state" in rep["empty"]
    text = lab_fixtures.kvmw("report", "-i", path, "--width", 200).stdout
    assert text.count("stopped by a signal at the start and at the end") == 2
    assert "vCPU 2: no thread " + ("is known to run it" if boot.name == "bullseye" else "has ever run it") in text


@in_boots(*boots_of("corners"))
def test_a_vm_that_is_paused(boot):
    """Its threads are outside KVM_RUN, so only KVM knows which thread ran which vCPU."""
    assert boot.step("paused").status == 0, boot.step("paused").err
    threads = lab_fixtures.report(boot.path("paused.kvmw"), status=1)["vcpus_without_events"]
    if boot.name == "bullseye":
        assert [(t["vcpu"], t["tid"], t["never_ran"]) for t in threads] == [(0, None, False), (1, None, False)]
        return
    assert [t["vcpu"] for t in threads] == [0, 1] and len({t["tid"] for t in threads}) == 2
    for thread in threads:
        assert thread["end"]["in_kvm_run"] is False and thread["asleep_ns"] > thread["span_ns"] * 0.8


@in_boots(*boots_of("corners"))
def test_limits_of_a_vm(boot):
    """The recording has its control groups, with the kernel's figures about the quota."""
    info = lab_fixtures.info(boot.path("idle-vcpus.kvmw"))
    (vm,) = info["vm_cpus"]
    assert (vm["vcpus"], vm["cpus"], vm["quota_cpus"]) == (3, 1, 0.6)
    above, own = info["cgroups"]
    assert (above["path"], own["path"]) == ("/corners", "/corners/vm")
    assert above["threads"] == own["threads"] == len([t for t in info["threads"] if t["tid"]])
    assert (above["quota_ns"], above["period_ns"], own["quota_ns"]) == (60_000_000, 100_000_000, 0)
    assert own["cpuset"] == "0" and above["pid"] == vm["pid"]
    assert own["shmem_bytes"] == 0 and 0 <= own["anon_huge_bytes"] <= own["anon_bytes"] < 1 << 30
    stat = [dict(line.split() for line in boot.path(f"idle-vcpus.{when}").read_text().splitlines())
            for when in ("before", "after")]
    for name, key, unit in (("periods", "nr_periods", 1), ("throttled_periods", "nr_throttled", 1),
                            ("throttled_ns", "throttled_usec", 1000)):
        assert 0 < above[name] <= (int(stat[1][key]) - int(stat[0][key])) * unit, name


@in_boots(*boots_of("corners"))
def test_state_of_the_host(boot):
    """The recording has what /proc and /sys say about the host, and that the host is itself a
    guest."""
    facts = lab_fixtures.info(boot.path("idle-vcpus.kvmw"))["host_state"]
    one = {fact["name"]: fact for fact in facts if fact["name"] != "vulnerability"}
    assert (one["vms"]["value"], one["guest"]["value"], one["cpus"]["text"]) == (1, 1, "0")
    assert one["clocksource"]["text"] == boot.path("idle-vcpus.clocksource").read_text().strip()
    assert len(one["load"]["text"].split()) == 5
    assert 0 <= one["steal"]["change"] and 0 <= one["idle"]["percent"] <= 100
    weak = "spectre_v1: " + boot.path("idle-vcpus.spectre_v1").read_text().strip()
    assert weak in [fact["text"] for fact in facts if fact["name"] == "vulnerability"]
