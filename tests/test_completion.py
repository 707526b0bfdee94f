# SPDX-License-Identifier: GPL-2.0
"""Completion in bash and zsh: options, events, groups, reasons, VMs, recordings."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

import endless
from synthetic import KVMW, TREE, kvmw
from test_pages import COMMANDS, MORE, help_of_words, options_of_help

BASH = TREE / "completion/kvmw.bash"
ENV = {"PATH": f"{KVMW.parent}:/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C", "TERM": "dumb"}


def bash(line, cwd=TREE, listing=False):
    """The completions that bash offers at the end of this line."""
    words = [part for word in re.split(r"\s+", line) for part in re.findall(r"[=:]|[^=:]+", word) or [""]]
    script = """source "$1"; COMP_LINE=$2; COMP_TYPE=$3; shift 3; COMP_WORDS=("$@")
                COMP_POINT=${#COMP_LINE}; COMP_CWORD=$(($# - 1)); _kvmw; printf '%s\\n' "${COMPREPLY[@]}" """
    done = subprocess.run(["bash", "--norc", "-c", script, "-", BASH, line, "63" if listing else "9", *words],
                          cwd=cwd, env=ENV, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stderr == ""
    return [word for word in done.stdout.split("\n") if word]


def test_commands():
    assert bash("kvmw re") == ["record", "report"]
    assert set(bash("kvmw ")) == {*COMMANDS, "help", "--help", "--version"}
    assert bash("kvmw help scri") == ["script"]
    assert bash("kvmw nonsense ") == []
    assert bash("kvmw bench ") == ["guest", "record", "report"]


@pytest.mark.parametrize("words", [*COMMANDS.values(), *MORE["bench"]], ids=" ".join)
def test_every_option_of_help(words):
    options = options_of_help(help_of_words(*words))
    offered = bash(f"kvmw {' '.join(words)} --")
    assert not re.search(r"^ +$", help_of_words(*words), re.M)
    assert set(offered) == {name + ("=" if arg else "") for _, name, arg in options} | {"--help"}


def test_events_and_groups():
    assert bash("kvmw record -e h") == ["halt", "hypercall"]
    assert bash("kvmw record -e exit,ir") == ["exit,irq"]
    assert bash("kvmw record --event=exit,ir") == ["exit,irq"]
    assert bash("kvmw record -qe mem") == ["memslot", "memory"]
    assert bash("kvmw record --switch-output=") == ["signal"] and bash("kvmw record --switch-output -e h") == ["halt", "hypercall"]
    assert bash("kvmw record --stack ") == ["exit", "userspace", "fault", "ioctl", "vmm"]
    assert {"all", "vmm", "interrupts", "exit", "nested"} < set(bash("kvmw record -e "))
    assert "raw" in bash("kvmw report -e ") and "all" not in bash("kvmw report -e ")
    assert bash("kvmw script -e irq:pv") == ["pv_eoi"]  # bash keeps the part before the colon
    assert bash("kvmw record --sample ") == []


def test_keys_and_orders():
    assert bash("kvmw report -s v") == bash("kvmw diff -s v") == ["vcpu", "vm", "vector", "valid"]
    assert bash("kvmw report --sort reason,cp") == ["reason,cpu"]
    assert "time" in bash("kvmw report -s ti") and "time" not in bash("kvmw diff -s ti")
    assert bash("kvmw report --order=p9") == ["p90", "p95", "p99", "p999"]
    assert bash("kvmw report --order=k") == ["kvm", "key"]
    assert bash("kvmw report -F count,h") == ["count,halted", "count,hist"]
    assert bash("kvmw top --per ") == ["reason", "vcpu", "vm", "detail"]
    for command in "report", "diff":
        keys = bash(f"kvmw {command} -s ")
        assert {"port", "msr", "cr", "leaf"} < set(keys) and not {"w0", "w31"} & set(keys)
        assert len(keys) == len(set(keys))
    assert bash("kvmw script --clock ") == ["start", "mono", "wall"]


def test_reasons():
    assert bash("kvmw record --reason hlt") or "HLT" in bash("kvmw record --reason H")
    assert bash("kvmw report --reason wbin") == ["wbinvd"]
    assert bash("kvmw script --reason=io,EPT_V") == ["io,EPT_VIOLATION"]
    quoted = [word for word in bash("kvmw record --reason ") if " " in word]
    assert all(re.search(r"\\ ", word) for word in quoted)


def test_hostile_names(tmp_path):
    """A VM may have any name: each completion is one word to the shell, and nothing else."""
    names = ["$(touch x)", "`touch x`", ";touch x", "a&b|c>x", "a'b\"c", "~root", "*", "a b", "!1", "#x", "{a,b}"]
    fake = tmp_path / "kvmw"
    (tmp_path / "names").write_text("".join(f"{name}\tQEMU\n" for name in names))
    fake.write_text(f"#!/bin/sh\ncat {tmp_path}/names\n")
    fake.chmod(0o755)
    for words in "record --vm ", "record --vm=":
        offered = bash(f"{fake} {words}")
        assert len(offered) == len(names)
        done = subprocess.run(["bash", "--norc", "-c", "printf '%s\\n' " + " ".join(offered)], cwd=tmp_path,
                              capture_output=True, text=True)
        assert done.stdout.splitlines() == names
    assert sorted(os.listdir(tmp_path)) == ["kvmw", "names"]


def test_recordings(tmp_path):
    for name in ("kvmw.data", "kvmw.data.old", "a.kvmw", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    everything = {"kvmw.data", "kvmw.data.old", "a.kvmw", "sub"}
    for words in ("report -i ", "script --input=", "info --input ", "record -o "):
        assert set(bash(f"kvmw {words}", tmp_path)) == everything, words
    assert bash("kvmw report -i a", tmp_path) == ["a.kvmw"]
    for words in ("report ", "report a.kvmw ", "script -e irq ", "info --json ", "report --hist -- "):
        assert set(bash(f"kvmw {words}", tmp_path)) == everything, words


def test_the_command_of_record(tmp_path):
    (tmp_path / "seconds").touch()
    assert "sleep" in bash("kvmw record -p 1 -- sle")
    assert bash("kvmw record -p 1 -- sleep sec", tmp_path) == ["seconds"]
    assert bash("kvmw report -- sle") == []


def test_listing_says_what_each_means():
    lines = bash("kvmw record -e h", listing=True)
    assert re.fullmatch(r"halt +\(halts of a vCPU.*", lines[0]) and len(lines) == 2
    assert max(map(len, bash("kvmw record -e ", listing=True))) < 80
    assert bash("kvmw record -e hal", listing=True) == ["halt"]


@pytest.mark.lab
@pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK), reason="needs /dev/kvm")
def test_running_vms():
    with endless.endless_guest() as guest:
        deadline = time.monotonic() + 30
        while not re.search(rf"^{guest.pid}\t-, 1 vCPU, kvmw$",
                            said := kvmw("--complete", "record", "-p", "").stdout, re.M):
            assert time.monotonic() < deadline, said
        assert str(guest.pid) in bash("kvmw record -p ")
        assert f"1,{guest.pid}" in bash("kvmw record --pid=1,")
        for option in "record --vm ", "record -a --exclude ", "stat --vm=", "top --vm ", "top --exclude ":
            assert str(guest.pid) in bash(f"kvmw {option}")


def typed(argv, ready, keys, expected, env):
    """The screen of a shell after these keys, once it shows the expected words."""
    pid, fd = pty.fork()
    if not pid:
        try:
            os.execvpe(argv[0], argv, env)
        finally:
            os._exit(127)
    text, sent, deadline = "", False, time.monotonic() + 30
    try:
        while time.monotonic() < deadline and not (sent and expected in text):
            if select.select([fd], [], [], 0.1)[0]:
                text += os.read(fd, 65536).decode(errors="replace").replace("\a", "")
            if not sent and ready in text:
                text, sent = "", True
                os.write(fd, keys.encode())
    except OSError:
        pass
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(fd)
    return text


@pytest.fixture(scope="module")
def compdump(tmp_path_factory):
    """zsh's cache of all completion files; making it takes longer than the test."""
    return tmp_path_factory.mktemp("zsh") / "compdump"


@pytest.mark.parametrize("keys, expected", [
    ("kvmw rep\t", "kvmw report "),
    ("kvmw report --perc\t", "--percent-limit="),
    ("kvmw record -e exit,sche\t", "exit,sched"),
    ("kvmw record --event=hal\t", "--event=halt "),
    ("kvmw report -i one\t", "-i one.kvmw "),
    ("kvmw script -e irq:pv\t", "-e irq:pv_eoi "),
])
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_at_a_terminal(shell, keys, expected, tmp_path, compdump):
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    (tmp_path / "one.kvmw").touch()
    (tmp_path / "one.txt").touch()
    if shell == "bash":
        rc = tmp_path / "rc"
        rc.write_text(f"PS1='$ '; source {BASH}; cd {tmp_path}; bind 'set enable-bracketed-paste off'\n")
        argv, env = ["bash", "--rcfile", str(rc), "--noprofile", "-i"], ENV
    else:
        (tmp_path / ".zshrc").write_text(
            f"fpath=({TREE}/completion $fpath); autoload -U compinit; compinit -u -d {compdump}; PS1='$ '\n"
            f"unsetopt zle_bracketed_paste prompt_cr prompt_sp; cd {tmp_path}\n")
        argv, env = ["zsh", "-d", "-i"], ENV | {"ZDOTDIR": str(tmp_path)}
    said = typed(argv, "$ ", keys, expected, env)
    assert expected in said, said
