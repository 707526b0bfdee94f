# SPDX-License-Identifier: GPL-2.0
"""kvmw report --interval, compared with the rows of kvmw script --json."""
import collections
import json

import pytest

from synthetic import TREE, kvmw, one_line, report, svm_recording, vmx_recording
from test_where import script

FAMILIES = TREE / "tests/data/svm-families.kvmw"


@pytest.fixture(scope="module", params=[svm_recording, vmx_recording], ids=["svm", "vmx"])
def path(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("interval") / "f").path


def expected(rows, start, interval, key=lambda row: None, span="total_ns"):
    sums = collections.defaultdict(list)
    for row in rows:
        sums[max(0, row["time_ns"] - start) // interval, key(row)].append(row[span])
    return {at: (len(spans), sum(s or 0 for s in spans), max((s for s in spans if s is not None), default=None))
            for at, spans in sums.items()}


def got(rep, key=lambda row: None):
    return {(row["interval"], key(row)): (row["recorded"], row["time_ns"] or 0, row["max_ns"]) for row in rep["rows"]}


@pytest.mark.parametrize("typed, ns", [("1ms", 10**6), ("300us", 300_000), ("1s", 10**9)])
def test_exits(path, typed, ns):
    rep, rows = report(path, "--interval", typed), script(path)
    start = rep["recording"]["start_ns"]
    assert got(rep) == expected(rows, start, ns)
    numbers = [row["interval"] for row in rep["rows"]]
    assert numbers == sorted(numbers) and rep["sort"] == ["time"]
    assert [row["from_ns"] for row in rep["rows"]] == [start + n * ns for n in numbers]
    assert sum(row["recorded"] for row in rep["rows"]) == rep["recorded"]


def test_with_a_key(path):
    rep = report(path, "--interval", "2ms", "-s", "reason")
    reason = lambda row: row["reason_number"]  # noqa: E731
    assert got(rep, reason) == expected(script(path), rep["recording"]["start_ns"], 2 * 10**6, reason)
    assert report(path, "--interval", "2ms", "-s", "time,reason")["rows"] == rep["rows"]
    order = [(row["interval"], -row["cost_ns"]) for row in rep["rows"]]
    assert order == sorted(order)
    by_key = report(path, "--interval", "2ms", "-s", "reason", "--order", "key")["rows"]
    assert [(row["interval"], row["reason_number"]) for row in by_key] == sorted(map(lambda row: (
        row["interval"], row["reason_number"]), rep["rows"]))


def test_family_and_window():
    rep = report(FAMILIES, "-e", "irq", "--interval", "100ms", "--time", "3.2,4", "--where", "vector==32")
    rows = [row for row in script(FAMILIES, "-e", "irq", "--time", "3.2,4") if row["vector"] == 32]
    assert len(rows) > 10
    assert got(rep) == expected(rows, rep["recording"]["start_ns"], 10**8, span="span_ns")
    assert len(report(FAMILIES, "-s", "time")["rows"]) < 5


def test_rates_and_shares(path):
    """They refer to the interval; the last one may be shorter."""
    rep = report(path, "--interval", "1ms")
    page = kvmw("report", path, "--interval", "1ms", "--width", "200").stdout.splitlines()
    head = next(i for i, line in enumerate(page) if line.startswith("from, s"))
    shown = [line.split() for line in page[head + 1:head + 1 + len(rep["rows"])]]
    vcpus = len(rep["vcpu_time"])
    for line, row in list(zip(shown, rep["rows"]))[:-1]:
        assert float(line[0]) == row["interval"] / 1000 and int(line[1].replace(",", "")) == row["count"]
        assert int(line[2].replace(",", "")) == row["count"] * 1000
        assert abs(float(line[3]) - row["cost_ns"] / vcpus / 10**4) < 0.06
    assert vcpus > 1 and "For a row, it is 0.001 s of each vCPU" in " ".join(page).replace("# ", "")


def test_mistakes(path):
    for bad in "0", "x", "1ns", "-1":
        one_line(kvmw("report", path, f"--interval={bad}"), 2, "--interval", "must be a time")
    assert json.loads(kvmw("report", path, "--interval", "1h", "--json").stdout)["rows"][0]["interval"] == 0
