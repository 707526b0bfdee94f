# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e dirty: pages, rate, working set, ranges and writers, from known marks."""
import collections
import json
import random

import pytest

from synthetic import META, START, VCPUS, VMS, Recording, kvmw, report, text_of

MS = 1_000_000
ROLES = [{"id": 20, "vm": 0, "vcpu": None, "tid": 100, "comm": "qemu", "role": "vmm"},
         {"id": 21, "vm": None, "vcpu": None, "tid": 0, "comm": "", "role": "kernel"}]
PAGE, RING_PUSH = 1, 2
WINDOWS = [10 * MS, 100 * MS, 1000 * MS, 10_000 * MS]


def mark(at, vcpu, gfn, slot=5, logging=1, kind=PAGE):
    return [START + at, None, vcpu, 101, 0, kind, gfn, slot, logging, None, None, None]


def slot_row(at, slot, gpa, size, hva):
    return [START + at, 1000, 20, 100, 0, 1, slot, 1, gpa, size, hva, 0]


def totals_of(rows):
    sums = collections.Counter((row[2], row[5]) for row in rows)
    return [[vcpu, 4, 0, kind, count, 0, 0, 0, 0] for (vcpu, kind), count in sums.items()]


def make(path, marks, slots=(), frame=500):
    """Writes the rows in frames in the given order, not in order of time."""
    rec = Recording(META | {"events": ["dirty", "memslot"]}, VMS, VCPUS + ROLES)
    rec.events("dirty", marks, frame)
    if slots:
        rec.lines.append(["EVENTS", "memslot", slots])
    rec.lines.append(["STATS", "total", totals_of(marks)])
    rec.end = START + 30_000 * MS
    return rec.finish().write(path)


def vm_of(vcpu):
    return {9: 200}.get(vcpu, 100)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    rng = random.Random(3)
    marks = []
    for _ in range(4000):
        marks.append(mark(rng.randrange(12_345 * MS), rng.choice([0, 0, 0, 1, 9, 20]),
                          int(rng.expovariate(0.01)) + 0x100, rng.choice([5, 5, 5, 0x10005])))
    marks += [mark(rng.randrange(20_000 * MS), 0, 0x5000 + i, 6, 0) for i in range(77)]
    marks += [mark(5, 0, 0x7777, kind=RING_PUSH)]
    slots = [slot_row(-500, 5, 0x100000, 0x4000000, 0x7f0000000000)]
    path = make(tmp_path_factory.mktemp("dirty") / "kvmw.data", marks, slots)
    return path, [row for row in marks if row[5] == PAGE and row[8] == 1]


def page_of(row):
    return vm_of(row[2]), row[7] >> 16, row[6]


def test_pages(known):
    path, marks = known
    pages = collections.Counter(map(page_of, marks))
    rep = report(path, "-e", "dirty")["dirty"]
    assert rep["pages"] == len(pages)
    assert rep["pages_marked_again"] == sum(n > 1 for n in pages.values())
    assert rep["marks"] == len(marks) == 4000
    assert rep["marks_without_logging"] == 77
    assert rep["marks_not_told"] == rep["marks_without_page"] == rep["marks_without_time"] == 0
    assert rep["not_observed"] is None


