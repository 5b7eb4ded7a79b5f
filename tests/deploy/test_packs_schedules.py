"""Packs on the schedules of the platform: the files that ship name commands, options and addresses that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from roadworthy.cli.main import cli
from roadworthy.verify.nightly.case import load

ROOT = Path(__file__).resolve().parents[2]
NIGHTLY = ROOT / "deploy" / "nightly"
UNITS = sorted(NIGHTLY.glob("roadworthy-packs-*.service"))


def commands(path: Path) -> list[list[str]]:
    """Every `roadworthy ...` that a file runs, as words."""
    text = re.sub(r"\n +(?=\S)", " ", path.read_text()) if path.suffix == ".yml" else path.read_text()
    found = re.findall(r"(?:^|[ /])roadworthy ((?:pack|verify|gateway) [^'\n]*)", text, re.MULTILINE)
    return [shlex.split(one) for one in found]


@pytest.mark.parametrize("path", [*UNITS, NIGHTLY / "packs.yml"], ids=lambda path: path.name)
def test_commands_and_options_exist(path: Path) -> None:
    pytest.importorskip("roadworthy_packs")
    from roadworthy_packs.command import pack

    told = commands(path) or [[]]
    for words in told:
        if not words:
            continue
        noun = pack if words[0] == "pack" else cli.get_command(click.Context(cli), words[0])
        assert isinstance(noun, click.Group)
        verb = noun.get_command(click.Context(noun), words[1])
        assert verb is not None, words
        known = {name for parameter in verb.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_every_service_has_its_timer_and_everything_wanted_is_there() -> None:
    assert [path.stem for path in UNITS] == [
        "roadworthy-packs-daily",
        "roadworthy-packs-nightly",
        "roadworthy-packs-smoke",
    ]
    assert all(path.with_suffix(".timer").exists() for path in UNITS)
    assert "OnCalendar=*-*-* 19:30:00 UTC" in (NIGHTLY / "roadworthy-packs-nightly.timer").read_text()
    daily = (NIGHTLY / "roadworthy-packs-daily.service").read_text()
    assert "/health/llm" in daily
    # Every user of the machine can read the words of a running command; systemd puts ${NAME} among them, the shell's
    # own `echo` starts no command.
    assert "${GATEWAY_KEY}" not in daily
    assert "pack live-check" in daily
    assert all("EnvironmentFile=/etc/roadworthy/nightly.environment\n" in path.read_text() for path in UNITS)


def test_the_workflow_runs_each_step_on_a_schedule_that_it_has() -> None:
    workflow = yaml.safe_load((NIGHTLY / "packs.yml").read_text())
    crons = {one["cron"] for one in workflow[True]["schedule"]}
    (job,) = workflow["jobs"].values()
    named = {cron for step in job["steps"] for cron in re.findall(r"'([^']* \* [^']*)'", str(step.get("if", "")))}
    assert named < crons
    assert {"health", "live check", "nightly", "smoke"} <= {step.get("name") for step in job["steps"]}


def test_the_nightly_cases_are_briefs_of_a_pack() -> None:
    pytest.importorskip("roadworthy_packs")
    from roadworthy.runtime.request_body import read_value
    from roadworthy_packs import shelf
    from roadworthy_packs.brief import Request, wanted_of

    told = yaml.safe_load((ROOT / "apps/packs/nightly.yaml").read_text())
    load(ROOT / "apps/packs/nightly.yaml")
    pack = shelf.load()[told["model"]]
    for case in told["cases"]:
        brief = dict(line.split(": ", 1) for line in case["ask"].splitlines())
        wanted_of(pack, read_value({"pack_key": pack.key, "client_brief": brief}, Request))
