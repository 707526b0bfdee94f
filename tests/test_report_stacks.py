# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e stack: stacks of several kinds, samples, names."""
import json

import pytest

from synthetic import META, START, VCPUS, VMS, Recording, one_line, kvmw, report, text_of

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


NAMES = {"_ZN3vmm4Disk4readEv+0x10 [vmm]": "vmm::Disk::read+0x10 [vmm]",
         "_ZN3vmm5block4read17h0123456789abcdefE+0x4 [firecracker]": "vmm::block::read+0x4 [firecracker]",
         "_RNvCs1234_3vmm4main+0x4 [firecracker]": "vmm::main+0x4 [firecracker]", "_Zq+0x1": "_Zq+0x1"}


def test_functions_are_called_what_they_are_in_their_language(tmp_path):
    path = make(tmp_path / "f", [{"id": 3, "frames": list(NAMES)}], ROWS[:1])
    for option, names in ((), NAMES.values()), (("--no-demangle",), NAMES):
        assert report(path, "-e", "stack", *option)["stacks"][0]["user"] == list(names)
        row, = kvmw("script", "-i", path, "--json", *option).stdout.splitlines()
        assert json.loads(row)["user_stack"] == list(names)


def test_names_that_differ_only_in_their_symbols_are_one_row(tmp_path):
    """Constructors of an object, and of a part of another one."""
    stacks = [{"id": i, "frames": [f"_ZN4DiskC{i}Ev+0x10 [vmm]"]} for i in (1, 2)]
    path = make(tmp_path / "f", stacks, [row[:9] + [1 + i % 2, None] for i, row in enumerate(ROWS[:10])])
    assert [row["count"] for row in report(path, "-e", "stack")["rows"]] == [10]
    assert [row["count"] for row in report(path, "-e", "stack", "--no-demangle")["rows"]] == [5, 5]


def test_words_of_stack():
    one_line(kvmw("record", "-a", "--stack", "vmms"), 2, "'vmms' (did you mean vmm?)",
             "exit, userspace, fault, ioctl, vmm")
