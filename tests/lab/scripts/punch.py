# SPDX-License-Identifier: GPL-2.0
"""punch.py PID: frees half of the shared memory of a VM of tests/vmm.c 200 times a second, like a
daemon."""
import ctypes
import os
import sys
import time

MEMORY, KEEP_SIZE, PUNCH_HOLE = 16 * 4096, 1, 2     # include/uapi/linux/falloc.h


def memory_of(pid):
    for line in open(f"/proc/{pid}/maps"):
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        if line.split()[1] == "rw-s" and end - start == MEMORY:
            return line.split()[0]
    sys.exit(f"{pid} has no shared memory of {MEMORY} bytes")


fd = os.open(f"/proc/{sys.argv[1]}/map_files/{memory_of(sys.argv[1])}", os.O_RDWR)
fallocate = ctypes.CDLL(None).fallocate
fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
while not fallocate(fd, KEEP_SIZE | PUNCH_HOLE, MEMORY // 2, MEMORY // 2):
    time.sleep(0.005)
