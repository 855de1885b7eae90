"""milvus2csv.yaml, value by value: what is hard to get through COPY, each by its name, and the tables it goes into.

A real Milvus -> godwit -> a real PostgreSQL, loaded as the script does which such exports are made for: each folder is
a table, and each *.csv of it goes through COPY ... FROM STDIN DELIMITER '|' HEADER. test_milvus2csv.py has the run as a
whole.
"""

import json
import math
import sqlite3
import struct

import numpy as np
import psycopg
import pytest
import ujson
from psycopg.types.string import TextBinaryLoader, TextLoader
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, db, utility

import milvus2csv
import rows
from conftest import Godwit

MAX_LINES = 1000
DIM = 4
SOURCE = "m2c_values"

TEXTS = {
    "pipe": "a|b||c|", "quotes": "say \"hi\" and 'ho' and `x`", "windows_path": "C:\\new\\table",
    "null_marker": "\\N", "end_marker": "\\.", "octal": "\\101x", "hex": "\\x41", "trailing_backslash": "end\\",
    "pipe_after_backslash": "\\|", "only_backslash": "\\", "cr": "a\rb", "lf": "a\nb", "crlf": "a\r\nb\r\n",
    "tab": "a\tb\t", "empty": "", "spaces": "  a  ", "unicode": "é 日本語 😀🏳️\u200d🌈 a\u0301",
    "line_separators": "a\u2028b\u0085c", "bom": "\ufeffx", "controls": "\x01\x02\x08\x0b\x0c\x7f",
    "words": "NULL null nan", "braces": "{1,2}", "sql": "'; DROP TABLE texts; --", "header": "id|s|v",
    "long": "x|\\\n" * 5000,
}
DOCUMENTS = {
    "nested_quotes": {"q": 'say "hi" \\ and \\" again', "in": {"'": "\""}}, "newlines": {"lines": "a\nb\r\nc\td"},
    "null_inside": {"a": None, "b": [None, {}]}, "array": {"a": [1, "two", None, {"three": [3.5]}, []]},
    "scalars": {"s": "a|b\n\\N", "f": 0.1, "i": 9223372036854775807, "b": True}, "empty": {},
    "pipe": {"a|b": "c|d"}, "unicode": {"é": "日本語 😀"}, "deep": {"a": {"b": {"c": [[[{"d": "\\"}]]]}}},
    "floats": {"tiny": 5e-324, "big": 1.7976931348623157e308, "neg": -1.5e-300},
}
# Milvus 2.3.5 takes objects, and pymilvus gives it no null; the others come from another source.
OTHER_JSON = ['[]', '[1,"two",null,{"three":[3.5]}]', '"a|b\\n\\\\N"', '0.1', '9223372036854775807', '-1e-300', 'true',
              'null', '""', ' { "spaces" : 1 } ', '"\\u00e9\\ud83d\\ude00"', '{"a":"\\"|\\t\\r"}']
FLOATS = [0.0, -0.0, 1.0, -1.5, 0.1, 1 / 3, math.pi, 16777216.0, 16777217.0, 3.4028234663852886e38,
          -3.4028234663852886e38, 1.1754943508222875e-38, 1.1754942106924411e-38, 1e-45, -1e-45,
          7.006492321624085e-46, 1e10, 123456.789]
DOUBLES = [0.0, -0.0, 0.1, 1 / 3, math.pi, 1.7976931348623157e308, -1.7976931348623157e308, 2.2250738585072014e-308,
           2.225073858507201e-308, 5e-324, -5e-324, 9007199254740993.0, 1e22, 1e23, 123456789.12345679]
INTEGERS = [0, -1, 1, 2**63 - 2, -2**63, -2**63 + 1, 2**53 + 1]


def f32(value):
    return float(np.float32(value))


def vector(i):
    return [f32(value) for value in rows.float_vector(i, DIM)]


class Export:
    """An export of one run, and the schema of PostgreSQL that it was loaded into."""

    def __init__(self, folder, result, given):
        self.folder = folder
        self.result = result
        self.given = given  # of each collection its rows, by key


