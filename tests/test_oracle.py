# SPDX-License-Identifier: GPL-2.0
"""Every row and total of exit and userspace, for known and random programs of vmm.c, compared with
a trace of the same run (README: The oracle)."""
import pytest

import lab_fixtures
import oracle_lab
import vmm_programs
from lab_fixtures import boots_of, in_boots


def check(boot, kind):
    options = lab_fixtures.BOOTS[boot.name][1]
    where = f"--kernel {options[1]} --smp {options[3] if '--smp' in options else 1}"
    plans = vmm_programs.plans(boot.name)
    names = [name for name in plans if name.startswith(kind)]
    whole = [name for name in names if oracle_lab.complete(boot.out, name)]
    assert names and (whole == names or "sid" in boot.name)
    texts = [text for name in whole
             for text in oracle_lab.failures(boot.out, name, plans[name], where)]
    assert not texts, "\n".join([f"KVMW_SEED={vmm_programs.SEED}", *texts])


@in_boots(*(name for name in boots_of("oracle") if not name.startswith("sched-")))
def test_scenes(boot):
    check(boot, "scene")


@pytest.mark.skipif(not vmm_programs.hypothesis, reason="needs python3-hypothesis")
@in_boots(*(name for name in boots_of("oracle") if name.startswith("sched-")))
def test_random_programs(boot):
    check(boot, "random")


@pytest.mark.skipif(not vmm_programs.hypothesis, reason="needs python3-hypothesis")
@pytest.mark.parametrize("steady", [False, True])
def test_random_programs_are_possible(steady):
    """Random programs are possible, and the same for the same seed."""
    make = vmm_programs.random_plans.__wrapped__
    found = [program for _, programs in make("here", 12, "5", steady) for program in programs]
    assert len(found) == 12 and len(set(found)) > 9
    for program in found:
        assert oracle_lab.possible(program), program
        threads = {}
        for words in (text.split() for text in program.split(";")) if steady else ():
            if words[1] in ("run", "imm"):
                assert threads.setdefault(words[2], words[0]) == words[0], program
    assert make("here", 3, "5", steady) == make("here", 3, "5", steady)
    assert make("here", 3, "5", steady) != make("here", 3, "6", steady)
    assert make("here", 3, "5", steady) != make("there", 3, "5", steady)


def test_shorter_programs():
    program = "0 vm 0; 0 vcpu 0 0 1; 1 run 0 4 9; 0 sleep 3"
    tries = [text for text in oracle_lab.shorter(program) if oracle_lab.possible(text)]
    assert set(tries) == {"0 vm 0; 0 vcpu 0 0 1; 1 run 0 4 9",
                          "0 vm 0; 0 vcpu 0 0 1; 1 run 0 2 4; 0 sleep 3"}
    for bad in ("0 vm 0", "0 vm 0; 0 vcpu 0 0 0", "0 vcpu 0 0 1", "0 vm 0; 0 vcpu 0 0 0; 1 run 0 1 1 &",
                "0 vm 0; 0 vcpu 0 0 0; 0 close 0; 0 run 0 1 1"):
        assert not oracle_lab.possible(bad), bad


def test_what_a_machine_is_told():
    """A plan is a file with one program per line, unchanged."""
    text = vmm_programs.shell({"a": ("-e exit", ["0 vm 0; 1 run 0 2 3 &", "0 die"])})
    assert text.splitlines() == ["mkdir -p /plans", "cat >/plans/a <<'END'", "-e exit",
                                 "0 vm 0; 1 run 0 2 3 &", "0 die", "END"]
    assert sum(len(programs) for _, programs in vmm_programs.scenes()) == len(vmm_programs.SCENES)
