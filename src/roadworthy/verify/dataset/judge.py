"""What is wrong with declared data, check by check. Messages name rows by number, never by content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from roadworthy.verify.dataset.declaration import SUFFIXES, DataSet, Declaration, Role, declared
from roadworthy.verify.dataset.facts import Facts, Index
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Location,
    Missing,
    NotMeasured,
    Outcome,
    finding,
    not_applicable,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.suite.judge import excuse
from roadworthy.verify.tree import shown

Held = tuple[str, DataSet, Facts]


def opened(context: Context) -> tuple[Declaration, list[str]] | Outcome:
    """The declaration, and the names of all files of rows in the tree; not applicable where there are none.

    Raises:
        NotMeasured: There are files of rows and no declaration.
        ConfigError: `config_invalid`: the declaration is wrong.
    """
    name = str(context.settings["declaration"])
    files = [node.name for node in context.files() if node.kind == "file" and node.name.endswith(SUFFIXES)]
    there = any(node.name == name for node in context.files())
    if not files and not there:
        context.evidence.write_json({"files_of_rows": 0}, "files of rows")
        return not_applicable(
            "There is no data here.", predicate=f"the subject holds {', '.join(SUFFIXES)} or {name}", detail="0 files"
        )
    said = declared(context.root, name)
    if not said.sets and all(excuse(each, said.undeclared) for each in files):
        context.evidence.write_json(said.undeclared, "files of rows that are no data sets, with reasons")
        return not_applicable(
            "No file of rows here is a data set.", predicate=f"{shown(name)} declares a set, or leaves a file out",
            detail=f"{len(files)} files, each with a reason",
        )  # fmt: skip
    return said, files


def held(sets: Mapping[str, DataSet], facts: Mapping[str, Facts | None]) -> list[Held]:
    """The sets whose file is there.

    Raises:
        NotMeasured: A declared file is not there.
    """
    gone = [shown(name) for name, each in facts.items() if each is None]
    if gone:
        raise NotMeasured(f"The files of {', '.join(gone)} are not there.")
    return [(name, sets[name], each) for name, each in facts.items() if each is not None]


def coverage(said: Declaration, files: list[str]) -> Coverage:
    """How many of the files of rows in the tree are declared, and so examined."""
    known = {each.file for each in said.sets.values()}
    missing = [Missing(name=shown(name), reason=excuse(name, said.undeclared)) for name in files if name not in known]
    return Coverage(
        examined=len(known & set(files)),
        existing=len(files),
        how_counted=f"Existing: files of a walk of the tree ({', '.join(SUFFIXES)}). Examined: declared sets.",
        missing=tuple(missing),
    )


def of_origin(check: str, sets: list[Held]) -> Iterator[Finding]:
    """TRN-02: digest, number of rows, origin, and the share of synthetic rows, counted."""
    for name, each, facts in sets:
        if facts.sha256 != each.sha256:
            text = f"{shown(name)} is not the file that was declared: its SHA-256 differs."
            yield _one(check, "digest", each, text, contradicts=True)
        if facts.rows != each.rows:
            text = f"{shown(name)} has {facts.rows} rows, declared are {each.rows}."
            yield _one(check, "rows", each, text, contradicts=True)
        if len(each.origin.split()) < 2:
            yield _one(check, "origin", each, f"{shown(name)} does not say where it comes from.")
        share = synthetic_share(facts)
        if share is not None and share > each.most_synthetic:
            text = f"{share:.1%} of {shown(name)} is synthetic; at most {each.most_synthetic:.1%} may be."
            yield _one(check, "synthetic", each, text, contradicts=True)


def synthetic_share(facts: Facts) -> float | None:
    """Of the rows; None when no column says so or there are no rows."""
    return None if facts.synthetic is None or not facts.rows else facts.synthetic / facts.rows


def of_rows(check: str, sets: list[Held], index: Index) -> Iterator[Finding]:
    """TRN-03: every row is one, labels are sane, nothing stands twice, nothing stands in two splits."""
    for name, each, facts in sets:
        yield from _of_labels(check, name, each, facts)
        for rule, number, text in (
            ("unreadable", facts.unreadable, "rows cannot be read as rows"),
            ("columns", facts.other_columns, "rows have other columns than the set"),
        ):
            if number:
                yield _one(check, rule, each, f"{shown(name)}: {number} {text}.", facts.first.get(rule))
        repeated, row = index.repeated(name)
        if repeated:
            yield _one(check, "duplicate", each, f"{shown(name)}: {repeated} rows repeat an earlier one.", row)
        contradicted = index.contradicted(name) if each.label is not None else 0
        if contradicted:
            yield _one(check, "contradiction", each, f"{shown(name)}: {contradicted} items have two labels.")
    splits = [each for each in sets if each[1].role is not Role.CACHE]
    for (one, first, _), (other, second, _) in combinations(splits, 2):
        if first.role is not second.role:
            yield from _shared(check, "leak", (one, first), (other, second), index)


def of_evaluation(check: str, sets: list[Held], index: Index) -> Iterator[Finding]:
    """QUA-07: no item of an evaluation is in training data or a cache, and none is synthetic."""
    for name, each, facts in sets:
        if each.role is not Role.EVALUATION:
            continue
        for other, second, _ in sets:
            if second.role in (Role.TRAIN, Role.CACHE):
                yield from _shared(check, f"in_{second.role}", (name, each), (other, second), index)
        if facts.synthetic:
            yield _one(
                check, "synthetic", each, f"{shown(name)}: {facts.synthetic} rows of an evaluation are synthetic."
            )


def _shared(
    check: str, rule: str, one: tuple[str, DataSet], other: tuple[str, DataSet], index: Index
) -> Iterator[Finding]:
    number, row = index.shared(one[0], other[0])
    if number:
        text = f"{number} rows of {shown(one[0])} ({one[1].role}) are in {shown(other[0])} ({other[1].role}) too."
        yield _one(check, rule, one[1], text, row, other[1].file)


def _of_labels(check: str, name: str, each: DataSet, facts: Facts) -> Iterator[Finding]:
    if facts.unlabelled:
        text = f"{shown(name)}: {facts.unlabelled} rows have no label."
        yield _one(check, "unlabelled", each, text, facts.first.get("label"))
    if not each.labels:
        return
    unknown = sum(number for label, number in facts.labels.items() if label not in each.labels)
    if unknown:
        yield _one(check, "label", each, f"{shown(name)}: {unknown} rows have a label that is not declared.")
    unused = [label for label in each.labels if not facts.labels.get(label)]
    if unused:
        yield _one(check, "unused_label", each, f"{shown(name)}: {len(unused)} declared labels never occur.")


def _one(
    check: str, rule: str, each: DataSet, text: str, row: int | None = None, *key: str, contradicts: bool = False
) -> Finding:
    where = Location(path=shown(each.file), line=row)
    return finding(check, rule, text, key=(each.file, *key), location=where, contradicts=contradicts)
