# SPDX-License-Identifier: GPL-2.0
"""kvmw top: intervals of recordings compared with kvmw report, and its screen on a terminal."""
import csv
import io
import os
import re
import resource
import shutil
import subprocess
import time

import pytest

import endless
import lab_fixtures
import synthetic
from synthetic import KVMW, TREE, kvmw, one_line

GOLDEN = TREE / "tests/data/svm-linux.kvmw"
WIDE = {"COLUMNS": "140"}


def intervals(text):
    """[{(VM, vCPU, reason, detail)[:depth]: {column: word}}] from the lines of --batch, by
    interval."""
    found = []
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if len(lines) < 4:
            continue
        head = lines[3].replace("p99 <", "  p99")
        columns = [word for word in re.findall(r"\S+", head[24:]) if word != "rate"]
        name_ends = head.index(columns[0]) + len(columns[0]) - 10
        rows, path = {}, []
        for line in lines[4:]:
            if line.startswith(("=>", "->")):
                break
            name = line[:name_ends].rstrip()
            depth = (len(name) - len(name.lstrip())) // 2
            path = path[:depth] + [name.strip()]
            rows[tuple(path)] = dict(zip(columns, line[name_ends:].split()))
        found.append(rows)
    return found


def batch(path, *args, env=()):
    done = kvmw("top", "--batch", "-i", path, *args, env=WIDE | dict(env))
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def by_time(path, step, *keys):
    """{keys: count} of each interval, from report."""
    done = kvmw("report", "-i", path, "--csv", "-s", ",".join(["time", *keys]), "--interval", step)
    counts = {}
    for row in csv.DictReader(io.StringIO(done.stdout)):
        counts.setdefault(int(row["interval"]), []).append(row)
    return counts


@pytest.mark.parametrize("golden, step", [("svm-linux", "1"), ("svm-mixed", "50ms"), ("vmx-mixed", "50ms")])
def test_intervals_are_those_of_report(golden, step):
    path = TREE / f"tests/data/{golden}.kvmw"
    got = intervals(batch(path, "-d", step, "--per", "reason"))
    want = by_time(path, step, "vcpu", "reason")
    for i, rows in enumerate(got):
        reasons = {key[1:]: int(row["exits"]) for key, row in rows.items() if len(key) == 3}
        assert reasons == {(row["vcpu"], row["reason"]): int(row["count"]) for row in want.get(i, [])}
        assert sum(int(row["exits"]) for key, row in rows.items() if len(key) == 1) == sum(reasons.values())
    assert max(want) < len(got) and any(got)


def test_details(tmp_path):
    """Details of chosen reasons; exits without one have no row. Faults on memory are one row, as on
    report's first page."""
    rec = synthetic.Recording()
    rows = [(30, 1, 0x3f8), (30, 1, 0x3f8), (30, 2, 0x60), (10, None, None),
            (48, 6, 0x1000), (48, 7, 0x1000), (48, 7, 0x2000), (48, 4, 0xfed00000)]
    rec.lines.append(["EVENTS", "exit", [
        [synthetic.START + 1000 + i, 500, 300, 0, 0, 0, 0, 0, 0, reason, 0, 1, 0, 0, 0, 0, detail, kind]
        for i, (reason, kind, detail) in enumerate(rows)]])
    rec.end = synthetic.START + 1_000_000_000
    rows = intervals(batch(rec.finish().write(tmp_path / "a.kvmw"), "--per", "detail"))[0]
    details = {key[3]: int(row["exits"]) for key, row in rows.items() if len(key) == 4}
    want = {row["detail"]: int(row["count"]) for row in by_time(tmp_path / "a.kvmw", "1", "detail")[0]
            if row["detail"] != "-" and not row["detail"].startswith("fault-")}
    assert details == want | {"RAM": 3} and sum(want.values()) == 4


def test_shares_add_up():
    for rows in intervals(batch(GOLDEN, "--per", "vcpu")):
        for key, row in rows.items():
            parts = [float(row[part]) for part in ("guest", "KVM", "VMM") if row[part] != "-"]
            assert abs(sum(parts) - 100) < 0.2, (key, row)


