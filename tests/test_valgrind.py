# SPDX-License-Identifier: GPL-2.0
"""The reader in valgrind's memcheck: it uses no uninitialized value, and leaks nothing.

The sanitizers do not find the former. Runs on golden files, and the hostile files of two unit
tests.
"""
import glob
import os
import shutil
import subprocess

import pytest

from synthetic import KVMW

TESTS = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(TESTS)
UNIT = os.path.join(os.path.dirname(KVMW), "obj", "tests", "unit")
FOUND = 99		# not an exit status of kvmw

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200),
              pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")]

# One file of each kind is enough for script, which shares its decoder with report.
GOLDEN = [(command, path) for path in sorted(glob.glob(os.path.join(TESTS, "data", "*.kvmw")))
          for command in ("report", "script", "info")
          if command == "report" or os.path.basename(path) in ("svm-cut.kvmw", "vmx-mixed.kvmw")]


def in_valgrind(*command, status=0):
    run = subprocess.run(["valgrind", "-q", "--vgdb=no", "--leak-check=full", f"--error-exitcode={FOUND}",
                          *command], capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert run.returncode == status, run.stderr
    assert "\n==" not in "\n" + run.stderr, run.stderr


@pytest.mark.parametrize("command, path", GOLDEN,
                         ids=lambda value: os.path.basename(value))
def test_golden(command, path):
    more = ["--max-events", "100"] if command == "script" else []
    in_valgrind(KVMW, command, *more, "-i", path, status=1 if "-cut" in path else 0)


@pytest.mark.parametrize("name", ("test_hostile", "test_corpus"))
def test_unit(name):
    in_valgrind(os.path.join(UNIT, name))
