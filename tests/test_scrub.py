# SPDX-License-Identifier: GPL-2.0
"""kvmw scrub, what kvmw info says about it, and record --no-addresses."""
import json
import pathlib
import re
import shutil
import struct
import subprocess
import zlib

import pytest

import independent_reader
from event_lists import LISTS
from synthetic import META, START, TREE, VCPUS, VMS, Recording, kvmw, one_line, report

DATA = TREE / "tests" / "data"
WORD = "CANARY"
NAME = int.from_bytes(WORD.encode(), "little")
SECRETS = ["guest_addresses", "host_addresses", "values", "commands", "names", "stacks", "raw", "notes",
           "guest_symbols"]
HOLDS = {"GUEST_CODE": "guest_addresses", "GUEST_PHYS": "guest_addresses", "GUEST_FRAME": "guest_addresses",
         "GUEST_PLACE": "guest_addresses", "DETAIL": "guest_addresses", "HOST_ADDR": "host_addresses",
         "HOST_END": "host_addresses", "HOST_PLACE": "host_addresses", "HOST_FRAME": "host_addresses",
         "INFO1": "values", "INFO2": "values", "VALUE": "values", "NAME": "names", "NAME_REST": "names",
         "RECORD": "raw"}


def canary(i):
    """An address, or page number, that appears nowhere else."""
    return 0x7abc_de00_0000 + i * 0x1000 + 0x123


