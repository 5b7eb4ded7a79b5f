"""How carriers write a text inside of them, character by character, so that pieces can be encoded apart."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from random import Random
from urllib.parse import quote

from roadworthy.guard.corpus.sample import Message, Part

Encode = Callable[[str], str]


def as_is(text: str) -> str:
    """The text itself."""
    return text


def in_json(text: str) -> str:
    """Inside a JSON string, other letters as they are (RFC 8259, section 7)."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def in_ascii_json(text: str) -> str:
    r"""Inside a JSON string, everything beyond ASCII as `\u` escapes."""
    return json.dumps(text)[1:-1]


def in_json_in_json(text: str) -> str:
    """Inside a string of a JSON document that is a string of another one."""
    return in_json(in_json(text))


def in_url(text: str) -> str:
    """Percent-encoded as a query value (RFC 3986, section 2.1)."""
    return quote(text, safe="")


def in_url_twice(text: str) -> str:
    """Percent-encoded by two layers."""
    return quote(quote(text, safe=""), safe="")


def in_form(text: str) -> str:
    """As a form's value: a plus for a space."""
    return quote(text, safe=" ").replace(" ", "+")


def in_sql(text: str) -> str:
    """Inside a quoted SQL literal: an apostrophe twice."""
    return text.replace("'", "''")


def in_xml(text: str) -> str:
    """As XML character data or an attribute."""
    return html.escape(text)


def in_csv(text: str) -> str:
    """Inside a quoted CSV field (RFC 4180): a quote twice."""
    return text.replace('"', '""')


def indented(text: str) -> str:
    """In a block of YAML."""
    return text.replace("\n", "\n    ")


def escaped(rng: Random, encode: Encode) -> Encode | None:
    """A stranger way of the same carrier: signs as escapes; None where the carrier has no escapes."""
    if encode in (in_json, in_ascii_json):
        return lambda text: "".join(_some(rng, char, f"\\u{ord(char):04x}", encode) for char in text)
    if encode is in_xml:
        reference = rng.choice(("&#{};", "&#x{:x};"))
        return lambda text: "".join(_some(rng, char, reference.format(ord(char)), encode) for char in text)
    if encode is in_url:
        return rng.choice((in_url_twice, _every_byte))
    return None


def _some(rng: Random, char: str, escape: str, encode: Encode) -> str:
    if char.isascii() and not char.isalnum() and char not in '\n"\\ ' and rng.random() < 0.8:
        return escape
    return encode(char)


def _every_byte(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def encoded(message: Message, encode: Encode, for_values: Encode | None = None) -> Message:
    """Every part encoded; values by a way of their own when one is given."""
    return tuple(
        Part((for_values or encode)(part.text) if part.kind else encode(part.text), part.kind) for part in message
    )
