# SPDX-License-Identifier: GPL-2.0
"""hog.py CPU MS TIMES: takes that CPU for MS ms, as a real-time thread does, TIMES times with
pauses in between; prints its thread, and the begin and end of each time (CLOCK_MONOTONIC, ns)."""
import json
import os
import sys
import time

cpu, ms, times = map(int, sys.argv[1:])
with open("/proc/self/comm", "w") as comm:
    comm.write("hog")
os.sched_setaffinity(0, {cpu})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
turns = []
for _ in range(times):
    time.sleep(5 * ms / 1000)
    begin = now = time.monotonic_ns()
    while now - begin < ms * 1_000_000:
        now = time.monotonic_ns()
    turns.append([begin, now])
print(json.dumps({"tid": os.getpid(), "turns": turns}))
