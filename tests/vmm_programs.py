# SPDX-License-Identifier: GPL-2.0
"""Programs for vmm.c and options for kvmw record: known ones, and random ones."""
import collections
import functools
import os
import random
import zlib

try:
    import hypothesis
    from hypothesis import strategies as st
except ImportError:             # python3-hypothesis
    hypothesis = None

NR_RANDOM = 25                  # programs per machine in a test run
EACH = 9                        # programs in one recording, at most
SEED = os.environ.get("KVMW_SEED", "1")
if SEED == "random":
    SEED = str(random.SystemRandom().randrange(10 ** 9))
# Known hard cases, and those that failed once. (options, programs)
ALL = "-e exit,userspace"
SCENES = [
    # One vCPU, one thread: exits, returns, errors, sleep and work in the VMM.
    (ALL, "0 vm 0; 0 vcpu 0 0 0; 0 run 0 10 3; 0 imm 0 30; 0 sleep 5; 0 run 0 2 2; 0 spin 3; 0 run 0 2 0"),
    # Two threads that take each other's CPU.
    (ALL, "0 vm 0; 1 vcpu 0 0 0; 2 vcpu 1 0 1; 1 run 0 40 20 &; 2 run 1 40 20 &; 1 join; 2 join; "
          "1 sleep 2; 1 run 0 3 2"),
    # A thread that runs two vCPUs in turn.
    (ALL, "1 vm 0; 1 vcpu 0 0 0; 1 vcpu 1 0 1; 1 run 0 8 3; 1 run 1 8 3; 1 sleep 3; 1 run 1 5 3; "
          "1 run 0 2 2"),
    # A vCPU that goes from thread to thread, and back; its first thread ends.
    (ALL, "1 vm 0; 1 vcpu 0 0 0; 1 run 0 8 3; 1 sleep 2; 2 sleep 5; 2 run 0 3 3; 1 run 0 4 4; 2 imm 0 2; "
          "1 exit; 2 run 0 3 3; 1 run 0 2 2"),
    # Its first thread sleeps while the second one runs it.
    (ALL, "0 vm 0; 0 vcpu 0 0 0; 1 run 0 1 2; 1 sleep 60 &; 2 run 0 20 2; 2 sleep 40; 1 join; 1 run 0 1 2"),
    # Two VMs of one process, with vCPUs of the same number: a thread each, then one for both.
    (ALL, "1 vm 0; 1 vm 1; 1 vcpu 0 0 0; 2 vcpu 1 1 0; 1 run 0 8 3; 2 run 1 8 3; 1 run 1 4 2; 1 run 0 4 2"),
    # One thread for both.
    (ALL, "0 vm 0; 0 vcpu 0 0 0; 0 vm 1; 0 vcpu 1 1 0; 0 run 0 5 2; 0 run 1 20 2; 0 run 0 5 2; 0 run 1 5 2"),
    # One VM after the other in one process: the kernel may use the memory of the first again.
    (ALL, "1 vm 0; 1 vcpu 0 0 1; 1 run 0 8 3; 0 close 0; 1 vm 0; 1 vcpu 0 0 1; 1 run 0 8 3; 0 close 0; "
          "0 vm 0; 0 vcpu 0 0 0; 0 run 0 8 3"),
    # Killed: outside of KVM_RUN, and with a thread inside.
    (ALL, "1 vm 0; 1 vcpu 0 0 0; 2 vcpu 1 0 1; 1 run 0 8 3; 2 run 1 8 3; 1 die"),
    (ALL, "1 vm 0; 1 vcpu 0 0 0; 2 vcpu 1 0 1; 2 run 1 8 3; 1 run 0 5000 9 &; 2 spin 3; 2 die"),
    # Filters drop rows, not totals; or all of a vCPU, although its thread runs another one.
    ("-a -e exit,userspace --vcpu 1",
     "1 vm 0; 1 vcpu 0 0 0; 1 vcpu 1 0 1; 1 run 0 8 3; 1 run 1 8 3; 1 run 0 2 2; 1 imm 0 3; 1 run 1 5 3"),
    ("-e exit --reason cpuid,interrupt", "0 vm 0; 0 vcpu 0 0 0; 0 run 0 10 3; 0 sleep 2; 0 imm 0 3"),
    ("-e exit,userspace --min-duration 400us",
     "0 vm 0; 0 vcpu 0 0 0; 0 run 0 10 3; 0 sleep 2; 0 run 0 10 3; 0 spin 2; 0 run 0 2 2"),
]


# Random programs

