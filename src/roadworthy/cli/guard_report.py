"""What `roadworthy guard report` does."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli.output import Settings
from roadworthy.core.errors import Exit, SubjectError, UsageError
from roadworthy.guard.corpus.cuts import stream_report
from roadworthy.guard.corpus.page import page as html_page
from roadworthy.guard.corpus.report import report
from roadworthy.runtime.atomic_file import replacing


def show(seed: int | None, page: Path | None, out: Settings) -> None:
    """Make the report, write its page where one is asked for, and end with 1 when a bound does not hold.

    Raises:
        SubjectError: The page cannot be written; where its folder is missing that is said before the work.
    """
    if page is not None and not page.absolute().parent.is_dir():
        raise SubjectError(f"{page} cannot be written.", "Its folder does not exist.")
    out.say("Masking the corpus: about 15 seconds.")
    made = report() if seed is None else report(seed=seed)
    if page is not None:
        try:
            with replacing(page, mode=0o644) as file:
                file.write(html_page(made).encode())
        except OSError as error:
            raise SubjectError(f"{page} cannot be written.", f"{error.strerror or 'Input/output error'}.") from error
    out.emit(made.records(), made.table())
    for failure in made.failures:
        out.say(f"Does not hold: {failure}")
    if made.failures:
        raise click.exceptions.Exit(Exit.JUDGED_BAD)


def show_streams(seed: int | None, page: Path | None, out: Settings) -> None:
    """Cut the corpus, and end with 1 when a text in pieces is masked otherwise than the whole.

    Raises:
        UsageError: A page is asked for, too.
    """
    if page is not None:
        raise UsageError("--streams makes no page.", mend="Leave --html out.")
    out.say("Cutting the corpus: about ten minutes.")
    made = stream_report() if seed is None else stream_report(seed=seed)
    out.emit(made.records(), made.table())
    if made.differences:
        raise click.exceptions.Exit(Exit.JUDGED_BAD)
