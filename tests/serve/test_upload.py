"""Multipart uploads go to disk as they come, however they are cut, and leave nothing when they are refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.core.errors import UsageError
from roadworthy.gateway.batch.files import FileStore
from roadworthy.serve.upload import MAX_FIELD_BYTES, Upload

BOUNDARY = b"edge"


def form(content: bytes = b"{}\n", name: bytes = b"in.jsonl", purpose: bytes = b"batch", more: bytes = b"") -> bytes:
    return (
        b'--edge\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n%b\r\n%b'
        b'--edge\r\ncontent-disposition: form-data; name="file"; filename="%b"\r\n'
        b"content-type: application/octet-stream\r\n\r\n%b\r\n--edge--\r\n" % (purpose, more, name, content)
    )


def feed(folder: Path, body: bytes, cuts: list[int] | None = None, max_bytes: int = 1 << 20) -> Upload:
    upload = Upload(FileStore(folder), BOUNDARY, max_bytes)
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts or []), len(body)]
    try:
        for start, end in pairwise(edges):
            upload.feed(body[start:end])
    except UsageError:
        if upload.file is not None:
            upload.file.drop()
        raise
    return upload


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(content=st.binary(max_size=400), cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_however_it_is_cut_the_file_is_the_same(tmp_path: Path, content: bytes, cuts: list[int]) -> None:
    if b"--edge" in content:
        return
    upload = feed(tmp_path, form(content), cuts)
    assert upload.complete
    assert upload.file is not None
    assert (upload.filename, upload.fields) == ("in.jsonl", {"purpose": "batch"})
    upload.file.keep_as(tmp_path / "kept")
    assert (tmp_path / "kept").read_bytes() == content
    upload.file.drop()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60))
@given(body=st.binary(max_size=300))
def test_nonsense_is_refused_or_incomplete(tmp_path: Path, body: bytes) -> None:
    try:
        upload = feed(tmp_path, body)
    except UsageError:
        return
    assert not upload.complete


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (form(b"x" * 2000), "request_too_large"),
        (form(purpose=b"x" * (MAX_FIELD_BYTES + 1)), "request_too_large"),
        (form(more=b'--edge\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n' * 20), "request_too_large"),
        (form(more=b"--edge\r\nx: %b\r\n\r\n1\r\n" % (b"y" * 5000)), "invalid_request"),
        (form(more=b'--edge\r\ncontent-disposition: form-data; name="file"\r\n\r\n1\r\n'), "invalid_request"),
    ],
)
def test_what_is_refused_leaves_nothing(tmp_path: Path, body: bytes, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        feed(tmp_path, body, max_bytes=1000)
    assert refused.value.code == code
    assert not list(tmp_path.iterdir())
