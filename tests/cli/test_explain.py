"""`roadworthy explain`."""

import json

import pytest

from roadworthy.cli import explain
from roadworthy.cli.main import run
from roadworthy.core.errors import CODES, Exit, UsageError


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_error_code_has_a_page(name: str) -> None:
    page = explain.look_up(name)
    assert (page.exit_code, page.http_status) == (CODES[name].exit_code, CODES[name].http_status)
    assert CODES[name].mend in page.text()


def test_every_exit_code_has_a_page() -> None:
    assert set(explain.EXITS) == set(Exit)
    assert "Judged bad" in explain.look_up("1").text()


def test_headers_are_found_in_any_case() -> None:
    assert "really answered" in explain.look_up("X-Roadworthy-Served-By").meaning


@pytest.mark.parametrize(
    ("name", "mend"),
    [("llm_chain_fail", "Did you mean `llm_chain_failed`"), ("qqq", "`roadworthy explain` lists all of them.")],
)
def test_an_unknown_code_gets_a_guess(name: str, mend: str) -> None:
    with pytest.raises(UsageError) as caught:
        explain.look_up(name)
    assert caught.value.mend.startswith(mend)


def test_the_command_prints_a_page_or_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "llm_chain_failed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["http_status"] == 502
    assert run(["explain"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in explain.pages())
    assert run(["explain", "llm_chain_fail"]) == Exit.MISUSE
