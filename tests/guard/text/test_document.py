"""Files are masked whole or not at all, whatever is in them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from roadworthy.core.errors import SubjectError
from roadworthy.guard.text import document
from roadworthy.guard.text.document import look_through, mask_file, mask_stream
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.masker import TextMasker

MASKER = TextMasker()
MAIL = "bob@example.com"
KEY = "-----BEGIN PRIVATE KEY-----\n" + "MIIEow+/IBAAK=\n" * 40 + "-----END PRIVATE KEY-----\n"


def test_a_copy_has_marks_and_nothing_else_changed(tmp_path: Path) -> None:
    source, target = tmp_path / "a.log", tmp_path / "b.log"
    source.write_text(f"one {MAIL}\ntwo\n")
    done = mask_file(source, target, MASKER)
    assert target.read_text() == "one ***EMAIL_MASKED***\ntwo\n"
    assert done.findings == {Kind.EMAIL: 1}
    assert done.size == source.stat().st_size
    assert source.read_text() == f"one {MAIL}\ntwo\n"


def test_in_place_keeps_the_mode(tmp_path: Path) -> None:
    source = tmp_path / "a.log"
    source.write_text(MAIL)
    source.chmod(0o640)
    mask_file(source, source, MASKER)
    assert source.read_text() == "***EMAIL_MASKED***"
    assert source.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.log", tmp_path / "link.log"
    real.write_text(MAIL)
    link.symlink_to(real)
    mask_file(link, link, MASKER)
    assert link.is_symlink()
    assert real.read_text() == "***EMAIL_MASKED***"


@pytest.mark.parametrize(
    "content",
    [b"\x00\x01binary", bytes(range(1, 32)) * 4, b"\xff\xfe\x00", b"\xff\xfe\x00\xd8"],
)
def test_what_is_no_text_is_left_whole(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "a.bin"
    source.write_bytes(content)
    with pytest.raises(SubjectError):
        mask_file(source, source, MASKER)
    assert source.read_bytes() == content
    assert list(tmp_path.iterdir()) == [source]


def test_an_error_in_the_middle_leaves_the_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "BLOCK_BYTES", 1_000)
    monkeypatch.setattr(document, "LONGEST_LINE_BYTES", 20_000)
    source = tmp_path / "a.log"
    content = f"{MAIL}\n" * 1_000 + "x" * 30_000
    source.write_text(content)
    with pytest.raises(SubjectError, match="line of more than"):
        mask_file(source, source, MASKER)
    assert source.read_text() == content
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_other_encodings_come_back_as_they_were(encoding: str, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    bom = "\ufeff" if encoding == "utf-16-le" else ""
    source.write_bytes((bom + f"주민 900101-1234568, {MAIL}\n").encode(encoding))
    mask_file(source, source, MASKER)
    text = source.read_bytes().decode("utf-16" if encoding == "utf-16-le" else encoding)
    assert text.lstrip("\ufeff") == "주민 ***RRN_MASKED***, ***EMAIL_MASKED***\n"


@pytest.mark.parametrize("content", [b"\xb0\xa1 bob@example.com \xff\n", b"\xed\xa0\x80 bob@example.com"])
def test_bytes_that_are_no_utf8_stay(content: bytes) -> None:
    out = io.BytesIO()
    mask_stream(io.BytesIO(content), out, MASKER)
    assert out.getvalue() == content.replace(b"bob@example.com", b"***EMAIL_MASKED***")


@pytest.mark.parametrize("block", [64, 200, 1_000, 5_000])
def test_blocks_of_any_size_give_the_same(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = (("x" * 37 + f" {MAIL} tail\n") * 20 + KEY + "between\n" + KEY * 2 + "y" * 3_000 + f" {MAIL}").encode()
    whole = MASKER.mask_bytes(content)
    assert b"MIIE" not in whole
    monkeypatch.setattr(document, "BLOCK_BYTES", block)
    out = io.BytesIO()
    mask_stream(io.BytesIO(content), out, MASKER)
    assert out.getvalue() == whole


def test_places_name_line_and_column_and_never_the_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "BLOCK_BYTES", 64)
    source = tmp_path / "a.log"
    source.write_text("\n".join(["좋은 아침"] * 30 + [f"메일 {MAIL} 그리고 010-1234-5678"]))
    places = look_through(source, MASKER)
    assert [(place.line, place.column, place.kind) for place in places] == [(31, 4, Kind.EMAIL), (31, 24, Kind.PHONE)]
    assert all(MAIL not in place.shown and "***EMAIL_MASKED***" in place.shown for place in places)


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SubjectError):
            mask_file(path, tmp_path / "out", MASKER)
    assert list(tmp_path.iterdir()) == []
