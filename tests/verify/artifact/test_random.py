"""Whatever the bytes are: no crash, and nothing that imports more than the list allows is clean."""

from __future__ import annotations

import pickle
import pickletools
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rig.examples import examples
from rig.model_bytes import EVIL, EVIL_4, four, gguf, hdf5, keras_archive, keras_config, npy, onnx, safetensors, zipped
from roadworthy.verify.artifact.dispatch import judge_source
from roadworthy.verify.artifact.inspection import Inspection
from roadworthy.verify.artifact.pickle.allowlist import entry
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.source import Held

SEEDS = [
    EVIL, EVIL_4, pickle.dumps({"a": [1, (2, 3)], "b": "x" * 300}, 5), zipped({"a.pkl": EVIL_4, "b": b"x"}),
    gguf("{{ x }}"),
    hdf5({"model_config": b"{}"}), keras_archive(keras_config()), npy("'|O'", "(1,)", EVIL_4), onnx(),
    safetensors({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"x"),
]  # fmt: skip
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner) | st.frozensets(st.integers())
    ),
    max_leaves=20,
)


def verdict(data: bytes) -> Verdict:
    inspection = Inspection()
    judge_source(Held(data), inspection)
    return inspection.verdict


@settings(max_examples=examples(200), deadline=None)
@given(plain, st.integers(0, 5))
def test_pickles_of_plain_data_are_clean(value: object, protocol: int) -> None:
    assert verdict(pickle.dumps(value, protocol)) is Verdict.CLEAN


@settings(max_examples=examples(300), deadline=None)
@given(st.binary(max_size=400))
@example(b"\x80\x04\x95")
@example(b"PK\x03\x04")
@example(b"PK\x05\x06" + b"\0" * 18)
@example(b"\x89HDF\r\n\x1a\n")
def test_random_bytes_never_crash(data: bytes) -> None:
    verdict(data)


@settings(max_examples=examples(400), deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=6),
    st.integers(0, 60),
)
def test_damaged_files_never_crash(data: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(data)
    for at, byte in changes:
        changed[at % len(changed)] = byte
    verdict(bytes(changed[: len(changed) - cut]))


_PIECES = st.lists(
    st.sampled_from(
        [b"N", b"K\x01", b"(", b")", b"]", b"}", b"\x8c\x02os", b"\x8c\x06system", b"\x8c\x08builtins", b"\x8c\x04eval",
         b"\x93", b"R", b"0", b"2", b"\x94", b"h\x00", b"h\x01", b"q\x00", b"t", b"\x85", b"\x86", b"o", b"b", b"a",
         b"s",
         b"u", b"\x81", b"1", b"cos\nsystem\n", b"\x8c\x0bcollections", b"\x8c\x0bOrderedDict", b"Q"]
    ),
    max_size=14,
)  # fmt: skip


class _Wire(pickle.Unpickler):
    """Really unpickles, with stand-ins for everything that is imported; knows what was."""

    def __init__(self, data: bytes) -> None:
        import io

        super().__init__(io.BytesIO(data))
        self.names: list[tuple[str, str]] = []

    def find_class(self, module: str, name: str) -> object:
        self.names.append((module, name))
        return dict

    def persistent_load(self, key: object) -> object:
        return None


@settings(max_examples=examples(1500), deadline=None)
@given(_PIECES)
def test_the_machine_sees_every_import_that_the_real_one_makes(pieces: list[bytes]) -> None:
    data = four(b"".join(pieces))
    wire = _Wire(data)
    with suppress(Exception):  # whatever made it fail, the imports before it were made
        wire.load()
    if any(entry(module, name) is None for module, name in wire.names):
        assert verdict(data) is not Verdict.CLEAN, pickletools.genops(data)
