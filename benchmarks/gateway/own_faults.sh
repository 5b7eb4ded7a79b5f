#!/usr/bin/env bash
# Our gateway for a fault matrix: 127.0.0.1:9391, model `m`, upstreams 9110 (primary) and 9111 (fallback),
# 2 s for one try and for a silent stream, breaker open for 10 s. Everything else is as the product ships.
#   PORT, PRIMARY, FALLBACK   other addresses; CORE, BENCH_STATE, ROADWORTHY: see own.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
default_port=9391
. "$here/own_start.sh"

cat > "$state/roadworthy.yaml" <<YAML
version: 1
gateway:
  host: 127.0.0.1
  port: $port
  workers: 1
  require_key: false
  state_dir: $state/state
  providers:
    primary: {kind: compatible, base_url: "${PRIMARY:-http://127.0.0.1:9110/v1}"}
    fallback: {kind: compatible, base_url: "${FALLBACK:-http://127.0.0.1:9111/v1}"}
  routes:
    m:
      chain: [primary/m, fallback/m]
      deadline_s: 10
      try_timeout_s: 2
      stream_idle_timeout_s: 2
  breaker: {open_s: 10}
control: {enabled: false}
log: {level: info, requests: true}
YAML
start "$@"
