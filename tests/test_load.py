# SPDX-License-Identifier: GPL-2.0
"""The recorder behind its rings, over a long time: memory and states do not grow, and no sum drifts
(loadgen.c)."""
import os
import re
import subprocess

import pytest

from synthetic import KVMW, kvmw, report

pytestmark = pytest.mark.slow
LOADGEN = KVMW.parent / "obj/tests/loadgen"
ROWS = os.environ.get("KVMW_LOAD_ROWS", "5e6")


@pytest.mark.parametrize("mode", [[], ["--keep"], ["--switch"]], ids=["file", "keep", "switch"])
def test_load(tmp_path, mode):
    """With --keep, the snapshot has the 30 s before a fault at the end, with exact totals."""
    kept = [tmp_path / "kept"] if mode == ["--keep"] else []
    done = subprocess.run([LOADGEN, *mode, ROWS, *kept], cwd=tmp_path, text=True, capture_output=True, check=False)
    print(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == kept
    if not kept:
        return
    rep = report(*kept)
    about, long = rep["recording"], report(*kept, "--where", "total>50us")
    assert about["complete"] and about["trigger"] == "total>50us" and rep["total"]["exact"]
    assert about["duration_ns"] >= 29 * 10 ** 9 and about["trigger_ns"] - about["start_ns"] >= 20 * 10 ** 9
    assert long["total"]["count"] == 1
    text = kvmw("report", "-i", *kept).stdout
    assert re.search(r"^# trigger +total>50us, at \d+\.\d+ s$", text, re.M), text
