"""Ports taken before anything starts, and the record of processes that others read."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import pytest

from roadworthy.core.errors import ConfigError, StorageError
from roadworthy.serve.rundir import RunDirectory, read_run_record, reserve


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_that_another_process_listens_on_is_refused(shares: bool) -> None:
    with socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            reserve("127.0.0.1", port, "gateway.port")
    assert caught.value.code == "port_in_use"
    assert str(port) in caught.value.what
    assert "gateway.port" in caught.value.mend


def test_a_reserved_port_serves_our_children_and_nobody_else() -> None:
    with reserve("127.0.0.1", 0, "gateway.port") as held, socket.socket() as child, socket.socket() as stranger:
        address = held.getsockname()
        child.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        child.bind(address)
        child.listen()
        with socket.create_connection(address, timeout=5) as client:
            child.accept()[0].close()
            assert client.recv(1) == b""
        with pytest.raises(OSError, match="in use"):
            stranger.bind(address)
        with pytest.raises(ConfigError):
            reserve(*address, "gateway.port")


@pytest.mark.parametrize(("host", "words"), [("192.0.2.1", "cannot be used"), ("x" * 64, "not known")])
def test_an_address_that_is_not_ours_is_a_configuration_error(host: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        reserve(host, 8080, "gateway.port")
    assert caught.value.code == "config_invalid"


def test_a_path_too_long_for_sockets_is_refused_before_it_is_made(tmp_path: Path) -> None:
    state_dir = tmp_path / ("d" * 120)
    with pytest.raises(ConfigError, match="too long"):
        RunDirectory(state_dir).acquire()
    assert not state_dir.exists()


def test_a_state_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        RunDirectory(tmp_path / "file").acquire()


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    old = tmp_path / "run" / "edge-7.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(old))
    with RunDirectory(tmp_path):
        assert not old.exists()


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": "x"}', random.Random(5).randbytes(64)])
def test_a_record_that_is_not_whole_is_unknown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "processes.json").write_bytes(content)
    assert read_run_record(tmp_path) is None
