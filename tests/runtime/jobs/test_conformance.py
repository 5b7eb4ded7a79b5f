"""Conformance of the Jobs port with real workers on real stores: what is promised holds under kill -9."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from rig import jobs as rig_jobs
from rig.jobs import Bench, wait_for
from roadworthy.core.errors import GatewayError, UsageError


def test_killed_in_a_step_it_goes_on_after_the_last_finished_one(bench: Bench) -> None:
    bench.jobs.enqueue("steps", "j", {"steps": 3, "ms": 300})
    worker = bench.worker()
    wait_for(lambda: bench.count("j")["1"])
    bench.kill(worker)
    bench.worker()
    wait_for(lambda: bench.state("j") == "done")
    assert bench.count("j") == {"0": 1, "1": 2, "2": 1}
    assert not bench.run_again_after_finished()


@pytest.mark.slow
def test_a_living_worker_takes_over_from_a_killed_one(bench: Bench) -> None:
    workers = [bench.worker(), bench.worker()]
    for number in range(12):
        bench.jobs.enqueue("steps", f"j{number}", {"steps": 3, "ms": 150})
    wait_for(lambda: len({pid for *_, pid in bench.begun()}) == 2)
    bench.kill(workers[0])
    wait_for(lambda: len(bench.jobs.list("done")) == 12)
    assert len(bench.recorded()) == 36
    assert not bench.run_again_after_finished()


def test_a_job_that_nobody_can_do_waits_and_holds_up_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):  # more than a worker does at once
        bench.jobs.enqueue("gone.x", f"gone{number}", {"steps": 1, "ms": 1})
    bench.jobs.enqueue("steps", "j", {"steps": 1, "ms": 1})
    worker = bench.worker()
    wait_for(lambda: bench.state("j") == "done")
    assert "10 jobs of the kind gone.x wait: nobody here does such jobs" in bench.errors()
    bench.kill(worker)
    monkeypatch.setenv("DRIVE_JOBS_KINDS", "gone.x")
    bench.worker()
    wait_for(lambda: len(bench.jobs.list("done")) == 11)
    assert all(bench.count(f"gone{number}") == {"0": 1} for number in range(10))


def test_the_same_id_runs_once(bench: Bench) -> None:
    first = bench.jobs.enqueue("steps", "j", {"steps": 1, "ms": 1})
    bench.worker()
    wait_for(lambda: bench.state("j") == "done")
    again = bench.jobs.enqueue("steps", "j", {"steps": 9, "ms": 1})
    assert (again.id, again.state, again.created_at) == ("j", "done", first.created_at)
    assert bench.count("j") == {"0": 1}


def test_a_full_queue_refuses_and_says_when_to_come_again(bench: Bench) -> None:
    bench.jobs._max_queued = 3
    for number in range(3):
        bench.jobs.enqueue("steps", f"j{number}", {"steps": 1, "ms": 1})
    with pytest.raises(GatewayError) as refused:
        bench.jobs.enqueue("steps", "one-more", {"steps": 1, "ms": 1})
    assert refused.value.code == "queue_full"
    assert refused.value.spec.http_status == 429
    assert refused.value.retry_after_s
    assert bench.jobs.get("one-more") is None
    assert bench.jobs.enqueue("steps", "j0", {}).state == "queued"  # known already: no new job


@pytest.mark.slow
def test_a_poison_job_ends_as_dead_letter_and_the_others_get_done(bench: Bench) -> None:
    bench.jobs.enqueue("poison", "p", {})
    for number in range(3):
        bench.jobs.enqueue("steps", f"j{number}", {"steps": 1, "ms": 1})
    worker = bench.worker(doomed=True)
    for _ in range(6):
        if worker.poll() is None:
            wait_for(lambda worker=worker: worker.poll() is not None or bench.state("p") == "dead")
        if bench.state("p") == "dead":
            break
        worker = bench.worker(doomed=True)
    wait_for(lambda: len(bench.jobs.list("done")) == 3)
    [dead] = bench.jobs.list("dead")
    assert (dead.id, bench.count("p")["poison"]) == ("p", 3)
    assert dead.error.startswith("poison")
    assert bench.jobs.replay("p").state == "queued"


def test_a_failed_job_is_a_dead_letter_that_replays_from_the_failed_step(bench: Bench, tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    bench.jobs.enqueue("failing", "f", {"file": str(mended), "tries": 2})
    bench.worker()
    wait_for(lambda: bench.state("f") == "dead")
    [dead] = bench.jobs.list("dead")
    assert "ValueError" in dead.error
    assert "planted" not in dead.error
    assert "planted" not in bench.errors()
    mended.touch()
    bench.jobs.replay("f")
    wait_for(lambda: bench.state("f") == "done")
    assert bench.count("f") == {"good": 1, "broken": 3}


def test_a_job_whose_end_could_not_be_written_does_not_run_for_ever(bench: Bench, tmp_path: Path) -> None:
    if bench.engine.dialect.name != "sqlite":
        pytest.skip("a full disk is planted as a trigger of SQLite")
    with bench.engine.begin() as db:
        refusal = "BEGIN SELECT RAISE(ABORT, 'planted: no room'); END"
        db.execute(sa.text(f"CREATE TRIGGER full BEFORE UPDATE ON workflow_status WHEN new.status = 'ERROR' {refusal}"))
    worker = bench.worker()
    bench.jobs.enqueue("failing", "j", {"file": str(tmp_path / "mend"), "tries": 1})
    wait_for(lambda: bench.count("j")["broken"])
    wait_for(lambda: "a job failed" in bench.errors())
    assert bench.state("j") == "running"
    with bench.engine.begin() as db:
        db.execute(sa.text("DROP TRIGGER full"))
    wait_for(lambda: bench.state("j") == "dead")
    assert worker.poll() is None
    assert bench.count("j") == {"good": 1, "broken": 1}


def test_cancelled_in_a_step_it_stops_there_and_can_go_on(bench: Bench) -> None:
    bench.jobs.enqueue("steps", "j", {"steps": 3, "ms": 400})
    bench.worker()
    wait_for(lambda: bench.count("j")["1"])
    assert bench.jobs.cancel("j").state == "cancelled"
    time.sleep(1.0)
    assert bench.count("j") == {"0": 1, "1": 1}
    assert ("j", "step-1") not in bench.recorded()
    bench.jobs.replay("j")
    wait_for(lambda: bench.state("j") == "done")
    assert bench.count("j")["0"] == 1


@pytest.mark.long
def test_a_worker_that_stood_still_is_given_up_and_ends_itself(bench: Bench) -> None:
    """As after a suspended machine: others took its job, and it must not record anything any more."""
    worker = bench.worker()
    bench.jobs.enqueue("steps", "j", {"steps": 2, "ms": 600})
    wait_for(lambda: bench.count("j")["0"])
    worker.send_signal(signal.SIGSTOP)
    with bench.engine.begin() as db:  # as if it were on another machine, and its counter had stood still
        db.execute(sa.text("DELETE FROM roadworthy_executor"))
    bench.worker()
    wait_for(lambda: bench.state("j") == "done")
    worker.send_signal(signal.SIGCONT)
    assert worker.wait(20) == 75
    assert bench.state("j") == "done"
    assert len(bench.recorded()) == 2


@pytest.mark.long
def test_a_release_in_between_strands_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored version is that of our steps, not a hash of sources."""
    bench.jobs.enqueue("steps", "j", {"steps": 2, "ms": 300})
    worker = bench.worker()
    wait_for(lambda: bench.count("j")["0"])
    bench.kill(worker)
    other = rig_jobs.WORKER.read_text().replace('"""`steps` steps', '"""Changed: `steps`')
    script = bench.log.with_name("changed_worker.py")
    script.write_text(other)
    monkeypatch.setattr(rig_jobs, "WORKER", script)
    bench.worker()
    wait_for(lambda: bench.state("j") == "done")


