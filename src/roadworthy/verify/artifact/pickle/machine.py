"""The abstract stack machine: walks one pickle, opcode by opcode, and tells a judge what loading it would do.

It follows the C unpickler of CPython, pickle protocols 0 to 5 (PEP 3154, PEP 574, pickletools). Nothing is computed:
literals are offsets into the file, containers are marks on the stack. The bytes are read through a window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from roadworthy.verify.artifact.inspection import BudgetSpent, Inspection, Malformed
from roadworthy.verify.artifact.pickle.memo import Memo
from roadworthy.verify.artifact.pickle.value import (
    ALIASED_DICT,
    DUNDER_DICT,
    PLAIN_DICT,
    UNKNOWN,
    Made,
    Name,
    Pairs,
    Value,
)
from roadworthy.verify.artifact.source import Nearby

Handler: TypeAlias = Callable[[int], int]
"""Takes the place of its opcode in the window, gives the place of the next one."""

WINDOW = 1 << 16
_MARGIN = 16
"""Opcodes of a fixed length, and lengths, fit into so many bytes."""
_MOST_MEMORY = 28 << 20
"""Bytes that stack and memo of one pickle may take, by a rough count."""
_MOST_A_BYTE = 48
"""Bytes that one byte of opcodes adds to the stack at most, beside its entry: such as `N\\x85`."""
_BETWEEN_COUNTS = 1 << 17
_MOST_KEYS = 10_000
"""Keys of which it is kept whether they begin with two underscores, where they have to be read again."""
_MOST_LINE = 1 << 16
"""Length of a line that is a number or a name."""


_BINARY_TEXTS = {0x58: 5, 0x8C: 2, 0x55: 2, 0x54: 5, 0x8D: 9}
_WRITTEN_TEXTS = {0x53: 2, 0x56: 1}
TEXTS = [_BINARY_TEXTS.get(code, -_WRITTEN_TEXTS.get(code, 0)) for code in range(256)]
"""Opcode → bytes in front of the first character when it is a text, else 0; below 0 where characters may be escapes."""


class Judge(Protocol):
    """Is told what the pickle does, and notes what is wrong with it.

    Attributes:
        calls: How often something was called, instantiated or given a state.
        any_dict_may_be_dunder: See `aliased`.
        guarded: How many names were imported whose calls are checked.
        arrays: A wrapper of joblib was imported: what its instances get as their state has to be known.
    """

    calls: int
    any_dict_may_be_dunder: bool
    guarded: int
    arrays: bool

    def imported(self, module: str, name: str, at: int) -> Name:
        """A name is imported."""
        ...

    def called(self, callee: Value, arguments: Value, at: int, *, instance: bool = False) -> Value:
        """Something is called, or instantiated without its constructor; gives what stands on the stack afterwards."""
        ...

    def built(self, target: Value, state: Value, at: int) -> None:
        """An object gets a state."""
        ...

    def changed(self, target: Value, at: int) -> None:
        """Something that is no list, set or dict gets items."""
        ...

    def aliased(self) -> None:
        """A dict got a key that begins with two underscores under a name from the memo: any dict may have it now."""
        ...

    def persistent(self, key: Value, at: int) -> Value:
        """A persistent id is resolved by the loader."""
        ...

    def raw(self, target: Value, state: Value, at: int) -> int | None:
        """After `BUILD`: the number of bytes that follow which are data and no opcodes; None when none are due."""
        ...

    def also_plain(self, machine: Machine, at: int, length: int) -> None:
        """Data stand between opcodes: judge what an unpickler that does not know of them would make of them."""
        ...


FRAME = 1 << 62
"""Added to the place of the next opcode where a frame begins or the pickle stops: it ends the inner loop, cheaper than
`Turn`."""


class Turn(Exception):
    """The walk goes on elsewhere: data stand between opcodes."""


class Machine:
    """Walks one pickle.

    Args:
        source: Where its bytes are.
        start: Offset of its first opcode.
        judge: Who is told.
        inspection: Where broken frames are noted and work is counted.

    Attributes:
        start: Offset of its first opcode.
        stack: The abstract stack.
        marks: Heights of the stack at open marks.
        end: Offset behind its `STOP`, once it was walked.
    """

    def __init__(self, source: Nearby, start: int, judge: Judge, inspection: Inspection) -> None:
        from roadworthy.verify.artifact.pickle.opcode import handlers

        self.source = source
        self.judge = judge
        self.inspection = inspection
        self._size = source.size if source.ready else 0
        self.stack: list[Value] = []
        self.marks: list[int] = []
        self.memo = Memo()
        self.window = b""
        self.base = self.start = start
        self._limit = 0
        self._weighed_at = start
        self._weight = 0
        self.end: int | None = None
        self.protocol = 0
        self.next = start
        self.frame_end: int | None = None
        self._dunder: dict[int, bool] = {}
        self._told: set[tuple[int, str]] = set()
        self._handlers = handlers
        self._table = handlers(self)

    def fork(self, judge: Judge, inspection: Inspection, at: int) -> Machine:
        """A machine in the same state that goes on elsewhere and tells somebody else."""
        twin = Machine(self.source, at, judge, inspection)
        twin.stack += self.stack
        twin.marks += self.marks
        self.memo.copy_to(twin.memo)
        return twin

    def fails_at(self, offset: int) -> bool:
        """Whether there is no opcode at an offset."""
        byte = self.source.read(offset, 1)
        return not byte or self._table[byte[0]] is self._table[0]

    def copied(self) -> int:
        """What it costs to begin another machine with a copy of this one's state, in bytes of opcodes."""
        return 400 + (len(self.stack) + len(self.memo)) // 64

    def begin(self, start: int) -> None:
        """Be as new, at the first opcode of another pickle."""
        self.release()
        self.next = self.start = self._weighed_at = start
        self.end = self.frame_end = None
        self.protocol = self._weight = 0

    def release(self) -> None:
        """Let go of what was kept; the machine and its handlers hold each other, so nothing else would."""
        self.stack.clear()
        self.marks.clear()
        self.memo.clear()
        if self._dunder:
            self._dunder.clear()
        if self._told:
            self._told.clear()

    def walk(self) -> int:
        """Walk to the `STOP`.

        Returns:
            The offset behind it.

        Raises:
            Malformed: No unpickler could go on here; what was told until then stands.
            BudgetSpent: It is too long, or keeps too much.
        """
        while self.end is None:
            start = self.next - self.base
            if not 0 <= start < self._limit:
                self._refill()
                start = 0
            try:
                self._run(start)
            except Turn as turn:
                self.next = self.base + turn.args[0]
            except IndexError:
                raise Malformed("An opcode takes more than there is, or is cut off.", self.next) from None
        return self.end

    def _refill(self) -> None:
        """Read the window at `next`."""
        self.base = at = self.next
        if self.inspection.settled():
            raise BudgetSpent("It is unsafe, and it has so many findings that the rest of it was not looked at.")
        self.window = self.source.hold(at, WINDOW)
        self._told.clear()
        size = len(self.window)
        if not size:
            raise Malformed("It is cut off: there is no STOP.", at)
        self._limit = size if size < WINDOW else size - _MARGIN
        self._weigh()

    def _weigh(self) -> None:
        """Stop a pickle that keeps too much. What tuples and calls keep is counted when it may be too much."""
        height = len(self.stack)
        entries = 44 * height + 40 * len(self.marks) + 8 * len(self.memo)
        since = self.base - self._weighed_at
        if since > _BETWEEN_COUNTS and entries + self._weight + _MOST_A_BYTE * since > _MOST_MEMORY:
            self._weighed_at = self.base
            kinds = list(map(type, self.stack))
            items = sum([len(value) for value in self.stack if type(value) is tuple]) if tuple in kinds else 0
            self._weight = 48 * items + 56 * kinds.count(tuple) + 240 * kinds.count(Made) + 9000 * kinds.count(Pairs)
        if entries + self._weight > _MOST_MEMORY:
            raise BudgetSpent("Its stack and memo need more memory than one pickle is given.")

    def _run(self, place: int) -> None:
        table = self._table
        window = self.window
        start = place
        try:
            while 0 <= place < self._limit:
                limit = self._limit if self.frame_end is None else min(self._limit, self.frame_end - self.base)
                while place < limit:
                    place = table[window[place]](place)
                if place >= FRAME:
                    place -= FRAME
                    if self.end is not None:
                        return
                if self.frame_end is not None and self.base + place >= self.frame_end:
                    self._end_frame(self.frame_end, self.base + place)
        finally:
            self.next = self.base + place
            self.inspection.spend("opcode_bytes", min(place, len(window)) - start + 1)

    def _end_frame(self, end: int, at: int) -> None:
        if at > end:
            self.inspection.find("pickle.frame", "An opcode lies across the end of its frame.", end)
        self.frame_end = None

    # what handlers need beside stack, marks and memo

    def turn(self, place: int) -> int:
        """Leave the loop: the next opcode is at `place`."""
        raise Turn(place)

    def reaches(self, offset: int) -> bool:
        """Whether there is a byte at an offset of the source."""
        return offset < self._size or bool(self.source.read(offset, 1))

    def line(self, place: int, most: int = _MOST_LINE) -> tuple[bytes, int]:
        """The line that begins at a place of the window, without its newline, and the place behind it."""
        end = self.window.find(b"\n", place)
        if end >= 0:
            return self.window[place:end], end + 1
        text = self.source.read(self.base + place, most)
        end = text.find(b"\n")
        if end < 0:
            raise Malformed("A line has no end.", self.base + place)
        return text[:end], place + end + 1

    def skip_line(self, place: int) -> int:
        """The place behind a line of any length."""
        end = self.window.find(b"\n", place)
        if end >= 0:
            return end + 1
        at = self.base + len(self.window)
        while piece := self.source.read(at, WINDOW):
            self.inspection.spend("opcode_bytes", len(piece))
            end = piece.find(b"\n")
            if end >= 0:
                return at + end + 1 - self.base
            at += len(piece)
        raise Malformed("A line has no end.", self.base + place)

    def items_above_mark(self) -> list[Value]:
        """Take what stands above the last mark, and the mark."""
        height = self.marks.pop()
        items = self.stack[height:]
        if not items:
            return items
        del self.stack[height:]
        if self.judge.guarded:
            self.guard(items)
        return items

    def guard(self, values: list[Value]) -> None:
        """A name whose calls are checked must not hide in data, where something else could call it."""
        for value in values:
            if isinstance(value, Name) and value.entry is not None and value.entry.use == "checked":
                if not self._once(value, "guard"):
                    continue
                self.inspection.find(
                    "pickle.call",
                    f"{value.path} stands in data, where its calls cannot be checked.",
                    max(self.base, self.start),
                )

    def _once(self, value: Value, what: str) -> bool:
        """Whether this is new in this window, to whose beginning findings of the kind refer."""
        key = (id(value), what)
        if key in self._told:
            return False
        self._told.add(key)
        return True

    def any_dunder(self, keys: list[Value]) -> bool:
        """Whether one of the keys of a dict is a string that begins with two underscores."""
        window, base = self.window, self.base
        safe = len(window) - 12
        for key in keys:
            if type(key) is int:
                place = key - base
                if 0 <= place < safe:
                    after = TEXTS[window[place]]
                    if after and _dunder(window, place, after):
                        return True
                elif self._far_dunder(key):
                    return True
        return False

    def _far_dunder(self, key: int) -> bool:
        known = self._dunder.get(key)
        if known is None:
            if len(self._dunder) > _MOST_KEYS:
                self._dunder.clear()
            head = self.source.read(key, 12)
            after = TEXTS[head[0]] if head else 0
            known = self._dunder[key] = bool(after) and _dunder(head, 0, after)
        return known

    def set_pairs(self, value: Value, items: list[Value]) -> None:
        """Put keys and values into what stands on top of the stack.

        Args:
            value: What stands there.
            items: A key, a value, a key, a value.
        """
        stack = self.stack
        if value is DUNDER_DICT and not self.judge.arrays:
            return
        if value is PLAIN_DICT or value is DUNDER_DICT or value is ALIASED_DICT:
            if self.judge.arrays:
                below = stack[-2] if len(stack) > 1 else None
                if type(below) is Made and below.origin.raw:
                    stack[-1] = kept = Pairs()
                    kept.extend(items)
                    return
            if self.any_dunder(items[::2]):
                if value is ALIASED_DICT:
                    self.judge.aliased()
                stack[-1] = DUNDER_DICT
        elif type(value) is Pairs:
            value.extend(items)
        elif (type(value) is Name or value is UNKNOWN) and self._once(value, "changed"):
            self.judge.changed(value, max(self.base, self.start))


def _dunder(text: bytes, place: int, after: int) -> bool:
    if after > 0:
        return text.startswith(b"__", place + after)
    return text.startswith((b"__", b"\\"), place - after)
