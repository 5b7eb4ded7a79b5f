"""What counts as written under a heading, and which part of a page is meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roadworthy.verify.technical import text

LATER = "TO" + "DO"
GOOD = "It sorts what customers say into praise and complaint, for the shop's own staff."

LATER = "TO" + "DO"  # in one piece it would be a mark of this repository


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (GOOD, ""),
        ("Not a component of a product; it is installed as a package.", ""),
        ("고객의 의견을 칭찬과 불만으로 분류하여 직원에게 보여 준다.", ""),
        (f"See [add a key](how-to/add.md).\n\n{GOOD}", ""),
        (f"{GOOD}\n\n```sh\nexport KEY=<insert your key>  # {LATER}\n```", ""),
        ("", "nothing is written"),
        ("   \n\t", "nothing is written"),
        ("# Risk management\n\n## Process\n", "nothing is written"),
        (f"<!-- {GOOD} -->", "nothing is written"),
        ("![a picture of everything that matters](a.png)", "nothing is written"),
        ("1 2 3 4 5 6 7 8", "nothing is written"),
        ("TBD", "placeholder (TBD)"),
        (f"{GOOD} Owners: tbd.", "placeholder (tbd)"),
        (f"{GOOD}\n\n{LATER}: say more", f"placeholder ({LATER})"),
        ("Lorem ipsum dolor sit amet, consectetur adipiscing elit.", "placeholder"),
        ("The measures of oversight are to be determined.", "placeholder (to be determined.)"),
        ("[Describe the intended purpose of the system here]", "placeholder"),
        ("This part of the page is coming soon to you.", "placeholder"),
        ("위험 관리 절차와 담당자는 추후 작성", "placeholder"),
        ("작성 예정", "placeholder"),
        ("N/A", "nothing is written"),
        ("see above", "2 words"),
        ("risk risk risk risk risk risk", "again and again"),
    ],
)
def test_what_is_written(written: str, fault: str) -> None:
    found = text.fault(written)
    assert fault in found if fault else not found, found


@pytest.mark.parametrize(
    ("author", "good"),
    [
        ("owner of the shop", True),
        ("risk team", True),
        ("", False),
        (" ", False),
        ("TBD", False),
        ("n/a", False),
        ("x", False),
    ],
)
def test_who_wrote_it(author: str, good: bool) -> None:
    assert (text.fault_of_author(author) == "") is good


PAGE = (
    "# File\n\nhead\n\n## Who decides?\n\nDana.\n\n### Deeper\n\nmore\n\n```\n## Not one\n```\n\n## `Next` one ##\n\n"
    "last\n"
)


@pytest.mark.parametrize(
    ("anchor", "part"),
    [
        ("who-decides", "Dana.\n\n### Deeper\n\nmore\n\n```\n## Not one\n```"),
        ("deeper", "more\n\n```\n## Not one\n```"),
        ("next-one", "last"),
        ("Next-One", "last"),
        ("not-one", None),
        ("gone", None),
        ("", None),
    ],
)
def test_a_section_of_a_page(anchor: str, part: str | None) -> None:
    assert text.section(PAGE, anchor) == part


@settings(max_examples=40)
@given(st.text(max_size=300), st.text(max_size=20))
def test_any_text_is_judged(page: str, anchor: str) -> None:
    text.fault(page)
    text.fault_of_author(anchor)
    part = text.section(page, anchor)
    assert part is None or part == part.strip()


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 100_000,
        "<!--" * 50_000,
        "```\n" * 50_000,
        "# a\n" * 50_000,
        "](" * 50_000,
        "to be done " * 20_000,
        "[describe " * 20_000,
        "> " * 100_000,
        "\n" * 200_000,
        "[a](" * 50_000,
        " " * 200_000,
        "# a" + " " * 200_000 + "b",
        "1" * 200_000,
    ],
)
def test_hostile_texts_are_judged_in_time(hostile: str) -> None:
    assert isinstance(text.fault(hostile), str)
    assert text.section(hostile, "b") is None
