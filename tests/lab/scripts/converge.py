#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""converge.py NAME: five guests that write memory in five ways, recorded in NAME.kvmw, and migrated by QEMU.

Each is watched for a while with dirty logging on, by means of a migration that must not end, and
then migrated over a link of BANDWIDTH. NAME.json says when it was watched, and how its migration
ended.
"""
import json
import os
import re
import struct
import subprocess
import sys
import time

from qmp import Monitor

MEMORY, TOP = 8 << 20, 0xffff0000       # bytes; where the guest's ROM is
HIGH = 1 << 20                          # memory from here on
SWEPT, HOT = HIGH, 6 << 20              # hot pages are the last ones
BANDWIDTH = 4_000_000   # bytes per second
DOWNTIME_MS = 200
ROUNDS = 10             # after so many seconds it does not converge
TICK = 0.01             # seconds
SAYS = 64               # the guest writes a byte after so many ticks: a power of two
WATCHED = 4             # times
# Hot pages per tick; pages of the sweep per tick; the bit that is set in ticks without a sweep. And
# the bandwidth while it is watched: QEMU sends a tenth of it at once, and is done if that is all,
# as the guest
# did not run.
PATTERNS = {"little": (100, 0, 0, 2_000_000), "hot": (500, 0, 0, 8_000_000), "slow-sweep": (100, 2, 0, 2_000_000),
            "fast-sweep": (100, 20, 0, 8_000_000), "bursts": (100, 3, 64, 2_000_000)}


def instructions(hot, sweep, idle, period):
    """In protected mode: fill memory, report it, and write at each tick. Jumps are (opcode,
    label)."""
    yield b"\x66\xb8\x10\0\x8e\xd8\x8e\xc0\x8e\xd0\xfc"                         # ds, es, ss; cld
    for start, end in (0, 0x9f000), (HIGH, MEMORY):
        yield struct.pack("<BIBIBI", 0xbf, start, 0xb9, (end - start) // 4, 0xb8, 0x5a5a5a5a) + b"\xf3\xab"
    yield b"\xb0r\xe6\xe9" + struct.pack("<BI", 0xbd, SWEPT) + b"\x31\xf6"      # out 'r'; ebp: next of the sweep
    yield "tick"
    yield b"\x0f\x31\x89\xc3"                                                   # ebx: when the tick began
    yield "wait"
    yield b"\x0f\x31\x29\xd8" + struct.pack("<BI", 0x3d, period)
    yield 0x72, "wait"
    yield b"\x46\xf7\xc6" + struct.pack("<I", SAYS - 1)
    yield 0x75, "quiet"
    yield b"\xb0c\xe6\xe9"
    yield "quiet"
    yield struct.pack("<BIBI", 0xbf, HOT, 0xb9, hot)
    yield "hot"
    yield b"\xff\x07\x81\xc7" + struct.pack("<I", 4096)
    yield 0xe2, "hot"
    yield b"\xf7\xc6" + struct.pack("<I", idle)
    yield 0x75, "tick"
    yield struct.pack("<BI", 0xb9, sweep)
    yield 0xe3, "tick"
    yield "sweep"
    yield b"\xff\x45\0\x81\xc5" + struct.pack("<I", 4096) + b"\x81\xfd" + struct.pack("<I", HOT)
    yield 0x72, "same"
    yield struct.pack("<BI", 0xbd, SWEPT)
    yield "same"
    yield 0xe2, "sweep"
    yield 0xeb, "tick"


def assemble(parts):
    parts, labels, code = list(parts), {}, b""
    for make in False, True:
        at = 0
        for part in parts:
            if isinstance(part, str):
                labels[part] = at
            elif isinstance(part, tuple):
                at += 2
                code += struct.pack("<Bb", part[0], labels[part[1]] - at) if make else b""
            else:
                at += len(part)
                code += part if make else b""
    return code


def rom(*pattern):
    """The guest's only program: from reset into protected mode, and on."""
    image = bytearray(65536)
    image[:16] = b"\xfa\x2e\x66\x0f\x01\x16\xf0\x01" + b"\x0f\x20\xc0\x0c\x01\x0f\x22\xc0"      # lgdt; cr0.PE
    image[16:24] = struct.pack("<HIH", 0xea66, TOP + 0x40, 8)
    code = assemble(instructions(*pattern))
    image[0x40:0x40 + len(code)] = code
    image[0x1f0:0x1f6] = struct.pack("<HI", 23, TOP + 0x200)
    image[0x200:0x218] = struct.pack("<QQQ", 0, 0x00cf9b000000ffff, 0x00cf93000000ffff)
    image[0xfff0:0xfff3] = b"\xe9\x0d\x00"
    return bytes(image)


