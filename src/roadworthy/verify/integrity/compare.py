"""What is different between two states of a folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from roadworthy.verify.integrity.digest import Content
from roadworthy.verify.integrity.walk import UNKNOWN, Oddity, Problem


class Difference(NamedTuple):
    """What was done to the files.

    Attributes:
        changed: Names with another content, or that became a link, or lead elsewhere.
        missing: Names that are gone, and their content with them.
        added: Names that were not there, nor their content under a name that is gone.
        renamed: Old name and new name of the same content.
        unexamined: Names of the old state of which nothing is known now.
        same: How many are as they were.
    """

    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    unexamined: tuple[str, ...] = ()
    same: int = 0

    @property
    def any(self) -> bool:
        """Whether something is different for sure."""
        return bool(self.changed or self.missing or self.added or self.renamed)


def compare(old: Sequence[Content], new: Sequence[Content], oddities: Iterable[Oddity] = ()) -> Difference:
    """The difference from an old state to a new one.

    Args:
        old: What was.
        new: What is, as far as it could be read.
        oddities: What is not plainly a file now. A name of the old state that now is one has changed; one that could
            not be read is unexamined.
    """
    before = {content.name: content for content in old}
    after = {content.name: content for content in new}
    odd = _Odd(oddities)
    unexamined = tuple(name for name in before if name not in after and odd.unknown(name))
    replaced = {name for name in before if name not in after and odd.replaced(name)}
    changed = replaced | {name for name in before.keys() & after.keys() if not _same(before[name], after[name])}
    gone = [before[name] for name in before if name not in after and name not in replaced and not odd.unknown(name)]
    fresh = [content for name, content in after.items() if name not in before]
    renamed = _renamed(gone, fresh)
    moved_from, moved_to = {old_name for old_name, _ in renamed}, {new_name for _, new_name in renamed}
    return Difference(
        changed=tuple(sorted(changed)),
        missing=tuple(sorted(content.name for content in gone if content.name not in moved_from)),
        added=tuple(sorted(content.name for content in fresh if content.name not in moved_to)),
        renamed=tuple(sorted(renamed)),
        unexamined=tuple(sorted(unexamined)),
        same=len(before.keys() & after.keys()) - len(changed - replaced),
    )


def _same(old: Content, new: Content) -> bool:
    # A manifest that was not made by us does not say what was a link.
    return old.digest == new.digest and (old.size < 0 or old.link == new.link)


def _renamed(gone: Iterable[Content], fresh: Iterable[Content]) -> list[tuple[str, str]]:
    """Pairs by content, in the order of names where several have the same."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for content in sorted(fresh, key=lambda content: content.name, reverse=True):
        places[content.digest].append(content.name)
    old = sorted(gone, key=lambda content: content.name)
    return [(content.name, places[content.digest].pop()) for content in old if places[content.digest]]


class _Odd:
    """Oddities by name, and the folders about which nothing is known."""

    def __init__(self, oddities: Iterable[Oddity]) -> None:
        self._problems: dict[str, Problem] = {}
        self._folders: list[str] = []
        for oddity in oddities:
            if oddity.problem in (Problem.CASE_CLASH, Problem.NAME_UNUSUAL):
                continue
            self._problems[oddity.name] = oddity.problem
            if oddity.folder:
                self._folders.append(f"{oddity.name}/" if oddity.name else "")

    def unknown(self, name: str) -> bool:
        """Whether nothing is known about a name that was not hashed."""
        return self._problems.get(name) in UNKNOWN or any(name.startswith(folder) for folder in self._folders)

    def replaced(self, name: str) -> bool:
        """Whether a name that was a file is something else now."""
        return name in self._problems and self._problems[name] not in UNKNOWN
