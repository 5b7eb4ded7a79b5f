"""When a process that died is started again: exponential back-off that forgets after a healthy spell. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Backoff(NamedTuple):
    """Numbers of the policy; times in seconds.

    Attributes:
        base_s: Wait after the first death.
        cap_s: Longest wait; waits double up to it.
        healthy_after_s: A process that ran this long is well again: its next death counts as the first.
        loop_after: Deaths in a row from which on it is called a crash loop.
    """

    base_s: float = 0.1
    cap_s: float = 10.0
    healthy_after_s: float = 30.0
    loop_after: int = 5


class RestartPolicy:
    """Remembers the deaths of one process. Knows no clock: every call is told the time in monotonic seconds.

    Attributes:
        deaths: Deaths in a row, the healthy spell not counted.
        restarts: Times it was started again, ever.
    """

    def __init__(self, backoff: Backoff | None = None) -> None:
        self.backoff = backoff or Backoff()
        self.deaths = 0
        self.restarts = -1
        self._started_at = 0.0

    def started(self, now: float) -> None:
        """The process was started at `now`."""
        self._started_at = now
        self.restarts += 1

    def died(self, now: float) -> float:
        """The process died at `now`.

        Returns:
            Seconds to wait before it is started again: base·2ⁿ for the n-th death in a row, at most the cap.
        """
        if now - self._started_at >= self.backoff.healthy_after_s:
            self.deaths = 0
        # 2**16 is past every cap; larger powers would overflow a float in the end.
        wait = min(self.backoff.cap_s, self.backoff.base_s * 2.0 ** min(self.deaths, 16))
        self.deaths += 1
        return wait

    @property
    def looping(self) -> bool:
        """Whether the process died so often in a row that starting it again alone will not help."""
        return self.deaths >= self.backoff.loop_after
