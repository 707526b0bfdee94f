# SPDX-License-Identifier: GPL-2.0
"""A reader of recordings, written from kvmw.data-file-format(5) and nothing else.

It is for tests: slow, simple, and independent of kvmw's own reader.
"""
import collections
import functools
import json
import struct
import zlib

import zstandard

FILE_MAGIC, FRAME_MAGIC = b"\x89KVMW\r\n\x1a", b"KVmf"
NAMES = {1: "SCHEMA", 2: "META", 3: "IDENT", 4: "EVENTS", 5: "LOSS", 6: "STATS", 7: "INDEX",
         8: "END"}
ONES, NO_REF = 2**64 - 1, 255

Frame = collections.namedtuple("Frame", "offset type rows stream event first last seq payload")
Column = collections.namedtuple("Column", "encoding refs base data")


def header(data, at):
    """The fields of a sound frame header at this offset, or None."""
    raw = data[at:at + 56]
    if len(raw) < 56 or raw[:4] != FRAME_MAGIC or zlib.crc32(raw[:52]) != struct.unpack("<I", raw[52:])[0]:
        return None
    fields = struct.unpack("<4xHHIIIIQQIIII", raw)
    return fields if fields[2] <= 64 << 20 else None


class Recording:
    """All sound frames, (offset, bytes) of each damaged part, the events, and whether END was
    seen."""

    def __init__(self, data):
        self.frames, self.damage, self.finished, self.events = [], [], False, {}
        self.number = 0         # of the next frame
        if data[:8] != FILE_MAGIC or zlib.crc32(data[:20]) != struct.unpack_from("<I", data, 20)[0]:
            raise ValueError("no recording, or its header is damaged")
        self.major, self.minor, at = struct.unpack_from("<HHI", data, 8)
        while at < len(data) and not self.finished:
            at = self.read_frame(data, at)
        if at < len(data):
            self.damage.append((at, len(data) - at))

    def read_frame(self, data, at):
        fields = header(data, at)
        if fields is None:
            return self.search(data, at)
        kind, _, size, rows, stream, event, first, last, seq, crc, _, _ = fields
        payload, end = data[at + 56:at + 56 + size], at + 56 + (size + 7) // 8 * 8
        if end > len(data):
            return self.search(data, at)
        if zlib.crc32(payload) != crc or rows > 65536:
            if end < len(data) and header(data, end) is None:
                return self.search(data, at)
            self.damage.append((at, end - at))
            return end
        if seq < self.number:           # it is a repetition, or frames are missing before it
            self.damage.append((at, end - at))
            return end
        if seq > self.number and (not self.damage or sum(self.damage[-1]) != at):
            self.damage.append((at, 0))
        self.number = seq + 1
        frame = Frame(at, kind, rows, stream, event, first, last, seq, payload)
        self.frames.append(frame)
        self.finished = kind == 8
        if kind == 1:
            for one in text(frame)["events"]:
                self.events.setdefault(one["id"], one)
        return end

    def search(self, data, at):
        end = at + 8
        while end < len(data) and header(data, end) is None:
            end += 8
        self.damage.append((at, min(end, len(data)) - at))
        return end

    def columns(self, frame):
        """Name and 64-bit values of each field of the frame's event."""
        return decoded(frame.payload, frame.rows, tuple(field["name"] for field in self.events[frame.event]["fields"]))


def text(frame):
    """The value of a frame of JSON."""
    size = struct.unpack_from("<I", frame.payload)[0]
    raw = zstandard.ZstdDecompressor().decompress(frame.payload[8:], max_output_size=size)
    assert len(raw) == size
    return json.loads(raw)


def planes(data, nr, base=0):
    assert len(data) % nr == 0
    cols = [data[i:i + nr] for i in range(0, len(data), nr)]
    return [base + sum(col[i] << 8 * p for p, col in enumerate(cols)) & ONES for i in range(nr)]


def unzigzag(z):
    return z >> 1 if z % 2 == 0 else -(z >> 1) - 1


def token(n):
    """The token and the number of low bits of n."""
    if n == ONES:
        return 255, 0
    shift = max(n.bit_length() - 3, 0)
    return (4 * shift + (n >> shift) if shift else n), shift


def order(keys):
    """Rows sorted stably by key, the keys in the order of their first appearance."""
    first = {}
    for key in keys:
        first.setdefault(key, len(first))
    return sorted(range(len(keys)), key=lambda i: first[keys[i]])


@functools.lru_cache(maxsize=50)
def decoded(payload, rows, names):
    """Cached, because tests look at the same frames in many ways."""
    values = Values(payload, rows)
    return {name: values.of(i) for i, name in enumerate(names)}


