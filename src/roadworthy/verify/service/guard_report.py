"""What the guard says of itself on its labelled corpus: `roadworthy guard report --json`, run once for all probes."""

from __future__ import annotations

import json
from typing import Any

from roadworthy.verify.outcome import NotMeasured
from roadworthy.verify.probe import Context
from roadworthy.verify.service import second
from roadworthy.verify.service.once import once


def guard_report(context: Context) -> dict[str, Any]:
    """`data` of the report; kept as evidence.

    Raises:
        NotMeasured: The command did not print one.
    """
    context.progress("the guard's labelled corpus")
    output = once(context, "guard-report.json", lambda: _ran(context))
    try:
        told = json.loads(output)
    except ValueError:
        told = None
    data = told.get("data") if isinstance(told, dict) else None
    context.evidence.write(
        output,
        "roadworthy guard report",
        media_type="application/json",
        argv=("roadworthy", "guard", "report", "--json"),
    )
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("kinds"), list)
        or not isinstance(data.get("negatives"), dict)
    ):
        raise NotMeasured("`roadworthy guard report` printed no report.")
    return data


def _ran(context: Context) -> bytes:
    passed = second.passed_on() | {"HOME": str(context.scratch), "NO_COLOR": "1"}
    limit = max(5.0, context.remaining_s() - 5.0)
    ran = second.run_command(["guard", "report", "--json"], context.scratch, passed, limit)
    if ran.returncode not in (0, 1):
        raise NotMeasured(f"`roadworthy guard report` ended with exit code {ran.returncode}.")
    return ran.stdout
