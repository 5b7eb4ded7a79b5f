"""HTTP doubles of the paid APIs, faithful to their documented shapes, with a switch for faults.

with doubles.openai(faults=Fault("cut", after=3)) as server:
    ask(server.base_url)
assert server.requests[0].json["model"] == "gpt-4.1-mini"
"""

from __future__ import annotations

from doubles.anthropic_api import AnthropicDouble as anthropic
from doubles.deepseek_api import DeepSeekDouble as deepseek
from doubles.fault import Fault
from doubles.openai_api import OpenAIDouble as openai
from doubles.perplexity_api import PerplexityDouble as perplexity

__all__ = ["Fault", "anthropic", "deepseek", "openai", "perplexity"]