def row_of(event):
    """A row with a secret in each field that may hold one; other fields are 1."""
    row = []
    for i, (_, name, holds) in enumerate(LISTS[event]):
        row.append(START + i if name == "time_ns" else 6 if name == "detail_kind" else NAME if holds == "NAME" else
                   0 if holds == "NAME_REST" else 7 if holds in ("PATH", "TEXT") and name == "path" else
                   8 if holds == "TEXT" else 2 if name == "isa" else canary(i) if holds in HOLDS else 1)
    return row


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A recording with a canary in every possible place."""
    meta = META | {
        "command": [WORD], "host": META["host"] | {"name": WORD}, "events": ["exit", f"kvm:{WORD}"],
        "skipped": {"nested": WORD, WORD: WORD}, "notes": [WORD, "x " + WORD], "programs": {WORD: WORD},
        "stop": {"time_ns": START + 5, "why": WORD}, "newer": WORD, WORD: {"x": [WORD]},
        "filters": {"all": False, "pids": [1], "reasons": WORD, "gpa": "0x7abcde000000-0x7abcdeffffff",
                    "groups": [f"/{WORD}.slice/{WORD}.scope"], "excluded": [2], "newer": WORD},
        "tracepoints": [{"kind": 1, "name": f"kvm:{WORD}", "format": WORD}],
        "guest_symbols": {"kernel": True, "newer": WORD}}
    rec = Recording(meta, [{"id": 0, "pid": 100, "name": WORD, "vmm": WORD, "newer": WORD}],
                    [{"id": 1, "vm": 0, "vcpu": 0, "tid": 101, "comm": WORD, "role": WORD}])
    rec.lines.append(["IDENT", {
        "tasks": [{"tid": 5, "comm": WORD}], "neighbours": [{"pid": 6, "name": WORD, "vmm": WORD}],
        "stacks": [{"id": 3, "frames": [WORD + "+0x10", "main"]}, {"id": 4, "frames": [WORD + "+0x10", "main"]}],
        "texts": [{"id": 7, "text": f"/{WORD}.slice/x"}, {"id": 8, "text": "0-3"}, {"id": 9, "text": WORD}],
        "symbols": [{"from": 0x1000, "to": 0x2000, "name": WORD, "module": WORD, "newer": WORD}],
        "newer": [{"id": WORD}]}])
    for event in LISTS:
        if event != "index":
            table = event in ("total", "cost", "holder", "taken", "thread", "cgroup", "host", "slot",
                              "vm_config", "vcpu_config", "vm_memory")
            kind = "LOSS" if event == "loss" else "STATS" if table else "EVENTS"
            rec.lines.append([kind, event, [row_of(event)]])
    rec.lines.append(["FINISH"])
    return rec.write(tmp_path_factory.mktemp("full") / "full")


def scrub(path, out, *args, status=0):
    done = kvmw("scrub", *args, path, out)
    assert done.returncode == status, done.stderr
    return done


def texts(path):
    rec = independent_reader.Recording(pathlib.Path(path).read_bytes())
    assert not rec.damage
    return [independent_reader.text(f) for f in rec.frames if f.type in (1, 2, 3)]


def columns(path):
    rec = independent_reader.Recording(pathlib.Path(path).read_bytes())
    for frame in rec.frames:
        if frame.type in (4, 5, 6):
            for name, values in rec.columns(frame).items():
                yield rec.events[frame.event]["name"], name, values


def left(path):
    """The secrets that the file still has unchanged, found in its bytes."""
    holds = {(event, name): h for event, fields in LISTS.items() for _, name, h in fields}
    before = {(event, name): row_of(event)[i] for event, fields in LISTS.items()
              for i, (_, name, _) in enumerate(fields)}
    return {HOLDS[holds[event, name]] for event, name, values in columns(path)
            if holds[event, name] in HOLDS and before[event, name] in values and before[event, name]}


def test_nothing_is_left(full, tmp_path):
    assert left(full) >= set(HOLDS.values())
    done = scrub(full, tmp_path / "out")
    assert not left(tmp_path / "out")
    assert WORD not in json.dumps(texts(tmp_path / "out"))
    values = {v for _, _, column in columns(tmp_path / "out") for v in column}
    assert not values & {canary(i) for i in range(64)} and NAME not in values
    assert "made up    guest addresses" in done.stderr and "dropped" in done.stderr
    info = json.loads(kvmw("info", "--json", tmp_path / "out").stdout)
    assert info["privacy"] == {s: "remapped" if s in ("guest_addresses", "host_addresses", "names", "stacks")
                               else "removed" for s in SECRETS}
    again = scrub(tmp_path / "out", tmp_path / "twice")
    assert "dropped" not in again.stderr


@pytest.mark.parametrize("kept", [s for s in SECRETS if s in HOLDS.values()])
def test_keep_keeps_just_that(full, tmp_path, kept):
    scrub(full, tmp_path / "out", "--keep", kept.replace("_", "-"))
    assert left(tmp_path / "out") == {kept}
    info = json.loads(kvmw("info", "--json", tmp_path / "out").stdout)["privacy"]
    assert info.pop(kept) == "held" and not set(info.values()) & {"held", "none"}


@pytest.mark.parametrize("kept, where", [
    ("commands", lambda m: m["command"] == [WORD]), ("notes", lambda m: m["notes"][0] == WORD),
    ("raw", lambda m: m["tracepoints"][0]["format"] == WORD), ("names", lambda m: m["host"]["name"] == WORD),
    ("guest-symbols,guest-addresses", lambda m: m.get("guest_symbols") == {"kernel": True})])
def test_keep_of_words(full, tmp_path, kept, where):
    scrub(full, tmp_path / "all", "--keep", kept)
    scrub(full, tmp_path / "none")
    meta = [[m for m in texts(tmp_path / f) if "host" in m][0] for f in ("all", "none")]
    assert where(meta[0]) and not where(meta[1])


def test_no_addresses(full, tmp_path):
    """With --no-addresses addresses are removed, not re-mapped: their columns are unknown."""
    scrub(full, tmp_path / "out", "--no-addresses")
    kinds = {(event, name): HOLDS.get(h) for event, fields in LISTS.items() for _, name, h in fields}
    for event, name, values in columns(tmp_path / "out"):
        if kinds[event, name] in ("guest_addresses", "host_addresses"):
            assert set(values) == {2**64 - 1}, (event, name)


def test_the_same_becomes_the_same(tmp_path):
    """Equal pages, 2 MiB ranges and names remain equal, different ones different."""
    gpas = [0x40000123, 0x40000456, 0x40001000, 0x80000000, 0x40000123, 0xfee000b0, 0x1000]
    rec = Recording(META, VMS, VCPUS)
    rec.lines.append(["EVENTS", "fault", [[START + i, 1, 0, 101, 0, 1, gpa, 0, 0] for i, gpa in enumerate(gpas)]])
    scrub(rec.finish().write(tmp_path / "in"), tmp_path / "out")
    scrub(tmp_path / "in", tmp_path / "other")
    new = [v for e, n, v in columns(tmp_path / "out") if (e, n) == ("fault", "gpa")][0]
    assert [g & 0xfff for g in new] == [g & 0xfff for g in gpas]
    assert new[0] >> 12 == new[1] >> 12 and new[0] == new[4] and len(set(new)) == 6
    assert new[0] >> 21 == new[2] >> 21 != new[3] >> 21
    assert new[5:] == gpas[5:]          # not secret: the local APIC, the first 2 MiB
    assert new != [v for e, n, v in columns(tmp_path / "other") if (e, n) == ("fault", "gpa")][0]
    ident = {k: v for t in texts(tmp_path / "out") for k, v in t.items()}
    assert [v["comm"] for v in ident["vcpus"]][:2] == ["CPU 0/KVM", "CPU 1/KVM"]
    assert re.fullmatch("name-[0-9a-f]{8}", ident["vcpus"][2]["comm"]) and ident["vms"][1]["name"] == ""


def figures(what):
    """A report's figures, without names."""
    if isinstance(what, dict):
        return {k: figures(v) for k, v in what.items() if k not in (
            "recording", "file", "name", "comm", "detail", "details", "gpa", "gpa_hex", "slot", "slot_gpa",
            "slot_gpa_hex", "slot_size", "guest_count", "guest_bytes", "findings", "ranges", "by", "how",
            "thread", "kind", "stack", "tracepoint")}
    return [figures(v) for v in what] if isinstance(what, list) else what


