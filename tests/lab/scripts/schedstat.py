#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""schedstat.py PID SECONDS: what the scheduler says of each thread of PID, at two moments.

Prints JSON: [[when_ns, {tid: [run_ns, wait_ns]}], ...]
"""
import json
import os
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
print(json.dumps([first, read(sys.argv[1])]))
