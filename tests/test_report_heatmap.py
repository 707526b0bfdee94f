# SPDX-License-Identifier: GPL-2.0
"""kvmw report --heatmap, and the steps over time on the first page, compared with the rows of kvmw
script --json; and its picture compared with its numbers."""
import collections
import json
import math
import random
import re

import pytest

from synthetic import SVM, TREE, VMX, Recording, kvmw, one_line, random_rows, report, widest
from test_where import script

FAMILIES = TREE / "tests/data/svm-families.kvmw"
SHADES = {"C.UTF-8": "·░▒▓█", "C": ".:+*#"}


@pytest.fixture(scope="module", params=[(SVM, 2), (VMX, 1)], ids=["svm", "vmx"])
def path(request, tmp_path_factory):
    """1,200 cycles in six frames, one without an end."""
    rec, (names, isa) = Recording(), request.param
    rows = random_rows(random.Random(3), names, isa, 1200)
    rows[-1] = (*rows[-1][:2], None, None, *rows[-1][4:])
    for i in range(0, len(rows), 200):
        rec.frame(rows[i:i + 200])
    rec.totals()
    return rec.finish().write(tmp_path_factory.mktemp("heat") / "f")


def expected(rows, axis, key, span):
    maps = collections.defaultdict(collections.Counter)
    for row in rows:
        if row[span] is None:
            continue
        step = max(0, row["time_ns"] - axis["from_ns"]) // axis["step_ns"]
        for name in key(row), None:
            maps[name][step, 1 << max(row[span], 1).bit_length() - 1] += 1
    return maps


def cells(row):
    return {(cell["step"], cell["from_ns"] or 1): cell["count"] for cell in row["heatmap"]}


def check(rep, rows, key, span="total_ns"):
    want = expected(rows, rep["heatmap"], key, span)
    assert {key(row): cells(row) for row in rep["rows"] if row["heatmap"]} == {
        name: dict(counts) for name, counts in want.items() if name is not None}
    assert cells(rep["total"]) == want[None]
    assert rep["heatmap"]["steps"] <= 512


def test_exits(path):
    rep = report(path, "--heatmap")
    check(rep, script(path), lambda row: row["reason_number"])
    axis, about = rep["heatmap"], rep["recording"]
    assert axis["from_ns"] == about["start_ns"]
    assert axis["steps"] == math.ceil(about["duration_ns"] / axis["step_ns"])
    # Steps are no longer than necessary.
    assert axis["step_ns"] == 1 << 16 or axis["steps"] > 256
    piped = kvmw("report", "-", "--heatmap", "--json", stdin=open(path, "rb"))
    assert json.loads(piped.stdout)["rows"] == rep["rows"]
    by_cpu = report(path, "--heatmap", "-s", "vcpu")
    check(by_cpu, script(path), lambda row: row["vcpu_id"])


def test_selected(path):
    options = ("--time", "1ms,3ms", "--where", "total>5us", "--vcpu", "1")
    rep = report(path, "--heatmap", *options)
    rows = script(path, *options)
    assert rows
    check(rep, rows, lambda row: row["reason_number"])
    assert rep["heatmap"]["from_ns"] == rep["recording"]["start_ns"] + 10**6


@pytest.mark.parametrize("event, span", [("irq", "span_ns"), ("sched", "span_ns"), ("fault", "span_ns"), ("userspace", "user_ns")])
def test_families(event, span):
    rep = report(FAMILIES, "-e", event, "--heatmap")
    key = "reason_number" if event == "userspace" else "kind"
    rows = script(FAMILIES, "-e", event)
    check(rep, rows, lambda row: row[key], span)
    assert len(cells(rep["total"])) > 10


