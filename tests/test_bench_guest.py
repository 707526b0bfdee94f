# SPDX-License-Identifier: GPL-2.0
"""kvmw bench guest: it does what it was asked to, and reports it correctly.

Runs the binary that the variable KVMW names, else the tree's own. The tests that need
/dev/kvm are run in the lab by test_lab_bench.py.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

TREE = pathlib.Path(__file__).resolve().parent.parent
KVMW = os.environ.get("KVMW", str(TREE / "kvmw"))
OPS = ("cpuid", "pio", "mmio", "msr", "hlt", "touch", "vmcall", "ipi", "timer")


def needs_kvm(test):
    """The test runs on this machine's KVM if there is one, and always in the lab."""
    without = pytest.mark.skipif(not os.access("/dev/kvm", os.R_OK | os.W_OK),
                                 reason="no usable /dev/kvm here; these tests run in the lab too")
    return pytest.mark.lab(without(test))


def needs_root(test):
    return pytest.mark.lab(pytest.mark.skipif(
        os.geteuid() != 0, reason="changes /dev in a mount namespace")(test))


def bench(*args, prefix=()):
    """Runs a guest. One with interrupts may hang in the emulator (lab/qemu.py): then it is run
    again."""
    for _ in range(3):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return subprocess.run([*prefix, KVMW, "bench", "guest", *map(str, args)],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=120)
    pytest.fail("three guests stood still")


