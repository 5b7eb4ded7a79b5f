"""The live check: realistic briefs through the real gateway, judged by what the gateway says of its own answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from roadworthy.client.gateway import GatewayClient
from roadworthy.client.record import Answer
from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import Exit

Verdict = Literal["good", "bad", "unknown"]

JUDGED_BAD = frozenset({"runtime_quality_failed", "stub_in_production_forbidden"})
"""Errors that are a judgement of the answer, not a failure to get one."""


@dataclass(frozen=True, slots=True)
class Brief:
    """One question. `max_tokens` bounds the answer."""

    name: str
    text: str
    max_tokens: int = 160


BRIEFS = (
    Brief(
        "english-marketing",
        "Write two sentences for the product page of a citrus perfume called Morning Pier. Name its top notes "
        "bergamot and grapefruit, speak to people who travel light, and promise nothing about health.",
    ),
    Brief(
        "korean-marketing",
        "여름용 향수 '새벽 부두'를 소개하는 문장을 두 개 써 주세요. 상큼한 시트러스 향과 우디한 잔향을 언급하고, "
        "과장된 표현은 쓰지 마세요.",
    ),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one brief.

    Args:
        brief: Its name.
        verdict: `good`, `bad`, or `unknown` when it could not be found out.
        reason: One sentence: why.
        code: Error code, where one came; else None.
        served_by: `provider/model`; None when nobody served.
        quality: passed, failed, not-gated; None when unknown.
        stub_used: None when unknown.
        attempts: Providers tried or passed over; None when unknown.
        latency_ms: None when there was no answer.
        characters: Length of the answer's text; None when there was no answer.
    """

    brief: str
    verdict: Verdict
    reason: str
    code: str | None = None
    served_by: str | None = None
    quality: str | None = None
    stub_used: bool | None = None
    attempts: int | None = None
    latency_ms: float | None = None
    characters: int | None = None


def judge(brief: Brief, answer: Answer) -> Checked:
    """Judge an answer: good when it has text, came from no stub, and did not fail its quality gate."""
    served = answer.served
    verdict: Verdict = "good"
    if not answer.text.strip():
        verdict, reason = "bad", "The answer is empty."
    elif served is None or served.stub_used is None or served.quality is None:
        verdict, reason = "unknown", "The answer does not say whether it is a stub and what the quality gate said."
    elif served.stub_used:
        verdict, reason = "bad", "The answer is placeholder content."
    elif served.quality == "failed":
        verdict, reason = "bad", "The quality gate refused the answer."
    else:
        reason = "A real answer." if served.quality == "passed" else "A real answer; no quality gate on this route."
    return Checked(
        brief.name,
        verdict,
        reason,
        None,
        answer.served_by or None,
        served.quality if served else None,
        served.stub_used if served else None,
        len(served.attempts) if served else None,
        answer.latency_ms,
        len(answer.text),
    )


def check(client: GatewayClient, model: str, tell: Callable[[str], None] = lambda line: None) -> tuple[Checked, ...]:
    """Send every brief through a route.

    Args:
        client: The gateway.
        model: Route to ask.
        tell: Gets one line before each brief.

    Raises:
        RemoteError: The caller's fault, which no second brief can change: `unauthorized`, `unknown_model`.
        GatewayError: `gateway_unreachable`.
    """
    found: list[Checked] = []
    for number, brief in enumerate(BRIEFS, 1):
        tell(f"brief {number} of {len(BRIEFS)}: {brief.name} ...")
        try:
            found.append(judge(brief, client.chat(brief.text, model=model, max_tokens=brief.max_tokens)))
        except RemoteError as error:
            found.append(_failed(brief, error))
    return tuple(found)


def verdict(found: tuple[Checked, ...]) -> Exit:
    """One exit code for all: bad before unknown before good; nothing checked is unknown."""
    verdicts = {one.verdict for one in found}
    if "bad" in verdicts:
        return Exit.JUDGED_BAD
    return Exit.GOOD if verdicts == {"good"} else Exit.COULD_NOT_FIND_OUT


def _failed(brief: Brief, error: RemoteError) -> Checked:
    if error.code in JUDGED_BAD:
        how: Verdict = "bad"
    elif error.spec.exit_code == Exit.COULD_NOT_FIND_OUT and error.code != "gateway_unreachable":
        how = "unknown"
    else:
        raise error
    why = f" {error.debug_hint or error.why}".rstrip()
    return Checked(brief.name, how, f"{error.what}{why}", error.code, attempts=len(error.attempts) or None)
