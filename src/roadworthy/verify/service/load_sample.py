"""What one load measured, request by request, as it is kept and as a later run reads it again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from roadworthy.verify import plain
from roadworthy.verify.machine import Machine
from roadworthy.verify.outcome import Record
from roadworthy.verify.service.asking import Reply

FORM = "roadworthy.load/v1"
LABEL = "samples of the load"
"""Of the piece of evidence."""
WINDOWS = 20


class Samples(Record, frozen=True):
    """One load.

    Attributes:
        form: `FORM`.
        machine: Where.
        control_s: Seconds of equal pieces of work before and after the load; see `machine.pace`.
        rate_per_s: Requests a second for each name.
        provider_s: Seconds that the doubles of the providers took for an answer.
        seconds: Of each whole answer, by name, in the order in which they were due, from the moment they were due.
        asked: Requests per name.
        answered_per_s: Whole answers a second, in `WINDOWS` equal parts of the time between the first and the last
            one; empty when there were fewer than two.
    """

    form: str
    machine: Machine
    control_s: tuple[float, ...]
    rate_per_s: float
    provider_s: float
    seconds: dict[str, tuple[float, ...]]
    asked: int
    answered_per_s: tuple[float, ...]


def good(reply: Reply) -> bool:
    """Whether it is a whole answer."""
    return reply.status == 200 and bool(reply.text)


def answered_per_s(replies: Sequence[Reply]) -> tuple[float, ...]:
    """Whole answers a second over time; see `Samples`."""
    ends = sorted(each.at + each.seconds for each in replies if good(each))
    if len(ends) < 2 or ends[-1] <= ends[0]:
        return ()
    width, counts = (ends[-1] - ends[0]) / WINDOWS, [0] * WINDOWS
    for end in ends:
        counts[min(WINDOWS - 1, int((end - ends[0]) / width))] += 1
    return tuple(round(each / width, 3) for each in counts)


def encoded(samples: Samples) -> bytes:
    """As they are kept."""
    return msgspec.json.encode(samples, order="sorted")


def decoded(content: bytes) -> Samples:
    """As they were kept.

    Raises:
        ValueError: They are of another form.
    """
    found = plain.read(content, Samples)
    if found.form != FORM:
        raise ValueError("another form")
    return found
