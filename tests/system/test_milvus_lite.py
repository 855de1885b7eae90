"""Types that Milvus 2.3 has not, on servers that have them: Milvus Lite 2.5.1 (sparse, float16, bfloat16 vectors, many
vectors in one collection) and 3.2.2 (nullable fields, default values). Read bit by bit by a newer pymilvus, pyarrow and
sqlite3.

No server that starts here has int8 vectors: Milvus Lite 2.5.1 answers "unsupported scalar type", 3.2.2 has only float and
sparse vectors. Nullable fields: 2.5.1 answers "doesn't support nullable".
"""

import itertools
import json
import sqlite3
import struct

import numpy as np
import pyarrow.parquet as pq
import pytest
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema

import rows
from servers.milvus_lite import MilvusLite, Pymilvus

COUNT = 400
DIM = 8
SCALARS = [(field.name, field.dtype.name,
            {**field.params, **({"element_type": field.element_type.name} if field.dtype == DataType.ARRAY else {})})
           for field in rows.ALL_TYPES]
VECTORS = [("v", "FLOAT_VECTOR", {"dim": DIM, "description": "the vector"}), ("h", "FLOAT16_VECTOR", {"dim": DIM}),
           ("b", "BFLOAT16_VECTOR", {"dim": DIM}), ("x", "BINARY_VECTOR", {"dim": 64}),
           ("s", "SPARSE_FLOAT_VECTOR", {})]
KEY = [("id", "INT64", {"is_primary": True})]
INDEXES = [{"field_name": "v", "index_type": "IVF_FLAT", "metric_type": "COSINE", "params": {"nlist": 16}},
           {"field_name": "h", "index_type": "FLAT", "metric_type": "L2"},
           {"field_name": "b", "index_type": "FLAT", "metric_type": "IP"},
           {"field_name": "x", "index_type": "BIN_FLAT", "metric_type": "JACCARD"},
           {"field_name": "s", "index_type": "SPARSE_INVERTED_INDEX", "metric_type": "IP"}]
EVERY_KEY = "id < 9223372036854775807"
KINDS = {name: kind for name, kind, _ in KEY + SCALARS + VECTORS}


@pytest.fixture(scope="module")
def pymilvus():
    with Pymilvus() as client:
        yield client


@pytest.fixture(scope="module")
def lite(tmp_path_factory):
    with MilvusLite("2.5.1", tmp_path_factory.mktemp("lite")) as server:
        yield server


@pytest.fixture(scope="module")
def other_lite(tmp_path_factory):
    with MilvusLite("2.5.1", tmp_path_factory.mktemp("other_lite")) as server:
        yield server


@pytest.fixture(scope="module")
def lite3(tmp_path_factory):
    with MilvusLite("3.2.2", tmp_path_factory.mktemp("lite3")) as server:
        yield server


def halves(i, exponent_bits):
    """Finite 16-bit floats of every kind, by their bits: denormal, negative zero, the greatest, random."""
    fraction = 15 - exponent_bits
    infinity = ((1 << exponent_bits) - 1) << fraction
    patterns = np.random.default_rng(i).integers(0, 1 << 16, DIM, dtype=np.uint16)
    patterns = np.where((patterns & infinity) == infinity, patterns & 0x8000, patterns).astype(np.uint16)
    patterns[i % DIM] = rows.pick([0x8000, 1, 0x8001, infinity - 1, 0x8000 | (infinity - 1), 0], i)
    return patterns.tobytes()


