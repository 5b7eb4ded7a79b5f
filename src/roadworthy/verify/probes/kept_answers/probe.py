"""PER-05: answers of a cache with a short lifetime: told again, to others, under other prompts and modes, and late."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, NotMeasured, Outcome, Severity, judged, not_applicable
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question, Reply
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import Drill, drill, wrong
from roadworthy.verify.service.stat import share

LEAST = 20
BATCH = 10
TTL_S = 3.0
PAST_S = 0.6
KEPT = ("hit", "semantic", "stale")
KEYS = {"a": ("--scope", "use"), "b": ("--scope", "use")}
PROMPTS = ("Answer like a poet.", "Answer like a lawyer.")


@dataclass
class _Seen:
    """What came back, by what was asked.

    Attributes:
        first: Each question for the first time, of one key.
        again: The same once more, half of them as streams.
        others: The same by another key, under system prompts, and of other names.
        held: Whether the kept answer was still there after `others`, per question.
        expired: The first questions after the lifetime, with healthy providers.
        failing: The same after another lifetime, with every provider failing.
    """

    first: list[Reply] = field(default_factory=list)
    again: list[Reply] = field(default_factory=list)
    others: dict[str, list[Reply]] = field(default_factory=dict)
    held: list[bool] = field(default_factory=list)
    expired: list[Reply] = field(default_factory=list)
    failing: list[Reply] = field(default_factory=list)


def probe(context: Context) -> Outcome:
    """Fill the cache, ask again in every way that must and must not find the answer, then wait until it expires."""
    wanted = int(context.settings["questions"])
    if wanted < LEAST:
        raise NotMeasured(f"The policy asks for {wanted} questions; at least {LEAST} are needed.")
    gateway = of_service(context).gateway
    if not gateway.cache.enabled:
        context.evidence.write_json({"gateway.cache.enabled": False}, "cache of the configuration")
        return not_applicable(
            "The configuration keeps no answers.",
            predicate="gateway.cache.enabled",
            detail="gateway.cache.enabled is false",
        )
    off = {name.replace("*", "probe") for name, route in gateway.routes.items() if route.cache == "off"}
    routes = {
        name: {**route.model_dump(mode="json"), "cache_ttl_s": TTL_S, "quality": None}
        for name, route in gateway.routes.items()
    }
    changes = {
        "gateway.cache.ttl_s": dict.fromkeys(("start", "min", "max"), TTL_S),
        "gateway.routes": routes,
        "gateway.budget.default": {},
    }
    with drill(context, longest_s=None, keys=KEYS, changes=changes) as played:
        names = [line.name for line in played.lines if line.name not in off]
        if not names:
            raise NotMeasured("The configuration switches the cache on, and off again for every route.")
        seen = _played(played, names, wanted)
    _keep(context, seen)
    return _judged(context, seen, len(off))


def _played(played: Drill, names: Sequence[str], wanted: int) -> _Seen:
    played.calm()
    seen, a, b = _Seen(), *(played.copy.provider_keys[f"key:{each}"] for each in KEYS)

    def ask(
        numbers: Sequence[int],
        key: str = a,
        name: str = names[0],
        more: Callable[[int], Mapping[str, Any]] | None = None,
    ) -> list[Reply]:
        said = more or (lambda at: {})
        questions = [Question(name, _text(at), {"temperature": 0, **said(at)}) for at in numbers]
        return played.ask(questions, key=key, parallel=8)

    for begin in range(0, wanted, BATCH):
        played.context.progress("questions, and the same again", begin, wanted)
        numbers = range(begin, min(wanted, begin + BATCH))
        seen.first += ask(numbers)
        seen.again += ask(numbers, more=lambda at: {"stream": at % 2 == 1})
        asked = {"tenant": ask(numbers, key=b)}
        for prompt in PROMPTS:
            asked[f"system prompt {prompt!r}"] = ask(numbers, more=partial(_under, prompt))
        asked |= {f"name {name}": ask(numbers, name=name) for name in names[1:]}
        for what, replies in asked.items():
            seen.others.setdefault(what, []).extend(replies)
        seen.held += [each.cache in KEPT and each.status == 200 for each in ask(numbers)]
    played.context.progress("waiting until the answers expire")
    late = range(min(wanted, BATCH))
    time.sleep(TTL_S + PAST_S)
    seen.expired = ask(late)
    time.sleep(TTL_S + PAST_S)
    played.doubles.all("error")
    seen.failing = ask(late)
    return seen


def _text(at: int) -> str:
    return f"How long is bridge number {at}?"


def _under(prompt: str, at: int) -> dict[str, Any]:
    return {"messages": [{"role": "system", "content": prompt}, {"role": "user", "content": _text(at)}]}


def _keep(context: Context, seen: _Seen) -> None:
    asked = {"first": seen.first, "again": seen.again, "expired": seen.expired, "every provider failing": seen.failing}
    context.evidence.write_json(
        {
            what: [{**each.brief(), "age_s": each.about.get("age_s"), "warning": each.about.get("warning")}
                   for each in replies]
            for what, replies in {**asked, **seen.others}.items()
        }
        | {"lifetime_s": TTL_S, "held": seen.held},
        "what the cache told",
    )  # fmt: skip


def _judged(context: Context, seen: _Seen, off: int) -> Outcome:
    if not any(each.status == 200 for each in seen.first):
        raise NotMeasured("The second edge answered nothing.")
    hits = [at for at, each in enumerate(seen.again) if each.status == 200 and each.cache in KEPT]
    right = sum(seen.again[at].text == seen.first[at].text for at in hits)
    early = [each for each in seen.first if each.status == 200 and each.cache in KEPT]
    crossed, compared = _crossed(seen)
    if not hits and not early and not any(crossed.values()):
        raise NotMeasured("No answer came out of the cache, so it told neither right nor wrong ones.")
    findings = [*_wrong(context, early, len(hits) - right, len(hits)), *_late(context, seen)]
    findings += [
        wrong(context, "crossed", f"{count} of {len(seen.others[what])} answers crossed to another {what}.", what,
              severity=Severity.CRITICAL)
        for what, count in crossed.items() if count
    ]  # fmt: skip
    asked_late = [*seen.expired, *seen.failing]
    stale = sum(each.status == 200 and each.cache == "stale" for each in seen.failing)
    existing = len(seen.again) + sum(map(len, seen.others.values())) + len(asked_late)
    coverage = Coverage(
        examined=sum(each.status == 200 for each in seen.again) + compared
        + sum(each.status is not None for each in asked_late),
        existing=existing,
        how_counted="Existing: requests after the first of each question. Examined: those that were answered; of those "
        "that must not be told a kept answer, those during which it was there to be told.",
    )  # fmt: skip
    without = f" {off} routes keep none and were not asked." if off else ""
    return judged(
        f"{len(hits)} of {len(seen.again)} repeated questions came out of the cache, {right} with the right answer; "
        f"{sum(crossed.values())} of {compared} crossed to {', '.join(seen.others)}; {stale} of {len(seen.failing)} "
        f"expired answers were told, marked, when every provider failed.{without}",
        coverage=coverage,
        findings=findings,
        measured=[
            share("hits", len(hits), len(seen.again)),
            share("right_of_hits", right, len(hits)),
            Measure(name="crossings", value=sum(crossed.values()), unit="answers", n=compared),
            Measure(name="stale_marked", value=stale, unit="answers", n=len(seen.failing)),
        ],
    )


def _crossed(seen: _Seen) -> tuple[dict[str, int], int]:
    """Kept answers by whom they were told to, and how many could have been.

    An answer crossed when it is one that was given before, or is told as kept on the first time of asking.
    """
    given = {each.text for each in seen.first if each.status == 200}
    crossed, compared = {}, 0
    for what, replies in seen.others.items():
        crossed[what] = sum(each.status == 200 and (each.text in given or each.cache in KEPT) for each in replies)
        compared += sum(each.status == 200 and held for each, held in zip(replies, seen.held, strict=True))
        given |= {each.text for each in replies if each.status == 200}
    return crossed, compared


def _wrong(context: Context, early: Sequence[Reply], wrong_ones: int, hits: int) -> list[Finding]:
    findings = []
    if early:
        said = f"{len(early)} questions that nobody had asked were answered from the cache."
        findings.append(wrong(context, "never_asked", said))
    if wrong_ones:
        said = f"{wrong_ones} of {hits} answers from the cache are not what was answered first."
        findings.append(wrong(context, "wrong_answer", said))
    return findings


def _late(context: Context, seen: _Seen) -> list[Finding]:
    """Answers older than their lifetime that were told as if they were fresh."""
    given = {each.text for each in (*seen.first, *seen.expired) if each.status == 200}
    fresh = [each for each in seen.expired if each.status == 200 and each.text in {one.text for one in seen.first}]
    unmarked = [
        each
        for each in seen.failing
        if each.status == 200 and each.text in given and (each.cache != "stale" or not each.about.get("warning"))
    ]
    findings = []
    if fresh:
        said = (
            f"{len(fresh)} of {len(seen.expired)} answers were older than their lifetime of {TTL_S:g} s and were told."
        )
        findings.append(wrong(context, "expired", said))
    if unmarked:
        said = (
            f"{len(unmarked)} expired answers were told, when every provider failed, without the mark and the warning."
        )
        findings.append(wrong(context, "unmarked", said))
    made_up = [each for each in seen.failing if each.status == 200 and each.text not in given]
    if made_up:
        findings.append(
            wrong(context, "made_up", f"{len(made_up)} answers came from nobody while every provider failed.")
        )
    return findings
