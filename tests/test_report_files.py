# SPDX-License-Identifier: GPL-2.0
"""kvmw report of several recordings, compared with the rows of kvmw script --json and with the
report of each."""
import collections
import csv
import io
import json
import random

import pytest

from synthetic import SVM, TREE, VMX, Recording, kvmw, one_line, random_rows, report, widest
from test_where import script

DATA = TREE / "tests/data"
FAMILIES, LOST, CUT = (DATA / f"svm-{name}.kvmw" for name in ("families", "lost", "cut"))


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Three recordings of the same VMs: with losses, without, and one killed before it had
    totals."""
    tmp, made = tmp_path_factory.mktemp("files"), []
    for seed, (names, isa, totals) in enumerate([(SVM, 2, True), (VMX, 1, True), (SVM, 2, False)]):
        rec = Recording()
        rows = random_rows(random.Random(seed), names, isa, 700)
        lost = rec.frame(rows, keep=lambda row: seed or row[0] % 9)
        if totals:
            rec.totals(lost)
        made.append(rec.finish().write(tmp / f"{seed}"))
    return made


def of_all(paths, *args, status=0):
    done = kvmw("report", *paths, "--json", *args)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def sums(rows, key, members):
    result = collections.defaultdict(lambda: [0] * len(members))
    for row in rows:
        for i, member in enumerate(members):
            result[key(row)][i] += row[member] or 0
    return dict(result)


def test_what_would_count_twice_is_said(tmp_path, paths):
    whole, early, late = DATA / "svm-linux.kvmw", tmp_path / "early", tmp_path / "late"
    for path, window in (early, ",6"), (late, "6.1,"):
        assert kvmw("cut", "-i", whole, "-o", path, "--time", window).returncode == 0
    for pair in (whole, whole), (whole, early), (late, whole):
        one_line(kvmw("report", *pair), 0, f"warning: {pair[0]} and {pair[1]} come from one recorder", "counts twice")
    for pair in (early, late), (whole, DATA / "vmx-mixed.kvmw"):
        assert kvmw("report", *pair).stderr == ""


COUNTED = "count", "recorded", "unfinished", "time_ns", "kvm_ns", "user_ns", "halt_ns", "wait_ns", "cost_ns", "guest_ns"


def reason(row):
    return row["isa"], row["reason_number"]


@pytest.mark.parametrize("which", [(0, 1), (1, 0), (0, 0), (0, 1, 1)], ids=str)
def test_exact(paths, which):
    """Counts are the kernel's, lost exits included."""
    chosen = [paths[i] for i in which]
    rep, alone = of_all(chosen), [report(path) for path in chosen]
    assert sums(rep["rows"], reason, COUNTED) == sums([row for one in alone for row in one["rows"]], reason, COUNTED)
    assert all(row["exact"] for row in rep["rows"])
    for member in "recorded", "lost", "unfinished", "not_wanted":
        assert rep[member] == sum(one[member] for one in alone) == sum(file[member] for file in rep["files"])
    assert rep["lost"] > 0 or 0 not in which
    assert rep["whole"] == {part: None if alone[0]["whole"][part] is None else sum(one["whole"][part] for one in alone)
                            for part in alone[0]["whole"]}
    assert [file["findings"] for file in rep["files"]] == [one["findings"] for one in alone]
    assert rep["covered_ns"] == sum(one["recording"]["duration_ns"] for one in alone)


def test_distribution(paths):
    rep, rows = of_all(paths[:2]), [row for path in paths[:2] for row in script(path)]
    for row in rep["rows"]:
        spans = [r["total_ns"] for r in rows if r["reason"] == row["reason"] and r["total_ns"] is not None]
        assert (row["recorded"], row["min_ns"], row["max_ns"]) == (len(spans), min(spans), max(spans))
        assert sum(part["count"] for part in row["histogram"]) == len(spans)
    assert rep["total"]["recorded"] == len(rows)


def test_one_without_totals(paths):
    """If one file has no totals, none are used: sums of some files would look like those of all."""
    rep, rows = of_all(paths), [row for path in paths for row in script(path)]
    got = {row["reason"]: (row["count"], row["time_ns"], row["exact"]) for row in rep["rows"]}
    want = {name: (len(spans), sum(spans), False) for name, spans in {
        name: [row["total_ns"] for row in rows if row["reason"] == name] for name in {row["reason"] for row in rows}}.items()}
    assert got == want


