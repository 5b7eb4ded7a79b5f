"""What a smoke run of packs writes: every pack with a standard brief in each of its languages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from roadworthy.runtime.request_body import read_body
from roadworthy_packs.brief import Brief, Request, Wanted, wanted_of
from roadworthy_packs.pack import Pack
from roadworthy_packs.shelf import pick

BRIEFS = msgspec.yaml.decode(Path(__file__).with_name("standard.yaml").read_bytes(), type=dict[str, Brief])
"""A brief for each language."""


class SmokeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /api/aicmo/smoke_runs`; all packs and the standard briefs when left out."""

    packs: Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(max_length=200)] = ()
    brief: Brief | None = None


def plan(packs: Mapping[str, Pack], body: bytes) -> list[Wanted]:
    """The reports that a request asks for.

    Raises:
        UsageError: `not_found`, `invalid_request`.
    """
    asked = read_body(body, SmokeRequest)
    chosen = [pick(packs, key) for key in dict.fromkeys(asked.packs or packs)]
    briefs = {pack.key: [asked.brief] if asked.brief else [BRIEFS[one] for one in pack.languages] for pack in chosen}
    return [wanted_of(pack, Request(pack.key, brief)) for pack in chosen for brief in briefs[pack.key]]
