"""kill -9 of godwit, and of the server, at random moments of the Milvus routes: lost 0, doubled 0, changed 0."""

import pathlib
import random
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymilvus import Collection, connections, db

import rows
from conftest import Godwit
from servers.milvus import MilvusServer

ROWS = 100_000
DIM = 32
TUNING = "tuning: {split: 2MiB, parallelism: 2, commit_every: 200ms, retry_for: 5m}\n"


def expect_simple(ids, ns, matrix, count=ROWS):
    """Distinct keys, and every value, of make_simple's rows."""
    assert len(ids) == count
    order = np.argsort(ids)
    ids = np.asarray(ids)[order]
    assert (ids == np.arange(count)).all()
    assert (np.asarray(ns)[order] == np.arange(count) * 3).all()
    assert matrix[order].tobytes() == rows.simple_vectors(range(count), DIM).tobytes()


def expect_parquet(folder):
    tables = [pq.read_table(f, partitioning=None) for f in sorted(pathlib.Path(folder).rglob("*.parquet"))]
    table = pa.concat_tables(tables).combine_chunks()
    vectors = table["v"].chunk(0).flatten().to_numpy().reshape(-1, DIM)
    expect_simple(table["id"].to_numpy(), table["n"].to_numpy(), vectors)


def expect_milvus(collection):
    collection.load()
    assert rows.count(collection) == ROWS
    ids, ns, vectors = [], [], []
    for first in range(0, ROWS, 10_000):
        for row in collection.query(f"id >= {first} and id < {first + 10_000}", output_fields=["id", "n", "v"],
                                    consistency_level="Strong"):
            ids.append(row["id"])
            ns.append(row["n"])
            vectors.append(row["v"])
    expect_simple(ids, ns, np.asarray(vectors, np.float32))


def run_with_kills(godwit, path, random_source, kills, longest):
    """Kills the run `kills` times, then lets it finish."""
    killed = 0
    for _ in range(kills):
        process = godwit.start("run", path)
        try:
            process.wait(timeout=random_source.uniform(0.05, longest))
        except Exception:  # still running, as wanted
            process.kill()
            killed += 1
        process.communicate()
        if process.returncode == 0:
            break
    result = godwit("run", path)
    assert result.code == 0, result
    return killed, result


@pytest.fixture(scope="module")
def source(milvus):
    connections.connect("crash", uri=milvus.uri)
    if "crash_src" not in db.list_database(using="crash"):
        db.create_database("crash_src", using="crash")
    connections.connect("crash_src", uri=milvus.uri, db_name="crash_src")
    return rows.make_simple("crash_src", "big", ROWS, dim=DIM)


def fresh_target(milvus, name):
    if name in db.list_database(using="crash"):
        connections.connect(name, uri=milvus.uri, db_name=name)
        Collection("big", using=name).drop()
        db.drop_database(name, using="crash")


