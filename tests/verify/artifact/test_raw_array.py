"""Where an array of joblib ends is where joblib ends it: who counts otherwise reads the program behind it as data.

joblib is not needed: `Joblib` reads arrays as `NumpyUnpickler` of joblib 1.6 does, and only notes what is called.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from rig.model_bytes import four, name, text
from roadworthy.verify.artifact.dispatch import Surroundings, judge_source
from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.source import Held


class Wrapper:
    """Stands for `joblib.numpy_pickle.NumpyArrayWrapper`."""

    dtype: Any
    shape: tuple[int, ...]

    def safe_get_numpy_array_alignment_bytes(self) -> int | None:
        """None where the file does not say it."""
        return getattr(self, "numpy_array_alignment_bytes", None)

    def read(self, file: io.BytesIO, fresh: Callable[[io.BytesIO], Any]) -> Any:
        """As `read_array` of joblib 1.6."""
        if self.dtype.hasobject:
            return fresh(file).load()
        if self.safe_get_numpy_array_alignment_bytes() is not None:
            file.read(file.read(1)[0])
        file.read(math.prod(self.shape) * self.dtype.itemsize)
        return None


class Joblib(pickle._Unpickler):  # type: ignore[name-defined,misc]  # joblib, too, extends the one in Python
    """Loads as joblib does; `called` tells whether it got to a call of `os.system`."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, file: io.BytesIO, called: list[str] | None = None) -> None:
        super().__init__(file)
        self.file = file
        self.called: list[str] = [] if called is None else called

    def find_class(self, module: str, name: str) -> Any:
        """Nothing that runs a command."""
        if (module, name) == ("os", "system"):
            return self.called.append
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return Wrapper
        return super().find_class(module, name)

    def load_build(self) -> None:
        """As `NumpyUnpickler.load_build`."""
        super().load_build()
        if isinstance(self.stack[-1], Wrapper):
            self.stack.append(self.stack.pop().read(self.file, lambda file: Joblib(file, self.called)))

    dispatch[pickle.BUILD[0]] = load_build


WRAPPER = name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81"
ECHO = text("echo") + b"\x940"
"""Entry 0 of the memo."""
RUN = b"cos\nsystem\nh\x00\x85R0"


def state_of(kind: str, size: int, flags: int = 0) -> bytes:
    """What a dtype is given."""
    return b"(K\x03" + text(kind) + b"NNNK" + bytes([size]) + b"K\x01K" + bytes([flags]) + b"tb"


def dtype(descr: str, state: bytes = b"", *, kept: bytes = b"") -> bytes:
    """A dtype of its own."""
    return name("numpy", "dtype") + text(descr) + b"\x89\x88\x87R" + kept + state


