"""What a caller is told when nobody is left to ask, or when something of ours failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from roadworthy.core.attempts import Attempt, Reason
from roadworthy.core.errors import GatewayError, RoadworthyError, UnexpectedError, UsageError
from roadworthy.gateway.chain import Spent
from roadworthy.gateway.edge.answer import PASSED_OVER, debug_hint

if TYPE_CHECKING:
    from roadworthy.gateway.edge.ask import Ask

JUDGED = frozenset({Reason.QUALITY_FAILED, Reason.REFUSAL, Reason.INVALID_JSON, Reason.STUB})
"""Whole answers that were held back."""


def spent_error(step: Spent, attempts: Sequence[Attempt], profile: str) -> RoadworthyError:
    """The error that ends a request whose chain is spent.

    Args:
        step: How the chain ended.
        attempts: Everything that was tried.
        profile: The profile in force; a stub in production has an error of its own.
    """
    asked = [a for a in attempts if a.reason not in PASSED_OVER]
    hint = debug_hint(attempts)
    if attempts and all(a.reason is Reason.UNSUPPORTED_PARAMETER for a in attempts):
        return UsageError(
            "No provider of this route can honour a parameter of the request.",
            hint,
            code="unsupported_parameter",
            param=attempts[0].detail,
        )
    if asked and profile == "production" and any(a.reason is Reason.STUB for a in asked):
        return GatewayError(
            "A provider gave placeholder content and no other answer was to be had.",
            hint,
            code="stub_in_production_forbidden",
        )
    resting = _resting(step, attempts, asked, hint)
    if resting is not None:
        return resting
    if all(a.reason is Reason.LENGTH_LIMIT for a in asked):
        return GatewayError(
            "Every answer was cut at the token limit before it was of use.",
            hint,
            "Raise max_tokens or max_completion_tokens.",
            code="runtime_quality_failed",
        )
    if any(a.reason in JUDGED for a in asked):
        return GatewayError("No answer passed the quality gate.", hint, code="runtime_quality_failed")
    why = "The deadline passed. " if step.deadline_passed else ""
    return GatewayError(
        f"No provider could serve the request ({len(asked)} tries).", why + hint, code="llm_chain_failed"
    )


def crash_error(*asks: Ask) -> RoadworthyError:
    """The error that ends a request when an error of ours was caught.

    Args:
        asks: What was asked, by everybody who was asked: `masking_failed` when one of them could not be masked.
    """
    if any(ask.cover is not None and ask.cover.failed for ask in asks):
        return UnexpectedError(
            "The gateway could not mask the personal data of this request or its answer.",
            "Nothing of it that was not masked was sent on.",
            code="masking_failed",
        )
    return UnexpectedError("The gateway failed to handle this request.")


def _resting(step: Spent, attempts: Sequence[Attempt], asked: Sequence[Attempt], hint: str) -> RoadworthyError | None:
    if all(a.reason in {Reason.RATE_LIMITED, Reason.BENCHED} for a in attempts) and attempts:
        return GatewayError(
            "Every provider of this route is rate limited.",
            hint,
            code="rate_limited",
            retry_after_s=step.retry_in_s or 1.0,
        )
    if not asked:
        return GatewayError(
            "No provider of this route can take the request now.",
            hint,
            code="llm_unavailable",
            retry_after_s=step.retry_in_s or 1.0,
        )
    return None
