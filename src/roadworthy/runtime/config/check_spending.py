"""Rules between the keys of gateway.budget and gateway.prices, and what they mean for the chains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from roadworthy.core.errors import ConfigError
from roadworthy.core.model_name import undated
from roadworthy.runtime.config.prices import MODEL_NAME, collected
from roadworthy.runtime.config.report import KeyPath, suggest
from roadworthy.runtime.config.tree import KINDS, Budget, Prices


class Fault(NamedTuple):
    """Something that is wrong, or most likely not meant."""

    path: KeyPath
    text: str
    warning: bool = False


def spending_faults(gateway: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults of prices and budgets. What has a wrong type is told elsewhere and passed over here.

    Args:
        gateway: `gateway` as it stands in the merged layers.
    """
    if "prices" not in gateway and "budget" not in gateway:
        return
    nodes = gateway.get("providers", {"embedded": {"kind": "embedded"}})
    kinds = {
        str(name): str(node.get("kind", ""))
        for name, node in (nodes.items() if isinstance(nodes, Mapping) else ())
        if isinstance(node, Mapping)
    }
    try:
        prices = Prices.model_validate(gateway.get("prices", {}))
        budget = Budget.model_validate(gateway.get("budget", {}))
    except ValidationError:
        return
    yield from _names(prices, kinds)
    try:
        priced = collected(prices, kinds)
    except ConfigError as error:
        yield Fault(("gateway", "prices", "file"), f"{error.what} {error.why}".rstrip("."))
        return
    yield from _budget(budget)
    if budget.default.usd_per_day is not None and budget.unpriced == "refuse":
        yield from _unpriced(gateway, kinds, {name: set(models) for name, models in priced.items()})


def _names(prices: Prices, kinds: Mapping[str, str]) -> Iterator[Fault]:
    for label in prices.models:
        path: KeyPath = ("gateway", "prices", "models", label)
        owner = label.partition("/")[0]
        if not re.fullmatch(MODEL_NAME, label):
            yield Fault(path, "expected provider/model, for example openai/gpt-4.1-mini")
        elif owner not in kinds and owner not in KINDS:
            yield Fault(path, "names neither a provider nor a kind" + suggest(owner, [*kinds, *KINDS]))
        elif owner not in kinds and owner not in kinds.values():
            yield Fault(path, "no provider of this name or kind is configured", True)
        elif kinds.get(owner, owner) == "embedded":
            yield Fault(path, "the embedded model costs 0 by definition")


def _budget(budget: Budget) -> Iterator[Fault]:
    default = budget.default
    for name, value in (("usd_per_day", default.usd_per_day), ("tokens_per_day", default.tokens_per_day)):
        if value == 0:
            yield Fault(("gateway", "budget", "default", name), "0 allows nothing; leave it out for no limit", True)
    for name, most in (("tokens_per_day", default.tokens_per_day), ("tokens_per_minute", default.tokens_per_minute)):
        if most and most <= budget.max_output_tokens:
            text = "refuses requests without max_tokens, because gateway.budget.max_output_tokens is reserved for each"
            yield Fault(("gateway", "budget", "default", name), text, True)


def _unpriced(gateway: Mapping[str, Any], kinds: Mapping[str, str], priced: Mapping[str, set[str]]) -> Iterator[Fault]:
    routes = gateway.get("routes")
    for name, route in routes.items() if isinstance(routes, Mapping) else ():
        chain = route.get("chain") if isinstance(route, Mapping) else None
        for at, target in enumerate(chain if isinstance(chain, list) else ()):
            provider, _, model = str(target).partition("/")
            known = kinds.get(provider) in (None, "embedded") or model == "*"
            if not known and not {model, undated(model)} & priced[provider]:
                yield Fault(
                    ("gateway", "routes", name, "chain", at),
                    "has no price, and gateway.budget.default.usd_per_day refuses models without one; give it one in "
                    "gateway.prices.models, or set gateway.budget.unpriced: allow",
                )
