"""The routes of the admin API. Each answer is a JSON object; who may ask is decided in `control_access`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from roadworthy import __version__
from roadworthy.core.errors import GatewayError, StorageError, UsageError
from roadworthy.core.ports import Entry
from roadworthy.gateway.budget_view import UsedStore, budgets_today
from roadworthy.gateway.chat import explain_validation
from roadworthy.gateway.keys import Key, KeyStore
from roadworthy.gateway.settings import KeyLimits
from roadworthy.runtime.journal import SqliteJournal, Stored
from roadworthy.serve.control_workers import WorkerAnswer, Workers
from roadworthy.serve.rundir import read_run_record

MAX_BODY_BYTES = 64 * 1024
MAX_ENTRIES = 1_000
DEFAULT_ENTRIES = 100

B = TypeVar("B")


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /admin/keys`."""

    name: str
    scopes: tuple[str, ...]
    expires_s: float | None = None
    limits: dict[str, float | None] = {}


class Limits(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /admin/keys/{id}/limits`: new values by name; null takes a limit away."""

    limits: dict[str, float | None]


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /admin/keys/{id}/rotate`: seconds for which the old secret stays valid."""

    overlap_s: float = 0.0


class Reset(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /admin/breakers/reset`: one model of a provider, all of its models, or everything."""

    provider: str | None = None
    model: str | None = None


class AdminApi:
    """Answers admins.

    Args:
        state_dir: Where the supervisor writes what it knows about its processes.
        profile: Name of the profile in force.
        workers: The edge workers.
        keys: The key store.
        journal: The journal.
        budget: Limits of keys that have none of their own.
        shared: What replicas used of their budgets, where they share them.
    """

    def __init__(
        self,
        state_dir: Path,
        profile: str,
        workers: Workers,
        keys: KeyStore,
        journal: SqliteJournal,
        budget: KeyLimits,
        shared: UsedStore | None = None,
    ) -> None:
        self._shared = shared
        self._budget = budget
        self._state_dir = state_dir
        self._profile = profile
        self._workers = workers
        self._keys = keys
        self._journal = journal

    def routes(self) -> list[Route]:
        """Paths and what answers them."""
        return [
            Route("/admin/status", self.status, methods=["GET"]),
            Route("/admin/breakers", self.breakers, methods=["GET"]),
            Route("/admin/breakers/reset", self.reset_breakers, methods=["POST"]),
            Route("/admin/modes", self.modes, methods=["GET"]),
            Route("/admin/cache", self.cache, methods=["GET"]),
            Route("/admin/cache/clear", self.clear_cache, methods=["POST"]),
            Route("/admin/keys", self.list_keys, methods=["GET"]),
            Route("/admin/keys", self.create_key, methods=["POST"]),
            Route("/admin/keys/reload", self.reload_keys, methods=["POST"]),
            Route("/admin/keys/{key}", self.revoke_key, methods=["DELETE"]),
            Route("/admin/keys/{key}/revoke", self.revoke_key, methods=["POST"]),
            Route("/admin/keys/{key}/limits", self.limit_key, methods=["POST"]),
            Route("/admin/keys/{key}/rotate", self.rotate_key, methods=["POST"]),
            Route("/admin/journal", self.journal, methods=["GET"]),
            Route("/admin/journal/verify", self.verify_journal, methods=["GET"]),
        ]

    async def status(self, request: Request) -> JSONResponse:
        """Version, processes, and what every worker says of itself; unknown is null."""
        answers = await self._workers.ask("GET", "/internal/status")
        record = await run_in_threadpool(read_run_record, self._state_dir)
        processes = None if record is None else [msgspec.to_builtins(child) for child in record.children]
        pids = {child.name: child.pid for child in record.children} if record else {}
        return answer(request, {
            "version": __version__,
            "profile": self._profile,
            "supervisor": None if record is None else {"pid": record.pid, "started_at": record.started_at},
            "processes": processes,
            "workers": [_worker(answer, pids.get(f"edge-{answer.worker}")) for answer in answers],
            "breakers": _breakers(answers),
            "stores": _stores(answers),
            "budgets": await run_in_threadpool(self._budgets),
        })  # fmt: skip

    def _budgets(self) -> list[dict[str, Any]] | None:
        """None while the store that replicas share is away; `stores` says so."""
        limits, now = {key.id: key.limits for key in self._keys.list()}, time.time()
        try:
            found = budgets_today(self._state_dir, limits, self._budget, now, self._shared)
        except StorageError:
            if self._shared is None:
                raise
            return None
        return [use._asdict() for use in found]

    async def breakers(self, request: Request) -> JSONResponse:
        """Every worker's breakers, and the numbers of the workers whose breakers are unknown."""
        answers = await self._workers.ask("GET", "/internal/status")
        return answer(request, {"breakers": _breakers(answers), "unknown_workers": _silent(answers)})

    async def modes(self, request: Request) -> JSONResponse:
        """Every worker's modes, and the numbers of the workers whose modes are unknown."""
        answers = await self._workers.ask("GET", "/internal/status")
        return answer(request, {"modes": _told(answers, "modes"), "unknown_workers": _silent(answers)})

    async def reset_breakers(self, request: Request) -> JSONResponse:
        """Close breakers in every worker."""
        wanted = await read_body(request, Reset)
        if wanted.provider is None and wanted.model is not None:
            raise UsageError("The request names a model without its provider.", param="provider")
        providers = [wanted.provider] if wanted.provider is not None else await self._providers()
        count, silent = 0, set[int]()
        for provider in providers:
            body = {"provider": provider, "model": wanted.model}
            answers = await self._workers.ask("POST", "/internal/breakers/reset", body)
            silent.update(_must_answer(answers))
            count += sum(answer.data.get("reset", 0) for answer in answers if answer.data is not None)
        told = {"provider": wanted.provider, "model": wanted.model, "key_id": request.state.key_id, "reset": count}
        entry = Entry("breaker.reset", time.time(), msgspec.json.encode(told))
        await run_in_threadpool(self._journal.append, [entry])
        return answer(request, {"reset": count, "unknown_workers": sorted(silent)})

    async def cache(self, request: Request) -> JSONResponse:
        """Every worker's cache, and the numbers of the workers whose cache is unknown."""
        answers = await self._workers.ask("GET", "/internal/status")
        caches = [{"worker": a.worker, **a.data["cache"]} for a in answers if a.data is not None and "cache" in a.data]
        return answer(request, {"caches": caches, "unknown_workers": _silent(answers)})

    async def clear_cache(self, request: Request) -> JSONResponse:
        """Forget every kept answer in every worker."""
        answers = await self._workers.ask("POST", "/internal/cache/clear")
        silent = _must_answer(answers)
        count = sum(answer.data.get("cleared", 0) for answer in answers if answer.data is not None)
        told = {"key_id": request.state.key_id, "cleared": count, "unknown_workers": silent}
        await run_in_threadpool(self._journal.append, [Entry("cache.cleared", time.time(), msgspec.json.encode(told))])
        return answer(request, {"cleared": count, "unknown_workers": silent})

    async def list_keys(self, request: Request) -> JSONResponse:
        """All keys, without secrets."""
        keys = await run_in_threadpool(self._keys.list)
        return answer(request, {"keys": [key_told(key) for key in keys]})

    async def create_key(self, request: Request) -> JSONResponse:
        """Make a key; the only answer that ever holds its secret."""
        wanted = await read_body(request, NewKey)
        key, secret = await run_in_threadpool(
            self._keys.create, wanted.name, wanted.scopes, wanted.expires_s, wanted.limits
        )
        return answer(request, {"key": key_told(key), "secret": secret, **await self._reload()}, 201)

    async def revoke_key(self, request: Request) -> JSONResponse:
        """Take a key away."""
        key = await run_in_threadpool(self._keys.revoke, request.path_params["key"])
        return answer(request, {"key": key_told(key), **await self._reload()})

    async def limit_key(self, request: Request) -> JSONResponse:
        """Change what a key may use."""
        wanted = await read_body(request, Limits)
        key = await run_in_threadpool(self._keys.set_limits, request.path_params["key"], wanted.limits)
        return answer(request, {"key": key_told(key), **await self._reload()})

    async def rotate_key(self, request: Request) -> JSONResponse:
        """Give a key a new secret; the only answer that ever holds it."""
        rotation = await read_body(request, Rotation)
        key, secret = await run_in_threadpool(self._keys.rotate, request.path_params["key"], rotation.overlap_s)
        return answer(request, {"key": key_told(key), "secret": secret, **await self._reload()})

    async def reload_keys(self, request: Request) -> JSONResponse:
        """Have every worker read the keys now."""
        answers = await self._workers.ask("POST", "/internal/keys/reload")
        silent = _must_answer(answers)
        return answer(request, {"workers": len(answers) - len(silent), "unknown_workers": silent})

    async def journal(self, request: Request) -> JSONResponse:
        """Masked entries: the newest, or with `after` those behind a place; `kind` is a prefix of their kind."""
        kind = request.query_params.get("kind", "")
        limit = _number(request, "limit", 1, MAX_ENTRIES) or DEFAULT_ENTRIES
        after = _number(request, "after", 0, 2**63 - 1)
        if after is None:
            found = await run_in_threadpool(self._journal.tail, limit, kind)
        else:
            found = await run_in_threadpool(self._journal.read, kind, after, limit)
        return answer(request, {"entries": [_entry(stored) for stored in found]})

    async def verify_journal(self, request: Request) -> JSONResponse:
        """Recompute the hash chain; `first_bad_seq` is null when it is whole."""
        verified = await run_in_threadpool(self._journal.verify)
        return answer(request, {"whole": verified.first_bad_seq is None, **verified._asdict()})

    async def _providers(self) -> list[str]:
        answers = await self._workers.ask("GET", "/internal/status")
        _must_answer(answers)
        return sorted({str(breaker["provider"]) for breaker in _breakers(answers)})

    async def _reload(self) -> dict[str, Any]:
        """Tell the workers; a silent one reads the store by itself when it is back."""
        return {"unknown_workers": _silent(await self._workers.ask("POST", "/internal/keys/reload"))}


def answer(request: Request, body: dict[str, Any], status: int = 200) -> JSONResponse:
    """An answer that nothing on its way keeps."""
    headers = {"x-request-id": request.state.request_id, "cache-control": "no-store"}
    return JSONResponse(body, status, headers)


async def read_body(request: Request, kind: type[B]) -> B:
    """The request's body as `kind`; an empty one counts as `{}`."""
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_BODY_BYTES:
            raise UsageError(
                "The request body is too large.",
                f"{MAX_BODY_BYTES} bytes are allowed.",
                "Shorten it.",
                code="request_too_large",
            )
    try:
        return msgspec.json.decode(content or b"{}", type=kind)
    except msgspec.ValidationError as error:
        # The message quotes no value, but its context would.
        raise UsageError("The request body is not what it must be.", explain_validation(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UsageError("The request body is not valid JSON.") from None


def _worker(answer: WorkerAnswer, pid: int | None) -> dict[str, Any]:
    known = answer.data or {}
    return {
        "worker": answer.worker,
        "pid": known.get("pid", pid),
        "uptime_s": known.get("uptime_s"),
        "requests_in_flight": known.get("requests_in_flight"),
        "connections": known.get("connections"),
        "error": answer.error or None,
    }


def _breakers(answers: Sequence[WorkerAnswer]) -> list[dict[str, Any]]:
    return _told(answers, "breakers")


def _stores(answers: Sequence[WorkerAnswer]) -> dict[str, Any]:
    """Stores are the same for all workers: as the first one that answers tells."""
    told = ((answer.data or {}).get("stores") for answer in answers)
    return next((stores for stores in told if isinstance(stores, dict)), {})


def _told(answers: Sequence[WorkerAnswer], what: str) -> list[dict[str, Any]]:
    known = [(answer.worker, answer.data) for answer in answers if answer.data is not None]
    return [{"worker": worker, **item} for worker, data in known for item in data.get(what, [])]


def _silent(answers: Sequence[WorkerAnswer]) -> list[int]:
    return [answer.worker for answer in answers if answer.data is None]


def _must_answer(answers: Sequence[WorkerAnswer]) -> list[int]:
    """Numbers of the workers that gave no answer; an error when that is all of them."""
    silent = _silent(answers)
    if len(silent) == len(answers):
        raise GatewayError(
            "Nothing was changed.",
            "No worker answers.",
            "See `processes` of GET /admin/status.",
            code="gateway_unreachable",
        )
    return silent


def _number(request: Request, name: str, least: int, most: int) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise UsageError(f"`{name}` is not usable.", f"It must be a whole number from {least} to {most}.", param=name)
    return int(text)


def _entry(stored: Stored) -> dict[str, Any]:
    return {
        "sequence": stored.seq,
        "at": stored.at,
        "kind": stored.kind,
        "hash": stored.hash,
        "payload": msgspec.json.decode(stored.payload),
    }


def key_told(key: Key) -> dict[str, Any]:
    """A key as JSON, with what it is worth now."""
    return {**msgspec.to_builtins(key), "state": key.state(time.time())}
