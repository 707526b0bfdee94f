# SPDX-License-Identifier: GPL-2.0
"""The files that lab run --systemd adds: this machine's systemd as the first program, and its
journal.

COMMAND is then a service.  Nothing else runs: no udev, no D-Bus, no login; root's systemctl talks
to systemd directly.
"""
import os

from kernels import LabError

INIT = "/usr/lib/systemd/systemd"
PROGRAMS = ("/usr/lib/systemd/systemd-journald", "/usr/lib/systemd/systemd-shutdown", "/usr/bin/systemctl",
            "/usr/bin/journalctl")
# Only newer versions have these.
PERHAPS = ("/usr/lib/systemd/systemd-executor",)
UNITS = "/usr/lib/systemd/system"
TARGETS = ("sysinit", "basic", "multi-user", "sockets", "timers", "paths", "slices", "local-fs", "local-fs-pre", "swap",
           "shutdown", "umount", "final", "rescue", "emergency")
JOURNAL = ("systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket")
COMMAND = """\
[Unit]
Description=What the lab was asked for

[Service]
Type=exec
ExecStart=/lab/init
EnvironmentFile=/lab/environment
OOMScoreAdjust=-900
"""
TEXTS = {"/etc/machine-id": "0123456789abcdef0123456789abcdef\n", f"{UNITS}/lab.service": COMMAND,
         "/etc/systemd/journald.conf": "[Journal]\nStorage=volatile\n"}
LINKS = {f"{UNITS}/default.target": "multi-user.target",
         f"{UNITS}/multi-user.target.wants/lab.service": "../lab.service",
         **{f"{UNITS}/sysinit.target.wants/{name}": f"../{name}" for name in JOURNAL}}


def here(path):
    """The path on this machine, where not everything may be below /usr."""
    return path if os.path.exists(path) else path.removeprefix("/usr")


def files():
    """{path inside: path here}"""
    units = [f"{UNITS}/{target}.target" for target in TARGETS] + [f"{UNITS}/{name}" for name in JOURNAL]
    found = {path: here(path) for path in (INIT, *PROGRAMS, *units)}
    for path in found.values():
        if not os.path.exists(path):
            raise LabError(f"{path} is missing; install the package systemd")
    return found | {path: here(path) for path in PERHAPS if os.path.exists(here(path))}
