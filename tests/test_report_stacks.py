# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e stack: stacks of several kinds, samples, names."""
import json
import pathlib
import re
import shutil
import subprocess

import pytest

from synthetic import KVMW, META, START, VCPUS, VMS, Recording, one_line, kvmw, report, text_of

DATA = pathlib.Path(__file__).parent / "data"
END = START + 10 ** 9
SAMPLE_NS = 10 ** 9 // 99
EXIT, FAULT, IOCTL, VMM = 1, 3, 4, 5
KVM_CREATE_VM = 0xae01
HLT, SVM = 0x78, 2
STACKS = [{"id": 1, "frames": ["kvm_vcpu_block+0x4f [kvm]", "ksys_ioctl+0x10"]},
          {"id": 2, "frames": ["ioctl+0x3b [libc.so.6]", "main+0x4 [vmm]"]},
          {"id": 3, "frames": ["spin+0x68 [vmm]", "main+0x9 [vmm]"]}]
# time, span, vcpu, tid, cpu, kind, reason, isa, kernel, user, cmd
ROWS = ([[START + i, SAMPLE_NS, 0, 101, 0, VMM, None, None, None, 3, None] for i in range(100)] +
        [[START + 200, 5000, 0, 101, 0, IOCTL, None, None, 1, 2, KVM_CREATE_VM],
         [START + 300, 7000, 0, 101, 0, FAULT, HLT, SVM, 1, 2, None],
         [START + 400, 9000, 0, 101, 0, EXIT, HLT, SVM, 1, 2, None]])


def make(path, stacks=STACKS, rows=ROWS):
    rec = Recording(META | {"events": ["stack"]}, VMS, VCPUS)
    rec.lines[1][1]["stacks"] = stacks
    rec.lines.append(["EVENTS", "stack", rows])
    rec.end = END
    return rec.finish().write(path)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    return make(tmp_path_factory.mktemp("stacks") / "kvmw.data")


def test_a_sample_stands_for_time_on_a_cpu(several):
    row = report(several, "-e", "stack")["rows"][0]
    assert row["count"] == 100 and row["time_ns"] == 100 * SAMPLE_NS
    text = text_of(several, "-e", "stack")
    assert "Stack 1, vmm: 100 samples of 10.1ms, 1.01s on a CPU, 97.1% of all\n" \
           "  VMM    spin+0x68 [vmm]\n         main+0x9 [vmm]\n" in text
    assert "# time: duration of the event whose stack it is; of a sample: the CPU time it" in text


def test_kinds_with_the_same_stack_are_several_rows(several):
    rep = report(several, "-e", "stack", "-s", "kind,detail")
    assert {row["kind"]: row["count"] for row in rep["rows"]} == {"vmm": 100, "ioctl": 1, "fault": 1, "exit": 1}
    text = text_of(several, "-e", "stack")
    for kind in "ioctl", "fault", "exit":
        assert f", {kind}: 1 time, 1.0% of all" in text
    assert {row["kind"] for row in report(several, "-e", "stack", "-s", "kind", "--where", "kind==vmm")["rows"]} == {"vmm"}


def test_stacks_of_ioctls_by_ioctl(several):
    rep = report(several, "-e", "stack", "-s", "cmd", "--where", "kind==ioctl")
    assert [row["cmd"] for row in rep["rows"]] == ["KVM_CREATE_VM"]


def test_lines_end_without_blanks(several):
    for args in (("report", "-e", "stack"), ("report", "-e", "stack", "-s", "kind,detail"), ("script",)):
        done = kvmw(*args, "-i", several)
        assert done.returncode == 0 and done.stdout.count("\n") > 20
        assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]


PLACES = [["clock+0x1 [vdso]", "loop+0x5 [vmm]"], ["clock+0x9 [vdso]", "loop+0x7 [vmm]"],
          ["vmm+0x11", "vmm+0x50"], ["vmm+0x22", "vmm+0x50"], ["vmm+0x22", "vmm+0x60"]]


