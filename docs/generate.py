"""Writes the pages of docs/reference that are read from the code: errors, configuration, commands, metrics.

`make docs` runs it; tests/contracts/test_reference.py fails when a page differs from what the code says now.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Written by docs/generate.py from {source}; change it there and run `make docs`. -->"
EXIT_MEANINGS = {
    "GOOD": "Done, and the result is good.",
    "JUDGED_BAD": "Done, and the result is bad: a gate failed, a journal is broken.",
    "MISUSE": "The command or the request was wrong.",
    "CONFIGURATION": "The configuration, a secret or the installation is at fault.",
    "COULD_NOT_FIND_OUT": "It could not be found out: unreachable, overloaded, every provider failed.",
    "STOPPED": "Stopped by a guard, or it waits for an approval.",
    "OUR_BUG": "Something failed that should not have: a bug of ours.",
    "INTERRUPTED": "Interrupted from the keyboard.",
}


def errors_page() -> str:
    """Every error code and exit code."""
    from roadworthy.core.errors import CODES, Exit

    lines = [
        NOTE.format(source="roadworthy.core.errors"),
        "",
        "# Errors",
        "",
        "Every error has a code. Codes are public: clients, alerts and scripts match on them, and a code never",
        "changes its meaning ([ADR 0002](../adr/0002-error-codes.md)). An HTTP answer carries it in `error.code` with",
        "`why`, `mend` and `request_id`; a command prints `error[CODE]`, `why` and `mend`, or the same as JSON under",
        "`--json`. `roadworthy explain CODE` prints the row.",
        "",
        "| code | HTTP | exit | retry | what it means | how to mend it |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{code}` | {row.http_status} | {int(row.exit_code)} | {'yes' if row.retryable else 'no'} "
        f"| {_cell(row.meaning)} | {_cell(row.mend)} |"
        for code, row in CODES.items()
    ]
    lines += [
        "",
        "*retry*: whether the same request may succeed later without a change. It is not advice to retry at once:",
        "a spent chain answers with `x-should-retry: false`, because the gateway already did the retrying.",
        "",
        "## Exit codes",
        "",
        "One table for every command.",
        "",
        "| exit | name | meaning |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {int(exit_code)} | `{exit_code.name}` | {EXIT_MEANINGS[exit_code.name]} |" for exit_code in Exit]
    lines += ["", "1 and 4 differ on purpose: a pipeline must not confuse *judged bad* with *not measured*."]
    return _page(lines)


def configuration_page() -> str:
    """Every configuration key with type, default, bounds and meaning."""
    from roadworthy.runtime.config.tree import Config

    schema = Config.model_json_schema()
    lines = [
        NOTE.format(source="roadworthy.runtime.config.tree"),
        "",
        "# Configuration",
        "",
        "One file, `roadworthy.yaml`. Without it the embedded model serves the route `chat`. Later layers win:",
        "default, file, profile (the file's `profiles:` section chosen by `APP_ENV`), environment variables",
        "`ROADWORTHY_*` (`gateway.port` is `ROADWORTHY_GATEWAY__PORT`), flags. `roadworthy config where KEY` says",
        "which layer set a key, `roadworthy config check` reads the file without starting anything, and",
        "`roadworthy config schema` prints the JSON schema for editors.",
        "",
        "A secret is never a value in this file: it is a reference, `env:NAME` or `file:PATH`",
        "([ADR 0007](../adr/0007-secrets.md)). An unknown key is an error with a guess at what was meant.",
        "",
        "`profiles` holds one section per profile (`development`, `staging`, `production`), each shaped like the file",
        "itself and laid over it. `profile` itself is chosen by `APP_ENV`, not in the file.",
        "",
    ]
    for title, node, prefix in _sections(schema):
        described = node.get("description", "").replace("\n", " ")
        lines += [f"## {title if title == 'The file' else f'`{title}`'}", "", described, ""]
        lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        required = set(node.get("required", ()))
        lines += [
            f"| `{prefix}{name}` | {_type(field)} | {_default(field, name in required)} | {_meaning(field, schema)} |"
            for name, field in node["properties"].items()
        ]
        lines.append("")
    return _page(lines)


def cli_page() -> str:
    """The help of every command."""
    import click

    from roadworthy.cli.main import cli

    cli.added = dict  # what is installed beside us is no part of this page
    lines = [
        NOTE.format(source="the commands' own --help"),
        "",
        "# Commands",
        "",
        "Data goes to standard output, narration to standard error. `--json` makes standard output one JSON object:",
        '`{"as_of": ..., "data": ...}`, or `{"error": {"code", "what", "why", "mend"}}`. Exit codes are in',
        "[errors](errors.md#exit-codes).",
        "",
    ]
    root = _context(click, cli, "roadworthy", None)
    for context in _contexts(click, root):
        text = click.unstyle(context.command.get_help(context)).rstrip()
        lines += [f"## {context.command_path}", "", "```text", text, "```", ""]
    return _page(lines)


def metrics_page() -> str:
    """Every metric with its type, labels and meaning."""
    from roadworthy.runtime.metrics_definitions import DEFINITIONS

    lines = [
        NOTE.format(source="roadworthy.runtime.metrics_definitions"),
        "",
        "# Metrics",
        "",
        "`GET /metrics` on the public port answers in Prometheus text format. One scrape shows every worker, whichever",
        "of them it reaches; each series carries the label `worker` besides those below. Names and label sets are",
        "public; every label takes its values from a closed set or from the configuration, so the number of series is",
        "bounded.",
        "",
        "| metric | type | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{row.name}` | {row.type} | {', '.join(row.labels) or 'none'} | {_cell(row.help)} |" for row in DEFINITIONS
    ]
    lines += ["", "## Buckets", "", "Upper bounds of the histograms.", "", "| metric | bounds |", "| --- | --- |"]
    lines += [
        f"| `{row.name}` | {', '.join(f'{bound:g}' for bound in row.buckets)} |" for row in DEFINITIONS if row.buckets
    ]
    return _page(lines)


def checks_page() -> str:
    """Every check of the catalogue, what implements it, and what a policy may set."""
    from roadworthy.verify.registry import checks
    from roadworthy.verify.selfcheck import OWN

    found = checks()
    lines = [
        NOTE.format(source="roadworthy.verify: catalogue.yaml and the probe.yaml files"),
        "",
        "# Checks",
        "",
        f"The {len(found)} checks of `roadworthy verify`. A check without a probe is *not measured* and counts 0: it",
        "is never left out. *needs*: A nothing, S a running service, P data that may be missing, H a person. *weight*:",
        "C 10, H 7.5, M 5, L 2.5. *holds*: how long a result is in force. A blocker short of a pass or a waiver means",
        "no GO.",
        "",
    ]
    implemented = [each for each in found.values() if each.module or each.definition.id in OWN]
    lines += [f"{len(implemented)} of them are implemented. `roadworthy verify probes` prints the same list.", ""]
    for prefix in dict.fromkeys(id.split("-")[0] for id in found):
        lines += [f"## {prefix}", "", "| id | asks | passes when | weight | needs | holds | probe |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        for id, check in found.items():
            if id.startswith(f"{prefix}-"):
                lines.append(_check_row(check.definition, bool(check.module or id in OWN)))
        lines.append("")
        for id, check in found.items():
            if id.startswith(f"{prefix}-") and check.module:
                lines += _check_settings(check.definition)
    return _page(lines)


def _check_row(definition: Any, implemented: bool) -> str:
    marks = (
        f"{definition.weight}{' blocker' if definition.blocker else ''}{'' if definition.waivable else ', no waiver'}"
    )
    return (
        f"| {definition.id} | {_cell(definition.title)} | {_cell(definition.rule)} | {marks} | {definition.automation} "
        f"| {definition.expiry} | {'yes' if implemented else f'none yet: {_cell(definition.lacks)}'} |"
    )


def _check_settings(definition: Any) -> list[str]:
    lines = [f"**{definition.id}** {_cell(definition.remediation)}", ""]
    if definition.settings:
        lines += ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{name}` | {each.type} | `{json.dumps(each.default)}` | {_cell(each.meaning)} |"
            for name, each in definition.settings.items()
        ]
        lines.append("")
    return lines


def report_schema() -> str:
    """The JSON Schema of report.json, shipped beside the code."""
    from roadworthy.verify.report.record import schema

    return json.dumps(schema(), indent=1) + "\n"


SCHEMA = Path(__file__).resolve().parents[1] / "src" / "roadworthy" / "verify" / "report" / "schema.json"
PAGES: dict[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "configuration.md": configuration_page,
    "cli.md": cli_page,
    "metrics.md": metrics_page,
    "checks.md": checks_page,
}


def _sections(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Title, schema node and key prefix of every object of the tree, parents first."""
    yield "The file", schema, ""
    queue = [(schema, "")]
    while queue:
        node, prefix = queue.pop(0)
        for name, field in node["properties"].items():
            target, many = _object(field)
            if target is None:
                continue
            child = schema["$defs"][target]
            path = f"{prefix}{name}.<name>." if many else f"{prefix}{name}."
            yield path.rstrip("."), child, path
            queue.append((child, path))


