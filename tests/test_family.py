# SPDX-License-Identifier: GPL-2.0
"""A family is one entry: a copy of the tree with one more family knows it everywhere.

It is added as HACKING.md says: an entry, fields and kinds in util/events.h, tracepoints in
bpf_skel/points.h, and a .bpf.c; no other line is changed.
"""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from lanes import LAB
from synthetic import META, START, TREE, VCPUS, VMS, kvmw, one_line

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ID = 16
ENTRY = r"""
	EVENT(DUMMY, dummy, 16, FAMILY,					\
	      "accesses made up by a test",				\
	      .groups = IN(MEMORY), .cost = "each access", .singular = "made-up access", .plural = "made-up accesses", \
	      .detail = "port", .detail_title = "the port", .sort = "reason,detail") \
"""
FIELDS = r"""
#define KVMW_FIELDS_dummy(FIELD, S)					\
	KVMW_HEAD(FIELD, S, "how long it took")				\
	FIELD(S, u64, port, "hex", NUMBER, DICT, "kind", "port that was accessed") \
	FIELD(S, s64, error, "errno", NUMBER, DICT, "kind", "what came of it")
#define KVMW_KINDS_dummy(KIND, S)					\
	KIND(S, ACCESS, access, 1, "a port was accessed")		\
	KIND(S, SMM, smm, 2, "system-management mode was entered or left")

"""
POINTS = r"""
	POINT(dummy, ACCESS, kvm, kvm_pio, "port=port")			\
	POINT(dummy, SMM, kvm, kvm_smm_transition, "")			\
"""
PROGRAM = """// SPDX-License-Identifier: GPL-2.0
#include "point.bpf.h"

POINT_PROGRAM(KVMW_EVENT_DUMMY, dummy, ACCESS, kvm, kvm_pio)
POINT_PROGRAM(KVMW_EVENT_DUMMY, dummy, SMM, kvm, kvm_smm_transition)

char LICENSE[] SEC("license") __weak = "GPL";
"""
UNIT = """// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/capture/events_option.h"

static void test_e(void **state)
{
	struct event_choice one = { 0 }, all = { 0 }, group = { 0 };

	assert_int_equal(events_option__parse(&one, "dummy"), 0);
	assert_int_equal(one.events, BIT(KVMW_EVENT_DUMMY));
	assert_int_equal(events_option__parse(&all, "all"), 0);
	assert_true(all.events & BIT(KVMW_EVENT_DUMMY));
	assert_int_equal(events_option__parse(&group, "memory"), 0);
	assert_true(group.events & BIT(KVMW_EVENT_DUMMY));
	assert_false(events_option__defaults() & BIT(KVMW_EVENT_DUMMY));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_e) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
"""


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


def add(path, before, text):
    """Inserts TEXT before the first line that begins with BEFORE."""
    old = path.read_text()
    at = old.index("\n" + before) + 1
    path.write_text(old[:at] + text[1:] + old[at:])


def copy_of_the_tree(to):
    if not shutil.which("git") or not (TREE / ".git").exists():
        pytest.skip("git lists what belongs to the tree")
    # The suite may run as root in another user's tree.
    done = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
                           "--exclude-standard"], cwd=TREE, capture_output=True, text=True, check=True)
    for name in done.stdout.split("\0"):
        if name and (TREE / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TREE / name, to / name)


