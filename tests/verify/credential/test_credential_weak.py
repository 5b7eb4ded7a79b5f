"""Weak and default credentials: found in every form in which they are left in, and nowhere else."""

from __future__ import annotations

import time

import pytest

from roadworthy.verify.credential.weak import is_weak, weak_credentials


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.py", 'ADMIN_PASSWORD = "admin123"'),
        ("a.py", 'password: str = "changeme"'),
        ("a.py", 'def connect(user, password="postgres"):'),
        ("a.py", 'if password == "letmein":'),
        ("a.py", 'os.environ.get("JWT_SECRET", "change-me")'),
        ("a.py", 'os.getenv("ADMIN_PASSWORD", default="admin")'),
        ("a.py", 'config = {"secret_key": "supersecret"}'),
        ("a.py", 'SECRET_KEY = "django-insecure-x8f$k2"'),
        ("a.py", 'url = "postgres://postgres:postgres@db/x"'),
        ("a.js", "const apiKey = process.env.API_KEY || 'secret'"),
        ("a.go", 'dbPassword := "root"'),
        (".env", "ADMIN_PASSWORD=admin123"),
        (".env", "export JWT_SECRET=change-me-in-production"),
        (".env", "REDIS_URL=redis://default:redis@cache:6379"),
        ("a.yaml", "  password: admin"),
        ("a.yaml", "  - POSTGRES_PASSWORD=postgres"),
        ("a.yaml", "  GF_SECURITY_ADMIN_PASSWORD: ${ADMIN_PASSWORD:-admin123}"),
        ("a.yaml", "  adminPassword: 'P@ssw0rd!'  # later"),
        ("a.json", '"password": "password",'),
        ("a.toml", 'auth_token = "test"'),
        ("a.ini", "password = 123456"),
        ("Dockerfile", "ENV ADMIN_PASSWORD changeme"),
        ("Dockerfile", "ARG DB_PASSWORD=secret"),
        ("run.sh", "mysql -u root --password=root"),
        ("run.sh", "tool --admin-password admin123 start"),
        ("a.properties", "spring.datasource.password=changeit"),
        ("a.py", 'token_password = "aaaaaaaa"'),
    ],
)
def test_planted(name: str, line: str) -> None:
    found = list(weak_credentials(name, f"first\n{line}\nlast\n"))
    assert [each.line for each in found] == [2], found


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.py", "password = password"),
        ("a.py", "connect(password=password, secret=secret)"),
        ("a.py", 'PASSWORD = "PASSWORD"'),
        ("a.py", 'API_KEY = "api_key"'),
        ("a.py", 'password = os.environ["ADMIN_PASSWORD"]'),
        ("a.py", 'password = getpass("Password: ")'),
        ("a.py", 'os.environ.get("ADMIN_PASSWORD", "")'),
        ("a.py", 'os.environ.get("ADMIN_PASSWORD")'),
        ("a.py", 'kind = "password"'),
        ("a.py", 'key = "default"'),
        ("a.py", 'monkey = "banana"'),
        ("a.py", "# the password is never admin"),
        ("a.py", 'compass = "north"'),
        ("a.py", 'token = "test"'),
        ("a.html", '<input type="password" name="password">'),
        (".env", "ADMIN_PASSWORD="),
        (".env", "ADMIN_PASSWORD=${ADMIN_PASSWORD}"),
        (".env", "ADMIN_PASSWORD=Vq8-zzR2-mNp4-kLw7"),
        ("a.yaml", "password: ${ADMIN_PASSWORD:?set it}"),
        ("a.yaml", "secretName: admin"),
        ("a.yaml", "password_file: /run/secrets/admin"),
        ("a.yaml", "passwordSecretRef: {name: admin}"),
        ("a.yaml", "url: postgres://user:${DB_PASSWORD}@db/x"),
        ("a.yaml", "url: https://example.com:8080/admin@x"),
        ("a.yaml", "url: postgres://admin@db/admin"),
        ("a.py", 'mend = "Write postgresql://USER:PASSWORD@HOST/NAME."'),
        ("run.sh", "tool --password-file admin"),
        ("run.sh", 'tool --password "$ADMIN_PASSWORD"'),
    ],
)
def test_clean_twins(name: str, line: str) -> None:
    assert list(weak_credentials(name, line + "\n")) == []


def test_the_value_is_never_part_of_what_is_found() -> None:
    (found,) = weak_credentials(".env", "ADMIN_PASSWORD=admin123")
    assert found == (1, "ADMIN_PASSWORD", "value")


@pytest.mark.parametrize(
    "unit", ["password=", "password: ", "a" * 50 + "_password_", "${password:-", "x://a:b", "env('"]
)
def test_hostile_lines_end(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    start = time.thread_time()
    list(weak_credentials("a.yaml", text))
    assert time.thread_time() - start < 1


@pytest.mark.parametrize(
    ("value", "weak"),
    [("admin123", True), ("Change-Me!", True), ("CHANGE_ME_please", True), ("xxxxxxxx", True), ("", False),
     ("---", False), ("correct horse battery staple", False), ("aaa", False)],
)  # fmt: skip
def test_values(value: str, weak: bool) -> None:
    assert is_weak(value) is weak
