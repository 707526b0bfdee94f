# SPDX-License-Identifier: GPL-2.0
"""The set-up of VMs: what kvmw info and findings make of rows of tables vm_config and
vcpu_config."""
import json

import pytest

from lab_fixtures import boots_of, in_boots
from synthetic import META, START, VMS, VCPUS, Recording, kvmw, report
from test_findings import SECOND, US, WRMSR, Vcpu, busy
from test_report_families import exit_totals

BEGIN, LAST, NONE, ONES = 1, 2, None, 2**32 - 1
KVM = (0x4b4d564b | 0x564b4d56 << 32, 0x4d)            # "KVMKVMKVM"
HYPERV = (0x7263694d | 0x666f736f << 32, 0x76482074)   # "Microsoft Hv"


def vm(kind, pid, place, apicv_not=ONES, apicv=NONE, inhibits=NONE, vcpus=NONE, irqchip=NONE, pit=NONE, ring=NONE,
       poll=NONE, nx=NONE, signature=(NONE, NONE), kvm=NONE, hyperv=NONE, hints=NONE):
    return [START, kind, pid, place, apicv_not, apicv, inhibits, vcpus, irqchip, pit, ring, poll, nx,
            *signature, kvm, hyperv, hints]


def vcpu(kind, pid, place, ident, number, mode=NONE, apicv=NONE, tsc=1000, offset=NONE, ratio=NONE, khz=NONE):
    return [START, kind, pid, place, ident, number, mode, apicv, tsc, offset, ratio, khz]


def write(path, vms, vcpus, rows=(), texts=()):
    rec = Recording(META | {"events": ["exit"]}, VMS, VCPUS)
    rec.lines.append(["IDENT", {"texts": [{"id": i, "text": text} for i, text in enumerate(texts)]}])
    if rows:
        rec.lines += [["EVENTS", "exit", rows], ["STATS", "total", exit_totals(rows)]]
    rec.lines += [["STATS", table, rows] for table, rows in (("vm_config", vms), ("vcpu_config", vcpus)) if rows]
    rec.end = START + SECOND
    return rec.finish().write(path)


def info(path, *args):
    done = kvmw("info", "-i", path, *args)
    assert done.returncode == 0, done.stderr
    return done.stdout


def findings(path, *args):
    """The findings about vCPUs with these rows."""
    return [f for f in report(path, *args)["findings"] if f["rule"] != "never-exited"]


def configs(path):
    return json.loads(info(path, "--json"))["vm_configs"]


def test_info(tmp_path):
    """Values at the end count; unknown ones are only called unknown; one process has two VMs."""
    path = write(tmp_path / "f", [
        vm(BEGIN, 100, 0, apicv=1, inhibits=0),
        vm(LAST, 100, 0, 0, 0, 0x11, 2, 2, 0, 4096, 200_000, 1, KVM, 1 << 3 | 1 << 6 | 1 << 8),
        vm(BEGIN, 200, 0), vm(LAST, 200, 1, irqchip=9, signature=HYPERV, hyperv=1 << 9 | 1 << 51, hints=1 << 5),
        vm(7, 300, 0)], [
        vcpu(LAST, 100, 0, 1, 1, 2, 0, 5000, -12345, 1 << 48, 2_000_000),
        vcpu(LAST, 100, 0, 0, 0, 1, 1, 5000, -12345, 1 << 47, 2_000_000),
        vcpu(BEGIN, 100, 0, 0, 7), vcpu(BEGIN, 200, 0, ONES, 0, 9), vcpu(LAST, 999, 0, 0, 0)],
        texts=["disabled, hyperv"])
    first, unknown, hyperv = configs(path)
    cpus = first.pop("vcpu_configs")
    assert first == {
        "pid": 100, "vm_id": 0, "vcpus": 2, "irqchip": "split", "pit": False, "apicv": False,
        "apicv_inhibited_by": "disabled, hyperv", "apicv_changed": True, "halt_poll_ns": 200_000,
        "nx_huge_pages": True, "dirty_ring_bytes": 4096, "hypervisor": "KVMKVMKVM",
        "kvm_features": ["kvmclock", "PV EOI", "bit 8"], "hyperv_features": None, "hyperv_hints": None,
        "tsc_spread": None}
    assert [(c["vcpu"], c["vcpu_id"], c["apic_mode"], c["apicv"], c["tsc_offset"], c["tsc_ratio"], c["tsc_khz"])
            for c in cpus] == [(0, 0, "xAPIC", True, -12345, 0.5, 2_000_000),
                               (1, 1, "x2APIC", False, -12345, 1, 2_000_000)]
    one, = unknown.pop("vcpu_configs")
    assert {k: v for k, v in unknown.items() if v is not None} == {"pid": 200, "apicv_changed": False}
    assert one == {"vcpu_id": None, "vcpu": 0, "apic_mode": None, "apicv": None, "tsc_offset": None,
                   "tsc_ratio": None, "tsc_khz": None, "host_tsc": 1000, "time_ns": START}
    assert hyperv["hypervisor"] == "Microsoft Hv" and hyperv["irqchip"] is None
    assert hyperv["hyperv_features"] == ["reference TSC", "direct synthetic timers"]
    assert hyperv["hyperv_hints"] == ["relaxed timing"] and not hyperv["vcpu_configs"]
    text = info(path, "-v")
    text = " ".join(text[text.index("How the VMs are set up:"):].split())
    for words in ("pid 100: 2 vCPUs created; irqchip in KVM: split; PIT in KVM: no; APICv or AVIC: off, "
                  "inhibited: disabled, hyperv; it was different at the start; ", "sees KVMKVMKVM: kvmclock, PV EOI vCPU 0: ",
                  "vCPU 1: APIC mode x2APIC; TSC offset -12345; 2000.000 MHz", "scaled by 0.5;",
                  "pid 200: vCPUs: unknown; all else is unknown", "vCPU 0: APIC mode unknown; TSC offset unknown"):
        assert words in text
    assert "How the VMs" not in info(path)


