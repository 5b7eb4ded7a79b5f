"""The HTTP API of packs: statuses, joining, idempotency, tenants, cancelling, downloads."""

from __future__ import annotations

import io
import threading
from typing import Any

import docx
import pypdf
import pytest
from packs_app import BRIEF, GOOD, App

from roadworthy.core.errors import ConfigError, GatewayError, UsageError
from roadworthy.core.job import JobInterrupted
from roadworthy_packs import shelf

PATH = "/api/aicmo/generate_report"
ORDER = {"pack_key": "small", "client_brief": BRIEF}
KOREAN = "집에서 커피를 내려 마시는 고객에게 갓 볶은 원두를 보냅니다. "


def told(app: App, path: str, **more: Any) -> dict[str, Any]:
    body = app.call("GET", path, **more).body
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (GOOD, 200, None),
        ("cheap", 422, "runtime_quality_failed"),
        (GatewayError("x", code="llm_chain_failed"), 502, "llm_chain_failed"),
        (GatewayError("x", code="llm_unavailable"), 503, "llm_unavailable"),
        (UsageError("x", code="unknown_model"), 404, "unknown_model"),
        (GatewayError("x", code="budget_exceeded"), 429, "budget_exceeded"),
    ],
)
def test_the_status_says_how_the_report_ended(app: App, said: Any, status: int, code: str | None) -> None:
    app.model.say = lambda body: said
    reply = app.call("POST", PATH, ORDER)
    assert reply.status == status
    assert isinstance(reply.body, dict)
    assert reply.body["error_type"] == code
    assert ("error" in reply.body) == (code is not None)
    if code is not None:
        error = reply.body["error"]
        assert isinstance(error, dict)
        assert error.keys() >= {"code", "what", "why", "mend", "request_id"}
        assert error["code"] == code
    assert told(app, f"/api/aicmo/reports/{reply.body['report_id']}").get("error") is None


def test_who_prefers_not_to_wait_gets_a_place_to_look(app: App) -> None:
    reply = app.call("POST", PATH, ORDER, run=False, prefer="respond-async")
    assert isinstance(reply.body, dict)
    assert reply.status == 202
    assert reply.headers == {
        "location": f"/api/aicmo/reports/{reply.body['report_id']}", "preference-applied": "respond-async",
    }  # fmt: skip
    assert (reply.body["state"], reply.body["progress"]) == ("queued", {"done": 0, "total": 2})
    assert (reply.body["quality_passed"], reply.body["stub_used"], reply.body["cost"]) == (None, None, None)
    assert {row["state"] for row in reply.body["sections"]} == {"waiting"}  # type: ignore[union-attr,call-overload,index]


def test_equal_requests_that_run_are_one_run(app: App) -> None:
    names = set()

    def ask() -> None:
        names.add(app.call("POST", PATH, ORDER, run=False, prefer="respond-async").body["report_id"])  # type: ignore[index,call-overload]

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == len(app.jobs.jobs) == 1
    other = app.call("POST", PATH, ORDER, tenant="bert", run=False, prefer="respond-async")
    assert other.body["report_id"] not in names  # type: ignore[index,call-overload]
    assert len(app.jobs.jobs) == 2
    app.jobs.work(app.service.handlers)
    again = app.call("POST", PATH, ORDER)
    assert again.body["report_id"] not in names  # type: ignore[index,call-overload]
    assert len(app.model.asked) == 6


def test_an_idempotency_key_gives_the_same_report_for_ever(app: App) -> None:
    first = app.call("POST", PATH, ORDER, idempotency_key="k1")
    again = app.call("POST", PATH, ORDER, idempotency_key="k1")
    assert first.body["report_id"] == again.body["report_id"]  # type: ignore[index,call-overload]
    assert len(app.model.asked) == 2
    with pytest.raises(UsageError, match="used before"):
        app.call("POST", PATH, {**ORDER, "stage": "launch"}, idempotency_key="k1")
    with pytest.raises(UsageError, match="not usable"):
        app.call("POST", PATH, ORDER, idempotency_key="a b")


def test_a_full_queue_leaves_nothing_behind(app: App) -> None:
    app.jobs.full = GatewayError("Full.", code="queue_full")
    with pytest.raises(GatewayError):
        app.call("POST", PATH, ORDER)
    app.jobs.full = None
    assert told(app, "/api/aicmo/reports") == {"reports": []}
    assert app.call("POST", PATH, ORDER).status == 200


def test_reports_of_others_are_not_there(app: App) -> None:
    name = app.generate()["report_id"]
    for method, path in (("GET", ""), ("GET", "/download"), ("POST", "/cancel"), ("POST", "/retry")):
        with pytest.raises(UsageError) as error:
            app.call(method, f"/api/aicmo/reports/{name}{path}", tenant="bert")
        assert error.value.code == "not_found"
    assert told(app, "/api/aicmo/reports", tenant="bert") == {"reports": []}
    assert [one["report_id"] for one in told(app, "/api/aicmo/reports?limit=5")["reports"]] == [name]
    for limit in ("0", "101", "x", "-1", "²", "٣"):
        with pytest.raises(UsageError):
            app.call("GET", f"/api/aicmo/reports?limit={limit}")


