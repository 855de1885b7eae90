"""Job files that are wrong, through the command: each is refused with exit code 2 before anything is connected to.

The many mutants of every key are unit tests (src/config/load_test.cc); here a listener stands where the servers would
be.
"""

import queue
import socket
import sqlite3
import threading

import pytest


class Listener:
    """A port that counts who connects."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.peers = queue.Queue()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            connection, (_, port) = self.socket.accept()
            connection.close()
            self.peers.put(port)

    def connections(self):
        """How many came. What was begun before is accepted before a connection of our own."""
        with socket.create_connection(("127.0.0.1", self.port)) as own:
            count = 0
            while self.peers.get(timeout=30) != own.getsockname()[1]:
                count += 1
        return count


NATIVE = """name: job
source:
  store: milvus
  url: "http://127.0.0.1:PORT"
  timeout: 30s
target:
  store: milvus
  url: "http://127.0.0.1:PORT"
  database: copy
collections: [a, {source: b, target: c}]
"""
SEATUNNEL = """env {
  parallelism = 2
}
source {
  Milvus {
    url = "http://127.0.0.1:PORT"
    collections = ["a"]
  }
}
sink {
  Milvus {
    url = "http://127.0.0.1:PORT"
    data_save_mode = "DROP_DATA"
  }
}
"""
MILVUS2CSV = """milvus:
  host: '127.0.0.1'
  port: PORT
  token: 'root:Milvus'
export:
  collections:
    - 'test'
  max_line_in_file: 40000
  output_path: './output'
