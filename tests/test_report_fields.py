# SPDX-License-Identifier: GPL-2.0
"""kvmw report -s FIELD beside the rows of kvmw script --json, for every field of every event."""
import collections
import csv
import json

import pytest

from synthetic import START, TREE, Recording, kvmw, one_line, report
from test_where import DETAILS, script

DATA = TREE / "tests/data"
KEYS = {"reason", "vcpu", "vm", "detail", "user", "cpu", "tid", "slot", "nested", "halted", "access", "rip", "sym", "time"}
PATHS = {name: DATA / f"{name}.kvmw" for name in ("svm-families", "vmx-mixed")}


@pytest.fixture(scope="module")
def rows():
    return {name: script(path) for name, path in PATHS.items()}


def sums(every, value, span):
    counts = collections.defaultdict(lambda: [0, 0])
    for row in every:
        key = value(row)
        counts[key][0] += 1
        counts[key][1] += row[span] or 0
    return {key: tuple(sum_) for key, sum_ in counts.items()}


def same(path, event, name, every, value, *more):
    rep = report(path, "-e", event, "-s", name, *more)
    span = {"exit": "total_ns", "userspace": "user_ns"}.get(event, "span_ns")
    got = {row.get(f"{name}_number", row[name]): (row["recorded"], row["time_ns"] or 0) for row in rep["rows"]}
    assert len(got) == len(rep["rows"])
    assert got == sums(every, value, span), (event, name)


@pytest.mark.parametrize("name", PATHS)
def test_every_field(name, rows):
    """Rows by a field: numbers of those that have names, too."""
    tried = 0
    for event in sorted({row["event"] for row in rows[name]} - {"raw"}):
        every = [row for row in rows[name] if row["event"] == event]
        for field in every[0]:
            if field in KEYS | {"event", "kind", "pid", "vcpu_id", "comm", "name", "hva", "count", "kernel", "user"} or \
                    field.endswith(("_hex", "_ns", "_number", "_stack")):
                continue
            by_name = any(isinstance(row[field], str) for row in every) and f"{field}_number" not in every[0]
            if by_name:
                rep = report(PATHS[name], "-e", event, "-s", field)
                assert collections.Counter(str(row[field]) for row in every if row[field] is not None) == \
                    {row[field]: row["recorded"] for row in rep["rows"] if row[field] is not None}, (event, field)
            else:
                number = f"{field}_number" if f"{field}_number" in every[0] else field
                same(PATHS[name], event, field, every, lambda row, number=number: row[number])
            tried += 1
    assert tried >= 5


@pytest.mark.parametrize("key", ["port", "msr", "gpa", "leaf", "nr", "vector"])
def test_details(key, rows):
    """What an exit was about, if it is that."""
    every = [row for row in rows["svm-families"] if row["event"] == "exit"]
    same(PATHS["svm-families"], "exit", key, every,
         lambda row: row["detail"] if DETAILS.get(row["detail_kind"]) == key else None)


def test_together_and_csv(rows):
    every = [row for row in rows["svm-families"] if row["event"] == "irq"]
    rep = report(PATHS["svm-families"], "-e", "irq", "-s", "source,vector,kind")
    assert {(row["source"], row["vector"], row["kind"]): row["count"] for row in rep["rows"]} == \
        collections.Counter((row["source"], row["vector"], row["kind"]) for row in every)
    lines = csv.DictReader(kvmw("report", PATHS["svm-families"], "-e", "irq", "-s", "source,vector,kind",
                                "--csv").stdout.splitlines())
    assert [(line["source"], line["vector"], line["kind"]) for line in lines] == \
        [tuple("" if row[key] is None else str(row[key]) for key in ("source", "vector", "kind")) for row in rep["rows"]]
    assert rep["sort"] == ["source", "vector", "reason"]


def test_threads_of_exits(rows):
    every = [row for row in rows["svm-families"] if row["event"] == "exit"]
    rep = report(PATHS["svm-families"], "-s", "tid")
    assert {row["thread_number"]: row["count"] for row in rep["rows"]} == \
        collections.Counter(row["tid"] for row in every)


def test_mistakes():
    path = PATHS["svm-families"]
    one_line(kvmw("report", path, "-s", "nothing"), 2, "no key 'nothing'")
    one_line(kvmw("report", path, "-s", "total"), 2, "no key 'total'")
    one_line(kvmw("report", path, "-s", "info1,info2,error_code,intr_info,detail_size,written,isa"), 2, "at once")
    done = kvmw("report", path, "-e", "irq", "-s", "port")
    assert done.returncode == 1 and "have no key 'port', but " in done.stderr and "source" in done.stderr


def test_one_of_each(tmp_path):
    """The singular of an event where there is one of it."""
    rec = Recording()
    for event in "halt", "hypercall", "timer":
        rec.lines.append(["EVENTS", event, [[START + 1, 5, 0, 101, 0, 1]]])
    path = rec.finish().write(tmp_path / "f")
    for event, words in ("halt", "1 event of halts, 0 lost"), ("hypercall", "1 hypercall, 0 lost"), \
            ("timer", "1 event of timers, 0 lost"):
        assert words in " ".join(kvmw("report", "-e", event, path).stdout.replace("# ", "").split())