def sparse(i):
    """Empty, one value, the greatest index that pymilvus takes, many, and values of every kind."""
    if i % 10 == 0:
        return {}
    if i % 10 == 1:
        return {rows.pick([0, 1, 2**31, 2**32 - 2], i // 10): float(np.float32(rows.pick(rows.FLOATS, i // 10)))}
    length = 3000 if i % 100 == 2 else i % 50 + 1
    indexes = np.unique(np.random.default_rng(i).integers(0, 2**32 - 1, length))
    return {int(index): float(np.float32(rows.pick(rows.FLOATS, i + k) if k % 3 else k)) for k, index in
            enumerate(indexes)}


def row_of(key, i):
    row = {"id": key, **rows.all_types_row(i), "v": rows.float_vector(i, DIM).tolist(), "h": halves(i, 5),
           "b": halves(i, 8), "x": bytes((i * 31 + k * 7) % 256 for k in range(8)), "s": sparse(i)}
    if i % 3 == 0:
        row |= {"extra": rows.pick(rows.AWKWARD_STRINGS, i), "more": {"n": i, "list": [1, None, "x"]}}
    return row


def values(value, kind):
    """A value by its bits, however the reader gives it."""
    if value is None:
        return None
    if kind == "SPARSE_FLOAT_VECTOR":
        if isinstance(value, bytes):
            value = dict(struct.iter_unpack("<If", value))
        pairs = value.items() if isinstance(value, dict) else [(pair["index"], pair["value"]) for pair in value]
        return [(int(index), struct.pack("<f", number)) for index, number in pairs]
    if kind.endswith("_VECTOR") and not isinstance(value, bytes):
        return np.asarray(value, {"FLOAT_VECTOR": np.float32, "FLOAT16_VECTOR": np.float16}[kind]).tobytes()
    return rows.bits(value)


def bits_of(found, kinds):
    """Rows of pymilvus, which spreads the dynamic fields over them."""
    return {key: {name: values(value, kinds.get(name, "JSON")) for name, value in row.items()}
            for key, row in found.items()}


def of_columns(found, kinds, parsed=()):
    """Rows of a reader of columns, as pymilvus gives them. parsed: types that are JSON text there."""
    result = {}
    for row in found:
        row = dict(row)
        spread = json.loads(row.pop("$meta", None) or "{}")
        for name, value in row.items():
            if kinds[name] in ("JSON", *parsed) and value is not None:
                # -0 is a whole number for Python's module.
                row[name] = json.loads(value, parse_int=float if name in ("floats", "doubles") else int)
        if "ARRAY" in parsed:
            row["floats"] = [float(np.float32(value)) for value in row["floats"]]
        result[row["id"]] = {name: values(value, kinds.get(name, "JSON")) for name, value in (row | spread).items()}
    assert len(result) == len(found)
    return result


def parquet_rows(folder):
    files = sorted(folder.rglob("*.parquet"))
    assert files
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def sqlite_rows(path, table):
    with sqlite3.connect(path) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f'SELECT * FROM "{table}"')]


def store(server):
    return f'{{store: milvus, url: "{server.uri}"}}'


def job(source, target, extra="", name="job"):
    return f"name: {name}\nsource: {source}\ntarget: {target}\n{extra}"


@pytest.fixture(scope="module")
def all_types(lite, pymilvus):
    """Every type that 2.5.1 has, in one collection of five vectors; {key: row} by their bits."""
    keys = [0, -1, 1, 2**63 - 2, -2**63, -2**63 + 1] + list(range(1000, 1000 + COUNT))
    pymilvus.make(lite.uri, "all_types", KEY + SCALARS + VECTORS, [row_of(key, i) for i, key in enumerate(keys)],
                  INDEXES, dynamic=True, description="every type")
    found = bits_of(pymilvus.read(lite.uri, "all_types", filter=EVERY_KEY), KINDS)
    # The server has what it was given.
    assert found == bits_of({key: row_of(key, i) for i, key in enumerate(keys)}, KINDS)
    return found


def test_every_type_to_parquet_and_back(godwit, lite, other_lite, pymilvus, all_types, tmp_path):
    report = godwit.run(job(store(lite), "{store: files, path: out}", "collections: [all_types]\n"))
    assert report.collection("all_types")["verdict"] == "verified"
    assert of_columns(parquet_rows(tmp_path / "out"), KINDS) == all_types
    godwit.run(job("{store: files, path: out}", store(other_lite), "if_not_empty: drop\n", "back"))
    check_copy(pymilvus, lite, other_lite, all_types)


