"""Issues at GitHub and GitLab, and every documented way in which they refuse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from doubles.forge import REPOSITORY, TOKEN, ForgeDouble, forge
from roadworthy.core.errors import RoadworthyError, UsageError
from roadworthy.verify.nightly.forge import Forge, Issue

ISSUE = Issue("Nightly regression failed: shop", "It fell.\n\n## Steps\n\n1. Look.\n", ("regression", "nightly"))
KINDS = ("github", "gitlab")


@pytest.fixture
def double() -> Iterator[ForgeDouble]:
    with forge() as running:
        yield running


@pytest.mark.parametrize("kind", KINDS)
def test_an_issue_is_opened_once_and_then_commented_on(kind: str, double: ForgeDouble) -> None:
    client = Forge(kind, REPOSITORY, TOKEN, api=double.url)
    first, second = client.open(ISSUE), client.open(ISSUE)
    assert (first.new, second.new) == (True, False)
    assert first.url == second.url
    assert first.url.endswith("/issues/1")
    assert [(each["title"], each["text"], each["names"]) for each in double.issues] == [
        (ISSUE.title, ISSUE.body, list(ISSUE.labels))
    ]
    assert double.comments == [(1, ISSUE.body)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "headers", "code", "calls", "waited"),
    [
        (401, {}, "unauthorized", 1, []),
        (403, {}, "forbidden", 1, []),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}, "rate_limited", 1, []),
        (403, {"retry-after": "7"}, "rate_limited", 3, [7.0, 7.0, 7.0]),
        (429, {"retry-after": "3600"}, "rate_limited", 1, []),
        (404, {}, "not_found", 1, []),
        (410, {}, "not_found", 1, []),
        (422, {}, "invalid_request", 1, []),
        (301, {"location": "http://127.0.0.1:1/elsewhere"}, "forge_unavailable", 3, [1.0, 2.0, 4.0]),
        (500, {}, "forge_unavailable", 3, [1.0, 2.0, 4.0]),
        (503, {"retry-after": "2"}, "forge_unavailable", 3, [2.0, 2.0, 2.0]),
    ],
)
def test_refusals(
    kind: str, status: int, headers: dict[str, str], code: str, calls: int, waited: list[float], double: ForgeDouble
) -> None:
    double.faults = [(status, headers)] * 9
    slept: list[float] = []
    with pytest.raises(RoadworthyError) as told:
        Forge(kind, REPOSITORY, TOKEN, api=double.url, sleep=slept.append).open(ISSUE)
    assert told.value.code == code
    assert len(double.asked) == calls
    assert slept == waited
    assert TOKEN not in f"{told.value} {told.value.mend} {told.value.as_dict()}"
    assert not double.issues


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_that_passes_is_waited_for(kind: str, double: ForgeDouble) -> None:
    double.faults = [(502, {}), (502, {})]
    assert Forge(kind, REPOSITORY, TOKEN, api=double.url, sleep=lambda _: None).open(ISSUE).new


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_token_and_a_repository_that_is_not_there(kind: str, double: ForgeDouble) -> None:
    for repository, token, code in ((REPOSITORY, "another-token", "unauthorized"), ("acme/other", TOKEN, "not_found")):
        with pytest.raises(RoadworthyError) as told:
            Forge(kind, repository, token, api=double.url).open(ISSUE)
        assert told.value.code == code


def test_nobody_answers() -> None:
    with pytest.raises(RoadworthyError) as told:
        Forge("github", REPOSITORY, TOKEN, api="http://127.0.0.1:9", sleep=lambda _: None).open(ISSUE)
    assert told.value.code == "forge_unavailable"


@pytest.mark.parametrize(
    ("kind", "repository", "token", "api"),
    [
        ("other", REPOSITORY, TOKEN, None),
        ("github", "no-owner", TOKEN, None),
        ("github", "../../user", TOKEN, None),
        ("github", REPOSITORY, "", None),
        ("github", REPOSITORY, "two\nlines-of-it", None),
        ("github", REPOSITORY, TOKEN, "http://forge.example.org"),
    ],
)
def test_misuse(kind: str, repository: str, token: str, api: str | None) -> None:
    with pytest.raises(UsageError):
        Forge(kind, repository, token, api=api)


def test_the_token_is_in_no_text_of_the_client() -> None:
    assert TOKEN not in repr(Forge("github", REPOSITORY, TOKEN))
