"""Schemas of strangers: compiled, bounded, held."""

from __future__ import annotations

import json
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
