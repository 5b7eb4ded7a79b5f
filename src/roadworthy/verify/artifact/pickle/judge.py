"""What an import, a call, a state mean for safety. Only exact names of the allowlist are trusted."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

from roadworthy.verify.artifact.inspection import BudgetSpent, Inspection
from roadworthy.verify.artifact.pickle import check, raw_array
from roadworthy.verify.artifact.pickle.allowlist import Entry, Use, entry
from roadworthy.verify.artifact.pickle.danger import danger
from roadworthy.verify.artifact.pickle.storage import Storages
from roadworthy.verify.artifact.pickle.value import (
    ALIASED_DICT,
    DUNDER_DICT,
    PERSISTENT,
    PLAIN_DICT,
    UNKNOWN,
    Made,
    Name,
    Opaque,
    Value,
)
from roadworthy.verify.artifact.record import shown
from roadworthy.verify.artifact.source import Nearby, Source

_PLAUSIBLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_MOST_NAME = 512
"""Longer names are not kept whole."""
MOST_NAMES = 10_000
"""Different names that one stream of pickles may import."""


class PickleJudge(ABC):
    """Judges what one stream of pickles does.

    Args:
        source: Where the pickles are.
        inspection: Where findings go.
        torchscript: Names of the module `__torch__` are TorchScript's own classes.

    Attributes:
        objects: The last array between opcodes was one of objects, so another pickle.
        calls: See `Judge`.
        any_dict_may_be_dunder: See `Judge`.
        guarded: See `Judge`.
        arrays: See `Judge`.
    """

    def __init__(
        self,
        source: Source,
        inspection: Inspection,
        *,
        torchscript: bool = False,
    ) -> None:
        self.source = Nearby(source)
        self.inspection = inspection
        self.storages = Storages(self.source)
        self.torchscript = torchscript
        self.calls = 0
        self.plausible = True
        self.any_dict_may_be_dunder = False
        self.objects = False
        self.guarded = 0
        self.arrays = False
        self._names: dict[tuple[str, str], Name] = {}

    def imported(self, module: str, name: str, at: int) -> Name:
        """See `Judge.imported`."""
        known = self._names.get((module, name))
        if known is None:
            if len(module) + len(name) > _MOST_NAME:  # on no list, and not worth the memory
                module, name = module[:_MOST_NAME], name[:_MOST_NAME]
            known = Name(module, name, self._entry(module, name))
            if len(self._names) >= MOST_NAMES:
                raise BudgetSpent(f"It imports more than {MOST_NAMES:,} different names.")
            if known.entry is None:
                self._refuse(known, at)
            self._names[module, name] = known
            self.guarded += known.entry is not None and known.entry.use is Use.CHECKED
            self.arrays = self.arrays or known.raw
        return known

    def _entry(self, module: str, name: str) -> Entry | None:
        found = entry(module, name)
        if found is None and self.torchscript and (module == "__torch__" or module.startswith("__torch__.")):
            return entry("__torch__", "*")
        return found

    def _refuse(self, name: Name, at: int) -> None:
        known = danger(name.module, name.name)
        self.plausible = self.plausible and _PLAUSIBLE.fullmatch(name.path) is not None
        if known:
            what = f"It imports {shown(name.path)}, which {known}."
            self.inspection.find("pickle.import.dangerous", what, at)
        else:
            what = f"It imports {shown(name.path)}, which is not known to be harmless."
            self.inspection.find("pickle.import.unknown", what, at)

    def called(self, callee: Value, arguments: Value, at: int, *, instance: bool = False) -> Value:
        """See `Judge.called`."""
        self.calls += 1
        if not isinstance(callee, Name):
            if self.inspection.crowded():
                return UNKNOWN
            self.inspection.find("pickle.call", f"It calls {_told(callee)} instead of a name.", at)
            return UNKNOWN
        if callee.entry is None:
            return callee.made
        use = callee.entry.use
        if instance:
            if use in (Use.REFERENCE, Use.CHECKED):
                self.inspection.find(
                    "pickle.call", f"It instantiates {shown(callee.path)}, which is for reference.", at
                )
            return Made(callee) if callee.entry.check == "raw-array" else callee.made
        if use in (Use.REFERENCE, Use.NEW):
            self.inspection.find("pickle.call", f"It calls {shown(callee.path)}, which may only stand in data.", at)
            return callee.made
        if callee.entry.check:
            return CHECKS[callee.entry.check](self, callee, arguments, at)
        return callee.made

    def built(self, target: Value, state: Value, at: int) -> None:
        """See `Judge.built`."""
        self.calls += 1
        kind = type(target)
        if kind is Made and type(state) is tuple and target.arguments is not None:  # type: ignore[union-attr]
            target.state = state  # type: ignore[union-attr]
        elif kind is Name:
            what = f"It changes {shown(target.path)} itself, not an instance of it."  # type: ignore[union-attr]
            self.inspection.find("pickle.patch", what, at)
        elif target is UNKNOWN and not self.inspection.crowded():
            self.inspection.find("pickle.state", "It gives a state to an object of unknown origin.", at)
        if type(state) is tuple and len(state) == 2:
            for part in state:
                if type(part) is Opaque:
                    self._attributes(part, at)
        elif type(state) is Opaque:
            self._attributes(state, at)

    def _attributes(self, part: Value, at: int) -> None:
        if part is DUNDER_DICT or (self.any_dict_may_be_dunder and (part is PLAIN_DICT or part is ALIASED_DICT)):
            if not self.inspection.crowded():
                self.inspection.find("pickle.state", "A state sets attributes of the language (two underscores).", at)
        elif part is ALIASED_DICT and not self.inspection.crowded(unsafe=False):
            self.inspection.find("pickle.opaque", "A state is shared with something else that may change it.", at)

    def changed(self, target: Value, at: int) -> None:
        """See `Judge.changed`. Of all others an unpickler fails, or nothing is called by name."""
        if isinstance(target, Name):
            self.inspection.find("pickle.patch", f"It puts items into {shown(target.path)} itself.", at)
        elif target is UNKNOWN:
            self.inspection.find("pickle.state", "It puts items into an object of unknown origin.", at)

    def aliased(self) -> None:
        """See `Judge.aliased`."""
        self.any_dict_may_be_dunder = True

    def persistent(self, key: Value, at: int) -> Value:
        """See `Judge.persistent`."""
        if type(key) is tuple:
            if len(key) == 4 and type(key[1]) is Name:
                return key[1] if self.storages.add(key) else PERSISTENT
            if self.storages.add(key):
                return PERSISTENT
        if not self.inspection.crowded(unsafe=False):
            what = "A persistent id is not one of torch's: what it stands for is decided by the program that loads."
            self.inspection.find("pickle.persistent", what, at)
        return PERSISTENT

    def raw(self, target: Value, state: Value, at: int) -> int | None:
        """See `Judge.raw`."""
        if type(target) is Made and target.origin.raw:
            return raw_array.length(self, state, at)
        return None

    @abstractmethod
    def pickled_at(self, at: int) -> int:
        """Walk one pickle inside of the stream; gives the offset behind it."""

    @abstractmethod
    def nested(self, start: int, length: int) -> None:
        """Judge bytes that a call unpickles."""

    def dtype(self, callee: Name, arguments: Value, at: int) -> Value:
        """A dtype, with what it was made of."""
        return Made(callee, arguments if type(arguments) is tuple else None)


def _told(value: Value) -> str:
    if isinstance(value, Made):
        return f"what {shown(value.origin.path)} gave back"
    return value.name if isinstance(value, Opaque) else "a literal"


Check = Callable[[PickleJudge, Name, Value, int], Value]
CHECKS: Mapping[str, Check] = {
    "dtype": PickleJudge.dtype,
    "raw-array": check.never,
    "latin1": check.latin1,
    "nested": check.nested,
    "callee": check.callee,
    "class": check.class_first,
    "type-of": check.type_of,
    "words": check.words,
    "reconstructor": check.reconstructor,
    "size": check.size,
    "ufunc": check.ufunc,
}
