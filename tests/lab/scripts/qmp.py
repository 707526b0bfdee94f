#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""qmp.py SOCKET COMMAND [ARGUMENTS]: has QEMU carry out COMMAND with these arguments (JSON)."""
import json
import socket
import sys


class Monitor:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("r")
        self.lines.readline()
        self.run("qmp_capabilities")

    def run(self, command, fds=(), **arguments):
        """Runs a command. fds: files that are passed with it, for getfd."""
        request = json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n"
        if fds:
            socket.send_fds(self.socket, [request], fds)
        else:
            self.socket.sendall(request)
        while line := self.lines.readline():
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise SystemExit(f"{command}: {answer['error']['desc']}")
        raise SystemExit(f"{command}: no answer")


if __name__ == "__main__":
    print(Monitor(sys.argv[1]).run(sys.argv[2], **json.loads(sys.argv[3] if len(sys.argv) > 3 else "{}")))