def test_every_type_to_sqlite_and_back(godwit, lite, other_lite, pymilvus, all_types, tmp_path):
    godwit.run(job(store(lite), "{store: sqlite, path: o.db}", "collections: [all_types]\n"))
    assert of_columns(sqlite_rows(tmp_path / "o.db", "all_types"), KINDS, parsed=("ARRAY",)) == all_types
    godwit.run(job("{store: sqlite, path: o.db}", store(other_lite), "if_not_empty: drop\n", "back"))
    check_copy(pymilvus, lite, other_lite, all_types)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_every_type_to_text_and_back(godwit, lite, other_lite, pymilvus, all_types, form):
    godwit.run(job(store(lite), f"{{store: files, path: out, format: {form}}}", "collections: [all_types]\n"))
    godwit.run(job(f"{{store: files, path: out, format: {form}}}", store(other_lite), "if_not_empty: drop\n", "back"))
    check_copy(pymilvus, lite, other_lite, all_types)


def test_every_type_to_another_server(godwit, lite, other_lite, pymilvus, all_types):
    text = job(store(lite), store(other_lite), "collections: [all_types]\nif_not_empty: drop\n"
               "tuning: {split: 64KiB, batch: 16KiB, parallelism: 3}\n")
    report = godwit.run(text).collection("all_types")
    assert report["verdict"] == "verified" and report["rows"] == len(all_types)
    check_copy(pymilvus, lite, other_lite, all_types)
    verified = godwit("verify", godwit.job("job.yaml", text))
    assert verified.code == 0, verified


def test_to_another_name_and_never_onto_itself(godwit, lite, pymilvus, all_types):
    renamed = 'collections: [{source: all_types, target: "copy"}]\n'
    godwit.run(job(store(lite), store(lite), renamed))
    assert bits_of(pymilvus.read(lite.uri, "copy", filter=EVERY_KEY), KINDS) == all_types
    # Both exist now, and Milvus Lite gives neither an id.
    again = godwit.run(job(store(lite), store(lite), renamed, "again"), expect=1)
    assert "if_not_empty" in again.collection("copy")["error"]
    pymilvus.drop(lite.uri, "copy")
    itself = godwit("run", godwit.job("itself.yaml", job(store(lite), store(lite), "collections: [all_types]\n"
                                                         "if_not_empty: drop\n", "itself")))
    assert itself.code != 0 and "same" in itself.stdout + itself.stderr, itself
    assert pymilvus.count(lite.uri, "all_types") == len(all_types)


def check_copy(pymilvus, lite, target, all_types):
    have = pymilvus.read(target.uri, "all_types", filter=EVERY_KEY)
    assert bits_of(have, KINDS) == all_types
    assert pymilvus.count(target.uri, "all_types") == len(all_types)
    assert pymilvus.describe(target.uri, "all_types") == pymilvus.describe(lite.uri, "all_types")
    assert pymilvus.indexes(target.uri, "all_types") == pymilvus.indexes(lite.uri, "all_types")


def test_many_sparse_vectors_in_many_ranges(godwit, lite, other_lite, pymilvus):
    generator = np.random.default_rng(3)
    made = []
    for i in range(6000):
        indexes = np.unique(generator.integers(0, 2**32 - 1, 60))
        numbers = generator.standard_normal(len(indexes)).astype(np.float32)
        made.append({"id": f"k{i:05d}", "s": dict(zip(indexes.tolist(), numbers.tolist()))})
    fields = [("id", "VARCHAR", {"is_primary": True, "max_length": 100}), ("s", "SPARSE_FLOAT_VECTOR", {})]
    pymilvus.make(lite.uri, "many", fields, made, INDEXES[-1:])
    text = job(store(lite), store(other_lite), "collections: [many]\n"
               "tuning: {split: 512KiB, batch: 64KiB, parallelism: 3}\n")
    report = godwit.run(text).collection("many")
    assert report["verdict"] == "verified" and report["rows"] == 6000
    kinds = {"id": "VARCHAR", "s": "SPARSE_FLOAT_VECTOR"}
    want = bits_of({row["id"]: row for row in made}, kinds)
    assert bits_of(pymilvus.read(other_lite.uri, "many", filter='id >= ""'), kinds) == want


