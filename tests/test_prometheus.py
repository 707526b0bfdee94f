# SPDX-License-Identifier: GPL-2.0
"""A real Prometheus scrapes kvmw's metrics: its tools do not complain, and every query in contrib/
has an answer. tests/unit/test_openmetrics.c makes the numbers of a thousand VMs; those of this
machine's KVM are real."""
import contextlib
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

import endless
from synthetic import KVMW, TREE
from test_stat import exporter, native, scrape

MADE = KVMW.parent / "obj/tests/unit/test_openmetrics"
VMS, SERIES = 1000, 50000 + 5       # METRICS_MAX_SERIES, and those of no VM

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("promtool"), reason="needs the package prometheus")]


@contextlib.contextmanager
def made(vms):
    """The address of a server of made metrics, which grow with each scrape."""
    with subprocess.Popen([MADE, str(vms)], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Prometheus:
    def __init__(self, port):
        self.api = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, query):
        """The samples of an expression, now."""
        url = self.api + "query?" + urllib.parse.urlencode({"query": query})
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]["result"]

    def value(self, query):
        return [float(sample["value"][1]) for sample in self.ask(query)]


@contextlib.contextmanager
def prometheus(tmp_path, url):
    """A Prometheus that has scraped twice, so that rates exist."""
    port = free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(f"""
global: {{scrape_interval: 5s, scrape_timeout: 5s}}
rule_files: [{TREE / "contrib/kvmw-alerts.yml"}]
scrape_configs:
  - job_name: kvmw
    static_configs: [{{targets: ["{urllib.parse.urlsplit(url).netloc}"]}}]
""")
    assert subprocess.run(["promtool", "check", "config", config], capture_output=True, timeout=60).returncode == 0
    log = tmp_path / "prometheus.log"
    with log.open("w") as output, subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=output, stderr=output) as server:
        try:
            asked = Prometheus(port)
            deadline = time.monotonic() + 120
            while True:
                assert server.poll() is None and time.monotonic() < deadline, log.read_text()
                with contextlib.suppress(OSError):
                    if asked.value("min(count_over_time(kvmw_build_info[5m]))") >= [2]:
                        break
                time.sleep(0.1)
            yield asked
        finally:
            server.terminate()
            server.wait(timeout=60)


def checked(text):
    """Asserts that promtool has no complaint about names, types and help."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def dashboard():
    """The dashboard's expressions, with Grafana's variables replaced."""
    def walk(thing):
        if isinstance(thing, dict):
            for name, value in thing.items():
                if name in ("expr", "query") and isinstance(value, str) and "kvmw_" in value:
                    yield value
                yield from walk(value)
        elif isinstance(thing, list):
            for value in thing:
                yield from walk(value)

    for query in walk(json.loads((TREE / "contrib/kvmw-dashboard.json").read_text())):
        query = re.sub(r"label_values\((.*), \w+\)", r"\1", query)
        yield re.sub(r"\$(instance|vm)\b", ".*", query).replace("$__rate_interval", "1m")


def alerts(prometheus_):
    """The rules' expressions as Prometheus reads them, with comparisons as booleans."""
    with urllib.request.urlopen(prometheus_.api + "rules", timeout=60) as answer:
        groups = json.load(answer)["data"]["groups"]
    return {rule["name"]: re.sub(r" > ", " > bool ", rule["query"]) for group in groups for rule in group["rules"]}


def test_rules():
    done = subprocess.run(["promtool", "check", "rules", TREE / "contrib/kvmw-alerts.yml"], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr


def test_a_thousand_vms(tmp_path):
    """Every query in contrib/ has an answer; the number of series, and thus the text, is
    bounded."""
    with made(VMS) as url, prometheus(tmp_path, url) as asked:
        queries = list(dashboard())
        assert len(queries) == 8
        for query in queries:
            assert asked.ask(query), query
        rules = alerts(asked)
        assert len(rules) == 4
        for name, query in rules.items():
            assert asked.ask(query), name
        assert asked.value("count(kvmw_vcpus)") == [VMS]
        assert asked.value("scrape_samples_scraped")[0] == SERIES
        assert asked.value("up") == [1]
        rates = asked.value("sum by (reason) (rate(kvmw_exits_total[1m]))")
        assert len(rates) == 3 and all(rate > 0 for rate in rates)
        seconds, = asked.value("scrape_duration_seconds")
        kind, text = scrape(url)
    checked(text)
    assert kind.startswith("text/plain; version=0.0.4")
    print(f"{VMS} VMs: {seconds:.3f} s, {len(text)} bytes, {SERIES} series")
    assert len(text) < 100 * SERIES


@native
@pytest.mark.lab
def test_kvmw_stat(tmp_path):
    with endless.endless_guest("--pio", "1") as guest, exporter("-a") as url, prometheus(tmp_path, url) as asked:
        checked(scrape(url)[1])
        assert asked.value(f'kvmw_vcpus{{pid="{guest.pid}"}}') == [1]
        counters = asked.value(f'{{__name__=~"kvmw_(exits|returns)_total",pid="{guest.pid}"}}')
        assert sum(counters) > 0