def _object(field: dict[str, Any]) -> tuple[str | None, bool]:
    """Name of the object a field holds, and whether it holds many of them by name."""
    field = next((part for part in field.get("anyOf", ()) if "$ref" in part), field)
    many = field.get("additionalProperties")
    found = many if isinstance(many, dict) else field
    found = next((part for part in found.get("anyOf", ()) if "$ref" in part), found)
    reference = found.get("$ref")
    return (reference.rsplit("/", 1)[1] if reference else None), isinstance(many, dict)


def _type(field: dict[str, Any]) -> str:
    """The type and bounds of a field in words."""
    if "anyOf" in field:
        parts = [part for part in field["anyOf"] if part.get("type") != "null"]
        return " or ".join(_type(part) for part in parts)
    if "$ref" in field:
        return "section"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    kind = field.get("type", "any")
    if kind == "object":
        target, _ = _object(field)
        if field.get("additionalProperties") is True:
            return "mapping"
        if target:
            return "sections by name"
        entry = field.get("additionalProperties")
        return f"{_type(entry)} by name" if isinstance(entry, dict) else "text by name"
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if kind == "string":
        return "reference" if field.get("pattern", "").startswith("^(env:") else "text"
    words = {"integer": "whole number", "number": "number", "boolean": "true or false"}[kind]
    return f"{words}{_bounds(field)}"


