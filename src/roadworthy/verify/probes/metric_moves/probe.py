"""OBS-01: each documented metric moves when its event is caused, and callers cannot make series without bound."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.double import PLACEHOLDER, Behaviour
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.exposition import Scrape

ROUTE, HEDGED, MODE = "verify-events", "verify-hedged", "verify-mode"
UNCAUSED = {
    "stub_served_total": "It must stay 0; placeholder text was offered and it did.",
    "secret_age_seconds": "Only a keeper of secrets with a store sets it.",
    "secret_source": "Only a keeper of secrets sets it.",
    "secret_stale": "Only a keeper of secrets with a store sets it.",
    "secret_refresh_failures_total": "Only a keeper of secrets with a store sets it.",
    "roadworthy_journal_dropped_total": "It takes a full disk.",
    "roadworthy_log_lines_dropped_total": "It takes a log that cannot be written.",
    "roadworthy_records_waiting": "Only with journal.database.",
    "roadworthy_records_held_back": "Only with journal.database.",
    "roadworthy_state_up": "Only with state.url.",
    "roadworthy_replicas": "Only with state.url.",
    "roadworthy_application_duration_seconds": "Only where applications run beside the edge; the second one has none.",
}
STEADY = (
    "roadworthy_build_info",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "roadworthy_tasks",
    "roadworthy_cache_ttl_seconds",
    "roadworthy_journal_lag_entries",
    "roadworthy_mode_state",
)
"""Gauges that tell a state; it is enough that they have a value."""
UNKNOWN_NAMES = 60


def probe(context: Context) -> Outcome:
    """Read, cause every event, read again."""
    provider = next(iter(of_service(context).gateway.providers))
    with drill(context, longest_s=3.0, changes=_changes(provider), extra=_extra(provider)) as played:
        played.calm()
        before = played.scrape()
        context.progress("events are caused")
        during = _cause(played, provider)
        time.sleep(0.3)
        after = played.scrape()
        played.ask([Question(f"no-such-name-{at}", "Who are you?") for at in range(UNKNOWN_NAMES)], parallel=8)
        flooded = played.scrape()
    return _judged(context, [before, *during, after], flooded)


def _extra(provider: str) -> list[str]:
    return [ROUTE, HEDGED, MODE, f"{MODE}/main", *(f"{provider}/verify-{name}" for name in ("one", "two"))]


def _changes(provider: str) -> dict[str, Any]:
    one, two = f"{provider}/verify-one", f"{provider}/verify-two"
    route = {"chain": [one, two], "deadline_s": 3.0, "cache": "exact", "guard": {"prompts": "mask"}}
    return {
        f"gateway.routes.{ROUTE}": route,
        f"gateway.routes.{HEDGED}": {**route, "cache": "off", "hedge": {"after_s": 0.05, "max_extra_cost": 1.0}},
        f"gateway.modes.{MODE}": {"roles": {"main": [one, two]}, "timeout_s": 3.0},
        "gateway.prices.models": {one: {"input": 1, "output": 1}},
        "gateway.cache.enabled": True,
        "gateway.cache.max_bytes": 65_536,
        "gateway.budget.default": {},
        "gateway.breaker.open_s": 0.5,
    }


def _cause(played: Drill, provider: str) -> list[Scrape]:
    one, two = f"{provider}/verify-one", f"{provider}/verify-two"
    behave = played.doubles.behaviour
    fresh = {"cache-control": "no-store"}

    def ask(name: str, text: str, **more: Any) -> Reply:
        headers = fresh if more.pop("fresh", True) else {}
        return played.ask([Question(name, text, more, headers)], parallel=1)[0]

    if ask(ROUTE, "plain").status != 200:
        raise NotMeasured("The second edge serves nothing even with healthy providers, so no event was caused.")
    ask(ROUTE, "streamed", stream=True)
    ask(two, "no price")
    ask(MODE, "a mode")
    for _ in range(2):
        ask(ROUTE, "kept", temperature=0, fresh=False)
    ask(ROUTE, "Write to somebody@example.org.")
    for at in range(20):
        behave[one] = Behaviour(
            text=" ".join(hashlib.sha256(f"{at} {word}".encode()).hexdigest() for word in range(80))
        )
        ask(ROUTE, f"large {at}", temperature=0, fresh=False)
    for text in ("I'm sorry, but I can't help with that.", PLACEHOLDER):
        behave[one] = Behaviour(text=text)
        ask(ROUTE, f"the gate looks at {len(text)}")
    behave[one] = Behaviour(text='```json\n{"answer": 1}\n```')
    ask(ROUTE, "as JSON", response_format={"type": "json_object"})
    behave[one] = Behaviour(delay_s=0.5)
    ask(HEDGED, "slow")
    during = [_while_slow(played, two)]
    behave[one] = Behaviour("error")
    for at in range(4):
        ask(ROUTE, f"failing {at}")
    during.append(played.scrape())
    played.doubles.all()
    return during


def _while_slow(played: Drill, target: str) -> Scrape:
    played.doubles.behaviour[target] = Behaviour(delay_s=0.8)
    thread = threading.Thread(target=lambda: played.one(target, "slow"), daemon=True)
    thread.start()
    time.sleep(0.35)
    try:
        return played.scrape()
    finally:
        thread.join(5)


def _judged(context: Context, scrapes: list[Scrape], flooded: Scrape) -> Outcome:
    documented = scrapes[-1].documented
    if not documented:
        raise NotMeasured("The metrics document nothing.")
    moved = {name: _moved(name, scrapes) for name in documented}
    findings: list[Finding] = []
    missing: list[Missing] = []
    for name, has in moved.items():
        if name in UNCAUSED:
            missing.append(Missing(name=name, reason=UNCAUSED[name]))
        elif not has:
            findings.append(wrong(context, "still", f"{name} did not move when its event was caused.", name))
    stubs = scrapes[-1].total("stub_served_total")
    if stubs:
        findings.append(wrong(context, "stub", f"{stubs:.0f} placeholder texts left the gateway."))
    grown, most = flooded.series - scrapes[-1].series, int(context.settings["series"])
    if grown > UNKNOWN_NAMES // 2 or flooded.series > most:
        findings.append(
            wrong(context, "series", f"{UNKNOWN_NAMES} unknown names made {grown} series; {flooded.series} in all.")
        )
    context.evidence.write_json(
        {"moved": moved, "series": [each.series for each in scrapes], "series_after_unknown_names": flooded.series},
        "documented metrics before and after their events",
    )
    coverage = Coverage(
        examined=len(documented) - len(missing),
        existing=len(documented),
        missing=tuple(missing),
        how_counted="Existing: metrics with a HELP line in the scrape. Examined: those whose event was caused.",
    )
    return judged(
        f"{sum(moved.values())} of {len(documented)} documented metrics moved; {flooded.series} series.",
        coverage=coverage,
        findings=findings,
        measured=[Measure(name="series", value=flooded.series, unit="series")],
    )


def _moved(name: str, scrapes: list[Scrape]) -> bool:
    if name in STEADY:
        return scrapes[-1].has(name)
    values = {
        tuple(sorted((key[1], value) for key, value in each.samples.items() if key[0] in (name, f"{name}_count")))
        for each in scrapes
    }
    return len(values) > 1
