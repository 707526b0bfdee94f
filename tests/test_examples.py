# SPDX-License-Identifier: GPL-2.0
"""Every command in the manual pages and README.md that reads a recording works as printed.

It runs on five golden recordings, in the slow tests on the others, in a directory that has the
recording under the names used in the examples. A recording may lack what an example asks for, but
an unfinished cycle, damage or an unknown value may not break a command. Recording takes root: if an
example reads from a pipe, cat provides the recording.
"""
import os
import re
import shutil
import subprocess

import pytest

from synthetic import KVMW, TREE

DOC = TREE / "Documentation"
GOLDEN = sorted((TREE / "tests/data").glob("*.kvmw"))
RICH = {"svm-families", "every-1.1"}
PAGES = sorted(path.stem for path in DOC.glob("kvmw*.txt"))
READS = re.compile(r"\bkvmw (report|script|info)\b")
RECORDS = re.compile(r"^(ssh \S+ )?(sudo )?kvmw record .*?\| ")
# Messages of kvmw if a recording has nothing that an example asks for.
NOTHING = re.compile(r"kvmw: (\S+|standard input): (the recording (holds|contains) no |contains no |no events match |"
                     r"nothing happened |no \w+ event happened |none of the |the window of --time |the recorder did not finish|"
                     r"no exits with |damaged at |cut off at |\d+ events are missing|exits were not recorded|"
                     r"returns to the VMM have no key )")


def commands_of(block):
    """The commands on a page. If a block shows output too, its commands have a prompt."""
    lines = re.sub(r"\\\n\s*", "", block).splitlines()
    prompts = [line[2:] for line in lines if line.startswith("$ ")]
    return prompts or lines


def examples():
    for page in PAGES:
        text = (DOC / f"{page}.txt").read_text()
        section = re.search(r"^EXAMPLES\n-+\n(.*?)(?=^[A-Z ]+\n-+\n|\Z)", text, re.M | re.S)
        for block in re.findall(r"^----\n(.*?)^----\n", section[1] if section else "", re.M | re.S):
            yield from ((page, command) for command in commands_of(block))
    readme = (TREE / "README.md").read_text()
    for line in re.findall(r"^(?:    |\$ )(kvmw .*)$", readme, re.M):
        yield "README.md", line.split("  #")[0].rstrip()


EXAMPLES = sorted({(page, RECORDS.sub("cat kvmw.data | ", command)) for page, command in examples()
                   if READS.search(command)})


def test_there_are_some():
    assert {"kvmw", "kvmw-report", "kvmw-script", "kvmw-info", "kvmw-record", "README.md"} <= {
        page for page, _ in EXAMPLES}
    assert sum("| jq" in command for _, command in EXAMPLES) >= 1
    assert sum("cat kvmw.data |" in command for _, command in EXAMPLES) >= 3
    assert not [command for _, command in EXAMPLES if "kvmw record" in command]


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    """One directory for each recording; kvmw is found in PATH."""
    found = {}
    for path in GOLDEN:
        found[path.stem] = tmp_path_factory.mktemp(path.stem)
        for name in "kvmw.data", "night.kvmw", "bench.data":
            (found[path.stem] / name).symlink_to(path)
        (found[path.stem] / "vm1.kallsyms").write_text("ffffffff81000000 T _text\nffffffffc0300000 t x\t[y]\n")
        (found[path.stem] / "vm1.regions").symlink_to(TREE / "tests" / "data" / "mtree-q35.txt")
    return found


def run(command, directory):
    env = {"PATH": f"{KVMW.parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=directory, env=env, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120)


def tried(command, directories):
    """Runs an example on each recording; returns those that have what it asks for."""
    worked = []
    for name, directory in directories.items():
        done = run(command, directory)
        said = done.stderr.splitlines()
        # Losses cause only a warning.
        wrong = [line for line in said if not NOTHING.match(line) and " lost while recording" not in line]
        assert not wrong, (name, command, wrong)
        assert done.returncode == (1 if any(NOTHING.match(line) for line in said) else 0), (name, command)
        if done.returncode == 0:
            assert done.stdout, (name, command)
            worked.append(name)
    return worked


def some(directories, number, others=False):
    """Recordings with rows of families, and every third of the others, changing with each
    example."""
    few = {name for i, name in enumerate(directories) if name in RICH or (i + number) % 3 == 0}
    return {name: path for name, path in directories.items() if (name in few) != others}


@pytest.mark.parametrize("number", range(len(EXAMPLES)), ids=[f"{page}-{i}" for i, (page, _) in enumerate(EXAMPLES)])
def test_example(number, directories):
    command = EXAMPLES[number][1]
    if "| jq" in command and not shutil.which("jq"):
        pytest.skip("needs jq")
    assert tried(command, some(directories, number)), f"no golden recording has what {command} shows"


@pytest.mark.slow
def test_examples_on_the_others(directories):
    for number, (_, command) in enumerate(EXAMPLES):
        if "| jq" not in command or shutil.which("jq"):
            tried(command, some(directories, number, others=True))
