# SPDX-License-Identifier: GPL-2.0
"""kvmw's reader and the one written from the format page agree on every golden file, and the
page's tables match the program."""
import array
import io
import os
import pathlib
import re
import subprocess
import textwrap

import pytest

import independent_reader

TESTS = pathlib.Path(__file__).resolve().parent
KVMW = os.environ.get("KVMW", str(TESTS.parent / "kvmw"))
PROGRAMS = pathlib.Path(KVMW).parent / "obj" / "tests"
PATH = TESTS.parent / "Documentation" / "kvmw.data-file-format.txt"
PAGE = PATH.read_text()
GOLDEN = sorted((TESTS / "data").glob("*.kvmw"))


def c_reader(path):
    """[(offset, size, stream, rows, {field: values})], [offset of damage], exit status."""
    done = subprocess.run([PROGRAMS / "dump_rows", path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    out, frames = io.BytesIO(done.stdout), []
    while line := out.readline():
        offset, size, _, stream, rows, *fields = line.decode().split()
        columns = {name: array.array("Q", out.read(8 * int(rows))).tolist() for name in fields}
        frames.append((int(offset), int(size), int(stream), int(rows), columns))
    return frames, [int(line.split(b":")[0]) for line in done.stderr.splitlines()], done.returncode


def compare(path, events=None):
    ours = independent_reader.Recording(path.read_bytes())
    ours.events = ours.events or events
    theirs, damage, status = c_reader(path)
    assert [f[:4] for f in theirs] == [(f.offset, len(f.payload), f.stream, f.rows) for f in ours.frames]
    rows = 0
    for frame, (*_, columns) in zip(ours.frames, theirs):
        if frame.event:
            values = ours.columns(frame)
            assert {name: columns[name] for name in values} == values
            # If SCHEMA is damaged, the program's own list may know more.
            assert not any(set(columns[name]) - {2 ** 64 - 1} for name in columns.keys() - values.keys())
            rows += frame.rows
        elif frame.type in (1, 2, 3):
            assert isinstance(independent_reader.text(frame), dict)
    assert damage == [offset for offset, _ in ours.damage]
    assert status == (1 if damage or not ours.finished else 0)
    return ours, rows


def test_there_are_golden_files():
    assert len(GOLDEN) >= 5


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.name)
def test_readers_agree(path):
    recording, rows = compare(path)
    assert recording.events and rows


def test_everything_is_in_a_golden_file():
    """Every event and table of format 1.1, with every field."""
    recording = independent_reader.Recording((TESTS / "data/every-1.1.kvmw").read_bytes())
    for number, event in recording.events.items():
        frames = [frame for frame in recording.frames if frame.event == number and frame.rows]
        assert frames and all(set(recording.columns(frame)) == {field["name"] for field in event["fields"]}
                              for frame in frames), event["name"]
    assert {"nested", "vm_memory", "taken"} <= {event["name"] for event in recording.events.values()}


def test_readers_agree_on_every_encoding():
    seen = set()
    for path in GOLDEN:
        for frame in independent_reader.Recording(path.read_bytes()).frames:
            if frame.event:
                seen |= {col.encoding for col in independent_reader.Values(frame.payload, frame.rows).cols.values()}
    assert seen == set(range(6))


def test_readers_agree_on_damage(tmp_path):
    """The readers agree on files cut at every 4 KiB, with a byte flipped in each header and
    payload, and with frames removed, moved or repeated."""
    whole = (TESTS / "data" / "svm-mixed.kvmw").read_bytes()
    sound = independent_reader.Recording(whole)
    frames = sound.frames
    bad = [whole[:size] for size in range(4096, len(whole), 4096)]
    for frame in frames:
        for at in (frame.offset + 9, frame.offset + 56 + len(frame.payload) // 2):
            bad.append(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1:])
    # The frame removed, moved behind the next one, and repeated.
    for one, two, three in zip(frames, frames[1:], frames[2:]):
        begin, middle, end = one.offset, two.offset, three.offset
        bad += [whole[:begin] + whole[middle:], whole[:middle] + whole[begin:],
                whole[:begin] + whole[middle:end] + whole[begin:middle] + whole[end:]]
    path = tmp_path / "bad.kvmw"
    for data in bad:
        path.write_bytes(data)
        recording, _ = compare(path, sound.events)
        if recording.finished:
            assert len(recording.damage) in (1, 2)
            assert len(recording.frames) == len(frames) - (len(data) <= len(whole))


def table(after, columns):
    """The first table after these words on the page: the words of each row's first columns."""
    lines = PAGE[PAGE.index(after):].splitlines()[1:]
    begin = next(i for i, line in enumerate(lines) if re.match(columns, line))
    rows = []
    for line in lines[begin + 1:]:
        if not line.startswith("  "):
            break
        if line[2] != " ":
            rows.append(line.split())
        else:
            rows[-1] += line.split()
    return rows


def test_page_names_the_frame_types():
    code = re.findall(r"\bDATA_(\w+) = (\d+),\t*/\*", (TESTS.parent / "util/data/data.h").read_text())
    page = [(row[1], row[0]) for row in table("FRAMES", "  Type +Name +Payload")]
    assert page == code
    assert {int(number): name for name, number in code} == independent_reader.NAMES


def test_page_names_the_encodings():
    code = re.findall(r"\bX\((\w+), (\d+)\)", (TESTS.parent / "util/data/format.h").read_text())
    assert code
    assert [(row[1], row[0]) for row in table("ROWS", "  Code +Encoding")] == code


def test_page_names_the_limits():
    text = (TESTS.parent / "util/data/data.h").read_text()
    assert "#define DATA_MAX_ROWS\t(64u << 10)" in text and "rows; at most 65536" in PAGE
    assert "#define DATA_MAX_PAYLOAD (64u << 20)" in text and "at most 67108864" in PAGE
    assert "#define DATA_MAX_FIELDS\t255" in text and "columns (at most 255)" in PAGE


def layout(titles, rows, widths):
    """The lines of a table for the page; the last column is wrapped at column 80."""
    widths = [max(w, *(len(r[i]) for r in [titles, *rows])) for i, w in enumerate(widths)]
    lines = []
    for *cells, doc in [titles, *rows]:
        head = "  " + "".join(f"{cell:<{width}}  " for cell, width in zip(cells, widths))
        lines += textwrap.wrap(doc, 80, initial_indent=head, subsequent_indent=" " * len(head))
    return lines


def section_of(event):
    """An event's section of the page, with its tables."""
    lines = [f"Event {event['id']}, `{event['name']}`: {event['doc']}.", ""]
    lines += layout(["Field", "Name", "Type", "Unit", "Meaning"],
                    [[str(i), f["name"], f["type"], f["unit"], f["doc"]]
                     for i, f in enumerate(event["fields"])], [0, 0, 0, 0])
    if kinds := event.get("kinds"):
        lines += ["", *layout(["Kind", "Name", "Meaning"],
                              [[str(k["number"]), k["name"], k["doc"]] for k in kinds], [0, 18])]
    return "\n".join(lines) + "\n"


def test_page_names_the_events(tmp_path):
    """The page's tables equal the SCHEMA of a new recording; KVMW_UPDATE=1 writes them."""
    path = tmp_path / "new.kvmw"
    subprocess.run([PROGRAMS / "make_recording", path], input='["FINISH"]\n', text=True, check=True,
                   timeout=60)
    events = independent_reader.Recording(path.read_bytes()).events.values()
    begin, end = PAGE.index("Event 1, `"), PAGE.index("The detail_kind of")
    tables = "".join(section_of(event) + "\n" for event in events)
    if os.environ.get("KVMW_UPDATE"):
        PATH.write_text(PAGE[:begin] + tables + PAGE[end:])
    else:
        assert PAGE[begin:end] == tables, "KVMW_UPDATE=1 pytest tests/test_format.py writes it"


def test_page_names_the_details():
    code = re.findall(r'\bDETAIL\(\w+, "([^"]*)", (\d+), "[^"]*", "([^"]*)"\)',
                      (TESTS.parent / "util/events.h").read_text())
    assert [[number, name or "-", *doc.split()] for name, number, doc in code] == table(
        "The detail_kind of", "  Number +Name")


@pytest.mark.parametrize("macro, after", [("RET_PF", "The ret_pf of"), ("CAUSE", "The cause of")])
def test_page_names_the_numbers_of_memory(macro, after):
    code = re.findall(rf'\b{macro}\(\w+, "([^"]*)", (\d+),[\s\\]*"([^"]*)"\)',
                      (TESTS.parent / "util/event_memory.h").read_text())
    assert len(code) >= 10
    assert [[number, name or "-", *doc.split()] for name, number, doc in code] == table(
        after, "  Number +Name")


def test_page_gives_the_version():
    data = GOLDEN[0].read_bytes()
    recording = independent_reader.Recording(data)
    assert f"major version: {recording.major}." in PAGE
    assert re.search(rf"^  {recording.major}\.{recording.minor} ", PAGE, re.M)
