# SPDX-License-Identifier: GPL-2.0
"""More vCPUs than kvmw record has room for: other VMs lose nothing, and kvmw says so."""
import json
import os
import re
import subprocess
import sys

import independent_reader
import pytest

from synthetic import KVMW, TREE, kvmw
from test_record_here import pytestmark  # noqa: F401

MANY_VMS = TREE / "tests/many_vms.py"
IDENT = 3
ROOM = 1024
SHARE = ROOM * 3 // 4 + 1
OTHERS = 20
# A VM with this many vCPUs. Each runs five times, since the kernel may skip a program now and then.
MANY = """
import fcntl, os, sys, time
kvm = os.open("/dev/kvm", os.O_RDWR)
vm = fcntl.ioctl(kvm, 0xae01, 0)
vcpus = [fcntl.ioctl(vm, 0xae41, number) for number in range(int(sys.argv[1]))]
for turn in range(5):
    for vcpu in vcpus:
        try:
            fcntl.ioctl(vcpu, 0xae80, 0)
        except OSError:
            pass
    time.sleep(0.1)
print(os.getpid(), flush=True)
sys.stdin.read()
"""
# VMs with too many vCPUs; then, on request, another VM beside them. Prints their process ids.
SCENE = f"""
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
MANY = {MANY!r}
running = []
def start(vcpus):
    args = [sys.executable, "-c", MANY, str(vcpus)]
    running.append(subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    print(int(running[-1].stdout.readline()), flush=True)
for _ in range(int(sys.argv[1])):
    start({ROOM - 4})
sys.stdin.readline()
start({OTHERS})
for process in running:
    process.communicate()
sys.exit(int(sys.argv[2]))
"""


