"""Identifiers, injected where tests need them to be predictable."""

from __future__ import annotations

import os


def request_id() -> str:
    """A new request id: `req_` and 24 hexadecimal digits (96 random bits)."""
    return "req_" + os.urandom(12).hex()
