"""The repository speaks of the product alone: no machine's paths, no registry hosts, no secrets, no tool names."""

from __future__ import annotations

import re
from pathlib import Path

# Each pattern is written so that it does not match its own line.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.$}])/(wor[k]|hom[e]/\w+|roo[t]|tmp/[w])/",
    "a registry host": r"pypi\.or[g]|pythonhosted\.or[g]|npmjs\.(or[g]|co[m])|debian\.or[g]|crates\.i[o]",
    "a writing tool": r"(?i)\bcop[i]lot\b|\bclaude[ -]cod[e]\b|\bco[d]ex\b|\bchatgp[t]\b"
    r"|\bco-authored-b[y]\b|\bai[ -](generate[d]|assistan[t])\b|\bas an a[i]\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KE[Y]-----",
    "a key of a paid service": r"\bsk-(proj|ant|live)-[A-Za-z0-9]{20,}",
    "an emoji": "[\U0001f300-\U0001faff\u2705\u274c]",
}
# A test of the masker needs something to mask.
ALLOWED_IN_TESTS = {"a private key", "a key of a paid service", "an emoji"}
BINARY = {".png", ".gguf", ".gif", ".ico", ".woff2"}


def test_no_forbidden_words(repository_files: list[Path], root: Path) -> None:
    found: list[str] = []
    for path in repository_files:
        if path.suffix in BINARY:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        in_tests = path.is_relative_to(root / "tests")
        for what, pattern in FORBIDDEN.items():
            if in_tests and what in ALLOWED_IN_TESTS:
                continue
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path.relative_to(root)}:{line}: {what}")
    assert not found, "\n".join(found)


def test_no_large_or_unknown_files(repository_files: list[Path], root: Path) -> None:
    large = [str(path.relative_to(root)) for path in repository_files if path.stat().st_size > 512 * 1024]
    assert not large, large
