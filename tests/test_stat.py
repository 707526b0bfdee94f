# SPDX-License-Identifier: GPL-2.0
"""kvmw stat: its counters equal perf's, and intervals add up to them."""
import collections
import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

import pytest

import endless
import lab_fixtures
from synthetic import KVMW, TREE, kvmw, one_line

# The parts of the vCPUs' time; poll_ns is part of halt_ns, throttled_ns of wait_ns.
WHOLE = ["guest_ns", "kvm_ns", "vmm_ns", "halt_ns", "wait_ns", "block_ns", "open_ns", "unseen_ns", "gone_ns"]


def objects(text):
    """The JSON objects of intervals, one after another."""
    decoder, found = json.JSONDecoder(), []
    text = text.strip()
    while text:
        obj, end = decoder.raw_decode(text)
        found.append(obj)
        text = text[end:].lstrip()
    return found


def guest(step):
    """What the guest says about itself, on standard error, as counters use standard output."""
    return json.loads(next(line for line in step.err.splitlines() if line.startswith("{")))


def expected(boot, step):
    """{reason: exits} that the guest makes; others, such as interrupts, are extra."""
    return guest(step)["exits"][boot.isa]


def perf_count(boot, event):
    for line in boot.path("stat.perf").read_text().splitlines():
        if f"kvm:{event}," in line:
            return int(line.split(",")[0])
    return None


def adds_up(whole):
    """Checks that all parts add up to the whole, to the nanosecond."""
    return sum(whole[part] for part in WHOLE) == whole["wall_ns"]


@lab_fixtures.in_boots(*lab_fixtures.boots_of("stat"))
def test_counts_are_those_of_perf(boot):
    step = boot.step("stat")
    assert step.status == 0, step.err
    rep = json.loads(step.out)
    counts = {row["reason"]: row["count"] for row in rep["rows"]}
    assert {reason: counts[reason] for reason in expected(boot, step)} == expected(boot, step)
    if "missed up to" not in step.err:
        assert sum(counts.values()) == rep["total"]["count"] == perf_count(boot, "kvm_exit")
    assert rep["recorded"] == rep["lost"] == rep["total"]["recorded"] == 0
    assert rep["total"]["exact"]
    assert adds_up(rep["whole"])


@lab_fixtures.in_boots(*lab_fixtures.boots_of("stat"))
def test_durations_are_counted(boot):
    rep = json.loads(boot.step("stat").out)
    for row in rep["rows"]:
        ended = sum(bucket["count"] for bucket in row["histogram"])
        assert ended == row["count"] - row["unfinished"]
        assert row["p50_ns"] is None or row["p50_ns"] & (row["p50_ns"] - 1) == 0
        assert not ended or row["mean_ns"] * ended <= row["time_ns"]


@lab_fixtures.in_boots(*lab_fixtures.boots_of("stat"))
def test_intervals_add_up(boot):
    step = boot.step("stat-intervals")
    assert step.status == 0, step.err
    rows = list(csv.DictReader(step.out.splitlines()))
    counts = collections.Counter()
    for row in rows:
        counts[row["reason"]] += int(row["count"])
    want = expected(boot, step)
    assert {reason: counts[reason] for reason in want} == want
    ends = sorted({int(row["end_ns"]) for row in rows})
    assert len(ends) > 1 and [int(row["end_ns"]) for row in rows] == sorted(int(row["end_ns"]) for row in rows)


@lab_fixtures.in_boots(*lab_fixtures.boots_of("stat"))
def test_each_interval_is_whole(boot):
    step = boot.step("stat-vcpus")
    assert step.status == 0, step.err
    intervals = objects(step.out)
    for before, after in zip(intervals, intervals[1:]):
        assert before["recording"]["start_ns"] + before["recording"]["duration_ns"] == \
            after["recording"]["start_ns"]
    for rep in intervals:
        if "whole" not in rep:
            continue            # the VM does not exist yet
        # Parts of a cycle are read one after another while it goes on; time already counted
        # as one part is not moved if it turns out to be another.
        whole = rep["whole"]
        assert sum(whole[part] for part in WHOLE) == whole["wall_ns"]
    total = sum(rep["total"]["count"] for rep in intervals)
    want = sum(expected(boot, step).values())
    assert total >= want
    for number in range(len(guest(step)["vcpu"])):
        assert sum(row["count"] for rep in intervals for row in rep["rows"]
                   if row["vcpu"] == number) >= want // len(guest(step)["vcpu"])


