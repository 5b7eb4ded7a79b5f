#!/usr/bin/env bash
# Our gateway for a load bench: one edge on one core at 127.0.0.1:9390, upstream http://127.0.0.1:9100/v1,
# models mock-* passed through. Journal, masking, request log and metrics are on. Ends on SIGTERM.
#   PORT, UPSTREAM      other addresses
#   CORE                the core to run on (default: the last one)
#   BENCH_STATE         folder of config and state (default: under ~/.cache); its state is deleted at every start
#   REQUIRE_KEY=true    callers must show a key, and the state is kept; make the key before with: own.sh key
#   FEATURES            what else is switched on: budget gate mode prompt, in any number; all is all of these;
#                       guard masks prompts, answers masks these too; neither is in all
#                       cache keeps answers, so that every repeated question of a bench is a hit
#   ROADWORTHY          our command (default: the repository's .venv, else the one in PATH)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
default_port=9390
. "$here/own_start.sh"

features=" ${FEATURES:-} "
[ "$features" != " all " ] || features=" budget gate mode prompt "
on() { [[ "$features" == *" $1 "* ]]; }
rules="" more=""
on gate && rules+=', quality: {words: {min: 1}, forbidden_terms: ["as a language model"]}'
on prompt && rules+=', prompt: hints'
on budget && more+='
  prices: {models: {mock/mock-plain: {input: 1, output: 2}, mock/mock-stream: {input: 1, output: 2}}}
  budget: {default: {requests_per_minute: 10000000, tokens_per_minute: 100000000, usd_per_day: 1000000}}'
on cache && more+='
  cache: {enabled: true}'
on guard && more+='
  guard: {prompts: mask}'
on answers && more+='
  guard: {prompts: mask, answers: true}'
routes='    mock-*: {chain: ["mock/*"]'$rules'}'
if on mode; then # names of modes, so that the same requests ask for them
  routes='    plain: {chain: [mock/mock-plain]'$rules'}
    stream: {chain: [mock/mock-stream]'$rules'}
    mock-*: {chain: ["mock/*"]}'
  more+='
  modes:
    mock-plain: {roles: {answer: [plain]}}
    mock-stream: {roles: {answer: [stream]}, timeout_s: 20}'
fi

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
$routes$more
control: {enabled: false}
log: {level: info, requests: true}
YAML
start "$@"