class Values:
    """The columns of one frame of rows, each decoded on demand."""

    def __init__(self, payload, rows):
        self.rows, self.cols, self.known = rows, {}, {}
        nr = struct.unpack_from("<I", payload)[0]
        at = 8 + 24 * nr
        for i in range(nr):
            field, encoding, flags, stored, raw, refs, base = struct.unpack_from(
                "<HBBII4sQ", payload, 8 + 24 * i)
            data = payload[at:at + stored]
            if flags & 1:
                data = zstandard.ZstdDecompressor().decompress(data, max_output_size=raw)
            assert len(data) == raw
            self.cols[field] = Column(encoding, refs, base, data)
            at += stored

    def of(self, field):
        if field not in self.known:
            col = self.cols.get(field)
            decode = [self.const, self.planes, self.delta, self.dict, self.chain, self.tokens]
            self.known[field] = decode[col.encoding](col, field) if col else [ONES] * self.rows
        return self.known[field]

    def const(self, col, _):
        return [col.base] * self.rows

    def planes(self, col, _):
        return planes(col.data, self.rows, col.base)

    def delta(self, col, _):
        out = [col.base]
        for z in planes(col.data, self.rows):
            out.append(out[-1] + unzigzag(z) & ONES)
        return out[1:]

    def dict(self, col, _):
        nr, value_planes, index_planes = struct.unpack_from("<IBB", col.data)
        at = 8 + nr * value_planes
        values = planes(col.data[8:at], nr, col.base)
        assert len(col.data) == at + self.rows * index_planes
        rows = range(self.rows) if col.refs[0] == NO_REF else order(self.of(col.refs[0]))
        return [v for _, v in sorted(zip(rows, (values[i] for i in planes(col.data[at:], self.rows))))]

    def chain(self, col, _):
        out, end = [], {}
        keys, gaps, spans = (self.of(ref) for ref in col.refs[:3])
        for z, key, gap, span in zip(planes(col.data, self.rows), keys, gaps, spans):
            expected = end[key] + (gap if gap != ONES else 0) if key in end else col.base
            out.append(expected + unzigzag(z) & ONES)
            end[key] = out[-1] + (span if span != ONES else 0)
        return out

    def tokens(self, col, field):
        data, at = col.data, 0

        def number():
            nonlocal at
            value = shift = 0
            while True:
                value |= (data[at] & 127) << shift
                shift, at = shift + 7, at + 1
                if data[at - 1] < 128:
                    return value

        tick, groups, sizes = number(), {}, []
        for group in range(number()):
            key = number() if group else None
            groups[key] = base, like_base, begins = number(), number(), []
            for stream in range(number()):
                begins.append((begins[-1][0] + number() if stream else 0, len(sizes)))
                sizes.append(number())
        streams = []
        for size in sizes:
            streams.append(iter(data[at:at + size]))
            at += size
        bits = used = 0

        keys = self.of(col.refs[0]) if col.refs[0] != NO_REF else [None] * self.rows
        own = col.refs[1] == field
        likes = self.of(col.refs[1]) if col.refs[1] != NO_REF and not own else [0] * self.rows
        out, ahead = [], 0
        for key, like in zip(keys, likes):
            base, like_base, begins = groups.get(key, groups[None])
            if own:
                like = out[-1] if out else 0
            kind = 0 if col.refs[1] == NO_REF else 255 if like == ONES else token(like - like_base & ONES)[0]
            stream = [number for begin, number in begins if begin <= kind][-1]
            t = next(streams[stream])
            high, shift = (t, 0) if t < 8 else (4 + t % 4, t // 4 - 1)
            if t == 255:
                out.append(ONES)
                continue
            if ahead < shift:           # a window of the bits, for speed
                bits, ahead = int.from_bytes(data[at + used // 8:at + used // 8 + 512], "little"), 4000
                bits >>= used % 8
            out.append(base + (high << shift | bits & (1 << shift) - 1) & ONES)
            bits, ahead, used = bits >> shift, ahead - shift, used + shift
        return self.rests(out, tick, data[at + (used + 7) // 8:]) if tick else out

    def rests(self, ticks, tick, data):
        rows = sorted((i for i, n in enumerate(ticks) if n != ONES),
                      key=lambda i: (ticks[i] * tick >> 29) % 8)
        codes = {row: data[at // 4] >> at % 4 * 2 & 3 for at, row in enumerate(rows)}
        escaped = iter(struct.unpack(f"{len(data) - (len(rows) + 3) // 4}b", data[(len(rows) + 3) // 4:]))
        return [n if n == ONES else
                (n * tick >> 32) + (next(escaped) if codes[i] == 3 else (0, 1, -1)[codes[i]]) & ONES
                for i, n in enumerate(ticks)]
