# SPDX-License-Identifier: GPL-2.0
"""Documentation/kvmw.schema.json: what it says about JSON. Outputs in other tests are compared with
it, too."""
import copy
import json

import jsonschema
import pytest

import json_schema
from synthetic import TREE, kvmw

GOLDEN = sorted((TREE / "tests/data").glob("*.kvmw"))
FAMILIES = TREE / "tests/data/svm-families.kvmw"
SCHEMA = json.loads((TREE / "Documentation/kvmw.schema.json").read_text())
ALL_FIELDS = "count,rate,percent,cost,kvm,vmm,halted,waiting,throttled,total,min,mean,stddev,p50,p90,p95,p99,p999,max"
EVENTS = ["exit", "userspace", "fault", "dirty", "irq", "halt", "sched", "ioctl", "hypercall", "timer", "mmu", "memslot",
          "nested", "stack", "kvm:kvm_pio"]
OPTIONS = [[], ["--percent-limit", "0", "--fields", ALL_FIELDS], ["--time", "10%,90%"], ["--reason", "io,npf"],
           ["--where", "total>1us || total==unknown"], ["--interval", "100ms"], ["-s", "vm,vcpu"], ["-s", "detail,user,cpu"],
           ["-s", "rip,nested,halted"], ["-s", "port,msr"], ["-s", "access,vector"], ["--outliers", "5"]]


def printed(*args):
    """Checks an output, whether seen before or not: all of it by the schema, and each shape by the
    stricter one."""
    done = kvmw(*args, "--json")
    assert done.returncode in (0, 1) and done.stdout
    value = json.loads(done.stdout)
    name = "outliers" if "--outliers" in args else args[0]
    json_schema.validator(name).validate(json_schema.Place().news(value)[0])
    jsonschema.Draft202012Validator(SCHEMA).validate(value)
    return value


def test_the_schema_itself():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    text = json.dumps(SCHEMA)
    for name in SCHEMA["$defs"]:
        assert f'"#/$defs/{name}"' in text, f"{name} is used nowhere"
    assert SCHEMA["$defs"]["report"]["properties"]["schema"]["const"] == printed("report", FAMILIES)["schema"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_files(path):
    printed("report", path)
    printed("info", path)
    if path.stem != "svm-userspace":    # which has no exits
        printed("diff", FAMILIES, path)


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_options(options):
    printed("report", FAMILIES, *options)


@pytest.mark.parametrize("event", EVENTS)
def test_events(event):
    printed("report", FAMILIES, "-e", event)


def test_list():
    printed("list")


def test_script():
    for line in kvmw("script", FAMILIES, "--json").stdout.splitlines():
        json_schema.check("script", json.loads(line))


def objects(value, schema):
    """Each object in an output, with the schema that describes it."""
    if "anyOf" in schema:
        schema = schema["anyOf"][-1]
    if isinstance(value, dict) and "properties" in schema:
        yield value, schema
        for name, one in value.items():
            yield from objects(one, schema["properties"].get(name, {}))
    for one in value if isinstance(value, list) else []:
        yield from objects(one, schema.get("items", {}))


@pytest.mark.parametrize("args", [["report"], ["report", "-e", "fault"], ["report", "--outliers", "2"], ["info"]])
def test_a_new_member_is_noticed(args):
    """A change in any kind of object is noticed: a member more, one less, or one of another
    type."""
    name = "outliers" if "--outliers" in args else args[0]
    whole, tried = json_schema.Place().news(printed(args[0], FAMILIES, *args[1:]))[0], 0
    validator = json_schema.validator(name)
    kinds = {}
    for found, schema in objects(whole, validator.schema):
        kinds.setdefault(id(schema), (found, schema))
    for found, schema in kinds.values():
        before = copy.copy(found)
        for change in [{"surprise": 1}] + [{member: [[]]} for member in schema["required"][:1]]:
            found |= change
            with pytest.raises(AssertionError, match=r"kvmw.schema.json"):
                json_schema.check(name, whole)
            found.clear()
            found |= before
            tried += 1
        if schema["required"]:
            found.pop(schema["required"][0])
            assert not validator.is_valid(whole)
            found |= before
    assert tried > 10 and validator.is_valid(whole)
