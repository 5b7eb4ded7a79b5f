"""Seeded answers for the quality gate: bad ones, and good ones of which many are close to bad."""

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """One answer of a provider.

    Attributes:
        family: What it stands for.
        text: Of the answer.
        json: Whether the caller asks for a JSON object.
    """

    family: str
    text: str
    json: bool = False


BAD = (
    *(Sample("empty", text) for text in ("", " ", "\n\n", "\t \n ", "\u00a0", "   \r\n")),
    *(
        Sample("placeholder", text)
        for text in (
            "This is a placeholder response.",
            "[STUB]",
            "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
            "Mock response",
            "This is a mock answer for testing.",
            "TBD",
            "Placeholder.",
            "Here is a dummy response",
            "A simulated response",
            "Insert text here",
            "stub response",
            "This is a canned answer.",
        )
    ),
    *(
        Sample("error page", text)
        for text in (
            "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
            "<html><head><title>503 Service Unavailable</title></head><body>No server is available.</body></html>",
            "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Please wait</body></html>",
            "<html><head><title>504 Gateway Time-out</title></head><body>nginx</body></html>",
        )
    ),
    *(
        Sample("refusal", text)
        for text in (
            "I'm sorry, but I can't help with that.",
            "I cannot assist with that request.",
            "I'm unable to help with this request.",
            "Sorry, I can't assist with that.",
            "죄송합니다. 그 요청은 도와드릴 수 없습니다.",
            "I am sorry, but I cannot fulfill this request.",
        )
    ),
    *(
        Sample("broken JSON", text, True)
        for text in (
            '{"answer": "Paris"',
            '{"answer": }',
            "The answer is Paris.",
            '{"answer": "Par',
            "{answer: Paris}",
            "[1, 2,",
            "{'a': 1}",
            '{"a": 1,}',
            "undefined",
            '{"a": NaN',
        )
    ),
)
GOOD = (
    *(
        Sample("plain", text)
        for text in (
            "Paris.",
            "Yes.",
            "42",
            "The joints let the bridge grow in summer and shrink in winter.",
            "No, that is not so.",
            "다리는 여름에 늘어나고 겨울에 줄어듭니다.",
            "橋は夏に伸びます。",
            "Les ponts se dilatent en été.",
            "¿Por qué? Por el calor.",
            "def add(a, b):\n    return a + b",
            "1. Red\n2. Green\n3. Blue",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "π ≈ 3.14159",
        )
    ),
    *(
        Sample("about placeholders", text)
        for text in (
            "Printers use lorem ipsum as filler because it hides the meaning of a page.",
            "A stub in testing stands for a part that is not there; it returns fixed values.",
            "Set the placeholder attribute of the input element to a short hint.",
            "Your text has three mistakes: a missing comma, a wrong tense and a doubled word.",
            "Mocks check calls, stubs return values; that is the difference.",
            "To do this, open the settings first, then choose the language.",
            "Simulated annealing cools a system slowly to find a good minimum.",
        )
    ),
    *(
        Sample("about errors and refusals", text)
        for text in (
            "A 502 Bad Gateway means that the proxy got no valid answer from the server behind it.",
            "I'm sorry to hear that. Try restarting the router first, then look at the cable.",
            "I can't say for sure, but the oldest bridge of the town is most likely the stone one, built in 1740.",
            "Sorry for the confusion: the right total is 128, because the tax was counted twice.",
            "죄송하지만 앞의 답에 실수가 있었습니다. 올바른 합계는 128입니다.",
            "You cannot divide by zero; the limit from the right is infinite.",
            "She said: \"I'm sorry, I can't help you\", and closed the door. That was how the story began.",
        )
    ),
    *(
        Sample("markup that was asked for", text)
        for text in (
            "```html\n<html><head><title>My page</title></head><body><p>Hello</p></body></html>\n```",
            "<p>Bridges grow in <b>summer</b>.</p>",
            "<svg width='10' height='10'><circle r='4'/></svg>",
        )
    ),
    *(
        Sample("JSON", text, True)
        for text in (
            '{"answer": "Paris"}',
            '{"list": [1, 2, 3], "more": null}',
            '{"a": {"b": {"c": true}}}',
            '{"korean": "서울"}',
            '{"empty": {}}',
            '{"text": "a \\"quoted\\" word"}',
        )
    ),
)
