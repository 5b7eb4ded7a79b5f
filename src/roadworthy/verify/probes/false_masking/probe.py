"""PII-03: of harmless lines that look like personal data, hardly any is touched."""

from __future__ import annotations

from roadworthy.verify.outcome import Coverage, NotMeasured, Outcome, Severity, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.drill import wrong
from roadworthy.verify.service.guard_report import guard_report
from roadworthy.verify.service.stat import share

LEAST_N = 200


def probe(context: Context) -> Outcome:
    """Read the guard's report on its hard negatives."""
    negatives = guard_report(context)["negatives"]
    families = [each for each in negatives.get("families", []) if isinstance(each, dict)]
    n, damaged = sum(int(each["n"]) for each in families), sum(int(each["damaged"]) for each in families)
    if n < LEAST_N:
        raise NotMeasured(f"The corpus holds {n} harmless lines; at least {LEAST_N} are needed.")
    measure, most = share("damaged_share", damaged, n), float(context.settings["damaged"])
    findings = []
    if measure.ci_high is None or measure.ci_high > most:
        worst = ", ".join(str(each["name"]) for each in families if each["damaged"])
        findings.append(
            wrong(
                context,
                "damaged",
                f"{damaged} of {n} harmless lines were touched ({worst}); the upper bound is over {most:g}.",
                severity=Severity.LOW,
            )
        )
    coverage = Coverage(
        examined=n,
        existing=int(negatives.get("n", 0)),
        how_counted="Existing: harmless lines that the report names in all. Examined: the sum over their families.",
    )
    return judged(
        f"{damaged} of {n} harmless lines were touched.", coverage=coverage, findings=findings, measured=[measure]
    )
