"""What a page of the console is, and where applications' pages come from.

A package names an object of type `Page` under the entry point group `roadworthy.pages`. A page that cannot be loaded
or drawn shows its error in its own place; the others go on.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from roadworthy.console.session import Session
from roadworthy.core.application import PAGES_GROUP
from roadworthy.runtime.entry_point import Offer, offered


class SmokeRun(Protocol):
    """A smoke test that an application runs: everything it offers, once, for real."""

    def estimate(self) -> Sequence[tuple[str, str]]:
        """What it would do and cost, as names and values; runs nothing."""
        ...

    def start(self) -> str:
        """Begin; returns the run's id. A second one while one runs returns the first one's."""
        ...

    def progress(self, run_id: str) -> SmokeProgress:
        """How far it is."""
        ...

    def cancel(self, run_id: str) -> None:
        """Stop it; what is done stays."""
        ...


@dataclass(frozen=True)
class SmokeProgress:
    """How far a smoke run is.

    Args:
        done: Finished parts.
        total: All of them; None when unknown.
        over: Whether nothing more will come.
        rows: One row per part: name, state (`passed`, `failed`, `running`, `waiting`, `cancelled`), remark.
        cost_usd: What it cost so far; None when unknown.
    """

    done: int
    total: int | None
    over: bool
    rows: Sequence[tuple[str, str, str]] = ()
    cost_usd: float | None = None


class Page(Protocol):
    """A page. It may also have `smoke(session) -> SmokeRun`, which the page *Admin* offers then.

    Attributes:
        title: Shown in the navigation; unique.
        order: Place in the navigation; the product's own pages have 10 (Now), 50, 60 and 90 (Admin).
    """

    title: str
    order: int

    def render(self, session: Session) -> None:
        """Draw the page by Streamlit's calls; run again for every action and every refresh."""
        ...


@dataclass(frozen=True)
class Listed:
    """A page in the navigation."""

    title: str
    order: int
    render: Callable[[Session], None]
    page: object = None

    @property
    def path(self) -> str:
        """Its part of the URL."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") or "page"


def found(own: Sequence[Listed], others: Sequence[Offer] | None = None) -> tuple[Listed, ...]:
    """All pages in the order of the navigation; one whose name or path is taken is left out and told in the log.

    Args:
        own: The product's pages.
        others: Entry points of applications; None for the installed ones.
    """
    points = tuple(offered(PAGES_GROUP).values()) if others is None else others
    pages, taken = list(own), {one.path for one in own}
    for point in sorted(points, key=lambda one: one.name):
        listed = _loaded(point)
        if listed.path in taken:
            logging.getLogger(__name__).warning("the page %s is left out: its title is taken", point.name)
            continue
        taken.add(listed.path)
        pages.append(listed)
    return tuple(sorted(pages, key=lambda one: (one.order, one.title)))


def _loaded(point: Offer) -> Listed:
    try:
        page = point.load()
        return Listed(str(page.title), int(page.order), page.render, page)
    except Exception as error:  # the door before others' code: it must not take the console down
        return Listed(point.name, 80, _broken(f"{type(error).__name__} while it was loaded"))


def _broken(why: str) -> Callable[[Session], None]:
    def render(session: Session) -> None:
        raise RuntimeError(why)

    return render
