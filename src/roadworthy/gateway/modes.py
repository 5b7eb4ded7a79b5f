"""Which mode serves a request: the one asked for, the next cheaper one that is well, or none.

Pure: told the time and the chance. Peers pick a tier by the prompt or by the budget, none by measured service. The
state machine per mode is in `mode_state`; this is the walk along the modes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from roadworthy.gateway.chain import Link
from roadworthy.gateway.mode_state import Ability, Cause, Change, Memory, ModeState, Ticket
from roadworthy.gateway.settings import Mode

EMERGENCY = "emergency"
"""Said in place of a mode's name when none can serve."""


class Decision(NamedTuple):
    """Who serves.

    Attributes:
        requested: Mode asked for.
        served: Mode that serves; None when none is able.
        reason: Why the mode asked for does not serve, `last_resort` when it serves although it is down; empty when it
            serves as asked.
        path: Modes looked at before the one that serves, each with its cause.
        retry_in_s: When none is able: seconds until the first of them may be; 0 otherwise.
    """

    requested: str
    served: str | None
    reason: str
    path: tuple[tuple[str, str], ...] = ()
    retry_in_s: float = 0.0


class Selector:
    """The modes of one process.

    Args:
        modes: From best to cheapest.
        roles: For each mode the links of each of its roles, in order.
        on_change: Told of every change, with the mode that serves in its place: (change, fallback).
        on_hopeless: See `ModeState`.
    """

    def __init__(
        self,
        modes: Sequence[Mode],
        roles: Sequence[Sequence[Sequence[Link]]],
        on_change: Callable[[Change, str], None],
        on_hopeless: Callable[[str, str, float, float], None],
    ) -> None:
        self._on_change = on_change
        self.states = [
            ModeState(mode, links, self._changed, on_hopeless) for mode, links in zip(modes, roles, strict=True)
        ]
        self._as_asked = {state.name: Decision(state.name, state.name, "") for state in self.states}

    def path(self, mode: str, role: int | str = 0) -> tuple[ModeState, ...]:
        """The mode and the cheaper ones below it; with the name of a role only those that have it."""
        names = [state.name for state in self.states]
        below = self.states[names.index(mode) :]
        if isinstance(role, int):
            return tuple(below)
        return tuple(s for s in below if any(r.name == f"{s.name}/{role}" for r in s.mode.roles))

    def decide(self, path: Sequence[ModeState], now: float, draw: float) -> Decision:
        """Walk down the path. Costs about a microsecond while the first mode is well.

        Args:
            path: Of `path`; its first mode is the one asked for.
            now: Monotonic seconds.
            draw: Uniform in [0, 1).
        """
        first = path[0]
        cause = first.refuses(now, draw)
        if cause is None:
            return self._as_asked[first.name]
        looked = [(first.name, cause.value)]
        for at in range(1, len(path)):
            share = path[at - 1].share
            if path[at - 1].phase == "ramping" and draw >= share:
                draw = (draw - share) / (1.0 - share)  # uniform again among the requests that came this far
            state = path[at]
            refused = state.refuses(now, draw)
            if refused is None:
                return Decision(first.name, state.name, cause.value, tuple(looked))
            looked.append((state.name, refused.value))
        return self._last_resort(path, cause, tuple(looked), now)

    def next_below(
        self, path: Sequence[ModeState], failed: str, requested: Decision, now: float, draw: float
    ) -> Decision | None:
        """After a mode's chain was spent inside a request: a cheaper mode that takes it, None when there is none.

        When no other is left, one whose model is being started.
        """
        names = [state.name for state in path]
        looked = [*requested.path, (failed, Cause.CHAIN_FAILED.value)]
        reason = Cause.CHAIN_FAILED.value if failed == path[0].name else requested.reason
        cheaper = path[names.index(failed) + 1 :]
        for state in cheaper:
            cause = state.refuses(now, draw)
            # A request that would fail otherwise is no burden to a mode that recovers, if its models can be asked.
            if cause is None or state.ability(now) is Ability.ABLE:
                return Decision(path[0].name, state.name, reason, tuple(looked))
            looked.append((state.name, cause.value))
        starting = next((state.name for state in cheaper if state.ability(now) is Ability.STARTING), None)
        return None if starting is None else Decision(path[0].name, starting, reason, tuple(looked))

    def _last_resort(
        self, path: Sequence[ModeState], cause: Cause, looked: tuple[tuple[str, str], ...], now: float
    ) -> Decision:
        first = path[0].name
        able = [state for state in reversed(path) if state.ability(now) is Ability.ABLE]  # the cheapest first
        able += [state for state in path if state.ability(now) is Ability.STARTING]  # it comes within seconds: wait
        if able:
            reason = Cause.LAST_RESORT if able[0] is path[0] else cause
            return Decision(first, able[0].name, reason.value, looked)
        return Decision(first, None, cause.value, looked, min(state.retry_in_s(now) for state in path))

    def settle(self, now: float, memory: Memory) -> None:
        """Time passed without requests, and the memory was read."""
        for state in self.states:
            state.sense(memory)
            state.settle(now)

    def begin(self, mode: str, now: float) -> Ticket:
        """A request goes to the mode."""
        return self.state(mode).begin(now)

    def state(self, mode: str) -> ModeState:
        """The mode of that name."""
        return next(state for state in self.states if state.name == mode)

    def fallback(self, mode: str, now: float) -> str:
        """Who serves for a mode that steps aside: a cheaper one, `last_resort` (still itself), `emergency` (nobody)."""
        path = self.path(mode)
        able = [state for state in path if state.ability(now) < Ability.RESTING]
        willing = [state.name for state in able if state.phase != "down" and state is not path[0]]
        resort = [Cause.LAST_RESORT.value if state is path[0] else state.name for state in reversed(able)]
        return next(iter(willing + resort), EMERGENCY)

    def _changed(self, change: Change) -> None:
        self._on_change(change, self.fallback(change.mode, change.at))
