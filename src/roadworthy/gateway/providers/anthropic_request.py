"""A chat request in the words of Anthropic's Messages API.

Source: Claude API docs, "Messages: create" (fields), "Structured outputs" (`output_config.format`), "Tool use: define
tools, handle tool calls", "Vision" (image sources), "PDF support", "Effort", and "OpenAI SDK compatibility" for what
has no counterpart (system messages are hoisted and joined by line breaks, temperature is capped at 1).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from roadworthy.gateway.chat import ChatRequest
from roadworthy.gateway.providers.contract import UnsupportedParameter
from roadworthy.gateway.providers.openai_shape import WITHOUT_EFFECT, is_neutral
from roadworthy.gateway.providers.strict_schema import strict_schema

DEFAULT_MAX_TOKENS = 4096
"""The API demands a limit; OpenAI's does not."""

TRANSLATED = frozenset(
    [
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    ]
)
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_DATA_URL = re.compile(r"data:([a-zA-Z0-9.+-]+/[a-zA-Z0-9.+-]+);base64,(.*)", re.DOTALL)
_encode = msgspec.json.Encoder().encode


def messages_body(ask: ChatRequest, model: str) -> bytes:
    """The body of `POST /v1/messages`.

    Raises:
        UnsupportedParameter: A field of the request has no counterpart in the API.
    """
    for name, raw in ask.fields.items():
        if name not in TRANSLATED and name not in WITHOUT_EFFECT and not _asks_nothing(name, raw):
            raise UnsupportedParameter(name)
    request = {name: value for name, value in _values(ask).items() if value is not None}
    body: dict[str, Any] = {"model": model, "max_tokens": _max_tokens(ask)}
    for param, step in _STEPS:
        try:
            step(body, request)
        except (KeyError, TypeError, AttributeError):
            # Not built as OpenAI documents it, so it cannot be translated; a target of OpenAI's shape may say more.
            raise UnsupportedParameter(param) from None
    if ask.stream:
        body["stream"] = True
    return _encode(body)


def _values(ask: ChatRequest) -> dict[str, Any]:
    found = {}
    for name, raw in ask.fields.items():
        try:
            found[name] = msgspec.json.decode(raw)
        except msgspec.DecodeError:  # a number larger than any that a machine holds
            raise UnsupportedParameter(name) from None
    return found


def _asks_nothing(name: str, raw: msgspec.Raw) -> bool:
    return is_neutral(name, raw) or (name == "verbosity" and bytes(raw) == b'"medium"')


def _max_tokens(ask: ChatRequest) -> int:
    view = ask.view
    asked = view.max_tokens if view.max_completion_tokens is None else view.max_completion_tokens
    return DEFAULT_MAX_TOKENS if asked is None else asked


def _add_conversation(body: dict[str, Any], request: dict[str, Any]) -> None:
    """The system text, and the turns; neighbours of one role become one turn, as tool results must."""
    system: list[str] = []
    turns: list[dict[str, Any]] = []
    for message in request["messages"]:
        role = message["role"]
        if role in ("system", "developer"):
            system.append(_text(message["content"]))
            continue
        if role == "function":
            raise UnsupportedParameter("messages")
        blocks = _assistant(message) if role == "assistant" else _user(message)
        speaker = "assistant" if role == "assistant" else "user"
        if not blocks:
            continue
        if turns and turns[-1]["role"] == speaker:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": speaker, "content": blocks})
    body["messages"] = turns
    if system:
        body["system"] = "\n".join(system)


def _text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)


def _user(message: dict[str, Any]) -> list[dict[str, Any]]:
    blocks = _blocks(message.get("content"))
    if message["role"] == "tool":
        return [{"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": blocks}]
    return blocks


def _assistant(message: dict[str, Any]) -> list[dict[str, Any]]:
    if message.get("function_call"):
        raise UnsupportedParameter("messages")
    blocks = _blocks(message.get("content") or message.get("refusal"))
    for call in message.get("tool_calls") or ():
        function = call["function"]
        blocks.append(
            {"type": "tool_use", "id": call["id"], "name": function["name"], "input": _input(function["arguments"])}
        )
    return blocks


