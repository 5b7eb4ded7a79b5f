"""ART-08: the running process tells the digest of the weights that it loaded; where it cannot, that is not known."""

from __future__ import annotations

import re
from typing import Any

from roadworthy.client.gateway import GatewayClient
from roadworthy.core.errors import GatewayError
from roadworthy.runtime.config.tree import Config
from roadworthy.verify.outcome import NotMeasured, Outcome, not_applicable
from roadworthy.verify.probe import Context
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import alive, service_key

_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


def probe(context: Context) -> Outcome:
    """Look for a digest in what the service tells of its health."""
    url = alive(context)
    own = _own_models(of_service(context))
    if not own:
        context.evidence.write_json({"providers_that_load_weights": []}, "providers of the configuration")
        return not_applicable(
            "The service loads no weights itself.",
            predicate="a provider of kind embedded is in a chain",
            detail="0 providers of kind embedded",
        )
    try:
        with GatewayClient(url, service_key(), timeout_s=10.0) as client:
            told = dict(client.health().parts)
    except GatewayError as problem:
        raise NotMeasured(f"The service at {url} does not tell its health: {problem.what}") from None
    found = sorted(_digests(told))
    context.evidence.write_json(
        {"providers": own, "health": told, "digests": found}, "health of the service", covers=[url]
    )
    if not found:
        raise NotMeasured("The model's process does not tell the digest of the weights that it loaded.")
    raise NotMeasured(
        "The service tells a digest, but nothing here knows yet which file of the manifest it stands for."
    )


def _own_models(config: Config) -> list[str]:
    gateway = config.gateway
    used = {target.partition("/")[0] for route in gateway.routes.values() for target in route.chain}
    used |= {each.partition("/")[0] for mode in gateway.modes.values() for role in mode.roles.values() for each in role}
    return sorted(name for name, each in gateway.providers.items() if each.kind == "embedded" and name in used)


def _digests(told: Any) -> set[str]:
    if isinstance(told, dict):
        return {found for each in told.values() for found in _digests(each)}
    if isinstance(told, list):
        return {found for each in told for found in _digests(each)}
    return {told} if isinstance(told, str) and _DIGEST.fullmatch(told) else set()
