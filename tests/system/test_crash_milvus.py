"""kill -9 of godwit, and of the server, at random moments of the Milvus routes: lost 0, doubled 0, changed 0."""

import json
import pathlib
import random
import sqlite3
import threading
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, db, utility

import rows
from conftest import Godwit
from servers.milvus import MilvusServer

ROWS = 100_000
LOGS = 60_000
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


@pytest.fixture(scope="module")
def logs(milvus, source):
    """id, year, txt, v and dynamic fields, which every third row lacks."""
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True), FieldSchema("year", DataType.INT64),
                               FieldSchema("txt", DataType.VARCHAR, max_length=50),
                               FieldSchema("v", DataType.FLOAT_VECTOR, dim=DIM)], enable_dynamic_field=True)
    collection = Collection("logs", schema, using="crash_src")
    vectors = rows.simple_vectors(range(LOGS), DIM)
    for first in range(0, LOGS, 5000):
        collection.insert([{"id": i, "year": 2000 + i % 20, "txt": f"t{i}", "v": vectors[i],
                            **({"color": f"c{i % 7}", "more": [i]} if i % 3 else {})}
                           for i in range(first, first + 5000)])
    collection.flush()
    collection.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}}, index_name="v")
    collection.load()


MAPPED = """collections:
- source: logs
  target: old
  filter: "year >= 2005"
  fields: {exclude: [year], rename: {txt: text}}
  meta: {spread: {color: {default: none, max_length: 20}}}
  constants: {tenant: {value: acme, max_length: 10}}
"""


@pytest.mark.slow
def test_a_mapped_job_is_killed(tmp_path, milvus, logs):
    if "crash_map" not in db.list_database(using="crash"):
        db.create_database("crash_map", using="crash")
    connections.connect("crash_map", uri=milvus.uri, db_name="crash_map")
    if "old" in utility.list_collections(using="crash_map"):
        utility.drop_collection("old", using="crash_map")
    godwit = Godwit(tmp_path)
    path = godwit.job("job.yaml", f'name: mapped\nsource: {{store: milvus, url: "{milvus.uri}", database: crash_src}}\n'
                      f'target: {{store: milvus, url: "{milvus.uri}", database: crash_map}}\n' + MAPPED + TUNING)
    killed, result = run_with_kills(godwit, path, random.Random(300), kills=3, longest=2)
    assert killed >= 1 and result.collection("old")["verdict"] == "verified"
    target = Collection("old", using="crash_map")
    want = [i for i in range(LOGS) if i % 20 >= 5]
    assert rows.count(target) == len(want)
    assert {field.name for field in target.schema.fields} == {"id", "text", "v", "color", "tenant"}
    vectors = rows.simple_vectors(range(LOGS), DIM)
    found = {}
    for first in range(0, LOGS, 5000):
        for row in target.query(f"id >= {first} and id < {first + 5000}", consistency_level="Strong",
                                output_fields=["id", "text", "v", "color", "tenant", "more"]):
            assert row["id"] not in found
            found[row["id"]] = row
    assert sorted(found) == want
    for i, row in found.items():
        assert (row["text"], row["tenant"]) == (f"t{i}", "acme")
        assert (row["color"], row.get("more")) == ((f"c{i % 7}", [i]) if i % 3 else ("none", None))
        assert np.asarray(row["v"], np.float32).tobytes() == vectors[i].tobytes()


@pytest.mark.slow
def test_refused_rows_are_listed_once_whatever_is_killed(tmp_path, milvus, source):
    """Milvus refuses vectors with NaN: each is listed exactly once, and every other row arrives once."""
    fresh_target(milvus, "crash_rej")
    vectors = rows.simple_vectors(range(ROWS), DIM)
    refused = [i for i in range(ROWS) if i % 97 == 5]
    vectors[refused, 3] = np.nan
    with sqlite3.connect(tmp_path / "in.db") as database:
        database.execute("CREATE TABLE big(id INTEGER PRIMARY KEY, n BIGINT NOT NULL, v BLOB NOT NULL)")
        database.executemany("INSERT INTO big VALUES(?, ?, ?)",
                             ((i, i * 3, vectors[i].tobytes()) for i in range(ROWS)))
    godwit = Godwit(tmp_path)
    path = godwit.job("job.yaml", "name: rejects\n"
                      f"source: {{store: sqlite, path: in.db, types: {{v: float_vector({DIM})}}}}\n"
                      f'target: {{store: milvus, url: "{milvus.uri}", database: crash_rej}}\n'
                      f"on_reject: continue\nmax_rejects: {len(refused)}\nrejects_file: refused.jsonl\n" + TUNING)
    killed, result = run_with_kills(godwit, path, random.Random(400), kills=4, longest=2)
    report = result.collection("big")
    assert killed >= 1
    assert (report["verdict"], report["rejects"], report["rows"]) == ("verified", len(refused), ROWS - len(refused))
    with open(tmp_path / "refused.jsonl", encoding="utf-8") as file:
        listed = [json.loads(line)["row"]["id"] for line in file]
    assert sorted(listed) == refused
    connections.connect("crash_rej", uri=milvus.uri, db_name="crash_rej")
    target = Collection("big", using="crash_rej")
    target.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}})
    target.load()
    assert rows.count(target) == ROWS - len(refused)
    found = {}
    for first in range(0, ROWS, 10_000):
        for row in target.query(f"id >= {first} and id < {first + 10_000}", output_fields=["id", "n", "v"],
                                consistency_level="Strong"):
            assert row["id"] not in found
            found[row["id"]] = row
    assert set(found) == set(range(ROWS)) - set(refused)
    for i, row in found.items():
        assert row["n"] == i * 3 and np.asarray(row["v"], np.float32).tobytes() == vectors[i].tobytes()


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
