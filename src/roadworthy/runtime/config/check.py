"""What the configuration means: rules between keys. Works on raw values, so that it finds faults beside wrong types."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.application import KEY_IN_SETTINGS, secret_paths
from roadworthy.runtime.config.check_cache import cache_faults
from roadworthy.runtime.config.check_hedge import hedge_faults
from roadworthy.runtime.config.check_mode import ModeCheck
from roadworthy.runtime.config.check_quality import quality_faults
from roadworthy.runtime.config.check_spending import spending_faults
from roadworthy.runtime.config.layer import Stack
from roadworthy.runtime.config.report import KeyPath, Problem, problem_at, show, suggest
from roadworthy.runtime.config.tree import EMBEDDED_MODEL, KINDS, first_route
from roadworthy.runtime.secret import header_reference, looks_secret

ENTRY_POINTS = "roadworthy.providers"
"""Group under which an installed package offers a kind of provider."""

NEEDS_KEY = {
    "openai": "authorization",
    "anthropic": "x-api-key",
    "perplexity": "authorization",
    "deepseek": "authorization",
}
"""Kinds of which no request is sent without a key, and the header line that carries it."""

EMBEDDED_ONLY = ("file", "context_tokens", "threads", "parallel")
"""Keys of a provider that mean something for kind embedded alone."""

REMOTE_ONLY = ("base_url", "api_key", "headers", "connect_timeout_s")
"""Keys of a provider that mean nothing for kind embedded."""

_PROVIDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_ROUTE_NAME = re.compile(r"(?=.{1,128}$)([A-Za-z0-9][A-Za-z0-9_.:/-]*)?\*?")
_HOST = re.compile(r"[A-Za-z0-9.:_%-]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "connection",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "accept",
        "accept-encoding",
        "expect",
        "keep-alive",
    }
)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server on this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Check:
    """Looks for faults between keys.

    Args:
        stack: The merged layers.

    Attributes:
        errors: What must be corrected.
        warnings: What is allowed but most likely not meant.
    """

    def __init__(self, stack: Stack) -> None:
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self._stack = stack
        self._gateway = _mapping(stack.data.get("gateway"))
        given = self._gateway.get("providers", {"embedded": {"kind": "embedded"}})
        self._providers = _mapping(given)
        # With a value of another type in their place nothing is known, so nothing is unknown either.
        self._providers_known = isinstance(given, Mapping)
        self._used: set[str] = set()
        self._addresses()
        for name, provider in self._providers.items():
            self._provider(str(name), _mapping(provider))
        self._one_embedded()
        self._routes()
        self._modes()
        self._unused()
        self._retry()
        self._applications()
        for path, text in cache_faults(self._gateway):
            self._error(path, text)
        for hedged in hedge_faults(self._gateway):
            (self._warn if hedged.only_warned else self._error)(hedged.path, hedged.text)
        for fault in spending_faults(self._gateway):
            (self._warn if fault.warning else self._error)(fault.path, fault.text)

    def _error(self, path: KeyPath, text: str, code: str = "config_invalid") -> None:
        self.errors.append(problem_at(self._stack.origin(path), path, text, code))

    def _warn(self, path: KeyPath, text: str) -> None:
        self.warnings.append(problem_at(self._stack.origin(path), path, text))

    def _addresses(self) -> None:
        control = _mapping(self._stack.data.get("control"))
        console = _mapping(self._stack.data.get("console"))
        for room, node in (("gateway", self._gateway), ("control", control), ("console", console)):
            host = node.get("host")
            if isinstance(host, str) and host and not _HOST.fullmatch(host):
                self._error((room, "host"), "expected an IP address or a host name, without http:// and without a port")
        host = self._gateway.get("host", "127.0.0.1")
        if isinstance(host, str) and not is_loopback(host) and self._gateway.get("require_key") is False:
            key = "host" if self._stack.origin(("gateway", "require_key")).layer == "default" else "require_key"
            self._error(("gateway", key), "a host that other machines can reach needs gateway.require_key: true")
        if control.get("enabled", True) is not False and control.get("port", 8081) == self._gateway.get("port", 8080):
            path = ("control", "port") if "port" in control else ("gateway", "port")
            self._error(path, "gateway.port and control.port must differ")
        others = {"gateway.port": self._gateway.get("port", 8080), "control.port": control.get("port", 8081)}
        for name, port in others.items():
            if console.get("enabled", "auto") is not False and "port" in console and console["port"] == port:
                self._error(("console", "port"), f"console.port and {name} must differ")

    def _applications(self) -> None:
        given = self._stack.data.get("applications")
        for path in secret_paths(given):
            self._error(path, KEY_IN_SETTINGS, "secret_ref_invalid")
        if given and _mapping(self._stack.data.get("jobs")).get("enabled") is False:
            self._warn(("applications",), "no application runs while jobs.enabled is false")

    def _provider(self, name: str, provider: Mapping[str, Any]) -> None:
        path = ("gateway", "providers", name)
        if looks_secret(name):
            self._error(path, "this name looks like a key; if it is one, treat it as exposed and make a new one")
        elif not _PROVIDER_NAME.fullmatch(name):
            self._error(path, "a provider's name is made of letters, digits and . _ - (at most 64)")
        kind = provider.get("kind")
        if not isinstance(kind, str):
            return
        if kind not in KINDS and kind not in (offered := _offered_kinds()):
            self._error((*path, "kind"), "no such kind of provider" + suggest(kind, [*KINDS, *offered]))
            return
        for key in REMOTE_ONLY if kind == "embedded" else EMBEDDED_ONLY:
            if provider.get(key) is not None:
                told = "has no meaning for kind embedded" if kind == "embedded" else "is only for kind embedded"
                self._error((*path, key), told)
        if kind == "embedded":
            self._model_file((*path, "file"), provider.get("file"))
            return
        self._base_url(path, kind, provider)
        headers = _mapping(provider.get("headers"))
        self._headers((*path, "headers"), headers)
        if kind in NEEDS_KEY and not provider.get("api_key") and NEEDS_KEY[kind] not in map(str.lower, headers):
            told = f"api_key is missing; kind {kind} needs a reference such as env:{kind.upper()}_API_KEY"
            keyless = provider.get("base_url") and kind != "anthropic"
            self._error(path, told + ("; a server that asks for no key is of kind compatible" if keyless else ""))

    def _base_url(self, provider_path: KeyPath, kind: str, provider: Mapping[str, Any]) -> None:
        url = provider.get("base_url")
        path = (*provider_path, "base_url")
        if url is None and kind == "compatible":
            self._error(
                provider_path,
                "base_url is missing; kind compatible needs the root of the API, for example http://127.0.0.1:8000/v1",
            )
        if not isinstance(url, str):
            return
        fault = _url_fault(url)
        if fault:
            self._error(path, fault)
        elif url.startswith("http:") and provider.get("api_key") and not is_loopback(urlsplit(url).hostname or ""):
            self._warn(path, "the key travels unencrypted to another machine; use https://")

    def _headers(self, path: KeyPath, headers: Mapping[str, Any]) -> None:
        for name, value in headers.items():
            here = (*path, name)
            if not _TOKEN.fullmatch(name) or name.lower() in _OWN_HEADERS:
                self._error(here, "not a header that may be set here")
            if not isinstance(value, str):
                continue
            if not value.isascii() or not value.isprintable():
                self._error(here, "a header's value is printable ASCII")
            try:
                header_reference(name, value)
            except ConfigError as error:
                self._error(here, error.what.rstrip("."), error.code)

    def _model_file(self, path: KeyPath, file: object) -> None:
        if isinstance(file, str) and not Path(file).is_file():
            self._error(path, "there is no such file (the path is relative to the working directory)")

    def _one_embedded(self) -> None:
        names = [name for name, provider in self._providers.items() if _mapping(provider).get("kind") == "embedded"]
        for name in names[1:]:
            self._error(
                ("gateway", "providers", name),
                f"only one provider of kind embedded can run; there is `{show(names[0])}` already",
            )

    def _routes(self) -> None:
        path = ("gateway", "routes")
        if "providers" in self._gateway and "routes" not in self._gateway:
            self._error(
                ("gateway", "providers"),
                "providers are configured but no route; add gateway.routes with a chain that uses them",
            )
            return
        routes = self._gateway.get("routes", {"chat": {"chain": [f"embedded/{EMBEDDED_MODEL}"]}})
        if routes == {}:
            self._error(path, "expected at least one route")
        for name, route in _mapping(routes).items():
            if looks_secret(name) or not _ROUTE_NAME.fullmatch(name):
                self._error((*path, name), "a route's name is made of letters, digits and . _ : / - and may end in *")
            for below, text in quality_faults(_mapping(_mapping(route).get("quality"))):
                self._error((*path, name, "quality", *below), text)
            chain = _mapping(route).get("chain")
            if chain == []:
                self._error((*path, name, "chain"), "the chain is empty; expected at least one provider/model")
            for at, target in enumerate(chain if isinstance(chain, list) else []):
                if isinstance(target, str):
                    self._target((*path, name, "chain", at), target)
            if isinstance(chain, list) and len({str(target) for target in chain}) < len(chain):
                self._warn((*path, name, "chain"), "the same target stands twice in this chain")
        self._default_route([str(name) for name in _mapping(routes)])

    def _modes(self) -> None:
        check = ModeCheck(self._gateway, first_route(self._gateway))
        for fault in check.faults:
            (self._warn if fault.only_warned else self._error)(fault.path, fault.text)
        for path, target in check.targets:
            self._target(path, target)

    def _target(self, path: KeyPath, target: str) -> None:
        provider, slash, model = target.partition("/")
        if not slash or not provider or not model or model.strip() != model:
            self._error(path, "expected provider/model, for example openai/gpt-4.1-mini" + self._meant(provider))
            return
        self._used.add(provider)
        if provider not in self._providers:
            if self._providers_known:
                self._error(path, "names a provider that is not configured" + suggest(provider, self._providers))
            return
        node = _mapping(self._providers[provider])
        if node.get("kind") == "embedded" and not node.get("file") and model not in (EMBEDDED_MODEL, "*"):
            self._error(path, f"without `file` this provider has one model; expected {provider}/{EMBEDDED_MODEL}")

    def _meant(self, provider: str) -> str:
        if provider not in self._providers:
            return ""
        self._used.add(provider)
        return f"; the provider `{show(provider)}` is configured, its model is missing"

    def _default_route(self, routes: list[str]) -> None:
        default = self._gateway.get("default_route")
        exact = [name for name in routes if not name.endswith("*")]
        if isinstance(default, str) and default not in exact:
            text = "expected the name of a route without *" + suggest(default, exact)
            self._error(("gateway", "default_route"), text)

    def _unused(self) -> None:
        if not self._gateway.get("routes"):
            return
        for name in self._providers:
            if name not in self._used:
                self._warn(("gateway", "providers", name), "no chain uses this provider")

    def _retry(self) -> None:
        retry = _mapping(self._gateway.get("retry"))
        base, cap = retry.get("base_s", 0.2), retry.get("cap_s", 2.0)
        if isinstance(base, int | float) and isinstance(cap, int | float) and cap < base <= 60:
            path = ("gateway", "retry", "base_s" if "base_s" in retry else "cap_s")
            self._error(path, "base_s must not be larger than cap_s")


def _offered_kinds() -> list[str]:
    # Reads the disk and costs 20 ms to import: only for a kind that is not ours.
    from importlib.metadata import entry_points

    return sorted(entry_points(group=ENTRY_POINTS).names)


def _url_fault(url: str) -> str:
    shape = "expected a URL such as https://api.example.com/v1"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return shape
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or re.search(r"[\s\x00-\x1f\x7f\\]", url):
        return shape
    if not _HOST.fullmatch(host):
        return shape
    if parts.username is not None or parts.password is not None:
        return "a URL must not carry a user or a password; use api_key or headers with references"
    if parts.query or parts.fragment:
        return "a base URL has no query and no fragment"
    return ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
