# SPDX-License-Identifier: GPL-2.0
"""--where, compared with a slow evaluation of the same expression over the JSON of kvmw script.

An expression here is a tree, from which its text is made, so this test has no parser.
"""
import json
import os
import random
import re

import pytest

from synthetic import TREE, kvmw, one_line, report
from test_guest_symbols import function, kallsyms, recorded  # noqa: F401 (a fixture)

DATA = TREE / "tests/data"
GOLDEN = ["svm-families", "svm-userspace", "vmx-mixed"]
ROUNDS = int(os.environ.get("KVMW_ROUNDS", 8))
DETAILS = {"in": "port", "out": "port", "mmio-read": "gpa", "mmio-write": "gpa", "mmio-fast": "gpa",
           "fault-read": "gpa", "fault-write": "gpa", "fault-exec": "gpa", "rdmsr": "msr", "wrmsr": "msr",
           "cr-read": "cr", "cr-write": "cr", "cpuid": "leaf", "hypercall": "nr", "interrupt": "vector",
           "exception": "vector", "hv-hypercall": "nr"}


def script(path, *args):
    done = kvmw("script", path, "--json", *args)
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def rows():
    return {name: script(DATA / f"{name}.kvmw") for name in GOLDEN}


# ---- the slow way: True, False, or None for unknown ----------------------------------------------

def value(row, name):
    if name in DETAILS.values() and row["event"] == "exit":
        return row.get("detail") if DETAILS.get(row.get("detail_kind")) == name else None
    for key in name, name + "_ns":
        if key in row:
            return row[key]
    return None


def compare(row, name, op, wanted):
    has, number = value(row, name), row.get(name + "_number")
    if wanted == [None]:
        return (has is None) == (op == "==")
    if has is None:
        return None
    same = {has, number, str(has).lower()} if isinstance(has, str) else {has}
    if op in ("==", "!=", "in"):
        found = any(w[0] <= has <= w[1] if isinstance(w, tuple) else w in same for w in wanted)
        return found != (op == "!=")
    if op in ("~", "!~"):
        return (isinstance(has, str) and bool(re.search(wanted[0], has))) != (op == "!~")
    has = has if number is None else number
    return {"<": has < wanted[0], "<=": has <= wanted[0], ">": has > wanted[0], ">=": has >= wanted[0]}[op]


def truth(row, tree):
    kind, *rest = tree
    if kind == "!":
        inner = truth(row, rest[0])
        return None if inner is None else not inner
    if kind not in ("&&", "||"):
        return compare(row, *tree)
    values = [truth(row, part) for part in rest]
    decides = kind == "||"
    return decides if decides in values else None if None in values else not decides


def word(has, rng):
    if has is None:
        return "unknown"
    if isinstance(has, bool):
        return str(has).lower()
    if isinstance(has, str):
        return has if re.fullmatch(r"[A-Za-z_][\w]*([-.:#]\w+)*", has) and rng.randrange(2) else f'"{has}"'
    return hex(has) if has >= 0 and rng.randrange(2) else str(has)


def text(tree, rng):
    kind, *rest = tree
    if kind == "!":
        return f"!({text(rest[0], rng)})"
    if kind in ("&&", "||"):
        return rng.choice(["{}{}{}", "{} {} {}"]).join(["(", ")"]).format(text(rest[0], rng), kind, text(rest[1], rng))
    name, op, wanted = tree
    if op in ("~", "!~"):
        return f'{name}{op}"{wanted[0]}"'
    values = [f"{word(w[0], rng)}-{word(w[1], rng)}" if isinstance(w, tuple) else word(w, rng) for w in wanted]
    listed = ", ".join(values)
    return f"{name} in {rng.choice(['{}', '({})'])}".format(listed) if op == "in" else f"{name}{op}{listed}"


def random_term(rng, every):
    row = rng.choice(every)
    names = [name for name, has in row.items() if not isinstance(has, (dict, list)) and
             not name.endswith(("_hex", "_number", "_stack")) and name not in ("name", "bytes", "text", "user")]
    name = rng.choice(names)
    has = row[name]
    if DETAILS.get(row.get("detail_kind")) and name == "detail" and rng.randrange(2):
        name = DETAILS[row["detail_kind"]]
    if has is None and name in ("kind", "cpu"):
        return random_term(rng, every)
    if has is None:
        return name, rng.choice(["==", "!="]), [None]
    if isinstance(has, str):
        if rng.randrange(3):
            return name, rng.choice(["==", "!="]), [has]
        return name, rng.choice(["~", "!~"]), [re.escape(has[:3]).replace("\\ ", " ")]
    others = [r[name] for r in every if isinstance(r.get(name), int)] or [has]
    other = rng.choice(others)
    op = rng.choice(["==", "!=", "<", "<=", ">", ">=", "in", "in"])
    if isinstance(has, bool) or any(isinstance(r.get(name), str) for r in every):
        return name, rng.choice(["==", "!="]), [has]
    if op == "in":
        return name, op, [(min(has, other), max(has, other)), rng.choice(others)]
    return name, op, [rng.choice([has, other])]


