# SPDX-License-Identifier: GPL-2.0
"""Every frozen output of kvmw: JSON and CSV of the golden files, and the exit status.

Used by compare_builds, which compares two builds, and by test_frozen.py, which compares this
tree's build with the digests in data/outputs.sha256.
"""
import concurrent.futures
import hashlib
import itertools
import os
import pathlib
import subprocess

DATA = pathlib.Path(__file__).resolve().parent / "data"
DIGESTS = DATA / "outputs.sha256"
GOLDEN = sorted(path.name for path in DATA.glob("*.kvmw"))
FULL = "svm-families.kvmw", "svm-tables.kvmw", "every-1.1.kvmw"      # with rows of families
CYCLES = ["exit", "userspace"]
FAMILIES = ["fault", "dirty", "irq", "halt", "sched", "ioctl", "hypercall", "timer", "mmu",
            "memslot", "nested", "stack", "kvm:kvm_pio", "sched:sched_wakeup"]
SORTS = ["reason", "detail", "user", "cpu", "vcpu", "vm", "reason,detail", "vcpu,reason", "vm,cpu"]
ORDERS = ["time", "count", "mean", "p99", "max", "key"]
SELECTIONS = [["--vcpu", "0"], ["--vcpu", "1-3"], ["--pid", "1"], ["--time", "0,0.01"],
              ["--time", "0.005,"]]
FORMATS = ["--json", "--csv"]


def reports(event):
    """Arguments of report to try on one event."""
    yield []
    for sort in SORTS:
        yield ["-s", sort]
    for order in ORDERS:
        yield ["--order", order]
    yield from SELECTIONS
    yield from (["--hist"], ["--top", "3"], ["--percent-limit", "0"], ["--percent-limit", "5"])


def groups():
    """(name, [arguments of one command]) for everything that is compared."""
    for name in GOLDEN:
        yield f"{name} info", [["info", "-i", name, "--json"]]
        for event in CYCLES + (FAMILIES if name in FULL else ["halt"]):
            yield f"{name} report {event}", [
                ["report", "-i", name, "-e", event, *args, how]
                for args, how in itertools.product(reports(event), FORMATS)]
        yield f"{name} report", [["report", "-i", name, how] for how in FORMATS]
        if name in FULL:
            yield f"{name} views", [["report", "-i", name, "-e", event, how] for event in CYCLES + FAMILIES for how in FORMATS]
        selected = [[], *SELECTIONS, ["--max-events", "20"], ["-F", "time,event,vcpu"]]
        events = CYCLES + FAMILIES if name in FULL else CYCLES
        yield f"{name} script", [
            ["script", "-i", name, *args, how]
            for args, how in itertools.product(selected + [["-e", e] for e in events], FORMATS)]


def run(kvmw, args):
    """Standard output and exit status. Messages may change their wording, so they are not
    compared."""
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
    done = subprocess.run([kvmw, *args], cwd=DATA, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120)
    return done.returncode, done.stdout


def run_all(kvmw, chosen=lambda name: True):
    """Yields (group, [(arguments, status, output)]) of all groups, or of those chosen by name."""
    kvmw = pathlib.Path(kvmw).resolve()

    def run_group(group):
        return group[0], [(args, *run(kvmw, args)) for args in group[1]]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(run_group, (group for group in groups() if chosen(group[0])))


def digest(results):
    """A digest of one group's arguments, statuses and outputs."""
    whole = hashlib.sha256()
    for args, status, output in results:
        whole.update(f"{' '.join(args)}\n{status} {len(output)}\n".encode() + output)
    return whole.hexdigest()


def digests(kvmw, chosen=lambda name: True):
    return [f"{digest(results)}  {name}" for name, results in run_all(kvmw, chosen)]
