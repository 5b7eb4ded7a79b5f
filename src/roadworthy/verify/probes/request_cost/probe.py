"""PER-04: costs as doubles bill them, and as answers, journal, ledger, metrics and budgets tell them; per request."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, NotMeasured, Outcome, judged, not_measured
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.double import Behaviour, Received
from roadworthy.verify.service.drill import Drill, drill, wrong

EACH = 12
MAX_TOKENS = 40
PARALLEL = 6
SETTLED_S = 5.0
TOLERANCE = 2e-9
STREAM = {"stream": True, "stream_options": {"include_usage": True}}
USD_PER_MILLION = 2.0
KEYS = dict.fromkeys(("first", "second"), ("--scope", "use", "--usd-per-day", "1000"))
_BILLED = ("answer", "empty")
_BYTES_PER_TOKEN = 8
"""As the doubles count prompts."""


@dataclass(frozen=True)
class _Told:
    """Costs of one key's requests in US dollars, by who tells them; None where nobody told."""

    key: str
    requests: int
    answered: int
    untold: int
    estimated: int
    attempts: int
    billed: float
    sums: Mapping[str, float | None]

    @property
    def tolerance(self) -> float:
        """Books count in billionths of a dollar and round up."""
        return TOLERANCE * (self.attempts + 1)

    def different(self) -> list[str]:
        """Who tells something else than was billed."""
        return [name for name, usd in self.sums.items() if usd is None or not abs(usd - self.billed) <= self.tolerance]


def probe(context: Context) -> Outcome:
    """Ask with two keys and add up who tells what; then ask every target once at the service's own prices."""
    prices = _prices(context)
    with drill(
        context, longest_s=None, keys=KEYS, changes={"gateway.prices.models": prices, "gateway.cache.enabled": False}
    ) as played:
        if played.one(played.lines[0].name).status != 200:
            raise NotMeasured("The second edge serves nothing even with healthy providers.")
        told = []
        for number, name in enumerate(KEYS):
            context.progress(f"requests of the {name} key", number + 1, len(KEYS))
            told.append(_play(played, name, prices))
    context.evidence.write_json(
        {"prices_usd_per_million": {name: row["input"] for name, row in prices.items()},
         "by_key": [{**vars(each), "tolerance": each.tolerance} for each in told]},
        "costs as they were billed and told",
    )  # fmt: skip
    if context.settings["usd_per_request"] is None:
        return _judged(context, told, None)
    with drill(
        context, longest_s=None, folder="priced",
        changes={"gateway.prices.models": _own_prices(context), "gateway.cache.enabled": False,
                 "gateway.budget.default": {}},
    ) as played:  # fmt: skip
        context.progress("one request to every target at the service's prices")
        costs = _by_target(context, played)
    context.evidence.write_json(
        {"prompt_tokens": context.settings["prompt_tokens"], "completion_tokens": context.settings["completion_tokens"],
         "usd_per_request": context.settings["usd_per_request"], "costs": costs},
        "cost of a request at every target",
    )  # fmt: skip
    return _judged(context, told, costs)


def _prices(context: Context) -> dict[str, dict[str, float]]:
    """Another price for each target, so that what is booked on the wrong one does not fit."""
    gateway = of_service(context).gateway
    chains = [target for route in gateway.routes.values() for target in route.chain]
    chains += [each for mode in gateway.modes.values() for role in mode.roles.values() for each in role if "/" in each]
    names = list(dict.fromkeys(each.replace("*", "probe") for each in chains))
    return {name: dict.fromkeys(("input", "output"), USD_PER_MILLION + 0.5 * at) for at, name in enumerate(names)}


def _own_prices(context: Context) -> dict[str, Any]:
    """The service's prices; what stands in for an embedded model costs what that costs, which is nothing."""
    gateway = of_service(context).gateway
    free = {name for name, provider in gateway.providers.items() if provider.kind == "embedded"}
    targets = [each for each in _prices(context) if each.split("/", 1)[0] in free]
    own = {name: price.model_dump(mode="json") for name, price in gateway.prices.models.items()}
    return {**own, **{each: {"input": 0.0, "output": 0.0} for each in targets}}


