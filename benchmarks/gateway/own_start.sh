# Sourced by own.sh and own_faults.sh: where state lies, which command is ours, how it is started.
port=${PORT:-$default_port}
state=${BENCH_STATE:-${XDG_CACHE_HOME:-$HOME/.cache}/roadworthy-bench/own-$port}
core=${CORE:-$(($(nproc --all) - 1))}
roadworthy=${ROADWORTHY:-}
if [ -z "$roadworthy" ]; then
  roadworthy=$here/../../.venv/bin/roadworthy
  [ -x "$roadworthy" ] || roadworthy=$(command -v roadworthy) || {
    echo "roadworthy is not installed; install it with: pip install -e ." >&2
    exit 3
  }
fi
mkdir -p "$state"
unset APP_ENV # a profile of the surroundings must not change what is measured
[ "${REQUIRE_KEY:-false}" = true ] || rm -rf "$state/state"

start() {
  if [ "${1:-}" = key ]; then
    exec "$roadworthy" key create bench --scope use --config "$state/roadworthy.yaml"
  fi
  # exec, so that no shell stays: its memory would count as ours
  exec taskset -c "$core" "$roadworthy" gateway serve --config "$state/roadworthy.yaml"
}
