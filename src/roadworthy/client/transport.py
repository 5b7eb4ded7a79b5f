"""HTTP underneath both clients: explicit timeouts, our error objects as errors, no key in any message."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import httpx2

from roadworthy import __version__
from roadworthy.client.record import Attempt, Rejected, pick, read_attempts, read_rejected
from roadworthy.core.errors import CODES, AuthError, GatewayError, UsageError

CONNECT_TIMEOUT_S = 3.0

_KEY = re.compile(r"[\x21-\x7e]{1,512}")
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")
_BY_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "rate_limited", 503: "llm_unavailable"}


class RemoteError(GatewayError):
    """An error that the gateway reported. Match on `code`, whatever the kind of error.

    Args:
        code: A key of `core.errors.CODES`; the server's own word is kept in `why` when this version knows it not.
        what: What happened.
        why: The cause.
        mend: How to mend it.
        status: HTTP status; None for an error inside a stream.
        attempts: Providers tried, where a chain ran.
        request_id: Id to look for in log and journal; empty when none came.
        debug_hint: Every attempt in one line; empty when none came.
        retry_after_s: Seconds after which a retry makes sense, if known.
        param: Request field at fault, if one is.
        quality_issues: What was wrong with the last answer that was judged; empty when none was.
        rejected: The last answer that was judged, when the request said `keep_rejected` and it had a text.
    """

    def __init__(
        self,
        code: str,
        what: str,
        why: str,
        mend: str,
        *,
        status: int | None = None,
        attempts: tuple[Attempt, ...] = (),
        request_id: str = "",
        debug_hint: str = "",
        retry_after_s: float | None = None,
        param: str | None = None,
        quality_issues: Mapping[str, Any] | None = None,
        rejected: Rejected | None = None,
    ) -> None:
        super().__init__(what, why, mend, code=code, retry_after_s=retry_after_s, param=param)
        self.status = status
        self.attempts = attempts
        self.request_id = request_id
        self.debug_hint = debug_hint
        self.quality_issues: Mapping[str, Any] = quality_issues or {}
        self.rejected = rejected

    def as_dict(self) -> dict[str, object]:
        """The `error` object of `--json` output, with attempts, request id and quality issues where there are any."""
        told = super().as_dict()
        if self.attempts:
            told["attempts"] = self.attempts
        if self.request_id:
            told["request_id"] = self.request_id
        if self.quality_issues:
            told["quality_issues"] = self.quality_issues
        return told


class Api:
    """A connection to one address; a context manager. Proxies of the environment are not used for loopback.

    Args:
        url: Root of the API, for example `http://127.0.0.1:8080`; a path below it is kept.
        key: Key to send as bearer token; None to send none.
        timeout_s: Longest silence while an answer is awaited, in seconds.
        socket: Unix socket to talk through instead of TCP; `url` then only names paths.
        fresh: Take no answer out of a cache, and leave none in it.

    Raises:
        UsageError: `invalid_request` when the address is no http(s) URL.
        AuthError: `unauthorized` when the key has characters that no key has.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = 30.0,
        socket: Path | None = None,
        fresh: bool = False,
    ) -> None:
        try:
            parsed = httpx2.URL(url.rstrip("/"))
        except httpx2.InvalidURL as error:
            raise _bad_url() from error
        port_ok = parsed.port is None or 0 < parsed.port < 65_536
        if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo or not port_ok:
            raise _bad_url()
        if key is not None and not _KEY.fullmatch(key):
            raise AuthError("The key is not usable.", "It is empty or has characters that no key has.")
        self.url = str(parsed) if socket is None else f"unix:{socket.name}"
        headers = {"user-agent": f"roadworthy/{__version__}"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        if fresh:
            headers["cache-control"] = "no-store"
        self._timeout_s = timeout_s
        local = _LOOPBACK.fullmatch(parsed.host) is not None
        self._http = httpx2.Client(
            base_url=parsed,
            headers=headers,
            trust_env=not local,
            transport=None if socket is None else httpx2.HTTPTransport(uds=str(socket), verify=False),
            # Plain HTTP that no proxy carries has no certificate to check; reading the trust store takes 50 ms of CPU.
            verify=not (local and parsed.scheme == "http"),
            timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        also_ok: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> tuple[httpx2.Response, dict[str, Any]]:
        """Ask for a JSON object.

        Args:
            method: HTTP method.
            path: Path below the address.
            body: JSON body; None for none.
            query: Query parameters.
            also_ok: Statuses besides 2xx whose JSON body is an answer, not an error.
            headers: Further header lines.

        Returns:
            The response and its body.

        Raises:
            RemoteError: The server reported an error.
            GatewayError: `gateway_unreachable` when nothing answers, or something that is no gateway.
        """
        with self._reaching():
            response = self._http.request(method, path, json=body, params=query, headers=headers)
        told = _json(response)
        if told is not None and (response.is_success or response.status_code in also_ok):
            return response, told
        raise self.failure(response)

    @contextmanager
    def open(self, path: str, body: Mapping[str, Any]) -> Iterator[httpx2.Response]:
        """Post a JSON body and leave the answer open for reading.

        Raises:
            RemoteError: The server reported an error instead of a stream.
            GatewayError: `gateway_unreachable`.
        """
        request = self._http.build_request("POST", path, json=body)
        with self._reaching():
            response = self._http.send(request, stream=True)
        try:
            if not response.is_success:
                with self._reaching():
                    response.read()
                raise self.failure(response)
            yield response
        finally:
            response.close()

    def send_file(self, path: str, fields: Mapping[str, str], name: str, file: BinaryIO) -> dict[str, Any]:
        """Post a form with a file, read from disk piece by piece; the answer is a JSON object.

        Raises:
            RemoteError: The server reported an error.
            GatewayError: `gateway_unreachable`.
        """
        with self._reaching():
            response = self._http.request("POST", path, data=dict(fields), files={"file": (name, file)})
        told = _json(response)
        if told is None or not response.is_success:
            raise self.failure(response)
        return told

    def download(self, path: str) -> Iterator[bytes]:
        """Get a content in pieces; an error in its middle raises, so nobody takes a part for the whole.

        Raises:
            RemoteError: The server reported an error.
            GatewayError: `gateway_unreachable`.
        """
        with self._reaching(), self._http.stream("GET", path) as response:
            if not response.is_success:
                response.read()
                raise self.failure(response)
            yield from response.iter_bytes()

    def failure(self, response: httpx2.Response) -> GatewayError:
        """What an answer that is no success means."""
        told = pick(_json(response), "error", dict)
        if told is None:
            return GatewayError(
                f"What answers at {self.url} is not a Roadworthy gateway.",
                f"It sent status {response.status_code} and no error object.",
                "Check the address and the port.",
                code="gateway_unreachable",
            )
        return read_error(told, response.status_code, response.headers)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx2.ReadTimeout as error:
            raise GatewayError(
                f"The gateway at {self.url} did not answer in time.",
                f"Nothing came for {self._timeout_s:g} s.",
                "Ask again, or raise the timeout.",
                code="gateway_unreachable",
            ) from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise GatewayError(
                f"No gateway answers at {self.url}.",
                f"{type(error).__name__}: {error}.",
                code="gateway_unreachable",
            ) from error


def read_error(
    told: Mapping[str, Any], status: int | None = None, headers: Mapping[str, str] | None = None
) -> RemoteError:
    """An error object of ours, or one of an OpenAI-compatible server, as an error.

    Args:
        told: The `error` object.
        status: HTTP status; None inside a stream.
        headers: Header lines of the answer.
    """
    word = pick(told, "code", str) or ""
    code = word if word in CODES else _code_of(status)
    why = pick(told, "why", str) or ""
    what = (pick(told, "what", str) or pick(told, "message", str) or CODES[code].meaning).strip()
    if why and what != why:
        what = what.removesuffix(why).strip()
    if word and code != word:
        why = f"{why} The server's code is {word[:60]}.".strip()
    lines = headers or {}
    return RemoteError(
        code,
        what,
        why,
        pick(told, "mend", str) or "",
        status=status,
        attempts=read_attempts(told),
        request_id=pick(told, "request_id", str) or lines.get("x-request-id", ""),
        debug_hint=pick(told, "debug_hint", str) or "",
        param=pick(told, "param", str),
        retry_after_s=_seconds(lines.get("retry-after", "")),
        quality_issues=pick(told, "quality_issues", dict),
        rejected=read_rejected(told),
    )


def _code_of(status: int | None) -> str:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return "invalid_request" if status is not None and 400 <= status < 500 else "llm_failure"


def _json(response: httpx2.Response) -> dict[str, Any] | None:
    try:
        told = response.json()
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _bad_url() -> UsageError:
    return UsageError(
        "The address of the gateway is not usable.",
        "It must look like http://127.0.0.1:8080, without user and password.",
        "Correct --url or ROADWORTHY_URL.",
        param="url",
    )
