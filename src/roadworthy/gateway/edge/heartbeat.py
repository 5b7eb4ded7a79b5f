"""Signs of life for a stream that is held back: comment lines, so that no proxy takes the silence for a dead server.

Source: WHATWG HTML Living Standard, "Server-sent events", authoring notes: a comment line every 15 seconds or so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadworthy.gateway.edge.upstream import door

if TYPE_CHECKING:
    from roadworthy.gateway.edge.exchange import Exchange

WAITING = b": waiting\n\n"


class Heartbeat:
    """Begins when it is made; `stop` ends it.

    The first comment takes the header with it, before it is known who serves and whether the answer passes: a failure
    after that is an `error` event instead of a status. Until then it is an ordinary error answer.

    Args:
        exchange: The request.
        every_s: Seconds between comments.
    """

    __slots__ = ("_every_s", "_exchange", "_timer")

    def __init__(self, exchange: Exchange, every_s: float) -> None:
        self._exchange = exchange
        self._every_s = every_s
        self._timer = exchange.service.loop.call_later(every_s, door, exchange, self._beat)

    def stop(self) -> None:
        """The answer is on its way, or there will be none."""
        self._timer.cancel()

    def _beat(self) -> None:
        exchange = self._exchange
        if not exchange.begun:
            exchange.begun = True
            exchange.caller.begin(
                b"x-request-id: %b\r\nx-roadworthy-quality: pending\r\n" % exchange.request_id.encode()
            )
        exchange.caller.write(WAITING)
        self._timer = exchange.service.loop.call_later(self._every_s, door, exchange, self._beat)
