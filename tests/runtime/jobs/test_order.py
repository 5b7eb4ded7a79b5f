"""Orders: placed once however many ask, true to their jobs, cancelled and taken up again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.order_jobs import MemoryJobs
from roadworthy.core.errors import GatewayError, UsageError
from roadworthy.runtime.jobs.application_record import ApplicationRecords, create_record_table
from roadworthy.runtime.jobs.order import Orders
from roadworthy.runtime.jobs.store import open_engine


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[Orders]:
    engine = open_engine(tmp_path / "jobs.db")
    create_record_table(engine)
    yield Orders(ApplicationRecords(engine, "shop"), MemoryJobs(), "shop", "cake")
    engine.dispose()


def jobs_of(orders: Orders) -> MemoryJobs:
    jobs = orders._jobs
    assert isinstance(jobs, MemoryJobs)
    return jobs


def test_many_that_ask_at_once_place_one(orders: Orders) -> None:
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(orders.place("t", "d", None, {}))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 12
    assert len(set(names)) == len(jobs_of(orders).jobs) == 1


def test_one_that_is_over_is_followed_by_a_new_one_and_a_key_is_not(orders: Orders) -> None:
    first, keyed = orders.place("t", "d", None, {}), orders.place("t", "d", "k", {})
    for name in (first, keyed):
        orders.change("t", name, orders.truth("t", name), state="passed")
    second = orders.place("t", "d", None, {})
    assert (first.rpartition("_")[2], second.rpartition("_")[2]) == ("1", "2")
    assert orders.place("t", "d", "k", {}) == keyed
    with pytest.raises(UsageError, match="used before"):
        orders.place("t", "other", "k", {})
    assert orders.place("u", "d", "k", {}) != keyed


def test_a_job_that_knows_better_is_believed(orders: Orders) -> None:
    name = orders.place("t", "d", None, {})
    job, jobs = f"{name}.1", jobs_of(orders)
    jobs.mark(job, "dead", "poison")
    told = orders.truth("t", name)
    assert (told["state"], told["error_type"]) == ("failed", "unexpected_error")
    orders.again("t", name, extra=1)
    told = orders.truth("t", name)
    assert (told["state"], told["job"], told["extra"], told["error_type"]) == ("queued", f"{name}.2", 1, None)
    orders.cancel("t", name)
    assert orders.truth("t", name)["state"] == "cancelled"
    orders.cancel("t", name)
    orders.again("t", name)
    orders.change("t", name, orders.truth("t", name), state="passed")
    for act in (orders.cancel, orders.again):
        with pytest.raises(UsageError) as error:
            act("t", name)
        assert error.value.code == "wrong_state"


def test_a_full_queue_takes_the_record_back(orders: Orders) -> None:
    jobs_of(orders).full = GatewayError("Full.", code="queue_full")
    with pytest.raises(GatewayError):
        orders.place("t", "d", None, {})
    assert orders.records.all_of("t", "cake") == []
    with pytest.raises(UsageError) as error:
        orders.truth("t", "nothing")
    assert error.value.code == "not_found"
