"""One version of one prompt: a YAML file with its text in every language, checked when it is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from roadworthy.core.errors import ConfigError, UsageError

LANGUAGES = ("en", "ko")
_PLACE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]{0,39})\}|[{}]")
"""A place for a value is `{name}`; a brace of the text itself is doubled. Nothing else is looked up or evaluated."""


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one prompt.

    Attributes:
        name: What applications ask for, for example `interpreter`.
        version: From 1 upwards; a version that was released never changes, a change is a new one.
        text: By language (`en`, `ko`); both must be there and have the same places for values.
        role: Role of a mode that it is written for; None fits any.
        mode: Mode that it is written for; None fits any.
        model: Model that it is written for, `provider/model`, where `*` stands for anything; None fits any.
    """

    name: str
    version: int
    text: dict[str, str]
    role: str | None = None
    mode: str | None = None
    model: str | None = None

    @property
    def places(self) -> frozenset[str]:
        """Names of the values that `render` needs."""
        return _places(self.text["en"])

    def render(self, language: str, values: Mapping[str, str]) -> str:
        """The text with its values. A value is put in as it is; braces in it mean nothing.

        Raises:
            UsageError: A language that is not there, a value that is missing or has no place.
        """
        text = self.text.get(language)
        if text is None:
            raise UsageError(
                f"The prompt {self.name} is not written in the language asked for.",
                f"It is there in {', '.join(sorted(self.text))}.",
                "Ask for one of these.",
            )
        if wrong := sorted(self.places ^ values.keys()):
            missing = [name for name in wrong if name in self.places]
            raise UsageError(
                f"The prompt {self.name} cannot be filled in.",
                f"A value is missing for {missing[0]}." if missing else "A value is given that has no place in it.",
                f"It takes {', '.join(sorted(self.places)) or 'no values'}.",
            )
        return _PLACE.sub(lambda match: values[match[1]] if match[1] else match[0][0], text)


def read(path: Path) -> Template:
    """Read and check one file.

    Raises:
        ConfigError: It cannot be read, or is no such template; the message names the file and what is wrong.
    """
    try:
        data: Any = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(path, f"it cannot be read as YAML ({type(error).__name__})") from error
    try:
        template = msgspec.convert(data, Template)
    except msgspec.ValidationError as error:
        raise _wrong(path, str(error)) from error
    if fault := _fault(template):
        raise _wrong(path, fault)
    return template


def _fault(template: Template) -> str | None:
    if template.version < 1:
        return "`version` counts from 1"
    if missing := [language for language in LANGUAGES if not template.text.get(language, "").strip()]:
        return f"`text` has no {missing[0]}"
    if extra := sorted(template.text.keys() - set(LANGUAGES)):
        return f"`text` has the language {extra[0]!r}, which nobody can ask for"
    for language in LANGUAGES:
        if any(match[0] in {"{", "}"} for match in _PLACE.finditer(template.text[language])):
            return f"the text in {language} has a single brace; a place is {{name}}, and a brace of the text is doubled"
    if odd := sorted(_places(template.text["en"]) ^ _places(template.text["ko"])):
        return f"the value {odd[0]!r} has a place in one language only"
    return None


def _places(text: str) -> frozenset[str]:
    return frozenset(match[1] for match in _PLACE.finditer(text) if match[1])


def _wrong(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"The prompt file {path.name} is not usable.", f"{why}.", "See the page on prompts for its form."
    )
