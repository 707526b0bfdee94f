#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""migrate.py SOCKET: migrates a QEMU guest to nowhere, by QMP, lets it go on, and ends it.

Dirty logging is on for as long as the migration copies memory.
"""
import json
import socket
import sys
import time


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.run("qmp_capabilities")

    def run(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while line := self.lines.readline():
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise SystemExit(f"{command}: {answer['error']['desc']}")
        raise SystemExit(f"{command}: no answer")


monitor = Monitor(sys.argv[1])
monitor.run("migrate-set-parameters", **{"max-bandwidth": 1 << 30})
monitor.run("migrate", uri="exec:cat >/dev/null")
while (state := monitor.run("query-migrate").get("status")) not in ("completed", "failed", "cancelled"):
    time.sleep(0.1)
monitor.run("cont")
time.sleep(1)
monitor.run("quit")
print(state)
