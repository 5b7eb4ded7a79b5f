"""The state directory's disk is full: answers go on, it is said loudly, and nothing is lost or damaged."""

from __future__ import annotations

import resource

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rig import Gateway, await_true

pytestmark = pytest.mark.slow
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def limit_files(gateway: Gateway, limit: tuple[int, int]) -> None:
    """The largest file that the edges may write, in bytes: writes behind it fail as on a full disk."""
    for name in ("edge-0", "edge-1"):
        resource.prlimit(gateway.pids[name], resource.RLIMIT_FSIZE, limit)


def lag(gateway: Gateway) -> float:
    """Records that wait for the journal, all workers together."""
    families = {family.name: family for family in text_string_to_metric_families(gateway.get("/metrics").text)}
    return sum(sample.value for sample in families["roadworthy_journal_lag_entries"].samples)


def test_answers_go_on_and_nothing_is_lost_when_there_is_space_again(expendable: Gateway) -> None:
    identities = [expendable.ask(model="echo").headers["x-request-id"] for _ in range(5)]
    size = expendable.state.joinpath("state.db-wal").stat().st_size
    # The log goes to a file too: it must stay below the limit, or the alarm could not be read.
    assert (expendable.folder / "err").stat().st_size < size / 2
    limit_files(expendable, (size, resource.RLIM_INFINITY))
    try:
        for _ in range(30):
            answer = expendable.ask(model="echo")
            assert answer.status_code == 200
            identities.append(answer.headers["x-request-id"])
        await_true(lambda: expendable.events("journal.refused"), "nobody said that the journal is refused")
        alarm = expendable.events("journal.refused")[0]
        assert alarm["level"] == "error"
        assert alarm["mend"]
        await_true(lambda: lag(expendable) > 0)
        reports = [expendable.get("/health").json() for _ in range(20)]
        assert "degraded" in {report["status"] for report in reports}
        assert "store_unavailable" in {report["journal"]["error"] for report in reports}
        assert expendable.get("/readyz").status_code == 200
        assert expendable.cli("gateway", "journal", "verify").code == 0
    finally:
        limit_files(expendable, UNLIMITED)
    await_true(lambda: set(identities) <= {one["request_id"] for one in expendable.journaled()}, "records are missing")
    found = [one["request_id"] for one in expendable.journaled()]
    assert len(found) == len(set(found))
    assert expendable.cli("gateway", "journal", "verify").code == 0
    assert expendable.events("journal.recovered")
    await_true(lambda: {expendable.get("/health").json()["status"] for _ in range(10)} == {"ok"})
    assert expendable.cli("gateway", "journal", "tail", "--kind", "journal.gap", "--json").data["entries"] == []
