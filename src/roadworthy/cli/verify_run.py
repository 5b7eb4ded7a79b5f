"""`roadworthy verify run`, `verify report` and `verify probes`."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli.output import Settings, options

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)
FORMS = ("text", "html", "markdown", "json", "sarif", "junit", "technical")


@click.command()
@options
@click.option("--out", "folder", type=FOLDER, help="Folder of the output (default: SUBJECT/.roadworthy/verify).")
@click.option("--policy", type=FILE, help="Policy (default: SUBJECT/readiness.yaml).")
@click.option("--service", metavar="URL", help="Address of the running service.")
@click.option("--deployed", metavar="FOLDER|sha256:…", help="What is deployed; must be the subject.")
@click.option("--key", type=FILE, help="Sign the report with this private key.")
@click.option("--only", multiple=True, metavar="ID", help="Run this check alone; the others are not measured.")
@click.option("--processes", type=click.IntRange(1), help="Probes at the same time (default: one per core).")
@click.option("--new-chain", is_flag=True, help="Begin another chain of runs; a gate can refuse that.")
@click.argument("subject", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
def run(
    subject: Path, folder: Path | None, policy: Path | None, service: str | None, deployed: str | None,
    key: Path | None, only: tuple[str, ...], processes: int | None, new_chain: bool, out: Settings,
) -> None:  # fmt: skip
    """Run the checks on the folder SUBJECT (default: this one) and write report and evidence.

    Exit 0 for GO, 1 for NO-GO, 4 for INCOMPLETE. What was not measured counts as nothing, never as good.
    """
    from roadworthy.cli import verify_text

    verify_text.run(
        verify_text.Wanted(subject, folder, policy, service, deployed, key, only, processes, new_chain), out
    )


@click.command()
@options
@click.option("--form", type=click.Choice(FORMS), default="text", help="Which form to print.")
@click.argument("folder", default=".roadworthy/verify", type=FOLDER)
def report(folder: Path, form: str, out: Settings) -> None:
    """Print the report in FOLDER, the output of a run. Nothing is run; hashes of the evidence are checked."""
    from roadworthy.cli import verify_text

    verify_text.show(folder, form, out)


@click.command()
@options
def probes(out: Settings) -> None:
    """List the checks and what implements each."""
    from roadworthy.cli import verify_text

    verify_text.list_probes(out)