def make(name, fields, data):
    """A collection with a vector field, loaded. `data`: rows without the vector. Returns them with it, by id."""
    fields = [*fields, FieldSchema("v", DataType.FLOAT_VECTOR, dim=DIM)]
    collection = Collection(name, CollectionSchema(fields), using=SOURCE)
    data = [{**row, "v": vector(i)} for i, row in enumerate(data)]
    for at in range(0, len(data), 1000):
        collection.insert(data[at:at + 1000])
    collection.flush()
    collection.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}})
    collection.load()
    return {row["id"]: row for row in data}


def int_key():
    return FieldSchema("id", DataType.INT64, is_primary=True)


def make_collections():
    given = {}
    given["texts"] = make("texts", [int_key(), FieldSchema("s", DataType.VARCHAR, max_length=65535)],
                          [{"id": i, "s": text} for i, text in enumerate(TEXTS.values())])
    given["documents"] = make("documents", [int_key(), FieldSchema("doc", DataType.JSON)],
                              [{"id": i, "doc": document} for i, document in enumerate(DOCUMENTS.values())])
    given["floats"] = make("floats", [int_key(), FieldSchema("f", DataType.FLOAT), FieldSchema("d", DataType.DOUBLE)],
                           [{"id": i, "f": f32(FLOATS[i % len(FLOATS)]), "d": DOUBLES[i % len(DOUBLES)]}
                            for i in range(len(FLOATS) * len(DOUBLES))])
    given["numbers"] = make("numbers", [int_key(), FieldSchema("flag", DataType.BOOL), FieldSchema("i8", DataType.INT8),
                                        FieldSchema("i16", DataType.INT16), FieldSchema("i32", DataType.INT32),
                                        FieldSchema("i64", DataType.INT64)],
                            [{"id": key, "flag": i % 2 == 0, "i8": [-128, 127][i % 2], "i16": [-32768, 32767][i % 2],
                              "i32": [-2**31, 2**31 - 1][i % 2], "i64": [-2**63, 2**63 - 1][i % 2]}
                             for i, key in enumerate(INTEGERS)])
    given["Orders"] = make("Orders", [int_key()], [{"id": i} for i in range(5)])
    given["many"] = make("many", [int_key(), FieldSchema("n", DataType.INT64)],
                         [{"id": i, "n": -i} for i in range(2503)])
    given["exact"] = make("exact", [int_key()], [{"id": i} for i in range(2 * MAX_LINES)])
    given["nothing"] = make("nothing", [int_key()], [])
    return given


def make_partitioned():
    """The same key in two partitions, which Milvus allows."""
    fields = [int_key(), FieldSchema("n", DataType.INT64), FieldSchema("v", DataType.FLOAT_VECTOR, dim=DIM)]
    collection = Collection("partitioned", CollectionSchema(fields), using=SOURCE)
    collection.create_partition("red")
    collection.insert([{"id": i, "n": i, "v": vector(i)} for i in range(10)])
    collection.insert([{"id": i, "n": -i, "v": vector(i)} for i in range(5, 15)], partition_name="red")
    collection.flush()
    collection.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}})


@pytest.fixture(scope="module")
def source(milvus):
    connections.connect("m2c_admin", uri=milvus.uri)
    db.create_database(SOURCE, using="m2c_admin")
    connections.connect(SOURCE, uri=milvus.uri, db_name=SOURCE)
    yield milvus
    for name in utility.list_collections(using=SOURCE):
        utility.drop_collection(name, using=SOURCE)
    connections.disconnect(SOURCE)
    db.drop_database(SOURCE, using="m2c_admin")
    connections.disconnect("m2c_admin")


def run_export(godwit, server, collections):
    text = milvus2csv.config(server, SOURCE, collections, MAX_LINES)
    return godwit("run", godwit.job("milvus2csv.yaml", text))


@pytest.fixture(scope="module")
def export(source, tmp_path_factory):
    """All collections but the few that are meant to fail, by one run."""
    given = make_collections()
    godwit = Godwit(tmp_path_factory.mktemp("export"))
    result = run_export(godwit, source, list(given))
    assert result.code == 0, result
    return Export(godwit.folder / "output", result, given)


