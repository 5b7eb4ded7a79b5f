"""Indian permanent account numbers of taxpayers, behind their name."""

from __future__ import annotations

from roadworthy.guard.text.checks.bounds import ID_END, named
from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import Rule

RULE = Rule(
    name="pan",
    kind=Kind.NATIONAL_ID,
    before=named(
        r"pan(?:[ _-]?(?:card|no|number|id))?|permanent account number|income tax[a-z ]{0,16}|tax[ _-]?id",
        "पैन|आयकर|स्थायी खाता",
        gap=24,
    ),
    core="(?i:[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z])",
    after=ID_END,
    source="Income Tax Department of India: five letters, the fourth the kind of holder, four digits, a check letter",
)
