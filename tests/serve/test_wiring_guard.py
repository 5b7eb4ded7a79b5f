"""From what is written about masking to what the edge does."""

from __future__ import annotations

from typing import Any

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.settings import Masking
from roadworthy.runtime.config.tree import Config
from roadworthy.serve.edge_guard import disguises, masks
from roadworthy.serve.wiring import compile_edge

KEYS = {"GUARD_KEY": "0123456789abcdef", "SHORT": "0123"}


def compiled(guard: dict[str, Any], route: dict[str, Any] | None = None) -> Any:
    chat: dict[str, Any] = {"chain": ["local/m"]} | ({} if route is None else {"guard": route})
    gateway = {
        "providers": {"local": {"kind": "compatible", "base_url": "http://127.0.0.1:1/v1"}},
        "routes": {"chat": chat, "other": {"chain": ["local/m"]}},
        "modes": {"mine": {"roles": {"answer": ["chat"]}}},
        "guard": guard,
    }
    return compile_edge(Config.model_validate({"version": 1, "gateway": gateway}), KEYS)


def test_nothing_is_masked_unless_asked_for() -> None:
    edge = compiled({})
    assert [route.masking for route in edge.routes] == [None, None]
    assert not masks(edge)
    assert edge.token_key is None


def test_a_route_has_rules_of_its_own_and_modes_the_gateways() -> None:
    edge = compiled(
        {"prompts": "token", "key": "env:GUARD_KEY", "kinds": ["PHONE", "EMAIL", "EMAIL"]},
        {"prompts": False, "answers": True},
    )
    own, general = (route.masking for route in edge.routes)
    assert own == Masking("off", True)
    assert general == edge.modes[0].roles[0].masking == Masking("token", False, ("EMAIL", "PHONE"))
    assert masks(edge)
    assert edge.token_key == KEYS["GUARD_KEY"]
    assert KEYS["GUARD_KEY"] not in repr(edge)
    disguise = disguises(edge).open("key", general)
    assert "a@b.io" not in disguise.hide("a@b.io", lambda kind: None)


@pytest.mark.parametrize(
    ("guard", "route", "code"),
    [
        ({"prompts": "token"}, None, "config_invalid"),
        ({}, {"prompts": "token"}, "config_invalid"),
        ({"prompts": "token", "key": "env:SHORT"}, None, "config_invalid"),
        ({"prompts": "token", "key": "env:NOT_THERE"}, None, "secret_missing"),
    ],
)
def test_tokens_need_a_secret(guard: dict[str, Any], route: dict[str, Any] | None, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compiled(guard, route)
    assert caught.value.code == code
    assert KEYS["SHORT"] not in f"{caught.value.what} {caught.value.why} {caught.value.mend}"


def test_a_kind_that_nobody_knows_is_named() -> None:
    with pytest.raises(ConfigError, match="SHOE_SIZE") as caught:
        disguises(compiled({"prompts": "mask", "kinds": ["SHOE_SIZE"]}))
    assert "EMAIL" in caught.value.mend
