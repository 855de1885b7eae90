"""What the system tests share: the real server, the built command, and a folder of their own."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from servers.milvus import MilvusServer  # noqa: E402
from servers.postgres import PostgresServer  # noqa: E402


class Result:
    """A finished run of the command."""

    def __init__(self, process, stdout, stderr):
        self.code = process.returncode
        self.stdout = stdout
        self.stderr = stderr

    @property
    def events(self):
        return [json.loads(line) for line in self.stdout.splitlines() if line.startswith("{")]

    @property
    def report(self):
        reports = [event for event in self.events if event.get("event") == "report"]
        assert reports, f"no report\n{self.stdout}\n{self.stderr}"
        return reports[-1]

    def collection(self, name):
        """The report of one collection, by the source's or the target's name."""
        found = [c for c in self.report["collections"]
                 if name in (c["source"], c["target"], c["source"].split(".")[-1], c["target"].split(".")[-1])]
        assert found, f"{name} is not in {self.report}"
        return found[0]

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.stdout[-6000:]}\n--- stderr\n{self.stderr[-6000:]}"


class Godwit:
    """The command, with a state folder of its own."""

    def __init__(self, folder):
        self.binary = os.environ.get("GODWIT_BINARY", str(ROOT / "build" / "godwit"))
        self.folder = pathlib.Path(folder)
        self.state_dir = self.folder / "state"

    def job(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def start(self, *arguments, env=None, json_output=True, state=True):
        command = [self.binary, *map(str, arguments)]
        if state:
            command += ["--state-dir", str(self.state_dir)]
        if json_output:
            command += ["--json"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, cwd=self.folder, env={**os.environ, **(env or {})})

    def __call__(self, *arguments, timeout=300, **options):
        process = self.start(*arguments, **options)
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            stdout, stderr = process.communicate()
            pytest.fail(f"godwit {arguments} did not end within {timeout} s\n{stdout[-3000:]}\n{stderr[-3000:]}")
        return Result(process, stdout, stderr)

    def run(self, job, expect=0, **options):
        """Runs a job given as text or as a path, and checks its exit code."""
        path = job if os.path.exists(job) else self.job("job.yaml", job)
        result = self("run", path, **options)
        assert result.code == expect, result
        return result


@pytest.fixture
def godwit(tmp_path):
    return Godwit(tmp_path)


@pytest.fixture(scope="session")
def milvus(tmp_path_factory):
    """One server for all tests that do not harm it. Each uses a database of its own."""
    with MilvusServer(tmp_path_factory.mktemp("milvus")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres():
    """One server for all tests. Each uses schemas of its own."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def databases(milvus, request):
    """Two fresh databases, (source, target), and a way to connect to each by pymilvus."""
    from pymilvus import MilvusClient, connections, db, utility

    alias = "admin"
    connections.connect(alias, uri=milvus.uri)
    stem = f"t{abs(hash(request.node.nodeid)) % 10**9}"
    names = (f"{stem}_src", f"{stem}_dst")
    for name in names:
        if name not in db.list_database(using=alias):
            db.create_database(name, using=alias)
    yield Databases(milvus, *names)
    for name in names:
        connections.connect(name, uri=milvus.uri, db_name=name)
        for collection in utility.list_collections(using=name):
            for alias_name in utility.list_aliases(collection, using=name):
                utility.drop_alias(alias_name, using=name)
            utility.drop_collection(collection, using=name)
        connections.disconnect(name)
        db.drop_database(name, using=alias)
    connections.disconnect(alias)


class Databases:
    def __init__(self, server, source, target):
        self.server = server
        self.source = source
        self.target = target

    def connect(self, database):
        from pymilvus import connections

        connections.connect(database, uri=self.server.uri, token=self.server.token, db_name=database)
        return database

    def job(self, extra="", collections=None, target=None):
        """A godwit.yaml from the source database to the target database, or to another target."""
        names = "" if collections is None else f"collections: {json.dumps(collections)}\n"
        target = target or f'{{store: milvus, url: "{self.server.uri}", database: {self.target}}}'
        return (f'name: job\nsource: {{store: milvus, url: "{self.server.uri}", database: {self.source}}}\n'
                f"target: {target}\n{names}{extra}")
