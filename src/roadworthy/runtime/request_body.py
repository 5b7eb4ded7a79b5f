"""A request's JSON as a msgspec struct; what does not fit is told by its field and bounds, never by what it holds."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from roadworthy.core.errors import UsageError

S = TypeVar("S", bound=msgspec.Struct)

_PLACE = re.compile(r" - at `(?:key in )?\$\.?(.*?)`$")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Those of direction among them: in a name they turn round what stands behind it, such as a file's ending."""
_MISSING = re.compile(r"Object missing required field `(.*)`")
_VALUE = re.compile(r"Invalid enum value .*")


def read_body(body: bytes, kind: type[S]) -> S:
    """The struct that a request's body says.

    Raises:
        UsageError: `invalid_request`, with the field as `param`.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        told = str(error)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UsageError("The request body is not JSON.") from None
    raise _refused(told)


def read_value(value: object, kind: type[S]) -> S:
    """The same for a JSON value that was read already."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        told = str(error)
    raise _refused(told)


def one_line(name: str, text: str) -> str:
    """A field's text as one line.

    Raises:
        UsageError: `invalid_request`: it is blank or holds a control character.
    """
    if _CONTROL.search(text):
        raise unusable(name, "It holds a control character.")
    if not text.strip():
        raise unusable(name, "It is empty.")
    return " ".join(text.split())


def unusable(name: str, why: str) -> UsageError:
    """A field cannot be used; `why` does not repeat what it holds."""
    return UsageError(f"{name} cannot be used.", why, param=name)


def _refused(told: str) -> UsageError:
    place = _PLACE.search(told)
    param = "" if place is None else place[1]
    told = told if place is None else told[: place.start()]
    if missing := _MISSING.fullmatch(told):
        param, told = f"{param}.{missing[1]}".strip("."), "It is missing"
    elif told.startswith("Object contains unknown field"):  # its name is the caller's text
        told = "It has a field that is not known here"
    elif _VALUE.fullmatch(told):
        told = "It is none of the values that it may have"
    return UsageError(f"{param or 'The request body'} cannot be used.", f"{told}.", param=param or None)
