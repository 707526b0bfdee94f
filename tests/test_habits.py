# SPDX-License-Identifier: GPL-2.0
"""What a hand types by habit: -h, help, FILE; and what kvmw says where that is wrong."""
import os
import shutil
import subprocess
import tempfile

import pytest

from synthetic import KVMW, kvmw, one_line, svm_recording
from test_pages import COMMANDS


@pytest.fixture(scope="module")
def svm(tmp_path_factory):
    return svm_recording(tmp_path_factory.mktemp("svm") / "kvmw.data").path


# ---- help --------------------------------------------------------------------

def printed(*args, **kwargs):
    done = kvmw(*args, **kwargs)
    assert (done.returncode, done.stderr) == (0, ""), args
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    """By any of its names it is the same text, and the words say what each option does."""
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
    """bench itself has no options: only its workload has."""
    text = printed("bench", "-h")
    assert "kvmw bench guest" in text
    assert text == printed("bench", "help") == printed("bench", "--help") == printed("help", "bench")


def test_help_after_other_options(svm):
    assert printed("report", "-i", svm, "--top", 3, "-h") == printed("report", "-h")
    assert printed("record", "-p", 1, "-h") == printed("record", "-h")


def test_help_behind_a_command_is_its_argument(tmp_path, svm):
    """As git and perf have it: `kvmw report help` reads the recording of that name."""
    for command in "report", "script", "info":
        one_line(kvmw(command, "help", cwd=tmp_path), 1, "no recording 'help'", f"kvmw {command} -h")
    shutil.copy(svm, tmp_path / "help")
    assert "6,000 exits" in kvmw("report", "help", cwd=tmp_path).stdout
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


def test_arguments_of_options_are_no_options(svm):
    """What looks like an option may be an option's argument, or belong to a COMMAND."""
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


@pytest.mark.parametrize("command", ["report", "script", "info"])
@pytest.mark.parametrize("args", [["a", "b"], ["-i", "a", "b"], ["b", "-i", "a"], ["-i", "a", "-i", "b"]])
def test_several_files_are_refused(command, args):
    one_line(kvmw(command, *args), 2, "one recording at a time", "'a'", "'b'")


@pytest.mark.parametrize("command", ["report", "script", "info"])
def test_no_recording(command, tmp_path):
    one_line(kvmw(command, cwd=tmp_path), 1, "no kvmw.data here: kvmw record makes one",
             f"kvmw {command} FILE")
    for args in ["x"], ["-i", "x"]:
        one_line(kvmw(command, *args, cwd=tmp_path), 1, "cannot open x: No such file", "kvmw record")
    (tmp_path / "kvmw.data").mkdir()
    one_line(kvmw(command, cwd=tmp_path), 1, "kvmw.data is a directory")


@pytest.mark.parametrize("command", ["report", "script", "info"])
def test_recording_of_somebody_else(command):
    """Whose it is, and that its owner can give it away."""
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
