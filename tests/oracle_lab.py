#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run programs of vmm.c in the lab and check what kvmw records of them.

    oracle_lab.py random [-n NUMBER] [--seed SEED] [--steady]
    oracle_lab.py run    OPTIONS PROGRAM...
    oracle_lab.py shrink OPTIONS PROGRAM

random makes programs; with --steady, each vCPU stays in a thread of its own. run runs those given.
shrink removes commands from a failing program for as long as it fails. OPTIONS are those of kvmw
record. All take --kernel SUITE, --smp N and --out DIR; KVMW=FILE is the kvmw to test.
"""
import argparse
import collections
import json
import re
import subprocess
import sys
import tempfile

import lab_fixtures
import lanes
import oracle
import vmm_programs

IN_A_BOOT = 100             # random programs
IO, EINTR = 2, lab_fixtures.RUN_FAILED + 4


def command(options, program, where):
    return f"tests/oracle_lab.py run {where} '{options}' '{program}'"


def told(out):
    """The output of each program, or None, and its status."""
    found, said = [], None
    for line in out.splitlines():
        one = json.loads(line)
        if "status" in one:
            found.append((said, one["status"]))
            said = None
        else:
            said = one
    return found


def counts(model, process):
    """{(VM in the order of creation, vCPU): (returns for IO, for EINTR)}, as vmm.c counts them."""
    vms = [vm for vm in model.vms if vm.process is process]
    return sorted((vcpu.number, sum(back.reason() == IO for back in vcpu.returns),
                   sum(back.reason() == EINTR for back in vcpu.returns))
                  for vm in vms for vcpu in vm.vcpus)


def wrong_trace(model, process, program, said):
    """Differences between the trace and the program's own counts: then the oracle is wrong."""
    if said and "close" not in program:
        printed = sorted((v["vcpu"], v["io"], v["eintr"]) for v in said["vcpus"])
        if printed != counts(model, process):
            return f"the trace has {counts(model, process)}, the program did {printed}"
    return None


def complete(out, name):
    """From Linux 7.1 on the kernel may skip a BPF program. The recording says so, and the
    consequences are not an error of kvmw."""
    notes = oracle.Recording(out / f"oracle-{name}.kvmw").meta.get("notes", [])
    return not any(note.startswith("missed ") for note in notes)


def failures(out, name, plan, where=""):
    """What is wrong with a recording of a plan's programs: a text for each program."""
    options, programs = plan
    step = lab_fixtures.Step(out, f"oracle-{name}")
    if step.status:
        return [f"kvmw record {options} ended with {step.status}: {step.err}"]
    ran = told(step.out)
    found = oracle.compare(out / f"oracle-{name}", out / f"oracle-{name}.kvmw")
    processes = list(dict.fromkeys(vm.process for vm in found.model.vms))
    assert len(processes) == len(ran) == len(programs)
    texts = [str(difference) for difference in found.differences if difference.process not in processes]
    by_process = collections.defaultdict(list)
    for difference in found.differences:
        by_process[difference.process].append(difference.text)
    for process, program, (said, status) in zip(processes, programs, ran):
        assert status == (137 if "die" in program else 0), (program, status, step.err)
        problem = wrong_trace(found.model, process, program, said)
        own = ([problem] if problem else []) + by_process[process]
        if own:
            texts.append("\n  ".join([command(options, program, where), *own[:6],
                                      f"({len(own)} differences)"]))
    return texts


def boot(args, plans):
    """Boots one machine; returns the directory with its results."""
    out = args.out or tempfile.mkdtemp(prefix="oracle-")
    options = ["--kernel", args.kernel, "--smp", args.smp, "--out", out, "--timeout", "3600"]
    shell = vmm_programs.shell(plans) + "sh tests/lab/scripts/oracle.sh"
    done = subprocess.run([lanes.LAB, "run", "--kvmw", lanes.KVMW, *options, *lab_fixtures.ADDED,
                           "--", shell])
    if done.returncode:
        sys.exit(done.returncode)
    return lanes.pathlib.Path(out)


