"""CSV, JSON lines and PostgreSQL text, read value by value with Python's csv and json modules, pandas and DuckDB, and
compared with what pyarrow reads of the Parquet files of the same rows."""

import base64
import csv
import datetime
import decimal
import gzip
import json
import pathlib
import struct

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

ROWS = 400
SOURCE = f"{{store: synthetic, rows: {ROWS}, dim: 16, fields: [all], nulls: true, partitions: 2}}"


@pytest.fixture(autouse=True)
def long_fields():
    csv.field_size_limit(1 << 30)


def copy(godwit, source, target, name="job"):
    godwit.run(f"name: {name}\nsource: {source}\ntarget: {target}\n")


@pytest.fixture
def expected(godwit):
    """Rows by key, as pyarrow reads them of Parquet, and their Arrow schema."""
    copy(godwit, SOURCE, "{store: files, path: parquet}", "parquet")
    return parquet_rows(godwit.folder / "parquet" / "synthetic")


def parquet_rows(folder):
    rows = {}
    for file in sorted(folder.rglob("*.parquet")):
        table = pq.ParquetFile(file).read()
        for row in table.to_pylist():
            rows[row["id"]] = row
    assert len(rows) == ROWS
    return rows


def bits(value):
    return struct.pack("<d", value) if value == value else b"nan"


def same_float(have, want):
    return bits(float(have)) == bits(float(want))


def bfloats(data):
    return [struct.unpack("<f", b"\0\0" + data[i:i + 2])[0] for i in range(0, len(data), 2)]


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def check_value(field, have, want, have_json):
    """`have` is what a reader gives: text (csv) or a JSON value (have_json)."""
    if field in ("json", "$meta"):
        assert (json.loads(have) if isinstance(have, str) and not have_json else have) == json.loads(want)
    elif field == "string" or field == "id" and isinstance(want, str):
        assert have == want
    elif field == "bool":
        assert have in ((want,) if have_json else (str(want).lower(),))
    elif field in ("float", "double"):
        assert same_float(np.float32(have) if field == "float" else have, want)
    elif field == "bytes":
        assert base64.b64decode(have, validate=True) == want
    elif field in ("timestamp", "timestamp_utc"):
        assert parse_time(have) == want
    elif field == "date":
        assert datetime.date.fromisoformat(have) == want
    elif field == "decimal":
        assert decimal.Decimal(have) == want
    elif field.startswith("array_") or field.endswith("vector"):
        items = have if have_json else json.loads(have)
        check_list(field, items, want)
    else:
        assert int(have) == want


def check_list(field, items, want):
    if field == "binary_vector":
        assert bytes(items) == want
        return
    if field == "sparse_vector":
        assert [int(key) for key in items] == [pair["index"] for pair in want]
        assert all(same_float(np.float32(value), pair["value"]) for value, pair in zip(items.values(), want))
        return
    want = bfloats(want) if field == "bfloat16_vector" else list(want)
    assert len(items) == len(want)
    for have, value in zip(items, want):
        if isinstance(value, (float, np.floating)) and field != "array_double":
            assert same_float(np.float32(have), value)
        elif isinstance(value, (float, np.floating)):
            assert same_float(have, value)
        else:
            assert have == value


def csv_rows(files):
    """Rows by key; None where a field is empty and not quoted, which Python's module does not tell."""
    rows = {}
    for file in files:
        with open(file, newline="", encoding="utf-8") as text:
            for row in csv.DictReader(text, strict=True):
                rows[int(row["id"])] = row
    return rows


def test_csv(godwit, expected):
    copy(godwit, SOURCE, "{store: files, path: out, format: csv, rows_per_file: 150}")
    folder = godwit.folder / "out" / "synthetic"
    files = sorted(folder.glob("*.csv"))
    assert [file.name for file in files] == ["0000000000.csv", "0000000001.csv", "0000000002.csv"]
    rows = csv_rows(files)
    assert rows.keys() == expected.keys()
    for key, want in expected.items():
        for field, value in want.items():
            if value is None:
                assert rows[key][field] == "", (key, field)
            else:
                check_value(field, rows[key][field], value, have_json=False)

    # DuckDB tells an empty string from a null.
    glob = str(folder / "*.csv")
    query = duckdb.sql(f"select * from read_csv('{glob}', all_varchar=true, header=true, delim=',', quote='\"', "
                       "escape='\"', nullstr='', allow_quoted_nulls=false, max_line_size=10000000)")
    names = query.columns
    seen = 0
    for row in query.fetchall():
        cells = dict(zip(names, row))
        key = int(cells["id"])
        for field, cell in cells.items():
            assert (cell is None) == (expected[key][field] is None), (key, field)
            assert (cell or "") == rows[key][field], (key, field)
        seen += 1
    assert seen == ROWS

    frame = pd.concat(pd.read_csv(file, dtype=str, keep_default_na=False) for file in files)
    assert len(frame) == ROWS
    for record in frame.to_dict("records"):
        assert {k: v for k, v in record.items()} == rows[int(record["id"])]


