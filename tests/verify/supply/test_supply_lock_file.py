"""Lock files: what has no hash is named; a lock whose every entry has one is quiet."""

from __future__ import annotations

import json

import pytest

from roadworthy.verify.supply.lock_file import kind, lock

HASH = "--hash=sha256:" + "ab" * 32
FILE = '{file = "x", hash = "sha256:ab"}'
UV_FILE = '{url = "https://example.com/x", hash = "sha256:ab"}'
SHA = "0123456789" * 4
PIP = {"default": {"a": {"hashes": ["sha256:ab"]}}, "develop": {"b": {"version": "==1"}}}


@pytest.mark.parametrize(
    ("name", "text", "entries", "faults"),
    [
        ("requirements.txt", f"a==1 {HASH}\n", 1, 0),
        (
            "requirements.txt",
            f"# note\n-i https://example.com\n--no-index\n\na==1 \\\n    {HASH} \\\n    {HASH}\nb==2\n",
            2,
            1,
        ),
        ("requirements.txt", "a==1\nb\nc>=1  # --hash=sha256:\n", 3, 3),
        ("requirements.txt", "-r other.txt\n-c c.txt\n-e .\n./local\n", 0, 0),
        ("requirements.txt", "-e git+https://example.com/x@main\n", 1, 1),
        ("requirements.txt", f"a @ https://example.com/a.whl {HASH}\n", 1, 0),
        ("requirements.txt", "", 0, 0),
        ("uv.lock", f'[[package]]\nname = "a"\nsource = {{registry = "x"}}\nwheels = [{UV_FILE}]\n', 1, 0),
        ("uv.lock", '[[package]]\nname = "a"\nsource = {registry = "x"}\n', 1, 1),
        ("uv.lock", '[[package]]\nname = "a"\nsource = {registry = "x"}\nsdist = {url = "x"}\n', 1, 1),
        ("uv.lock", '[[package]]\nname = "a"\nsource = {editable = "."}\n', 0, 0),
        ("uv.lock", f'[[package]]\nname = "a"\nsource = {{git = "https://x#{SHA}"}}\n', 1, 0),
        ("uv.lock", '[[package]]\nname = "a"\nsource = {git = "https://x?rev=main"}\n', 1, 1),
        ("poetry.lock", f'[[package]]\nname = "a"\nfiles = [{FILE}]\n', 1, 0),
        ("poetry.lock", '[[package]]\nname = "a"\nfiles = []\n', 1, 1),
        ("poetry.lock", f'[[package]]\nname = "a"\n[metadata.files]\na = [{FILE}]\n', 1, 0),
        ("pdm.lock", f'[[package]]\nname = "a"\nfiles = [{FILE}]\n[[package]]\nname = "b"\n', 2, 1),
        ("Pipfile.lock", json.dumps(PIP), 2, 1),
        ("pylock.toml", '[[packages]]\nname = "a"\nwheels = [{name = "x", hashes = {sha256 = "ab"}}]\n', 1, 0),
        ("pylock.toml", '[[packages]]\nname = "a"\nwheels = [{name = "x"}]\n', 1, 1),
    ],
)
def test_locks(name: str, text: str, entries: int, faults: int) -> None:
    found = lock(name, text.encode())
    assert (found.entries, len(found.faults)) == (entries, faults), found


def test_the_line_is_that_of_the_entry() -> None:
    (fault,) = lock("requirements.txt", f"a==1 \\\n  {HASH}\n\nb==2 \\\n  ; python_version > '3'\n".encode()).faults
    assert (fault.line, fault.message.startswith("b==2")) == (4, True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", "no toml ["),
        ("uv.lock", 'package = "text"'),
        ("uv.lock", '[[package]]\nname = "a"\n'),
        ("Pipfile.lock", "{"),
        ("Pipfile.lock", "[]"),
        ("Pipfile.lock", "[" * 100_000),
        ("pylock.toml", ""),
    ],
)
def test_what_is_no_lock(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"lock|JSON|Expecting"):
        lock(name, text.encode())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("requirements.txt", "requirements"),
        ("deep/requirements-dev.txt", "requirements"),
        ("requirements/run.txt", "requirements"),
        ("constraints.txt", "requirements"),
        ("a/uv.lock", "uv.lock"),
        ("requirements.in", ""),
        ("requirements/notes.md", ""),
        ("notes.txt", ""),
    ],
)
def test_kinds(name: str, expected: str) -> None:
    assert kind(name) == expected
