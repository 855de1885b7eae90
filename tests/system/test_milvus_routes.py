"""Milvus -> Parquet and Milvus -> Milvus, every value of every type bit by bit, read by pymilvus and pyarrow."""

import json
import pathlib
import time

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, Partition, connections, utility

import rows
from servers.milvus import MilvusServer

DIM = 16


def make_all_types(alias, name="all_types", count=300):
    schema = CollectionSchema(
        [FieldSchema("id", DataType.INT64, is_primary=True), *rows.ALL_TYPES,
         FieldSchema("v", DataType.FLOAT_VECTOR, dim=DIM, description="the vector")],
        description="every type", enable_dynamic_field=True)
    collection = Collection(name, schema, using=alias, shards_num=2, consistency_level="Bounded",
                            properties={"collection.ttl.seconds": 864000})
    for partition in ("red", "blue"):
        collection.create_partition(partition)
    keys = [0, -1, 1, 2**63 - 2, -2**63, -2**63 + 1] + list(range(1000, 1000 + count))
    data = []
    for i, key in enumerate(keys):
        row = {"id": key, **rows.all_types_row(i), "v": rows.float_vector(i, DIM)}
        if i % 3 == 0:
            row["extra"] = rows.pick(rows.AWKWARD_STRINGS, i)
            row["more"] = {"n": i, "list": [1, None, "x"]}
        data.append(row)
    for at, partition in ((0, None), (1, "red"), (2, "blue")):
        collection.insert(data[at::3], partition_name=partition)
    collection.flush()
    collection.create_index("v", {"index_type": "HNSW", "metric_type": "COSINE",
                                  "params": {"M": 8, "efConstruction": 64}}, index_name="v_hnsw")
    collection.create_index("text", {"index_type": "Trie"}, index_name="text_trie")
    collection.create_index("i64", {"index_type": "STL_SORT"}, index_name="i64_sort")
    collection.load()
    utility.create_alias(name, f"{name}_alias", using=alias)
    return collection


def comparable(row):
    """A pymilvus row with dynamic fields apart, and bits instead of values."""
    return {key: rows.bits(json.loads(value) if key == "$meta" and isinstance(value, (str, bytes)) else value)
            for key, value in row.items()}


def test_every_type_to_milvus(godwit, milvus, databases):
    source = make_all_types(databases.connect(databases.source))
    result = godwit.run(databases.job())
    report = result.collection("all_types")
    assert report["verdict"] == "verified" and report["rows"] == 306 and report["duplicates"] == 0

    alias = databases.connect(databases.target)
    target = Collection("all_types", using=alias)
    for partition in ("_default", "red", "blue"):
        want = rows.read_all(source, "id", partition_names=[partition])
        have = rows.read_all(target, "id", partition_names=[partition])
        assert {k: comparable(r) for k, r in have.items()} == {k: comparable(r) for k, r in want.items()}
        assert len(want) == 102
    assert rows.count(target) == 306 == target.num_entities

    want, have = source.describe(), target.describe()
    for key in ("description", "fields", "enable_dynamic_field", "consistency_level", "properties"):
        assert have.get(key) == want.get(key), key
    assert target.num_shards == 2
    assert {a for a in target.aliases} == {"all_types_alias"}
    assert sorted(p.name for p in target.partitions) == ["_default", "blue", "red"]
    indexes = {i.index_name: (i.field_name, i.params) for i in target.indexes}
    assert indexes == {i.index_name: (i.field_name, i.params) for i in source.indexes}
    assert set(indexes) == {"v_hnsw", "text_trie", "i64_sort"}
    assert utility.load_state("all_types", using=alias).name == "Loaded"


