# SPDX-License-Identifier: GPL-2.0
"""The details of exit reasons: the indented rows of kvmw report."""
import re

import pytest

from synthetic import START, SVM, TREE, kvmw, report, text_of
from test_report_families import (CPUID, FAULT_WRITE, IN, MMIO_WRITE, MS, OUT, exit_row, make)

SUMS = ["count", "recorded", "time_ns", "kvm_ns", "user_ns", "halt_ns", "poll_ns", "wait_ns",
        "block_ns", "cost_ns"]


def rows():
    """30 HLTs, 10 without a halt; 40 writes to COM1, 3 writes to another port, and 7 reads of it;
    9 MMIOs at one address and 11 faults on RAM; 200 times the same CPUID leaf."""
    found = []

    def add(number, reason, **what):
        for _ in range(number):
            at = START + len(found) * MS
            found.append(exit_row(at, 500, 40_000 + len(found), 2000, SVM[reason], 0, **what))

    add(20, "hlt", halt=30_000, poll=1000)
    add(10, "hlt", wait=500)
    add(40, "io", detail=0x3f8, kind=OUT, user_reason=2)
    add(3, "io", detail=0x80, kind=OUT, user_reason=2)
    add(7, "io", detail=0x80, kind=IN, user_reason=2)
    add(9, "npf", detail=0xfee000b0, kind=MMIO_WRITE)
    for page in range(11):
        add(1, "npf", detail=0x1000000 + page * 4096, kind=FAULT_WRITE)
    add(200, "cpuid", detail=0xb, kind=CPUID)
    return found


def test_more_details_than_memory(tmp_path):
    """If memory does not suffice for all details, the page goes on without them and says so."""
    rows = [exit_row(START + i * MS, 500, 1000, 0, SVM["io"], 0, detail=i, kind=OUT) for i in range(6000)]
    path = make(tmp_path / "f", {}, rows)
    done = kvmw("report", "-i", path, "--memory", "1M")
    assert done.returncode == 1
    found = re.search(r"the details of (\d+) events are not shown, nor do findings know them", done.stderr)
    assert 0 < int(found[1]) < 6000
    assert re.search(r"^io +6000 ", done.stdout, re.M)
    assert not kvmw("report", "-i", path).stderr


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return make(tmp_path_factory.mktemp("details") / "kvmw.data", {}, rows())


def details(rep):
    return {row["reason"]: {d["detail"]: d for d in row["details"]} for row in rep["rows"]}


def counts(rep):
    return {reason: {re.sub(r"(0x\w+) .*", r"\1", name): d["count"] for name, d in of.items()}
            for reason, of in details(rep).items()}


def test_details_of_each_reason(path):
    # 9 and 11 of 20; each page has only one of these; 3 of 50 are too few.
    assert counts(report(path)) == {
        "hlt": {"did not halt": 10}, "io": {"out 0x3f8": 40, "in 0x80": 7},
        "npf": {"mmio-write 0xfee000b0": 9, "RAM": 11}, "cpuid": {"cpuid 0xb": 200}}


@pytest.mark.parametrize("window", [[], ["--time", "0.02,0.1"]])
def test_their_numbers_are_those_of_their_rows(path, window):
    rep = report(path, *window)
    fine = report(path, "-s", "reason,detail,halted", *window)["rows"]
    for reason, found in details(rep).items():
        for name, detail in found.items():
            mine = [row for row in fine if row["reason"] == reason and
                    (row["detail"] == name or (name == "did not halt" and row["halted"] == 0) or
                     (name == "RAM" and row["detail"].startswith("fault")))]
            assert mine
            for column in SUMS:
                assert detail[column] == sum(row[column] for row in mine), (name, column)
            assert detail["max_ns"] == max(row["max_ns"] for row in mine)


def test_few_of_all_are_not_shown(tmp_path):
    """A detail needs at least one in a hundred exits to be shown."""
    many = [exit_row(START + i * 1000, 1, 100, 0, SVM["cpuid"], 0, detail=1, kind=CPUID)
            for i in range(990)]
    for number, shown in (10, {"out 0x80": 10}), (9, {}):
        few = [exit_row(START + (1000 + i) * 1000, 1, 100, 0, SVM["io"], 0, detail=0x80, kind=OUT)
               for i in range(number)]
        assert counts(report(make(tmp_path / f"{number}", {}, many + few)))["io"] == shown


def test_text(path):
    lines = text_of(path).splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("npf "))
    assert [line.split("  ")[1].strip()[:4] for line in lines[at + 1:at + 3]] in (
        ["RAM", "mmio"], ["mmio", "RAM"])
    assert any(line.startswith("  did not halt ") for line in lines)


def test_details_share_the_percentages_of_rows(path):
    rep = report(path)
    for of, number in ("count_percent", "count"), ("time_percent", "time_ns"), ("cost_percent", "cost_ns"):
        whole = sum(row[number] for row in rep["rows"])
        for row in rep["rows"]:
            for detail in row["details"]:
                assert detail[of] == pytest.approx(100 * detail[number] / whole, abs=1e-4)
    assert "100% is" not in text_of(path, "-F", "percent,max")
    assert "cost: KVM" not in text_of(path, "-F", "kvm") and "100% is" in text_of(path, "-F", "kvm")


