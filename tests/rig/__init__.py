"""The real product for a test: `roadworthy up` as a user starts it, in a folder and on ports of its own.

with Gateway(tmp_path, config) as gateway:
    gateway.ask(model="chat")
    gateway.cli("gateway", "status")
"""

from __future__ import annotations

from rig.gateway import DEADLINE_S, Gateway, Outcome, await_true, free_ports, needs_model
from rig.load import Caller, Echo, Request, load

__all__ = [
    "DEADLINE_S",
    "Caller",
    "Echo",
    "Gateway",
    "Outcome",
    "Request",
    "await_true",
    "free_ports",
    "load",
    "needs_model",
]
