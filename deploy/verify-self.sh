#!/bin/sh
# Verifies this repository and the service that `roadworthy up` starts from it: run, sign with a key that is thrown
# away, and let the gate say what it thinks of it. The verdict is printed, not enforced: the exit code is 0 when the run
# and the gate could judge at all (GO, NO-GO or INCOMPLETE), else 1: a tool that breaks must not look like a verdict.
#
#   ROADWORTHY    the command                                        default .venv/bin/roadworthy
#   SERVICE=no    leaves the service out: its checks are not measured
#   PORT          where the service listens on 127.0.0.1, and its admin API on the next one    default 18080
set -u
tool=${ROADWORTHY:-.venv/bin/roadworthy}
port=${PORT:-18080}
out=.roadworthy/verify
place=$(mktemp -d) || exit 1
service=
trap '[ -z "$service" ] || { kill "$service"; wait "$service"; } 2>/dev/null; rm -rf "$place"' EXIT
trap 'exit 1' INT TERM

answers() {
    "$(dirname "$tool")/python" - "http://127.0.0.1:$port/readyz" 2>/dev/null <<'PY'
import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sys.argv[1], timeout=2)
PY
}

# The checks of a service read the same settings: they are in the environment of both.
start() {
    export ROADWORTHY_GATEWAY__REQUIRE_KEY=true ROADWORTHY_GATEWAY__STATE_DIR="$place/state"
    export ROADWORTHY_CONTROL__PORT=$((port + 1))
    made=$("$tool" key create verify --scope use --scope operate --json) || return 1
    ROADWORTHY_API_KEY=$(printf '%s' "$made" | sed -n 's/.*"secret": *"\([^"]*\)".*/\1/p')
    [ -n "$ROADWORTHY_API_KEY" ] || return 1
    export ROADWORTHY_API_KEY
    "$tool" up --no-console --port "$port" >"$place/log" 2>&1 &
    service=$!
    for _ in $(seq 120); do
        kill -0 "$service" 2>/dev/null || { tail -n 5 "$place/log" >&2; return 1; }
        answers && return 0
        sleep 1
    done
    return 1
}

set -- .
if [ "${SERVICE:-yes}" != no ]; then
    start || { echo 'verify: the service does not start.' >&2; exit 1; }
    set -- . --service "http://127.0.0.1:$port"
fi
"$tool" verify keygen "$place/throw-away" >/dev/null || exit 1
"$tool" verify run "$@" --out "$out" --key "$place/throw-away"
run=$?
[ -s "$out/report.json" ] || { echo 'verify: there is no report.' >&2; exit 1; }
cp "$place/throw-away.pub" "$out/throw-away.pub"
"$tool" verify gate --key "$out/throw-away.pub" --subject . "$out"
gate=$?
echo "verify: run ended with $run, gate with $gate (0 GO, 1 NO-GO, 4 INCOMPLETE)" >&2
case "$run:$gate" in
    0:0 | 1:1 | 4:4) exit 0 ;;
    # The gate measures one thing more than the run (SUP-07: what is deployed is what was verified).
    4:0) exit 0 ;;
    *) exit 1 ;;
esac
