"""PER-02: the limits of roadworthy.yaml agree with each other and with what was measured."""

from __future__ import annotations

import msgspec

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.load import Loaded, load
from roadworthy.runtime.config.report import ConfigInvalid
from roadworthy.verify import coherence, regular
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    finding,
    judged,
    not_applicable,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import inside, shown

MOST_BYTES = 1_048_576


def probe(context: Context) -> Outcome:
    """Read the configuration as the gateway would, with an empty environment."""
    name = str(context.settings["config"])
    path = inside(context.root, name)
    if path is None or not path.is_file():
        context.evidence.write_json({"configuration": None}, "configuration")
        return not_applicable(
            "There is no gateway here.", predicate=f"the subject holds {shown(name)}", detail="no such file"
        )
    context.evidence.write(regular.read(path, MOST_BYTES)[:MOST_BYTES], "configuration", media_type="application/yaml")
    try:
        loaded = load(path, environ={}, profile=str(context.settings["profile"]))
    except ConfigInvalid as problem:
        found = _one(context, "config", name, str(problem))
        return judged("The gateway would refuse the configuration.", findings=[found],
                      coverage=Coverage(examined=1, existing=1, how_counted="The file."))  # fmt: skip
    except ConfigError as problem:
        raise NotMeasured(str(problem)) from None
    return _judged(context, name, loaded)


def _judged(context: Context, name: str, loaded: Loaded) -> Outcome:
    contradictions = list(coherence.between_limits(loaded.config))
    others, compared = coherence.with_measurements(loaded.config, _measured(context))
    existing = coherence.limits(loaded.config)
    findings = [_one(context, each.rule, each.key, each.text) for each in contradictions]
    # A limit that its own measurement refutes is a false statement; two limits that do not fit are a mistake.
    findings += [_one(context, each.rule, each.key, each.text, contradicts=True) for each in others]
    findings += [_one(context, "warning", each.key, each.text, Severity.NOTE) for each in loaded.warnings]
    coverage = Coverage(
        examined=len(compared),
        existing=len(existing),
        how_counted="Existing: limits of routes and modes. Examined: those with a measurement of at least "
        f"{coherence.LEAST_SAMPLES} answers.",
        missing=tuple(Missing(name=each) for each in existing if each not in compared),
    )
    said = f"{len(existing)} limits of {shown(name)}, {len(compared)} compared with measurements."
    return judged(said, coverage=coverage, findings=findings)


def _measured(context: Context) -> coherence.Measured:
    path = inside(context.root, str(context.settings["measured"]))
    if path is None or not path.is_file():
        return coherence.Measured()
    content = regular.read(path, MOST_BYTES)[:MOST_BYTES]
    context.evidence.write(content, "measured latencies", media_type="application/json")
    try:
        return msgspec.json.decode(content, type=coherence.Measured)
    except msgspec.DecodeError as problem:
        raise NotMeasured(f"The measured latencies cannot be read: {problem}.") from None


def _one(
    context: Context, rule: str, key: str, text: str, severity: Severity = Severity.MEDIUM, *, contradicts: bool = False
) -> Finding:
    where = Location(path=shown(str(context.settings["config"])))
    return finding(
        context.check, rule, f"{shown(key)}: {shown(text)}", key=(key, rule), severity=severity, location=where,
        contradicts=contradicts,
    )  # fmt: skip