def test_default_values_that_2_5_1_keeps(godwit, lite, other_lite, pymilvus):
    fields = [*KEY, ("n", "INT64", {"default_value": -7}), ("f", "FLOAT", {"default_value": 0.1}),
              ("t", "VARCHAR", {"max_length": 50, "default_value": 'say "é"'}),
              ("flag", "BOOL", {"default_value": True}), ("v", "FLOAT_VECTOR", {"dim": DIM})]
    # All of them given: 2.5.1 dies of a row without one.
    made = [{"id": i, "n": i, "f": 0.5, "t": "", "flag": False, "v": rows.float_vector(i, DIM).tolist()}
            for i in range(50)]
    pymilvus.make(lite.uri, "defaults", fields, made, [{"field_name": "v", "index_type": "FLAT", "metric_type": "L2"}])
    godwit.run(job(store(lite), store(other_lite), "collections: [defaults]\n"))
    want = pymilvus.describe(lite.uri, "defaults")
    assert sum("default_value" in field for field in want.values()) == 4
    assert pymilvus.describe(other_lite.uri, "defaults") == want
    assert rows.bits(pymilvus.read(other_lite.uri, "defaults")) == rows.bits({row["id"]: row for row in made})


NULLABLE = [
    ("n64", "INT64", {"nullable": True, "description": "gone at 3.2.2"}),
    ("n32", "INT32", {"nullable": True, "default_value": -32}), ("n16", "INT16", {"nullable": True}),
    ("n8", "INT8", {"nullable": True, "default_value": 8}), ("must8", "INT8", {"default_value": -8}),
    ("flag", "BOOL", {"nullable": True, "default_value": True}), ("f", "FLOAT", {"nullable": True}),
    ("f1", "FLOAT", {"nullable": True, "default_value": 0.1}), ("d", "DOUBLE", {"nullable": True}),
    ("d1", "DOUBLE", {"default_value": 1e-300}), ("t", "VARCHAR", {"nullable": True, "max_length": 3000}),
    ("t1", "VARCHAR", {"max_length": 100, "default_value": 'it\'s "é"\n'}), ("doc", "JSON", {"nullable": True}),
    ("ints", "ARRAY", {"nullable": True, "element_type": "INT64", "max_capacity": 20}),
    ("words", "ARRAY", {"nullable": True, "element_type": "VARCHAR", "max_capacity": 20, "max_length": 2000}),
    ("v", "FLOAT_VECTOR", {"dim": DIM}), ("s", "SPARSE_FLOAT_VECTOR", {}),
]
NULLABLE_KINDS = {name: kind for name, kind, _ in KEY + NULLABLE}
NULLABLE_INDEXES = [{"field_name": "v", "index_type": "FLAT", "metric_type": "L2"},
                    {"field_name": "s", "index_type": "SPARSE_INVERTED_INDEX", "metric_type": "IP"},
                    {"field_name": "t", "index_type": "INVERTED"}]


def nullable_row(i):
    given = {"n64": rows.pick([-2**63, 0, 2**63 - 1], i), "n32": 2**31 - 1, "n16": -2**15, "n8": 0, "must8": 1,
             "flag": False, "f": float(np.float32(rows.pick(rows.FLOATS, i))), "f1": 0.0,
             "d": rows.pick(rows.DOUBLES, i), "d1": -0.0, "t": rows.pick(rows.AWKWARD_STRINGS, i), "t1": "",
             "doc": rows.pick(rows.AWKWARD_JSON, i), "ints": list(range(i % 4)),
             "words": [rows.pick(rows.AWKWARD_STRINGS, i + k) for k in range(i % 3)]}
    generator = np.random.default_rng(i)
    for name in list(given):
        chance = generator.integers(0, 4) if i > 2 else i  # all given, all null, all left out, then any
        if chance == 1:
            given[name] = None
        elif chance == 2:
            del given[name]
    return {"id": i, **given, "v": rows.float_vector(i, DIM).tolist(),
            "s": {int(k): float(np.float32(i + 1)) for k in generator.integers(0, 2**32 - 1, 5)}}


@pytest.fixture(scope="module")
def nullable(lite3, pymilvus):
    pymilvus.make(lite3.uri, "nullable", KEY + NULLABLE, [nullable_row(i) for i in range(150)], NULLABLE_INDEXES)
    found = pymilvus.read(lite3.uri, "nullable")
    assert len(found) == 150
    for name, _, settings in NULLABLE:  # a null becomes the default value, where there is one
        nulls = sum(row[name] is None for row in found.values())
        assert (nulls > 20) == (settings.get("nullable", False) and "default_value" not in settings), name
    return bits_of(found, NULLABLE_KINDS)


