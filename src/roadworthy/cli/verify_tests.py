"""`roadworthy verify baseline` and `roadworthy verify nightly`."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli.output import Settings, options

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@options
@click.option("--out", "folder", type=FOLDER, help="Folder of the run's output (default: SUBJECT/.roadworthy/verify).")
@click.option("--file", type=FILE, help="Where to write it (default: SUBJECT/test-baseline.json).")
@click.argument("subject", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
def baseline(subject: Path, folder: Path | None, file: Path | None, out: Settings) -> None:
    """Write how many tests the last run of SUBJECT collected, for later runs to be compared with.

    Read the file and commit it: in a git repository an uncommitted one counts for nothing.
    """
    from roadworthy.cli import verify_tests_text

    verify_tests_text.write_baseline(subject, folder, file, out)


@click.command()
@options
@click.option("--service", required=True, metavar="URL", help="Address of the gateway.")
@click.option("--nights", type=FOLDER, default=".roadworthy/nightly", show_default=True, help="Where nights are kept.")
@click.option("--key-env", metavar="NAME", help="Environment variable with the gateway's key.")
@click.option("--take-as-good", is_flag=True, help="By your word, compare later nights with this one.")
@click.option(
    "--forge", type=click.Choice(("github", "gitlab")), help="Open an issue there when the night is not good."
)
@click.option("--repository", metavar="OWNER/NAME", help="For the issue.")
@click.option("--forge-api", metavar="URL", help="Root of the forge's API (default: the public one).")
@click.option("--token-env", metavar="NAME", help="Environment variable with the forge's token.")
@click.option("--token-file", type=FILE, help="File with the forge's token.")
@click.option("--label", "labels", multiple=True, default=("regression",), show_default=True, help="Of the issue.")
@click.argument("cases", type=FILE)
def nightly(
    cases: Path, service: str, nights: Path, key_env: str | None, take_as_good: bool, forge: str | None,
    repository: str | None, forge_api: str | None, token_env: str | None, token_file: Path | None,
    labels: tuple[str, ...], out: Settings,
) -> None:  # fmt: skip
    """Ask every case of the file CASES through the gateway and compare with the last good night.

    No answer out of a cache and no stub counts. Exit 0 when nothing fell, 1 when something did, 4 when it could not
    be found out.
    """
    from roadworthy.cli import verify_tests_text

    told = verify_tests_text.Told(forge, repository, forge_api, token_env, token_file, labels)
    verify_tests_text.run_night(cases, service, nights, key_env, take_as_good, told, out)
