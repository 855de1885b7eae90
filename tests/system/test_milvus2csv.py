"""milvus2csv.yaml: a real Milvus -> CSV files -> a real PostgreSQL, value for value.

The files are loaded as the import script of these files does it: create_table.sql as it is, then
`COPY <table> FROM STDIN DELIMITER '|' HEADER` for every *.csv. What PostgreSQL then holds is compared with what
pymilvus was given, bit for bit.
"""

import json
import os
import shutil
import sqlite3

import milvus2csv
import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
import rows as make
from conftest import Godwit
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, db, utility

ROWS = 330
LINES = 40
DATABASE = "m2c"

STRINGS = make.AWKWARD_STRINGS + [
    "|", "||", "\\|", "a|b\\|c", "\\101x", "\\x41", "ends in \\", "ends in \\\\", "\\b\\f\\n\\r\\t\\v", "\r", "\n",
    "\r\n", "\t", "\\\n", "\\.\n", "\n\\.\n", "{a,b}", '{"a"}', "\x08\x0b\x0c", "x\u0085y", "\\N\\N",
]


def config(milvus, collections):
    return milvus2csv.config(milvus, DATABASE, collections, LINES)


def test_row(i):
    """Every awkward string comes in every kind of string."""
    row = make.all_types_row(i)
    text = STRINGS[i % len(STRINGS)]
    return {**row, "id": i * 7919 - 1000, "text": text,
            "words": [STRINGS[(i + k) % len(STRINGS)] for k in range(i % 4)],
            "doc": {**row["doc"], "s": text} if i % 3 else row["doc"], "v": make.float_vector(i, 4),
            "extra": text, "number": i / 3, "nested": {"k": [text, None, i]}}


test_row.__test__ = False


def order_row(i):
    return {"Key": f"{STRINGS[i % len(STRINGS)]}#{i}" if i else "",
            "select": STRINGS[-i % len(STRINGS)], "camelCase": i, "user": i % 2 == 0, "_x": -i,
            "End": float(np.float32(i / 7)), "bits": bytes([i % 256, 0x80, 0x01])}


class Source:
    """The collections, and what was put into them by their keys."""

    def __init__(self, milvus):
        connections.connect("m2c_admin", uri=milvus.uri)
        if DATABASE not in db.list_database(using="m2c_admin"):
            db.create_database(DATABASE, using="m2c_admin")
        connections.connect(DATABASE, uri=milvus.uri, db_name=DATABASE)
        self.test = {row["id"]: row for row in map(test_row, range(ROWS))}
        self.order = {row["Key"]: row for row in map(order_row, range(100))}
        self._make("test", [FieldSchema("id", DataType.INT64, is_primary=True), *make.ALL_TYPES,
                            FieldSchema("v", DataType.FLOAT_VECTOR, dim=4)],
                   list(self.test.values()), "L2", "FLAT", True)
        # Mixed case and reserved words: the table's and the columns' names need quotes. Not loaded.
        self._make("Order", [FieldSchema("Key", DataType.VARCHAR, max_length=1000, is_primary=True),
                             FieldSchema("select", DataType.VARCHAR, max_length=1000),
                             FieldSchema("camelCase", DataType.INT64), FieldSchema("user", DataType.BOOL),
                             FieldSchema("_x", DataType.INT32), FieldSchema("End", DataType.FLOAT),
                             FieldSchema("bits", DataType.BINARY_VECTOR, dim=24)],
                   list(self.order.values()), "HAMMING", "BIN_FLAT", False)

    @staticmethod
    def _make(name, fields, rows, metric, index, dynamic):
        collection = Collection(name, CollectionSchema(fields, enable_dynamic_field=dynamic), using=DATABASE)
        collection.insert(rows)
        collection.flush()
        vector = next(field.name for field in fields if field.dtype in (DataType.FLOAT_VECTOR, DataType.BINARY_VECTOR))
        collection.create_index(vector, {"index_type": index, "metric_type": metric, "params": {}})
        if dynamic:
            collection.load()

    @staticmethod
    def loaded(name):
        return str(utility.load_state(name, using=DATABASE))


@pytest.fixture(scope="module")
def source(milvus):
    return Source(milvus)


def load(postgres, folder, schema, quoted=()):
    """Every table; one whose name needs quotes is named with them."""
    with psycopg.connect(postgres.dsn, options=f"-c search_path={schema}") as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        for below in sorted(folder.iterdir()):
            milvus2csv.load_folder(connection, below, f'"{below.name}"' if below.name in quoted else None)


