# SPDX-License-Identifier: GPL-2.0
"""Recordings of a synthetic workload for kvmw diff: four kinds of exits, random in time and
length."""
import random

from synthetic import META, START, VCPUS, VMS, Recording

SECONDS = 2
REASON = {"io0": 0x7b, "io1": 0x7b, "cpuid": 0x72, "hlt": 0x78}
PORT = {"io0": 0x3f8, "io1": 0x60}
MEAN = {"io0": 12_000, "io1": 16_000, "cpuid": 1_500, "hlt": 30_000}
EXITS = {"io0": 1500, "io1": 1500, "cpuid": 1000, "hlt": 500}


def exits(seed, factor=(), share=(), when=lambda rng, i, number: (i + rng.random()) / number):
    """Rows of event exit in time order. factor and share scale a kind's duration and number."""
    rng = random.Random(seed)
    factor, share = dict(factor), dict(share)
    found = []
    for kind, number in EXITS.items():
        number = int(number * share.get(kind, 1))
        for i in range(number):
            total = int(MEAN[kind] * factor.get(kind, 1) * rng.lognormvariate(0, 0.2))
            halt = total * 3 // 4 if kind == "hlt" else 0
            user = total // 2 if kind in PORT else 0
            at = START + int(when(rng, i, number) * SECONDS * 1e9)
            found.append([at, 5000, total, user, 0xffffffff81000000, 0, 0, 0, 0, REASON[kind], 0, 2,
                          halt, halt // 3, 0, 0, *((PORT[kind], 2, 1) if kind in PORT else (None, None, 0))])
    return sorted(found)


def write(path, rows, meta=META, all_of=()):
    """all_of: what the kernel counted, including rows that were lost."""
    rec = Recording(meta=meta, vms=VMS[:1], vcpus=VCPUS[:1])
    rec.events("exit", rows, 2000)
    rec.end = START + SECONDS * 1_000_000_000
    if all_of:
        rec.exits = [(t, guest, total, user, reason, vcpu, isa)
                     for t, guest, total, user, *_, reason, vcpu, isa in (row[:12] for row in all_of)]
        kept = {tuple(row) for row in rows}
        rec.totals([row for row, whole in zip(rec.exits, all_of) if tuple(whole) not in kept])
    return rec.finish().write(path)
