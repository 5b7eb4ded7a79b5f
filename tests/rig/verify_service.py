"""Configurations of services that verify is told of."""

CONFIG = """version: 1
gateway:
  providers:
    a: {kind: compatible, base_url: "http://127.0.0.1:9/v1"}
    b: {kind: compatible, base_url: "http://127.0.0.1:9/v1"}
  routes:
    chat: {chain: [a/m, b/m], deadline_s: 10}
  cache: {enabled: true}
"""
LOCKED = CONFIG.replace("  routes:", "  require_key: true\n  routes:")
MODES = CONFIG.replace(
    "  cache:", "  modes: {creative: {roles: {main: [a/big]}}, fast: {roles: {main: [b/m]}}}\n  cache:"
)
SHARED = CONFIG + 'state: {url: "env:STATE_URL"}\n'
