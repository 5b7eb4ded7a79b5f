"""Providers by kind, and what is wrong with settings that give none."""

from __future__ import annotations

import importlib.metadata

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.gateway.providers import registry
from roadworthy.gateway.providers.registry import KINDS, build, default_base_url
from roadworthy.gateway.settings import ProviderSettings


def settings(**fields):
    given = {"name": "p", "kind": "openai", "base_url": "", "api_key": "sk-canary", **fields}
    return ProviderSettings(**given)


def test_kinds():
    assert KINDS == ("anthropic", "compatible", "deepseek", "embedded", "openai", "perplexity")


@pytest.mark.parametrize("kind", ["anthropic", "deepseek", "openai", "perplexity"])
def test_paid_apis_have_an_address_and_need_a_key(kind):
    provider = build(settings(kind=kind))
    assert provider.base_url == default_base_url(kind)
    assert provider.base_url.startswith("https://")
    with pytest.raises(ConfigError) as refused:
        build(settings(kind=kind, api_key=None))
    assert (refused.value.code, refused.value.param) == ("secret_missing", "gateway.providers.p.api_key")


def test_headers():
    provider = build(settings(headers={"OpenAI-Organization": "org-1"}))
    headers = dict(provider.headers)
    assert headers["authorization"] == "Bearer sk-canary"
    assert headers["openai-organization"] == "org-1"
    assert headers["user-agent"].startswith("roadworthy/")
    assert dict(build(settings(kind="anthropic")).headers)["anthropic-version"] == "2023-06-01"
    assert "authorization" not in dict(
        build(settings(kind="compatible", base_url="http://127.0.0.1:1/v1", api_key=None)).headers
    )


def test_a_key_in_a_header_of_ones_own_is_a_key():
    provider = build(settings(api_key=None, headers={"Authorization": "Bearer sk-own"}))
    assert dict(provider.headers)["authorization"] == "Bearer sk-own"


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": "sk-canary\n"}, {"api_key": "sk-canary\r\nx-evil: 1"}, {"api_key": "sk-canäry"},
        {"headers": {"x y": "sk-canary"}}, {"headers": {"x": "sk-canary\n"}}, {"headers": {"Host": "sk-canary"}},
        {"headers": {"Content-Length": "5"}},
    ],
)  # fmt: skip
def test_headers_that_http_does_not_allow(fields):
    with pytest.raises(ConfigError) as refused:
        build(settings(**fields))
    assert refused.value.code == "config_invalid"
    assert "canary" not in str(refused.value) + refused.value.mend + repr(refused.value)


@pytest.mark.parametrize("base_url", ["", "127.0.0.1:8000", "ftp://x"])
def test_an_address_is_needed(base_url):
    with pytest.raises(ConfigError) as refused:
        build(settings(kind="compatible", base_url=base_url))
    assert refused.value.param == "gateway.providers.p.base_url"


def test_the_trailing_slash_goes():
    assert build(settings(base_url="http://127.0.0.1:1/v1/")).base_url == "http://127.0.0.1:1/v1"


def test_an_unknown_kind_with_a_near_name():
    with pytest.raises(ConfigError) as refused:
        build(settings(kind="antropic"))
    assert refused.value.mend == "Did you mean anthropic?"


def test_an_unknown_kind_far_from_all():
    with pytest.raises(ConfigError) as refused:
        build(settings(kind="zzz"))
    assert "Did you mean" not in refused.value.mend


def offer(monkeypatch, value):
    point = importlib.metadata.EntryPoint("acme", value, registry.ENTRY_POINTS)
    found = [point]
    offered = {registry.ENTRY_POINTS: found}
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: offered.get(group, []))


def test_another_packages_kind(monkeypatch):
    offer(monkeypatch, "roadworthy.gateway.providers.compatible:Compatible")
    assert build(settings(kind="acme", base_url="http://127.0.0.1:1/v1")).name == "p"


@pytest.mark.parametrize("value", ["no_such_module:x", "roadworthy.gateway.providers.compatible:Missing"])
def test_another_packages_kind_that_does_not_load(monkeypatch, value):
    offer(monkeypatch, value)
    with pytest.raises(ConfigError) as refused:
        build(settings(kind="acme"))
    assert refused.value.code == "extra_missing"


def test_entry_points_are_not_searched_for_our_own_kinds(monkeypatch):
    def searched(group):
        raise AssertionError(group)

    monkeypatch.setattr(importlib.metadata, "entry_points", searched)
    build(settings())
