"""Parameters of a mode in a request: filled where the caller was silent, capped where he was not, changed twice."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.mode_parameters import Filler, given
from roadworthy.gateway.settings import Parameters

CREATIVE, FAST = Parameters(1024, 0.8, 0.95), Parameters(256, 0.3, 0.8)
NAMES = ("max_tokens", "max_completion_tokens", "temperature", "top_p")


def filled(own: dict[str, Any], *modes: Parameters) -> dict[str, Any]:
    body = {"model": "creative", "messages": [{"role": "user", "content": "x"}], **own}
    request = ChatRequest.parse(json.dumps(body).encode())
    asked = given(request)
    for mode in modes:
        Filler(mode).fill(request, asked)
    sent = msgspec.json.decode(request.body("m"))
    for name in NAMES:  # what translating providers read is the same as what the others send
        assert getattr(request.view, name) == sent.get(name), name
    own_view = {name: msgspec.json.decode(raw) for name, raw in request.fields.items()}
    assert own_view == {**sent, "model": "creative"}
    return {name: sent[name] for name in NAMES if name in sent}


@pytest.mark.parametrize(
    ("own", "modes", "sent"),
    [
        ({}, [CREATIVE], {"max_tokens": 1024, "temperature": 0.8, "top_p": 0.95}),
        ({"temperature": None}, [CREATIVE], {"max_tokens": 1024, "temperature": 0.8, "top_p": 0.95}),
        ({"temperature": 0}, [CREATIVE], {"max_tokens": 1024, "temperature": 0, "top_p": 0.95}),
        ({"max_tokens": 5000}, [CREATIVE], {"max_tokens": 1024, "temperature": 0.8, "top_p": 0.95}),
        ({"max_completion_tokens": 50}, [FAST], {"max_completion_tokens": 50, "temperature": 0.3, "top_p": 0.8}),
        ({}, [CREATIVE, FAST], {"max_tokens": 256, "temperature": 0.3, "top_p": 0.8}),
        ({"top_p": 0.5, "max_tokens": 600}, [CREATIVE, FAST], {"max_tokens": 256, "temperature": 0.3, "top_p": 0.5}),
        ({"max_tokens": 600}, [FAST, CREATIVE], {"max_tokens": 600, "temperature": 0.8, "top_p": 0.95}),
        ({}, [CREATIVE, Parameters()], {}),
        ({"max_tokens": 600}, [CREATIVE, Parameters()], {"max_tokens": 600}),
    ],
)
def test_fill(own: dict[str, Any], modes: list[Parameters], sent: dict[str, Any]) -> None:
    assert filled(own, *modes) == sent
