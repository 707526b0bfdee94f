# SPDX-License-Identifier: GPL-2.0
"""The lists in util/events.h and the files that it includes, read as text."""
import pathlib
import re

TREE = pathlib.Path(__file__).resolve().parent.parent
FIELD = re.compile(r'FIELD\(S, (\w+), (\w+), ("\w+"), (\w+), \w+, "[^"]*"')


def lists():
    """{event: [(type, name, holds)]}"""
    head, found = [], {}
    for path in ("util/events.h", "util/event_tables.h", "util/event_raw.h", "util/event_stack.h"):
        text = (TREE / path).read_text().replace("\\\n", "")
        for event, body in re.findall(r"#define KVMW_(?:FIELDS_)?(HEAD|\w+)\(FIELD, S[^)]*\)(.*)", text):
            fields = [(t, n, h) for t, n, _, h in FIELD.findall(body)]
            if event == "HEAD":
                head = fields
            else:
                found[event] = (head if "KVMW_HEAD" in body else []) + fields
    return found


LISTS = lists()
