"""Where a subject keeps its models and their manifest: what the probes of the manifest have in common."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import RoadworthyError
from roadworthy.verify import tree
from roadworthy.verify.integrity.baseline import Loaded, Open, load
from roadworthy.verify.integrity.model_file import models
from roadworthy.verify.outcome import NotMeasured, Outcome, not_applicable
from roadworthy.verify.probe import Context


class Place(NamedTuple):
    """Models of a subject.

    Attributes:
        root: Folder of the models.
        manifest: File of the manifest; need not be there.
        elsewhere: Names of model files of the subject outside of the folder; no manifest of it covers them.
    """

    root: Path
    manifest: Path
    elsewhere: tuple[str, ...]


def place(context: Context) -> Place | Outcome:
    """Where the models are; the outcome `not_applicable` when the subject has none.

    Raises:
        NotMeasured: There are models, and the folder that the policy names is not there or leads out of the subject.
    """
    root = _inside(context, "root")
    found = [node.name for node in models(context.files())]
    elsewhere = tuple(name for name in found if not (context.root / name).is_relative_to(root))
    if root.is_dir():
        return Place(root, _inside(context, "manifest"), elsewhere)
    if found:
        raise NotMeasured(
            f"{len(found)} model files, the first is {tree.shown(found[0])}, and no folder "
            f"{tree.shown(str(context.settings['root']))}; name the folder of the models in the policy."
        )
    context.evidence.write_json({"model_files": 0, "root": str(context.settings["root"])}, "model files of the subject")
    return not_applicable(
        "The subject holds no model file.",
        predicate="the subject holds a model file",
        detail="0 of its files are models",
    )


def manifest(at: Place, open_envelope: Open | None = None) -> Loaded:
    """The manifest.

    Raises:
        NotMeasured: It is not there, or is none.
        RoadworthyError: `integrity_mismatch`: no trusted key signed it, or it contradicts itself.
    """
    try:
        return load(at.manifest, open_envelope)
    except RoadworthyError as problem:
        if problem.code == "integrity_mismatch":
            raise
        raise NotMeasured(f"{problem} {problem.mend}") from None


def _inside(context: Context, setting: str) -> Path:
    name = str(context.settings[setting])
    path = tree.inside(context.root, name)
    if path is None:
        raise NotMeasured(f"{tree.shown(name)} (setting {setting}) leads out of the subject.")
    return path
