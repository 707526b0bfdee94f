# SPDX-License-Identifier: GPL-2.0
"""A stranger's file of 10 MB takes at most 64 MB and ten seconds, whatever is in it.

tests/data/hostile has files with valid checksums that once took gigabytes or minutes, or crashed
kvmw. kvmw-report(1) states the limit, in seconds of CPU time.
"""
import csv
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import zlib

import pytest
import zstandard

import independent_reader
import outputs
from synthetic import KVMW, META, Recording, START, SVM, TREE, kvmw

HERE = pathlib.Path(__file__).parent / "data" / "hostile"
MEMORY, SECONDS = 64 << 10, 10          # KiB, s of CPU


# A process inherits its parent's peak memory at fork: so a small process starts kvmw.
MEASURE = """import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
status, used = os.wait4(pid, 0)[1:]
print(os.waitstatus_to_exitcode(status), used.ru_maxrss, used.ru_utime + used.ru_stime, file=sys.stderr)
"""


class Done:
    """A run of kvmw: its exit status, output, memory and CPU time."""

    def __init__(self, *args):
        done = subprocess.run([sys.executable, "-S", "-c", MEASURE, KVMW, *map(str, args)],
                              stdin=subprocess.DEVNULL, capture_output=True, check=True,
                              env=os.environ | {"LC_ALL": "C.UTF-8", "TZ": "UTC"})
        self.out = done.stdout.decode(errors="replace")
        *err, figures = done.stderr.decode(errors="replace").splitlines()
        self.err = "\n".join(err)
        self.status, self.memory = map(int, figures.split()[:2])
        self.seconds = float(figures.split()[2])

    def check(self, rows=0):
        """Asserts that it ended by itself, within the limits for a file with so many rows."""
        assert self.status in (0, 1), self.err
        assert self.memory <= MEMORY
        assert self.seconds <= max(SECONDS, rows / 1e6)
        return self


def test_field_without_a_size():
    """libtraceevent gives such a field the rest of the record, whose size may be negative."""
    path = HERE / "tp-zero-size.kvmw"
    line, = Done("script", "-i", path).check().out.splitlines()
    assert line.endswith("kvm:kvm_x1: vcpu=0 a=0x5")


FORMAT = ("name: x\nID: 1\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
          "\tfield:u8 a[4];\toffset:8;\tsize:4;\tsigned:0;\n\nprint fmt: \"%d is a byte\", REC->a[1]\n")


def test_formats_that_end_their_reader(tmp_path):
    """libtraceevent divides by 0: each such format crashes a helper process, and only its own text
    is missing."""
    deadly, text = FORMAT.replace("size:4", "size:0"), FORMAT.replace("REC->a[1]", "7")
    formats = [text, deadly, text, deadly, deadly, text]
    rec = Recording(META | {"tracepoints": [{"kind": i + 1, "name": f"kvm:kvm_x{i}", "format": one}
                                            for i, one in enumerate(formats)]})
    rec.lines += [["EVENTS", "raw", [[START + 10 * n + i, None, None, 101, 0, i + 1, 16, 1, 5] for i in range(6)]]
                  for n in range(2)]
    rec.end += 1000
    done = Done("script", "-i", rec.finish().write(tmp_path / "f")).check()
    assert re.findall("kvm_x.*", done.out) == 2 * [
        f"kvm_x{i}: tid=101 " + ("a=" if one == deadly else "7 is a byte") for i, one in enumerate(formats)]


COMMANDS = {"info": ["info"], "report": ["report"], "json": ["report", "--json"], "csv": ["report", "--csv"],
            "outliers": ["report", "--outliers", "10"], "info-json": ["info", "--json"], "first": ["script", "--max-events", "10"]}
# The rows of each file, and what the report says about it.
FILES = {
    "collide-65536": (65536, "events are not shown: more different keys"),
    "control-65536": (65536, "events are not shown: more different keys"),
    "hist-128k-keys": (262144, "events are not shown: more different keys"),
    "dirty-16M": (16777216, "not all of it fits into memory"),
    "json-meta-objs": (0, "META frame has more JSON than kvmw reads"),
    "json-schema-objs": (0, "an event's description cannot be understood"),
    "meta-1M-arrays-x20": (0, "META frame has more JSON than kvmw reads"),
}


# Left to the slow tests: files that another command treats alike, by refusing them before it reads
# a row, or by skipping what has no room; and those with 16 million rows, which take seconds.
SAME = {"dirty-16M": ["report"], **dict.fromkeys(["json-meta-objs", "json-schema-objs", "meta-1M-arrays-x20"], [
    "json", "csv", "outliers", "info-json"]), **dict.fromkeys(["control-65536", "hist-128k-keys"], ["csv", "info-json", "first"])}
RUNS = [pytest.param(name, command, marks=[pytest.mark.slow] * (command in SAME.get(name, ())))
        for name in FILES for command in COMMANDS if (name, command) != ("dirty-16M", "json")]
