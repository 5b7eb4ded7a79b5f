"""Checks of arguments, for names that are harmless only with some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roadworthy.verify.artifact.pickle import literal
from roadworthy.verify.artifact.pickle.allowlist import Use
from roadworthy.verify.artifact.pickle.value import UNKNOWN, Made, Name, Value
from roadworthy.verify.artifact.record import shown

if TYPE_CHECKING:
    from roadworthy.verify.artifact.pickle.judge import PickleJudge

_LATIN_1 = {"latin1", "latin-1", "iso-8859-1"}
_MOST_ALLOCATED = 1 << 28
"""Bytes that a constructor may take from one integer."""
_BASES = {"object", "dict", "list", "tuple", "set", "frozenset", "int", "float", "str", "bytes"}


def never(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """It is only ever instantiated, never called."""
    return _refused(judge, callee, at, "it is never called by what its library writes")


def latin1(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """`_codecs.encode(text, "latin1")`: how protocols before 3 write bytes. Other codecs import and compute."""
    items = _items(arguments)
    codec = _text(judge, items[1]) if len(items) == 2 else None
    if type(items[0] if items else None) is not int or codec not in _LATIN_1:
        return _refused(judge, callee, at, "only a literal may be encoded, as Latin-1")
    return Made(callee, items)


def nested(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """It unpickles its argument: bytes that stand here are walked as well."""
    items = _items(arguments)
    value = items[0] if len(items) == 1 else None
    place = literal.stretch(judge.source, value) if type(value) is int else None
    if place is None:
        return _refused(judge, callee, at, "it unpickles bytes that cannot be looked at")
    judge.nested(*place)
    return callee.made


def callee(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """It calls its first argument with the others: that one must be free to be called with anything."""
    items = _items(arguments)
    first = items[0] if items else None
    if not isinstance(first, Name) or first.entry is None or first.entry.use is not Use.CALL:
        return _refused(judge, callee, at, "it calls something that may not be called")
    return callee.made


def class_first(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """It instantiates its first argument, which must be a class of the list, with the others.

    What is for reference only NumPy's `_reconstruct` may rebuild: it does not run the constructor of the class.
    """
    items = _items(arguments)
    first = items[0] if items else None
    if not isinstance(first, Name) or first.entry is None or first.entry.use is Use.CHECKED:
        return _refused(judge, callee, at, "it instantiates something that is not on the list")
    if first.entry.use is Use.REFERENCE and callee.name != "_reconstruct":
        return _refused(judge, callee, at, f"it instantiates {shown(first.path)}, which is for reference")
    return first.made


def type_of(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """`type(literal)`, as types of constants are written. With three arguments it makes a class."""
    items = _items(arguments)
    if len(items) != 1 or type(items[0]) is not int:
        return _refused(judge, callee, at, "only the type of a literal may be asked for")
    return UNKNOWN


def words(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """Its arguments are literals or names of the list."""
    if not all(type(item) is int or isinstance(item, Name | Made) for item in _items(arguments)):
        return _refused(judge, callee, at, "its arguments are computed")
    return callee.made


def reconstructor(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """`copyreg._reconstructor(class, base, state)` calls constructors of the base."""
    items = _items(arguments)
    if len(items) != 3 or not all(isinstance(item, Name) for item in items[:2]):
        return _refused(judge, callee, at, "its class or base is not a name")
    made, base = items[0], items[1]
    assert isinstance(made, Name)
    assert isinstance(base, Name)
    known = base.module in ("builtins", "__builtin__") and base.name in _BASES
    if made.entry is None or made.entry.use is Use.CHECKED or not known:
        return _refused(judge, callee, at, "its class or base is not on the list")
    return made.made


def size(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """A constructor that takes as much memory as an integer says."""
    for item in _items(arguments):
        number = literal.integer(judge.source, item) if type(item) is int else None
        if number is not None and number > _MOST_ALLOCATED:
            return _refused(judge, callee, at, f"it would take {number:,} bytes of memory")
    return callee.made


def ufunc(judge: PickleJudge, callee: Name, arguments: Value, at: int) -> Value:
    """`_ufunc_reconstruct(module, name)` imports: it counts as an import of that name."""
    names = [_text(judge, item) for item in _items(arguments)]
    if len(names) != 2 or names[0] is None or names[1] is None:
        return _refused(judge, callee, at, "the name that it imports is computed")
    return judge.imported(names[0], names[1], at)


def _items(arguments: Value) -> tuple[Value, ...]:
    return arguments if type(arguments) is tuple else ()


def _text(judge: PickleJudge, value: Value) -> str | None:
    return literal.text(judge.source, value) if type(value) is int else None


def _refused(judge: PickleJudge, callee: Name, at: int, why: str) -> Value:
    judge.inspection.find("pickle.argument", f"It calls {shown(callee.path)}, and {why}.", at)
    return callee.made