NANOSECONDS = b"(K\x04" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00}(C\x02nsK\x01K\x01K\x01t\x86tb"
"""What NumPy writes for `M8[ns]`; without the unit it would crash."""
F8 = dtype("f8", state_of("<", 8))


def array(
    element: bytes = F8, shape: bytes = b"K\x01\x85", padding: bytes | None = b"K\x10", more: bytes = b"",
    dict_: bytes = b"}",
) -> bytes:  # fmt: skip
    """A wrapper and its state, up to the elements."""
    items = text("subclass") + name("numpy", "ndarray") + text("shape") + shape + text("dtype") + element
    items += b"" if padding is None else text("numpy_array_alignment_bytes") + padding
    return WRAPPER + dict_ + b"(" + items + more + b"u"


def literal(length: int) -> bytes:
    """The beginning of bytes that swallow what follows."""
    return b"B" + struct.pack("<I", length)


PADDED = b"\x05" + b"\0" * 7 + b"C" + bytes([4 + len(RUN)]) + b"x" * 4 + RUN
"""For who knows of no padding eight bytes of an array and a literal; else six, eight of an array, and a program."""


def hidden(element: bytes, before: bytes = b"") -> bytes:
    """For the scanner one byte of an array and a literal, for joblib four bytes of an array and a program."""
    return four(ECHO + before + array(element) + b"b" + b"\0\0C" + bytes([1 + len(RUN)]) + b"x" + RUN)


def _twin() -> bytes:
    """The elements of the first array, read as opcodes, give another state to the dtype of the second."""
    kept = dtype("V4", state_of("|", 4), kept=b"\x94")
    trap = (b"h\x01" + state_of("|", 1)).ljust(32, b"N")
    first = array(kept, b"K" + bytes([len(trap) // 4]) + b"\x85", None) + b"b" + trap
    second = array(b"h\x01", b"K\x04\x85", None) + b"b\0\0\0\0" + literal(7 + len(RUN)) + b"x" * 7 + RUN
    return four(ECHO + first + second)


def _other_memo() -> bytes:
    """A dtype of numbers whose flags say objects: its elements are a pickle with a memo of its own."""
    names = text("collections") + b"\x940" + text("OrderedDict") + b"\x940"
    program = text("os") + b"\x94" + text("system") + b"\x9400h\x00h\x01\x93" + text("echo") + b"\x85R."
    element = dtype("f8", state_of("<", 8, flags=63))
    return four(names + array(element, b"K\x06\x85", None) + b"b" + program.ljust(48, b"\0"))


def _set_under_another_name() -> bytes:
    start = array(dict_=b"}\x94") + b"h\x01" + text("shape") + b"K\x0a\x85s0"
    return four(ECHO + start + b"b\0" + b"\0" * 8 + literal(67 + len(RUN)) + b"\0" * 67 + RUN)


def _set_before() -> bytes:
    """The padding stands in the dict before the wrapper is there."""
    first = b"}\x94" + text("numpy_array_alignment_bytes") + b"K\x10s0"
    return four(ECHO + first + array(padding=None, dict_=b"h\x01") + b"b" + PADDED)


def _method_in_the_state() -> bytes:
    """An attribute stands before the method of that name."""
    more = text("safe_get_numpy_array_alignment_bytes") + name("builtins", "list")
    return four(ECHO + array(padding=None, more=more) + b"b" + PADDED)


HIDDEN = {
    "padding-none": four(ECHO + array(padding=b"N") + b"b" + b"\x10" + b"\0" * 7 + RUN + b"N"),
    "name-in-bytes": four(
        ECHO + array(more=b"C\x05shape" + b"K\x0a\x85") + b"b\0" + b"\0" * 8 + RUN.ljust(72, b"N")
    ),
    "no-width": hidden(dtype("f")),
    "width-in-the-state": hidden(dtype("c", state_of("|", 4))),
    "state-from-the-memo": hidden(
        dtype("V4", state_of("|", 1) + b"h\x01b"), state_of("|", 4)[:-1] + b"\x940"
    ),
    "dtype-read-as-opcodes": _twin(),
    "flags": _other_memo(),
    "dict-under-another-name": _set_under_another_name(),
    "dict-from-the-memo": _set_before(),
    "method-in-the-state": _method_in_the_state(),
}  # fmt: skip
WRITTEN = {
    "padded": four(array() + b"b" + b"\x02\0\0" + b"\0" * 8),
    "to-a-stream": four(array(padding=b"N") + b"b" + b"\x10" + b"\0" * 7),
    "before-joblib-1.2": four(array(padding=None) + b"b" + b"cos\nsyst"),
    "bool": four(array(dtype("b1", state_of("|", 1)), b"K\x03\x85") + b"b\0" + b"\1\0\1"),
    "texts": four(array(dtype("U2", state_of("<", 8))) + b"b\0" + b"a\0\0\0b\0\0\0"),
    "times": four(array(dtype("M8", NANOSECONDS)) + b"b\0" + b"\0" * 8),
    "old-matrix": four(
        (array(F8, b"K\x01K\x01\x86", None) + b"b" + b"\0" * 8).replace(
            name("numpy", "ndarray"), name("numpy.matrixlib.defmatrix", "matrix")
        )
    ),
    "one-dtype-twice": four(
        array(dtype("V4", state_of("|", 4), kept=b"\x94"), padding=None) + b"b" + b"\0" * 4
        + b"0" + array(b"h\x00", padding=None) + b"b" + b"\0" * 4
    ),
}  # fmt: skip


def judged(data: bytes) -> Inspection:
    """What the scanner says."""
    inspection = Inspection()
    judge_source(Held(data), inspection, Surroundings("model.joblib"))
    return inspection


def loaded(data: bytes) -> list[str]:
    """What joblib would run."""
    reader = Joblib(io.BytesIO(data))
    try:
        reader.load()
    except (KeyError, IndexError, EOFError, pickle.UnpicklingError):
        assert reader.called  # a program may break its pickle once it ran
    return reader.called


@pytest.mark.parametrize("case", HIDDEN)
def test_no_program_hides_behind_an_array(case: str) -> None:
    assert loaded(HIDDEN[case]) == ["echo"]
    assert judged(HIDDEN[case]).verdict is not Verdict.CLEAN


@pytest.mark.parametrize("case", WRITTEN)
def test_what_joblib_writes_is_clean(case: str) -> None:
    found = judged(WRITTEN[case])
    assert found.verdict is Verdict.CLEAN, [(each.rule, each.what, each.offset) for each in found.reasons]
    assert not loaded(WRITTEN[case])


def test_elements_that_are_opcodes_count_for_who_does_not_know_of_arrays() -> None:
    """`pickle.load` goes on behind the `BUILD` of a wrapper, also of one that stands in elements."""
    inner = array(F8, padding=None) + b"b" + RUN
    data = inner.ljust(-(-len(inner) // 8) * 8, b"N")
    file = four(ECHO + array(F8, b"K" + bytes([len(data) // 8]) + b"\x85", None) + b"b" + data)
    assert not loaded(file)
    assert judged(file).verdict is Verdict.UNSAFE


@pytest.mark.parametrize("opcode", [b"\x8d", b"\x8e", b"\x96"])
@pytest.mark.parametrize("length", [(1 << 62) - 9, 1 << 62, (1 << 62) + 3, (1 << 64) - 1, (1 << 63) - 1])
def test_a_length_beyond_every_file_ends_the_walk(opcode: bytes, length: int) -> None:
    found = judged(b"\x80\x04" + opcode + struct.pack("<Q", length) + b"." * 20)
    assert found.verdict is not Verdict.CLEAN


SPACE = name("types", "SimpleNamespace") + b")\x81"
CLASS = text("__class__") + name("builtins", "dict")


@pytest.mark.parametrize(
    "changed",
    [
        SPACE + b"N}" + CLASS + b"s\x86b",
        b"N}" + CLASS + b"s\x86\x940" + SPACE + b"h\x00b",
        b"(N}" + CLASS + b"st\x940" + SPACE + b"h\x00b",
        SPACE + b"N" + name("builtins", "dict") + b"]" + CLASS + b"\x86a\x85R\x86b",
        SPACE + b"N" + name("collections", "OrderedDict") + b")R" + CLASS + b"s\x86b",
        b"N" + name("collections", "OrderedDict") + b")R" + CLASS + b"s\x86\x940" + SPACE + b"h\x00b",
        SPACE + b"N}" + name("builtins", "str") + text("__class__") + b"\x85R" + name("builtins", "dict") + b"s\x86b",
    ],
)
def test_what_sets_the_class_of_an_object_is_not_clean(changed: bytes) -> None:
    """An object whose class becomes that of a wrapper is one to joblib."""
    assert judged(four(changed)).verdict is not Verdict.CLEAN


@pytest.mark.parametrize(
    "key", [b"V_\\u005fclass__\n", b"S'_\\x5fclass__'\n", b"V\\u005f_class__\n", text("__class__")]
)
def test_a_key_of_the_language_is_known_however_it_is_written(key: bytes) -> None:
    changed = four(name("collections", "OrderedDict") + b")RN}" + key + name("builtins", "dict") + b"s\x86b")
    assert judged(changed).verdict is Verdict.UNSAFE
