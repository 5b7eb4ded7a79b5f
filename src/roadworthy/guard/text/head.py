"""Where a pattern that begins with one of many words can be taken apart: the words, and what may come behind them.

Rules that know secrets and numbers by their names share hundreds of names. What such a rule may begin with is a name
that is not whole yet, or a whole name and the beginning of the rest. The first is the same for all rules with these
names; the second need only be asked where a name stands, which in most texts is nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from roadworthy.guard.text.prefix import Item, beginnings, parsed, written

_MANY_CHARS = 300
_LEAST_CHARS, _LEAST_SIGNS = 2, 4


class Part(NamedTuple):
    """One way to match a pattern.

    Attributes:
        head: Pattern of how it begins; all of it when there is no rest.
        rest: Pattern of every beginning of what follows; None when nothing does.
    """

    head: str
    rest: str | None


def parts(pattern: str) -> list[Part]:
    """The ways to match a pattern: what matches it matches one of the parts.

    Args:
        pattern: As for `prefix.prefixes`, and loosened as there.
    """
    found: list[Part] = []
    for items in parsed(pattern):
        found += _apart(items)
    return found


def _apart(items: Sequence[Item]) -> Iterator[Part]:
    place = _many(items)
    if place is None:
        yield Part(written(items), None)
        return
    place = _said(items, place)
    words, before, after = items[place], items[:place], items[place + 1 :]
    if len(words.source) < _MANY_CHARS or words.most != 1 or words.written != words.source or words.body is None:
        yield _part(before, words, after)
        return
    few: list[Sequence[Item]] = []
    for each in words.body:
        if _many(each) is None:
            few.append(each)
        else:
            yield from _apart([*before, *(_within(words.head, item) for item in each), *after])
    if few:
        source = f"{words.head}{'|'.join(map(written, few))})"
        yield _part(before, replace(words, source=source, body=tuple(map(tuple, few)), written=source), after)


def _part(before: Sequence[Item], words: Item, after: Sequence[Item]) -> Part:
    head = [*before, words]
    if not after or sum(map(_least, head)) < _LEAST_CHARS:
        return Part(written([*head, *after]), None)
    return Part(written(head), beginnings(after))


def _many(items: Sequence[Item]) -> int | None:
    """Where the first long group stands."""
    return next((at for at, item in enumerate(items) if item.body and len(item.source) >= _MANY_CHARS), None)


def _said(items: Sequence[Item], before: int) -> int:
    """The first place behind which some word or sign has been said; the given one when that is none."""
    said = 0
    for at, item in enumerate(items[:before]):
        said += (least := _least(item))
        if said >= (_LEAST_SIGNS if item.body is None else _LEAST_CHARS) and least:
            return at
    return before


def _within(head: str, item: Item) -> Item:
    """An item with the flags of the group that it is taken out of."""
    if head == "(?:":
        return item
    own = head if item.head == "(?:" else item.head
    return replace(item, source=f"{head}{item.source})", head=own, written=f"{head}{item.written})")


def _least(item: Item) -> int:
    """Letters and signs that the item has at least, as far as they are said."""
    if item.written != item.source:
        return 0
    if item.body is None:
        return int(len(item.source) == 1 and item.source not in "^$.")
    return min(sum(map(_least, items)) for items in item.body)
