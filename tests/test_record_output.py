# SPDX-License-Identifier: GPL-2.0
"""kvmw record does not write to files of other users, nor through links."""
import contextlib
import os
import signal
import socket
import stat
import subprocess
import threading

import pytest

from synthetic import KVMW, kvmw, one_line
from test_record_here import owner, pytestmark, sudo, users  # noqa: F401

STRANGER = 1234
ROWS = ["-q", "-e", "userspace"]


def record(path, *args, command=("true",), **kwargs):
    return kvmw("record", *ROWS, "-o", path, *args, "--", *command, **kwargs)


def is_recording(path):
    return kvmw("info", path).returncode == 0


@pytest.fixture(params=["own", "sticky"])
def directory(request, tmp_path):
    """A directory of root's, and one in which everybody may create files, like /tmp."""
    os.chmod(tmp_path.parent, 0o755)
    os.chmod(tmp_path, 0o755)
    path = tmp_path / "d"
    path.mkdir()
    if request.param == "sticky":
        os.chmod(path, 0o1777)
    return path


def planted(path, data=b"", mode=0o666):
    """A file that another user has created and keeps open; its mode may allow everybody."""
    path.write_bytes(data)
    os.chmod(path, mode)
    os.chown(path, STRANGER, STRANGER)
    return open(path, "rb")


def test_new_name(directory):
    assert record(directory / "f").returncode == 0
    assert owner(directory / "f") == (0, 0, 0o600) and is_recording(directory / "f")
    assert os.listdir(directory) == ["f"]


# ---- links and files of others -----------------------------------------------

@pytest.mark.parametrize("target", ["missing", "empty", "full"])
def test_link(directory, tmp_path, target):
    elsewhere = tmp_path / target
    if target != "missing":
        elsewhere.write_bytes(b"" if target == "empty" else b"root's")
        os.chmod(elsewhere, 0o644)
    (directory / "f").symlink_to(elsewhere)
    os.chown(directory / "f", STRANGER, STRANGER, follow_symlinks=False)
    one_line(record(directory / "f"), 1, f"cannot write {directory}/f: it is a symbolic link", "-o")
    assert (directory / "f").is_symlink() and os.listdir(directory) == ["f"]
    assert elsewhere.exists() == (target != "missing")
    if target != "missing":
        assert elsewhere.read_bytes() == (b"" if target == "empty" else b"root's")
        assert owner(elsewhere) == (0, 0, 0o644)


@pytest.mark.parametrize("data", [b"", b"his"])
def test_file_of_another(directory, data):
    """Another user's file is not written, as its owner could read along; nor made private, nor kept
    as .old."""
    path = directory / "f"
    with planted(path, data) as kept:
        one_line(record(path), 1, f"it belongs to user {STRANGER}", "-o")
        assert owner(path) == (STRANGER, STRANGER, 0o666)
        assert kept.read() == path.read_bytes() == data
    assert os.listdir(directory) == ["f"]


def test_file_of_the_user_who_asked(users):
    """Under sudo the invoking user's file is used, but nobody else's."""
    with planted(users / "f"):
        assert record(users / "f", env=sudo(1234, 2345)).returncode == 0
        assert owner(users / "f") == (1234, 2345, 0o600) and is_recording(users / "f")
        one_line(record(users / "f"), 1, "it belongs to user 1234")
        one_line(record(users / "f", env=sudo(3456, 2345)), 1, "it belongs to user 1234")


def test_empty_file_that_others_have_open(directory):
    """An empty file of root's that was readable by all is replaced by a new one."""
    path = directory / "f"
    path.touch(mode=0o644)
    with open(path, "rb") as kept:
        assert record(path).returncode == 0
        assert is_recording(path) and kept.read() == b""
    assert owner(path) == (0, 0, 0o600)


def test_hard_link(directory, tmp_path):
    """The file's other names keep their contents and mode."""
    other = tmp_path / "other"
    other.write_bytes(b"root's")
    os.chmod(other, 0o644)
    os.link(other, directory / "f")
    assert record(directory / "f").returncode == 0
    assert (other.read_bytes(), owner(other)) == (b"root's", (0, 0, 0o644))
    assert os.path.samefile(other, directory / "f.old") and is_recording(directory / "f")


@pytest.mark.parametrize("kind", ["link", "file", "directory"])
def test_old_is_not_ours(directory, tmp_path, kind):
    """If .old belongs to somebody else, the recording that would become .old stays where it is."""
    path, old = directory / "f", directory / "f.old"
    assert record(path).returncode == 0
    before = path.read_bytes()
    if kind == "link":
        old.symlink_to(tmp_path / "elsewhere")
    elif kind == "directory":
        old.mkdir()
    else:
        planted(old, b"his").close()
    one_line(record(path), 1, f"cannot keep the old recording as {path}.old", "-o")
    assert path.read_bytes() == before and not (tmp_path / "elsewhere").exists()
    assert kind != "file" or old.read_bytes() == b"his"


