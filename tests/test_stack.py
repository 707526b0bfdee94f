# SPDX-License-Identifier: GPL-2.0
"""--stack: where a vCPU's thread was while its guest did not run, and where the VMM's threads
are."""
import collections
import json
import re

import independent_reader
import lab_fixtures
from lab_fixtures import NONE, boots_of, in_boots

EXIT, USERSPACE, FAULT, IOCTL, VMM = range(1, 6)    # KVMW_KINDS_stack of util/event_stack.h
SAMPLE_NS = 10 ** 9 // 99
KVM_RUN, KVM_CREATE_VM, KVM_IRQFD = 0xae80, 0xae01, 0x4020ae76


def entries(path):
    """The entries of this type in IDENT frames."""
    return [one for frame in independent_reader.Recording(path.read_bytes()).frames if frame.type == 3
            for one in independent_reader.text(frame).get("stacks", ())]


def stacks(path):
    """{id: frames}; each id appears once."""
    found = {}
    for one in entries(path):
        assert one["id"] not in found
        found[one["id"]] = one["frames"]
    return found


def frames(known, number):
    """The frames of a row's kernel or user stack, if it has one."""
    return known[number] if number < 2 ** 63 else []


@in_boots(*boots_of("stack"))
def test_stacks_of_a_slow_vmm(boot):
    """A VMM that takes 3 ms per return: its function is named, and each row belongs to a cycle."""
    step = boot.step("stack")
    assert step.status == 0, step.err
    path = boot.path("stack.kvmw")
    known, rows = stacks(path), lab_fixtures.rows(path, "stack")
    cycles = {(r.vcpu, r.time_ns): (r.total_ns, r.reason, r.isa) for r in lab_fixtures.rows(path)}
    returns = {(r.vcpu, r.time_ns): (r.user_ns, r.reason, r.isa)
               for r in lab_fixtures.rows(path, "userspace")}
    by_kind = collections.defaultdict(list)
    for row in rows:
        of = cycles if row.kind == EXIT else returns
        assert of[row.vcpu, row.time_ns] == (row.span_ns, row.reason, row.isa)
        by_kind[row.kind].append(row)
        assert frames(known, row.user), "the VMM has a stack"
    # All returns except the one without a following KVM_RUN; cycles that went to the VMM.
    missed = sum(lab_fixtures.missed(boot, path).values())
    done = [r for r in returns.values() if r[0] != NONE]
    assert len(done) - missed <= len(by_kind[USERSPACE]) <= len(done)
    assert len(done) >= 80 - missed and len(by_kind[EXIT]) >= 80 - missed

    # A kernel stack is that of a thread leaving its CPU.
    asleep = [row for row in rows if row.kernel < 2 ** 63]
    assert asleep
    for row in asleep:
        assert re.match(r"__schedule\+0x[0-9a-f]+$", frames(known, row.kernel)[0])
    # It calls KVM_RUN, or waits busily and lost its CPU to another thread. Meanwhile it reads the
    # clock, which has no frame pointers, so its caller is missing.
    at = [" ".join(frames(known, row.user)) for row in rows]
    calls = [words for words in at if words.startswith("ioctl+0x")]
    assert len(calls) > len(rows) / 5 and all("vcpu_thread+0x" in words for words in calls)
    for row in rows:
        for frame in frames(known, row.user):
            assert re.match(r"\S+\+0x[0-9a-f]+( \[\S+\])?$", frame)


@in_boots(*boots_of("stack"))
def test_only_long_ones(boot):
    """With --min-duration, 300 CPUIDs are not recorded, but 60 writes to a port of a slow VMM
    are."""
    step = boot.step("stack-long")
    assert step.status == 0, step.err
    path = boot.path("stack-long.kvmw")
    rows = lab_fixtures.rows(path, "stack")
    assert len(rows) >= 60 - sum(lab_fixtures.missed(boot, path).values())
    assert {row.kind for row in rows} == {EXIT}
    assert all(row.span_ns >= 10 ** 6 for row in rows)
    cycles = {(r.vcpu, r.time_ns) for r in lab_fixtures.rows(path)}
    assert {(r.vcpu, r.time_ns) for r in rows} <= cycles


