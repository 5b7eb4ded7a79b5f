"""`roadworthy guard`: personal data and secrets in texts, found and masked."""

from __future__ import annotations

import click

from roadworthy.cli.secret import secret


@click.group()
def guard() -> None:
    """Find and mask personal data and secrets."""


guard.add_command(secret)
