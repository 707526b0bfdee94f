# SPDX-License-Identifier: GPL-2.0
"""What people type out of habit: -h, help, FILE; and what kvmw says if that is wrong."""
import json
import os
import shutil
import subprocess
import tempfile

import pytest

from synthetic import (KVMW, META, START, SVM, TREE, Recording, kvmw, one_line,
                       vmx_recording)
from test_pages import COMMANDS


@pytest.fixture(scope="module")
def svm(svm):
    return svm.path


# ---- help --------------------------------------------------------------------

def printed(*args, **kwargs):
    done = kvmw(*args, **kwargs)
    assert (done.returncode, done.stderr) == (0, ""), args
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    """-h, --help and help print the same text, which says what each option does."""
    words = COMMANDS[command]
    text = printed(*words, "--help")
    assert text.startswith(f"Usage: kvmw {' '.join(words)} [OPTION...]")
    assert "-h, --help" in text and "Print this help" in text
    for args in [*words, "-h"], ["help", *words], ["--help", *words], ["-h", *words], [*words, "-?"]:
        assert printed(*args) == text, args
    assert printed(*words, "--usage").startswith(f"Usage: kvmw {' '.join(words)} [-")


def test_help_of_kvmw():
    text = printed("--help")
    assert text == printed("-h") == printed("help")
    assert all(f"\n  {command} " in text for command in COMMANDS)


def test_help_of_bench():
    """bench has no options of its own: only its subcommands have."""
    text = printed("bench", "-h")
    assert "kvmw bench guest" in text
    assert text == printed("bench", "help") == printed("bench", "--help") == printed("help", "bench")


def test_help_after_other_options(svm):
    assert printed("report", "-i", svm, "--top", 3, "-h") == printed("report", "-h")
    assert printed("record", "-p", 1, "-h") == printed("record", "-h")


def test_help_behind_a_command_is_its_argument(tmp_path, svm):
    """As in git and perf: `kvmw report help` reads a recording named help."""
    for command in "report", "script", "info":
        one_line(kvmw(command, "help", cwd=tmp_path), 1, "no recording 'help'", f"kvmw {command} -h")
    shutil.copy(svm, tmp_path / "help")
    assert "3,000 exits" in kvmw("report", "help", cwd=tmp_path).stdout
    one_line(kvmw("list", "help"), 2, "'help'", "kvmw list -h")
    one_line(kvmw("help", "report", "script"), 2, "'script'", "one command at a time")
    one_line(kvmw("help", "bench", "guest", "more"), 2, "'more'")


# ---- did you mean ------------------------------------------------------------

@pytest.mark.parametrize("args, meant", [
    (["reprot"], "report"), (["rec"], "record"), (["Script"], "script"), (["hlep"], "help"),
    (["help", "inof"], "info")])
def test_commands(args, meant):
    one_line(kvmw(*args), 2, f"'{args[-1]}'", f"did you mean {meant}?", "kvmw -h")


def test_commands_like_nothing():
    one_line(kvmw("trace"), 2, "'trace' is not a kvmw command; kvmw -h lists them")


@pytest.mark.parametrize("args, words", [
    (["report", "--srot", "vcpu"], ["report has no option --srot", "did you mean --sort?"]),
    (["report", "--fil=x"], ["no option --fil", "kvmw report -h"]),
    (["script", "--max-event5=3"], ["--max-event5", "did you mean --max-events?"]),
    (["record", "--durration", "3", "-a"], ["did you mean --duration?"]),
    (["record", "-a", "-x", "--", "true"], ["record has no option -x", "kvmw record -h"]),
    (["bench", "guest", "--rounts", "3"], ["bench guest has no option --rounts", "--rounds?"]),
    (["info", "--help-me"], ["info has no option --help-me", "kvmw info -h"]),
    (["report", "--mmap-size", "1M"], ["no option --mmap-size, which belongs to record"]),
    (["list", "--time=1,2"], ["no option --time, which belongs to report, script"]),
])
def test_options(args, words):
    one_line(kvmw(*args), 2, *words)


