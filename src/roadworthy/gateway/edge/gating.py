"""What becomes of an answer that did not pass: mended here, asked for again, or the next target's turn."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.edge.ask import ChatAsk
from roadworthy.gateway.providers.contract import ProviderFailure, Reply
from roadworthy.gateway.quality.default import Rejection
from roadworthy.gateway.quality.json_text import unfenced
from roadworthy.gateway.quality.repair import repair_message, tongue, with_repair
from roadworthy.gateway.quality.request import kept

if TYPE_CHECKING:
    from roadworthy.gateway.edge.running_try import RunningTry

DEFAULT_REPAIRS = 1
"""On a route without rules: JSON that is none is asked for once more."""
LEAST_REPAIR_S = 0.1
"""With less time than this left, asking again is pointless."""
MENDABLE = frozenset({Reason.INVALID_JSON, Reason.QUALITY_FAILED})
"""What a model can put right when it is told. A refusal is not talked over: the next target may see it differently."""
UNFENCED = "unfenced"


def rejected(run: RunningTry, reply: Reply, rejection: Rejection) -> None:
    """Decide what becomes of a whole answer that did not pass, and do it."""
    if rejection.reason is Reason.INVALID_JSON and (mended := without_fence(reply)) is not None:
        second = run.ask.judge(mended, run.exchange.gate)
        if second is None:
            run.repair = UNFENCED
            run.exchange.serve(run, mended)
            return
        rejection = second
    refuse(run, reply.content or "", rejection)


def refuse(run: RunningTry, text: str, rejection: Rejection) -> None:
    """Ask the same target again where that may help, else let the chain go on.

    Args:
        run: Whose answer it is.
        text: What the answer said.
        rejection: What is wrong with it.
    """
    own = run.ask.own
    if own is not None and own.keep_rejected:
        run.exchange.rejected = kept(rejection, run.link.label) or run.exchange.rejected
    if _may_mend(run, rejection) and isinstance(run.ask, ChatAsk):
        gate = run.exchange.gate
        wanted = None if gate is None else gate.rules.language
        message = repair_message(rejection.issues, tongue(text, wanted))
        ask = run.ask.continued(with_repair, text, message)
        run.ask_again(ask, rejection)
        return
    run.reject(ProviderFailure(rejection.reason, 200, ", ".join(rejection.issues)), rejection)


def _may_mend(run: RunningTry, rejection: Rejection) -> bool:
    if rejection.reason not in MENDABLE or rejection.issues.keys() <= {"check_failed"}:
        return False
    exchange, link = run.exchange, run.link
    gate = exchange.gate
    allowed = DEFAULT_REPAIRS if gate is None else gate.rules.repairs
    asked = sum(
        1
        for attempt in exchange.chain.attempts
        if attempt.reason in MENDABLE and (attempt.provider, attempt.model) == (link.provider_name, link.model)
    )
    return asked < allowed and exchange.chain.deadline - monotonic() > LEAST_REPAIR_S


def without_fence(reply: Reply) -> Reply | None:
    """The same answer with the JSON that its text wraps in a code fence as its text; None when there is no such."""
    inner = unfenced(reply.content or "")
    if inner is None:
        return None
    body = reply.body
    if body:  # a stream has none
        whole = msgspec.json.decode(body)
        whole["choices"][0]["message"]["content"] = inner
        body = msgspec.json.encode(whole)
    return msgspec.structs.replace(reply, body=body, content=inner)
