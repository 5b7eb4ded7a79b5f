"""SUP-05: every model file belongs to an asset of the policy whose licence is there, named and acknowledged."""

from __future__ import annotations

from roadworthy.core.errors import ConfigError
from roadworthy.verify.integrity.model_file import models
from roadworthy.verify.outcome import Coverage, Missing, NotMeasured, Outcome, finding, judged, not_applicable
from roadworthy.verify.probe import Context
from roadworthy.verify.supply.model_licence import Asset, assets, faults
from roadworthy.verify.tree import inside, shown


def probe(context: Context) -> Outcome:
    """Judge the declared assets, and see that nothing is left out of them."""
    try:
        declared = assets(context.settings["assets"])
    except ConfigError as problem:
        raise NotMeasured(f"{problem}") from None
    names = [node.name for node in models(context.files())]
    about = {"models": [shown(name) for name in names], "assets": [each._asdict() for each in declared]}
    context.evidence.write_json(about, "models, and the assets that the policy declares")
    if not names and not declared:
        return not_applicable(
            "The subject holds no model, and its policy declares none.",
            predicate="the subject holds a model file or declares a model or data", detail="0 models, 0 assets",
        )  # fmt: skip
    findings = [
        finding(context.check, fault.rule, fault.message, key=(asset.name, fault.message))
        for asset in declared
        for fault in faults(asset, context.root)
    ]
    nobodys = [name for name in names if not any(_covers(asset, name) for asset in declared)]
    findings += [
        finding(context.check, "undeclared", f"{shown(name)} belongs to no declared model.", key=(name,))
        for name in nobodys
    ]
    absent = [Missing(name=shown(place)) for asset in declared for place in asset.covers if not _there(context, place)]
    total = len(names) + len(declared)
    coverage = Coverage(
        examined=total, existing=total + len(absent), missing=tuple(absent),
        how_counted="Model files of a walk, assets of the policy, and the files that these say they cover.",
    )  # fmt: skip
    return judged(f"{len(declared)} assets, {len(names)} model files, {len(findings)} findings.", coverage=coverage,
                  findings=findings)  # fmt: skip


def _covers(asset: Asset, name: str) -> bool:
    return any(name == place or name.startswith(place.rstrip("/") + "/") for place in asset.covers)


def _there(context: Context, place: str) -> bool:
    path = inside(context.root, place)
    return path is not None and path.exists()
