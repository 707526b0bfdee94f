# SPDX-License-Identifier: GPL-2.0
"""All families of events at once: on every kernel, the recorded counts equal perf's counts of the
underlying tracepoints, and the README's table has the results.

KVMW_UPDATE=1 writes that table into the README.
"""
import collections
import json
import os

import pytest

import independent_reader
import lab_fixtures
from lab_fixtures import boots_of, in_boots

README = lab_fixtures.TESTS.parent / "README.md"
BEGIN, END = "<!-- families: made by tests/test_families.py -->\n", "<!-- families end -->\n"

# Tracepoints of kinds whose programs add to the tracepoint's own fields.
BENEATH = {("exit", None): {"kvm:kvm_exit"}, ("userspace", None): {"kvm:kvm_userspace_exit"},
           ("fault", 1): {"kvm:kvm_page_fault"}, ("halt", 1): {"kvm:kvm_vcpu_wakeup"}}
FAMILIES = boots_of("families")
COLUMNS = {"families-bullseye": "5.10 AMD", "families-bookworm": "6.1 AMD",
           "families-trixie": "6.12 AMD", "families-sid": "7.2 AMD", "intel": "6.1 Intel"}


def listed(boot):
    return json.loads(boot.path("list.json").read_text())["events"]


class Totals:
    """The kernel's counts: {(event, kind): number}; kind None: all kinds."""

    def __init__(self, path):
        recording = independent_reader.Recording(path.read_bytes())
        names = {event["id"]: event["name"] for event in recording.events.values()}
        last = {}
        for frame in recording.frames:
            if frame.event and names[frame.event] == "total":
                for row in zip(*(recording.columns(frame)[name] for name in (
                        "vcpu", "event", "isa", "reason", "count", "lost"))):
                    last[row[:4]] = row[4:]
        self.count, self.lost = collections.Counter(), collections.Counter()
        for (_, event, _, kind), (count, lost) in last.items():
            for key in (kind, None):
                self.count[names[event], key] += count
                self.lost[names[event], key] += lost
        # The captured values, frame by frame.
        self.rows = collections.Counter()
        for frame in recording.frames:
            if frame.event and frame.event < 32:
                self.rows[names[frame.event]] += frame.rows


def tracepoints(boot):
    """{(event, kind): the tracepoints that this kernel has}"""
    found = collections.defaultdict(set, BENEATH)
    for event in listed(boot):
        for point in event["tracepoints"]:
            if point["here"]:
                found[event["name"], point["kind"]] |= {point["name"]}
    return found


def meta(path):
    """META: what the recorder knew at the start."""
    recording = independent_reader.Recording(path.read_bytes())
    return next(independent_reader.text(frame) for frame in recording.frames if frame.type == 2)


def counts_are_perfs(boot, name):
    perf = lab_fixtures.perf_stat(boot.path(f"{name}.perf"))
    found, beneath = Totals(boot.path(f"{name}.kvmw")), tracepoints(boot)
    recorded = meta(boot.path(f"{name}.kvmw"))["events"]
    beneath = {key: names for key, names in beneath.items() if key[0] in recorded}
    assert len(beneath) > 20
    unseen = lab_fixtures.missed(boot, boot.path(f"{name}.kvmw"))
    assert sum(unseen.values()) < sum(found.count.values()) / 50
    assert {key: found.count[key] for key in beneath} == {
        key: sum(perf[name] for name in names) for key, names in beneath.items()}


@in_boots(*FAMILIES)
def test_counts_are_perfs(boot):
    step = boot.step("families")
    assert step.status == 0, step.err
    counts_are_perfs(boot, "families")


@in_boots("families-bookworm")
def test_counts_of_many_guests_are_perfs(boot):
    """The counts of twenty guests are perf's. The last guest is killed, one ends with a triple
    fault."""
    guests = boot.path("guests").read_text().splitlines()
    assert len(guests) == 20
    assert boot.step("guests").status == 128 + 9, boot.step("guests").err
    counts_are_perfs(boot, "guests")
    vms = {vcpu["vm"] for vcpu in lab_fixtures.info(boot.path("guests.kvmw"))["vcpus"]
           if not vcpu["role"]}
    assert len(vms) == 21       # one of them has two


@in_boots(*FAMILIES)
def test_nothing_is_lost(boot):
    """With the default ring nothing is lost: every event in the totals has a row, even if
    unfinished."""
    found = Totals(boot.path("families.kvmw"))
    assert not any(found.lost.values())
    for event in found.rows:
        assert found.rows[event] == found.count[event, None], event
    about = lab_fixtures.info(boot.path("families.kvmw"))
    assert about["finished"] and not about["damage"]


