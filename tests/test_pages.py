# SPDX-License-Identifier: GPL-2.0
"""The man pages describe every option of every command, as --help has them."""
import json
import re

import pytest

from synthetic import TREE, kvmw

DOC = TREE / "Documentation"
COMMANDS = {"record": ["record"], "report": ["report"], "script": ["script"], "diff": ["diff"], "list": ["list"],
            "info": ["info"], "scrub": ["scrub"], "snapshot": ["snapshot"], "stat": ["stat"], "top": ["top"],
            "cut": ["cut"], "merge": ["merge"],
            "bench": ["bench", "guest"]}
MORE = {"bench": [["bench", "record"], ["bench", "report"]]}    # on the same page
GLOBAL = {("", "--help", ""), ("", "--usage", "")}


def page(name):
    """The text of a page, with its includes resolved by tag."""
    def include(match):
        text = (DOC / match[1]).read_text()
        return re.search(rf"// tag::{match[2]}\[\]\n(.*?)// end::{match[2]}\[\]\n", text, re.S)[1]

    return re.sub(r"^include::(\S+)\[tag=([\w-]+)\]\n", include, (DOC / f"{name}.txt").read_text(),
                  flags=re.M)


def section(text, title):
    return re.search(rf"^{title}\n-+\n(.*?)(?=^[A-Z ]+\n-+\n|\Z)", text, re.M | re.S)[1]


def help_of_words(*words):
    done = kvmw(*words, "--help")
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout


def help_of(command):
    return "".join(help_of_words(*words) for words in [COMMANDS[command], *MORE.get(command, [])])


def options_of_help(text):
    """{(-s, --long, ARGUMENT)} in the output of argp."""
    found = set()
    for line in text.splitlines():
        if match := re.match(r"  (?:(-.), |    )(--[\w-]+)(?:(?:=|(?=\[))(\S+))?(?:  |$)", line):
            short, name, arg = match.groups(default="")
            found.add((short, name, arg))
    return {o for o in found if ("", *o[1:]) not in GLOBAL}


def options_of_page(name):
    """The same for a page, where a short option precedes the long one."""
    found, short = set(), ""
    for line in section(page(name), "OPTIONS").splitlines():
        if match := re.fullmatch(r"(-\w)(?: (\S+))?::", line):
            short, arg = match[1], match[2] or ""
        elif match := re.fullmatch(r"(--[\w-]+)(?:(?:=|(?=\[))(\S+))?::", line):
            assert not short or (match[2] or "") == arg, line
            found.add((short, match[1], match[2] or ""))
            short = ""
        else:
            assert not line.startswith("-"), line
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_those_of_help(command):
    options = options_of_help(help_of(command))
    assert options and options_of_page(f"kvmw-{command}") == options


@pytest.mark.parametrize("command", COMMANDS)
def test_synopsis_names_only_options_there_are(command):
    words = {word for short, name, _ in options_of_help(help_of(command)) for word in (short, name)}
    synopsis = section(page(f"kvmw-{command}"), "SYNOPSIS").replace("--] ", "").replace("--", " --")
    used = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", synopsis))
    assert used and used <= words


@pytest.mark.parametrize("command, several", [("report", True), ("script", False), ("info", False)])
def test_how_many_files(command, several):
    assert help_of(command).splitlines()[0].endswith("[FILE...]" if several else "[FILE]")
    assert (f"{command}* FILE FILE..." in section(page(f"kvmw-{command}"), "SYNOPSIS")) == several


def test_page_of_kvmw_names_the_commands():
    lines = kvmw("--help").stdout.splitlines()
    commands = {line.split()[0] for line in lines if line.startswith("  ")}
    text = page("kvmw")
    assert commands == set(COMMANDS)
    assert set(re.findall(r"^\*(\w+)\*::$", section(text, "COMMANDS"), re.M)) == commands
    assert options_of_page("kvmw") == {("", "--version", ""), ("-h", "--help", "")}
    assert {f"{c.stem}" for c in DOC.glob("kvmw-*.txt")} == {f"kvmw-{c}" for c in commands} | {"kvmw-findings"}


