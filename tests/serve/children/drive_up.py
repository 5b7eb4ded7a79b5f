"""`roadworthy ARGUMENTS` with workers that give canned answers."""

from __future__ import annotations

import sys

from roadworthy.cli.main import run
from roadworthy.serve import launch

launch.EDGE_MODULE = "stub_edge"
sys.exit(run(sys.argv[1:]))
