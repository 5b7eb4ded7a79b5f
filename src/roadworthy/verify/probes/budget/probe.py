"""LLM-10: with many requests at once, no key uses more tokens, money, requests or connections than it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.double import Received
from roadworthy.verify.service.drill import Drill, drill, wrong

REQUESTS = 60
PARALLEL = 20
MAX_TOKENS = 50
TOKENS_PER_DAY = 3000
USD_PER_DAY = 0.01
USD_PER_MILLION = 4.0
PER_MINUTE = 20
CONCURRENT = 4
_REFUSED = ("budget_exceeded", "rate_limited")


@dataclass(frozen=True)
class _Case:
    key: str
    limit: float
    used: float
    served: int
    refused: int
    others: int


def probe(context: Context) -> Outcome:
    """One key for each limit; the doubles count what was really used."""
    keys = {
        "tokens": ("--scope", "use", "--tokens-per-day", str(TOKENS_PER_DAY)),
        "money": ("--scope", "use", "--usd-per-day", str(USD_PER_DAY)),
        "rate": ("--scope", "use", "--requests-per-minute", str(PER_MINUTE)),
        "together": ("--scope", "use", "--concurrent", str(CONCURRENT)),
    }
    with drill(context, changes=_changes(context), keys=keys) as played:
        cases = []
        for number, name in enumerate(keys):
            context.progress(f"limit of {name}", number + 1, len(keys))
            cases.append(_play(played, name))
    context.evidence.write_json([vars(each) for each in cases], "limits under concurrent requests")
    return _judged(context, cases)


def _changes(context: Context) -> dict[str, Any]:
    price = {"input": USD_PER_MILLION, "output": USD_PER_MILLION}
    from roadworthy.verify.service.configuration import of_service

    gateway = of_service(context).gateway
    chains = [target for route in gateway.routes.values() for target in route.chain]
    chains += [each for mode in gateway.modes.values() for role in mode.roles.values() for each in role if "/" in each]
    models = {each.replace("*", "probe"): price for each in chains}
    return {"gateway.prices.models": models, "gateway.cache.enabled": False}


def _play(played: Drill, name: str) -> _Case:
    played.calm()
    if name == "together":
        played.doubles.all("answer", delay_s=0.1)
    mark, line = len(played.doubles.received), played.lines[0]
    played.doubles.peak = 0
    questions = [Question(line.name, f"Budget {name} {at}", {"max_tokens": MAX_TOKENS}) for at in range(REQUESTS)]
    replies = played.ask(questions, key=played.copy.provider_keys[f"key:{name}"], parallel=PARALLEL)
    received = played.doubles.since(mark)
    limit, used = _used(name, received, replies, played.doubles.peak)
    served = sum(each.status == 200 for each in replies)
    refused = sum(each.status == 429 and each.code in _REFUSED for each in replies)
    return _Case(name, limit, used, served, refused, len(replies) - served - refused)


def _used(name: str, received: list[Received], replies: list[Reply], peak: int) -> tuple[float, float]:
    tokens = sum(each.tokens for each in received)
    if name == "tokens":
        return TOKENS_PER_DAY, tokens
    if name == "money":
        return USD_PER_DAY, round(tokens * USD_PER_MILLION / 1e6, 9)
    if name == "rate":
        # a bucket of one minute's worth, and what comes back while the drill lasts
        lasted = max((each.at + each.seconds for each in replies), default=0) - min(
            (each.at for each in replies), default=0
        )
        return PER_MINUTE + PER_MINUTE * lasted / 60 + 1, len(received)
    return CONCURRENT, peak


def _judged(context: Context, cases: list[_Case]) -> Outcome:
    if not any(each.served for each in cases):
        raise NotMeasured("The second edge served nothing, so no budget was used.")
    findings: list[Finding] = []
    missing: list[Missing] = []
    for each in cases:
        if each.used > each.limit:
            findings.append(
                wrong(
                    context, each.key, f"The limit of {each.key} is {each.limit:g}; {each.used:g} were used.", each.key
                )
            )
        elif not each.served or not each.refused:
            missing.append(Missing(name=f"limit of {each.key}: {each.served} served, {each.refused} refused"))
    coverage = Coverage(
        examined=len(cases) - len(missing),
        existing=len(cases),
        missing=tuple(missing),
        how_counted="Existing: kinds of limit. Examined: those under which some requests were served and some refused.",
    )
    said = ", ".join(f"{each.key} {each.used:g} of {each.limit:g}" for each in cases)
    return judged(
        f"Used under {REQUESTS} requests each, {PARALLEL} at once: {said}.",
        coverage=coverage,
        findings=findings,
        measured=[
            Measure(name=f"used_share_{each.key}", value=round(each.used / each.limit, 4), unit="1") for each in cases
        ],
    )