@pytest.mark.long
def test_an_orderly_stop_hands_over_at_once_and_repeats_nothing(bench: Bench) -> None:
    bench.jobs.enqueue("steps", "j", {"steps": 4, "ms": 150})
    worker = bench.worker()
    wait_for(lambda: bench.count("j")["1"])
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(15) == 0
    assert bench.state("j") == "running"
    bench.worker()
    wait_for(lambda: bench.state("j") == "done")
    assert bench.count("j") == {"0": 1, "1": 1, "2": 1, "3": 1}


def test_nothing_is_pickled(bench: Bench) -> None:
    bench.jobs.enqueue("steps", "j", {"steps": 1, "ms": 1})
    bench.worker()
    wait_for(lambda: bench.state("j") == "done")
    prefix = "" if bench.engine.dialect.name == "sqlite" else "dbos."
    with bench.engine.begin() as db:
        for table in ("workflow_status", "operation_outputs"):
            kinds = set(db.scalars(sa.text(f"SELECT DISTINCT serialization FROM {prefix}{table}")))
            assert kinds == {"roadworthy_json"}


@pytest.mark.parametrize("bad", ["", "with space", "x" * 201, "é"])
def test_bad_ids_are_refused(bench: Bench, bad: str) -> None:
    with pytest.raises(UsageError):
        bench.jobs.enqueue("steps", bad, {})


