# SPDX-License-Identifier: GPL-2.0
"""Recordings without the rows dropped by --cpu-limit or a filter are not treated as complete."""
import json

import pytest
from synthetic import META, START, Recording, kvmw

MS = 1_000_000
OUT, IN = 1, 2


def switches():
    """A thread on the CPU for 10 of 20 ms, whose last row says that it got the CPU."""
    rows = []
    for i in range(20):
        rows.append([START + i * MS, 400_000, 0, 101, 3, IN, 0, None, None])
        rows.append([START + i * MS + 500_000, 500_000, 0, 101, 3, OUT, 0, 1, None])
    return rows + [[START + 20 * MS, 400_000, 0, 101, 3, IN, 0, None, None]]


@pytest.mark.parametrize("filters, on_ns", [
    ({}, 1_000_000_000 - 20 * MS + 10 * MS), ({"cpu_limit": 3.0}, 10 * MS), ({"min_ns": 1000}, 10 * MS)])
def test_last_row_of_a_thread(tmp_path, filters, on_ns):
    """A thread's last state lasts until the end, but only if no later row was dropped."""
    rec = Recording(META | {"events": ["exit", "sched"], "filters": {"all": True} | filters})
    rec.lines.append(["EVENTS", "sched", switches()])
    rec.end = START + 999 * MS
    path = rec.finish().write(tmp_path / "f")
    view = json.loads(kvmw("report", "--json", "-e", "sched", path).stdout)["sched"]
    assert view["threads"][0]["on_cpu_ns"] == on_ns
