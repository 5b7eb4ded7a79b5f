"""`roadworthy explain CODE`: the reference page of an error code, an exit code or a header."""

from __future__ import annotations

import dataclasses
from difflib import get_close_matches

import click

from roadworthy.cli.output import Settings, options, table
from roadworthy.core.errors import CODES, Exit, UsageError

EXITS = {
    Exit.GOOD: "Good: the command did what it was asked.",
    Exit.JUDGED_BAD: "Judged bad: it was measured and found unfit (no-go, regression, failed gate).",
    Exit.MISUSE: "Misuse: the command line or the request is at fault.",
    Exit.CONFIGURATION: "Configuration: a setting, a secret or the installation is at fault.",
    Exit.COULD_NOT_FIND_OUT: "Could not find out: unreachable, chain failed, inconclusive. Not the same as bad.",
    Exit.STOPPED: "Stopped by a guard, or waiting for an approval.",
    Exit.OUR_BUG: "A bug of ours; please report it.",
    Exit.INTERRUPTED: "Interrupted with Ctrl-C.",
}

HEADERS = {
    "x-request-id": "Id of the request; it is the same in the answer, the log and the journal.",
    "x-roadworthy-served-by": "The `provider/model` that really answered.",
    "x-roadworthy-attempts": "How many providers were really asked; those that were passed over do not count.",
    "x-roadworthy-fallback": "Why the first provider did not serve, or `false` when it did.",
    "x-roadworthy-cache": "What the cache did: off, miss, hit, semantic (the answer to a similar question) or stale "
    "(expired, served because every provider failed).",
    "age": "Seconds since an answer out of the cache was made.",
    "x-roadworthy-quality": "What the quality gate said: passed, failed or not-gated.",
    "x-roadworthy-prompt": "The prompt, `NAME@VERSION`, that was put before the request's messages; only when one was.",
    "x-should-retry": "`false` when the whole chain was spent: a retry by the client would only multiply the load.",
    "retry-after": "Seconds after which the same request makes sense again.",
    "server-timing": "Milliseconds spent by the gateway itself and by the providers.",
}


@dataclasses.dataclass(frozen=True)
class Page:
    """What there is to know about one name.

    Args:
        name: The code, the exit code as digits, or the header.
        kind: `error`, `exit` or `header`.
        meaning: One or two sentences.
        mend: The usual way to mend it; empty for what is not an error.
        http_status: Status of the HTTP answer that carries the error.
        exit_code: Exit code of a command that ends with the error.
        retryable: Whether the same request may succeed later without a change.
    """

    name: str
    kind: str
    meaning: str
    mend: str = ""
    http_status: int | None = None
    exit_code: int | None = None
    retryable: bool | None = None

    def text(self) -> str:
        """The page for people."""
        lines = [f"{self.name} ({self.kind})", "", self.meaning]
        if self.kind == "error":
            lines += [
                f"mend: {self.mend}",
                "",
                f"HTTP status {self.http_status}, exit code {self.exit_code}, "
                f"{'may succeed later without a change' if self.retryable else 'a retry alone will not help'}.",
            ]
        return "\n".join(lines)


def pages() -> dict[str, Page]:
    """Every page by its name: error codes, exit codes, headers."""
    found = {
        name: Page(name, "error", row.meaning, row.mend, row.http_status, int(row.exit_code), row.retryable)
        for name, row in CODES.items()
    }
    found.update({str(int(code)): Page(str(int(code)), "exit", meaning) for code, meaning in EXITS.items()})
    found.update({name: Page(name, "header", meaning) for name, meaning in HEADERS.items()})
    return found


def look_up(name: str) -> Page:
    """The page of a name, in any case.

    Raises:
        UsageError: `invalid_request` with the names that may have been meant.
    """
    known = pages()
    page = known.get(name.strip().lower())
    if page is not None:
        return page
    guesses = get_close_matches(name.lower(), known, n=3)
    mend = f"Did you mean {' or '.join(f'`{guess}`' for guess in guesses)}?" if guesses else ""
    raise UsageError("There is no such code.", "", mend or "`roadworthy explain` lists all of them.")


def listing() -> str:
    """All names with their meanings, as a table."""
    return table(["name", "kind", "meaning"], [(page.name, page.kind, page.meaning) for page in pages().values()])


@click.command()
@options
@click.argument("code", required=False)
def explain(code: str | None, out: Settings) -> None:
    """Explain an error code, an exit code or a header; without CODE list them all."""
    if code is None:
        out.emit(list(pages().values()), listing())
        return
    page = look_up(code)
    out.emit(page, page.text())
