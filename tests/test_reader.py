# SPDX-License-Identifier: GPL-2.0
"""What all reading commands say about a recording that is newer than kvmw, or incomplete."""
import json
import struct
import subprocess
import zlib

import pytest

import independent_reader
from synthetic import KVMW, TREE, kvmw, one_line

FILE = TREE / "tests/data/svm-families.kvmw"
COMMANDS = {"report": [], "report-json": ["--json"], "report-outliers": ["--outliers", 2], "script": [],
            "script-csv": ["--csv"], "info": []}


def with_version(major, minor):
    head = struct.pack("<8sHHII", b"\x89KVMW\r\n\x1a", major, minor, 24, 0)
    return head + struct.pack("<I", zlib.crc32(head)) + FILE.read_bytes()[24:]


def run(command, path, **kwargs):
    return kvmw(command.split("-")[0], "-i", path, *COMMANDS[command], **kwargs)


@pytest.mark.parametrize("command", COMMANDS)
def test_newer_minor_version(tmp_path, command):
    """A newer minor version causes one notice, and otherwise the same output."""
    path = tmp_path / "f"
    path.write_bytes(FILE.read_bytes())
    known = run(command, path)
    path.write_bytes(with_version(1, 9))
    newer = run(command, path)
    assert known.returncode == newer.returncode == 0
    assert newer.stdout == known.stdout
    notice, = set(newer.stderr.splitlines()) - set(known.stderr.splitlines())
    assert newer.stderr.count(notice) == 1
    assert notice == (f"kvmw: {path}: format 1.9; this kvmw knows 1.1, and ignores what is new: a newer kvmw "
                      "shows it")


def test_newer_minor_version_of_several(tmp_path):
    paths = [tmp_path / name for name in ("old", "new", "copy")]
    for path in paths:
        path.write_bytes(with_version(1, 2))
    for done, nr in (kvmw("diff", *paths[:2]), 2), (kvmw("scrub", *paths[1:]), 1):
        assert done.returncode == 0 and done.stderr.count(": format 1.2; this kvmw knows 1.1") == nr
    # The copy has only known columns.
    assert not kvmw("info", "-i", paths[2]).stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_newer_major_version(tmp_path, command):
    path = tmp_path / "f"
    path.write_bytes(with_version(2, 0))
    done = run(command, path)
    one_line(done, 1, f"{path} has format version 2, this kvmw reads version 1", "newer")
    assert not done.stdout


def test_frames_without_a_trace(tmp_path):
    """Whole frames removed: only gaps in the numbers show it."""
    data = FILE.read_bytes()
    frames = independent_reader.Recording(data).frames
    at = next(i for i, f in enumerate(frames) if f.type == 4 and f.event == 1)
    gone, then = frames[at:at + 2], frames[at + 2]
    rows = sum(f.rows for f in gone if f.type == 4)
    path = tmp_path / "f"
    path.write_bytes(data[:gone[0].offset] + data[then.offset:])
    for command in COMMANDS:
        done = run(command, path)
        assert done.returncode == 1 and done.stdout
        assert f"{path}: damaged at offset {gone[0].offset}, 0 bytes skipped: 2 frames are missing before this " \
            "place\n" in done.stderr
    found = json.loads(run("report-json", path).stdout)["recording"]
    assert found["missing_rows"] == rows
    assert found["damage"] == [{"offset": gone[0].offset, "bytes": 0,
                                "what": "2 frames are missing before this place"}]
    done = kvmw("scrub", path, tmp_path / "copy")
    assert done.returncode == 1 and f"not in the copy: at least {rows} events" in done.stderr


def counts(path, *args):
    return len(kvmw("script", "--json", *args, path).stdout.splitlines())


def test_nothing_is_counted_twice_when_read_again(tmp_path):
    """--time in percent reads the file twice, and skips repeated frames, and those behind the end,
    both times."""
    data = FILE.read_bytes()
    frames = independent_reader.Recording(data).frames
    i = next(i for i, f in enumerate(frames) if f.type == 4 and f.event == 1)
    begin, end = frames[i].offset, frames[i + 1].offset
    once = counts(FILE)
    for name, more in ("whole", data + data), ("frame", data[:end] + data[begin:end] + data[end:]):
        path = tmp_path / name
        path.write_bytes(more)
        assert counts(path) == counts(path, "--time", "0%,100%") == once > 100


def test_the_last_number_of_all(tmp_path):
    """Nothing can follow a frame with the highest number; many such frames take no time."""
    data = bytearray(FILE.read_bytes())
    frames = independent_reader.Recording(bytes(data)).frames
    head, first = data[:frames[0].offset], data[frames[0].offset:frames[1].offset]
    struct.pack_into("<I", first, 40, 0xffffffff)
    struct.pack_into("<I", first, 52, zlib.crc32(first[:52]))
    path = tmp_path / "f"
    path.write_bytes(head + first * 2000)
    done = kvmw("info", path)
    assert done.returncode == 1 and "frame is here twice, or moved" in done.stderr + done.stdout


def test_a_file_called_as_standard_input_is(tmp_path):
    (tmp_path / "-").write_bytes(b"")
    with open(FILE, "rb") as stdin:
        done = subprocess.run(["sh", "-c", 'cat | "$0" report --csv -', KVMW], cwd=tmp_path, stdin=stdin, capture_output=True,
                              text=True, check=False)
    assert done.returncode == 0 and done.stdout == kvmw("report", "--csv", FILE).stdout