def test_json_lines(godwit, expected):
    copy(godwit, SOURCE, "{store: files, path: out, format: jsonl, compression: gzip}")
    folder = godwit.folder / "out" / "synthetic"
    files = sorted(folder.rglob("*.jsonl.gz"))
    rows = {}
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                row = json.loads(line)
                rows[row["id"]] = row
    assert rows.keys() == expected.keys()
    for key, want in expected.items():
        for field, value in want.items():
            if value is None:
                assert rows[key].get(field) is None, (key, field)
            else:
                check_value(field, rows[key][field], value, have_json=True)

    glob = str(folder / "**" / "*.jsonl.gz")
    columns = "{id: 'BIGINT', string: 'VARCHAR', int64: 'BIGINT', double: 'DOUBLE', vector: 'FLOAT[]'}"
    seen = 0
    for key, string, number, double, vector in duckdb.sql(
            f"select * from read_json('{glob}', format='newline_delimited', columns={columns})").fetchall():
        want = expected[key]
        assert (string, number) == (want["string"], want["int64"])
        assert double is want["double"] is None or same_float(double, want["double"])
        assert vector is want["vector"] is None or vector == want["vector"]
        seen += 1
    assert seen == ROWS

    # pandas refuses the smallest numbers and cuts the largest, so it gets tame ones.
    copy(godwit, "{store: synthetic, rows: 50, dim: 4}", "{store: files, path: tame, format: jsonl}", "tame")
    frame = pd.concat(pd.read_json(file, lines=True, dtype=False, precise_float=True)
                      for file in (godwit.folder / "tame" / "synthetic").glob("*.jsonl"))
    copy(godwit, "{store: synthetic, rows: 50, dim: 4}", "{store: files, path: tame_parquet}", "tame_parquet")
    tame = {row["id"]: row for row in pq.read_table(godwit.folder / "tame_parquet" / "synthetic").to_pylist()}
    assert sorted(frame["id"]) == sorted(tame)
    for record in frame.to_dict("records"):
        assert [np.float32(x) for x in record["vector"]] == tame[record["id"]]["vector"]


@pytest.mark.parametrize("target", [
    "{store: files, path: out, format: csv, compression: zstd}",
    "{store: files, path: out, format: csv, rows_per_file: 7, compression: gzip, delimiter: ';', header: false}",
    "{store: files, path: out, format: jsonl, rows_per_file: 1000}",
    "{store: files, path: out, format: postgres, delimiter: '|', rows_per_file: 100}",
])
def test_there_and_back(godwit, expected, target):
    copy(godwit, SOURCE, target, "there")
    (godwit.folder / "out" / "synthetic").rename(godwit.folder / "out" / "moved")
    copy(godwit, "{store: files, path: out}", "{store: files, path: back}", "back")
    back = parquet_rows(godwit.folder / "back" / "moved")
    assert back.keys() == expected.keys()
    for key, want in expected.items():
        for field, value in want.items():
            have = back[key][field]
            if field in ("json", "$meta") and value is not None:
                have, value = json.loads(have), json.loads(value)
            assert repr(have) == repr(value), (key, field)


def test_files_of_others(godwit):
    """What Python wrote arrives; what was cut is refused by name."""
    folder = pathlib.Path(godwit.folder / "in" / "people")
    folder.mkdir(parents=True)
    with open(folder / "people.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "code", "v"])
        writer.writerows([[1, 'a "b",\r\nc', "007", "[0.5, 1]"], [2, "\u00e9", "1", "[1e-3, -0.0]"]])
    copy(godwit, "{store: files, path: in, primary_key: id, vectors: {v: 2}}", "{store: files, path: out}")
    rows = pq.read_table(godwit.folder / "out" / "people").to_pylist()
    assert rows == [{"id": 1, "name": 'a "b",\r\nc', "code": "007", "v": [0.5, 1.0]},
                    {"id": 2, "name": "\u00e9", "code": "1", "v": [np.float32(1e-3), -0.0]}]

    text = (folder / "people.csv").read_bytes()
    (folder / "people.csv").write_bytes(text[:-12])
    result = godwit("run", godwit.job("cut.yaml", "name: cut\nsource: {store: files, path: in, primary_key: id, "
                                      "vectors: {v: 2}}\ntarget: {store: files, path: cut}\n"))
    assert result.code == 1, result
    assert "people.csv" in result.stderr + result.stdout and "line 4" in result.stderr + result.stdout, result
