#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make_seeds.py DIR RECORDING...: inputs for fuzz_data's second kind from these recordings.

Each is the payload of one frame of rows with its columns not compressed, so that the
fuzzer changes what the decoder sees, and not zstd's frames.
"""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import independent_reader  # noqa: E402


def seed(frame):
    cols = independent_reader.Values(frame).cols
    directory = b"".join(struct.pack("<HBBII4sQ", field, c.encoding, 0, len(c.data), len(c.data),
                                     c.refs, c.base) for field, c in cols.items())
    data = b"".join(c.data for c in cols.values())
    return struct.pack("<HBxII", frame.rows - 1, 0, len(cols), 0) + directory + data + b"\1"


def main(out, *recordings):
    for path in map(pathlib.Path, recordings):
        for frame in independent_reader.Recording(path.read_bytes()).frames:
            if frame.event and frame.rows <= 2048:
                pathlib.Path(out, f"{path.stem}-{frame.offset}").write_bytes(seed(frame))


main(*sys.argv[1:])
