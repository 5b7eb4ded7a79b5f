"""Keys and tokens that vendors give a prefix of their own."""

from __future__ import annotations

from roadworthy.guard.text.kind import Kind
from roadworthy.guard.text.rule import WORD_START, Rule

_FORMS = (
    r"(?:sk|rk|pk)[-_][A-Za-z0-9_\-]{8,}",
    r"pplx-[A-Za-z0-9_\-]{8,}",
    r"rw_[A-Za-z0-9_\-]{20,}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}",
    r"gh[pousr]_[A-Za-z0-9]{16,}",
    r"github_pat_[A-Za-z0-9_]{16,}",
    r"glpat-[A-Za-z0-9_\-]{16,}",
    r"xox[a-z]-[A-Za-z0-9\-]{8,}",
    r"AIza[0-9A-Za-z_\-]{30,}",
    r"(?:hf|gsk|npm|xai)[-_][A-Za-z0-9]{20,}",
    r"eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*)?",
)

RULE = Rule(
    name="vendor_key",
    kind=Kind.API_KEY,
    before=WORD_START,
    core="|".join(_FORMS),
    source="the vendors' own pages, RFC 7519 for the last form",
    score=0.95,
)
