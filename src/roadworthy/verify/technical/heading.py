"""The headings of a technical file, after Annex IV of Regulation (EU) 2024/1689 (AI Act), to which Article 11 refers.

Official Journal L, 2024/1689, 12.7.2024, in our words. Which checks say something about a heading is our choice.
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE = "Annex IV of Regulation (EU) 2024/1689"


class Heading(NamedTuple):
    """One of them.

    Attributes:
        number: In the Annex.
        key: In the policy, under `technical_file`.
        title: What is to stand there.
        by_hand: Whether only persons can write it; else evidence of the checks fills it, and text may be added.
        checks: Ids of the checks that say something about it.
    """

    number: str
    key: str
    title: str
    by_hand: bool = True
    checks: tuple[str, ...] = ()


PARTS = {
    "1": "General description",
    "2": "Elements of the system and process of its development",
    "3": "Monitoring, functioning and control",
    "4": "Performance metrics",
    "5": "Risk management",
    "6": "Changes",
    "7": "Standards",
    "8": "Declaration of conformity",
    "9": "After it was placed on the market",
}
"""Title of each point of the Annex."""
HEADINGS = (
    Heading("1(a)", "purpose", "Intended purpose, provider, version and its relation to previous versions"),
    Heading("1(b)", "interaction", "Interaction with hardware, software and other AI systems outside of it"),
    Heading("1(c)", "software", "Versions of software and firmware, and requirements of updates", False,
            ("SUP-01", "SUP-03", "SUP-09")),
    Heading("1(d)", "forms", "Forms in which it is placed on the market or put into service"),
    Heading("1(e)", "hardware", "Hardware on which it is intended to run"),
    Heading("1(f)", "product", "Products of which it is a component: outside, marking and layout"),
    Heading("1(g)", "interface", "User interface that the deployer is given"),
    Heading("1(h)", "instructions", "Instructions for use for the deployer"),
    Heading("2(a)", "development", "Methods and steps of development, and how systems and tools of others were used",
            checks=("ART-09", "SUP-05", "SUP-06")),
    Heading("2(b)", "design", "Design: logic, choices and assumptions, whom it is for, what it optimises, trade-offs"),
    Heading("2(c)", "architecture", "Architecture, and the computing resources used for it"),
    Heading("2(d)", "data", "Data: provenance, scope, selection, labelling, cleaning",
            checks=("TRN-02", "TRN-03", "QUA-07")),
    Heading("2(e)", "oversight", "Human oversight that is needed, and what helps deployers to interpret the output"),
    Heading("2(f)", "planned_changes", "Changes to the system and its performance that are determined beforehand"),
    Heading("2(g)", "validation", "Validation and testing: procedures, data, metrics, logs and reports", False,
            ("QUA-01", "QUA-02", "QUA-03", "QUA-04", "PII-01", "LLM-01", "LLM-03", "LLM-09", "REL-01", "PER-01")),
    Heading("2(h)", "cybersecurity", "Cybersecurity measures", False,
            ("ART-01", "ART-02", "ART-04", "ART-06", "SUP-02", "SEC-01", "SEC-02", "SEC-03", "SEC-04", "SEC-05",
             "SEC-06")),
    Heading("3", "limits", "Capabilities and limits, accuracy, foreseeable unintended outcomes, input data, oversight",
            checks=("OBS-01", "OBS-02", "REL-02", "REL-03", "REL-04", "PII-02")),
    Heading("4", "metrics", "Why the performance metrics are appropriate for this system", checks=("QUA-03", "QUA-04")),
    Heading("5", "risk", "Risk management system (Article 9)",
            checks=("LLM-04", "LLM-05", "LLM-06", "LLM-07", "GOV-03")),
    Heading("6", "changes", "Relevant changes through the lifecycle", checks=("QUA-06", "PER-06")),
    Heading("7", "standards", "Harmonised standards applied, or the solutions adopted in their place"),
    Heading("8", "declaration", "EU declaration of conformity (Article 47)"),
    Heading("9", "post_market", "Post-market monitoring: the system and its plan (Article 72)",
            checks=("OBS-05", "OBS-07", "PII-04")),
)  # fmt: skip
"""In the order of the Annex."""
KEYS = tuple(each.key for each in HEADINGS)