def connect(postgres, schema):
    connection = psycopg.connect(postgres.dsn, options=f"-c search_path={schema},public")
    # Bits and JSON are compared as text.
    for name in ("json", "bit"):
        connection.adapters.register_loader(name, TextLoader)
        connection.adapters.register_loader(name, TextBinaryLoader)
    return connection


@pytest.fixture(scope="module")
def tables(postgres, export):
    with connect(postgres, "import") as connection:
        connection.execute("CREATE SCHEMA import")
        for folder in sorted(export.folder.iterdir()):
            milvus2csv.load_folder(connection, folder, '"Orders"' if folder.name == "Orders" else None)
        yield connection


def read_table(connection, table):
    """The rows by their ids, by the binary protocol, so that no float goes through text."""
    with connection.cursor(binary=True) as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, values)) for values in cursor]
    by_key = {row["id"]: row for row in found}
    assert len(by_key) == len(found)
    return by_key


def comparable(row):
    return {name: rows.bits(value) for name, value in row.items()}


def assert_equal(have, want):
    assert {key: comparable(row) for key, row in have.items()} == {key: comparable(row) for key, row in want.items()}


@pytest.mark.parametrize("name", TEXTS)
def test_text(tables, export, name):
    number = list(TEXTS).index(name)
    assert tables.execute("SELECT s, s IS NULL FROM texts WHERE id = %s", (number,)).fetchone() == (TEXTS[name], False)


def test_texts_are_all_there(tables, export):
    assert_equal(read_table(tables, "texts"), export.given["texts"])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_json(tables, export, name):
    number = list(DOCUMENTS).index(name)
    (text,) = tables.execute("SELECT doc::text FROM documents WHERE id = %s", (number,)).fetchone()
    # As pymilvus sends it: godwit keeps the bytes.
    assert text == ujson.dumps(DOCUMENTS[name], ensure_ascii=False)
    assert json.loads(text) == json.loads(ujson.dumps(DOCUMENTS[name], ensure_ascii=False))


def test_floats_to_the_last_bit(tables, export):
    have = read_table(tables, "floats")
    assert_equal(have, export.given["floats"])
    for i, value in enumerate(FLOATS):
        assert struct.pack("<f", have[i]["f"]) == np.float32(value).tobytes()
    assert math.copysign(1, have[1]["f"]) == -1 == math.copysign(1, have[1]["d"])


def test_integers_and_booleans(tables, export):
    assert_equal(read_table(tables, "numbers"), export.given["numbers"])


def test_table_that_needs_quotes(tables, export):
    sql = (export.folder / "Orders" / "create_table.sql").read_text()
    assert sql == 'CREATE TABLE "Orders" (id bigint PRIMARY KEY, v real[]);\n'
    assert any('COPY "Orders" FROM STDIN' in note for note in export.result.collection("Orders")["notes"])
    assert export.result.collection("texts")["notes"] == []
    assert_equal(read_table(tables, '"Orders"'), export.given["Orders"])


def test_every_row_of_every_table(tables, export):
    for name, given in export.given.items():
        table = '"Orders"' if name == "Orders" else name
        assert tables.execute(f"SELECT count(*) FROM {table}").fetchone() == (len(given),), name
        assert export.result.collection(name)["verdict"] == "verified"
        assert export.result.collection(name)["rows"] == len(given)
    assert_equal(read_table(tables, "many"), export.given["many"])


def test_files_and_rows_per_file(export):
    def counts(name):
        files = sorted((export.folder / name).glob("*.csv"))
        assert [file.name for file in files] == [f"{i:010}.csv" for i in range(len(files))]
        # Line ends inside of values are escaped, so a line is a row.
        lines = [file.read_bytes().split(b"\n") for file in files]
        assert all(part[-1] == b"" for part in lines)
        return [(part[0].decode(), len(part) - 2) for part in lines]

    assert counts("many") == [("id|n|v", 1000), ("id|n|v", 1000), ("id|n|v", 503)]
    assert counts("exact") == [("id|v", 1000), ("id|v", 1000)]
    assert counts("texts") == [("id|s|v", len(TEXTS))]
    assert sum(count for _, count in counts("nothing")) == 0


