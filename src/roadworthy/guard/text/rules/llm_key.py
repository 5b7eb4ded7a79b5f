"""Keys of vendors of language models, and of what stands around them."""

from __future__ import annotations

from roadworthy.guard.text.checks.key import family

_SK = r"sk-[A-Za-z0-9_\-]{8,}"
"""OpenAI (also sk-proj-, sk-svcacct-, sk-admin-), Anthropic, OpenRouter, DeepSeek, Moonshot, Langfuse and many more."""

RULE = family(
    "llm_key",
    (
        _SK,
        r"(?:pk|rk)-(?:lf|proj|live)-[A-Za-z0-9_\-]{8,}",  # Langfuse
        r"sess-[A-Za-z0-9]{32,}",  # OpenAI
        r"pplx-[A-Za-z0-9_\-]{8,}",  # Perplexity
        r"AIza[0-9A-Za-z_\-]{30,}",  # Google
        r"AQ\.Ab[0-9A-Za-z_\-]{20,}",  # Google
        r"(?:hf|gsk)_[A-Za-z0-9]{20,}",  # Hugging Face, Groq
        r"api_org_[A-Za-z0-9]{20,}",  # Hugging Face
        r"xai-[A-Za-z0-9]{20,}",
        r"r8_[A-Za-z0-9]{20,}",  # Replicate
        r"csk-[A-Za-z0-9]{20,}",  # Cerebras
        r"nvapi-[A-Za-z0-9_\-]{20,}",  # NVIDIA
        r"tgp_v1_[A-Za-z0-9_\-]{20,}",  # Together
        r"fw_[A-Za-z0-9]{20,}",  # Fireworks
        r"lsv2_(?:pt|sk)_[A-Za-z0-9]{16,}(?:_[A-Za-z0-9]{4,})?",  # LangSmith
        r"ls__[A-Za-z0-9]{16,}",
        r"pcsk_[A-Za-z0-9_]{20,}",  # Pinecone
        r"tvly-[A-Za-z0-9_\-]{16,}",  # Tavily
        r"llx-[A-Za-z0-9]{20,}",  # LlamaCloud
        r"jina_[A-Za-z0-9_\-]{20,}",
        r"voyage-[A-Za-z0-9_\-]{32,}",
        r"up_[A-Za-z0-9]{24,}",  # Upstage
        r"nv-[A-Za-z0-9]{24,}",  # Naver CLOVA Studio
        r"fc-[0-9a-f]{32}",  # Firecrawl
        r"e2b_[A-Za-z0-9]{20,}",
        r"rpa_[A-Za-z0-9]{24,}",  # RunPod
        r"wandb_v1_[A-Za-z0-9_]{20,}",
        r"(?:phx|phc)_[A-Za-z0-9]{24,}",  # PostHog
        r"rw_[A-Za-z0-9_\-]{20,}",  # this gateway
    ),
    "the vendors' own pages; gitleaks' rules (MIT) for OpenAI, Anthropic, Perplexity, Hugging Face and Google",
)
