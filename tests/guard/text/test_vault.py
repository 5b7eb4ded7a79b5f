"""Tokens: the same within a scope, another one outside of it, restored whole and in pieces, never past their time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rig.examples import examples
from roadworthy.guard.text.disguise import Disguises
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.policy import Action, Policy
from roadworthy.guard.text.vault import LONGEST_TOKEN, TOKEN, MemoryVault, Restorer, SqliteVault, scope_of

KEY = b"0123456789abcdef"
EMAIL = b"Bob@example.com"


class Time:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_the_same_within_a_scope_and_for_every_way_to_write_the_value() -> None:
    one, same = MemoryVault(KEY, scope_of("a", "x")), MemoryVault(KEY, scope_of("a", "x"))
    token = one.token(Kind.EMAIL, EMAIL)
    assert token == same.token(Kind.EMAIL, b"bob@EXAMPLE.com")
    assert one.token(Kind.PHONE, b"010-1234-5678") == same.token(Kind.PHONE, b"01012345678")
    assert TOKEN.fullmatch(token)
    others = [MemoryVault(KEY, scope_of(*scope)) for scope in (("a",), ("b", "x"), ("ax",), ("a", "xx"))]
    others.append(MemoryVault(KEY[::-1], scope_of("a", "x")))
    assert len({token, *(other.token(Kind.EMAIL, EMAIL) for other in others)}) == 6
    assert all(other.value(token) is None for other in others)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        MemoryVault(b"short", b"")
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Disguises().open("t", "token", False)
    with pytest.raises(ValueError, match="vault"):
        Policy({Kind.EMAIL: Action.TOKEN})


@pytest.mark.parametrize(
    "write", [str.lower, str.upper, lambda text: f'"{text}"', lambda text: text.replace("_", "\\_")]
)
def test_models_that_rewrite_a_token(write) -> None:
    vault = MemoryVault(KEY, b"")
    token = vault.token(Kind.EMAIL, EMAIL).decode()
    restorer = Restorer(vault)
    quote = '"' if write(token).startswith('"') else ""
    assert restorer.feed(f"to {write(token)}에게") + restorer.close() == f"to {quote}Bob@example.com{quote}에게"


@settings(max_examples=examples(150), deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(["TOKEN", "EMAIL", "EMAIL_", "email_abc", " ", "_", "P", "안", "i", "\\", "x" * 30]), max_size=9
    ),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=9),
)
@example(parts=["EMAIL_", "EMAIL", "EMAIL", "EMAIL", "TOKEN"], sizes=[1])
def test_pieces_are_restored_as_the_whole_and_little_is_held(parts: list[str], sizes: list[int]) -> None:
    vault = MemoryVault(KEY, b"")
    token = vault.token(Kind.EMAIL, EMAIL).decode()
    text = "".join(parts).replace("TOKEN", token)
    whole, pieces, out, at, turn = Restorer(vault), Restorer(vault), "", 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        out += pieces.feed(text[at : at + size])
        at, turn = at + size, turn + 1
        assert len(out) >= len(text[:at].replace(token, EMAIL.decode())) - LONGEST_TOKEN - len(EMAIL)
    assert out + pieces.close() == whole.feed(text) + whole.close() == text.replace(token, EMAIL.decode())


class TestSqlite:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("cryptography")

    def test_it_outlives_the_process_and_ends_on_time(self, tmp_path: Path) -> None:
        time = Time()
        vault = SqliteVault(tmp_path / "v.db", KEY, b"s", 60.0, time)
        token = vault.token(Kind.EMAIL, EMAIL)
        vault.close()
        again = SqliteVault(tmp_path / "v.db", KEY, b"s", 60.0, time)
        assert again.value(token.upper()) == EMAIL
        time.now += 60.0
        assert again.value(token) is None
        assert again.expire() == 1
        again.close()

    def test_nobody_else_reads_it(self, tmp_path: Path) -> None:
        path = tmp_path / "v.db"
        vault = SqliteVault(path, KEY, scope_of("tenant-a"), 60.0)
        token = vault.token(Kind.EMAIL, EMAIL)
        for key, scope in ((KEY, scope_of("tenant-b")), (KEY[::-1], scope_of("tenant-a"))):
            assert SqliteVault(path, key, scope, 60.0).value(token) is None
        assert path.stat().st_mode & 0o777 == 0o600
        stored = b"".join(each.read_bytes() for each in tmp_path.iterdir()).lower()
        assert EMAIL.lower() not in stored
        assert b"tenant-a" not in stored
        vault.close()

    def test_a_row_that_was_moved_or_prolonged_is_no_value(self, tmp_path: Path) -> None:
        path = tmp_path / "v.db"
        vault = SqliteVault(path, KEY, b"s", 60.0)
        token, other = vault.token(Kind.EMAIL, EMAIL), vault.token(Kind.EMAIL, b"eve@example.com")
        with sqlite3.connect(path) as store:
            store.execute("UPDATE token SET expires = expires + 1e6 WHERE token = ?", (token.lower(),))
            sealed = store.execute("SELECT sealed FROM token WHERE token = ?", (token.lower(),)).fetchone()[0]
            store.execute("UPDATE token SET sealed = ? WHERE token = ?", (sealed, other.lower()))
        assert vault.value(token) is None
        assert vault.value(other) is None
        vault.close()

    def test_what_cannot_be_kept_gives_no_token(self, tmp_path: Path) -> None:
        vault = SqliteVault(tmp_path / "v.db", KEY, b"s", 60.0)
        vault.close()
        with pytest.raises(sqlite3.Error):
            vault.token(Kind.EMAIL, EMAIL)
