"""Opens an issue at GitHub or GitLab through their REST APIs. The token goes into one header line and nowhere else.

GitHub: docs.github.com/en/rest/issues (API version 2022-11-28). GitLab: docs.gitlab.com/api/issues (v4).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import httpx2

from roadworthy.core.errors import RoadworthyError, UsageError

APIS = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}
TIMEOUT_S = 20.0
TRIES = 3
MOST_WAIT_S = 60.0
_REPOSITORY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+\Z")
_TOKEN = re.compile(r"[\x21-\x7e]{8,512}\Z")


class Issue(NamedTuple):
    """What is to be told.

    Attributes:
        title: One line; an open issue with the same title gets a comment instead of a twin.
        body: Markdown.
        labels: Such as `regression`.
    """

    title: str
    body: str
    labels: Sequence[str]


class Opened(NamedTuple):
    """What became of it.

    Attributes:
        url: Of the issue, for people.
        new: False when an open issue got a comment.
    """

    url: str
    new: bool


class Forge:
    """One project at a forge.

    Args:
        kind: `github` or `gitlab`.
        repository: `owner/name`.
        token: With the right to write issues.
        api: Root of the API; the public one when None.
        sleep: Waits; for tests.

    Raises:
        UsageError: `invalid_request`: unknown kind, no such form of a repository or token, or an API that is not https
            (plain http is taken for this machine alone).
    """

    def __init__(
        self, kind: str, repository: str, token: str, *, api: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        root = api or APIS.get(kind, "")
        parts = urlsplit(root)
        if kind not in APIS:
            raise UsageError(f"There is no forge {kind[:40]}.", "", f"Forges: {', '.join(APIS)}.")
        if not _REPOSITORY.match(repository):
            raise UsageError("The repository is not of the form owner/name.")
        if not _TOKEN.match(token):
            raise UsageError("The token is empty or has characters that no token has.")
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise UsageError("The forge's API must be https.", "A token would be readable on the way.")
        self._kind, self._root, self._sleep = kind, root.rstrip("/"), sleep
        project = quote(repository, safe="") if kind == "gitlab" else repository
        self._issues = f"{self._root}/{'projects' if kind == 'gitlab' else 'repos'}/{project}/issues"
        self._headers = _headers(kind, token)

    def __repr__(self) -> str:
        return f"Forge({self._kind!r}, {self._issues!r})"

    def open(self, issue: Issue) -> Opened:
        """Open the issue, or comment on the open one of the same title.

        Raises:
            RoadworthyError: `unauthorized`, `forbidden`, `rate_limited`, `not_found`, `invalid_request` (the forge
                refuses what was sent), or `forge_unavailable`.
        """
        with httpx2.Client(headers=self._headers, timeout=TIMEOUT_S, follow_redirects=False) as http:
            there = self._same(http, issue)
            if there is not None:
                number = there["iid" if self._kind == "gitlab" else "number"]
                place = "notes" if self._kind == "gitlab" else "comments"
                self._call(http, "POST", f"{self._issues}/{number}/{place}", {"body": issue.body})
                return Opened(_url(there), new=False)
            return Opened(_url(self._call(http, "POST", self._issues, self._body(issue))), new=True)

    def _same(self, http: httpx2.Client, issue: Issue) -> dict[str, Any] | None:
        gitlab = self._kind == "gitlab"
        query = {"state": "opened" if gitlab else "open", "labels": ",".join(issue.labels), "per_page": "100"}
        listed = self._call(http, "GET", self._issues, None, query)
        rows = listed if isinstance(listed, list) else []
        return next((each for each in rows if isinstance(each, dict) and each.get("title") == issue.title), None)

    def _body(self, issue: Issue) -> dict[str, Any]:
        if self._kind == "gitlab":
            return {"title": issue.title, "description": issue.body, "labels": ",".join(issue.labels)}
        return {"title": issue.title, "body": issue.body, "labels": list(issue.labels)}

    def _call(
        self, http: httpx2.Client, method: str, url: str, body: Mapping[str, Any] | None,
        query: Mapping[str, str] | None = None,
    ) -> Any:  # fmt: skip
        last: RoadworthyError | None = None
        for turn in range(TRIES):
            try:
                response = http.request(method, url, json=body, params=query)
            except httpx2.HTTPError as error:
                last = _unavailable(f"It cannot be reached: {type(error).__name__}.")
                # A POST that broke may have arrived; a second one could open a twin.
                if method == "POST" and not isinstance(error, httpx2.ConnectError):
                    break
            else:
                if response.is_success:
                    return _json(response)
                last = _failure(response)
                wait = _wait(response)
                again = ("rate_limited",) if method == "POST" else ("rate_limited", "forge_unavailable")
                if last.code not in again or (wait or 0) > MOST_WAIT_S:
                    break
                if wait is not None:
                    self._sleep(wait)
                    continue
            self._sleep(2.0**turn)
        assert last is not None
        raise last


def _headers(kind: str, token: str) -> dict[str, str]:
    if kind == "gitlab":
        return {"PRIVATE-TOKEN": token, "user-agent": "roadworthy"}
    return {
        "authorization": f"Bearer {token}",
        "accept": "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
        "user-agent": "roadworthy",
    }


def _failure(response: httpx2.Response) -> RoadworthyError:
    status = response.status_code
    limited = response.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in response.headers
    if status == 429 or (status == 403 and limited):
        return RoadworthyError("The forge allows no more requests for now.", code="rate_limited")
    told = {
        401: ("unauthorized", "The forge does not accept the token.", "Make a new one that may write issues."),
        403: ("forbidden", "The token may not write issues there.", "Give it the right to write issues."),
        404: ("not_found", "The forge knows no such repository, or the token may not see it.", "Check both."),
        410: ("not_found", "Issues are turned off for this repository.", "Turn them on, or name another repository."),
        400: ("invalid_request", "The forge refuses the issue as it is.", "Check the labels."),
        422: ("invalid_request", "The forge refuses the issue as it is.", "Check the labels."),
    }
    if status in told:
        code, what, mend = told[status]
        return RoadworthyError(what, f"It answered {status}.", mend, code=code)
    return _unavailable(f"It answered {status}.")


def _unavailable(why: str) -> RoadworthyError:
    return RoadworthyError("The issue could not be opened.", why, code="forge_unavailable")


def _wait(response: httpx2.Response) -> float | None:
    after = response.headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    reset = response.headers.get("x-ratelimit-reset", "")
    if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(1.0, float(reset) - time.time())
    return None


def _json(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise _unavailable("What it answered is no JSON.") from None


def _url(told: Any) -> str:
    found = told.get("html_url") or told.get("web_url") if isinstance(told, dict) else None
    return str(found or "")
