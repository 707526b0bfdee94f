# SPDX-License-Identifier: GPL-2.0
"""Where in the guest exits occur: rows by instruction and by function, with each kind of symbol
file."""
import bisect
import collections
import json
import random
import re
import subprocess

import pytest

from synthetic import KVMW, META, START, SVM, VMS, Recording, kvmw, one_line, report, text_of
from test_report_families import exit_row, exit_totals

TEXT, MODULE, US = 0xffffffff9a000000, 0xffffffffc0300000, 1000
SLIDE = TEXT - 0xffffffff81000000
# address, type, name, module, in any order, some with the same address
SYMBOLS = [
    (TEXT, "T", "_text"), (TEXT, "T", "startup_64"), (TEXT + 0x400, "t", "local_one"),
    (TEXT + 0x400, "W", "weak_one"), (TEXT + 0x900, "T", "__global"), (TEXT + 0x900, "t", "plain"),
    (TEXT + 0x1000, "D", "data"), (TEXT + 0x2000, "t", "late"), (TEXT + 0x3000, "B", "bss"),
    (MODULE, "t", "mod_init", "virtio_x"), (MODULE + 0x80, "t", "mod_notify", "virtio_x"), (0x1c040, "A", "percpu"),
]
NONE = (1 << 64) - 1
USER = [0x401000, 0x7f1234567890]
RIPS = [TEXT + 8, TEXT + 0x3ff, TEXT + 0x400, TEXT + 0x8ff, TEXT + 0xfff, TEXT + 0x1000, TEXT + 0x2000, TEXT + 0x2fff,
        TEXT + 0x3000, MODULE, MODULE + 0x7f, MODULE + 0x90, MODULE + 0xfff, *USER, NONE]


