"""What `roadworthy verify manifest` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click

from roadworthy.cli.output import Settings
from roadworthy.cli.progress import bytes_progress
from roadworthy.core.errors import Exit, StorageError, UsageError
from roadworthy.verify.integrity import baseline
from roadworthy.verify.integrity.baseline import Check, Loaded, Survey
from roadworthy.verify.integrity.compare import Difference, compare
from roadworthy.verify.integrity.manifest import Manifest
from roadworthy.verify.integrity.walk import UNKNOWN, Oddity
from roadworthy.verify.outcome import Status
from roadworthy.verify.tree import shown

_SHOWN_ROWS = 200


def create(root: Path, file: Path | None, key: Path | None, replace: bool, threads: int | None, out: Settings) -> None:
    """Write a manifest of the files."""
    file = file or _default(root)
    if file.exists() and not replace:
        raise UsageError(
            f"{shown(file.name)} is there already.",
            "A baseline that is replaced in passing is none.",
            "Check against it, or add --replace.",
        )
    sign = None if key is None else _signer(key)
    made = _made(root, file, sign, _survey(root, file, threads, out))
    out.emit(
        {
            "manifest": str(file), "model": shown(made.model), "files": len(made.contents),
            "bytes": sum(content.size for content in made.contents), "sha256": made.root_digest,
            "signed": sign is not None,
        },
        f"{len(made.contents)} files, digest of the whole {made.root_digest}, in {shown(file)}.",
    )  # fmt: skip
    if sign is None:
        out.say("Nobody signed it; whoever can write it can replace it. Add --key to sign it.")


def check(
    root: Path, file: Path | None, public_keys: Sequence[Path], unsigned: bool, create_missing: bool, key: Path | None,
    threads: int | None, out: Settings,
) -> None:  # fmt: skip
    """Compare the files with a manifest and end with the exit code that says how."""
    if unsigned and public_keys:
        raise UsageError("--unsigned and --public-key contradict each other.")
    file = file or _default(root)
    started = baseline.now()
    if create_missing and not file.exists():
        made = _made(root, file, None if key is None else _signer(key), _survey(root, file, threads, out))
        loaded = Loaded(made, Status.NOT_MEASURED)
        found = baseline.check(Survey(made.contents, (), len(made.contents)), loaded, started=started)
    else:
        loaded = baseline.load(file, _opener(public_keys) if public_keys else None)
        survey = _survey(root, file, threads, out)
        found = baseline.check(survey, loaded, started=started, own_name=baseline.name_below(root, file))
    vouched = unsigned or found.signature is Status.PASS
    status = found.status if vouched or found.status is not Status.PASS else Status.NOT_MEASURED
    reason = found.reason
    if status is not found.status:
        reason += " Nobody vouches for the manifest: name a --public-key, or say --unsigned."
    out.emit(_report(found, status, reason), _shown(found.difference, found.oddities, out))
    out.say(f"{status}: {reason}")
    _end(status)


def diff(old: Path, new: Path, threads: int | None, out: Settings) -> None:
    """Name what differs between two states."""
    before, after = _state(old, threads, out), _state(new, threads, out)
    difference = compare(before.contents, after.contents, after.oddities)
    unknown = [odd for odd in (*before.oddities, *after.oddities) if odd.problem in UNKNOWN]
    oddities = (*before.oddities, *after.oddities)
    out.emit(_differences(difference) | {"problems": _problems(oddities)}, _shown(difference, oddities, out))
    out.say(f"{baseline.told(difference)}; {difference.same} the same.")
    if difference.any:
        raise click.exceptions.Exit(Exit.JUDGED_BAD)
    if unknown:
        raise click.exceptions.Exit(Exit.COULD_NOT_FIND_OUT)


def _default(root: Path) -> Path:
    real = root.resolve()
    return real.with_name(f"{real.name or 'root'}.manifest.json")


def _survey(root: Path, file: Path | None, threads: int | None, out: Settings) -> Survey:
    with bytes_progress(out, "hashing") as progress:
        return baseline.survey(
            root, apart=[file] if file else [], threads=threads, step=progress.step, total=progress.total
        )


def _state(place: Path, threads: int | None, out: Settings) -> Survey:
    if place.is_dir():
        return _survey(place, None, threads, out)
    manifest = baseline.load(place).manifest
    return Survey(manifest.contents, (), len(manifest.contents))


def _made(root: Path, file: Path, sign: baseline.Sign | None, found: Survey) -> Manifest:
    own = baseline.name_below(root, file)
    made = baseline.create(root, found, baseline.now(), ignored=[own] if own else [])
    try:
        baseline.save(made, file, sign)
    except OSError as problem:
        raise StorageError("The manifest cannot be written.", f"{problem.strerror}.") from None
    return made


def _signer(path: Path) -> Callable[[bytes], bytes]:
    from roadworthy.verify.signing import private_key, signed

    return partial(signed, key=private_key(path))


def _opener(paths: Sequence[Path]) -> Callable[[bytes], bytes]:
    from roadworthy.verify.signing import opened, public_key

    keys = [public_key(path) for path in paths]
    return lambda envelope: opened(envelope, keys)[0]


def _end(status: Status) -> None:
    codes = {Status.PASS: Exit.GOOD, Status.FAIL: Exit.JUDGED_BAD}
    code = codes.get(status, Exit.COULD_NOT_FIND_OUT)
    if code:
        raise click.exceptions.Exit(code)


def _report(found: Check, status: Status, reason: str) -> dict[str, object]:
    return {
        "status": status,
        "reason": reason,
        "signature": found.signature,
        "created": found.created.isoformat() if found.created else None,
        "files": {"examined": found.examined, "existing": found.existing, "in_manifest": found.listed},
        **_differences(found.difference),
        "problems": _problems(found.oddities),
    }


def _differences(difference: Difference) -> dict[str, object]:
    return {
        "changed": [shown(name) for name in difference.changed],
        "missing": [shown(name) for name in difference.missing],
        "added": [shown(name) for name in difference.added],
        "renamed": [{"from": shown(old), "to": shown(new)} for old, new in difference.renamed],
        "unexamined": [shown(name) for name in difference.unexamined],
        "same": difference.same,
    }


def _problems(oddities: Sequence[Oddity]) -> list[dict[str, str]]:
    return [{"problem": odd.problem, "name": shown(odd.name) or ".", "detail": odd.detail} for odd in oddities]


def _shown(difference: Difference, oddities: Sequence[Oddity], out: Settings) -> str:
    rows = [("changed", shown(name), "") for name in difference.changed]
    rows += [("missing", shown(name), "") for name in difference.missing]
    rows += [("added", shown(name), "") for name in difference.added]
    rows += [("renamed", shown(old), f"to {shown(new)}") for old, new in difference.renamed]
    rows += [(str(odd.problem), shown(odd.name) or ".", odd.detail) for odd in oddities]
    if not rows:
        return ""
    more = len(rows) - _SHOWN_ROWS
    rest = f"\n… and {more} more (--json shows all)" if more > 0 else ""
    return out.table(["what", "name", ""], rows[:_SHOWN_ROWS]) + rest