class Build:
    def __init__(self, top):
        self.tree, self.out = top / "tree", top / "out"
        self.kvmw = self.out / "kvmw"
        copy_of_the_tree(self.tree)
        add(self.tree / "util/events.h", "\tEVENT(TOTAL, ", ENTRY)
        add(self.tree / "util/events.h", "#define KVMW_KINDS_exit(", FIELDS)
        add(self.tree / "bpf_skel/points.h", "\tPOINT(fault, ", POINTS)
        (self.tree / "bpf_skel/dummy.bpf.c").write_text(PROGRAM)
        (self.tree / "tests/unit/test_dummy.c").write_text(UNIT)
        self.make("all", f"{self.out}/obj/tests/make_recording")

    def make(self, *targets):
        """Builds without optimization, in less than half the time."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
        jobs = len(os.sched_getaffinity(0))
        done = subprocess.run(["make", f"-j{jobs}", f"O={self.out}",
                               "CFLAGS=-O0 -Wno-format-truncation", *targets], cwd=self.tree,
                              env=env, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, *args, status=0):
        done = subprocess.run([self.kvmw, *map(str, args)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stderr
        return done.stdout if not status else done.stderr

    def json(self, *args):
        return json.loads(self.run(*args))


@pytest.fixture(scope="module")
def dummy(tmp_path_factory):
    return Build(tmp_path_factory.mktemp("family"))


# time_ns, span_ns, vcpu, tid, cpu, kind, port, error
ROWS = [[START + 1000, 500, 0, 101, 0, 1, 0x3f8, 0],
        [START + 2000, 700, 0, 101, 1, 1, 0x60, -22],
        [START + 3000, 900, 1, 102, 1, 1, 0x3f8, 0],
        [START + 4000, None, 0, 101, 0, 2, None, None]]
# vcpu, event, isa, reason, count, done, lost, gap_ns, span_ns
TOTALS = [[0, ID, 0, 1, 2, 2, 0, 0, 1200], [1, ID, 0, 1, 2, 2, 1, 0, 1500],
          [0, ID, 0, 2, 1, 0, 0, 0, 0]]


@pytest.fixture(scope="module")
def recording(dummy, tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "dummy.kvmw"
    lines = [["META", META | {"events": ["dummy"]}], ["IDENT", {"vms": VMS, "vcpus": VCPUS}],
             ["EVENTS", "dummy", ROWS],
             # No event has these numbers, but a damaged or hostile file may contain them.
             ["LOSS", "loss", [[1, ID, 1, START, START + 9], [1, 31, 7, START, START + 9],
                               [1, 32, 1, START, START + 9], [1, 2**32 - 1, 1, START, START + 9]]],
             ["STATS", "total", TOTALS],
             ["META", {"stop": {"time_ns": START + 9000, "why": "command ended"}}], ["FINISH"]]
    subprocess.run([dummy.out / "obj/tests/make_recording", path], text=True, check=True, timeout=60,
                   input="".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_list(dummy):
    found = dummy.json("list", "--json")
    event = next(e for e in found["events"] if e["name"] == "dummy")
    assert found["events"][-1] == event and event["default"] is False
    assert event["doc"] == "accesses made up by a test" and event["runs_at"] == "each access"
    assert [(p["name"], p["kind"]) for p in event["tracepoints"]] == [("kvm:kvm_pio", 1),
                                                                     ("kvm:kvm_smm_transition", 2)]
    groups = {g["name"]: g["events"] for g in found["groups"]}
    assert [name for name in groups if "dummy" in groups[name]] == ["all", "memory"]
    assert "\ndummy      no       accesses made up by a test\n" in dummy.run("list")


def test_record_knows_its_name(dummy):
    """record accepts it with -e. Only the option is tested, as recording takes root and KVM."""
    dummy.make(*(f"{dummy.out}/obj/tests/unit/test_{name}.run" for name in ("dummy", "provider")))
    said = dummy.run("record", "-e", "dumy", "-a", status=2)
    assert "did you mean dummy?" in said and "stack, dummy, all" in said


def test_report(dummy, recording):
    found = dummy.json("report", "-i", recording, "--json", "-e", "dummy", "-s", "reason")
    rows = {row["kind"]: row for row in found["rows"]}
    assert {name: rows[name]["count"] for name in rows} == {"access": 4, "smm": 1}
    assert rows["access"]["time_ns"] == 2700 and rows["access"]["max_ns"] == 900
    assert (found["event"], found["lost"], found["recorded"]) == ("dummy", 1, 4)
    text = dummy.run("report", "-i", recording, "-e", "dummy")
    assert re.search("^what +the port +count ", text, re.M) and "made-up accesses" in text
    assert re.search("^access 0x3f8 +2 ", text, re.M)
    # It is the only family in the recording.
    assert dummy.run("report", "-i", recording) == text
    assert "stack, raw, dummy, " in dummy.run("report", "-i", recording, "-e", "dumy", status=2)


def test_script(dummy, recording):
    lines = dummy.run("script", "-i", recording).splitlines()
    assert len(lines) == 4 and "dummy:access:" in lines[0] and "port=0x3f8" in lines[0]
    rows = json_lines(dummy.run("script", "-i", recording, "--json", "-e", "dummy:smm"))
    assert [(row["event"], row["kind"], row["port"]) for row in rows] == [("dummy", "smm", None)]
    rows = list(csv.DictReader(io.StringIO(dummy.run("script", "-i", recording, "--csv"))))
    assert [row["error"] for row in rows] == ["0", "-22", "0", ""]


def test_info(dummy, recording):
    found = dummy.json("info", "-i", recording, "--json")
    assert found["events"] == ["dummy"] and found["lost"] == {"dummy": 1}
    frames = next(f for f in found["frames"] if f["event"] == "dummy")
    assert frames["rows"] == 4 and [c["name"] for c in frames["columns"]][-2:] == ["port", "error"]
    assert "1 records of dummy" in dummy.run("info", "-i", recording)


def test_format_page(dummy):
    """test_format.py adds the family's tables to the format page, and then finds them all."""
    for update in {"KVMW_UPDATE": "1"}, {}:
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                               "tests/test_format.py", "-k", "page_names_the_events"],
                              env=os.environ | {"KVMW": str(dummy.kvmw)} | update,
                              cwd=dummy.tree, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
    page = (dummy.tree / "Documentation/kvmw.data-file-format.txt").read_text()
    assert f"\nEvent {ID}, `dummy`: accesses made up by a test.\n\n  Field  Name " in page
    assert re.search(r"\n  6 +port +u64 +hex +port that was accessed\n", page)
    assert re.search(r"\n  1 +access +a port was accessed\n", page)


