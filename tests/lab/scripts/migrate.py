#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""migrate.py SOCKET [SECONDS]: migrates a QEMU guest to nowhere, by QMP, lets it go on, and ends it.

With SECONDS: migrates for so long, without coming to an end, and lets it go on. Dirty logging is on
for as long as the migration copies memory.
"""
import sys
import time

from qmp import Monitor

monitor = Monitor(sys.argv[1])
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else None
limits = {"max-bandwidth": 1 << 30} | ({"downtime-limit": 0} if seconds else {})
monitor.run("migrate-set-parameters", **limits)
monitor.run("migrate", uri="exec:cat >/dev/null")
if seconds:
    time.sleep(seconds)
    monitor.run("migrate_cancel")
while (state := monitor.run("query-migrate").get("status")) not in ("completed", "failed", "cancelled"):
    time.sleep(0.1)
monitor.run("cont")
if not seconds:
    time.sleep(1)
    monitor.run("quit")
print(state)
