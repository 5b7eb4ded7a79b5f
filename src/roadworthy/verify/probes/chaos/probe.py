"""REL-01: every scenario that the policy names was executed here and now; a name without a scenario is not measured."""

from __future__ import annotations

from roadworthy.verify.outcome import Coverage, Measure, Missing, NotMeasured, Outcome, Severity, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.drill import drill, wrong
from roadworthy.verify.service.played import Played
from roadworthy.verify.service.scenario import SCENARIOS, play


def probe(context: Context) -> Outcome:
    """Play what can be played; the list is the policy's, the count of what was executed is ours."""
    named = [str(each) for each in context.settings["scenarios"]]
    if not named:
        raise NotMeasured("The policy names no chaos scenario.")
    played: list[Played] = []
    with drill(context, longest_s=2.0) as found:
        for number, name in enumerate(named):
            if name in SCENARIOS:
                context.progress(f"scenario {name}", number + 1, len(named))
                played.append(play(name, found))
    context.evidence.write_json(
        [{"scenario": each.name, "problems": each.problems, "answers": each.answers, "timeline": each.timeline,
          "inapplicable": each.inapplicable, "harmless": each.harmless}
         for each in played], "chaos scenarios with their timelines")  # fmt: skip
    findings = [
        wrong(context, each.name, f"{each.name}: {'; '.join(each.problems)}.", each.name, severity=Severity.CRITICAL)
        for each in played if each.problems
    ]  # fmt: skip
    unknown = [name for name in named if name not in SCENARIOS]
    executed = [each for each in played if each.executed]
    coverage = Coverage(
        examined=len(executed), existing=len(named),
        missing=(
            *(Missing(name=name) for name in unknown),
            *(Missing(name=each.name, reason=each.inapplicable) for each in played if each.inapplicable),
        ),
        how_counted="Existing: scenarios that the policy names. Examined: those that were executed and got answers.",
    )  # fmt: skip
    why = f" Nothing here can execute {', '.join(unknown)}." if unknown else ""
    why += "".join(f" {each.name} was not felt: {each.harmless}." for each in played if each.harmless)
    return judged(
        f"{len(executed)} of {len(named)} scenarios were executed, {len(findings)} of them failed.{why}",
        coverage=coverage, findings=findings,
        measured=[Measure(name="executed", value=len(executed), unit="scenarios", n=len(named))],
    )  # fmt: skip
