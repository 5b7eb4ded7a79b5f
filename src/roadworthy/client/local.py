"""The gateway on this machine, asked through its workers' sockets, which only its owner can open: no key needed."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roadworthy.client.job import JobCalls, worker_api
from roadworthy.client.mode_record import ModeStatus, read_mode
from roadworthy.client.record import (
    Breaker,
    Status,
    Worker,
    WorkerCache,
    objects,
    pick,
    read_breaker,
    read_worker,
    read_worker_cache,
)
from roadworthy.client.transport import Api
from roadworthy.core.errors import GatewayError

WORKER_TIMEOUT_S = 15.0
"""The worker's first answer comes after its store is open."""


class LocalClient:
    """Asks every worker of the gateway that uses a state directory. Offers what `AdminClient` offers of these.

    Every call raises `GatewayError` with `gateway_unreachable` when no worker answers.

    Args:
        state_dir: The gateway's state directory.
        timeout_s: Longest silence while one worker's answer is awaited, in seconds.
    """

    def __init__(self, state_dir: Path, *, timeout_s: float = 3.0) -> None:
        self._state_dir = state_dir
        self._timeout_s = timeout_s

    def __enter__(self) -> LocalClient:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open between calls."""

    def status(self) -> Status:
        """What every worker says of itself; one that does not answer is told with its error."""
        answers = self._ask("GET", "/internal/status")
        workers = [
            Worker(number, error=told) if isinstance(told, str) else read_worker({"worker": number, **told})
            for number, told in answers.items()
        ]
        breakers = [
            read_breaker(item, number) for number, told in answers.items() for item in objects(told, "breakers")
        ]
        told = list(answers.values())
        stores: dict[str, Any] = next((found for one in told if (found := pick(one, "stores", dict)) is not None), {})
        return Status(tuple(workers), tuple(breakers), {"workers": told, "stores": stores})

    def breakers(self) -> tuple[Breaker, ...]:
        """The circuit breakers of every worker that answers."""
        return self.status().breakers

    def modes(self) -> tuple[ModeStatus, ...]:
        """The modes of every worker that answers, best first."""
        answers = self._ask("GET", "/internal/status").items()
        return tuple(read_mode(item, number) for number, told in answers for item in objects(told, "modes"))

    def reset_breaker(self, provider: str | None = None, model: str | None = None) -> int:
        """Close breakers at once; see `AdminClient.reset_breaker`."""
        answers = self._ask("POST", "/internal/breakers/reset", {"provider": provider, "model": model})
        return sum(pick(told, "reset", int) or 0 for told in answers.values())

    def caches(self) -> tuple[WorkerCache, ...]:
        """The kept answers of every worker that answers, in numbers."""
        answers = self._ask("GET", "/internal/status")
        return tuple(read_worker_cache(pick(told, "cache", dict), number) for number, told in answers.items())

    def clear_cache(self) -> int:
        """Forget every kept answer; see `AdminClient.clear_cache`."""
        return sum(pick(told, "cleared", int) or 0 for told in self._ask("POST", "/internal/cache/clear", {}).values())

    def reload_keys(self) -> int:
        """Have every worker read the keys now; returns how many did."""
        return sum(not isinstance(told, str) for told in self._ask("POST", "/internal/keys/reload", {}).values())

    @property
    def jobs(self) -> JobCalls:
        """The durable jobs, asked of the worker itself."""
        return JobCalls(lambda: worker_api(self._state_dir, WORKER_TIMEOUT_S), "/internal/jobs")

    def _ask(self, method: str, route: str, body: Mapping[str, Any] | None = None) -> dict[int, dict[str, Any] | str]:
        """Worker number -> its answer, or why there is none."""
        sockets = sorted(self._state_dir.glob("run/edge-*.sock"), key=_number)
        answers: dict[int, dict[str, Any] | str] = {}
        for path in sockets:
            answers[_number(path)] = self._ask_one(path, method, route, body)
        if all(isinstance(told, str) for told in answers.values()):
            why = f"{len(sockets)} sockets are there; none answers." if sockets else "It holds no worker's socket."
            raise GatewayError(
                f"No gateway runs with the state directory {self._state_dir}.",
                why,
                "Start one with `roadworthy up`; to ask one elsewhere set ROADWORTHY_ADMIN_KEY and --control-url.",
                code="gateway_unreachable",
            )
        return answers

    def _ask_one(self, path: Path, method: str, route: str, body: Mapping[str, Any] | None) -> dict[str, Any] | str:
        # A dead worker leaves its socket file behind, and the HTTP library leaks a descriptor when it cannot connect.
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(self._timeout_s)
            try:
                probe.connect(str(path))
            except OSError as error:
                return f"{path.name} does not answer: {error.strerror or 'timed out'}."
        with Api("http://127.0.0.1", timeout_s=self._timeout_s, socket=path) as api:
            try:
                return api.call(method, route, body)[1]
            except GatewayError as error:
                return error.what


def _number(path: Path) -> int:
    text = path.stem.removeprefix("edge-")
    return int(text) if text.isdecimal() else -1
