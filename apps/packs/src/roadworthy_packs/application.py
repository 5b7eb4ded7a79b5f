"""Packs as an application of the platform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from roadworthy.core.application import Platform, Service
from roadworthy.core.errors import ConfigError
from roadworthy.runtime.jobs.order import Orders
from roadworthy.serve.report.route import ReportRoutes
from roadworthy.serve.report.smoke import SmokeRuns
from roadworthy.serve.report.writer import Pace, Writer
from roadworthy_packs import shelf
from roadworthy_packs.client import PREFIX
from roadworthy_packs.report import PackReport, report_in
from roadworthy_packs.route import routes
from roadworthy_packs.smoke import plan


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`applications.packs`: a folder of one's own packs, what answers, sections at a time, tries for each."""

    folder: str | None = None
    model: str = "chat"
    parallel: Annotated[int, Meta(ge=1, le=32)] = 2
    tries: Annotated[int, Meta(ge=1, le=10)] = 3


class Packs:
    """Implements `core.application.Application`."""

    name = "packs"

    def start(self, platform: Platform) -> Service:
        """See `core.application.Application`."""
        try:
            settings = msgspec.convert(dict(platform.settings), Settings)
        except msgspec.ValidationError as error:
            raise ConfigError("applications.packs cannot be used.", f"{error}.") from None
        packs = shelf.load(None if settings.folder is None else Path(settings.folder))
        reports = Orders(platform.records, platform.jobs, self.name, "report")
        runs = Orders(platform.records, platform.jobs, self.name, "smoke", "smoke run")
        pace = Pace(settings.parallel, settings.tries)
        writer = Writer(platform.chat, reports, lambda record: report_in(record, settings.model), pace)
        smoke = SmokeRuns(writer, runs)
        answers = ReportRoutes(
            PREFIX, reports, writer.outline_of, smoke,
            lambda body: [PackReport(one, settings.model) for one in plan(packs, body)],
        )  # fmt: skip
        return Service(routes(packs, answers, settings.model), {"packs.report": writer, "packs.smoke": smoke})


packs = Packs()