@pytest.mark.parametrize("column, number", [("count", "count"), ("time", "time_ns"), ("max", "max_ns"), ("cost", "cost_ns")])
def test_details_are_ordered_as_rows(path, column, number):
    for row in report(path, "--order", column)["rows"]:
        values = [detail[number] for detail in row["details"] if not re.search(r"^\d+ other", detail["detail"])]
        assert values == sorted(values, reverse=True)


def test_thirty_details_are_enough(tmp_path):
    """Text shows thirty details; JSON has them all."""
    many = [exit_row(START + i * MS, 1, 100, 0, SVM["cpuid"], 0, detail=i, kind=CPUID) for i in range(40)]
    path = make(tmp_path / "f", {}, many)
    assert len(report(path, "-s", "detail")["rows"]) == 40
    text = text_of(path, "-s", "detail")
    assert len(re.findall("^cpuid 0x", text, re.M)) == 30
    assert "10 more rows not shown, but included in the total (use --top N)" in " ".join(
        text.replace("#", "").split())
    assert len(re.findall("^cpuid 0x", text_of(path, "-s", "detail", "--top", "35"), re.M)) == 35


def test_other_sorts_have_none(path):
    assert all("details" not in row for sort in ("vcpu", "reason,vcpu", "detail")
               for row in report(path, "-s", sort)["rows"])


def test_halted_is_a_key(path):
    rep = report(path, "-s", "reason,halted")
    assert {row["halted"]: row["count"] for row in rep["rows"] if row["reason"] == "hlt"} == {1: 20, 0: 10}
    assert re.search(r"^hlt +no +10 ", text_of(path, "-s", "reason,halted"), re.M)


def parts(text, reason):
    """(depth, label, exits) of the rows below a reason; depth 0 is the reason's row."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(reason + " "))
    found = []
    for line in lines[at:]:
        label, exits = re.match(r" *(.*?) +(\d+) ", line).groups()
        depth = (len(line) - len(line.lstrip(" "))) // 2
        if found and not depth:
            break
        found.append((depth, label, int(exits)))
    return found


def test_the_rest(path):
    """Exits without a detail are in one more row: all rows add up to their reason's."""
    text = text_of(path, "--width", 120)
    assert parts(text, "io") == [(0, "io", 50), (1, "out 0x3f8 COM1 transmit", 40), (1, "in 0x80 POST code, I/O delay", 7),
                                 (1, "1 other", 3)]
    assert sorted(parts(text, "hlt")) == [(0, "hlt", 30), (1, "did not halt", 10), (1, "halted", 20)]
    assert sum(exits for depth, _, exits in parts(text, "npf") if depth) == 20
    assert not any("other" in name for of in details(report(path)).values() for name in of)


def test_halts_that_one_of_two_recordings_does_not_tell(tmp_path, path):
    untold = [exit_row(START + i * MS, 500, 40_000, 2000, SVM["hlt"], 0)[:12] + [None] * 10 for i in range(5)]
    text = kvmw("report", path, make(tmp_path / "f", {}, untold), "--width", "120").stdout
    assert sorted(parts(text, "hlt")) == [(0, "hlt", 35), (1, "did not halt", 10), (1, "others", 25)]
    data = TREE / "tests" / "data"
    words = kvmw("report", data / "svm-linux.kvmw", data / "svm-families.kvmw").stdout.replace("#", "").split()
    assert "some of these recordings do not separate them" in " ".join(words)


@pytest.mark.parametrize("more, others", [
    ([0x3f8] * 900 + [0x80 + i for i in range(9)], None),
    ([0x3f8] * 900 + [0x80 + i for i in range(10)], (1, "10 others", 10)),
    ([0x80 + i for i in range(300)], None),
])
def test_a_rest_of_little_or_of_all(tmp_path, more, others):
    found = [exit_row(START + i * 1000, 1, 100, 0, SVM["io"], 0, detail=port, kind=OUT)
             for i, port in enumerate(more)]
    of = parts(text_of(make(tmp_path / "f", {}, found)), "io")
    assert [row for row in of if "other" in row[1]] == ([others] if others else [])
    assert not others or sum(exits for depth, _, exits in of if depth) == len(found)


def test_details_of_a_part_stand_below_it(tmp_path):
    found = [exit_row(START + i * MS, 1, 1000 + (i < 60) * 9000, 0, SVM["npf"], 0, detail=0xfee000b0 if i < 40 else
                      0xfec00000 + i * 16 if i < 60 else 0x1000000 + i * 4096,
                      kind=MMIO_WRITE if i < 60 else FAULT_WRITE) for i in range(160)]
    assert parts(text_of(make(tmp_path / "f", {}, found), "--width", 120), "npf") == [
        (0, "npf", 160), (1, "MMIO", 60), (2, "mmio-write 0xfee000b0 APIC EOI", 40), (1, "RAM", 100)]
