"""From the configuration to edge settings."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

import msgspec
import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.gateway import settings
from roadworthy.gateway.providers.registry import default_base_url
from roadworthy.gateway.settings import EdgeSettings, Target
from roadworthy.runtime.config import mode
from roadworthy.runtime.config.load import load
from roadworthy.runtime.config.tree import KINDS, Breaker, Config, Limits, Retry, Route
from roadworthy.serve import wiring
from roadworthy.serve.config_check import check

FAKE = "sk-live-" + "oops-0123456789abcdef"
URL = "http://127.0.0.1:4000/v1"

TEXT = """\
gateway:
  port: 9000
  workers: 3
  providers:
    openai: {kind: openai, api_key: env:OPENAI_API_KEY}
    claude: {kind: anthropic, api_key: file:claude.key, connect_timeout_s: 2}
    local: {kind: compatible, base_url: 'http://127.0.0.1:8000/v1/', headers: {X-Plain: a, X-Token: env:TOKEN}}
    spare: {kind: deepseek, api_key: env:ABSENT}
    embedded: {kind: embedded}
  routes:
    m-*: {chain: ['local/*']}
    chat: {chain: [openai/gpt-4.1-mini, claude/c, local/org/model, embedded/smollm2-135m-instruct], deadline_s: 9}
  retry: {max_tries: 2}
  breaker: {open_s: 1}
  limits: {max_headers: 50}
"""
ENVIRON = {"OPENAI_API_KEY": FAKE, "TOKEN": "t-1"}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("claude.key").write_text("claude-secret\n")


def read(text: str = TEXT, **environ: str) -> Config:
    Path("roadworthy.yaml").write_text(text)
    return load(environ=environ).config


def test_compiles_everything() -> None:
    edge = wiring.compile_edge(read(), ENVIRON, embedded_url=URL, embedded_key="k")
    assert (edge.port, edge.workers, edge.profile, edge.default_route) == (9000, 3, "development", "chat")
    assert (edge.retry.max_tries, edge.breaker.open_s, edge.limits.max_headers) == (2, 1.0, 50)
    found = {provider.name: (provider.kind, provider.base_url, provider.api_key) for provider in edge.providers}
    assert found == {
        "openai": ("openai", "https://api.openai.com/v1", FAKE),
        "claude": ("anthropic", "https://api.anthropic.com/v1", "claude-secret"),
        "local": ("compatible", "http://127.0.0.1:8000/v1", None),
        "embedded": ("embedded", URL, "k"),
    }, "`spare` is used by no chain, so neither it nor its missing secret matters"
    assert edge.providers[2].headers == {"X-Plain": "a", "X-Token": "t-1"}
    assert edge.routes[1].chain[2] == Target("local", "org/model")
    assert (edge.routes[0].name, edge.routes[1].deadline_s) == ("m-*", 9.0)


def test_settings_travel_as_json_and_show_no_key() -> None:
    edge = wiring.compile_edge(read(), ENVIRON, embedded_url=URL)
    assert msgspec.json.decode(msgspec.json.encode(edge), type=EdgeSettings) == edge
    assert FAKE not in repr(edge)


def test_defaults_are_the_same_on_both_sides() -> None:
    """The tree and the settings state each default once; this holds them together."""
    edge = wiring.compile_edge(read("version: 1"), {}, embedded_url=URL)
    bare = EdgeSettings(providers=(), routes=())
    for name in ("host", "port", "state_dir", "require_key", "limits", "retry", "breaker", "profile"):
        assert getattr(edge, name) == getattr(bare, name), name
    assert edge.routes[0] == settings.Route(name="chat", chain=edge.routes[0].chain)
    for node, struct in ((Limits, settings.Limits), (Retry, settings.Retry), (Breaker, settings.Breaker)):
        assert tuple(node.model_fields) == struct.__struct_fields__
    for node, struct in (
        (mode.Downshift, settings.Downshift), (mode.Recovery, settings.Recovery), (mode.Parameters, settings.Parameters)
    ):  # fmt: skip
        assert tuple(node.model_fields) == struct.__struct_fields__
        compiled = msgspec.convert(node().model_dump(), struct)
        assert compiled == struct()
    compiled_names = {*Route.model_fields, "name", "role", "masking"} - {"guard"}  # a route's `guard`, or the gateway's
    assert compiled_names == set(settings.Route.__struct_fields__)


MODES = """\
gateway:
  providers:
    claude: {kind: anthropic, api_key: env:CLAUDE}
    local: {kind: compatible, base_url: 'http://127.0.0.1:8000/v1'}
    spare: {kind: compatible, base_url: 'http://127.0.0.1:8001/v1'}
  routes:
    chat: {chain: [local/small, local/tiny], stream_max_s: 99}
  modes:
    creative: {roles: {interpreter: [claude/c, chat, local/small], validator: spare/v}, timeout_s: 15}
    fast: {}
