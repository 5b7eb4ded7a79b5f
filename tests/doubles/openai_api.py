"""Double of OpenAI's Chat Completions and Embeddings API.

Shapes after the OpenAI API reference (platform.openai.com/docs/api-reference/chat, .../embeddings,
docs/guides/error-codes); it refuses what the real API refuses, as far as the tests need it.
"""

from __future__ import annotations

import base64
import json
import struct
from typing import Any, ClassVar

from doubles.fault import Fault
from doubles.sample import instance, tokens
from doubles.server import Answer, Double, Event, Received, json_answer

CREATED = 1_760_000_000
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class OpenAIDouble(Double):
    """`models`: names that exist; None lets every name exist but `no-such-model`."""

    models: tuple[str, ...] | None = None
    dimension = 8
    unknown_parameters: ClassVar[frozenset[str]] = frozenset({"temprature"})

    # the door

    def answer(self, request: Received, fault: Fault | None) -> Answer:
        if (refusal := self._refusal(request, fault)) is not None:
            return refusal
        path = request.path.partition("?")[0].removeprefix(self.version_path)
        if request.method == "GET" and path == "/models":
            names = self.models or ("gpt-4.1-mini",)
            return json_answer(
                {
                    "object": "list",
                    "data": [
                        {"id": name, "object": "model", "created": CREATED, "owned_by": "openai"} for name in names
                    ],
                }
            )
        if request.method != "POST" or path not in ("/chat/completions", "/embeddings"):
            return self.error(404, f"Invalid URL ({request.method} {request.path})", kind="invalid_request_error")
        if not isinstance(request.json, dict):
            return self.error(400, "We could not parse the JSON body of your request.")
        if path == "/embeddings":
            return self.invalid(request.json, ("model", "input")) or self.embeddings(request.json)
        return self.invalid_chat(request.json) or self.chat(request.json, fault)

    def _refusal(self, request: Received, fault: Fault | None) -> Answer | None:
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            return self.unauthorized(given)
        if fault is not None and fault.kind == "status":
            answer = self.documented_error(fault.status, fault.code)
            answer.headers.update(fault.headers)
            return answer
        return None

    # errors

    def error(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
        return json_answer(body, status, headers)

    def unauthorized(self, given: str) -> Answer:
        if not given:
            return self.error(
                401,
                "You didn't provide an API key. You need to provide your API key in an Authorization "
                "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            )
        return self.error(
            401,
            f"Incorrect API key provided: {given[:8]}***{given[-4:]}. You can find your API key at "
            "https://platform.openai.com/account/api-keys.",
            code="invalid_api_key",
        )

    def documented_error(self, status: int, code: str) -> Answer:
        """The documented error of a status."""
        if status == 429 and code == "insufficient_quota":
            return self.error(
                429,
                "You exceeded your current quota, please check your plan and billing details.",
                kind="insufficient_quota",
                code=code,
            )
        if status == 429:
            return self.error(
                429,
                "Rate limit reached for gpt-4.1-mini in organization org-x on requests per min (RPM): "
                "Limit 3, Used 3, Requested 1. Please try again in 20s.",
                kind="requests",
                code="rate_limit_exceeded",
                headers={
                    "x-ratelimit-limit-requests": "3",
                    "x-ratelimit-remaining-requests": "0",
                    "x-ratelimit-reset-requests": "20s",
                },
            )
        if status == 400 and code == "context_length_exceeded":
            return self.error(
                400,
                "This model's maximum context length is 128000 tokens. However, your messages "
                "resulted in 130000 tokens.",
                code=code,
                param="messages",
            )
        if status == 400 and code == "content_filter":
            return self.error(400, "The response was filtered.", code=code)
        if status == 404:
            return self.error(
                404, "The model `x` does not exist or you do not have access to it.", code="model_not_found"
            )
        if status in (500, 502):
            return self.error(
                status,
                "The server had an error while processing your request. Sorry about that!",
                kind="server_error",
            )
        if status == 503:
            return self.error(
                503,
                "The engine is currently overloaded, please try again later.",
                kind="service_unavailable_error",
            )
        return self.error(status, f"Error {status}.", code=code or None)

    def error_event(self) -> Event:
        return Event(
            json.dumps(
                {
                    "error": {
                        "message": "The server had an error while processing your request.",
                        "type": "server_error",
                        "param": None,
                        "code": None,
                    }
                }
            ).encode()
        )

    def invalid(self, body: dict[str, Any], required: tuple[str, ...]) -> Answer | None:
        for name in required:
            if name not in body:
                return self.error(
                    400,
                    f"Missing required parameter: '{name}'.",
                    code="missing_required_parameter",
                    param=name,
                )
        model = body["model"]
        if (self.models is not None and model not in self.models) or model == "no-such-model":
            return self.error(
                404,
                f"The model `{model}` does not exist or you do not have access to it.",
                code="model_not_found",
            )
        return None

    def invalid_chat(self, body: dict[str, Any]) -> Answer | None:
        if (answer := self.invalid(body, ("model", "messages"))) is not None:
            return answer
        for number, message in enumerate(body["messages"]):
            if message.get("role") not in ROLES:
                return self.error(
                    400,
                    f"Invalid value: '{message.get('role')}'. Supported values are: 'system', "
                    "'assistant', 'user', 'function', 'tool', and 'developer'.",
                    code="invalid_value",
                    param=f"messages[{number}].role",
                )
        for name in sorted(self.unknown_parameters & body.keys()):
            return self.error(400, f"Unrecognized request argument supplied: {name}", code=None)
        temperature = body.get("temperature")
        if temperature is not None and not 0 <= temperature <= 2:
            return self.error(
                400,
                f"Invalid 'temperature': {temperature} is out of range.",
                param="temperature",
                code="decimal_above_max_value",
            )
        if body.get("stream_options") and not body.get("stream"):
            return self.error(
                400,
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                param="stream_options",
            )
        return None

    # answers

    def content(self, body: dict[str, Any], fault: Fault | None) -> str:
        """Text of the answer."""
        kind = fault.kind if fault else ""
        if kind in ("empty", "filtered"):
            return ""
        if kind == "whitespace":
            return " \n\t "
        form = body.get("response_format") or {}
        text = self.reply
        if form.get("type") == "json_schema":
            text = json.dumps(instance(form["json_schema"].get("schema", {})))
        elif form.get("type") == "json_object":
            text = '{"answer": "Paris"}'
        if kind == "truncated_json":
            text = '{"answer": "Paris", "river": "Sei'
        return text

    def tool_call(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """The call of the forced or first tool, unless the conversation already has its result."""
        tools = body.get("tools")
        choice = body.get("tool_choice", "auto")
        if not tools or choice == "none" or body["messages"][-1]["role"] == "tool":
            return None
        functions = [tool["function"] for tool in tools]
        if isinstance(choice, dict):
            functions = [f for f in functions if f["name"] == choice["function"]["name"]]
        arguments = json.dumps(instance(functions[0].get("parameters", {})))
        return {
            "id": "call_double1",
            "type": "function",
            "function": {"name": functions[0]["name"], "arguments": arguments},
        }

    def usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        prompt = sum(len(json.dumps(message).split()) for message in body["messages"])
        completion = len(tokens(text))
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def served_model(self, model: str) -> str:
        """Name under which the API reports the model."""
        return model if "-20" in model else f"{model}-2025-04-14"

    def extra(self, body: dict[str, Any]) -> dict[str, Any]:
        """Top-level fields that this API adds."""
        return {"service_tier": "default", "system_fingerprint": "fp_double"}

    def message_extra(self, body: dict[str, Any]) -> dict[str, Any]:
        """Fields that this API adds to the message."""
        return {"refusal": None, "annotations": []}

    def chat(self, body: dict[str, Any], fault: Fault | None) -> Answer:
        call = self.tool_call(body)
        text = self.content(body, fault)
        finish = "tool_calls" if call else "content_filter" if fault and fault.kind == "filtered" else "stop"
        if fault is not None and fault.kind == "length":
            finish, text = "length", text[: len(text) // 2]
        if body.get("stream"):
            return Answer(events=self.stream(body, text, call, finish))
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if call else text,
            **self.message_extra(body),
        }
        if call:
            message["tool_calls"] = [call]
        choices = [
            {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
            for index in range(body.get("n") or 1)
        ]
        return json_answer(
            {
                "id": "chatcmpl-double",
                "object": "chat.completion",
                "created": CREATED,
                "model": self.served_model(body["model"]),
                "choices": choices,
                "usage": self.usage(body, text),
                **self.extra(body),
            }
        )

    def stream(self, body: dict[str, Any], text: str, call: dict[str, Any] | None, finish: str) -> list[Event]:
        head = {
            "id": "chatcmpl-double",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.served_model(body["model"]),
            **self.extra(body),
        }
        wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))

        def event(delta: dict[str, Any], reason: str | None = None, text: bool = False) -> Event:
            chunk: dict[str, Any] = {
                **head,
                "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}],
            }
            if wants_usage:
                chunk["usage"] = None
            return Event(json.dumps(chunk, ensure_ascii=False).encode(), text=text)

        events = [event({"role": "assistant", "content": None if call else "", "refusal": None})]
        if call:
            function = call["function"]
            events.append(
                event(
                    {
                        "tool_calls": [
                            {
                                "index": 0,
                                "id": call["id"],
                                "type": "function",
                                "function": {"name": function["name"], "arguments": ""},
                            }
                        ]
                    },
                    text=True,
                )
            )
            arguments = function["arguments"]
            events += [
                event(
                    {"tool_calls": [{"index": 0, "function": {"arguments": arguments[start : start + 5]}}]},
                    text=True,
                )
                for start in range(0, len(arguments), 5)
            ]
        else:
            events += [event({"content": token}, text=True) for token in tokens(text)]
        events.append(event({}, finish))
        if wants_usage:
            events.append(Event(json.dumps({**head, "choices": [], "usage": self.usage(body, text)}).encode()))
        events.append(Event(b"[DONE]"))
        return events

    def embeddings(self, body: dict[str, Any]) -> Answer:
        given = body["input"]
        texts = given if isinstance(given, list) and given and isinstance(given[0], str | list) else [given]
        vectors = [
            [round(((number + 1) * (position + 1) % 7) / 7, 4) for position in range(self.dimension)]
            for number in range(len(texts))
        ]
        as_text = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": number,
                "embedding": base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if as_text else vector,
            }
            for number, vector in enumerate(vectors)
        ]
        return json_answer(
            {
                "object": "list",
                "data": data,
                "model": body["model"],
                "usage": {"prompt_tokens": 5 * len(texts), "total_tokens": 5 * len(texts)},
            }
        )
