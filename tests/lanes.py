# SPDX-License-Identifier: GPL-2.0
"""Runs of the lab, as many at a time as there are CPUs (two to four, or the variable
LAB_LANES), the longest first.

A test that needs a machine names it: by the fixture "boot", one of lab_fixtures.BOOTS, or by
the mark lab_run and the fixture "ran", a command of its own.
"""
import concurrent.futures
import os
import pathlib
import subprocess
import threading
import time
import typing

TESTS = pathlib.Path(__file__).resolve().parent
LAB = TESTS / "lab" / "lab"
KVMW = os.environ.get("KVMW", str(TESTS.parent / "kvmw"))
LANES = int(os.environ.get("LAB_LANES", min(max(len(os.sched_getaffinity(0)), 2), 4)))
TIMED_OUT = 124


class Job(typing.NamedTuple):
    """One run of the lab. SECONDS is about how long it takes with two lanes on two CPUs. A member
    of ARGS that takes time to make is a function that makes it."""
    name: str
    seconds: int
    args: tuple

    def timeout(self):
        """A safety limit for a machine that hangs, not for a slow one."""
        return 600 + 6 * self.seconds


class Done(typing.NamedTuple):
    """How a run ended, and where the files that it left in /out are."""
    returncode: int
    stdout: str
    stderr: str
    out: pathlib.Path


def finish_times(jobs):
    """{name: about when it will end}."""
    lanes, ends = [0] * LANES, {}
    for job in longest_first(jobs):
        first = lanes.index(min(lanes))
        lanes[first] += job.seconds
        ends[job.name] = lanes[first]
    return ends


def longest_first(jobs):
    return sorted(jobs, key=lambda job: -job.seconds)


class Lanes:
    def __init__(self, jobs, out):
        self.lock = threading.Lock()        # held while a process starts
        self.running = set()                # process ids
        self.closed = False
        self.took = []                      # (seconds, name, remark)
        self.out = out
        self.pool = concurrent.futures.ThreadPoolExecutor(LANES)
        self.futures = {job.name: self.pool.submit(self.run, job) for job in longest_first(jobs)}

    def result(self, name):
        return self.futures[name].result()

    def run(self, job):
        done = self.run_once(job, job.name)
        if done.returncode == TIMED_OUT and "--timeout" not in job.args:
            done = self.run_once(job, f"{job.name}-again")
        return done

    def run_once(self, job, name):
        out, began = self.out / name, time.monotonic()
        args = ["run", "--kvmw", KVMW, "--out", out, "--timeout", str(job.timeout())]
        with self.lock:
            if self.closed:
                raise RuntimeError("the tests have ended")
            args += [arg() if callable(arg) else arg for arg in job.args]
            # The lab must not outlive the tests, however they end.
            lab = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", LAB, *args],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, errors="replace")
            self.running.add(lab.pid)
        stdout, stderr = lab.communicate()
        with self.lock:
            self.running.discard(lab.pid)
        self.took.append((time.monotonic() - began, name,
                          "timed out" if lab.returncode == TIMED_OUT else ""))
        return Done(lab.returncode, stdout, stderr, out)

    def close(self):
        with self.lock:
            self.closed = True
            for pid in self.running:
                os.kill(pid, 15)
        self.pool.shutdown(cancel_futures=True)