@pytest.mark.parametrize("args, words", [
    ([], ["what to count?", "-p PID"]),
    (["-p", "1", "-a"], ["-p and -a exclude each other"]),
    (["-a", "-I", "1ms"], ["-I '1ms'", "from 10ms on"]),
    (["-a", "-I", "x"], ["-I 'x'"]),
    (["-a", "--per", "cpu"], ["--per 'cpu'", "reason, vcpu or vm"]),
    (["-a", "--json", "--csv"], ["--json and --csv exclude each other"]),
    (["-a", "-d", "0"], ["--duration '0'"]),
    (["-a", "-e", "userspace"], ["-e userspace", "families of events"]),
    (["-a", "-e", "kvm:kvm_pio"], ["-e kvm:kvm_pio", "perf stat -e counts tracepoints"]),
    (["-a", "-e", "nothing"], ["'nothing'"]),
    (["-a", "--openmetrics", "here"], ["--openmetrics 'here'", "ADDR:PORT"]),
    (["-a", "--openmetrics", "127.0.0.1:99999"], ["--openmetrics '127.0.0.1:99999'"]),
    (["-a", "--openmetrics", "host:80"], ["--openmetrics 'host:80'"]),
    (["-a", "--openmetrics", "9929", "--json"], ["--openmetrics and --json exclude each other"]),
])
def test_wrong_usage(args, words):
    one_line(kvmw("stat", *args), 2, *words)


native = pytest.mark.skipif(not os.access("/dev/kvm", os.W_OK) or os.geteuid() != 0,
                            reason="needs /dev/kvm and root")


