"""Masks a text that comes in pieces. The joined output is what the batch masker makes of the joined input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.place import JsonPlace
from roadworthy.guard.text.policy import Policy
from roadworthy.guard.text.progress import Progress
from roadworthy.guard.text.rule import LONGEST, Finding

_ERRORS = "surrogatepass"


class StreamMasker:
    """One stream of text. Not safe for threads; one object for each stream, and nothing after `close`.

    Guarantees: however the text is cut, the pieces joined are `TextMasker.mask` of the whole. What is given out is
    whole characters and is never taken back. Held back is only what some rule may still grow into; of a structure that
    stays open at most 16 KiB, then its mark is given out and the rest of it dropped as it comes.

    Args:
        masker: What to look for, and what becomes of it.
        seen: Told the kind of every finding that is replaced.
        policy: What becomes of it; the masker's own when None.
    """

    def __init__(
        self, masker: TextMasker, seen: Callable[[Kind], None] | None = None, policy: Policy | None = None
    ) -> None:
        self._policy = masker.policy if policy is None else policy
        self._seen = seen
        self._progress = Progress(masker.horizon, masker.literals)
        self._place: JsonPlace | None = None
        self._start = 0  # where the text kept begins, for the place
        self._out = 0  # everything before this place of the whole text is given out or replaced
        self._dropping = False  # the last finding was replaced: what it goes on with is dropped

    def feed(self, text: str) -> str:
        """The next piece; returns what can be given out now, which may be nothing."""
        return self._next(text.encode("utf-8", _ERRORS), False).decode("utf-8", _ERRORS)

    def feed_bytes(self, text: bytes) -> bytes:
        """The same for UTF-8, cut anywhere. Not to be mixed with `feed`."""
        return self._next(text, False)

    def close(self) -> str:
        """The text ends here; returns what was held back."""
        return self._next(b"", True).decode("utf-8", _ERRORS)

    def close_bytes(self) -> bytes:
        """The same for bytes."""
        return self._next(b"", True)

    @property
    def held(self) -> int:
        """Bytes that came and are not yet given out, replaced or dropped."""
        return self._progress.start + len(self._progress.text) - self._out

    def _next(self, data: bytes, final: bool) -> bytes:
        progress = self._progress
        found = progress.feed(data, final)
        text, start = progress.text, progress.start
        place = self._place
        if place is None:
            place = self._place = JsonPlace(text) if text.strip() else None
        elif place.is_json:
            place.moved(text, start - self._start)
        self._start = start
        if found or progress.hidden > self._out:
            out = self._replaced(found)
        else:
            out = text[self._out - start : max(self._out, progress.settled) - start]
            self._out += len(out)
        if place is not None and place.is_json:
            place.advance(progress.settled - start)
        return out

    def _replaced(self, found: Sequence[Finding]) -> bytes:
        progress = self._progress
        text, start, place, pieces = progress.text, progress.start, self._place, list[bytes]()
        if self._dropping:
            self._out = max(self._out, min(progress.hidden, found[0].start if found else progress.hidden))
        for each in found:
            first, last = each.start - start, each.end - start
            new = self._policy.replacement(each.kind, text[first : min(last, first + LONGEST)])
            self._dropping = new is not None
            if new is None:
                continue
            if self._seen is not None:
                self._seen(each.kind)
            quote = b""
            if place is not None:
                place.moved(text, 0)
                first, quote = place.bare(first, last)
            pieces += (text[self._out - start : first], quote, new, quote)
            self._out = each.end
        if self._dropping:
            self._out = max(self._out, progress.hidden)
        settled = max(self._out, progress.settled)
        pieces.append(text[self._out - start : settled - start])
        self._out = settled
        return b"".join(pieces)