def _play(played: Drill, name: str, prices: Mapping[str, Mapping[str, float]]) -> _Told:
    """Whole answers, streams, and answers after a paid attempt that was of no use."""
    secret, id = played.copy.provider_keys[f"key:{name}"], _key_id(played, name)
    before, mark = played.scrape().total("roadworthy_cost_usd_total"), len(played.doubles.received)
    replies: list[Reply] = []
    for line in played.lines:
        for kind in ("answer", "empty", "error"):
            played.calm()
            if kind != "answer" and len(line.targets) > 1:
                played.doubles.behaviour[str(line.targets[0])] = Behaviour(kind)
            questions = [
                Question(
                    line.name, f"Cost {name} {kind} {at}", {"max_tokens": MAX_TOKENS, **(STREAM if at % 2 else {})}
                )
                for at in range(EACH)
            ]
            replies += played.ask(questions, key=secret, parallel=PARALLEL)
    played.calm()
    received = played.doubles.since(mark)
    billed = sum(_usd(each, prices) for each in received)
    costs = [_cost(each) for each in replies if each.status == 200]
    estimated = sum(_about(each).get("cost_estimated") is True for each in replies)

    def sums() -> dict[str, float | None]:
        return {
            "answers": sum(each for each in costs if each is not None),
            "journal": _journal(played, id),
            "ledger": _row(played.edge.command("gateway", "cost", "--by", "key"), id),
            "metrics": played.scrape().total("roadworthy_cost_usd_total") - before,
            "budget": _spent(played.edge.command("gateway", "status"), id),
        }

    def told() -> _Told:
        return _Told(
            name, len(replies), len(costs), costs.count(None), estimated, len(received), billed, sums()
        )  # fmt: skip

    fits = played.until(
        lambda: abs(played.scrape().total("roadworthy_cost_usd_total") - before - billed) < TOLERANCE, SETTLED_S
    )
    time.sleep(1.2 if fits else 0.0)  # workers tell what was spent once a second
    return _settled(told, time.monotonic() + (SETTLED_S if fits else 0.0))


def _settled(told: Callable[[], _Told], end: float) -> _Told:
    """What is told once it fits; else what is told after a time in which all books are written."""
    found = told()
    while found.different() and time.monotonic() < end:
        time.sleep(0.3)
        found = told()
    return found