def test_iterations_and_sort():
    text = batch(GOLDEN, "-n", "3")
    assert len(intervals(text)) == 3
    rows = intervals(batch(GOLDEN, "-d", "13", "--per", "vcpu", "--sort", "name"))[0]
    assert [key[-1] for key in rows] == ["124 lab-guest", "0", "1"]
    rows = intervals(batch(GOLDEN, "-d", "13", "--per", "vcpu", "--sort", "kvm"))[0]
    assert [key[-1] for key in rows] == ["124 lab-guest", "1", "0"]


def test_a_pipe_and_a_cut_file():
    with open(GOLDEN, "rb") as f:
        done = kvmw("top", "--batch", "-i", "-", stdin=f, env=WIDE)
    assert done.returncode == 0 and done.stdout == batch(GOLDEN)
    piped = subprocess.run(f"cat {GOLDEN} | COLUMNS=140 LC_ALL=C.UTF-8 {KVMW} top -b -i -", shell=True, text=True,
                           capture_output=True, timeout=60, check=True)
    assert [sorted(rows) for rows in intervals(piped.stdout)] == [sorted(rows) for rows in intervals(batch(GOLDEN))]
    done = kvmw("top", "--batch", "-i", TREE / "tests/data/svm-cut.kvmw")
    assert done.returncode == 1 and "kvmw top" in done.stdout and done.stderr.startswith("kvmw: ")


def test_a_row_far_away(tmp_path):
    """A century between two rows: top with intervals of a millisecond still ends."""
    rec = synthetic.Recording()
    rec.frame([(synthetic.START + 1000, 500, 300, 0, 10, 0, 1), (3 * 10**18, 500, 300, 0, 10, 0, 1)])
    done = kvmw("top", "--batch", "-i", rec.finish().write(tmp_path / "a.kvmw"), "-d", "10ms")
    assert done.returncode == 0 and 2 < done.stdout.count("kvmw top") < 110 and "empty intervals, until" in done.stdout
    # Or a second, each time: the number of empty intervals is bounded for the whole recording.
    rec = synthetic.Recording()
    rec.frame([(synthetic.START + 10**9 * i, 500, 300, 0, 10, 0, 1) for i in range(300)])
    text = batch(rec.finish().write(tmp_path / "b.kvmw"), "-d", "10ms")
    heads = re.findall(r"^(?:kvmw top  \S+T\S+  |\.\.\. (\d+) empty intervals?, until )([\d.]+) s", text, re.MULTILINE)
    shown = [nr for nr, time in heads].count("")
    assert 10000 < shown < 10400 and shown + sum(int(nr) for nr, time in heads if nr) == 29901
    assert sorted(heads, key=lambda head: float(head[1])) == heads


def test_who_is_there(tmp_path):
    """A vCPU in an exit of 5 seconds is shown in intervals without events; a vCPU that is gone is
    not."""
    vcpus = [{"id": i, "vm": 0, "vcpu": i, "tid": 100 + i, "comm": "x"} for i in range(3)]
    vcpus[2]["gone_ns"] = synthetic.START + 10**9
    rec = synthetic.Recording(vcpus=vcpus)
    rec.frame([(synthetic.START + 10**9 * i, 100, 5 * 10**9, 0, 0x78, 0, 2) for i in (0, 5)])
    blocks = batch(rec.finish().write(tmp_path / "a.kvmw")).split("\n\n")
    head, whole = blocks[1].splitlines()[:2]
    assert head.endswith("  2.0 s  1 VM  2 vCPUs  0.0 exits/s") and whole == "no exit began"


def test_memory(tmp_path):
    """Rows that do not fit into memory are dropped; the option that the message names exists."""
    vcpus = [{"id": i, "vm": 0, "vcpu": i, "tid": 100 + i, "comm": "x" * 60} for i in range(6000)]
    rec = synthetic.Recording(vcpus=vcpus)
    rec.frame([(synthetic.START + 1000 * i, 100, 50, 0, 0x78, i, 2) for i in range(6000)])
    path = rec.finish().write(tmp_path / "a.kvmw")
    done = kvmw("top", "-b", "-i", path, "--memory", "1M")
    assert done.returncode == 1 and "--memory=SIZE" in done.stderr
    assert batch(path, "--memory", "1G")