def function(rip):
    """(function, module) of an address, found the slow way."""
    if rip == NONE:
        return "-", None
    best = {}
    for at, kind, name, *module in SYMBOLS:
        rank = ({"T": 3, "W": 2, "t": 1}.get(kind, 0), name[0] != "_")
        if kind != "A" and (at not in best or rank > best[at][0]):
            best[at] = rank, name, module
    starts = sorted(best)
    i = bisect.bisect_right(starts, rip) - 1
    if i >= 0 and best[starts[i]][0][0] and rip - starts[i] < 1 << 20:
        return best[starts[i]][1], (best[starts[i]][2] or [None])[0]
    return ("[unknown]" if rip >> 63 else "[user code]" if rip >> 32 else "[user or boot code]"), None


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A recording, and its exits as (rip, reason, total)."""
    rng, rows, now = random.Random(3), [], START
    for _ in range(3000):
        rip = rng.choice(RIPS)
        row = exit_row(now, 10 * US, rng.randrange(1, 50) * US, 0, rng.choice([SVM["cpuid"], SVM["hlt"], 0x7c]), 0)
        row[4] = rip if rip != NONE else None
        rows.append(row)
        now += 100 * US
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
    rec.lines += [["EVENTS", "exit", rows[:1500]], ["EVENTS", "exit", rows[1500:]], ["STATS", "total", exit_totals(rows)]]
    rec.end = now
    path = rec.finish().write(tmp_path_factory.mktemp("symbols") / "f")
    return path, [(row[4] or NONE, row[9], row[2]) for row in rows]


def kallsyms(path, slide=0, modules=True):
    path.write_text("".join(f"{at - slide if at > slide else at:016x} {kind} {name}" + "".join(f"\t[{m}]" for m in module) + "\n"
                            for at, kind, name, *module in SYMBOLS if modules or not module))
    return path


def counts(rep):
    return {(row["symbol"], row["module"]): (row["count"], row["time_ns"]) for row in rep["rows"]}


def expected(exits, place=function):
    sums = collections.defaultdict(lambda: [0, 0])
    for rip, _, total in exits:
        key = place(rip)
        sums[key][0] += 1
        sums[key][1] += total
    return {key: tuple(value) for key, value in sums.items()}


def test_functions(recorded, tmp_path):
    path, exits = recorded
    rep = report(path, "-s", "sym", "--guest-kallsyms", kallsyms(tmp_path / "k"))
    assert counts(rep) == expected(exits)
    for row in rep["rows"]:
        starts = [at for at, _, name, *_ in SYMBOLS if name == row["symbol"]]
        assert row["symbol_address"] == (starts[0] if starts else None)
    assert report(path, "-s", "sym", "--guestkallsyms", tmp_path / "k")["rows"] == rep["rows"]


def test_with_the_reason(recorded, tmp_path):
    path, exits = recorded
    rows = report(path, "-s", "reason,sym", "--guest-kallsyms", kallsyms(tmp_path / "k"))["rows"]
    assert {(row["reason_number"], row["symbol"]): row["count"] for row in rows} == \
        collections.Counter((reason, function(rip)[0]) for rip, reason, _ in exits)


@pytest.mark.parametrize("slide", [0, SLIDE])
def test_map_at_another_address(recorded, tmp_path, slide):
    path, exits = recorded
    args = ["--guest-map", kallsyms(tmp_path / "map", slide, modules=False), "--guest-kaslr", hex(slide)]
    of_kernel = expected(exits, lambda rip: ("[unknown]", None) if MODULE <= rip < NONE else function(rip))
    assert counts(report(path, "-s", "sym", *args)) == of_kernel
    modules = tmp_path / "modules"
    modules.write_text(f"virtio_x 4096 0 - Live {MODULE:#x}\n")
    of_modules = expected(exits, lambda rip: (None, "virtio_x") if MODULE <= rip < NONE else function(rip))
    rows = report(path, "-s", "sym", *args, "--guest-modules", modules)["rows"]
    assert counts({"rows": rows}) == of_modules
    assert "[virtio_x] " in text_of(path, "-s", "sym", *args, "--guest-modules", modules)


def test_end_of_a_module(recorded, tmp_path):
    modules = tmp_path / "modules"
    modules.write_text(f"virtio_x 144 0 - Live {MODULE:#x}\n")
    rows = report(recorded[0], "-s", "sym", "--guest-kallsyms", kallsyms(tmp_path / "k"), "--guest-modules", modules)
    assert counts(rows) == expected(recorded[1], lambda rip: ("[unknown]", None) if MODULE + 144 <= rip < NONE
                                    else function(rip))


def test_instructions(recorded, tmp_path):
    path, exits = recorded
    rows = report(path, "-s", "rip")["rows"]
    assert {row["rip"]: row["count"] for row in rows} == \
        collections.Counter(None if rip == NONE else rip for rip, *_ in exits)
    assert {row["rip_hex"] for row in rows} == {None if rip == NONE else hex(rip) for rip in RIPS}
    rows = report(path, "-s", "rip", "--guest-kallsyms", kallsyms(tmp_path / "k"))["rows"]
    for row in rows:
        name, module = function(NONE if row["rip"] is None else row["rip"])
        known = name[0] not in "[-"
        assert (row["symbol"], row["module"]) == ((name, module) if known else (None, None))
        assert (row["symbol_offset"] is None) != known
    text = text_of(path, "-s", "rip", "--guest-kallsyms", tmp_path / "k")
    assert f"{MODULE + 0x90:#x} mod_notify+0x10 [virtio_x] " in text and f"{TEXT + 8:#x} startup_64+0x8 " in text


def test_places_in_functions(recorded, tmp_path):
    """-s sym -v has a row for each place in a function; their sums are those by function."""
    path, exits = recorded
    args = ["-s", "sym", "--guest-kallsyms", kallsyms(tmp_path / "k")]
    rows = report(path, "-v", *args)["rows"]
    got = {(row["symbol"], row["symbol_offset"]): row["count"] for row in rows}
    starts = {(row["symbol"], row["module"]): row["symbol_address"] for row in report(path, *args)["rows"]}
    want = collections.Counter()
    for rip, *_ in exits:
        at = starts[function(rip)]
        want[function(rip)[0], None if at is None else rip - at] += 1
    assert got == want and len(got) > len(starts)
    text = text_of(path, "-v", *args)
    assert re.search(r"^mod_notify\+0x10 \[virtio_x\] ", text, re.M) and re.search(r"^\[user code\] ", text, re.M)


SOURCE = """
int one(int x) { return x + 1; }
static __attribute__((noinline, used)) int two(int x) { return x * 3; }
__asm__(".text\\nlabel: .skip 32\\n");
int main(int argc, char **argv) { return one(two(argc)); }
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("image")
    (folder / "a.c").write_text(SOURCE)
    subprocess.run(["cc", "-O1", "-no-pie", "-rdynamic", "-fno-inline", "-o", folder / "a", folder / "a.c"], check=True)
    subprocess.run(["cc", "-c", "-o", folder / "a.o", folder / "a.c"], check=True)
    subprocess.run(["cc", "-s", "-no-pie", "-o", folder / "stripped", folder / "a.c"], check=True)
    return folder


