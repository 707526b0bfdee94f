# SPDX-License-Identifier: GPL-2.0
"""kvmw report --outliers, with causes injected by the lab."""
from lab_fixtures import boots_of, in_boots
from synthetic import report
from test_chain import check_chain, marked, rows


def chains_of(boot, name):
    """Many outliers, since a busy machine makes many exits long; compares the longest ones with all
    rows."""
    step = boot.step(name)
    assert step.status == 0, step.err
    path = boot.path(f"{name}.kvmw")
    chains = report(path, "--outliers", 1000)["outliers"]
    for chain in chains[:100]:
        check_chain(chain, path)
    return chains


@in_boots(*boots_of("chains"))
def test_a_hog_of_8_ms(boot):
    """Whenever the hog had the vCPU's CPU, the marked step is that wait, and the hog is named. As a
    thread of no VM, it is named as the one that had the CPU when the wait began and ended."""
    hog = boot.json("chain-hog.json")
    chains, named = chains_of(boot, "chain-hog"), 0
    for begin, end in hog["turns"]:
        [chain] = [c for c in chains if c["start_ns"] <= begin and c["end_ns"] and c["end_ns"] >= end]
        [wait] = [s for s in chain["steps"] if s["event"] == "sched" and s["kind"] == "in" and s["cpu"] == 0 and
                  s["time_ns"] - s["span_ns"] <= begin and s["time_ns"] >= end]
        if chain["gap"] != "wait":
            # The machine below the lab kept it waiting even longer, elsewhere in this exit.
            assert chain["parts"][chain["gap"] + "_ns"] > chain["parts"]["wait_ns"] >= end - begin
            continue
        assert marked(chain) == wait
        had = {holder["tid"]: holder for holder in chain["holders"]}
        if hog["tid"] in had:
            named += 1
            assert had[hog["tid"]]["name"] == f"hog ({hog['tid']})"
            assert had[hog["tid"]]["time_ns"] >= end - begin and not had[hog["tid"]]["certain"]
            assert f"hog ({hog['tid']}) had it when " in chain["cause"]
    # Another thread may have had the CPU just before or after it, so that the VM's threads saw only that one.
    assert named


@in_boots(*boots_of("chains"))
def test_a_delay_of_the_vmm_and_a_lock(boot):
    """The 300th KVM_EXIT_IO takes 400 ms in the VMM, waits for the CPU included; in the 600th the
    thread sleeps on a lock until the main thread wakes it. Both are outliers with these causes."""
    pid = int(boot.path("chain-vmm.pid").read_text())
    chains = {chain["start_ns"]: chain for chain in chains_of(boot, "chain-vmm")}
    ios = [row["time_ns"] for row in rows(boot.path("chain-vmm.kvmw"))
           if row["event"] == "exit" and row["reason"] == "io"]
    assert len(ios) == 900
    spin, lock = chains[ios[299]], chains[ios[599]]
    assert spin["parts"]["vmm_ns"] + spin["parts"]["wait_ns"] >= 400_000_000
    assert (spin["gap"], spin["vcpu"]) == ("vmm", 0) and "was in the VMM for" in spin["cause"]
    assert "KVM_EXIT_IO, io out 0x" in spin["cause"] and marked(spin)["role"] == "self"
    assert lock["parts"]["block_ns"] >= 300_000_000, lock
    assert (lock["gap"], marked(lock)["event"], marked(lock)["kind"]) == ("block", "sched", "wakeup")
    assert lock["cause"].endswith(f"until vmm ({pid}) woke it"), lock["cause"]
