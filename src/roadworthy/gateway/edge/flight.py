"""One question on its way to the providers for everybody who asks it now: one flight per key."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from roadworthy.gateway.cache.entry import Entry
from roadworthy.gateway.edge.shown import NOTHING_SHOWN, Shown
from roadworthy.gateway.finished import CacheResult


class Landing:
    """How a flight ended.

    Attributes:
        entry: The answer that may be told to all, None when there is none.
        result: What it is to those who waited for it.
        age_s: Its age in seconds.
        failed: True when nobody got an answer; then the next of those who wait flies again.
        shown: What is said of the mode that gave the answer.
    """

    __slots__ = ("age_s", "entry", "failed", "result", "shown")

    def __init__(
        self, entry: Entry | None, result: CacheResult, age_s: float, failed: bool, shown: Shown = NOTHING_SHOWN
    ) -> None:
        self.entry = entry
        self.result = result
        self.age_s = age_s
        self.failed = failed
        self.shown = shown


class Passenger(Protocol):
    """A request that leads a flight or waits for one."""

    done: bool
    gone: bool

    def lead(self, flight: Flight) -> None:
        """Ask the providers for all who wait. Called soon, from the loop."""
        ...

    def land(self, landing: Landing) -> None:
        """Take the answer, or go alone when there is none that can be shared. Called soon, from the loop."""
        ...

    def stop(self) -> None:
        """Nobody waits any more: stop asking."""
        ...


class Flight:
    """Who asks, and who waits for it. Every change keeps: a flight in the table has a leader that is still asking."""

    __slots__ = ("_followers", "_table", "key", "leader", "streamed")

    def __init__(self, table: dict[bytes, Flight], key: bytes, leader: Passenger, streamed: bool) -> None:
        self._table = table
        self._followers: deque[Passenger] = deque()
        self.key = key
        self.leader: Passenger | None = leader
        self.streamed = streamed
        table[key] = self

    @property
    def followers(self) -> int:
        """How many wait."""
        return len(self._followers)

    def join(self, follower: Passenger) -> None:
        """Wait for the leader's answer."""
        self._followers.append(follower)

    def leave(self, follower: Passenger) -> None:
        """Wait no longer; the last to leave a leader that nobody listens to stops it."""
        if follower in self._followers:
            self._followers.remove(follower)
        leader = self.leader
        if leader is not None and leader.gone and not self._followers:
            leader.stop()

    def landed(self, landing: Landing) -> list[Passenger]:
        """The leader's exchange is over. Returns those who are to be told; after a failure one leads next instead."""
        self.leader = None
        if landing.failed:
            self.next_leader()
            return []
        self._close()
        followers = list(self._followers)
        self._followers.clear()
        return followers

    def next_leader(self) -> None:
        """Let exactly one of those who wait lead; without any the flight is over."""
        if self._followers:
            self.leader = self._followers.popleft()
            self.leader.lead(self)
        else:
            self.leader = None
            self._close()

    def _close(self) -> None:
        if self._table.get(self.key) is self:
            del self._table[self.key]
