"""ART-01, ART-02, ART-03: each thing done to the models is found by the check that is about it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from roadworthy.verify.integrity.baseline import create, save, survey
from roadworthy.verify.outcome import Outcome
from roadworthy.verify.signing import make_keys, private_key, signed

Verified = Callable[..., Outcome]


@pytest.fixture
def key_id(subject: Path, tmp_path: Path) -> str:
    """A subject with two models, a signed manifest of yesterday, and its key."""
    (subject / "models" / "deep").mkdir(parents=True)
    (subject / "models" / "a.safetensors").write_bytes(b"a" * 100)
    (subject / "models" / "deep" / "b.gguf").write_bytes(b"GGUF")
    name = make_keys(tmp_path / "key.pem", subject / "models.pub")
    _sign(subject, tmp_path)
    return name


def _sign(subject: Path, keys: Path, at: datetime | None = None) -> None:
    made = create(subject / "models", survey(subject / "models"), at or datetime.now(UTC) - timedelta(days=1))
    save(made, subject / "models.manifest.json", partial(signed, key=private_key(keys / "key.pem")))


def _flip(models: Path) -> None:
    (models / "a.safetensors").write_bytes(b"a" * 99 + b"b")


STATES = [
    (lambda models: None, ("pass", "pass", "pass")),
    (_flip, ("fail", "pass", "pass")),
    (lambda models: (models / "a.safetensors").unlink(), ("fail", "pass", "pass")),
    (lambda models: (models / "a.safetensors").rename(models / "c"), ("fail", "pass", "fail")),
    (lambda models: (models / "new").write_bytes(b""), ("pass", "pass", "fail")),
    (lambda models: os.mkfifo(models / "pipe"), ("pass", "pass", "fail")),
    (lambda models: (models / "out").symlink_to("/etc/hosts"), ("pass", "pass", "fail")),
    (lambda models: (models / "loop").symlink_to("."), ("pass", "pass", "fail")),
    (lambda models: (models.parent / "models.manifest.json").unlink(), ("not_measured",) * 3),
    (lambda models: (models.parent / "models.manifest.json").write_text("{}"), ("not_measured",) * 3),
    (lambda models: (models.parent / "stray.pt").write_bytes(b"x"), ("not_measured", "pass", "pass")),
]


@pytest.mark.parametrize(("act", "expected"), STATES)
def test_states(
    act: Callable[[Path], None], expected: tuple[str, ...], subject: Path, key_id: str, verified: Verified
) -> None:
    act(subject / "models")
    seen = (verified("ART-01").status, verified("ART-02", key_id=key_id).status, verified("ART-03").status)
    if expected[1] == "not_measured" and (subject / "models.manifest.json").exists():
        expected = (expected[0], "fail", expected[2])
    assert seen == expected


def test_the_signature(subject: Path, key_id: str, verified: Verified, tmp_path: Path) -> None:
    assert verified("ART-02").status == "not_measured"
    assert verified("ART-02", key_id="0" * 64).status == "fail"
    assert verified("ART-02", key_id=key_id, public_key="../key.pub").status == "not_measured"
    (tmp_path / "key.pem").unlink()
    (subject / "models.pub").rename(tmp_path / "old.pub")
    other = make_keys(tmp_path / "key.pem", subject / "models.pub")
    assert verified("ART-02", key_id=other).status == "fail"


def test_a_manifest_of_this_run_proves_nothing(subject: Path, key_id: str, verified: Verified, tmp_path: Path) -> None:
    _sign(subject, tmp_path, datetime.fromtimestamp(time.time() + 3600, UTC))
    assert verified("ART-01").status == "not_measured"
    assert verified("ART-02", key_id=key_id).status == "not_measured"


def test_without_models_they_do_not_apply(subject: Path, verified: Verified) -> None:
    (subject / "a.py").write_text("")
    for check in ("ART-01", "ART-02", "ART-03"):
        assert verified(check).status == "not_applicable"


@pytest.mark.parametrize("name", ["m.pt", "renamed.txt"])
def test_models_without_their_folder_are_not_measured(name: str, subject: Path, verified: Verified) -> None:
    (subject / name).write_bytes(b"\x80\x04\x95")
    for check in ("ART-01", "ART-02", "ART-03"):
        assert verified(check).status == "not_measured"
    assert verified("ART-01", root="../..").status == "not_measured"
