"""The difference names exactly what was done to a tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.verify.integrity.baseline import survey
from roadworthy.verify.integrity.compare import Difference, compare
from roadworthy.verify.integrity.digest import Content
from roadworthy.verify.integrity.walk import Oddity, Problem


def _content(name: str, digest: str = "", link: str | None = None, size: int = 1) -> Content:
    return Content(name, digest or name, size, link)


def test_each_kind_by_itself() -> None:
    old = [_content(name) for name in ("same", "flipped", "gone", "moved")]
    new = [_content("same"), _content("flipped", "other"), _content("fresh"), _content("to/moved", "moved")]
    assert compare(old, new) == Difference(
        changed=("flipped",), missing=("gone",), added=("fresh",), renamed=(("moved", "to/moved"),), same=1
    )


def test_a_file_that_became_a_link_to_the_same_content_has_changed() -> None:
    assert compare([_content("a")], [_content("a", link="b")]).changed == ("a",)
    assert not compare([_content("a", size=-1)], [_content("a", link="b")]).any


def test_copies_are_added_and_not_renamed() -> None:
    difference = compare([_content("a", "d")], [_content("a", "d"), _content("b", "d")])
    assert (difference.added, difference.renamed) == (("b",), ())


def test_what_is_not_known_is_neither_missing_nor_the_same() -> None:
    old = [_content(name) for name in ("shut/a", "shut/b", "busy", "now-a-pipe", "shutter")]
    oddities = [
        Oddity(Problem.UNREADABLE, "shut", "", folder=True),
        Oddity(Problem.CHANGED_WHILE_READ, "busy", ""),
        Oddity(Problem.SPECIAL, "now-a-pipe", ""),
    ]
    difference = compare(old, [], oddities)
    assert difference.unexamined == ("busy", "shut/a", "shut/b")
    assert difference.changed == ("now-a-pipe",)
    assert difference.missing == ("shutter",)


@dataclass
class _Done:
    """What was done to a tree, as the difference should say it."""

    changed: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    renamed: set[tuple[str, str]] = field(default_factory=set)


NAMES = st.lists(
    st.from_regex(r"[a-c]{1,3}(/[d-f]{1,3}\n?){0,2}\.bin", fullmatch=True), unique=True, min_size=1, max_size=9
)


@settings(max_examples=examples(60), deadline=None)
@given(
    names=NAMES,
    actions=st.lists(st.sampled_from(["keep", "change", "remove", "rename", "touch"]), min_size=9, max_size=9),
    added=st.integers(0, 3),
    data=st.data(),
)
def test_random_trees(names: list[str], actions: list[str], added: int, data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, name in enumerate(names):
            _write(root / name, b"content %d" % number)
        before = survey(root)
        done = _Done()
        for number, (name, action) in enumerate(zip(names, actions, strict=False)):
            _act(root, name, action, number, done)
        for number in range(added):
            _write(root / f"new/{number}", b"new %d" % number)
            done.added.add(f"new/{number}")
        after = survey(root)
        difference = compare(before.contents, after.contents, after.oddities)
        assert set(difference.changed) == done.changed
        assert set(difference.missing) == done.missing
        assert set(difference.added) == done.added
        assert set(difference.renamed) == done.renamed
        assert difference.same == len(names) - len(done.changed) - len(done.missing) - len(done.renamed)


def _act(root: Path, name: str, action: str, number: int, done: _Done) -> None:
    path = root / name
    if action == "change":
        whole = bytearray(path.read_bytes())
        whole[number % len(whole)] ^= 1
        path.write_bytes(whole + b"!" * (number % 2))
        done.changed.add(name)
    elif action == "remove":
        path.unlink()
        done.missing.add(name)
    elif action == "rename":
        _write(root / f"moved/{number}", path.read_bytes())
        path.unlink()
        done.renamed.add((name, f"moved/{number}"))
    elif action == "touch":
        path.touch()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