def test_a_narrow_screen(tmp_path):
    text = batch(GOLDEN, "--per", "reason", env={"COLUMNS": "60"})
    heads = [line for line in text.splitlines() if line.startswith("VM/vCPU/")]
    assert heads and max(map(len, text.splitlines())) == 60
    assert all(line.endswith("   p99") and len(line) == 60 for line in heads)


def test_many_rows_take_their_share(tmp_path):
    """8000 vCPUs, each with an exit, take linear time: none searches the reasons of the others."""
    vcpus = [{"id": i, "vm": 0, "vcpu": i, "tid": 100 + i, "comm": "x"} for i in range(8000)]
    rec = synthetic.Recording(vcpus=vcpus)
    rec.frame([(synthetic.START + 1000 * i, 100, 50, 0, 0x78, i, 2) for i in range(8000)])
    path = rec.finish().write(tmp_path / "a.kvmw")

    def cpu_seconds(*args):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        return batch(path, *args), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    text, less = cpu_seconds()
    text, more = cpu_seconds("--per", "reason")
    assert text.count("\n") > 16000 and more < 10 * less + 0.5


def test_hostile_names(tmp_path):
    vms = [{"id": 0, "pid": 100, "name": "x\033]0;evil\a\n\u202e" + "y" * 500, "vmm": "qemu"}]
    rec = synthetic.Recording(vms=vms)
    rec.frame([(synthetic.START + 1000, 500, 300, 0, 10, 0, 1)])
    path = rec.finish().write(tmp_path / "a.kvmw")
    text = batch(path)
    assert "x?]0;evil???yy" in text and max(map(len, text.splitlines())) <= 140
    assert not re.search(r"[\0-\x09\x0b-\x1f\x7f\u202e]", text)
    assert batch(path, env={"LC_ALL": "C"}).isascii()


@pytest.mark.parametrize("zone, at", [("UTC", "2026-11-23T01:54:49"), ("UTC-9", "2026-11-23T10:54:49")])
def test_the_clock_is_that_of_the_recording(zone, at):
    """The clock shows the end of the interval, as --time accepts it."""
    path = TREE / "tests/data/svm-userspace.kvmw"
    assert batch(path, "-d", "12", env={"TZ": zone}).startswith(f"kvmw top  {at}  0.2 s  ")
    done = kvmw("script", "-i", path, "--time", f"{at},", env={"TZ": zone})
    assert done.returncode == 0 and done.stdout


def test_names_have_room():
    """Names of details have precedence over the previous intervals' rates, which a log shows
    above."""
    path = TREE / "tests/data/svm-tables.kvmw"
    text = batch(path, "-d", "12", "--per", "detail", env={"COLUMNS": ""})
    lines = [line for line in text.splitlines() if line.startswith("      ")]
    assert any("wrmsr ICR: IPI vector 0x20 to self  " in line for line in lines) and "…" not in text
    assert max(map(len, text.splitlines())) == 120
    heads = [line for line in batch(path, "-d", "12", "--per", "detail", env={"COLUMNS": "80"}).splitlines()
             if line.startswith("VM/vCPU/reason/detail  ")]
    assert len(heads) == 1 and heads[0].endswith("p99") and len(heads[0]) == 80


def test_returns_have_their_own_words():
    """Returns use the words of kvmw report: guest time is unknown, the time in KVM_RUN is known."""
    text = batch(TREE / "tests/data/svm-userspace.kvmw", "-d", "12", "--sort", "guest")
    assert text.splitlines()[1:3] == ["% of vCPU time: KVM_RUN 87.4  VMM 12.6", "by KVM_RUN"]
    assert text.splitlines()[3].split() == ["VM", "returns", "returns/s", "KVM_RUN", "VMM", "mean", "p99", "rate"]
    assert "exits" not in text and "guest" not in text