def random_tree(rng, every, depth=0):
    pick = rng.randrange(6 if depth < 3 else 2)
    if pick < 2:
        return random_term(rng, every)
    if pick == 2:
        return "!", random_tree(rng, every, depth + 1)
    return rng.choice(["&&", "||"]), random_tree(rng, every, depth + 1), random_tree(rng, every, depth + 1)


@pytest.mark.parametrize("name", GOLDEN)
def test_script(name, rows):
    """Random expressions with values that occur, for all events at once."""
    rng, hits = random.Random(name), 0
    for _ in range(ROUNDS):
        tree = random_tree(rng, rows[name])
        expr = text(tree, rng)
        wanted = [row for row in rows[name] if truth(row, tree)]
        assert script(DATA / f"{name}.kvmw", "--where", expr) == wanted, expr
        hits += 0 < len(wanted) < len(rows[name])
    assert hits


@pytest.mark.parametrize("name", ["svm-families", "vmx-mixed"])
def test_report(name, rows):
    """report counts and sums the matching rows of one event."""
    rng, hits = random.Random(name + "report"), 0
    for _ in range(ROUNDS):
        event = rng.choice(sorted({row["event"] for row in rows[name]} - {"raw"}))
        every = [row for row in rows[name] if row["event"] == event]
        tree = random_tree(rng, every)
        left = [row for row in every if truth(row, tree)]
        span = {"exit": "total_ns", "userspace": "user_ns"}.get(event, "span_ns")
        done = kvmw("report", DATA / f"{name}.kvmw", "--json", "-e", event, "-s", "vcpu", "--where", text(tree, rng))
        assert done.returncode in (0, 1) and done.stdout, done.stderr
        got = json.loads(done.stdout)
        assert got["recorded"] == len(left) == sum(row["count"] for row in got["rows"])
        spans = [row[span] for row in left if row[span] is not None]
        assert sum(row["time_ns"] or 0 for row in got["rows"]) == sum(spans)
        assert max([row["max_ns"] or 0 for row in got["rows"]], default=0) == max(spans, default=0)
        hits += 0 < len(left) < len(every)
    assert hits


def test_sym(recorded, tmp_path):  # noqa: F811
    """Functions of the guest, which are not in JSON; other places have names, too."""
    path, exits = recorded
    files = "--guest-kallsyms", kallsyms(tmp_path / "kallsyms")
    for expr, wanted in (('sym~"^mod_"', lambda name: name.startswith("mod_")),
                         ("sym==startup_64 || sym==late", lambda name: name in ("startup_64", "late")),
                         ('sym=="[user code]"', lambda name: name == "[user code]"),
                         ('sym!~"o"', lambda name: name not in ("-", "[unknown]") and "o" not in name),
                         ("sym==unknown", lambda name: name in ("-", "[unknown]"))):
        left = [total for rip, _, total in exits
                if wanted(" ".join([function(rip)[0]] + ([f"[{function(rip)[1]}]"] if function(rip)[1] else [])))]
        assert 0 < len(left) < len(exits)
        rep = report(path, "-s", "sym", "--where", expr, *files)
        assert (rep["recorded"], sum(row["time_ns"] for row in rep["rows"])) == (len(left), sum(left)), expr
        assert len(script(path, "--where", expr, *files)) == len(left)