COPIED = [pytest.param(name, marks=[pytest.mark.slow] * (name == "dirty-16M")) for name in FILES]


@pytest.mark.parametrize("name, command", RUNS)
def test_within_limits(name, command):
    rows, words = FILES[name]
    done = Done(*COMMANDS[command], "-i", HERE / f"{name}.kvmw").check(rows)
    if command in ("report", "json", "csv") and not (command == "csv" and name == "dirty-16M"):
        assert words in done.err and done.status == 1


@pytest.mark.parametrize("name", COPIED)
def test_scrub_within_limits(tmp_path, name):
    Done("scrub", HERE / f"{name}.kvmw", tmp_path / "out").check(FILES[name][0])


@pytest.mark.parametrize("name", COPIED)
def test_cut_within_limits(tmp_path, name):
    Done("cut", "-i", HERE / f"{name}.kvmw", "-o", tmp_path / "out", "--time", "10%,70%", "--vcpu", "0-9").check(
        FILES[name][0])


def many(nr, make):
    return [make(i) for i in range(nr)]


def vms_and_vcpus(rec):
    """20,000 vCPUs, each in a VM of its own."""
    rec.lines.append(["IDENT", {"vms": many(20000, lambda i: {"id": i + 10, "pid": i % 100}),
                                "vcpus": many(20000, lambda i: {"id": i + 10, "vm": i + 10, "vcpu": 0})}])


def identities_again(rec):
    """20,000 tasks in descending order, then one more below these in each frame, then all of them
    again."""
    tasks = many(20000, lambda i: {"tid": 10**6 - i, "comm": "x" * 64})
    rec.lines.append(["IDENT", {"tasks": tasks}])
    rec.lines += many(1000, lambda i: ["IDENT", {"tasks": [{"tid": 10**5 - i}], "vms": [{"id": 10**5 - i}]}])
    rec.lines += 10 * [["IDENT", {"tasks": tasks}]]


def tables(rec):
    """40,000 different rows of tables from which readers compute more than the rows hold."""
    for name in "holder", "taken", "thread", "cgroup", "slot", "vm_config", "vcpu_config", "vm_memory":
        rec.lines.append(["STATS", name, many(40000, lambda i: [i & 0xff if k == 1 else i for k in range(13)])])


def tiny_frames(rec):
    rec.lines += many(20000, lambda i: ["EVENTS", "halt", [[START + i, 5, i % 9, 101, 0, 1, 0, 1, 1, i]]])


LARGE = identities_again, tables
MADE = {vms_and_vcpus: 0, identities_again: 0, tables: 320000, tiny_frames: 20000}


# One test for each file: several might run in workers, which would each make it again.
@pytest.mark.parametrize("make", [pytest.param(make, marks=[pytest.mark.slow] * (make in LARGE)) for make in MADE],
                         ids=lambda make: make.__name__)
def test_others_of_the_same_kinds(tmp_path, make):
    rec = Recording()
    make(rec)
    path = rec.finish().write(tmp_path / "f")
    for command in "info", "report", "json", "first":
        Done(*COMMANDS[command], "-i", path).check(MADE[make])
    Done("scrub", path, tmp_path / "out").check(MADE[make])


def test_ten_thousand_vms(tmp_path):
    """Many VMs are not hostile: all are shown."""
    vms = many(10000, lambda i: {"id": i + 10, "pid": 1000 + i, "name": f"vm{i}", "vmm": "qemu-system-x86_64"})
    rec = Recording(META, vms, many(10000, lambda i: {"id": i + 10, "vm": i + 10, "vcpu": 0, "tid": 10**5 + i}))
    rec.lines.append(["EVENTS", "exit", many(10000, lambda i: [
        START + i * 1000, 100, 1000, 0, 0, 0, 0, 0, 0, SVM["io"], 10 + i, 2])])
    rec.end = START + 10**7
    done = Done("report", "-i", rec.finish().write(tmp_path / "f")).check()
    assert done.status == 0 and not done.err
    assert len(re.findall(r"^\d+/0 ", done.out, re.M)) == 10000


def test_the_way_out():
    """With more memory, as the message advises, everything is shown."""
    done = Done("report", "--memory", "1G", "-i", HERE / "control-65536.kvmw")
    assert done.status == 0 and not done.err
    assert Done("report", "--memory", "4K", "-i", HERE / "control-65536.kvmw").status == 2


