# SPDX-License-Identifier: GPL-2.0
"""Runs a program and makes one call in it fail, using tests/preload/faults.c, which lists the
faults."""
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
    """How it ended. nr: which call failed; count: how many calls could have failed."""
    fault: str
    status: int
    out: str
    err: str
    count: int
    may_fail: list


def run(fault, *args, env=(), **kwargs):
    """Plain ASCII, because no other locale may load when memory is short."""
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
    """One run for each of the numbers, with the fault KIND."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda n: run(f"{kind} {n}", *args, **kwargs), numbers)
