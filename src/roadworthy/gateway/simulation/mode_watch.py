"""Modes seen from outside: which one may be chosen, and whether a mode that is down is left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from roadworthy.gateway.settings import Mode
from roadworthy.gateway.simulation.invariant import Broken

MOVES = {
    "up": {"down"}, "down": {"probing"}, "probing": {"ramping", "up", "down"}, "ramping": {"ramping", "up", "down"},
}  # fmt: skip


class ModeWatch:
    """The modes of one worker.

    Args:
        modes: From best to cheapest.
        able: Whether a target of the mode may be asked now.
        pressed: Whether the memory was short when it was last read.
        now: Virtual seconds.
    """

    def __init__(
        self, modes: Sequence[Mode], able: Callable[[str], bool], pressed: Callable[[], bool], now: Callable[[], float]
    ) -> None:
        self.names = [mode.name for mode in modes]
        self._modes = {mode.name: mode for mode in modes}
        self._able = able
        self._pressed = pressed
        self._now = now
        self._phase = dict.fromkeys(self.names, "up")
        self._share = dict.fromkeys(self.names, 1.0)
        self._since = dict.fromkeys(self.names, now())
        self._wait = dict.fromkeys(self.names, 0.0)
        self._probes: dict[str, set[str]] = {name: set() for name in self.names}
        self._drawn = (-1.0, 0.0)

    def phase(self, mode: str) -> str:
        """As the gateway said last."""
        return self._phase[mode]

    def deadline_s(self, mode: str) -> float:
        """How long a request may stay in the mode."""
        return self._modes[mode].roles[0].deadline_s

    def drawn(self, value: float) -> float:
        """The chance that the gateway is about to decide with."""
        self._drawn = (self._now(), value)
        return value

    def changed(self, fields: Mapping[str, Any]) -> None:
        """The gateway says that a mode changed: only as the rules allow, and not without a cause."""
        name, new, cause = fields["mode"], fields["new"], fields["cause"]
        old, now = self._phase[name], self._now()
        if new not in MOVES[old] or fields["old"] != old:
            raise Broken("modes change by their rules", f"{name} goes from {old} to {new}", now)
        if new == "down":
            self._check_cause(name, str(cause), now)
        if new == "probing" and now - self._since[name] < self._wait[name] - 1e-6:
            early = self._wait[name] - now + self._since[name]
            raise Broken("a mode that is down is left alone", f"{name} is probed {early:.3f} s too early", now)
        dwell_s = self._modes[name].recovery.dwell_s
        if new == "ramping" and old == "ramping" and now - self._since[name] < dwell_s - 1e-6:
            raise Broken("a mode that is down is left alone", f"{name} climbs too early", now)
        self._phase[name], self._share[name], self._since[name] = new, fields["share"], now
        self._wait[name] = fields["wait_s"] or 0.0
        if old != new:
            self._probes[name].clear()

    def first(self, identity: str, asked: str, served: str) -> None:
        """A request's first provider is asked: its mode must be the first of its path that is willing."""
        path = self.names[self.names.index(asked) :]
        now = self._now()
        if served not in path:
            raise Broken("no mode above the one asked for", f"{served} serves for {asked}", now)
        at, draw = self._drawn
        if at == now:
            willing = self._willing(path, draw)
            if willing is not None and willing != served:
                states = ", ".join(f"{name} {self._phase[name]}" for name in path)
                raise Broken("the first willing mode serves", f"{served}, not {willing} ({states})", now)
        if self._phase[served] == "probing":
            self._probes[served].add(identity)

    def next(self, identity: str, before: str, served: str) -> None:
        """A request goes on in another mode."""
        if self.names.index(served) <= self.names.index(before):
            raise Broken("a request only steps down", f"from {before} to {served}", self._now())
        self.left(identity)
        if self._phase[served] == "probing":
            self._probes[served].add(identity)

    def left(self, identity: str) -> None:
        """A request is over, or in another mode."""
        for probes in self._probes.values():
            probes.discard(identity)

    def after(self, asked: str, tried: Sequence[str]) -> list[str]:
        """Modes that a request may still go to: all of its path, or those below the ones that it tried."""
        path = self.names[self.names.index(asked) :]
        return path if not tried else path[max(path.index(name) for name in tried) :]

    def _willing(self, path: Sequence[str], draw: float) -> str | None:
        for place, name in enumerate(path):
            above = path[place - 1] if place else ""
            if above and self._phase[above] == "ramping" and draw >= self._share[above]:
                draw = (draw - self._share[above]) / (1.0 - self._share[above])
            phase = self._phase[name]
            admitted = phase == "up" or (phase == "ramping" and draw < self._share[name])
            pressed = self._modes[name].downshift.memory_fraction is not None and self._pressed()
            if (admitted or (phase == "probing" and not self._probes[name])) and self._able(name) and not pressed:
                return name
        return None

    def _check_cause(self, name: str, cause: str, now: float) -> None:
        rules = self._modes[name].downshift
        wrong = (
            (cause == "memory_over_limit" and (rules.memory_fraction is None or not self._pressed()))
            or (cause == "p95_over_limit" and rules.p95_s is None)
            or (cause == "model_unavailable" and self._able(name))
        )
        if wrong:
            raise Broken("no mode steps down without a cause", f"{name} is down for {cause}", now)
