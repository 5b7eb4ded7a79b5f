"""What one check of `doctor` saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

State = Literal["ok", "warn", "bad", "not checked"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw.

    Args:
        check: Its name.
        state: How it is.
        evidence: What was seen; never a secret.
        mend: How to mend it; empty when nothing is wrong.
        unknown: True when it should have been found out and could not be.
    """

    check: str
    state: State
    evidence: str
    mend: str = ""
    unknown: bool = False
