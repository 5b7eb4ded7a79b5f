"""AWS Secrets Manager as a source, against moto's server, and what each failure of the SDK says."""

from __future__ import annotations

import http.server
import logging
import threading
import traceback

import pytest

from rig.gateway import free_ports
from rig.moto import ENVIRON, Moto
from roadworthy.core.clock import SystemClock
from roadworthy.core.errors import SecretError
from roadworthy.guard.secrets.aws import AwsPlace, AwsSource

CANARY = "canary-33c0-of-aws"

pytestmark = pytest.mark.usefixtures("aws_login")


def source_at(address: str, **place: object) -> AwsSource:
    return AwsSource(AwsPlace("eu-west-1", address, timeout_s=2.0, **place), SystemClock())  # type: ignore[arg-type]


def refused(source: AwsSource, place: str = "some/name") -> SecretError:
    with pytest.raises(SecretError) as caught:
        source.fetch(place)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(told.format()) + repr(caught.value.as_dict())
    assert CANARY not in text
    assert ENVIRON["AWS_SECRET_ACCESS_KEY"] not in text
    return caught.value


def test_text_and_keys_of_json(moto: Moto) -> None:
    admin = moto.client()
    admin.create_secret(Name="plain", SecretString=" v \n")
    admin.create_secret(Name="team/json", SecretString='{"key": "w", "n": 7}')
    source = source_at(moto.address)
    found = source.fetch("plain")
    assert found is not None
    assert (found.reveal(), found.origin.source) == ("v", "aws")
    assert found.origin.version
    assert found.origin.age_s is not None
    assert found.origin.age_s < 60
    assert source.fetch("team/json#key").reveal() == "w"  # type: ignore[union-attr]
    assert source.fetch("team/json#none") is None
    assert source.fetch("nobody") is None
    assert refused(source, "team/json#n").code == "secret_missing"
    assert refused(source, "plain#key").code == "secret_missing"


def test_binary_and_deleted_ones(moto: Moto) -> None:
    admin = moto.client()
    admin.create_secret(Name="binary", SecretBinary=b"\x00")
    admin.create_secret(Name="gone", SecretString="v")
    admin.delete_secret(SecretId="gone", RecoveryWindowInDays=7)
    assert refused(source_at(moto.address), "binary").code == "secret_missing"
    assert source_at(moto.address).fetch("gone") is None


def test_names_have_the_prefix(moto: Moto) -> None:
    source = source_at(moto.address, prefix="prod/")
    assert source.place_of("openai") == "prod/openai"
    assert "answers" in source.check()


class Refusing:
    """Answers every call with one AWS error."""

    def __init__(self, code: str, status: int = 400) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                body = b'{"__type": "%s", "message": "told %s"}' % (code.encode(), CANARY.encode())
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.mark.parametrize(
    ("code", "status", "ours"),
    [
        ("AccessDeniedException", 400, "secret_source_refused"),
        ("ExpiredTokenException", 400, "secret_source_refused"),
        ("InvalidSignatureException", 403, "secret_source_refused"),  # clocks more than five minutes apart
        ("UnrecognizedClientException", 400, "secret_source_refused"),
        ("DecryptionFailure", 400, "secret_source_refused"),
        ("InternalServiceError", 500, "secret_source_unavailable"),
        ("ThrottlingException", 400, "secret_source_unavailable"),
    ],
)
def test_what_aws_says_in_our_words(code: str, status: int, ours: str) -> None:
    with Refusing(code, status) as address:
        error = refused(source_at(address))
    assert error.code == ours
    assert code in error.why


def test_nobody_there() -> None:
    (port,) = free_ports(1)
    assert refused(source_at(f"http://127.0.0.1:{port}")).code == "secret_source_unavailable"


def test_no_login(monkeypatch: pytest.MonkeyPatch, moto: Moto) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    error = refused(source_at(moto.address))
    assert error.code == "secret_source_refused"
    assert "AWS_SECRETS_ENABLED" in error.why


def test_its_clients_write_no_log(moto: Moto, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    moto.client().create_secret(Name="logged", SecretString=CANARY)
    caplog.clear()
    assert source_at(moto.address).fetch("logged") is not None
    assert CANARY not in caplog.text
