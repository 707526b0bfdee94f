# SPDX-License-Identifier: GPL-2.0
"""Where a guest's kernel was loaded, found from the instructions that exited."""
import collections
import gzip
import json
import random
import struct
import subprocess

import pytest

from synthetic import KVMW, META, START, SVM, VMS, Recording, kvmw, one_line
from test_report_families import CPUID, IN, OUT, RDMSR, WRMSR, exit_row, exit_totals

TEXT, US = 0xffffffff81000000, 1000
SIZE = 8 << 20          # of the code: more than one step of KASLR
MSR = 0x7c
INSTRUCTIONS = [(SVM["cpuid"], CPUID, b"\x0f\xa2"), (SVM["hlt"], 0, b"\xf4"), (MSR, WRMSR, b"\x0f\x30"),
                (MSR, RDMSR, b"\x0f\x32"), (SVM["io"], OUT, b"\xee"), (SVM["io"], IN, b"\x66\xed"),
                (SVM["io"], OUT, b"\xf3\x6e")]


def elf(code, at=TEXT):
    """One segment with code, no symbols."""
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, at, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 4096, at, at, len(code), len(code), 4096) + bytes(4096 - 120) + code


def lz4(data):
    """A legacy LZ4 frame with only literals, followed by the size, as the kernel's Makefile adds
    it."""
    out = struct.pack("<I", 0x184c2102)
    for at in range(0, len(data), 8 << 20):
        part = data[at:at + (8 << 20)]
        longer = len(part) - 15
        block = b"\xf0" + b"\xff" * (longer // 255) + bytes([longer % 255]) + part
        out += struct.pack("<I", len(block)) + block
    return out + struct.pack("<I", len(data))


def boot_image(payload):
    """A bootable Linux image, see Documentation/arch/x86/boot.rst: a header and the compressed
    kernel."""
    head = bytearray(1024)
    head[0x1f1] = 1                     # sectors of set-up code
    struct.pack_into("<H4sH", head, 0x1fe, 0xaa55, b"\xeb\x6aHd", 0)
    head[0x202:0x208] = b"HdrS" + struct.pack("<H", 0x20f)
    struct.pack_into("<II", head, 0x248, 0, len(payload))
    return bytes(head) + payload


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """The files of a kernel, and the addresses of its instructions."""
    rng, folder, places = random.Random(5), tmp_path_factory.mktemp("kernel"), {}
    code = bytearray(rng.randbytes(SIZE))
    for i in range(30):
        at = rng.randrange(SIZE - 16)
        reason, detail, instruction = INSTRUCTIONS[i % len(INSTRUCTIONS)]
        code[at:at + len(instruction)] = instruction
        places[at] = reason, detail
    (folder / "vmlinux").write_bytes(elf(code))
    (folder / "vmlinuz").write_bytes(boot_image(gzip.compress(elf(code), 1)))
    (folder / "vmlinuz-lz4").write_bytes(boot_image(lz4(elf(code))))
    (folder / "other").write_bytes(elf(rng.randbytes(SIZE)))
    (folder / "user").write_bytes(elf(code, 0x400000))
    (folder / "map").write_text("".join(f"{TEXT + at:x} T f{i}\n" for i, at in enumerate(sorted(places))))
    return folder, places


def recording(path, exits):
    rows = []
    for rip, reason, detail in exits:
        rows.append(exit_row(START + len(rows) * 100 * US, US, US, 0, reason, 0, detail=1 if detail else None, kind=detail))
        rows[-1][4] = rip
    rec = Recording(META | {"events": ["exit"]}, VMS[:1], [{"id": 0, "vm": 7, "vcpu": 0, "tid": 101}])
    rec.lines += [["EVENTS", "exit", rows], ["STATS", "total", exit_totals(rows)]]
    rec.end = START + len(rows) * 100 * US
    return rec.finish().write(path)


def exits_of(places, slide, changed=0):
    """Each instruction exits three times; the kernel has patched some since."""
    rng, found = random.Random(6), []
    for i, (at, (reason, detail)) in enumerate(places.items()):
        found += [(TEXT + slide + at + (5 if i < changed else 0), reason, detail)] * 3
    # User code, a module, and exits unrelated to an instruction.
    found += [(0x401000, SVM["cpuid"], CPUID), (0xffffffffc0300000, MSR, WRMSR), (TEXT + slide + 7, SVM["npf"], 7)]
    rng.shuffle(found)
    return found


@pytest.mark.parametrize("image", ["vmlinux", "vmlinuz", "vmlinuz-lz4"])
@pytest.mark.parametrize("slide, changed", [(0, 0), (0x1c000000, 0), (0x3e000000, 6)])
def test_offset_is_found(kernel, tmp_path, image, slide, changed):
    folder, places = kernel
    path = recording(tmp_path / "f", exits_of(places, slide, changed))
    done = kvmw("report", "-s", "sym", "--json", "--guest-map", folder / "map", "--guest-vmlinux", folder / image, path)
    one_line(done, 0, f"the guest's kernel was at offset {slide:#x}: " if slide else "at offset 0: ",
             f"{len(places) - changed} of {len(places)} instructions")
    found = collections.Counter({row["symbol"]: row["count"] for row in json.loads(done.stdout)["rows"]})
    starts = sorted(places)
    for at in places:
        if list(places).index(at) >= changed:
            assert found[f"f{starts.index(at)}"] >= 3
    script = kvmw("script", "--json", "--guest-map", folder / "map", "--guest-vmlinux", folder / image,
                  "--where", "sym==f3", path)
    assert script.returncode == 0
    at = starts[3]
    want = sum(TEXT + slide + at <= rip < TEXT + slide + starts[4] for rip, *_ in exits_of(places, slide, changed))
    assert len(script.stdout.splitlines()) == want > 0


def test_offset_is_uncertain(kernel, tmp_path):
    """No offset with another kernel's image, with too few instructions, or if the same code appears
    twice."""
    folder, places = kernel
    args = ["report", "-s", "sym", "--guest-map", folder / "map"]
    path = recording(tmp_path / "f", exits_of(places, 0x1c000000))
    says = "cannot tell where the guest's kernel was: at offset "
    one_line(kvmw(*args, "--guest-vmlinux", folder / "other", path), 1, says, "give --guest-kaslr=OFFSET")
    assert kvmw(*args, "--guest-vmlinux", folder / "other", "--guest-kaslr", "0x1c000000", path).returncode == 0
    few = recording(tmp_path / "few", exits_of(dict(list(places.items())[1:3]), 0x2000000)[:3])
    one_line(kvmw(*args, "--guest-vmlinux", folder / "vmlinux", few), 1, says)
    twice = tmp_path / "twice"
    code = (folder / "vmlinux").read_bytes()[4096:][:2 << 20]
    twice.write_bytes(elf(code * 2))
    low = {at: what for at, what in places.items() if at < 2 << 20}
    assert len(low) >= 4
    one_line(kvmw(*args, "--guest-vmlinux", twice, recording(tmp_path / "low", exits_of(low, 0x2000000))), 1, says,
             f"{len(low)} of {len(low)} instructions", f"at the next best {len(low)}")


def test_nothing_to_find(kernel, tmp_path):
    """A guest without Linux, one with exits in user code only, and a pipe."""
    folder, places = kernel
    args = ["report", "-s", "sym", "--guest-map", folder / "map", "--guest-vmlinux"]
    path = recording(tmp_path / "f", exits_of(places, 0x1c000000))
    assert "offset" not in kvmw(*args, folder / "user", path).stderr
    user = recording(tmp_path / "user", [(0x401000, SVM["cpuid"], CPUID)] * 9)
    assert "offset" not in kvmw(*args, folder / "vmlinux", user).stderr
    with open(path, "rb") as stdin:
        done = subprocess.run(["sh", "-c", 'cat | "$@"', "sh", KVMW, *args, folder / "vmlinux", "-"],
                              stdin=stdin, capture_output=True, text=True, check=False)
    one_line(done, 1, "cannot be read twice, to find where the guest's kernel was; save it to a file")


def test_damaged_boot_image(kernel, tmp_path):
    """A boot image that is cut short, has a block longer than allowed, or an invalid one."""
    folder, places = kernel
    path = recording(tmp_path / "f", exits_of(places, 0))
    whole = (folder / "vmlinuz-lz4").read_bytes()
    block = 1024 + 4
    for bad in whole[:5000], whole[:block] + b"\xff" * 4 + whole[block + 4:], whole[:block + 4] + bytes(9999), whole[:0x300]:
        (tmp_path / "bad").write_bytes(bad)
        done = kvmw("report", "-s", "sym", "--guest-map", folder / "map", "--guest-vmlinux", tmp_path / "bad", path)
        one_line(done, 1, "not an ELF file, nor an image of Linux")


def test_boot_image_alone(kernel, tmp_path):
    folder, places = kernel
    path = recording(tmp_path / "f", exits_of(places, 0))
    done = kvmw("report", "-s", "sym", "--guest-vmlinux", folder / "vmlinuz", path)
    assert done.returncode == 1 and "a compressed kernel, which has no symbols; System.map (--guest-map)" in done.stderr