@native
@pytest.mark.lab
def test_families_here(tmp_path):
    """There are as many calls of KVM_RUN as returns of the guest, and some other ioctls; also for
    Prometheus."""
    done = subprocess.run([KVMW, "stat", "-q", "--json", "-e", "ioctl", "--", KVMW, "bench", "guest", "--json", "--pio", "300"],
                          capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(next(line for line in done.stderr.splitlines() if line.startswith("{")))
    calls, = json.loads(done.stdout)["kinds"]
    assert (calls["event"], calls["kind"]) == ("ioctl", "call")
    assert sum(told["user_exits"].values()) < calls["count"] < 2 * sum(told["user_exits"].values())
    assert calls["ended"] == calls["count"] and calls["time_ns"]
    done = subprocess.run([KVMW, "stat", "-q", "-e", "ioctl", "--", KVMW, "bench", "guest", "--pio", "300"],
                          capture_output=True, text=True, timeout=60, check=True)
    assert re.search(r"^ *ioctl:call, [\d.]+m?s +\d+", done.stdout, re.M)
    subprocess.run([KVMW, "stat", "-q", "-e", "ioctl", "--openmetrics", tmp_path / "x.prom", "--", KVMW, "bench", "guest", "--pio", "300"],
                   capture_output=True, timeout=60, check=True)
    found = re.search(r'^kvmw_ioctl_events_total{.*,kind="call"} (\d+)$', (tmp_path / "x.prom").read_text(), re.M)
    assert int(found[1]) > 300


@native
@pytest.mark.lab
def test_heading_once():
    """Intervals are one table: one heading, aligned columns, and a fixed place for each reason."""
    done = subprocess.run([KVMW, "stat", "-q", "-I", "200ms", "--", KVMW, "bench", "guest", "--pio", "20000", "--mmio", "9"],
                          capture_output=True, text=True, timeout=60, check=True)
    # The guest may print a line in between.
    lines = [line for line in done.stdout.splitlines() if re.match(r" *(time|[0-9.]+) (reason|total|KVM_EXIT|[a-z]|[A-Z])", line)]
    heads = [i for i, line in enumerate(lines) if line.split()[:2] == ["time", "reason"]]
    assert heads == [0] and lines[1:], done.stdout
    widths = [len(line) for line in lines]
    assert widths == sorted(widths), done.stdout
    seen = []
    for line in lines[1:]:
        reason = line.split()[1]
        if reason not in seen:
            seen.append(reason)
    seen.remove("total")
    each = {}
    for line in lines[1:]:
        each.setdefault(line.split()[0], []).append(line.split()[1])
    for reasons in each.values():
        assert reasons.pop() == "total"
        assert [seen.index(reason) for reason in reasons] == sorted(seen.index(reason) for reason in reasons)


@native
@pytest.mark.lab
def test_returns_are_counted_here():
    """stat counts exits, or returns to the VMM if this KVM shows no exits."""
    done = subprocess.run([KVMW, "stat", "-q", "--json", "-I", "50ms", "--", KVMW, "bench", "guest",
                           "--json", "--pio", "3000"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(next(line for line in done.stderr.splitlines() if line.startswith("{")))
    intervals = objects(done.stdout)
    names = {"KVM_EXIT_IO": told["user_exits"]["io"]} if intervals[-1]["event"] == "userspace" else \
        {"io": told["exits"]["svm"]["io"], "IO_INSTRUCTION": told["exits"]["vmx"]["IO_INSTRUCTION"]}
    for reason, want in names.items():
        found = sum(row["count"] for rep in intervals for row in rep["rows"] if row["reason"] == reason)
        assert found in (want, 0 if len(names) > 1 else want)


@native
@pytest.mark.lab
def test_short_vms():
    """Each short VM is counted, and none in an interval after its end."""
    nr = 30
    done = subprocess.run([KVMW, "stat", "-q", "--json", "-I", "100ms", "--", "sh", "-c",
                           f"for i in $(seq {nr}); do {KVMW} bench guest --pio 1 >/dev/null; done"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    intervals = objects(done.stdout)
    seen = [vcpu["vcpu_id"] for rep in intervals for vcpu in rep["vcpu_time"]]
    assert len(set(seen)) == nr
    for rep in intervals:
        assert {vcpu["vcpu_id"] for vcpu in rep["vcpu_time"]} <= {vcpu["id"] for vcpu in rep["recording"]["vcpus"]}
    if intervals[-1]["event"] == "userspace":       # the guest's own, at its start and end
        assert sum(rep["total"]["count"] for rep in intervals) == 3 * nr


@native
@pytest.mark.lab
def test_interrupted():
    with endless.endless_guest("--pio", "1"):
        stat = subprocess.Popen([KVMW, "stat", "-a", "-q", "-I", "20ms", "--csv"], stdout=subprocess.PIPE,
                                text=True)
        stat.stdout.readline()
        stat.send_signal(signal.SIGINT)
        stat.stdout.read()
        assert stat.wait(timeout=60) == 0


# ---- --openmetrics -----------------------------------------------------------

# The series that Prometheus derives from a histogram.
OF_HISTOGRAMS = r"(_bucket|_count|_sum)$"


def written():
    """The metrics that kvmw writes."""
    text = (TREE / "util/export/openmetrics.c").read_text()
    names = {re.sub(OF_HISTOGRAMS, "", name) for name in re.findall(r'"(kvmw_\w+)[ {"]', text)}
    families = set(re.findall(r'om__family\(om, (?:exits \? |open \? )?"(\w+)"(?: : "(\w+)")?', text))
    assert len(families) > 8
    # The metrics of -e, for each event in the list.
    assert '"kvmw_%s_%s", event->name, time ? "seconds" : "events"' in text
    return names | {"kvmw_EVENT_events_total", "kvmw_EVENT_seconds_total"}


def test_the_page_has_all_metrics():
    page = (TREE / "Documentation/kvmw-stat.txt").read_text()
    told = set(re.findall(r"`(kvmw_\w+)`", page))
    assert told <= written()
    for name in written():
        assert name in told or name + "_total" in told or name + "_info" in told, name


@pytest.mark.parametrize("name", ["kvmw-alerts.yml", "kvmw-dashboard.json"])
def test_what_is_contributed_asks_for_metrics_that_there_are(name):
    text = (TREE / "contrib" / name).read_text()
    asked = {re.sub(OF_HISTOGRAMS, "", metric) for metric in re.findall(r"\bkvmw_\w+", text)}
    assert len(asked) > 2 and asked <= written()
    if name.endswith(".json"):
        json.loads(text)


@contextlib.contextmanager
def exporter(*args):
    """The address of an exporter on a free port."""
    stat = subprocess.Popen([KVMW, "stat", "-q", "--openmetrics", "0", *args], stderr=subprocess.PIPE, text=True)
    try:
        yield re.fullmatch(r"kvmw: metrics are at (http://127\.0\.0\.1:\d+/metrics)\n", stat.stderr.readline())[1]
        stat.send_signal(signal.SIGINT)
        assert stat.wait(timeout=60) == 0
    finally:
        stat.kill()
        stat.wait()
        stat.stderr.close()


def scrape(url, accept=None):
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def counted(families):
    """{part or reason: value} of the VMs' counters."""
    found = {}
    for family in families:
        for sample in family.samples:
            for label in "part", "reason":
                if label in sample.labels and "le" not in sample.labels:
                    found[sample.name, sample.labels[label]] = sample.value
    return found


@native
@pytest.mark.lab
def test_prometheus_reads_it():
    text = pytest.importorskip("prometheus_client.parser").text_string_to_metric_families
    openmetrics = pytest.importorskip("prometheus_client.openmetrics.parser").text_string_to_metric_families
    with endless.endless_guest("--pio", "1") as guest, exporter("-a") as url:
        kind, first = scrape(url)
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        before = counted(text(first))
        while not before or not any(before.values()):
            before = counted(text(scrape(url)[1]))      # it has not exited yet
        kind, second = scrape(url, "application/openmetrics-text; version=1.0.0")
        assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        after = counted(openmetrics(second))
        assert f'pid="{guest.pid}"' in second
    assert all(after[key] >= before[key] for key in before)
    assert sum(after.values()) > sum(before.values())


@native
@pytest.mark.lab
def test_it_serves_nothing_else():
    with exporter("-a") as url:
        for wrong, status in (url.replace("/metrics", "/"), 404), (url + "/x", 404):
            with pytest.raises(urllib.error.HTTPError) as refused:
                scrape(wrong)
            assert refused.value.code == status
        request = urllib.request.Request(url, data=b"x" * 100000, method="POST")
        with pytest.raises(urllib.error.URLError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert getattr(refused.value, "code", 405) == 405
        assert "kvmw_build_info" in scrape(url)[1]


@native
@pytest.mark.lab
def test_a_file_for_node_exporter(tmp_path):
    path = tmp_path / "kvmw.prom"
    with endless.endless_guest("--pio", "1"):
        done = kvmw("stat", "-a", "-q", "--openmetrics", path, "-I", "20ms", "-d", "0.5")
        assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    assert [p.name for p in tmp_path.iterdir()] == ["kvmw.prom"]
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.read_text().endswith('kvmw_build_info{version="' + kvmw("--version").stdout.split()[-1] + '"} 1\n')


def prom_of_another_user(tmp_path):
    """A folder like that of node_exporter, which root can write to only with CAP_DAC_OVERRIDE."""
    folder = tmp_path / "textfile"
    folder.mkdir(mode=0o755)
    os.chown(folder, 65534, 65534)
    return folder / "kvmw.prom"


def wait_for(state):
    deadline = time.monotonic() + 60
    while not state():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@native
@pytest.mark.lab
def test_a_file_in_a_folder_of_another_user(tmp_path):
    path = prom_of_another_user(tmp_path)
    done = kvmw("stat", "-a", "-q", "--openmetrics", path, "-I", "20ms", "-d", "0.2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "kvmw_build_info" in path.read_text()


@native
@pytest.mark.lab
def test_a_file_that_cannot_be_written(tmp_path):
    """A file that cannot be written is reported before the command runs."""
    done = kvmw("stat", "-q", "--openmetrics", tmp_path / "none" / "kvmw.prom", "--", "touch", tmp_path / "ran")
    one_line(done, 1, "--openmetrics", "none/kvmw.prom", "No such file")
    assert not (tmp_path / "ran").exists()


@native
@pytest.mark.lab
def test_a_file_that_cannot_be_written_for_a_while(tmp_path):
    path, away = prom_of_another_user(tmp_path), tmp_path / "away"
    stat = subprocess.Popen([KVMW, "stat", "-a", "-q", "--openmetrics", path, "-I", "10ms"],
                            stderr=subprocess.PIPE, text=True)
    try:
        wait_for(path.exists)
        path.parent.rename(away)
        line = stat.stderr.readline()
        assert line.startswith(f"kvmw: warning: --openmetrics: cannot write {path}: No such file"), line
        away.rename(path.parent)
        assert stat.stderr.readline() == f"kvmw: {path} is written again\n"
        stat.send_signal(signal.SIGINT)
        assert stat.communicate(timeout=60)[1] == "" and stat.returncode == 0
    finally:
        stat.kill()
        stat.wait()


@native
@pytest.mark.lab
def test_an_address_that_is_taken():
    with exporter("-a") as url:
        one_line(kvmw("stat", "-a", "-q", "--openmetrics", url.split("/")[2]), 1, "cannot listen", "Address already in use")
