"""The memo of a pickle: eight bytes an entry."""

from __future__ import annotations

from array import array

from roadworthy.verify.artifact.pickle.value import (
    ALIASED_DICT,
    DUNDER_DICT,
    EMPTY_TUPLE,
    PLAIN_DICT,
    TUPLE,
    Made,
    Pairs,
    Value,
)

_FAR = 16
"""An index so far behind the last one goes into the dict of strays."""
_KEPT = 20_000
"""Calls whose arguments are kept; of later ones the memo knows only what was called."""
_UNSET = -1


class Memo:
    """Index → value. A literal is its offset; an object is a place in a table, written as a number below -1.

    Attributes:
        codes: The values of the first indexes, written as numbers.
        dense: All of these are set, and no other index is.
    """

    def __init__(self) -> None:
        self.codes = array("q")
        self.dense = True
        self._strays: dict[int, int] = {}
        self._objects: list[Value] = []
        self._places: dict[int, int] = {}
        self._count = 0

    def __len__(self) -> int:
        """Entries, strays counted by the memory that they take."""
        return len(self.codes) + 12 * len(self._strays)

    def copy_to(self, twin: Memo) -> None:
        """Give another one, which is empty, the same entries."""
        twin.codes.extend(self.codes)
        twin.dense = self.dense
        twin._strays.update(self._strays)
        twin._objects.extend(self._objects)
        twin._places.update(self._places)
        twin._count = self._count

    def clear(self) -> None:
        """Forget everything."""
        if self.codes or self._strays or self._objects:
            del self.codes[:]
            self.dense = True
            self._strays.clear()
            self._objects.clear()
            self._places.clear()
            self._count = 0

    def append(self, value: Value) -> None:
        """`MEMOIZE`: the index is the number of entries that are set."""
        if self.dense:
            self.codes.append(value if type(value) is int else self.code(value))
        else:
            self.put(self._count, value)

    def put(self, index: int, value: Value) -> None:
        """`PUT`: at an index that the pickle names."""
        code = value if type(value) is int else self.code(value)
        codes = self.codes
        if self.dense:
            if index < len(codes):
                codes[index] = code
                return
            if index == len(codes):
                codes.append(code)
                return
            self.dense = False
            self._count = len(codes)
        if index < len(codes):
            self._count += codes[index] == _UNSET
            codes[index] = code
        elif index <= len(codes) + _FAR:
            while len(codes) < index:
                codes.append(self._strays.pop(len(codes), _UNSET))
            self._count += self._strays.pop(index, _UNSET) == _UNSET
            codes.append(code)
        else:
            self._count += index not in self._strays
            self._strays[index] = code

    def get(self, index: int) -> Value | None:
        """The value, None when nothing was put there."""
        try:
            code = self.codes[index]
        except IndexError:
            code = self._strays.get(index, _UNSET)
        if code >= 0:
            return code
        return None if code == _UNSET else self._objects[-2 - code]

    def code(self, value: Value) -> int:
        """The place of an object, by identity; the table keeps it alive, so an identity is never used twice."""
        if value is PLAIN_DICT or value is DUNDER_DICT or isinstance(value, Pairs):
            value = ALIASED_DICT
        elif type(value) is tuple:
            value = TUPLE if value else EMPTY_TUPLE
        elif isinstance(value, Made) and len(self._objects) >= _KEPT:
            value = value.origin.made
        place = self._places.get(id(value))
        if place is None:
            place = self._places[id(value)] = len(self._objects)
            self._objects.append(value)
        return -2 - place