def test_every_type_to_parquet(godwit, milvus, databases, tmp_path):
    source = make_all_types(databases.connect(databases.source))
    result = godwit.run(databases.job(target="{store: files, path: out, format: parquet}"))
    assert result.collection("all_types")["verdict"] == "verified"
    want = rows.read_all(source, "id")
    have = {}
    for file in sorted((tmp_path / "out").rglob("*.parquet")):
        table = pq.read_table(file, partitioning=None)
        assert str(table.schema.field("v").type).startswith("fixed_size_list")
        have.update({row["id"]: row for row in table.to_pylist()})
    assert len(have) == len(want) == 306
    for key, row in want.items():
        mine = have[key]
        declared = {field.name for field in source.schema.fields}
        # pymilvus spreads the dynamic fields over the row.
        assert json.loads(mine["$meta"]) == {name: row[name] for name in row if name not in declared | {"$meta"}}
        for name in declared:
            if name == "doc":
                assert json.loads(mine[name]) == row[name], key
            else:
                assert rows.bits(mine[name]) == rows.bits(row[name]), (key, name)
    manifests = list((tmp_path / "out").rglob("*godwit-manifest.json"))
    assert len(manifests) == 1

    # The same with the readers that users have.
    pattern = str(tmp_path / "out" / "**" / "*.parquet")
    frame = pd.concat(pd.read_parquet(f, partitioning=None) for f in sorted((tmp_path / "out").rglob("*.parquet")))
    assert {r["id"]: rows.bits(list(r["v"])) for r in frame.to_dict("records")} == {
        k: rows.bits(list(r["v"])) for k, r in want.items()}
    read = duckdb.sql(f"SELECT id, text, i64, v, doc FROM read_parquet('{pattern}', hive_partitioning = false)").fetchall()
    assert {r[0]: (r[1], r[2], rows.bits(list(r[3])), json.loads(r[4])) for r in read} == {
        k: (r["text"], r["i64"], rows.bits(list(r["v"])), r["doc"]) for k, r in want.items()}

    # And back again into Milvus.
    back = godwit.job("back.yaml", f'name: back\nsource: {{store: files, path: out}}\n'
                      f'target: {{store: milvus, url: "{milvus.uri}", database: {databases.target}}}\n')
    report = godwit.run(back).collection("all_types")
    assert report["verdict"] == "verified"
    target = Collection("all_types", using=databases.connect(databases.target))
    target.load()
    again = rows.read_all(target, "id")
    assert {k: comparable(r) for k, r in again.items()} == {k: comparable(r) for k, r in want.items()}
    assert {i.index_name for i in target.indexes} == {"v_hnsw", "text_trie", "i64_sort"}


@pytest.mark.parametrize("kind", ["varchar", "negative", "sparse", "dense"])
def test_keys(godwit, milvus, databases, kind):
    alias = databases.connect(databases.source)
    if kind == "varchar":
        key = FieldSchema("id", DataType.VARCHAR, max_length=1000, is_primary=True)
        keys = sorted({s for s in rows.AWKWARD_STRINGS} | {f"k{i:05d}" for i in range(3000)} |
                      {f'"{i}\\{i}\'' for i in range(300)})
    else:
        key = FieldSchema("id", DataType.INT64, is_primary=True)
        keys = {"negative": list(range(-5000, 5000, 3)),
                "sparse": [(i * 0x9E3779B97F4A7C15) % 2**64 - 2**63 for i in range(4000)],
                "dense": list(range(4000))}[kind]
    schema = CollectionSchema([key, FieldSchema("v", DataType.FLOAT_VECTOR, dim=8)])
    source = Collection("keys", schema, using=alias)
    source.insert([keys, rows.simple_vectors(range(len(keys)), 8)])
    source.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}})
    source.load()
    result = godwit.run(databases.job("tuning: {split: 64KiB, parallelism: 3}\n"))
    assert result.collection("keys")["rows"] == len(keys)
    target = Collection("keys", using=databases.connect(databases.target))
    assert rows.count(target) == len(keys)
    vectors = rows.simple_vectors(range(len(keys)), 8)
    for at in range(0, len(keys), 500):
        part = keys[at:at + 500]
        literal = "[" + ", ".join(json.dumps(k, ensure_ascii=False) if isinstance(k, str) else
                                  (str(k) if k > -2**63 else "-9223372036854775807 - 1") for k in part) + "]"
        if kind == "varchar" and any(ord(c) < 32 or c in "\u2028\ufeff\x7f" for k in part for c in k):
            continue  # compared below: pymilvus can't write such keys in an expression
        found = {r["id"]: r["v"] for r in target.query(f"id in {literal}", output_fields=["id", "v"])}
        assert set(found) == set(part)
        for offset, k in enumerate(part):
            assert np.asarray(found[k], np.float32).tobytes() == vectors[at + offset].tobytes()
    everything = target.query('id != "no such key"' if kind == "varchar" else "id < 9223372036854775807",
                              output_fields=["id"])
    assert sorted(r["id"] for r in everything) == sorted(keys)


