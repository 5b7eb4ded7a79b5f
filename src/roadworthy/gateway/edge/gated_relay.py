"""A stream that is held back as a whole until the gate has passed it, and then sent out as it came."""

from __future__ import annotations

from time import monotonic
from typing import Any

import msgspec

from roadworthy.core.attempts import Reason
from roadworthy.gateway.edge import gating
from roadworthy.gateway.edge.answer import splice
from roadworthy.gateway.edge.relay import DONE, LINGER_S, MAX_HELD_BYTES, Relay
from roadworthy.gateway.edge.uncover import CoveredStream
from roadworthy.gateway.finished import Quality
from roadworthy.gateway.providers.contract import Piece, ProviderFailure, Reply
from roadworthy.gateway.quality.default import unusable

MAX_HELD_PIECES = 200_000


class GatedRelay(Relay):
    """Collects, judges once at the end, releases. Until then a failure of any kind costs the caller nothing."""

    __slots__ = ("_chunks", "_payload", "quality")

    quality: Quality

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._text = []
        self._chunks: list[Piece] = []
        self._payload = False  # something of use that is no text of the first choice
        self.quality = "passed"

    def _take(self, piece: Piece, out: list[bytes]) -> None:
        if piece.usage is not None:
            self._run.usage = piece.usage
        self._pieces += 1
        if piece.text:
            self._chars += len(piece.text)
            self._read(piece.text)
        self._payload = self._payload or (piece.useful and not piece.text)
        if piece.useful and self._run.heard_at is None:
            self._run.heard_at = monotonic()
        if piece.finish_reason is not None and self._finish_reason is None:
            self._finish_reason = piece.finish_reason
        if piece.payload:
            self._chunks.append(piece)
            self._held_bytes += len(piece.payload)
        if len(self._chunks) > MAX_HELD_PIECES or self._held_bytes > self._most_bytes():
            raise ProviderFailure(Reason.MALFORMED, 200, "the stream is too large to be held back")

    def _most_bytes(self) -> int:
        return max(MAX_HELD_BYTES, self._exchange.service.settings.limits.max_reply_bytes)

    def _complete(self) -> None:
        if isinstance(self._decoder, CoveredStream):
            for piece in self._decoder.rest():
                self._take(piece, [])
        text = "".join(self._text or ())
        if not self._payload and not text.strip():
            filtered = self._finish_reason == "content_filter"
            reason = Reason.CONTENT_FILTERED if filtered else unusable(Reason.EMPTY, self._finish_reason)
            self._fail(ProviderFailure(reason, 200, "the stream ended without a useful piece"))
            return
        if self._finish_reason is None and not self._decoder.finished:
            self._fail(ProviderFailure(Reason.STREAM_CUT, 200, "the stream ended without an end mark"))
            return
        run, gate = self._run, self._exchange.gate
        reply = Reply(b"", "", text or None, self._finish_reason, self._payload, run.usage)
        chunks = [piece.payload for piece in self._chunks]
        rejection = run.ask.judge(reply, gate, chunks)
        if rejection is not None and rejection.reason is Reason.INVALID_JSON:
            mended = gating.without_fence(reply)
            if mended is not None and (rejection := run.ask.judge(mended, gate, chunks)) is None:
                run.repair = gating.UNFENCED
                self._say(mended.content or "")
        if rejection is None:
            self.quality = "passed" if gate is None or not self._payload else "not-gated"
            self._release()
        else:
            self.close()
            gating.refuse(run, text, rejection)

    def _say(self, text: str) -> None:
        """Put `text` in the place of the first choice's: in the first piece that has any, none in the others."""
        for piece in self._chunks:
            if not piece.text:
                continue
            chunk = msgspec.json.decode(piece.payload)
            for choice in chunk["choices"]:
                if choice.get("index", 0) == 0 and choice.get("delta"):
                    choice["delta"]["content"] = text
            piece.payload, text = msgspec.json.encode(chunk), ""

    def _release(self) -> None:
        run, exchange = self._run, self._exchange
        call = run.call
        exchange.commit(run)
        exchange.tell_masked(run)
        self.committed = True
        out: list[bytes] = []
        told = False
        for piece in self._chunks:
            payload = piece.payload
            if self._recording is not None:
                self._recording.add(payload)
            if piece.finish_reason is not None and not told:
                told = True
                payload = splice(payload, run.attempts_now(), self.quality, exchange.request_id, exchange.shown)
            out.append(b"data: %b\n\n" % payload)
        self.close()
        out.append(DONE)
        exchange.caller.write(b"".join(out))
        self._keep()
        exchange.stream_served(run)
        if call is not None:
            call.linger(LINGER_S)