BAD = "\x1b[2J\x9b31m\nVM 1\r\t\u202e\u2066\u200f\u2028\ufeff\U000e0041\x7f<b>"
UNSAFE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def named_badly(path):
    """A recording in which every name is bad and begins a formula."""
    names = {"name": "=1+1" + BAD, "vmm": "@x" + BAD, "comm": "-2+3" + BAD}
    meta = META | {"host": {"name": BAD, "kernel": BAD, "cpu": BAD, "arch": BAD, "cpus": 1},
                   "notes": [BAD], "command": ["kvmw", BAD], "kvm": {"module": BAD, "params": {BAD: {BAD: BAD}}},
                   "kvmw": BAD, "stop": {"time_ns": START + 9000, "why": BAD}}
    rec = Recording(meta, [{"id": 1, "pid": 100} | names], [{"id": 0, "vm": 1, "vcpu": 0, "tid": 101} | names])
    rec.frame([(START + 1000, 10, 200, 0, 12, 0, 2)])
    rec.end = START + 9000
    return rec.finish().write(path)


def is_harmless(command, text):
    """Whether nothing in a text, literal or escaped, affects a terminal, an editor or a
    spreadsheet."""
    assert text and not UNSAFE.search(text)
    if "--json" in command:
        found = [json.loads(line) for line in text.splitlines()] if command[0] == "script" else json.loads(text)
        assert not UNSAFE.search(str(found).replace("\\n", ""))
    if "--csv" in command:
        for row in csv.reader(text.splitlines()):
            assert not [cell for cell in row if re.match(r"[=+@\t\r]|-\D|-\d\D", cell)]


@pytest.mark.parametrize("command", [
    ["info"], ["info", "-v"], ["info", "--json"], ["report"], ["report", "-v"], ["report", "--sort", "vm,vcpu"],
    ["report", "--json", "--sort", "vm,vcpu"], ["report", "--csv", "--sort", "vm,vcpu"], ["script"],
    ["script", "--json"], ["script", "--csv"]], ids=" ".join)
def test_names_are_harmless(tmp_path, command):
    path = named_badly(tmp_path / "f")
    done = Done(*command, "-i", path)
    assert "kvmw:" not in done.err or done.status == 1
    is_harmless(command, done.out)
    assert not UNSAFE.search(done.err)
    if "--csv" in command:
        assert any(re.match("'[-=@]", cell) for row in csv.reader(done.out.splitlines()) for cell in row)


def spoiled(value):
    """A JSON value with every text in it made bad."""
    if isinstance(value, str):
        return value + BAD
    if isinstance(value, list):
        return list(map(spoiled, value))
    return {key: spoiled(one) for key, one in value.items()} if isinstance(value, dict) else value


def spoil(path):
    """A golden recording in which every text is bad, except names that the reader looks up in a
    list of its own."""
    data = (TREE / "tests/data/svm-families.kvmw").read_bytes()
    out, seen = bytearray(data[:24]), 0
    for frame in independent_reader.Recording(data).frames:
        head, payload = bytearray(data[frame.offset:frame.offset + 56]), frame.payload
        if frame.type in (2, 3):
            found = independent_reader.text(frame)
            for module, params in found.get("kvm", {}).get("params", {}).items():
                found["kvm"]["params"] = {module + BAD: {name + BAD: one for name, one in params.items()}}
            text = json.dumps(spoiled(found)).encode()
            seen += text.count(b"<b>")
            payload = struct.pack("<II", len(text), 0) + zstandard.ZstdCompressor().compress(text)
        struct.pack_into("<I", head, 8, len(payload))
        struct.pack_into("<I", head, 44, zlib.crc32(payload))
        struct.pack_into("<I", head, 52, zlib.crc32(head[:52]))
        out += head + payload + bytes(-len(payload) % 8)
    assert seen > 100
    path.write_bytes(out)
    return path


def test_every_text_of_a_recording_is_harmless(tmp_path):
    """No text of a recording is harmful in any frozen output, or in text."""
    path, other = spoil(tmp_path / "f"), TREE / "tests/data/svm-families.kvmw"
    commands = [["info", "-v"], ["info", "--json"], ["diff", other, path], ["diff", path, other, "--json"],
                *([name, *how] for name in ("report", "script") for how in ([], ["--json"], ["--csv"]))]
    for event in outputs.CYCLES + outputs.FAMILIES:
        commands += [["report", "-v", "-e", event], ["report", "--json", "-e", event],
                     ["report", "--csv", "-s", "vm,vcpu", "-e", event]]
    for command in commands:
        done = kvmw(*command, *([] if command[0] == "diff" else ["-i", path]))
        assert done.returncode in (0, 1)
        is_harmless(command, done.stdout or done.stderr)
        assert not UNSAFE.search(done.stderr)
    assert BAD[-3:] in kvmw("info", "-i", path).stdout


def test_names_of_files_are_harmless(tmp_path):
    name = str(tmp_path / "a\x1b[2J\nkvmw: all is well")
    done = Done("report", "-i", name)
    assert done.status == 1 and len(done.err.splitlines()) == 1 and not UNSAFE.search(done.err)
    golden = TREE / "tests/data/svm-mixed.kvmw"
    plain, done = Done("scrub", golden, tmp_path / "copy"), Done("scrub", golden, name)
    assert done.status == 0 and not UNSAFE.search(done.err)
    assert len(done.err.splitlines()) == len(plain.err.splitlines())
