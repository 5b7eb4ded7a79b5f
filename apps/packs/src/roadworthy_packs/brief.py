"""What a caller tells of a client: checked field by field, and data everywhere, never an instruction."""

from __future__ import annotations

import hashlib
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from roadworthy.gateway.quality.term import Term, plain
from roadworthy.runtime.request_body import one_line, unusable
from roadworthy_packs.pack import Language, Pack

_Name = Annotated[str, Meta(max_length=100)]
_Line = Annotated[str, Meta(max_length=200)]
_Prose = Annotated[str, Meta(max_length=1_000)]


class Brief(Struct, frozen=True, forbid_unknown_fields=True):
    """Who the client is and what it wants."""

    brand_name: _Name
    industry: _Line
    primary_goal: _Prose
    product_service: _Prose
    target_audience: _Prose
    language: Language | None = None


FIELDS = tuple(name for name in Brief.__struct_fields__ if name != "language")


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/aicmo/generate_report`."""

    pack_key: _Name
    client_brief: Brief
    stage: _Line | None = None
    services: Annotated[tuple[_Line, ...], Meta(max_length=20)] = ()


class Wanted(NamedTuple):
    """A report that somebody asked for: a pack as its file said then, and a checked brief in one language."""

    pack: Pack
    brief: dict[str, str]
    stage: str | None = None
    services: tuple[str, ...] = ()

    @property
    def language(self) -> Language:
        """Of the report."""
        return "ko" if self.brief["language"] == "ko" else "en"

    @property
    def digest(self) -> str:
        """Equal for requests that are the same in everything."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    def fill(self, term: str) -> str:
        """A term of the pack with the brief's fields in their places."""
        for name in FIELDS:
            term = term.replace(f"{{{name}}}", self.brief[name])
        return term


def wanted_of(pack: Pack, request: Request) -> Wanted:
    """The report that a request asks for.

    Raises:
        UsageError: `invalid_request`, naming the field, never what it holds.
    """
    told = {name: one_line(f"client_brief.{name}", getattr(request.client_brief, name)) for name in FIELDS}
    language = request.client_brief.language or pack.languages[0]
    if language not in pack.languages:
        raise unusable("client_brief.language", f"The pack is written in {' or '.join(pack.languages)} only.")
    if not any(map(str.isalnum, told["brand_name"])):
        raise unusable("client_brief.brand_name", "It holds no letter and no digit.")
    stage = None if request.stage is None else one_line("stage", request.stage)
    services = tuple(one_line(f"services[{at}]", one) for at, one in enumerate(request.services))
    return Wanted(pack, {**told, "language": language}, stage, services)


def refuse_clash(wanted: Wanted, required: tuple[str, ...], forbidden: list[str]) -> None:
    """Refuse a brief whose words must and must not be in the text.

    Raises:
        UsageError: `invalid_request`.
    """
    for name in FIELDS:
        value, named = plain(wanted.brief[name]), name == "brand_name" or any(f"{{{name}}}" in one for one in required)
        if named and any(Term(wanted.fill(term)).within(value) for term in forbidden):
            raise unusable(f"client_brief.{name}", "The report has to name it, and the pack forbids words in it.")