@pytest.mark.parametrize("args, words", [
    (["cut", "-o"], "cut -o needs a value: FILE; kvmw cut -h"), (["report", "-s"], "report -s needs a value: KEY"),
    (["stat", "-I"], "stat -I needs a value: TIME"), (["record", "-a", "--keep"], "record --keep needs a value: TIME[,SIZE]"),
    (["report", "--json=1"], "report --json takes no value"), (["top", "--ba=1"], "top --batch takes no value")])
def test_values_of_options(args, words):
    one_line(kvmw(*args), 2, words)


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help_of_help(word):
    assert kvmw("help", word).stdout == kvmw("-h").stdout


@pytest.mark.parametrize("nr", ["0", "8193", "many"])
def test_room_for_vcpus(nr):
    one_line(kvmw("record", "-a", "--max-vcpus", nr), 2, f"--max-vcpus '{nr}': must be from 1 to 8192")


def test_arguments_of_options_are_no_options(svm):
    """A word that looks like an option may be an option's argument, or belong to a COMMAND."""
    one_line(kvmw("report", "-i", "--bogus"), 1, "cannot open --bogus")
    one_line(kvmw("report", "--input", "-x"), 1, "cannot open -x")
    one_line(kvmw("report", "--inpu", "--bogus"), 1, "cannot open --bogus")
    one_line(kvmw("report", "--", "--bogus"), 1, "cannot open --bogus")
    for args in ["--", "true", "--bogus"], ["true", "--bogus"]:
        assert "--bogus" not in kvmw("record", "-o", "/nowhere/at/all", *args).stderr
    assert printed("report", "--inp", svm, "--so", "vcpu") == printed("report", svm, "-s", "vcpu")


# ---- the recording -----------------------------------------------------------

@pytest.mark.parametrize("command", ["report", "script", "info"])
def test_file_alone(svm, command):
    text = printed(command, "-i", svm, "--json")
    assert printed(command, svm, "--json") == printed(command, "--json", svm) == text
    assert printed(command, "--json", cwd=svm.parent) == text.replace(f'"{svm}"', '"kvmw.data"')


@pytest.mark.parametrize("command", ["script", "info"])
@pytest.mark.parametrize("args", [["a", "b"], ["-i", "a", "b"], ["b", "-i", "a"], ["-i", "a", "-i", "b"]])
def test_several_files_are_refused(command, args):
    one_line(kvmw(command, *args), 2, "one recording at a time", "'a'", "'b'")


@pytest.mark.parametrize("command", ["report", "script", "info"])
def test_no_recording(command, tmp_path):
    one_line(kvmw(command, cwd=tmp_path), 1, "no kvmw.data here: kvmw record makes one",
             f"kvmw {command} FILE")
    for args in ["x"], ["-i", "x"]:
        one_line(kvmw(command, *args, cwd=tmp_path), 1, "cannot open x: No such file", "kvmw record")
    for name in "kvmw.data.old", "kvmw.data.2026112817300012", "kvmw.data.2026112817300112":
        (tmp_path / name).touch()
    one_line(kvmw(command, cwd=tmp_path), 1, "no kvmw.data here, but a series of files: "
             f"kvmw {command} kvmw.data.2026112817300112 reads the newest")
    (tmp_path / "kvmw.data").mkdir()
    one_line(kvmw(command, cwd=tmp_path), 1, "kvmw.data is a directory")


@pytest.mark.parametrize("command", ["report", "script", "info"])
def test_recording_of_somebody_else(command):
    """The error says who owns the recording, and how the owner can give access to it."""
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if not os.geteuid() else {}
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        path = f"{name}/kvmw.data"
        with open(path, "w"):
            os.chmod(path, 0o600 if nobody else 0)
        kvmw_there = shutil.copy(KVMW, name)
        done = subprocess.run([kvmw_there, command], cwd=name, capture_output=True, text=True,
                              timeout=60, env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **nobody)
    owner = "root" if nobody else "it belongs to "
    one_line(done, 1, "cannot open kvmw.data: Permission denied", owner,
             "mode is 0600" if nobody else "mode is 0000", "chown")


