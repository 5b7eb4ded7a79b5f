"""A request's JSON as a struct: the field and its bounds are told, never what it holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from roadworthy.core.errors import UsageError
from roadworthy.runtime.request_body import one_line, read_body, read_value

CANARY = "canary-5521"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=5)]
    kind: Literal["a", "b"] = "a"


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    inner: Inner
    many: Annotated[tuple[int, ...], Meta(max_length=2)] = ()


@pytest.mark.parametrize(
    ("value", "param", "told"),
    [
        ({"inner": {}}, "inner.name", "missing"),
        ({}, "inner", "missing"),
        ({"inner": {"name": CANARY}}, "inner.name", "<= 5"),
        ({"inner": {"name": 3}}, "inner.name", "`str`"),
        ({"inner": {"name": "x", "kind": CANARY}}, "inner.kind", "none of the values"),
        ({"inner": {"name": "x", CANARY: 1}}, "inner", "not known here"),
        ({"inner": {"name": "x"}, CANARY: 1}, None, "not known here"),
        ({"inner": {"name": "x"}, "many": [1, CANARY]}, "many[1]", "`int`"),
        ({"inner": {"name": "x"}, "many": [1, 2, 3]}, "many", "<= 2"),
        (CANARY, None, "`object`"),
    ],
)
def test_what_does_not_fit(value: Any, param: str | None, told: str) -> None:
    for read in (lambda: read_value(value, Outer), lambda: read_body(msgspec.json.encode(value), Outer)):
        with pytest.raises(UsageError) as error:
            read()
        assert error.value.param == param
        assert told in str(error.value)
        assert CANARY not in str(error.value.as_dict())


def test_what_fits_is_read() -> None:
    assert read_body(b'{"inner": {"name": "x"}, "many": [1]}', Outer) == Outer(Inner("x"), (1,))


@pytest.mark.parametrize("text", ["", " \n", "a\x00", "a\x7f", "a\u2028b", "a\u202efdp.exe", "\x1b[0m"])
def test_no_line(text: str) -> None:
    with pytest.raises(UsageError) as error:
        one_line("field", text)
    assert error.value.param == "field"


def test_lines_become_one() -> None:
    assert one_line("field", " a\r\n b\t c ") == "a b c"