def commands(draw, steady=False):
    """The commands of one program, each of them possible at its place.

    STEADY: one VM, each of whose vCPUs stays in a thread of its own.
    """
    vms, vcpus, text, owner = {}, {}, [], {}

    def pick(low, high):
        return draw(st.integers(low, high))

    def a_thread():
        return pick(0, 3)

    def vm(thread):
        number = pick(0, 2)
        if number not in vms and not (steady and vms):
            vms[number] = set()
            text.append(f"{thread} vm {number}")

    def vcpu(thread):
        of = draw(st.sampled_from(sorted(vms)))
        number, slot = pick(0, 3), len(vcpus)
        thread = owner[slot] = slot if steady else thread
        if number not in vms[of] and slot < 12:
            vms[of].add(number)
            vcpus[slot] = of
            text.append(f"{thread} vcpu {slot} {of} {number}")

    def usable():
        return [slot for slot, of in vcpus.items() if of is not None]

    def run(thread):
        slot = draw(st.sampled_from(usable()))
        text.append(f"{owner[slot] if steady else thread} run {slot} {pick(1, 4)} {pick(0, 4)}")

    def imm(thread):
        slot = draw(st.sampled_from(usable()))
        text.append(f"{owner[slot] if steady else thread} imm {slot} {pick(1, 3)}")

    def both(thread):
        """Two threads at a time, each with a vCPU of its own."""
        if len(usable()) > 1:
            # Thread 0 waits until its command is done.
            two, one = sorted(draw(st.lists(st.sampled_from(usable()), min_size=2, max_size=2,
                                            unique=True)))
            first, second = (owner[one], owner[two]) if steady else (thread or 3, 1 + thread % 3)
            text.append(f"{first} run {one} {pick(1, 9)} {pick(0, 30)} &")
            text.append(f"{second} run {two} {pick(1, 9)} {pick(0, 30)}")
            text.append(f"{first} join")

    def pause(thread):
        """A pause in the VMM; in another thread, the next command may come before it is over."""
        what = f"{thread} sleep {pick(0, 3)}" if draw(st.booleans()) else f"{thread} spin {pick(0, 2)}"
        text.append(what + " &" * (thread > 0 and draw(st.booleans())))

    def close(_):
        number = draw(st.sampled_from(sorted(vms)))
        text.append(f"0 close {number}")
        del vms[number]
        for slot in [slot for slot, of in vcpus.items() if of == number]:
            vcpus[slot] = None

    def end(thread):
        if thread:
            text.append(f"{thread} exit")

    vm(a_thread())
    vcpu(a_thread())
    run(a_thread())
    usual = [run] * 8 + [imm] * 2 + [both] * 2 + [vcpu] * 2 + [vm] + [end, close] * (not steady)
    usual += [pause] * 4
    for _ in range(pick(2, 14)):
        what = draw(st.sampled_from(usual))
        if what in (run, imm) and not usable():
            what = vcpu
        if what in (vcpu, close) and not vms:
            what = vm
        what(a_thread())
    if pick(0, 5) == 5:
        text.append(f"{a_thread()} die")
    return "; ".join(text)


def options(draw):
    """Options of kvmw record: events and filters that fit them."""
    events = draw(st.sampled_from(["exit,userspace"] * 3 + ["exit", "userspace"]))
    words = ["-e", events]
    if draw(st.booleans()):
        words.insert(0, "-a")
    if draw(st.integers(0, 2)) == 2:
        words += ["--vcpu", draw(st.sampled_from(["0", "1", "0-1", "0,2-3", "1-2"]))]
    if "exit" in events and draw(st.integers(0, 3)) == 3:
        words += ["--reason", draw(st.sampled_from(["cpuid", "io", "cpuid,interrupt", "io,npf"]))]
    if draw(st.integers(0, 3)) == 3:
        words += ["--min-duration", draw(st.sampled_from(["50us", "200us", "1ms", "20ms"]))]
    return " ".join(words)


def example(strategy, seed):
    """The same example for the same seed: the third, as the first is always the simplest."""
    found = []

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=3, database=None, deadline=None,
                         phases=[hypothesis.Phase.generate],
                         suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(strategy)
    def collect(one):
        found.append(one)

    collect()
    return found[-1]


@functools.cache
def random_plans(name, number=NR_RANDOM, seed=SEED, steady=False):
    """[(options, programs)] with a given number of programs, different for each name and seed."""
    first = zlib.crc32(f"{name} {seed}".encode()) << 16
    programs = [example(st.composite(commands)(steady), first + i) for i in range(number)]
    nr = -(-number // EACH)
    return [(example(st.composite(options)(), first + i), programs[i::nr]) for i in range(nr)]


def scenes():
    """[(options, programs)]"""
    found = collections.defaultdict(list)
    for options, program in SCENES:
        found[options].append(program)
    return list(found.items())


def plans(name):
    """{name: (options, programs)}: what lab/scripts/oracle.sh runs in this machine.  Machines with
    one CPU run the scenes, those with two the random programs."""
    if not name.startswith("sched-"):
        return {f"scene{i}": plan for i, plan in enumerate(scenes())}
    return {f"random{i}": plan for i, plan in enumerate(random_plans(name))} if hypothesis else {}


def shell(plans):
    """Shell commands that write the plans where oracle.sh looks for them."""
    text = "mkdir -p /plans"
    for name, (options, programs) in plans.items():
        text += f"\ncat >/plans/{name} <<'END'\n" + "\n".join([options, *programs]) + "\nEND"
    return text + "\n"
