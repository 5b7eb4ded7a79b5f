"""Replaces findings. Implements `core.ports.Masker`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from roadworthy.guard.text.literal import Literals
from roadworthy.guard.text.place import JsonPlace
from roadworthy.guard.text.policy import Policy
from roadworthy.guard.text.rule import LONGEST, Finding, Rule
from roadworthy.guard.text.rules.all import RULES
from roadworthy.guard.text.scanner import Scanner, merged

if TYPE_CHECKING:
    from roadworthy.guard.text.horizon import Horizon

_PIECE = 4_096
_RULE_SETS = 4


@lru_cache(_RULE_SETS)
def _scanner(rules: tuple[Rule, ...]) -> Scanner:
    """One for all maskers of the same rules: its patterns take 45 ms to compile, and share their states."""
    return Scanner(rules)


@lru_cache(_RULE_SETS)
def _horizon(scanner: Scanner) -> Horizon:
    """As a scanner is: a third of a second."""
    from roadworthy.guard.text.horizon import Horizon  # for those who have a stream

    return Horizon(scanner)


class TextMasker:
    """Takes personal data and secrets out of text.

    Guarantees: linear time; marks are left alone; a JSON document, or lines of them, stays valid JSON; UTF-8 stays
    UTF-8; outside findings no byte changes. Safe for threads.

    Args:
        rules: What to look for; everything when None.
        policy: What becomes of it; marks when None.
        literals: Known secrets, looked for as they are.
    """

    def __init__(
        self, rules: Sequence[Rule] | None = None, policy: Policy | None = None, literals: Literals | None = None
    ) -> None:
        self.policy = Policy() if policy is None else policy
        # A kept kind is not looked for: where it overlaps another, the other would be kept with it.
        looked_for = (rule for rule in (RULES if rules is None else rules) if not self.policy.keeps(rule.kind))
        self._scanner = _scanner(tuple(looked_for))
        self.literals = Literals() if literals is None else literals

    def find(self, text: bytes) -> list[Finding]:
        """Every finding in UTF-8 text, in order, none overlapping another."""
        known = self.literals.scan(text)
        found = self._scanner.scan(text)
        return merged(known + found) if known else found

    @property
    def horizon(self) -> Horizon:
        """What the rules may still grow into, for texts that come in pieces."""
        return _horizon(self._scanner)

    def mask(self, text: str) -> str:
        """The text with every finding replaced; the same object when there is none."""
        raw = text.encode("utf-8", "surrogatepass")
        masked = self.mask_bytes(raw)
        return text if masked is raw else masked.decode("utf-8", "surrogatepass")

    def mask_bytes(self, text: bytes) -> bytes:
        """The same for UTF-8 bytes; invalid UTF-8 passes through unchanged outside findings."""
        found = self.find(text)
        return self.replaced(text, found) if found else text

    def replaced(self, text: bytes, found: Sequence[Finding], policy: Policy | None = None) -> bytes:
        """The text with these findings replaced as the policy says; the masker's own when None."""
        policy = self.policy if policy is None else policy
        place, pieces, done = JsonPlace(text), list[bytes](), 0
        for finding in found:
            value = text[finding.start : min(finding.end, finding.start + LONGEST)]
            new = policy.replacement(finding.kind, value)
            if new is None:
                continue
            start, quote = place.bare(finding.start, finding.end)
            pieces += (text[done:start], quote, new, quote)
            done = finding.end
        if not pieces:
            return text
        pieces.append(text[done:])
        return b"".join(pieces)
