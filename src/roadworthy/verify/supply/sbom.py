"""The bill of materials: CycloneDX 1.6 as JSON, written by hand, from what is installed and from the models.

The same bytes give the same bill, but for its time. A distribution's hash is that of its RECORD, which holds the hash
of every file of it; `files=True` lists those too.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from roadworthy import __version__
from roadworthy.verify.supply.installed import Distribution, Environment, files_of, normal, record_digest
from roadworthy.verify.supply.licence import licence_of, spdx
from roadworthy.verify.supply.model_card import Card
from roadworthy.verify.supply.version import InvalidRequirement, Requirement

SPEC_VERSION = "1.6"
_NAMESPACE = uuid.UUID("5d3c0a52-9c1e-4f57-8f0e-6f4b3f3d7c11")


class Model(NamedTuple):
    """A model file.

    Attributes:
        name: Relative to the subject's root, escaped.
        sha256: 64 hexadecimal digits.
        size: Bytes.
        card: What is said about it.
    """

    name: str
    sha256: str
    size: int
    card: Card


def bill(
    environment: Environment,
    models: Iterable[Model] = (),
    *,
    project: str,
    now: datetime,
    files: bool = False,
    packages: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The bill of materials as JSON values.

    Args:
        environment: What is installed.
        models: Model files.
        project: Name of the subject.
        now: Aware; its time.
        files: Whether each file of each distribution is listed with its hash.
        packages: Licences that were found by hand; see `licence.LicencePolicy`.
    """
    references = _references(environment.distributions)
    components = [
        _package(each, references[place], files, packages) for place, each in enumerate(environment.distributions)
    ]
    components += [_model(each) for each in models]
    body = {"components": components, "dependencies": _dependencies(environment.distributions, references)}
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, f'{project} {digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {"components": [{"type": "application", "name": "roadworthy", "version": __version__}]},
            "component": {"type": "application", "bom-ref": "subject", "name": project},
            "properties": [{"name": "roadworthy:distributions", "value": str(len(environment.distributions))}],
        },
        **body,
    }


def purl(name: str, version: str) -> str:
    """The package URL of a distribution (package-url specification, type pypi)."""
    return f"pkg:pypi/{quote(normal(name), safe='')}@{quote(version, safe='')}"


def _references(distributions: Sequence[Distribution]) -> list[str]:
    """A name for each component: its package URL; what is installed twice gets a number."""
    seen: Counter[str] = Counter()
    references = []
    for each in distributions:
        address = purl(each.name, each.version)
        seen[address] += 1
        references.append(address if seen[address] == 1 else f"{address}#{seen[address]}")
    return references


def _package(each: Distribution, reference: str, files: bool, packages: Mapping[str, str] | None) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": each.name,
        "version": each.version,
        "purl": purl(each.name, each.version),
        "properties": [],
    }
    if each.summary:
        component["description"] = each.summary
    digest = record_digest(each)
    if digest is not None:
        component["hashes"] = [{"alg": "SHA-256", "content": digest}]
        component["properties"].append({"name": "roadworthy:hash-of", "value": "RECORD"})
    licence = licence_of(each, packages)
    if licence.expression is not None:
        component["licenses"] = _licences(licence.expression)
        component["properties"].append({"name": "roadworthy:licence-from", "value": licence.source})
    if files:
        component["components"] = [
            {"type": "file", "name": file.name, "hashes": [{"alg": "SHA-256", "content": file.sha256}]}
            for file in files_of(each)
        ]
    return component


def _licences(expression: str) -> list[dict[str, Any]]:
    """One identifier as such, anything else as an expression; what SPDX does not know by its name."""
    known = spdx(expression)
    if known is None:
        return [{"license": {"name": expression}}]
    if " " in known:
        return [{"expression": known}]
    return [{"license": {"name": known} if known.startswith("LicenseRef-") else {"id": known}}]


def _model(each: Model) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{each.name}",
        "name": each.name,
        "hashes": [{"alg": "SHA-256", "content": each.sha256}],
        "properties": [{"name": "roadworthy:size", "value": str(each.size)}],
    }
    if each.card.licence:
        component["licenses"] = _licences(each.card.licence)
    if each.card.base_model:
        component["pedigree"] = {"ancestors": [{"type": "machine-learning-model", "name": each.card.base_model}]}
    if each.card.datasets:
        sets = [{"type": "dataset", "name": name} for name in each.card.datasets]
        component["modelCard"] = {"modelParameters": {"datasets": sets}}
    if each.card.trainer_run:
        component["properties"].append({"name": "roadworthy:trainer-run", "value": each.card.trainer_run})
    return component


def _dependencies(distributions: Sequence[Distribution], references: Sequence[str]) -> list[dict[str, Any]]:
    """Which component asks for which; only what is installed, and only what is asked for without an extra."""
    by_key: dict[str, str] = {}
    for each, reference in zip(distributions, references, strict=True):
        by_key.setdefault(each.key, reference)
    return [
        {"ref": reference, "dependsOn": sorted({by_key[key] for key in _asked(each) if key in by_key})}
        for each, reference in zip(distributions, references, strict=True)
    ]


def _asked(each: Distribution) -> Iterable[str]:
    for text in each.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # metadata of old packages; the component itself is there all the same
        if requirement.marker is None or "extra" not in str(requirement.marker):
            yield normal(requirement.name)