@pytest.mark.parametrize("column", ["poll", "halt", "wait", "throttled", "block"])
def test_sort_by_any_share(column):
    text = batch(TREE / "tests/data/every-1.1.kvmw", "-d", "1", "--per", "reason", "--sort", column)
    rows = intervals(text)[0]
    assert f"by {column}" in text.splitlines()
    for vcpu in {key[:2] for key in rows if len(key) == 3}:
        values = [float(row[column].replace("-", "-1")) for key, row in rows.items() if len(key) == 3 and key[:2] == vcpu]
        assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("args, words", [
    ([], ["not a terminal", "--batch"]),
    (["-i", GOLDEN], ["not a terminal", "--batch"]),
    (["-b", "-i", "a.kvmw", "-G", "a.slice"], ["-i plays a recording"]),
    (["-b", "-p", "1", "-a"], ["-p and -a exclude each other"]),
    (["-b", "--container", "abc", "--exclude", "web"], ["--exclude needs -a"]),
    (["-i", "a.kvmw", "-p", "1"], ["-i plays a recording"]),
    (["-i", "-"], ["--batch"]),
    (["a.kvmw"], ["'a.kvmw' is not an option", "-i"]),
    (["--per", "vcpu"], ["--per is for --batch"]),
    (["-b", "--per", "detail"], ["details are not counted"]),
    (["-b", "--per", "vcpus"], ["--per 'vcpus'", "vcpu?"]),
    (["--sort", "waits"], ["--sort 'waits'", "wait?"]),
    (["-d", "1ms"], ["--delay '1ms'", "10ms"]),
    (["-d", "99999999999"], ["--delay '99999999999'", "from 10ms to 24h"]),
    (["-d", "25h"], ["from 10ms to 24h"]),
    (["-b", "--memory", "1G"], ["--memory is for -i"]),
    (["-n", "0"], ["--iterations '0'"]),
])
def test_wrong_usage(args, words):
    one_line(kvmw("top", *args), 2, *words)


def test_what_cannot_be_shown(tmp_path):
    one_line(kvmw("top", "-b", "-i", tmp_path / "none"), 1, "cannot open")
    rec = synthetic.Recording()
    one_line(kvmw("top", "-b", "-i", rec.finish().write(tmp_path / "empty.kvmw")), 1, "contains no exits")


# ---- at a terminal --------------------------------------------------------------------

class Terminal:
    """kvmw top in tmux."""

    def __init__(self, where, *args, size=(80, 24), env=""):
        self.socket = where / "tmux"
        width, height = map(str, size)
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height,
                  f"env LC_ALL=C.UTF-8 TZ=UTC {env} {KVMW} top {' '.join(map(str, args))}; echo ended $?; read end")

    def tmux(self, *args):
        env = {k: v for k, v in os.environ.items() if k not in ("TMUX", "COLUMNS", "LINES")} | {"LC_ALL": "C.UTF-8"}
        return subprocess.run(["tmux", "-u", "-S", self.socket, *args], text=True, capture_output=True, timeout=30,
                              check=True, env=env).stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def screen(self, *args):
        return [line.rstrip() for line in self.tmux("capture-pane", "-p", *args).splitlines()]

    def wait(self, *words):
        """Waits until the screen has all of these words; returns it."""
        deadline = time.monotonic() + 20
        while not all(word in "\n".join(lines := self.screen()) for word in words):
            assert time.monotonic() < deadline, "\n".join([f"no {words} in:", *lines])
            time.sleep(0.02)
        return lines


@pytest.fixture
def terminal(tmp_path):
    if not shutil.which("tmux"):
        pytest.skip("needs tmux")
    opened = []

    def start(*args, **kwargs):
        opened.append(Terminal(tmp_path, *args, **kwargs))
        return opened[-1]

    yield start
    for t in opened:
        t.tmux("kill-server")