def job(milvus, target):
    return (f'name: crash\nsource: {{store: milvus, url: "{milvus.uri}", database: crash_src}}\ntarget: {target}\n'
            "collections: [big]\n" + TUNING)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_to_parquet(tmp_path, milvus, source, seed):
    godwit = Godwit(tmp_path)
    path = godwit.job("job.yaml", job(milvus, "{store: files, path: out}"))
    run_with_kills(godwit, path, random.Random(seed), kills=2, longest=2.5)
    expect_parquet(tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_to_milvus(tmp_path, milvus, source, seed):
    fresh_target(milvus, "crash_dst")
    godwit = Godwit(tmp_path)
    path = godwit.job("job.yaml", job(milvus, f'{{store: milvus, url: "{milvus.uri}", database: crash_dst}}'))
    run_with_kills(godwit, path, random.Random(100 + seed), kills=2, longest=4)
    connections.connect("crash_dst", uri=milvus.uri, db_name="crash_dst")
    expect_milvus(Collection("big", using="crash_dst"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_with_new_ids(tmp_path, milvus, source, seed):
    """Rows that the target gives new keys can't be written twice without a trace: still each arrives once."""
    fresh_target(milvus, "crash_new")
    godwit = Godwit(tmp_path)
    path = godwit.job("job.yaml", job(milvus, f'{{store: milvus, url: "{milvus.uri}", database: crash_new}}')
                      + "auto_id: new\n")
    run_with_kills(godwit, path, random.Random(200 + seed), kills=3, longest=3)
    connections.connect("crash_new", uri=milvus.uri, db_name="crash_new")
    target = Collection("big", using="crash_new")
    assert target.schema.auto_id
    target.load()
    assert rows.count(target) == ROWS
    ns, vectors = [], []
    for first in range(0, ROWS, 10_000):
        for row in target.query(f"n >= {3 * first} and n < {3 * (first + 10_000)}", output_fields=["n", "v"],
                                consistency_level="Strong"):
            ns.append(row["n"])
            vectors.append(row["v"])
    expect_simple(np.asarray(ns) // 3, ns, np.asarray(vectors, np.float32))


@pytest.mark.full
@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("route", ["files", "milvus"])
def test_killed_many_times(tmp_path, milvus, source, route, seed):
    godwit = Godwit(tmp_path)
    random_source = random.Random(f"{route} {seed}")
    if route == "files":
        path = godwit.job("job.yaml", job(milvus, "{store: files, path: out}"))
        run_with_kills(godwit, path, random_source, kills=1, longest=4)
        expect_parquet(tmp_path / "out")
        return
    fresh_target(milvus, "crash_dst")
    path = godwit.job("job.yaml", job(milvus, f'{{store: milvus, url: "{milvus.uri}", database: crash_dst}}'))
    run_with_kills(godwit, path, random_source, kills=1, longest=8)
    connections.connect("crash_dst", uri=milvus.uri, db_name="crash_dst")
    expect_milvus(Collection("big", using="crash_dst"))


@pytest.mark.slow
@pytest.mark.parametrize("role", ["source", "target"])
def test_the_server_dies(tmp_path, milvus, source, role):
    """The other server is killed in the middle and started again: the run finishes by itself."""
    with MilvusServer(tmp_path / "other") as other:
        connections.connect("other", uri=other.uri)
        if role == "source":
            rows.make_simple("other", "big", ROWS, dim=DIM)
            fresh_target(milvus, "crash_dst")
            ends = (f'{{store: milvus, url: "{other.uri}"}}',
                    f'{{store: milvus, url: "{milvus.uri}", database: crash_dst}}')
        else:
            ends = (f'{{store: milvus, url: "{milvus.uri}", database: crash_src}}',
                    f'{{store: milvus, url: "{other.uri}"}}')
        godwit = Godwit(tmp_path)
        path = godwit.job("job.yaml", f"name: crash\nsource: {ends[0]}\ntarget: {ends[1]}\ncollections: [big]\n" + TUNING)
        process = godwit.start("run", path)
        copying = threading.Event()
        lines = []

        def watch():
            for line in process.stdout:
                lines.append(line)
                if '"copying"' in line and '"rows":0,' not in line:
                    copying.set()
            copying.set()

        watcher = threading.Thread(target=watch)
        watcher.start()
        assert copying.wait(60)
        other.kill()
        other.start()
        process.wait(timeout=400)
        watcher.join()
        stderr = process.stderr.read()
        assert process.returncode == 0, ("".join(lines)[-4000:], stderr[-4000:])
        if role == "source":
            connections.connect("crash_dst", uri=milvus.uri, db_name="crash_dst")
            expect_milvus(Collection("big", using="crash_dst"))
        else:
            connections.disconnect("other")
            connections.connect("other", uri=other.uri)
            expect_milvus(Collection("big", using="other"))
        connections.disconnect("other")


@pytest.mark.slow
def test_the_source_changes(tmp_path, milvus):
    """Inserts, upserts and deletes while it is copied: equal at the end, or exit 3; never a silent mix."""
    connections.connect("changing", uri=milvus.uri)
    for name in ("changing_src", "changing_dst"):
        if name not in db.list_database(using="changing"):
            db.create_database(name, using="changing")
        connections.connect(name, uri=milvus.uri, db_name=name)
    collection = rows.make_simple("changing_src", "big", ROWS, dim=DIM)
    godwit = Godwit(tmp_path)
    path = godwit.job("job.yaml",
                      f'name: changing\nsource: {{store: milvus, url: "{milvus.uri}", database: changing_src}}\n'
                      f'target: {{store: milvus, url: "{milvus.uri}", database: changing_dst}}\n' + TUNING)
    stop = threading.Event()

    def change():
        generator = random.Random(5)
        for round_number in range(20):
            if stop.is_set():
                return
            ids = [generator.randrange(ROWS) for _ in range(20)]
            collection.upsert([ids, [round_number] * 20, rows.simple_vectors(ids, DIM, seed=100 + round_number)])
            collection.delete(f"id in {[generator.randrange(ROWS) for _ in range(10)]}")
            collection.insert([[ROWS + round_number], [0], rows.simple_vectors([0], DIM)])
            time.sleep(0.1)

    changer = threading.Thread(target=change)
    process = godwit.start("run", path)
    changer.start()
    stdout, stderr = process.communicate(timeout=300)
    stop.set()
    changer.join()
    assert process.returncode in (0, 3), (stdout[-3000:], stderr[-3000:])
    if process.returncode == 3:
        again = godwit("run", path)
        assert again.code == 0, again
    want = rows.read_all(collection, "id", step=10_000)
    target = Collection("big", using="changing_dst")
    assert rows.count(target) == rows.count(collection) == len(want)
    have = rows.read_all(target, "id", step=10_000)
    assert set(have) == set(want)
    assert all(rows.bits(have[k]) == rows.bits(want[k]) for k in want)
