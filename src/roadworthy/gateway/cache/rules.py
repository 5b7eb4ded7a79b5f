"""What of the configuration can change an answer. It is part of every key: a store that outlives a restart, or that
replicas share while one of them has its next configuration already, never gives an answer kept under other rules.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from roadworthy.gateway.settings import EdgeSettings, Route

_canonical = msgspec.json.Encoder(order="sorted").encode


def rules_of(settings: EdgeSettings, route: Route, mode: str | None) -> str:
    """Everything but the request that decides what a route answers, as SHA-256 in hex.

    That is: whom it asks and where they are, what its gate lets pass, its prompt in all variants, what its mode
    fills in, and what is masked. How long anything may take is left out. The code of a custom check cannot be seen,
    its name can.

    Args:
        settings: Compiled configuration.
        route: A route, or a role of a mode.
        mode: Name of the mode that it is a role of.
    """
    known = {provider.name: provider for provider in settings.providers}
    chain: list[list[str]] = []
    for target in route.chain:
        provider = known[target.provider]
        # The embedded model's address is another one at every start.
        where = "" if provider.kind == "embedded" else provider.base_url
        chain.append([target.provider, target.model, provider.kind, where])
    name = None if route.prompt is None else route.prompt.partition("@")[0]
    prompts = sorted(one.digest for one in settings.prompts if one.name == name)
    parameters = next((one.parameters for one in settings.modes if one.name == mode), None)
    rules: list[object] = [chain, route.quality, route.role, prompts, parameters]
    if route.masking is not None:
        rules.append(route.masking)
    return sha256(_canonical(rules)).hexdigest()
