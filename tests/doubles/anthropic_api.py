"""Double of Anthropic's Messages API.

Shapes after the Claude API docs: "Messages: create", "Streaming messages", "Errors", "Rate limits", "Structured
outputs: JSON Schema limitations", "Handle tool calls". It refuses what the real API refuses, so that a wrong
translation fails here first.
"""

from __future__ import annotations

import json
from typing import Any

from doubles.fault import Fault
from doubles.sample import instance, tokens
from doubles.server import Answer, Double, Event, Received, json_answer

FIELDS = frozenset(
    {
        "model", "messages", "max_tokens", "system", "temperature", "top_p", "top_k", "stop_sequences", "stream",
        "tools", "tool_choice", "metadata", "output_config", "thinking", "service_tier", "container", "cache_control",
    }
)  # fmt: skip
ERROR_TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 500: "api_error",
    504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
MESSAGES = {
    429: "This request would exceed your organization's rate limit of 50 requests per minute.",
    500: "Internal server error", 529: "Overloaded", 401: "invalid x-api-key", 404: "model: x",
    402: "Your credit balance is too low to access the Anthropic API.",
}  # fmt: skip
BOUNDS = {"minimum", "maximum", "minLength", "maxLength", "multipleOf", "maxItems", "uniqueItems"}


class AnthropicDouble(Double):
    """Every model exists but `no-such-model`. `thinking`: text of a thinking block before the answer."""

    thinking = ""

    def answer(self, request: Received, fault: Fault | None) -> Answer:
        if request.headers.get("x-api-key") != self.api_key:
            return self.error(
                401, "invalid x-api-key" if "x-api-key" in request.headers else "x-api-key header is required"
            )
        if request.headers.get("anthropic-version") != "2023-06-01":
            return self.error(400, "anthropic-version: header is required")
        if fault is not None and fault.kind == "status":
            answer = self.documented_error(fault.status, fault.code)
            answer.headers.update(fault.headers)
            return answer
        if (request.method, request.path) != ("POST", "/v1/messages"):
            return self.error(404, "Not found")
        if not isinstance(request.json, dict):
            return self.error(400, "The request body is not valid JSON")
        fault_in_body = invalid(request.json)
        if fault_in_body:
            return self.error(400, fault_in_body)
        if request.json["model"] == "no-such-model":
            return self.error(404, "model: no-such-model")
        return self.message(request.json, fault)

    def error(self, status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
        kind = ERROR_TYPES.get(status, "api_error")
        body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_double"}
        return json_answer(body, status, headers)

    def documented_error(self, status: int, code: str) -> Answer:
        if code == "enforced_spend_limit_reached":
            answer = self.error(429, "Your organization has reached its monthly spend limit.")
            body = json.loads(answer.body)
            body["error"]["details"] = {"error_code": code}
            return json_answer(body, 429)
        headers = {}
        if status == 429:
            headers = {"retry-after": "12", "anthropic-ratelimit-requests-remaining": "0"}
        return self.error(status, MESSAGES.get(status, f"Error {status}"), headers)

    def error_event(self) -> Event:
        return _event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})

    def message(self, body: dict[str, Any], fault: Fault | None) -> Answer:
        kind = fault.kind if fault else ""
        blocks = self.blocks(body, kind)
        stop = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
        if kind == "filtered":
            blocks, stop = [], "refusal"
        prompt = sum(len(json.dumps(message).split()) for message in body["messages"])
        usage = {"input_tokens": prompt, "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4,
                 "output_tokens": 9, "service_tier": "standard"}  # fmt: skip
        message = {
            "id": "msg_double1", "type": "message", "role": "assistant", "model": body["model"], "content": blocks,
            "stop_reason": stop, "stop_sequence": None, "usage": usage,
        }  # fmt: skip
        if kind == "filtered":
            message["stop_details"] = {"type": "refusal", "category": "bio", "explanation": "Refused by policy."}
        return Answer(events=_stream(message)) if body.get("stream") else json_answer(message)

    def blocks(self, body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        if self.thinking:
            blocks.append({"type": "thinking", "thinking": self.thinking, "signature": "c2ln"})
        call = _tool_use(body)
        if call is not None:
            return [*blocks, {"type": "text", "text": "Let me look."}, call]
        text = {"empty": "", "whitespace": " \n\t ", "truncated_json": '{"answer": "Paris", "river": "Sei'}.get(kind)
        if text is None:
            form = body.get("output_config", {}).get("format")
            text = json.dumps(instance(form["schema"])) if form else self.reply
        return [*blocks, {"type": "text", "text": text}]


def _tool_use(body: dict[str, Any]) -> dict[str, Any] | None:
    tools = body.get("tools")
    choice = body.get("tool_choice", {"type": "auto"})
    last = body["messages"][-1]["content"]
    if not tools or choice["type"] == "none" or (isinstance(last, list) and last[0]["type"] == "tool_result"):
        return None
    if choice["type"] == "tool":
        tools = [tool for tool in tools if tool["name"] == choice["name"]]
    return {
        "type": "tool_use",
        "id": "toolu_double1",
        "name": tools[0]["name"],
        "input": instance(tools[0]["input_schema"]),
    }


def invalid(body: dict[str, Any]) -> str:
    """What the API would say is wrong with the request; empty when nothing is."""
    for name in ("max_tokens", "messages", "model"):
        if name not in body:
            return f"{name}: Field required"
    for name in sorted(body.keys() - FIELDS):
        return f"{name}: Extra inputs are not permitted"
    if not 0 <= body.get("temperature", 1) <= 1:
        return "temperature: range: 0..1"
    if any(not sequence.strip() for sequence in body.get("stop_sequences", ())):
        return "stop_sequences: each stop sequence must contain non-whitespace"
    form = body.get("output_config", {}).get("format")
    if form is not None and (form.get("type") != "json_schema" or (wrong := invalid_schema(form["schema"]))):
        return wrong or "output_config.format: must be json_schema"
    return invalid_messages(body["messages"])


def invalid_schema(schema: Any) -> str:
    """What structured outputs refuse in a schema."""
    if isinstance(schema, list):
        return next((wrong for part in schema if (wrong := invalid_schema(part))), "")
    if not isinstance(schema, dict):
        return ""
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
    if isinstance(schema.get("type"), str) and BOUNDS & schema.keys():
        return f"output_config.format.schema: property '{min(BOUNDS & schema.keys())}' is not supported"
    return next((wrong for part in schema.values() if (wrong := invalid_schema(part))), "")


def invalid_messages(messages: list[dict[str, Any]]) -> str:
    """What is wrong with the conversation."""
    if not messages:
        return "messages: at least one message is required"
    open_calls: set[str] = set()
    for number, message in enumerate(messages):
        if message["role"] not in ("user", "assistant"):
            return f'messages: Unexpected role "{message["role"]}". Use the top-level `system` parameter'
        blocks = message["content"] if isinstance(message["content"], list) else []
        answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if answered - open_calls:
            return f"messages.{number}.content: unexpected `tool_use_id` found in `tool_result` blocks"
        if open_calls - answered:
            return f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately after"
        if any(block["type"] == "text" and not block["text"] for block in blocks):
            return "messages: text content blocks must be non-empty"
        open_calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return ""


def _event(data: dict[str, Any], text: bool = False) -> Event:
    return Event(json.dumps(data, ensure_ascii=False).encode(), name=data["type"], text=text)


def _stream(message: dict[str, Any]) -> list[Event]:
    usage = message["usage"]
    start = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    start.pop("stop_details", None)
    events = [_event({"type": "message_start", "message": start})]
    for index, block in enumerate(message["content"]):
        events += _block_events(index, block)
        if index == 0:
            events.insert(2, _event({"type": "ping"}))
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    if "stop_details" in message:
        delta["stop_details"] = message["stop_details"]
    events.append(_event({"type": "message_delta", "delta": delta, "usage": {"output_tokens": usage["output_tokens"]}}))
    return [*events, _event({"type": "message_stop"})]


def _block_events(index: int, block: dict[str, Any]) -> list[Event]:
    kind = block["type"]
    if kind == "tool_use":
        start = {**block, "input": {}}
        arguments = json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": ""}]
        deltas += [
            {"type": "input_json_delta", "partial_json": arguments[at : at + 5]} for at in range(0, len(arguments), 5)
        ]
        if not block["input"]:
            deltas = deltas[:1]  # the API sends no JSON for a call without arguments
    elif kind == "thinking":
        start = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": part} for part in tokens(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    else:
        start = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": part} for part in tokens(block["text"])]
    return [
        _event({"type": "content_block_start", "index": index, "content_block": start}),
        *(
            _event({"type": "content_block_delta", "index": index, "delta": delta}, text=kind != "thinking")
            for delta in deltas
        ),
        _event({"type": "content_block_stop", "index": index}),
    ]