def _usd(each: Received, prices: Mapping[str, Mapping[str, float]]) -> float:
    if each.kind not in _BILLED:
        return 0.0
    limit = json.loads(each.body)
    completion = limit.get("max_tokens") or limit.get("max_completion_tokens") or 16
    tokens = max(1, len(each.body) // _BYTES_PER_TOKEN) + int(completion)
    return tokens * prices.get(f"{each.provider}/{each.model}", {"input": float("nan")})["input"] / 1e6


def _about(reply: Reply) -> dict[str, Any]:
    """The `roadworthy` object of an answer; of a stream the last one, which knows what it cost."""
    pieces = [each["roadworthy"] for each in reply.events if isinstance(each.get("roadworthy"), dict)]
    return pieces[-1] if reply.streamed and pieces else reply.about


def _cost(reply: Reply) -> float | None:
    """Of an answer, as it tells it itself."""
    found = _about(reply).get("cost")
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _key_id(played: Drill, name: str) -> str:
    rows = played.edge.command("key", "list").get("keys", [])
    return next((str(each.get("id")) for each in rows if each.get("name") == name), "")


def _journal(played: Drill, key_id: str) -> float | None:
    entries = played.edge.command("gateway", "journal", "tail", "-n", "10000").get("entries", [])
    found = [
        one
        for each in entries
        for one in (each.get("payload") or {}).get("requests", [each.get("payload") or {}])
        if one.get("key_id") == key_id and "attempts" in one
    ]
    return sum(one.get("cost_usd") or 0.0 for one in found) if found else None


def _row(told: Mapping[str, Any], key_id: str) -> float | None:
    return next((float(each["cost_usd"]) for each in told.get("rows", []) if each.get("name") == key_id), None)


def _spent(told: Mapping[str, Any], key_id: str) -> float | None:
    rows = [each for each in told.get("budgets") or [] if each.get("key_id") == key_id and each.get("budget") == "usd"]
    return float(rows[0]["spent"]) if rows else None


def _by_target(context: Context, played: Drill) -> dict[str, float | None]:
    """What one request costs at every target that a name may be served by; None where it is not known."""
    played.calm()
    wanted, most = int(context.settings["prompt_tokens"]), int(context.settings["completion_tokens"])
    text = ("Why do bridges grow? " * (wanted * _BYTES_PER_TOKEN // 21 + 1))[: wanted * _BYTES_PER_TOKEN]
    targets = list(dict.fromkeys(str(target) for line in played.lines for target in line.targets))
    replies = played.ask([Question(each, text, {"max_tokens": most}) for each in targets], parallel=1)
    return {
        target: _cost(reply) if reply.status == 200 else None for target, reply in zip(targets, replies, strict=True)
    }


def _judged(context: Context, told: Sequence[_Told], costs: Mapping[str, float | None] | None) -> Outcome:
    if not any(each.answered for each in told):
        raise NotMeasured("The second edge served nothing, so nothing was billed.")
    if not all(each.billed > 0 for each in told):
        raise NotMeasured("The doubles of the providers billed nothing, so there are no sums to compare.")
    if estimated := sum(each.estimated for each in told):
        raise NotMeasured(f"{estimated} answers tell an estimate of their cost, which no bill can be compared with.")
    findings = [each for one in told for each in _unequal(context, one)]
    missing: list[Missing] = []
    most = context.settings["usd_per_request"]
    for target, usd in (costs or {}).items():
        if usd is None:
            missing.append(Missing(name=f"{target} has no price, or gave no answer"))
        elif usd > float(most):
            findings.append(
                wrong(
                    context, "dear", f"A request to {target} costs {usd:.6f} USD; the policy allows {most:g}.", target
                )
            )
    requests, answered = sum(each.requests for each in told), sum(each.answered for each in told)
    coverage = Coverage(
        examined=answered + len(costs or {}) - len(missing), existing=requests + len(costs or {}),
        missing=tuple(missing),
        how_counted="Existing: requests sent with two keys, and targets. Examined: requests that were "
        "answered, and targets of which the cost of a request is known.",
    )  # fmt: skip
    return _said(told, costs, coverage, findings)


def _unequal(context: Context, told: _Told) -> list[Finding]:
    findings = []
    if told.untold:
        said = f"{told.untold} of {told.answered} answers to the {told.key} key do not tell what they cost."
        findings.append(wrong(context, "untold", said, told.key))
    for name in told.different():
        usd = told.sums[name]
        what = "nothing" if usd is None else f"{usd:.9f} USD"
        said = f"{name} of the {told.key} key: {what}; the providers billed {told.billed:.9f} USD."
        findings.append(wrong(context, f"sum_{name}", said, told.key))
    return findings


def _said(
    told: Sequence[_Told], costs: Mapping[str, float | None] | None, coverage: Coverage, findings: Sequence[Finding]
) -> Outcome:  # fmt: skip
    billed = ", ".join(f"{each.billed:.6f} USD for {each.requests} requests of the {each.key} key" for each in told)
    measured = [
        Measure(name=f"{name}_{each.key}", value=usd, unit="USD", n=each.requests)
        for each in told
        for name, usd in {"billed": each.billed, **each.sums}.items()
    ]
    measured += [Measure(name=f"request:{target}", value=usd, unit="USD", n=1) for target, usd in (costs or {}).items()]
    equal = "answers, journal, ledger, metrics and budgets say the same" if not findings else "not all books say so"
    said = f"Billed {billed}; {equal}."
    if costs is None and not findings:
        why = f"{said} The policy names no budget of a request (PER-04.usd_per_request) to hold it to."
        return not_measured(why, coverage=coverage, measured=measured)
    dear = max((usd for usd in (costs or {}).values() if usd is not None), default=None)
    unknown = "".join(f" {each.name}." for each in coverage.missing[:3])
    more = unknown if dear is None else f" The dearest request costs {dear:.6f} USD.{unknown}"
    return judged(f"{said}{more}", coverage=coverage, findings=findings, measured=measured)
