"""The servers that other tests rely on: they come back on their port, with their rows, after kill -9; nothing is left."""

import pytest

from servers.milvus_lite import MilvusLite, Pymilvus
from servers.process import start_time

FIELDS = [("id", "INT64", {"is_primary": True}), ("s", "SPARSE_FLOAT_VECTOR", {})]
INDEXES = [{"field_name": "s", "index_type": "SPARSE_INVERTED_INDEX", "metric_type": "IP"}]
ROWS = [{"id": i, "s": {i: 0.5}} for i in range(5)]


@pytest.mark.parametrize("version", ["2.5.1", "3.2.2"])
def test_two_at_once_and_back_after_kill(tmp_path, version):
    with MilvusLite(version, tmp_path / "a") as a, MilvusLite(version, tmp_path / "b") as b, Pymilvus() as pymilvus:
        assert a.port != b.port
        pymilvus.make(a.uri, "c", FIELDS, ROWS, INDEXES)
        assert pymilvus.collections(b.uri) == []
        pids, port = [a.process.pid, b.process.pid], a.port
        a.kill()
        assert start_time(pids[0]) is None
        a.start()
        assert a.port == port
        assert list(pymilvus.read(a.uri, "c").values()) == ROWS
        pids.append(a.process.pid)
    assert [start_time(pid) for pid in pids] == [None, None, None]


def test_a_failed_start_leaves_nothing(tmp_path):
    (tmp_path / "milvus.db").mkdir()
    server = MilvusLite("2.5.1", tmp_path)
    with pytest.raises(RuntimeError, match="ended while it started"):
        server.start()
    assert server.process is None
