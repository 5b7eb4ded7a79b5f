"""Finds the question that was asked before in other words. A thread of its own embeds and compares; nobody waits for it
longer than it pays: when it is behind, or still loading, a question counts as new.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple

from roadworthy.gateway.cache.encoder import Encode
from roadworthy.gateway.cache.veto import MAX_CHARS, marks, veto

MOST_WAITING = 16
"""About 60 ms of work on one core; what comes on top counts as new."""
VECTORS_KEPT = 64
"""A question that was looked for is added soon after: its vector is still there."""
COMPARED = 8
"""So many of the nearest are looked at word by word."""

Told = Callable[[bytes | None], None]


class _Known(NamedTuple):
    text: str
    vector: Any


class _Find(NamedTuple):
    partition: bytes
    text: str
    told: Told


class _Add(NamedTuple):
    partition: bytes
    text: str
    key: bytes


class SimilarQuestions:
    """The questions of one process whose answers are kept, by partition: only inside one are they compared.

    Args:
        load: Loads the sentence model; called in the thread.
        threshold: Least cosine similarity of two questions that may share an answer.
        max_entries: Questions that are remembered; the oldest goes first.
        call: Runs a function on the event loop's thread, such as `loop.call_soon_threadsafe`.
        failed: Told of a bug, on the event loop's thread; from then on every question is new.
    """

    def __init__(
        self,
        load: Callable[[], Encode],
        threshold: float,
        max_entries: int,
        call: Callable[..., object],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.ready = False
        self._load = load
        self._threshold = threshold
        self._max_entries = max_entries
        self._call = call
        self._failed = failed
        self._jobs: SimpleQueue[_Find | _Add | None] = SimpleQueue()
        self._known: dict[bytes, OrderedDict[bytes, _Known]] = {}
        self._order: OrderedDict[tuple[bytes, bytes], None] = OrderedDict()
        self._vectors: OrderedDict[str, Any] = OrderedDict()
        self._clear = self._closed = False
        self._thread = threading.Thread(target=self._run, name="similar", daemon=True)
        self._thread.start()

    # -- the event loop's side

    def find(self, partition: bytes, text: str, told: Told) -> bool:
        """Look for a question that may share its answer; False when there is no time for it, and nothing is told.

        Args:
            partition: Everything but the question itself.
            text: The question.
            told: Gets the key of the other question or None, once, on the event loop's thread.
        """
        if not self.ready or len(text) > MAX_CHARS or self._jobs.qsize() >= MOST_WAITING:
            return False
        self._jobs.put(_Find(partition, text, told))
        return True

    def add(self, partition: bytes, text: str, key: bytes) -> None:
        """Remember a question whose answer is kept under `key`; forgotten when the thread is behind."""
        if self.ready and len(text) <= MAX_CHARS and self._jobs.qsize() < MOST_WAITING:
            self._jobs.put(_Add(partition, text, key))

    def clear(self) -> None:
        """Forget all questions before the next one is looked for."""
        self._clear = True

    def close(self) -> None:
        """End the thread."""
        self.ready = False
        self._closed = True
        self._jobs.put(None)

    # -- the thread

    def _run(self) -> None:
        job: _Find | _Add | None = None
        try:
            encode = self._load()
            self.ready = True
            while (job := self._jobs.get()) is not None:
                if self._clear:
                    self._clear = False
                    self._known.clear()
                    self._order.clear()
                if isinstance(job, _Find):
                    self._tell(job.told, self._search(encode, job))
                else:
                    self._remember(encode, job)
        # The door of a background task: who waits is told that there is nothing, and the process goes on without it.
        except Exception as error:
            self.ready = False
            waiting = [job] if job is not None else []
            while not self._jobs.empty():
                if (left := self._jobs.get()) is not None:
                    waiting.append(left)
            for one in waiting:
                if isinstance(one, _Find):
                    self._tell(one.told, None)
            self._say(self._failed, error)

    def _tell(self, told: Told, key: bytes | None) -> None:
        self._say(told, key)

    def _say(self, to: Callable[..., object], what: object) -> None:
        try:
            self._call(to, what)
        except RuntimeError:  # the loop has ended meanwhile, and nobody waits any more
            if not self._closed:
                raise

    def _search(self, encode: Encode, job: _Find) -> bytes | None:
        known = self._known.get(job.partition)
        if marks(job.text).language is None:
            return None
        vector = self._vector(encode, job.text)
        if not known:
            return None
        near = sorted(((float(vector @ one.vector), key) for key, one in known.items()), reverse=True)[:COMPARED]
        for score, key in near:
            if score < self._threshold:
                return None
            if not veto(job.text, known[key].text):
                self._order.move_to_end((job.partition, key))
                return key
        return None

    def _remember(self, encode: Encode, job: _Add) -> None:
        if marks(job.text).language is None:
            return
        self._known.setdefault(job.partition, OrderedDict())[job.key] = _Known(job.text, self._vector(encode, job.text))
        self._order[job.partition, job.key] = None
        if len(self._order) > self._max_entries:
            partition, key = self._order.popitem(last=False)[0]
            del self._known[partition][key]
            if not self._known[partition]:
                del self._known[partition]

    def _vector(self, encode: Encode, text: str) -> Any:
        vector = self._vectors.get(text)
        if vector is None:
            vector = self._vectors[text] = encode(text)
            if len(self._vectors) > VECTORS_KEPT:
                self._vectors.popitem(last=False)
        return vector
