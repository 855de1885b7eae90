"""Collections that are hard to copy, made and read back with pymilvus alone."""

import json
import math
import random
import struct

import numpy as np
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema

AWKWARD_STRINGS = [
    "", " ", "plain", "it's", 'say "hi"', "back\\slash", "\\", "\\N", "\\.", "C:\\new\\table", "a|b", "tab\there",
    "line\nbreak", "cr\rreturn", "crlf\r\n", "\x01\x02\x7f", "é", "日本語", "😀🏳️‍🌈", "a\u0301", "null", "NULL", "{}",
    "'; DROP TABLE x; --", "%s%d", "${HOME}", "<a href='x'>", "x" * 500, "\u2028", "\ufeffbom",
]

AWKWARD_JSON = [
    {}, {"a": 1}, {"b": {"c": [1, 2, {"d": None}]}}, {"big": 9007199254740993}, {"max": 9223372036854775807},
    {"f": 0.1}, {"neg": -1.5e-300}, {"q": 'quote " and \\ and \n'}, {"unicode": "日本語 😀"}, {"": "empty key"},
    {"t": True, "f": False, "n": None}, {"list": [[], {}, [[1]]]}, {"é": "ü"}, {"deep": {"a": {"b": {"c": {"d": 1}}}}},
]

FLOATS = [0.0, -0.0, 1.5, -1.5, 0.1, 3.4028234663852886e38, -3.4028234663852886e38, 1.1754943508222875e-38,
          1e-45, 16777217.0, math.pi]
DOUBLES = [0.0, -0.0, 0.1, 1.7976931348623157e308, -1.7976931348623157e308, 2.2250738585072014e-308, 5e-324, math.pi]


def pick(values, i):
    return values[i % len(values)]


def float_vector(i, dim, seed=7):
    """float32 values of every kind: random, denormal, negative zero."""
    values = np.random.default_rng(seed * 1_000_003 + i).standard_normal(dim).astype(np.float32)
    values[i % dim] = pick(np.array([-0.0, 1e-45, 1.1754944e-38, 3.4028235e38, 0.0], dtype=np.float32), i)
    return values


ALL_TYPES = [
    FieldSchema("flag", DataType.BOOL),
    FieldSchema("i8", DataType.INT8),
    FieldSchema("i16", DataType.INT16),
    FieldSchema("i32", DataType.INT32),
    FieldSchema("i64", DataType.INT64),
    FieldSchema("f32", DataType.FLOAT),
    FieldSchema("f64", DataType.DOUBLE),
    FieldSchema("text", DataType.VARCHAR, max_length=2000),
    FieldSchema("doc", DataType.JSON),
    FieldSchema("ints", DataType.ARRAY, element_type=DataType.INT64, max_capacity=50),
    FieldSchema("bytes8", DataType.ARRAY, element_type=DataType.INT8, max_capacity=50),
    FieldSchema("floats", DataType.ARRAY, element_type=DataType.FLOAT, max_capacity=50),
    FieldSchema("doubles", DataType.ARRAY, element_type=DataType.DOUBLE, max_capacity=50),
    FieldSchema("flags", DataType.ARRAY, element_type=DataType.BOOL, max_capacity=50),
    FieldSchema("words", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=50, max_length=2000),
]


def all_types_row(i):
    return {
        "flag": i % 2 == 0,
        "i8": pick([-128, 127, 0, -1], i),
        "i16": pick([-32768, 32767, 0, -1], i),
        "i32": pick([-2**31, 2**31 - 1, 0, -1], i),
        "i64": pick([-2**63, 2**63 - 1, 0, -1, 2**53 + 1], i),
        "f32": float(np.float32(pick(FLOATS, i))),
        "f64": pick(DOUBLES, i),
        "text": pick(AWKWARD_STRINGS, i),
        "doc": pick(AWKWARD_JSON, i),
        "ints": [pick([-2**63, 2**63 - 1, 0], i + k) for k in range(i % 4)],
        "bytes8": [pick([-128, 127, 0], i + k) for k in range(i % 3)],
        "floats": [float(np.float32(pick(FLOATS, i + k))) for k in range(i % 5)],
        "doubles": [pick(DOUBLES, i + k) for k in range(i % 5)],
        "flags": [k % 2 == 0 for k in range(i % 6)],
        "words": [pick(AWKWARD_STRINGS, i + k) for k in range(i % 4)],
    }


def bits(value):
    """A value in which equality means equal bits, whatever Python thinks of 0.0 and -0.0."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (np.float32, float)):
        return struct.pack("<d", float(value))
    if isinstance(value, np.ndarray):
        return value.astype(np.float32).tobytes()
    if isinstance(value, (np.integer,)):
        return int(value)
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if hasattr(value, "__iter__") and not isinstance(value, str):
        return [bits(item) for item in value]
    return value


def read_all(collection, key, ranges=None, partition_names=None, step=1000):
    """{key: row} by pymilvus' own query, a page at a time. Not godwit's way of reading."""
    fields = [field.name for field in collection.schema.fields]
    if collection.schema.enable_dynamic_field:
        fields.append("$meta")
    rows = {}
    iterator = collection.query_iterator(batch_size=step, output_fields=fields, partition_names=partition_names,
                                         consistency_level="Strong")
    while True:
        page = iterator.next()
        if not page:
            iterator.close()
            return rows
        for row in page:
            assert row[key] not in rows, f"key {row[key]!r} came twice"
            rows[row[key]] = row


def count(collection, expr="", partition_names=None):
    result = collection.query(expr=expr, output_fields=["count(*)"], consistency_level="Strong",
                              partition_names=partition_names)
    return result[0]["count(*)"]


def make_simple(alias, name, rows, dim=128, first=0, key_of=lambda i: i, index=True, load=True, batch=5000, seed=7,
                flush=True):
    """id INT64, n INT64, v FLOAT_VECTOR(dim): the row of key_of(i) is a function of i."""
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True), FieldSchema("n", DataType.INT64),
                               FieldSchema("v", DataType.FLOAT_VECTOR, dim=dim)])
    collection = Collection(name, schema, using=alias)
    insert_simple(collection, range(first, first + rows), dim, key_of, batch, seed)
    if flush:
        collection.flush()
    if index:
        collection.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}}, index_name="v_index")
        if load:
            collection.load()
    return collection


def simple_vectors(numbers, dim, seed=7):
    """One matrix for many rows: row i is cheap and depends on i and seed only."""
    i = np.asarray(list(numbers), dtype=np.int64)[:, None]
    k = np.arange(dim, dtype=np.int64)[None, :]
    return (((i * 2654435761 + k * 40503 + seed * 977) % 2000003).astype(np.float32) / np.float32(1000003.0)) - 1


def insert_simple(collection, numbers, dim, key_of=lambda i: i, batch=5000, seed=7):
    numbers = list(numbers)
    for at in range(0, len(numbers), batch):
        part = numbers[at:at + batch]
        collection.insert([[key_of(i) for i in part], [i * 3 for i in part], simple_vectors(part, dim, seed)])
