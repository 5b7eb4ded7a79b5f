"""The walk never leaves the root and loses nothing; the digest changes with everything and with nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.verify import tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "b").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "b" / "c.txt").write_text("c")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return folder


def digest(root: Path) -> str:
    return tree.tree_digest(root)[0]


def test_walk(root: Path) -> None:
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to("/etc/passwd")
    (root / "gone").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    seen = {node.name: node.kind for node in tree.walk(root)}
    assert seen == {"a.txt": "file", "b/c.txt": "file", "gone": "link", "loop": "link", "out": "link", "pipe": "other"}


def test_names_that_are_no_text(root: Path) -> None:
    (root / "line\nbreak\x1b[2J").write_text("")
    Path(os.fsdecode(os.fsencode(str(root)) + b"/\xff\xfe")).write_text("")
    names = [tree.shown(node.name) for node in tree.walk(root)]
    assert r"line\nbreak\x1b[2J" in names
    assert r"\xff\xfe" in names
    assert len(digest(root)) == 64


def test_order_is_that_of_bytes(root: Path) -> None:
    for name in ("Z", "z", "ä", "_"):
        (root / name).write_text(name)
    assert [node.name for node in tree.walk(root)][:5] == ["Z", "_", "a.txt", "z", "ä"]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a.txt").write_text("A"),
        lambda root: (root / "a.txt").rename(root / "A.txt"),
        lambda root: (root / "b" / "c.txt").rename(root / "c.txt"),
        lambda root: (root / "new").write_text(""),
        lambda root: (root / "a.txt").unlink(),
        lambda root: (root / "a.txt").chmod(0o755),
        lambda root: (root / "link").symlink_to("a.txt"),
        lambda root: os.mkfifo(root / "pipe"),
    ],
)
def test_digest_changes(root: Path, change: object) -> None:
    before = digest(root)
    change(root)  # type: ignore[operator]
    assert digest(root) != before


def test_digest_of_a_link_is_its_text(root: Path) -> None:
    (root / "link").symlink_to("a.txt")
    before = digest(root)
    (root / "a.txt").write_text("another")
    after = digest(root)
    (root / "a.txt").write_text("a")
    assert digest(root) == before != after
    (root / "link").unlink()
    (root / "link").symlink_to("b")
    assert digest(root) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / ".git" / "HEAD").write_text("other"),
        lambda root: os.utime(root / "a.txt", (1, 1)),
        lambda root: (root / "a.txt").chmod(0o600),
        lambda root: (root / "__pycache__").mkdir(),
        lambda root: (root / "empty").mkdir(),
    ],
)
def test_digest_stays(root: Path, change: object) -> None:
    before = digest(root)
    change(root)  # type: ignore[operator]
    assert digest(root) == before


@given(st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=3)), max_size=4))
def test_no_two_trees_have_one_digest(files: list[tuple[str, bytes]]) -> None:
    """Names and contents cannot run into each other."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        for name, content in files:
            (root / name).write_bytes(content)
        shown = sorted((node.name, node.path.read_bytes()) for node in tree.walk(root))
        known = _KNOWN.setdefault(digest(root), shown)
        assert known == shown


_KNOWN: dict[str, list[tuple[str, bytes]]] = {}


@pytest.mark.parametrize(
    ("name", "inner"),
    [("a.txt", True), ("b/../a.txt", True), ("../x", False), ("/etc/passwd", False), ("out", False), ("b\0", False)],
)
def test_inside(root: Path, name: str, inner: bool) -> None:
    (root / "out").symlink_to("/etc")
    assert (tree.inside(root, name) is not None) is inner


def test_a_folder_that_cannot_be_listed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert {node.name: node.kind for node in tree.walk(root)} == {"a.txt": "file", "b": "unreadable"}
    assert tree.tree_digest(root)[2] == 1


def test_our_own_output_is_apart(root: Path) -> None:
    (root / "out").mkdir()
    (root / "out" / "report.json").write_text("{}")
    assert tree.tree_digest(root, apart=(root / "out",))[0] == tree.tree_digest(root, ("out", ".git"))[0]
