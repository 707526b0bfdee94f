# SPDX-License-Identifier: GPL-2.0
"""kvmw report -e dirty: would the VM's migration end?  Compared with a slow replay of the same
marks."""
import collections
import math
import random

import pytest

from lab_fixtures import in_boots
from synthetic import META, START, VCPUS, VMS, Recording, kvmw, one_line, report, text_of, widest
from test_report_views_dirty import MS, PAGE, mark, totals_of

MIB = 1 << 20
MEMORY = 64 * MIB
LOG_TAKEN = 100 * MS
SECONDS = 3


def slots(pid=100, size=MEMORY):
    return ["STATS", "slot", [[START - 1, 1, pid, 0, 1, 1, 0, size, 0x7f0000000000, 1]]]


def make(path, marks, frames=(slots(),), lost=0):
    rec = Recording(META | {"events": ["dirty"]}, VMS, VCPUS)
    rec.lines += frames
    marks = sorted(marks)
    rec.events("dirty", marks, 4000)
    rec.lines.append(["STATS", "total", totals_of(marks)])
    rec.end = START + SECONDS * 1000 * MS
    return rec.finish().write(path)


def rewritten(seed, hot, cold=0, busy=lambda i: True, gfn=0x1000, late=0):
    """Hot pages are marked once each time the log is taken, at a random moment; cold ones once in
    all."""
    rng = random.Random(seed)
    rounds = SECONDS * 1000 * MS // LOG_TAKEN
    marks = [mark(late + i * LOG_TAKEN + rng.randrange(LOG_TAKEN), 0, gfn + page)
             for i in range(rounds) if busy(i) for page in range(hot)]
    return marks + [mark(rng.randrange(SECONDS * 1000 * MS), 1, 0x8000 + page) for page in range(cold)]