def test_recordings_without(tmp_path):
    rec = Recording(META, VMS, VCPUS).finish().write(tmp_path / "f")
    assert "vm_configs" not in json.loads(info(rec, "--json")) and "How the VMs" not in info(rec, "-v")


@pytest.mark.parametrize("offsets, khz, cycles", [
    ((-10**12, -10**12), 2_000_000, None), ((0, 1999), 2_000_000, None), ((0, 2000), 2_000_000, 2000),
    ((5, -5_000_000), 2_000_000, 5_000_005), ((0, 9999), NONE, None), ((0, 10_000), 0, 10_000),
    ((2**63 - 1, -2**63), 2_000_000, None), ((0, NONE), 2_000_000, None),
])
def test_tsc_offsets(tmp_path, offsets, khz, cycles):
    path = write(tmp_path / "f", [vm(LAST, 100, 0), vm(LAST, 200, 0)], [
        *[vcpu(LAST, 100, 0, i, i, offset=offset, ratio=1 << 48, khz=khz) for i, offset in enumerate(offsets)],
        vcpu(LAST, 200, 0, 9, 0, offset=77)], sorted(busy(Vcpu()).rows + busy(Vcpu(9)).rows))
    rules = {f["rule"]: f for f in findings(path)}
    assert list(rules) == ["tsc-offsets"] * bool(cycles)
    if cycles:
        finding = rules["tsc-offsets"]
        assert finding["evidence"] == {"cycles": cycles} and finding["next"] == "kvmw info -v"
        assert f"of VM 100 differ by up to {cycles} cycles" in finding["text"]
        assert (f"({cycles / 2000:.0f} us)" in finding["text"]) == bool(khz)
        assert not findings(path, "--vm", "200")


def test_scaled_otherwise_is_not_compared(tmp_path):
    path = write(tmp_path / "f", [vm(LAST, 100, 0)], [
        vcpu(LAST, 100, 0, i, i, offset=i * 10**6, ratio=1 << 48 + i, khz=10**6) for i in range(2)], busy(Vcpu()).rows)
    assert not findings(path)


EOI = Vcpu().add(80 * US, 20 * US, 0x7c, 9000, detail=0x80b, kind=WRMSR).rows


@pytest.mark.parametrize("rows, words", [
    ([vm(LAST, 100, 0, 0, 0, 3)], "APICv or AVIC, which would spare them, is off: disabled, nested."),
    ([vm(LAST, 100, 0, apicv=1, inhibits=0)], "APICv or AVIC, which would spare them, is on."),
    ([vm(LAST, 100, 0)], ""), ([], ""),
    ([vm(BEGIN, 100, 0, apicv=1, inhibits=0), vm(LAST, 100, 0, 0, 0, 3)], ""),
    ([vm(LAST, 100, 0, apicv=1, inhibits=0), vm(LAST, 100, 1, 0, 0, 3)], ""),
])
def test_ends_of_interrupts(tmp_path, rows, words):
    path = write(tmp_path / "f", rows, [vcpu(LAST, 100, i, 0, 0) for i in range(2)], EOI, ["disabled, nested"])
    finding, = findings(path)
    assert finding["rule"] == "eoi"
    assert finding["text"].partition("% of the time.")[2].strip() == words


