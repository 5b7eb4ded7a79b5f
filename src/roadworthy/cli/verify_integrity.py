"""`roadworthy verify manifest`: what the model files are, and whether they still are it."""

from __future__ import annotations

from pathlib import Path

import click

from roadworthy.cli.output import Settings, options

ROOT = click.argument("root", type=click.Path(path_type=Path, exists=True))
THREADS = click.option("--threads", type=click.IntRange(1, 16), help="Files hashed at the same time (default: cores).")
KEY = click.option("--key", "key", type=click.Path(path_type=Path), help="Private key (Ed25519) that signs it.")


@click.group()
def manifest() -> None:
    """Make a signed manifest of model files, and check files against it."""


@manifest.command()
@options
@click.option("-o", "--output", "file", type=click.Path(path_type=Path), help="Default: ROOT.manifest.json.")
@KEY
@click.option("--replace", is_flag=True, help="Replace a manifest that is there.")
@THREADS
@ROOT
def create(root: Path, file: Path | None, key: Path | None, replace: bool, threads: int | None, out: Settings) -> None:
    """Hash every file below ROOT and write the manifest, signed with --key.

    Refused when something below ROOT is no plain file or cannot be read: the manifest would not hold it.
    """
    from roadworthy.cli import verify_manifest

    verify_manifest.create(root, file, key, replace, threads, out)


@manifest.command()
@options
@click.option("--manifest", "file", type=click.Path(path_type=Path), help="Default: ROOT.manifest.json.")
@click.option("--public-key", "public_keys", multiple=True, type=click.Path(path_type=Path), help="A trusted key.")
@click.option("--unsigned", is_flag=True, help="Compare with a manifest that nobody vouches for.")
@click.option("--create-missing", is_flag=True, help="Make the manifest when there is none; that never passes.")
@KEY
@THREADS
@ROOT
def check(
    root: Path, file: Path | None, public_keys: tuple[Path, ...], unsigned: bool, create_missing: bool,
    key: Path | None, threads: int | None, out: Settings,
) -> None:  # fmt: skip
    """Compare the files below ROOT with the manifest.

    Exit 0 when all are as they were, 1 when something was changed, added, removed or renamed, 3 when the manifest
    cannot be trusted, 4 when it could not be found out: no manifest, no key to check it with, unreadable files.
    """
    from roadworthy.cli import verify_manifest

    verify_manifest.check(root, file, public_keys, unsigned, create_missing, key, threads, out)


@manifest.command()
@options
@THREADS
@click.argument("old", type=click.Path(path_type=Path, exists=True))
@click.argument("new", type=click.Path(path_type=Path, exists=True))
def diff(old: Path, new: Path, threads: int | None, out: Settings) -> None:
    """Name what was done from OLD to NEW; each is a manifest or a folder. Signatures are not checked.

    Exit 0 when nothing differs, 1 when something does, 4 when something could not be read.
    """
    from roadworthy.cli import verify_manifest

    verify_manifest.diff(old, new, threads, out)