class Export:
    """One run of the whole, for the tests that look at it."""

    def __init__(self, folder, milvus, postgres, source):
        self.godwit = Godwit(folder)
        self.output = folder / "output"
        self.before = {name: source.loaded(name) for name in ("test", "Order")}
        self.result = self.godwit.run(self.godwit.job("milvus2csv.yaml", config(milvus, ["test", "Order"])))
        self.after = {name: source.loaded(name) for name in ("test", "Order")}
        load(postgres, self.output, "m2c", quoted=["Order"])
        self.dsn = postgres.dsn + " options='-c search_path=m2c'"

    def query(self, sql):
        with psycopg.connect(self.dsn) as connection:
            return connection.cursor(binary=True).execute(sql).fetchall()

    def values(self, table, key, column):
        return dict(self.query(f'SELECT "{key}", {column} FROM "{table}"'))


@pytest.fixture(scope="module")
def export(tmp_path_factory, milvus, postgres, source):
    return Export(tmp_path_factory.mktemp("m2c"), milvus, postgres, source)


def test_verified(export):
    assert export.result.report["verdict"] == "verified"
    assert export.result.collection("test")["rows"] == ROWS


def test_every_row_once(export, source):
    for table, key, expected in (("test", "id", source.test), ("Order", "Key", source.order)):
        keys = [row[0] for row in export.query(f'SELECT "{key}" FROM "{table}"')]
        assert len(keys) == len(expected) and set(keys) == set(expected)


@pytest.mark.parametrize("field", ["flag", "i8", "i16", "i32", "i64", "f32", "f64", "text", "ints", "bytes8", "floats",
                                   "doubles", "flags", "words"])
def test_values_to_the_last_bit(export, source, field):
    found = export.values("test", "id", f'"{field}"')
    for key, row in source.test.items():
        assert make.bits(found[key]) == make.bits(row[field]), (field, key)


def test_float_vectors(export, source):
    for key, vector in export.values("test", "id", "v").items():
        assert np.asarray(vector, np.float32).tobytes() == source.test[key]["v"].tobytes(), key


def test_json(export, source):
    for key, text in export.values("test", "id", "doc::text").items():
        assert make.bits(json.loads(text)) == make.bits(source.test[key]["doc"]), (key, text)


def test_dynamic_fields(export, source):
    for key, text in export.values("test", "id", '"$meta"::text').items():
        row = source.test[key]
        assert make.bits(json.loads(text)) == make.bits({k: row[k] for k in ("extra", "number", "nested")}), (key, text)


def test_binary_vectors(export, source):
    for key, text in export.values("Order", "Key", "bits::text").items():
        expected = np.unpackbits(np.frombuffer(source.order[key]["bits"], dtype=np.uint8))
        assert text == "{" + ",".join(map(str, expected)) + "}"


@pytest.mark.parametrize("field", ["select", "camelCase", "user", "_x", "End"])
def test_names_that_need_quotes(export, source, field):
    found = export.values("Order", "Key", f'"{field}"')
    assert {key: make.bits(value) for key, value in found.items()} == {
        key: make.bits(row[field]) for key, row in source.order.items()}


def test_column_types(export):
    types = dict(export.query("""SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
                                 WHERE attrelid = 'm2c.test'::regclass AND attnum > 0"""))
    assert types == {"id": "bigint", "flag": "boolean", "i8": "smallint", "i16": "smallint", "i32": "integer",
                     "i64": "bigint", "f32": "real", "f64": "double precision", "text": "character varying(2000)",
                     "doc": "json", "ints": "bigint[]", "bytes8": "smallint[]", "floats": "real[]",
                     "doubles": "double precision[]", "flags": "boolean[]", "words": "character varying(2000)[]",
                     "v": "real[]", "$meta": "json"}
    keys = export.query("""SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
                           WHERE contype = 'p' AND connamespace = 'm2c'::regnamespace ORDER BY 1""")
    assert keys == [('"Order"', 'PRIMARY KEY ("Key")'), ("test", "PRIMARY KEY (id)")]


def test_only_one_folder_a_collection(export):
    assert sorted(os.listdir(export.output)) == ["Order", "test"]
    assert not list(export.output.parent.glob("output.*")), "what was staged beside the output is gone"
    manifest = [name for name in os.listdir(export.output / "test") if not name.endswith((".csv", ".sql"))]
    assert manifest == ["_godwit-manifest.json"]
    json.loads((export.output / "test" / manifest[0]).read_text())


