"""The cache in the configuration: what contradicts itself, how `off` is read, the flag in the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.runtime.config.load import Loaded, load
from roadworthy.runtime.config.report import ConfigInvalid

BASE = """\
gateway:
  providers: {local: {kind: compatible, base_url: 'http://127.0.0.1:8000/v1'}}
  routes: {chat: {chain: [local/m]%s}}
  cache: {%s}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(cache: str, route: str = "", **environ: str) -> Loaded:
    Path("roadworthy.yaml").write_text(BASE % (route and f", {route}", cache))
    return load(environ=environ)


@pytest.mark.parametrize(
    ("cache", "route", "told"),
    [
        ("enabled: true, ttl_s: {min: 900, start: 800}", "", "gateway.cache.ttl_s: expected min <= start <= max"),
        ("enabled: true, ttl_s: {max: 700}", "", "gateway.cache.ttl_s: expected min <= start <= max"),
        ("enabled: true", "cache: semantic", "routes.chat.cache: semantic needs gateway.cache.semantic.enabled: true"),
        ("enabled: true", "cache: fuzzy", "routes.chat.cache: expected one of off, exact, semantic"),
        ("enabled: true", "cache: true", "routes.chat.cache: expected one of off, exact, semantic"),
        ("enabled: true", "cache_ttl_s: 0", "cache_ttl_s: expected a number above 0 to 86400"),
        ("enabled: 1", "", "gateway.cache.enabled: expected true or false"),
        ("max_bytes: 10", "", "gateway.cache.max_bytes: expected a whole number from 65536"),
        ("ttl_s: {max: 90000}", "", "gateway.cache.ttl_s.max: expected a number from 1 to 86400"),
        ("semantic: {threshold: 1.1}", "", "gateway.cache.semantic.threshold: expected a number from 0.5 to 1"),
        ("semantic: {model: other}", "", "gateway.cache.semantic.model: expected use-multilingual-v3"),
        ("enable: true", "", "did you mean `enabled`?"),
    ],
)
def test_faults(cache: str, route: str, told: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(cache, route)
    assert told in "\n".join(map(str, caught.value.problems))


def test_a_bare_off_means_off() -> None:
    routes = read("enabled: true", "cache: off").config.gateway.routes
    assert routes["chat"].cache == "off"
    assert read("enabled: true", "cache: 'off'").config.gateway.routes["chat"].cache == "off"


def test_the_flag_is_off_by_default_and_the_environment_decides() -> None:
    assert read("").config.gateway.cache.enabled is False
    assert read("", ROADWORTHY_GATEWAY__CACHE__ENABLED="true").config.gateway.cache.enabled is True
    assert read("enabled: true", ROADWORTHY_GATEWAY__CACHE__ENABLED="false").config.gateway.cache.enabled is False
    assert read("", ROADWORTHY_GATEWAY__CACHE__TTL_S__START="700").config.gateway.cache.ttl_s.start == 700


def test_switching_the_cache_off_leaves_a_semantic_route_valid() -> None:
    off = {"ROADWORTHY_GATEWAY__CACHE__ENABLED": "false"}
    assert read("enabled: true", "cache: semantic", **off).config.gateway.routes["chat"].cache == "semantic"