def test_page_of_findings_has_the_rules():
    text = (TREE / "util" / "analysis" / "findings" / "rules.c").read_text()
    rules = re.findall(r'\{ "([\w-]+)", "(.*?)",\s*"(.*?)", \w+ \}', text)
    entries = re.findall(r"^\*([\w-]+)\*::\n(.*?)\n\n", section(page("kvmw-findings"), "RULES"), re.M | re.S)
    assert len(rules) > 10 and [name for name, _, _ in rules] == [name for name, _ in entries]
    for (_, when, against), (_, entry) in zip(rules, entries):
        words = " ".join(entry.split())
        assert words.startswith(when) and words.endswith(f"Against it: {against}")


@pytest.mark.parametrize("path", sorted(DOC.glob("kvmw*.txt")), ids=lambda path: path.stem)
def test_asciidoctor_sees_what_was_meant(path):
    """Asciidoctor prints an indented paragraph after an empty line literally, with its backticks; a
    list item within a line is not one."""
    text = page(path.stem)
    assert not re.findall(r"\n\n\t.*", text) and not re.findall(r".*\S \d:: .*", text)
    # Text that begins or ends with a blank is not taken for code.
    plain = re.sub(r"^-{4,}\n.*?^-{4,}\n|^  .*\n", "", text, flags=re.M | re.S)
    assert not [code for code in re.findall(r"(?<!\w)`([^`\n]+)`(?!\w)", plain) if code != code.strip()]


def test_every_tag_is_used():
    tags = set(re.findall(r"tag::([\w-]+)\[\]", (DOC / "common-options.txt").read_text()))
    used = [tag for path in DOC.glob("kvmw*.txt")
            for tag in re.findall(r"include::common-options.txt\[tag=([\w-]+)\]", path.read_text())]
    assert tags == set(used)
    assert all(used.count(tag) > 1 for tag in tags)


def names_in_error(option):
    """The values that report lists when it gets a wrong one."""
    done = kvmw("report", f"{option}=nonsense")
    assert done.returncode == 2
    message = next(line for line in done.stderr.splitlines() if "nonsense" in line)
    return re.findall(r"\w+", re.split(r"; [a-z ]+ (?:are|by) ", message)[1].replace(" or ", ", "))


@pytest.mark.parametrize("option", ["sort", "order", "fields"])
def test_keys_and_orders_of_report(option):
    options = section(page("kvmw-report"), "OPTIONS")
    text = re.search(rf"^--{option}=.*?::\n(.*?)(?=^-\S.*::$)", options, re.M | re.S)[1]
    if option == "order":
        text += re.search(r"^--fields=.*?::\n(.*?)(?=^-\S.*::$)", options, re.M | re.S)[1]
    names = names_in_error(f"--{option}")
    assert len(names) >= 6
    missing = [name for name in names if f"`{name}`" not in text]
    assert not missing, f"kvmw-report.txt does not describe --{option}={missing[0]}"
    if option == "sort":
        items = " ".join(re.findall(r"^\t(.*);;", text, re.M))
        assert sorted(re.findall(r"`(\w+)`", items)) == sorted(names)


def test_events_and_groups():
    """All events and groups in kvmw list are described under record -e, and named under report
    -e."""
    listed = json.loads(kvmw("list", "--json").stdout)
    events, groups = ([item["name"] for item in listed[of]] for of in ("events", "groups"))
    text = section(page("kvmw-record"), "EVENTS")
    assert set(re.findall(r"^\*(\w+)\*::$", text, re.M)) == set(events)
    assert re.findall(r"\*(\w+)\*", text[text.index("A group stands"):])[:len(groups)] == groups
    text = re.search(r"^--event=EVENT::\n(.*?)\n\n", page("kvmw-report"), re.M | re.S)[1]
    assert set(re.findall(r"`(\w+)`", text)) == {*events, "raw"}


@pytest.mark.parametrize("name", ["HACKING.md", "README.md"])
def test_files_that_are_named_exist(name):
    """Files named in the documentation exist, except placeholders: ARCH, the name of a family."""
    words = re.findall(r"`([\w./*-]+)`", (TREE / name).read_text())
    paths = [word for word in words if re.search(r"/|\.(c|h|md|txt|py|spec)$", word)
             and not re.search(r"NAME|ARCH|name|family|^/dev", word)]
    assert not [path for path in paths if not list(TREE.glob(path)) and
                not list(TREE.glob(f"util/*/{path}"))]
    assert paths
