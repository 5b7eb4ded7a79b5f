"""Tokens of code forges, package registries and build services."""

from __future__ import annotations

from roadworthy.guard.text.checks.key import family

RULE = family(
    "forge_key",
    (
        r"gh[pousr]_[A-Za-z0-9]{16,}",
        r"github_pat_[A-Za-z0-9_]{16,}",
        r"gl(?:pat|ptt|dt|cbt|ft|imt|agent|oas|rt|rtr|soat|ffct|wt|pt)-[A-Za-z0-9_\-]{16,}(?:\.[0-9a-z]{2,}){0,2}",
        r"GR1348941[A-Za-z0-9_\-]{16,}",  # GitLab runner registration
        r"AT(?:ATT|CTT|BB|STT)[A-Za-z0-9_\-]{20,}(?:=[A-Z0-9]{4,})?",  # Atlassian, Bitbucket
        r"npm_[A-Za-z0-9]{20,}",
        r"pypi-[A-Za-z0-9_\-]{16,}",
        r"rubygems_[a-f0-9]{20,}",
        r"dckr_(?:pat|oat)_[A-Za-z0-9_\-]{16,}",
        r"cio[A-Za-z0-9]{32}",  # the registry of Rust
        r"oy2[a-z0-9]{43}",  # NuGet
        r"CLOJARS_[a-z0-9]{40,}",
        r"AKCp[A-Za-z0-9]{60,}",  # JFrog
        r"cmVmd[A-Za-z0-9]{50,}",
        r"CCIP(?:AT|RJ)_[A-Za-z0-9_]{20,}",  # CircleCI
        r"bk(?:ua|ct|pt)_[a-z0-9]{32,}",  # Buildkite
        r"sq[upa]_[A-Za-z0-9]{32,}",  # SonarQube
        r"sgp_(?:[A-Fa-f0-9]{16}_|local_)?[A-Fa-f0-9]{32,}",  # Sourcegraph
        r"rdme_[a-z0-9]{40,}",
        r"API-[A-Z0-9]{26}",  # Octopus
        r"(?:pat|sat)\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}",  # Harness
        r"infp_[A-Za-z0-9]{20,}",
    ),
    "the vendors' own pages (GitHub and GitLab: lists of token prefixes); gitleaks' rules (MIT)",
)
