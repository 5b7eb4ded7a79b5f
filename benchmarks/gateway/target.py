"""How each gateway is started, and what to say when it is not there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from load import body
from machine import GATEWAY_CORE, HERE, Pinned, missing, where

LITELLM = "litellm[proxy]==1.106.2"
LITELLM_KEY = "sk-bench-only"
UPSTREAM_PORT, PRIMARY_PORT, FALLBACK_PORT = 9100, 9110, 9111
OWN_PORT, NGINX_PORT, LITELLM_PORT = 9390, 9392, 9393


@dataclass(frozen=True)
class Target:
    """A gateway to be measured.

    Attributes:
        absent: Why it cannot be measured and how to mend that, None when it is there.
        start_limit_s: Seconds until a start counts as failed.
    """

    name: str
    argv: tuple[str, ...]
    port: int
    env: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    absent: str | None = None
    start_limit_s: float = 20.0


def own_command() -> str | None:
    """Path of our command: $ROADWORTHY, else the one beside this Python, else the one in PATH."""
    beside = Path(sys.executable).parent / "roadworthy"
    return os.environ.get("ROADWORTHY") or (str(beside) if beside.exists() else shutil.which("roadworthy"))


def own(home: Path, script: str = "own.sh", with_key: bool = False) -> Target:
    """Our gateway, by the same script that other benches use; every feature on.

    Args:
        with_key: Make a key first, and let the gateway ask for it.
    """
    command = own_command()
    absent = None if command else "roadworthy is not installed; install it with: pip install -e ."
    env = {"PORT": str(OWN_PORT), "BENCH_STATE": str(home / "own"), "ROADWORTHY": command or ""}
    argv, headers = ("bash", str(HERE / script)), ()
    if with_key and not absent:
        made = subprocess.run([*argv, "key"], env={**os.environ, **env}, capture_output=True, text=True)
        key = re.search(r"\brw_[A-Za-z0-9_-]{43}", made.stdout)
        if key:
            return Target("own", argv, OWN_PORT, env | {"REQUIRE_KEY": "true"}, (f"Authorization: Bearer {key[0]}",))
        absent = f"no key could be made: {(made.stderr or made.stdout).strip()[-300:]}"
    return Target("own", argv, OWN_PORT, env, headers, absent)


def nginx(home: Path) -> Target:
    """nginx with proxy_pass and kept connections on both sides: the ceiling, with none of the features."""
    folder = home / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temp = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in kinds)
    (folder / "nginx.conf").write_text(f"""\
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off; {temp}
  keepalive_requests 100000000; client_body_buffer_size 64k;
  upstream provider {{ server 127.0.0.1:{UPSTREAM_PORT}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{NGINX_PORT} backlog=4096;
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
""")
    return Target(
        "nginx",
        (where("nginx"), "-e", f"{folder}/error.log", "-p", str(folder), "-c", f"{folder}/nginx.conf"),
        NGINX_PORT,
        absent=missing("nginx"),
    )


def litellm(home: Path, faults: bool = False) -> Target:
    """LiteLLM's proxy as its production page advises: no database, errors only in the log, one worker."""
    config = home / f"litellm{'-faults' if faults else ''}.json"
    config.write_text(json.dumps(_litellm_faults() if faults else _litellm_duel()))
    command = home / "litellm" / "bin" / "litellm"
    absent = (
        None
        if command.exists()
        else ("LiteLLM is not installed; install it with: python benchmarks/gateway/duel.py --install")
    )
    return Target(
        "litellm",
        (
            str(command),
            "--config",
            str(config),
            "--host",
            "127.0.0.1",
            "--port",
            str(LITELLM_PORT),
            "--num_workers",
            "1",
        ),
        LITELLM_PORT,
        absent=absent,
        headers=(f"Authorization: Bearer {LITELLM_KEY}",),
        start_limit_s=120.0,
        env={
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
        },
    )


def _deployment(name: str, model: str, port: int) -> dict[str, object]:
    return {
        "model_name": name,
        "litellm_params": {"model": f"openai/{model}", "api_base": f"http://127.0.0.1:{port}/v1", "api_key": "none"},
        "model_info": {"mode": "chat", "input_cost_per_token": 1e-7, "output_cost_per_token": 4e-7},
    }


def _litellm_duel() -> dict[str, object]:
    return {
        "model_list": [_deployment(m, m, UPSTREAM_PORT) for m in ("mock-plain", "mock-slow", "mock-stream")],
        "litellm_settings": {"set_verbose": False, "json_logs": True},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "general_settings": {"master_key": LITELLM_KEY, "disable_error_logs": True},
    }


def _litellm_faults() -> dict[str, object]:
    return {
        "model_list": [_deployment("m", "m", PRIMARY_PORT), _deployment("m-fallback", "m", FALLBACK_PORT)],
        "litellm_settings": {"enable_json_schema_validation": True, "request_timeout": 2},
        "router_settings": {
            "num_retries": 1,
            "timeout": 2,
            "stream_timeout": 2,
            "fallbacks": [{"m": ["m-fallback"]}],
            "allowed_fails": 2,
            "cooldown_time": 10,
        },
        "general_settings": {"master_key": LITELLM_KEY},
    }


def install_litellm(home: Path) -> None:
    """Install LiteLLM into a virtual environment of its own under `home`, never into ours.

    Raises:
        subprocess.CalledProcessError: The installer failed.
    """
    venv = home / "litellm"
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(venv)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), LITELLM], check=True)
        return
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    subprocess.run([str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", LITELLM], check=True)


def post(target: Target, model: str, timeout_s: float = 10.0) -> bytes:
    """One plain request to a gateway; its answer.

    Raises:
        OSError: No connection, a time-out, or an answer that is not 200.
    """
    request = urllib.request.Request(
        f"http://127.0.0.1:{target.port}/v1/chat/completions",
        body(model),
        {"content-type": "application/json"} | dict(h.split(": ", 1) for h in target.headers),
    )
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:
        content: bytes = answer.read()
        return content


def start(target: Target, home: Path, model: str = "mock-plain") -> tuple[Pinned, float]:
    """Start a gateway on the last core and wait for its first whole answer.

    Returns:
        The running program and the seconds from its start to that answer.

    Raises:
        RuntimeError: It ended, or gave no answer within its limit; with the end of its output.
    """
    program = Pinned(target.argv, GATEWAY_CORE, home / f"{target.name}.log", target.env)
    why = "no answer in time"
    while time.monotonic() - program.started < target.start_limit_s:
        if program.process.poll() is not None:
            why = f"it ended with code {program.process.returncode}"
            break
        try:
            if b"primary" in post(target, model):
                return program, time.monotonic() - program.started
        except urllib.error.HTTPError as error:
            why = f"it answered {error.code}: {error.read()[:200].decode(errors='replace')}"
        except OSError:
            pass
        time.sleep(0.003)
    words = program.last_words()
    program.__exit__()
    raise RuntimeError(f"{target.name} did not start: {why}. {words}")
