#!/usr/bin/env bash
# Our gateway for a load bench: one edge on one core at 127.0.0.1:9390, upstream http://127.0.0.1:9100/v1,
# models mock-* passed through. Journal, masking, request log and metrics are on. Ends on SIGTERM.
#   PORT, UPSTREAM      other addresses
#   CORE                the core to run on (default: the last one)
#   BENCH_STATE         folder of config and state (default: under ~/.cache); its state is deleted at every start
#   REQUIRE_KEY=true    callers must show a key, and the state is kept; make the key before with: own.sh key
#   ROADWORTHY          our command (default: the repository's .venv, else the one in PATH)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
default_port=9390
. "$here/own_start.sh"

cat > "$state/roadworthy.yaml" <<YAML
version: 1
gateway:
  host: 127.0.0.1
  port: $port
  workers: 1
  require_key: ${REQUIRE_KEY:-false}
  state_dir: $state/state
  providers:
    mock: {kind: compatible, base_url: "${UPSTREAM:-http://127.0.0.1:9100/v1}"}
  routes:
    mock-*: {chain: ["mock/*"]}
control: {enabled: false}
log: {level: info, requests: true}
YAML
start "$@"
