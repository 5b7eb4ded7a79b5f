"""Packs as a caller sees them: what the page and the commands stand on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from roadworthy.client.report import Report, ReportClient
from roadworthy.client.transport import Api

PREFIX = "/api/aicmo"


class PackReport(Report, frozen=True):
    """A report of a pack for a brief."""

    pack_key: str = ""
    client_brief: dict[str, str] = field(default_factory=dict)


class Shelf(Struct, frozen=True):
    """The packs there are, by key, as `GET /packs` tells them, and an example of a brief for each language."""

    packs: dict[str, dict[str, Any]]
    examples: dict[str, dict[str, str]]


class PacksClient(ReportClient[PackReport]):
    """Reports, packs and smoke runs.

    Args:
        api: A connection to the public API, for example a `GatewayClient`.
    """

    def __init__(self, api: Api) -> None:
        super().__init__(api, PREFIX, PackReport)

    def packs(self) -> Shelf:
        """What can be asked for."""
        told = self._api.call("GET", f"{PREFIX}/packs")[1]
        return Shelf({one["key"]: one for one in told["packs"]}, told["example_briefs"])

    def generate(self, pack_key: str, brief: Mapping[str, str], key: str | None = None) -> PackReport:
        """Have a report written; see `order`."""
        return self.order("/generate_report", {"pack_key": pack_key, "client_brief": dict(brief)}, key)
