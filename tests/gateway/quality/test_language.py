"""What scripts and small words can tell, and what they cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.gateway.quality.language import contradicts, language

TOLD = [
    ("프랑스의 수도는 파리입니다.", "ko"),
    ("React의 useEffect 훅은 컴포넌트가 렌더링된 뒤에 실행됩니다.", "ko"),
    ("パリはフランスの首都です。", "ja"),
    ("巴黎是法国的首都，位于塞纳河畔。", "zh"),
    ("The capital of France is Paris, and it lies on the Seine.", "en"),
    ("Die Hauptstadt von Frankreich ist Paris und sie liegt an der Seine.", "other"),
    ("Столица Франции Париж", "other"),
    ("Paris.", None),
    ("42", None),
    ("", None),
    ("Rue de Rivoli", None),
    ("```python\nfor name in the_names_of_all_the_people: print(name)\n```", None),
    ("https://example.com/the/path/of/the/file/in/the/folder", None),
]


@pytest.mark.parametrize(("text", "expected"), TOLD)
def test_language(text: str, expected: str | None) -> None:
    assert language(text) == expected


@pytest.mark.parametrize(
    ("text", "wanted", "found"),
    [
        ("Supercalifragilistic expialidocious words", "ko", "latin"),
        ("Supercalifragilistic expialidocious words", "en", None),
        ("OK", "ko", None),
        ("네, 물론입니다. 바로 시작하겠습니다.", "ko", None),
        ("네, 물론입니다. 바로 시작하겠습니다.", "en", "ko"),
    ],
)
def test_only_what_is_known_contradicts(text: str, wanted: str, found: str | None) -> None:
    assert contradicts(text, wanted) == found


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert language(text) in {None, "ko", "ja", "zh", "en", "other"}