@pytest.mark.parametrize("golden", sorted(p.stem for p in DATA.glob("[sv]*.kvmw") if p.stem != "svm-cut"))
def test_figures_are_the_same(golden, tmp_path):
    scrub(DATA / f"{golden}.kvmw", tmp_path / "out")
    events = ["exit"] if golden != "svm-families" else [
        "exit", "fault", "dirty", "irq", "halt", "sched", "ioctl", "hypercall", "timer", "mmu", "memslot", "raw"]
    for event in events if golden != "svm-userspace" else ["userspace"]:
        assert figures(report(tmp_path / "out", "-e", event)) == figures(report(DATA / f"{golden}.kvmw", "-e", event))


def test_neighbours_in_memory_stay_neighbours(tmp_path):
    """Neighbours within 2 MiB remain neighbours, as hot ranges of pages depend on it."""
    scrub(DATA / "svm-families.kvmw", tmp_path / "out")
    before, after = [report(path, "-e", "dirty")["dirty"]["ranges"]
                     for path in (DATA / "svm-families.kvmw", tmp_path / "out")]
    assert sorted((r["pages"], r["marks"], r["slot"], r["gfn"] % 512) for r in before) == \
        sorted((r["pages"], r["marks"], r["slot"], r["gfn"] % 512) for r in after) and len(before) == 2
    assert {r["gfn"] for r in before} != {r["gfn"] for r in after}


