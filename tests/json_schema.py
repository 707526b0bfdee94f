# SPDX-License-Identifier: GPL-2.0
"""Checks outputs against Documentation/kvmw.schema.json, made stricter: the schema allows unknown
members, which a later kvmw may print; those of this kvmw must all be described."""
import functools
import json

import jsonschema

from event_lists import LISTS, TREE

DEFS = json.loads((TREE / "Documentation/kvmw.schema.json").read_text())["$defs"]
# --sort takes a field of the event, and these; script prints fields.
FIELDS = {name for fields in LISTS.values() for _, name, _ in fields} | {"port", "gpa", "msr", "cr", "leaf", "nr", "vector"}
FIELD_MEMBERS = {name + more: {"type": ["integer", "boolean", "string", "null"]}
                 for name in FIELDS for more in ("", "_hex", "_number")} | \
    {name + "_stack": {"type": ["array", "null"], "items": {"type": "string"}} for name in FIELDS}
SEEN = {}


def parts(schema):
    """A schema, and all schemas within it."""
    while "$ref" in schema:
        schema = DEFS[schema["$ref"].rsplit("/", 1)[1]]
    yield schema
    for part in schema.get("allOf", []):
        yield from parts(part)


def strict(schema):
    """The same with references resolved, and without members that are not described."""
    consists_of = list(parts(schema))
    made = {key: value for key, value in consists_of[0].items() if key not in ("allOf", "required")}
    if "anyOf" in made:
        made["anyOf"] = [strict(one) for one in made["anyOf"]]
    if "items" in made:
        made["items"] = strict(made["items"])
    objects = [part for part in consists_of if "properties" in part]
    if objects:
        made["properties"] = {name: strict(one) for part in objects for name, one in part["properties"].items()}
        made["required"] = sorted({name for part in objects for name in part.get("required", [])})
        made["additionalProperties"] = False
    if any(part in (DEFS["key"], DEFS["script"]) for part in consists_of):
        made["properties"] = FIELD_MEMBERS | made["properties"]
    return made


@functools.cache
def validator(name):
    return jsonschema.Draft202012Validator(strict(DEFS[name]))


class Place:
    """What was seen at one place of an output: the shapes of its values, and the places within
    it."""
    __slots__ = "shapes", "parts"

    def __init__(self):
        self.shapes, self.parts = set(), {}

    def within(self, name):
        return self.parts.get(name) or self.parts.setdefault(name, Place())

    def news(self, value):
        """
        The value without list items like earlier ones, and whether anything is new. Validity
        depends on members and types, and on the few texts that the schema enumerates; never on
        another item.
        """
        kind = type(value)
        shape = tuple(value) if kind is dict else kind
        new = shape not in self.shapes
        self.shapes.add(shape)
        if kind is dict:
            value, parts = {}, value
            for name, one in parts.items():
                value[name], news = self.within(name).news(one)
                new = news or new
        elif kind is list:
            place = self.within(None)
            value = [one for one, news in map(place.news, value) if news]
            new = new or bool(value)
        return value, new


def check(name, value):
    """Fails if a value or a member is not as described. Shapes seen before are not checked
    again."""
    value, new = SEEN.setdefault(name, Place()).news(value)
    error = new and jsonschema.exceptions.best_match(validator(name).iter_errors(value))
    if error:
        del SEEN[name]
    assert not error, f"kvmw.schema.json, {name}: {error.json_path}: {error.message[:300]}"


def check_output(args, done):
    """Checks the output of a run of kvmw if it is JSON, and returns its value."""
    words = [str(word) for word in args]
    if not words or "--json" not in words or words[0] not in ("report", "info", "diff", "list"):
        return None
    try:
        value = json.loads(done.stdout)
    except ValueError:
        return None
    name = next((name for member, name in (("outliers", "outliers"), ("files", "reports")) if member in value), words[0])
    check(name if words[0] == "report" else words[0], value)
    return value
