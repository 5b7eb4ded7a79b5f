"""A wanted report as the platform's writer sees it: see `roadworthy.serve.report.outline.Outline`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec

from roadworthy.core.job import Json
from roadworthy.runtime.jobs.order import Record
from roadworthy_packs.brief import Wanted
from roadworthy_packs.pack import Pack, Section, said
from roadworthy_packs.rule import messages, section_rules, whole_rules

_DRAFT = {"en": "DRAFT, NOT PASSED", "ko": "초안, 검수 미통과"}


class PackReport:
    """Implements `serve.report.outline.Outline`.

    Args:
        wanted: Pack and brief.
        model: Route or mode to ask where the pack names none.
    """

    def __init__(self, wanted: Wanted, model: str) -> None:
        self.wanted, self._model = wanted, model
        self.name, self.language, self.digest = wanted.pack.key, wanted.language, wanted.digest
        self.label: dict[str, Json] = {"pack_key": wanted.pack.key}
        self.title = f"{said(wanted.pack.title, wanted.language)}: {wanted.brief['brand_name']}"
        self.draft = _DRAFT[wanted.language]

    @cached_property
    def sections(self) -> Sequence[tuple[str, str]]:
        """Key and heading of each."""
        return [(one.key, said(one.title, self.language)) for one in self.wanted.pack.sections]

    @property
    def facts(self) -> dict[str, Json]:
        """What a caller told, and what it is told back."""
        pack, brief = self.wanted.pack, dict[str, Json](self.wanted.brief)
        told: dict[str, Json] = {"client_brief": brief, "stage": self.wanted.stage}
        return {**self.label, "pack_version": pack.version, **told, "services": [*self.wanted.services]}

    def kept(self) -> Record:
        """The pack as it is now, too."""
        brief, pack = self.wanted.brief, msgspec.to_builtins(self.wanted.pack)
        return {"pack": pack, "client_brief": brief, "stage": self.wanted.stage, "services": [*self.wanted.services]}

    def request(self, key: str) -> dict[str, Any]:
        """Body of the request for a section."""
        pack = self.wanted.pack
        told = {"messages": messages(self.wanted, self._section(key)), "max_tokens": pack.max_tokens}
        said = {"temperature": pack.temperature, "stop": [*pack.stop] or None}
        return {
            "model": pack.model or self._model,
            **told,
            **{name: one for name, one in said.items() if one is not None},
        }

    def rules(self, key: str | None) -> dict[str, Json]:
        """Of a section, or of the whole."""
        return whole_rules(self.wanted) if key is None else section_rules(self.wanted, self._section(key))

    def _section(self, key: str) -> Section:
        return next(one for one in self.wanted.pack.sections if one.key == key)


def report_in(record: Record, model: str) -> PackReport:
    """The report that a record was made for."""
    pack = msgspec.convert(record["pack"], Pack)
    return PackReport(Wanted(pack, record["client_brief"], record["stage"], tuple(record["services"])), model)
