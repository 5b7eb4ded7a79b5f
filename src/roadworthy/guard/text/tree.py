"""Masks nested values: what log calls, events and tool arguments carry beside their message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from roadworthy.guard.text.kind import Kind, mark
from roadworthy.guard.text.later import compiled_later

DEEPEST = 64
"""What is nested deeper is replaced by its masked text."""
_SECRET_NAME = compiled_later(
    r"passw(?:or)?d|passwd|passphrase|\bpwd\b|secret|(?:^|[_\-.])(?:access|auth|id|refresh|api|bearer|csrf)?[_\-]?token$"
    r"|(?:api|access|private|auth|signing|encryption)[_\- ]?key|authorization|(?:set-)?cookie|credential"
    r"|비밀번호|암호|패스워드|인증키|주민(?:등록)?번호",
    re.IGNORECASE,
)
_MARK = mark(Kind.PASSWORD).decode()
_PLAIN = (bool, int, float, complex, type(None))


class _Masks(Protocol):
    def mask(self, text: str) -> str: ...
    def mask_bytes(self, text: bytes) -> bytes: ...


def is_secret_name(name: object) -> bool:
    """Whether a field of this name holds a secret, whatever its value looks like."""
    return isinstance(name, str) and _SECRET_NAME.search(name) is not None


def masked_tree(value: object, masker: _Masks, depth: int = 0) -> object:
    """The value with every text in it masked; fields whose name says secret are replaced whole.

    Mappings become dicts, lists and tuples keep their type, sets become lists. Another object stays as it is unless its
    text holds a finding: then that text, masked, takes its place.

    Args:
        value: Anything.
        masker: Masks texts.
        depth: How deep in a structure the value stands.
    """
    if isinstance(value, str):
        return masker.mask(value)
    if isinstance(value, bytes | bytearray):
        return masker.mask_bytes(bytes(value))
    if isinstance(value, _PLAIN):
        return _masked_object(value, masker) if isinstance(value, int) and abs(value) > 10**11 else value
    if depth >= DEEPEST:
        return masker.mask(text_of(value))
    if isinstance(value, Mapping):
        return {
            _masked_key(key, masker): _MARK if is_secret_name(key) and item not in (None, "", True, False)
            else masked_tree(item, masker, depth + 1)
            for key, item in value.items()
        }  # fmt: skip
    if isinstance(value, list | set | frozenset):
        return [masked_tree(item, masker, depth + 1) for item in value]
    if isinstance(value, tuple):
        items = [masked_tree(item, masker, depth + 1) for item in value]
        make = getattr(type(value), "_make", tuple)  # a named tuple stays one
        made: object = make(items)
        return made
    return _masked_object(value, masker)


def _masked_key(key: object, masker: _Masks) -> object:
    return masker.mask(key) if isinstance(key, str) else key


def _masked_object(value: object, masker: _Masks) -> object:
    text = text_of(value)
    masked = masker.mask(text)
    return value if masked == text else masked


UNTELLABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, OSError, RuntimeError, TypeError,
              ValueError)  # fmt: skip
"""What objects raise when they are asked for their text."""


def text_of(value: object) -> str:
    """The object's text, or a remark that it has none."""
    try:
        return str(value)
    except UNTELLABLE as error:
        return f"<{type(value).__name__}: its text cannot be told, {type(error).__name__}>"
