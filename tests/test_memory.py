# SPDX-License-Identifier: GPL-2.0
"""Events fault, dirty, memslot and ioctl, compared with what the guest did, KVM's own dirty
bitmaps, and perf's counts of the same tracepoints."""
import collections
import json

import lab_fixtures
from lab_fixtures import NONE, boots_of, in_boots

EVENTS = {"fault": 3, "dirty": 4, "ioctl": 8, "memslot": 12}
# include/uapi/linux/kvm.h
CREATE_VM, CREATE_VCPU, RUN, SET_REGION = 0xae01, 0xae41, 0xae80, 0x4020ae46
DEV_KVM, VM, VCPU = 1, 2, 3     # fd_kind
PAGE_FAULT, FAST, ASYNC_GET, SET, SEEN = 1, 2, 5, 1, 2
RETRY, EMULATE, INVALID, FIXED, SPURIOUS, ERROR = 1, 2, 3, 4, 5, 8      # ret_pf
EFAULT, MADVISE = 14, 28
PAGE, RING_PUSH, RING_RESET = 1, 2, 3
READ, WRITE, EXEC = 1, 2, 4
PAGE_SIZE = 4096


def guest(boot):
    step = boot.step("memory")
    assert step.status == 0, step.err
    return json.loads(step.out)


def logged(did):
    """The gfns that KVM_GET_DIRTY_LOG returned to the guest's VMM."""
    return [gfn for first, last in did["dirty"]["gfn_ranges"] for gfn in range(first, last + 1)]


def rows(boot, event, name="memory", kind=None):
    found = lab_fixtures.rows(boot.path(f"{name}.kvmw"), event)
    return found if kind is None else [row for row in found if row.kind == kind]


def totals(boot, event, name="memory"):
    """The kernel's last totals of each vCPU and kind."""
    last = {(row.vcpu, row.reason): row for row in rows(boot, "total", name)
            if row.event == EVENTS[event]}
    return last.values()


def slots(boot, name="memory"):
    """{slot: its row}, the last one of each."""
    return {row.slot: row for row in rows(boot, "memslot", name)}


def holds(slot, gpa):
    return slot.gpa <= gpa < slot.gpa + slot.size


def missed_returns(boot, name):
    return lab_fixtures.missed(boot, boot.path(f"{name}.kvmw"))["ioctl returns"]


@in_boots(*boots_of("memory"))
def test_counts_are_perfs(boot):
    perf = lab_fixtures.perf_stat(boot.path("memory.perf"))
    found = collections.Counter((event, row.kind) for event in ("fault", "dirty")
                                for row in rows(boot, event))
    compared = 0
    for event in json.loads(boot.path("memory-list.json").read_text())["events"]:
        for point in event["tracepoints"] if event["name"] in ("fault", "dirty") else []:
            if point["here"]:
                assert found[event["name"], point["kind"]] == perf.get(point["name"], 0), point
                compared += point["name"] in perf
    assert compared >= 7
    assert len(rows(boot, "ioctl")) == perf["syscalls:sys_enter_ioctl"]
    for event in EVENTS:
        assert sum(row.count for row in totals(boot, event)) == len(rows(boot, event)) > 0
        assert not any(row.lost for row in totals(boot, event))


@in_boots(*boots_of("memory"))
def test_dirty_pages_are_the_log(boot):
    did = guest(boot)
    found = rows(boot, "dirty", kind=PAGE)
    assert sorted({row.gfn for row in found if row.logging == 1}) == logged(did)
    assert len(logged(did)) == did["total"]["touch"] == did["dirty"]["pages"]
    rep = lab_fixtures.report(boot.path("memory.kvmw"), "-e", "dirty")["dirty"]
    assert (rep["pages"], rep["not_observed"]) == (did["dirty"]["pages"], None)
    of = slots(boot)
    for row in found:
        slot = of[row.slot]
        assert holds(slot, row.gfn * PAGE_SIZE) and row.logging == slot.flags == (row.slot > 0)
    # Each vCPU has touched a slot of its own.
    vcpus = {v["id"]: v["vcpu"] for v in lab_fixtures.info(boot.path("memory.kvmw"))["vcpus"]}
    assert {(vcpus[row.vcpu], row.slot) for row in found if row.logging} == {(0, 1), (1, 2)}


