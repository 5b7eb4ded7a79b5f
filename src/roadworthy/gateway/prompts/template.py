"""One version of one prompt: its text in every language, checked once, filled in without evaluating anything.

A caller's values have places in the user message alone. The system message takes only what the gateway itself fills in
from a closed vocabulary, so nothing that a caller sends ever speaks with the voice of the system message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from roadworthy.core.errors import UsageError

LANGUAGES = ("en", "ko")
AUTOMATIC = frozenset({"keywords"})
"""Values that the gateway fills in itself: words of the dictionary that the caller's text holds."""
MAX_TEXT_CHARS = 65_536
MAX_PLACES = 64
MAX_VALUE_CHARS = 32_768
MAX_RENDERED_CHARS = 262_144
_PLACE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]{0,39})\}|[{}]")
"""A place for a value is `{name}`; a brace of the text itself is doubled. Nothing else is looked up or evaluated."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_REFERENCE = re.compile(r"([a-z][a-z0-9_-]{0,63})(?:@([1-9][0-9]{0,5}))?")


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one prompt, for all or for one role, mode or model.

    Attributes:
        name: What applications ask for, for example `interpreter`.
        version: From 1 upwards; a version that was released never changes, a change is a new one.
        system: The system message by language (`en`, `ko`); its only places are those of `AUTOMATIC`.
        user: A user message by language, with the caller's values; None when there is none.
        role: Role of a mode that it is written for; None fits any.
        mode: Mode that it is written for; None fits any.
        model: Model that it is written for, `provider/model`, where `*` stands for anything; None fits any.
    """

    name: str
    version: int
    system: dict[str, str]
    user: dict[str, str] | None = None
    role: str | None = None
    mode: str | None = None
    model: str | None = None

    @property
    def places(self) -> frozenset[str]:
        """Names of the values that a caller gives."""
        return frozenset() if self.user is None else places(self.user["en"]) - AUTOMATIC

    @property
    def automatic(self) -> bool:
        """Whether the gateway has something to fill in."""
        return any(places(text) & AUTOMATIC for text in (*self.system.values(), *(self.user or {}).values()))

    @property
    def fixed(self) -> bool:
        """Whether its system message is always the same."""
        return not places(self.system["en"])

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says, as hex; comments and the file's layout do not count."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


class Reference(NamedTuple):
    """Which prompt: a name, and a version or None for the newest."""

    name: str
    version: int | None = None

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


def parse_reference(text: str) -> Reference | None:
    """`NAME` or `NAME@VERSION`; None when it is neither."""
    match = _REFERENCE.fullmatch(text)
    return None if match is None else Reference(match[1], int(match[2]) if match[2] else None)


def places(text: str) -> frozenset[str]:
    """Names of the places in a text."""
    return frozenset(match[1] for match in _PLACE.finditer(text) if match[1])


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its values. A value is put in as it is, once; braces in it mean nothing.

    Args:
        text: Of a checked template.
        values: At least one for each place.
    """
    return _PLACE.sub(lambda match: values[match[1]] if match[1] else match[0][0], text)


def messages(
    template: Template, language: str, values: Mapping[str, str], *, system_only: bool = False
) -> list[tuple[str, str]]:
    """Role and text of its messages.

    Args:
        template: A checked one.
        language: `en` or `ko`.
        values: At least one for each place, the automatic ones among them.
        system_only: Leave the user message out; then the automatic values are enough.
    """
    found = [("system", fill(template.system[language], values).strip())]
    if template.user is not None and not system_only:
        found.append(("user", fill(template.user[language], values).strip()))
    return found


def check_values(template: Template, values: Mapping[str, str]) -> None:
    """Refuse values that do not fit.

    Raises:
        UsageError: `invalid_request`: one is missing, has no place, holds control characters, or all are too long.
    """
    wanted = template.places
    if wanted != values.keys():
        missing = sorted(wanted - values.keys())
        raise UsageError(
            f"The prompt {template.name} cannot be filled in.",
            f"A value is missing for {', '.join(missing)}." if missing else "A value is given that has no place in it.",
            f"It takes {', '.join(sorted(wanted)) or 'no values'}.",
            param=f"prompt.variables.{missing[0]}" if missing else "prompt.variables",
        )
    for name, value in values.items():
        fault = f"is longer than {MAX_VALUE_CHARS} characters" if len(value) > MAX_VALUE_CHARS else ""
        if not fault and _CONTROL.search(value):
            fault = "holds a control character"
        if fault:
            raise UsageError(
                f"The prompt {template.name} cannot be filled in.",
                f"The value {name} {fault}.",
                "A value is text with line breaks and tabs at most; long material goes into messages.",
                param=f"prompt.variables.{name}",
            )
    counts = [(match[1], text) for text in (template.user or {}).values() for match in _PLACE.finditer(text)]
    if sum(len(values.get(name, "")) for name, _ in counts if name) > MAX_RENDERED_CHARS:
        raise UsageError(
            f"The prompt {template.name} cannot be filled in.",
            f"It would become longer than {MAX_RENDERED_CHARS} characters.",
            "Give shorter values; long material goes into messages.",
            param="prompt.variables",
        )


def fault(template: Template) -> str | None:
    """What is wrong with a template that has the right types; None when nothing is."""
    if not _NAME.fullmatch(template.name):
        return "`name` is made of small letters, digits, - and _, begins with a letter, and has at most 64"
    if not 1 <= template.version <= 999_999:
        return "`version` counts from 1"
    for key in ("role", "mode", "model"):
        if getattr(template, key) == "":
            return f"`{key}` is empty; leave it out when any fits"
    wrong = _fault_in("system", template.system)
    if wrong is None and template.user is not None:
        wrong = _fault_in("user", template.user)
    if wrong is None and (foreign := sorted(places(template.system["en"]) - AUTOMATIC)):
        wrong = (
            f"the system message has a place for {foreign[0]!r}; a caller's values belong into `user`, "
            f"and `system` takes only {', '.join(sorted(AUTOMATIC))}"
        )
    return wrong


def _fault_in(key: str, texts: Mapping[str, str]) -> str | None:
    if missing := [language for language in LANGUAGES if not texts.get(language, "").strip()]:
        return f"`{key}` has no {missing[0]}"
    if extra := sorted(texts.keys() - set(LANGUAGES)):
        return f"`{key}` has the language {extra[0]!r}, which nobody can ask for"
    for language in LANGUAGES:
        found = [match[0] for match in _PLACE.finditer(texts[language])]
        if len(texts[language]) > MAX_TEXT_CHARS or len(found) > MAX_PLACES:
            return f"`{key}` in {language} is longer than {MAX_TEXT_CHARS} characters or has over {MAX_PLACES} braces"
        if "{" in found or "}" in found:
            return f"`{key}` in {language} has a single brace; a place is {{name}}, and a brace of the text is doubled"
        if _CONTROL.search(texts[language]):
            return f"`{key}` in {language} holds a control character"
    if odd := sorted(places(texts["en"]) ^ places(texts["ko"])):
        return f"the value {odd[0]!r} has a place in one language only"
    return None