def test_a_payload_must_be_json(bench: Bench) -> None:
    with pytest.raises(UsageError):
        bench.jobs.enqueue("steps", "j", {"when": object()})  # type: ignore[dict-item]
    with pytest.raises(UsageError):
        bench.jobs.enqueue("steps", "j", {"n": float("nan")})


def _storm(bench: Bench, jobs: int, kills: int, seed: int) -> None:
    """`jobs` jobs of two steps on two workers of which a random one is killed `kills` times."""
    dice = random.Random(seed)
    for number in range(jobs):
        bench.jobs.enqueue("steps", f"j{number}", {"steps": 2, "ms": 5})
    living = [bench.worker(), bench.worker()]
    for number in range(kills):
        due = (number + dice.random()) / kills * 0.9 * jobs * 2
        wait_for(lambda due=due: len(bench.begun()) >= due, f"stuck at kill {number}: {bench.errors()[-2000:]}")
        bench.kill(living.pop(dice.randrange(len(living))))
        living.append(bench.worker())
    wait_for(lambda: not bench.jobs.list("queued", 1) and not bench.jobs.list("running", 1), bench.errors()[-2000:])
    assert len(bench.jobs.list("done", 1_000)) == jobs
    assert len(bench.recorded()) == 2 * jobs
    assert not bench.run_again_after_finished()
    begun = len(bench.begun())
    print(
        f"\n{bench.engine.dialect.name}, seed {seed}: {jobs} jobs of 2 steps, {kills} kills: 0 lost, 0 finished steps "
        f"repeated, {begun - 2 * jobs} steps that were cut off begun again"
    )


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
def test_a_hundred_jobs_and_three_kills(bench: Bench) -> None:
    _storm(bench, 100, 3, seed=1)


@pytest.mark.long
def test_a_thousand_jobs_and_ten_kills(bench: Bench) -> None:
    _storm(bench, 1_000, 10, seed=2)


@pytest.mark.long
def test_a_clock_that_jumps_costs_nothing(bench: Bench) -> None:
    """An hour ahead when it takes jobs up, then an hour back in the middle of them."""
    for number in range(6):
        bench.jobs.enqueue("steps", f"j{number}", {"steps": 4, "ms": 100})
    worker = bench.worker(ahead_s=3_600)
    wait_for(lambda: len(bench.begun()) >= 4)
    worker.send_signal(signal.SIGUSR1)
    wait_for(lambda: len(bench.jobs.list("done")) == 6)
    assert all(bench.count(f"j{number}") == dict.fromkeys("0123", 1) for number in range(6))
    bench.jobs.enqueue("steps", "after", {"steps": 1, "ms": 1})
    wait_for(lambda: bench.state("after") == "done")


@pytest.mark.long
def test_a_store_that_is_away_for_a_while_costs_no_job(bench: Bench) -> None:
    worker = bench.worker()
    for number in range(6):
        bench.jobs.enqueue("steps", f"j{number}", {"steps": 4, "ms": 300})
    wait_for(lambda: len(bench.begun()) >= 4)
    with bench.store_away():
        time.sleep(5.0)
    wait_for(lambda: len(bench.jobs.list("done")) == 6)
    assert worker.poll() is None
    assert not bench.run_again_after_finished()
