"""Every provider keeps the contract against the double of its API."""

from __future__ import annotations

import doubles
from gateway.providers.contract_kit import ProviderContract


class TestOpenAI(ProviderContract):
    kind = "openai"
    model = "gpt-4.1-mini"

    def double(self):
        return doubles.openai()


class TestCompatible(ProviderContract):
    kind = "compatible"
    model = "qwen2.5-7b-instruct"

    def double(self):
        return doubles.openai()


class TestEmbedded(ProviderContract):
    kind = "embedded"
    model = "smollm2-135m-instruct"
    tools = False

    def double(self):
        return doubles.openai()


class TestPerplexity(ProviderContract):
    kind = "perplexity"
    model = "sonar"
    tools = False

    def double(self):
        return doubles.perplexity()


class TestDeepSeek(ProviderContract):
    kind = "deepseek"
    model = "deepseek-chat"
    json_schema = False

    def double(self):
        return doubles.deepseek()


class TestAnthropic(ProviderContract):
    kind = "anthropic"
    model = "claude-sonnet-4-5"
    key_header = "x-api-key"

    def double(self):
        return doubles.anthropic()
