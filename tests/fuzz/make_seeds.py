#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make_seeds.py fuzz_frame|fuzz_reader DIR RECORDING...: inputs made from these recordings.

Their columns and JSON are not compressed, so that the fuzzer changes what the decoder sees, and
not zstd's frames. For fuzz_frame each is one frame's payload; for fuzz_reader a whole recording,
whose frames are short, once for each command.
"""
import collections
import json
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import independent_reader  # noqa: E402

JSON = 1, 2, 3          # SCHEMA, META, IDENT
COMMANDS = 26           # runs[] of fuzz_reader.c
LONG = 4096             # bytes of a frame


def payload(frame):
    cols = independent_reader.Values(frame).cols
    directory = b"".join(struct.pack("<HBBII4sQ", field, c.encoding, 0, len(c.data), len(c.data),
                                     c.refs, c.base) for field, c in cols.items())
    return struct.pack("<II", len(cols), 0) + directory + b"".join(c.data for c in cols.values())


def schema(text, frames):
    """Of the events that there are, and without what only people read: else it is most of the file."""
    used = {frame.event for frame in frames}
    for event in text["events"]:
        event.pop("doc", None)
        for field in event["fields"]:
            field.pop("doc", None)
    return {**text, "events": [event for event in text["events"] if event["id"] in used]}


def frames_of(data, found):
    """The frames, two of a kind at most and none that is long; checksums are left to fuzz_reader."""
    kinds = collections.Counter()
    kept = []
    for frame in found:
        kinds[frame.type, frame.event] += 1
        if kinds[frame.type, frame.event] <= 2 and (not frame.rows or len(payload(frame)) < LONG):
            kept.append(frame)
    for frame in kept:
        if frame.type in JSON:
            text = independent_reader.text(frame)
            text = schema(text, kept) if frame.type == JSON[0] else text
            body = json.dumps(text, separators=(",", ":")).encode()
        else:
            body = payload(frame) if frame.rows else frame.payload
        head = bytearray(data[frame.offset:frame.offset + 56])
        struct.pack_into("<I", head, 8, len(body))
        yield bytes(head) + body + bytes(-len(body) % 8)


def main(kind, out, *recordings):
    for path in map(pathlib.Path, recordings):
        data = path.read_bytes()
        found = independent_reader.Recording(data).frames
        if kind == "fuzz_frame":
            for frame in found:
                if frame.event and frame.rows <= 256:
                    text = struct.pack("<HBx", frame.rows - 1, frame.offset // 8 % 2) + payload(frame)
                    pathlib.Path(out, f"{path.stem}-{frame.offset}").write_bytes(text)
            continue
        whole = data[:24] + b"".join(frames_of(data, found))
        for nr in range(COMMANDS):
            pathlib.Path(out, f"{path.stem}-{nr}").write_bytes(bytes([nr, 2 * (nr % 5 == 0)]) + whole)


main(*sys.argv[1:])
