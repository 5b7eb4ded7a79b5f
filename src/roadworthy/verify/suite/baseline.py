"""How many tests there were: a file in the subject, reviewed like code, that no run writes by itself."""

from __future__ import annotations

from pathlib import Path

import msgspec

from roadworthy.core.errors import ConfigError, UsageError
from roadworthy.runtime.atomic_file import replacing
from roadworthy.verify import git, regular
from roadworthy.verify.outcome import NotMeasured, Record
from roadworthy.verify.probe import Context
from roadworthy.verify.tree import inside, shown

FORM = "roadworthy.tests/v1"
LABEL = "tests collected per file"
"""Label of the evidence that a baseline is made from."""
MOST_BYTES = 8 * 1024 * 1024


class Baseline(Record, frozen=True):
    """The tests of an earlier state.

    Attributes:
        form: Always `roadworthy.tests/v1`.
        collected: How many tests there were.
        files: How many in each file.
    """

    form: str
    collected: int
    files: dict[str, int]


def baseline_of(content: bytes) -> Baseline:
    """Read one.

    Raises:
        ConfigError: `config_invalid`: it is none, or its sum is wrong.
    """
    try:
        read = msgspec.json.decode(content, type=Baseline)
    except msgspec.DecodeError:
        raise ConfigError("The baseline of the tests is damaged.") from None
    if read.form != FORM or read.collected != sum(read.files.values()) or read.collected < 1:
        raise ConfigError("The baseline of the tests does not add up.")
    return read


def committed(context: Context, name: str) -> Baseline:
    """The baseline that the subject holds and, in a git repository, has committed.

    A file that only lies in the working tree was reviewed by nobody: a first run cannot make what it is held to.

    Raises:
        NotMeasured: There is none, or it is not committed, or damaged.
    """
    path = inside(context.root, name)
    mend = "Make one with `roadworthy verify baseline`, read it, and commit it."
    try:
        content = b"" if path is None else regular.read(path, MOST_BYTES)
    except OSError:
        content = b""
    if not content or path is None:
        raise NotMeasured(f"There is no baseline {shown(name)} of the tests to compare with. {mend}")
    if (context.root / ".git").exists():
        words = ["git", *git.place(context.root), "cat-file", "blob", f"HEAD:{path.relative_to(context.root)}"]
        ran = context.run(words, label="committed baseline of the tests", env=git.environ())
        if ran.exit_code != 0 or ran.stdout != content:
            raise NotMeasured(f"The baseline {shown(name)} is not committed as it lies there. Read and commit it.")
    try:
        return baseline_of(content)
    except ConfigError as problem:
        raise NotMeasured(str(problem)) from None


def write(path: Path, files: dict[str, int]) -> Baseline:
    """Write a baseline.

    Args:
        path: Where; replaced when it is there.
        files: Tests per file.

    Raises:
        UsageError: There are no tests.
        ConfigError: The file cannot be written.
    """
    if not files:
        raise UsageError("There are no tests to make a baseline from.")
    made = Baseline(form=FORM, collected=sum(files.values()), files=dict(sorted(files.items())))
    try:
        with replacing(path, mode=0o644) as file:
            file.write(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    except OSError as error:
        raise ConfigError(f"{path.name} cannot be written.", f"{error.strerror or 'Input/output error'}.") from None
    return made
