"""Arrays as joblib writes them: a wrapper object, and behind its `BUILD` the elements, which are no opcodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from roadworthy.verify.artifact.inspection import Malformed
from roadworthy.verify.artifact.pickle import literal
from roadworthy.verify.artifact.pickle.value import Made, Name, Pairs, Value

if TYPE_CHECKING:
    from roadworthy.verify.artifact.pickle.judge import PickleJudge

_DTYPE = re.compile(r"[<>=|]?([biufcSVOUMm?])(\d{1,9})?")
_COST = 1024
"""One array is as much work as so many bytes of opcodes."""
_MOST_PADDING = 16
"""None of these numbers is an opcode: a plain unpickler fails at the first byte of an array."""
_ATTRIBUTES = {"subclass", "shape", "order", "dtype", "allow_mmap", "numpy_array_alignment_bytes"}
"""Of a wrapper; any other one may stand before a method of it."""
_SUBCLASSES = {"numpy.ndarray", "numpy.memmap", "numpy.matrix", "numpy.matrixlib.defmatrix.matrix"}
"""The last is how NumPy before 1.15 calls the one before."""


def length(judge: PickleJudge, state: Value, at: int) -> int:
    """Bytes between the `BUILD` of a wrapper and the next opcode.

    Args:
        judge: Of the stream; an array of objects is another pickle, which it walks.
        state: What `BUILD` gave to the wrapper.
        at: Offset behind `BUILD`.

    Raises:
        Malformed: The state does not say it in the way that joblib writes.
    """
    judge.inspection.spend("opcode_bytes", _COST)
    known = _state(judge, state, at)
    kind, width = _dtype(judge, known.get("dtype"), at)
    judge.objects = kind == "O"
    if judge.objects:
        return judge.pickled_at(at) - at
    count = 1
    for extent in _shape(judge, known.get("shape"), at):
        count *= extent
    padding = 0
    if _aligned(judge, known.get("numpy_array_alignment_bytes"), at):
        byte = judge.source.read(at, 1)
        padding = 1 + (byte[0] if byte else 0)
        if padding > 1 + _MOST_PADDING:
            raise Malformed("An array is padded by more than joblib does.", at)
    total = padding + count * width
    if total and not judge.source.read(at + total - 1, 1):
        raise Malformed("An array is longer than what follows.", at)
    return total


def _state(judge: PickleJudge, state: Value, at: int) -> dict[str, Value]:
    if not isinstance(state, Pairs):
        raise Malformed("The state of an array wrapper is not the dict that joblib writes.", at)
    if judge.changed_apart:
        raise Malformed("A dict got items under another name, which may be the state of an array wrapper.", at)
    if state.more:
        raise Malformed("An array wrapper has more attributes than joblib writes.", at)
    known: dict[str, Value] = {}
    for key, value in state.pairs:
        word = literal.text(judge.source, key) if type(key) is int else None
        if word is None or word not in _ATTRIBUTES or literal.is_bytes(judge.source, key):  # type: ignore[arg-type]
            raise Malformed("An attribute of an array wrapper is none that joblib writes.", at)
        known[word] = value
    subclass = known.get("subclass")
    if not isinstance(subclass, Name) or subclass.path not in _SUBCLASSES:
        raise Malformed("An array wrapper makes something else than an array.", at)
    return known


def _aligned(judge: PickleJudge, value: Value | None, at: int) -> bool:
    """Whether padding stands in front of the elements: joblib looks for None, and writes a number."""
    if value is None or (type(value) is int and literal.is_none(judge.source, value)):
        return False
    if type(value) is not int or literal.integer(judge.source, value) is None:
        raise Malformed("Whether an array is padded is not known.", at)
    return True


def _shape(judge: PickleJudge, shape: Value | None, at: int) -> list[int]:
    if type(shape) is not tuple:
        raise Malformed("The shape of an array is not known.", at)
    extents = [literal.integer(judge.source, item) if type(item) is int else None for item in shape]
    if any(extent is None or extent < 0 for extent in extents):
        raise Malformed("The shape of an array is no row of numbers.", at)
    return [extent for extent in extents if extent is not None]


def _dtype(judge: PickleJudge, dtype: Value | None, at: int) -> tuple[str, int]:
    if not isinstance(dtype, Made) or dtype.origin.name != "dtype" or dtype.arguments is None:
        raise Malformed("The element type of an array is not known.", at)
    first = dtype.arguments[0] if dtype.arguments else None
    word = literal.text(judge.source, first) if type(first) is int else None
    match = _DTYPE.fullmatch(word or "")
    if match is None or (match[2] is None and match[1] not in "?O"):  # `i` is four bytes, `c` what its state says
        raise Malformed("The element type of an array is not a plain one.", at)
    if judge.dtypes_unknown:
        raise Malformed("An element type got a state that was not seen, and it may be this one.", at)
    if match[1] in "SUV":
        return _flexible(judge, dtype, at)
    if dtype.state is not None and bool(_numbers(judge, dtype, at)[7] & 1) != (match[1] == "O"):
        raise Malformed("The state of an element type says otherwise than its name whether it holds objects.", at)
    return match[1], int(match[2] or 1)


def _flexible(judge: PickleJudge, dtype: Made, at: int) -> tuple[str, int]:
    """Texts, bytes and structures: their state says how long an element is, and whether it holds objects.

    The state is (version, byte order, subarray, names, fields, bytes, alignment, flags[, metadata]); NumPy believes
    the bytes and, from version 3 on, the flags.
    """
    numbers = _numbers(judge, dtype, at)
    if numbers[5] < 0:
        raise Malformed("The element type of an array has no plain state.", at)
    return ("O" if numbers[7] & 1 else "V"), numbers[5]


def _numbers(judge: PickleJudge, dtype: Made, at: int) -> dict[int, int]:
    """The version, the bytes and the flags in the state of an element type, by place."""
    state = dtype.state if dtype.state is not None else ()
    found = {place: literal.integer(judge.source, item) for place, item in enumerate(state) if type(item) is int}
    numbers = {place: number for place, number in found.items() if number is not None}
    if not numbers.keys() >= {0, 5, 7} or numbers[0] not in (3, 4):
        raise Malformed("The element type of an array has no plain state.", at)
    return numbers
