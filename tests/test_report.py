# SPDX-License-Identifier: GPL-2.0
"""kvmw report: every number is compared with one computed in Python from the same rows."""
import csv
import io
import json
import os
import pty
import random
import re
import resource
import subprocess

import pytest

import independent_reader
import lab_fixtures
from synthetic import (KVMW, META, START, SVM, TREE, VCPUS, VMX, Recording, kvmw, one_line,
                        random_rows, report, same_in_csv, text_of, widest)

GOLDEN = sorted((TREE / "tests/data").glob("[sv]*.kvmw"))


def percentile(values, permille):
    values = sorted(values)
    return values[max(0, -(-len(values) * permille // 1000) - 1)]


def check_row(row, exits, lost=()):
    """Counts and sums cover all cycles, the distribution only recorded ones."""
    lost = set(lost)
    whole = [e for e in exits if e[2] is not None]
    spans = [e[2] for e in whole if e not in lost]
    assert row["count"] == len(exits)
    assert row["unfinished"] == len(exits) - len(whole)
    assert row["time_ns"] == sum(e[2] for e in whole)
    assert row["user_ns"] == sum(e[3] for e in whole)
    assert row["guest_ns"] == sum(e[1] for e in exits)
    assert row["mean_ns"] == row["time_ns"] // len(whole)
    assert row["min_ns"] == min(spans)
    assert row["max_ns"] == max(spans)
    assert row["recorded"] == len([e for e in exits if e not in lost])
    for permille, key in (500, "p50_ns"), (900, "p90_ns"), (990, "p99_ns"):
        exact = percentile(spans, permille)
        assert abs(row[key] - exact) <= exact / 16
    assert sum(b["count"] for b in row["histogram"]) == len(spans)
    for bucket in row["histogram"]:
        assert bucket["count"] == sum(bucket["from_ns"] <= s <= bucket["to_ns"] for s in spans)


@pytest.mark.parametrize("name", ["vmx", "svm"])
def test_every_number(name, request):
    rec = request.getfixturevalue(name)
    names = {number: reason for reason, number in (VMX if name == "vmx" else SVM).items()}
    rep = report(rec.path)
    assert {row["reason"] for row in rep["rows"]} == set(names.values())
    for row in rep["rows"]:
        exits = [e for e in rec.exits if names[e[4]] == row["reason"]]
        check_row(row, exits, [e for e in exits if e in rec.lost])
        assert row["exact"] and row["isa"] == name.upper()
        assert row["reason_number"] == exits[0][4]
        assert row["lost"] == sum(e in rec.lost for e in exits)
    check_row(rep["total"], rec.exits, rec.lost)
    assert rep["lost"] == len(rec.lost)
    assert rep["recorded"] == len(rec.exits) - len(rec.lost)
    assert rep["recorded"] + rep["lost"] == rep["total"]["count"]
    assert rep["recording"]["complete"] and rep["recording"]["finished"]
    assert rep["recording"]["duration_ns"] == rec.end - START
    assert sum(row["time_percent"] for row in rep["rows"]) == pytest.approx(100, abs=0.01)
    times = [row["time_ns"] for row in rep["rows"]]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_recordings(path):
    """Real recordings of every released version, compared with their rows."""
    done = kvmw("report", "-i", path, "--json", "--sort", "reason,vcpu")
    rep = json.loads(done.stdout)
    assert done.returncode == (not rep["recording"]["complete"])
    spans = "total_ns" if rep["event"] == "exit" else "user_ns"
    rows = lab_fixtures.rows(path, rep["event"], status=done.returncode)
    assert rep["recorded"] == len(rows) > 0
    # Cycles that were open when a recording was cut off are only in the totals.
    open_rows = rep["total"]["count"] - len(rows) - rep["lost"]
    vcpus = len(rep["recording"]["vcpus"])
    assert open_rows == 0 if rep["recording"]["finished"] else 0 <= open_rows <= vcpus
    for row in rep["rows"]:
        mine = [getattr(r, spans) for r in rows
                if (r.reason, r.vcpu) == (row["reason_number"], row["vcpu_id"])]
        whole = [span for span in mine if span != lab_fixtures.NONE]
        assert len(mine) == row["recorded"]
        without_row = row["count"] - row["lost"] - len(mine)
        assert row["unfinished"] == len(mine) - len(whole) + without_row
        assert 0 <= without_row <= open_rows
        open_rows -= without_row
        if not row["lost"]:
            assert row["time_ns"] == (sum(whole) if whole else None)
        if whole:
            assert (row["min_ns"], row["max_ns"]) == (min(whole), max(whole))
            for permille, key in (500, "p50_ns"), (900, "p90_ns"), (990, "p99_ns"):
                exact = percentile(whole, permille)
                assert abs(row[key] - exact) <= exact / 16
    assert widest(text_of(path, status=done.returncode)) <= 80


def test_from_rows_alone(tmp_path):
    """A recording without the kernel's totals, as left by an older or killed recorder."""
    rec = Recording()
    rec.frame(random_rows(random.Random(3), SVM, 2, 3000))
    rep = report(rec.finish().write(tmp_path / "f"))
    check_row(rep["total"], rec.exits)
    assert not rep["total"]["exact"]


def test_sort_by_vcpu_and_vm(vmx):
    for row in report(vmx.path, "--sort", "vcpu")["rows"]:
        exits = [e for e in vmx.exits if e[5] == row["vcpu_id"]]
        check_row(row, exits, [e for e in exits if e in vmx.lost])
        vcpu = next(v for v in VCPUS if v["id"] == row["vcpu_id"])
        assert (row["vcpu"], row["tid"]) == (vcpu["vcpu"], vcpu["tid"])
    for row in report(vmx.path, "--sort", "vm")["rows"]:
        exits = [e for e in vmx.exits if (e[5] == 9) == (row["pid"] == 200)]
        check_row(row, exits, [e for e in exits if e in vmx.lost])
    rows = report(vmx.path, "-s", "reason,vcpu", "--order", "key")["rows"]
    assert len(rows) == len({(e[4], e[5]) for e in vmx.exits})
    keys = [(row["reason_number"], row["vcpu_id"]) for row in rows]
    assert keys == sorted(keys)
    for row in rows:
        exits = [e for e in vmx.exits if (e[4], e[5]) == (row["reason_number"], row["vcpu_id"])]
        check_row(row, exits, [e for e in exits if e in vmx.lost])


@pytest.mark.parametrize("by", ["time", "count", "mean", "p99", "max"])
def test_order(vmx, by):
    key = by if by == "count" else by + "_ns"
    values = [row[key] for row in report(vmx.path, "--order", by)["rows"]]
    assert values == sorted(values, reverse=True) and len(set(values)) > 3


def test_filters(vmx):
    rep = report(vmx.path, "--vcpu", "1")
    exits = [e for e in vmx.exits if e[5] == 1]
    check_row(rep["total"], exits, [e for e in exits if e in vmx.lost])
    assert rep["total"]["exact"]
    rep = report(vmx.path, "--pid", "200,300-400", "--vcpu", "0")
    exits = [e for e in vmx.exits if e[5] == 9]
    check_row(rep["total"], exits, [e for e in exits if e in vmx.lost])
    assert rep["lost"] == rep["total"]["lost"] == sum(e[5] == 9 for e in vmx.lost)


def test_window(svm):
    length = svm.end - START
    low, high = START + length // 4, START + length // 2
    exits = [e for e in svm.exits if low <= e[0] <= high]
    assert 100 < len(exits) < len(svm.exits) - 100
    since = f"{(low - START) / 1e9:.9f},{(high - START) / 1e9:.9f}"
    rep = report(svm.path, "--time", since)
    check_row(rep["total"], exits)
    assert not rep["total"]["exact"]
    absolute = report(svm.path, "--time", f"@{low / 1e9:.9f},@{high / 1e9:.9f}")
    assert absolute["rows"] == rep["rows"]
    later = report(svm.path, "--time", f"{(low - START) / 1e9:.9f},")
    check_row(later["total"], [e for e in svm.exits if e[0] >= low])


@pytest.mark.parametrize("window, what", [
    ("100,", "begins after the end of the recording"),
    ("100,200", "begins after the end of the recording"),
    (",@1", "ends before the recording begins"),
    ("1,@2", "ends before the recording begins"),
    ("2026-01-01T00:00:00,1", "ends before it begins")])
def test_window_outside(svm, window, what):
    lasts = f"{what}; the recording lasts {(svm.end - START) / 1e9:.6f} s"
    done = kvmw("report", "-i", svm.path, "--time", window)
    one_line(done, 1, f"the window of --time {lasts}")
    assert f"# window    empty: it {what};" in done.stdout
    assert report(svm.path, "--time", window, status=1)["rows"] == []
    one_line(kvmw("script", "-i", svm.path, "--time", window), 1, f"the window of --time {lasts}")


def test_window_says_that_some_were_lost(vmx):
    text = text_of(vmx.path, "--time", "0,0.001")
    assert re.search(r"up to [\d,]+ lost", text)
    assert "some of them were lost" in " ".join(text.replace("#", "").split())


def test_percent_limit(vmx):
    everything = report(vmx.path)
    rep = report(vmx.path, "--percent-limit", "10")
    assert rep["rows"] == [r for r in everything["rows"] if r["cost_percent"] >= 10]
    assert rep["rows_hidden"] == len(everything["rows"]) - len(rep["rows"]) > 0
    assert rep["total"] == everything["total"]
    text = text_of(vmx.path, "--percent-limit", "10")
    assert f"{rep['rows_hidden']} rows below 10% not shown" in text


def test_vcpu_times(vmx):
    for v in report(vmx.path)["vcpu_time"]:
        exits = [e for e in vmx.exits if e[5] == v["vcpu_id"]]
        assert v["count"] == len(exits)
        assert v["guest_ns"] == sum(e[1] for e in exits)
        assert v["vmm_ns"] == sum(e[3] or 0 for e in exits)
        assert v["kvm_ns"] == sum((e[2] or 0) - (e[3] or 0) for e in exits)
        open_since = [e[0] for e in exits if e[2] is None]
        assert v["open_ns"] == (vmx.end - open_since[0] if open_since else 0)
        parts = [v[k] for k in ("guest_ns", "kvm_ns", "vmm_ns", "open_ns", "unseen_ns")]
        assert sum(parts) == v["wall_ns"] == vmx.end - START


def test_csv_is_what_json_says(vmx):
    rows = report(vmx.path, "--sort", "vm,vcpu,reason")["rows"]
    done = kvmw("report", "-i", vmx.path, "--csv", "--sort", "vm,vcpu,reason")
    assert done.returncode == 0
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows):
        same_in_csv(line, row)


def table_rows(text, names):
    return {name: line for name in names for line in text.splitlines()
            if line.startswith(name + " ")}


@pytest.mark.parametrize("width", [80, 100, 120, 160])
@pytest.mark.parametrize("sort", ["reason", "vcpu", "vm", "reason,vcpu"])
def test_fits(vmx, svm, width, sort):
    for rec in vmx, svm:
        text = text_of(rec.path, "--sort", sort, "--width", width, "--hist")
        assert max(map(len, text.splitlines())) <= width
        head = next(line for line in text.splitlines() if " p99" in line).replace("*", "")
        # Two long keys leave no room for all columns.
        for word in ["exits", "cost", "KVM", "VMM", "p99", "max"] + (
                ["/s", "p50"] if (sort, width) != ("reason,vcpu", 80) else []):
            assert word in head.split()


EVENTS = ["exit", "userspace", "fault", "irq", "halt", "sched", "ioctl", "stack", "dirty", "hypercall",
          "timer", "mmu", "memslot"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_fits_sixty_columns(path):
    for event in EVENTS if "families" in path.stem else EVENTS[:2]:
        for args in [], ["-v", "--hist"], ["-s", "vm,vcpu,reason"]:
            done = kvmw("report", "-i", path, "--width", 60, "-e", event, *args)
            assert done.stdout.count("\n") > 4
            assert widest(done.stdout) <= 60, (event, args)


def test_table_says_what_json_says(vmx):
    rep = report(vmx.path)
    text = text_of(vmx.path, "--width", 120)
    lines = table_rows(text, [row["reason"] for row in rep["rows"]] + ["total"])
    wall, seconds = rep["whole"]["wall_ns"], rep["recording"]["duration_ns"] / 1e9
    for row in rep["rows"] + [rep["total"] | {"reason": "total"}]:
        fields = lines[row["reason"]][len(row["reason"]):].split()
        assert int(fields[0]) == row["count"]
        assert float(fields[1]) == pytest.approx(row["count"] / seconds, rel=0.06)
        for field, name in zip(fields[2:], ("cost_ns", "kvm_ns", "user_ns")):
            part = row[name]
            assert field == "-" if part is None else (
                float(field) == pytest.approx(100 * part / wall, abs=0.06)), (field, name)
    assert len(lines) == len(rep["rows"]) + 1


def test_shares_add_up(vmx, svm):
    """The rows' parts add up to the total's; with guest and unseen time, to all of the time."""
    for rec in vmx, svm:
        rep = report(rec.path)
        whole, total = rep["whole"], rep["total"]
        for row_part, part in (("kvm_ns", "kvm_ns"), ("user_ns", "vmm_ns"), ("guest_ns", "guest_ns")):
            assert sum(row[row_part] or 0 for row in rep["rows"]) == total[row_part]
            assert total[row_part] == whole[part] == sum(v[part] for v in rep["vcpu_time"])
        parts = set(whole) - {"wall_ns", "poll_ns"}
        assert sum(whole[part] for part in parts) == whole["wall_ns"] == sum(
            v["wall_ns"] for v in rep["vcpu_time"])
        costs = [row["cost_ns"] or 0 for row in rep["rows"]]
        assert costs == sorted(costs, reverse=True)


def test_bars(svm):
    """Bars show the greatest part first, each with its share."""
    rep = report(svm.path)
    text = text_of(svm.path, env={"LC_ALL": "C"})
    bars = re.findall(r"^  (\w[\w ]*?) +([\d.]+)% (\S+)$", text, re.M)
    shares = [float(share) for _, share, _ in bars]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(100, abs=1)
    found = {name: float(share) for name, share, _ in bars}
    assert found["guest"] == pytest.approx(100 * rep["whole"]["guest_ns"] / rep["whole"]["wall_ns"],
                                           abs=0.06)
    assert len(bars[0][2]) > len(bars[-1][2])


def test_wide_shows_more(vmx):
    narrow = text_of(vmx.path, "--width", 80).splitlines()
    wide = text_of(vmx.path, "--width", 170).splitlines()
    assert len(max((line for line in wide if " p50" in line), key=len)) > max(
        len(line) for line in narrow if " p50" in line)
    assert any("INVALID_STATE|FAILED_VMENTRY" in line for line in wide)


def test_ascii_where_not_utf8(vmx):
    assert not text_of(vmx.path, "--hist").isascii()
    assert text_of(vmx.path, "--hist", env={"LC_ALL": "C"}).isascii()


def test_heading(vmx):
    short = text_of(vmx.path).split("\n\n")[0].splitlines()
    assert "2025-01-01 00:00:00 +0000 on node7" in " ".join(line[2:] for line in short)
    assert f"exits, {len(vmx.lost):,} lost" in " ".join(short)
    assert not any("AMD EPYC" in line or "BPF" in line for line in short)
    text = text_of(vmx.path, "--width", 200, "-v")
    assert "2025-01-01 00:00:00 +0000" in text
    assert "node7, Linux 6.1.0-18-amd64" in text
    assert "64 x AMD EPYC 7543 32-Core Processor (kvm_amd)" in text
    assert "debian12: qemu-system-x86_64, pid 100, 2 vCPUs" in text
    assert f"{len(vmx.lost):,} lost; 1 unfinished" in text
    assert "123 ns of BPF per event" in text
    assert "p50*" in text and "columns marked * cover only the recorded ones" in text


def test_nothing_lost_is_not_marked(svm):
    assert "*" not in text_of(svm.path)


def test_hist(svm):
    text = text_of(svm.path, "--hist")
    for row in report(svm.path)["rows"]:
        part = text.split(f"\n{row['reason']}: ")[1].split("\n\n")[0]
        counts = [int(line.split("..")[1].split()[1]) for line in part.splitlines() if ".." in line]
        assert [c for c in counts if c] == [b["count"] for b in row["histogram"]]


def test_pipe_is_as_good_as_a_file(svm):
    from_file = report(svm.path)
    with subprocess.Popen(["cat", svm.path], stdout=subprocess.PIPE) as cat:
        done = kvmw("report", "-i", "-", "--json", stdin=cat.stdout)
    assert done.returncode == 0
    piped = json.loads(done.stdout)
    assert piped.pop("file") == "-" and from_file.pop("file") == str(svm.path)
    assert piped == from_file


def on_terminal(*args, **env):
    """The output on a terminal that is 100 columns wide."""
    pid, fd = pty.fork()
    if not pid:
        environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "COLUMNS": "100"} | env
        os.execve(KVMW, [KVMW, *map(str, args)], environ)
    out = b""
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out.decode()


def test_pager(svm):
    mark = "sed s/^/PAGED:/"
    status, out = on_terminal("report", "-i", svm.path, KVMW_PAGER=mark, PAGER="false")
    assert status == 0 and all(line.startswith("PAGED:") for line in out.splitlines())
    status, out = on_terminal("report", "-i", svm.path, PAGER=mark)
    assert "PAGED:" in out
    for args in ["--no-pager"], ["--json"], ["--csv"]:
        status, out = on_terminal("report", "-i", svm.path, *args, KVMW_PAGER=mark)
        assert status == 0 and "PAGED:" not in out and "cpuid" in out
    # A pager that ends early is no error.
    assert on_terminal("report", "-i", svm.path, KVMW_PAGER="true")[0] == 0
    assert "PAGED:" not in kvmw("report", "-i", svm.path, env={"KVMW_PAGER": mark}).stdout


def test_color(svm):
    """Color on a terminal, unless the user says otherwise; the text is the same."""
    plain = text_of(svm.path, "--width", 100)
    assert "\033" not in plain
    colored = text_of(svm.path, "--width", 100, "--color", "always")
    assert colored.count("\033[") > 4 and re.sub(r"\033\[\d+m", "", colored) == plain
    pager = {"KVMW_PAGER": "cat"}
    assert "\033[" in on_terminal("report", "-i", svm.path, TERM="xterm", **pager)[1]
    for args, env in (["--color=never"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"}):
        assert "\033[" not in on_terminal("report", "-i", svm.path, *args, **pager, **env)[1]
    one_line(kvmw("report", "-i", svm.path, "--color", "maybe"), 2, "--color 'maybe'", "always")


def test_output_that_cannot_be_written(svm):
    with open("/dev/full", "w") as full:
        for args in [], ["--json"], ["--csv"]:
            done = subprocess.run([KVMW, "report", "-i", svm.path, *args], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60)
            one_line(done, 1, "standard output", "No space left")


def test_default_file(svm, tmp_path):
    (tmp_path / "kvmw.data").write_bytes(svm.path.read_bytes())
    done = kvmw("report", cwd=tmp_path)
    assert done.returncode == 0 and "cpuid" in done.stdout


def test_recorder_did_not_finish(tmp_path):
    rec = Recording()
    rows = random_rows(random.Random(4), SVM, 2, 4000)
    rec.frame(rows[:2000])
    rec.totals()
    rec.frame(rows[2000:])
    path = rec.write(tmp_path / "killed")
    done = kvmw("report", "-i", path, "--json")
    one_line(done, 1, "did not finish")
    rep = json.loads(done.stdout)
    # The totals are older than the rows: the rows are all that is known.
    check_row(rep["total"], rec.exits)
    assert not rep["recording"]["finished"]
    assert "did not finish" in text_of(path, status=1)


def test_cut_anywhere(svm, tmp_path):
    data = svm.path.read_bytes()
    counts = []
    for size in list(range(2048, len(data), 2048)) + [len(data) - 1]:
        path = tmp_path / "cut"
        path.write_bytes(data[:size])
        done = kvmw("report", "-i", path, "--json")
        assert done.returncode == 1
        rep = json.loads(done.stdout)
        counts.append(rep["recorded"])
        assert rep["recorded"] in (0, 1000, 2000, 3000)
        exits = svm.exits[:rep["recorded"]]
        if exits:
            check_row(rep["total"], exits)
        assert "did not finish" in done.stderr and done.stderr.count("\n") == 1 + (not exits)
        # The note says more only if some columns are exact and others are not.
        text = text_of(path, status=1)
        assert "\n# cut off " in text and ("\n# damaged " in text) == ("columns marked * " in " ".join(text.split()))
    assert counts == sorted(counts) and counts[-1] == 3000 and len(set(counts)) == 4


def test_one_byte_flipped(svm, tmp_path):
    data = bytearray(svm.path.read_bytes())
    frame = [f for f in independent_reader.Recording(bytes(data)).frames if f.type == 4][1]
    at = frame.offset + len(frame.payload) // 2
    data[at] ^= 0x10
    path = tmp_path / "flipped"
    path.write_bytes(data)
    done = kvmw("report", "-i", path, "--json")
    assert done.returncode == 1
    rep = json.loads(done.stdout)
    damage = rep["recording"]["damage"]
    assert len(damage) == 1 and damage[0]["offset"] <= at
    assert damage[0]["offset"] + damage[0]["bytes"] > at
    assert f"damaged at offset {damage[0]['offset']}, " in done.stderr
    assert "1000 events are missing" in done.stderr
    assert rep["recording"]["missing_rows"] == 1000 and rep["recorded"] == 2000
    # The kernel's counts are complete, the distribution covers the remaining rows.
    check_row(rep["total"], svm.exits, svm.exits[1000:2000])


@pytest.mark.parametrize("content, words", [
    (b"", "nothing was recorded"), (b"PERFILE2" + bytes(1000), "not a recording"),
    (b"x" * 100000, "not a recording"), (b"\x7fELF", "not a recording")])
@pytest.mark.parametrize("command", ["report", "info"])
def test_foreign_files(tmp_path, command, content, words):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    done = kvmw(command, "-i", path)
    one_line(done, 1, str(path), words)
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["report", "info"])
def test_no_such_file(tmp_path, command):
    one_line(kvmw(command, "-i", tmp_path / "none"), 1, str(tmp_path / "none"))
    one_line(kvmw(command, "-i", tmp_path), 1, str(tmp_path))


def test_empty_says_why(svm, tmp_path):
    quiet = Recording().finish().write(tmp_path / "quiet")
    one_line(kvmw("report", "-i", quiet), 1, "no VM exit happened", "3 vCPUs")
    nobody = Recording(vms=[], vcpus=[]).finish().write(tmp_path / "nobody")
    one_line(kvmw("report", "-i", nobody), 1, "no VM was running")
    one_line(kvmw("report", "-i", svm.path, "--vcpu", "7"), 1, "--vcpu", "0 of pid 100")
    one_line(kvmw("report", "-i", svm.path, "--time", "1000,"), 1, "--time")
    one_line(kvmw("report", "-i", svm.path, "-e", "userspace"), 1, "no userspace events")
    done = kvmw("report", "-i", quiet, "--json")
    assert done.returncode == 1 and "no VM exit" in json.loads(done.stdout)["empty"]


def test_all_lost(tmp_path):
    rec = Recording()
    rec.totals(rec.frame(random_rows(random.Random(5), SVM, 2, 50), keep=lambda row: False))
    path = rec.finish().write(tmp_path / "lost")
    total = report(path)["total"]
    assert (total["count"], total["lost"], total["recorded"]) == (50, 50, 0)
    assert total["min_ns"] is None and total["p50_ns"] is None
    assert total["time_ns"] == sum(e[2] for e in rec.exits)
    line = next(line for line in text_of(path).splitlines() if line.startswith("total "))
    assert line.split()[1] == "50" and line.split()[-3:] == ["-"] * 3   # p50, p99, max


def test_not_captured_is_not_zero(tmp_path):
    rec = Recording()
    rec.frame([(START + 10, None, 700, 0, SVM["npf"], 0, 2),
               (START + 5000, 100, None, None, SVM["hlt"], 0, 2)])
    path = rec.finish().write(tmp_path / "f")
    rows = {row["reason"]: row for row in report(path)["rows"]}
    assert rows["hlt"]["time_ns"] is None and rows["hlt"]["mean_ns"] is None
    assert rows["hlt"]["unfinished"] == 1 and rows["npf"]["user_ns"] == 0
    assert rows["npf"]["guest_ns"] is None
    line = table_rows(text_of(path, "--width", 120), ["hlt"])["hlt"].split()
    # Cost, its parts, and p50 to max: none. It began once, which the column over time shows.
    assert (line[:2], set(line[3:-1]), line[-1]) == (["hlt", "1"], {"-"}, "█") and len(line) > 7


@pytest.mark.parametrize("args", [
    ["--sort", "bogus"], ["--sort", ""], ["--order", "bogus"], ["--event", "total"],
    ["--vcpu", "x"], ["--vcpu", "3-1"], ["--pid", ""], ["--time", "5x"], ["--time", "3,2"],
    ["--percent-limit", "200"], ["--width", "40"], ["--json", "--csv"]])
def test_wrong_usage(svm, args):
    done = kvmw("report", "-i", svm.path, *args)
    one_line(done, 2, args[-1] or args[0])
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["report", "info"])
def test_unknown_option(command):
    done = kvmw(command, "--bogus")
    assert done.returncode == 2 and "--bogus" in done.stderr and done.stdout == ""


def test_hostile_texts(tmp_path):
    evil = "\x1b[2J\x07\u202e\n\t" + "x" * 5000
    meta = META | {"host": {"name": evil, "kernel": evil, "cpu": evil, "cpus": 1},
                   "notes": [evil] * 200, "command": [evil] * 200}
    rec = Recording(meta, [{"id": 0, "pid": 1, "name": evil, "vmm": evil}],
                    [{"id": 0, "vm": 0, "vcpu": 0, "tid": 2, "comm": evil}])
    rec.frame([(START + 10, 1, 2, 0, SVM["npf"], 0, 2)])
    path = rec.finish().write(tmp_path / "evil")
    for args in (["report", "--sort", "vm,vcpu,reason"], ["report", "--json"], ["report", "--csv"],
                 ["info", "-v"], ["info", "--json"]):
        done = kvmw(*args, "-i", path)
        assert done.returncode == 0
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout), args
        assert len(done.stdout) < 200_000


def test_userspace_where_there_are_no_exits(tmp_path):
    rec = Recording(META | {"notes": ["kvm_exit does not fire on this host"]})
    rows = [[START + 1000 * i, 900 if i else None, 100 + i, 2 if i % 3 else 6, 0, 0, 0]
            for i in range(300)]
    rec.lines.append(["EVENTS", "userspace", rows])
    rec.end += 1000 * 300
    path = rec.finish().write(tmp_path / "f")
    rep = report(path)
    assert rep["event"] == "userspace"
    counts = {row["reason"]: row["count"] for row in rep["rows"]}
    assert counts == {"KVM_EXIT_IO": 200, "KVM_EXIT_MMIO": 100}
    assert rep["total"]["time_ns"] == sum(row[2] for row in rows)
    assert rep["total"]["run_ns"] == 299 * 900
    text = " ".join(text_of(path).replace("#", "").split())
    assert "returns of KVM_RUN to the VMM" in text and "there are no VM exits" in text
    assert "kvm_exit does not fire on this host" in text


@pytest.mark.slow
def test_reading_is_fast(tmp_path):
    """1 M cycles in 5 s of CPU time: a loose bound, to catch only a different order of growth."""
    rec = Recording()
    rows = random_rows(random.Random(6), SVM, 2, 20000)
    frame = ["EVENTS", "exit", [[*e[:4], 0, 0, 0, 0, 0, e[4], e[5], e[6]] for e in rows]]
    rec.lines += [frame] * 50
    path = rec.finish().write(tmp_path / "f")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert report(path)["recorded"] == 1_000_000
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5