def test_binary_vectors(godwit, milvus, databases):
    alias = databases.connect(databases.source)
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True),
                               FieldSchema("b", DataType.BINARY_VECTOR, dim=64)])
    source = Collection("bins", schema, using=alias)
    vectors = [bytes((i * 31 + k * 7) % 256 for k in range(8)) for i in range(500)]
    source.insert([list(range(500)), vectors])
    source.create_index("b", {"index_type": "BIN_FLAT", "metric_type": "HAMMING", "params": {}})
    source.load()
    godwit.run(databases.job())
    target = Collection("bins", using=databases.connect(databases.target))
    found = target.query("id >= 0", output_fields=["id", "b"])
    assert {r["id"]: bytes(r["b"][0]) for r in found} == dict(enumerate(vectors))


def test_partition_key_and_auto_id(godwit, milvus, databases):
    alias = databases.connect(databases.source)
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True, auto_id=True),
                               FieldSchema("tenant", DataType.VARCHAR, max_length=20, is_partition_key=True),
                               FieldSchema("v", DataType.FLOAT_VECTOR, dim=8)])
    source = Collection("tenants", schema, using=alias, num_partitions=7)
    source.insert([[f"tenant{i % 40}" for i in range(2000)], rows.simple_vectors(range(2000), 8)])
    source.create_index("v", {"index_type": "FLAT", "metric_type": "IP", "params": {}})
    source.load()
    report = godwit.run(databases.job()).collection("tenants")
    assert report["verdict"] == "verified"
    target = Collection("tenants", using=databases.connect(databases.target))
    assert not target.schema.auto_id and target.schema.fields[1].is_partition_key
    assert len(target.partitions) == 7
    want, have = rows.read_all(source, "id"), rows.read_all(target, "id")
    assert {k: comparable(r) for k, r in have.items()} == {k: comparable(r) for k, r in want.items()}

    # Written again, every row still lies where its partition key leads to.
    godwit.run(godwit.job("again.yaml", databases.job("if_not_empty: overwrite\n").replace("name: job", "name: again")))
    target.release()
    target.load()
    assert rows.count(target) == 2000
    for tenant in range(40):
        found = target.query(f'tenant == "tenant{tenant}"', output_fields=["id"], consistency_level="Strong")
        assert len(found) == 50, tenant


def test_new_ids(godwit, milvus, databases):
    """auto_id: new lets the target make the keys; everything else is equal."""
    alias = databases.connect(databases.source)
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True, auto_id=True),
                               FieldSchema("n", DataType.INT64), FieldSchema("v", DataType.FLOAT_VECTOR, dim=8)])
    source = Collection("auto", schema, using=alias)
    source.insert([list(range(3000)), rows.simple_vectors(range(3000), 8)])
    source.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}})
    source.load()
    report = godwit.run(databases.job("auto_id: new\n")).collection("auto")
    assert report["verdict"] == "verified" and report["rows"] == 3000
    target = Collection("auto", using=databases.connect(databases.target))
    assert target.schema.auto_id
    found = rows.read_all(target, "id")
    assert not set(found) & set(rows.read_all(source, "id"))
    assert sorted(r["n"] for r in found.values()) == list(range(3000))
    vectors = rows.simple_vectors(range(3000), 8)
    assert all(np.asarray(r["v"], np.float32).tobytes() == vectors[r["n"]].tobytes() for r in found.values())


