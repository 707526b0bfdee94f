# SPDX-License-Identifier: GPL-2.0
"""Selecting VMs by name, control group and container, and excluding them. Uses returns to the VMM,
which any KVM shows; tests/lab/scripts/groups.sh compares exits with perf's counts."""
import contextlib
import csv
import json
import os
import pathlib
import subprocess

import pytest

import endless
from synthetic import KVMW, kvmw, one_line
from test_record_here import pytestmark, running  # noqa: F401

# The id of a container of this run only: a run that was killed may have left its own.
ID = f"{os.getpid():08x}" + "5a1ec7ed" * 7


def mounted():
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        words, kind = (part.split() for part in line.split(" - "))
        if kind[0] == "cgroup2" and words[3] == "/":
            return pathlib.Path(words[4])
    return None


@pytest.fixture
def groups():
    """a.slice with a container in it, and b.slice, only for this test."""
    mount = mounted()
    if not mount or not os.access(mount, os.W_OK):
        pytest.skip("needs a cgroup v2 hierarchy that it may write to")
    names = [f"kvmw-{os.getpid()}-a.slice", f"kvmw-{os.getpid()}-a.slice/docker-{ID}.scope", f"kvmw-{os.getpid()}-b.slice"]
    with contextlib.ExitStack() as stack:
        for name in names:
            (mount / name).mkdir()
            stack.callback((mount / name).rmdir)
        yield [mount / name for name in names]


def guest_in(group, exits):
    """A shell command that runs a guest in this group, which returns to its VMM for this many
    OUTs."""
    return f"sh -c 'echo $$ >{group}/cgroup.procs; exec {KVMW} bench guest --json --pio {exits}' >&2"


def stat(*args):
    """The rows of kvmw stat, and what the guests report themselves."""
    done = kvmw("stat", "-q", "--json", "--per", "vm", *args)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return json.loads(done.stdout), told


def outs(told):
    return told["user_exits"]["io"]


def counted(rep):
    """Counts by VM. This KVM shows exits or returns: both are at least the OUTs."""
    return [row["count"] for row in sorted(rep["rows"], key=lambda row: row["vm"])]


def test_control_groups_with_all_below(groups):
    a, container, b = groups
    rep, told = stat("-G", a.name, "--", "sh", "-c",
                     f"{guest_in(a, 300)}; {guest_in(b, 500)}; {guest_in(container, 700)}")
    inside = [outs(told[0]), outs(told[2])]
    assert [vm["name"] for vm in rep["recording"]["vms"]] == ["", ""]
    if rep["event"] == "userspace":
        assert counted(rep) == inside
    assert all(found >= outs for found, outs in zip(counted(rep), inside, strict=True))


@pytest.mark.parametrize("option, what", [("-G", "{mount}/{a}"), ("-G", "/{a}"), ("-G", "{a},{b}"), ("-G", "kvmw-{pid}-*"),
                                          ("--container", "{id}"), ("--container", "{id:.12}"), ("-G", "docker-{id}.scope")])
def test_their_names(groups, option, what, tmp_path):
    a, container, b = groups
    what = what.format(mount=a.parent, a=a.name, b=b.name, pid=os.getpid(), id=ID)
    done = kvmw("record", "-q", "-e", "userspace", option, what, "-o", tmp_path / "f", "--", "true")
    assert done.returncode == 0, done.stderr
    chosen = json.loads(kvmw("info", tmp_path / "f", "--json").stdout)["filters"]["groups"]
    assert set(chosen) == ({f"/{a.name}/{container.name}"} if ID[:12] in what else
                           {f"/{a.name}", f"/{b.name}"} if "," in what or "*" in what else {f"/{a.name}"})


def test_a_vm_that_is_moved(groups, tmp_path):
    """A VM that is moved is observed while it is in the group, not before and not after."""
    a, _, b = groups
    with endless.endless_guest("--pio", "1") as guest:
        (b / "cgroup.procs").write_text(str(guest.pid))
        rep, _ = stat("-G", a.name, "--", "sleep", "0.1")
        assert rep["total"]["count"] == 0
        come_and_go = "; sleep 0.1; ".join(f"echo {guest.pid} >{group}/cgroup.procs" for group in (a, b, a, b))
        done = kvmw("stat", "-q", "--csv", "-I", "10ms", "-G", a.name, "--", "sh", "-c",
                    f"sleep 0.1; {come_and_go}; sleep 0.3")
        assert done.returncode == 0, done.stderr
        seen = [int(row["end_ns"]) for row in csv.DictReader(done.stdout.splitlines()) if int(row["count"])]
        gaps = [after - before for before, after in zip(seen, seen[1:])]
        assert seen and max(gaps) >= 50_000_000
        done = kvmw("record", "-q", "-e", "userspace,sched", "-G", a.name, "-o", tmp_path / "f", "--", "sh", "-c",
                    f"{come_and_go}; sleep 0.3")
        assert done.returncode == 0, done.stderr
        about = json.loads(kvmw("info", tmp_path / "f", "--json").stdout)
        # It was inside twice: no vCPU goes on to the end, when it was outside.
        assert len(about["vcpus"]) == 2 and len(about["vms"]) == 1
        stop = about["start_ns"] + about["duration_ns"]
        assert all(vcpu["gone_ns"] and vcpu["gone_ns"] < stop - 200_000_000 for vcpu in about["vcpus"])
        # Nor does its VMM's thread, which the scheduler still shows.
        rows = kvmw("script", "--json", "-e", "sched", "-i", tmp_path / "f").stdout.splitlines()
        assert rows and max(json.loads(row)["time_ns"] for row in rows) < stop - 200_000_000


