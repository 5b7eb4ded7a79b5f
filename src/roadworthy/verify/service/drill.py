"""One drill: the running service runs this configuration, and a second edge of it stands beside doubles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from roadworthy import __version__
from roadworthy.client.gateway import GatewayClient
from roadworthy.client.transport import RemoteError
from roadworthy.core.errors import GatewayError
from roadworthy.verify.outcome import Finding, NotMeasured, Severity, finding
from roadworthy.verify.probe import Context
from roadworthy.verify.service.asking import Caller, Question, Reply, ask_all
from roadworthy.verify.service.configuration import Copy, Line, copy_of, of_service
from roadworthy.verify.service.double import Doubles
from roadworthy.verify.service.exposition import Scrape, parsed
from roadworthy.verify.service.second import SecondEdge, reset_breakers

KEY_VARIABLE = "ROADWORTHY_API_KEY"


@dataclass
class Drill:
    """What a probe plays with.

    Attributes:
        context: Of the probe.
        copy: The second edge's configuration.
        doubles: Its providers.
        edge: The second edge.
        key: For its callers; None when it asks for none.
    """

    context: Context
    copy: Copy
    doubles: Doubles
    edge: SecondEdge
    key: str | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """Names that callers may ask for."""
        return self.copy.lines

    def ask(self, questions: Sequence[Question], **more: Any) -> list[Reply]:
        """Ask the second edge; see `ask_all`."""
        more.setdefault("key", self.key)
        return ask_all(self.edge.url, questions, **more)

    def one(self, model: str, text: str = "Why do bridges grow?", **more: Any) -> Reply:
        """One question to the second edge."""
        return self.ask([Question(model, text, more)], parallel=1)[0]

    def get(self, path: str, key: str | None = None) -> Reply:
        """One GET of the second edge."""
        caller = Caller(self.edge.url, key or self.key, 10.0)
        try:
            return caller.send("GET", path)
        finally:
            caller.close()

    def scrape(self, key: str | None = None) -> Scrape:
        """Its metrics now.

        Raises:
            NotMeasured: They do not come.
        """
        reply = self.get("/metrics", key)
        if reply.status != 200:
            raise NotMeasured(f"The second edge's metrics do not come: status {reply.status}.")
        return parsed(reply.body.decode("utf-8", "replace"))

    def calm(self) -> None:
        """Every provider healthy, every breaker closed, no rest that a provider asked for left."""
        self.doubles.all()
        reset_breakers(self.edge.state_dir)

    def breakers(self) -> dict[str, str]:
        """State by `provider/model`, as its health tells."""
        targets = self.get("/health").told.get("targets")
        found = targets if isinstance(targets, list) else []
        return {f"{each.get('provider')}/{each.get('model')}": str(each.get("state")) for each in found}

    def recorded(self) -> set[str]:
        """Ids of the requests in its records."""
        return set(request_ids(self.edge.command("gateway", "journal", "tail", "-n", "10000").get("entries", [])))

    @contextmanager
    def meanwhile(self, ask: Callable[[], list[Reply]]) -> Iterator[list[Reply]]:
        """Questions are under way inside of the `with`; what it gives is filled when it ends."""
        replies: list[Reply] = []
        thread = threading.Thread(target=lambda: replies.extend(ask()), daemon=True)
        thread.start()
        try:
            yield replies
        finally:
            thread.join(60)

    def until(self, wanted: Any, limit_s: float) -> bool:
        """Whether something becomes true within a time."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if wanted():
                return True
            time.sleep(0.02)
        return bool(wanted())