def test_an_unloaded_source_is_loaded_and_released(godwit, milvus, databases):
    alias = databases.connect(databases.source)
    rows.make_simple(alias, "cold", 2000, dim=8, load=False)
    rows.make_simple(alias, "warm", 2000, dim=8)
    godwit.run(databases.job())
    state = lambda name, a: utility.load_state(name, using=a).name  # noqa: E731
    assert (state("cold", alias), state("warm", alias)) == ("NotLoad", "Loaded")
    target = databases.connect(databases.target)
    assert (state("cold", target), state("warm", target)) == ("NotLoad", "Loaded")
    refused = godwit("run", godwit.job("never.yaml", databases.job(
        "source_load: never\n", target="{store: files, path: never}").replace("name: job", "name: never")))
    assert refused.code == 1 and "not loaded" in refused.collection("cold")["error"]
    assert state("cold", alias) == "NotLoad"


def test_a_collection_without_an_index_is_refused(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "bare", 10, dim=8, index=False)
    result = godwit.run(databases.job(), expect=1)
    assert "index" in result.collection("bare")["error"]


def test_policies_of_a_target_with_data(godwit, milvus, databases):
    source = rows.make_simple(databases.connect(databases.source), "p", 1000, dim=8)
    alias = databases.connect(databases.target)
    target = rows.make_simple(alias, "p", 700, dim=8, first=600, seed=8)  # 400 keys in common, other vectors
    stopped = godwit.run(databases.job(), expect=1)
    assert "if_not_empty" in stopped.collection("p")["error"]
    assert rows.count(target) == 700
    godwit.run(godwit.job("o.yaml", databases.job("if_not_empty: overwrite\n").replace("name: job", "name: o")))
    assert rows.count(target) == 1300
    want, have = rows.read_all(source, "id"), rows.read_all(target, "id")
    assert {k: rows.bits(have[k]) for k in want} == {k: rows.bits(r) for k, r in want.items()}
    godwit.run(godwit.job("d.yaml", databases.job("if_not_empty: drop\n").replace("name: job", "name: d")))
    target = Collection("p", using=alias)
    assert rows.count(target) == 1000 == target.num_entities


def test_a_different_target_is_refused(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "d", 10, dim=8)
    rows.make_simple(databases.connect(databases.target), "d", 0, dim=16)
    result = godwit.run(databases.job(), expect=1)
    error = result.collection("d")["error"]
    assert "v" in error and "8" in error and "16" in error


def test_an_existing_target_is_emptied_and_keeps_its_schema(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "kept", 500, dim=8)
    alias = databases.connect(databases.target)
    other = rows.make_simple(databases.connect(databases.source), "other", 300, dim=8)
    names = [field.name for field in other.schema.fields]
    target = Collection("kept", other.schema, using=alias, shards_num=3)
    target.create_partition("mine")
    target.insert(list(rows.read_all(other, names[0]).values()))
    target.flush()
    target.create_index("v", {"index_type": "IVF_FLAT", "metric_type": "IP", "params": {"nlist": 7}}, index_name="mine")
    godwit.run(databases.job("collections: [kept]\nschema: existing\nif_not_empty: drop\n"))
    target = Collection("kept", using=alias)
    assert rows.count(target) == 500 == target.num_entities
    assert target.num_shards == 3
    assert sorted(p.name for p in target.partitions) == ["_default", "mine"]
    assert {i.index_name: i.params["index_type"] for i in target.indexes} == {"mine": "IVF_FLAT"}


@pytest.mark.parametrize("way", ["address", "alias"])
def test_the_source_is_never_its_own_target(godwit, milvus, databases, way):
    alias = databases.connect(databases.source)
    collection = rows.make_simple(alias, "self", 100, dim=8)
    utility.create_alias("self", "self_too", using=alias)
    url = milvus.uri.replace("127.0.0.1", "localhost") if way == "address" else milvus.uri
    target = "{source: self, target: self_too}" if way == "alias" else "self"
    job = godwit.job("self.yaml", f'name: self\nsource: {{store: milvus, url: "{milvus.uri}", database: {databases.source}}}\n'
                     f'target: {{store: milvus, url: "{url}", database: {databases.source}}}\n'
                     f'collections: [{target}]\nif_not_empty: drop\n')
    error = godwit.run(job, expect=2).collection("self")["error"]
    assert "same collection" in error
    assert rows.count(collection) == 100


