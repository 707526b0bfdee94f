# SPDX-License-Identifier: GPL-2.0
"""kvmw info."""
import json
import re

import pytest

from synthetic import META, TREE, VCPUS, VMS, Recording, kvmw


def info(path, *args, status=0):
    done = kvmw("info", "-i", path, "--json", *args)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout)


def test_info(vmx):
    inf = info(vmx.path)
    kinds = {(k["type"], k["event"]): k for k in inf["frames"]}
    assert kinds["EVENTS", "exit"]["frames"] == 5
    assert kinds["EVENTS", "exit"]["rows"] == len(vmx.exits) - len(vmx.lost)
    assert kinds["META", None]["frames"] == 2 and ("END", None) in kinds
    columns = kinds["EVENTS", "exit"]["columns"]
    assert {"time_ns", "guest_ns", "total_ns", "user_ns", "reason", "vcpu", "isa", "rip",
            "info1", "info2", "intr_info", "error_code", "halt_ns", "poll_ns", "wait_ns",
            "block_ns", "detail", "detail_kind", "detail_size", "user_reason", "exit_cpu",
            "entry_cpu", "nested", "throttled_ns", "written"} == {c["name"] for c in columns}
    stored = sum(c["stored_bytes"] for c in columns)
    assert 0 < stored < kinds["EVENTS", "exit"]["bytes"] < stored * 1.2 + 4096
    assert sum(k["bytes"] for k in inf["frames"]) < inf["bytes"]
    assert inf["bytes"] == vmx.path.stat().st_size
    assert inf["lost"] == {"exit": len(vmx.lost)}
    assert inf["index"] and inf["complete"]
    assert inf["vms"] == VMS and inf["vcpus"] == [v | {"role": None} for v in VCPUS]
    assert inf["command"] == ["kvmw", "record", "-a"]


def test_info_for_people(vmx):
    brief = kvmw("info", "-i", vmx.path).stdout
    assert re.search(r"^parameters +\d+, shown by -v$", brief, re.M) and "kvm_amd.npt" not in brief
    done = kvmw("info", "-i", vmx.path, "-v")
    assert done.returncode == 0
    text = done.stdout
    for words in ("node7, Linux 6.1.0-18-amd64 x86_64", "kvm_amd.npt=Y", "pid 100, debian12",
                  "vCPU 1, tid 102, CPU 1/KVM", "command     kvmw record -a", "damage      none",
                  f"{len(vmx.lost)} records of exit"):
        assert words in text, words
    assert re.search(r"^EVENTS +exit +5 +%d " % (len(vmx.exits) - len(vmx.lost)), text, re.M)
    assert re.search(r"^  total_ns +u64 +\d+ +\d+ +\d+\.\d+ +\S+", text, re.M)


def test_names_of_columns_are_whole():
    """Names of columns, which report and script take, are never cut."""
    path = TREE / "tests" / "data" / "every-1.1.kvmw"
    frames = json.loads(kvmw("info", "-i", path, "--json").stdout)["frames"]
    names = {c["name"] for k in frames for c in k.get("columns") or []}
    shown = set(re.findall(r"^  (\S+) +[us](?:16|32|64) ", kvmw("info", "-v", "-i", path).stdout, re.M))
    assert len(names) > 100 and names == shown


def test_info_is_as_wide_as_the_screen(tmp_path):
    words = "kvmw record -e exit,irq -o a.kvmw --".split() + ["sleep"] * 40
    path = Recording(META | {"command": words}).finish().write(tmp_path / "f")
    text = kvmw("info", "-i", path).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert " ".join(words) in " ".join(text.split())


def test_info_of_what_is_no_vcpu(tmp_path):
    vmm = {"id": 20, "vm": 0, "vcpu": None, "tid": 100, "comm": "qemu", "role": "vmm"}
    path = Recording(META, VMS, VCPUS + [vmm]).finish().write(tmp_path / "f")
    text = kvmw("info", "-i", path).stdout
    assert "\n  threads   20: non-vCPU threads, tid 100, qemu\n" in text
    assert "vCPU ?" not in text


