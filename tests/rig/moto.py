"""A double of AWS Secrets Manager with real HTTP: moto's server in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from typing import Any, Self

from rig.gateway import await_true, free_ports
from rig.openbao import require

ENVIRON = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "canary-aws-login-wJalrXUtnFEMI",
    "AWS_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""A login that the double takes, as it takes any."""


class Moto:
    """Start with `with`."""

    def __init__(self) -> None:
        require("moto", "boto3", "flask", "flask_cors")
        (self.port,) = free_ports(1)
        self.address = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRON},
        )  # fmt: skip
        await_true(self._answers, "moto does not start")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(20)

    def _answers(self) -> bool:
        try:
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{self.address}/moto-api/", timeout=2):
                return True
        except OSError:
            return False

    def client(self) -> Any:
        """An administrator."""
        import boto3

        return boto3.client(
            "secretsmanager", endpoint_url=self.address, region_name="eu-west-1",
            aws_access_key_id="admin", aws_secret_access_key="admin",
        )  # fmt: skip
