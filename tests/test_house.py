# SPDX-License-Identifier: GPL-2.0
"""The tree itself: short files and functions, no mutable globals, one name for one thing.

Needs universal-ctags, and git for the list of files: without them these tests are skipped.
"""
import collections
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

import lab_fixtures

TREE = pathlib.Path(__file__).resolve().parent.parent
KVMW = pathlib.Path(os.environ.get("KVMW", TREE / "kvmw")).resolve()
OBJ = KVMW.parent / "obj"
MAX_FILE, MAX_FUNCTION = 600, 80        # lines
MAX_LINE = 100                          # columns

pytestmark = pytest.mark.skipif(
    not (shutil.which("ctags") and shutil.which("git") and (TREE / ".git").exists()),
    reason="needs universal-ctags and a git checkout")


def git(*args):
    return subprocess.run(["git", "-c", f"safe.directory={TREE}", *args], cwd=TREE, text=True,
                          capture_output=True, timeout=60).stdout.splitlines()


@functools.cache
def files(*patterns):
    return [path for path in git("ls-files", "--", *patterns)
            if "vmlinux/" not in path and (TREE / path).exists()]


@functools.cache
def tags(kinds):
    """What universal-ctags finds in the C files: its kinds of tags, as dictionaries."""
    done = subprocess.run(["ctags", "-L", "-", "--output-format=json", "--languages=C",
                           "--langmap=C:.c.h", "--fields=+neKS", "--extras=-q",
                           f"--kinds-C={kinds}", "-f", "-"],
                          input="\n".join(files("*.c", "*.h")), cwd=TREE, text=True,
                          capture_output=True, timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def user_space(path):
    return not path.startswith(("bpf_skel/", "tests/"))


def test_files_are_short():
    lines = {path: (TREE / path).read_text().count("\n") for path in files("*.c", "*.h", "*.py")}
    assert not {path: n for path, n in lines.items() if n > MAX_FILE}


def test_functions_are_short():
    long = {f"{tag['path']}: {tag['name']}": tag["end"] - tag["line"] + 1 for tag in tags("f")
            if tag.get("end", 0) - tag["line"] >= MAX_FUNCTION}
    assert not long


def test_lines_are_short():
    """Except lines with a string, which stays whole so that grep finds it."""
    assert not [f"{path}:{number}" for path in files("*.c", "*.h")
                for number, line in enumerate((TREE / path).read_text().splitlines(), 1)
                if len(line.expandtabs(8)) > MAX_LINE and not re.search(r'".*"', line)]


def test_no_mutable_globals():
    """No object of user space has a writable variable, static ones of functions included."""
    done = subprocess.run(["nm", "-A", "-f", "sysv", OBJ / "libkvmw.a", OBJ / "kvmw.o"],
                          text=True, capture_output=True, timeout=60, check=True)
    fields = [[word.strip() for word in line.split("|")] for line in done.stdout.splitlines()]
    sections = collections.Counter(field[6] for field in fields if len(field) == 7)
    assert sections[".text"] > 100
    assert not [field[0] for field in fields
                if len(field) == 7 and re.match(r"\.t?(data|bss)(?!\.rel\.ro)|\*COM\*", field[6])]


def test_static_names_are_unique():
    """A static function whose name another file needs too carries its file's prefix."""
    where = collections.defaultdict(set)
    for tag in tags("f"):
        if not tag["path"].startswith(("bpf_skel/", "tests/")) and tag["path"].endswith(".c"):
            where[tag["name"]].add(tag["path"])
    assert not {name: sorted(paths) for name, paths in where.items() if len(paths) > 1}


def test_x86_is_in_its_folders():
    """Words of x86 appear only in its folders, in the documentation, in descriptions of events,
    and in subjects of kernel commits."""
    found = git("grep", "-nwi", "-E", "svm|vmx|kvm_amd|kvm_intel|__x64_|EPT|NPT", "--", ".",
                ":!bpf_skel/x86", ":!util/arch/x86", ":!bench/x86", ":!util/events.h", ":!tests",
                ":!Documentation", ":!README.md", ":!HACKING.md", ":!CHANGELOG.md")
    assert not [line for line in found if not re.search(r'[0-9a-f]{12} \("', line)]


# How often a file outside util/render writes to standard error, writes to standard output, and
# takes a text from JSON.
WRITES = {"util/error.c": (1, 1, 0),            # error() and the like, which clean the line
          "kvmw.c": (1, 2, 0), "builtin-bench.c": (1, 1, 0),    # usage
          "builtin-record.c": (3, 0, 0),        # the status line while it records
          "builtin-record-keep.c": (1, 0, 0),   # which is cleared
          "builtin-record-switch.c": (1, 0, 0), # likewise
          "builtin-record-output.c": (0, 2, 0), # "/dev/stdout", in messages
          "builtin-snapshot.c": (0, 2, 0),      # the name of a file
          "builtin-complete.c": (0, 6, 0),      # words for the shell
          "util/capture/session.c": (1, 0, 0),  # libbpf's own
          "util/recording/member.c": (0, 0, 1), # member__text(), which cleans, and
          "util/recording/identity.c": (0, 0, 2), "util/recording/recording_json.c": (0, 0, 5),
          "util/recording/lost_names.c": (0, 0, 1),     # hexadecimal digits only
          "util/recording/filter_words.c": (0, 0, 2),   # comparisons, or member__set_text()
          "util/data/schema.c": (0, 0, 3),      # letters and printable ASCII only
          "util/part/cut_json.c": (0, 0, 1), "util/part/merge.c": (0, 0, 1),    # into a file
          "util/privacy/scrub_meta.c": (0, 0, 9), "util/privacy/scrub_ident.c": (0, 0, 6),  # into a file
          "util/capture/meta.c": (0, 0, 1),     # likewise
          "util/keep/identity.c": (0, 0, 2)}    # its own, for META and messages; a path, cleaned


def test_nothing_prints_around_text_clean():
    """
    Names from elsewhere are cleaned where they come in, or in a message as a whole. If you add a
    way in or out, check how it does that, see test_every_text_of_a_recording_is_harmless(), then
    update this table.
    """
    patterns = [r"\bstderr\b", r"\bstdout\b|\b(?:printf|puts|putchar)\(", r"\bjson_object_get_string\b"]
    found = {}
    for path in files("*.c"):
        if user_space(path) and not path.startswith(("util/render/", "bench/")):
            counts = tuple(len(re.findall(pattern, (TREE / path).read_text())) for pattern in patterns)
            found |= {path: counts} if any(counts) else {}
    assert found == WRITES


def test_readme_says_which_script_runs_where():
    text = re.sub(r"\n {24}", " ", (TREE / "tests" / "README").read_text())
    table = {line.split()[0]: set(line.split()[1:]) for line in text.splitlines()
             if re.match(r" {4}[\w-]+\.sh ", line)}
    runs = {}
    for name, (_, _, scripts) in lab_fixtures.MACHINES.items():
        for script in scripts.split():
            runs.setdefault(f"{script.rstrip('+')}.sh", set()).add(name + "+" * script.endswith("+"))
    assert table == runs
    assert all("errors" not in scripts.split()[:-1] for _, _, scripts in lab_fixtures.MACHINES.values())
