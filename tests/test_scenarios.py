# SPDX-License-Identifier: GPL-2.0
"""VMs with one problem each, which is kvmw report's first finding; a VM without problems has none.
In all of them the parts of each table add up to the whole."""
import collections

import pytest

import lab_fixtures
from lab_fixtures import boots_of, in_boots

# name: the rule, and words of its sentence
ON_ALL = {
    "slow-device": ("slow-vmm", "mostly for out 0x5150"),
    "hogs": ("waiting", "other processes had it, most sh (pid "),
    "siblings": ("siblings", "other vCPUs of the same VM had it"),
    "quota": ("quota", "The quota of its cgroup, 30 ms of each 100 ms (/quota), kept vCPU 0 from running"),
    "never-halts": ("never-halts", "100% of the HLTs did not halt"),
    "ipi-storm": ("ipi-storm", "sends itself interrupts"),
    "polling": ("polling", "Halt polling took"),
    "spinning": ("spinning", "vCPU 0 probably spins"),
    "re-touch": ("memory-taken", "takes the memory away again: madvise by the VMM's thread"),
    "ksm": ("memory-taken", "takes the memory away again: KSM (ksmd)"),
    "blocked": ("open-exit", "its thread was asleep in handle_userfault"),
}
ON_6_1 = ON_ALL | {
    "timer-storm": ("timer-storm", "sets the timer of its local APIC"),
    "punched": ("memory-taken", "takes the memory away again: fallocate by process python3 (pid "),
    "first-touch": ("page-faults", "Page faults on guest memory took"),
    "small-pages": ("small-pages", "Transparent huge pages are off on the host"),
}
# Their VMs' most frequent exit reasons, in the order of scenarios-intel.sh.
ON_INTEL = {"slow-device": "IO_INSTRUCTION", "ipi-storm": "MSR_WRITE", "timer-storm": "MSR_WRITE",
            "first-touch": "EPT_VIOLATION", "never-halts": "HLT"}
LINUX = {
    "idle": None,
    "busy": None,
    "serial": ("slow-vmm", "mostly for out 0x3f8"),
    "no-ioeventfd": ("no-ioeventfd", "is probably how the guest notifies a virtio device"),
    "hpet": ("clock", "clock, the HPET, exits"),
    "pm-timer": ("clock", "clock, the ACPI PM timer, exits"),
    "migration": ("migration", "was migrating the VM"),
    "never-started": ("never-exited", "vCPU 1 never exited: the guest has probably never started it"),
}


def check(boot, name, expected):
    step = boot.step(name)
    assert step.status == 0, step.err
    rep = lab_fixtures.report(boot.path(f"{name}.kvmw"))
    if name == "spinning":
        # On a busy machine the emulated KVM takes most of the time, so the guest did not spin for
        # half of it.
        vcpu, = rep["vcpu_time"]
        if 2 * vcpu["guest_ns"] < vcpu["wall_ns"]:
            assert expected[0] not in [finding["rule"] for finding in rep["findings"]]
            return
    check_first(rep, expected)


def check_first(rep, expected):
    found = [(f["rule"], f["text"]) for f in rep["findings"]]
    if not expected:
        assert not found
        return
    rule, words = expected
    assert found and found[0][0] == rule and words in found[0][1], found


@in_boots(*(name for name in boots_of("scenarios") if name != "sched-bookworm"))
@pytest.mark.parametrize("name", ON_ALL)
def test_the_first_finding_is_the_cause(boot, name):
    check(boot, name, ON_ALL[name])


@in_boots("sched-bookworm")
@pytest.mark.parametrize("name", ON_6_1)
def test_the_first_finding_is_the_cause_on_6_1(boot, name):
    check(boot, name, ON_6_1[name])


@in_boots("intel")
@pytest.mark.parametrize("name", ON_INTEL)
def test_the_first_finding_is_the_cause_on_intel(boot, name):
    """The first finding about one VM, from its first exit to its last, is the cause."""
    assert boot.step("scenarios").status == 0, boot.step("scenarios").err
    path = boot.path("scenarios.kvmw")
    about = lab_fixtures.info(path)
    assert len(about["vms"]) == len(ON_INTEL)
    vm = about["vms"][list(ON_INTEL).index(name)]
    vcpu, = (v["id"] for v in about["vcpus"] if v["vm"] == vm["id"] and not v["role"])
    times = [row.time_ns for row in lab_fixtures.rows(path) if row.vcpu == vcpu]
    life = (f"{(time_ns - about['start_ns']) / 1e9:.9f}" for time_ns in (times[0], times[-1]))
    rep = lab_fixtures.report(path, "--vm", vm["pid"], "--time", ",".join(life))
    # The recorder writes on the only CPU; who had it is known only for the whole recording.
    rep["findings"] = [finding for finding in rep["findings"] if finding["rule"] != "waiting"]
    check_first(rep, ON_6_1[name])
    counts = lab_fixtures.counts(rep)
    assert max(counts, key=counts.get) == ON_INTEL[name]


@in_boots("linux")
@pytest.mark.parametrize("name", LINUX)
def test_of_linux(boot, name):
    check(boot, name, LINUX[name])


@in_boots("sched-bookworm")
def test_siblings_and_their_cpus(boot):
    text = lab_fixtures.report(boot.path("siblings.kvmw"))["findings"][0]["text"]
    assert text.endswith(" The VM has 3 vCPUs and may use 1 host CPU.")


