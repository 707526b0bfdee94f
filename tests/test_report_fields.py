# SPDX-License-Identifier: GPL-2.0
"""kvmw report -s FIELD compared with the rows of kvmw script --json, for every field of every
event."""
import collections
import csv
import math
import re

import pytest

from synthetic import START, TREE, Recording, kvmw, one_line, report, widest
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
    """Rows by each field; fields with names also have their numbers."""
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
    """Rows by a field of a detail: only exits with that kind of detail."""
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
    one_line(kvmw("report", path, "-s", "prot"), 2, "did you mean port?")
    one_line(kvmw("report", path, "-e", "ioctl", "-s", "ret"), 2, "no key 'ret'", "cmd, fd_kind, fd, arg, result")
    one_line(kvmw("report", path, "-s", "total"), 2, "no key 'total'")
    one_line(kvmw("report", path, "-s", "info1,info2,error_code,intr_info,detail_size,written,isa"), 2, "at once")
    done = kvmw("report", path, "-e", "irq", "-s", "port")
    assert done.returncode == 1 and "have no key 'port', but " in done.stderr and "source" in done.stderr


def test_one_of_each(tmp_path):
    """One event is in the singular."""
    rec = Recording()
    for event in "halt", "hypercall", "timer":
        rec.lines.append(["EVENTS", event, [[START + 1, 5, 0, 101, 0, 1]]])
    path = rec.finish().write(tmp_path / "f")
    for event, words in ("halt", "1 event of halts, 0 lost"), ("hypercall", "1 hypercall, 0 lost"), \
            ("timer", "1 event of timers, 0 lost"):
        assert words in " ".join(kvmw("report", "-e", event, path).stdout.replace("# ", "").split())


# ---- columns -----------------------------------------------------------------

PARTS = ["kvm", "vmm", "polling", "halted", "waiting", "throttled", "blocked"]
DURATIONS = ["min", "mean", "stddev", "p50", "p90", "p95", "p99", "p999", "max"]
MEMBERS = {"count": "count", "rate": "per_second", "percent": "time_percent", "cost": "cost_ns", "kvm": "kvm_ns",
           "vmm": "user_ns", "polling": "poll_ns", "halted": "halt_ns", "waiting": "wait_ns",
           "throttled": "throttled_ns", "blocked": "block_ns", "total": "time_ns"} | {d: f"{d}_ns" for d in DURATIONS}


def numbers_of(every, event, seconds, whole):
    """All columns of one row, computed from its events the slow way."""
    spans = sorted(r[SPANS.get(event, "span_ns")] for r in every if r[SPANS.get(event, "span_ns")] is not None)
    got = {"count": len(every), "rate": len(every) / seconds}
    if event == "exit":
        def part(name):
            known = [r[name] for r in every if r.get(name) is not None and r["total_ns"] is not None]
            return sum(known) if known else None
        names = dict(zip(PARTS[1:], ("user_ns", "poll_ns", "halt_ns", "wait_ns", "throttled_ns", "block_ns")))
        got |= {column: part(name) for column, name in names.items()}
        got["kvm"] = sum(spans) - sum(got[p] or 0 for p in ("vmm", "halted", "waiting", "blocked"))
        got["cost"] = got["kvm"] + (got["vmm"] or 0) + (got["polling"] or 0)
    if not spans:
        return got | dict.fromkeys(["total", "percent", *DURATIONS])
    mean = sum(spans) / len(spans)
    return got | {"total": sum(spans), "percent": 100 * sum(spans) / whole, "min": spans[0], "max": spans[-1],
                  "mean": sum(spans) // len(spans), "rms": math.sqrt(sum(s * s for s in spans) / len(spans)),
                  "stddev": math.sqrt(sum((s - mean)**2 for s in spans) / len(spans))} | {
        p: spans[max(math.ceil(len(spans) * permille / 1000), 1) - 1]
        for p, permille in (("p50", 500), ("p90", 900), ("p95", 950), ("p99", 990), ("p999", 999))}


SPANS = {"exit": "total_ns", "userspace": "user_ns"}
ROWS = ["--where", "vcpu_id >= 0 || vcpu_id == unknown"]     # sums over rows, not the kernel's