def _meaning(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """The field's own description, else that of the section it holds."""
    target, _ = _object(field)
    return _cell(field.get("description") or (schema["$defs"][target].get("description", "") if target else ""))


def _bounds(field: dict[str, Any]) -> str:
    least = [f"{field['minimum']} or more"] if "minimum" in field else []
    least += [f"more than {field['exclusiveMinimum']}"] if "exclusiveMinimum" in field else []
    most = [f"at most {field['maximum']}"] if "maximum" in field else []
    most += [f"less than {field['exclusiveMaximum']}"] if "exclusiveMaximum" in field else []
    said = least + most
    return f", {', '.join(said)}" if said else ""


def _default(field: dict[str, Any], required: bool) -> str:
    if required:
        return "required"
    if "default" not in field:
        return "see below" if _object(field)[0] else "empty"
    value = field["default"]
    if value is None:
        return "none"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _context(click: Any, command: Any, name: str, parent: Any) -> Any:
    """A context as the command makes it when it runs, with a fixed width and without colour."""
    width = {"terminal_width": 100, "max_content_width": 100, "color": False}
    return click.Context(command, info_name=name, parent=parent, **{**command.context_settings, **width})


def _contexts(click: Any, context: Any) -> Iterator[Any]:
    """The context and those of every command below it."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            child = context.command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _contexts(click, _context(click, child, name, context))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _page(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write every page that differs; returns the exit code."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        page = REFERENCE / name
        text = write()
        if not page.exists() or page.read_text() != text:
            page.write_text(text)
            sys.stdout.write(f"wrote docs/reference/{name}\n")
    if SCHEMA.read_text() != report_schema():
        SCHEMA.write_text(report_schema())
        sys.stdout.write(f"wrote {SCHEMA.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
