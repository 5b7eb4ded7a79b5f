"""Applications held to their contract, and the route for a path; without any process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.applications import install
from rig.examples import examples
from roadworthy.core.application import Platform, Reply, Route, Service
from roadworthy.core.errors import GatewayError, UsageError
from roadworthy.core.job import Job
from roadworthy.runtime.config.load import load
from roadworthy.runtime.config.report import ConfigInvalid
from roadworthy.runtime.entry_point import Offer, offered
from roadworthy.serve import wiring_application
from roadworthy.serve.application_host import Hosted, MethodNotAllowed, RouteTable, start_all
from roadworthy.serve.application_jobs import ApplicationJobs
from roadworthy.serve.config_check import check

Start = Callable[[Platform], Service]


def serving(*paths: str, kinds: tuple[str, ...] = ()) -> Start:
    return lambda _: Service(
        [Route("GET", path, lambda call: Reply({})) for path in paths], dict.fromkeys(kinds, print)
    )


def started(monkeypatch: pytest.MonkeyPatch, **starts: Any) -> dict[str, Hosted]:
    module = ModuleType("test_application_module")
    for name, start in starts.items():
        monkeypatch.setattr(
            module, name, type("App", (), {"name": name, "start": staticmethod(start)})(), raising=False
        )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    offers = {name: Offer(name, module.__name__, name, "") for name in starts}
    return {one.name: one for one in start_all(starts, offers, lambda name: None)}  # type: ignore[arg-type,return-value]


def test_those_that_keep_the_contract_are_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    found = started(monkeypatch, a=serving("/api/a", "/api/a/{id}", "/api/more/x", kinds=("a.job",)), b=serving())
    assert {name: one.fault for name, one in found.items()} == {"a": None, "b": None}
    assert list(found["a"].handlers) == ["a.job"]


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (serving("/v1/files"), "is none below /api/"),
        (serving("/api/"), "is none below /api/"),
        (serving("/api/{id}/x"), "is none below /api/"),
        (serving("/api/b/x{id}"), "is none below /api/"),
        (serving("/api/b/{id"), "is none below /api/"),
        (serving("/api/b//c"), "is none below /api/"),
        (serving("/api/b", kinds=("batch",)), "does not begin with b."),
        (serving("/api/b", kinds=("a.job",)), "does not begin with b."),
        (serving("/api/a/other"), "belongs to the application a"),
        (lambda _: None, "AttributeError"),
        (lambda _: sys.exit(3), "SystemExit"),
    ],
)
def test_those_that_break_it_are_not_available(monkeypatch: pytest.MonkeyPatch, start: Start, why: str) -> None:
    found = started(monkeypatch, a=serving("/api/a"), b=start, c=serving("/api/c"))
    assert found["a"].fault is None
    assert found["c"].fault is None
    fault = found["b"].fault
    assert fault is not None
    assert (fault.code, found["b"].routes) == ("config_invalid", ())
    assert why in fault.why


def test_another_name_than_the_entry_point_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert started(monkeypatch, Shop=serving("/api/shop"))["Shop"].fault is not None


def table(*paths: str, missing: bool = False) -> RouteTable:
    hosted = Hosted("a", "1", tuple(serving(*paths)(None).routes))  # type: ignore[arg-type]
    broken = Hosted("b", "1", fault=UsageError("x")) if missing else Hosted("b", "1")
    return RouteTable([hosted, broken])


def test_the_first_route_that_fits_answers() -> None:
    routes = table("/api/a/new", "/api/a/{id}", "/api/a/{id}/{more}")
    assert routes.find("GET", b"/api/a/new").values == {}
    assert routes.find("GET", b"/api/a/n%65w").values == {}
    assert routes.find("GET", b"/api/a/old").values == {"id": "old"}
    assert routes.find("GET", b"/api/a/x/y%20z").values == {"id": "x", "more": "y z"}
    with pytest.raises(MethodNotAllowed) as told:
        routes.find("POST", b"/api/a/new")
    assert told.value.methods == ("GET",)
    for path in (b"/api/a", b"/api/a/", b"/api/a//x", b"/api/b", b"/api"):
        with pytest.raises(UsageError):
            routes.find("GET", path)


def test_a_path_that_may_be_of_a_broken_one_says_so() -> None:
    routes = table("/api/a/x", missing=True)
    with pytest.raises(GatewayError) as told:
        routes.find("GET", b"/api/b/x")
    assert told.value.code == "application_unavailable"
    with pytest.raises(UsageError):
        routes.find("GET", b"/api/a/y")


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.binary(max_size=8), max_size=6), st.sampled_from(["GET", "POST"]))
def test_no_path_gets_through_that_could_leave_its_place(segments: list[bytes], method: str) -> None:
    routes = table("/api/a/{id}", "/api/a/{id}/x", "/api/a/{id}/{other}")
    try:
        found = routes.find(method, b"/api/a/" + b"/".join(segments))
    except UsageError:
        return
    for value in found.values.values():
        assert value not in {"", ".", ".."}
        assert not set(value) & set("/\\\0\r\n")


class _Jobs:
    """The jobs of the whole process."""

    def __init__(self) -> None:
        self.known = {"b1": Job("b1", "batch", "running", 1, 0.0, 0.0), "a1": Job("a1", "a.x", "dead", 1, 0.0, 0.0)}

    def enqueue(self, kind: str, job_id: str, payload: object) -> Job:
        return self.known.setdefault(job_id, Job(job_id, kind, "queued", 0, 0.0, 0.0))

    def get(self, job_id: str) -> Job | None:
        return self.known.get(job_id)

    def list(self, state: str | None = None, limit: int = 100, kind: str | None = None) -> tuple[Job, ...]:
        return tuple(job for job in self.known.values() if kind in {None, job.kind})[:limit]

    def cancel(self, job_id: str) -> Job:
        return self.known[job_id]

    replay = cancel


def test_an_application_sees_its_own_jobs_only() -> None:
    jobs = ApplicationJobs(_Jobs(), "a")  # type: ignore[arg-type]
    assert jobs.enqueue("a.x", "a2", {}).kind == "a.x"
    for kind, job_id in (("batch", "n"), ("ab.x", "n"), ("a", "n"), ("a.x", "b1")):
        with pytest.raises(UsageError):
            jobs.enqueue(kind, job_id, {})
    assert jobs.get("b1") is None
    assert {job.id for job in jobs.list()} == {"a1", "a2"}
    assert jobs.list(kind="batch") == ()
    assert len(jobs.list(limit=1)) == 1
    assert jobs.replay("a1").id == "a1"
    for refused in (jobs.cancel, jobs.replay):
        with pytest.raises(UsageError) as told:
            refused("b1")
        assert told.value.code == "not_found"


def test_the_configuration_names_installed_ones_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    install(tmp_path / "site", "shops", applications={"shop": "shop:SHOP", "stall": "shop:STALL", "off": "x:X"})
    monkeypatch.setattr(wiring_application, "offered", lambda group: offered(group, [str(tmp_path / "site")]))
    Path("roadworthy.yaml").write_text("applications: {shop: {a: 1}, off: {enabled: false}}")
    assert wiring_application.compile_applications(load(environ={}).config) == {"shop": {"a": 1}, "stall": {}}
    assert check(None, {}).warnings == []
    Path("roadworthy.yaml").write_text("applications: {shopp: {}}")
    for refuse in (lambda: check(None, {}), lambda: wiring_application.compile_applications(load(environ={}).config)):
        with pytest.raises(ConfigInvalid, match=r"applications\.shopp: no such .* did you mean `shop`"):
            refuse()
    Path("roadworthy.yaml").write_text("profiles: {production: {applications: {zzzz: {}}}}")
    with pytest.raises(ConfigInvalid, match="with APP_ENV=production: no such application is installed; known: off"):
        check(None, {})