def test_a_key_in_several_partitions(source, godwit, postgres):
    make_partitioned()
    assert utility.load_state("partitioned", using=SOURCE).name == "NotLoad"
    result = run_export(godwit, source, ["partitioned"])
    assert result.code == 0, result
    assert result.collection("partitioned")["rows"] == 20
    assert any("PRIMARY KEY" in note for note in result.collection("partitioned")["notes"])
    assert utility.load_state("partitioned", using=SOURCE).name == "NotLoad"
    folder = godwit.folder / "output" / "partitioned"
    assert [path for path in folder.iterdir() if path.is_dir()] == []
    with connect(postgres, "partitions") as connection:
        connection.execute("CREATE SCHEMA partitions")
        connection.commit()
        with pytest.raises(psycopg.errors.UniqueViolation):
            milvus2csv.load_folder(connection, folder)
        connection.rollback()
        sql = folder / "create_table.sql"
        sql.write_text(sql.read_text().replace(" PRIMARY KEY", ""))
        milvus2csv.load_folder(connection, folder)
        have = sorted(connection.execute("SELECT id, n FROM partitioned").fetchall())
    assert have == sorted([(i, i) for i in range(10)] + [(i, -i) for i in range(5, 15)])


def sqlite_job(path, types=""):
    return milvus2csv.native_job(f"store: sqlite, path: {json.dumps(str(path))}{types}", rows_per_file=3)


def test_json_that_is_no_object(godwit, postgres):
    source = godwit.folder / "in.db"
    with sqlite3.connect(source) as database:
        database.execute("CREATE TABLE documents (id INTEGER PRIMARY KEY, doc TEXT)")
        database.executemany("INSERT INTO documents VALUES (?, ?)", [*enumerate(OTHER_JSON), (len(OTHER_JSON), None)])
    godwit.run(sqlite_job(source, ", types: {doc: json}"))
    with connect(postgres, "documents") as connection:
        connection.execute("CREATE SCHEMA documents")
        milvus2csv.load_folder(connection, godwit.folder / "output" / "documents")
        found = [text for (text,) in connection.execute("SELECT doc::text FROM documents ORDER BY id").fetchall()]
    assert found == [*OTHER_JSON, None]


def test_every_reserved_word_and_hostile_name_is_a_column(godwit, postgres):
    source = godwit.folder / "in.db"
    with connect(postgres, "words") as connection:
        words = [word for (word,) in connection.execute("SELECT word FROM pg_get_keywords() ORDER BY word").fetchall()]
        names = [*words, "größe", "with space", 'a"b', "a$b", "$1", "1st", "MiXed", 'x int); DROP TABLE t; --', "a'b",
                 "a|b", "a\\b", "日本語", "a\nb"]
        with sqlite3.connect(source) as database:
            columns = ", ".join('"' + name.replace('"', '""') + '" INTEGER' for name in names)
            database.execute(f"CREATE TABLE t (the_key INTEGER PRIMARY KEY, {columns})")
            database.execute(f"INSERT INTO t VALUES ({', '.join(map(str, range(len(names) + 1)))})")
        godwit.run(sqlite_job(source))
        connection.execute("CREATE SCHEMA words")
        milvus2csv.load_folder(connection, godwit.folder / "output" / "t")
        cursor = connection.execute("SELECT * FROM t")
        assert [column.name for column in cursor.description] == ["the_key", *names]
        assert cursor.fetchall() == [tuple(range(len(names) + 1))]


@pytest.mark.parametrize("table, column, why", [("t", "x" * 64, "64 bytes"), ("x" * 64, "c", "64 bytes"),
                                                ("t", "ctid", "system column")])
def test_names_that_postgres_cannot_hold_are_refused(godwit, table, column, why):
    source = godwit.folder / "in.db"
    with sqlite3.connect(source) as database:
        database.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {column} INTEGER)")
        database.execute(f"INSERT INTO {table} VALUES (1, 2)")
    result = godwit("run", godwit.job("job.yaml", sqlite_job(source)))
    assert result.code == 1, result
    assert why in result.collection(table)["error"]
    assert not list(godwit.folder.rglob("*.csv")) and not list(godwit.folder.rglob("create_table.sql"))