# ---- misspelt names, and words for another option ----------------------------

@pytest.mark.parametrize("args, words", [
    (["report", "-s", "vpcu"], ["no key 'vpcu' (did you mean vcpu?)", "; the keys are reason"]),
    (["report", "--order", "cuont"], ["'cuont' (did you mean count?)", "ordered by count, rate"]),
    (["report", "-e", "irqs"], ["unknown event 'irqs' (did you mean irq?); use exit"]),
    (["report", "-e", "dirt"], ["did you mean dirty?"]),
    (["report", "--reason", "ept_violaton"], ["'ept_violaton'", "did you mean EPT_VIOLATION?"]),
    (["script", "--reason", "io,npff"], ["'npff'", "did you mean npf?"]),
    (["report", "--reason", ","], ["no exit reason given"]),
    (["script", "-e", "iqr"], ["no event 'iqr' in this recording (did you mean irq?)"]),
    (["script", "-F", "reson"], ["'reson'", "did you mean reason?"]),
    (["script", "-F", "time,gest_ns"], ["'gest_ns'", "did you mean guest_ns?"]),
    (["record", "-a", "-e", "scheduleing"], ["did you mean scheduling?"]),
    (["record", "-a", "--stack", "userpsace"], ["did you mean userspace?"]),
    (["stat", "-a", "-e", "iqr"], ["did you mean irq?", "valid events: fault, dirty", "vmm (kvmw list describes them)"]),
    (["record", "-a", "-e", "io"], ["an exit reason, not an event", "-e exit --reason io"]),
])
def test_names(svm, args, words):
    path = [] if args[0] == "record" else [svm]
    one_line(kvmw(*args, *path), 2, *words)


def report_json(*args):
    done = kvmw("report", "--json", *args)
    assert done.returncode == 0, done.stderr
    rep = json.loads(done.stdout)
    return {key: rep[key] for key in ("event", "sort", "rows", "total", "reasons") if key in rep}, done.stderr


@pytest.mark.parametrize("typed, meant", [
    (["-e", "io"], ["--reason", "io"]),
    (["-e", "HLT"], ["--reason", "HLT"]),
    (["-s", "io"], ["--reason", "io"]),
    (["-e", "port"], ["--reason", "io", "--sort", "detail"]),
    (["-s", "ports"], ["--reason", "io", "--sort", "detail"]),
    (["-s", "vcpu,mmio"], ["--reason", "npf", "--sort", "vcpu,detail"]),
    (["-e", "vcpu"], ["--sort", "vcpu"]),
    (["-e", "cpu", "--order", "count"], ["--sort", "cpu", "--order", "count"]),
    (["-e", "port", "-s", "vcpu"], ["--reason", "io", "--sort", "vcpu"]),
    (["-s", "exit"], ["-e", "exit"]),
])
def test_words_for_another_option(svm, typed, meant):
    """report does what was meant, and says so in one line."""
    got, said = report_json(svm, *typed)
    wanted, nothing = report_json(svm, *meant)
    assert got == wanted and not nothing
    assert said.startswith(f"kvmw: --{'event' if typed[0] == '-e' else 'sort'} '") and said.count("\n") == 1
    assert "; taken as " in said


@pytest.mark.parametrize("args", [
    ["-e", "io", "--reason", "npf"], ["--reason", "npf", "-e", "io"], ["-e", "vcpu", "-s", "cpu"],
    ["-s", "irq", "-e", "exit"]])
def test_a_word_and_its_own_option(svm, args):
    one_line(kvmw("report", svm, *args), 2, "but another option chooses that")