def test_nulls_and_default_values(godwit, lite3, pymilvus, nullable, tmp_path):
    only = "collections: [nullable]\n"
    godwit.run(job(store(lite3), "{store: files, path: out}", only, "parquet"))
    assert of_columns(parquet_rows(tmp_path / "out"), NULLABLE_KINDS) == nullable
    routes = {"parquet": "{store: files, path: out}", "jsonl": "{store: files, path: j, format: jsonl}",
              "csv": "{store: files, path: c, format: csv}", "sqlite": "{store: sqlite, path: o.db}"}
    described = pymilvus.describe(lite3.uri, "nullable")
    assert sum("default_value" in field for field in described.values()) == 7
    assert sum(field.get("nullable", False) for field in described.values()) == 12
    for name, between in {**routes, "itself": store(lite3)}.items():
        if name not in ("itself", "parquet"):
            godwit.run(job(store(lite3), between, only, name))
        report = godwit.run(job(between, store(lite3), f"collections: [{{source: nullable, target: from_{name}}}]\n",
                                f"from_{name}")).collection("nullable")
        assert report["verdict"] == "verified" and report["rows"] == 150
        assert bits_of(pymilvus.read(lite3.uri, f"from_{name}"), NULLABLE_KINDS) == nullable, name
        assert pymilvus.describe(lite3.uri, f"from_{name}") == described, name
        assert pymilvus.indexes(lite3.uri, f"from_{name}") == pymilvus.indexes(lite3.uri, "nullable"), name


def test_a_null_that_the_server_would_replace_is_refused(godwit, lite3, pymilvus, nullable, tmp_path):
    """Where a field has a default value, Milvus takes a null for it."""
    godwit.run(job(store(lite3), "{store: sqlite, path: n.db}", "collections: [nullable]\n"))
    with sqlite3.connect(tmp_path / "n.db") as db:
        db.execute("UPDATE nullable SET n32 = NULL WHERE id IN (3, 50)")
    text = job("{store: sqlite, path: n.db}", store(lite3),
               "collections: [{source: nullable, target: no_nulls}]\non_reject: continue\n", "nulls")
    result = godwit.run(text)
    assert (result.collection("no_nulls")["rejects"], result.collection("no_nulls")["rows"]) == (2, 148)
    with open(result.report["rejects_file"], encoding="utf-8") as file:
        listed = {line["row"]["id"]: line["reason"] for line in map(json.loads, file)}
    assert sorted(listed) == [3, 50]
    assert all("'n32'" in reason and "default value" in reason for reason in listed.values())
    want = {key: row for key, row in nullable.items() if key not in listed}
    assert bits_of(pymilvus.read(lite3.uri, "no_nulls"), NULLABLE_KINDS) == want


def test_partitions_of_3_2_2(godwit, lite3, pymilvus):
    made = [{"id": i, "v": rows.float_vector(i, DIM).tolist(), "_partition": rows.pick([None, "a", "b"], i)}
            for i in range(90)]
    fields = [*KEY, ("v", "FLOAT_VECTOR", {"dim": DIM})]
    pymilvus.make(lite3.uri, "parted", fields, made, NULLABLE_INDEXES[:1], partitions=("a", "b"))
    report = godwit.run(job(store(lite3), store(lite3), "collections: [{source: parted, target: parted2}]\n"))
    assert report.collection("parted2")["rows"] == 90
    for partition in ("_default", "a", "b"):
        have = pymilvus.read(lite3.uri, "parted2", partition_names=[partition])
        assert len(have) == 30
        assert rows.bits(have) == rows.bits(pymilvus.read(lite3.uri, "parted", partition_names=[partition]))


