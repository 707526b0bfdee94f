# SPDX-License-Identifier: GPL-2.0
"""More vCPUs than kvmw record has room for: none of another VM's gets lost, and it says so."""
import json
import re
import subprocess
import sys

import independent_reader
import pytest

from synthetic import KVMW, kvmw
from test_record_here import pytestmark  # noqa: F401

IDENT = 3
ROOM = 1024
SHARE = ROOM * 3 // 4 + 1
OTHERS = 20
# A VM with so many vCPUs. Each runs five times, since the kernel may skip a program now and then.
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
# Hogs; then, when told to, another VM beside them. Their process ids.
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
    """Of each process: the numbers of its vCPUs; and the notes."""
    about = json.loads(kvmw("info", path, "--json").stdout)
    pids = {vm["id"]: vm["pid"] for vm in about["vms"]}
    found = {}
    for vcpu in about["vcpus"]:
        found.setdefault(pids[vcpu["vm"]], []).append(vcpu["vcpu"])
    return found, about["notes"]


def test_one_vmm_with_too_many(tmp_path):
    """The other is recorded in full; the moment it happens it is said, and the exit status is 1."""
    with recorder(tmp_path / "f", 1) as process:
        hog = int(process.stdout.readline())
        assert process.stderr.readline() == f"kvmw: warning: process {hog} has too many vCPUs: what those beyond its " \
            f"share of {ROOM} do is not recorded\n"
        said, errors = process.communicate("\n", timeout=60)
        assert process.returncode == 1
    found, notes = vcpus_of(tmp_path / "f")
    assert len(found[hog]) == SHARE and sorted(found[int(said)]) == list(range(OTHERS))
    note, = [note for note in notes if "share" in note]
    assert re.fullmatch(rf"process {hog}, and maybe others, had too many vCPUs at a time: \d+ events of those beyond "
                        "its share are not recorded", note) and f"warning: {note}\n" in errors


@pytest.mark.parametrize("status", [0, 7])
def test_two_vmms_with_too_many(tmp_path, status):
    """The second one leaves room as well. What the command says of itself comes first."""
    with recorder(tmp_path / "f", 2, status) as process:
        said, _ = process.communicate("\n", timeout=120)
        assert process.returncode == (status or 1)
    hog, second, other = map(int, said.split())
    found, _ = vcpus_of(tmp_path / "f")
    assert sorted(found[other]) == list(range(OTHERS))
    assert len(found[hog]) == SHARE and 0 < len(found[second]) < ROOM - SHARE - OTHERS


def test_short_vms_are_sent_once_or_twice(tmp_path):
    """VMs one after another. Each is sent when it comes and goes, and all of them only now and then."""
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
    # Each when it came and when it went; and as often again among all.
    assert vms <= sum(len(ident.get("vcpus", [])) for ident in sent) <= 4 * vms + ROOM