PARTS = {"kvm_ns": "kvm_ns", "user_ns": "vmm_ns", "halt_ns": "halt_ns", "poll_ns": "poll_ns",
         "wait_ns": "wait_ns", "throttled_ns": "throttled_ns", "block_ns": "block_ns", "guest_ns": "guest_ns"}
OF_ANOTHER = {"poll_ns", "throttled_ns"}
REST = ["open_ns", "unseen_ns", "gone_ns"]


def near(found, expected, percent, of):
    assert abs(found - expected) <= percent / 100 * of, (found, expected)


def check_sums(path):
    """The parts of reasons, of vCPUs and of the whole are the same, and add up to all of the
    time."""
    rep = lab_fixtures.report(path)
    whole, wall = rep["whole"], rep["whole"]["wall_ns"]
    for of_row, of_vcpu in PARTS.items():
        all_rows = sum(row[of_row] or 0 for row in rep["rows"])
        all_vcpus = sum(vcpu[of_vcpu] or 0 for vcpu in rep["vcpu_time"])
        near(all_rows, whole[of_vcpu] or 0, 0.1, wall)
        near(all_vcpus, whole[of_vcpu] or 0, 0.1, wall)
    for row in rep["rows"]:
        if row["time_ns"]:
            parts = sum(row[part] for part in PARTS if part not in OF_ANOTHER and part != "guest_ns")
            near(parts, row["time_ns"], 0.1, wall)
    for vcpu in rep["vcpu_time"]:
        parts = [vcpu[part] or 0 for part in PARTS.values() if part not in OF_ANOTHER]
        parts += [vcpu.get(part) or 0 for part in REST]
        near(sum(parts), vcpu["wall_ns"], 0.1, vcpu["wall_ns"])
        near(vcpu["wall_ns"], rep["recording"]["duration_ns"], 0.1, vcpu["wall_ns"])
    near(sum(vcpu["wall_ns"] for vcpu in rep["vcpu_time"]), wall, 0.1, wall)
    return rep


def check_holders(path, rep):
    """Somebody had the CPU all the time that vCPUs waited; the last wait may be in an open exit."""
    sched = lab_fixtures.report(path, "-e", "sched")["sched"]
    held = sum(holder["time_ns"] for holder in sched["holders"])
    waited, may = sched["wait_ns"], sched["wait_ns"] + rep["whole"]["open_ns"]
    assert sched["holders_left_out"] == 0
    assert waited == rep["whole"]["wait_ns"]
    assert waited * 0.98 <= held <= may * 1.02 + 1000, (held, waited, may)
    return sched["holders"]


@in_boots(*boots_of("scenarios"), "linux")
def test_parts_add_up(boot):
    names = {"linux": LINUX, "sched-bookworm": ON_6_1}.get(boot.name, ON_ALL)
    holders = []
    for name in names:
        path = boot.path(f"{name}.kvmw")
        holders += check_holders(path, check_sums(path))
    assert sum(holder["time_ns"] for holder in holders) > 1_000_000_000
    # The command of record, which begins and ends scenarios; with two CPUs it has its own.
    assert boot.name != "linux" or "command" in {holder["kind"] for holder in holders}


def replay(events, tid, start, end):
    """{thread: time that it ran while TID was ready but had no CPU}, from the switches of that
    CPU."""
    found, ready, last, running = collections.Counter(), False, start, None
    for event in events:
        at = min(max(event.time_ns, start), end)
        if ready:
            found[running] += at - last
        last, running = at, event.f["next_pid"]
        if event.f["prev_pid"] == tid:
            # TASK_RUNNING, or the mark that it was preempted: include/trace/events/sched.h
            ready = event.f["prev_state"] == 0 or bool(event.f["prev_state"] & 0x100)
        if running == tid:
            ready = False
    if ready:
        found[running] += end - last
    return found


@in_boots(*boots_of("scenarios"))
def test_who_had_the_cpu_as_switches_tell(boot):
    """Two hogs beside a vCPU: each has the CPU for as long as a replay of all switches shows."""
    path = boot.path("hogs.kvmw")
    sched = lab_fixtures.report(path, "-e", "sched")["sched"]
    ours = collections.Counter()
    for holder in sched["holders"]:
        ours[holder["tid"]] += holder["time_ns"]
    (tid,) = {vcpu["tid"] for vcpu in lab_fixtures.report(path)["vcpu_time"]}
    found = sorted(lab_fixtures.rows(path), key=lambda row: row.time_ns)
    ended = [lab_fixtures.end_ns(row) for row in found if row.total_ns != lab_fixtures.NONE]
    switches = [event for event in lab_fixtures.perf_events(boot.path("hogs.data")) if event.cpu == 0]
    switches.sort(key=lambda event: event.time_ns)
    theirs = replay(switches, tid, found[0].time_ns, max(ended))
    # The wait of an exit that is still open at the end counts as well.
    about = lab_fixtures.info(path)
    until = about["start_ns"] + about["duration_ns"]
    most = replay(switches, tid, found[0].time_ns, until)
    assert boot.path("hogs.perf").read_text() == "" and sum(theirs.values()) > 500_000_000
    hogs = [tid for tid, _ in theirs.most_common(2)]
    for hog in hogs:
        shares = sorted([theirs[hog] / sum(theirs.values()), most[hog] / sum(most.values())])
        assert shares[0] > 0.3
        assert shares[0] * 0.95 <= ours[hog] / sum(ours.values()) <= shares[1] * 1.05
        assert theirs[hog] * 0.95 <= ours[hog] <= most[hog] * 1.05
