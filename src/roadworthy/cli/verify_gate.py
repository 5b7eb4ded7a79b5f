"""`roadworthy verify gate`, `verify sign` and `verify keygen`."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli.output import Settings, options

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@options
@click.option("--key", "keys", multiple=True, required=True, type=FILE, help="Public key that is trusted; repeatable.")
@click.option("--subject", required=True, metavar="FOLDER|sha256:…", help="What is about to be deployed.")
@click.option("--policy", type=FILE, help="Policy that must hold, byte by byte (default: the one that was signed).")
@click.option("--seen", type=FILE, help="Remembers the last report that was judged, so that no run can be dropped.")
@click.argument("folder", default=".roadworthy/verify", type=FOLDER)
def gate(
    folder: Path, keys: tuple[Path, ...], subject: str, policy: Path | None, seen: Path | None, out: Settings
) -> None:
    """Judge the signed report in FOLDER before a deployment.

    Reads the evidence, not the numbers of the report, and adds everything up again by code of its own. Exit 0 for GO,
    1 for NO-GO, 4 for INCOMPLETE, 3 when signature, subject, chain, clock or sums cannot be trusted.
    """
    from roadworthy.cli import verify_text

    verify_text.judge(folder, keys, subject, policy, seen, out)


@click.command()
@options
@click.option("--key", required=True, type=FILE, help="Private key.")
@click.option("--earlier", is_flag=True, help="Sign earlier runs of the chain, too, that this key did not sign.")
@click.argument("folder", default=".roadworthy/verify", type=FOLDER)
def sign(folder: Path, key: Path, earlier: bool, out: Settings) -> None:
    """Sign the report in FOLDER. Whoever signs need not be who ran it.

    A gate wants a trusted key's signature on every run of the chain, not on the newest alone.
    """
    from roadworthy.cli import verify_text

    verify_text.sign(folder, key, earlier, out)


@click.command()
@options
@click.argument("file", type=FILE)
def keygen(file: Path, out: Settings) -> None:
    """Make an Ed25519 key: FILE for its owner alone, FILE.pub for everybody."""
    from roadworthy.verify.signing import make_keys

    public = file.with_name(f"{file.name}.pub")
    name = make_keys(file, public)
    out.emit({"private": file, "public": public, "key_id": name}, f"{public}\nkey id {name}")
    out.say(f"Keep {file} outside of the repository and of what is verified.")
