# SPDX-License-Identifier: GPL-2.0
"""packaging/magic: file(1) identifies recordings, and mistakes nothing else for one."""
import shutil
import subprocess

import pytest

from synthetic import TREE, Recording

MAGIC = TREE / "packaging/magic"
GOLDEN = sorted((TREE / "tests/data").glob("*.kvmw"))

pytestmark = pytest.mark.skipif(not shutil.which("file"), reason="needs file")


def file(*args, **kwargs):
    done = subprocess.run(["file", "-b", "-m", MAGIC, *args], capture_output=True, timeout=30, **kwargs)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().strip()


def test_it_has_no_mistakes():
    """file -C compiles it without warnings."""
    done = subprocess.run(["file", "-c", "-m", MAGIC], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if "using regular magic file" not in line]
    assert not [line for line in said if "Warning" in line or "rror" in line]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_recordings(path):
    minor = path.read_bytes()[10]
    assert file(path) == f"kvmw recording, format 1.{minor}"
    assert file("--mime-type", path) == "application/x-kvmw"
    assert file("-", input=path.read_bytes()[:24]) == f"kvmw recording, format 1.{minor}"


def test_todays_recordings(tmp_path):
    assert file(Recording().finish().write(tmp_path / "f")) == "kvmw recording, format 1.1"


@pytest.mark.parametrize("content", [b"", b"\x89KVMW\n\x1a" + bytes(20), b"KVMW\r\n\x1a", b"PERFILE2" + bytes(99)])
def test_other_files(content):
    assert "kvmw" not in file("-", input=content)
