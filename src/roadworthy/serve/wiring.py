"""Turns the configuration into what the processes need: plain values, defaults filled in, secrets resolved."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from roadworthy.core.errors import ConfigError
from roadworthy.gateway import settings
from roadworthy.runtime.config.mode import Mode
from roadworthy.runtime.config.prices import collected
from roadworthy.runtime.config.tree import Config, ModelPrice, Node, Provider, Route
from roadworthy.runtime.secret import SecretRef, header_reference
from roadworthy.serve.wiring_cache import compile_cache
from roadworthy.serve.wiring_guard import compile_masking, token_key
from roadworthy.serve.wiring_prompt import compile_prompts
from roadworthy.serve.wiring_secret import resolve
from roadworthy.serve.wiring_store import check_stores, compile_state

BASE_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "perplexity": "https://api.perplexity.ai",
    "deepseek": "https://api.deepseek.com/v1",
}
"""Where the API of a kind lives when the configuration does not say; a kind of another package knows its own."""


def compile_edge(
    config: Config,
    environ: Mapping[str, str],
    *,
    embedded_url: str | None = None,
    embedded_key: str | None = None,
) -> settings.EdgeSettings:
    """What the edge workers need. Providers that no chain uses are left out, and so are their secrets.

    Args:
        config: A checked configuration.
        environ: The environment in which `env:` references are looked up.
        embedded_url: Root of the embedded model's API with `/v1`; needed when `embedded_provider` is not None.
        embedded_key: Bearer token of the embedded model's server, None when it asks for none.

    Raises:
        ConfigError: `secret_missing`; names every missing reference and its provider, never a value.
        ValueError: A chain uses the embedded provider and `embedded_url` is None (a bug of the caller).
    """
    check_secrets(config, environ)
    check_stores(config, environ)
    gateway = config.gateway
    return settings.EdgeSettings(
        providers=compile_providers(config, environ, embedded_url, embedded_key),
        routes=tuple(_route(config, name) for name in gateway.routes),
        modes=tuple(_mode(config, name, mode) for name, mode in gateway.modes.items()),
        prompts=compile_prompts(config),
        profile=config.profile,
        host=gateway.host,
        port=gateway.port,
        workers=worker_count(config),
        state_dir=gateway.state_dir,
        require_key=gateway.require_key,
        default_route=default_route(config),
        max_file_bytes=config.jobs.max_file_bytes if config.jobs.enabled else None,
        state=compile_state(config, environ),
        ships_records=config.journal.database is not None,
        log_level=config.log.level,
        log_requests=config.log.requests,
        limits=msgspec.convert(_plain(gateway.limits), settings.Limits),
        retry=msgspec.convert(_plain(gateway.retry), settings.Retry),
        breaker=msgspec.convert(_plain(gateway.breaker), settings.Breaker),
        cache=compile_cache(gateway.cache),
        token_key=token_key(config, environ),
        budget=settings.Budget(
            msgspec.convert(_plain(gateway.budget.default), settings.KeyLimits),
            gateway.budget.unpriced,
            gateway.budget.max_output_tokens,
        ),
    )


def compile_providers(
    config: Config, environ: Mapping[str, str], embedded_url: str | None, embedded_key: str | None
) -> tuple[settings.ProviderSettings, ...]:
    """The used providers with their keys and prices, in the order of the configuration. See `compile_edge`.

    Raises:
        ConfigError: `secret_missing`, or what a store of secrets says.
    """
    gateway, names = config.gateway, used_providers(config)
    prices = collected(gateway.prices, {name: gateway.providers[name].kind for name in names})
    return tuple(
        msgspec.structs.replace(
            _provider(name, gateway.providers[name], environ, embedded_url, embedded_key),
            prices={model: _price(price) for model, price in prices[name].items()},
        )
        for name in names
    )


def rekeyed(config: Config, environ: Mapping[str, str], known: settings.ProviderSettings) -> settings.ProviderSettings:
    """The settings of a provider with the keys that are in force now.

    Raises:
        ConfigError: `secret_missing`, or what a store of secrets says.
    """
    provider = config.gateway.providers[known.name]
    if provider.kind == "embedded":
        return known
    fresh = _provider(known.name, provider, environ, None, None)
    return msgspec.structs.replace(known, api_key=fresh.api_key, headers=fresh.headers)


def check_secrets(config: Config, environ: Mapping[str, str]) -> None:
    """Make sure that every secret of every used provider is there.

    Raises:
        ConfigError: `secret_missing`; the first one in `what`, the others in `why`. What a store of secrets says when
            it does not serve.
    """
    missing: list[str] = []
    errors: list[ConfigError] = []
    for name, ref in secret_references(config):
        try:
            resolve(ref, environ)
        except ConfigError as error:
            errors.append(error)
            missing.append(f"{ref.text} of provider {name}")
    if not errors:
        return
    if errors[0].code != "secret_missing":
        raise errors[0]
    others = f" Missing too: {', '.join(missing[1:])}." if missing[1:] else ""
    raise ConfigError(
        f"The secret {missing[0]} is not there.",
        errors[0].why + others,
        f"{errors[0].mend} Or take the provider out of the chains.",
        code="secret_missing",
    ) from errors[0]


def secret_references(config: Config) -> list[tuple[str, SecretRef]]:
    """Name of the provider and reference, for every secret that the used providers need."""
    found: list[tuple[str, SecretRef]] = []
    for name in used_providers(config):
        provider = config.gateway.providers[name]
        if provider.api_key:
            found.append((name, provider.api_key))
        found += [(name, ref) for header, value in provider.headers.items() if (ref := header_reference(header, value))]
    return found


def all_references(config: Config) -> list[SecretRef]:
    """Every reference that a running gateway resolves: those of providers and those of stores."""
    stores = (config.journal.database, config.state.url, config.jobs.store)
    return [ref for _, ref in secret_references(config)] + [ref for ref in stores if isinstance(ref, SecretRef)]


def used_providers(config: Config) -> list[str]:
    """Names of the providers that a chain uses, in the order of the configuration."""
    gateway = config.gateway
    chains = [route.chain for route in gateway.routes.values()]
    chains += [chain for mode in gateway.modes.values() for chain in mode.roles.values()]
    targets = {target.partition("/")[0] for chain in chains for target in chain if target not in gateway.routes}
    return [name for name in config.gateway.providers if name in targets]


def embedded_provider(config: Config) -> tuple[str, Provider] | None:
    """Name and settings of the embedded provider when a chain uses it, else None: no model process is needed."""
    providers = config.gateway.providers
    names = (name for name in used_providers(config) if providers[name].kind == "embedded")
    return next(((name, providers[name]) for name in names), None)


def require_no_embedded(config: Config) -> None:
    """Refuse a chain with the embedded model where no supervisor starts its process.

    Raises:
        ConfigError: `config_invalid`.
    """
    if embedded_provider(config) is not None:
        raise ConfigError(
            "A single edge cannot serve the embedded model.",
            "Its process is started by `roadworthy up` only.",
            "Run `roadworthy up`, or take the embedded provider out of the chains.",
        )


def worker_count(config: Config) -> int:
    """Edge workers to start; `auto` is one per core that this process may use."""
    workers = config.gateway.workers
    if workers != "auto":
        return workers
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(allowed or 1, 256)


def default_route(config: Config) -> str | None:
    """The route that is asked when nobody names one: as configured, else the first without `*`; None without any."""
    gateway = config.gateway
    return gateway.default_route or next((name for name in gateway.routes if not name.endswith("*")), None)


def _provider(
    name: str, provider: Provider, environ: Mapping[str, str], embedded_url: str | None, embedded_key: str | None
) -> settings.ProviderSettings:
    if provider.kind == "embedded":
        if embedded_url is None:
            raise ValueError("compile_edge needs embedded_url, because a chain uses the embedded provider")
        url, key = embedded_url, embedded_key
    else:
        url = provider.base_url or BASE_URLS.get(provider.kind, "")
        key = resolve(provider.api_key, environ) if provider.api_key else None
    headers = {}
    for header, value in provider.headers.items():
        ref = header_reference(header, value)
        headers[header] = resolve(ref, environ) if ref else value
    return settings.ProviderSettings(
        name=name,
        kind=provider.kind,
        base_url=url.rstrip("/"),
        api_key=key,
        headers=headers,
        connect_timeout_s=provider.connect_timeout_s,
    )


def _route(config: Config, name: str) -> settings.Route:
    route = config.gateway.routes[name]
    chain = tuple(settings.Target(*target.split("/", 1)) for target in route.chain)
    masking = compile_masking(config, route)
    return msgspec.convert({**_limits(route), "name": name, "chain": chain, "masking": masking}, settings.Route)


def _limits(route: Route) -> dict[str, object]:
    nodes = {"quality": route.quality, "hedge": route.hedge}
    plain = {name: value for name, value in _plain(route).items() if name != "guard"}
    return {**plain, **{name: None if node is None else node.model_dump() for name, node in nodes.items()}}


def _mode(config: Config, name: str, mode: Mode) -> settings.Mode:
    objective = mode.objective
    return settings.Mode(
        name=name,
        roles=tuple(_role(config, name, mode, at) for at in range(len(mode.roles))),
        parameters=msgspec.convert(_plain(mode.parameters), settings.Parameters),
        objective=None if objective is None else msgspec.convert(_plain(objective), settings.Objective),
        downshift=msgspec.convert(_plain(mode.downshift), settings.Downshift),
        recovery=msgspec.convert(_plain(mode.recovery), settings.Recovery),
    )


def _role(config: Config, mode_name: str, mode: Mode, at: int) -> settings.Route:
    role, named = list(mode.roles.items())[at]
    routes = config.gateway.routes
    chain = dict.fromkeys(target for name in named for target in (routes[name].chain if name in routes else [name]))
    limits = _limits(routes[named[0]]) if len(named) == 1 and named[0] in routes else {}
    return msgspec.convert(
        {
            **limits,
            **({"prompt": mode.prompts[role]} if role in mode.prompts else {}),
            "role": role,
            "name": f"{mode_name}/{role}" if at else mode_name,
            "chain": tuple(settings.Target(*target.split("/", 1)) for target in chain),
            "deadline_s": mode.timeout_s,
            "masking": compile_masking(config, None),
            **({} if mode.hedge is None else {"hedge": mode.hedge.model_dump()}),
        },
        settings.Route,
    )


def _price(price: ModelPrice) -> settings.Price:
    cached, written = price.cached_input, price.cache_write
    return settings.Price(
        price.input,
        price.output,
        price.input if cached is None else cached,
        price.input if written is None else written,
        price.request,
    )


def _plain(node: Node) -> dict[str, object]:
    return {name: getattr(node, name) for name in type(node).model_fields}