def test_info_of_what_is_left(svm, tmp_path):
    data = svm.path.read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(data[:len(data) * 2 // 3])
    inf = info(path, status=1)
    assert not inf["index"] and not inf["finished"]
    assert inf["damage"]
    done = kvmw("info", "-i", path)
    assert done.returncode == 1 and "no END frame" in done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and f"cut off at offset {inf['damage'][0]['offset']}, the last " in lines[0]


@pytest.mark.parametrize("filters, words", [
    ({"all": True, "pids": []}, "-a"),
    ({"all": False, "pids": [4711]}, "-p 4711"),
    ({"all": False, "pids": [4711, 4712, 4800], "vcpus": [0, 1, 2, 7]}, "-p 4711-4712,4800 --vcpu 0-2,7"),
    ({"all": False, "pids": []}, "none"),
    ({"all": False, "pids": [5], "groups": ["/a.slice", "/b/c.scope"]}, "-p 5 -G /a.slice -G /b/c.scope"),
    ({"all": True, "pids": [], "excluded": [4711, 4800]}, "-a --exclude 4711,4800"),
    ({"all": True, "pids": [], "reasons": "npf,hlt", "min_ns": 1_000_000, "port": "0x3f8-0x3f8",
      "gpa": "0x1000-0x1fff", "msr": "0x6e0-0x6e0", "sample": 100},
     "-a --reason npf,hlt --min-duration 1ms --port 0x3f8 --gpa 0x1000-0x1fff --msr 0x6e0 --sample 100"),
    ({"min_ns": 2_000_000_000}, "--min-duration 2s"), ({"min_ns": 1_500_000}, "--min-duration 1500us"),
    ({"min_ns": 1}, "--min-duration 1ns"), ({"newer": 5}, "none"),
    ({"all": True, "cpu_limit": 3.0}, "-a --cpu-limit 3%"), ({"cpu_limit": 0.1}, "--cpu-limit 0.1%"),
])
def test_filters_in_the_words_of_options(tmp_path, filters, words):
    """Text shows filters as options; JSON shows them as recorded."""
    path = Recording(META | {"filters": filters}).finish().write(tmp_path / "f")
    text = re.sub(r"\n {12}", " ", kvmw("info", path).stdout)
    assert re.search(r"^filters     (.*)$", text, re.M)[1] == words
    assert info(path)["filters"] == filters


@pytest.mark.parametrize("filters", [
    {"pids": [2 ** 63 - 1, -5, "x", None, {}], "vcpus": list(range(0, 40000, 2)), "min_ns": -1},
    {"pids": "x", "all": "x", "groups": ["\x1b[2J", 5, None], "excluded": {"x": 1},
     "cpu_limit": "\x1b", "reasons": ["\x1b[2J"] * 1000, "port": 5, "gpa": "-", "msr": "-" * 5000,
     "min_ns": "x", "sample": None},
    {"port": "1" * 100 + "-" + "1" * 100, "min_ns": 0, "cpu_limit": -1e300,
     "vcpus": [2 ** 63 - 1, 2 ** 63]}])
def test_hostile_filters(tmp_path, filters):
    path = Recording(META | {"filters": filters}).finish().write(tmp_path / "f")
    text = kvmw("info", path).stdout
    assert "filters     " in text and "\x1b" not in text and len(text) < 10_000


def test_events_that_were_skipped(tmp_path):
    skipped = {"exit": "no exits here", "nested": "\x1b[2J" + "x" * 1000, "nothing": "unknown", "irq": 5}
    path = Recording(META | {"skipped": skipped}).finish().write(tmp_path / "f")
    text = kvmw("info", path).stdout
    assert "skipped     exit: no exits here\n" in text and "nested:\n            ?[2Jxxx" in text and "\x1b" not in text
    found = info(path)["skipped"]
    assert found["exit"] == "no exits here" and set(found) == {"exit", "nested"}
