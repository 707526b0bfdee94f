# SPDX-License-Identifier: GPL-2.0
"""kvmw list, as text and JSON: the parts that need neither VMs nor KVM."""
import json
import re

from synthetic import kvmw

GROUPS = ["all", "memory", "interrupts", "scheduling", "vmm"]


def listing():
    done = kvmw("list", "--json")
    assert done.returncode == 0 and done.stderr == ""
    return json.loads(done.stdout)


def text_of_list(columns):
    done = kvmw("list", env={"COLUMNS": columns})
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout


def test_json():
    found = listing()
    assert list(found) == ["schema", "vms", "hidden", "events", "groups"]
    missing = {e["name"]: e["missing"] for e in found["events"]}
    default = "userspace" if missing["exit"] and not missing["userspace"] else "exit"
    assert [e["name"] for e in found["events"] if e["default"]] == [default]
    for event in found["events"]:
        assert list(event) == ["name", "default", "doc", "runs_at", "tracepoints", "missing", "lacks"]
        assert event["doc"] and event["runs_at"]
        for point in event["tracepoints"]:
            assert list(point) == ["name", "kind", "here"] and point["kind"] >= 1
    names = [e["name"] for e in found["events"]]
    assert [g["name"] for g in found["groups"]] == GROUPS
    assert found["groups"][0]["events"] == [name for name in names if name != "stack"]
    for group in found["groups"]:
        assert group["events"] and set(group["events"]) <= set(names)


def test_text_is_as_wide_as_the_screen():
    narrow, wide = text_of_list("80"), text_of_list("200")
    assert max(map(len, narrow.splitlines())) <= 80 < max(map(len, wide.splitlines()))
    assert narrow.split() == wide.split()


def test_text_names_all():
    text, found = text_of_list("400"), listing()
    for event in found["events"]:
        default = "yes" if event["default"] else "no"
        assert re.search(rf"^{event['name']} +{default} +{re.escape(event['doc'])}\n"
                         rf" +runs at {re.escape(event['runs_at'])}$", text, re.M)
    for group in found["groups"]:
        assert re.search(rf"^{group['name']} +{', '.join(group['events'])}$", text, re.M)


def test_usage():
    done = kvmw("list", "pid")
    assert done.returncode == 2 and "takes no argument: 'pid'" in done.stderr
    assert kvmw("list", "--no-pager").returncode == 0