def test_rate(known):
    path, marks = known
    rep = report(path, "-e", "dirty")["dirty"]
    first, bucket = rep["first_ns"], rep["rate"]["bucket_ns"]
    assert first == min(row[0] for row in marks)
    assert rep["last_ns"] == max(row[0] for row in marks)
    want = collections.Counter((row[0] - first) // bucket for row in marks)
    assert rep["rate"]["marks"] == [want[i] for i in range(100)]


def test_working_set(known):
    path, marks = known
    rep = report(path, "-e", "dirty")["dirty"]
    first, span = rep["first_ns"], rep["last_ns"] - rep["first_ns"]
    assert [w["window_ns"] for w in rep["windows"]] == WINDOWS
    for window in rep["windows"]:
        seen = collections.defaultdict(set)
        for row in marks:
            seen[(row[0] - first) // window["window_ns"]].add(page_of(row))
        whole = span // window["window_ns"]
        assert window["whole_windows"] == whole > 0
        assert window["max_pages"] == max(map(len, seen.values()))
        mean = sum(len(pages) for i, pages in seen.items() if i < whole) / whole
        assert window["mean_pages"] == pytest.approx(mean, abs=1e-4)


def test_ranges(known):
    path, marks = known
    pages = collections.Counter(map(page_of, marks))
    ranges = []
    for vm, space, gfn in sorted(pages):
        marks = pages[vm, space, gfn]
        last = ranges[-1] if ranges else None
        if last and last[:2] == [vm, space] and last[2] + last[3] == gfn and (
                marks <= 4 * (last[4] / last[3] + 1) and last[4] / last[3] <= 4 * (marks + 1)):
            last[3] += 1
            last[4] += marks
        else:
            ranges.append([vm, space, gfn, 1, marks])
    rep = report(path, "-e", "dirty")["dirty"]["ranges"]
    assert [r["marks"] for r in rep] == sorted((r[4] for r in ranges), reverse=True)[:10]
    for r in rep:
        assert [r["pid"], r["slot"] >> 16, r["gfn"], r["pages"], r["marks"]] in ranges
        hva = 0x7f0000000000 if (r["pid"], r["slot"]) == (100, 5) else None
        assert r["slot_hva"] == hva
    assert any(r["slot_hva"] for r in rep)
    assert f"10 of {len(ranges)}:" in text_of(path, "-e", "dirty")


def test_a_hot_page_is_not_hidden_by_its_neighbours(tmp_path):
    """A page with 500 marks, among 1,000 pages with one each, is a range of its own."""
    rows = [mark(i * MS, 0, i) for i in range(1000)]
    rows += [mark((1000 + i) * MS, 0, 400) for i in range(499)]
    path = make(tmp_path / "hot", rows)
    assert [(r["gfn"], r["pages"], r["marks"])
            for r in report(path, "-e", "dirty")["dirty"]["ranges"]] == [
        (401, 599, 599), (400, 1, 500), (0, 400, 400)]


@pytest.mark.parametrize("options, words", [
    (("--time", "1,2"), "nothing happened in that window of --time"),
    (("--vcpu", "1"), "is left by --vcpu"),
    (("--time", "0,0.5", "--vcpu", "0"), "what --time, --vcpu or --pid select")])
def test_no_marks_for_another_reason(tmp_path, options, words):
    """If logging was on and there are no marks, report does not advise to turn it on."""
    path = make(tmp_path / "f", [[START + i * MS, None, 0, 101, 0, RING_PUSH] + [None] * 6
                                 for i in range(9)] + [mark(990 * MS, 0, 3)])
    done = kvmw("report", "-i", path, "-e", "dirty", "--json", *options)
    rep = json.loads(done.stdout)["dirty"]
    assert rep["pages"] is None and words in rep["not_observed"]
    assert "QMP" not in kvmw("report", "-i", path, "-e", "dirty", *options).stdout


def test_never_recorded(tmp_path):
    rec = Recording()
    rec.frame([(START + 5, 5, 5, 0, 0x78, 0, 2)])
    path = rec.finish().write(tmp_path / "f")
    done = kvmw("report", "-i", path, "-e", "dirty", "--json")
    assert done.returncode == 1
    assert "kvmw record -e dirty records them" in json.loads(done.stdout)["dirty"]["not_observed"]
    text = kvmw("report", "-i", path, "-e", "dirty").stdout
    assert "QMP" not in text and "no events of dirty pages recorded" in text and "lost" not in text


def test_recorded_and_none_marked(tmp_path):
    rec = Recording(META | {"events": ["dirty"]})
    path = rec.finish().write(tmp_path / "f")
    done = kvmw("report", "-i", path, "-e", "dirty", "--json")
    assert "no page was marked" in json.loads(done.stdout)["dirty"]["not_observed"]
    assert "QMP" in kvmw("report", "-i", path, "-e", "dirty").stdout


def test_by_whom(known):
    path, marks = known
    rep = report(path, "-e", "dirty")["dirty"]["by"]
    assert {by["vcpu_id"]: by["marks"] for by in rep} == collections.Counter(r[2] for r in marks)
    assert {by["vcpu_id"]: by["role"] for by in rep}[20] == "vmm"
    assert [by["marks"] for by in rep] == sorted((by["marks"] for by in rep), reverse=True)


def test_filters_and_window(known):
    path, marks = known
    rep = report(path, "-e", "dirty", "--pid", "200")["dirty"]
    assert rep["marks"] == sum(row[2] == 9 for row in marks)
    assert rep["pages"] == len({page_of(row) for row in marks if row[2] == 9})
    rep = report(path, "-e", "dirty", "--time", "2,3.5")["dirty"]
    inside = [row for row in marks if 2000 * MS <= row[0] - START <= 3500 * MS]
    assert (rep["marks"], rep["pages"]) == (len(inside), len(set(map(page_of, inside))))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_text(known, width):
    path, marks = known
    text = text_of(path, "-e", "dirty", "--width", width)
    assert max(map(len, text.splitlines())) <= width
    assert "(gpa 0x" in text and ("memory slot\n" in text) == (width >= 100)
    words = " ".join(text.split())
    pages = len(set(map(page_of, marks)))
    assert f"{pages:,} distinct pages" in words and "4,000 marks" in words
    assert "77 further marks are not counted: dirty logging was off" in words
    chart = [line for line in text.splitlines() if line.startswith("  |")]
    assert len(chart) == 1 and chart[0].endswith("|") and "█" in chart[0]
    assert "100/vmm" in text and "not observed:" not in text
    assert "█" not in text_of(path, "-e", "dirty", env={"LC_ALL": "C"})


@pytest.mark.parametrize("logging, words", [
    (0, "for the memory slots of all 12 page marks"),
    (None, "for all 12 marks in the recording, the page, or whether")])
def test_not_observed(tmp_path, logging, words):
    path = make(tmp_path / "f", [mark(i * MS, 0, i, logging=logging) for i in range(12)])
    rep = report(path, "-e", "dirty")["dirty"]
    assert rep["pages"] is rep["marks"] is rep["pages_marked_again"] is rep["rate"] is None
    assert rep["windows"] == rep["ranges"] == rep["by"] == []
    assert words in rep["not_observed"]
    text = " ".join(text_of(path, "-e", "dirty").split())
    for part in "Dirty pages were not observed", words, "calc-dirty-rate", "dirty-bitmap", \
                "migration", "KVM_MEM_LOG_DIRTY_PAGES":
        assert part in text
    assert "0 distinct" not in text and "distinct pages" not in text


def test_rows_of_rings_alone(tmp_path):
    path = make(tmp_path / "f", [mark(i * MS, 0, i, kind=RING_PUSH) for i in range(3)])
    assert report(path, "-e", "dirty")["dirty"]["pages"] is None
    assert "none of the 3 records is a page mark" in " ".join(text_of(path, "-e", "dirty").split())


def test_other_events_have_no_such_member(known):
    assert "dirty" not in report(known[0], "-e", "memslot")
    assert kvmw("report", "-i", known[0], "-e", "dirty", "--csv").stdout.count("\n") == 3
