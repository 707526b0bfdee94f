#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""migrate.py SOCKET [SECONDS]: migrates a QEMU guest to nowhere via QMP, resumes it, and ends it.

With SECONDS: migrates for that long, again and again if it ends, and resumes it. Dirty logging is
on while the migration copies memory.
"""
import os
import sys
import time

from qmp import Monitor


def begin(monitor):
    # No other process is involved.
    monitor.run("getfd", [os.open("/dev/null", os.O_WRONLY)], fdname="nowhere")
    monitor.run("migrate", uri="fd:nowhere")


def state(monitor, until=float("inf")):
    """How the migration ended, or its state when the time is over."""
    while (now := monitor.run("query-migrate").get("status")) not in ("completed", "failed", "cancelled"):
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    return now


qemu = Monitor(sys.argv[1])
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else None
qemu.run("migrate-set-parameters", **{"max-bandwidth": 1 << 30}, **({"downtime-limit": 0} if seconds else {}))
begin(qemu)
if seconds:
    end = time.monotonic() + seconds
    while state(qemu, end) == "completed" and time.monotonic() < end:
        qemu.run("cont")
        begin(qemu)
    qemu.run("migrate_cancel")
print(state(qemu))
qemu.run("cont")
if not seconds:
    time.sleep(1)
    qemu.run("quit")
