"""`roadworthy gateway batch FILE`: work a file of requests off, with progress, resumable."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli import target
from roadworthy.cli.output import Settings, options
from roadworthy.core.errors import Exit


@click.command()
@options
@target.url_option
@click.option("--model", "-m", help="Route or provider/model for every line, whatever the line names.")
@click.option("--out", "answers", type=click.Path(path_type=Path, dir_okay=False), help="Where the answers go.")
@click.option("--again", is_flag=True, help="Ask anew, although this very file was worked off already.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def batch(file: Path, url: str | None, model: str | None, answers: Path | None, again: bool, out: Settings) -> None:
    """Work FILE off: JSON Lines in OpenAI's batch shape, or lines like {"prompt": "..."}.

    Answers go to FILE.answers.jsonl, lines without one to FILE.answers.errors.jsonl. Ctrl-C stops the batch; the same
    command goes on with it. Exit 0 when every line has an answer, 1 when some have none, 4 when the batch failed.
    """
    from roadworthy.cli import batch_file

    with target.batch_client(out, url) as client:
        with batch_file.prepared(file, model, lambda: target.default_model(out, url, client)) as sent:
            made = batch_file.begin(client, sent, again, out)
        try:
            ended = batch_file.follow(client, made, out)
        except KeyboardInterrupt:
            batch_file.stop(client, made, f"roadworthy gateway batch {file}", out)
            raise click.exceptions.Exit(Exit.INTERRUPTED) from None
        written = batch_file.keep(client, ended, answers or file.with_name(f"{file.name}.answers.jsonl"))
    text = f"{ended.completed} of {ended.total} lines have an answer."
    out.emit({"batch": ended, "files": written}, "\n".join([text, *written.values()]))
    for line in ended.errors[:5]:
        out.say(line)
    if ended.status != "completed":
        out.say(f"The batch is {ended.status}.")
        raise click.exceptions.Exit(Exit.COULD_NOT_FIND_OUT)
    if ended.failed:
        raise click.exceptions.Exit(Exit.JUDGED_BAD)
