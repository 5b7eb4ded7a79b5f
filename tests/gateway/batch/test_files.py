"""Contents on disk: whole or not there, whatever ends the writer or refuses the bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from roadworthy.core.errors import StorageError, UsageError
from roadworthy.gateway.batch.files import FileStore


def test_leftovers_of_killed_writers_go_and_parts_of_living_ones_stay(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    living = store.open_part()
    living.write(b"{}")
    (tmp_path / "dead.part").write_bytes(b"{}")
    FileStore(tmp_path)
    [left] = tmp_path.iterdir()
    assert left.name != "dead.part"
    living.keep_as(store.path("file-1"))
    living.drop()
    assert [path.name for path in tmp_path.iterdir()] == ["file-1"]


def test_a_full_disk_is_an_error_of_ours_and_leaves_nothing(tmp_path: Path) -> None:
    part = FileStore(tmp_path).open_part()
    part._file.close()
    part._file = open("/dev/full", "wb", buffering=64)  # noqa: SIM115 - the part closes it
    with pytest.raises(StorageError) as refused:
        part.write(b"x" * 256)
    assert refused.value.code == "store_unavailable"
    part.drop()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(StorageError):
        FileStore(tmp_path / "state" / "files")


def test_a_content_that_is_gone_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        list(FileStore(tmp_path).read_lines("file-1"))
    assert refused.value.code == "not_found"