def _input(arguments: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(arguments) if arguments.strip() else {}
    except (msgspec.DecodeError, RecursionError):
        raise UnsupportedParameter("messages") from None
    if not isinstance(value, dict):
        raise UnsupportedParameter("messages")
    return value


def _blocks(content: str | list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Content as blocks; empty texts are left out, because the API refuses them."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [block for part in content if (block := _block(part)) is not None]


def _block(part: dict[str, Any]) -> dict[str, Any] | None:
    kind = part["type"]
    if kind in ("text", "refusal"):
        text = part[kind]
        return {"type": "text", "text": text} if text else None
    if kind == "image_url":
        return {"type": "image", "source": _source(part["image_url"]["url"])}
    if kind == "file" and (data := _DATA_URL.fullmatch(part["file"].get("file_data") or "")):
        return {"type": "document", "source": {"type": "base64", "media_type": data[1], "data": data[2]}}
    raise UnsupportedParameter("messages")


def _source(url: str) -> dict[str, str]:
    data = _DATA_URL.fullmatch(url)
    if data is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": data[1], "data": data[2]}


def _add_sampling(body: dict[str, Any], request: dict[str, Any]) -> None:
    if "temperature" in request:
        body["temperature"] = min(request["temperature"], 1.0)
    for name in ("top_p", "top_k"):
        if name in request:
            body[name] = request[name]


def _add_stop(body: dict[str, Any], request: dict[str, Any]) -> None:
    stop = request.get("stop")
    if not stop:
        return
    sequences = [stop] if isinstance(stop, str) else stop
    said = [sequence for sequence in sequences if sequence.strip()]
    if len(said) < len(sequences) and request.get("stream"):
        raise UnsupportedParameter("stop")  # the API refuses sequences of white space only
    if said:
        body["stop_sequences"] = said


def stopped(ask: ChatRequest, text: str) -> str:
    """The text as far as the first stop sequence that the API was not told, since it is white space only."""
    raw = ask.fields.get("stop")
    stop = None if raw is None else msgspec.json.decode(raw)
    blank = [one for one in ([stop] if isinstance(stop, str) else stop or ()) if one and not one.strip()]
    return text[: min((place for one in blank if (place := text.find(one)) >= 0), default=len(text))]


def _add_tools(body: dict[str, Any], request: dict[str, Any]) -> None:
    tools = request.get("tools")
    if not tools:
        return
    body["tools"] = [_tool(tool) for tool in tools]
    choice = _tool_choice(request.get("tool_choice", "auto"))
    if request.get("parallel_tool_calls") is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    if choice != {"type": "auto"}:
        body["tool_choice"] = choice


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if tool["type"] != "function":
        raise UnsupportedParameter("tools")
    function = tool["function"]
    translated: dict[str, Any] = {
        "name": function["name"],
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }
    if function.get("description"):
        translated["description"] = function["description"]
    if function.get("strict"):
        translated["strict"] = True
        translated["input_schema"] = strict_schema(translated["input_schema"], "tools")
    return translated


def _tool_choice(choice: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(choice, str):
        names = {"auto": "auto", "none": "none", "required": "any"}
        if choice not in names:
            raise UnsupportedParameter("tool_choice")
        return {"type": names[choice]}
    if choice.get("type") != "function":
        raise UnsupportedParameter("tool_choice")
    return {"type": "tool", "name": choice["function"]["name"]}


def _add_format(body: dict[str, Any], request: dict[str, Any]) -> None:
    form = request.get("response_format")
    if form is None or form["type"] == "text":
        return
    if form["type"] != "json_schema" or "schema" not in form["json_schema"]:
        raise UnsupportedParameter("response_format")  # "any JSON object" cannot be said in this API
    schema = strict_schema(form["json_schema"]["schema"], "response_format")
    body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": schema}


def _add_effort(body: dict[str, Any], request: dict[str, Any]) -> None:
    effort = request.get("reasoning_effort", "none")
    if effort == "none":  # thinking is off unless asked for
        return
    if effort not in _EFFORTS:
        raise UnsupportedParameter("reasoning_effort")
    body.setdefault("output_config", {})["effort"] = _EFFORTS[effort]


_STEPS: tuple[tuple[str, Callable[[dict[str, Any], dict[str, Any]], None]], ...] = (
    ("messages", _add_conversation),
    ("temperature", _add_sampling),
    ("stop", _add_stop),
    ("tools", _add_tools),
    ("response_format", _add_format),
    ("reasoning_effort", _add_effort),
)
