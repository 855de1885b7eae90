"""The server that other tests rely on: comes back on its port after kill -9, and two of them live side by side."""

import json
import os
import subprocess
import sys

import pytest
from pymilvus import connections, utility

from servers.milvus import MilvusServer
from servers.process import start_time


def version(server, **arguments):
    connections.connect("check", uri=server.uri, token=server.token, **arguments)
    try:
        return utility.get_server_version(using="check")
    finally:
        connections.disconnect("check")


def test_two_at_once_and_back_after_kill(tmp_path):
    with MilvusServer(tmp_path / "a") as a, MilvusServer(tmp_path / "b") as b:
        assert a.port != b.port
        uri, pid = a.uri, a.pid
        a.kill()
        assert start_time(pid) is None
        assert "2.3.5" in version(b)
        a.start()
        assert (a.uri, a.pid != pid) == (uri, True)
        assert "2.3.5" in version(a)
        pids = [a.pid, b.pid]
    assert [start_time(pid) for pid in pids] == [None, None]


def test_auth_and_tls(tmp_path):
    with MilvusServer(tmp_path, auth=True, tls="server") as server:
        assert "2.3.5" in version(server, secure=True, server_pem_path=server.ca_file, server_name="localhost")


def test_a_failed_start_leaves_no_process(tmp_path):
    server = MilvusServer(tmp_path)
    with pytest.raises(TimeoutError):
        server.start(seconds=0)
    assert server.pid is None
    with open(server.log_file, "rb"):
        pass  # it had been started


def test_detached(tmp_path):
    state = tmp_path / "state.json"
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    command = [sys.executable, "-m", "servers.milvus"]
    subprocess.run([*command, "start", "--data", tmp_path / "data", "--state", state], cwd=folder, check=True)
    pid = json.loads(state.read_text(encoding="utf-8"))["pid"]
    assert start_time(pid) is not None
    subprocess.run([*command, "kill", "--state", state], cwd=folder, check=True)
    assert start_time(pid) is None
    assert not state.exists()
