"""The digest is of what the process reads through the open file, whatever happens to the name meanwhile."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.serve.weights import weights

GOOD, OTHER = b"GGUF the weights", b"GGUF the others!"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(GOOD)
    return path


def test_the_digest_is_of_what_is_read(file: Path) -> None:
    with weights(file) as found:
        assert found.digest == "sha256:" + hashlib.sha256(GOOD).hexdigest()
        assert Path(found.path).read_bytes() == GOOD


def _written_to(file: Path) -> None:
    file.write_bytes(OTHER)


def _written_to_and_dated_back(file: Path) -> None:
    was = file.stat()
    file.write_bytes(OTHER)
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))


@pytest.mark.parametrize("change", [_written_to, _written_to_and_dated_back])
def test_a_file_that_is_written_to_is_not_served(file: Path, change: Callable[[Path], None]) -> None:
    with pytest.raises(ConfigError, match="changed while it was loaded") as failed, weights(file):
        change(file)
    assert failed.value.code == "model_file_invalid"


def test_another_file_under_the_name_is_not_what_is_read(file: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    kept = tmp_path / "models" / file.name
    file.rename(kept)
    with weights(kept) as found:
        (tmp_path / "models").rename(tmp_path / "away")
        (tmp_path / "models").mkdir()
        kept.write_bytes(OTHER)
        assert Path(found.path).read_bytes() == GOOD
        assert found.digest == "sha256:" + hashlib.sha256(GOOD).hexdigest()


def test_parts_of_a_model_have_no_digest_of_the_whole(tmp_path: Path) -> None:
    part = tmp_path / "big-00001-of-00003.gguf"
    part.write_bytes(GOOD)
    with weights(part) as found:
        assert (found.digest, found.path) == (None, str(part))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"), weights(tmp_path / "none.gguf"):
        raise AssertionError