def test_what_a_server_has_not_is_refused_by_name(godwit, lite, lite3, pymilvus, all_types, nullable, tmp_path):
    names = itertools.count()

    def refusal(source, target, only, extra=""):
        before = pymilvus.collections(lite.uri), pymilvus.collections(lite3.uri)
        result = godwit("run", godwit.job("refused.yaml", job(source, target, f"collections: [{only}]\n{extra}",
                                                              f"refused{next(names)}")))
        assert result.code == 1, result
        assert (pymilvus.collections(lite.uri), pymilvus.collections(lite3.uri)) == before
        return result.collection(only)["error"]

    error = refusal(store(lite), store(lite3), "all_types", "indexes: none\n")
    for field, kind in (("h", "float16_vector"), ("b", "bfloat16_vector"), ("x", "binary_vector")):
        assert f"field '{field}': it has no {kind}s" in error
    lossy = ", ".join(f"nullable.{name}" for name in ("n32", "n8", "must8", "d1"))
    error = refusal(store(lite3), store(lite), "nullable", f"allow_lossy: [{lossy}]\n")
    assert "field 'n64': it has no nullable fields" in error and "'v'" not in error
    # A default value that only this server can't keep has to be given up by name.
    error = refusal(store(lite3), store(lite), "nullable")
    assert f"allow_lossy: [{lossy}]" in error

    everything = "{store: synthetic, rows: 20, dim: 8, fields: [int8_vector]}"
    for server in (lite, lite3):
        assert "it has no int8_vectors" in refusal(everything, store(server), "synthetic")
    godwit.run(job(store(lite), "{store: sqlite, path: h.db}", "collections: [all_types]\n", "file"))
    hnsw = "{source: all_types, target: hnsw, indexes: [{field: v, type: HNSW, metric: L2}]}"
    refused = godwit.run(job("{store: sqlite, path: h.db}", store(lite), f"collections: [{hnsw}]\n", "hnsw"), expect=1)
    assert "it has no index of type HNSW" in refused.collection("hnsw")["error"]


def test_an_empty_sparse_vector_is_refused_where_the_server_has_none(godwit, lite, lite3, pymilvus):
    made = [{"id": i, "s": {i: 1.0} if i % 5 else {}} for i in range(50)]
    pymilvus.make(lite.uri, "gaps", [*KEY, ("s", "SPARSE_FLOAT_VECTOR", {})], made, INDEXES[-1:])
    text = job(store(lite), store(lite3), "collections: [gaps]\non_reject: continue\n")
    result = godwit.run(text)
    assert (result.collection("gaps")["rejects"], result.collection("gaps")["rows"]) == (10, 40)
    with open(result.report["rejects_file"], encoding="utf-8") as file:
        listed = [json.loads(line) for line in file]
    assert sorted(line["row"]["id"] for line in listed) == list(range(0, 50, 5))
    assert all("field 's'" in line["reason"] and "empty sparse vector" in line["reason"] for line in listed)
    assert sorted(pymilvus.read(lite3.uri, "gaps")) == [i for i in range(50) if i % 5]


def test_from_milvus_2_3_and_to_it(godwit, milvus, databases, lite, pymilvus):
    alias = databases.connect(databases.source)
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True), *rows.ALL_TYPES,
                               FieldSchema("v", DataType.FLOAT_VECTOR, dim=DIM, description="the vector")],
                              description="every type", enable_dynamic_field=True)
    source = Collection("old", schema, using=alias, shards_num=2, consistency_level="Bounded")
    source.insert([{"id": i, **rows.all_types_row(i), "v": rows.float_vector(i, DIM), "extra": i} for i in range(300)])
    source.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}}, index_name="v")
    source.load()
    godwit.run(job(f'{{store: milvus, url: "{milvus.uri}", database: {databases.source}}}', store(lite)))

    def read_old(collection):
        return {key: {name: value for name, value in row.items() if name != "$meta"}
                for key, row in rows.read_all(collection, "id").items()}

    want = bits_of(read_old(source), KINDS)
    assert len(want) == 300 and bits_of(pymilvus.read(lite.uri, "old"), KINDS) == want
    back = f'{{store: milvus, url: "{milvus.uri}", database: {databases.target}}}'
    godwit.run(job(store(lite), back, "collections: [old]\n", "back"))
    assert bits_of(read_old(Collection("old", using=databases.connect(databases.target))), KINDS) == want
    pymilvus.drop(lite.uri, "old")