def picture(page, shades):
    """The lines of cells by row, and the columns of the ticks' labels."""
    maps, name = {}, None
    for line in page.splitlines():
        if re.match(r"\S.*: [\d,]+ recorded", line):
            name = line.split(":")[0]
            maps[name] = []
        elif found := re.match(r" *[\d.]+(?:ns|us|ms|s) [│|](.*)$", line):
            assert set(found[1]) <= set(shades + " ") and not found[1].endswith(" ")
            maps[name].append(found[1])
    return maps


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("locale", SHADES)
def test_picture(path, width, locale):
    rep, shades = report(path, "--heatmap"), SHADES[locale]
    page = kvmw("report", path, "--heatmap", "--width", width, env={"LC_ALL": locale}).stdout
    per = math.ceil(rep["heatmap"]["steps"] / (width - 10))
    legend = " ".join(page.split("# up:")[1].replace("#  ", " ").replace("\n# ", " ").split())
    ranges = [(int(low.replace(",", "")), int((high or low).replace(",", "")), shade) for shade, low, high in re.findall(
        rf"([{re.escape(shades)}]) ([\d,]+)(?:-([\d,]+))?(?=,|$)", legend)]
    assert ranges[0][0] == 1 and [low for low, _, _ in ranges[1:]] == [high + 1 for _, high, _ in ranges[:-1]]
    maps = picture(page, shades)
    most = 0
    for row in [*rep["rows"], {**rep["total"], "reason": "total"}]:
        columns = collections.Counter()
        for (step, power), count in cells(row).items():
            columns[power.bit_length() - 1, step // per] += count
        powers = [power for power, _ in columns]
        most = max(most, *columns.values())
        want = []
        for power in range(max(powers), min(powers) - 1, -1):
            line = ""
            for column in range(math.ceil(rep["heatmap"]["steps"] / per)):
                count = columns[power, column]
                line += next((shade for low, high, shade in ranges if low <= count <= high), " ")
            want.append(line.rstrip())
        assert maps[row["reason"]] == want
    assert ranges[-1][1] == most and ranges[-1][2] == shades[-1]
    assert width - 40 < widest(page) <= width


def test_colours_are_not_needed(path):
    plain = kvmw("report", path, "--heatmap").stdout
    colored = kvmw("report", path, "--heatmap", "--color", "always").stdout
    assert "\x1b[31m█" in colored and re.sub(r"\x1b\[\d*m", "", colored) == plain


def test_mistakes(path):
    for other in (["--interval", "1s"], ["-s", "time"], ["--hist"], ["-F", "count"], ["--outliers", "3"], ["--csv"]):
        one_line(kvmw("report", path, "--heatmap", *other), 2, "--heatmap")
    done = kvmw("report", FAMILIES, "-e", "raw", "--heatmap")
    one_line(done, 1, "none of the recorded", "--heatmap has nothing to draw")


# ---- over time, on the first page ----------------------------------------------------------------

def expected_steps(rows, axis):
    steps = [[] for _ in range(axis["steps"])]
    for row in rows:
        at = max(0, row["time_ns"] - axis["from_ns"]) // axis["step_ns"]
        steps[min(at, axis["steps"] - 1)].append(row["total_ns"])
    return steps


def check_steps(got, want):
    assert [step["count"] for step in got] == list(map(len, want))
    for step, totals in zip(got, want):
        totals = sorted(total for total in totals if total is not None)
        if not totals:
            assert step["p99_ns"] is None
            continue
        exact = totals[math.ceil(len(totals) * 0.99) - 1]
        # Between its neighbours if there are few rows; accurate to one sixteenth.
        assert totals[max(0, len(totals) * 99 // 100 - 1)] * 15 / 16 - 1 <= step["p99_ns"] <= exact * 17 / 16 + 1


@pytest.mark.parametrize("options", [(), ("--time", "1ms,3.1ms"), ("--vcpu", "1"), ("--vm", "200"), ("--where", "total>5us"),
                                     ("--reason", "hlt")])
def test_over_time(path, options):
    rep, rows = report(path, *options), script(path, *options)
    axis = rep["over_time"]
    begin, end = 0, rep["recording"]["duration_ns"]
    if "--time" in options:
        begin, end = 10**6, 3_100_000
    assert axis["from_ns"] == rep["recording"]["start_ns"] + begin
    assert (axis["steps"] - 1) * axis["step_ns"] + axis["last_ns"] == pytest.approx(end - begin, abs=1)
    assert axis["step_ns"] / 2 <= axis["last_ns"] <= axis["step_ns"] * 3 / 2 and 8 <= axis["steps"] <= 16
    assert len(rows) > 20
    for row in rep["rows"]:
        check_steps(row["over_time"], expected_steps([r for r in rows if r["reason"] == row["reason"]], axis))
    check_steps(rep["total"]["over_time"], expected_steps(rows, axis))
    assert json.loads(kvmw("report", "-", "--json", *options, stdin=open(path, "rb")).stdout)["rows"] == rep["rows"]


def sparks_of(row, axis):
    lengths = [axis["step_ns"]] * (axis["steps"] - 1) + [axis["last_ns"]]
    rates = [step["count"] * 1e9 / ns for step, ns in zip(row["over_time"], lengths)]
    rates = [int(rate / max(rates) * 2**20) for rate in rates]
    p99s = [step["p99_ns"] or 0 for step in row["over_time"]]
    blocks = " ▁▂▃▄▅▆▇█"
    return ["".join(blocks[1 + int(7 * value / max(line)) if value else 0] for value in line).rstrip()
            for line in (rates, p99s)]


def test_sparks(path):
    rep = report(path)
    pages = {width: text_lines("report", path, "--width", width) for width in (80, 100, 150)}
    verbose = text_lines("report", path, "-v", "--width", 80)
    for row in rep["rows"]:
        rate, p99 = sparks_of(row, rep["over_time"])
        lines = {width: next(line for line in page if line.startswith(row["reason"] + " ")) for width, page in pages.items()}
        assert lines[100].endswith(" " + rate) and lines[150].endswith(" " + p99) and f" {rate} " in lines[150]
        assert rate not in lines[80] or len(rate) < 3
        table = verbose[verbose.index(next(line for line in verbose if "at most/s" in line)):]
        line = next(line for line in table if line.startswith(row["reason"] + " "))
        assert f" {rate} " in line and f" {p99} " in line
    assert not any("over time" in line for line in pages[80])
    for page in (*pages.values(), verbose):
        assert not any(line.endswith(" ") for line in page)
    assert max(map(len, verbose)) <= 80


def text_lines(*args):
    return kvmw(*args).stdout.splitlines()
