# SPDX-License-Identifier: GPL-2.0
"""Runs a program in which one call fails, by way of tests/preload/faults.c, which lists the faults."""
import concurrent.futures
import dataclasses
import os
import subprocess
import tempfile

from synthetic import KVMW

LIBRARY = os.environ.get("FAULTS", KVMW.parent / "obj/tests/faults.so")
ROOM = 1 << 20


@dataclasses.dataclass
class Run:
    """How it ended; nr: of the calls that might have failed, count: their number."""
    fault: str
    status: int
    out: str
    err: str
    count: int
    may_fail: list


def run(fault, *args, env=(), **kwargs):
    """Plain ASCII: with less memory there might be no other locale."""
    with tempfile.NamedTemporaryFile() as counted:
        counted.truncate(ROOM)
        environ = {**os.environ, "LC_ALL": "C", "TZ": "UTC", "FAULT": fault, "FAULT_COUNT": counted.name,
                   "LD_PRELOAD": str(LIBRARY), **dict(env)}
        if "input" not in kwargs:
            kwargs["stdin"] = subprocess.DEVNULL
        done = subprocess.run([str(arg) for arg in args], capture_output=True, timeout=120, env=environ, **kwargs)
        data = counted.read()
    count = int.from_bytes(data[:8], "little")
    return Run(fault, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"),
               count, [i + 1 for i, byte in enumerate(data[8:8 + count]) if byte])


def at_each(kind, numbers, *args, **kwargs):
    """A run for each of the numbers, with KIND as the fault."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda n: run(f"{kind} {n}", *args, **kwargs), numbers)
