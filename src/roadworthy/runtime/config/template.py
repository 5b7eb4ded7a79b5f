"""The file that `init` writes: commented, complete enough to start from, and valid."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.config.schema import json_schema
from roadworthy.runtime.config.tree import EMBEDDED_MODEL

SCHEMA_FILE = Path(".roadworthy") / "schema.json"
"""Where the schema lies, seen from the folder of the configuration file."""


class Starter(NamedTuple):
    """A provider that `init` knows how to write down: the variable of its key, and a small model to begin with."""

    variable: str
    model: str


STARTERS = {
    "openai": Starter("OPENAI_API_KEY", "gpt-4.1-mini"),
    "anthropic": Starter("ANTHROPIC_API_KEY", "claude-haiku-4-5"),
    "perplexity": Starter("PERPLEXITY_API_KEY", "sonar"),
    "deepseek": Starter("DEEPSEEK_API_KEY", "deepseek-chat"),
}
"""Providers in the order of the chain; the model names are a start, the providers' own lists say what there is."""


def choose_providers(environ: Mapping[str, str], wanted: Sequence[str]) -> list[str]:
    """The providers of the new file: those wanted first, then those whose key is in the environment."""
    found = [name for name, starter in STARTERS.items() if environ.get(starter.variable)]
    return list(dict.fromkeys([*wanted, *found]))


def missing_variables(environ: Mapping[str, str], providers: Sequence[str]) -> list[str]:
    """Variables that the providers' keys are looked up in and that are not set."""
    return [STARTERS[name].variable for name in providers if not environ.get(STARTERS[name].variable)]


def render_file(providers: Sequence[str]) -> str:
    """Text of a configuration file.

    Args:
        providers: Names out of `STARTERS`, in the order of the chain; the embedded model comes last.
    """
    named = [f"    {name}: {{kind: {name}, api_key: env:{STARTERS[name].variable}}}" for name in providers]
    unused = [
        f"    # {name}: {{kind: {name}, api_key: env:{starter.variable}}}"
        for name, starter in STARTERS.items()
        if name not in providers
    ]
    targets = [f"{name}/{STARTERS[name].model}" for name in providers] + [f"embedded/{EMBEDDED_MODEL}"]
    return _TEMPLATE.format(
        schema=SCHEMA_FILE.as_posix(),
        providers="\n".join([*named, *unused]),
        chain="\n".join(f"        - {target}" for target in targets),
    )


def write_files(path: Path, text: str, *, force: bool) -> Path:
    """Write the configuration file, and its schema beside it; each appears whole or not at all.

    Args:
        path: The configuration file.
        text: Its content.
        force: Replace a file that is there.

    Returns:
        Path of the schema.

    Raises:
        ConfigError: `config_invalid` when the file exists and `force` is off, or the folder cannot be written.
    """
    if path.exists() and not force:
        raise _exists(path)
    schema = path.parent / SCHEMA_FILE
    try:
        schema.parent.mkdir(mode=0o700, exist_ok=True)
        _write(schema, json.dumps(json_schema(), indent=1) + "\n", replace=True)
        _write(path, text, replace=force)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        reason = f"{error.strerror or 'Input/output error'}."
        raise ConfigError(
            f"The file {path} cannot be written.", reason, "Choose a folder that exists and may be written to."
        ) from error
    return schema


def _exists(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} is there already.", "It was left as it is.", "Use --force to replace it, or --config for another file."
    )


def _write(path: Path, text: str, *, replace: bool) -> None:
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o644)
        if replace:
            os.replace(part, path)
        else:
            # A link, unlike a rename, refuses to take the place of a file that came in between.
            os.link(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


_TEMPLATE = """\
# yaml-language-server: $schema={schema}
#
# Configuration of Roadworthy. `roadworthy config check` reads it without starting anything,
# `roadworthy config show` prints it with every default, `roadworthy config where KEY` says who set a key.
version: 1

gateway:
  host: 127.0.0.1    # an address that other machines reach needs require_key: true
  port: 8080
  workers: auto      # one per core

  # Secrets are references (env:NAME, file:PATH, vault:PATH#KEY, aws:NAME), never values.
  providers:
{providers}
    # local: {{kind: compatible, base_url: http://127.0.0.1:8000/v1}}   # vLLM, Ollama, llama.cpp and the like
    embedded: {{kind: embedded}}    # a small model that rides along: no key, no network

  # Names that callers ask for as `model`. The chain is tried from top to bottom.
  routes:
    chat:
      chain:
{chain}
      deadline_s: 30    # for all tries together, up to the first useful token

# Laid over the file when APP_ENV has the name of the profile; without it the profile is development.
profiles:
  production:
    gateway:
      require_key: true
    # Several gateways as one: records in PostgreSQL, the rest shared through Valkey or Redis.
    # journal: {{database: "env:DATABASE_URL"}}
    # state: {{url: "env:STATE_URL"}}
"""