def test_vms_are_told_apart(paths):
    rep, alone = of_all(paths[:2], "-s", "vm"), [report(path, "-s", "vm") for path in paths[:2]]
    files = {vm["id"]: vm["file"] for vm in rep["vms"]}
    got = {(files[row["vm_id"]], row["pid"]): row["count"] for row in rep["rows"]}
    assert got == {(i + 1, row["pid"]): row["count"] for i, one in enumerate(alone) for row in one["rows"]}
    by_vcpu, alone = of_all(paths[:2]), [report(path) for path in paths[:2]]
    vms = {vcpu["id"]: files[vcpu["vm"]] for vcpu in by_vcpu["vcpus"]}
    same = "vcpu", "tid", "count", "guest_ns", "kvm_ns", "vmm_ns", "unseen_ns", "open_ns", "wall_ns"
    key = lambda file, row: (file, *(row[name] for name in same))  # noqa: E731
    assert sorted(key(vms[row["vcpu_id"]], row) for row in by_vcpu["vcpu_time"]) == sorted(
        key(i + 1, row) for i, one in enumerate(alone) for row in one["vcpu_time"])
    some = of_all(paths[:2], "--vm", "200")
    assert some["total"]["count"] == sum(report(path, "--vm", "200")["total"]["count"] for path in paths[:2])
    page = kvmw("report", *paths[:2], "--width", 80).stdout
    assert "\n100@1/0 " in page and "\n200@2/0 " in page and widest(page) <= 80
    assert "# @1\n" in page and "All 2 recordings together" in page.replace("\n# ", " ")


@pytest.mark.parametrize("id_of_them", [1, 7])
def test_vcpus_that_nothing_describes(tmp_path, id_of_them):
    """Rows of a vCPU whose IDENT frame was lost are not attributed to another recording's vCPU."""
    vms, vcpus = [{"id": 0, "pid": 100, "name": "one"}], [{"id": 0, "vm": 0, "vcpu": 0, "tid": 101}]
    made = []
    for nr, vcpu in (10, id_of_them), (3, 0):
        rec = Recording(vms=vms, vcpus=vcpus)
        rec.frame([(6_000_000_000 + 1000 * i, 100, 500, 0, 10, vcpu, 1) for i in range(nr)])
        made.append(rec.finish().write(tmp_path / f"{nr}"))
    for paths in made, made[::-1]:
        assert sorted(row["count"] for row in of_all(paths, "-s", "vm,vcpu")["rows"]) == [3, 10]


@pytest.mark.parametrize("largest", ["row", "total", "vm"])
def test_ids_that_have_no_room(tmp_path, largest):
    rec = Recording()
    id = 2**32 - 2
    if largest == "row":
        rec.frame([(6_000_000_000, 100, 500, 0, 10, id, 1)])
    elif largest == "total":
        rec.lines.append(["STATS", "total", [[id, 1, 1, 10, 1, 1, 0, 100, 500, 0]]])
    else:
        rec.lines.append(["IDENT", {"vcpus": [{"id": 20, "vm": id, "vcpu": 0, "tid": 301}]}])
    hostile = rec.finish().write(tmp_path / "hostile")
    one_line(kvmw("report", FAMILIES, hostile), 1, str(hostile), "too large", "report it alone")


def test_details():
    """Thresholds for details apply to all recordings together."""
    files = FAMILIES, FAMILIES
    rows = [row for path in files for row in script(path, "-e", "exit")]
    rep = of_all(files)
    shown = 0
    for row in rep["rows"]:
        for detail in row["details"]:
            if not detail["detail"].startswith(("in 0x", "out 0x")):
                continue
            port = int(detail["detail"].split()[1], 16)
            kind = detail["detail"].split()[0]
            assert detail["recorded"] == sum(r.get("detail") == port and r["detail_kind"] == kind for r in rows)
            shown += 1
    assert shown
    by_detail = of_all(files, "-s", "reason,detail")
    assert sum(row["recorded"] for row in by_detail["rows"]) == len(rows)


@pytest.mark.parametrize("event", ["userspace", "irq", "fault", "ioctl"])
def test_families(event):
    files = FAMILIES, FAMILIES
    rep, alone = of_all(files, "-e", event), report(FAMILIES, "-e", event)
    assert [row["count"] for row in rep["rows"]] == [2 * row["count"] for row in alone["rows"]]
    assert rep["total"]["time_ns"] == 2 * alone["total"]["time_ns"] and rep["total"]["max_ns"] == alone["total"]["max_ns"]
    assert [(part["from_ns"], part["count"]) for part in rep["total"]["histogram"]] == [
        (part["from_ns"], 2 * part["count"]) for part in alone["total"]["histogram"]]