def request_ids(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Ids of finished requests in entries of the journal, in order."""
    found: list[str] = []
    for each in entries:
        payload = each.get("payload") or {}
        if each.get("kind") == "requests.finished":
            found += [str(one.get("request_id")) for one in payload.get("requests", [])]
        elif each.get("kind") == "request.finished":
            found.append(str(payload.get("request_id")))
    return found


@contextmanager
def drill(
    context: Context,
    *,
    longest_s: float | None = 2.0,
    changes: Mapping[str, Any] | None = None,
    keys: Mapping[str, Sequence[str]] | None = None,
    extra: Sequence[str] = (),
    alone: bool = False,
    folder: str = "edge",
    whole: bool = False,
) -> Iterator[Drill]:
    """A second edge of the service's configuration, running; ended afterwards.

    Args:
        context: Of the probe.
        longest_s: The longest deadline shrinks to this, and all times with it.
        changes: Further values of its configuration by dotted key.
        keys: Keys to make in its state directory before it starts: name and options; see `Drill.key` and `made`.
        extra: Names that the changes add to what it offers.
        alone: It may stand without a running service.
        folder: Of the second edge, in the scratch; another for each drill of a probe.
        whole: Start the supervisor with all of its processes instead; see `SecondEdge`.

    Raises:
        NotMeasured: The service is not there, runs another configuration, or the second edge does not start.
    """
    alone = alone and context.service is None
    if not alone:
        alive(context)
    config = of_service(context)
    with Doubles() as doubles:
        copy = copy_of(config, doubles.url, context.root, longest_s=longest_s, changes=changes)
        if not copy.lines:
            raise NotMeasured("The configuration has no route to ask.")
        doubles.serving(tuple(copy.data["gateway"]["providers"]))
        start_s = min(30.0, max(5.0, context.remaining_s() - 5.0))
        edge = SecondEdge(copy, context.scratch / folder, start_s, whole=whole)
        made = {name: edge.create_key(name, *options) for name, options in _keys(copy, keys).items()}
        context.progress("starting a second edge")
        with edge:
            found = Drill(context, copy, doubles, edge, made.get("verify"))
            if not alone:
                _agreed(context, found, extra)
            tell(context, found)
            found.copy.provider_keys.update({f"key:{name}": secret for name, secret in made.items()})
            yield found


def tell(context: Context, found: Drill) -> None:
    """Keep what the second edge is, and how it differs from the service."""
    told = {
        "what": "a second edge of the service's configuration, with doubles of its providers on loopback; the running "
        "service got no fault and no load of this drill",
        "service": context.service,
        "second_edge": found.edge.url,
        "version": __version__,
        "changed_from_to": found.copy.changed,
    }
    covers = [context.service] if context.service else []
    context.evidence.write_json(told, "the second edge", covers=covers)


def alive(context: Context) -> str:
    """The running service answers and is a gateway of this version.

    Returns:
        Its URL.

    Raises:
        NotMeasured: It does not, or is something else.
    """
    url = context.needs_service()
    try:
        with GatewayClient(url, service_key(), timeout_s=10.0) as client:
            health = client.live()
    except GatewayError as problem:
        raise NotMeasured(f"The service at {url} cannot be asked: {problem.what}") from None
    if not health.ok or health.parts.get("status") != "alive":
        raise NotMeasured(f"The service at {url} does not say that it is alive (status {health.status}).")
    return url


def service_key() -> str | None:
    """Key for the running service: the variable that the other commands use."""
    import os

    return os.environ.get(KEY_VARIABLE) or None


def offered(url: str, key: str | None) -> tuple[str, ...]:
    """Names that a service offers, sorted.

    Raises:
        NotMeasured: It does not tell.
    """
    try:
        with GatewayClient(url, key, timeout_s=10.0) as client:
            return tuple(sorted(each.id for each in client.models()))
    except RemoteError as problem:
        raise NotMeasured(
            f"The service at {url} does not tell what it offers ({problem.code}); set {KEY_VARIABLE} to a key."
        ) from None
    except GatewayError as problem:
        raise NotMeasured(f"The service at {url} cannot be asked: {problem.what}") from None


def _agreed(context: Context, found: Drill, extra: Sequence[str]) -> None:
    url = context.needs_service()
    running, copied = set(offered(url, service_key())), set(offered(found.edge.url, found.key))
    if others := sorted((running ^ copied) - set(extra)):
        raise NotMeasured(
            f"The service at {url} does not run this configuration: they differ in {', '.join(others[:5])}. "
            "Name its file as `config` of the check, relative to the subject."
        )


def _keys(copy: Copy, keys: Mapping[str, Sequence[str]] | None) -> dict[str, Sequence[str]]:
    needed: dict[str, Sequence[str]] = dict(keys or {})
    if copy.data["gateway"]["require_key"] and "verify" not in needed:
        needed["verify"] = ("--scope", "use", "--scope", "operate")
    return needed


def wrong(context: Context, rule: str, message: str, *key: str, severity: Severity = Severity.HIGH) -> Finding:
    """A finding of a drill; its key is the rule and what it was seen at."""
    return finding(context.check, rule, message, key=(rule, *key), severity=severity)
