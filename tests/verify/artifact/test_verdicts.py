"""One table of hand-made files: what must be stopped, and what must pass."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib

import pytest

from rig.model_bytes import (
    EVIL,
    EVIL_4,
    PLAIN,
    four,
    gguf,
    hdf5,
    hidden_member,
    joblib_array,
    keras_archive,
    keras_config,
    local_name_lies,
    name,
    npy,
    onnx,
    safetensors,
    saved_model,
    tensor_pickle,
    text,
    torch_legacy,
    torch_zip,
    zipped,
)
from roadworthy.verify.artifact.dispatch import Surroundings, judge_source
from roadworthy.verify.artifact.inspection import Inspection, Limits
from roadworthy.verify.artifact.record import Verdict
from roadworthy.verify.artifact.source import Held


def judged(data: bytes, called: str = "", limits: Limits | None = None) -> Inspection:
    """The inspection of some bytes."""
    inspection = Inspection(limits)
    judge_source(Held(data), inspection, Surroundings(called))
    return inspection


MAPPED = text("a.pth") + text("uint8") + text("w+") + b"K\x00K\x10\x85"
"""Arguments of `numpy.memmap`: the file is made or emptied, and each `SETITEM` writes into it."""


def _memo_out_of_step() -> bytes:
    """Entry 2000 is set first, all but entry 0 follow: the next `MEMOIZE` sets 2000 anew, and so does the one after it.

    Whoever counts otherwise reads "builtins" where the unpickler reads "os".
    """
    puts = b"".join(b"r" + struct.pack("<I", index) for index in (2000, *range(1, 2000)))
    names = text("builtins") + b"\x940" + text("os") + b"\x940"
    return four(b"N" + puts + b"0" + names + b"j" + struct.pack("<I", 2000) + text("set") + b"\x93)R")


def _tar(members: dict[str, bytes], **special: object) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, data in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            for key, value in special.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def _flag(archive: bytes, bit: int) -> bytes:
    changed = bytearray(archive)
    changed[6] |= bit
    at = archive.index(b"PK\x01\x02")
    changed[at + 8] |= bit
    return bytes(changed)


def _bad_crc(archive: bytes) -> bytes:
    at = archive.index(b"PK\x01\x02")
    return archive[: at + 16] + b"\1\2\3\4" + archive[at + 20 :]


def _link_member() -> bytes:
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return file.getvalue()


CALL = b"\x85R"
MALICIOUS: dict[str, bytes] = {
    # opcodes
    "global": EVIL,
    "stack-global": EVIL_4,
    "inst": b"(S'echo'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'echo'\no.",
    "newobj": four(name("subprocess", "Popen") + text("x") + b"\x85\x81"),
    "newobj-ex": four(name("subprocess", "Popen") + b")}\x92"),
    "import-only": four(name("antigravity", "geohash")),
    "popped-call": four(name("os", "system") + text("x") + CALL + b"0N"),
    "popped-mark": b"\x80\x02(cos\nsystem\nX\x01\0\0\0x\x85R1N.",
    "ext": b"\x80\x02\x82\x01)R.",
    "reduce-of-result": four(name("collections", "OrderedDict") + b")R)R"),
    "reduce-of-literal": four(text("x") + b")R"),
    "build-on-class": four(name("collections", "OrderedDict") + b"N}" + text("x") + b"K\x01s\x86b"),
    "setitem-on-module": four(name("sys", "modules") + text("x") + b"K\x01s"),
    "setstate-attribute": four(name("collections", "OrderedDict") + b")R}" + text("__setstate__") + b"Nsb"),
    "setstate-through-memo": four(
        name("collections", "OrderedDict") + b")R}\x94h\x00" + text("__setstate__") + b"Ns0b"
    ),
    "setstate-in-slots": four(name("collections", "OrderedDict") + b")RN}" + text("__class__") + b"Ns\x86b"),
    # memo
    "put-after-pop": b"\x80\x02Vos\np1\n0Vsystem\np2\n0Vtorch\np3\n0g1\ng2\n\x93Vx\n\x85R.",
    "put-after-dup": four(text("os") + b"2\x94" + b"0" + text("system") + b"\x93" + text("x") + CALL),
    "memo-overwritten": b"\x80\x04"
    + text("torch")
    + b"q\x000"
    + text("os")
    + b"q\x000h\x00"
    + text("system")
    + b"\x93)R.",
    "computed-name": four(name("collections", "OrderedDict") + b")R" + text("system") + b"\x93"),
    "escaped-name": b"S'\\x6fs'\nS'sys\\x74em'\n\x93(S'x'\ntR.",
    "escaped-unicode": b"V\\u006fs\nVsystem\n\x93(Vx\ntR.",
    "bytes-name": four(b"C\x02os" + text("system") + b"\x93" + text("x") + CALL),
    # gadgets
    **{
        f"gadget-{module}.{attribute}": four(name(module, attribute) + text("x") + CALL)
        for module, attribute in (
            ("builtins", "eval"),
            ("builtins", "getattr"),
            ("builtins", "exec"),
            ("builtins", "__import__"),
            ("functools", "partial"),
            ("operator", "methodcaller"),
            ("operator", "attrgetter"),
            ("pip", "main"),
            ("timeit", "timeit"),
            ("pkgutil", "resolve_name"),
            ("idlelib.pyshell", "ModifiedInterpreter.runcommand"),
            ("cProfile", "run"),
            ("uuid", "_get_command_stdout"),
            ("numpy.f2py.crackfortran", "getlincoef"),
            ("importlib", "import_module"),
            ("marshal", "loads"),
            ("posixpath", "os.getenv"),
            ("pathlib", "os.system"),
            ("torch", "load"),
            ("torch", "hub.load"),
            ("torch.serialization", "load"),
            ("numpy", "load"),
            ("joblib", "load"),
            ("torch.jit", "load"),
            ("sklearn.utils", "os.system"),
            ("collections", "_sys.exit"),
            ("torch.nn.modules.linear", "torch.hub.load"),
            ("builtins", "map"),
            ("types", "FunctionType"),
            ("dill._dill", "_create_function"),
            ("cloudpickle.cloudpickle", "_make_function"),
            ("webbrowser", "open"),
            ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
            ("_xxsubinterpreters", "run_string"),
            ("", "eval"),
            ("builtins ", "eval"),
            ("builtins", "eval "),
            ("BUILTINS", "EVAL"),
            ("os\0", "system"),
        )
    },
    "type-makes-class": four(name("builtins", "type") + text("X") + b")}\x87R"),
    "codec": four(name("_codecs", "encode") + text("x") + text("bz2_codec") + b"\x86R"),
    "nested-load": four(name("torch.storage", "_load_from_bytes") + b"C" + bytes([len(EVIL)]) + EVIL + CALL),
    "nested-computed": four(name("torch.storage", "_load_from_bytes") + name("builtins", "bytes") + b")R" + CALL),
    "callee-smuggled": four(
        name("torch._tensor", "_rebuild_from_type_v2")
        + b"("
        + name("torch.storage", "_load_from_bytes")
        + name("torch", "Tensor")
        + b"C"
        + bytes([len(EVIL)])
        + EVIL
        + b"\x85}tR"
    ),
    "checked-in-data": four(b"]" + name("torch.storage", "_load_from_bytes") + b"a"),
    "reconstructor": four(
        name("copyreg", "_reconstructor") + name("os", "system") + name("builtins", "object") + b"N\x87R"
    ),
    "ufunc-import": four(
        name("numpy._core", "_ufunc_reconstruct") + text("os") + text("system") + b"\x86R" + text("x") + CALL
    ),
    "reference-called": four(name("numpy", "add") + b")R"),
    "allocates": four(name("builtins", "bytearray") + b"J\xff\xff\xff\x7f" + CALL),
    **{
        f"file-is-emptied-{way}": four(start + b"(" + more + end)
        for way, start, more, end in (
            ("new", name("numpy", "memmap"), MAPPED, b"t\x81K\x00K\x41s"),
            ("call", name("numpy", "memmap"), MAPPED, b"tR"),
            ("object", b"", name("numpy", "memmap") + MAPPED, b"o"),
            ("copyreg", name("copyreg", "__newobj__"), name("numpy", "memmap") + MAPPED, b"tR"),
            ("index", name("pandas.core.indexes.base", "_new_Index"), name("numpy", "memmap") + b"}", b"tR"),
        )
    },
    "allocates-an-instance": four(name("builtins", "bytes") + b"J\xff\xff\xff\x7f\x85\x81"),
    # streams
    "second-pickle": PLAIN + EVIL,
    "after-garbage-stop": b"\x80\x04N.\x80\x04N." + EVIL_4,
    "truncated-after-call": EVIL_4[:-1],
    "frame-lies-inside": b"\x80\x04\x95\x02\0\0\0\0\0\0\0" + EVIL_4[2:],
    "broken-after-call": EVIL_4[:-1] + b"\xff\xff",
    "legacy-torch": torch_legacy(EVIL_4),
    "legacy-torch-magic": b"\x80\x02c__builtin__\neval\nX\x03\0\0\x001+1\x85R." + torch_legacy()[15:],
    "joblib-object-array": joblib_array("O8", b"K\x01\x85", EVIL_4, flags=63),
    "joblib-array-is-a-program": joblib_array("f8", b"K\x05\x85", (b"\x80\x04" + EVIL).ljust(40, b"\0")).replace(
        text("numpy_array_alignment_bytes") + b"K\x10u" + b"b\x00", b"ub"
    ),
    "joblib-objects-are-another-program": joblib_array(
        "O8",
        b"K\x01\x85",
        four(text("collections") + b"\x94" + text("OrderedDict") + b"\x94" + b"00h\x00h\x01\x93)R"),
        flags=63,
    ).replace(b"\x80\x04", b"\x80\x04" + text("os") + b"\x940" + text("system") + b"\x940", 1),
    "joblib-after-array": joblib_array("f8", b"K\x01\x85", b"\0" * 8)[:-1] + b"0" + EVIL_4[2:],
    # wrappers
    **{
        f"wrapped-{kind}": pack(EVIL_4)
        for kind, pack in {
            "gzip": gzip.compress,
            "bz2": bz2.compress,
            "xz": lzma.compress,
            "zlib": zlib.compress,
            "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
        }.items()
    },
    "gzip-second-member": gzip.compress(PLAIN) + gzip.compress(EVIL_4),
    "tar": _tar({"model.pkl": EVIL_4}),
    "memo-count": _memo_out_of_step(),
    "tgz": gzip.compress(_tar({"a/model.bin": EVIL_4})),
    "tar-traversal": _tar({"../x": b"hello"}),
    "tar-absolute": _tar({"/etc/x": b"hello"}),
    "tar-link": _tar({"x": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "tar-device": _tar({"x": b""}, type=tarfile.CHRTYPE),
    "zip": zipped({"x.txt": EVIL_4}),
    "zip-deflated": zipped({"x.txt": EVIL_4}, zipfile.ZIP_DEFLATED),
    "zip-bzip2": zipped({"x.txt": EVIL_4}, zipfile.ZIP_BZIP2),
    "zip-in-zip": zipped({"a.zip": zipped({"x": EVIL_4})}),
    "zip-flag-1": _flag(zipped({"data.pkl": EVIL_4}), 1),
    "zip-flag-20": _flag(zipped({"data.pkl": EVIL_4}), 0x20),
    "zip-flag-40": _flag(zipped({"data.pkl": EVIL_4}), 0x40),
    "zip-crc": _bad_crc(zipped({"data.pkl": EVIL_4})),
    "zip-crc-alone": _bad_crc(zipped({"data.pkl": PLAIN})),
    "zip-name-lies": local_name_lies(zipped({"data.pkl": EVIL_4}), b"data.pkl", b"data.txt"),
    "zip-hidden": hidden_member(zipped({"a.txt": b"hello"}), "data.pkl", EVIL_4),
    "zip-traversal": zipped({"../../x": b"hello"}),
    "zip-traversal-windows": zipped({"..\\x": b"hello"}),
    "zip-link": _link_member(),
    "zip-without-directory": zipped({"data.pkl": EVIL_4}).split(b"PK\x01\x02")[0],
    "pickle-then-zip": EVIL_4 + zipped({"a.txt": b"hello"}),
    "torch": torch_zip(EVIL_4),
    "torch-second-pickle": zipped({"m/data.pkl": PLAIN, "m/other": EVIL_4}),
    "npy-objects": npy("'|O'", "(1,)", EVIL_4),
    "npz-objects": zipped({"a.npy": npy("'|O'", "(1,)", EVIL_4)}),
    # other formats
    "keras-lambda": keras_archive(keras_config("Lambda")),
    "keras-module": keras_archive(keras_config("function", "os", config="system")),
    "keras-function": keras_archive(keras_config("function", "keras.utils", config="get_file")),
    "keras-torch-wrapper": keras_archive(keras_config("TorchModuleWrapper")),
    "keras-vocabulary": keras_archive(keras_config("StringLookup", config={"vocabulary": "/etc/passwd"})),
    "keras-h5-lambda": hdf5({"model_config": json.dumps(keras_config("Lambda", None)).encode()}),
    "h5-pickled-attribute": hdf5({"object": EVIL}),
    "gguf-template": gguf("{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    "gguf-template-attr": gguf("{% set x = messages|attr('a') %}"),
    "gguf-template-escape": gguf("{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}"),
    "tokenizer-template": json.dumps({"chat_template": "{{ cycler.__init__.__globals__.os.popen('id') }}"}).encode(),
    "tokenizer-templates": json.dumps({"chat_template": [{"name": "x", "template": "{{ x.__class__ }}"}]}).encode(),
    "onnx-external": onnx(location="../../etc/passwd"),
    "onnx-external-absolute": onnx(location="/etc/passwd"),
    "onnx-python": onnx(operator="PyOp", domain="ai.onnx.contrib"),
    "savedmodel-read": saved_model("ReadFile"),
    "savedmodel-python": saved_model("PyFunc"),
    "yaml-object": b"model: !!python/object/apply:os.system ['x']\n",
    "elf": b"\x7fELF\x02\x01\x01" + b"\0" * 100,
    "bytecode": b"\xa7\r\r\n" + b"\0" * 12 + b"\xe3",
}

UNVERIFIABLE: dict[str, tuple[bytes, str]] = {
    "persistent-id": (four(text("key") + b"Q"), ""),
    "truncated": (PLAIN[:-3], ""),
    "get-of-nothing": (b"\x80\x02h\x05" + EVIL, ""),
    "zip-then-pickle": (zipped({"a.txt": b"hello"}) + EVIL_4, ""),
    "frame-too-long": (b"\x80\x04\x95\xff\0\0\0\0\0\0\0N.", ""),
    "frame-straddled": (b"\x80\x04\x95\x05\0\0\0\0\0\0\0B\x14\0\0\0" + b"A" * 20 + b".", ""),
    "frame-in-frame": (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0N\x95\x01\0\0\0\0\0\0\0N.", ""),
    "trailing": (PLAIN + b"\xff\xfe\xfd rest", ""),
    "protocol-6": (b"\x80\x06N.", ""),
    "legacy-torch-trailing": (torch_legacy() + b"more", ""),
    "encrypted": (_flag(zipped({"a.txt": zlib.compress(b"secret" * 50)}), 1), ""),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + b"\0" * 30, ""),
    "lz4": (b"\x04\x22\x4d\x18" + b"\0" * 30, ""),
    "zip-shortened": (zipped({"a.txt": b"hello" * 10})[:-30], ""),
    "gzip-shortened": (gzip.compress(PLAIN)[:-10], ""),
    "npy-shortened": (npy("'<f8'", "(4,)", b"\0" * 8), ""),
    "npy-header": (npy("__import__('os')", "(4,)", b"\0" * 32), ""),
    "npy-trailing": (npy("'<f8'", "(1,)", b"\0" * 8 + EVIL_4), ""),
    "safetensors-overrun": (safetensors({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}, b"\0" * 8), ""),
    "safetensors-overlap": (
        safetensors(
            {
                "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
            },
            b"\0" * 12,
        ),
        "",
    ),
    "safetensors-twice": (safetensors(b'{"a":{},"a":{}}', b""), ""),
    "safetensors-trailing": (safetensors({}, EVIL_4), ""),
    "safetensors-huge-header": (struct.pack("<Q", 90_000_000) + b'{"a":1}', ""),
    "gguf-shortened": (gguf(tensors=2)[:-8], ""),
    "gguf-trailing": (gguf(tensors=1, tail=b"x" * 100), ""),
    "onnx-custom": (onnx(domain="my.ops"), ""),
    "keras-custom": (keras_archive(keras_config("Mine", "my_package.layers")), ""),
    "auto-map": (json.dumps({"auto_map": {"AutoModel": "modeling.Model"}}).encode(), "config.json"),
    "lfs-pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "model.safetensors"),
    "html-as-model": (b"<html><body>Not found</body></html>", "model.bin"),
    "png-as-model": (b"\x89PNG\r\n\x1a\n" + b"\0" * 20 + b"IEND\xaeB`\x82", "model.pt"),
    "png-shortened": (b"\x89PNG\r\n\x1a\n", "model.pt"),
    "noise": (bytes(range(256)) * 4, "weights.dat"),
    "empty-model": (b"", "model.pt"),
    "program": (b"import os\nos.system('x')\n", "handler.py"),
    "script": (b"#!/bin/sh\nls\n", "run"),
    "key-twice": (zipped({"config.json": b'[{"class_name":"Lambda","class_name":"Dense","config":{}}]'}), "a.keras"),
    "deep-json": (b"[" * 100_000, "config.json"),
}

BENIGN: dict[str, tuple[bytes, str]] = {
    **{
        f"pickle-{protocol}": (
            pickle.dumps({"a": [1, -2, 10**40, 2.5, None, True, "t\u00e9", (1,)], "b": {1: 2}}, protocol),
            "",
        )
        for protocol in range(6)
    },
    **{
        f"bytes-{protocol}": (pickle.dumps([b"\x00\xff" * 300, bytearray(b"x"), {1, 2}, frozenset([3])], protocol), "")
        for protocol in range(6)
    },
    "framed": (pickle.dumps([b"y" * 100_000, list(range(30_000)), "z" * 70_000], 5), ""),
    "ordered-dict": (pickle.dumps(__import__("collections").OrderedDict(a=1), 2), ""),
    "two-pickles": (PLAIN + PLAIN, ""),
    "padded": (PLAIN + b"\n\n\t\0\0", ""),
    "torch": (torch_zip(tensor_pickle()), "model.pt"),
    "torch-legacy": (torch_legacy(), "model.pth"),
    "memory-map": (
        four(name("numpy._core.multiarray", "_reconstruct") + name("numpy", "memmap") + b"K\x00\x85C\x01b\x87R"),
        "a.pkl",
    ),
    "joblib-array": (joblib_array("f8", b"K\x02K\x03\x86", (b"\x80\x04cos" * 10)[:48]), "a.joblib"),
    "joblib-structure": (joblib_array("V4", b"K\x02\x85", b"cos\nsyst", flags=16), "a.joblib"),
    "joblib-objects": (joblib_array("O8", b"K\x01\x85", PLAIN, flags=63), "a.joblib"),
    "gzip-pickle": (gzip.compress(PLAIN), "a.pkl.gz"),
    "zlib-pickle": (zlib.compress(PLAIN), "a.joblib"),
    "tar": (_tar({"a/readme.txt": b"hello", "a/model.pkl": PLAIN}), "a.tar"),
    "npy": (npy("'<f8'", "(2, 3)", b"\0" * 48), "a.npy"),
    "npy-text": (npy("'<U3'", "(2,)", b"\0" * 24), "a.npy"),
    "npy-fields": (npy("[('a', '<i4'), ('b', '<f8', (2,))]", "(1,)", b"\0" * 20), "a.npy"),
    "npz": (zipped({"a.npy": npy("'<f8'", "(1,)", b"\0" * 8)}, zipfile.ZIP_DEFLATED), "a.npz"),
    "safetensors": (
        safetensors(
            {"__metadata__": {"format": "pt"}, "a": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}},
            b"\0" * 8,
        ),
        "a.safetensors",
    ),
    "gguf": (
        gguf("{% for m in messages %}{{ m['role'] + ': ' + m['content'] | trim }}{% endfor %}", tensors=2),
        "a.gguf",
    ),
    "onnx": (onnx(), "a.onnx"),
    "onnx-external": (onnx(location="weights.bin"), "a.onnx"),
    "savedmodel": (saved_model("MatMul"), "saved_model.pb"),
    "keras": (keras_archive(keras_config()), "a.keras"),
    "keras-h5": (
        hdf5({"model_config": json.dumps(keras_config(module=None)).encode(), "backend": b"tensorflow"}),
        "a.h5",
    ),
    "config": (b'{"model_type": "llama", "hidden_size": 4096}', "config.json"),
    "readme": (b"# Model\n\nUse it with import torch.\n", "README.md"),
    "vocabulary": ("the\n\u00e9t\u00e9\ncos\nsystem\n".encode(), "vocab.txt"),
    "lightgbm": (b"tree\nversion=v4\nnum_class=1\n", "model.txt"),
    "picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 20 + b"IEND\xaeB`\x82", "plot.png"),
    "empty": (b"", "__init__.py"),
}


@pytest.mark.parametrize("case", MALICIOUS)
def test_malicious_files_are_unsafe(case: str) -> None:
    found = judged(MALICIOUS[case])
    assert found.verdict is not Verdict.CLEAN, case
    assert found.verdict is Verdict.UNSAFE, [(each.rule, each.what) for each in found.reasons]


@pytest.mark.parametrize("case", UNVERIFIABLE)
def test_what_cannot_be_judged_is_unverifiable(case: str) -> None:
    data, called = UNVERIFIABLE[case]
    found = judged(data, called)
    assert found.verdict is Verdict.UNVERIFIABLE, [(each.rule, each.what) for each in found.reasons]


@pytest.mark.parametrize("case", BENIGN)
def test_harmless_files_are_clean(case: str) -> None:
    data, called = BENIGN[case]
    found = judged(data, called)
    assert found.verdict is Verdict.CLEAN, [(each.rule, each.what, each.offset) for each in found.reasons]


@pytest.mark.parametrize("called", ["model.txt", "model.json", "model.png", "model", "weights.safetensors", "a.md"])
def test_a_name_never_makes_a_verdict_milder(called: str) -> None:
    milder = [case for case, data in MALICIOUS.items() if judged(data, called).verdict is not Verdict.UNSAFE]
    assert not milder
