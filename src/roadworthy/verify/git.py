"""How git is started on a subject: nothing that the repository's own configuration names is run or fetched.

A repository can name programs that reading it would start: fsmonitor, hooks, filters, a pager, and, where an object is
missing, a helper of its promisor remote (`ext::` runs any command). No protocol is allowed, so nothing is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_FIXED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_CEILING_DIRECTORIES": "/",
    "LC_ALL": "C",
}
_OVERRIDES = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.untrackedCache": "false",
    "core.pager": "cat",
    "core.fileMode": "true",
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.askPass": "",
    "core.alternateRefsCommand": "false",
    "protocol.allow": "never",
    "protocol.ext.allow": "never",
    "status.showUntrackedFiles": "all",
}


def environ(overrides: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment in which git's configuration is harmless.

    Overrides go by environment: names of keys may hold an equals sign, which `-c` takes for its own.

    Args:
        overrides: Further keys of the configuration.
    """
    keys = {**_OVERRIDES, **(overrides or {})}
    made = {**_FIXED, "GIT_CONFIG_COUNT": str(len(keys))}
    for number, (key, value) in enumerate(keys.items()):
        made |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return made


def place(root: Path) -> list[str]:
    """The words that hold git to the subject's own repository and work tree, whatever its configuration says."""
    return [f"--git-dir={root / '.git'}", f"--work-tree={root}"]
