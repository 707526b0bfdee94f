# SPDX-License-Identifier: GPL-2.0
"""VMMs that do what others seldom do: what kvmw says of them is right, or marked."""
import collections
import errno
import json

import lab_fixtures
from lab_fixtures import AMD, RUN_FAILED, in_boots

IO = 2                      # KVM_EXIT_IO, include/uapi/linux/kvm.h
NO_REASON = 0xffffffff
HYPERV_CALL = 0x5c          # hyperv_guest.c
HYPERCALL = 14              # KVMW_DETAIL_HYPERCALL


@in_boots(*AMD)
def test_failed_run(boot):
    """A KVM_RUN that fails has its errno for a reason, in rows, totals and reports."""
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


@in_boots(*AMD)
def test_hypercall_of_hyperv(boot):
    """The detail of the exit is what the hypercall's own tracepoint says."""
    assert boot.step("hyperv").status == 0, boot.step("hyperv").err
    path = boot.path("hyperv.kvmw")
    rep = lab_fixtures.report(path, "-e", "exit", "-s", "reason,detail")
    calls = [(row["detail_kind"], row["detail_value"], row["count"]) for row in rep["rows"]
             if row["reason"] == "hypercall"]
    assert calls == [(HYPERCALL, HYPERV_CALL, 20)]
    rows = [row for row in lab_fixtures.rows(path, "hypercall") if row.kind == 2]
    assert [row.nr for row in rows] == [HYPERV_CALL] * 20
