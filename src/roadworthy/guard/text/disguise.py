"""Prompts without personal data and secrets, answers with them again. Implements `core.ports.Disguise`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from roadworthy.core.ports import TextStream
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.masker import TextMasker
from roadworthy.guard.text.policy import Action, Policy
from roadworthy.guard.text.rule import Finding
from roadworthy.guard.text.streaming import StreamMasker
from roadworthy.guard.text.vault import TOKEN, MemoryVault, Restorer, Vault, scope_of

_WARM = "Ask bob@example.com, +1 415 555 2671, or `key=value`; the token budget is 12. 네, 그렇게 하시면 됩니다.\n"
"""States of automata that most answers need."""
_NAMES = frozenset(form for kind in Kind for form in (kind.value.encode(), kind.value.lower().encode()))
_EVERY = frozenset(Kind)
_TOKENS = dict.fromkeys(Kind, Action.TOKEN)
Prompts = Literal["off", "mask", "token"]


class Disguises:
    """Makes the disguise of each request. Rules are compiled once.

    Args:
        key: Of the tokens, at least 16 bytes; needed where prompts get tokens.
        masker: What finds; one of its own when None.
    """

    def __init__(self, key: bytes = b"", masker: TextMasker | None = None) -> None:
        self._key = key
        self._maskers = {_EVERY: TextMasker() if masker is None else masker}
        self._shared: dict[tuple[Prompts, bool, frozenset[Kind]], TextDisguise] = {}
        self._read: set[frozenset[Kind]] = set()  # kinds that are masked in answers

    def open(self, tenant: str, prompts: Prompts, answers: bool, kinds: Iterable[str] = ()) -> TextDisguise:
        """For one request.

        Args:
            tenant: Whose it is; another one's tokens are never restored.
            prompts: What happens to its texts.
            answers: Whether answers are masked too, before tokens are restored.
            kinds: Which kinds; all when empty.

        Raises:
            ValueError: A kind is not known, or tokens are wanted without a key.
        """
        wanted = frozenset(map(Kind, kinds)) if kinds else _EVERY
        if answers:
            self._read.add(wanted)
        if prompts == "token":
            vault = MemoryVault(self._key, scope_of(tenant))
            return TextDisguise(self._masker(wanted), prompts, answers, vault)
        shared = self._shared.get((prompts, answers, wanted))
        if shared is None:  # it keeps nothing of a request
            shared = TextDisguise(self._masker(wanted), prompts, answers, None)
            self._shared[prompts, answers, wanted] = shared
        return shared

    def prepare(self) -> None:
        """Compile what answers need, for every disguise opened so far: up to a second that no request waits."""
        for kinds in self._read:
            masker = self._masker(kinds)
            masker.horizon.prepare()
            stream = StreamMasker(masker)
            stream.feed(_WARM)
            stream.close()

    def _masker(self, kinds: frozenset[Kind]) -> TextMasker:
        """One that looks for these kinds alone: where two overlap, one that is not wanted would hide the other."""
        found = self._maskers.get(kinds)
        if found is None:
            kept = Policy({kind: Action.KEEP for kind in Kind if kind not in kinds})
            found = self._maskers[kinds] = TextMasker(policy=kept, literals=self._maskers[_EVERY].literals)
        return found


class TextDisguise:
    """See `core.ports.Disguise`.

    Args:
        masker: What finds.
        prompts: What happens to the request's texts.
        answers: Whether answers are masked.
        vault: Gives and takes back tokens; None without any.
    """

    def __init__(self, masker: TextMasker, prompts: Prompts, answers: bool, vault: Vault | None) -> None:
        self._masker = masker
        self._hides = prompts != "off"
        self._vault = vault
        self._answers = answers
        self.reads_answers = answers or vault is not None
        self._prompt_policy = _MARKS
        if vault is not None:
            self._prompt_policy = Policy(_TOKENS, token=vault.token)

    def hide(self, text: str, count: Callable[[str], None]) -> str:
        """See `Disguise.hide`."""
        if not self._hides:
            return text
        raw = text.encode("utf-8", "surrogatepass")
        found = [each for each in self._masker.find(raw) if not _is_token(raw, each)]
        if not found:
            return text
        for each in found:
            count(each.kind.value)
        return self._masker.replaced(raw, found, self._prompt_policy).decode("utf-8", "surrogatepass")

    def answer(self, count: Callable[[str], None], *, in_json: bool = False) -> TextStream:
        """See `Disguise.answer`."""
        steps: list[TextStream] = []
        if self._answers:
            steps.append(StreamMasker(self._masker, lambda kind: count(kind.value), _ANSWER))
        if self._vault is not None:
            steps.append(Restorer(self._vault, _in_json if in_json else None))
        return steps[0] if len(steps) == 1 else _Chain(steps)


class _AnswerPolicy(Policy):
    """Leaves tokens to those who restore them; also what stands before an escaped underscore in one."""

    def replacement(self, kind: Kind, value: bytes) -> bytes | None:
        return None if TOKEN.fullmatch(value) or value in _NAMES else super().replacement(kind, value)


class _Chain:
    """One stream behind the other."""

    def __init__(self, steps: Sequence[TextStream]) -> None:
        self._steps = steps

    def feed(self, text: str) -> str:
        for step in self._steps:
            text = step.feed(text)
        return text

    def close(self) -> str:
        text = ""
        for step in self._steps:
            text = step.feed(text) + step.close()
        return text


_MARKS, _ANSWER = Policy(), _AnswerPolicy()


def _is_token(raw: bytes, found: Finding) -> bool:
    return TOKEN.fullmatch(raw, found.start, found.end) is not None


def _in_json(value: bytes) -> bytes:
    return json.dumps(value.decode("utf-8", "replace"), ensure_ascii=False)[1:-1].encode()
