# SPDX-License-Identifier: GPL-2.0
"""kvmw record does what its manual page says: files, pipes, when it ends, what it selects,
events."""
import hashlib
import json
import os
import re

import pytest

import lab_fixtures
import synthetic
from lab_fixtures import NONE, check_chain, end_ns, in_boots, of_guest

# include/uapi/linux/kvm.h
KVM_EXIT = {"KVM_EXIT_IO": 2, "KVM_EXIT_HLT": 5, "KVM_EXIT_MMIO": 6}


def done(boot, name):
    """What the built-in guest in a step did."""
    step = boot.step(name)
    assert step.status == 0, step.err
    return json.loads(step.out)


def user_exits(did):
    return {f"KVM_EXIT_{name.upper()}": n for name, n in did["user_exits"].items() if n}


def added(*counts):
    return {key: sum(c.get(key, 0) for c in counts) for key in {k for c in counts for k in c}}


SILENT = (os.path.exists("/sys/module/kvm") and
          not any(os.path.exists(f"/sys/module/{name}") for name in ("kvm_amd", "kvm_intel")))


@pytest.mark.lab
@pytest.mark.skipif(not SILENT or os.geteuid(), reason="this host's KVM reports its VM exits, "
                                                       "or this is not root")
def test_exit_where_it_cannot_fire(tmp_path):
    """exit is an error if named; by default, or within a group, returns to the VMM are recorded
    instead."""
    path = tmp_path / "kvmw.data"
    for named in "exit", "userspace,exit", "all,exit":
        done = synthetic.kvmw("record", "-e", named, "-o", path, "--", "true")
        synthetic.one_line(done, 1, "event exit cannot be recorded", "this host shows no VM exits",
                           "-e userspace")
        assert not path.exists()
    for events, words in ([], "recording returns to the VMM instead"), (["-e", "all"], "skipping event exit"):
        done = synthetic.kvmw("record", *events, "-o", path, "--", "true")
        assert done.returncode == 0 and words in done.stderr, done.stderr


# ---- output ------------------------------------------------------------------

@in_boots("behave")
def test_pipe(boot):
    """With -o - piped to report -i -, the command's own output goes to standard error."""
    step = boot.step("pipe")
    rep = json.loads(step.out)
    did = json.loads(step.err.splitlines()[0])
    assert of_guest(rep) == did["exits"]["svm"]
    assert rep["recording"]["complete"] and rep["recording"]["bytes"] > 1000
    assert rep["rows"] == lab_fixtures.report(boot.path("pipe.kvmw"))["rows"]
    info = boot.step("pipe-info")
    assert info.status == 0 and json.loads(info.out)["finished"]
    assert "0 lost" in step.err.splitlines()[-1]


@in_boots("behave")
def test_reader_of_the_pipe_goes_away(boot):
    """If the reader of the pipe goes away, record says so and ends, and the command with it."""
    step = boot.step("pipe-closed")
    assert step.status == 1
    assert "standard output: cannot write: Broken pipe" in step.err


@in_boots("behave")
def test_output_file(boot):
    """The previous recording is kept as .old, and nobody else can read either."""
    first, old, new = (hashlib.sha256(boot.path(f"files-{n}.kvmw").read_bytes()).digest()
                       for n in ("first", "old", "new"))
    assert first == old != new
    assert boot.path("files.mode").read_text() == "600\n"
    assert boot.path("files.owner").read_text() == "1234:2345 600\n"
    assert of_guest(lab_fixtures.report(boot.path("files-old.kvmw")))["cpuid"] == 10
    assert of_guest(lab_fixtures.report(boot.path("files-new.kvmw")))["cpuid"] == 20


@in_boots("behave")
def test_terminal(boot):
    """On a terminal record prints a status line each second, then the closing line."""
    step = boot.step("status-line")
    assert step.status == 0
    lines = [line for line in step.out.replace("\r", "\n").replace("\033[K", "").split("\n") if line]
    status = [line for line in lines if " events, " in line and "/s, " in line]
    found = [re.fullmatch(r"(0:\d\d) of 0:02: (\d+) events, .* lost(, 1 vCPU)?; Ctrl-C stops ", line)
             for line in status]
    # A busy machine skips seconds, and the end takes longer.
    assert status and all(found), status
    times, events = [one[1] for one in found], [int(one[2]) for one in found]
    assert times == sorted(set(times)) and events == sorted(set(events)) and events[0] > 0
    assert found[-1][3]
    assert "[ kvmw record: " in lines[-1]


