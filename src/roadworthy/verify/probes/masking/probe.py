"""PII-01: on the labelled corpus the recall of each kind and language holds at its lower bound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roadworthy.verify.outcome import Coverage, Finding, Measure, Missing, Outcome, Severity, judged
from roadworthy.verify.probe import Context
from roadworthy.verify.service.drill import wrong
from roadworthy.verify.service.guard_report import guard_report
from roadworthy.verify.service.stat import wilson

KINDS = (
    "EMAIL",
    "PHONE",
    "CARD",
    "IP",
    "IBAN",
    "SSN",
    "RRN",
    "BRN",
    "PASSPORT",
    "NATIONAL_ID",
    "API_KEY",
    "JWT",
    "PRIVATE_KEY",
    "PASSWORD",
    "URL_PASSWORD",
)
"""As `roadworthy guard mask --help` lists them."""
LANGUAGES = ("en", "ko")
"""Must be among the languages of the corpus."""
LEAST_N = 200


def probe(context: Context) -> Outcome:
    """Read the guard's report, and count its bounds again."""
    data = guard_report(context)
    kinds = {str(each.get("name")): each for each in data["kinds"]}
    languages = {str(each.get("name")): each for each in data.get("languages", [])}
    wanted = [("kind", name, kinds.get(name)) for name in sorted({*KINDS, *kinds})]
    wanted += [("language", name, languages.get(name)) for name in sorted({*LANGUAGES, *languages})]
    findings: list[Finding] = []
    measures: list[Measure] = []
    missing: list[Missing] = []
    for what, name, row in wanted:
        least = float(context.settings["recall" if what == "kind" else "language_recall"])
        measure = _recall(what, name, row)
        if measure is None:
            missing.append(Missing(name=f"{what} {name}"))
            continue
        measures.append(measure)
        if measure.ci_low is not None and measure.ci_low < least:
            findings.append(
                wrong(
                    context,
                    "recall",
                    f"The recall of {what} {name} is {measure.value:.4f} with a lower bound of "
                    f"{measure.ci_low:.4f} over {measure.n}; {least:g} is needed.",
                    name,
                    severity=Severity.CRITICAL,
                )
            )
    coverage = Coverage(
        examined=len(measures),
        existing=len(wanted),
        missing=tuple(missing),
        how_counted=(
            f"Existing: kinds that the product names, and languages. Examined: those of {LEAST_N} values or more."
        ),
    )
    found = sum(int(each["found"]) for each in kinds.values())
    total = sum(int(each["n"]) for each in kinds.values())
    return judged(
        f"{found} of {total} labelled values of {len(kinds)} kinds in {len(languages)} languages were masked.",
        coverage=coverage,
        findings=findings,
        measured=measures,
    )


def _recall(what: str, name: str, row: Mapping[str, Any] | None) -> Measure | None:
    """None when the corpus has too few values to say."""
    n, found = (row or {}).get("n"), (row or {}).get("found")
    if not isinstance(n, int) or not isinstance(found, int) or not 0 <= found <= n or n < LEAST_N:
        return None
    low, high = wilson(found, n)
    return Measure(name=f"recall_{what}_{name}", value=found / n, unit="1", n=n, ci_low=low, ci_high=high)