"""


def test_modes_become_routes_of_their_roles() -> None:
    edge = wiring.compile_edge(read(MODES), {"CLAUDE": FAKE})
    assert [provider.name for provider in edge.providers] == ["claude", "local", "spare"]
    creative, fast = edge.modes
    assert [role.name for role in creative.roles] == ["creative", "creative/validator"]
    found = [f"{target.provider}/{target.model}" for target in creative.roles[0].chain]
    assert found == ["claude/c", "local/small", "local/tiny"], "a route's chain takes the place of its name, once"
    assert {role.deadline_s for role in creative.roles} == {15.0}
    assert (creative.parameters.max_new_tokens, creative.downshift.p95_s, creative.objective) == (1024, 6.0, None)
    assert (fast.roles[0].chain, fast.roles[0].stream_max_s) == (edge.routes[0].chain, 99.0)
    assert fast.objective == settings.Objective(2.0, 5.0)
    assert msgspec.json.decode(msgspec.json.encode(edge), type=EdgeSettings) == edge


def test_the_modes_that_ship() -> None:
    """The numbers of the specification, row G6 and G7."""
    edge = wiring.compile_edge(read("gateway: {modes: [creative, balanced, fast]}"), {}, embedded_url=URL)
    found = [
        (m.name, len(m.roles), *msgspec.structs.astuple(m.parameters), m.roles[0].deadline_s, m.downshift.p95_s)
        for m in edge.modes
    ]
    assert found == [
        ("creative", 3, 1024, 0.8, 0.95, 20.0, 6.0), ("balanced", 2, 512, 0.7, 0.9, 12.0, 4.3),
        ("fast", 1, 256, 0.3, 0.8, 8.0, None),
    ]  # fmt: skip
    objectives = [msgspec.structs.astuple(m.objective) for m in edge.modes]
    assert objectives == [(10.0, 20.0), (5.0, 10.0), (2.0, 5.0)]
    assert {(m.downshift.error_rate, m.downshift.window) for m in edge.modes} == {(0.3, 10)}
    assert {(m.downshift.memory_fraction, m.downshift.memory_bytes) for m in edge.modes} == {(0.85, 12_000_000_000)}


def test_base_urls_are_those_of_the_providers() -> None:
    assert {kind: wiring.BASE_URLS.get(kind, "") for kind in KINDS} == {kind: default_base_url(kind) for kind in KINDS}


def test_workers_and_default_route() -> None:
    auto = read("version: 1")
    assert wiring.worker_count(auto) == min(len(os.sched_getaffinity(0)), 256)
    assert wiring.default_route(auto) == "chat"
    assert wiring.default_route(read(TEXT.replace("  port", "  default_route: chat\n  port"))) == "chat"
    only_pattern = "gateway: {providers: {e: {kind: embedded}}, routes: {m-*: {chain: ['e/*']}}}"
    assert wiring.default_route(read(only_pattern)) is None


def test_every_missing_secret_is_named_and_none_is_shown() -> None:
    Path("claude.key").unlink()
    with pytest.raises(ConfigError) as caught:
        wiring.compile_edge(read(), {"TOKEN": FAKE + "\n" + FAKE}, embedded_url=URL)
    error = caught.value
    assert error.code == "secret_missing"
    assert error.what == "The secret env:OPENAI_API_KEY of provider openai is not there."
    assert "Missing too: file:claude.key of provider claude, env:TOKEN of provider local." in error.why
    assert "OPENAI_API_KEY" in error.mend
    assert FAKE not in "".join(traceback.format_exception(error)) + str(error.as_dict())


def test_the_embedded_url_is_the_callers_duty() -> None:
    assert wiring.embedded_provider(read()) == ("embedded", read().gateway.providers["embedded"])
    with pytest.raises(ValueError, match="embedded_url"):
        wiring.compile_edge(read(), ENVIRON)
    unused = read(TEXT.replace(", embedded/smollm2-135m-instruct", ""))
    assert wiring.embedded_provider(unused) is None
    assert len(wiring.compile_edge(unused, ENVIRON).providers) == 3


def test_check_reads_every_profile_of_the_file() -> None:
    bad = "profiles:\n  production: {gateway: {prot: 1}}\n  staging: {log: {level: debug}}\n"
    Path("roadworthy.yaml").write_text("log: {level: info}\n" + bad)
    assert load(environ={}).config.log.level == "info"
    with pytest.raises(ConfigError, match="with APP_ENV=production: unknown key; did you mean `port`"):
        check(None, {})
    Path("roadworthy.yaml").write_text("log: {level: info}\n" + bad.replace("prot: 1", "port: 1"))
    result = check(None, {"APP_ENV": "staging"})
    assert (result.profile, result.profiles_checked, result.warnings) == (
        "staging",
        ["staging", "production"],
        [],
    )


def test_check_does_not_try_profiles_that_the_file_does_not_speak_of() -> None:
    Path("roadworthy.yaml").write_text("gateway: {host: 0.0.0.0}\nprofiles: {staging: {}}")
    assert check(None, {"APP_ENV": "production"}).profiles_checked == ["production"]


def test_check_warns_of_missing_secrets() -> None:
    Path("roadworthy.yaml").write_text(TEXT)
    warnings = check(None, {"TOKEN": "t"}).warnings
    assert [(warning.key, warning.code) for warning in warnings] == [
        ("gateway.providers.spare", "config_invalid"),
        ("gateway.providers.openai", "secret_missing"),
    ]


def test_hedges_reach_routes_and_the_roles_of_modes() -> None:
    targets = "[local/a, openai/gpt-4.1-mini]"
    text = TEXT.replace("deadline_s: 9}", "deadline_s: 9, hedge: {after_s: 1.5, max_extra_cost: 0.1}}").replace(
        "  retry:", f"  modes: {{own: {{roles: {{x: {targets}, y: [chat]}}, hedge: {{after_percentile: 95}}}},"
        " other: {roles: {x: [chat]}}}\n  retry:",
    )  # fmt: skip
    edge = wiring.compile_edge(read(text), ENVIRON, embedded_url=URL, embedded_key="k")
    hedges = {route.name: route.hedge for route in edge.routes}
    assert hedges == {"m-*": None, "chat": settings.Hedge(1.5, None, 0.1)}
    own, other = edge.modes
    assert [role.hedge for role in own.roles] == [settings.Hedge(None, 95.0)] * 2
    assert [role.hedge for role in other.roles] == [settings.Hedge(1.5, None, 0.1)]
