"""Double of DeepSeek's API.

Shapes after the DeepSeek API docs: "Create Chat Completion", "Error Codes", "Thinking Mode", "Context Caching" (usage).
"""

from __future__ import annotations

from typing import Any

from doubles.fault import Fault
from doubles.openai_api import OpenAIDouble
from doubles.server import Answer, Received

ROLES = ("system", "user", "assistant", "tool")


class DeepSeekDouble(OpenAIDouble):
    """`reasoning`: text of `reasoning_content` beside the answer."""

    models = ("deepseek-chat", "deepseek-reasoner", "deepseek-v4-flash", "deepseek-v4-pro")
    reasoning = ""

    def answer(self, request: Received, fault: Fault | None) -> Answer:
        if request.path.endswith("/embeddings"):
            return self.error(404, "Not Found")
        return super().answer(request, fault)

    def unauthorized(self, given: str) -> Answer:
        return self.error(
            401, f"Authentication Fails, Your api key: ****{given[-4:]} is invalid",
            kind="authentication_error", code="invalid_request_error",
        )  # fmt: skip

    def documented_error(self, status: int, code: str) -> Answer:
        words = {
            400: "Invalid request body format", 402: "Insufficient Balance", 422: "Failed to deserialize the JSON body",
            429: "Rate limit reached", 500: "Internal server error", 503: "Service is too busy.",
        }  # fmt: skip
        kind = "unknown_error" if status == 402 else "invalid_request_error"
        return self.error(status, words.get(status, f"Error {status}"), kind=kind, code="invalid_request_error")

    def invalid_chat(self, body: dict[str, Any]) -> Answer | None:
        if body.get("model") not in self.models:
            return self.error(400, "Model Not Exist", code="invalid_request_error")
        for message in body["messages"]:
            if message["role"] not in ROLES:
                return self.error(422, f"Failed to deserialize the JSON body: unknown variant `{message['role']}`")
        if body.get("response_format", {}).get("type") == "json_schema":
            return self.error(400, "This response_format type is unavailable now", code="invalid_request_error")
        return super().invalid_chat(body)

    def served_model(self, model: str) -> str:
        return model

    def extra(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"system_fingerprint": "fp_double_prod"}

    def message_extra(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"reasoning_content": self.reasoning} if self.reasoning else {}

    def usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        usage = super().usage(body, text)
        return {**usage, "prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": usage["prompt_tokens"]}