@in_boots(*boots_of("stack"))
def test_stacks_of_faults(boot):
    """Each handled fault has a stack; those that waited for a page of the VMM show it."""
    step = boot.step("stack-fault")
    assert step.status == 0, step.err
    path = boot.path("stack-fault.kvmw")
    known, rows = stacks(path), lab_fixtures.rows(path, "stack")
    faults = {(r.vcpu, r.time_ns): r.span_ns for r in lab_fixtures.rows(path, "fault") if r.span_ns != NONE}
    assert {row.kind for row in rows} == {FAULT}
    assert {(row.vcpu, row.time_ns): row.span_ns for row in rows} == faults
    for row in rows:
        assert frames(known, row.user), "the VMM has called KVM_RUN"
        # A kretprobe, of kernels whose KVM has no BTF, hides what called its function.
        assert boot.name == "bullseye" or \
            any(frame.startswith("kvm_arch_vcpu_ioctl_run+") for frame in frames(known, row.kernel))
        assert not any("bpf_" in frame for frame in frames(known, row.kernel))
    waited = [row for row in rows if any(f.startswith("handle_userfault+") for f in frames(known, row.kernel))]
    # Scene "both"; kretprobes support only few waiting threads.
    assert len(waited) == 2 or (boot.name == "bullseye" and len(waited) == 1)


@in_boots(*boots_of("stack"))
def test_stacks_of_ioctls(boot):
    """Each ioctl but KVM_RUN has its callers, except the direct caller of libc's ioctl()."""
    step = boot.step("stack-vmm")
    assert step.status == 0, step.err
    path = boot.path("stack-vmm.kvmw")
    known = stacks(path)
    rows = [row for row in lab_fixtures.rows(path, "stack") if row.kind == IOCTL]
    calls = {(r.vcpu, r.time_ns): (r.cmd, r.span_ns) for r in lab_fixtures.rows(path, "ioctl")
             if r.span_ns != NONE and r.cmd != KVM_RUN}
    assert {(row.vcpu, row.time_ns): (row.cmd, row.span_ns) for row in rows} == calls
    of = {row.cmd: [frame.split("+")[0] for frame in frames(known, row.user)] for row in rows}
    assert of[KVM_IRQFD][:2] == ["ioctl", "make_vm"] and of[KVM_CREATE_VM][:2] == ["ioctl", "carry_out"]


@in_boots(*boots_of("stack"))
def test_samples_of_a_vmm(boot):
    """Two threads spin for a second each, one after the other: one that runs a vCPU, and one that
    does not."""
    path = boot.path("stack-vmm.kvmw")
    known = stacks(path)
    rows = [row for row in lab_fixtures.rows(path, "stack") if row.kind == VMM]
    assert {row.span_ns for row in rows} == {SAMPLE_NS}
    vcpu, = {row.vcpu for row in lab_fixtures.rows(path, "ioctl") if row.cmd == KVM_RUN}
    spins = collections.Counter(row.vcpu == vcpu for row in rows
                                if frames(known, row.user) and frames(known, row.user)[0].startswith("spin+"))
    # Other programs get a share of the only CPU.
    assert min(spins[True], spins[False]) > 20 and sum(spins.values()) <= 2 * 99 + 2
    assert sum(spins.values()) > len(rows) / 2
    done = lab_fixtures.kvmw("report", "-i", path, "-e", "stack", "--where", "kind==vmm", "--json")
    row = max(json.loads(done.stdout)["rows"], key=lambda one: one["count"])
    assert row["detail"].startswith("spin+") and row["time_ns"] == row["count"] * SAMPLE_NS


@in_boots(*boots_of("stack"))
def test_no_samples_of_a_guest(boot):
    """While a guest does not exit its VMM has no samples, except at the beginning and the end."""
    path = boot.path("stack-guest.kvmw")
    known, rows = stacks(path), lab_fixtures.rows(path, "stack")
    assert {row.kind for row in rows} <= {VMM}
    assert len(lab_fixtures.rows(path)) > 99
    for row in rows:
        assert "run_forever" not in str(frames(known, row.user)[:1])
        assert not any(frame.startswith("kvm_arch_vcpu_ioctl_run+") for frame in frames(known, row.kernel))


@in_boots(*boots_of("stack"))
def test_what_has_no_name_has_a_build_id(boot):
    """Frames without a name have a build id: the lab's libc and loader are stripped, and have few
    symbols."""
    ids, named = set(), 0
    for one in entries(boot.path("stack-vmm.kvmw")):
        lost = {frame: build_id for frame, build_id, _ in one.get("lost", ())}
        assert set(lost) == {i for i, frame in enumerate(one["frames"]) if re.match(r"[\w.-]+\.so\.\d+\+0x", frame)}
        ids |= {build_id for i, build_id in lost.items() if one["frames"][i].startswith("libc.so.6+")}
        named += sum("[libc.so.6]" in frame for frame in one["frames"])
    assert named and len(ids) == 1 and re.fullmatch("[0-9a-f]{40}", ids.pop())
