#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""schedstat.py PID SECONDS: the scheduler's figures for each thread of PID, at two moments.

Prints JSON: [[when_ns, {tid: [run_ns, wait_ns]}], ...]. Stops PID after the second one, because
a recording beside a busy guest ends as slowly as it begins.
"""
import json
import os
import signal
import sys
import time


def read(pid):
    threads = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as f:
            threads[tid] = [int(word) for word in f.read().split()[:2]]
    return [time.monotonic_ns(), threads]


first = read(sys.argv[1])
time.sleep(float(sys.argv[2]))
last = read(sys.argv[1])
os.kill(int(sys.argv[1]), signal.SIGSTOP)
print(json.dumps([first, last]))