def test_words_for_another_option_of_script(svm):
    got = kvmw("script", svm, "-e", "io", "--json")
    assert got.stderr == "kvmw: --event 'io': an exit reason; taken as --reason io\n"
    assert got.stdout == printed("script", svm, "--reason", "io", "--json")
    one_line(kvmw("script", svm, "-e", "io", "--reason", "npf"), 2, "--reason chooses that")
    one_line(kvmw("script", svm, "-e", "exit,io"), 2, "no event 'io'")


# ---- exit reasons ------------------------------------------------------------

@pytest.mark.parametrize("words", ["npf", "NPF,hlt", "io,cpuid", "0x7b", "120,io"])
def test_reasons_of_a_report(svm, words):
    """Only rows of these reasons, with the same numbers as in the full report; and the vCPUs' whole
    time."""
    wanted = {SVM.get(word.lower()) or int(word, 0) for word in words.split(",")}
    every, _ = report_json(svm)
    got, _ = report_json(svm, "--reason", words)
    assert got["reasons"] == words.split(",")

    def plain(row):
        return {key: [plain(detail) for detail in value] if key == "details" else value
                for key, value in row.items() if not key.endswith("_percent")}

    assert [plain(row) for row in got["rows"]] == [
        plain(row) for row in every["rows"] if row["reason_number"] in wanted]
    assert got["total"]["count"] == sum(row["count"] for row in got["rows"]) > 0
    assert abs(sum(row["time_percent"] for row in got["rows"]) - 100) < 0.01
    times = [json.loads(printed("report", svm, "--json", *args))["vcpu_time"]
             for args in ([], ["--reason", words])]
    assert times[0] == times[1]
    # Keys without counts in the kernel are computed from rows.
    fine, _ = report_json(svm, "--reason", words, "-s", "cpu")
    assert fine["total"]["count"] == got["total"]["count"]


def test_reasons_and_what_stands_out():
    """With a selection of exits, report does not say what stands out, nor that nothing does."""
    path = TREE / "tests/data/svm-families.kvmw"
    every = json.loads(printed("report", path, "--json"))
    some = json.loads(printed("report", path, "--json", "--reason", "cpuid"))
    assert every["findings"] and "findings" not in some
    assert "=> " in printed("report", path) and "=> " not in printed("report", path, "--reason", "cpuid")
    # The scale is that of all exits.
    of = {row["reason"]: row for row in every["rows"]}["cpuid"]
    assert [row["cost_ns"] for row in some["rows"]] == [of["cost_ns"]]
    assert some["vcpu_time"] == every["vcpu_time"]


def test_reasons_that_do_not_occur(svm, tmp_path):
    """The error has the reasons of the recording's own instruction set."""
    one_line(kvmw("report", svm, "--reason", "EPT_VIOLATION"), 1, "no exits with --reason EPT_VIOLATION",
             "the recording contains: ", "npf", "SVM 0x56")
    vmx = vmx_recording(tmp_path / "vmx").path
    one_line(kvmw("report", vmx, "--reason", "wbinvd"), 1, "HLT", "EPT_VIOLATION", "VMX 0x63")
    assert {row["reason"] for row in report_json(vmx, "--reason", "io,npf,hlt,cpuid")[0]["rows"]} == {
        "IO_INSTRUCTION", "EPT_VIOLATION", "HLT", "CPUID"}
    one_line(kvmw("report", svm, "--reason", "io", "--vcpu", 77), 1, "--vcpu, --reason")
    one_line(kvmw("script", svm, "--reason", "wbinvd"), 1, "no events match --reason;")
    families = TREE / "tests/data/svm-families.kvmw"
    one_line(kvmw("report", families, "-e", "irq", "--reason", "io"), 1, "have no exit reason")


def test_reasons_of_returns_to_the_vmm():
    path = TREE / "tests/data/svm-userspace.kvmw"
    every = {row["reason"]: row["count"] for row in report_json(path)[0]["rows"]}
    for words in "io,hlt", "KVM_EXIT_IO,KVM_EXIT_HLT", "kvm_exit_io,5":
        got = {row["reason"]: row["count"] for row in report_json(path, "--reason", words)[0]["rows"]}
        assert got == {name: every[name] for name in ("KVM_EXIT_IO", "KVM_EXIT_HLT")}


