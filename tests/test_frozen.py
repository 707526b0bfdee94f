# SPDX-License-Identifier: GPL-2.0
"""JSON and CSV of the golden files are, byte for byte, what data/outputs.sha256 says of them."""
import re

import pytest

import lab_fixtures
import outputs

# Reports of an event, with all keys and orders, take 50 runs of kvmw, and lines of script as many: here each table and
# view once, all of one recording of cycles and one of families; the others with the slow tests.
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
