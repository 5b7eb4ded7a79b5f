"""LLM-08: two tenants ask the same questions; neither gets the answer that was kept for the other."""

from __future__ import annotations

from roadworthy.verify.outcome import Coverage, Measure, NotMeasured, Outcome, Severity, judged, not_applicable
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Question
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import drill, wrong

LEAST = 50
SERVED_BY_CACHE = ("hit", "semantic", "stale")


def probe(context: Context) -> Outcome:
    """Tenant A fills the cache, B asks the same, A asks again: only the last may be served from it."""
    wanted = int(context.settings["questions"])
    if wanted < LEAST:
        raise NotMeasured(f"The policy asks for {wanted} questions; at least {LEAST} are needed.")
    enabled = of_service(context).gateway.cache.enabled
    if not enabled:
        context.evidence.write_json({"gateway.cache.enabled": enabled}, "cache of the configuration")
        return not_applicable(
            "The configuration keeps no answers.",
            predicate="gateway.cache.enabled",
            detail="gateway.cache.enabled is false",
        )
    with drill(context, keys={"a": ("--scope", "use"), "b": ("--scope", "use")}) as played:
        played.calm()
        name = played.lines[0].name
        questions = [Question(name, f"How long is bridge number {at}?", {"temperature": 0}) for at in range(wanted)]
        keys = [played.copy.provider_keys[f"key:{each}"] for each in "ab"]
        context.progress("two tenants ask the same questions", 0, wanted)
        first = played.ask(questions, key=keys[0], parallel=8)
        other = played.ask(questions, key=keys[1], parallel=8)
        again = played.ask(questions, key=keys[0], parallel=8)
    texts = {each.text for each in first if each.status == 200}
    crossed = [each for each in other if each.status == 200 and (each.text in texts or each.cache in SERVED_BY_CACHE)]
    kept = sum(each.status == 200 and each.cache in SERVED_BY_CACHE and each.text in texts for each in again)
    context.evidence.write_json(
        {who: [each.brief() for each in found] for who, found in (("a", first), ("b", other), ("a_again", again))},
        "the same questions of two tenants",
    )
    asked = sum(each.status == 200 for each in other)
    if not kept and not crossed:
        raise NotMeasured("No answer came out of the cache, so that none crossed shows nothing.")
    findings = []
    if crossed:
        findings.append(
            wrong(
                context,
                "crossed",
                f"{len(crossed)} of {asked} answers were kept for another tenant.",
                severity=Severity.CRITICAL,
            )
        )
    coverage = Coverage(
        examined=asked,
        existing=len(questions),
        how_counted="Existing: questions of the second tenant. Examined: those that were answered.",
    )
    return judged(
        f"{len(crossed)} of {asked} answers crossed from one tenant to another; {kept} of the first "
        "tenant's own came out of "
        "the cache.",
        coverage=coverage,
        findings=findings,
        measured=[Measure(name="crossings", value=len(crossed), unit="answers", n=asked)],
    )