# ---- the end -----------------------------------------------------------------

@in_boots("behave")
@pytest.mark.parametrize("name, status", [("status-0", 0), ("status-7", 7), ("status-kill", 137)])
def test_exit_status_is_the_commands(boot, name, status):
    step = boot.step(name)
    assert (step.status, step.err, step.out) == (status, "", "")


@in_boots("behave")
def test_duration(boot):
    assert boot.step("duration").status == 0
    rep = lab_fixtures.report(boot.path("duration.kvmw"))
    assert rep["recording"]["stopped"] == "duration over"
    assert rep["recording"]["duration_ns"] >= 1.5e9
    assert rep["recorded"] > 100


@in_boots("behave")
@pytest.mark.parametrize("signal, why", [("INT", "interrupted"), ("TERM", "terminated"),
                                         ("HUP", "terminated")])
def test_signals_end_it_well(boot, signal, why):
    step = boot.step(f"signal-{signal}")
    assert step.status == 0 and "[ kvmw record: " in step.err
    rep = lab_fixtures.report(boot.path(f"signal-{signal}.kvmw"))
    assert rep["recording"]["stopped"] == why and rep["recording"]["complete"]
    assert rep["unfinished"] + sum(row["count"] > 0 for row in rep["rows"]) > 0


@in_boots("behave")
def test_signal_ends_the_command_too(boot):
    step = boot.step("signal-command")
    assert step.status == 128 + 15
    assert lab_fixtures.info(boot.path("signal-command.kvmw"))["stopped"] == "interrupted"
    assert boot.path("signal-command.left").read_text() == "0\n"


@in_boots("behave")
def test_vm_gone(boot):
    """-p without a command ends with the VM, and has everything that it did."""
    assert boot.step("gone").status == 0
    rep = lab_fixtures.report(boot.path("gone.kvmw"))
    assert rep["recording"]["stopped"] == "VM is gone"
    rows = lab_fixtures.rows(boot.path("gone.kvmw"))
    check_chain(rows)
    assert rows[-1].total_ns == NONE and rep["unfinished"] == 1


@in_boots("behave")
def test_read_while_it_runs(boot):
    """A report during the recording shows what is there, and that the recorder has not finished."""
    step = boot.step("live")
    assert step.status == 1 and "did not finish" in step.err
    assert json.loads(step.out)["recorded"] > 100
    final = lab_fixtures.frames(boot.path("gone.kvmw"))
    live = lab_fixtures.frames(boot.path("live.kvmw"), status=1)
    assert len(live) > 3 and live == final[:len(live)]


# ---- selection of VMs --------------------------------------------------------

@in_boots("behave")
def test_all_sees_vms_that_start_later(boot):
    did = [done(boot, name) for name in ("later-1", "later-2")]
    rep = lab_fixtures.report(boot.path("later.kvmw"), "--sort", "vm,reason")
    assert [vm["vmm"] for vm in rep["recording"]["vms"]] == ["kvmw", "kvmw"]
    pids = [vm["pid"] for vm in rep["recording"]["vms"]]
    for pid, one in zip(pids, did):
        assert of_guest(lab_fixtures.report(boot.path("later.kvmw"), "--pid", pid)) == one["exits"]["svm"]
    assert of_guest(lab_fixtures.report(boot.path("later.kvmw"))) == added(*(d["exits"]["svm"] for d in did))


@in_boots("behave")
def test_vcpu_filter(boot):
    """--vcpu 1 of three records as if the others did not exist."""
    did = done(boot, "vcpu")["vcpu"][1]
    rep = lab_fixtures.report(boot.path("vcpu.kvmw"))
    assert [(v["vcpu"], v["tid"]) for v in rep["recording"]["vcpus"]] == [(1, did["tid"])]
    counts = of_guest(rep)
    assert (counts["cpuid"], counts["hlt"]) == (did["cpuid"], did["hlt"])
    assert counts["io"] == did["user_exits"]["io"]
    check_chain(lab_fixtures.rows(boot.path("vcpu.kvmw")))


@in_boots("behave")
def test_two_of_three_vms(boot):
    assert boot.step("two").status == 0
    pids = boot.json("two-pids.json")
    rep = lab_fixtures.report(boot.path("two.kvmw"))
    assert sorted(vm["pid"] for vm in rep["recording"]["vms"]) == sorted(pids[:2])
    assert {"cpuid", "io"} <= set(of_guest(rep)) <= {"cpuid", "io"}
    assert rep["recording"]["stopped"] == "command ended" and rep["recording"]["duration_ns"] >= 2e9
    listed = json.loads(boot.step("two-list").out)["vms"]
    assert sorted(vm["pid"] for vm in listed) == sorted(pids)


