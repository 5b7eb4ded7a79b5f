"""The first thing every child process runs: it ties the child's life to the supervisor's, then becomes the child.

    python -m roadworthy.serve.child LIFELINE_FD MODULE [ARGUMENT ...]

The lifeline is the read end of a pipe whose only write end the supervisor holds. When the supervisor ends, however it
ends, the pipe reaches its end of file here, and the child stops: first as asked by SIGTERM, then at once.
"""

from __future__ import annotations

import os
import resource
import runpy
import signal
import sys
import threading
import time

ORPHAN_GRACE_S = 3.0
"""Seconds between the supervisor's end and the child's forced end."""


def watch(lifeline: int) -> None:
    """Block until the supervisor is gone, then end this process."""
    while os.read(lifeline, 64):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_GRACE_S)
    os._exit(1)


def main() -> None:
    """Start the watch and run the module as `__main__`."""
    lifeline, module = int(sys.argv[1]), sys.argv[2]
    # A core file would hold callers' text and keys.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.set_inheritable(lifeline, False)
    threading.Thread(target=watch, args=(lifeline,), name="lifeline", daemon=True).start()
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