def test_a_row_is_all_stacks_of_the_same_functions(tmp_path):
    """Stacks are rows by function, not by instruction; unnamed callers are distinguished by
    address."""
    path = make(tmp_path / "f", [{"id": 1 + i, "frames": frames} for i, frames in enumerate(PLACES)],
                [row[:9] + [1 + i % 5, None] for i, row in enumerate(ROWS[:50])])
    text = text_of(path, "-e", "stack")
    assert re.findall(r"^(\S.*?) +(\d+) +[1-9]\d\.0 ", text, re.M) == [
        ("clock [vdso] < loop [vmm]", "20"), ("vmm < vmm+0x50", "20"), ("vmm < vmm+0x60", "10")]
    assert "Stack 1, vmm: 20 samples" in text and "  VMM    clock+0x1 [vdso]\n" in text
    assert "all stacks of the same functions" in text
    text = text_of(path, "-e", "stack", "-v")
    assert text.count(", vmm: 10 samples") == 5 and "all stacks of the same functions" not in text
    rows = report(path, "-e", "stack")["rows"]
    assert {row["detail"] for row in rows} == {" < ".join(frames) for frames in PLACES}


def test_the_function_that_stacks_end_in(several):
    """The function that a stack ends in is the kernel's if the thread was there. Needs no guest
    symbols."""
    for more in ((), ("-e", "stack")):
        assert [(row["symbol"], row["count"]) for row in report(several, "-s", "sym", *more)["rows"]] == [
            ("spin [vmm]", 100), ("kvm_vcpu_block [kvm]", 3)]
    path = DATA / "svm-families.kvmw"
    assert re.search(r"^exit_to_user_mode_prepare +6 .*\n(.*\n)?mutex_lock_killable +1 ", text_of(path, "-e", "stack", "-s", "sym"), re.M)
    done = kvmw("report", "-i", path, "-e", "stack", "-s", "rip")
    one_line(done, 1, "no key 'rip', but", "sym")


NAMES = {"_ZN3vmm4Disk4readEv+0x10 [vmm]": "vmm::Disk::read+0x10 [vmm]",
         "_ZN3vmm5block4read17h0123456789abcdefE+0x4 [firecracker]": "vmm::block::read+0x4 [firecracker]",
         "_RNvCs1234_3vmm4main+0x4 [firecracker]": "vmm::main+0x4 [firecracker]", "_Zq+0x1": "_Zq+0x1"}


def test_functions_are_called_what_they_are_in_their_language(tmp_path):
    path = make(tmp_path / "f", [{"id": 3, "frames": list(NAMES)}], ROWS[:1])
    for option, names in ((), NAMES.values()), (("--no-demangle",), NAMES):
        assert report(path, "-e", "stack", *option)["stacks"][0]["user"] == list(names)
        row, = kvmw("script", "-i", path, "--json", *option).stdout.splitlines()
        assert json.loads(row)["user_stack"] == list(names)


def test_a_name_may_keep_nobody_busy(tmp_path):
    """A mangled name of 10 letters can declare 62^10 lifetimes: demangling ends there, for later
    names too."""
    endless, before, after = "_RMIC1aFGzzzzzzzzzz_EuEu+0x1 [vmm]", "_ZN3vmm4readEv+0x1", "_ZN3vmm5writeEv+0x1"
    path = make(tmp_path / "f", [{"id": 3, "frames": [before, endless, after, before]}], ROWS[:1])
    done = kvmw("report", "-i", path, "-e", "stack", "--json")
    assert json.loads(done.stdout)["stacks"][0]["user"] == ["vmm::read+0x1", endless, after, "vmm::read+0x1"]
    assert done.returncode == 0 and done.stderr.count("\n") == 1 and "no time is left to demangle" in done.stderr
    # Commands that show no stacks demangle nothing.
    cut = tmp_path / "cut"
    for args in (("info",), ("top", "--batch"), ("cut", "-o", cut)):
        done = kvmw(*args, "-i", path)
        assert "demangle" not in done.stderr


