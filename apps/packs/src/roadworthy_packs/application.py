"""Packs as an application of the platform."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from roadworthy.core.application import Platform, Service
from roadworthy.core.errors import ConfigError
from roadworthy.runtime.jobs.order import Orders
from roadworthy_packs import openai_route, shelf
from roadworthy_packs.generation import Generation
from roadworthy_packs.route import Routes
from roadworthy_packs.smoke import Smoke


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`applications.packs`: a folder of one's own packs, what answers, sections at the same time."""

    folder: str | None = None
    model: str = "chat"
    parallel: Annotated[int, Meta(ge=1, le=32)] = 2


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
        runs = Orders(platform.records, platform.jobs, self.name, "smoke")
        generation = Generation(platform.chat, reports, settings.model, settings.parallel)
        smoke = Smoke(packs, generation, runs)
        routes = Routes(packs, reports, smoke)
        served = [*routes.all(), *openai_route.routes(routes)]
        return Service(served, {"packs.report": generation, "packs.smoke": smoke})


packs = Packs()
