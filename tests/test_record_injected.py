# SPDX-License-Identifier: GPL-2.0
"""kvmw record on this machine's KVM: memory runs out, a write fails, the verifier refuses, at each
place."""
import errno
import json
import os
import random
import re

import faults
import lab_fixtures
from synthetic import KVMW, kvmw
from test_record_here import pytestmark  # noqa: F401

PIOS = 50
NO_SPACE = errno.ENOSPC


def record(path, fault):
    return faults.run(fault, KVMW, "record", "-e", "userspace", "-o", path, "--", KVMW, "bench", "guest", "--pio", PIOS)


def check(path, done, words):
    """The recording is complete, or kvmw says why not, and the file can be read and is marked as
    incomplete."""
    if done.status == 0:
        assert lab_fixtures.report(path)["recorded"] > PIOS
        return
    said = [line for line in done.err.splitlines() if line.startswith("kvmw: ")]
    assert done.status == 1 and len(set(said)) == 1 and re.search(words, said[0]), (done.fault, done.err)
    if path.exists():
        about = json.loads(kvmw("info", "--json", path).stdout)
        assert about["damage"] == [] and not about["finished"], done.fault


def test_without_memory(tmp_path):
    """Fails each allocation of the threads that drain and write, and some of the main thread."""
    whole = record(tmp_path / "whole", "thread 0")
    assert whole.status == 0 and whole.may_fail
    for n in whole.may_fail:
        check(tmp_path / f"thread-{n}", record(tmp_path / f"thread-{n}", f"thread {n}"), "out of memory|not enough memory")
    many = record(tmp_path / "many", "malloc 0").may_fail
    rng = random.Random(os.environ.get("KVMW_SEED", "7"))
    # Nearly all are libbpf's; kvmw's own are the first and the last.
    for n in [*rng.sample(many[:40], 3), *rng.sample(many, 1), *rng.sample(many[-40:], 3)]:
        done = record(tmp_path / f"{n}", f"malloc {n}")
        check(tmp_path / f"{n}", done, "memory")


def test_each_write_fails(tmp_path):
    whole = record(tmp_path / "whole", "write 0 0")
    assert whole.status == 0 and whole.count > 10
    # There may be one or two more after everything is in the file.
    for n in range(1, whole.count - 1):
        path = tmp_path / f"{n}"
        done = record(path, f"{'write' if n % 2 else 'once'} {n} {NO_SPACE}")
        assert done.status == 1 and (n > 2 or not path.exists())
        # Another thread writes the start: a failure before the command begins leaves nothing.
        assert path.exists() or n < whole.count / 2
        check(path, done, f"{path}: cannot write: {os.strerror(NO_SPACE)}")
        if path.exists() and any(frame.event == "userspace" for frame in lab_fixtures.frames(path, status=1)):
            assert f"the {path.stat().st_size} bytes before" in done.err


# ---- the verifier ------------------------------------------------------------

def refused(path, program, *args):
    return faults.run(f"refuse {program}", KVMW, "record", "-o", path, *args, "--", KVMW, "bench", "guest", "--pio", PIOS)


def test_program_that_the_verifier_refuses(tmp_path):
    """The event of a refused program is skipped with one line, and its log shown with -v; other
    events are recorded in full."""
    path = tmp_path / "f"
    done = refused(path, "ioctl_enter", "-e", "vmm")
    said = [line for line in done.err.splitlines() if not line.startswith("[ kvmw record")]
    assert done.status == 0 and said == [
        f"kvmw: warning: skipping event {event}: cannot see ioctl calls on this kernel: refused by the kernel's "
        "verifier, -v shows why" for event in ("ioctl", "memslot")]
    about = lab_fixtures.info(path)
    assert about["finished"] and about["events"] == ["userspace"]
    assert sum(row["count"] for row in lab_fixtures.report(path)["rows"]) == PIOS + 2
    done = refused(path, "ioctl_enter", "-v", "-e", "vmm")
    assert done.status == 0 and "-- BEGIN PROG LOAD LOG --" in done.err and "R9 !read_ok" in done.err


def test_program_that_is_required(tmp_path):
    for args in ["-e", "userspace,ioctl"], ["-v", "-e", "ioctl"]:
        done = refused(tmp_path / "f", "ioctl_enter", *args)
        said = [line for line in done.err.splitlines() if line.startswith("kvmw: ")]
        assert done.status == 1 and said == [
            "kvmw: event ioctl: cannot see ioctl calls on this kernel: refused by the kernel's verifier, -v shows why"]
        assert os.listdir(tmp_path) == []
        assert ("R9 !read_ok" in done.err) == ("-v" in args)
