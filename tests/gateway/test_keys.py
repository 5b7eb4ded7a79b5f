"""The key store: what is stored, who is let in, for how long, and how an edge learns of a change."""

import json
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rig.examples import examples
from roadworthy.core.clock import ManualClock
from roadworthy.core.errors import RoadworthyError, StorageError, UsageError
from roadworthy.core.ports import Entry
from roadworthy.gateway.keys import MAX_LIFE_DAYS, MAX_OVERLAP_S, Key, KeyStore, digest


class Notebook:
    """A journal in a list; refuses to write when told to."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.full = False

    def append(self, entries: Sequence[Entry]) -> None:
        if self.full:
            raise StorageError("The journal is full.")
        self.entries += entries


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock, notebook: Notebook) -> Iterator[KeyStore]:
    store = KeyStore(tmp_path / "state" / "state.db", notebook, clock)
    yield store
    store.close()


def test_a_key_is_found_by_its_hash_and_never_stored(store: KeyStore, tmp_path: Path, notebook: Notebook) -> None:
    key, secret = store.create("ci", ["use"])
    assert re.fullmatch(r"rw_[A-Za-z0-9_-]{43}", secret)
    assert store.find(digest(secret)) == key
    assert [(entry.id, entry.sha256, entry.scopes) for entry in store.active()] == [(key.id, digest(secret), ("use",))]
    for file in (tmp_path / "state").iterdir():
        assert secret.encode() not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret not in repr(key) + repr(notebook.entries)


def test_the_folder_and_a_file_that_others_could_read_become_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "state.db"
    KeyStore(path).close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    KeyStore(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["", "A", "-x", "a b", "a/b", "é", "x" * 64, "a\n", "a'--"])
def test_bad_names_are_refused(store: KeyStore, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        store.create(name, ["use"])
    assert caught.value.param == "name"
    assert store.list() == ()


@pytest.mark.parametrize("scopes", [[], ["root"], ["use", "USE"], [""]])
def test_unknown_scopes_are_refused(store: KeyStore, scopes: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        store.create("a", scopes)
    assert caught.value.param == "scopes"
    assert "use, operate, admin" in caught.value.why


@pytest.mark.parametrize("life", [0, -1, MAX_LIFE_DAYS * 86_400 + 1, float("nan")])
def test_a_life_out_of_bounds_is_refused(store: KeyStore, life: float) -> None:
    with pytest.raises(UsageError, match="life of the key"):
        store.create("a", ["use"], life)


def test_a_name_is_free_again_after_a_revocation(store: KeyStore, clock: ManualClock) -> None:
    first, _ = store.create("a", ["use"])
    with pytest.raises(UsageError, match="A key named a exists already"):
        store.create("a", ["admin"])
    store.revoke("a")
    clock.advance(1)
    second, _ = store.create("a", ["admin", "use", "use"])
    assert second.scopes == ("use", "admin")
    assert store.get("a") == second
    assert [key.id for key in store.list()] == [first.id, second.id]


def test_revoking_works_once_and_for_good(store: KeyStore, clock: ManualClock, notebook: Notebook) -> None:
    _, secret = store.create("a", ["use"])
    clock.advance(5)
    revoked = store.revoke("a")
    assert revoked.revoked_at == clock.wall()
    assert store.find(digest(secret)) is None
    clock.advance(5)
    assert store.revoke(revoked.id) == revoked
    assert [entry.kind for entry in notebook.entries] == ["key.created", "key.revoked"]
    with pytest.raises(UsageError, match="revoked"):
        store.rotate(revoked.id)


def test_a_rotated_key_keeps_its_old_secret_for_the_overlap_only(store: KeyStore, clock: ManualClock) -> None:
    key, old = store.create("a", ["use"])
    rotated, new = store.rotate("a", overlap_s=60)
    assert rotated.id == key.id
    assert store.find(digest(old)) == store.find(digest(new)) == rotated
    assert len(store.active()) == 2
    clock.advance(60)
    assert store.find(digest(old)) is None
    assert [entry.sha256 for entry in store.active()] == [digest(new)]
    store.rotate("a")
    assert store.find(digest(new)) is None


def test_a_second_rotation_does_not_lengthen_the_first_overlap(store: KeyStore, clock: ManualClock) -> None:
    _, first = store.create("a", ["use"])
    store.rotate("a", overlap_s=10)
    store.rotate("a", overlap_s=1000)
    clock.advance(10)
    assert store.find(digest(first)) is None


@pytest.mark.parametrize("overlap", [-1, MAX_OVERLAP_S + 1, float("nan")])
def test_an_overlap_out_of_bounds_is_refused(store: KeyStore, overlap: float) -> None:
    store.create("a", ["use"])
    with pytest.raises(UsageError, match="overlap"):
        store.rotate("a", overlap)


def test_an_unknown_key_is_not_found(store: KeyStore) -> None:
    for call in (store.get, store.revoke, store.rotate):
        with pytest.raises(UsageError) as caught:
            call("nobody")
        assert caught.value.code == "not_found"


def test_access_is_remembered_before_it_is_given(store: KeyStore, notebook: Notebook) -> None:
    _, secret = store.create("a", ["use"])
    notebook.full = True
    with pytest.raises(StorageError):
        store.create("b", ["use"])
    with pytest.raises(StorageError):
        store.rotate("a")
    assert len(store.list()) == 1
    assert store.find(digest(secret)) is not None


def test_access_is_taken_away_even_when_it_cannot_be_remembered(store: KeyStore, notebook: Notebook) -> None:
    _, secret = store.create("a", ["use"])
    notebook.full = True
    with pytest.raises(StorageError):
        store.revoke("a")
    assert store.find(digest(secret)) is None


def test_the_journal_entry_says_who_and_what(store: KeyStore, notebook: Notebook) -> None:
    key, _ = store.create("a", ["operate"], expires_s=10)
    told = json.loads(notebook.entries[0].payload)
    assert told == {"id": key.id, "name": "a", "scopes": ["operate"], "expires_at": key.expires_at}


def test_another_store_sees_each_change_and_nothing_else(tmp_path: Path, store: KeyStore, clock: ManualClock) -> None:
    edge = KeyStore(tmp_path / "state" / "state.db", clock=clock)
    assert edge.changed()
    assert edge.active() == ()
    assert not edge.changed()
    other = sqlite3.connect(tmp_path / "state" / "state.db")
    other.execute("CREATE TABLE journal (x)")
    other.close()
    assert not edge.changed()
    for change in (lambda: store.create("a", ["use"]), lambda: store.rotate("a", 5), lambda: store.revoke("a")):
        change()
        assert edge.changed()
        edge.active()
        assert not edge.changed()
    edge.close()


def test_running_out_is_a_change(store: KeyStore, clock: ManualClock) -> None:
    _, secret = store.create("a", ["use"], expires_s=10)
    store.active()
    clock.advance(9)
    assert not store.changed()
    clock.advance(1)
    assert store.changed()
    assert store.active() == ()
    assert store.find(digest(secret)) is None
    assert not store.changed()


def test_an_admin_key_counts_only_while_it_is_valid(store: KeyStore, clock: ManualClock) -> None:
    store.create("a", ["use", "operate"])
    assert not store.has_admin()
    store.create("b", ["admin"], expires_s=10)
    assert store.has_admin()
    clock.advance(10)
    assert not store.has_admin()


def test_a_damaged_file_and_a_missing_right_are_clear_errors(tmp_path: Path) -> None:
    damaged = tmp_path / "state.db"
    damaged.write_bytes(b"this is no database, whatever its name says" * 50)
    for path in (damaged, tmp_path):
        with pytest.raises(StorageError, match="key store cannot be used"):
            KeyStore(path)
    assert damaged.read_bytes().startswith(b"this is no database")


def test_processes_that_start_together_share_one_store(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from roadworthy.gateway.keys import KeyStore; "
        "store = KeyStore(pathlib.Path(sys.argv[1])); store.create('k' + sys.argv[2], ['use']); store.close()"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "state.db"), str(index)]) for index in range(6)
    ]
    assert [process.wait(60) for process in started] == [0] * 6
    store = KeyStore(tmp_path / "state.db")
    assert sorted(key.name for key in store.list()) == [f"k{index}" for index in range(6)]
    store.close()


class Keys(RuleBasedStateMachine):
    """The store against a model in memory: secret -> (key name, valid until)."""

    names = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.store = KeyStore(Path(self.folder.name) / "state.db", clock=self.clock)
        self.alive: dict[str, float | None] = {}
        self.secrets: dict[str, tuple[str, float]] = {}
        self.watched = self.store.active()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def lives(self, name: str) -> bool:
        return name in self.alive and (self.alive[name] is None or self.alive[name] > self.clock.now)

    @rule(name=names, life=st.none() | st.integers(1, 20))
    def create(self, name: str, life: int | None) -> None:
        try:
            _, secret = self.store.create(name, ["use"], life)
        except UsageError:
            assert name in self.alive
            return
        assert name not in self.alive
        self.alive[name] = None if life is None else self.clock.now + life
        self.secrets[secret] = (name, float("inf"))

    @rule(name=names, overlap=st.integers(0, 20))
    def rotate(self, name: str, overlap: int) -> None:
        try:
            _, secret = self.store.rotate(name, overlap)
        except UsageError:
            assert not self.lives(name)
            return
        assert self.lives(name)
        until = self.clock.now + overlap
        for old, (owner, end) in self.secrets.items():
            if owner == name:
                self.secrets[old] = (owner, min(end, until))
        self.secrets[secret] = (name, float("inf"))

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.alive)))
        self.store.revoke(name)
        del self.alive[name]
        self.secrets = {secret: held for secret, held in self.secrets.items() if held[0] != name}

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def bad_key(self) -> None:
        with pytest.raises(RoadworthyError):
            self.store.create("BAD", ["use"])

    @invariant()
    def the_right_secrets_open(self) -> None:
        valid = {
            digest(secret) for secret, (name, end) in self.secrets.items() if self.lives(name) and end > self.clock.now
        }
        if not self.store.changed():
            assert {entry.sha256 for entry in self.watched} == valid
        self.watched = self.store.active()
        assert {entry.sha256 for entry in self.watched} == valid
        for secret in self.secrets:
            found = self.store.find(digest(secret))
            assert isinstance(found, Key) == (digest(secret) in valid)


TestKeys = Keys.TestCase
TestKeys.settings = hypothesis_settings(max_examples=examples(25), stateful_step_count=20, deadline=None)
