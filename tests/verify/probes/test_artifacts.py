"""ART-04 to ART-07: each planted model or call is found, each clean twin passes, an empty subject is not good news."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.model_bytes import EVIL_4, PLAIN, gguf, onnx, safetensors, torch_zip
from roadworthy.verify.outcome import Outcome

SAFE = safetensors({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}, b"1234")
TEMPLATE = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
Verified = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("files", "status", "rules"),
    [
        ({}, "not_measured", set()),
        ({"notes.txt": b"text", "src/a.py": b"import os\n"}, "not_applicable", set()),
        ({"m.safetensors": SAFE, "m.pkl": PLAIN}, "pass", set()),
        ({"m.safetensors": SAFE, "m.pt": torch_zip(EVIL_4)}, "fail", {"pickle.import.dangerous"}),
        ({"notes.txt": EVIL_4}, "fail", {"pickle.import.dangerous"}),
        ({"m.bin": b"\x00\xff\x01" * 99}, "fail", {"file.unknown"}),
        ({"m.bin": b""}, "fail", {"file.empty"}),
    ],
)
def test_contents(files: dict[str, bytes], status: str, rules: set[str], subject: Path, verified: Verified) -> None:
    _write(subject, files)
    outcome = verified("ART-04")
    assert (outcome.status, {each.rule for each in outcome.findings}) == (status, rules), outcome


@pytest.mark.parametrize(
    ("files", "status", "share"),
    [
        ({"notes.txt": b"text"}, "not_applicable", None),
        ({"m.safetensors": SAFE, "m.gguf": gguf()}, "pass", 1.0),
        ({"m.pkl": PLAIN}, "fail", 0.0),
    ],
)
def test_formats(files: dict[str, bytes], status: str, share: float | None, subject: Path, verified: Verified) -> None:
    _write(subject, files)
    outcome = verified("ART-05")
    assert outcome.status == status, outcome
    assert share is None or outcome.measured[0].value == share


@pytest.mark.parametrize(
    ("files", "settings", "status"),
    [
        ({"notes.txt": b"text"}, {}, "not_applicable"),
        ({"a.py": b"import torch\ntorch.load('x', weights_only=True)\n"}, {}, "pass"),
        ({"a.py": b"import joblib\njoblib.load('x')\n"}, {}, "fail"),
        ({"a.py": b"def broken(:\n"}, {}, "not_measured"),
        (
            {"a.py": b"x = 1\n", "tests/b.py": b"import pickle\npickle.load(f)\n"},
            {"not_product": {"tests": "tests"}},
            "pass",
        ),
        ({"tests/b.py": b"import pickle\npickle.load(f)\n"}, {"not_product": {"tests": "tests"}}, "not_measured"),
    ],
)
def test_loaders(
    files: dict[str, bytes], settings: dict[str, object], status: str, subject: Path, verified: Verified
) -> None:
    _write(subject, files)
    outcome = verified("ART-06", **settings)
    assert outcome.status == status, outcome


def test_active_content_counts_until_exactly_these_bytes_are_reviewed(subject: Path, verified: Verified) -> None:
    _write(subject, {"m.gguf": gguf(TEMPLATE), "m.onnx": onnx()})
    digest = hashlib.sha256((subject / "m.gguf").read_bytes()).hexdigest()
    assert verified("ART-07").status == "fail"
    assert verified("ART-07", reviewed={"m.gguf": digest}).status == "pass"
    _write(subject, {"m.gguf": gguf(TEMPLATE + " ")})
    assert verified("ART-07", reviewed={"m.gguf": digest}).status == "fail"


def test_code_that_settings_name_is_active_content(subject: Path, verified: Verified) -> None:
    _write(subject, {"config.json": json.dumps({"auto_map": {"AutoModel": "m.M"}}).encode()})
    outcome = verified("ART-07")
    assert {each.rule for each in outcome.findings} == {"config.code"}


def _write(subject: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (subject / name).parent.mkdir(exist_ok=True)
        (subject / name).write_bytes(data)