def test_who_is_quicker(tmp_path):
    """A link that another user creates whenever the name is free is never followed."""
    os.chmod(tmp_path, 0o1777)
    path, target, stop = tmp_path / "f", tmp_path / "target", threading.Event()

    def plant():
        while not stop.is_set():
            with contextlib.suppress(FileExistsError):
                os.symlink(target, path)

    for _ in range(3):
        path.unlink(missing_ok=True)
        path.touch()
        stop.clear()
        planter = threading.Thread(target=plant)
        planter.start()
        done = record(path)
        stop.set()
        planter.join()
        assert not target.exists()
        assert done.returncode == (1 if path.is_symlink() else 0), done.stderr


def test_nothing_recorded(directory):
    """If the command does not exist, all files are as before."""
    path = directory / "f"
    assert record(path, command=["no-such-command"]).returncode == 1
    assert os.listdir(directory) == []
    assert record(path).returncode == 0
    before = path.read_bytes()
    assert record(path, command=["no-such-command"]).returncode == 1
    assert os.listdir(directory) == ["f"] and path.read_bytes() == before


# ---- not a regular file ------------------------------------------------------

@pytest.mark.parametrize("kind, word", [
    ("directory", "it is a directory"), ("socket", "it is a socket"), ("block", "it is a block device")])
def test_no_file(tmp_path, kind, word):
    path = tmp_path / "f"
    if kind == "directory":
        path.mkdir()
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 0))
    one_line(record(path), 1, f"cannot write {path}: {word}", "-o")


def test_name_of_a_directory(tmp_path):
    one_line(record(f"{tmp_path}/new/"), 1, "it is a directory")
    one_line(record(""), 1, "it is a directory")
    assert os.listdir(tmp_path) == []


def test_devices(tmp_path):
    assert record("/dev/null").returncode == 0
    done = record("/dev/full")
    assert done.returncode == 1 and "/dev/full: cannot write: No space left on device" in done.stderr
    one_line(record("/dev/stdout"), 1, "-o - writes to standard output")
    master, slave = os.openpty()
    one_line(record(os.ttyname(slave)), 1, "it is a terminal")
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("closed, status", [(">&-", 1), ("<&- >&-", 1), ("1</dev/null", 1), ("<&-", 0), ("2>&-", 0)])
def test_closed_files(tmp_path, closed, status):
    """If standard descriptors are closed, no file that is opened later takes their place."""
    script = f"set -o pipefail; {{ '{KVMW}' record {' '.join(ROWS)} -o - -- true {closed}; }} | cat >f"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    if status:
        one_line(done, 1, "standard output is closed, or not open for writing", "-o")
    else:
        assert (done.returncode, done.stderr) == (0, "") and is_recording(tmp_path / "f")


def test_errors_do_not_get_into_the_file(tmp_path):
    """With standard error closed, messages do not end up in the recording."""
    path = tmp_path / "f"
    done = subprocess.run(["bash", "-c", f"'{KVMW}' record -e userspace -o '{path}' -- true <&- >&- 2>&-"], timeout=60)
    assert done.returncode == 0 and is_recording(path)
    assert b"no events recorded" not in path.read_bytes()


def test_process_substitution(tmp_path):
    """A descriptor that the shell has opened is the caller's own, and is written."""
    subprocess.run(["bash", "-c", f"'{KVMW}' record {' '.join(ROWS)} -o >(cat >f) -- true; wait"], cwd=tmp_path,
                   check=True, timeout=60)
    assert is_recording(tmp_path / "f")


def test_fifo(tmp_path):
    """Without a reader of the FIFO, record says what it waits for; with one it goes on."""
    path = tmp_path / "f"
    os.mkfifo(path)
    recorder = subprocess.Popen([KVMW, "record", *ROWS, "-o", path, "--", "true"], stderr=subprocess.PIPE, text=True)
    assert recorder.stderr.readline() == \
        f"kvmw: {path}: a FIFO that nobody reads; waiting for a reader, Ctrl-C stops\n"
    assert is_recording(path)
    assert recorder.wait(timeout=60) == 0
    assert recorder.stderr.read() == ""


def test_fifo_that_nobody_reads(tmp_path):
    path = tmp_path / "f"
    os.mkfifo(path)
    recorder = subprocess.Popen([KVMW, "record", *ROWS, "-o", path, "--", "true"], stderr=subprocess.PIPE, text=True)
    assert "waiting for a reader" in recorder.stderr.readline()
    recorder.send_signal(signal.SIGINT)
    assert recorder.wait(timeout=10) == -signal.SIGINT
    recorder.stderr.close()


def test_fifo_of_another(directory):
    path = directory / "f"
    os.mkfifo(path)
    os.chmod(path, 0o666)
    os.chown(path, STRANGER, STRANGER)
    one_line(record(path), 1, f"it belongs to user {STRANGER}", "-o")
