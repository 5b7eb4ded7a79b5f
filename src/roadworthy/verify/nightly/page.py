"""A night for people: Markdown, for the artefact and for the issue."""

from __future__ import annotations

from collections.abc import Sequence

from roadworthy.verify.nightly.forge import Issue
from roadworthy.verify.nightly.run import Night, State

EXITS = {State.GOOD: 0, State.BAD: 1, State.UNKNOWN: 4}
"""Exit code of `roadworthy verify nightly` by how the night ended."""
MOST_ROWS = 40


def page(night: Night, place: str = "") -> str:
    """What happened, in words, then every score, then the answers that do not count.

    Args:
        night: What was found.
        place: Name of the artefact.
    """
    lines = [f"# Nightly regression of {night.name}: {night.state}", ""]
    lines += [f"- {each}" for each in night.reasons]
    counted = sum(not each.refused and not each.error for each in night.answers)
    lines += [
        "",
        f"Route `{night.model}`, {night.started} to {night.ended}, {len(night.answers)} answers, {counted} count. "
        f"Compared with {night.last_good or 'nothing'}. Exit code {EXITS[night.state]}.",
    ]
    if night.compared:
        lines += ["", "| score | then | tonight | p | corrected | cases | test | worse |",
                  "| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |"]  # fmt: skip
        lines += [
            f"| {each.score} | {each.before:.3f} | {each.now:.3f} | {each.p:.4f} | {each.corrected:.4f} | {each.cases} "
            f"| permutation, {'exact' if each.exact else 'drawn'} | {'yes' if each.worse else 'no'} |"
            for each in night.compared
        ]
    trouble = [each for each in night.answers if each.refused or each.error]
    if trouble:
        lines += ["", "| case | what is wrong |", "| --- | --- |"]
        lines += [f"| {each.case} | {each.error or each.refused} |" for each in trouble[:MOST_ROWS]]
        if len(trouble) > MOST_ROWS:
            lines.append(f"| and | {len(trouble) - MOST_ROWS} more |")
    if place:
        lines += ["", f"Artefact: `{place}`."]
    return "\n".join(lines) + "\n"


def issue(night: Night, place: str, labels: Sequence[str], command: str) -> Issue:
    """What the forge is told of a night that is not good.

    Args:
        night: What was found.
        place: Name of the artefact.
        labels: Of the issue.
        command: How to run it again.
    """
    steps = (
        "\n## Steps\n\n"
        f"1. Run it again: `{command}` (exit 0 good, 1 worse, 4 could not find out).\n"
        f"2. Read `{place}/night.json`: every answer has its case, its scores and who served it.\n"
        "3. If a provider changed, pin the model or change the chain. If the cases changed on purpose, run once with "
        "`--take-as-good`.\n"
        "4. Do not deploy until a night is good again: `roadworthy verify run` reads the nights (OBS-05).\n"
    )
    return Issue(f"Nightly regression failed: {night.name}", page(night, place) + steps, labels)
