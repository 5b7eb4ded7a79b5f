"""One upstream stream on its way to the caller, with a commit point.

Before the first useful piece everything is held back, and a failure costs the caller nothing: the next target is asked.
After it a cut, stalled or too slow stream ends with a typed incomplete event and a cut connection, never cleanly.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from roadworthy.core.attempts import Reason
from roadworthy.gateway.edge.answer import incomplete_event, splice
from roadworthy.gateway.edge.sse import EventParser, EventTooLarge
from roadworthy.gateway.edge.uncover import CoveredStream
from roadworthy.gateway.edge.upstream import door
from roadworthy.gateway.finished import Quality
from roadworthy.gateway.providers.contract import Piece, ProviderFailure, Reply, StreamDecoder
from roadworthy.gateway.quality.default import unusable
from roadworthy.gateway.stub import HEAD_CHARS, is_stub

if TYPE_CHECKING:
    from roadworthy.gateway.edge.running_try import RunningTry

DONE = b"data: [DONE]\n\n"
LINGER_S = 1.0
"""After the end mark the upstream connection gets this long to end its body, so that it can be used again."""
SILENT_PIECE_CHARS = 8
"""What a piece without text (reasoning, tool arguments) counts for the speed limit."""
MAX_HELD_PIECES = 4_096
MAX_HELD_BYTES = 4 * 1024 * 1024


class Relay:
    """Decodes, holds back, commits, watches.

    Args:
        run: The try whose stream it is.
        decoder: Wire format of the target's streams.
        usable: False when the answer's header already says that this is no event stream.
    """

    __slots__ = (
        "_chars",
        "_decoder",
        "_exchange",
        "_final",
        "_finish_reason",
        "_head",
        "_held",
        "_held_bytes",
        "_json",
        "_last",
        "_over",
        "_parser",
        "_pieces",
        "_recording",
        "_resting",
        "_run",
        "_text",
        "_timer",
        "_usable",
        "_window_chars",
        "_window_start",
        "committed",
    )
    quality: Quality = "not-gated"
    """What is said of the text: it leaves before its end is known."""

    def __init__(self, run: RunningTry, decoder: StreamDecoder, usable: bool) -> None:
        self._run = run
        self._exchange = exchange = run.exchange
        self._decoder = decoder
        self._usable = usable
        self._parser = EventParser()
        self._recording = None if exchange.visit is None else exchange.visit.recording()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._head = ""  # the text's beginning, for the stub rule
        self._text: list[str] | None = [] if exchange.ask.wants_json else None
        self._chars = self._pieces = 0
        self._final: Piece | None = None  # the chunk that ends the choice, until the usage behind it is known
        self._finish_reason: str | None = None
        self._over = False
        self._last = self._window_start = monotonic()
        self._window_chars = 0
        self._resting = False
        self._timer: asyncio.TimerHandle | None = None
        self.committed = False

    # -- what the upstream says

    def piece(self, data: bytes) -> None:
        """Bytes of the stream."""
        if self._over:
            return
        if not self._usable:
            self._fail(ProviderFailure(Reason.MALFORMED, 200, "not an event stream"))
            return
        out: list[bytes] = []
        try:
            for event, payload in self._parser.feed(data):
                if payload == b"[DONE]" or self._over:
                    self._decoder.finished = True
                    break
                for piece in self._decoder.feed(event, payload):
                    self._take(piece, out)
        except EventTooLarge:
            self._fail(ProviderFailure(Reason.MALFORMED, 200, "an event without end"), out)
            return
        except ProviderFailure as failure:
            self._fail(failure, out)
            return
        self._forward(out)
        if self._decoder.finished and not self._over:
            self._complete()

    def ended(self) -> None:
        """The HTTP body is complete."""
        if not self._over:
            self._complete()

    def broke(self, reason: Reason, detail: str) -> None:
        """The connection failed, or the first useful piece took too long."""
        if self._over:
            return
        if self.committed and reason in {Reason.CONNECTION_CUT, Reason.MALFORMED}:
            if self._finish_reason is not None:  # everything was said, only the end mark is missing
                self._complete()
                return
            reason = Reason.STREAM_CUT
        self._fail(ProviderFailure(reason, 200, detail))

    def close(self) -> None:
        """Stop watching."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- pieces

    def _take(self, piece: Piece, out: list[bytes]) -> None:
        run = self._run
        if piece.usage is not None:
            run.usage = piece.usage
        self._pieces += 1
        if self._recording is not None:
            self._recording.add(piece.payload)
        self._chars += len(piece.text) or SILENT_PIECE_CHARS
        if piece.text and (self._text is not None or len(self._head) < HEAD_CHARS):
            self._read(piece.text)
        if self._final is not None:
            self._end_choice(out)
        if piece.finish_reason is not None and self._finish_reason is None:
            self._finish_reason = piece.finish_reason
            self._final = piece
            if run.usage is not None or not self.committed:
                self._end_choice(out)
        elif piece.payload:
            self._put(piece.payload, piece.useful, out)

    def _put(self, payload: bytes, useful: bool, out: list[bytes]) -> None:
        if self.committed:
            out.append(b"data: %b\n\n" % payload)
        elif useful:
            self._commit(out)
            out.append(b"data: %b\n\n" % payload)
        elif len(self._held) >= MAX_HELD_PIECES or self._held_bytes > MAX_HELD_BYTES:
            raise ProviderFailure(Reason.EMPTY, 200, "many events and none of use")
        else:
            self._held_bytes += len(payload)
            self._held.append(b"data: %b\n\n" % payload)

    def _end_choice(self, out: list[bytes]) -> None:
        """Send the chunk that ends the choice, with how the answer came about and what it cost."""
        exchange, piece = self._exchange, self._final
        if piece is not None:
            self._final = None
            if piece.useful and not self.committed:
                self._commit(out)
            exchange.tell_masked(self._run)
            told = splice(piece.payload, self._run.attempts_now(), "not-gated", exchange.request_id, exchange.shown)
            self._put(told, piece.useful, out)

    @property
    def said(self) -> int:
        """Tokens of the answer so far, by estimate: providers send about one in each event, or more."""
        return max(self._pieces, self._chars // 4)

    def _read(self, text: str) -> None:
        if len(self._head) < HEAD_CHARS:
            self._head += text
            if is_stub(self._head):
                raise ProviderFailure(Reason.STUB, 200)
        if self._text is not None:
            if self._chars > self._exchange.service.settings.limits.max_reply_bytes:
                raise ProviderFailure(Reason.MALFORMED, 200, "the text that must be JSON is too large")
            self._text.append(text)

    def _commit(self, out: list[bytes]) -> None:
        exchange = self._exchange
        exchange.commit(self._run)
        if exchange.beat is not None:  # the mode asked for has a gate, the one that serves has none
            exchange.beat.stop()
        self.committed = True
        out.extend(self._held)
        self._held.clear()
        self._last = self._window_start = monotonic()
        self._window_chars = self._chars
        self._watch()

    def _forward(self, out: list[bytes]) -> None:
        self._last = monotonic()
        if out:
            self._exchange.caller.write(out[0] if len(out) == 1 else b"".join(out))

    # -- ends

    def _complete(self) -> None:
        if isinstance(self._decoder, CoveredStream) and (self._finish_reason is not None or self._decoder.finished):
            rest: list[bytes] = []
            for piece in self._decoder.rest():
                self._take(piece, rest)
            self._forward(rest)
        if not self.committed:
            reason = Reason.CONTENT_FILTERED
            if self._finish_reason != "content_filter":
                reason = unusable(Reason.EMPTY, self._finish_reason)
            self._fail(ProviderFailure(reason, 200, "the stream ended without a useful piece"))
            return
        if self._finish_reason is None and not self._decoder.finished:
            self._fail(ProviderFailure(Reason.STREAM_CUT, 200, "the stream ended without an end mark"))
            return
        exchange = self._exchange
        if self._text and self._finish_reason != "tool_calls":
            reply = Reply(b"", "", "".join(self._text), self._finish_reason)
            rejection = self._run.ask.judge(reply, None)
            if rejection is not None:
                self._run.rejection = rejection
                self._fail(ProviderFailure(rejection.reason, 200, "the text is not the JSON that was asked for"))
                return
        call = self._run.call
        self.close()
        last: list[bytes] = []
        self._end_choice(last)
        exchange.caller.write(b"".join([*last, DONE]))
        self._keep()
        exchange.stream_served(self._run)
        if call is not None:
            call.linger(LINGER_S)

    def _keep(self) -> None:
        visit = self._exchange.visit
        if self._recording is not None and visit is not None:
            visit.streamed(self._recording, self._run.link.label, self.quality)

    def _fail(self, failure: ProviderFailure, out: list[bytes] | None = None) -> None:
        exchange = self._exchange
        if not self.committed:
            self.close()
            self._run.fail(failure)
            return
        out = [] if out is None else out
        self._end_choice(out)
        if out:
            exchange.caller.write(b"".join(out))
        self.close()
        error = exchange.stream_incomplete(self._run, failure)
        attempts = exchange.chain.attempts
        exchange.caller.write(incomplete_event(failure.reason, attempts, exchange.request_id, error, exchange.shown))
        exchange.caller.cut()
        exchange.close_incomplete(self._run)

    # -- limits after the commit point

    def rest(self, resting: bool) -> None:
        """While the caller reads slowly the provider is not to blame for the silence."""
        self._resting = resting
        self._last = self._window_start = monotonic()
        self._window_chars = self._chars

    def _watch(self) -> None:
        route = self._exchange.routed.route
        now = monotonic()
        if self._resting:
            self._last, self._window_start, self._window_chars = now, now, self._chars
        idle_at = self._last + route.stream_idle_timeout_s
        window_at = self._window_start + route.stream_rate_window_s
        first = self._exchange.first_token_at
        end_at = (now if first is None else first) + route.stream_max_s
        if now >= idle_at:
            self._fail(ProviderFailure(Reason.STREAM_STALLED, 200, f"nothing for {route.stream_idle_timeout_s:g} s"))
            return
        if now >= end_at:
            self._fail(ProviderFailure(Reason.STREAM_TOO_SLOW, 200, f"not complete after {route.stream_max_s:g} s"))
            return
        if now >= window_at:
            if self._chars - self._window_chars < route.stream_min_chars_per_s * route.stream_rate_window_s:
                self._fail(
                    ProviderFailure(
                        Reason.STREAM_TOO_SLOW, 200, f"under {route.stream_min_chars_per_s:g} characters a second"
                    )
                )
                return
            self._window_start, self._window_chars = now, self._chars
            window_at = now + route.stream_rate_window_s
        due = min(idle_at, window_at, end_at)
        loop = self._exchange.service.loop
        self._timer = loop.call_at(loop.time() + due - now, door, self._exchange, self._watch)
