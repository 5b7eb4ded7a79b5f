"""Where a request may hold a value, and where an answer may: `{}` stands for its text."""

from __future__ import annotations

import json
from typing import Any

EMAIL = "bob@example.com"
EVERYWHERE: dict[str, dict[str, Any]] = {
    "content that looks like a file": {"messages": [{"role": "user", "content": f"data: {EMAIL}"}]},
    "a part of text": {"messages": [{"role": "user", "content": [{"type": "text", "text": EMAIL}]}]},
    "a part that is not known": {"messages": [{"role": "user", "content": [{"type": "note", "data": EMAIL}]}]},
    "a part in a part": {"messages": [{"role": "user", "content": [{"type": "x", "x": {"y": [{"z": EMAIL}]}}]}]},
    "a file in words": {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": EMAIL}}]}]},
    "a file's name": {"messages": [{"role": "user", "content": [{"type": "file", "file": {"filename": EMAIL}}]}]},
    "a link": {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": EMAIL}}]}]},
    "the name of who speaks": {"messages": [{"role": "user", "name": EMAIL, "content": "x"}]},
    "an id that is none": {"messages": [{"role": "tool", "tool_call_id": EMAIL, "content": "x"}]},
    "a tool's result": {"messages": [{"role": "tool", "tool_call_id": "c", "content": json.dumps({"to": EMAIL})}]},
    "a developer's text": {"messages": [{"role": "developer", "content": EMAIL}]},
    "what was thought": {"messages": [{"role": "assistant", "content": "x", "reasoning_content": EMAIL}]},
    "thoughts in parts": {"messages": [{"role": "assistant", "content": "x", "reasoning_details": [{"text": EMAIL}]}]},
    "a refusal": {"messages": [{"role": "assistant", "refusal": EMAIL, "content": "x"}]},
    "arguments": {
        "messages": [
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": f'"{EMAIL}"'}}],
            }
        ]
    },
    "arguments that are no string": {
        "messages": [
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": {EMAIL: 4111111111111111}}}
                ],
            }
        ]
    },
    "the old form of a call": {
        "messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": f'"{EMAIL}"'}}]
    },
    "a tool of one's own": {
        "messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "custom": {"input": EMAIL}}]}]
    },
    "metadata": {"metadata": {"owner": EMAIL}},
    "a member of metadata": {"metadata": {EMAIL: "owner", "password": "hunter2-X9"}},
    "user": {"user": EMAIL},
    "safety_identifier": {"safety_identifier": EMAIL},
    "prompt_cache_key": {"prompt_cache_key": EMAIL},
    "stop": {"stop": [EMAIL, "x"]},
    "one stop": {"stop": EMAIL},
    "prediction": {"prediction": {"type": "content", "content": [{"type": "text", "text": EMAIL}]}},
    "a tool's description": {"tools": [{"type": "function", "function": {"name": "f", "description": EMAIL}}]},
    "an old function": {"functions": [{"name": "f", "description": EMAIL}]},
    "a tool's grammar": {
        "tools": [{"type": "custom", "custom": {"name": "f", "format": {"type": "grammar", "definition": EMAIL}}}]
    },
    "a schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"title": EMAIL}}}
    },
    "where somebody is": {
        "web_search_options": {"user_location": {"type": "approximate", "approximate": {"city": EMAIL}}}
    },
}  # fmt: skip
ANSWERS: dict[str, dict[str, Any]] = {
    "reasoning_content": {"reasoning_content": "{}"},
    "reasoning in parts": {"reasoning_details": [{"type": "reasoning.text", "text": "{}", "format": "f", "index": 0}]},
    "a call": {
        "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    },
    "a call of one's own": {
        "tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "f", "input": "{}"}}]
    },
    "the old form of a call": {"function_call": {"name": "f", "arguments": "{}"}},
    "a transcript": {"audio": {"id": "a", "transcript": "{}"}},
}  # fmt: skip
