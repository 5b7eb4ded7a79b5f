"""What masking costs a request of the duel: CPU in process, of what is hidden on its way out and in its answer.

python benchmarks/guard/cover.py [--runs 5]

No sockets: `benchmarks/gateway/features.py` tells what it costs a whole gateway (`guard`, `answers`).
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))

import msgspec
from load import body

from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.edge.cover import Cover
from roadworthy.gateway.providers.contract import Reply
from roadworthy.guard.text.disguise import Disguises

_ROUNDS = 100
_ANSWER = "The quick answer is yes: it works on three of four machines, and the fourth needs a newer kernel. "


def median_us(work: Callable[[], object], runs: int) -> float:
    """CPU of one call."""
    work()
    found = []
    for _ in range(runs):
        begun = process_time()
        for _ in range(_ROUNDS):
            work()
        found.append((process_time() - begun) / _ROUNDS * 1e6)
    return statistics.median(found)


def main() -> int:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    request = ChatRequest.parse(body("mock-plain"))
    disguises = Disguises(b"k" * 32)
    message = {"index": 0, "message": {"role": "assistant", "content": _ANSWER * 3}, "finish_reason": "stop"}
    reply = Reply(msgspec.json.encode({"id": "c", "choices": [message]}), "m", _ANSWER * 3, "stop", False, None)
    print(f"{'':34}{'us of CPU':>10}")
    print(f"{'parse the request, for comparison':34}{median_us(lambda: ChatRequest.parse(body('m')), runs):10.1f}")
    for prompts in ("mask", "token"):
        cost = median_us(partial(_covered, disguises, prompts, request), runs)
        print(f"{f'prompts: {prompts}':34}{cost:10.1f}")
    cover = Cover(disguises.open("", "mask", True))
    print(f"{'a whole answer':34}{median_us(lambda: cover.reply(reply), runs):10.1f}")
    pieces = [word + " " for word in (_ANSWER * 3).split(" ")]

    def stream() -> None:
        told = cover.stream_of(False)
        for piece in pieces:
            told.feed(piece)
        told.close()

    print(f"{'a piece of a streamed answer':34}{median_us(stream, runs) / len(pieces):10.1f}")
    return 0


def _covered(disguises: Disguises, prompts: str, request: ChatRequest) -> ChatRequest:
    return Cover(disguises.open("", prompts, False)).request(request)  # type: ignore[arg-type]


if __name__ == "__main__":
    raise SystemExit(main())