class Guest:
    def __init__(self, name, khz):
        files = {kind: f"/tmp/{name}.{kind}" for kind in ("rom", "said", "qmp")}
        with open(files["rom"], "wb") as file:
            file.write(rom(*PATTERNS[name][:3], int(khz * 1000 * TICK)))
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "pc,accel=kvm", "-cpu", "host", "-m", str(MEMORY >> 20), "-nodefaults", "-display",
             "none", "-bios", files["rom"], "-debugcon", f"file:{files['said']}", "-qmp",
             f"unix:{files['qmp']},server,nowait"], stderr=subprocess.DEVNULL)
        self.console = files["said"]
        wait(self.said)
        self.monitor = Monitor(files["qmp"])
        self.monitor.run("stop")

    def said(self):
        return os.path.getsize(self.console) if os.path.exists(self.console) else 0

    def migrate(self, **parameters):
        self.monitor.run("migrate-set-parameters", **parameters)
        self.monitor.run("getfd", [os.open("/dev/null", os.O_WRONLY)], fdname="nowhere")
        self.monitor.run("migrate", uri="fd:nowhere")

    def state(self):
        found = self.monitor.run("query-migrate")
        return found.get("status"), found.get("ram", {}).get("dirty-sync-count", 0), found

    def cancel(self):
        self.monitor.run("migrate_cancel")
        wait(lambda: self.state()[0] == "cancelled")


def wait(so):
    for _ in range(6000):
        if so():
            return
        time.sleep(0.05)
    raise SystemExit("what was waited for never came")


def watch(guest, bandwidth):
    """
    A migration in progress keeps dirty logging on and takes the log. It must not end, so it has
    nearly no downtime. In its first round, pages are noted only after they were sent. It does end
    if the guest has not run for a while: it is then started again, once the guest has run.
    """
    for _ in range(200):
        before = guest.said()
        wait(lambda: guest.said() > before)
        guest.migrate(**{"max-bandwidth": bandwidth, "downtime-limit": 1})
        wait(lambda: guest.state()[0] == "completed" or guest.state()[1] > 2)
        since, said = time.monotonic_ns(), guest.said()
        wait(lambda: guest.state()[0] == "completed" or guest.said() >= said + WATCHED)
        until = time.monotonic_ns()
        if guest.state()[0] != "completed":
            guest.cancel()
            return since, until
        guest.monitor.run("cont")
    raise SystemExit("the guest has hardly any turn")


def migrate(guest):
    """Migrates until it is done, or its time is over."""
    guest.migrate(**{"max-bandwidth": BANDWIDTH, "downtime-limit": DOWNTIME_MS})
    wait(lambda: guest.state()[0] == "completed" or guest.state()[1] > ROUNDS)
    status, rounds, found = guest.state()
    if status != "completed":
        guest.cancel()
    return {"converges": status == "completed", "rounds": rounds, "total_ms": found["total-time"],
            "downtime_ms": found.get("downtime"), "ram": found["ram"]}


def main(name):
    with open("/proc/cpuinfo", encoding="ascii") as file:
        khz = float(re.search(r"^cpu MHz\s*: ([\d.]+)", file.read(), re.M)[1]) * 1000
    guests = {pattern: Guest(pattern, khz) for pattern in PATTERNS}
    pids = ",".join(str(guest.process.pid) for guest in guests.values())
    record = subprocess.Popen(["kvmw", "record", "-q", "-e", "dirty", "-o", f"{name}.kvmw", "-p", pids])
    wait(lambda: subprocess.run(f"kvmw info --json {name}.kvmw 2>/dev/null | grep -q '\"start_ns\":[ ]*[1-9]'", shell=True,
                                check=False).returncode == 0)
    results = {}
    for pattern, guest in guests.items():
        guest.monitor.run("cont")
        begin, end = watch(guest, PATTERNS[pattern][3])
        results[pattern] = migrate(guest) | {"pid": guest.process.pid, "begin_ns": begin, "end_ns": end}
        if not results[pattern]["converges"]:
            guest.monitor.run("stop")
        print(pattern, results[pattern], flush=True)
    record.terminate()
    record.wait()
    for guest in guests.values():
        guest.process.kill()
    with open(f"{name}.json", "w", encoding="ascii") as file:
        json.dump({"bits": 8 * BANDWIDTH, "downtime_ms": DOWNTIME_MS, "guests": results}, file)


main(sys.argv[1])