def test_a_cancelled_report_keeps_what_it_has_and_is_taken_up_again(app: App) -> None:
    def say(body: dict[str, Any]) -> str:
        if "Write the second" in body["messages"][1]["content"]:
            raise JobInterrupted
        return GOOD

    name = app.call("POST", PATH, ORDER, run=False, prefer="respond-async").body["report_id"]  # type: ignore[index,call-overload]
    app.model.say = say
    app.settings["parallel"] = 1
    app.service = app.start()
    with pytest.raises(JobInterrupted):
        app.jobs.work(app.service.handlers)
    seen = app.call("POST", f"/api/aicmo/reports/{name}/cancel", run=False).body
    assert isinstance(seen, dict)
    assert seen["state"] == "cancelled"
    assert [row["state"] for row in seen["sections"]] == ["passed", "cancelled"]  # type: ignore[union-attr,call-overload,index]
    assert app.call("POST", f"/api/aicmo/reports/{name}/cancel", run=False).body["state"] == "cancelled"  # type: ignore[index,call-overload]
    app.model.say = lambda body: GOOD
    asked = len(app.model.asked)
    app.call("POST", f"/api/aicmo/reports/{name}/retry")
    assert told(app, f"/api/aicmo/reports/{name}")["state"] == "passed"
    assert len(app.model.asked) == asked + 1
    for what in ("cancel", "retry"):
        with pytest.raises(UsageError) as error:
            app.call("POST", f"/api/aicmo/reports/{name}/{what}")
        assert (error.value.code, error.value.spec.http_status) == ("wrong_state", 409)


def test_a_dead_job_is_a_failed_report(app: App) -> None:
    name = app.call("POST", PATH, ORDER, run=False, prefer="respond-async").body["report_id"]  # type: ignore[index,call-overload]
    app.jobs.mark(f"{name}.1", "dead", "poison")
    seen = told(app, f"/api/aicmo/reports/{name}", run=False)
    assert (seen["state"], seen["error_type"]) == ("failed", "unexpected_error")
    assert "poison" in seen["debug_hint"]


def test_an_order_whose_job_was_never_queued_is_queued_at_the_next_look(app: App) -> None:
    name = app.call("POST", PATH, ORDER, run=False, prefer="respond-async").body["report_id"]  # type: ignore[index,call-overload]
    app.jobs.jobs.clear()
    assert told(app, f"/api/aicmo/reports/{name}")["state"] == "queued"
    assert told(app, f"/api/aicmo/reports/{name}")["state"] == "passed"


@pytest.mark.parametrize("form", ["md", "html", "docx", "pdf"])
def test_a_report_as_a_file(app: App, form: str) -> None:
    name = app.generate()["report_id"]
    reply = app.call("GET", f"/api/aicmo/reports/{name}/download?format={form}")
    assert isinstance(reply.body, bytes)
    assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''small-Northwind.{form}"
    text = words_of(form, reply.body)
    assert "Small report: Northwind" in text
    assert text.count("Northwind sends fresh beans") == 2
    assert "DRAFT" not in text


@pytest.mark.parametrize("form", ["md", "html", "docx", "pdf"])
def test_one_that_did_not_pass_is_a_marked_draft_or_nothing(app: App, form: str) -> None:
    app.model.say = lambda body: "cheap" if "Write the second" in body["messages"][1]["content"] else GOOD
    name = app.generate()["report_id"]
    path = f"/api/aicmo/reports/{name}/download?format={form}"
    with pytest.raises(UsageError) as error:
        app.call("GET", path)
    assert error.value.spec.http_status == 409
    body = app.call("GET", f"{path}&draft=1").body
    assert isinstance(body, bytes)
    text = words_of(form, body)
    assert "DRAFT, NOT PASSED" in text
    assert "Northwind sends fresh beans" in text
    assert "cheap" not in text


def test_a_draft_says_so_on_every_page_of_a_pdf_in_korean(app: App) -> None:
    app.model.say = lambda body: (
        "짧다" if "핵심 메시지" in body["messages"][1]["content"] else "노스윈드 " + KOREAN * 9 + "고객 출시 지표"
    )
    brief = {**BRIEF, "brand_name": "노스윈드"}
    order = {"pack_key": "korea_launch_campaign", "client_brief": brief}
    report = app.call("POST", PATH, order).body
    assert isinstance(report, dict)
    body = app.call("GET", f"/api/aicmo/reports/{report['report_id']}/download?format=pdf&draft=1").body
    assert isinstance(body, bytes)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages]
    assert all("초안, 검수 미통과" in page for page in pages)
    assert "갓 볶은 원두를" in "".join(pages)
    fonts = {str(font.get_object()["/BaseFont"]) for page in pypdf.PdfReader(io.BytesIO(body)).pages
             for font in page["/Resources"]["/Font"].values()}  # type: ignore[index]  # fmt: skip
    assert any("Nanum" in font for font in fonts)


def test_a_form_that_there_is_not(app: App) -> None:
    name = app.generate()["report_id"]
    with pytest.raises(UsageError, match="md, html, docx, pdf"):
        app.call("GET", f"/api/aicmo/reports/{name}/download?format=exe")


def test_packs_are_listed_and_shown(app: App) -> None:
    listed = told(app, "/api/aicmo/packs")["packs"]
    assert {one["key"] for one in listed} == {*shelf.load(), "small"}
    assert told(app, "/api/aicmo/packs/launch_gtm")["sections"][0]["key"] == "offer"
    with pytest.raises(UsageError, match="Did you mean launch_gtm"):
        app.call("GET", "/api/aicmo/packs/launch_gtn")


@pytest.mark.parametrize("settings", [{"parallel": 0}, {"folder": 3}, {"modle": "x"}, {"folder": "/nowhere/at-all"}])
def test_settings_that_cannot_be_used_are_told(app: App, settings: dict[str, Any]) -> None:
    app.settings = settings
    with pytest.raises(ConfigError):
        app.start()


def words_of(form: str, body: bytes) -> str:
    if form == "pdf":
        text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages)
    elif form == "docx":
        file = docx.Document(io.BytesIO(body))
        lines = [*file.sections[0].header.paragraphs, *file.paragraphs]
        text = "\n".join(line.text for line in lines)
    else:
        text = body.decode()
    return " ".join(text.split())
