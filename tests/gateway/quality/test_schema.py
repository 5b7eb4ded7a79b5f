"""Schemas of strangers: compiled, bounded, held."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from roadworthy.gateway.quality.schema import MAX_FAULTS, Schema, SchemaInvalid, compiled

BAD = [
    {"type": "elephant"},
    {"minimum": "x"},
    {"pattern": "("},
    {"$ref": "http://127.0.0.1:9/x.json"},
    {"$ref": "file:///etc/hostname"},
    {"$ref": "#/nowhere"},
    {"$schema": "http://127.0.0.1:9/schema"},
    {"description": "x" * 70_000},
    [],
    3,
]


@pytest.mark.parametrize("schema", BAD, ids=lambda schema: str(schema)[:30])
def test_what_is_no_schema_is_refused_and_not_repeated(schema: Any) -> None:
    with pytest.raises(SchemaInvalid) as refused:
        Schema(json.dumps(schema).encode())
    assert "elephant" not in str(refused.value)
    assert "xxx" not in str(refused.value)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(SchemaInvalid):
        Schema(b'{"a":' * 5_000 + b"1" + b"}" * 5_000)


def test_faults_name_place_and_rule_but_no_value() -> None:
    schema = Schema(b'{"properties": {"a/b": {"items": {"type": "integer"}}}, "required": ["c"]}')
    found = schema.faults({"a/b": [1, "secret"]})
    assert {(fault.at, fault.rule) for fault in found} == {("/a~1b/1", "type"), ("", "required")}
    assert "secret" not in str(found)
    assert schema.faults({"a/b": [1], "c": 1}) == []


def test_at_most_five_faults_are_told() -> None:
    schema = Schema(b'{"items": {"type": "integer"}}')
    assert len(schema.faults(["x"] * 50)) == MAX_FAULTS


def test_a_pattern_that_backtracks_is_bounded() -> None:
    schema = Schema(json.dumps({"pattern": r"^(?=(a+)+$)(a|aa)+\1$"}).encode())
    assert schema.faults("a" * 5_000 + "!")  # comes back at all


def test_the_same_schema_is_compiled_once() -> None:
    assert compiled(b'{"type": "object"}') is compiled(b'{"type": "object"}')


def chain(keyword: str, length: int) -> dict[str, Any]:
    twice = {f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(length)}
    return {"$defs": {**twice, f"d{length}": {"type": "integer"}}, "$ref": "#/$defs/d0"}


COSTLY = [
    (chain("anyOf", 30), "more than 2000 times"),
    (chain("allOf", 12), "more than 2000 times"),
    ({"$ref": "#"}, "leads back to itself"),
    ({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "leads back"),
    ({"allOf": [{"pattern": f"a{i}"} for i in range(101)]}, "more than 100 patterns"),
    ({"pattern": r"\pL{99}"}, "regex"),
    ({"$dynamicRef": "#a"}, "no $ref"),
    ({"$defs": {"a": {"$id": "x", "$ref": "#/y"}}, "$ref": "#/$defs/a"}, "identifier"),
]


@pytest.mark.parametrize(("schema", "why"), COSTLY, ids=[why for _, why in COSTLY])
def test_a_schema_whose_cost_has_no_bound_is_refused(schema: Any, why: str) -> None:
    with pytest.raises(SchemaInvalid, match=re.escape(why)):
        Schema(json.dumps(schema).encode())


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_a_value_that_a_recursive_schema_would_take_too_long_with_fails() -> None:
    both = {"properties": {"a": {"$ref": "#"}}, "required": ["b"]}
    schema = Schema(json.dumps({"anyOf": [both, both]}).encode())
    assert [fault.rule for fault in schema.faults(nested(60))] == ["depth"]
    assert [fault.rule for fault in schema.faults(nested(2))] == ["anyOf"]


TREE = {
    "$defs": {"node": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "left": {"$ref": "#/$defs/next"}, "right": {"$ref": "#/$defs/next"}},
        "required": ["name"],
        "additionalProperties": False,
    }, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
    "$ref": "#/$defs/node",
}  # fmt: skip


def test_an_ordinary_recursive_schema_holds() -> None:
    def tree(depth: int) -> dict[str, Any]:
        return {"name": "x"} if depth == 0 else {"name": "x", "left": tree(depth - 1), "right": tree(depth - 1)}

    schema = Schema(json.dumps(TREE).encode())
    assert schema.faults(tree(9)) == []
    assert schema.faults({"name": "x", "left": {"name": 3}})


def test_what_is_told_is_short() -> None:
    name = "n" * 5_000
    schema = Schema(json.dumps({"required": [name], "properties": {"a": {"type": "integer"}}}).encode())
    assert all(len(fault.what) <= 300 for fault in schema.faults({}))
    with pytest.raises(SchemaInvalid) as refused:
        Schema(json.dumps({"properties": {name: {"type": "elephant"}}}).encode())
    assert len(str(refused.value)) < 600
