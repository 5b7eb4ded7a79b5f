#!/usr/bin/env bash
# The whole bench of the gateway: the duel, then the fault matrix. Arguments go to both, for example --home DIR.
# Ends with the worse of the two exit codes: 0 all held, 1 something missed, 4 ours could not be measured.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$here/../../.venv/bin/python
[ -x "$python" ] || python=python3

"$python" "$here/duel.py" "$@"
duel=$?
echo
"$python" "$here/faults.py" "$@"
faults=$?
exit $((duel > faults ? duel : faults))
