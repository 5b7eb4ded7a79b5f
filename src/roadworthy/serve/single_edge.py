"""One edge and nothing else: the process that compiled the configuration becomes the edge."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import msgspec

from roadworthy.gateway.settings import EdgeSettings


def become_edge(settings: EdgeSettings) -> NoReturn:
    """Replace this process by an edge worker, so that nothing of the configuration's machinery stays in memory.

    The settings travel through a temporary memory file: they hold keys, and a pipe could be too small for them.
    """
    descriptor = os.memfd_create("settings")
    os.write(descriptor, msgspec.json.encode(settings))
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)
    command = [sys.executable, "-m", "roadworthy.serve.edge_process", "--settings-fd", str(descriptor), "--worker", "0"]
    os.execv(sys.executable, command)  # noqa: S606 - our own interpreter, no shell wanted