def test_elf_image(image, tmp_path):
    """An ELF image names the functions of a guest without Linux, also one loaded elsewhere."""
    at = {line.split()[2]: int(line.split()[0], 16)
          for line in subprocess.run(["nm", image / "a"], capture_output=True, text=True, check=True).stdout.splitlines()
          if len(line.split()) == 3}
    names = ["one", "two", "label", "main"]
    for slide in 0, 0x200000:
        rows = []
        for i, name in enumerate(names):
            for k in range(i + 1):
                rows.append(exit_row(START + len(rows) * 100 * US, 1, 1, 0, SVM["cpuid"], 0))
                rows[-1][4] = at[name] + slide + k
        rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
        rec.lines += [["EVENTS", "exit", rows], ["STATS", "total", exit_totals(rows)]]
        rec.end = START + len(rows) * 100 * US
        path = rec.finish().write(tmp_path / "f")
        rep = report(path, "-s", "sym", "--guest-vmlinux", image / "a", "--guest-kaslr", hex(slide))
        assert {row["symbol"]: row["count"] for row in rep["rows"]} == {name: i + 1 for i, name in enumerate(names)}


def test_map_of_perf(recorded, tmp_path):
    path, exits = recorded
    perf = tmp_path / "perf-7.map"
    perf.write_text(f"{USER[0] - 16:x} 20 a(b, c) d\n{USER[1] - 1:x} 1 before\n")
    rows = report(path, "-s", "sym", "--guest-map", perf)["rows"]
    assert {row["symbol"] for row in rows} == {"a(b, c) d", "[unknown]", "-"}
    assert [row["count"] for row in rows if row["symbol"] == "a(b, c) d"] == [sum(rip == USER[0] for rip, *_ in exits)]


