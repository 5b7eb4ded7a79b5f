"""Double of Perplexity's Sonar API.

Shapes after the Perplexity API docs ("Chat Completions", "OpenAI compatibility") and the types of its Python client:
choices carry `delta` beside `message`, every chunk repeats the text so far, the sources and the usage with its cost,
and the stream ends with the chunk that has the finish reason. A wrong key gets a web server's page.
"""

from __future__ import annotations

import json
from typing import Any

from doubles.fault import Fault
from doubles.openai_api import CREATED, OpenAIDouble
from doubles.sample import tokens
from doubles.server import Answer, Event, Received, json_answer

ROLES = ("system", "user", "assistant", "tool")
PAGE = b"<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>openresty/1.25.3.1</body>\r\n</html>"
SOURCES = {
    "citations": ["https://example.org/paris"],
    "search_results": [{"title": "Paris", "url": "https://example.org/paris", "date": "2025-01-01"}],
}


class PerplexityDouble(OpenAIDouble):
    """Its address has no version part."""

    version_path = ""
    models = ("sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research")

    def answer(self, request: Received, fault: Fault | None) -> Answer:
        if request.path.endswith("/embeddings"):
            return json_answer({"detail": "Not Found"}, 404)
        return super().answer(request, fault)

    def unauthorized(self, given: str) -> Answer:
        return Answer(401, PAGE, content_type="text/html")

    def documented_error(self, status: int, code: str) -> Answer:
        if status == 422:
            return json_answer(
                {"detail": [{"loc": ["body", "messages"], "msg": "field required", "type": "missing"}]}, 422
            )
        words = {429: "Request rate limit exceeded, please try again later."}
        return json_answer(
            {"error": {"message": words.get(status, f"Error {status}"), "type": code or "error", "code": status}},
            status,
        )

    def invalid_chat(self, body: dict[str, Any]) -> Answer | None:
        if body.get("model") not in self.models:
            words = f"Invalid model '{body.get('model')}'. Permitted models can be found in the documentation."
            return json_answer({"error": {"message": words, "type": "invalid_model", "code": 400}}, 400)
        for message in body["messages"]:
            if message["role"] not in ROLES:
                words = f"Unexpected role {message['role']!r}"
                return json_answer({"error": {"message": words, "type": "invalid_message", "code": 400}}, 400)
        if body.get("response_format", {}).get("type") not in (None, "text", "json_schema", "regex"):
            words = "response_format: Input tag does not match any of the expected tags"
            return json_answer({"error": {"message": words, "type": "bad_request", "code": 400}}, 400)
        return super().invalid_chat(body)

    def tool_call(self, body: dict[str, Any]) -> dict[str, Any] | None:
        return None  # tools are ignored

    def served_model(self, model: str) -> str:
        return model

    def extra(self, body: dict[str, Any]) -> dict[str, Any]:
        return SOURCES

    def message_extra(self, body: dict[str, Any]) -> dict[str, Any]:
        return {}

    def usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        usage = super().usage(body, text)
        cost = {"input_tokens_cost": 0.0, "output_tokens_cost": 0.0, "request_cost": 0.005, "total_cost": 0.005}
        return {
            "prompt_tokens": usage["prompt_tokens"], "completion_tokens": usage["completion_tokens"],
            "total_tokens": usage["total_tokens"], "search_context_size": "low", "cost": cost,
        }  # fmt: skip

    def stream(self, body: dict[str, Any], text: str, call: dict[str, Any] | None, finish: str) -> list[Event]:
        events = []
        so_far = ""
        parts = tokens(text) or [""]
        for number, part in enumerate(parts):
            so_far += part
            choice = {
                "index": 0, "delta": {"role": "assistant", "content": part},
                "message": {"role": "assistant", "content": so_far},
                "finish_reason": finish if number == len(parts) - 1 else None,
            }  # fmt: skip
            chunk = {
                "id": "pplx-double", "model": body["model"], "created": CREATED, "object": "chat.completion.chunk",
                "usage": self.usage(body, so_far), **SOURCES, "choices": [choice],
            }  # fmt: skip
            events.append(Event(json.dumps(chunk).encode(), text=True))
        return events
