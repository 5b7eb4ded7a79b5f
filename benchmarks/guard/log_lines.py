"""Text to measure on: the lines of a gateway's log, a few of them dirty; and the more varied lines of the corpus."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

from roadworthy.guard.corpus.generate import MAKERS, negative, positive
from roadworthy.guard.corpus.negative import NEGATIVES

DIRTY = 0.05
SEED = 12


def log(megabytes: float, seed: int = SEED) -> list[bytes]:
    """45 % JSON, 25 % access log with an IP address, 20 % key=value, 10 % Korean chat; 5 % with a value behind."""
    rng, lines, size = Random(seed), [], 0
    while size < megabytes * 1e6:
        line = rng.choices((_json, _access, _pairs, _chat), (45, 25, 20, 10))[0](rng)
        if rng.random() < DIRTY:
            line += _dirt(rng)
        lines.append(line.encode())
        size += len(lines[-1]) + 1
    return lines


def varied(megabytes: float, seed: int = SEED) -> list[bytes]:
    """Lines of the corpus, each of another shape: hard negatives, 5 % with values of every kind."""
    lines, size = [], 0
    for line in _varied(seed):
        lines.append(line.encode())
        size += len(lines[-1]) + 1
        if size >= megabytes * 1e6:
            return lines
    raise AssertionError("endless")


def _varied(seed: int) -> Iterator[str]:
    rng, kinds, families = Random(seed), list(MAKERS), list(NEGATIVES)
    for number in itertools.count():
        dirty = rng.random() < DIRTY
        sample = positive(rng.choice(kinds), seed, number) if dirty else negative(rng.choice(families), seed, number)
        yield sample.text.replace("\n", " ")


def _json(rng: Random) -> str:
    at = rng.randrange(3600)
    return (
        f'{{"time":"2026-11-21T10:{at // 60:02d}:{at % 60:02d}.{rng.randrange(1000):03d}Z","level":"info",'
        f'"event":"request","request_id":"req_{rng.getrandbits(96):024x}",'
        f'"at":{1_795_200_000 + at}.{rng.randrange(10**5):05d},'
        f'"latency_ms":{rng.random() * 900:.3f},"tokens":{rng.randrange(4000)},"model":"gpt-4.1-mini",'
        f'"user":"u{rng.randrange(10**6)}","msg":"served in {rng.randrange(999)} ms"}}'
    )


def _access(rng: Random) -> str:
    address = ".".join(str(rng.randint(1, 254)) for _ in range(4))
    return (
        f"{address} - - [21/Nov/2026:10:00:{rng.randrange(60):02d} +0900] "
        f'"GET /v1/chat?id={rng.randrange(10**9)} HTTP/1.1" 200 {rng.randint(100, 99999)} '
        f'"-" "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0"'
    )


def _pairs(rng: Random) -> str:
    return (
        f'level=info ts={1_795_000_000 + rng.randrange(10**6)} component=gateway msg="attempt done" '
        f"provider=openai model=gpt status=200 ms={rng.randrange(999)} trace={rng.getrandbits(128):032x}"
    )


def _chat(rng: Random) -> str:
    order, paid = rng.randint(10**6, 10**7), rng.randint(1000, 99999)
    return f"고객 문의: 주문 {order}번 배송이 언제 되나요? 어제 {paid}원 결제했습니다."


def _dirt(rng: Random) -> str:
    return rng.choice(
        (
            f" mail bob{rng.randrange(10**5)}@example.com",
            f" 010-{rng.randint(2000, 9999)}-{rng.randrange(10**4):04d}",
            " card 4111 1111 1111 1111",
            f" password=hunter{rng.randrange(10**5)}",
            f" key sk-{rng.getrandbits(192):048x}",
        )
    )
