"""When the console runs, and what it is told of the configuration."""

from __future__ import annotations

import importlib.util
from typing import Any

import msgspec
import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.settings import EdgeSettings, ProviderSettings, Route, Target
from roadworthy.runtime.config.tree import Console
from roadworthy.serve.console_wanted import targets_of, wanted
from roadworthy.serve.control_console import WINDOW_S, FailureLimit, TargetSettings


class Clock:
    """Time that is set."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("enabled", "installed", "runs"),
    [("auto", True, True), ("auto", False, False), (False, True, False), (False, False, False), (True, True, True)],
)
def test_it_runs_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, enabled: Any, installed: bool, runs: bool
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if installed else None)
    assert wanted(Console(enabled=enabled)) is runs


def test_asked_for_and_not_installed_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as told:
        wanted(Console(enabled=True))
    assert told.value.code == "extra_missing"


def test_targets_once_each_and_no_secret_among_them() -> None:
    secret = "sk-canary-1f2e3d4c"
    edge = EdgeSettings(
        (
            ProviderSettings("paid", "openai", "https://x/v1", secret),
            ProviderSettings("own", "compatible", "http://y/v1"),
        ),
        (Route("a", (Target("paid", "m"), Target("own", "n"))), Route("b", (Target("paid", "m"), Target("paid", "m")))),
    )
    told = targets_of(edge)
    assert told == [
        {"provider": "paid", "model": "m", "kind": "openai", "has_key": True, "routes": ["a", "b"]},
        {"provider": "own", "model": "n", "kind": "compatible", "has_key": False, "routes": ["a"]},
    ]
    assert secret not in msgspec.json.encode(told).decode()
    assert msgspec.convert(told, tuple[TargetSettings, ...])[0].routes == ("a", "b")


def test_refused_keys_of_one_address_make_it_wait_and_no_other() -> None:
    clock = Clock()
    limit = FailureLimit(clock)
    for at in range(5):
        assert limit.wait_s("a") == 0
        clock.now = float(at)
        limit.failed("a")
    assert limit.wait_s("a") == WINDOW_S - 4
    assert limit.wait_s("b") == 0
    clock.now = WINDOW_S
    assert limit.wait_s("a") == 0
    limit.failed("a")
    assert limit.wait_s("a") == 1.0


def test_addresses_that_are_remembered_do_not_grow_without_end() -> None:
    limit = FailureLimit(Clock())
    for number in range(10_000):
        limit.failed(str(number))
    assert len(limit._seen) == 256
