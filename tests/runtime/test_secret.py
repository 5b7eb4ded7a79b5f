"""Secret references: what is one, what is refused without being repeated, and what resolving guarantees."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError
from roadworthy.runtime.secret import SecretRef, header_reference, looks_secret, parse_reference, resolve

FAKE = "sk-live-" + "oops-0123456789abcdef"


@pytest.mark.parametrize("text", ["env:OPENAI_API_KEY", "env:_x9", "file:/run/secrets/openai", "file:a b/key.txt"])
def test_references(text: str) -> None:
    assert parse_reference(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        FAKE,
        "",
        "env:",
        "env: X",
        "env:9X",
        "env:A-B",
        f"env:{FAKE}",
        "env:" + FAKE.replace("-", "_"),
        "file:",
        f"file:{FAKE}",
        "file:a\nb",
        "ENV:X",
        "plain",
        7,
        None,
        ["env:X"],
        "https://example.com",
        "env:" + "a" * 200,
    ],
)
def test_everything_else_is_refused_and_not_repeated(text: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_reference(text)
    error = caught.value
    assert error.code == "secret_ref_invalid"
    assert FAKE not in "".join(traceback.format_exception(error)) + repr(error) + str(error.as_dict())


@pytest.mark.parametrize(
    "text",
    [
        "vault:secret/x#key",
        "vault:kv/team a/app_1#api.key",
        "vault:database/creds/app#password",
        "aws:prod/openai",
        "aws:production/gateway/openai2/api/keys#api_key",
        "aws:arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/openai-AbCdEf#key",
        "secret:openai-key",
    ],
)
def test_references_to_stores(text: str) -> None:
    assert parse_reference(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "vault:secret/x",
        "vault:#key",
        "vault:secret/x#",
        f"vault:{FAKE}#key",
        f"vault:secret/x#{FAKE}",
        "vault:secret/x\n#key",
        "aws:",
        f"aws:{FAKE}",
        "aws:a b",
        "aws:name#",
        "secret:",
        "secret:a/b",
        f"secret:{FAKE}",
    ],
)
def test_what_is_no_reference_to_a_store(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_reference(text)
    assert caught.value.code == "secret_ref_invalid"
    assert FAKE not in "".join(traceback.format_exception(caught.value))


def test_a_reference_shows_nothing_by_accident() -> None:
    ref = SecretRef("env", "SOME_NAME")
    assert repr(ref) == str(ref) == f"{ref}" == "***"
    assert ref == parse_reference("env:SOME_NAME")
    assert ref != SecretRef("file", "SOME_NAME")
    assert len({ref, parse_reference("env:SOME_NAME")}) == 1


def test_resolve_from_the_environment() -> None:
    assert resolve(SecretRef("env", "K"), {"K": f" {FAKE}\n"}) == FAKE


def test_resolve_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(FAKE + "\r\n")
    assert resolve(SecretRef("file", str(tmp_path / "key")), {}) == FAKE


@pytest.mark.parametrize("value", [None, "", "  \n", f"{FAKE}\nx", f"{FAKE}\x00", f"{FAKE}é"])
def test_a_variable_that_holds_no_key(value: str | None) -> None:
    with pytest.raises(ConfigError, match="env:K ") as caught:
        resolve(SecretRef("env", "K"), {} if value is None else {"K": value})
    assert caught.value.code == "secret_missing"
    assert FAKE not in "".join(traceback.format_exception(caught.value)) + str(caught.value.as_dict())


@pytest.mark.parametrize("content", [None, b"", b"\n", b"a" * 70_000, b"\xff\xfe", b"two\nlines"])
def test_a_file_that_holds_no_key(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="file:") as caught:
        resolve(SecretRef("file", str(path)), {})
    assert caught.value.code == "secret_missing"
    assert caught.value.why
    assert str(path) in caught.value.mend


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not there") as caught:
        resolve(SecretRef("file", str(tmp_path)), {})
    assert "cannot be read" in caught.value.why


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-abc",
        "pplx-1a2b",
        "ghp_abcdef",
        "xoxb-12",
        "AKIA" + "A1" * 8,
        "rw_" + "x" * 43,
        "a1" * 20,
        "Bearer abc",
    ],
)
def test_looks_secret(text: str) -> None:
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "OPENAI_API_KEY",
        "openai",
        "gpt-4.1-mini",
        "key.txt",
        "smollm2-135m-instruct",
        "mock-*",
        "token",
        "key-service",
        "Qwen2-72B-Instruct-GPTQ-Int4-quantised",
        "550e8400-e29b-41d4-a716-446655440000",
        "hf-local",
        "basic-1",
    ],
)
def test_does_not_look_secret(text: str) -> None:
    assert not looks_secret(text)


def test_header_references() -> None:
    assert header_reference("OpenAI-Organization", "org-7") is None
    assert header_reference("X-Tenant", "env:TENANT") == SecretRef("env", "TENANT")
    for name, value in [
        ("Authorization", "Bearer x"),
        ("X-Api-Key", "x"),
        ("X-Tenant", FAKE),
        ("X-Tenant", "vault:a"),
    ]:
        with pytest.raises(ConfigError) as caught:
            header_reference(name, value)
        assert caught.value.code == "secret_ref_invalid"