def test_names_that_differ_only_in_their_symbols_are_one_row(tmp_path):
    """The constructors of an object, and of a base of another one, are one row."""
    stacks = [{"id": i, "frames": [f"_ZN4DiskC{i}Ev+0x10 [vmm]"]} for i in (1, 2)]
    path = make(tmp_path / "f", stacks, [row[:9] + [1 + i % 2, None] for i, row in enumerate(ROWS[:10])])
    assert [row["count"] for row in report(path, "-e", "stack")["rows"]] == [10]
    assert [row["count"] for row in report(path, "-e", "stack", "--no-demangle")["rows"]] == [5, 5]


# Known only by its build id.

@pytest.fixture(scope="module")
def vmm():
    """A program, its build id, and the address of its function spin()."""
    program = pathlib.Path(KVMW).parent / "obj/tests/vmm"
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout
    names = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    return (program, re.search(r"Build ID: (\w+)", notes)[1],
            int(re.search(r"^(\w+) t spin$", names, re.MULTILINE)[1], 16))


def by_id(place, build_id, program):
    path = place / ".build-id" / build_id[:2] / f"{build_id[2:]}.debug"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, path)
    return place


def user_of(path, *args, env=()):
    done = kvmw("report", "-i", path, "-e", "stack", "--json", *args, env=env)
    assert done.returncode == 0
    return json.loads(done.stdout)["stacks"][0]["user"], done.stderr


def test_names_by_build_id(tmp_path, vmm):
    program, build_id, spin = vmm
    other = "0" * len(build_id)
    frames = ["vmm+0x1234", "libc.so.6+0x10", "main+0x1", "vmm+0x7"]
    lost = [[0, build_id, spin + 8], [1, other, spin], [3, build_id, 0]]
    path = make(tmp_path / "f", [{"id": 3, "frames": frames, "lost": lost}], ROWS[:1])
    place = by_id(tmp_path / "debug", build_id, program)
    by_id(place, other, program)     # not the file that its name says
    assert user_of(path) == (frames, "")
    named = ["spin+0x8 [vmm]", *frames[1:]]
    assert user_of(path, "--debug-dir", place) == (named, "")
    assert user_of(path, "--debug-dir", tmp_path) == (frames, "")
    row, = kvmw("script", "-i", path, "--json", "--debug-dir", place).stdout.splitlines()
    assert json.loads(row)["user_stack"] == named
    one_line(kvmw("report", "-i", path, "--debug-dir", tmp_path / "none"), 1, "--debug-dir", "No such file")