def test_files_and_their_rows(export):
    for name, rows in (("test", ROWS), ("Order", 100)):
        files = sorted(path.name for path in (export.output / name).glob("*.csv"))
        count = -(-rows // LINES)
        assert files == [f"{i:010d}.csv" for i in range(count)]
        for i, file in enumerate(files):
            lines = (export.output / name / file).read_bytes().split(b"\n")
            assert lines.pop() == b"" and len(lines) == 1 + min(LINES, rows - i * LINES), file
            assert b"\r" not in b"".join(lines)


def test_header(export):
    header = (export.output / "test" / "0000000000.csv").read_text(encoding="utf-8").split("\n", 1)[0]
    assert header.split("|") == ["id", *(field.name for field in make.ALL_TYPES), "v", "$meta"]


def test_the_source_is_left_as_it_was(export):
    assert export.before == export.after == {"test": "Loaded", "Order": "NotLoad"}


def test_a_second_run_replaces_the_export(export, milvus):
    before = {path: path.read_bytes() for path in export.output.rglob("*.csv")}
    inodes = {path: path.stat().st_ino for path in before}
    again = export.godwit.run(export.godwit.job("milvus2csv.yaml", config(milvus, ["test", "Order"])))
    assert again.code == 0 and not again.collection("test")["done_earlier"]
    assert any("replaces what was at the target, 330 rows" in note for note in again.collection("test")["notes"])
    assert {path: path.read_bytes() for path in export.output.rglob("*.csv")} == before
    assert all(path.stat().st_ino != inode for path, inode in inodes.items())
    shutil.rmtree(export.output)
    again = export.godwit.run(export.godwit.job("milvus2csv.yaml", config(milvus, ["test", "Order"])))
    assert again.code == 0 and not any("replaces" in note for note in again.collection("test")["notes"])
    assert {path: path.read_bytes() for path in export.output.rglob("*.csv")} == before


@pytest.mark.parametrize("point", ["engine.commit.after=crash@1", "engine.compare.after=crash@2",
                                   "files.publish.before_rename=crash@1", "files.publish.before_rename=crash@2",
                                   "files.publish.after_rename=crash@2"])
def test_killed_in_the_middle(tmp_path, milvus, source, postgres, export, point):
    """Only whole collections can be seen, and the second run gives the same files as one without a crash."""
    godwit = Godwit(tmp_path)
    path = godwit.job("milvus2csv.yaml", config(milvus, ["test", "Order"]))
    first = godwit("run", path, env={"GODWIT_FAILPOINTS": point})
    assert first.code == -9, first

    def contents(folder):
        return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in (".csv", ".sql")}

    for folder in (tmp_path / "output").glob("*"):
        assert contents(folder) == contents(export.output / folder.name), point
    godwit.run(path)
    assert sorted(os.listdir(tmp_path / "output")) == ["Order", "test"]
    for folder in (tmp_path / "output").glob("*"):
        assert contents(folder) == contents(export.output / folder.name), point
    assert source.loaded("Order") == "NotLoad"


def test_all_collections_of_the_database(tmp_path, milvus, source):
    godwit = Godwit(tmp_path)
    text = config(milvus, []).replace("  collections:\n", "  collections: []\n")
    godwit.run(godwit.job("milvus2csv.yaml", text))
    assert sorted(os.listdir(tmp_path / "output")) == ["Order", "test"]


def test_null_is_no_empty_string(tmp_path, postgres):
    """Milvus 2.3 knows no null, other sources do: NULL, '' and the text \\N stay three things."""
    godwit = Godwit(tmp_path)
    values = [None, "", "\\N", "NULL", "null", " "]
    with sqlite3.connect(tmp_path / "in.db") as sqlite:
        sqlite.execute("CREATE TABLE nulls (id INTEGER PRIMARY KEY, text TEXT, number REAL, doc TEXT)")
        sqlite.executemany("INSERT INTO nulls VALUES (?, ?, ?, ?)",
                           [(i, value, None if i % 2 else i / 3, None if i % 3 else "null")
                            for i, value in enumerate(values)])
    godwit.run(milvus2csv.native_job("store: sqlite, path: in.db, types: {doc: json}", rows_per_file=4))
    load(postgres, tmp_path / "output", "nulls")
    with psycopg.connect(postgres.dsn) as connection:
        found = connection.execute("SELECT id, text, number, doc::text FROM nulls.nulls ORDER BY id").fetchall()
    assert found == [(i, value, None if i % 2 else i / 3, None if i % 3 else "null") for i, value in enumerate(values)]


def test_every_synthetic_type_with_nulls(tmp_path, postgres):
    """Nullable fields of every type that the generator knows; where a null is, a null arrives."""
    godwit = Godwit(tmp_path)
    source = "store: synthetic, rows: 500, dim: 8, fields: [all], nulls: true"
    godwit.run(milvus2csv.native_job(source, rows_per_file=99))
    godwit.run(f"name: parquet\nsource: {{{source}}}\ntarget: {{store: files, path: parquet}}\n")
    expected = {}
    for file in (tmp_path / "parquet").rglob("*.parquet"):
        for row in pq.ParquetFile(file).read().to_pylist():
            expected[row["id"]] = row
    load(postgres, tmp_path / "output", "synthetic")
    with psycopg.connect(postgres.dsn) as connection:
        cursor = connection.execute("SELECT * FROM synthetic.synthetic")
        names = [column.name for column in cursor.description]
        found = {row[names.index("id")]: dict(zip(names, row)) for row in cursor}
    assert set(found) == set(expected) and len(expected) == 500
    for key, row in expected.items():
        for name, value in row.items():
            assert (found[key][name] is None) == (value is None or (name == "json" and value == "null")), (key, name)
            if isinstance(value, str) and name == "string":
                assert found[key][name] == value
