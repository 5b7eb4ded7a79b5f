"""What replicas of one gateway tell each other through Valkey or Redis: whom to leave alone, and that they live.

The same news as between the workers of one machine (`sibling`), told by each worker to all workers of other replicas,
so that no process stands between them. What still holds is also kept under a key that ends with it, for those who come
later. Losing any of it costs nothing but the old behaviour: a replica finds out by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from urllib.parse import urlsplit

import msgspec

from roadworthy.gateway.edge.link import UpstreamLink
from roadworthy.gateway.edge.sibling import News
from roadworthy.gateway.line import Line
from roadworthy.gateway.settings import ProviderSettings

MAX_REST_S = 3_600.0
"""Nobody makes us leave a target alone for longer than a breaker could."""
BEAT_S = 2.0
ALIVE_S = 6.0
GONE_S = 86_400.0
_BEAT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. (now - ARGV[2]), '+inf')
"""


class Letter(msgspec.Struct, forbid_unknown_fields=True):
    """News, the replica that it comes from, and which server it calls by the provider's name (see `places`)."""

    replica: str
    place: str
    news: News


def places(providers: Iterable[ProviderSettings], host: str) -> dict[str, str]:
    """Which server each provider's name stands for, as a short text that is the same in every replica.

    A server on the machine itself is another one on every machine, and the embedded model is each replica's own: it is
    left out, so that nobody hears of it.

    Args:
        providers: As configured.
        host: Name of this machine.
    """
    found = {}
    for each in providers:
        if each.kind != "embedded":
            address = urlsplit(each.base_url).hostname or ""
            local = address == "localhost" or address.startswith("127.") or address == "::1"
            text = f"{each.base_url} {host if local else ''}"
            found[each.name] = hashlib.sha256(text.encode()).hexdigest()[:12]
    return found


class Replicas:
    """The other replicas of this gateway, as one worker knows them.

    Args:
        replica: Name of this one; its other workers are told by `Siblings`.
        worker: Index of this worker.
        prefix: First part of every key.
        places: See `places`; what is not in it is not told and not heard.
        links: The targets that this worker knows.
        follow: Takes over news.
        event: Takes something worth remembering: kind, level, fields.
    """

    def __init__(
        self, replica: str, worker: int, prefix: str, places: Mapping[str, str],
        links: Callable[[], list[UpstreamLink]], follow: Callable[[News], None], event: Callable[..., None],
    ) -> None:  # fmt: skip
        self.channel = f"{prefix}:news"
        self.line: Line | None = None
        self.workers: int | None = None
        """Workers of all replicas that live; None while that is not known."""
        self.replicas: int | None = None
        """Replicas that live; None while that is not known."""
        self.last_count = 1
        """Replicas that lived when the server was last there."""
        self._replica = replica
        self._member = f"{replica}:{worker}"
        self._prefix = prefix
        self._places = places
        self._links = links
        self._follow = follow
        self._event = event
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(Letter).decode
        self._told_away = False
        self._unreadable = 0

    # -- telling

    def tell(self, news: News) -> None:
        """Tell the other replicas, those who live and those who come later; never waits."""
        if self.line is not None and self.line.up:
            self._tell(news, only_if_new=False)

    def beat(self) -> None:
        """Say that this worker lives, and count the others. Call it every `BEAT_S`."""
        if self.line is not None and self.line.up:
            words = (self._member, int(ALIVE_S * 1000), int(GONE_S * 1000))
            self.line.send("EVAL", _BEAT, 1, f"{self._prefix}:worker", *words, told=self._counted)

    def leave(self) -> None:
        """Say that this worker ends."""
        if self.line is not None:
            self.line.send("ZREM", f"{self._prefix}:worker", self._member)

    def _tell(self, news: News, only_if_new: bool) -> None:
        place = self._places.get(news.provider)
        if place is None or self.line is None:
            return
        letter = self._encode(Letter(self._replica, place, news))
        key = self._key(news.provider, news.model, benched=news.state is None)
        if news.state == "closed":
            self.line.send("DEL", key)
        else:
            rest_ms = max(1, int(min(news.rest_s, MAX_REST_S) * 1000))
            self.line.send("SET", key, letter, "PX", rest_ms, *(("NX",) if only_if_new else ()))
        self.line.send("PUBLISH", self.channel, letter)

    # -- hearing

    def heard(self, content: bytes) -> None:
        """A message of any replica arrived."""
        letter = self._letter(content)
        if letter is not None:
            self._follow(letter.news)

    def changed(self, up: bool, why: str) -> None:
        """The line stands or broke."""
        if not up:
            self.workers = self.replicas = None
            if not self._told_away:
                self._told_away = True
                self._event("state.away", level="error", why=why)
            return
        if self._told_away:
            self._told_away = False
            self._event("state.back", level="warning")
        self.beat()
        self._tell_present()
        self._learn_present()

    def health(self) -> dict[str, object]:
        """For health and status pages: `ok`, `host`, `replicas`, `workers`, `error` (a code), `why`."""
        line = self.line
        up = line is not None and line.up
        return {
            "ok": up, "host": None if line is None else line.host, "replicas": self.replicas, "workers": self.workers,
            "error": None if up else "store_unavailable", "why": (line.why if line and not up else "") or None,
        }  # fmt: skip

    def _tell_present(self) -> None:
        """What was found out while nobody could be told."""
        now = monotonic()
        for link in self._links():
            breaker = link.breaker
            if breaker.state != "closed":
                rest_s = max(breaker.retry_in_s(now), 0.001)
                self._tell(News(link.provider_name, link.model, "open", rest_s), only_if_new=True)
            if (rest_s := breaker.benched_until - now) > 0:
                self._tell(News(link.provider_name, link.model, None, rest_s), only_if_new=True)

    def _learn_present(self) -> None:
        """What the others found out before this worker listened."""
        assert self.line is not None
        for link in self._links():
            for benched in (False, True):
                self._learn(self._key(link.provider_name, link.model, benched))

    def _learn(self, key: str) -> None:
        def told(answer: object) -> None:
            if not isinstance(answer, list) or len(answer) != 2 or not isinstance(answer[0], bytes):
                return
            letter = self._letter(answer[0])
            if letter is None:
                return
            # Whoever probes now may never tell us how it went: until the key ends it counts as open.
            state = None if letter.news.state is None else "open"
            rest_s = max(0.0, int(answer[1]) / 1000)
            self._follow(News(letter.news.provider, letter.news.model, state, rest_s))

        assert self.line is not None
        script = "return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}"
        self.line.send("EVAL", script, 1, key, told=told)

    def _letter(self, content: bytes) -> Letter | None:
        """What it says, unless it is our own or means another server."""
        try:
            letter = self._decode(content)
        except msgspec.MsgspecError as error:
            self._unreadable += 1
            if self._unreadable == 1:  # the first says it all, and whoever writes it may write many
                self._event("state.unreadable", level="error", why=type(error).__name__)
            return None
        if letter.replica == self._replica or self._places.get(letter.news.provider) != letter.place:
            return None
        letter.news.rest_s = min(max(letter.news.rest_s, 0.0), MAX_REST_S)
        return letter

    def _counted(self, answer: object) -> None:
        if isinstance(answer, list):
            names = [name.decode() for name in answer if isinstance(name, bytes)]
            self.workers, self.replicas = len(names), len({name.rpartition(":")[0] for name in names})
            self.last_count = max(1, self.replicas)

    def _key(self, provider: str, model: str, benched: bool) -> str:
        place = self._places.get(provider, "")
        return f"{self._prefix}:{'bench' if benched else 'breaker'}:{place}:{provider}/{model}"
