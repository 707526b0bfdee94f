#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""every.py FILE: a recording with rows of every event and table, for a golden file of a new format.

An empty recording gives the list of events. Times ascend and ids are known; other numbers are small
or unknown, and addresses in events are large. The file is the same each time.
"""
import pathlib
import random
import sys
import tempfile

import independent_reader
from synthetic import META, START, VCPUS, VMS, Recording

ROWS = 12               # of each event
TABLES = 32             # ids of tables begin here
COUNTED = "total", "loss", "cost"       # nothing in them is unknown
BITS = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "s32": 31, "s64": 63}
KNOWN = {"vcpu": [vcpu["id"] for vcpu in VCPUS], "vm": [vm["id"] for vm in VMS], "pid": [100, 200, 6],
         "tid": [101, 102, 201, 5], "isa": [1, 2], "detail_kind": range(9), "size": range(64)}
FORMAT = ("name: kvm_x1\nID: 77\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
          "\tfield:unsigned int a;\toffset:8;\tsize:4;\tsigned:0;\n\nprint fmt: \"a=0x%x\", REC->a\n")


def events():
    """[(kind of frame, event)], by the SCHEMA of a recording without rows."""
    with tempfile.TemporaryDirectory() as folder:
        data = Recording().write(pathlib.Path(folder, "empty")).read_bytes()
    for number, event in sorted(independent_reader.Recording(data).events.items()):
        if event["name"] != "index":    # is the writer's own
            yield "EVENTS" if number < TABLES else "LOSS" if event["name"] == "loss" else "STATS", event


def value(rng, i, event, field):
    name = field["name"]
    if name == "kind" and event.get("kinds"):
        return event["kinds"][i % len(event["kinds"])]["number"]
    if name == "time_ns":
        return START + 1_000_000 * i
    if name in KNOWN and i:
        return rng.choice(KNOWN[name])
    if field["unit"] == "ns":
        return rng.choice((rng.randrange(60_000), rng.randrange(60_000), 0, None))
    bits = BITS[field["type"]]
    if event["id"] >= TABLES:
        return rng.choice((rng.getrandbits(min(bits, 12)), 1, 0, 0 if event["name"] in COUNTED else None))
    small = rng.getrandbits(min(bits, rng.choice((1, 4, 12, 30))))
    large = rng.getrandbits(min(bits, 52)) if field["unit"] in ("addr", "hex") else small
    number = rng.choice((small, small, small, large, None))
    return -number if number and field["type"][0] == "s" and i % 2 else number


def recording():
    rng = random.Random(1)
    rec = Recording(META | {"tracepoints": [{"kind": 1, "name": "kvm:kvm_x1", "format": FORMAT}],
                            "events": ["exit", "kvm:kvm_x1"], "notes": ["made by tests/every.py"],
                            "skipped": {"mmu": "an example"}})
    rec.lines.append(["IDENT", {
        "tasks": [{"tid": 5, "comm": "vhost-100"}], "neighbours": [{"pid": 6, "name": "other", "vmm": "qemu"}],
        "stacks": [{"id": i, "frames": ["kvm_vcpu_block+0x4f", "ksys_ioctl+0x10", "main"][i % 3:]} for i in range(16)],
        "texts": [{"id": i, "text": text} for i, text in enumerate(["0-3", "/machine.slice/one", "kvm_vcpu_block"] * 5)]}])
    for frame, event in events():
        rec.lines.append([frame, event["name"], [[value(rng, i, event, field) for field in event["fields"]]
                                                 for i in range(ROWS)]])
    rec.end = START + 1_000_000 * ROWS
    return rec.finish()


if __name__ == "__main__":
    recording().write(sys.argv[1])