def result(*args):
    done = bench("--json", *args)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def one_line(done, status, *words):
    assert done.returncode == status
    assert done.stdout == ""
    assert done.stderr.startswith("kvmw: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


# Other KVMs refuse VMCALL, so hypercalls show nothing there.
HYPERCALLS = any(os.path.exists(f"/sys/module/{name}") for name in ("kvm_amd", "kvm_intel"))
DONE = [op for op in OPS if op != "vmcall" or HYPERCALLS]


def apic_hidden():
    """Whether the host's CPU handles accesses to the APIC itself, with or without an exit."""
    params = [pathlib.Path("/sys/module", name) for name in
              ("kvm_intel/parameters/enable_apicv", "kvm_amd/parameters/avic")]
    return any(path.exists() and path.read_text().strip() in ("Y", "1") for path in params)


def check(res, vcpus, rounds, **per_round):
    """Checks the whole object against what was asked for."""
    per = {op: per_round.get(op, 0) for op in OPS}
    each = {op: n * rounds for op, n in per.items()}
    each |= {"wrmsr": per["msr"] // 2 * rounds, "rounds": rounds}
    each["rdmsr"] = each["msr"] - each["wrmsr"]
    each |= {"ipi_taken": each["ipi"], "timer_fired": each["timer"]}
    halted = res["total"].pop("halted")
    assert halted == sum(v["halted"] for v in res["vcpu"])
    # About one for each; the manual page explains why it may differ.
    assert per["timer"] * rounds * vcpus // 2 <= halted <= 2 * per["timer"] * rounds * vcpus
    total = {key: n * vcpus for key, n in each.items()}
    refills = res["also"]["refill"]["pio"]
    warm_mmio = vcpus if per["mmio"] else 0
    faults = 4 + vcpus * (2 if per["touch"] else 1)
    pio = total["pio"] + refills + 2 * vcpus
    apic = 2 * (total["ipi"] + total["timer"])
    hlt = total["hlt"] + halted

    assert (res["vcpus"], res["per_round"], res["interrupted"]) == (vcpus, per, False)
    assert res["total"] == total
    assert res["also"] == {"setup": {"page_faults": faults, "mmio": warm_mmio, "pio": vcpus},
                           "refill": {"pio": refills}, "final": {"pio": vcpus}}
    assert res["user_exits"] == {"io": pio, "mmio": total["mmio"] + warm_mmio,
                                 "hlt": total["hlt"]}
    vmx = {"CPUID": total["cpuid"], "IO_INSTRUCTION": pio, "EPT_MISCONFIG": total["mmio"],
           "EPT_VIOLATION": total["touch"] + faults + warm_mmio, "MSR_READ": total["rdmsr"],
           "MSR_WRITE": total["wrmsr"] + apic, "HLT": hlt, "VMCALL": total["vmcall"]}
    svm = {"cpuid": total["cpuid"], "io": pio, "msr": total["msr"] + apic, "hlt": hlt,
           "npf": total["mmio"] + total["touch"] + faults + warm_mmio,
           "hypercall": total["vmcall"]}
    open_vmx, open_svm = ["INTERRUPT_WINDOW", "PREEMPTION_TIMER"], ["vintr"]
    if apic and apic_hidden():
        del vmx["MSR_WRITE"], svm["msr"]
        open_vmx = ["MSR_WRITE", *open_vmx, "APIC_WRITE", "EOI_INDUCED"]
        open_svm = ["msr", *open_svm, "avic_incomplete_ipi", "avic_unaccelerated_access"]
    elif not total["timer"]:
        open_vmx, open_svm = [], []
    assert res["not_told"] == {k: v for k, v in (("vmx", open_vmx), ("svm", open_svm)) if v}
    assert res["exits"] == {"vmx": {k: n for k, n in vmx.items() if n},
                            "svm": {k: n for k, n in svm.items() if n}}
    assert [v["id"] for v in res["vcpu"]] == list(range(vcpus))
    assert len({v["tid"] for v in res["vcpu"]}) == vcpus
    for vcpu in res["vcpu"]:
        assert {key: vcpu[key] for key in each} == each
    for key, n in res["user_exits"].items():
        assert sum(v["user_exits"][key] for v in res["vcpu"]) == n


@needs_kvm
def test_plain():
    res = result()
    check(res, 1, 1000, cpuid=4, pio=3, mmio=2, msr=2, hlt=1, touch=1)
    assert res["also"]["refill"]["pio"] == 0
    assert "dirty" not in res


@needs_kvm
@pytest.mark.parametrize("op", DONE)
def test_each_alone(op):
    check(result(f"--{op}", 7), 1, 1, **{op: 7})


@needs_kvm
def test_all_on_three_vcpus():
    counts = dict(cpuid=5, pio=4, mmio=3, msr=7, hlt=2, touch=6)
    args = [f"--{op}={n}" for op, n in counts.items()]
    check(result(*args, "--vcpus", 3, "--rounds", 50), 3, 50, **counts)


@needs_kvm
def test_all_but_hlt_on_three_vcpus():
    counts = dict(cpuid=2, pio=1, mmio=1, msr=3, touch=2, vmcall=3, ipi=4, timer=2)
    counts = {op: n for op, n in counts.items() if op in DONE}
    args = [f"--{op}={n}" for op, n in counts.items()]
    check(result(*args, "--vcpus", 3, "--rounds", 40), 3, 40, **counts)


@needs_kvm
def test_timer_delay_is_a_least_time():
    res = result("--timer", 5, "--rounds", 4, "--timer-delay", 5000)
    check(res, 1, 4, timer=5)
    assert res["timer_delay_us"] == 5000
    assert 20 * 5_000_000 <= res["elapsed_ns"]


@needs_kvm
def test_timer_that_fires_before_the_halt():
    check(result("--timer", 100, "--rounds", 5, "--timer-delay", 1), 1, 5, timer=100)


@needs_kvm
def test_more_vcpus_than_an_xapic_can_name():
    # Linux 5.10 allows 288 to a VM.
    check(result("--ipi", 2, "--timer", 1, "--vcpus", 260), 260, 1, ipi=2, timer=1)


@needs_kvm
def test_signal_ends_halted_vcpus():
    proc = subprocess.Popen([KVMW, "bench", "guest", "--json", "--rounds", "0", "--vcpus", "2",
                             "--timer", "1", "--timer-delay", "100000"],
                            stdout=subprocess.PIPE, text=True)
    wait_for_threads(proc.pid, {"vcpu0", "vcpu1"})
    # Each sleeps once a round, and now and then during its start.
    sleeps = re.compile(r"^voluntary_ctxt_switches:\s*(\d+)", re.M)
    wait_for_vcpus(proc.pid, 2, lambda vcpu: int(sleeps.search((vcpu / "status").read_text())[1]) >= 10)
    proc.send_signal(signal.SIGTERM)
    out, _ = proc.communicate(timeout=60)
    assert proc.returncode == 0
    for vcpu in json.loads(out)["vcpu"]:
        assert 0 < vcpu["timer_fired"] == vcpu["rounds"]
        assert vcpu["halted"] > 0


@needs_kvm
def test_refill_and_dirty_log():
    # 5000 pages a round, 64 MiB hold 3 rounds of them: rounds 4, 7 and 10 ask.
    res = result("--touch", 5000, "--rounds", 10, "--vcpus", 2, "--dirty-log")
    check(res, 2, 10, touch=5000)
    assert res["also"]["refill"]["pio"] == 2 * 3
    dirty = res["dirty"]
    assert dirty["pages"] == 2 * 15000
    assert [last - first + 1 for first, last in dirty["gfn_ranges"]] == [15000, 15000]
    # From 4 GiB on, a GiB for each vCPU.
    assert [first for first, _ in dirty["gfn_ranges"]] == [1 << 20, (1 << 20) + (1 << 18)]


@needs_kvm
def test_dirty_log_of_a_window_in_part():
    # The second and last window has only one round's pages.
    res = result("--touch", 9000, "--rounds", 2, "--dirty-log")
    check(res, 1, 2, touch=9000)
    assert res["also"]["refill"]["pio"] == 1
    assert res["dirty"] == {"pages": 9000, "gfn_ranges": [[1 << 20, (1 << 20) + 8999]]}


@needs_kvm
def test_vmm_delay_is_a_least_time():
    res = result("--cpuid", 50, "--pio", 5, "--mmio", 5, "--hlt", 5, "--vmm-delay", 2000)
    check(res, 1, 1, cpuid=50, pio=5, mmio=5, hlt=5)
    assert res["vmm_delay_us"] == 2000
    # 15 returns to the VMM; neither that of the set-up nor the last one waits.
    assert 15 * 2_000_000 <= res["vmm_delay_ns"] <= res["elapsed_ns"]


@needs_kvm
@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_endless_until_a_signal(sig):
    proc = subprocess.Popen([KVMW, "bench", "guest", "--json", "--rounds", "0", "--vcpus", "2",
                             "--cpuid", "2", "--pio", "1"], stdout=subprocess.PIPE, text=True)
    names = wait_for_threads(proc.pid, {"vcpu0", "vcpu1"})
    assert {"vcpu0", "vcpu1"} <= names
    # A round takes microseconds.
    wait_for_vcpus(proc.pid, 2, lambda vcpu: int((vcpu / "schedstat").read_text().split()[0]) > 20_000_000)
    proc.send_signal(sig)
    out, _ = proc.communicate(timeout=60)
    assert proc.returncode == 0
    res = json.loads(out)
    assert res["rounds"] == 0 and res["interrupted"] is False
    for vcpu in res["vcpu"]:
        assert vcpu["rounds"] > 0
        assert (vcpu["cpuid"], vcpu["pio"]) == (2 * vcpu["rounds"], vcpu["rounds"])


def wait_for_threads(pid, wanted, seconds=30):
    names = set()
    end = time.monotonic() + seconds
    while not wanted <= names and time.monotonic() < end:
        tasks = pathlib.Path(f"/proc/{pid}/task")
        names = {(task / "comm").read_text().strip() for task in tasks.iterdir()}
        time.sleep(0.01)
    return names


def wait_for_vcpus(pid, nr, done):
    """Waits until the threads of so many vCPUs have done enough, however long that takes."""
    end = time.monotonic() + 60
    vcpus = []
    while len(vcpus) < nr or not all(map(done, vcpus)):
        assert time.monotonic() < end
        time.sleep(0.01)
        vcpus = [task for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                 if (task / "comm").read_text().startswith("vcpu")]


@needs_kvm
def test_interrupted_run_is_no_success():
    proc = subprocess.Popen([KVMW, "bench", "guest", "--json", "--rounds", "1000000000",
                             "--hlt", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)
    wait_for_threads(proc.pid, {"vcpu0"})
    proc.send_signal(signal.SIGTERM)
    out, err = proc.communicate(timeout=60)
    assert proc.returncode == 1
    assert "interrupted" in err and err.count("\n") == 1
    res = json.loads(out)
    assert res["interrupted"] is True
    assert res["total"]["hlt"] == res["total"]["rounds"] < 1000000000


PTRACE_ATTACH, PTRACE_DETACH, WALL = 16, 17, 0x40000000     # linux/ptrace.h, wait.h
POLL = "7"                  # number of the system call


@needs_kvm
def test_signal_ends_a_guest_that_stands_still():
    """SIGTERM ends a guest whose vCPU is held, as if it waited for an interrupt that was lost."""
    proc = subprocess.Popen([KVMW, "bench", "guest", "--rounds", "0", "--cpuid", "1"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    tasks = pathlib.Path(f"/proc/{proc.pid}/task")
    while (tasks / str(proc.pid) / "syscall").read_text().split()[0] != POLL:
        time.sleep(0.01)
    tid, = [int(task.name) for task in tasks.iterdir()
            if (task / "comm").read_text() == "vcpu0\n"]
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    assert ptrace(PTRACE_ATTACH, tid, None, None) == 0
    os.waitpid(tid, WALL)
    proc.send_signal(signal.SIGTERM)
    assert "stood still" in proc.stderr.readline()
    assert ptrace(PTRACE_DETACH, tid, None, None) == 0
    out, err = proc.communicate(timeout=60)
    assert proc.returncode == 1 and out == err == ""


@needs_kvm
def test_table():
    done = bench("--cpuid", 30, "--mmio", 20, "--rounds", 10)
    assert done.returncode == 0 and done.stderr == ""
    rows = {row.split()[0]: row.split()[1:3] for row in done.stdout.splitlines() if row.strip()}
    assert rows["cpuid"] == ["30", "300"]
    assert rows["mmio"] == ["20", "200"]
    assert "pio" not in rows
    assert rows["final"][0] == "1"
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


@needs_kvm
def test_table_of_interrupts():
    vmcall = ["--vmcall", 2] if HYPERCALLS else []
    done = bench(*vmcall, "--ipi", 3, "--timer", 1, "--rounds", 10)
    assert done.returncode == 0 and done.stderr == ""
    rows = {row.split()[0]: row.split()[1:3] for row in done.stdout.splitlines() if row.strip()}
    assert not HYPERCALLS or rows["vmcall"] == ["2", "20"]
    assert rows["ipi"] == ["3", "30"]
    assert rows["timer"] == ["1", "10"]
    assert rows["taken"][0] == "40"
    assert int(rows["halted"][0]) >= 5
    assert "maybe some, vmx: " in done.stdout and "maybe some, svm: " in done.stdout
    assert "\n\n\n" not in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert "maybe some" not in bench("--cpuid", 2).stdout


@needs_kvm
def test_vmcall_is_refused_where_it_tells_nothing():
    if HYPERCALLS:
        check(result("--vmcall", 2), 1, 1, vmcall=2)
    else:
        one_line(bench("--vmcall", 2), 1, "--vmcall", "neither SVM nor VMX")


@needs_kvm
def test_triple_fault_with_interrupts():
    one_line(bench("--ipi", 1, "--triple-fault"), 1, "KVM_EXIT_SHUTDOWN", "triple fault")


@needs_kvm
def test_triple_fault_shows_the_registers():
    done = bench("--cpuid", 2, "--triple-fault")
    one_line(done, 1, "vCPU 0", "KVM_EXIT_SHUTDOWN", "triple fault")
    rip = re.search(r"rip=0x([0-9a-f]+)", done.stderr)
    if "after the reset" in done.stderr:    # SVM: KVM shows nothing else
        assert rip and int(rip[1], 16) == 0xfff0
    else:
        assert rip and 0x100000 <= int(rip[1], 16) < 0x101000
    assert "cr3=" in done.stderr


@needs_kvm
def test_what_the_host_cannot_give():
    one_line(bench("--vcpus", 4096, "--touch", 1), 1, "--vcpus")
    one_line(bench("--touch", 1 << 32), 1, "--touch")
    # More than this host's memory, less than its guest addresses.
    kib = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    one_line(bench("--touch", kib // 4 + 1), 1, "MiB available")


@needs_kvm
def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        done = subprocess.run([KVMW, "bench", "guest", "--json", "--hlt", "1"], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert "No space left" in done.stderr and done.stderr.count("\n") == 1


@needs_root
@pytest.mark.parametrize("change, words", [
    ("mount -t tmpfs none /dev", ["no KVM on this host", "kvm_intel"]),
    ("mount -t tmpfs none /dev && : >/dev/kvm", ["/dev/kvm is not KVM"]),
])
def test_no_kvm(change, words):
    done = bench(prefix=["unshare", "-m", "sh", "-c", f'{change} && exec "$0" "$@"'])
    one_line(done, 1, *words)


@needs_kvm
@needs_root
def test_no_permission():
    # A copy, since the other user may have no access to the tree.
    copy = shutil.copy(KVMW, "/tmp/kvmw-nobody-" + str(os.getpid()))
    try:
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /dev && mknod -m 600 /dev/kvm c 10 '
             '232 && exec setpriv --reuid 65534 --clear-groups "$0" bench guest', copy],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    finally:
        os.unlink(copy)
    one_line(done, 1, "/dev/kvm: Permission denied", "root", "group")


@pytest.mark.parametrize("args, words", [
    (["--cpuid", "x"], ["--cpuid 'x'", "must be a whole number"]),
    (["--cpuid", "-1"], ["--cpuid '-1'"]),
    (["--cpuid", ""], ["--cpuid"]),
    (["--pio", "5k"], ["--pio '5k'"]),
    (["--msr", "4294967297"], ["4294967296"]),
    (["--rounds", "99999999999999999999999"], ["--rounds"]),
    (["--vcpus", "0"], ["--vcpus '0'"]),
    (["--vmm-delay", "1e3"], ["--vmm-delay"]),
    (["--cpuid", "0"], ["nothing to do"]),
    (["--dirty-log", "--pio", "1"], ["--touch"]),
    (["--hlt", "1", "--ipi", "1"], ["--hlt", "--ipi", "--timer"]),
    (["--timer", "1", "--hlt", "1"], ["--hlt", "--ipi", "--timer"]),
    (["--timer", "1", "--timer-delay", "0"], ["--timer-delay '0'"]),
    (["--timer", "1", "--timer-delay", "1000001"], ["1000000"]),
    (["more"], ["takes no argument: 'more'", "-h"]),
])
def test_wrong_usage(args, words):
    one_line(bench(*args), 2, *words)


def test_unknown_option():
    done = bench("--bogus")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--bogus" in done.stderr


def test_unknown_workload():
    done = subprocess.run([KVMW, "bench", "gues"], capture_output=True, text=True, timeout=60)
    one_line(done, 2, "'gues'", "guest")
