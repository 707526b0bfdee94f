# SPDX-License-Identifier: GPL-2.0
"""--stack: where the vCPU's thread was while its guest did not run."""
import collections
import re

import independent_reader
import lab_fixtures
from lab_fixtures import AMD, NONE, in_boots

EXIT, USERSPACE = 1, 2      # KVMW_KINDS_stack of util/events.h


def stacks(path):
    """{id: frames}, each told once."""
    found = {}
    for frame in independent_reader.Recording(path.read_bytes()).frames:
        if frame.type == 3:
            for one in independent_reader.text(frame).get("stacks", ()):
                assert one["id"] not in found
                found[one["id"]] = one["frames"]
    return found


def frames(known, number):
    """Of a row's kernel or user; none where there is none."""
    return known[number] if number < 2 ** 63 else []


@in_boots(*AMD)
def test_stacks_of_a_slow_vmm(boot):
    """3 ms in the VMM at each return: its function is named; each row is of a cycle's."""
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
    # All returns but the one that KVM_RUN did not follow; cycles that went to the VMM.
    missed = sum(lab_fixtures.missed(boot, path).values())
    done = [r for r in returns.values() if r[0] != NONE]
    assert len(done) - missed <= len(by_kind[USERSPACE]) <= len(done)
    assert len(done) >= 80 - missed and len(by_kind[EXIT]) >= 80 - missed

    # A kernel stack is one of a thread that leaves its CPU.
    asleep = [row for row in rows if row.kernel < 2 ** 63]
    assert asleep
    for row in asleep:
        assert re.match(r"__schedule\+0x[0-9a-f]+$", frames(known, row.kernel)[0])
    # It calls KVM_RUN; or it waits busily, where another thread took its CPU. The clock that it reads
    # meanwhile has no frame pointers, so its caller is missing.
    at = [" ".join(frames(known, row.user)) for row in rows]
    calls = [words for words in at if words.startswith("ioctl+0x")]
    assert len(calls) > len(rows) / 5 and all("vcpu_thread+0x" in words for words in calls)
    for row in rows:
        for frame in frames(known, row.user):
            assert re.match(r"\S+\+0x[0-9a-f]+( \[\S+\])?$", frame)


@in_boots(*AMD)
def test_only_long_ones(boot):
    """--min-duration: 300 CPUIDs pass unrecorded, 60 writes to a port of a slow VMM do not."""
    step = boot.step("stack-long")
    assert step.status == 0, step.err
    path = boot.path("stack-long.kvmw")
    rows = lab_fixtures.rows(path, "stack")
    assert len(rows) >= 60 - sum(lab_fixtures.missed(boot, path).values())
    assert {row.kind for row in rows} == {EXIT}
    assert all(row.span_ns >= 10 ** 6 for row in rows)
    cycles = {(r.vcpu, r.time_ns) for r in lab_fixtures.rows(path)}
    assert {(r.vcpu, r.time_ns) for r in rows} <= cycles
