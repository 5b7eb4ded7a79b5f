"""Files as a source: modes, contents, and rotation in place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from roadworthy.core.clock import SystemClock
from roadworthy.core.errors import SecretError
from roadworthy.guard.secrets.file import FileSource

CANARY = "canary-51de-in-a-file"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "openai"
    path.write_text(CANARY + "\n")
    path.chmod(0o600)
    return path


def source(folder: Path, *, strict: bool = True) -> FileSource:
    return FileSource(str(folder), SystemClock(), strict=strict)


def refused(path: Path, *, strict: bool = True) -> SecretError:
    with pytest.raises(SecretError) as caught:
        source(path.parent, strict=strict).fetch(str(path))
    assert CANARY not in str(caught.value.as_dict())
    return caught.value


def test_a_private_file(key: Path) -> None:
    files = source(key.parent)
    found = files.fetch(files.place_of("openai"))
    assert found is not None
    assert found.reveal() == CANARY
    assert found.origin.created_at == key.stat().st_mtime
    assert files.fetch(str(key.parent / "none")) is None


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o606, 0o660, 0o620, 0o777])
def test_others_must_not_reach_it(key: Path, mode: int) -> None:
    key.chmod(mode)
    error = refused(key)
    assert error.code == "secret_file_exposed"
    assert f"{mode:04o}" in error.why
    assert f"chmod 600 {key}" in error.mend
    assert source(key.parent, strict=False).fetch(str(key)) is not None  # in development


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_modes_that_serve(key: Path, mode: int) -> None:
    key.chmod(mode)
    assert source(key.parent).fetch(str(key)) is not None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_it_must_not_belong_to_somebody_else(key: Path) -> None:
    os.chown(key, 65_534, -1)
    assert refused(key).code == "secret_file_exposed"


@pytest.mark.parametrize(("content", "words"), [(b"", "empty"), (b" \n", "empty"), (b"x" * 70_000, "larger")])
def test_what_is_no_secret(key: Path, content: bytes, words: str) -> None:
    key.write_bytes(content)
    error = refused(key)
    assert error.code == "secret_missing"
    assert words in str(error)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path / ".").code == "secret_source_refused"


def test_a_place_that_cannot_be_written_leaves_everything_as_it_was(key: Path) -> None:
    files = source(key.parent)
    version = files.fetch(str(key)).origin.version  # type: ignore[union-attr]
    mark = files.stage(str(key), "new", version)
    files.discard(str(key), mark)
    assert sorted(path.name for path in key.parent.iterdir()) == ["openai"]
    assert key.read_text().strip() == CANARY
    kept = key.parent / "openai.previous"
    kept.mkdir()  # in the way of the version before
    mark = files.stage(str(key), "new", version)
    with pytest.raises(SecretError) as caught:
        files.promote(str(key), "new", mark)
    assert caught.value.code == "secret_source_refused"
    assert key.read_text().strip() == CANARY
