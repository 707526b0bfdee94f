# SPDX-License-Identifier: GPL-2.0
"""All JSON of kvmw has a version, addresses that survive 53 bits, and numbers or null."""
import json
import shutil
import subprocess

import pytest

from synthetic import TREE, kvmw

GOLDEN = sorted((TREE / "tests/data").glob("*.kvmw"))
FAMILIES = TREE / "tests/data/svm-families.kvmw"


def printed(*args):
    done = kvmw(*args)
    assert done.returncode in (0, 1) and done.stdout
    return done.stdout


@pytest.mark.parametrize("args", [
    ["report", FAMILIES, "--json"], ["info", FAMILIES, "--json"], ["list", "--json"]])
def test_schema_comes_first(args):
    found = json.loads(printed(*args))
    assert found["schema"] == 1 and list(found)[0] == "schema"


def objects(value):
    """All objects within a JSON value."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(child)


def check_hex(text):
    """Each NAME_hex equals NAME, and each number that a double cannot hold has one. Returns their
    number."""
    pairs = 0
    for found in objects(text):
        for name, value in found.items():
            if name.endswith("_hex"):
                number = found[name[:-len("_hex")]]
                assert value == (None if number is None else hex(number)), name
                pairs += 1
            elif isinstance(value, int) and not name.endswith("_ns") and name != "count":
                assert int(float(value)) == value or f"{name}_hex" in found, (name, value)
    return pairs


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_addresses_of_script(path):
    lines = printed("script", path, "--json").splitlines()
    # A sample of many objects with the same members.
    rows = [json.loads(line) for line in lines[::1 + len(lines) // 3000]]
    assert check_hex(rows) > 0 or path.stem == "svm-userspace"
    exits = [row for row in rows if row["event"] == "exit"]
    assert all(row["rip_hex"] == (None if row["rip"] is None else hex(row["rip"])) for row in exits)
    # CSV needs no such columns: its numbers are text.
    assert "_hex" not in printed("script", path, "--csv").split("\n")[0]


@pytest.mark.parametrize("args", [["-s", "detail"], ["-e", "fault"], ["-e", "dirty"], ["-e", "fault", "-s", "detail"]])
def test_addresses_of_report(args):
    assert check_hex(json.loads(printed("report", FAMILIES, "--json", *args))) > 0


def test_addresses_of_tracepoints():
    """Fields that the kernel prints in hex have a NAME_hex, too."""
    for line in printed("script", FAMILIES, "--json", "-e", "raw").splitlines():
        check_hex(json.loads(line))


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_what_jq_makes_of_an_address():
    """jq changes the number, but not the string."""
    path = TREE / "tests/data/svm-linux.kvmw"
    text = printed("script", path, "--json", "-e", "exit")
    row = next(row for row in map(json.loads, text.splitlines()) if row["rip"] > 1 << 63 and row["rip"] & 0x7ff)
    done = subprocess.run(["jq", "-c", "[.rip, .rip_hex]"], input=json.dumps(row), text=True,
                          capture_output=True, check=True, timeout=30)
    assert json.loads(done.stdout)[1] == hex(row["rip"])
