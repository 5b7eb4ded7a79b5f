"""The licence of a package as an SPDX expression, and what a policy says to it. What is unknown is never allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple

from roadworthy.core.errors import ConfigError
from roadworthy.verify.supply.installed import Distribution, licence_texts, normal
from roadworthy.verify.supply.licence_name import CLASSIFIERS, FREE_FORMS
from roadworthy.verify.supply.licence_text import recognised

ALLOWED = frozenset((
    "0BSD", "Apache-2.0", "Artistic-2.0", "BSD-1-Clause", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "BlueOak-1.0.0",
    "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0", "CNRI-Python", "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "NCSA",
    "PSF-2.0", "PostgreSQL", "Python-2.0", "Python-2.0.1", "UPL-1.0", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense",
    "WTFPL", "X11", "ZPL-2.1", "Zlib", "bzip2-1.0.6", "libpng-2.0",
))  # fmt: skip
"""Permissive licences, and the Mozilla licence, which asks for the source of its own files alone."""
DENIED = frozenset((
    "AGPL-3.0-only", "AGPL-3.0-or-later", "BUSL-1.1", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0",
    "Elastic-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "SSPL-1.0",
))  # fmt: skip
"""Licences that ask for the source of what uses them, or forbid commercial use."""
_LONGEST_NAME = 100
_VAGUE = frozenset(("agpl", "bsd", "cc", "creative commons", "gnu gpl", "gpl", "lgpl", "public domain"))


class Ruling(IntEnum):
    """What a policy says to an expression; the larger wins where all parts count."""

    ALLOWED = 0
    UNLISTED = 1
    DENIED = 2


class Licence(NamedTuple):
    """The licence of a package.

    Attributes:
        expression: In SPDX; None when it is unknown.
        source: Where it was read: `License-Expression`, `License`, `classifiers`, `text` or `policy`.
        why: Why it is unknown; empty when it is known.
    """

    expression: str | None
    source: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class LicencePolicy:
    """Which licences may be used.

    Args:
        allow: SPDX identifiers; `X WITH Y` may be listed whole.
        deny: Those that are named as denied rather than as unlisted. Both fail.
        packages: Name of a package → expression that was found by hand, for metadata that do not say it.
    """

    allow: frozenset[str] = ALLOWED
    deny: frozenset[str] = DENIED
    packages: Mapping[str, str] = field(default_factory=dict)


def policy(
    allow: Iterable[str] | None = None,
    deny: Iterable[str] | None = None,
    packages: Mapping[str, str] | None = None,
    also_allow: Iterable[str] = (),
) -> LicencePolicy:
    """A policy from its parts; a part that is None is the built-in one.

    Args:
        allow: See `LicencePolicy`.
        deny: See `LicencePolicy`.
        packages: See `LicencePolicy`.
        also_allow: Added to what is allowed.

    Raises:
        ConfigError: `config_invalid`: an entry is no SPDX expression, or is allowed and denied.
    """
    chosen = LicencePolicy(
        (ALLOWED if allow is None else frozenset(map(_listed, allow))) | frozenset(map(_listed, also_allow)),
        DENIED if deny is None else frozenset(map(_listed, deny)),
        {normal(name): _listed(expression) for name, expression in (packages or {}).items()},
    )
    both = sorted(chosen.allow & chosen.deny) if deny is not None else []
    if both:
        raise ConfigError("A licence is both allowed and denied.", f"It is {both[0]}.")
    return LicencePolicy(chosen.allow, chosen.deny - chosen.allow, chosen.packages)


def licence_of(distribution: Distribution, packages: Mapping[str, str] | None = None) -> Licence:
    """The licence of an installed package, from its metadata, and from its licence texts where those do not say it.

    Args:
        distribution: The package.
        packages: See `LicencePolicy`.
    """
    if packages and distribution.key in packages:
        return Licence(packages[distribution.key], "policy")
    if distribution.licence_expression:
        expression = spdx(distribution.licence_expression)
        if expression is None:
            return Licence(None, "License-Expression", "its expression is no SPDX expression")
        return Licence(expression, "License-Expression")
    stated = spdx_of_name(distribution.licence or "")
    classified, vague = _classified(distribution.classifiers)
    if stated and classified and not _ids(stated) & _ids(classified):
        return Licence(None, "License", f"the field says {stated}, the classifiers say {classified}")
    if stated:
        return Licence(stated, "License")
    if classified and not vague:
        return Licence(classified, "classifiers")
    return _from_texts(distribution, classified)


def _from_texts(distribution: Distribution, classified: str | None) -> Licence:
    texts = [*licence_texts(distribution), distribution.licence or ""]
    found = sorted({name for text in texts for name in recognised(text)})
    if found:
        parts = sorted({*found, *(_ids(classified) if classified else ())})
        return Licence(spdx(" AND ".join(parts)), "text")
    said = (distribution.licence or "").strip().splitlines()[:1] or [
        c.split(" :: ")[-1] for c in distribution.classifiers
    ]
    if said and said[0]:
        return Licence(None, "License", f"{said[0][:_LONGEST_NAME]!r} does not say which licence")
    return Licence(None, "License", "nothing in it says which licence")


def spdx(text: str) -> str | None:
    """An expression with its identifiers as SPDX writes them; None when it is none.

    Args:
        text: Such as `mit or apache-2.0`. References (`LicenseRef-…`) are identifiers too.
    """
    parsed = _parsed(text)
    return None if parsed is None else str(parsed.render("{symbol.key}"))


def spdx_of_name(text: str) -> str | None:
    """An expression from what people write, such as `Apache License, Version 2.0`; None when it is unknown or vague."""
    text = text.strip()
    if not text or len(text) > _LONGEST_NAME or "\n" in text:
        return None
    plain = plain_form(text)
    return None if plain in _VAGUE else FREE_FORMS.get(plain) or spdx(text)


def plain_form(text: str) -> str:
    """A name of a licence without what people add to it: case, commas, "the", "license"."""
    words = re.sub(r"[(),\"']|\b(the|licen[cs]e[sd]?|under)\b", " ", text.lower()).replace("-clause", " clause")
    spaced = re.sub(r"\s+", " ", re.sub(r"(?<=[a-z])-(?=\d)|(?<=\d)-(?=[a-z])", " ", words)).strip(" .")
    return re.sub(r"\b(\S+) \1$", r"\1", spaced)


def ruling(expression: str, rules: LicencePolicy) -> Ruling:
    """What a policy says: of alternatives the best counts, of parts that all hold the worst.

    Args:
        expression: In SPDX.
        rules: The policy.
    """
    parsed = _parsed(expression)
    return Ruling.UNLISTED if parsed is None else _ruling(parsed, rules)


def _ruling(node: Any, rules: LicencePolicy) -> Ruling:
    operator = getattr(node, "operator", "").strip()
    if operator:
        parts = [_ruling(part, rules) for part in node.args]
        return min(parts) if operator == "OR" else max(parts)
    key = node.render("{symbol.key}")
    base = key.split(" WITH ")[0]
    # An exception only permits more than the licence that it belongs to.
    if key in rules.allow or base in rules.allow:
        return Ruling.ALLOWED
    return Ruling.DENIED if key in rules.deny or base in rules.deny else Ruling.UNLISTED


def _classified(classifiers: Sequence[str]) -> tuple[str | None, bool]:
    """Expression of all classifiers that name one licence, and whether one of them does not."""
    known = sorted({CLASSIFIERS[each] for each in classifiers if CLASSIFIERS.get(each)})
    vague = any(not CLASSIFIERS.get(each) and each != "License :: OSI Approved" for each in classifiers)
    # They do not say whether one may choose: then all of them hold.
    return (spdx(" AND ".join(known)) if known else None), vague


def _ids(expression: str) -> set[str]:
    return set(re.findall(r"[A-Za-z0-9.+-]+", expression)) - {"AND", "OR", "WITH"}


def _listed(text: str) -> str:
    expression = spdx(str(text))
    if expression is None:
        raise ConfigError(
            "The policy names a licence that SPDX does not know.",
            f"It is {str(text)[:_LONGEST_NAME]!r}.",
            "Use an identifier of the SPDX list, or LicenseRef-NAME for another one.",
        )
    return expression


@cache
def _licensing() -> Any:
    try:
        from license_expression import get_spdx_licensing
    except ImportError:
        raise ConfigError(
            "Reading licences needs the package license-expression.", "", "Install roadworthy[verify].",
            code="extra_missing",
        ) from None  # fmt: skip
    return get_spdx_licensing()


def _parsed(text: str) -> Any:
    """The tree of an expression; None when it is none."""
    licensing = _licensing()
    from boolean.boolean import ParseError
    from license_expression import ExpressionError

    try:
        parsed = licensing.parse(text)
        unknown = [key for key in licensing.unknown_license_keys(parsed) if not key.startswith("LicenseRef-")]
    except (ExpressionError, ParseError, ValueError, AttributeError, TypeError):
        return None
    return None if parsed is None or unknown else parsed
