"""The whole way from file, environment and flags to a tree, and every fault it can have."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError, Exit
from roadworthy.runtime.config.load import Loaded, find_profile, load, overlaid_profiles
from roadworthy.runtime.config.report import ConfigInvalid

FAKE = "sk-live-" + "oops-0123456789abcdef"

GOOD = """\
version: 1
gateway:
  port: 9000
  providers:
    openai: {kind: openai, api_key: env:OPENAI_API_KEY}
    gpt-4.1: {kind: compatible, base_url: "http://127.0.0.1:8000/v1"}
    embedded: {kind: embedded}
  routes:
    chat:
      chain: [openai/gpt-4.1-mini, gpt-4.1/org/model, embedded/smollm2-135m-instruct]
      deadline_s: 20
    mock-*: {chain: [gpt-4.1/*]}
profiles:
  production:
    gateway: {port: 9443}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str, **environ: str) -> Loaded:
    Path("roadworthy.yaml").write_text(text)
    return load(environ=environ)


def faults(text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as caught:
        read(text, **environ)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.as_dict()) + str(vars(error))
    assert FAKE not in shown
    assert error.spec.exit_code is Exit.CONFIGURATION
    return [str(problem) for problem in error.problems]


def test_without_a_file_the_embedded_model_serves_chat() -> None:
    loaded = load(environ={})
    assert loaded.path is None
    assert loaded.config.profile == "development"
    assert [provider.kind for provider in loaded.config.gateway.providers.values()] == ["embedded"]
    assert loaded.config.gateway.routes["chat"].chain == ["embedded/smollm2-135m-instruct"]
    assert loaded.config.gateway.require_key is False
    assert loaded.warnings == ()


def test_a_good_file() -> None:
    loaded = read(GOOD)
    assert (loaded.config.gateway.port, loaded.config.gateway.routes["chat"].deadline_s) == (9000, 20.0)
    assert loaded.warnings == ()
    assert loaded.path == Path("roadworthy.yaml")


@pytest.mark.parametrize(
    ("name", "port", "needs"),
    [("development", 9000, False), ("staging", 9000, True), ("production", 9443, True)],
)
def test_profiles_overlay_the_file(name: str, port: int, needs: bool) -> None:
    config = read(GOOD, APP_ENV=name).config
    assert (config.profile, config.gateway.port, config.gateway.require_key) == (name, port, needs)
    assert config.gateway.workers == "auto"


def test_unknown_profile() -> None:
    with pytest.raises(ConfigError, match="APP_ENV") as caught:
        find_profile({"APP_ENV": "prodution"})
    assert "Did you mean production?" in caught.value.why
    assert caught.value.code == "config_invalid"
    with pytest.raises(ConfigError) as caught:
        find_profile({"APP_ENV": FAKE})
    assert FAKE not in str(caught.value.as_dict())
    assert find_profile({"APP_ENV": ""}) == "development"


def test_layers_win_in_order_and_are_remembered() -> None:
    Path("roadworthy.yaml").write_text(GOOD)
    environ = {"APP_ENV": "production"}
    port, key = ("gateway", "port"), ("gateway", "routes", "chat", "chain", 0)
    assert load(environ={}).where(port).text == "roadworthy.yaml:3"
    assert load(environ={}).where(key).text == "roadworthy.yaml:10"
    assert load(environ=environ).where(port).text == "profile production of roadworthy.yaml:15"
    environ["ROADWORTHY_GATEWAY__PORT"] = "9500"
    loaded = load(environ=environ)
    assert (loaded.config.gateway.port, loaded.where(port).text) == (
        9500,
        "environment variable ROADWORTHY_GATEWAY__PORT",
    )
    loaded = load(environ=environ, flags={"gateway.port": 9600})
    assert (loaded.config.gateway.port, loaded.where(port)) == (9600, ("flag", "flag --port", None, None))
    assert loaded.where(("gateway", "host")).text == "default"
    assert loaded.where(("gateway", "routes", "chat", "stream_max_s")).layer == "default"
    assert loaded.where(("gateway", "require_key")).text == "default of profile production"


def test_a_list_replaces_a_list() -> None:
    text = GOOD + "    log: {level: debug}\n".replace("    ", "  ", 1)
    text = text.replace(
        "{port: 9443}", "{routes: {chat: {chain: [openai/o]}, mock-*: {chain: [gpt-4.1/m, embedded/*]}}}"
    )
    chat = read(text.replace("  log:", "    log:"), APP_ENV="production").config.gateway.routes["chat"]
    assert (chat.chain, chat.deadline_s) == (["openai/o"], 20.0)


@pytest.mark.parametrize(
    ("variable", "value", "path", "expected"),
    [
        ("ROADWORTHY_GATEWAY__WORKERS", "3", ("workers",), 3),
        ("ROADWORTHY_GATEWAY__WORKERS", "auto", ("workers",), "auto"),
        ("ROADWORTHY_GATEWAY__REQUIRE_KEY", "true", ("require_key",), True),
        ("ROADWORTHY_GATEWAY__STATE_DIR", "123", ("state_dir",), "123"),
        ("ROADWORTHY_GATEWAY__RETRY__BASE_S", "1", ("retry", "base_s"), 1.0),
        (
            "ROADWORTHY_GATEWAY__ROUTES__CHAT__CHAIN",
            "embedded/*, openai/a,gpt-4.1/b",
            ("routes", "chat", "chain"),
            ["embedded/*", "openai/a", "gpt-4.1/b"],
        ),
        (
            "ROADWORTHY_GATEWAY__ROUTES__CHAT__CHAIN",
            '["embedded/*", openai/a, gpt-4.1/b]',
            ("routes", "chat", "chain"),
            ["embedded/*", "openai/a", "gpt-4.1/b"],
        ),
        (
            "ROADWORTHY_GATEWAY__PROVIDERS__GPT_4_1__BASE_URL",
            "https://a.example/v1",
            ("providers", "gpt-4.1", "base_url"),
            "https://a.example/v1",
        ),
        (
            "ROADWORTHY_GATEWAY__PROVIDERS__OPENAI__HEADERS__X_TENANT",
            "7",
            ("providers", "openai", "headers", "x-tenant"),
            "7",
        ),
        ("ROADWORTHY_GATEWAY__PORT", "", ("port",), 9000),
    ],
)
def test_environment_variables(variable: str, value: str, path: tuple[str, ...], expected: object) -> None:
    node: object = read(GOOD, **{variable: value}).config.gateway
    for part in path:
        node = node[part] if isinstance(node, dict) else getattr(node, part)
    assert node == expected
    assert type(node) is type(expected)


def test_environment_faults() -> None:
    assert faults(
        GOOD, ROADWORTHY_GATEWAY__PORT=FAKE, ROADWORTHY_LOG__LEVEL=FAKE, ROADWORTHY_GATEWAY__ROUTES="[" + FAKE
    ) == [
        "environment variable ROADWORTHY_GATEWAY__ROUTES: gateway.routes: expected a mapping of keys, "
        "written as one line of YAML",
        "environment variable ROADWORTHY_GATEWAY__PORT: gateway.port: expected a whole number from 1 to 65535",
        "environment variable ROADWORTHY_LOG__LEVEL: log.level: expected one of debug, info, warning, error",
    ]


def test_unknown_variables_are_reported() -> None:
    names = [
        "ROADWORTHY_GATEWAY__PRT",
        "ROADWORTHY_ADMIN_KY",
        "ROADWORTHY_QQQ",
        "ROADWORTHY_PROFILE",
        "ROADWORTHY_GATEWAY__PROVIDERS__OPENAI__API_KEI",
        "ROADWORTHY_GATEWAY__PORT__X",
        "ROADWORTHY_",
    ]
    known = ["ROADWORTHY_URL", "ROADWORTHY_API_KEY", "ROADWORTHY_ADMIN_KEY", "ROADWORTHY_GATEWAY__PORT"]
    loaded = read(GOOD, **dict.fromkeys(names, FAKE), **dict.fromkeys(known, "9"))
    told = {warning.where.split()[-1]: warning.text for warning in loaded.warnings}
    assert set(told) == set(names)
    assert "did you mean `ROADWORTHY_GATEWAY__PORT`?" in told["ROADWORTHY_GATEWAY__PRT"]
    assert "did you mean `ROADWORTHY_ADMIN_KEY`?" in told["ROADWORTHY_ADMIN_KY"]
    assert "`ROADWORTHY_GATEWAY__PROVIDERS__OPENAI__API_KEY`" in told["ROADWORTHY_GATEWAY__PROVIDERS__OPENAI__API_KEI"]
    assert FAKE not in str(loaded.warnings)


STRUCTURE = [
    ("gateway: {port: '8080'}", "gateway.port: expected a whole number from 1 to 65535"),
    ("gateway: {port: yes}", "gateway.port: expected a whole number"),
    ("gateway: {port: 8080.5}", "gateway.port: expected a whole number"),
    ("gateway: {port: 0}", "gateway.port: expected a whole number from 1 to 65535"),
    ("gateway: {port: 65536}", "gateway.port: expected"),
    ("gateway: {port: }", "gateway.port: nothing stands here; expected a whole number"),
    ("gateway: {workers: many}", "gateway.workers: expected a whole number from 1 to 256 or auto"),
    ("gateway: {workers: 0}", "gateway.workers: expected a whole number from 1 to 256 or auto"),
    ("gateway: {require_key: 1}", "gateway.require_key: expected true or false"),
    ("gateway: {prot: 1}", "gateway.prot: unknown key; did you mean `port`?"),
    ("gatway: {}", "gatway: unknown key; did you mean `gateway`?"),
    ("gateway: []", "gateway: expected a mapping of keys"),
    ("gateway:", "gateway: nothing stands here; expected a mapping of keys"),
    ("version: 2", "version: expected 1"),
    (
        "log: {level: wraning}",
        "log.level: expected one of debug, info, warning, error; did you mean `warning`?",
    ),
    ("gateway: {breaker: {error_rate: 1.5}}", "gateway.breaker.error_rate: expected a number above 0 to 1"),
    ("gateway: {retry: {base_s: .inf}}", "gateway.retry.base_s: expected a number from 0 to 60"),
    ("gateway: {retry: {base_s: .nan}}", "gateway.retry.base_s: expected a number"),
    ("gateway: {retry: {base_s: 5}}", "gateway.retry.base_s: base_s must not be larger than cap_s"),
    ("gateway: {state_dir: ''}", "gateway.state_dir: expected text that is not empty"),
    ("gateway: {routes: {chat: {}}}", "gateway.routes.chat.chain: is missing; expected a list of texts"),
    ("gateway: {routes: {chat: {chain: embedded/x}}}", "gateway.routes.chat.chain: expected a list of texts"),
    ("gateway: {routes: {chat: {chain: [1]}}}", "gateway.routes.chat.chain[0]: expected text"),
    ("gateway: {providers: {a: {}}, routes: {c: {chain: [a/b]}}}", "gateway.providers.a.kind: is missing"),
    ("profile: production", "profile: the profile is chosen by the environment variable APP_ENV"),
    ("profiles: {prodution: {}}", "profiles.prodution: unknown profile; did you mean `production`?"),
    ("profiles: []", "profiles: expected a mapping"),
    ("profiles: {staging: 3}", "profiles.staging: expected a mapping"),
    ("profiles: {staging: {profiles: {}}}", "profiles.staging: a profile cannot choose or hold profiles"),
    ("profiles: {development: {gateway: {prot: 1}}}", "gateway.prot: unknown key; did you mean `port`?"),
    ("on: 1", "on: unknown key"),
    ("gateway: {port: 1, port: 2}", "gateway.port: the key `port` stands here a second time"),
]


@pytest.mark.parametrize(("text", "told"), STRUCTURE, ids=[row[0] for row in STRUCTURE])
def test_faults_of_structure(text: str, told: str) -> None:
    found = faults(text)
    assert len(found) == 1, found
    assert told in found[0]
    assert found[0].startswith(("roadworthy.yaml:1: ", "profile development of roadworthy.yaml:1: "))


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    found = faults(
        "gateway:\n  port: x\n  routes:\n    chat:\n      chain: [opnai/a]\n      deadlin_s: 3\nlog: {level: 3}\n"
    )
    assert [line.split(": ")[0] for line in found] == [f"roadworthy.yaml:{line}" for line in (2, 5, 6, 7)]


def test_the_error_tells_first_and_others() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read("gateway: {port: x}\nlog: {level: y}\n")
    error = caught.value
    assert error.what == "roadworthy.yaml:1: gateway.port: expected a whole number from 1 to 65535"
    assert error.why.startswith("1 more: roadworthy.yaml:2: log.level: expected one of")
    assert error.param == "gateway.port"
    problems = error.as_dict()["problems"]
    assert isinstance(problems, list)
    assert problems[1] == {
        "where": "roadworthy.yaml:2",
        "key": "log.level",
        "file": "roadworthy.yaml",
        "line": 2,
        "code": "config_invalid",
        "text": "expected one of debug, info, warning, error",
    }


PLANTS = [
    "{0}",
    "{0}: 1",
    "version: {0}",
    "gateway: {0}",
    "gateway: {{{0}: 1}}",
    "gateway: {{port: {0}}}",
    "gateway: {{host: '{0} {0}'}}",
    "gateway: {{workers: {0}}}",
    "gateway: {{require_key: {0}}}",
    "gateway: {{default_route: {0}}}",
    "gateway: {{limits: {{max_headers: {0}}}}}",
    "gateway: {{limits: {{{0}: {0}}}}}",
    "gateway: {{state_dir: [{0}]}}",
    "gateway: {{providers: {0}}}",
    "gateway: {{providers: {{{0}: {{kind: embedded}}}}}}",
    "gateway: {{routes: {{{0}: {0}}}}}",
    "gateway: {{routes: {{{0}: {{chain: []}}}}}}",
    "gateway: {{routes: {{chat: {{chain: [{0}]}}}}}}",
    "gateway: {{routes: {{chat: {{chain: [{0}/{0}]}}}}}}",
    "gateway: {{routes: {{chat: {{chain: [embedded/{0}]}}}}}}",
    "gateway: {{routes: {{chat: {{chain: {{{0}: {0}}}}}}}}}",
    "profiles: {{{0}: {{}}}}",
    "profiles: {{production: {0}}}",
    "profiles: {{development: {{{0}: 1}}}}",
    "log: {{level: {0}}}",
    "log: {{level: {{{0}: {0}}}}}",
    "control: [{0}, {0}]",
    "a: [{0}",
    "a: &{0} 1\nb: *x{0}",
    "a: !{0} b",
    "{0}: 1\n{0}: 2",
    '"{0}',
    "gateway: {{port: 1, '{0}': 2, '{0}': 3}}",
]
PROVIDER_PLANTS = [
    "kind: {0}",
    "kind: openai, api_key: {0}",
    "kind: openai, api_key: env:{0}",
    "kind: openai, api_key: file:{0}",
    "kind: openai, api_key: [{0}]",
    "kind: openai, api_key: {{{0}: {0}}}",
    "kind: openai, api_key: vault:{0}",
    "kind: openai, api_key: aws:{0}",
    "kind: compatible, base_url: {0}",
    "kind: compatible, base_url: 'http://u:{0}@127.0.0.1/v1'",
    "kind: compatible, base_url: 'http://{0} x/v1'",
    "kind: compatible, base_url: 'http://127.0.0.1/v1?key={0}'",
    "kind: compatible, base_url: 'http://127.0.0.1:{0}/'",
    "kind: openai, api_key: env:A, headers: {{Authorization: Bearer {0}}}",
    "kind: openai, api_key: env:A, headers: {{X-Other: {0}}}",
    "kind: openai, api_key: env:A, headers: {0}",
    "kind: openai, api_key: env:A, headers: {{'{0} ': 1}}",
    "kind: embedded, file: {0}",
    "kind: embedded, api_key: {0}",
    "kind: openai, api_key: env:A, {0}: 1",
    "kind: openai, api_key: env:A, connect_timeout_s: {0}",
    "api_key: {0}",
]
PLANTS += [
    "gateway: {{providers: {{p: {{" + plant + "}}}}, routes: {{chat: {{chain: [p/m]}}}}}}" for plant in PROVIDER_PLANTS
]


@pytest.mark.parametrize("plant", PLANTS)
def test_a_key_in_the_wrong_place_is_refused_and_never_shown(plant: str) -> None:
    assert faults(plant.format(FAKE))


@pytest.mark.parametrize("where", ["api_key: {0}", "headers: {{X-Other: {0}}}", "api_key: env:{0}"])
def test_a_literal_secret_has_its_own_code(where: str) -> None:
    text = "gateway: {providers: {p: {kind: compatible, base_url: 'http://127.0.0.1:1', " + where.format(FAKE) + "}}"
    Path("roadworthy.yaml").write_text(text + ", routes: {chat: {chain: [p/m]}}}")
    with pytest.raises(ConfigInvalid) as caught:
        load(environ={})
    assert caught.value.code == "secret_ref_invalid"


def test_files_that_are_not_there_or_not_readable() -> None:
    with pytest.raises(ConfigError, match="There is no configuration file") as caught:
        load("absent.yaml", environ={})
    assert "--config" in caught.value.why
    with pytest.raises(ConfigError) as caught:
        load(environ={"ROADWORTHY_CONFIG": "absent.yaml"})
    assert "ROADWORTHY_CONFIG" in caught.value.why
    Path("other.yaml").write_text("gateway: {port: 7}")
    assert load(environ={"ROADWORTHY_CONFIG": "other.yaml"}).config.gateway.port == 7
    Path("bytes.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        load("bytes.yaml", environ={})
    assert "Line 2" in caught.value.why
    Path("large.yaml").write_text("#" * 1_100_000)
    with pytest.raises(ConfigError, match="cannot be read"):
        load("large.yaml", environ={})
    Path("roadworthy.yaml").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(environ={})
    with pytest.raises(ConfigError) as caught:
        load(FAKE, environ={})
    assert FAKE not in str(caught.value.as_dict())


def test_overlaid_profiles() -> None:
    Path("f.yaml").write_text("profiles: {staging: {log: {level: debug}}, production: }")
    assert overlaid_profiles(Path("f.yaml")) == ["staging"]
    assert overlaid_profiles(None) == []