# ---- --time ------------------------------------------------------------------

MS = 10 ** 6


@pytest.fixture(scope="module")
def seconds(tmp_path_factory):
    """One exit every 100 ms for 3 s, from 2025-01-01T00:00:00Z on."""
    rec = Recording()
    rec.frame([(START + 100 * MS * i, 10, 1000 + i, 0, SVM["io"], 0, 2) for i in range(30)])
    rec.end = START + 3000 * MS - MS
    return rec.finish().write(tmp_path_factory.mktemp("seconds") / "kvmw.data")


def tenths(path, *args):
    """The exits that --time selects; report and script must agree."""
    text = printed("script", path, "--json", "-F", "time,total", *args)
    found = [(json.loads(line)["time_ns"] - START) // (100 * MS) for line in text.splitlines()]
    assert report_json(path, *args)[0]["total"]["count"] == len(found)
    return found


@pytest.mark.parametrize("time, first, last", [
    ("2.1", 21, 21), ("2.1s", 21, 21), ("2", 20, 29), ("2100ms", 21, 21), ("2.1-2.2", 21, 22),
    ("2.1,2.2", 21, 22), ("2.05s,2250ms", 21, 22), ("2.85-", 29, 29), (",0.1", 0, 1), (",", 0, 29),
    ("0.1m", None, None), ("2.100000000", 21, 21), ("@7.1", 21, 21), ("@7.1-7.2", 21, 22),
    ("@7.1,@7.2", 21, 22), ("00:00:02.1", 21, 21), ("00:00:02", 20, 29), ("00:00:02.1-00:00:02.2", 21, 22),
    ("00:00", 0, 29), ("2025-01-01T00:00:02.1,00:00:02.2", 21, 22), ("2025-01-01T01:00:02+01:00,", 20, 29),
    ("2024-12-31T23:59:59,2025-01-01T00:00:00.15", 0, 1), ("1,00:00:01.2", 10, 12),
])
def test_times(seconds, time, first, last):
    if first is None:
        one_line(kvmw("report", seconds, "--time", time), 1, "begins after the end of the recording")
        one_line(kvmw("script", seconds, "--time", time), 1, "begins after the end of the recording",
                 "lasts 3.000000 s")
    else:
        assert tenths(seconds, f"--time={time}") == list(range(first, last + 1))


def test_times_of_another_zone(seconds):
    """A time of day is in the reader's time zone: 5.5 hours east of Greenwich it is 05:30."""
    args = "script", seconds, "-F", "time", "--json", "--time"
    east = kvmw(*args, "05:30:02.1", env={"TZ": "XYZ-5:30"})
    assert east.stdout == printed(*args, "00:00:02.1")
    one_line(kvmw(*args, "05:30:02.1"), 1, "begins after the end of the recording",
             "from 2025-01-01T00:00:00 to 2025-01-01T00:00:03")


def test_times_without_a_clock(tmp_path):
    rec = Recording({key: value for key, value in META.items() if key != "clocks"})
    rec.frame([(START + 10, 10, 1000, 0, SVM["io"], 0, 2)])
    path = rec.finish().write(tmp_path / "f")
    for command in "report", "script":
        one_line(kvmw(command, path, "--time", "12:03"), 1, "does not say when it was made")
    assert tenths(path, "--time", "0") == [0]


@pytest.mark.parametrize("time, words", [
    ("2.1x", "cannot understand 'x'"), ("2min", "cannot understand 'min'"), ("1,2,3", "cannot understand ',3'"),
    ("3,2", "ends (2 s) before it begins (3 s)"), ("100-200ms", "ends (0.2 s) before it begins (100 s)"),
    ("25:00", "cannot understand '25:00'"), ("", "no time given"), ("-2", "FROM,TO or FROM-TO")])
def test_wrong_times(seconds, time, words):
    for command in "report", "script":
        one_line(kvmw(command, seconds, f"--time={time}"), 2, "--time", words)
