#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make_seeds.py fuzz_frame|fuzz_reader|fuzz_format DIR RECORDING...: inputs made from these recordings,
and a dictionary, DIR.dict, of the members and words of their JSON, or of formats.

Their columns and JSON are not compressed, so that the fuzzer changes what the decoder sees rather
than zstd's frames. An input of fuzz_frame is one frame's payload; of fuzz_reader, a whole recording
with short frames, or parts of one, once per command; of fuzz_format, a tracepoint's format and its
records.
"""
import collections
import json
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import independent_reader  # noqa: E402

JSON = 1, 2, 3          # SCHEMA, META, IDENT
LONG = 4096             # bytes of a frame
LONGEST = 12 << 10      # bytes of a recording: longer ones are slow, and cut off
# The building blocks of a tracepoint's format.
FORMAT = ("name: ", "ID: ", "format:", "\tfield:", ";\toffset:", ";\tsize:", ";\tsigned:", "print fmt: ",
          "__data_loc ", "__rel_loc ", "unsigned long ", "char ", "[16]", "[]", "REC->", "%s", "%llx", "%*pbl",
          "__get_str(", "__print_symbolic(", "__print_flags(", "__print_hex(", "__get_dynamic_array(")

# And made-up formats: a field of each sort, and the ways to print it.
FIELDS = [("unsigned short common_type", 0, 2, 0), ("int common_pid", 4, 4, 1), ("unsigned int a", 8, 4, 0), ("u64 b", 16, 8, 0),
          ("__data_loc char[] s", 24, 4, 1), ("__rel_loc u8[] r", 28, 4, 0), ("char c[16]", 32, 16, 1), ("u8 d[8]", 48, 8, 0)]
PRINTS = ['"%s", __print_symbolic(REC->a, {1, "one"}, {2, "two"})', '"%s", __print_flags(REC->b, "|", {1, "one"}, {4, "four"})',
          '"%s %-16s", __get_str(s), REC->c', '"0x%llx %d", (unsigned long long)REC->b >> 3, REC->a > 1 ? 1 : (int)-1',
          '"%s", __print_hex(REC->d, 8)', '"%s", __print_array(__get_dynamic_array(r), __get_dynamic_array_len(r), 1)',
          '"%*pbl", 8, REC->d', '"%pS %pI4 %pUb %pM", (void *)REC->b, REC->d, REC->c, REC->d', '"%lu.%03u%%", REC->b / 1000, REC->a % 10',
          '"%c %p %hhx %zd", REC->a, REC->b, REC->d[3], sizeof(REC->c)']


def formats(found):
    """The formats in the recordings, and the made-up ones."""
    for frame in found:
        if frame.type == JSON[1]:
            yield from (tp["format"] for tp in independent_reader.text(frame).get("tracepoints", []))
    fields = "".join(f"\tfield:{name};\toffset:{at};\tsize:{size};\tsigned:{signed};\n" for name, at, size, signed in FIELDS)
    for text in PRINTS:
        yield f"name: kvm_x\nID: 7\nformat:\n{fields}\nprint fmt: {text}\n"


def payload(frame):
    cols = independent_reader.Values(frame.payload, frame.rows).cols
    directory = b"".join(struct.pack("<HBBII4sQ", field, c.encoding, 0, len(c.data), len(c.data),
                                     c.refs, c.base) for field, c in cols.items())
    return struct.pack("<II", len(cols), 0) + directory + b"".join(c.data for c in cols.values())


def schema(text, frames):
    """Only existing events, and no text for people, which would be most of the file."""
    used = {frame.event for frame in frames}
    for event in text["events"]:
        event.pop("doc", None)
        for field in event["fields"]:
            field.pop("doc", None)
    return {**text, "events": [event for event in text["events"] if event["id"] in used]}


def frames_of(data, found):
    """The frames: at most two of a kind, no long ones. fuzz_reader takes care of checksums."""
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


def parts(data, found):
    """The recording; if it is too long, several ones with some of the events each."""
    events = sorted({frame.event for frame in found if frame.rows})
    each = len(events)
    while each:
        wholes = [data[:24] + b"".join(frames_of(data, [frame for frame in found if not frame.rows or
                                                        frame.event in events[i:i + each]]))
                  for i in range(0, len(events), each)]
        if max(map(len, wholes)) <= LONGEST or each == 1:
            return [whole for whole in wholes if len(whole) <= LONGEST]
        each = (each + 1) // 2
    return []


def words(value):
    if isinstance(value, dict):
        return {f'"{name}":' for name in value}.union(*map(words, value.values()))
    if isinstance(value, list):
        return set().union(*map(words, value))
    return {f'"{value}"'} if isinstance(value, str) and re.fullmatch(r"[\w-]{1,24}", value) else set()


def dictionary(found):
    texts = [independent_reader.text(frame) for frame in found if frame.type in JSON]
    for word in sorted(words(texts) | set(FORMAT)):
        quoted = word.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\x09")
        yield f'"{quoted}"\n'


def main(kind, out, *recordings):
    lines = set()
    commands = len(re.findall(r"^\t\{ cmd_", pathlib.Path(__file__).with_name("fuzz_reader.c").read_text(), re.M))
    for path in map(pathlib.Path, recordings):
        data = path.read_bytes()
        found = independent_reader.Recording(data).frames
        lines.update(dictionary([]) if kind == "fuzz_format" else dictionary(found))
        if kind == "fuzz_format":
            for nr, text in enumerate(formats(found)):
                record = bytes(8) + bytes(range(1, 17)) + struct.pack("<HHHH", 64, 8, 4, 8) + b"0123456789abcdef" * 4
                pathlib.Path(out, f"{path.stem}-{nr}").write_bytes(text.encode() + b"\0" + record)
            continue
        if kind == "fuzz_frame":
            for frame in found:
                if frame.event and frame.rows <= 256:
                    text = struct.pack("<HBx", frame.rows - 1, frame.offset // 8 % 2) + payload(frame)
                    pathlib.Path(out, f"{path.stem}-{frame.offset}").write_bytes(text)
            continue
        wholes = list(parts(data, found))
        for nr in range(commands if wholes else 0):
            whole = wholes[nr % len(wholes)]
            pathlib.Path(out, f"{path.stem}-{nr}").write_bytes(bytes([nr, 2 * (nr % 5 == 0) | 4 * (nr % 5 == 1)]) + whole)
    pathlib.Path(f"{out}.dict").write_text("".join(sorted(lines)))


main(*sys.argv[1:])