def recorder(path, hogs, status=0):
    return subprocess.Popen([KVMW, "record", "-e", "userspace", "-o", path, "--", sys.executable, "-c", SCENE,
                             str(hogs), str(status)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def vcpus_of(path):
    """{process: the numbers of its vCPUs}, and the notes."""
    about = json.loads(kvmw("info", path, "--json").stdout)
    pids = {vm["id"]: vm["pid"] for vm in about["vms"]}
    found = {}
    for vcpu in about["vcpus"]:
        found.setdefault(pids[vcpu["vm"]], []).append(vcpu["vcpu"])
    return found, about["notes"]


def test_one_vmm_with_too_many(tmp_path):
    """The other VM is recorded in full; kvmw reports the overflow at once, and exits with 1."""
    with recorder(tmp_path / "f", 1) as process:
        hog = int(process.stdout.readline())
        assert process.stderr.readline() == f"kvmw: warning: process {hog} has more vCPUs than its share of the " \
            f"{ROOM} places: the others are not recorded; --max-vcpus makes room for more\n"
        said, errors = process.communicate("\n", timeout=60)
        assert process.returncode == 1
    found, notes = vcpus_of(tmp_path / "f")
    assert len(found[hog]) == SHARE and sorted(found[int(said)]) == list(range(OTHERS))
    note, = [note for note in notes if "share" in note]
    assert re.fullmatch(rf"process {hog}, and maybe others, had too many vCPUs at a time: \d+ events of those beyond "
                        "its share are not recorded", note) and f"warning: {note}\n" in errors


@pytest.mark.parametrize("status", [0, 7])
def test_two_vmms_with_too_many(tmp_path, status):
    """Two such VMMs leave room for others, too. The command's own VMs come first."""
    with recorder(tmp_path / "f", 2, status) as process:
        said, _ = process.communicate("\n", timeout=120)
        assert process.returncode == (status or 1)
    hog, second, other = map(int, said.split())
    found, _ = vcpus_of(tmp_path / "f")
    assert sorted(found[other]) == list(range(OTHERS))
    assert len(found[hog]) == SHARE and 0 < len(found[second]) < ROOM - SHARE - OTHERS


def test_short_vms_are_sent_once_or_twice(tmp_path):
    """VMs one after another. Each is sent when it comes and goes; all of them only now and then."""
    vms = 600
    run = kvmw("record", "-e", "userspace", "-o", tmp_path / "f", "--", sys.executable, "-c", f"""
import fcntl, os
kvm = os.open("/dev/kvm", os.O_RDWR)
for _ in range({vms}):
    vm = fcntl.ioctl(kvm, 0xae01, 0)
    vcpu = fcntl.ioctl(vm, 0xae41, 0)
    for turn in range(5):
        try:
            fcntl.ioctl(vcpu, 0xae80, 0)
        except OSError:
            pass
    os.close(vcpu)
    os.close(vm)
""")
    assert run.returncode == 0, run.stderr
    found, _ = vcpus_of(tmp_path / "f")
    assert [len(vcpus) for vcpus in found.values()] == [vms]
    frames = independent_reader.Recording((tmp_path / "f").read_bytes()).frames
    sent = [independent_reader.text(frame) for frame in frames if frame.type == IDENT]
    # Each when it came and when it went, and as often again among all.
    assert vms <= sum(len(ident.get("vcpus", [])) for ident in sent) <= 4 * vms + ROOM


def at_once(tmp_path, *args, vms, per=1, turns=2):
    """The numbers of VMs, vCPUs and returns in the recording, bytes of all maps, and the notes."""
    done = kvmw("record", "-q", "-e", "userspace", *args, "-o", tmp_path / "f", "--", sys.executable, MANY_VMS, "at_once",
                str(vms), str(per), str(turns))
    about = json.loads(kvmw("info", tmp_path / "f", "--json").stdout)
    rep = json.loads(kvmw("report", "-i", tmp_path / "f", "-e", "userspace", "--json").stdout)
    return (len(about["vms"]), len(about["vcpus"]), rep["total"]["count"]), int(done.stdout), about["notes"], done


def test_room_for_as_many_as_are_asked_for(tmp_path):
    """A state takes 27 KB: the maps grow only with the number of states."""
    seen, little, notes, done = at_once(tmp_path, "--max-vcpus", 64, vms=20, per=3)
    assert done.returncode == 1 and seen[1] == 49 and any("too many vCPUs" in note for note in notes)
    seen, default, notes, _ = at_once(tmp_path, vms=200, per=3)
    assert seen == (200, 600, 1200) and not notes
    seen, much, notes, _ = at_once(tmp_path, "--max-vcpus", 2048, vms=300, per=4)
    assert seen == (300, 1200, 2400) and not notes
    assert 0.9 < (much - default) / 1024 / ((default - little) / (1024 - 64)) < 1.1
    assert (much - default) / 1024 < 32_000


@pytest.mark.slow
def test_a_thousand_vms_at_once(tmp_path):
    seen, _, notes, _ = at_once(tmp_path, "--max-vcpus", 6000, vms=1000, per=4)
    assert seen == (1000, 4000, 8000) and not notes


def test_threads_that_take_turns(tmp_path):
    """300 threads each run all of four vCPUs: four rows, with 300 returns each."""
    done = kvmw("stat", "-q", "--json", "--per", "vcpu", "--", sys.executable, MANY_VMS, "take_turns", "300", "4")
    rep = json.loads(done.stdout)
    assert [row["vcpu"] for row in rep["rows"]] == [0, 1, 2, 3]
    assert len({row["vcpu_id"] for row in rep["vcpu_time"]}) == 4
    if rep["event"] == "userspace":
        assert [row["count"] for row in rep["rows"]] == [300] * 4
    done = kvmw("record", "-q", "-e", "userspace", "-o", tmp_path / "f", "--", sys.executable, MANY_VMS, "take_turns", "300", "4")
    rep = json.loads(kvmw("report", "-i", tmp_path / "f", "-e", "userspace", "--sort", "vcpu", "--json").stdout)
    assert sorted((row["vcpu"], row["count"]) for row in rep["rows"]) == [(number, 300) for number in range(4)]


@pytest.mark.parametrize("command", ["record", "stat", "export"])
def test_slots_and_descriptors(tmp_path, command):
    """VMs one after another are all in the totals. The recorder's descriptors do not grow, and it
    forgets ended VMs; make soak runs 5000."""
    vms = int(os.environ.get("KVMW_VMS", 2100)) // 3 * 3
    args = {"record": ["record", "-e", "userspace", "-o", tmp_path / "f"], "stat": ["stat", "--json"],
            "export": ["stat", "--openmetrics", tmp_path / "f.prom"]}[command]
    done = kvmw(args[0], "-q", *args[1:], "--", sys.executable, MANY_VMS, "short", str(vms))
    assert done.returncode == 0, done.stderr
    said = done.stderr if command == "stat" else done.stdout
    (before, memory), (after, more) = (map(int, line.split()) for line in said.splitlines())
    assert before == after
    print(f"{command}: {vms} VMs, {after} descriptors, {memory} then {more} KB")
    if command == "export":
        return
    rep = json.loads(done.stdout if command == "stat" else
                     kvmw("report", "-i", tmp_path / "f", "-e", "userspace", "--json").stdout)
    assert rep["total"]["exact"]
    assert rep["event"] != "userspace" or rep["total"]["count"] == 2 * vms