def at_once(period, hot, gfn, late=0):
    """Pages written all the time: marked as soon as the log is taken."""
    return [mark(late + i * period + page * 1000, 0, gfn + page) for i in range(SECONDS * 1000 * MS // period) for page in range(hot)]


def sweep(pages, per_page):
    """One page after another, again and again."""
    return [mark(i * per_page, 0, 0x9000 + i % pages) for i in range(SECONDS * 1000 * MS // per_page)]


# In "pieces", the log is taken GiB by GiB; pages that KVM itself writes are marked at each write.
PATTERNS = {"hot": rewritten(1, 300), "mixed": rewritten(2, 100, 2000),
            "bursts": rewritten(3, 400, 100, lambda i: i // 5 % 2 == 0),
            "sweep": sweep(2000, MS // 2) + at_once(LOG_TAKEN, 20, 0x100),
            "pieces": at_once(LOG_TAKEN, 150, 0x1000) + at_once(LOG_TAKEN, 150, 0x41000, 60 * MS),
            "own": at_once(LOG_TAKEN, 300, 0x1000) + [mark(i * MS, 0, 0x77 + i % 3) for i in range(SECONDS * 1000)]}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    path = tmp_path_factory.mktemp("migration")
    return {name: make(path / name, marks) for name, marks in PATTERNS.items()}


def migration(path, *args):
    return report(path, "-e", "dirty", *args)["dirty"]["migration"]


def taken(at, usual):
    """When each GiB's log was taken: before a page is marked again, except for pages that KVM
    itself writes."""
    number, takes, seen = collections.Counter(page for _, page in at), {}, {}
    most = sorted(number.values(), reverse=True)[4 * 2 if any(page >> 12 == 8 for page in number) else 4]
    for time, page in at:
        piece = page >> 18
        takes.setdefault(piece, [])
        if number[page] > most:
            continue
        if page in seen.setdefault(piece, set()):
            takes[piece].append(time)
            seen[piece] = set()
        seen[piece].add(page)
    between = sorted(b - a for times in takes.values() for a, b in zip(times, times[1:]))
    assert math.isclose(usual, between[(len(between) - 1) // 2], rel_tol=0.05)
    return takes


def replay(marks, usual, bits, downtime, slow):
    """The model of kvmw-report(1), with sets of pages."""
    at = sorted((row[0], row[6]) for row in marks if row[5] == PAGE)
    first = at[0][0]
    at = [(t - first, page) for t, page in at]
    span = at[-1][0] + 1
    takes = taken(at, usual)

    def since(piece, time):
        ago = min(((time - take) % span for take in takes[piece]), default=0)
        return ago if ago // 2 <= usual else 0

    def marked(begin, length):
        begin, length = int(math.fmod(begin, span)), int(length)
        if length >= span:
            return len({page for _, page in at})
        begins = {piece: begin - since(piece, begin) for piece in takes}
        return len({page for t, page in at if (t - begins[page >> 18]) % span < length})

    left, sent, total, guest, throttle, twice, rounds, after_first = MEMORY, 0, 0.0, 0.0, 0, 0, 0, 0.0
    while True:
        ns = left * 8e9 / bits
        rounds += 1
        if rounds > 1 and ns <= downtime:
            return {"converges": True, "rounds": rounds, "bytes": sent + left, "left_bytes": left,
                    "total_ns": total + ns, "downtime_ns": ns, "throttle": throttle}
        if rounds > 100 or (rounds > 3 and guest - after_first > 4 * span and (not slow or throttle >= 0.99)):
            return {"converges": False, "rounds": rounds - 1, "bytes": sent, "left_bytes": left,
                    "total_ns": None, "downtime_ns": ns, "throttle": throttle}
        now, before = ns * (1 - throttle), left
        left = marked(guest, now) * 4096
        sent, total, guest = sent + before, total + ns, guest + now
        after_first = guest if rounds == 1 else after_first
        if slow and left > before * 0.5:
            twice += 1
            if twice == 2:
                twice, throttle = 0, min(throttle + 0.1, 0.99) if throttle else 0.2


@pytest.mark.parametrize("name", PATTERNS)
def test_rounds_are_those_of_a_slow_replay(files, name):
    links = ["5M", "20M", "40M", "100M", "10G"]
    found = migration(files[name], f"--link={','.join(links)}", "--downtime=100ms")
    assert found["memory_bytes"] == MEMORY and found["downtime_limit_ns"] == 100 * MS
    usual, outcomes = found["marked_again_ns"], set()
    assert 0.9 * LOG_TAKEN < usual < 1.1 * LOG_TAKEN
    for link in found["links"]:
        for how in ("plain", "auto_converge"):
            mine = replay(PATTERNS[name], usual, link["bits_per_second"], 100 * MS, how != "plain")
            for key, value in mine.items():
                got = link[how][key]
                assert got == value or math.isclose(got, value, rel_tol=1e-6, abs_tol=1), (link, how, key, mine)
            outcomes.add((how, mine["converges"]))
    assert {("plain", True), ("plain", False), ("auto_converge", True)} <= outcomes


def test_the_slowest_link(files):
    """300 pages are rewritten in every round: the slowest link sends them within the downtime."""
    found = migration(files["hot"], "--link=200M")
    needed = 300 * 4096 * 8 / 0.3
    assert needed * 0.9 < found["slowest_bits_per_second"] < needed * 1.1
    link = found["links"][0]["plain"]
    assert link["converges"] and 280 * 4096 < link["left_bytes"] <= 300 * 4096
    assert [one["bits_per_second"] for one in migration(files["hot"])["links"]] == [10**9, 10**10, 25 * 10**9, 10**11]


def test_text(files):
    for width in (80, 120):
        text = text_of(files["mixed"], "-e", "dirty", f"--width={width}", "--link=5M,10G")
        text = text[text.index("Will it migrate?"):]
        assert widest(text) <= width
        assert "An estimate" in text and "The slowest link over which it does" in text
        lines = [line.split() for line in text.splitlines() if "bit/s" in line]
        assert any(line[:4] == ["5", "Mbit/s", "no", "no"] for line in lines)
        assert any(line[:4] == ["10", "Gbit/s", "no", "yes"] for line in lines)


@pytest.mark.parametrize("marks, frames, why", [
    (PATTERNS["hot"], (), "size of the VM's memory is unknown"),
    (rewritten(4, 0, 500), (slots(),), "no page was marked again"),
    (rewritten(5, 100, 0, lambda i: i < 2), (slots(),), "less than two of the VMM's rounds"),
    (PATTERNS["hot"] + [mark(5 * MS, 9, 0x99)], (slots(),), "of several VMs; --vm chooses one")])
def test_what_cannot_be_told(tmp_path, marks, frames, why):
    path = make(tmp_path / "f", marks, frames)
    assert why in migration(path)["unknown"] and "links" not in migration(path)
    text = " ".join(text_of(path, "-e", "dirty").split())
    assert f"Unknown: {migration(path)['unknown']}." in text
    if "--vm" in why:
        assert migration(path, "--vm=100")["unknown"] is None


def test_without_logging_there_is_none(tmp_path):
    path = make(tmp_path / "f", [mark(i * MS, 0, i, logging=0) for i in range(100)])
    assert "migration" not in report(path, "-e", "dirty")["dirty"]
    assert "Will it migrate?" not in text_of(path, "-e", "dirty")


def test_options(files):
    path = files["hot"]
    one_line(kvmw("report", path, "-e", "dirty", "--link=10"), 2, "--link '10'", "10G")
    one_line(kvmw("report", path, "-e", "dirty", "--link=1G,500G"), 2, "--link '500G'")
    one_line(kvmw("report", path, "-e", "dirty", "--link="), 2, "no rate given")
    one_line(kvmw("report", path, "-e", "dirty", "--downtime=0"), 2, "--downtime '0'")
    one_line(kvmw("report", path, "--link=1G"), 2, "report -e dirty")
    one_line(kvmw("report", path, "--link=" + ",".join(["1G"] * 9)), 2, "at most 8")


@in_boots("families-trixie")
def test_beside_qemu(boot):
    """
    Guests that write in five ways are recorded, then migrated by QEMU with a bandwidth limit. The
    compared time is that of the sent bytes at this rate, as QEMU's own time includes delays of the
    emulator.
    """
    assert boot.step("converge").status == 0, boot.step("converge").err
    about, outcomes = boot.json("converge.json"), []
    for name, guest in about["guests"].items():
        watched = "@%.9f-@%.9f" % (guest["begin_ns"] / 1e9, guest["end_ns"] / 1e9)
        found = migration(boot.path("converge.kvmw"), "--vm", guest["pid"], "--time", watched,
                          f"--link={about['bits'] // 1_000_000}M", f"--downtime={about['downtime_ms']}ms")
        link = found["links"][0]["plain"]
        took_ns = guest["ram"]["transferred"] * 8e9 / about["bits"]
        print(f"{name}: QEMU {guest['converges']} {guest['total_ms']} ms, {took_ns / 1e6:.0f} ms of sending; {link}")
        outcomes.append(guest["converges"])
        assert link["converges"] == guest["converges"], name
        if guest["converges"]:
            assert 0.75 < link["total_ns"] / took_ns < 1.25, name
    assert outcomes == [True, False, True, False, True]
