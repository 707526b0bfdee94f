# SPDX-License-Identifier: GPL-2.0
"""kvmw record --switch-output: a series of files that together are one recording, on this machine's
KVM."""
import contextlib
import json
import os
import re
import signal
import subprocess

import pytest

import independent_reader
from synthetic import KVMW, kvmw, one_line
from test_merge import mono
from test_record_here import owner, running_guest, sudo, users  # noqa: F401
from test_record_keep import report, rows_of, small_disk
from test_stack import entries

here = pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK) or os.geteuid() != 0, reason="needs /dev/kvm and root")
GUEST = [KVMW, "bench", "guest", "--rounds"]
DUMP = r"\[ kvmw record: Dump (\S+): (\d+) events? of (\d+\.\d) s, \d+\.\d{3} MB, (\d+) lost \]"


class Series:
    """A running kvmw record --switch-output; its lines are read as they come."""
    def __init__(self, where, *args, env=None):
        self.where, self.files = where, []
        self.process = subprocess.Popen([KVMW, "record", *map(str, args)], stderr=subprocess.PIPE, text=True, cwd=where,
                                        stdout=subprocess.DEVNULL, env=os.environ | (env or {}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stderr.close()
        self.process.wait()

    def dumped(self):
        """Waits for the next file that is complete."""
        line = self.process.stderr.readline().strip()
        found = re.fullmatch(DUMP, line)
        assert found, line
        self.files.append(self.where / found[1])
        return int(found[2])

    def switch(self):
        self.process.send_signal(signal.SIGUSR2)
        return self.dumped()

    def end(self, status=0, sig=signal.SIGINT):
        """Waits for the last file; returns the messages after it."""
        if sig:
            self.process.send_signal(sig)
        lines = self.process.stderr.read().splitlines()
        assert self.process.wait() == status, lines
        for line in lines:
            found = re.fullmatch(DUMP, line)
            if found:
                self.files.append(self.where / found[1])
        return [line for line in lines if not re.fullmatch(DUMP, line)]


@contextlib.contextmanager
def recording(where, *args, env=None, guest=()):
    with running_guest(*guest) as pid, Series(where, "-e", "userspace", "-p", pid, *args, env=env) as rec:
        while not (where / "kvmw.data").exists() or not (where / "kvmw.data").stat().st_size:
            assert rec.process.poll() is None
        yield rec


def starts(path):
    """The entries about the series in META frames."""
    said = [independent_reader.text(frame) for frame in independent_reader.Recording(path.read_bytes()).frames if frame.type == 2]
    return {one["start_ns"] for one in said if "start_ns" in one}


def check_file(path, number):
    """Checks that a file is a recording by itself; returns its entry about the series, and its
    rows."""
    about = json.loads(kvmw("info", "--json", path).stdout)
    assert re.fullmatch(r"kvmw\.data\.\d{16}", path.name) and path.stat().st_mode & 0o777 == 0o600
    assert about["complete"] and about["finished"] and about["series"] == {"number": number, "to": number}
    assert starts(path) == {about["start_ns"]}
    if not any(frame["type"] == "EVENTS" for frame in about["frames"]):
        return about, []
    rows, total = rows_of(path), report(path)["total"]
    assert total["exact"] and total["lost"] == 0 and total["count"] == total["recorded"] == len(rows)
    assert [vcpu["vcpu"] for vcpu in about["vcpus"]] == [0] and len(about["vms"]) == 1
    return about, rows


@pytest.mark.lab
@here
def test_files_are_one_recording(tmp_path):
    """Six files have everything that a guest did; each is right by itself, and together they are
    the whole."""
    rounds = 20000
    with Series(tmp_path, "-e", "userspace", "--switch-output", "--", *GUEST, str(rounds), "--pio", "1") as rec:
        while not (tmp_path / "kvmw.data").exists():
            assert rec.process.poll() is None
        while sum(rec.switch() > 0 for _ in range(4)) < 4:      # none before its first exit
            pass
        said = rec.end(sig=None)
    assert f" in {len(rec.files)} files kvmw.data.<timestamp>" in said[-1]
    assert sorted(rec.files) == sorted(tmp_path.iterdir())
    seen = []
    for number, path in enumerate(rec.files, 1):
        about, rows = check_file(path, number)
        if seen:
            assert about["start_ns"] == seen[-1][0]
        seen.append((about["start_ns"] + about["duration_ns"], rows))
        assert about["stopped"] == ("command ended" if path == rec.files[-1] else "next file")
    rows = [row for _, some in seen for row in some]
    assert sum(row["reason"] == "KVM_EXIT_IO" for row in rows) == rounds + 2     # one when it is ready, one at its end
    assert len({row["time_ns"] for row in rows}) == len(rows)
    # Each file's last cycle ends where the next file begins: nothing is missing in between.
    for before, after in zip(rows, rows[1:]):
        assert before["time_ns"] + before["user_ns"] + after["run_ns"] == after["time_ns"]
    one = tmp_path / "one"
    assert kvmw("merge", "-o", one, *rec.files).returncode == 0
    assert rows_of(one) == rows
    whole = report(one)
    assert whole["total"]["count"] == len(rows) and whole["total"]["exact"] and "part" not in whole["recording"]
    assert whole["recording"]["duration_ns"] == sum(json.loads(kvmw("info", "--json", path).stdout)["duration_ns"] for path in rec.files)
    several = kvmw("report", "--json", *rec.files)
    assert several.stderr == "" and json.loads(several.stdout)["total"]["count"] == len(rows)
    # Some of the files; one missing in between; one twice.
    assert kvmw("merge", "-o", tmp_path / "some", *rec.files[1:3]).returncode == 0
    assert report(tmp_path / "some")["recording"]["series"] == {"number": 2, "to": 3}
    one_line(kvmw("merge", "-o", tmp_path / "no", rec.files[0], rec.files[2]), 1, f"{rec.files[2]} begins ",
             f" s after {rec.files[0]} ends: merge the recording of that time, too")
    assert "count twice" in kvmw("merge", "-o", tmp_path / "no", tmp_path / "some", rec.files[2]).stderr
    assert "counts twice" in kvmw("report", tmp_path / "some", rec.files[2]).stderr
    assert kvmw("merge", "-o", tmp_path / "more", tmp_path / "some", rec.files[3], rec.files[0]).returncode == 0
    assert rows_of(tmp_path / "more") == [row for _, some in seen[:4] for row in some]
    # And parts of files, by cut.
    some = max((some for _, some in seen), key=len)
    path = rec.files[[other for _, other in seen].index(some)]
    assert kvmw("cut", "-i", path, "-o", tmp_path / "half", "--time", mono(some[len(some) // 2]["time_ns"]) + ",").returncode == 0
    assert rows_of(tmp_path / "half") == some[len(some) // 2:]
    # Its times count from its own start.
    assert kvmw("cut", "-i", path, "-o", tmp_path / "early", "--time", "0,10000").returncode == 0
    assert rows_of(tmp_path / "early") == some
    assert kvmw("cut", "-i", tmp_path / "early", "-o", tmp_path / "again", "--time", "0,10000").returncode == 0
    assert rows_of(tmp_path / "again") == some and report(tmp_path / "early", "--time", "0,10000")["total"]["count"] == len(some)
    duration = report(rec.files[-1])["recording"]["duration_ns"] / 1e9
    late = kvmw("cut", "-i", rec.files[-1], "-o", tmp_path / "late", "--time", f"{duration + 1},")
    one_line(late, 1, "begins after the end of the recording")


@pytest.mark.lab
@here
def test_size_and_newest(tmp_path):
    """Of files of 64K, only two stay; a file that is not part of the series is kept."""
    (tmp_path / "kvmw.data.2001010100000000").write_text("another one's")
    with recording(tmp_path, "--switch-output=64K", "--switch-max-files", "2") as rec:
        for _ in range(2):
            assert rec.dumped() > 0
        rec.end()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kvmw.data.2001010100000000", *(p.name for p in rec.files[-2:])]
    assert all(path.stat().st_size >= 64 << 10 for path in rec.files[-2:-1])
    for number, path in enumerate(rec.files, 1):
        if path.exists():
            check_file(path, number)


@pytest.mark.lab
@here
def test_killed(tmp_path):
    """After kill -9, files with a timestamp are complete, and the one without can be read."""
    with recording(tmp_path, "--switch-output=signal") as rec:
        while not rec.switch():
            pass
        events = rec.switch()
        while "of a series" not in kvmw("info", tmp_path / "kvmw.data").stdout:
            pass
        rec.process.kill()
        rec.process.wait()
    assert len(rows_of(rec.files[-1])) == events
    for number, path in enumerate(rec.files, 1):
        check_file(path, number)
    last = kvmw("info", tmp_path / "kvmw.data")
    assert f"file {len(rec.files) + 1} of a series" in last.stdout
    assert last.stderr.endswith("the recorder did not finish; all complete frames were used\n")
    done = kvmw("merge", "-o", tmp_path / "all", *rec.files, tmp_path / "kvmw.data")
    assert done.returncode == 1 and "kvmw.data is incomplete" in done.stderr
    assert len(rows_of(rec.files[-1])) <= len(json_lines(tmp_path / "all"))


def json_lines(path):
    return kvmw("script", "-i", path, "--json").stdout.splitlines()


@pytest.mark.lab
@here
def test_disk_that_fills(tmp_path):
    """On a full disk the recording ends with one message that names the file; earlier files are
    complete, and the last one can be read."""
    with small_disk(tmp_path, "160k") as (folder, _):
        with recording(folder, "--switch-output=64K") as rec:
            line, = rec.end(status=1, sig=None)
        assert re.fullmatch(r"kvmw: kvmw.data: cannot write: No space left on device(; the \d+ bytes before are a readable recording)?",
                            line)
        assert rec.files and sorted(folder.iterdir()) == [folder / "kvmw.data", *rec.files]
        for number, path in enumerate(rec.files, 1):
            check_file(path, number)
        last = kvmw("info", folder / "kvmw.data")
        assert last.stderr.endswith("the recorder did not finish; all complete frames were used\n")


@pytest.mark.lab
@here
def test_stacks_are_in_each_file(tmp_path):
    """Each file has the stacks of all of its rows with function names, even those in an earlier
    file."""
    with recording(tmp_path, "--stack", "vmm", "--switch-output", guest=["--vmm-delay", "5000"]) as rec:
        seen = []
        while len(seen) < 3:
            rec.switch()
            numbers = {row[name] for row in rows_of(rec.files[-1]) if row["event"] == "stack" for name in ("kernel", "user")}
            numbers = {number for number in numbers if number >= 0}     # else why there is no name
            known = {one["id"]: one["frames"] for one in entries(rec.files[-1])}
            assert numbers <= set(known) and all(known[number] and all(known[number]) for number in numbers)
            seen += [numbers] if numbers else []
        rec.end()


@pytest.mark.lab
@here
def test_files_of_who_asked(users):  # noqa: F811
    """Under sudo all files belong to the invoking user, also those begun by a thread without
    privileges, and the oldest are removed."""
    with recording(users, "--switch-output", "--switch-max-files", "2", env=sudo(1234, 2345)) as rec:
        for _ in range(3):
            rec.switch()
        rec.end()
    assert sorted(users.iterdir()) == rec.files[-2:]
    for path in rec.files[-2:]:
        assert owner(path) == (1234, 2345, 0o600)


@pytest.mark.lab
@here
def test_scrubbed_files(tmp_path):
    """Files scrubbed with names kept can be merged, and merge says which is missing; otherwise
    merge has to come first."""
    with recording(tmp_path, "--switch-output") as rec:
        while sum(rec.switch() > 0 for _ in range(2)) < 2:
            pass
        rec.end()
    clean = [tmp_path / f"clean{i}" for i in range(len(rec.files))]
    for path, to in zip(rec.files, clean):
        assert kvmw("scrub", path, to, "--keep=names").returncode == 0
    done = kvmw("merge", "-o", tmp_path / "all", *clean)
    assert done.returncode == 0, done.stderr
    assert len(rows_of(tmp_path / "all")) == sum(len(check_file(path, i)[1]) for i, path in enumerate(rec.files, 1))
    one_line(kvmw("merge", "-o", tmp_path / "no", clean[0], *clean[2:]), 1, f"{clean[2]} begins ",
             f" s after {clean[0]} ends: merge the recording of that time, too")
    hidden = [tmp_path / f"hidden{i}" for i in range(2)]
    for path, to in zip(rec.files, hidden):
        assert kvmw("scrub", path, to).returncode == 0
    one_line(kvmw("merge", "-o", tmp_path / "no", *hidden), 1, f"{hidden[0]} and {hidden[1]}: ", "merge first, then scrub the result")


@pytest.mark.lab
@here
def test_file_removed(tmp_path):
    """If the current file is removed, the recording ends with a message that names it; complete
    files stay."""
    with recording(tmp_path, "--switch-output") as rec:
        while not rec.switch():
            pass
        while not (tmp_path / "kvmw.data").exists():
            pass
        (tmp_path / "kvmw.data").unlink()
        rec.process.send_signal(signal.SIGUSR2)
        said = rec.end(status=1, sig=None)
    assert said[0] == "kvmw: kvmw.data: it was moved, replaced or removed while it was written"
    assert sorted(tmp_path.iterdir()) == sorted(rec.files)


@pytest.mark.parametrize("args, error", [
    (["--switch-output=30"], "--switch-output '30': must be a size of at least 64K, such as 100M, a time of at least 1s"),
    (["--switch-output=1K"], "--switch-output '1K': must be a size of at least 64K"),
    (["--switch-output=0s"], "--switch-output '0s': must be a size of at least 64K"),
    (["--switch-output=0B"], "--switch-output '0B': must be a size of at least 64K"),
    (["--switch-output=100ms"], "--switch-output '100ms': must be a size"),
    (["--switch-output=99999999999999d"], "--switch-output '99999999999999d': must be a size"),
    (["--switch-output", "10m"], "'10m' would be run as a command: --switch-output=10m says when another file begins"),
    (["--switch-max-files", "3"], "--switch-max-files needs --switch-output"),
    (["--switch-output=2d", "--switch-max-files", "0"], "--switch-max-files '0': must be a number from 1 to 1000000"),
    (["--switch-output=70000B", "--keep", "10s"], "--keep and --switch-output exclude each other"),
    (["--switch-output", "--limit", "1G"], "--limit and --switch-output exclude each other"),
    (["--switch-output", "-o", "-"], "-o - and --switch-output exclude each other"),
    (["--switch-output", "-o", "/dev/null"], "-o /dev/null: it is not a regular file; --switch-output makes files, named FILE.20"),
    (["--switch-output", "-o", "x" * 4080], "-o: a path of 4080 bytes is too long"),
])
def test_wrong_options(args, error):
    one_line(kvmw("record", "-a", *args), 2, error)