VIEWS = {"halt": "halt", "sched": "sched", "irq": "interrupts", "fault": "page_faults", "mmu": "memory_taken", "dirty": "dirty"}


@pytest.mark.parametrize("event", VIEWS)
def test_views(paths, event):
    """Views are shown for each recording, as in its own report."""
    files = FAMILIES, paths[0], FAMILIES
    rep, alone = of_all(files, "-e", event), report(FAMILIES, "-e", event)
    for one in rep["files"][0], rep["files"][2]:
        assert one[VIEWS[event]] == alone[VIEWS[event]] and one.get("taken") == alone.get("taken")
    page, view = kvmw("report", *files, "-e", event).stdout, kvmw("report", FAMILIES, "-e", event).stdout
    last_table = view.split("\n\n")[-1].strip()
    # These have nothing to show below the table of mmu, not even a heading.
    assert (page.count(last_table) == 2 and page.count("\n# @") == 4 if event != "mmu" else
            page.count("\n# @") == 2 and "separately" not in page)
    assert VIEWS[event] not in of_all(files, "-e", event, "--where", "tid>0")["files"][0]


def test_over_time(paths):
    page, alone = (kvmw("report", *which, "-v", "--width", 80).stdout for which in (paths[:2], paths[:1]))
    begin = alone.index("\nreason", alone.index("at most/s") - 80)
    assert alone[begin:alone.index("\n#", begin)] in page[page.index("For each recording separately"):]
    assert page.count("at most/s") == 2 and "at most/s" not in kvmw("report", *paths[:2]).stdout


def test_selected(paths):
    where = "--where", "total>2us", "--time", "00:00:00.001,00:00:00.002"
    rep, rows = of_all(paths[:2], *where), [row for path in paths[:2] for row in script(path, *where)]
    assert len(rows) > 20
    assert sums(rep["rows"], reason, ["recorded"]) == {
        key: [count] for key, count in collections.Counter((row["isa"], row["reason_number"]) for row in rows).items()}
    assert rep["covered_ns"] == 2 * 10**6


def test_csv_and_pipe(paths):
    rep = of_all(paths[:2])
    table = list(csv.DictReader(io.StringIO(kvmw("report", *paths[:2], "--csv").stdout)))
    assert [(row["reason"], int(row["count"])) for row in table] == [(row["reason"], row["count"]) for row in rep["rows"]]
    with open(paths[1], "rb") as second:
        piped = kvmw("report", paths[0], "-", "--json", stdin=second)
    assert json.loads(piped.stdout)["rows"] == rep["rows"]


def test_what_cannot_be(paths, tmp_path):
    for options, word in ((["--time", "1ms,2ms"], "by the clock"), (["--time", "10%"], "by the clock"),
                          (["--around", "1ms+-1ms"], "by the clock"), (["--interval", "1ms"], "--sort time"),
                          (["-s", "cpu"], "--sort cpu"), (["-s", "exit_cpu"], "--sort exit_cpu"), (["-e", "halt", "-s", "tid"], "--sort tid"),
                          (["-e", "stack"], "stack"), (["-e", "kvm:kvm_pio"], "kvm:kvm_pio"), (["--heatmap"], "--heatmap"),
                          (["--outliers", "3"], "--outliers"), (["--guest-kallsyms", "x"], "symbols")):
        one_line(kvmw("report", *paths[:2], *options), 2, word, "one recording" if word != "by the clock" else "begin")
    one_line(kvmw("report", "-", "-"), 2, "2 times")
    one_line(kvmw("report", paths[0], tmp_path / "none"), 1, "none", "No such file")
    only = Recording()
    only.lines.append(["EVENTS", "userspace", [[5_000_000_100, 100, 200, 2, 0, 0, 0]]])
    other = only.finish().write(tmp_path / "userspace")
    one_line(kvmw("report", paths[0], other), 1, "-e chooses one of them")


def test_what_is_wrong_with_one():
    done = kvmw("report", FAMILIES, CUT)
    assert done.returncode == 1 and f"kvmw: {CUT}: " in done.stderr and str(FAMILIES) not in done.stderr
    none = kvmw("report", FAMILIES, LOST, "--vm", "9999")
    assert none.returncode == 1 and len(none.stderr.splitlines()) == 2