def test_names_of_servers(tmp_path, vmm):
    """Names from servers: debuginfod-find is asked once for each build id, and for nothing else."""
    program, build_id, spin = vmm
    other = "ab" * 20
    frames, lost = ["vmm+0x1", "vmm+0x2", "x+0x3"], [[0, build_id, spin], [1, build_id, spin + 4], [2, other, 5]]
    path = make(tmp_path / "f", [{"id": 3, "frames": frames, "lost": lost}], ROWS[:1])
    one_line(kvmw("report", "-i", path, "--debuginfod", env={"DEBUGINFOD_URLS": ""}), 1, "DEBUGINFOD_URLS names no server")
    find = tmp_path / "debuginfod-find"
    find.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\n[ "$2" = {build_id} ] && echo {program}\n')
    find.chmod(0o755)
    env = {"DEBUGINFOD_URLS": "http://127.0.0.1:9", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert user_of(path, "--debuginfod", env=env) == (["spin+0x0 [vmm]", "spin+0x4 [vmm]", "x+0x3"], "")
    assert (tmp_path / "asked").read_text().splitlines() == [f"debuginfo {build_id}", f"debuginfo {other}"]
    find.unlink()
    found, said = user_of(path, "--debuginfod", env=env | {"PATH": "/nowhere"})
    assert found == frames and said.count("\n") == 1 and "cannot run debuginfod-find" in said


def test_servers_are_not_asked_without_end(tmp_path):
    """Each of 300 stacks has two build ids for its frame."""
    lost = [[[0, f"{i:040x}", 1], [0, f"{i + 1000:040x}", 1]] for i in range(300)]
    stacks = [{"id": 3 + i, "frames": ["vmm+0x1"], "lost": ids} for i, ids in enumerate(lost)]
    path = make(tmp_path / "f", stacks, ROWS[:1])
    for i in range(256):
        by_id(tmp_path / "debug", f"{i:040x}", __file__)
    found, said = user_of(path, "--debug-dir", tmp_path / "debug")
    assert found == ["vmm+0x1"] and said.count("\n") == 1 and "more than 256 build ids" in said
    frames = [{"id": 3, "frames": ["vmm+0x1"], "lost": sum(lost[:100], [])}]
    # All are for one frame: only the first is looked up.
    asked = tmp_path / "debuginfod-find"
    asked.write_text(f"#!/bin/sh\necho $2 >>{tmp_path}/asked\n")
    asked.chmod(0o755)
    env = {"DEBUGINFOD_URLS": "http://127.0.0.1:9", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert user_of(make(tmp_path / "g", frames, ROWS[:1]), "--debuginfod", env=env) == (["vmm+0x1"], "")
    assert (tmp_path / "asked").read_text().splitlines() == [f"{0:040x}"]


def test_no_places(tmp_path):
    """Entries that are not a frame, a build id and an address name nothing."""
    ok = "ab" * 20
    bad = [[7], [[]], [[0]], [[0, "ab", 1]], [[0, "xy" * 20, 1]], [[-1, ok, 1]], [[1, ok, 1]], [[2 ** 63 - 1, ok, 1]],
           [[0, "ab" * 65, 1]], [[0, "aba", 1]], [[0, ok, "1"]], [["0", ok, 1]], {}, [None], "lost", None, []]
    stacks = [{"id": 10 + i, "frames": [f"vmm+{i:#x}"], "lost": lost} for i, lost in enumerate(bad)]
    rows = [ROWS[0][:9] + [stack["id"], None] for stack in stacks]
    rep = report(make(tmp_path / "f", stacks, rows), "-e", "stack", "--debug-dir", tmp_path)
    assert sorted(stack["user"] for stack in rep["stacks"]) == sorted(stack["frames"] for stack in stacks)


def test_scrub_removes_build_ids(tmp_path, vmm):
    program, build_id, spin = vmm
    place = by_id(tmp_path / "debug", build_id, program)
    path = make(tmp_path / "f", [{"id": 3, "frames": ["vmm+0x1"], "lost": [[0, build_id, spin]]}], ROWS[:1])
    for keep, named in ([], False), (["--keep", "stacks"], True):
        done = kvmw("scrub", *keep, path, tmp_path / f"scrubbed-{named}")
        assert done.returncode == 0, done.stderr
        assert (user_of(tmp_path / f"scrubbed-{named}", "--debug-dir", place)[0] == ["spin+0x0 [vmm]"]) == named


def test_words_of_stack():
    one_line(kvmw("record", "-a", "--stack", "vmms"), 2, "'vmms' (did you mean vmm?)",
             "exit, userspace, fault, ioctl, vmm")


def test_only_notes_on_the_event_shown(tmp_path):
    rec = Recording(META | {"events": ["exit", "irq"], "notes": ["irq: no kind set_up", "exit: no address", "any: other"]},
                    VMS, VCPUS)
    rec.frame([(START + 1000, 100, 500, 0, HLT, 0, SVM)])
    path = rec.finish().write(tmp_path / "f")
    for args, shown in ((), [0, 1, 1]), (("-v",), [1, 1, 1]):
        text = text_of(path, *args)
        assert [text.count(note) for note in ("irq: no kind", "exit: no address", "any: other")] == shown
