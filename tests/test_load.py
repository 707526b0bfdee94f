# SPDX-License-Identifier: GPL-2.0
"""What the recorder does behind its rings, at length: memory and states stay as they are, and no sum drifts (loadgen.c)."""
import os
import subprocess

import pytest

from synthetic import KVMW

pytestmark = pytest.mark.slow
LOADGEN = KVMW.parent / "obj/tests/loadgen"
ROWS = os.environ.get("KVMW_LOAD_ROWS", "1e7")


@pytest.mark.parametrize("mode", [[], ["--keep"], ["--switch"]], ids=["file", "keep", "switch"])
def test_load(tmp_path, mode):
    done = subprocess.run([LOADGEN, *mode, ROWS], cwd=tmp_path, text=True, capture_output=True, check=False)
    print(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())
