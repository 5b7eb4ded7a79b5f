"""What a chaos scenario showed, and how it asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.drill import Drill

REQUESTS = 24
_FRESH = {"cache-control": "no-store"}


@dataclass
class Played:
    """What a scenario showed.

    Attributes:
        name: Of the scenario.
        problems: What did not hold; empty is good.
        timeline: Seconds from the start, and what was so then.
        answers: How many requests were answered during the fault.
        inapplicable: Why the service cannot suffer it: a sentence about its configuration; empty when it can.
        harmless: Why the fault was none, although it was caused; then nothing was executed.
    """

    name: str
    problems: list[str] = field(default_factory=list)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    answers: int = 0
    inapplicable: str = ""
    harmless: str = ""

    @property
    def executed(self) -> bool:
        """Whether it was played, was felt, and got answers."""
        return bool(self.answers) and not self.inapplicable and not self.harmless


def asked(drill: Drill, count: int, what: str, *, stream: bool = False) -> list[Reply]:
    """New questions to the first name of the second edge, several at a time."""
    line = drill.lines[0]
    more = {"stream": True} if stream else {}
    return drill.ask(
        [Question(line.name, f"{what} {at}", more, _FRESH) for at in range(count)], parallel=8, timeout_s=20.0
    )


def counts(drill: Drill) -> dict[str, Any]:
    """What its metrics say that happened so far."""
    scrape = drill.scrape()
    return {
        "requests": scrape.total("roadworthy_requests_total"),
        "served": scrape.total("roadworthy_requests_total", code="ok"),
        "attempts": scrape.total("roadworthy_attempts_total"),
        "fallbacks": scrape.total("roadworthy_fallbacks_total"),
        "open_breakers": sum(value == "open" for value in drill.breakers().values()),
        "stubs": scrape.total("stub_served_total"),
    }
