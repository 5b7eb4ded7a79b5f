"""What the verify room is handed: the guard's masker for evidence, and the guard as finder of secrets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roadworthy.core.ports import FoundSecret
from roadworthy.guard.text.document import Place, look_through, places
from roadworthy.guard.text.kind import SECRETS
from roadworthy.guard.text.masker import TextMasker
from roadworthy.verify.child import Ports

PORTS = "roadworthy.serve.wiring_verify:ports"
"""Names `ports` to the processes of probes."""


class GuardFinder:
    """Implements `core.ports.SecretFinder` by the guard's rules.

    Args:
        masker: Finds.
    """

    def __init__(self, masker: TextMasker) -> None:
        self._masker = masker

    def in_file(self, path: Path) -> Sequence[FoundSecret]:
        """See `SecretFinder.in_file`."""
        return [_found(place) for place in look_through(path, self._masker)]

    def in_text(self, text: bytes) -> Sequence[FoundSecret]:
        """See `SecretFinder.in_text`."""
        return [_found(place) for place in places(text, self._masker)]


def ports() -> Ports:
    """Made once in the process of each probe."""
    masker = TextMasker()
    return Ports(masker, GuardFinder(masker))


def _found(place: Place) -> FoundSecret:
    return FoundSecret(str(place.kind), place.kind in SECRETS, place.line, place.column, place.rule, place.shown)
