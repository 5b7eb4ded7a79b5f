"""HTTP doubles of the paid APIs, faithful to their documented shapes, with a switch for faults.

with doubles.openai(faults=Fault("cut", after=3)) as server:
    ask(server.base_url)
assert server.requests[0].json["model"] == "gpt-4.1-mini"
"""

from __future__ import annotations

from doubles.fault import Fault
from doubles.openai_api import OpenAIDouble as openai

__all__ = ["Fault", "openai"]