@pytest.mark.parametrize("args, words", [
    (["-G", "nosuch.slice"], ["-G 'nosuch.slice'", "no control group below"]),
    (["--container", "fedcba9876"], ["--container 'fedcba9876'", "docker ps"]),
    (["-a", "--exclude", "nosuch"], ["--exclude 'nosuch'", "no running VM has this name"]),
])
def test_what_there_is_not(groups, args, words):
    args = [arg.replace("a.slice", groups[0].name) for arg in args]
    one_line(kvmw("stat", *args, "--", "true"), 1, *[word.replace("a.slice", groups[0].name) for word in words])


def test_a_name_of_several_groups(groups):
    a, _, b = groups
    with contextlib.ExitStack() as stack:
        for group in (a, b):
            (group / "same").mkdir()
            stack.callback((group / "same").rmdir)
        one_line(kvmw("stat", "-G", "same", "--", "true"), 1, "2 control groups have this name", f"/{a.name}/same")


def test_patterns_of_names(tmp_path):
    with running("-name", "web-1") as one, running("-name", "web-2") as two, running("-name", "db") as db:
        for args, pids in ((["--vm", "web-*"], {one, two}), (["--vm", "web-?", "--vm", "d*"], {one, two, db}),
                           (["--vm", "db"], {db})):
            kvmw("record", "-q", "-e", "userspace", "-o", tmp_path / "f", *args, "--", "true")
            assert set(json.loads(kvmw("info", tmp_path / "f", "--json").stdout)["filters"]["pids"]) == pids
        one_line(kvmw("stat", "--vm", "x*", "--", "true"), 1, "no running VM has this name", "web-1")


def test_all_but_some(tmp_path):
    """All VMs but the excluded ones are observed, whatever other VMs run here."""
    def record(*args):
        done = kvmw("record", "-q", "-e", "userspace", "-o", tmp_path / "f", "-a", *args, "--", "sleep", "0.1")
        assert done.returncode == 0, done.stderr
        about = json.loads(kvmw("info", tmp_path / "f", "--json").stdout)
        return set(about["filters"].get("excluded", [])), {vm["pid"] for vm in about["vms"]}

    with running("-name", "web-1") as one, running("-name", "db") as db, \
            endless.endless_guest("--pio", "1") as guest:
        for exclude in (str(guest.pid), "kvm[w]"):
            excluded, recorded = record("--exclude", "web*", "--exclude", exclude)
            assert {one, guest.pid} <= excluded and guest.pid not in recorded
        excluded, recorded = record("--exclude", str(db))
        assert excluded == {db} and guest.pid in recorded


@pytest.mark.parametrize("args, words", [
    (["-p", "1"], ["VMs cannot be selected by process here", "-a takes all", "--pid=host"]),
    (["--", "true"], ["VMs cannot be selected by process here"]),
])
def test_pid_namespace(args, words):
    done = subprocess.run(["unshare", "-pf", "--mount-proc", KVMW, "stat", *args], capture_output=True, text=True, timeout=60)
    if "unshare" in done.stderr:
        pytest.skip("no PID namespace here")
    one_line(done, 1, *words)


def test_all_in_a_pid_namespace(tmp_path):
    """VMs outside the PID namespace are recorded; nothing is said about processes with the same ids
    inside."""
    with endless.endless_guest("--pio", "1") as guest:
        done = subprocess.run(["unshare", "-pf", "--mount-proc", KVMW, "record", "-q", "-e", "userspace", "-o",
                               tmp_path / "f", "-a", "--", "sleep", "0.2"], capture_output=True, text=True, timeout=60)
    if "unshare" in done.stderr:
        pytest.skip("no PID namespace here")
    assert done.returncode == 0, done.stderr
    about = json.loads(kvmw("info", tmp_path / "f", "--json").stdout)
    assert any("PID namespace" in note for note in about["notes"])
    mine = [vm for vm in about["vms"] if vm["pid"] == guest.pid]
    assert [vm["name"] for vm in mine] == [""]