VMS = """\
kvmw top  CLOCK  12.0 s  1 VM  2 vCPUs  2755 exits/s
% of vCPU time: guest 32.7  KVM 60.4  VMM 6.9
by exits
VM                  exits/s guest   KVM   VMM  halt  wait   mean    p99 rate
124 lab-guest          2755  32.7  60.4   6.9     -     -  436us  6.4ms        █
"""
VCPUS = """\
124 lab-guest: by exits
vCPU                exits/s guest   KVM   VMM  halt  wait   mean    p99 rate
0                      1935  39.3  52.4   8.3     -     -  282us  5.9ms        █
1                       820  25.9  68.7   5.5     -     -  799us  7.7ms        █
"""
REASONS = """\
124 lab-guest / vCPU 1: by exits
reason                    exits/s   KVM   VMM  halt  wait   mean    p99 rate
io                            384   1.6   5.3     -     -  158us  2.0ms        █
msr                           181   7.5   0.0     -     -  367us  6.4ms        █
hlt                            72  46.8   0.0     -     -  5.7ms   26ms        █
interrupt                      69  10.5   0.0     -     -  1.3ms   11ms        █
"""
FOOT = "Enter in  Esc back  <> sort  / filter  p pause  S snapshot  h help  q quit"


def part(lines, text, at=0):
    want = text.splitlines()
    lines = [re.sub(r"^kvmw top  \d\d:\d\d:\d\d  ", "kvmw top  CLOCK  ", line) for line in lines]
    assert lines[at:at + len(want)] == want


def test_the_screen(terminal):
    """The screen of an interval that lasts as long as the test."""
    t = terminal("-i", GOLDEN, "-d", "12")
    lines = t.wait("lab-guest", FOOT)
    part(lines, VMS)
    assert lines[5:23] == [""] * 18 and lines[23] == FOOT and len(lines) == 24
    t.keys("Enter")
    part(t.wait("vCPU  "), VCPUS, 2)
    # The second row is selected, and its parts are shown.
    t.keys("Down", "Right")
    part(t.wait("vCPU 1: by exits"), REASONS, 2)
    t.keys("/", "c", "P", "u", "Enter")
    lines = t.wait("only 'cPu' (1 of 15)")
    assert lines[4].startswith("cpuid  ") and lines[5] == ""
    t.keys("Escape")
    t.wait("vCPU 1: by exits", "msr ")
    # Neither guest nor poll is on this screen.
    t.keys(">", ">", ">", ">", ">")
    lines = t.wait("by mean")
    assert lines[4].startswith("hlt ")
    t.keys("r")
    lines = t.wait("by mean, reversed")
    assert not lines[4].startswith("hlt ")
    t.keys("r", "z")
    assert t.wait("'z' is not a key of kvmw top; h lists")[4].startswith("hlt ")
    t.keys("Left", "Escape")
    t.wait("\nVM  ", "124 lab-guest  ")
    t.keys("S")
    t.wait("nothing to take a snapshot of")
    for key in "h", "F1":
        t.keys(key)
        assert t.wait("kvmw top: keys")[2].startswith("Up Down")
        t.keys("x")
        t.wait("124 lab-guest  ")
    t.keys("F10")
    assert t.wait("ended 0")[0] == "ended 0"


def test_resize(terminal):
    t = terminal("-i", GOLDEN, "-d", "12")
    t.wait(FOOT)
    for size, there, gone in [((140, 30), "throttled", None), ((60, 12), "pause  h help  q quit", " mean"),
                              ((50, 8), "50x8 is too small", "VM  "),
                              ((80, 9), "80x9 is too small", "VM  "), ((80, 24), " rate", "throttled")]:
        t.tmux("resize-window", "-x", str(size[0]), "-y", str(size[1]))
        lines = t.wait(there)
        assert max(map(len, lines)) <= size[0] and (not gone or gone not in "\n".join(lines))
    part(lines, VMS)
    # The last line is the last one again.
    assert t.wait(FOOT)[23] == FOOT


def test_it_plays(terminal):
    """top plays a recording to its end and stays there; while paused, nothing moves."""
    t = terminal("-i", TREE / "tests/data/svm-mixed.kvmw", "-d", "50ms")
    t.wait(FOOT)
    t.keys("p")
    lines = t.wait("[paused]", FOOT)
    t.keys("h", "x")
    assert t.wait("[paused]", FOOT) == lines
    t.keys("Space")
    assert t.wait("[end of the recording]")[0].split("  ")[2:5] == ["[end of the recording]", "0.3 s", "1 VM"]
    t.keys("C-c")
    t.wait("ended 1")