def check(args, plans):
    """{name of a plan: what is wrong}, only for plans that failed; and how many programs are in
    incomplete recordings."""
    out, where = boot(args, plans), f"--kernel {args.kernel} --smp {args.smp}"
    whole = {name: plan for name, plan in plans.items() if complete(out, name)}
    found = {name: failures(out, name, plan, where) for name, plan in whole.items()}
    return ({name: texts for name, texts in found.items() if texts},
            sum(len(programs) for name, (_, programs) in plans.items() if name not in whole))


def run(args):
    found, skipped = check(args, {"one": (args.options, args.program)})
    return found.get("one", []) + ["the recording is not complete, and says so"] * bool(skipped)


def run_random(args):
    found, made, skipped = [], 0, 0
    while made < args.n:
        name = f"{args.kernel} {args.smp} {made}"
        number = min(IN_A_BOOT, args.n - made)
        plans = vmm_programs.random_plans(name, number, args.seed, args.steady)
        texts, incomplete = check(args, {f"random{i}": plan for i, plan in enumerate(plans)})
        found += sum(texts.values(), [])
        made += number
        skipped += incomplete
        print(f"{made} programs, {len(found)} failed, {skipped} in incomplete recordings",
              *sum(texts.values(), []), sep="\n", flush=True)
    return found


def possible(program):
    """Whether each command has the VM, the vCPU and the thread that it needs."""
    vms, vcpus, busy, ran = set(), {}, set(), False
    for words in (text.split() for text in program.split(";")):
        thread, name, rest = words[0], words[1], [word for word in words[2:] if word != "&"]
        if name == "vm":
            vms.add(rest[0])
        elif name == "vcpu" and rest[1] in vms:
            vcpus[rest[0]] = rest[1]
        elif name == "close" and rest[0] in vms:
            vms.remove(rest[0])
            vcpus = {vcpu: vm for vcpu, vm in vcpus.items() if vm != rest[0]}
        elif name in ("vcpu", "close") or name in ("run", "imm") and rest[0] not in vcpus:
            return False
        ran |= name in ("run", "imm")
        # A command that nobody waits for may interfere with the next ones.
        if name == "run" and "&" in words:
            busy.add(thread)
        elif name == "join":
            busy.discard(thread)
    return ran and (not busy or "die" in program)


def shorter(program):
    """Variants of a program without one or two of its commands, or with fewer repetitions of
    one."""
    parts = [part.strip() for part in program.split(";")]
    for size in (len(parts) // 2, 3, 2, 1):
        for i in range(len(parts) - size + 1) if size else ():
            yield "; ".join(parts[:i] + parts[i + size:])
    for i, part in enumerate(parts):
        less = re.sub(r"^(\d+ run \d+) (\d+) (\d+)",
                      lambda m: f"{m[1]} {(int(m[2]) + 1) // 2} {int(m[3]) // 2}", part)
        if less != part:
            yield "; ".join(parts[:i] + [less] + parts[i + 1:])


def shrink(args):
    """Runs all programs that are a step shorter in one machine; continues with the shortest that
    fails."""
    (program,), found = args.program, ["nothing shorter fails"]
    while True:
        tries = list(dict.fromkeys(text for text in shorter(program) if possible(text)))
        plans = {f"{i:03}": (args.options, [text]) for i, text in enumerate(tries)}
        failed = check(args, plans)[0] if plans else {}
        if not failed:
            return found
        name = min(failed, key=lambda name: len(plans[name][1][0]))
        program, found = plans[name][1][0], failed[name]
        print(program, flush=True)


def main():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--kernel", default="bookworm")
    common.add_argument("--smp", default="1")
    common.add_argument("--out", help="keep the files of the machine in DIR", metavar="DIR")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("random", parents=[common])
    verb.add_argument("-n", type=int, default=100)
    verb.add_argument("--seed", default=vmm_programs.SEED)
    verb.add_argument("--steady", action="store_true")
    for name in ("run", "shrink"):
        verb = verbs.add_parser(name, parents=[common])
        verb.add_argument("options")
        verb.add_argument("program", nargs="+")
    args = parser.parse_args()
    found = {"random": run_random, "run": run, "shrink": shrink}[args.verb](args)
    if args.verb != "random":
        print("\n".join(found) or "no faults found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
