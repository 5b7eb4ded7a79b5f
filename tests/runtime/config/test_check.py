"""Rules between keys: each fault with its own words, and what is only warned about."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.check import is_loopback
from roadworthy.runtime.config.load import Loaded, load
from roadworthy.runtime.config.report import ConfigInvalid

LOCAL = "local: {kind: compatible, base_url: 'http://127.0.0.1:8000/v1'}"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(gateway: str, **environ: str) -> Loaded:
    Path("roadworthy.yaml").write_text(
        gateway if gateway.startswith(("control", "console")) else f"gateway: {{{gateway}}}"
    )
    return load(environ=environ)


def providers(text: str, chain: str = "p/m") -> str:
    return f"providers: {{p: {{{text}}}}}, routes: {{chat: {{chain: [{chain}]}}}}"


FAULTS = [
    (
        f"providers: {{{LOCAL}}}, routes: {{a: {{chain: [lokal/m]}}}}",
        "gateway.routes.a.chain[0]: names a provider that is not configured; did you mean `local`?",
    ),
    (f"providers: {{{LOCAL}}}, routes: {{a: {{chain: [qqqq/m]}}}}", "is not configured; known: local"),
    (f"providers: {{{LOCAL}}}, routes: {{a: {{chain: []}}}}", "gateway.routes.a.chain: the chain is empty"),
    (
        f"providers: {{{LOCAL}}}, routes: {{a: {{chain: [local]}}}}",
        "gateway.routes.a.chain[0]: expected provider/model, for example openai/gpt-4.1-mini; the provider `local` is "
        "configured, its model is missing",
    ),
    (f"providers: {{{LOCAL}}}, routes: {{a: {{chain: [local/]}}}}", "chain[0]: expected provider/model"),
    (f"providers: {{{LOCAL}}}, routes: {{a: {{chain: ['/m']}}}}", "chain[0]: expected provider/model"),
    (f"providers: {{{LOCAL}}}, routes: {{}}", "gateway.routes: expected at least one route"),
    (f"providers: {{{LOCAL}}}", "gateway.providers: providers are configured but no route"),
    (f"providers: {{{LOCAL}}}, routes: {{'a b': {{chain: [local/m]}}}}", "a route's name is made of"),
    (f"providers: {{{LOCAL}}}, routes: {{'a*b': {{chain: [local/m]}}}}", "a route's name is made of"),
    (
        f"providers: {{{LOCAL}}}, routes: {{a: {{chain: [local/m]}}}}, default_route: b",
        "gateway.default_route: expected the name of a route without *; known: a",
    ),
    (
        f"providers: {{{LOCAL}}}, routes: {{a-*: {{chain: [local/m]}}}}, default_route: a-*",
        "gateway.default_route: expected the name of a route without *",
    ),
    (providers("kind: opnai"), "gateway.providers.p.kind: no such kind of provider; did you mean `openai`?"),
    (providers("kind: compatible"), "gateway.providers.p: base_url is missing; kind compatible needs"),
    (
        providers("kind: openai"),
        "gateway.providers.p: api_key is missing; kind openai needs a reference such as",
    ),
    (
        providers("kind: openai, base_url: 'http://127.0.0.1:8000/v1'"),
        "env:OPENAI_API_KEY; a server that asks for no key is of kind compatible",
    ),
    (
        providers("kind: anthropic, headers: {authorization: 'env:ANTHROPIC_API_KEY'}"),
        "gateway.providers.p: api_key is missing; kind anthropic needs a reference such as env:ANTHROPIC_API_KEY",
    ),
    (
        providers("kind: embedded, base_url: 'http://127.0.0.1'", "p/smollm2-135m-instruct"),
        "gateway.providers.p.base_url: has no meaning for kind embedded",
    ),
    (
        providers("kind: compatible, base_url: 'http://127.0.0.1', threads: 2"),
        "gateway.providers.p.threads: is only for kind embedded",
    ),
    (providers("kind: embedded, file: absent.gguf"), "gateway.providers.p.file: there is no such file"),
    (
        providers("kind: embedded"),
        "without `file` this provider has one model; expected p/smollm2-135m-instruct",
    ),
    (
        "providers: {'a b': {kind: embedded}}, routes: {c: {chain: ['a b/smollm2-135m-instruct']}}",
        "a provider's name is made of",
    ),
    (
        "providers: {a: {kind: embedded}, b: {kind: embedded}}, routes: {c: {chain: [a/*, b/*]}}",
        "gateway.providers.b: only one provider of kind embedded can run; there is `a` already",
    ),
    (
        providers("kind: openai, api_key: env:K, headers: {Host: x}"),
        "headers.Host: not a header that may be set here",
    ),
    (providers("kind: openai, api_key: env:K, headers: {'a b': x}"), "not a header that may be set here"),
    (
        providers('kind: openai, api_key: env:K, headers: {X-A: "a\\r\\nb"}'),
        "headers.X-A: a header's value is printable",
    ),
    ("host: 0.0.0.0", "gateway.host: a host that other machines can reach needs gateway.require_key: true"),
    ("host: '::'", "gateway.host: a host that other machines can reach"),
    ("host: 10.0.0.1, require_key: false", "gateway.require_key: a host that other machines can reach"),
    ("host: 'http://127.0.0.1', require_key: true", "gateway.host: expected an IP address or a host name"),
    ("port: 8081", "gateway.port: gateway.port and control.port must differ"),
    ("control: {port: 8080}", "control.port: gateway.port and control.port must differ"),
    ("console: {port: 8080}", "console.port: console.port and gateway.port must differ"),
    ("console: {port: 8081}", "console.port: console.port and control.port must differ"),
    ("console: {host: 'http://x'}", "console.host: expected an IP address or a host name"),
]


@pytest.mark.parametrize(("text", "told"), FAULTS, ids=[row[0] for row in FAULTS])
def test_faults_of_meaning(text: str, told: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(text)
    assert [told in str(problem) for problem in caught.value.problems] == [True], caught.value.problems
    assert caught.value.problems[0].line == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://127.0.0.1/",
        "http://",
        "//127.0.0.1/v1",
        "http://127.0.0.1:99999/",
        "http://a b/",
        "http://u@127.0.0.1/",
        "http://u:p@127.0.0.1/",
        "http://127.0.0.1/?q=1",
        "http://127.0.0.1/#f",
        "http://[::1/",
        "http://exämple.com/",
        "http://a\\b/",
        "http://127.0.0.1/\\r\\nX: y",
    ],
)
def test_bad_urls(url: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(providers(f'kind: compatible, base_url: "{url}"'))
    assert all("URL" in str(problem) for problem in caught.value.problems) or "\\" in url
    assert not url or url not in str(caught.value.as_dict())


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "https://api.example.com/v1/", "http://[::1]:80/v1", "http://host_a/v1"]
)
def test_good_urls(url: str) -> None:
    assert read(providers(f"kind: compatible, base_url: '{url}'")).config.gateway.providers["p"].base_url == url


WARNINGS = [
    (
        f"providers: {{{LOCAL}, spare: {{kind: embedded}}}}, routes: {{a: {{chain: [local/m]}}}}",
        "gateway.providers.spare: no chain uses this provider",
    ),
    (f"providers: {{{LOCAL}}}, routes: {{a: {{chain: [local/m, local/m]}}}}", "the same target stands twice"),
    (
        providers("kind: compatible, base_url: 'http://api.example.com/v1', api_key: env:K"),
        "the key travels unencrypted",
    ),
]


@pytest.mark.parametrize(("text", "told"), WARNINGS)
def test_warnings_do_not_stop_anything(text: str, told: str) -> None:
    assert [told in str(warning) for warning in read(text).warnings] == [True]


@pytest.mark.parametrize(
    "text", ["kind: openai, headers: {Authorization: 'env:KEY'}", "kind: anthropic, headers: {x-api-key: 'env:KEY'}"]
)
def test_a_key_may_be_a_header_of_its_own(text: str) -> None:
    assert read(providers(text)).config.gateway.providers["p"].api_key is None


def test_a_fault_of_type_causes_no_second_fault() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read("providers: [], routes: {a: {chain: [local/m]}}")
    assert [problem.key for problem in caught.value.problems] == ["gateway.providers"]


def test_hosts_that_other_machines_reach_are_fine_with_keys() -> None:
    assert read("host: 0.0.0.0, require_key: true").config.gateway.require_key
    assert read("host: 0.0.0.0", APP_ENV="production").config.gateway.require_key
    with pytest.raises(ConfigError, match=r"gateway\.require_key"):
        read("host: 0.0.0.0", APP_ENV="production", ROADWORTHY_GATEWAY__REQUIRE_KEY="false")


def test_equal_ports_are_fine_without_control() -> None:
    Path("roadworthy.yaml").write_text("gateway: {port: 8081}\ncontrol: {enabled: false}")
    assert load(environ={}).config.gateway.port == 8081


def test_a_model_file_that_is_there() -> None:
    Path("m.gguf").write_bytes(b"GGUF")
    assert read(providers("kind: embedded, file: m.gguf", "p/any-name")).warnings == ()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.1.1.1", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
