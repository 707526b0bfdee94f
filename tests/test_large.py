# SPDX-License-Identifier: GPL-2.0
"""kvmw report of many exits: the cost of detailed reports relative to the plain one. Prints figures
(pytest -s)."""
import os
import subprocess
import sys

import pytest

from synthetic import KVMW
from test_hostile import MEMORY, MEASURE

pytestmark = pytest.mark.slow
ROWS = int(os.environ.get("KVMW_LARGE_ROWS", 5_000_000))
SITES, APART = 97, 0x1357       # pieces of code that exit, as bench/x86/rows.c makes them


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("large")
    subprocess.run([KVMW, "bench", "record", "--rows", str(ROWS), "-o", path / "made.kvmw"], check=True)
    symbols = [(0xffffffff81000000 + APART * i, f"made_{i}") for i in range(SITES)]
    (path / "kallsyms").write_text("ffffffff81000000 T _stext\n" + "".join(
        f"{address:x} T {name}\n" for address, name in symbols) + "ffffffff81100000 T _etext\n")
    yield path
    (path / "made.kvmw").unlink()


def took(path, *args):
    """User CPU seconds, and the greatest resident size in KiB."""
    code = MEASURE.replace("used.ru_utime + used.ru_stime", "used.ru_utime")
    done = subprocess.run([sys.executable, "-S", "-c", code, KVMW, "report", "made.kvmw", *args], cwd=path,
                          capture_output=True, text=True, check=True)
    status, memory, seconds = done.stderr.split()
    assert status == "0"
    print(f"report {' '.join(args):40} {float(seconds):6.2f} s user  {int(memory) / 1024:5.1f} MiB")
    return float(seconds), int(memory)


def test_digging_costs_little(made):
    """Detailed reports cost little more. Each runs twice, and the quicker run counts. 100 chains
    need more reads than 10."""
    plain = min(took(made)[0] for _ in range(2))
    for times, *args in ((2, "-s", "sym", "--guest-kallsyms", "kallsyms"), (2, "--outliers", "10"), (4, "--outliers", "100"),
                         (2, "--interval", "1s")):
        figures = [took(made, *args) for _ in range(2)]
        assert min(seconds for seconds, _ in figures) <= times * plain, args
        assert max(memory for _, memory in figures) < MEMORY, args