def test_damage(tmp_path):
    """The copy has everything readable, and also says that something is missing, and how much."""
    done = scrub(DATA / "svm-cut.kvmw", tmp_path / "out", status=1)
    assert "svm-cut.kvmw: what is damaged or unknown to this kvmw is not in the copy\n" in done.stderr
    rec = independent_reader.Recording((tmp_path / "out").read_bytes())
    assert not rec.damage and not rec.finished
    assert "scrub dropped what was damaged" in kvmw("report", tmp_path / "out").stdout
    data = bytearray((DATA / "svm-lost.kvmw").read_bytes())
    data[len(data) // 2] ^= 0x55
    (tmp_path / "hurt").write_bytes(data)
    scrub(tmp_path / "hurt", tmp_path / "out2", status=1)
    missing = json.loads(kvmw("info", "--json", tmp_path / "hurt").stdout)["missing_rows"]
    about = json.loads(kvmw("info", "--json", tmp_path / "out2").stdout)
    assert missing and not about["complete"] and not about["finished"]
    assert about["missing_rows"] == missing and about["privacy"]["notes"] == "removed"
    done = kvmw("report", tmp_path / "out2")
    assert done.returncode == 1 and f"{missing} events are missing" in done.stderr
    # A copy of the copy.
    done = scrub(tmp_path / "out2", tmp_path / "out3", status=1)
    assert f"at least {missing} events" in done.stderr
    assert json.loads(kvmw("info", "--json", tmp_path / "out3").stdout)["missing_rows"] == missing


@pytest.mark.parametrize("kind", [4, 6], ids=["events", "table"])
def test_what_is_missing_are_events(kind, tmp_path):
    """The message counts missing events, not rows of tables."""
    golden = DATA / "svm-families.kvmw"
    data = bytearray(golden.read_bytes())
    frame = next(f for f in independent_reader.Recording(golden.read_bytes()).frames if f.type == kind)
    struct.pack_into("<I", data, frame.offset + 20, 9999)      # an unknown event
    struct.pack_into("<I", data, frame.offset + 52, zlib.crc32(data[frame.offset:frame.offset + 52]))
    (tmp_path / "newer").write_bytes(data)
    done = scrub(tmp_path / "newer", tmp_path / "out", status=1)
    assert done.stderr.splitlines()[-1].endswith(
        f"unknown to this kvmw is not in the copy: at least {frame.rows} events" if kind == 4 else
        "unknown to this kvmw is not in the copy")
    missing = json.loads(kvmw("info", "--json", tmp_path / "out").stdout)["missing_rows"]
    assert missing == (frame.rows if kind == 4 else 0) and frame.rows > 1


def test_hostile_files(tmp_path):
    """scrub ends normally on each hostile file, and what it writes can be read."""
    for path in sorted((DATA / "hostile").glob("*.kvmw")):
        if path.stem == "dirty-16M":    # test_hostile.py has it
            continue
        done = kvmw("scrub", path, tmp_path / path.name)
        assert done.returncode in (0, 1), (path, done.stderr)
        if (tmp_path / path.name).exists():
            assert not independent_reader.Recording((tmp_path / path.name).read_bytes()).damage


def test_output(tmp_path):
    golden = DATA / "svm-userspace.kvmw"
    shutil.copy(golden, tmp_path / "in")
    one_line(kvmw("scrub", tmp_path / "in", tmp_path / "in"), 1, "IN and OUT are the same file", "choose")
    (tmp_path / "out").write_bytes(b"old")
    scrub(golden, tmp_path / "out")
    assert (tmp_path / "out.old").read_bytes() == b"old" and (tmp_path / "out").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to("elsewhere")
    one_line(kvmw("scrub", golden, tmp_path / "link"), 1, "symbolic link", "choose another file")
    one_line(kvmw("scrub", golden), 2, "kvmw scrub IN OUT")
    one_line(kvmw("scrub", "--keep", "name", golden, tmp_path / "x"), 2, "did you mean names?", "guest-addresses, ")
    one_line(kvmw("scrub", "--keep", "guest-symbols", golden, tmp_path / "x"), 2, "needs guest-addresses, too")
    for word in "guest-addresses", "host-addresses":
        one_line(kvmw("scrub", "--no-addresses", "--keep", f"raw,{word}", golden, tmp_path / "x"), 2, word, "exclude")
    one_line(kvmw("scrub", tmp_path / "none", tmp_path / "x"), 1, "cannot open")
    assert not (tmp_path / "x").exists()


def test_words(full, tmp_path):
    """The summary fits into 80 columns, uses the singular for one, and omits what is not there."""
    one = Recording(META, VMS, VCPUS)
    one.lines.append(["EVENTS", "halt", [[START + 1, 5, 0, 101, 0, 1, 0, 1, 1, 0]]])
    one.lines.append(["IDENT", {"texts": [{"id": 1, "text": "of an earlier file of a series"}]}])
    done = scrub(one.finish().write(tmp_path / "one"), tmp_path / "out", "--keep", "raw")
    assert "scrub: 1 event," in done.stderr and "not in IN  contents of raw" in done.stderr
    assert "dropped" not in done.stderr and "addresses" not in done.stderr
    info = json.loads(kvmw("info", "--json", tmp_path / "out").stdout)["privacy"]
    assert {s for s in SECRETS if info[s] == "none"} == {"guest_addresses", "host_addresses", "values", "stacks",
                                                         "raw", "guest_symbols"}
    done = scrub(full, tmp_path / "full")
    assert "0 unknown" not in done.stderr and re.search(r"dropped +\d+ unknown members of META or IDENT", done.stderr)
    words = kvmw("scrub", "-h").stdout
    for line in (done.stderr + words).splitlines():
        assert len(line) <= 80 or str(tmp_path) in line
    assert all(f"{s.replace('_', '-')} (" in " ".join(words.split()) for s in SECRETS)


def test_removed_is_said(tmp_path):
    """info distinguishes removed values from those that were never known."""
    golden = DATA / "svm-families.kvmw"
    said = scrub(golden, tmp_path / "out").stderr
    assert re.search(r"^  made up .*\n(   .*\n)*   +names of raw tracepoints\n", said, re.M)
    assert "  contents of raw tracepoints\n" in said.partition("removed")[2].partition("left")[0]
    assert "raw" not in scrub(golden, tmp_path / "kept", "--keep", "raw").stderr.partition("kept")[0]
    assert "privacy" not in report(golden)["recording"]
    privacy = report(tmp_path / "out")["recording"]["privacy"]
    assert privacy["values"] == "removed" and privacy["names"] == "remapped" and set(privacy) | {"guest_symbols"} == set(SECRETS)
    text = kvmw("report", tmp_path / "out").stdout
    assert re.search(r"^# removed +values, commands, raw, notes \(kvmw scrub\)$", text, re.M)
    rows = kvmw("script", "-e", "raw", tmp_path / "out").stdout.splitlines()
    assert rows and all(re.search(r": raw:name-[0-9a-f]{8}: .* removed$", row) for row in rows)
    assert all(json.loads(row)["bytes"] is None
               for row in kvmw("script", "--json", "-e", "raw", tmp_path / "out").stdout.splitlines())


def test_info_says_what_a_file_holds(full):
    text = kvmw("info", full).stdout
    assert re.search(r"^holds       guest addresses; host addresses; contents", text, re.M)
    userspace = json.loads(kvmw("info", "--json", DATA / "svm-userspace.kvmw").stdout)["privacy"]
    assert userspace["guest_addresses"] == "none" and userspace["names"] == "held"


def test_record_options():
    for args in (["--stack", "exit"], ["--gpa", "0x1000"]):
        one_line(kvmw("record", "--no-addresses", "-a", *args), 2, args[0], "exclude each other")


def test_a_field_without_a_class_does_not_compile(tmp_path):
    """A new column does not compile before somebody has considered what it reveals."""
    for holds, status in (("NUMBER, ", 0), ("", 1), ("SOMETHING, ", 1)):
        (tmp_path / "x.c").write_text(
            '#include "util/event_desc.h"\n#define F(S, t, n, unit, holds, enc, ref, doc) KVMW_HOLDS_##holds,\n'
            f'enum kvmw_holds all[] = {{ F(S, u64, x, "hex", {holds}DICT, "", "doc") }};\n')
        done = subprocess.run(["cc", "-fsyntax-only", "-I", TREE, tmp_path / "x.c"], capture_output=True, timeout=60)
        assert (done.returncode != 0) == bool(status), done.stderr
