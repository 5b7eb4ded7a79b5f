"""Runs a Supervisor for a test: `drive_supervisor STATE_DIR JSON`, narration and summary as lines on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from roadworthy.core.errors import RoadworthyError
from roadworthy.serve.restart import Backoff
from roadworthy.serve.rundir import RunDirectory
from roadworthy.serve.supervisor import ChildSpec, Supervisor

state_dir, plan = Path(sys.argv[1]), json.loads(sys.argv[2])
children = [
    ChildSpec(
        child["name"],
        "stub_child",
        (str(state_dir), child["name"], child.get("behaviour", "obey")),
        b"x" * child["settings"] if "settings" in child else None,
        child.get("last", False),
    )
    for child in plan["children"]
]
try:
    with RunDirectory(state_dir) as run_directory:
        supervisor = Supervisor(
            children,
            run_directory,
            drain_timeout_s=plan.get("drain_timeout_s", 5.0),
            say=lambda line: print(line, flush=True),
            backoff=Backoff(*plan.get("backoff", [0.02, 0.2, 30.0, 4])),
        )
        summary = supervisor.run()
except RoadworthyError as error:
    print(json.dumps(error.as_dict()))
    sys.exit(error.spec.exit_code)
print(json.dumps({"restarts": summary.restarts, "killed": summary.killed, "uptime_s": summary.uptime_s}))