def test_findings_are_below(terminal, tmp_path):
    rec = synthetic.Recording()
    rec.frame([(synthetic.START + i * 1_000_000, 100_000, 900_000, 800_000, 30, 0, 1) for i in range(999)])
    t = terminal("-i", rec.finish().write(tmp_path / "a.kvmw"), "-n", "5")
    lines = t.wait("=> ", FOOT)
    assert [line for line in lines[22:] if line] == ["=> The VMM took 80.0% of the time.", FOOT]


def test_messages_are_not_lost(terminal, tmp_path):
    """Messages printed while top has the screen are not lost."""
    rec = synthetic.Recording()
    rec.frame([(synthetic.START + 1000, 500, 300, 0, 10, 0, 1)])
    whole = rec.finish().write(tmp_path / "cut.kvmw").read_bytes()
    (tmp_path / "cut.kvmw").write_bytes(whole[:-1])
    t = terminal("-i", tmp_path / "cut.kvmw", "-d", "50ms")
    t.wait("[end of the recording]")
    t.keys("q")
    lines = t.wait("ended 1")
    assert lines[0].startswith("kvmw: ") and "cut.kvmw" in "".join(lines)


def test_no_terminal_that_is_known(terminal):
    t = terminal("-i", GOLDEN, env="TERM=nonsense")
    t.wait("unknown terminal type 'nonsense'", "ended 1")


# ---- live -------------------------------------------------------------------------------

@lab_fixtures.in_boots(*lab_fixtures.boots_of("top"))
def test_live_counts_are_those_of_perf(boot):
    text = boot.path("top.out").read_text()
    assert boot.path("top.status").read_text().strip() == "0", boot.path("top.err").read_text()
    # A guest that hung was started again: the last one is compared.
    last = [key[0] for rows in intervals(text) for key in rows][-1]
    counts = {}
    for rows in intervals(text):
        for key, row in rows.items():
            if len(key) == 3 and key[0] == last:
                counts[key[2]] = counts.get(key[2], 0) + int(row["exits"])
    perf = next(int(line.split(",")[0]) for line in boot.path("top.perf").read_text().splitlines()
                if "kvm:kvm_exit," in line)
    assert sum(counts.values()) == perf


native = pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK) or os.geteuid() != 0,
                            reason="needs /dev/kvm and root")


@native
@pytest.mark.lab
def test_at_a_terminal_live(terminal):
    with endless.endless_guest() as guest:
        # Away from recorders of other tests.
        t = terminal("-p", guest.pid, "-d", "200ms", env="unshare -n")
        t.wait(f"{guest.pid} kvmw", FOOT)
        t.keys("Enter", "Enter")
        t.wait("vCPU 0: by ")
        t.keys("S")
        t.wait("No kvmw record --keep is running")
        t.keys("q")
        t.wait("ended 0")


@native
@pytest.mark.lab
def test_the_end_of_the_vm_is_the_end():
    """top ends with the VM; it says so, and exits with 0."""
    with endless.endless_guest() as guest, \
            subprocess.Popen([KVMW, "top", "-b", "-p", str(guest.pid), "-d", "50ms"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True) as top:
        try:
            while f"{guest.pid} kvmw" not in (line := top.stdout.readline()):
                assert line, top.stderr.read()
            guest.kill()
            guest.wait()
            said = top.communicate(timeout=60)[1].splitlines()
            assert said[-1] == f"kvmw: the VM {guest.pid} has ended" and top.returncode == 0
        finally:
            top.kill()
    with endless.endless_guest() as guest:
        done = kvmw("top", "-b", "-a", "--exclude", guest.pid, "-d", "100ms", "-n", "2")
        assert done.returncode == 0 and f"\n{guest.pid} " not in done.stdout and done.stdout.count("kvmw top  ") == 2
