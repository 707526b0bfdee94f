# SPDX-License-Identifier: GPL-2.0
"""kvmw cut: the content of a part, whose reports equal those of the whole with the same filters."""
import collections
import json
import os
import random
import re
import signal
import subprocess

import pytest

import independent_reader
from synthetic import KVMW, TREE, VMX, Recording, kvmw, random_rows

GOLDEN = sorted((TREE / "tests/data").glob("*.kvmw"))
WHAT = [["--time", "10%,60%"], ["--time", ",50%"], ["--time", "50%,"], ["--vcpu", "0"]]


def cut(path, out, *args, status=0):
    done = kvmw("cut", "-i", path, "-o", out, *args)
    assert done.returncode in (status, 1), done.stderr
    assert done.returncode == status or "damaged" in done.stderr or "did not finish" in done.stderr
    return done


def shown(path, *args):
    """A report's JSON without the heading, the reason why it is empty, and names that only
    distinguish VMs."""
    done = kvmw("report", "--json", *args, path)
    if not done.stdout:
        return re.sub(str(path), "FILE", done.stderr)
    found = json.loads(done.stdout.replace(str(path), "FILE"))
    for member in ("file", "recording", "empty"):
        found.pop(member)
    for finding in found.get("findings", []):
        finding.pop("command")      # which VM to record, if there are several
    if "dirty" in found:
        found["dirty"].pop("not_observed", None)
    if "taken" in found:            # vCPUs that are not in a part are threads there
        causes = collections.Counter()
        for cause in found["taken"]["causes"]:
            causes.update({f"{cause['cause']} {member}": cause[member] for member in ("count", "bytes", "guest_bytes")})
        found["taken"]["causes"] = causes
    return json.loads(re.sub(r"vCPU \d+/", "vCPU ", json.dumps(found)))


def heading(path):
    return re.sub(r"\n# *", " ", kvmw("report", path).stdout)


def rows(path):
    rec = independent_reader.Recording(path.read_bytes())
    assert not rec.damage
    return rec


def totals(path):
    found = {}
    rec = rows(path)
    for f in rec.frames:
        if f.type == 6 and rec.events[f.event]["name"] == "total":
            columns = rec.columns(f)
            for i in range(f.rows):
                key = tuple(columns[k][i] for k in ("vcpu", "event", "isa", "reason"))
                found[key] = {k: v[i] for k, v in columns.items() if k not in ("vcpu", "event", "isa", "reason")}
    return found


# Each golden file is cut in one way here, and in all ways by make check.
@pytest.mark.parametrize("golden, what", [
    pytest.param(golden, what, marks=[] if i % len(WHAT) == k else [pytest.mark.slow], id=f"{golden.stem} {' '.join(what)}")
    for i, golden in enumerate(GOLDEN) for k, what in enumerate(WHAT)])
def test_reports_are_those_of_the_whole(golden, what, tmp_path):
    part = tmp_path / "part"
    cut(golden, part, *what)
    for event in "exit", "irq", "fault", "halt", "sched", "mmu":
        assert shown(golden, "-e", event, *what) == shown(part, "-e", event), event


def test_a_part_of_what_was_cut_off_says_so(tmp_path):
    cut(TREE / "tests/data/svm-cut.kvmw", tmp_path / "part", "--vcpu", "0", status=1)
    assert "cut off" in heading(tmp_path / "part") and "damaged" not in heading(tmp_path / "part")


@pytest.fixture(scope="module")
def lossy(tmp_path_factory):
    """Three vCPUs of two VMs, one row in 50 lost; totals after each frame."""
    rng = random.Random(3)
    rec, lost = Recording(), []
    all_rows = random_rows(rng, VMX, 1, 8000)
    for i in range(0, len(all_rows), 1000):
        lost += rec.frame(all_rows[i:i + 1000], keep=lambda row: rng.randrange(50))
        rec.totals(lost)
    return rec.finish().write(tmp_path_factory.mktemp("lossy") / "lossy")


def test_totals_of_parts_add_up(lossy, tmp_path):
    names = [tmp_path / str(i) for i in range(3)]
    for path, time in zip(names, [",0.0133", "0.013300001,0.0271", "0.027100001,"]):
        cut(lossy, path, "--time", time)
    assert "records were lost across its ends" in heading(names[1])
    whole, parts = totals(lossy), [totals(p) for p in names]
    for key, total in whole.items():
        for field in "count", "lost", "span_ns", "gap_ns", "user_ns":
            assert total[field] == sum(p.get(key, {}).get(field, 0) for p in parts), (key, field)
    assert all(p for p in parts)


def test_whole_frames_are_copied(lossy, tmp_path):
    done = cut(lossy, tmp_path / "part", "--time", "0.0033,0.0271")
    copied = {f.payload for f in rows(tmp_path / "part").frames if f.type == 4}
    before = {f.payload for f in rows(lossy).frames if f.type == 4}
    assert len(copied & before) >= 1 and len(copied - before) == 2
    assert re.search(r"frames? copied, 2 encoded again", done.stderr)


def test_of_one_vm_nothing_else_is_left(lossy, tmp_path):
    cut(lossy, tmp_path / "part", "--vm", "firecracker", "-e", "exit")
    info = json.loads(kvmw("info", "--json", tmp_path / "part").stdout)
    assert [v["pid"] for v in info["vms"]] == [200] and len(info["vcpus"]) == 1
    assert {key[0] for key in totals(tmp_path / "part")} == {9}
    assert shown(tmp_path / "part") == shown(lossy, "--vm", "200")


def test_a_part_of_a_part(lossy, tmp_path):
    cut(lossy, tmp_path / "a", "--time", "0.002,0.018")
    cut(tmp_path / "a", tmp_path / "b", "--time", "0.004,", "--vcpu", "0")
    assert shown(tmp_path / "b") == shown(lossy, "--time", "0.004,0.018", "--vcpu", "0")
    assert re.search("longer recording: --time 0.002,0.018; .*; --time 0.004, --vcpu 0", heading(tmp_path / "b"))


@pytest.mark.parametrize("args, words", [
    (["--time", "5,6"], "begins after the end"), (["-e", "xyz"], "xyz"), ([], "no part is selected")])
def test_says_what_is_wrong(lossy, tmp_path, args, words):
    done = kvmw("cut", "-i", lossy, "-o", tmp_path / "part", *args)
    assert done.returncode and words in done.stderr
    assert not (tmp_path / "part").exists()


def test_not_the_same_file_and_not_a_pipe(lossy, tmp_path):
    assert "same file" in kvmw("cut", "-i", lossy, "-o", lossy, "--vcpu", "0").stderr
    done = kvmw("cut", "-i", "-", "-o", tmp_path / "part", "--vcpu", "0", stdin=lossy.open("rb"))
    assert done.returncode == 1 and "twice" in done.stderr


def end_me():
    """Before exec: the signal waits until kvmw looks at it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    os.kill(os.getpid(), signal.SIGTERM)


def test_ended_by_a_signal_it_leaves_what_was_there(lossy, tmp_path):
    (tmp_path / "part").write_text("what was there")
    done = subprocess.run([KVMW, "cut", "-i", lossy, "-o", tmp_path / "part", "--vcpu", "0"], check=False, timeout=60,
                          preexec_fn=end_me, capture_output=True)
    assert done.returncode
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("part", "what was there")]