def test_run_again_writes_nothing(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "again", 5000, dim=8)
    first = godwit.run(databases.job())
    target = Collection("again", using=databases.connect(databases.target))
    before = target.num_entities
    second = godwit.run(databases.job())
    for key in ("rows", "bytes", "digest", "verdict", "duplicates"):
        assert first.collection("again")[key] == second.collection("again")[key]
    target.flush()
    assert target.num_entities == before == 5000


def test_duplicate_keys_at_the_source(godwit, milvus, databases):
    alias = databases.connect(databases.source)
    source = rows.make_simple(alias, "dups", 20000, dim=8)
    for seed in (8, 9):
        rows.insert_simple(source, range(0, 20000, 2), 8, seed=seed)
        source.flush()
    stopped = godwit.run(databases.job(), expect=1)
    assert "repeat" in stopped.collection("dups")["error"]
    job = godwit.job("any.yaml", databases.job("duplicates: any\n", target="{store: files, path: any}")
                     .replace("name: job", "name: any"))
    report = godwit.run(job).collection("dups")
    assert report["rows"] == 20000 and report["duplicates"] == 20000
    assert report["duplicate_keys"]
    keys = [k for f in (pathlib.Path(godwit.folder) / "any").rglob("*.parquet")
            for k in pq.read_table(f, columns=["id"], partitioning=None)["id"].to_pylist()]
    assert len(keys) == len(set(keys)) == 20000

    # Keys that repeat hide no change of a key that does not.
    assert godwit("verify", job).code == 0
    source.upsert([[17], [51], rows.simple_vectors([4711], 8)])
    result = godwit("verify", job)
    assert result.code == 3
    assert [d["key"] for d in result.collection("dups")["differing_rows"]] == ["17"]


@pytest.mark.slow
def test_a_server_that_limits_the_rate(godwit, tmp_path):
    """2 MB/s of inserts and 40 queries a second: slower, and nothing else."""
    limits = {"quotaAndLimits.enabled": True, "quotaAndLimits.dml.enabled": True,
              "quotaAndLimits.dml.insertRate.max": 2, "quotaAndLimits.dml.upsertRate.max": 2,
              "quotaAndLimits.dql.enabled": True, "quotaAndLimits.dql.queryRate.max": 40}
    with MilvusServer(tmp_path / "limited", config=limits) as server:
        connections.connect("limited", uri=server.uri)
        text = (f'name: there\nsource: {{store: synthetic, rows: 60000, dim: 64}}\n'
                f'target: {{store: milvus, url: "{server.uri}"}}\n')
        begin = time.monotonic()
        assert godwit.run(godwit.job("there.yaml", text)).collection("synthetic")["rows"] == 60000
        seconds = time.monotonic() - begin
        assert seconds > 3  # 16 MB: it was limited indeed
        assert seconds < 90
        target = Collection("synthetic", using="limited")
        assert target.num_entities == 60000
        connections.disconnect("limited")


def test_verify_names_the_difference(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "vf", 3000, dim=8)
    godwit.run(databases.job())
    path = str(godwit.folder / "job.yaml")
    assert godwit("verify", path).code == 0
    target = Collection("vf", using=databases.connect(databases.target))
    target.delete("id in [17]")
    vector = rows.simple_vectors([99], 8)
    vector[0, 3] = np.nextafter(vector[0, 3], np.float32(9))
    target.upsert([[99], [297], vector])
    target.insert([[777777], [1], rows.simple_vectors([1], 8)])
    result = godwit("verify", path)
    assert result.code == 3, result
    found = {d["key"]: d for d in result.collection("vf")["differing_rows"]}
    assert {k: d["side"] for k, d in found.items()} == {
        "17": "only in source", "99": "different", "777777": "only in target"}
    assert [f["field"] for f in found["99"]["fields"]] == ["v"]
