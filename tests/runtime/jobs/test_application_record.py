"""Records of applications on real stores, held against a dictionary."""

from __future__ import annotations

import string
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from rig.examples import examples
from rig.postgres import fresh_database
from roadworthy.core.errors import StorageError, UsageError
from roadworthy.runtime.jobs.application_record import (
    MAX_RECORD_BYTES,
    RECORD,
    ApplicationRecords,
    create_record_table,
)
from roadworthy.runtime.jobs.store import open_engine

PRINTABLE = string.ascii_letters + string.digits + string.punctuation
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
VALUES = st.dictionaries(st.text(max_size=8), JSON, max_size=4)
IDS = st.sampled_from(["a", "a%", "a_b", "ab", "A", "b", "~", "a" * 200]) | st.text(PRINTABLE, min_size=1, max_size=6)
PLACES = st.tuples(st.sampled_from(["one", "two"]), st.sampled_from(["key_a", "key_b"]), st.sampled_from(["x", "y"]))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    if request.param == "sqlite":
        made = open_engine(tmp_path / "jobs.db")
        create_record_table(made)
        yield made
        made.dispose()
        return
    with fresh_database(request.getfixturevalue("postgres")) as url:
        made = open_engine(url)
        create_record_table(made)
        yield made
        made.dispose()


def test_they_behave_as_a_dictionary_does(engine: sa.Engine) -> None:
    create_record_table(engine)  # once more: another worker starts

    class Records(RuleBasedStateMachine):
        @initialize()
        def empty(self) -> None:
            with engine.begin() as db:
                db.execute(RECORD.delete())
            self.stores = {name: ApplicationRecords(engine, name) for name in ("one", "two")}
            self.model: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}

        @rule(place=PLACES, name=IDS, value=VALUES)
        def add(self, place, name, value) -> None:
            mine = self.model.setdefault(place, {})
            assert self.stores[place[0]].add(*place[1:], name, value) is (name not in mine)
            mine.setdefault(name, value)

        @rule(place=PLACES, name=IDS, value=VALUES)
        def put(self, place, name, value) -> None:
            self.stores[place[0]].put(*place[1:], name, value)
            self.model.setdefault(place, {})[name] = value

        @rule(place=PLACES, name=IDS)
        def delete(self, place, name) -> None:
            had = self.model.setdefault(place, {}).pop(name, None) is not None
            assert self.stores[place[0]].delete(*place[1:], name) is had

        @rule(place=PLACES, name=IDS)
        def get(self, place, name) -> None:
            assert self.stores[place[0]].get(*place[1:], name) == self.model.get(place, {}).get(name)

        @rule(place=PLACES, prefix=st.sampled_from(["", "a", "a%", "a_", "A", "aa"]), limit=st.integers(1, 4))
        def newest(self, place, prefix, limit) -> None:
            mine = [(name, value) for name, value in self.model.get(place, {}).items() if name.startswith(prefix)]
            assert list(self.stores[place[0]].all_of(*place[1:], prefix, limit)) == mine[::-1][:limit]

        @invariant()
        def nothing_else_is_there(self) -> None:
            with engine.connect() as db:
                count = db.scalar(sa.select(sa.func.count()).select_from(RECORD))
            assert count == sum(map(len, self.model.values()))

    quick = settings(
        max_examples=examples(25), stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Records, settings=quick)


def test_of_many_who_add_one_wins_and_of_many_who_put_none_fails(engine: sa.Engine) -> None:
    records = ApplicationRecords(engine, "one")
    won: list[bool] = []

    def add(number: int) -> None:
        won.append(records.add("key_a", "x", "same", {"n": number}))
        records.put("key_a", "x", "put", {"n": number})

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    assert len(records.all_of("key_a", "x")) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [("", {}), ("a b", {}), ("é", {}), ("a" * 201, {}), ("a", {"x": object()}), ("a", {"x": float("nan")}),
     ("a", {"x": "y" * MAX_RECORD_BYTES})],
)  # fmt: skip
def test_what_is_no_record_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    engine = open_engine(tmp_path / "jobs.db")
    create_record_table(engine)
    records = ApplicationRecords(engine, "one")
    for write in (records.add, records.put):
        with pytest.raises(UsageError) as told:
            write("key_a", "x", name, value)
        assert told.value.code == "invalid_request"
    with pytest.raises(UsageError):
        records.all_of("key_a", "", limit=1)
    for limit in (0, 1_001):
        with pytest.raises(UsageError):
            records.all_of("key_a", "x", limit=limit)
    engine.dispose()


def test_a_store_that_is_away_is_told(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "jobs.db")
    records = ApplicationRecords(engine, "one")  # its table was never made
    for ask in (
        lambda: records.get("key_a", "x", "a"),
        lambda: records.add("key_a", "x", "a", {}),
        lambda: records.put("key_a", "x", "a", {}),
        lambda: records.delete("key_a", "x", "a"),
        lambda: records.all_of("key_a", "x"),
    ):
        with pytest.raises(StorageError) as told:
            ask()
        assert told.value.code == "store_unavailable"
    engine.dispose()
