# SPDX-License-Identifier: GPL-2.0
"""JSON and CSV of the golden files are, byte for byte, what data/outputs.sha256 says of them."""
import lab_fixtures
import outputs


def test_outputs_are_frozen():
    want = outputs.DIGESTS.read_text().splitlines()
    changed = set(outputs.digests(lab_fixtures.KVMW)) ^ set(want)
    names = sorted({line.split("  ", 1)[1] for line in changed})
    assert not names, "tests/compare_builds OLD NEW shows what has changed"
