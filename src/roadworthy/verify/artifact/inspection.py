"""One file under inspection: what was found in it, where the walker is, and how much work is left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from roadworthy.verify.artifact.record import Reason, Verdict, shown, worst
from roadworthy.verify.artifact.rule import RULES

MOST_REASONS = 200
"""More are counted, not kept: a hostile file could hold millions."""
MOST_DROPPED = 10_000
"""When so many were only counted, nothing more is looked for in a file that is unsafe as it is."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work one file may cause. Work is counted, never timed, so that a verdict is the same on any machine.

    Args:
        opcode_bytes: Bytes of pickle opcodes walked, without the strings and arrays that are skipped.
        unpacked_bytes: Bytes that come out of decompressors.
        ratio: Unpacked bytes per packed byte, from `ratio_floor` unpacked bytes on.
        ratio_floor: Unpacked bytes below which a ratio says nothing.
        members: Members of all archives.
        depth: Archives inside of archives.
        text_bytes: Size of a JSON document or template that is parsed as a whole.
        items: Entries walked in headers and directories (GGUF, HDF5, protobuf).
    """

    opcode_bytes: int = 256 << 20
    unpacked_bytes: int = 4 << 30
    ratio: int = 200
    ratio_floor: int = 256 << 20
    members: int = 100_000
    depth: int = 8
    text_bytes: int = 32 << 20
    items: int = 20_000_000


class BudgetSpent(Exception):
    """A walker used up what it was given.

    Args:
        what: Which budget, as a sentence.
    """


class Malformed(Exception):
    """The bytes are not what their format demands.

    Args:
        what: What is wrong, as a sentence.
        offset: Where, None when unknown.
    """

    def __init__(self, what: str, offset: int | None = None) -> None:
        self.what = what
        self.offset = offset
        super().__init__(what)


class Inspection:
    """Collects reasons and formats, and keeps the budgets of one file.

    Args:
        limits: The budgets.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.left = {
            "opcode_bytes": self.limits.opcode_bytes,
            "unpacked_bytes": self.limits.unpacked_bytes,
            "members": self.limits.members,
            "items": self.limits.items,
        }
        self.depth = 0
        self._formats: set[str] = set()
        self._reasons: dict[Reason, None] = {}
        self._dropped = 0
        self._unsafe = False
        self._trial = False
        self._place: list[str] = []

    @property
    def formats(self) -> tuple[str, ...]:
        """What was recognised, sorted."""
        return tuple(sorted(self._formats))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What was found, in order, each once."""
        reasons = tuple(self._reasons)
        if self._dropped:
            reasons += (_reason("file.more", f"{self._dropped} more findings are not listed.", "", None),)
        return reasons

    @property
    def verdict(self) -> Verdict:
        """What the reasons so far make of the file."""
        return worst(self.reasons)

    def recognise(self, name: str) -> None:
        """A format applies to the bytes at hand."""
        self._formats.add(name)

    def find(self, rule: str, what: str, offset: int | None = None) -> None:
        """Note a reason at the place where the walker is.

        Args:
            rule: Of `RULES`.
            what: One sentence; foreign text in it went through `shown`.
            offset: Byte offset inside of the member.
        """
        if len(self._reasons) >= MOST_REASONS and (self._unsafe or RULES[rule].verdict is not Verdict.UNSAFE):
            self._dropped += 1
        else:
            self._keep(_reason(rule, what, "!/".join(self._place), offset))

    def trial(self) -> Inspection:
        """An inspection of the same place with the same budgets, whose findings count only when they are taken."""
        twin = Inspection(self.limits)
        twin.left = self.left
        twin._trial = True
        twin.depth = self.depth
        twin._place = list(self._place)
        return twin

    def take(self, trial: Inspection) -> None:
        """Let the findings of a trial count."""
        self._formats |= trial._formats
        for reason in trial._reasons:
            self._keep(reason)
        self._dropped += trial._dropped

    def _keep(self, reason: Reason) -> None:
        if reason in self._reasons:
            return
        unsafe = reason.verdict is Verdict.UNSAFE
        if len(self._reasons) >= MOST_REASONS and (self._unsafe or not unsafe):
            self._dropped += 1
            return
        self._reasons[reason] = None
        self._unsafe = self._unsafe or unsafe

    def crowded(self, *, unsafe: bool = True) -> bool:
        """Whether one more reason would only be counted; counts it then.

        Args:
            unsafe: What the reason makes of the file; the first unsafe one is always kept.
        """
        full = len(self._reasons) >= MOST_REASONS and (self._unsafe or not unsafe)
        self._dropped += full
        return full

    def settled(self) -> bool:
        """Whether nothing that is found from here on could change more than a count. Never so in a trial."""
        return self._unsafe and self._dropped > MOST_DROPPED and not self._trial

    def spend(self, budget: str, amount: int) -> None:
        """Use up some of a budget.

        Raises:
            BudgetSpent: There is not that much left.
        """
        self.left[budget] -= amount
        if self.left[budget] < 0:
            given = getattr(self.limits, budget)
            raise BudgetSpent(
                f"It needs more than {given:,} {budget.replace('_', ' ')}, the most that one file is given."
            )

    @contextmanager
    def member(self, name: str) -> Iterator[None]:
        """What is found inside of the `with` is found in this member.

        Raises:
            BudgetSpent: There are too many members, or they lie too deep.
        """
        self.spend("members", 1)
        if self.depth >= self.limits.depth:
            raise BudgetSpent(f"Archives are nested more than {self.limits.depth} deep.")
        self._place.append(shown(name))
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
            self._place.pop()


def _reason(rule: str, what: str, member: str, offset: int | None) -> Reason:
    known = RULES[rule]
    return Reason(rule, known.verdict, known.severity, what, member, offset, known.mend)
