"""Applications that are installed for a test alone: modules and a fake distribution in a folder on the path."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

_MODULES = Path(__file__).with_name("application_site")


def install(
    folder: Path,
    name: str,
    *,
    applications: Mapping[str, str],
    commands: Mapping[str, str] | None = None,
    pages: Mapping[str, str] | None = None,
    modules: Mapping[str, str] | None = None,
    summary: str = "A test application.",
) -> None:
    """Put a distribution into a folder.

    Args:
        folder: To go on PYTHONPATH.
        name: Of the distribution.
        applications: Entry points of the group `roadworthy.applications`.
        commands: The same of `roadworthy.commands`.
        pages: The same of `roadworthy.pages`.
        modules: Texts of modules by name, besides those in `application_site`.
        summary: Of the metadata.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for module in _MODULES.glob("*.py"):
        shutil.copy(module, folder)
    for module_name, text in (modules or {}).items():
        (folder / f"{module_name}.py").write_text(text)
    info = folder / f"{name.replace('-', '_')}-1.2.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.3\nSummary: {summary}\n")
    groups = {"roadworthy.applications": applications, "roadworthy.commands": commands or {},
              "roadworthy.pages": pages or {}}  # fmt: skip
    lines = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


def on_path(folder: Path) -> dict[str, str]:
    """Environment of processes that see the folder."""
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}
