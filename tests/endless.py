# SPDX-License-Identifier: GPL-2.0
"""A VM on this machine's KVM that runs until the test is done with it."""
import contextlib
import os
import pathlib
import subprocess
import time

from lanes import KVMW


def has_vcpu(pid):
    with contextlib.suppress(OSError):          # it has ended, or closed a file meanwhile
        return any(os.readlink(fd).startswith("anon_inode:kvm-vcpu") for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir())
    return False


@contextlib.contextmanager
def endless_guest(*options):
    """The process of a guest that has a vCPU."""
    with subprocess.Popen([KVMW, "bench", "guest", "--rounds", "0", *options], stdout=subprocess.DEVNULL) as guest:
        try:
            while not has_vcpu(guest.pid):
                assert guest.poll() is None
                time.sleep(0.01)
            yield guest
        finally:
            guest.kill()
