"""The questions of a night and what each answer is measured by: a YAML file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.locate import Document
from roadworthy.verify.outcome import Record

MOST_BYTES = 1_048_576


class Expect(Record, frozen=True):
    """What an answer is measured by; each thing that is named is one score from 0 to 1.

    Attributes:
        mentions: Share of these that the answer holds, whatever their case.
        avoids: Share of these that it does not hold.
        pattern: Regular expression that it must match somewhere.
        json: Whether it must be JSON.
        least_words: It has so many words.
        most_words: It has no more.
    """

    mentions: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    pattern: str | None = None
    json: bool = False
    least_words: int | None = None
    most_words: int | None = None


class Case(Record, frozen=True):
    """One question.

    Attributes:
        id: Unique.
        ask: The user's text.
        expect: What its answers are measured by.
        system: The system message; none when None.
        parameters: Further fields of the request.
    """

    id: str
    ask: str
    expect: Expect
    system: str | None = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Of the question and its measures; runs compare only cases in which it is the same."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:16]


class Cases(Record, frozen=True):
    """The whole file.

    Attributes:
        version: 1.
        name: Of the set, for issues and artefacts.
        model: Route, or `provider/model`.
        cases: The questions.
        repeats: Answers per question and night, 1 to 20.
        floor: Least mean of every score, 0 to 1; a night below it is bad whatever the comparison says.
    """

    version: int
    name: str
    model: str
    cases: tuple[Case, ...]
    repeats: int = 3
    floor: float = 0.0


def load(path: Path) -> Cases:
    """Read the file.

    Raises:
        ConfigError: `config_invalid`: it is not there, or says something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be read.", f"{error.strerror or 'Input/output error'}.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name} is no UTF-8 text.") from None
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path.name} is too large.", f"At most {MOST_BYTES} bytes are read.")
    try:
        made = msgspec.convert(Document(text, path.name).data, Cases)
    except msgspec.ValidationError as fault:
        raise ConfigError(f"{path.name} holds no cases.", f"{fault}.") from None
    wrong = _fault(made)
    if wrong:
        raise ConfigError(f"{path.name}: {wrong}")
    return made


def _fault(made: Cases) -> str:
    ids = [each.id for each in made.cases]
    patterns = [each.expect.pattern for each in made.cases if each.expect.pattern is not None]
    faults = {
        "version must be 1.": made.version != 1,
        "name holds letters, digits and -.": not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", made.name),
        "there are no cases.": not made.cases,
        "two cases have the same id.": len(set(ids)) != len(ids),
        "repeats must be 1 to 20.": not 1 <= made.repeats <= 20,
        "floor must be 0 to 1.": not 0 <= made.floor <= 1,
        "a case expects nothing.": any(not scores("", each.expect) for each in made.cases),
        "a pattern is no regular expression.": not all(map(_compiles, patterns)),
    }
    return next((text for text, is_wrong in faults.items() if is_wrong), "")


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def scores(answer: str, expect: Expect) -> dict[str, float]:
    """An answer's scores by name, each 0 to 1."""
    folded, words = answer.casefold(), len(answer.split())
    measures: Mapping[str, tuple[bool, Callable[[], float]]] = {
        "mentions": (bool(expect.mentions), lambda: _share(expect.mentions, lambda each: each.casefold() in folded)),
        "avoids": (bool(expect.avoids), lambda: _share(expect.avoids, lambda each: each.casefold() not in folded)),
        "pattern": (expect.pattern is not None, lambda: float(bool(re.search(expect.pattern or "", answer)))),
        "json": (expect.json, lambda: float(_is_json(answer))),
        "least_words": (expect.least_words is not None, lambda: float(words >= (expect.least_words or 0))),
        "most_words": (expect.most_words is not None, lambda: float(words <= (expect.most_words or 0))),
    }
    return {name: measure() for name, (asked, measure) in measures.items() if asked}


def _share(each: tuple[str, ...], holds: Callable[[str], bool]) -> float:
    return sum(map(holds, each)) / len(each)


def _is_json(answer: str) -> bool:
    try:
        json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return True
