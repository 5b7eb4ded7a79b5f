"""What simulated providers said: every text carries a number under which is kept who asked, who gave it, and when."""

from __future__ import annotations

import re
from typing import NamedTuple

TextKind = str
"""`good`, or one of `schedule.GATED_KINDS`."""

_NUMBER = re.compile(r"No\. (\d+)\.")


class Made(NamedTuple):
    """One answer of a provider.

    Attributes:
        number: Stands in its text.
        kind: Whether it is a good one.
        text: As it must be shown.
        request_id: For which request.
        tenant: Who asked.
        question: The user's words.
        system: The system prompt, empty without one.
        model: Which gave it; modes have models of their own.
        at_s: Virtual second in which it was complete.
    """

    number: int
    kind: TextKind
    text: str
    request_id: str
    tenant: str
    question: str
    system: str
    model: str
    at_s: float


class Answers:
    """Everything that was said in one schedule."""

    def __init__(self) -> None:
        self._made: list[Made] = []
        self._tenants: dict[str, str] = {}
        self._ruled: set[str] = set()

    def expect(self, request_id: str, tenant: str, ruled: bool) -> None:
        """A request arrives: its provider will not know whose it is, nor whether it has rules of its own."""
        self._tenants[request_id] = tenant
        if ruled:
            self._ruled.add(request_id)

    def ruled(self, request_id: str) -> bool:
        """Whether a request has rules of its own."""
        return request_id in self._ruled

    def make(self, kind: TextKind, request_id: str, question: str, system: str, model: str, at_s: float) -> str:
        """A new answer; the text that the provider sends."""
        number = len(self._made)
        good = f'{{"answer": "Certainly: {question} No. {number}. The river rises in the hills."}}'
        sent = shown = good
        if kind == "refusal":
            sent = shown = f"I'm sorry, but I can't help with that request. No. {number}."
        elif kind == "off_topic":
            sent = shown = good.replace("river rises in", "wind comes from")
        elif kind == "broken_json":
            sent = shown = good[:-1]
        elif kind == "fenced":
            sent = f"```json\n{good}\n```"
        tenant = self._tenants[request_id]
        self._made.append(Made(number, kind, shown, request_id, tenant, question, system, model, at_s))
        return sent

    def find(self, text: str) -> Made | None:
        """What the text is; None when nobody said exactly this."""
        found = _NUMBER.search(text)
        if found is None or int(found[1]) >= len(self._made):
            return None
        made = self._made[int(found[1])]
        return made if text in (made.text, f"```json\n{made.text}\n```") else None


def fits(made: Made, text: str, gated: bool, stream: bool, wants_json: bool) -> bool:
    """Whether the gate may let this answer leave.

    Args:
        made: The answer.
        text: As it left.
        gated: Whether the route or the request has rules; without them only the default ones hold.
        stream: Whether it left piece by piece: then nothing is held back on a route without rules.
        wants_json: Whether JSON was asked for.
    """
    if made.kind == "off_topic":
        return not gated
    if made.kind == "refusal":
        return stream and not gated
    if made.kind == "broken_json":
        return not wants_json
    if made.kind == "fenced":
        return not wants_json or text == made.text
    return True
