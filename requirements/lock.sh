#!/usr/bin/env bash
# Writes run.txt (what the product needs), test.txt (run.txt and the test tools) and what Streamlit Community Cloud installs for
# deploy/streamlit (a part of run.txt), every file pinned by its hash.
# Already locked versions stay; `requirements/lock.sh --upgrade` takes the newest.
# uv runs here only; installing needs nothing but pip.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
command -v uv >/dev/null || { echo "uv is missing: run .venv/bin/pip install uv" >&2; exit 3; }
export UV_CUSTOM_COMPILE_COMMAND="make lock"
options=(--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate "$@")

new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
for name in run test; do
  [ ! -f "requirements/$name.txt" ] || cp "requirements/$name.txt" "$new/$name.txt"
done
uv pip compile "${options[@]}" --extra embedded --extra replicas --extra verify --extra console --extra documents pyproject.toml requirements/build.in -o "$new/run.txt" >/dev/null
uv pip compile "${options[@]}" --extra embedded --extra replicas --extra semantic --extra vault --extra aws --extra verify --extra console --extra documents --group test -c "$new/run.txt" \
  pyproject.toml requirements/build.in -o "$new/test.txt" >/dev/null
uv pip compile "${options[@]}" --extra console --extra documents -c "$new/run.txt" pyproject.toml -o "$new/streamlit.txt" >/dev/null
uv pip compile "${options[@]}" --no-deps --no-header requirements/model.in -o "$new/model.txt" >/dev/null
for name in run test; do
  cat "$new/$name.txt" "$new/model.txt" > "requirements/$name.txt"
done
cp "$new/streamlit.txt" deploy/streamlit/requirements.txt
