"""The end of the process while similar questions are compared: nobody waits any more, and nothing is printed."""

from __future__ import annotations

import threading
import time
from typing import Any

from roadworthy.gateway.cache.similar import SimilarQuestions


def test_what_is_found_after_the_end_is_told_to_nobody() -> None:
    """The process ends while the thread compares: its loop is closed."""
    entered, go_on, ended = threading.Event(), threading.Event(), []

    def encode(text: str) -> Any:
        entered.set()
        assert go_on.wait(5)
        return [1.0]

    def call(*_: object) -> None:
        ended.append("loop")
        raise RuntimeError("Event loop is closed")

    questions = SimilarQuestions(lambda: encode, 0.9, 10, call, lambda error: None)
    while not questions.ready:
        time.sleep(0.001)
    assert questions.find(b"p", "How do I change the size of the font?", lambda key: None)
    assert entered.wait(5)
    questions.close()
    go_on.set()
    questions._thread.join(5)
    assert ended == ["loop"]
