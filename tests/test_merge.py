# SPDX-License-Identifier: GPL-2.0
"""kvmw merge: the parts of a recording, merged, are the recording again."""
import json
import re

import pytest

from synthetic import META, START, TREE, Recording, kvmw, one_line
from test_cut import cut, heading, lossy, rows, shown, totals     # noqa: F401 (a fixture)

DATA = TREE / "tests/data"
CUTS = {"time": [["--time", "{mid1},"], ["--time", ",{third}"], ["--time", "{third1},{mid}"]],
        "vcpu": [["--vcpu", "0"], ["--vcpu", "1-999"]],
        "event": [["-e", "exit"], ["-e", "irq,fault,halt,sched,mmu,dirty,ioctl,userspace,timer,memslot"]]}


def mono(ns):
    return f"@{ns // 10**9}.{ns % 10**9:09}"


def parts(path, tmp_path, what, *more, status=0):
    info = json.loads(kvmw("info", "--json", path).stdout)
    mid, third = (info["start_ns"] + info["duration_ns"] // n for n in (2, 5))
    times = {"mid": mono(mid), "mid1": mono(mid + 1), "third": mono(third), "third1": mono(third + 1)}
    made = []
    for i, args in enumerate(CUTS[what]):
        made.append(tmp_path / str(i))
        cut(path, made[-1], *(a.format(**times) for a in args), *more, status=status)
    return made


def memslots(path):
    rec = rows(path)
    return sum(f.rows for f in rec.frames if f.type == 4 and rec.events[f.event]["name"] == "memslot")


def report_of(path):
    return json.loads(kvmw("report", "--json", path).stdout)


def merge(out, *paths):
    return kvmw("merge", "-o", out, *paths)


@pytest.mark.parametrize("name, what", [("svm-families", "time"), ("svm-lost", "time"), ("svm-mixed", "event"),
                                        ("vmx-mixed", "time"), ("svm-families", "event"), ("svm-families", "vcpu"), ("svm-tables", "vcpu")])
def test_parts_make_the_whole(name, what, tmp_path):
    golden, out = DATA / f"{name}.kvmw", tmp_path / "out"
    done = merge(out, *parts(golden, tmp_path, what))
    assert done.returncode == 0, done.stderr
    assert all(r.damage == [] for r in [rows(out)])
    for event in "exit", "fault", "sched", "memslot":
        # Threads that are not vCPUs are in no part made with --vcpu.
        if event not in {"event": ("exit", "memslot"), "vcpu": ("sched",)}.get(what, ()):
            assert shown(out, "-e", event) == shown(golden, "-e", event), event
    assert memslots(out) == memslots(golden)
    if what != "event":
        fields = "count", "done", "lost", "gap_ns", "span_ns", "user_ns"
        one, other = ({k: [t[f] for f in fields] for k, t in totals(path).items() if t["count"]} for path in (out, golden))
        assert one == other if what == "time" else one.items() <= other.items()
    if what == "time":
        assert "part" not in json.loads(kvmw("info", "--json", out).stdout)


def test_losses_across_an_end_count_once(lossy, tmp_path):     # noqa: F811
    made = parts(lossy, tmp_path, "time")
    assert merge(tmp_path / "out", *made).returncode == 0
    assert shown(tmp_path / "out") == shown(lossy)
    assert json.loads(kvmw("report", "--json", tmp_path / "out").stdout)["lost"] > 100


def test_some_parts_are_a_part(lossy, tmp_path):               # noqa: F811
    last, first, middle = parts(lossy, tmp_path, "time")
    assert merge(tmp_path / "out", middle, last).returncode == 0
    from_ns = json.loads(kvmw("report", "--json", middle).stdout)["window"]["from_ns"]
    assert shown(tmp_path / "out") == shown(lossy, "--time", mono(from_ns) + ",")
    done = merge(tmp_path / "none", first, last)
    assert done.returncode == 1 and f" s after {first} ends: merge" in done.stderr
    assert not (tmp_path / "none").exists()


def test_what_does_not_fit_together(lossy, tmp_path):          # noqa: F811
    cut(lossy, tmp_path / "a", "--time", ",0.02")
    cut(lossy, tmp_path / "b", "--time", "0.01,")
    done = merge(tmp_path / "out", tmp_path / "a", tmp_path / "b")
    assert done.returncode == 1 and "count twice" in done.stderr and "from 0.010000000 s on" in done.stderr
    one_line(merge(tmp_path / "out", DATA / "svm-mixed.kvmw", DATA / "vmx-mixed.kvmw"), 1, "not parts of one recording",
             "mixed.kvmw shows them together")
    for host in "node7", "node8":
        Recording(META | {"host": META["host"] | {"name": host}}).finish().write(tmp_path / host)
    files = tmp_path / "node7", tmp_path / "node8"
    one_line(merge(tmp_path / "out", *files), 1, "node7 is of host node7", "node8 of host node8",
             f"kvmw report {files[0]} {files[1]} shows them together")
    assert not (tmp_path / "out").exists()
    assert merge(tmp_path / "out", tmp_path / "a").returncode == 2
    assert "same file" in merge(tmp_path / "a", tmp_path / "a", tmp_path / "b").stderr


def test_what_does_not_fit_into_memory_is_not_lost(tmp_path):
    """2000 vCPUs, 30 exit reasons: more totals than the memory of a small file."""
    vcpus = [{"id": i, "vm": 0, "vcpu": i, "tid": 1000 + i, "comm": "x"} for i in range(2000)]
    rec = Recording(vcpus=vcpus)
    rec.frame([(START + 10000 * k, 100, 50, 0, 0x40 + k // 2000, k % 2000, 2) for k in range(60000)])
    rec.totals()
    whole = rec.finish().write(tmp_path / "whole")
    done = kvmw("cut", "-i", whole, "-o", tmp_path / "out", "--time", ",50%")
    assert done.returncode == 1 and "--memory" in done.stderr and not (tmp_path / "out").exists()
    made = parts(whole, tmp_path, "event", "--memory", "1G")
    done = merge(tmp_path / "out", *made)
    assert done.returncode == 1 and "--memory=SIZE" in done.stderr and not (tmp_path / "out").exists()
    assert merge(tmp_path / "out", *made, "--memory", "1G").returncode == 0
    assert len(totals(tmp_path / "out")) == 60000


@pytest.fixture(scope="module")
def losing(tmp_path_factory):
    """A complete second, one with all rows lost, and a complete one; nothing begins at 2 s."""
    rec = Recording()
    for second in range(3):
        rec.frame([(START + second * 10**9 + 1000 * k, 100, 50, 0, 0x78, 0, 2) for k in range(1, 11)],
                  keep=lambda row: second != 1)
        rec.totals(rec.exits[10:20])
    return rec.finish().write(tmp_path_factory.mktemp("losing") / "losing")


def test_counts_overlap_without_rows(losing, tmp_path):
    cut(losing, tmp_path / "a", "--time", "0.5,1.5")
    done = merge(tmp_path / "out", tmp_path / "a", tmp_path / "a")
    assert done.returncode == 1 and "count twice" in done.stderr and not (tmp_path / "out").exists()


def test_parts_may_share_an_end_where_nothing_is(losing, tmp_path):
    for name, time in ("a", ",2"), ("b", "2,"), ("c", ",2.000001"), ("d", "2.000001,"):
        cut(losing, tmp_path / name, "--time", time)
    assert merge(tmp_path / "out", tmp_path / "a", tmp_path / "b").returncode == 0
    assert shown(tmp_path / "out") == shown(losing)
    done = merge(tmp_path / "none", tmp_path / "c", tmp_path / "d")
    assert "count twice" in done.stderr and not (tmp_path / "none").exists()


def test_of_what_is_damaged_nothing_is_exact(tmp_path):
    """The kernel's totals cover all rows; how many of the missing ones fall into a part in time is
    unknown."""
    data = bytearray((DATA / "svm-linux.kvmw").read_bytes())
    frame = [f for f in rows(DATA / "svm-linux.kvmw").frames if f.type == 4][5]
    data[data.index(frame.payload) + 100] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    for what in "time", "vcpu":
        made = parts(tmp_path / "damaged", tmp_path, what, status=1)
        merge(tmp_path / "out", *made)
        for path in *made, tmp_path / "out":
            assert re.search(r" damaged .*at least \d{3,} events are missing", heading(path)), path
            # The recorder finished, though.
            assert "cut off" not in heading(path) and "did not finish" not in kvmw("report", path).stderr, path
        assert ("exact" in heading(tmp_path / "out")) == bool(totals(tmp_path / "out")) == (what == "vcpu")
    # Each part says what is missing in the recording.
    one, other = (re.search(r"(\d+) events are missing", kvmw("report", tmp_path / path).stderr).group(1)
                  for path in ("damaged", "out"))
    assert one == other
    assert report_of(tmp_path / "out")["total"] == report_of(tmp_path / "damaged")["total"]


def test_whole_is_what_was_cut_by_time_alone_however_long_its_names(lossy, tmp_path):      # noqa: F811
    cut(lossy, tmp_path / "a", "--vm", "debian12" + ",debian12" * 40, "--time", ",0.02")
    cut(lossy, tmp_path / "b", "--time", "0.020000001,", "--vm=debian12")
    assert merge(tmp_path / "out", tmp_path / "a", tmp_path / "b").returncode == 0
    assert "of a longer recording: --time ,0.02 --vm" in heading(tmp_path / "out")
    cut(lossy, tmp_path / "c", "-e", "irq")
    assert "exits were cut out when this part was made" in kvmw("report", tmp_path / "c").stderr
    done = kvmw("report", tmp_path / "a", "--vcpu", "77")
    assert "nothing was recorded in this part" in done.stderr
    assert not re.search("0 bytes", kvmw("cut", "-i", lossy, "-o", "/dev/full", "--vcpu", "0").stderr)
