# SPDX-License-Identifier: GPL-2.0
"""The Debian package and the RPM are built, installed, run and removed, without network.

Both are built from what `make dist` would pack of the current tree, and installed below their
own directories. The second build reuses most of what the first has compiled.
"""
import os
import re
import shutil
import subprocess

import pytest

from synthetic import TREE

VERSION = (TREE / "VERSION").read_text().strip()
COMMANDS = ["kvmw", "perf-kvmw"]
PAGES = {"usr/share/man/man1/" + page for page in (
    "kvmw.1", "kvmw-bench.1", "kvmw-diff.1", "kvmw-info.1", "kvmw-list.1", "kvmw-record.1", "kvmw-report.1",
    "kvmw-cut.1", "kvmw-merge.1", "kvmw-script.1", "kvmw-scrub.1", "kvmw-snapshot.1", "kvmw-stat.1", "kvmw-top.1", "perf-kvmw.1")} | {"usr/share/man/man5/kvmw.data-file-format.5",
                                                  "usr/share/man/man7/kvmw-findings.7"}
FILES = PAGES | {f"usr/bin/{name}" for name in COMMANDS} | {
    "usr/share/bash-completion/completions/kvmw", "usr/share/zsh/site-functions/_kvmw",
    "usr/share/kvmw/magic", "usr/share/kvmw/kvmw.schema.json", "usr/lib/systemd/system/kvmw-recorder.service"}

pytestmark = [pytest.mark.package, pytest.mark.timeout(1200)]


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"needs {program}")


def run(*argv, cwd=None, **env):
    clean = {k: v for k, v in os.environ.items() if not re.match("MAKE|MFLAGS|KVMW|O$", k)}
    done = subprocess.run(list(map(str, argv)), cwd=cwd, env=clean | {"LC_ALL": "C"} | env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=500)
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the tree, without build results except those of the other test here."""
    into = tmp_path_factory.mktemp("sources") / f"kvmw-{VERSION}"
    if not (TREE / ".git").exists():
        pytest.skip("not a git work tree")
    names = run("git", "-C", TREE, "ls-files", "-co", "--exclude-standard").split("\n")
    for name in filter(None, names):
        if (TREE / name).exists():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TREE / name, into / name, follow_symlinks=False)
    return into


def files(root):
    return {re.sub(r"\.gz$", "", str(p.relative_to(root))) for p in root.rglob("*") if not p.is_dir()}


def works(root):
    for name in COMMANDS:
        assert run(root / "usr/bin" / name, "--version") == f"kvmw version {VERSION}\n"


def test_versions_agree():
    assert re.match(rf"kvmw \({re.escape(VERSION)}\) ", (TREE / "debian/changelog").read_text())
    assert re.search(rf"^Version:\s+{re.escape(VERSION)}$", (TREE / "packaging/kvmw.spec").read_text(), re.M)
    assert f"## {VERSION}" in (TREE / "CHANGELOG.md").read_text()


@needs("dpkg-buildpackage")
@needs("dh")
def test_debian_package(sources, tmp_path):
    run("dpkg-buildpackage", "-b", "-us", "-uc", cwd=sources,
        DEB_BUILD_OPTIONS=f"parallel={os.cpu_count()} noautodbgsym")
    package, = sources.parent.glob("kvmw_*.deb")
    assert run("dpkg-deb", "-f", package, "Version").strip() == VERSION
    assert "libbpf" in run("dpkg-deb", "-f", package, "Depends")

    root = tmp_path / "root"
    admin = root / "var/lib/dpkg"
    for folder in (admin / "info", admin / "updates", admin / "triggers"):
        folder.mkdir(parents=True)
    (admin / "status").touch()
    dpkg = ["dpkg", "--root", root, "--force-not-root", "--force-depends", "--log=/dev/null"]
    before = files(root / "usr")
    run(*dpkg, "-i", package, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    installed = {f"usr/{name}" for name in files(root / "usr")}
    docs = {name for name in installed if name.startswith("usr/share/doc/kvmw/")}
    assert installed - docs == FILES
    assert {"usr/share/doc/kvmw/copyright", "usr/share/doc/kvmw/changelog"} <= docs
    works(root)
    run(*dpkg, "-P", "kvmw", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert files(root / "usr") == before


@needs("rpmbuild")
def test_rpm(sources, tmp_path):
    (sources / "kvmw.c").touch()
    run("tar", "-C", sources.parent, "-czf", tmp_path / f"kvmw-{VERSION}.tar.gz", sources.name)
    # On Debian its build dependencies have other names.
    said = run("rpmbuild", "-bb", "--nodeps", "--define", f"_topdir {tmp_path}/rpm", "--define",
        f"_sourcedir {tmp_path}", "--define", "debug_package %{nil}", "--define",
        "_build_id_links none", sources / "packaging/kvmw.spec")
    assert re.search(r" -c -o \S*obj/kvmw\.o kvmw\.c$", said, re.M)
    package, = (tmp_path / "rpm").glob("RPMS/*/kvmw-*.rpm")

    root = tmp_path / "root"
    root.mkdir()
    rpm = ["rpm", "--root", root, "--nodeps", "--noscripts"]
    run(*rpm, "-i", "--ignoreos", "--ignorearch", package)
    installed = {f"usr/{name}" for name in files(root / "usr") if not name.startswith("lib/sysimage")}
    docs = {name for name in installed if name.startswith(("usr/share/doc/", "usr/share/licenses/"))}
    assert installed - docs == FILES
    assert any(name.endswith("LICENSE") for name in docs)
    works(root)
    run(*rpm, "-e", "kvmw")
    assert not files(root / "usr") - {n for n in files(root / "usr") if n.startswith("lib/sysimage")}
