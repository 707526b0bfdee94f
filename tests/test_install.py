# SPDX-License-Identifier: GPL-2.0
"""make install, uninstall and dist; one version everywhere."""
import os
import re
import subprocess
import tarfile

import pytest

from synthetic import KVMW, TREE, kvmw

VERSION = (TREE / "VERSION").read_text().strip()


def make(*args):
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    return subprocess.run(["make", "-C", TREE, "-s", f"O={os.path.relpath(KVMW.parent, TREE)}", *args],
                          check=True, text=True, capture_output=True, timeout=300, env=env)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    make("install", f"DESTDIR={root}", "PREFIX=/usr")
    return root


def files(root):
    return {str(p.relative_to(root)) for p in root.rglob("*") if not p.is_dir()}


def test_what_is_installed(installed):
    sections = {"format": 5, "findings": 7}
    pages = {f"usr/share/man/man{section}/{page.stem}.{section}"
             for page in (TREE / "Documentation").glob("kvmw*.txt")
             for section in [sections.get(page.stem.split("-")[-1], 1)]}
    assert files(installed) == pages | {
        "usr/bin/kvmw", "usr/bin/perf-kvmw", "usr/share/man/man1/perf-kvmw.1",
        "usr/share/bash-completion/completions/kvmw",
        "usr/share/zsh/site-functions/_kvmw", "usr/share/kvmw/magic", "usr/share/kvmw/kvmw.schema.json",
        "usr/lib/systemd/system/kvmw-recorder.service"}
    assert os.readlink(installed / "usr/bin/perf-kvmw") == "kvmw"
    done = subprocess.run([installed / "usr/bin/perf-kvmw", "--version"], capture_output=True,
                          text=True, timeout=30)
    assert done.stdout == f"kvmw version {VERSION}\n"


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, KVMW], check=True, text=True,
                          capture_output=True, timeout=60).stdout


def test_binary_is_hardened():
    """The binary has the hardening that SECURITY.md promises."""
    segments, dynamic = readelf("-l"), readelf("-d")
    symbols = readelf("--dyn-syms")
    if "__asan_init" in symbols:
        pytest.skip("built with sanitizers")
    assert "DYN" in readelf("-h") and re.search(r"FLAGS_1\).*\bPIE\b", dynamic)
    assert "GNU_RELRO" in segments and re.search(r"FLAGS_1\).*\bNOW\b", dynamic)
    assert re.search(r"GNU_STACK .* RW  ", segments)
    assert "__stack_chk_fail" in symbols and "__memcpy_chk" in symbols


def test_uninstall_leaves_no_file(installed, tmp_path):
    subprocess.run(["cp", "-a", f"{installed}/.", tmp_path], check=True)
    (tmp_path / "usr/bin/other").touch()
    make("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/usr")
    assert files(tmp_path) == {"usr/bin/other"} and not (tmp_path / "usr/share/kvmw").exists()


def test_version_is_everywhere_the_same(installed):
    assert kvmw("--version").stdout == f"kvmw version {VERSION}\n"
    assert f'"kvmw {VERSION}"' in (installed / "usr/share/man/man1/kvmw.1").read_text()


def test_no_hyphens_of_a_page_became_a_dash(installed):
    """Asciidoctor turns two hyphens between blanks into an em dash, which no shell understands."""
    for path in (installed / "usr/share/man").rglob("*.[15]"):
        assert "\\(em" not in path.read_text(), path
    assert "kvmw record\\fP \\-\\- " in (installed / "usr/share/man/man1/kvmw.1").read_text()


@pytest.mark.skipif(not (TREE / ".git").exists(), reason="not a git work tree")
def test_dist_holds_what_is_committed(tmp_path):
    make("dist", f"O={tmp_path}")
    with tarfile.open(tmp_path / f"kvmw-{VERSION}.tar.gz") as tar:
        names = {n[len(f"kvmw-{VERSION}/"):] for n in tar.getnames() if not n.endswith("/")}
    tracked = subprocess.run(["git", "-C", TREE, "ls-tree", "-r", "--name-only", "HEAD"], check=True,
                             text=True, capture_output=True).stdout.split("\n")
    assert set(filter(None, tracked)) <= names
