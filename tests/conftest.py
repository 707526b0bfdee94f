# SPDX-License-Identifier: GPL-2.0
"""Fixtures: runs the lab as the selected tests need, and checks that no test leaves a process."""
import contextlib
import ctypes
import os
import pathlib
import signal
import time

import pytest

import lab_fixtures
import lanes
import vmm_programs

PR_SET_CHILD_SUBREAPER = 36
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3     # malloc.h
KEPT_BYTES = 32 << 20
LANES = pytest.StashKey()


def jobs_of(item):
    """The runs of the lab that a test needs."""
    if "boot" in getattr(item, "fixturenames", ()):
        yield lab_fixtures.job(item.callspec.params["boot"])
    for mark in item.iter_markers("needs_boots"):
        yield from map(lab_fixtures.job, mark.args)
    for mark in item.iter_markers("lab_run"):
        yield lanes.Job(*mark.args)


def pytest_configure(config):
    # If pytest runs in the background or under nohup, programs would inherit ignored signals.
    # Handlers set in Python are not inherited.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    libc = ctypes.CDLL(None)
    # Whatever a test's programs leave behind becomes a child of this process.
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # The text of a recording is large: its memory, used again, takes no page faults.
    libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
    libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


def pytest_collection_modifyitems(items):
    """Marks tests that need the lab, and orders tests as their machines end."""
    jobs = {item: list(jobs_of(item)) for item in items}
    for item in items:
        if jobs[item]:
            item.add_marker(pytest.mark.lab)
    ends = lanes.finish_times({job for of_item in jobs.values() for job in of_item})
    items.sort(key=lambda item: max((ends[job.name] for job in jobs[item]), default=0))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    """With NO_SKIP=1 a test that lacks a program fails; a device may still be missing."""
    report = (yield).get_result()
    if report.skipped and os.environ.get("NO_SKIP") and "/dev" not in report.longrepr[2]:
        report.outcome, report.longrepr = "failed", f"NO_SKIP is set. {report.longrepr[2]}"


class Failures:
    """Names failures at once, so that whoever ends a run that takes too long knows why."""

    def __init__(self, terminal):
        self.terminal = terminal

    def pytest_runtest_logreport(self, report):
        if report.failed:
            why = str(getattr(report.longrepr, "reprcrash", None) or report.longrepr).splitlines()
            self.terminal.write_line(f"\n{report.nodeid} failed: {''.join(why[:1])}")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session):
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal:                                # not in a process of xdist
        session.config.pluginmanager.register(Failures(terminal))


@pytest.fixture(scope="session")
def vmx(tmp_path_factory):
    import synthetic    # not in the lab, which has no jsonschema

    return synthetic.vmx_recording(tmp_path_factory.mktemp("vmx") / "kvmw.data")


@pytest.fixture(scope="session")
def svm(tmp_path_factory):
    import synthetic

    return synthetic.svm_recording(tmp_path_factory.mktemp("svm") / "kvmw.data")


@pytest.fixture(scope="session", autouse=True)
def labs(request, tmp_path_factory):
    """The machines run from the start; tests that need none run first."""
    jobs = {job for item in request.session.items for job in jobs_of(item)}
    with contextlib.closing(lanes.Lanes(jobs, tmp_path_factory.mktemp("labs"))) as found:
        request.config.stash[LANES] = found
        yield found


@pytest.fixture
def boot(request, labs):
    """One machine of lab_fixtures.BOOTS: see the parameter "boot" of tests."""
    return lab_fixtures.Boot(request.param, labs.result(request.param))


@pytest.fixture
def boots(request, labs):
    """The machines that the mark needs_boots names: {name: Boot}."""
    return {name: lab_fixtures.Boot(name, labs.result(name))
            for mark in request.node.iter_markers("needs_boots") for name in mark.args}


@pytest.fixture
def ran(request, labs):
    """The run that the mark lab_run describes."""
    return labs.result(next(request.node.iter_markers("lab_run")).args[0])


def pytest_terminal_summary(terminalreporter, config):
    """Prints how long each run took; Job.seconds is taken from here."""
    found = config.stash.get(LANES, None)
    for seconds, name, remark in sorted(found.took, reverse=True) if found else ():
        terminalreporter.write_line(f"lab: {seconds:6.1f} s  {name} {remark}".rstrip())
    if found and "KVMW_SEED" in os.environ:
        terminalreporter.write_line(f"random programs: KVMW_SEED={vmm_programs.SEED}")


def children(parent, states="RSDTtI"):
    """{process id: its name} of the children that have not ended."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            name, rest = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)
            state, ppid = rest.split()[:2]
            if int(ppid) == parent and state in states:
                found[int(pid)] = name.split("(", 1)[1]
    return found


def childless():
    """Whether there are no children. Quick, as it follows each test; a search of /proc takes ms."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return True
    return False


@pytest.fixture(autouse=True)
def nothing_left(request):
    """Kills whatever a test has left running, and fails the test."""
    yield
    if childless():
        return
    found, names = request.config.stash.get(LANES, None), []

    def left():
        return {pid: name for pid, name in children(os.getpid()).items()
                if not found or pid not in found.running}

    with found.lock if found else contextlib.nullcontext():
        # A program that has printed its last line may need a moment to exit.
        deadline = time.monotonic() + 5
        while left() and time.monotonic() < deadline:
            time.sleep(0.01)
        # Killing a process makes its children ours: they are found in the next turn.
        while running := left():
            for pid, name in running.items():
                os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
                names.append(name)
        # Reap adopted processes that have ended; otherwise childless() stays false.
        for pid in children(os.getpid(), "Z"):
            if not found or pid not in found.running:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)
    assert not names, "the test left processes running"