@pytest.mark.parametrize("expr, column, message", [
    ("", 1, "name of a field"), ("total", 6, "must be followed by =="), ("total>", 7, "a number"), ("(total>1s", 10, "')'"),
    ("total>1s)", 9, "&& or ||"), ("total>1us && foo==1", 14, "exits have no field 'foo'"),
    ("totl>1s", 1, "did you mean total?"), ("total>100", 7, "give a unit"), ("total>1.5", 7, "has no unit"),
    ("reason==nfp", 9, "did you mean npf?"), ("rip==x", 6, "rip is a number"), ("rip>1ms", 5, "rip is not a time"),
    ("rip==-1", 6, "never negative"), ("rip in 5-3", 8, "ends before it begins"), ('rip~"x"', 1, "no name for ~"),
    ("reason<hlt", 8, "compared with =="), ("comm>3", 1, "is a text"), ('comm~"["', 9, "regular expression"),
    ('comm=="x', 7, "no closing"), ("rip==0xg", 6, "hexadecimal"), ("rip==9z", 6, "not a number"),
    ("vector==3 && gfn==4", 14, "(events that have it: dirty, mmu)"), ("nested==maybe", 9, "true or false"),
    ("!" * 40 + "rip==1", 33, "levels"), ("(" * 40, 33, "levels"), ("rip==1||" * 40 + "rip==1", 257, "comparisons"),
    ("rip in 1" + ",1" * 70, 136, "more than 64 values"),
])
def test_mistakes(expr, column, message):
    """A mistake is reported in one line, with its column."""
    done = kvmw("report", DATA / "svm-families.kvmw", "--where", expr)
    one_line(done, 2, message)
    assert f"--where, column {column}: " in done.stderr


def test_mistakes_of_script():
    path = DATA / "svm-families.kvmw"
    one_line(kvmw("script", path, "-e", "irq", "--where", "rip==1"), 2, "events of interrupts have no field 'rip'")
    one_line(kvmw("script", path, "--where", "foo==1"), 2, "the events have no field 'foo'")
    one_line(kvmw("script", path, "--where", "sym==x"), 2, "--guest-kallsyms")
    one_line(kvmw("report", path, "--where", "sym==x"), 1, "--guest-kallsyms")
    one_line(kvmw("report", path, "--outliers", 1, "--where", "sym==x"), 1, "--guest-kallsyms")
    one_line(kvmw("script", path, "--where", "rip==1", "--where", "rip==2"), 2, "one expression")
    one_line(kvmw("script", path, "--where", "rip==1"), 1, "no events match --where;")
    assert "--where is true for none of the 426 recorded exits" in kvmw("report", path, "--where", "rip==1").stderr


@pytest.mark.parametrize("expr", ["time>3.3s && time<3.8", "time_ns>0", "total in 1us-1ms", "total_ns in 1000-1000000",
                                  "reason=npf", "reason==NPF", "reason_number==0x400", "user_reason==io"])
def test_spellings(expr, rows):
    """Units, numbers as in JSON, and short reasons, as --time and --reason accept them."""
    path, start = DATA / "svm-families.kvmw", report(DATA / "svm-families.kvmw")["recording"]["start_ns"]
    same = {
        "time>3.3s && time<3.8": lambda r: 33 * 10**8 < r["time_ns"] - start < 38 * 10**8,
        "time_ns>0": lambda r: True,
        "total in 1us-1ms": lambda r: r["total_ns"] is not None and 1000 <= r["total_ns"] <= 10**6,
        "total_ns in 1000-1000000": lambda r: r["total_ns"] is not None and 1000 <= r["total_ns"] <= 10**6,
        "user_reason==io": lambda r: r["user_reason"] == "KVM_EXIT_IO",
    }.get(expr, lambda r: r["reason"] == "npf")
    exits = [row for row in rows["svm-families"] if row["event"] == "exit"]
    assert script(path, "-e", "exit", "--where", expr) == [row for row in exits if same(row)] != []


def test_together(rows):
    """Selecting options are combined by "and"; also from a pipe."""
    path = DATA / "svm-families.kvmw"
    args = "--vcpu", "0", "--reason", "npf,msr", "--time", "1,4", "--where", "total>50us"
    left = [row for row in script(path, *args[:-2]) if (row.get("total_ns") or 0) > 50000]
    assert script(path, *args) == left != []
    with open(path) as pipe:
        done = kvmw("report", "-i", "-", "--json", "-e", "exit", "-s", "reason", *args, stdin=pipe)
    assert json.loads(done.stdout)["recorded"] == len(left)
    assert json.loads(done.stdout)["where"] == "total>50us"
    assert script(path, *args, "--outliers", "5") == sorted(left, key=lambda r: -(r["total_ns"] - r["halt_ns"] + r["poll_ns"]))[:5]


def test_page(rows):
    """Shares refer to all of the vCPUs' time; parts of the page that need all exits are omitted."""
    path = DATA / "svm-families.kvmw"
    page = kvmw("report", path, "--where", "total>100us").stdout
    assert "all numbers cover only the recorded exits for which this is true" in page.replace("\n#           ", " ")
    assert "the time of 2 vCPUs together" in page and "vCPU's time went" not in page
    assert kvmw("report", path, "-e", "irq", "--where", "vector==33").returncode == 0
