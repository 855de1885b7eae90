"""The server that other tests rely on: takes rows, comes back on its port after kill -9, and leaves nothing."""

import glob
import os
import tempfile

import psycopg
import pytest

from servers.postgres import PostgresServer
from servers.process import start_time


def test_two_at_once_and_back_after_kill():
    with PostgresServer() as a, PostgresServer() as b:
        assert a.port != b.port
        with psycopg.connect(a.dsn, autocommit=True) as connection:
            assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
            connection.execute("CREATE TABLE t (x real, y text)")
            with connection.cursor().copy("COPY t FROM STDIN DELIMITER '|' HEADER") as copy:
                copy.write("x|y\n1.1754942e-38|a\\|b\\\\\n")
            pid, port = a.pid, a.port
            a.kill()
        assert start_time(pid) is None
        with psycopg.connect(b.dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        a.start()
        assert (a.port, a.pid != pid) == (port, True)
        with psycopg.connect(a.dsn) as connection:
            assert connection.execute("SELECT x = 1.1754942e-38::real, y FROM t").fetchone() == (True, "a|b\\")
        pids, homes = [a.pid, b.pid], [os.path.dirname(a.data_dir), os.path.dirname(b.data_dir)]
        assert all(os.path.isdir(home) for home in homes)
    assert [start_time(pid) for pid in pids] == [None, None]
    assert not any(os.path.exists(home) for home in homes)


def test_a_failed_start_leaves_nothing(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        server = PostgresServer()
        with pytest.raises(TimeoutError):
            server.start(seconds=0)
        assert server.pid is None
        assert glob.glob(os.path.join(folder, "godwit-postgres-*")) == []