@pytest.mark.parametrize("name", PATHS)
def test_columns(name, rows):
    """Each number of --fields, in JSON and CSV, equals that computed from the rows of script."""
    for event in {row["event"] for row in rows[name]} & {"exit", "fault", "irq", "userspace", "ioctl"}:
        every = [row for row in rows[name] if row["event"] == event]
        columns = [c for c in MEMBERS if event == "exit" or c not in ("cost", *PARTS)]
        args = ["-e", event, "-s", "vcpu,reason", "-F", ",".join(columns), *ROWS]
        rep = report(PATHS[name], *args)
        whole = sum(row[SPANS.get(event, "span_ns")] or 0 for row in every)
        groups = collections.defaultdict(list)
        for row in every:
            groups[row["vcpu_id"], row.get("reason_number", row.get("kind"))].append(row)
        assert len(groups) == len(rep["rows"])
        for row in rep["rows"]:
            key = row["vcpu_id"], row["kind"] if "kind" in row else row["reason_number"]
            want = numbers_of(groups[key], event, rep["recording"]["duration_ns"] / 1e9, whole)
            for column in columns:
                value, right = row[MEMBERS[column]], want[column]
                if right is None or column in ("count", "total", "min", "max", "mean") + tuple(PARTS) + ("cost",):
                    assert value == right, (event, key, column)
                elif column == "stddev":
                    assert abs(value - right) <= want["rms"] / 16 + 1, (event, key, value, right)
                else:
                    assert math.isclose(value, right, rel_tol=1 / 16 if column[0] == "p" and column != "percent"
                                        else 1e-4, abs_tol=1e-3), (event, key, column, value, right)
        lines = list(csv.reader(kvmw("report", PATHS[name], *args, "--csv").stdout.splitlines()))
        assert lines[0][-len(columns):] == [MEMBERS[c] for c in columns]
        assert [[float(cell) if cell else None for cell in line[-len(columns):]] for line in lines[1:]] == \
            [[row[MEMBERS[c]] for c in columns] for row in rep["rows"]]


def test_every_column_is_an_order(rows):
    for event, columns in ("exit", MEMBERS), ("irq", [c for c in MEMBERS if c not in ("cost", *PARTS)]):
        for column in columns:
            rep = report(PATHS["svm-families"], "-e", event, "-s", "detail", "--order", column, "-F", column)
            less = {"halted": "poll_ns", "waiting": "throttled_ns"}.get(column, "")
            values = [-1 if row[MEMBERS[column]] is None else row[MEMBERS[column]] - (row.get(less) or 0)
                      for row in rep["rows"]]
            assert values == sorted(values, reverse=True) and len(values) > 3, column
            assert rep["order"] == ("time" if column == "total" else column)
    assert report(PATHS["svm-families"], "--order", "time") == report(PATHS["svm-families"], "--order", "total")


def test_columns_of_text():
    """--fields prints these columns, in this order, and names those without room."""
    path = PATHS["svm-families"]
    text = kvmw("report", path, "-F", "max,count,halted,max,hist", "--width", "100").stdout
    heads = next(line for line in text.splitlines() if line.startswith("reason "))
    assert heads.split()[:4] == ["reason", "max", "count", "halt"] and "no room" not in text
    total = re.search(r"^total +(\d+) +(\d+) +([\d.]+) ", text, re.M)
    rep = report(path)["total"]
    assert int(total[2]) == rep["count"] and abs(int(total[1]) - rep["max_ns"] / 1e3) <= 1
    for event in "exit", "irq":
        text = kvmw("report", "-e", event, path, "-F", ",".join([*DURATIONS, "total", "rate", "percent", "count"]),
                    "--width", "60").stdout
        words = " ".join(text.replace("# ", "").split())
        assert re.search(r"\bno room for [\w, ]*count: use --width, or fewer --fields\b", words)
        assert all(len(line) <= 60 or str(path) in line for line in text.splitlines())


def test_wrong_columns():
    path = PATHS["svm-families"]
    one_line(kvmw("report", path, "-F", "count,p9"), 2, "no column 'p9' (did you mean p90?)", "the columns are count, rate")
    one_line(kvmw("report", path, "-F", ""), 2, "no column ''")
    one_line(kvmw("report", path, "--csv", "-F", "count,hist"), 2, "--fields hist", "--json")
    one_line(kvmw("report", path, "--order", "hist"), 2, "invalid order 'hist'")
    for option in "-F", "--order":
        done = kvmw("report", path, "-e", "irq", option, "halted")
        assert done.returncode == 1 and "events of interrupts have no column 'halted', but count, " in done.stderr


def test_names_are_whole():
    """Names in key columns are never cut to make room; columns without room are named."""
    path = TREE / "tests/data/svm-families.kvmw"
    columns = "count,rate,cost,total,min,mean,stddev,p50,p90,p95,p99,p999,max"
    page = kvmw("report", path, "-s", "detail", "-F", columns, "--width", 80).stdout
    assert "\nhypercall 0x1 KVM_HC_VAPIC_POLL_IRQ " in page and "…" not in page
    assert "# no room for " in page and "p999" in page.split("# no room for ")[1]
    assert widest(page) <= 80