def test_whom_ipis_go_to(tmp_path):
    rows = Vcpu().add(80 * US, 20 * US, 0x7c, 9000, detail=0x830, kind=WRMSR).rows
    rows = [row + [0, NONE, (i % 4 > 0) << 32 | 0xfd] for i, row in enumerate(rows)]
    finding, = findings(write(tmp_path / "f", [], [], rows))
    assert finding["rule"] == "ipi-storm"
    assert finding["text"].endswith(" 75% of them: IPI vector 0xfd to vCPU 1.")


def deadlines(path, away_us, ratio=1, offset=-10**12, span=SECOND, last=LAST, times=9000):
    """The host has 2.5 cycles per ns, more than it says; the guest's TSC is the host's times ratio
    plus offset."""
    def host(time):
        return 10**13 + (time - START) * 5 // 2
    rows = Vcpu().add(80 * US, 20 * US, 0x7c, times, detail=0x6e0, kind=WRMSR).rows
    for i, row in enumerate(rows):
        tsc = int(host(row[0]) * ratio) + offset
        row += [0, NONE, tsc + int(away_us[i % len(away_us)] * 2500 * ratio)]
    ends = [vcpu(kind, 100, 0, ident, 0, tsc=host(time), offset=offset, ratio=int(ratio * 2**48), khz=2_000_000)
            for kind, ident, time in ((BEGIN, ONES, START), (last, 0, START + span))]
    ends[1][0] += span
    return write(path, [vm(BEGIN, 100, 0), vm(last, 100, 0)], ends, rows)


@pytest.mark.parametrize("away, words, options", [
    ([180], "180 us", {}), ([1, 180, 999_999], "180 us", {}), ([4.56], "4.6 us", {}), ([12_345], "12 ms", {}),
    ([1.5], "1.5 us", {"ratio": 0.75, "offset": 5}), ([180], "180 us", {"span": 59 * SECOND}),
    ([180], None, {"span": 61 * SECOND}), ([180], None, {"span": SECOND // 20}), ([180], None, {"last": BEGIN}),
    ([-5], None, {}), ([180], "180 us", {"times": 9999})])
def test_how_far_away_timers_are(tmp_path, away, words, options):
    path = deadlines(tmp_path / "f", away, **options)
    finding, = findings(path)
    assert finding["rule"] == "timer-storm"
    assert finding["text"].partition("% of the time.")[2].strip() == (
        f"The median deadline is {words} away." if words else "")
    assert finding["evidence"].get("deadline_ns") == (pytest.approx(sorted(away)[len(away) // 2] * 1000, abs=20)
                                                      if words else None)
    (reason,) = report(path)["rows"]
    assert [d["detail"] for d in reason["details"]] == ["wrmsr 0x6e0 TSC_DEADLINE" + (f" +{words}" if words else "")]


def lab_configs(boot, name):
    return json.loads(boot.step(f"setup-{name}").out)["vm_configs"]


@in_boots(*boots_of("memory"))
def test_as_the_vmm_has_set_it_up(boot):
    """The set-up of two QEMUs is that of their command lines (memory.sh), which differ."""
    full, = lab_configs(boot, "full")
    split, = lab_configs(boot, "split")
    assert full["vcpus"] == len(full["vcpu_configs"]) == 2 and split["vcpus"] == 1
    assert full["tsc_spread"] == 0 and [c["vcpu"] for c in full["vcpu_configs"]] == [0, 1]
    # The guest's TSC began with 0 at the start of its VM, after the host's.
    for config in full, split:
        for cpu in config["vcpu_configs"]:
            assert 0 < cpu["host_tsc"] + cpu["tsc_offset"] < cpu["host_tsc"]
    if boot.name == "bullseye":     # without BTF of kvm.ko only debugfs has it
        assert full["irqchip"] is None and full["kvm_features"] is None
        return
    assert (full["irqchip"], full["pit"], split["irqchip"], split["pit"]) == ("full", True, "split", False)
    assert {"kvmclock", "PV EOI", "steal time"} <= set(full["kvm_features"])
    assert not {"PV EOI", "steal time"} & set(split["kvm_features"]) and "kvmclock" in split["kvm_features"]
    for config in full, split:
        assert config["hypervisor"] == "KVMKVMKVM" and config["apicv"] is False
        assert "disabled" in config["apicv_inhibited_by"] and config["halt_poll_ns"] == 200_000
        assert {c["apic_mode"] for c in config["vcpu_configs"]} == {"xAPIC"}
        assert all(c["tsc_ratio"] == 1 and c["tsc_khz"] > 10**5 for c in config["vcpu_configs"])


@in_boots("avic")
def test_what_inhibits_avic(boot):
    full, = lab_configs(boot, "full")
    split, = lab_configs(boot, "split")
    assert full["pit"] and not full["apicv"] and full["apicv_inhibited_by"] == "pit reinj"
    assert split["apicv"] and split["apicv_inhibited_by"] is None