BAD = {
    "zeros": ("--guest-kallsyms", "0000000000000000 T _text\n0000000000000000 t x\t[m]\n",
              "all addresses are 0: read /proc/kallsyms as root in the guest, where sysctl kernel.kptr_restrict is 0 or 1"),
    "stub": ("--guest-map", "ffffffffffffffff B The real System.map is in the linux-image-6.1.0-13-amd64-dbg package\n",
             "no symbols, but a note: 'The real System.map is in the linux-image-6.1.0-13-amd64-dbg package'"),
    "text": ("--guest-kallsyms", "hello world\n", ":1: not ADDRESS TYPE NAME: 'hello world'"),
    "empty": ("--guest-kallsyms", "", "no functions in it"),
    "long": ("--guest-kallsyms", "f" * 9000, ":1: not a line of text, or one of more than 8190 bytes"),
    "perf": ("--guest-map", "1000 10 x\n2000 y z\n", ":2: not START SIZE NAME: '2000 y z'"),
    "modules": ("--guest-modules", "x 10 0 - Live 0x0000000000000000\n",
                "all addresses are 0: read /proc/modules as root in the guest, where sysctl kernel.kptr_restrict is 0 or 1"),
    "module": ("--guest-modules", "x y 0 - Live 0x10\n", ":1: not NAME SIZE REFERENCES USERS STATE ADDRESS: "),
    "module's end": ("--guest-modules", "x 8192 0 - Live 0xfffffffffffff000\n", ":1: ends after the last address: "),
    "elf": ("--guest-vmlinux", "\x7fELG", "not an ELF file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(recorded, tmp_path, name):
    option, text, message = BAD[name]
    (tmp_path / "bad").write_text(text)
    more = ["--guest-kallsyms", kallsyms(tmp_path / "k")] if option == "--guest-modules" else []
    done = kvmw("report", "-s", "sym", *more, option, tmp_path / "bad", recorded[0])
    assert done.returncode == 1 and not done.stdout and done.stderr.count("\n") == 1
    assert f"kvmw: {option} {tmp_path}/bad" in done.stderr and message in done.stderr


def test_bad_images(recorded, image, tmp_path):
    boot = tmp_path / "vmlinuz"
    boot.write_bytes(bytes(0x202) + b"HdrS" + bytes(100))
    for path, message in [(image / "a.o", "an object without addresses"), (image / "stripped", "it is stripped"),
                          (boot, "not an ELF file, nor an image of Linux"),
                          (tmp_path / "none", "No such file or directory")]:
        done = kvmw("report", "-s", "sym", "--guest-vmlinux", path, recorded[0])
        assert done.returncode == 1 and not done.stdout and f"--guest-vmlinux {path}: {message}" in done.stderr


@pytest.mark.parametrize("args, status, message", [
    (["-s", "sym"], 1, "the guest's functions are unknown; give a copy of its /proc/kallsyms"),
    (["-s", "sym", "--guest-kaslr", "0x1001"], 2, "must be a multiple of 4096"),
    (["-s", "rip", "--guest-kaslr", "0x1000"], 1, "needs --guest-map or --guest-vmlinux"),
    (["-s", "sym", "--guest-map", "/dev/null"], 1, "no functions in it"),
])
def test_wrong_use(recorded, args, status, message):
    done = kvmw("report", *args, recorded[0])
    assert done.returncode == status and not done.stdout and message in done.stderr


def test_text(recorded, tmp_path):
    text = text_of(recorded[0], "-s", "sym", "--guest-kallsyms", kallsyms(tmp_path / "k"))
    assert "mod_notify [virtio_x] " in text and "[user or boot code] " in text


# ---- symbols in the recording itself ----------------------------------------


def symbol_of(rip):
    """A function as an entry of IDENT, or None."""
    name, module = function(rip)
    starts = sorted({at for at, kind, *_ in SYMBOLS if kind != "A"})
    if name[0] in "[-":
        return None
    at = starts[bisect.bisect_right(starts, rip) - 1]
    end = min([start for start in starts if start > at] + [at + (1 << 20)])
    return {"from": at, "to": end, "name": name} | ({"module": module} if module else {})


@pytest.fixture(scope="module")
def stored(recorded, tmp_path_factory):
    """The same exits in frames of 100, each preceded by its new functions."""
    rec = Recording(META | {"events": ["exit"], "guest_symbols": {"kernel": True}}, VMS[:1],
                    [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
    rows, known = [], []
    for i, (rip, reason, total) in enumerate(recorded[1]):
        rows.append(exit_row(START + i * 100 * US, 10 * US, total, 0, reason, 0))
        rows[-1][4] = rip if rip != NONE else None
    for i in range(0, len(rows), 100):
        new = [s for s in map(symbol_of, (row[4] or NONE for row in rows[i:i + 100])) if s]
        new = [s for k, s in enumerate(new) if s not in known and s not in new[:k]]
        known += new
        rec.lines += [["IDENT", {"vms": [], "symbols": new}]] if new else []
        rec.lines.append(["EVENTS", "exit", rows[i:i + 100]])
    rec.lines.append(["STATS", "total", exit_totals(rows)])
    rec.end = START + len(rows) * 100 * US
    return rec.finish().write(tmp_path_factory.mktemp("stored") / "f"), len(known)


@pytest.mark.parametrize("args", [["-s", "sym"], ["-s", "sym", "-v"], ["-s", "rip"], ["-s", "reason,sym"],
                                  ["--where", 'sym~"^mod_" || sym=="[user code]"', "-s", "sym"]])
def test_recorded_functions(recorded, stored, tmp_path, args):
    """Functions in the recording give the same rows as the guest's file."""
    got = report(stored[0], *args)["rows"]
    assert got == report(recorded[0], *args, "--guest-kallsyms", kallsyms(tmp_path / "k"))["rows"] and len(got) > 2
    with open(stored[0], "rb") as stdin:
        done = subprocess.run(["sh", "-c", 'cat | "$@"', "sh", KVMW, "report", "--json", *args, "-"], stdin=stdin,
                              capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["rows"] == got


def test_recorded_functions_of_script(recorded, stored, tmp_path):
    args = ["script", "--json", "--where", "sym~mod_notify"]
    want = kvmw(*args, "--guest-kallsyms", kallsyms(tmp_path / "k"), recorded[0])
    got = kvmw(*args, stored[0])
    assert got.returncode == 0 and len(got.stdout.splitlines()) > 100
    assert [json.loads(line)["rip"] for line in got.stdout.splitlines()] == \
        [json.loads(line)["rip"] for line in want.stdout.splitlines()]


def test_files_replace_what_is_recorded(stored, tmp_path):
    other = tmp_path / "k"
    other.write_text(f"{TEXT:x} T other\n")
    for args in ["-s", "sym"], ["-s", "sym", "--where", "sym==other"]:
        names = {row["symbol"] for row in report(stored[0], *args, "--guest-kallsyms", other)["rows"]}
        assert "other" in names and not names & {name for _, _, name, *_ in SYMBOLS}


def test_info_and_scrub(stored, tmp_path):
    path, nr = stored
    text = kvmw("info", path).stdout
    assert re.search(rf"^symbols +{nr} functions of the guest$", text, re.M)
    assert json.loads(kvmw("info", "--json", path).stdout)["privacy"]["guest_symbols"] == "held"
    kvmw("scrub", path, tmp_path / "out")
    one_line(kvmw("report", "-s", "sym", tmp_path / "out"), 1, "the guest's functions are unknown")
    assert "symbols  " not in kvmw("info", tmp_path / "out").stdout
    kvmw("scrub", "--keep", "guest-symbols,guest-addresses", path, tmp_path / "kept")
    assert report(tmp_path / "kept", "-s", "sym")["rows"] == report(path, "-s", "sym")["rows"]


def test_strange_functions(tmp_path):
    """Invalid and overlapping entries, missing and bad names, and functions that META does not
    announce."""
    bad = "\x1b[31m" + "x" * 5000
    entries = [{"from": 16, "to": 16, "name": "empty"}, {"from": 32, "to": 16, "name": "backwards"}, {"name": "nowhere"},
               {"from": "a", "to": [], "name": {}}, 5, {"from": 4096, "to": 8192, "name": bad, "module": bad},
               {"from": 8191, "to": 8193, "name": "overlap"}, {"from": 8192, "to": 8193}, {"from": 0, "to": NONE, "name": "all"},
               {"from": NONE - 2, "to": NONE, "name": "last"}]
    rows = [exit_row(START + i, 0, 0, 0, SVM["hlt"], 0) for i in range(5)]
    for row, rip in zip(rows, [4096, 8192, 40, NONE - 2, 16]):
        row[4] = rip
    for meta in {"guest_symbols": {"kernel": "x"}}, {"guest_symbols": {}}, {"guest_symbols": []}, {}:
        rec = Recording(META | {"events": ["exit"]} | meta, VMS[:1], [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
        rec.lines += [["IDENT", {"symbols": entries}], ["EVENTS", "exit", rows], ["STATS", "total", exit_totals(rows)]]
        done = kvmw("report", "-s", "sym", rec.finish().write(tmp_path / "f"))
        assert done.returncode == (0 if meta.get("guest_symbols") not in ([], None) else 1)
        assert "\x1b" not in done.stdout and not re.search("empty|backwards|nowhere|overlap|all ", done.stdout)
        assert ("?[31mxxx" in done.stdout) == (done.returncode == 0)


@pytest.mark.parametrize("args, status, message", [
    (["-a"], 2, "are about one VM"), (["-p", "1,2"], 2, "are about one VM"), (["-p", "1", "--no-addresses"], 2, "exclude"),
    (["-p", "1", "-e", "irq"], 2, "which -e does not record"), (["-p", "1"], 1, "all addresses are 0"),
    (["-p", "1", "--guest-vmlinux", "/dev/null"], 1, "--guest-vmlinux /dev/null: "),
    (["-p", "1", "--guest-kaslr", "1"], 2, "a multiple of 4096")])
def test_wrong_use_of_record(tmp_path, args, status, message):
    (tmp_path / "zeros").write_text("0000000000000000 T _text\n")
    one_line(kvmw("record", "--guestkallsyms", tmp_path / "zeros", *args), status, message)