@in_boots("behave")
def test_descendants_of_the_command(boot):
    """VMs started by a child of the command are recorded, even if their parent is gone."""
    for did, name in (done(boot, "child"), "child"), (boot.json("orphan.json"), "orphan"):
        assert of_guest(lab_fixtures.report(boot.path(f"{name}.kvmw"))) == did["exits"]["svm"]


# ---- events ------------------------------------------------------------------

def check_userspace(path, did):
    """Checks that there is a row for each return of KVM_RUN, and no other."""
    rep = lab_fixtures.report(path, "--event", "userspace")
    counts = lab_fixtures.counts(rep)
    # An interrupt of the host may make KVM_RUN return too (-EINTR has no reason of its own).
    assert {name: n for name, n in counts.items() if name != "EINTR"} == user_exits(did)
    rows = lab_fixtures.rows(path, "userspace")
    for name, n in user_exits(did).items():
        assert sum(row.reason == KVM_EXIT[name] for row in rows) == n
    for of_vcpu in lab_fixtures.by_vcpu(rows).values():
        assert of_vcpu[-1].user_ns == NONE
        for before, row in zip(of_vcpu, of_vcpu[1:]):
            assert before.time_ns + before.user_ns + row.run_ns == row.time_ns
    assert {row.isa for row in rows} == {0}


@in_boots("behave")
def test_userspace_event(boot):
    check_userspace(boot.path("userspace.kvmw"), done(boot, "userspace"))
    about = lab_fixtures.info(boot.path("userspace.kvmw"))
    assert about["events"] == ["userspace"]
    assert sorted(v["vcpu"] for v in about["vcpus"]) == [0, 1]
    assert lab_fixtures.rows(boot.path("userspace.kvmw"), "exit") == []


@in_boots("behave")
def test_both_events(boot):
    did = done(boot, "both-events")
    check_userspace(boot.path("both.kvmw"), did)
    assert of_guest(lab_fixtures.report(boot.path("both.kvmw"))) == did["exits"]["svm"]
    returns = lab_fixtures.by_vcpu(lab_fixtures.rows(boot.path("both.kvmw"), "userspace"))
    for vcpu, exits in lab_fixtures.by_vcpu(lab_fixtures.rows(boot.path("both.kvmw"))).items():
        # Both have the same time in the VMM, except that a cycle shows time off the CPU
        # separately, for each exit that went there.
        went = [r for r in exits[:-1] if r.user_reason != 2 ** 32 - 1]
        assert len(went) == len(returns[vcpu][:-1])
        for cycle, back in zip(went, returns[vcpu]):
            assert cycle.user_ns <= back.user_ns <= cycle.user_ns + cycle.wait_ns + cycle.block_ns


@in_boots("behave")
def test_time_in_the_vmm(boot):
    """If a VMM waits 500 us before it runs the vCPU again, its time is at least that."""
    did = done(boot, "delay")
    rows = lab_fixtures.rows(boot.path("delay.kvmw"))
    of = {name: [r for r in rows[:-1] if r.reason == lab_fixtures.REASONS["svm"][name]]
          for name in ("io", "cpuid")}
    # The first return belongs to the set-up: it waits until the other vCPUs start.
    assert len(of["io"]) == 401 and len(of["cpuid"]) == 400
    for row in of["io"][1:]:
        # If preempted it waits for a CPU, while the delay goes on.
        assert 500_000 <= row.user_ns + row.wait_ns <= row.total_ns
    assert all(row.user_ns == 0 for row in of["cpuid"])
    assert sum(row.user_ns + row.wait_ns for row in of["io"]) >= did["vmm_delay_ns"] >= 400 * 500_000
    rep = lab_fixtures.report(boot.path("delay.kvmw"))
    io = next(row for row in rep["rows"] if row["reason"] == "io")
    assert io["user_ns"] == sum(row.user_ns for row in of["io"])
    assert io["time_ns"] == sum(end_ns(row) - row.time_ns for row in of["io"])


@in_boots("behave")
def test_nothing_stays_behind(boot):
    assert boot.path("progs-left").read_text() == "0\n"
