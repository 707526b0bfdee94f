# SPDX-License-Identifier: GPL-2.0
"""JSON and CSV of the golden files match the digests in data/outputs.sha256."""
import re

import pytest

import lab_fixtures
import outputs

# Reports of an event with all keys and orders take 50 runs of kvmw, and script as many. Here each
# table and view is printed once, and everything for one recording of cycles and one of families;
# the slow tests do
# the rest.
QUICK = re.compile(r"\S+ (info|report|views)|(vmx-mixed|every-1\.1)\S+ script|svm-families\S+ report irq")


def check(chosen):
    want = {line for line in outputs.DIGESTS.read_text().splitlines() if chosen(line.split("  ", 1)[1])}
    changed = set(outputs.digests(lab_fixtures.KVMW, chosen)) ^ want
    names = sorted({line.split("  ", 1)[1] for line in changed})
    assert want and not names, "tests/compare_builds OLD NEW shows what has changed"


def test_outputs_are_frozen():
    check(QUICK.fullmatch)


@pytest.mark.slow
def test_other_outputs_are_frozen():
    check(lambda name: not QUICK.fullmatch(name))