@in_boots(*FAMILIES)
def test_every_family_is_there_or_says_why(boot):
    """Each family is there or says why not, and events that a busy guest always causes did
    occur."""
    found = Totals(boot.path("families.kvmw"))
    for event in listed(boot):
        if event["missing"]:
            assert not found.count[event["name"], None]
            assert len(event["missing"]) > 20
    happened = {event for event, kind in found.count if kind is None}
    often = {"exit", "fault", "irq", "halt"}
    if boot.isa == "svm":
        often |= {"userspace", "dirty", "sched", "ioctl", "timer", "mmu", "memslot"}
    assert often <= happened


@in_boots(*(name for name in FAMILIES if name != "intel"))
def test_only_what_is_asked_for_is_attached(boot):
    """With -e irq, the kernel's list of programs has only the irq family's, and those that find
    vCPUs."""
    programs = [p["name"] for p in json.loads(boot.path("progs.json").read_text()) if "name" in p]
    events = {event["name"]: [p["name"].split(":")[1][:15] for p in event["tracepoints"] if p["here"]]
              for event in listed(boot)}
    assert {p[:15] for p in programs} >= set(events["irq"])
    others = {name for event, names in events.items() if event != "irq" for name in names}
    assert not others & {p[:15] for p in programs}
    assert not [p for p in programs if "exit" in p or "switch" in p]
    attached = meta(boot.path("irq.kvmw"))["programs"]
    # These are attached only while the recorder reads them, at the start and the end.
    programs = [p for p in programs if p != "vcpu_files" and not p.startswith("vm_slots")]
    assert sorted(p[:15] for p in attached) == sorted(p[:15] for p in programs)


@in_boots(*FAMILIES)
def test_script_report_and_info_count_alike(boot):
    """script --json prints one object per line; its counts of each event equal those of report and
    info."""
    path = boot.path("families.kvmw")
    done = lab_fixtures.kvmw("script", "-i", path, "--json")
    assert done.returncode == 0, done.stderr
    counts, last = collections.Counter(), 0
    for line in done.stdout.splitlines():
        event = json.loads(line)
        counts[event["event"]] += 1
        assert event["time_ns"] >= last
        last = event["time_ns"]
    assert counts == {f["event"]: f["rows"] for f in lab_fixtures.info(path)["frames"]
                      if f["type"] == "EVENTS"} == Totals(path).rows
    for event, number in counts.items():
        rep = lab_fixtures.report(path, "-e", event)
        assert rep["recorded"] == number, event


def cell(boot, event, found):
    if event["missing"]:
        return "no"
    if event["name"] not in meta(boot.path("families.kvmw"))["events"]:
        return "not tried"
    # A script of this name makes the events that this guest does not.
    scripts, beside = lab_fixtures.BOOTS[boot.name][2], boot.path(f"{event['name']}.kvmw")
    if not found.count[event["name"], None]:
        if event["name"] not in scripts and lab_fixtures.boots_of(event["name"]):
            return "not tried"
        if not (beside.exists() and Totals(beside).count[event["name"], None]):
            return "none occurred"
    return "yes, in part" if event["lacks"] else "yes"


def table(boots):
    events = [event["name"] for event in listed(boots["families-bookworm"])]
    lines = ["| `-e` | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    cells, remarks = {}, []
    for name, column in COLUMNS.items():
        boot = boots[name]
        found = Totals(boot.path("families.kvmw"))
        for event in listed(boot):
            cells[event["name"], name] = cell(boot, event, found)
            why = event["missing"] or event["lacks"] and f"no {event['lacks']}"
            if why:
                remarks.append(f"- {column}, `{event['name']}`: {why}")
    for event in events:
        if all(cells[event, name] == "not tried" for name in COLUMNS):
            continue
        lines.append(f"| `{event}` | " + " | ".join(cells[event, name] for name in COLUMNS) + " |")
    return "\n".join(lines + ["", *remarks]) + "\n"


@pytest.mark.needs_boots(*FAMILIES)
def test_readme_has_this_table(boots):
    text = README.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    made = table(boots)
    if os.environ.get("KVMW_UPDATE"):
        README.write_text(text[:begin] + made + text[end:])
        return
    assert text[begin:end] == made, "KVMW_UPDATE=1 pytest tests/test_families.py writes it"


WRMSR, X2APIC_ICR, IPI = 10, 0x830, 5
UNKNOWN = 2**64 - 1
ICR_BITS = 0xcefff      # without reserved bits, and the bit for "being sent"


@in_boots(*FAMILIES)
def test_values_written_to_msrs(boot):
    """KVM's APIC sent each interrupt command that an exit shows, to the same target."""
    path = boot.path("families.kvmw")
    written, sent = collections.Counter(), collections.Counter()
    for row in lab_fixtures.rows(path, "exit"):
        assert (row.written != UNKNOWN) == (row.detail_kind == WRMSR)
        if row.detail_kind == WRMSR and row.detail == X2APIC_ICR:
            written[row.vcpu, row.written & ICR_BITS, row.written >> 32] += 1
    for row in lab_fixtures.rows(path, "irq"):
        if row.kind == IPI:
            sent[row.vcpu, row.data & ICR_BITS, row.dest] += 1
    assert sum(written.values()) > 10 and not written - sent
