"""What all requests of one edge process share: routes, breakers, keys, the ledger, and what is told to operators."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from functools import cached_property
from random import random
from time import monotonic, time
from typing import TYPE_CHECKING

from roadworthy.core.attempts import Reason
from roadworthy.core.errors import AuthError, GatewayError, UnexpectedError
from roadworthy.core.ports import AllowanceStore, Disguise, Masker
from roadworthy.gateway.breaker import State
from roadworthy.gateway.edge.ask import Ask, require_chat
from roadworthy.gateway.edge.caller import Caller
from roadworthy.gateway.edge.deadline import Deadlines
from roadworthy.gateway.edge.exchange import Exchange
from roadworthy.gateway.edge.known_secrets import KnownSecrets
from roadworthy.gateway.edge.limited import LimitedCaller
from roadworthy.gateway.edge.link import Upstream, UpstreamLink
from roadworthy.gateway.edge.reserve import UNBOUNDED, Allowances
from roadworthy.gateway.edge.routing import Routed, RouteTable
from roadworthy.gateway.edge.sibling import News, Tell
from roadworthy.gateway.edge.upstream import Endpoint
from roadworthy.gateway.finished import Finished
from roadworthy.gateway.key_session import OWNER
from roadworthy.gateway.ledger import Ledger
from roadworthy.gateway.providers.contract import ProviderFailure
from roadworthy.gateway.providers.registry import build
from roadworthy.gateway.settings import EdgeSettings, Key, Masking
from roadworthy.runtime.log import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roadworthy.gateway.edge.answer_cache import AnswerCache
    from roadworthy.gateway.edge.cover import Cover
    from roadworthy.gateway.edge.prompting import PromptDesk
    from roadworthy.gateway.edge.turn import ModeDesk
    from roadworthy.gateway.edge.visit import Visit

READY_POLL_S = 0.1
ALARMING = {
    Reason.UNAUTHORIZED: "provider.unauthorized",
    Reason.MODEL_NOT_FOUND: "provider.model_not_found",
    Reason.STUB: "provider.stub_content",
}
"""Failures that fallback would hide and that do not heal by themselves: an operator must hear of them."""


class Service:
    """Create inside the running event loop.

    Args:
        settings: Compiled configuration.
        ledger: Where requests and events are remembered.
        masker: Takes secrets and personal data out of the providers' words.
        worker: Index of this process.
    """

    def __init__(self, settings: EdgeSettings, ledger: Ledger, masker: Masker, worker: int = 0) -> None:
        self.settings = settings
        self.worker = worker
        self.loop = asyncio.get_running_loop()
        self.jitter: Callable[[], float] = random
        self.started_at = monotonic()
        self.in_flight = 0
        self.key_count = 0
        self.allowances: Allowances | None = None
        """Limits of keys; None where nobody keeps them."""
        self.tell: Tell | None = None
        """Passes findings on to the other workers, where there are any."""
        self.secrets_generation = 0
        """Counts the keys that came after the start."""
        self.stores: dict[str, Callable[[], dict[str, object]]] = {}
        """How each store that replicas share is; empty without any."""
        self.disguise: Callable[[str, Masking], Disguise] | None = None
        """Gives what masks the requests of a key; None where no route asks for it."""
        self._ledger = ledger
        self._masker = masker
        self.known_secrets = KnownSecrets(settings.providers)
        self._deadlines = Deadlines()
        self._keys: dict[bytes, Key] = {}
        self.upstreams = {p.name: self._upstream(p.name) for p in settings.providers}
        self.table = RouteTable(settings, self.upstreams, self._breaker_changed)
        self.modes = self._modes() if settings.modes else None
        self.cache = self._cache() if settings.cache.enabled else None
        self._waiting_for: dict[str, asyncio.Task[None]] = {}
        if any(route.prompt is not None for route in settings.routes) or self.modes is not None:
            _ = self.prompts  # loaded now, not when the first request comes

    def _modes(self) -> ModeDesk:
        from roadworthy.gateway.edge.turn import ModeDesk

        return ModeDesk(self.settings, self.table, self.event, self.jitter)

    def _cache(self) -> AnswerCache:
        from roadworthy.gateway.edge.answer_cache import AnswerCache

        return AnswerCache(self.settings.cache, self, self._deadlines)

    @cached_property
    def prompts(self) -> PromptDesk:
        """What puts prompts before the caller's messages."""
        from roadworthy.gateway.edge.prompting import PromptDesk

        return PromptDesk(self.settings.prompts)

    def _upstream(self, name: str) -> Upstream:
        settings = next(p for p in self.settings.providers if p.name == name)
        provider = build(settings)
        endpoint = Endpoint(
            provider.base_url,
            provider.headers,
            settings.connect_timeout_s,
            self.settings.limits.max_reply_bytes,
            self._deadlines,
        )
        return Upstream(provider, endpoint, settings.kind, settings.prices)

    # -- keys

    def load_keys(self, keys: Iterable[Key]) -> None:
        """Replace the known keys."""
        self._keys = {bytes.fromhex(key.sha256): key for key in keys}
        self.key_count = len(self._keys)
        if self.allowances is not None:
            self.allowances.load(self._keys.values())

    def limit_keys(self, store: AllowanceStore) -> None:
        """Keep the keys' budgets and rates from now on.

        Args:
            store: Shared by the workers.
        """
        settings = self.settings
        self.allowances = Allowances(store, settings.budget, self.worker, settings.workers, self.crashed, time)
        self.allowances.load(self._keys.values())

    def authorize(self, authorization: bytes | None, scope: str, required: bool) -> str:
        """The public id of the caller's key, `anonymous` where none is required.

        Raises:
            AuthError: `unauthorized` without a valid key, `forbidden` when the key lacks the scope.
        """
        key = None
        if authorization is not None and authorization[:7].lower() == b"bearer ":
            key = self._keys.get(hashlib.sha256(authorization[7:].strip()).digest())
        if key is None:
            if required:
                raise AuthError(
                    "This gateway needs a valid key.",
                    "The request carries none that is known."
                    if authorization
                    else "The request has no Authorization line.",
                )
            return "anonymous"
        if required and scope not in key.scopes and "admin" not in key.scopes:
            raise AuthError(f"The key lacks the scope `{scope}`.", code="forbidden")
        return key.id

    def vouch(self, key_id: str, scope: str) -> str:
        """Whether the worker may ask in the name of a key whose secret it never had; the key must still be valid.

        Raises:
            AuthError: `unauthorized` when it is not any more, `forbidden` when it lacks the scope.
        """
        if not self.settings.require_key or key_id == OWNER:
            return key_id  # the worker's socket is the owner's alone
        key = next((key for key in self._keys.values() if key.id == key_id), None)
        if key is None:
            raise AuthError("This gateway needs a valid key.", "The key of the batch is not valid any more.")
        if scope not in key.scopes and "admin" not in key.scopes:
            raise AuthError(f"The key lacks the scope `{scope}`.", code="forbidden")
        return key_id

    # -- requests

    def serve(
        self, ask: Ask, caller: Caller, request_id: str, key_id: str, cache_control: bytes | None = None
    ) -> Exchange | Visit:
        """Send a checked request on its way. `cache_control` is the caller's header line of that name.

        Raises:
            UsageError: `unknown_model`, `unsupported_parameter`.
            GatewayError: `overloaded`.
        """
        routed = self.table.find(ask.model)
        if routed.mode is not None:
            require_chat(ask)
        if ask.prompted or routed.route.prompt is not None:
            self.prompts.open(ask, routed)
        if routed.route.masking is not None:
            ask.cover = self._cover(key_id, routed.route.masking)
        ask.check(routed.links)
        if self.in_flight >= self.settings.limits.max_requests_in_flight:
            raise GatewayError(
                "This gateway is at its limit of requests in flight.", code="overloaded", retry_after_s=1.0
            )
        visit = None
        if self.cache is not None:
            visit = self.cache.visit(ask, routed, caller, request_id, key_id, cache_control)
        work = self.exchange(ask, routed, caller, request_id, key_id) if visit is None else visit
        self.in_flight += 1  # now that it exists, its end will be told
        return work

    def _cover(self, key_id: str, masking: Masking) -> Cover:
        from roadworthy.gateway.edge.cover import Cover

        if self.disguise is None:
            raise UnexpectedError("A route masks prompts, and nothing was wired that does.")
        return Cover(self.disguise(key_id, masking))

    def exchange(self, ask: Ask, routed: Routed, caller: Caller, request_id: str, key_id: str) -> Exchange:
        """A request on its way to the providers, with what its key's limits are to reserve for it."""
        hold = None
        if self.allowances is not None:
            links, bounds = (routed.links, UNBOUNDED) if self.modes is None else self.modes.reach(routed)
            hold = self.allowances.hold(key_id, ask, links, bounds)
        if hold is not None and hold.account.rated:
            caller = LimitedCaller(caller, hold.account, time)
        exchange = Exchange(self, ask, routed, caller, request_id, key_id)
        exchange.hold = hold
        if routed.mode is not None and self.modes is not None:
            exchange.shown = self.modes.as_asked(routed)
        if ask.lead is not None:
            exchange.shown = ask.lead.shown(exchange.shown)
        return exchange

    def finished(self, record: Finished) -> None:
        """An exchange ended."""
        self.in_flight -= 1
        self._ledger.add(record)

    def turned_away(self, record: Finished) -> None:
        """A request was refused before any provider was looked at."""
        self._ledger.add(record)

    def journal_health(self) -> dict[str, object]:
        """Whether records reach the disk, and how many wait or were lost."""
        return self._ledger.health()

    def store_health(self) -> dict[str, dict[str, object]]:
        """How each store that replicas share is: `ok`, `error`, and what it tells of itself."""
        return {name: told() for name, told in self.stores.items()}

    # -- what operators must hear

    def redact(self, detail: str) -> str:
        """A provider's words without our keys, other secrets and personal data."""
        return self._masker.mask(self.known_secrets.take_out(detail)) if detail else ""

    def attempt_failed(self, link: UpstreamLink, failure: ProviderFailure, detail: str, request_id: str) -> None:
        """Raise the alarm where fallback would hide a failure that needs a person."""
        if self.tell is not None and (rest_s := link.breaker.benched_until - monotonic()) > 0:
            self.tell(News(link.provider_name, link.model, None, rest_s))
        kind = ALARMING.get(failure.reason)
        if kind is not None:
            self._ledger.event(
                kind,
                level="error",
                provider=link.provider_name,
                model=link.model,
                status=failure.status,
                detail=detail,
                request_id=request_id,
            )

    def stub_blocked(self, request_id: str, hint: str) -> None:
        """Placeholder content was about to be served in production."""
        self._ledger.event("stub_in_production_forbidden", level="critical", request_id=request_id, debug_hint=hint)

    def crashed(self, where: str, error: BaseException, request_id: str = "") -> None:
        """A bug of ours was caught at a door; the type is told, never the text, which may hold a caller's words."""
        trace, place = error.__traceback__, ""
        while trace is not None:
            place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
            trace = trace.tb_next
        self._ledger.event(
            "unexpected_error",
            level="critical",
            where=where,
            error=type(error).__name__,
            place=place,
            request_id=request_id,
        )

    def event(self, kind: str, level: Level = "info", **fields: object) -> None:
        """Something rare and worth remembering."""
        self._ledger.event(kind, level=level, **fields)

    def _breaker_changed(self, provider: str, model: str, old: State, new: State, why: str) -> None:
        if self.tell is not None:
            rest_s = 0.0 if new == "closed" else self.settings.breaker.open_s
            self.tell(News(provider, model, new, rest_s))
        self._ledger.event(
            f"breaker.{new}",
            level="warning" if new == "open" else "info",
            provider=provider,
            model=model,
            old=old,
            why=why,
        )

    # -- breakers

    def breakers(self) -> list[dict[str, object]]:
        """State of every target, for status pages."""
        now = monotonic()
        return [
            {
                "provider": link.provider_name,
                "model": link.model,
                "state": link.breaker.state,
                "ready": link.ready,
                "consecutive_failures": link.breaker.consecutive_failures,
                "window_failures": link.breaker.window_failures,
                "window_size": link.breaker.window_size,
                "retry_in_s": round(link.breaker.retry_in_s(now), 3),
                "benched_s": round(max(0.0, link.breaker.benched_until - now), 3),
            }
            for link in self.table.links()
        ]

    def follow(self, news: News) -> None:
        """Take over what another worker found out about a target that this one knows too."""
        for link in self.table.links():
            if link.provider_name == news.provider and link.model == news.model:
                link.breaker.follow(news.state, news.rest_s, monotonic())

    def reset_breakers(self, provider: str | None, model: str | None) -> int:
        """Close the breakers of a target, a provider, or all; returns how many were looked at."""
        count = 0
        for link in self.table.links():
            if provider in {None, link.provider_name} and model in {None, link.model}:
                link.breaker.reset()
                count += 1
        return count

    # -- the embedded model's process

    def embedded_lost(self, upstream: Upstream) -> None:
        """Its connection broke: its supervisor starts it again; requests wait for it instead of failing."""
        if upstream.name not in self._waiting_for:
            upstream.ready = False
            self._waiting_for[upstream.name] = self.loop.create_task(self._wait_until_ready(upstream))

    def watch_embedded(self) -> None:
        """At start: wait for every embedded model."""
        for upstream in self.upstreams.values():
            if upstream.embedded:
                self.embedded_lost(upstream)

    async def _wait_until_ready(self, upstream: Upstream) -> None:
        while not await upstream.endpoint.healthy("/health"):  # noqa: ASYNC110 - another process cannot set an event
            await asyncio.sleep(READY_POLL_S)
        for link in self.table.links():
            if link.upstream is upstream and link.breaker.state != "closed":
                link.breaker.reset()
        upstream.ready = True
        del self._waiting_for[upstream.name]
        self._ledger.event("model.ready", provider=upstream.name)

    @property
    def ready(self) -> bool:
        """Whether the default route could serve now."""
        routed, now = self.table.default, monotonic()
        links = routed.links if routed is not None else tuple(self.table.links())
        if not links:
            return bool(self.settings.routes)
        return any(link.ready and link.breaker.retry_in_s(now) == 0 for link in links)

    def close(self) -> None:
        """Stop waiting and close idle connections."""
        for task in self._waiting_for.values():
            task.cancel()
        if self.modes is not None:
            self.modes.close()
        self._deadlines.close()
        if self.cache is not None:
            self.cache.close()
        if self.allowances is not None:
            self.allowances.close()
        for upstream in self.upstreams.values():
            upstream.endpoint.close()
