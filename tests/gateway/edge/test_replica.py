"""What replicas write for each other, what they take over, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import msgspec
import pytest

from roadworthy.gateway.breaker import Breaker
from roadworthy.gateway.edge.replica import MAX_REST_S, Letter, Replicas, places
from roadworthy.gateway.edge.sibling import News
from roadworthy.gateway.settings import Breaker as Rules
from roadworthy.gateway.settings import ProviderSettings

PROVIDERS = (
    ProviderSettings("openai", "openai", "https://api.openai.com/v1"),
    ProviderSettings("near", "compatible", "http://127.0.0.1:8000/v1"),
    ProviderSettings("embedded", "embedded", "http://127.0.0.1:9/v1"),
)


class FakeLine:
    """Keeps what was sent; `store` is what the server holds."""

    up = True
    why = ""
    host = "h:6379"

    def __init__(self) -> None:
        self.sent: list[tuple[object, ...]] = []
        self.store: dict[str, tuple[bytes, int]] = {}

    def send(self, *command: bytes | str | int, told: Callable[[object], None] | None = None) -> None:
        self.sent.append(command)
        if told is not None and command[0] == "EVAL" and command[3] in self.store:
            told(list(self.store[str(command[3])]))


class Rig:
    def __init__(self, host: str = "m1", replica: str = "one") -> None:
        self.line = FakeLine()
        self.links = [
            SimpleNamespace(provider_name=name, model="m", breaker=Breaker(Rules())) for name in ("openai", "embedded")
        ]
        self.followed: list[News] = []
        self.events: list[str] = []
        self.replicas = Replicas(
            replica, 0, "rw", places(PROVIDERS, host), lambda: self.links,  # type: ignore[arg-type,return-value]
            self.followed.append, lambda kind, **_: self.events.append(kind),
        )  # fmt: skip
        self.replicas.line = self.line

    @property
    def published(self) -> list[bytes]:
        return [sent[2] for sent in self.line.sent if sent[0] == "PUBLISH"]  # type: ignore[misc]


def news(provider: str = "openai", state: str | None = "open", rest_s: float = 10.0) -> News:
    return News(provider, "m", state, rest_s)


def test_news_are_kept_as_long_as_they_hold_and_told() -> None:
    one, two = Rig(), Rig("m2", "two")
    for each in (news(), news(state=None, rest_s=3.0), news(state="closed", rest_s=0.0)):
        one.replicas.tell(each)
    kept = [(sent[0], sent[1].split(":")[1], *sent[3:]) for sent in one.line.sent if sent[0] != "PUBLISH"]
    assert kept == [("SET", "breaker", "PX", 10_000), ("SET", "bench", "PX", 3_000), ("DEL", "breaker")]
    for content in one.published:
        two.replicas.heard(content)
        one.replicas.heard(content)
    assert [each.state for each in two.followed] == ["open", None, "closed"]
    assert one.followed == []


def test_a_server_on_the_machine_itself_is_another_one_elsewhere() -> None:
    one, same, other = Rig(), Rig("m1", "two"), Rig("m2", "three")
    one.replicas.tell(news("near"))
    one.replicas.tell(news("embedded"))
    assert len(one.published) == 1
    for rig in (same, other):
        rig.replicas.heard(one.published[0])
    assert [each.provider for each in same.followed] == ["near"]
    assert other.followed == []


def test_the_embedded_model_of_another_replica_is_not_ours() -> None:
    one = Rig()
    for place in ("", "x"):
        one.replicas.heard(msgspec.json.encode(Letter("two", place, news("embedded"))))
    assert one.followed == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b'{"replica":"x"}', b'{"replica":1,"place":"","news":{}}', b"null"]
)
def test_what_nobody_can_read_is_told_once(content: bytes) -> None:
    one = Rig()
    one.replicas.heard(content)
    one.replicas.heard(content)
    assert one.events == ["state.unreadable"]
    assert one.followed == []


@pytest.mark.parametrize(("rest_s", "taken"), [(1e9, MAX_REST_S), (-5.0, 0.0), (7.0, 7.0)])
def test_nobody_makes_us_rest_too_long(rest_s: float, taken: float) -> None:
    one = Rig()
    place = places(PROVIDERS, "m1")["openai"]
    one.replicas.heard(msgspec.json.encode(Letter("two", place, news(rest_s=rest_s))))
    assert [each.rest_s for each in one.followed] == [taken]


def test_who_comes_later_learns_what_still_holds() -> None:
    one, late = Rig(), Rig("m2", "two")
    one.replicas.tell(news(state="half_open"))
    one.replicas.tell(news(state=None, rest_s=9.0))
    for sent in one.line.sent:
        if sent[0] == "SET":
            late.line.store[str(sent[1])] = (sent[2], 4_000)  # type: ignore[assignment]
    late.replicas.changed(True, "")
    assert late.followed == [news(rest_s=4.0), news(state=None, rest_s=4.0)]


def test_back_from_an_outage_tells_what_was_found_out_in_it() -> None:
    one = Rig()
    one.replicas.changed(False, "refused")
    one.replicas.changed(False, "refused")
    breaker = one.links[0].breaker
    for _ in range(3):
        breaker.failed(breaker.admit(0.0), 0.0)
    breaker.bench(1e12)
    one.replicas.changed(True, "")
    letters = [msgspec.json.decode(content, type=Letter).news.state for content in one.published]
    assert letters == ["open", None]
    assert all("NX" in sent for sent in one.line.sent if sent[0] == "SET")
    assert one.events == ["state.away", "state.back"]


def test_while_it_is_away_nothing_is_sent_and_health_says_so() -> None:
    one = Rig()
    one.line.up, one.line.why = False, "Connection refused"
    one.replicas.tell(news())
    one.replicas.beat()
    assert one.line.sent == []
    assert one.replicas.health() == {
        "ok": False, "host": "h:6379", "replicas": None, "workers": None, "error": "store_unavailable",
        "why": "Connection refused",
    }  # fmt: skip
