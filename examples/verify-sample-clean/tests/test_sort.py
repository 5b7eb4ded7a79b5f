"""What customers say, and what it is."""

import json

import pytest

from citrus.sort import password, sort, weights


@pytest.mark.parametrize(("text", "kind"), [("a fine lemon", "praise"), ("It came late", "complaint")])
def test_sort(text, kind):
    assert sort(text) == kind


def test_weights(tmp_path):
    head = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    (tmp_path / "a.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + bytes(8))
    assert weights(tmp_path / "a.safetensors")["w"]["shape"] == [2]


def test_there_is_no_default_password(monkeypatch):
    monkeypatch.delenv("CITRUS_DATABASE_PASSWORD", raising=False)
    with pytest.raises(KeyError):
        password()
