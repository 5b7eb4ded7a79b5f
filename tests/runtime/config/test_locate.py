"""YAML with lines: duplicates, odd keys, merges, hostile input."""

from __future__ import annotations

import contextlib
import traceback

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.runtime.config.locate import Document, parse_value
from roadworthy.runtime.config.report import ConfigInvalid

FAKE = "sk-live-" + "oops-0123456789abcdef"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        Document(text, "f.yaml")
    assert FAKE not in "".join(traceback.format_exception(caught.value)) + str(caught.value.as_dict())
    return [str(problem) for problem in caught.value.problems]


def test_values_and_lines() -> None:
    document = Document("a: 1\nb:\n  c: [x,\n    y]\n  d: {e: true}\n", "f.yaml")
    assert document.data == {"a": 1, "b": {"c": ["x", "y"], "d": {"e": True}}}
    assert document.lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 3,
        ("b", "c", 1): 4,
        ("b", "d"): 5,
        ("b", "d", "e"): 5,
    }


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_nothing_is_an_empty_mapping(text: str) -> None:
    assert Document(text, "f.yaml").data == {}


def test_keys_are_text_whatever_yaml_makes_of_them() -> None:
    assert Document("on: 1\n123: 2\n1.5: 3\n~: 4\n", "f.yaml").data == {"on": 1, "123": 2, "1.5": 3, "~": 4}


def test_every_duplicate_key_is_told_with_both_lines() -> None:
    assert problems("a: 1\nb: {c: 1, c: 2}\na: 3\n") == [
        "f.yaml:2: b.c: the key `c` stands here a second time; the first is in line 2",
        "f.yaml:3: a: the key `a` stands here a second time; the first is in line 1",
    ]


def test_merge_keys() -> None:
    text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\none: {x: 9, <<: *b}\ntwo: {<<: [*b, *m]}\n"
    data = Document(text, "f.yaml").data
    assert data["one"] == {"x": 9, "y": 2}
    assert data["two"] == {"x": 1, "y": 2, "z": 4}
    assert data == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"a: [{FAKE}", "cannot be read as YAML"),
        (f"a: *{FAKE}", "cannot be read as YAML: found undefined alias"),
        (f"a: '{FAKE}", "cannot be read as YAML"),
        (f"a: b: {FAKE}", "f.yaml:1: the file cannot be read as YAML: mapping values are not allowed"),
        (f"\t{FAKE}: 1", "cannot be read as YAML"),
        (f"a: 1\n---\n{FAKE}: 2", "cannot be read as YAML"),
        ("a: \x00", "cannot be read as YAML"),
        (f"- {FAKE}", "f.yaml:1: expected a mapping of keys at the top"),
        (FAKE, "f.yaml:1: expected a mapping of keys at the top"),
        (f"a: !!python/object/apply:os.system ['{FAKE}']", ""),
        (f"a: !{FAKE} 1", "a: this value cannot be read"),
        ("a: 2024-13-45", "f.yaml:1: a: this value cannot be read; put it in quotes"),
        (f"a: !!int {FAKE}", "a: this value cannot be read"),
        (f"? [{FAKE}]\n: 1", "a key must be plain text"),
        ("a: {<<: 3}", "`<<` must name a mapping"),
        (f"{FAKE}: 1\n{FAKE}: 2", "f.yaml:2: ***: the key `***` stands here a second time"),
        ("a: &x [*x]", "too deeply nested"),
        ("a: &x {b: *x}", "too deeply nested"),
        ("a: " + "[" * 100_000, "cannot be read as YAML"),
        ("a: " + "[" * 200 + "]" * 200, "too deeply nested"),
        (
            "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            "too many keys",
        ),
    ],
)
def test_bad_text_is_told_without_a_word_of_it(text: str, told: str) -> None:
    if "python/object" in text:
        assert Document(text, "f.yaml").data == {"a": [FAKE]}, "a tag runs nothing: the list stays a list"
        return
    assert any(told in problem for problem in problems(text)), problems(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigInvalid):
        assert isinstance(Document(text, "f.yaml").data, dict)


@given(
    st.recursive(
        st.integers() | st.booleans() | st.text() | st.none(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    ).map(lambda value: {"root": value})
)
def test_reads_what_yaml_writes(tree: dict[str, object]) -> None:
    assert Document(yaml.safe_dump(tree), "f.yaml").data == tree


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("true", True), ("[a, b]", ["a", "b"]), ("{a: 1}", {"a": 1})])
def test_parse_value(text: str, value: object) -> None:
    assert parse_value(text) == value


def test_parse_value_does_not_repeat_what_it_cannot_read() -> None:
    with pytest.raises(ValueError, match="not readable") as caught:
        parse_value(f"[{FAKE}")
    assert FAKE not in "".join(traceback.format_exception(caught.value))
