"""Which checks there are: the catalogue, and the probes that implement them or add to them.

A probe is a folder with `probe.yaml` (what it checks) and `probe.py` (the function `probe`). Built-in ones lie in
`verify/probes`; an app adds its own by an entry point of the group `roadworthy.probes` whose value is the name of the
package that holds both files.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from roadworthy.core.errors import ConfigError
from roadworthy.verify.definition import Definition, definition_of

GROUP = "roadworthy.probes"
_HERE = Path(__file__).parent
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FIXED = ("category", "weight", "blocker", "automation", "expiry", "waivable")


@dataclass(frozen=True, slots=True)
class Check:
    """A check and what implements it.

    Attributes:
        definition: What it is.
        module: Name of the module with the function `probe`; None when there is none yet.
        origin: `catalogue`, `built-in`, or the name of the distribution that brings it.
    """

    definition: Definition
    module: str | None
    origin: str


@cache
def catalogue() -> dict[str, Definition]:
    """The 84 checks by id, in order."""
    rows = yaml.load((_HERE / "catalogue.yaml").read_bytes(), Loader=_LOADER)  # noqa: S506  a safe loader
    made = [definition_of(row, f"row {number} of the catalogue") for number, row in enumerate(rows, 1)]
    return {each.id: each for each in made}


@cache
def built_in() -> dict[str, Check]:
    """The probes that come with the product, by id."""
    found: dict[str, Check] = {}
    for file in sorted((_HERE / "probes").glob("*/probe.yaml")):
        definition = definition_from(file)
        if definition.id in found:
            raise ConfigError(f"Two probes are called {definition.id}.", f"The second is {file.parent.name}.")
        _same_as_catalogue(definition, str(file.relative_to(_HERE)))
        found[definition.id] = Check(definition, f"roadworthy.verify.probes.{file.parent.name}.probe", "built-in")
    return found


def plug_ins() -> dict[str, Check]:
    """The probes of installed apps, by id. Nothing of theirs but parent packages is imported.

    Raises:
        ConfigError: `config_invalid`: one has no probe.yaml, or takes an id of the catalogue or of another.
    """
    found: dict[str, Check] = {}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        spec = importlib.util.find_spec(point.value)
        places = list(spec.submodule_search_locations or ()) if spec is not None else []
        file = Path(places[0]) / "probe.yaml" if places else None
        if file is None or not file.is_file():
            raise ConfigError(f"The probe {point.name} has no probe.yaml.", f"It was looked for in {point.value}.")
        definition = definition_from(file)
        if definition.id in catalogue() or definition.id in found:
            raise ConfigError(
                f"The probe {point.name} takes the id {definition.id}, which is in use.",
                "",
                "Use a prefix of your own, such as APP-01.",
            )
        origin = point.dist.name if point.dist is not None else point.name
        found[definition.id] = Check(definition, f"{point.value}.probe", origin)
    return found


def checks(wanted: tuple[str, ...] = ()) -> dict[str, Check]:
    """Every check of the catalogue, and those of apps that the policy asks for, in order.

    What runs is the policy's choice alone: a plug-in that is installed and not named does not run.

    Args:
        wanted: Ids of plug-ins.

    Raises:
        ConfigError: `config_invalid`: a wanted plug-in is not installed; see `plug_ins`.
    """
    own = built_in()
    found = {id: own.get(id) or Check(row, None, "catalogue") for id, row in catalogue().items()}
    if wanted:
        others = plug_ins()
        for id in wanted:
            if id not in others:
                known = ", ".join(others) or "none is installed"
                raise ConfigError(f"The policy names the probe {id}, which is not installed.", f"Plug-ins: {known}.")
            found[id] = others[id]
    return dict(sorted(found.items(), key=lambda pair: pair[1].definition.order))


def definition_from(file: Path) -> Definition:
    """Read a probe.yaml.

    Raises:
        ConfigError: `config_invalid`.
    """
    try:
        values = yaml.load(file.read_bytes(), Loader=_LOADER)  # noqa: S506  a safe loader
    except (OSError, yaml.YAMLError) as problem:
        raise ConfigError(f"{file.parent.name}/probe.yaml cannot be read.", type(problem).__name__) from None
    definition = definition_of(values, f"{file.parent.name}/probe.yaml")
    if not definition.remediation:
        raise ConfigError(f"{file.parent.name}/probe.yaml does not say how to mend a failure (remediation).")
    return definition


def _same_as_catalogue(definition: Definition, where: str) -> None:
    row = catalogue().get(definition.id)
    if row is None:
        raise ConfigError(f"{where}: {definition.id} is not in the catalogue.")
    other = [name for name in _FIXED if getattr(row, name) != getattr(definition, name)]
    if other:
        raise ConfigError(f"{where} differs from the catalogue.", f"In {', '.join(other)}.")
