"""QUA-06: the policy asks for no less than the one of the last signed report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify import history
from roadworthy.verify.evidence import evidence_bytes
from roadworthy.verify.laxity import lowered
from roadworthy.verify.outcome import Coverage, NotMeasured, Outcome, Severity, finding, judged
from roadworthy.verify.policy import Policy, policy_of
from roadworthy.verify.probe import Context
from roadworthy.verify.registry import checks
from roadworthy.verify.report.files import ENVELOPE
from roadworthy.verify.signing import MOST_BYTES, opened, public_key
from roadworthy.verify.tree import shown


def probe(context: Context) -> Outcome:
    """Compare the two policies."""
    if context.out is None or context.policy is None:
        raise NotMeasured("There is no earlier report to compare with.")
    head = history.head(context.out)
    if head is None:
        raise NotMeasured("This is the first report of its chain; there is none to compare with.")
    _signed(context, context.out, head.report)
    report = history.report(context.out, head.report)
    evidence = context.out / "evidence"
    before = _policy(evidence_bytes(evidence, str(report["policy"]["sha256"])))
    after = _policy(evidence_bytes(evidence, context.policy))
    known = checks(after.plug_ins)
    found = [
        finding(
            context.check, "lowered", f"{each.where}: {shown(each.before)} became {shown(each.after)}.",
            key=tuple(each), severity=Severity.MEDIUM,
        )
        for each in lowered(before, after, known)
    ]  # fmt: skip
    compared = 3 + sum(len(each.definition.settings) for each in known.values())
    context.evidence.write_json(
        {"report": head.report, "before": report["policy"]["sha256"], "after": context.policy}, "policies compared"
    )
    coverage = Coverage(examined=compared, existing=compared, how_counted="Thresholds and settings of every check.")
    return judged(f"{compared} settings compared with run {head.number}, {len(found)} ask for less.",
                  coverage=coverage, findings=found)  # fmt: skip


def _policy(content: bytes) -> Policy:
    return policy_of(content, "the policy") if content else Policy()


def _signed(context: Context, out: Path, report: str) -> None:
    keys = [public_key(context.root / str(each)) for each in context.settings["keys"]]
    if not keys:
        raise NotMeasured("The policy names no key that signed the earlier report (QUA-06.keys).")
    try:
        with (out / ENVELOPE).open("rb") as file:
            payload, _ = opened(file.read(MOST_BYTES + 1), keys)
        statement = msgspec.json.decode(payload, type=dict[str, Any])
        named = statement["predicate"]["report"]["digest"]["sha256"]
    except OSError:
        raise NotMeasured("The last report is not signed.") from None
    except (RoadworthyError, msgspec.DecodeError, KeyError, TypeError):
        raise NotMeasured("No trusted key signed the last report.") from None
    if named != report:
        raise NotMeasured("What was signed is another report than the last one of the chain.")