"""
FILES = {"godwit.yaml": NATIVE, "migration.conf": SEATUNNEL, "milvus2csv.yaml": MILVUS2CSV}

# file, what is replaced, by what, the line of the message, what it says
CASES = [
    ("godwit.yaml", "timeout:", "timout:", 5, ["timout", "did you mean 'timeout'?"]),
    ("godwit.yaml", "30s", "soon", 5, ["source.timeout", "soon"]),
    ("godwit.yaml", "30s", "1ms", 5, ["source.timeout"]),
    ("godwit.yaml", 'url: "http', 'url: "ftp', 4, ["url", "scheme", "http://host:19530"]),
    ("godwit.yaml", "  timeout: 30s", "  user: root", 5, ["user", "password"]),
    ("godwit.yaml", "  timeout: 30s", "  ca_pem_path: absent.pem", 4, ["https://"]),
    ("godwit.yaml", "  timeout: 30s", "\ttimeout: 30s", 5, ["tab"]),
    ("godwit.yaml", "  timeout: 30s", "  timeout: \udcff", 5, ["UTF-8"]),
    ("godwit.yaml", "database: copy", "url: x", 9, ["'url' is given twice", "line 8"]),
    ("godwit.yaml", "collections: [a,", "collections: [a, a,", 10, ["'a' is named twice"]),
    ("godwit.yaml", "target: c}]", "target: ''}]", 10, ["collections.target is empty"]),
    ("godwit.yaml", "target: c}]", "", 10, []),
    ("godwit.yaml", "name: job", "sync: {}", 1, ["unknown key 'sync'", "allowed: "]),
    ("migration.conf", "data_save_mode", "data_save_mod", 13, ["did you mean 'data_save_mode'?"]),
    ("migration.conf", "DROP_DATA", "DROP", 13, ["DROP_DATA", "APPEND_DATA", "ERROR_WHEN_DATA_EXISTS"]),
    ("migration.conf", "parallelism = 2", "parallelism = 0", 2, ["parallelism"]),
    ("migration.conf", 'url = "http', 'url = "ftp', 6, ["url", "scheme"]),
    ("milvus2csv.yaml", "host:", "hots:", 2, ["did you mean 'host'?"]),
    ("milvus2csv.yaml", "port: PORT", "port: 70000", 3, ["milvus.port"]),
    ("milvus2csv.yaml", "port: PORT", "port: [PORT]", 3, ["milvus.port", "list"]),
    ("milvus2csv.yaml", "40000", "0", 8, ["export.max_line_in_file"]),
    ("milvus2csv.yaml", "  output_path: './output'\n", "", 6, ["'output_path' is missing"]),
    ("milvus2csv.yaml", "export:", "exports:", 5, ["did you mean 'export'?"]),
    ("milvus2csv.yaml", "    - 'test'", "    - 'test'\n    - 'test'", 8, ["test' is named twice"]),
]


RUNS = [("run", *case) for case in CASES]
RUNS += [(verb, *case) for verb in ("plan", "check", "verify") for case in CASES[::6]]


@pytest.mark.parametrize("verb, name, old, new, line, words", RUNS)
def test_nothing_is_connected_to(godwit, tmp_path, verb, name, old, new, line, words):
    assert FILES[name].count(old) >= 1
    listener = Listener()
    text = FILES[name].replace(old, new, 1).replace("PORT", str(listener.port))
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = godwit(verb, path, json_output=False, timeout=60)
    assert result.code == 2, result
    assert f"{name}:{line}:" in result.stderr, result
    for word in words:
        assert word in result.stderr, (word, result)
    assert "root:Milvus" not in result.stderr
    assert listener.connections() == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize("name", FILES)
def test_the_listener_notices_a_good_file(godwit, tmp_path, name):
    listener = Listener()
    path = tmp_path / name
    path.write_text(FILES[name].replace("PORT", str(listener.port)))
    result = godwit("check", path, json_output=False, timeout=120)
    assert result.code == 4, result
    assert listener.connections() > 0


def test_plan_names_every_refusal(godwit, tmp_path):
    with sqlite3.connect(tmp_path / "in.db") as db:
        for table in ("one", "two", "three"):
            kind = "TEXT" if table == "two" else "DATETIME"
            db.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {table}_at {kind})")
    path = godwit.job("job.yaml", "source: {store: sqlite, path: in.db}\ntarget: {store: files, path: out}\n")
    result = godwit("plan", path, json_output=False)
    assert result.code == 1, result
    assert "one_at" in result.stderr and "three_at" in result.stderr and "two" not in result.stderr


# what is added to the job, its line that is wrong, what is said of it
SEEN_AT_THE_SOURCE = [
    ("create:\n  descriptions:\n    syntetic: text\n", 5, "did you mean 'synthetic'?"),
    ("exclude:\n- other\n", 4, "exclude: 'other' fits no collection"),
    ("allow_lossy:\n- synthetic\n- syntetic.id\n", 5, "allow_lossy: 'syntetic.id' names no collection"),
    ("allow_lossy:\n- synthetic\n- synthetic.idd\n", 5, "has no field 'idd'; did you mean 'id'?"),
    ("on_reject: continue\nrejects_file: absent/r.jsonl\n", 4, "there is no folder"),
]


@pytest.mark.parametrize("added, line, said", SEEN_AT_THE_SOURCE)
def test_settings_that_only_a_look_at_the_source_tells(godwit, tmp_path, added, line, said):
    """With all collections of the source, they may be right; where they are not, their line is told."""
    text = "source: {store: synthetic, rows: 5}\ntarget: {store: files, path: out}\n"
    path = godwit.job("job.yaml", text + added)
    for verb in ("plan", "run"):
        result = godwit(verb, path, json_output=False)
        assert result.code == 2 and said in result.stderr + result.stdout, result
        assert f"job.yaml:{line}:" in result.stderr + result.stdout, result
    assert not (tmp_path / "out").exists()


# an option of the files store, its line, what is said of it
FILES_OPTIONS = [
    ("  vectors:\n    v: 2\n    w: 2\n", 6, "vectors.w: no collection there has a field 'w'"),
    ("  types: {id: string,\n    naame: string}\n", 5, "did you mean 'name'?"),
    ("  format: csv\n  primary_key: idd\n", 5, "did you mean 'id'?"),
    ("  format: csv\n  delimiter: x\n", 5, "csv can't have it between its fields"),
]


@pytest.mark.parametrize("options, line, said", FILES_OPTIONS)
def test_options_that_only_the_files_tell(godwit, tmp_path, options, line, said):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "things.csv").write_text('id,name,v\n1,one,"[1,2]"\n')
    path = godwit.job("job.yaml", f"source:\n  store: files\n  path: in\n{options}target: {{store: sqlite, path: o.db}}\n")
    result = godwit("plan", path, json_output=False)
    assert result.code == 2 and said in result.stderr, result
    assert f"job.yaml:{line}:" in result.stderr, result
    result = godwit("check", path, json_output=False)
    assert result.code in (2, 4) and f"job.yaml:{line}:" in result.stdout + result.stderr, result
    assert not (tmp_path / "o.db").exists()
