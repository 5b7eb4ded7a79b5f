"""What `roadworthy verify sbom` does."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from roadworthy.cli.output import Settings, Styled, clean
from roadworthy.core.errors import Exit, StorageError
from roadworthy.runtime.atomic_file import replacing
from roadworthy.verify.supply.installed import Environment, counted, environment
from roadworthy.verify.supply.sbom import bill
from roadworthy.verify.supply.subject import subject_models
from roadworthy.verify.tree import shown, walk


def chosen(subject: Path, place: Path | None) -> Environment:
    """The environment that is named, else that of the subject, else our own.

    Raises:
        SubjectError: `subject_unreadable`: there is none.
    """
    own = subject / ".venv"
    return environment(place or (own if own.is_dir() else None))


def write(subject: Path, place: Path | None, file: Path | None, files: bool, out: Settings) -> None:
    """Print or write the bill of materials."""
    found = chosen(subject, place)
    models, lost = subject_models(subject.resolve(), walk(subject.resolve()))
    made = bill(found, models, project=shown(subject.resolve().name), now=datetime.now(UTC), files=files)
    existing = counted(found.folders)
    not_read = [shown(name) for name, _ in found.unread] + [shown(name) for name in lost]
    summary = {
        "distributions": len(found.distributions), "installed": existing, "models": len(models),
        "unread": not_read,
        "folders": [shown(str(folder)) for folder in found.folders],
    }  # fmt: skip
    if file is None:
        # Its strings are JSON's, which escapes what a terminal would act on below a space; the rest is cleaned.
        out.emit({"sbom": made, **summary} if out.json else made, Styled(clean(json.dumps(made, indent=1))))
    else:
        _write(file, made)
        out.emit({"file": str(file), **summary}, f"{len(made['components'])} components in {shown(file)}.")
    out.say(f"{len(found.distributions)} of {existing} distributions and {len(models)} models.")
    for name in not_read:
        out.say(f"Not read: {name}")
    if not_read or len(found.distributions) != existing:
        raise click.exceptions.Exit(Exit.COULD_NOT_FIND_OUT)


def _write(file: Path, made: object) -> None:
    try:
        with replacing(file, mode=0o644) as target:
            target.write(json.dumps(made, indent=1).encode() + b"\n")
    except OSError as problem:
        raise StorageError("The bill of materials cannot be written.", f"{problem.strerror}.") from None
