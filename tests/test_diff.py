# SPDX-License-Identifier: GPL-2.0
"""kvmw diff: its numbers compared with script --json, its order, words, formats and exit status.

tests/unit/test_diff.c tests what counts as noise.
"""
import collections
import copy
import csv
import io
import json
import math
import re

import pytest

import diff_workload
from synthetic import META, START, TREE, VCPUS, VMS, Recording, kvmw, one_line

DATA = TREE / "tests/data"
NONE = 0xffffffff         # no text

OTHER = copy.deepcopy(META)
OTHER["host"]["kernel"] = "6.12.9-amd64"
OTHER["kvm"]["params"]["kvm_amd"]["npt"] = "N"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same workload twice; port 0x3f8 slower by a tenth; one port gone and three times the
    HLTs."""
    path = tmp_path_factory.mktemp("diff")
    rows = diff_workload.exits
    return {name: diff_workload.write(path / f"{name}.kvmw", *what) for name, what in {
        "old": (rows(1),), "same": (rows(2),), "slower": (rows(3, {"io0": 1.1}),),
        "other": (rows(4, (), {"io1": 0, "hlt": 3}), OTHER)}.items()}


def diff(*args, status=0):
    done = kvmw("diff", "--json", *args)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def evaluate(path, key):
    """{key: count, cost, time and percentiles}, computed the slow way, over two seconds and a
    millisecond."""
    found = collections.defaultdict(list)
    for line in kvmw("script", path, "--json").stdout.splitlines():
        event = json.loads(line)
        if "total_ns" in event:
            found[key(event)].append(event)
    out = {}
    for name, events in found.items():
        spans = sorted(e["total_ns"] for e in events)
        cost = sum(e["total_ns"] - e["halt_ns"] - e["wait_ns"] - e["block_ns"] + e["poll_ns"] for e in events)
        out[name] = {"count": len(events) / 2.001, "cost": cost / 2.001, "time": sum(spans) / 2.001,
                     "mean": sum(spans) / len(spans), "max": spans[-1],
                     "p50": spans[len(spans) // 2], "p99": spans[int(len(spans) * 0.99)]}
    return out


@pytest.mark.parametrize("sort, member, key", [
    ("reason", "reason", lambda e: e["reason"]),
    ("detail", "detail_value", lambda e: e["detail"])])
def test_numbers_are_those_of_script(files, sort, member, key):
    """All numbers of both recordings match; percentiles to within a bucket of the histogram."""
    found = diff("-s", sort, files["old"], files["other"])["comparisons"][0]
    sides = {"old": evaluate(files["old"], key), "new": evaluate(files["other"], key)}
    assert {row[member] for row in found["rows"]} == set(sides["old"]) | set(sides["new"])
    for row in found["rows"]:
        for side, values in sides.items():
            of = values.get(row[member])
            for measure in ("count", "cost", "time", "mean", "max", "p50", "p99"):
                if of is None:
                    rate = measure in ("count", "cost", "time")
                    assert row[measure][side] == (0 if rate else None)
                    continue
                within = 1 / 16 if measure[0] == "p" else 1e-4
                assert math.isclose(row[measure][side], of[measure], rel_tol=within, abs_tol=1), (row, measure)
        old, new = row["cost"]["old"], row["cost"]["new"]
        assert row["cost"]["percent"] is None if not old else \
            math.isclose(row["cost"]["percent"], 100 * (new - old) / old, abs_tol=1e-3)


def test_rows_come_by_what_they_explain(files):
    rows = diff("-s", "detail", files["old"], files["other"])["comparisons"][0]["rows"]
    explains = [abs(row["cost"]["new"] - row["cost"]["old"]) for row in rows]
    assert explains == sorted(explains, reverse=True)
    assert {row["label"]: row["in"] for row in rows} == {
        "out 0x60 keyboard data": "gone", "out 0x3f8 COM1 transmit": "both", "-": "both"}
    assert rows[0]["in"] == "gone" and rows[0]["count"]["changed"] and rows[0]["p50"]["p"] is None


def test_one_slower_port_is_found_and_nothing_else(files):
    found = diff("-s", "detail", files["old"], files["same"], files["slower"])["comparisons"]
    changed = [{row["label"] for row in one["rows"] for m in ("cost", "count", "p50", "p99")
                if row[m]["changed"]} for one in found]
    assert changed == [set(), {"out 0x3f8 COM1 transmit"}]
    assert [one["rows_changed"] for one in found] == [0, 1] and found[0]["tests"] >= 8


def test_text(files):
    text = kvmw("diff", "-s", "detail", files["old"], files["slower"]).stdout
    assert "=> out 0x3f8 COM1 transmit: cost +" in text and "*+" in text
    assert "not the same" not in text
    text = kvmw("diff", files["old"], files["same"]).stdout
    assert "=> Nothing changed by more than noise." in text and "*+" not in text
    text = kvmw("diff", files["old"], files["other"]).stdout
    before = text[:text.index("=>")]
    assert "# not the same: kernel: 6.1.0-18-amd64; now 6.12.9-amd64\n" in before
    assert "# not the same: parameter kvm_amd.npt: Y; now N\n" in before
    assert "gone" in kvmw("diff", "-s", "detail", files["old"], files["other"]).stdout
    assert "new" in kvmw("diff", "-s", "detail", files["other"], files["old"]).stdout


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_width(files, width):
    """However narrow the table is, a measure has all of its columns or none."""
    text = kvmw("diff", f"--width={width}", "-s", "reason,detail,vcpu", files["old"], files["other"]).stdout
    assert max(map(len, text.splitlines())) <= width
    assert not [line for line in text.splitlines() if line.endswith(" ")]
    table = text[text.index("cost/s"):]
    groups, heads = (line.split() for line in table.splitlines()[:2])
    measures = sum(group.strip(",") in ("cost/s", "events/s", "p50", "p99") for group in groups)
    assert heads[-3 * measures:] == ["OLD", "NEW", "change"] * measures
    assert heads.count("OLD") == measures >= 1 and ("p99" in table if width == 120 else True)


def test_csv_has_the_rows_of_json(files):
    args = ("-s", "detail", files["old"], files["same"], files["other"])
    lines = list(csv.DictReader(io.StringIO(kvmw("diff", "--csv", *args).stdout)))
    rows = [(one["new"]["file"], row) for one in diff(*args)["comparisons"] for row in one["rows"]]
    assert [(line["new_file"], line["label"].lstrip("'"), line["in"]) for line in lines] == \
        [(path, row["label"], row["in"]) for path, row in rows]
    for line, (_, row) in zip(lines, rows):
        for measure in ("cost", "p99"):
            for side in ("old", "new"):
                value = line[f"{measure}_{side}"]
                assert (float(value) if value else None) == row[measure][side]
        assert line["cost_changed"] == str(int(row["cost"]["changed"]))


@pytest.mark.parametrize("condition, new, status", [
    ("p50(io) > +20%", "slower", 0), ("p50(io) > 1%", "slower", 1), ("count(io) <= -40 %", "other", 1),
    ("cost(npf) > +1%", "other", 0), ("count(total) > 1000", "same", 1), ("max(hlt) >= 1ms", "same", 0),
    ("count(hlt)>700", "other", 1), ("count(hlt) < 700", "same", 1), ("count(hlt) < 1", "same", 0), ("time(KVM_EXIT_IO) > 5%", "other", 0)])
def test_fail_if(files, condition, new, status):
    """A condition names a reason as --reason does; one that did not occur has count 0."""
    done = kvmw("diff", files["old"], files[new], "--fail-if", condition)
    assert done.returncode == status and "per second" in done.stdout.lower()
    if status:
        one_line(done, 1, f"--fail-if '{condition}' holds", new)
    found = diff(files["old"], files[new], "--fail-if", condition, status=status)["failed"]
    assert [item["condition"] for item in found] == [condition] * status


@pytest.mark.parametrize("condition, failed", [
    ("count(hlt) > 100", [1, 1]), ("count(HLT) > 100", [1, 1]), ("count(CPUID) > +20%", [1, 0]),
    ("count(hlt) > +1000%", [0, 0]), ("max(hlt) < +10%", [1, 0]), ("count(msr) > 1000", [1, 0]),
    ("count(EPT_VIOLATION) > 100", [1, 0]), ("count(npf) < 1000", [0, 1])])
def test_reasons_of_both_vendors_are_one(condition, failed):
    """A condition covers the rows of both Intel and AMD for a reason, whichever name is given."""
    paths = [DATA / "svm-mixed.kvmw", DATA / "vmx-mixed.kvmw"]
    for pair, fails in zip((paths, paths[::-1]), failed):
        assert kvmw("diff", *pair, "--fail-if", condition).returncode == fails, pair
    one_line(kvmw("diff", *paths, "--fail-if", "p99(msr) > +1%"), 1, "3 rows are 'msr'", "as the table does")


def test_what_the_time_of_returns_contains():
    """Only event sched separates waits from the time of returns, and kvmw says so."""
    path, says = DATA / "svm-userspace.kvmw", "contains waits for a CPU and sleep; record with -e userspace,sched"
    for args in (path, path), ("report", path), ("report", path, "--outliers", "1"):
        text = " ".join(kvmw(*(args if args[0] == "report" else ("diff", *args))).stdout.replace("#", "").split())
        assert says in text, args
    assert "contains waits for a CPU" not in kvmw("report", DATA / "svm-linux.kvmw").stdout
    text = " ".join(kvmw("report", DATA / "svm-families.kvmw", "-e", "userspace").stdout.replace("#", "").split())
    assert "contains waits for a CPU and sleep, which kvmw report -e sched shows" in text


def test_conditions_of_keys_and_of_all(files):
    port = "out 0x3f8 COM1 transmit"
    args = ("diff", "-s", "detail", files["old"], files["same"], files["slower"])
    one_line(kvmw(*args, "--fail-if", f"p50({port}) > +5%"), 1, "slower.kvmw", "more than noise")
    one_line(kvmw(*args[:-1], "--fail-if", "p50(out 0x3f9) > +5%"), 1, "same.kvmw has a row 'out 0x3f9'")
    one_line(kvmw(*args, "--fail-if", "p50 > 5%"), 2, "'p50 > 5%'", "MEASURE(KEY) OPERATOR VALUE")
    one_line(kvmw(*args, "--fail-if", f"p50({'x' * 2000}) > 5%"), 2, "its key is too long")
    one_line(kvmw(*args, "--fail-if", "p99(io) > 5"), 2, "'p99(io) > 5'", "no unit", "us, ms, s or %")


def test_what_was_lost_is_not_tested(files, tmp_path):
    """With a twentieth of the rows lost, sums are the kernel's, but the slices lack rows: no
    test."""
    rows = diff_workload.exits(7)
    path = diff_workload.write(tmp_path / "lost.kvmw", [row for i, row in enumerate(rows) if i % 20], all_of=rows)
    found = diff(files["old"], path)["comparisons"][0]
    assert found["new"]["lost"] == len(rows) // 20 and found["tests"] == 0
    assert "lost" in found["untested"]
    assert all(math.isclose(row["count"]["percent"], 0, abs_tol=0.5) for row in found["rows"])


def test_costs_with_halts_are_not_compared_to_those_without(files, tmp_path):
    """An old recording without separate halts, whose cost of HLT contains them: costs are not
    compared."""
    path = diff_workload.write(tmp_path / "all.kvmw", [[*row[:12], None, None, None, None, *row[16:]]
                                                       for row in diff_workload.exits(1)])
    for old, new, which in ((path, files["old"], "OLD"), (files["old"], path, "NEW")):
        why = f"{which} does not separate halts and waits from KVM's own time"
        text = kvmw("diff", "--width=200", old, new).stdout
        assert "Costs are not compared: " + why in text and "cost/s" not in text
        found = diff(old, new)["comparisons"][0]
        assert why in found["cost_not_compared"] and found["rows_changed"] == 0
        for row in found["rows"]:
            assert row["cost"]["percent"] is None and row["cost"]["p"] is None and not row["cost"]["changed"]
            assert math.isclose(row["time"]["percent"], 0, abs_tol=1e-3) and row["count"]["percent"] == 0
        one_line(kvmw("diff", old, new, "--fail-if", "cost(hlt) > 5%"), 1, "cost(hlt) > 5%", which, "halts")
        assert kvmw("diff", old, new, "--fail-if", "time(hlt) > 5%").returncode == 0
    assert diff(path, path)["comparisons"][0]["cost_not_compared"] is None
    assert "cost/s" in kvmw("diff", path, path).stdout


def test_few_events_are_not_called_unchanged(tmp_path):
    """From 12 HLTs to 3: too few to tell, which is marked "?"."""
    few = [row for row in diff_workload.exits(1) if row[9] == diff_workload.REASON["hlt"]]
    old, new = (diff_workload.write(tmp_path / f"{i}.kvmw", few[::len(few) // i][:i]) for i in (12, 3))
    text = kvmw("diff", "--width=200", old, new).stdout
    assert "1 row (?) differs by 20 % or more" in text and "too few recorded events" in text
    assert "Nothing changed" not in text and "?-75.0%" in text and "? differs much" in text
    found = diff(old, new)["comparisons"][0]
    assert found["rows_unsure"] == 1 and found["rows"][0]["count"]["unsure"]
    text = kvmw("diff", old, old).stdout
    assert "(?)" not in text and "? differs" not in text


def test_what_was_cut_off_was_not_lost():
    text = kvmw("diff", "--width=200", DATA / "svm-cut.kvmw", DATA / "svm-linux.kvmw").stdout
    assert "events were cut off with the end of the file" in text and "were lost" not in text
    old, new = text.splitlines()[:2]
    assert old.endswith("; the file is incomplete") and new.endswith(" lost")


def test_wrong_usage(files, tmp_path):
    one_line(kvmw("diff", files["old"]), 2, "name an old one and a new one")
    one_line(kvmw("diff", cwd=tmp_path), 1, "kvmw.data.old")
    one_line(kvmw("diff", "-", "-"), 2, "standard input")
    one_line(kvmw("diff", "--top=0", "a", "b"), 2, "--top '0'")
    one_line(kvmw("diff", "-s", "time", files["old"], files["same"]), 2, "--sort time", "--time")
    assert " time (interval" not in kvmw("diff", "-h").stdout
    one_line(kvmw("diff", "-s", "tine", files["old"], files["same"]), 2, "no key 'tine'")
    one_line(kvmw("diff", "-e", "irq", files["old"], files["same"]), 1, "old.kvmw", "irq")


def test_without_names_those_of_record(files, tmp_path):
    for name, path in (("kvmw.data.old", files["old"]), ("kvmw.data", files["slower"])):
        (tmp_path / name).symlink_to(path)
    done = kvmw("diff", cwd=tmp_path)
    assert done.returncode == 0 and "# OLD kvmw.data.old: 2.001 s" in done.stdout


def test_rows_by_a_field():
    path = DATA / "svm-families.kvmw"
    rows = json.loads(kvmw("report", path, "-s", "port,vcpu", "--json").stdout)["rows"]
    found = json.loads(kvmw("diff", path, path, "-s", "port,vcpu", "--json").stdout)
    assert found["sort"] == ["port", "vcpu"]
    labels = {row["label"] for row in found["comparisons"][0]["rows"]}
    assert len(labels) == len(rows) > 3 and any(label.startswith("0x5150, ") for label in labels)
    assert re.search(r"^port +vCPU +OLD +NEW", kvmw("diff", path, path, "-s", "port,vcpu").stdout, re.M)


def with_setup(path, vcpus, halt_poll_ns, size, thp, steal):
    """A recording with snapshots of host, VM and memory."""
    rec = Recording(vms=VMS[:1], vcpus=VCPUS[:1])
    rec.frame([(START + 1000 * i, 100, 500, 0, 0x72, 0, 2) for i in range(1, 100)])
    rec.lines += [
        ["IDENT", {"texts": [{"id": 1, "text": thp}, {"id": 2, "text": "mds: Mitigation: clear buffers"}]}],
        ["STATS", "host", [[START, 1, 1, steal, NONE], [START, 1, 8, None, 1], [START, 1, 14, 64, NONE],
                           [START, 1, 21, None, 2]]],
        ["STATS", "vm_config", [[START, 1, 100, place, NONE, 1, 0, number, 1, 1, 0, halt_poll_ns]
                                for place, number in enumerate(vcpus)]],
        ["STATS", "slot", [[START, 1, 100, 0, 0, 0, 0, size, 0x7f0000000000, 0]]]]
    return rec.finish().write(path)


def test_settings(tmp_path):
    """Settings common to all VMs are compared; values that always change are not."""
    files = [with_setup(tmp_path / "old", [2, 2], 200000, 1 << 30, "always", 5),
             with_setup(tmp_path / "new", [4, 4], 200000, 2 << 30, "never", 99),
             with_setup(tmp_path / "mixed", [2, 4], 200000, 1 << 30, "always", 5)]
    first, second = diff(*files)["comparisons"]
    assert {one["what"]: (one["old"], one["new"]) for one in first["not_the_same"]} == {
        "VM's vCPUs": ("2", "4"), "memory of all slots, bytes": (str(1 << 30), str(2 << 30)),
        "host's thp": ("always", "never")}
    assert not second["not_the_same"]
    text = kvmw("diff", *files[:2]).stdout
    assert "# not the same: host's thp: always; now never\n" in text and "mds" not in text


def test_a_wrong_condition_is_said_once():
    path = TREE / "tests/data/svm-families.kvmw"
    done = kvmw("diff", path, path, path, "--fail-if", "count(nix) > 3", "--fail-if", "count(nux) > 3")
    assert done.returncode == 1 and [line.count("(nix)") + 2 * line.count("(nux)") for line in done.stderr.splitlines()] == [1, 2]
