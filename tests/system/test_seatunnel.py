"""SeaTunnel's migration.conf, as printed in its document."""

import json

import pytest
from pymilvus import Collection, DataType, FieldSchema, CollectionSchema, connections, db, utility

import rows

TEMPLATE = """env {
  parallelism = 1   # Concurrency level. We recommend setting this to 1 initially.
  job.mode = "BATCH" # Batch processing mode.
}

source {
  Milvus {
    url = "%(url)s" # An internal endpoint is supported.
    token = "root:Milvus"
    database = "%(source)s" # The database to migrate from. Defaults to `default`.
    %(collections)s
    batch_size = 10000 # Entities to read per batch. Increase this for large collections.
  }
}

sink {
  Milvus {
    url = "%(url)s"
    token = "root:Milvus"
    database = "%(target)s"
    batch_size = 1000
    enable_auto_id = false # Set to false to preserve auto-generated IDs from the source.
    %(sink)s
  }
}
"""


def conf(databases, collections='collections = ["col_a", "col_b"]', sink=""):
    return TEMPLATE % {"url": databases.server.uri, "source": databases.source, "target": databases.target,
                       "collections": collections, "sink": sink}


def auto_id_collection(alias, name, count):
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True, auto_id=True),
                               FieldSchema("v", DataType.FLOAT_VECTOR, dim=8)])
    collection = Collection(name, schema, using=alias)
    collection.insert([rows.simple_vectors(range(count), 8)])
    collection.create_index("v", {"index_type": "IVF_FLAT", "metric_type": "L2", "params": {"nlist": 16}})
    collection.load()
    return collection


def test_as_printed(godwit, milvus, databases):
    alias = databases.connect(databases.source)
    a = auto_id_collection(alias, "col_a", 3000)
    rows.make_simple(alias, "col_b", 2000, dim=8)
    rows.make_simple(alias, "col_c", 10, dim=8)
    job = godwit.job("migration.conf", conf(databases))
    result = godwit("run", "--config", job, "-m", "local")
    assert result.code == 0, result
    assert result.report["dialect"] == "migration.conf"
    target = databases.connect(databases.target)
    assert sorted(utility.list_collections(using=target)) == ["col_a", "col_b"]
    copy = Collection("col_a", using=target)
    assert not copy.schema.auto_id
    copy.load()
    assert set(rows.read_all(copy, "id")) == set(rows.read_all(a, "id"))


@pytest.mark.parametrize("collections", ["", "collections = []"], ids=["left_out", "empty"])
def test_all_collections(godwit, milvus, databases, collections):
    alias = databases.connect(databases.source)
    for n in range(7):  # the original stops at five
        rows.make_simple(alias, f"c{n}", 100, dim=8, load=n % 2 == 0, flush=n == 0)
    result = godwit("run", "--config", godwit.job("migration.conf", conf(databases, collections)))
    assert result.code == 0, result
    assert len(result.report["collections"]) == 7
    assert "locally" in result.stdout + result.stderr
    states = {n: utility.load_state(f"c{n}", using=alias).name for n in range(7)}
    assert states == {n: "Loaded" if n % 2 == 0 else "NotLoad" for n in range(7)}


def test_sink_options(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "col_a", 500, dim=8)
    sink = """
    schema_save_mode = "CREATE_SCHEMA_WHEN_NOT_EXIST"
    data_save_mode = "APPEND_DATA"
    enable_upsert = true
    create_index = true
    load_collection = true
    shard_num = 2
    consistency_level = "Strong"
    collection_rename = { col_a = col_z }
    collection_description = { col_a = "moved" }
    """
    target = databases.connect(databases.target)
    existing = rows.make_simple(target, "col_z", 100, dim=8, first=450, seed=9, load=False)
    job = godwit.job("migration.conf", conf(databases, 'collections = ["col_a"]', sink))
    result = godwit("run", job)
    assert result.code == 0, result
    assert rows.count(existing) == 550


def test_environment_and_modes(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "col_a", 500, dim=8)
    text = conf(databases, 'collections = ["col_a"]', 'data_save_mode = "ERROR_WHEN_DATA_EXISTS"')
    text = text.replace(f'"{databases.server.uri}"', "${?SOURCE_URL}", 1)
    job = godwit.job("migration.conf", text)
    missing = godwit("run", job)
    assert missing.code == 2 and "url" in missing.stdout + missing.stderr
    assert godwit("run", job, env={"SOURCE_URL": databases.server.uri}).code == 0
    again = godwit.job("again.conf", text)
    refused = godwit("run", again, env={"SOURCE_URL": databases.server.uri})
    assert refused.code == 1 and "500 rows" in refused.collection("col_a")["error"]
    dropped = godwit.job("drop.conf", text.replace("ERROR_WHEN_DATA_EXISTS", "DROP_DATA"))
    assert godwit("run", dropped, env={"SOURCE_URL": databases.server.uri}).code == 0


def test_new_ids(godwit, milvus, databases):
    alias = databases.connect(databases.source)
    auto_id_collection(alias, "col_a", 1000)
    job = godwit.job("migration.conf",
                     conf(databases, 'collections = ["col_a"]').replace("enable_auto_id = false", "enable_auto_id = true"))
    assert godwit("run", job).code == 0
    target = Collection("col_a", using=databases.connect(databases.target))
    assert target.schema.auto_id


@pytest.mark.parametrize("change, expected", [
    (("batch_size = 1000\n", "batch_sise = 1000\n"), ["batch_sise", "batch_size"]),
    (('job.mode = "BATCH"', 'job.mode = "STREAMING"'), ["STREAMING", "BATCH"]),
    (("batch_size = 1000\n", 'batch_size = "many"\n'), ["batch_size"]),
    (("enable_auto_id = false", "enable_auto_id = maybe"), ["enable_auto_id"]),
    (("sink {", "sinks {"), ["sinks", "sink"]),
    (("Milvus {", "Jdbc {"), ["Jdbc"]),
    (("batch_size = 1000\n", 'schema_save_mode = "DROP"\n'), ["schema_save_mode", "RECREATE_SCHEMA"]),
])
def test_bad_files(godwit, change, expected, tmp_path):
    """Refused before any connection: nobody listens at that address."""
    class Nowhere:
        class server:
            uri = "http://127.0.0.1:9"
        source = target = "default"
    text = conf(Nowhere)
    assert change[0] in text
    result = godwit("run", godwit.job("migration.conf", text.replace(*change)), timeout=20, json_output=False)
    assert result.code == 2, result
    assert "migration.conf:" in result.stderr
    for word in expected:
        assert word in result.stderr
    assert not (tmp_path / "state").exists()
