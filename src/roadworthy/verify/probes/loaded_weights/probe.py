"""ART-08: the running process tells the digest of the weights that it loaded, and it is the manifest's.

The digest is not taken from the disk by us: a file there may be another one than the process loaded. The model's
process hashes the very bytes that it loads, and the service asks it whenever its health is asked.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from roadworthy.client.gateway import GatewayClient
from roadworthy.core.errors import GatewayError, RoadworthyError
from roadworthy.runtime.config.tree import Config, Provider
from roadworthy.verify import tree
from roadworthy.verify.integrity import baseline
from roadworthy.verify.integrity.manifest import Manifest
from roadworthy.verify.outcome import (
    Coverage,
    Finding,
    Missing,
    NotMeasured,
    Outcome,
    Severity,
    judged,
    not_applicable,
    not_measured,
)
from roadworthy.verify.probe import Context
from roadworthy.verify.service.configuration import of_service
from roadworthy.verify.service.drill import alive, service_key, wrong

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def probe(context: Context) -> Outcome:
    """Ask the service what its models' processes loaded, and compare."""
    started = baseline.now()
    url = alive(context)
    own = _own_models(of_service(context))
    if not own:
        context.evidence.write_json({"providers_that_load_weights": []}, "providers of the configuration")
        return not_applicable(
            "The service loads no weights itself.",
            predicate="a provider of kind embedded is in a chain",
            detail="0 providers of kind embedded",
        )
    told = _told(url)
    digests = {name: digest for name in own if (digest := _digest(told, name))}
    context.evidence.write_json(
        {"providers": sorted(own), "weights": told, "digests": digests}, "weights that the service tells", covers=[url]
    )
    if not digests:
        raise NotMeasured("The model's process does not tell the digest of the weights that it loaded.")
    path = _inside(context, "manifest")
    try:
        listed = baseline.load(path, None).manifest
    except RoadworthyError as problem:
        if problem.code != "integrity_mismatch":
            raise NotMeasured(f"There is no manifest to compare with: {problem} {problem.mend}") from None
        return _broken(context, str(problem))
    context.evidence.write_json(
        {"root": listed.root_digest, "files": {tree.shown(each.name): each.digest for each in listed.contents}},
        "digests of the manifest",
        covers=[listed.root_digest],
    )
    if listed.created is not None and listed.created >= started:
        return not_measured("The manifest was made by this run, or its time lies in the future.")
    root = _inside(context, "root")
    findings = [
        found
        for name, digest in digests.items()
        if (found := _compared(context, name, own[name], digest, listed, root))
    ]
    return judged(
        f"{len(digests) - len(findings)} of {len(own)} models in service were loaded from what the manifest names.",
        coverage=_coverage(own, digests),
        findings=findings,
    )


def _own_models(config: Config) -> dict[str, Provider]:
    gateway = config.gateway
    used = {target.partition("/")[0] for route in gateway.routes.values() for target in route.chain}
    used |= {each.partition("/")[0] for mode in gateway.modes.values() for role in mode.roles.values() for each in role}
    return {name: each for name, each in gateway.providers.items() if each.kind == "embedded" and name in used}


def _told(url: str) -> Any:
    """The part `weights` of the service's health; None when there is none."""
    try:
        with GatewayClient(url, service_key(), timeout_s=10.0) as client:
            return client.health().parts.get("weights")
    except GatewayError as problem:
        raise NotMeasured(f"The service at {url} does not tell its health: {problem.what}") from None


def _digest(told: Any, name: str) -> str | None:
    found = told.get(name) if isinstance(told, dict) else None
    return found.removeprefix("sha256:") if isinstance(found, str) and _DIGEST.fullmatch(found) else None


def _compared(
    context: Context, name: str, provider: Provider, digest: str, listed: Manifest, root: Path
) -> Finding | None:
    """What is wrong with one model; None when it is the manifest's."""
    file = baseline.name_below(root, context.root / provider.file) if provider.file else None
    if file is None:  # the package's file, or one that lies elsewhere where the service runs: the content decides
        good, which = {each.digest for each in listed.contents}, "of no file of the manifest"
    else:
        good = {each.digest for each in listed.contents if each.name == file}
        which = f"not the one of {tree.shown(file)} in the manifest" if good else f"and {tree.shown(file)} not in it"
    if digest in good:
        return None
    message = f"{name}: what the running process loaded is sha256:{digest}, {which}."
    return wrong(context, "other_weights", message, name, severity=Severity.CRITICAL)


def _inside(context: Context, setting: str) -> Path:
    name = str(context.settings[setting])
    path = tree.inside(context.root, name)
    if path is None:
        raise NotMeasured(f"{tree.shown(name)} (setting {setting}) leads out of the subject.")
    return path


def _coverage(own: dict[str, Provider], digests: dict[str, str]) -> Coverage:
    silent = tuple(Missing(name=name) for name in sorted(own) if name not in digests)
    return Coverage(
        examined=len(digests), existing=len(own), missing=silent,
        how_counted="Existing: providers of kind embedded in a chain. Examined: those whose process told its digest.",
    )  # fmt: skip


def _broken(context: Context, text: str) -> Outcome:
    return judged(
        text,
        coverage=Coverage(examined=1, existing=1, how_counted="The manifest."),
        findings=[wrong(context, "manifest", text, "manifest", severity=Severity.CRITICAL)],
    )
