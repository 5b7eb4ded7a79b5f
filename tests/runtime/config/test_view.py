"""The tree as it is shown, and keys found by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from roadworthy.core.errors import UsageError
from roadworthy.runtime.config import field, layer, view
from roadworthy.runtime.config.load import load
from roadworthy.runtime.config.report import render, show, suggest
from roadworthy.runtime.config.schema import json_schema

TEXT = """\
gateway:
  workers: 2
  providers:
    a.b: {kind: openai, api_key: env:K, headers: {OpenAI-Organization: org-secretive, X-Api-Key: env:X}}
    a: {kind: compatible, base_url: 'http://127.0.0.1:1'}
    e: {kind: embedded, threads: 1}
  routes: {gpt-4.1: {chain: [a/x, a.b/y, 'e/*']}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("roadworthy.yaml").write_text(TEXT)


def test_shows_references_and_hides_plain_header_values() -> None:
    tree = view.effective(load(environ={"K": "value-of-k"}))
    assert tree["gateway"]["providers"]["a.b"] == {
        "kind": "openai",
        "base_url": None,
        "api_key": "env:K",
        "connect_timeout_s": 5.0,
        "headers": {"OpenAI-Organization": "***", "X-Api-Key": "env:X"},
    }
    assert set(tree["gateway"]["providers"]["e"]) == {"kind", "file", "context_tokens", "threads", "parallel"}
    assert "value-of-k" not in json.dumps(tree)


def test_what_is_shown_can_be_read_back() -> None:
    Path("roadworthy.yaml").write_text(TEXT.replace("OpenAI-Organization: org-secretive, ", ""))
    loaded = load(environ={})
    tree = view.effective(loaded)
    del tree["profile"]
    Path("again.yaml").write_text(view.as_yaml(tree))
    assert load("again.yaml", environ={}).config == loaded.config


@pytest.mark.parametrize(
    ("key", "path", "value"),
    [
        ("gateway.port", ("gateway", "port"), 8080),
        ("gateway.providers.a.kind", ("gateway", "providers", "a", "kind"), "compatible"),
        ("gateway.providers.a.b.kind", ("gateway", "providers", "a.b", "kind"), "openai"),
        ("gateway.routes.gpt-4.1.chain[1]", ("gateway", "routes", "gpt-4.1", "chain", 1), "a.b/y"),
        ("gateway.routes.gpt-4.1.chain.2", ("gateway", "routes", "gpt-4.1", "chain", 2), "e/*"),
        ("gateway.default_route", ("gateway", "default_route"), None),
        ("profile", ("profile",), "development"),
    ],
)
def test_look_up(key: str, path: tuple[str | int, ...], value: object) -> None:
    assert view.look_up(load(environ={}), key) == (path, value)


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("gatway", "Did you mean `gateway`?"),
        ("gateway.prt", "Did you mean `port`?"),
        ("gateway.port.x", ""),
        ("gateway.routes.gpt-4.1.chain[9]", ""),
        ("gateway.routes.gpt-4.1.chain.x", ""),
        ("gateway.providers.qqq", "Known: a, a.b, e"),
    ],
)
def test_unknown_keys(key: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        view.look_up(load(environ={}), key)
    assert caught.value.why == why


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (1, "1"), (True, "true"), (None, "null"), ([1], "- 1"), ({}, "{}")]
)
def test_as_yaml(value: object, text: str) -> None:
    assert view.as_yaml(value) == text


def test_leaves() -> None:
    assert view.leaves({"a": {"b": 1, "c": {}}, "d": [1]}) == [("a", "b"), ("a", "c"), ("d",)]


def test_every_field_is_described_and_has_words_for_what_it_takes() -> None:
    leaves = dict(field.leaves())
    assert ("gateway", "providers", "*", "headers", "*") in leaves
    for path, leaf in leaves.items():
        assert "another type" not in field.expected(leaf), path
        assert leaf.info is None or leaf.info.description, path
    assert field.find(("gateway", "nothing")) is None
    assert field.find(("gateway", "port", "x")) is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("gateway", "port"), "a whole number from 1 to 65535"),
        (("gateway", "workers"), "a whole number from 1 to 256 or auto"),
        (("gateway", "breaker", "error_rate"), "a number above 0 to 1"),
        (
            ("gateway", "providers", "any", "api_key"),
            "a reference: env:NAME, file:PATH, vault:PATH#KEY, aws:NAME[#KEY] or secret:NAME",
        ),
        (("gateway", "providers", "any", "headers"), "a mapping of keys"),
        (("gateway", "routes", "any", "chain"), "a list of texts"),
        (("gateway", "routes", "any", "chain", 0), "text"),
        (("log", "level"), "one of debug, info, warning, error"),
    ],
)
def test_expected(path: tuple[str | int, ...], words: str) -> None:
    found = field.find(path)
    assert found is not None
    assert field.expected(found) == words


def test_schema_is_closed_and_lets_profiles_leave_things_out() -> None:
    schema = json_schema()
    assert "profile" not in schema["properties"]
    assert set(schema["properties"]["profiles"]["properties"]) == {"development", "staging", "production"}
    free = {"Application", "ApplicationOverlay", "JsonValue", "JsonValueOverlay"}  # settings that only they know
    assert all(node["additionalProperties"] is False for name, node in schema["$defs"].items() if name not in free)
    assert schema["$defs"]["Provider"]["required"] == ["kind"]
    assert "required" not in schema["$defs"]["ProviderOverlay"]
    text = json.dumps(schema)
    names = {name.removeprefix("#/$defs/") for name in _references(schema)}
    assert names <= set(schema["$defs"])
    assert '"default": "development"' not in text


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [str(node["$ref"])] if "$ref" in node else []
        return own + [ref for value in node.values() for ref in _references(value)]
    return [ref for item in node for ref in _references(item)] if isinstance(node, list) else []


def test_names_of_keys_and_variables() -> None:
    assert (
        layer.as_variable(("gateway", "providers", "gpt-4.1", "base_url"))
        == "ROADWORTHY_GATEWAY__PROVIDERS__GPT_4_1__BASE_URL"
    )
    assert render(("a", "b", 0, "c d")) == "a.b[0].***"
    assert show("mock-*") == "mock-*"
    assert show("\x1b[31m") == "***"
    assert suggest("prot", ["port", "host"]) == "; did you mean `port`?"
    assert suggest("zzz", []) == ""
    assert yaml.safe_load(view.as_yaml({"a": ["b"]})) == {"a": ["b"]}