def in_order(indices):
    """
    A push shows the ring's index at the time of tracing. If the thread is preempted just before
    (possible on 7.2), KVM marks the vCPU's steal time dirty, and both show that push's index.
    """
    return [index - (index == later) for index, later in zip(indices, indices[1:] + [None])]


def check_rings(pushed, vcpus, missed):
    """
    Each push into a vCPU's ring increases the index by one, except for MISSED ones, and the reset
    index only grows. This includes a vCPU that was halted when the recording began, into whose
    ring KVM pushes before it first enters the guest.
    """
    resets = []
    for vcpu in {row.vcpu for row in pushed}:
        mine = [row for row in pushed if row.vcpu == vcpu]
        indices = in_order([row.index for row in mine])
        assert indices == sorted(set(indices)) and indices[0] >= 1
        missed -= indices[-1] - len(indices)
        reset_to = [row.index - row.used for row in mine]
        assert reset_to[0] == 0 and reset_to == sorted(reset_to)
        resets.append(reset_to[-1])
    assert missed >= 0
    assert max(resets) > 100
    tids = {v["id"]: v["tid"] for v in vcpus if v["vcpu"] is not None}
    assert all(tids[row.vcpu] == row.tid for row in pushed)


@in_boots(*boots_of("ring"))
def test_dirty_ring(boot):
    """While a ring is in use, marked pages are the pages pushed into it, one for one."""
    assert boot.step("ring").status == 0, boot.step("ring").err
    perf = lab_fixtures.perf_stat(boot.path("ring.perf"))
    found = rows(boot, "dirty", "ring")
    of = slots(boot, "ring")
    marked = collections.Counter((row.slot, row.gfn - of[row.slot].gpa // PAGE_SIZE)
                                 for row in found if row.kind == PAGE and row.logging == 1)
    pushed = collections.Counter((row.slot, row.offset) for row in found if row.kind == RING_PUSH)
    missed = lab_fixtures.missed(boot, boot.path("ring.kvmw"))
    other = sum(((marked - pushed) + (pushed - marked)).values())
    assert other <= sum(missed.values()) and sum(pushed.values()) > 500
    kinds = collections.Counter(row.kind for row in found)
    assert kinds[RING_PUSH] == perf["kvm:kvm_dirty_ring_push"]
    assert kinds[RING_RESET] == perf["kvm:kvm_dirty_ring_reset"] > 0
    entries = [row.used for row in found if row.kind in (RING_PUSH, RING_RESET)]
    assert all(used <= 1024 for used in entries) and max(entries) > 100
    check_rings([row for row in found if row.kind == RING_PUSH],
                lab_fixtures.info(boot.path("ring.kvmw"))["vcpus"],
                missed["kvm:kvm_dirty_ring_push"])
    # QEMU turns logging on for all slots and off again, in both address spaces.
    flags = collections.defaultdict(list)
    for row in rows(boot, "memslot", "ring", SET):
        flags[row.slot].append(row.flags & 1)
    assert {0, 1 << 16} <= {slot & 1 << 16 for slot in flags}
    assert all(changes == [1, 0] for changes in flags.values())


@in_boots(*boots_of("memory"))
def test_what_is_not_logged(boot):
    assert boot.step("unlogged").status == 0, boot.step("unlogged").err
    found = rows(boot, "dirty", "unlogged")
    assert not any(row.logging for row in found)
    # 5.10 marks each page that it maps writable; later kernels do so only while logging.
    if boot.name == "bullseye":
        touched = json.loads(boot.step("unlogged").out)["total"]["touch"]
        assert len({row.gfn for row in found if row.slot == 1}) == touched == 100


@in_boots(*boots_of("memory"))
def test_slots_made_before(boot):
    assert boot.step("old-record").status == 0, boot.step("old-record").err
    seen = rows(boot, "memslot", "old")
    logging = [row for row in seen if row.slot == 1]
    assert len(logging) == 1 and {row.kind for row in seen} == {SEEN}
    assert len({row.slot for row in seen}) == len(seen)
    found = [row for row in rows(boot, "dirty", "old") if row.slot == 1]
    assert len(found) > 50 and logging[0].flags == 1
    assert all(holds(logging[0], row.gfn * PAGE_SIZE) and row.logging == 1 for row in found)


@in_boots(*boots_of("memory"))
def test_slots_of_the_beginning(boot):
    """The slots recorded at the start equal those seen later, in a VM that does not change them."""
    first = {row.slot: row for row in lab_fixtures.rows(boot.path("old.kvmw"), "slot")}
    seen = rows(boot, "memslot", "old")
    assert seen and len({(row.pid, row.vm) for row in first.values()}) == 1
    for row in seen:
        at = first[row.slot]
        assert (at.gpa, at.size, at.hva, at.flags) == (row.gpa, row.size, row.hva, row.flags)
    assert {slot: row.logging for slot, row in first.items() if slot < 2} == {0: 0, 1: 1}


@in_boots(*boots_of("memory"))
def test_slots_are_the_ioctls(boot):
    calls = [row for row in rows(boot, "ioctl") if row.cmd == SET_REGION]
    made = rows(boot, "memslot", kind=SET)
    assert [(row.time_ns, row.span_ns, row.tid, row.result) for row in made] == [
        (row.time_ns, row.span_ns, row.tid, row.result) for row in calls]
    assert [row.slot for row in made] == [0, 1, 2] and {row.result for row in made} <= {0, NONE}
    # A slot whose creation was recorded need not be listed again.
    assert not rows(boot, "memslot", kind=SEEN)
    did = guest(boot)
    first = {gfn * PAGE_SIZE for gfn, _ in did["dirty"]["gfn_ranges"]}
    assert {row.gpa for row in made if row.slot} == first
    assert {row.size for row in made if row.slot} == {did["per_round"]["touch"] * PAGE_SIZE}
    assert all(row.hva % PAGE_SIZE == 0 and 0 < row.hva < 1 << 47 for row in made)


@in_boots(*boots_of("memory"))
def test_faults_are_the_guests(boot):
    did = guest(boot)
    faults = rows(boot, "fault", kind=PAGE_FAULT)
    assert len(faults) == did["exits"][boot.isa]["npf" if boot.isa == "svm" else "EPT_VIOLATION"]
    of = slots(boot).values()
    memory = [row for row in faults if any(holds(slot, row.gpa) for slot in of)]
    touched = [row.gpa // PAGE_SIZE for row in memory if row.gpa >= 1 << 32]
    # Each page of the touched slots once, by a write.
    assert sorted(touched) == logged(did)
    assert {row.access & WRITE for row in memory if row.gpa >= 1 << 32} == {WRITE}
    assert {row.access for row in faults} >= {EXEC} and not any(row.access & ~7 for row in faults)
    # Other addresses have no memory, and nothing was mapped there.
    nowhere = [row for row in faults if row not in memory]
    told = [row for row in faults if row.span_ns != NONE]
    assert all(row.mmio == (row in nowhere) for row in told if row.span_ns)
    assert {(row.level, row.pfn) for row in nowhere} == {(NONE, NONE)}
    assert {row.level for row in memory} == {1}
    frames = [row.pfn for row in memory]
    assert len(set(frames)) == len(frames) and 0 < max(frames) < 1 << 20
    if boot.isa == "svm":
        assert len(nowhere) == did["total"]["mmio"] + did["also"]["setup"]["mmio"]


@in_boots(*boots_of("memory"))
def test_faults_have_durations(boot):
    faults = rows(boot, "fault", kind=PAGE_FAULT)
    told = [row for row in faults if row.span_ns != NONE]
    lost = [row for row in faults if row.span_ns == NONE]
    assert all(row.result == NONE for row in lost) and all(row.result < 10 for row in told)
    if boot.name != "bullseye":
        assert not lost
    else:
        # 5.10 on one CPU tracks one call at a time: the other vCPU's was under way.
        for row in lost:
            assert any(other.tid != row.tid and other.time_ns < row.time_ns < other.time_ns + other.span_ns
                       for other in told)
    # A fault ends before the thread's next one, and its mappings lie within it.
    for tid in {row.tid for row in told}:
        mine = sorted((row for row in told if row.tid == tid), key=lambda row: row.time_ns)
        for before, row in zip(mine, mine[1:]):
            assert before.time_ns + before.span_ns <= row.time_ns


@in_boots(*boots_of("memory"))
def test_faults_have_results(boot):
    """Faults on memory end with a mapping, all others with emulation."""
    of = slots(boot).values()
    for row in rows(boot, "fault", kind=PAGE_FAULT):
        memory = any(holds(slot, row.gpa) for slot in of)
        if row.span_ns == NONE:     # 5.10, see above
            assert row.ret_pf in (NONE, EMULATE)
        else:
            assert row.ret_pf == (FIXED if memory else EMULATE), row


def discarded(scenes):
    return [page for first, nr in scenes["ranges"] for page in range(first, first + nr)]


def sum_of(what, causes, how, thread):
    return sum(cause[what] for cause in causes if (cause["how"], cause["thread"]) == (how, thread))


@in_boots(*boots_of("memory"))
def test_memory_taken_from_the_guest(boot):
    """Taken memory: the VMM's thread "balloon" discards these ranges by madvise(), in this
    order."""
    scenes = json.loads(boot.step("results").out)
    hva = scenes["discarded"]["hva"]
    done = lab_fixtures.kvmw("script", "-i", boot.path("results.kvmw"), "-e", "mmu:invalidate", "--json")
    taken = [row for row in map(json.loads, done.stdout.splitlines())
             if hva <= row["start"] < hva + 16 * PAGE_SIZE and row["comm"] == "balloon"]
    assert [[(row["start"] - hva) // PAGE_SIZE, (row["end"] - row["start"]) // PAGE_SIZE]
            for row in taken] == scenes["ranges"]
    assert {(row["cause"], row["syscall"], row["vcpu"]) for row in taken} == {("clear", MADVISE, None)}
    assert len({row["tid"] for row in taken}) == 1
    # Its stack is freed as well, when it ends.
    causes = lab_fixtures.report(boot.path("results.kvmw"), "-e", "mmu")["memory_taken"]["causes"]
    assert [(cause["guest_count"], cause["guest_bytes"]) for cause in causes
            if (cause["how"], cause["thread"]) == ("madvise", "balloon")] == [
        (len(scenes["ranges"]), len(discarded(scenes)) * PAGE_SIZE)]
    # The sums agree.
    report = lab_fixtures.report(boot.path("results.kvmw"), "-e", "mmu")
    assert sorted((sum["how"], sum["thread"], sum["count"]) for sum in report["taken"]["causes"]) == sorted(
        (cause["how"], cause["thread"], cause["count"]) for cause in causes)
    balloon, = [sum for sum in report["taken"]["causes"] if (sum["how"], sum["thread"]) == ("madvise", "balloon")]
    assert balloon["kind"] == "vmm" and balloon["cause"] == "clear"
    assert balloon["bytes"] == sum_of("bytes", causes, "madvise", "balloon")
    assert balloon["guest_bytes"] in (None, len(discarded(scenes)) * PAGE_SIZE)
    # The resulting faults.
    refaults = lab_fixtures.report(boot.path("results.kvmw"), "-e", "fault")["page_faults"]["refaults"]
    assert [cause["count"] for cause in refaults["causes"]
            if (cause["how"], cause["thread"]) == ("madvise", "balloon")] == [len(discarded(scenes))]


@in_boots(*boots_of("memory"))
def test_results_are_those_that_the_guest_caused(boot):
    """tests/fault_vmm.c makes the guest cause each result a known number of times, at its own
    place."""
    step = boot.step("results")
    assert step.status == 0, step.err
    scenes = json.loads(step.out)
    found = collections.defaultdict(collections.Counter)
    fast = collections.defaultdict(collections.Counter)
    for row in rows(boot, "fault", "results"):
        if row.kind in (PAGE_FAULT, FAST):
            (found if row.kind == PAGE_FAULT else fast)[row.gpa // PAGE_SIZE][row.ret_pf] += 1

    def at(name, where=found):
        scene = scenes[name]
        first = scene["gpa"] // PAGE_SIZE
        return [dict(where[gfn]) for gfn in range(first, first + scene["pages"])]

    # Each page is touched, then written to while its slot is logged; once more if it was discarded.
    assert at("fixed") == [{FIXED: 3 if page in discarded(scenes) else 2} for page in range(16)]
    assert at("logged", fast) == [{FIXED: 1}] * 16
    assert at("mmio") == [{EMULATE: scenes["mmio"]["times"]}]
    times = scenes["read_only"]["times"]
    assert at("read_only") == [{FIXED: 1, EMULATE: times}]
    assert at("read_only", fast) == [{INVALID: times}]
    assert at("bad") == [{ERROR: 1}]
    assert [row.result for row in rows(boot, "fault", "results") if row.ret_pf == ERROR] == [
        2 ** 64 - EFAULT]
    fetched, = at("fetched")
    # It is mapped in the background, or by the vCPU if something else woke it.
    assert set(fetched) in ({RETRY}, {RETRY, FIXED})
    assert {row.gpa for row in rows(boot, "fault", "results") if row.kind == ASYNC_GET} == {
        scenes["fetched"]["gpa"]}
    both, = at("both")
    if boot.name == "bullseye":     # tracks one call at a time: the first vCPU's
        assert both in ({FIXED: 1, NONE: 1}, {SPURIOUS: 1, NONE: 1})
    else:
        assert both == {FIXED: 1, SPURIOUS: 1}
    # There are no others.
    sums = collections.Counter()
    found_by_report = lab_fixtures.report(boot.path("results.kvmw"), "-e", "fault")["page_faults"]
    for row in found_by_report["results"]:
        sums[row["ret_pf"]] += row["count"]
    assert sums["emulate"] == scenes["mmio"]["times"] + times
    assert (sums["retry"], sums["error"]) == (fetched[RETRY], 1)
    # Retried because the page was being fetched, not because the host took one.
    retries = found_by_report["retries"]
    assert retries["without"]["count"] == retries["count"] == fetched[RETRY]
    assert sum(sums.values()) == sum(counter.total() for counter in found.values())


@in_boots(*boots_of("memory"))
def test_ioctls(boot):
    did = guest(boot)
    calls = rows(boot, "ioctl")
    missed = [row for row in calls if row.span_ns == NONE]
    assert len(missed) <= missed_returns(boot, "memory")
    assert all((row.result == NONE) == (row in missed) for row in calls)
    by_cmd = collections.defaultdict(list)
    for row in calls:
        by_cmd[row.cmd].append(row)
    vm, = by_cmd[CREATE_VM]
    assert vm.fd_kind == DEV_KVM
    assert {row.fd for row in calls if row.fd_kind == DEV_KVM} == {vm.fd}
    vm_fds = {row.fd for row in calls if row.fd_kind == VM}
    assert len(vm_fds) == 1 and vm.result in vm_fds | {NONE}
    assert [row.arg for row in by_cmd[CREATE_VCPU]] == [0, 1]
    # Descriptors ascend; where a return was missed, the calls show which one it was.
    fds = sorted({row.fd for row in calls if row.fd_kind == VCPU})
    assert len(fds) == 2
    assert all(row.result in (fd, NONE) for row, fd in zip(by_cmd[CREATE_VCPU], fds))
    assert {row.fd_kind for row in calls} == {DEV_KVM, VM, VCPU}
    # KVM_RUN returned as often as the guest left for its VMM, without errors.
    vcpus = {v["tid"]: v for v in did["vcpu"]}
    for fd, (tid, vcpu) in zip(fds, sorted(vcpus.items(), key=lambda item: item[1]["id"])):
        runs = [row for row in by_cmd[RUN] if row.fd == fd]
        assert {row.tid for row in runs} == {tid}
        assert {row.result for row in runs if row not in missed} == {0}
        assert len(runs) == sum(vcpu["user_exits"].values())


@in_boots(*boots_of("memory"))
def test_ioctl_under_way(boot):
    """An ioctl that has not returned at the end of the recording has a row without a duration."""
    calls = rows(boot, "ioctl", "old")
    done = [row for row in calls if row.span_ns != NONE]
    assert {row.cmd for row in calls} == {RUN}
    assert 0 <= len(calls) - len(done) <= 1 + missed_returns(boot, "old")
    sums = totals(boot, "ioctl", "old")
    assert sum(row.count for row in sums) == len(calls)
    assert sum(row.done for row in sums) == len(done)
    assert sum(row.span_ns for row in sums) == sum(row.span_ns for row in done)


@in_boots(*boots_of("memory"))
def test_one_vcpu(boot):
    """--vcpu excludes the other vCPU and the VMM's own threads."""
    found = {}
    for event in EVENTS:
        step = boot.step(f"one-{event}")
        assert step.status == 0, step.err
        found[event] = rows(boot, event, f"one-{event}")
        about = lab_fixtures.info(boot.path(f"one-{event}.kvmw"))
        assert {v["vcpu"] for v in about["vcpus"]} <= {1}
    assert len({row.gfn for row in found["dirty"] if row.logging}) == 30
    assert sum(row.kind == PAGE_FAULT for row in found["fault"]) >= 30
    # Another thread sets the slots.
    assert not [row for row in found["memslot"] if row.kind == SET]
    did = json.loads(boot.step("one-ioctl").out)
    runs = sum(did["vcpu"][1]["user_exits"].values())
    assert {row.cmd for row in found["ioctl"]} == {RUN}
    assert len(found["ioctl"]) == runs