def test_a_kvmw_without_it_reads_its_rows(recording):
    """A kvmw without the family reads its rows, like those of any event of a newer version."""
    done = kvmw("script", "-i", recording, "--json")
    assert done.returncode == 0, done.stderr
    rows = [(row["event"], row["kind"]) for row in json_lines(done.stdout)]
    assert rows == 3 * [("dummy", "access")] + [("dummy", "smm")]
    one_line(kvmw("report", "-i", recording, "-e", "dummy"), 2, "unknown event 'dummy'")


@pytest.mark.lab
def test_recorded(dummy, tmp_path):
    """Records the ports of a real guest, the built-in one."""
    guest = "kvmw bench guest --rounds 3 >/dev/null"
    done = subprocess.run(
        [LAB, "run", "--kvmw", dummy.kvmw, "--out", tmp_path, "--timeout", "300", "--",
         f"kvmw record -o /out/one.kvmw -e dummy -- {guest} && "
         f"kvmw record -o /out/all.kvmw -e all -- {guest} && kvmw list --json >/out/list.json"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    for name, events in ("one.kvmw", ["dummy"]), ("all.kvmw", None):
        found = dummy.json("info", "-i", tmp_path / name, "--json")
        assert found["events"] == events or "dummy" in found["events"] and len(found["events"]) > 10
        rows = json_lines(dummy.run("script", "-i", tmp_path / name, "--json", "-e", "dummy"))
        assert rows and {row["kind"] for row in rows} == {"access"}
        assert all(0 < row["port"] <= 0xffff for row in rows)
    listed = json.loads((tmp_path / "list.json").read_text())["events"][-1]
    assert listed["name"] == "dummy" and listed["tracepoints"][0]["here"]
