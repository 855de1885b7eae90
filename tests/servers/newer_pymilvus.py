"""What the tests ask of Milvus Lite, by a pymilvus that knows its types: the process behind milvus_lite.Pymilvus."""

import logging
import os
import pickle
import sys

from pymilvus import DataType, MilvusClient

LIMIT = 16384


def make(uri, name, fields, rows=(), indexes=(), dynamic=False, description="", partitions=(), batch=500):
    """fields: (name, type, settings of add_field); indexes: settings of add_index; rows go in and are loaded.
    A row goes into the partition that its "_partition" names."""
    client = MilvusClient(uri)
    schema = client.create_schema(enable_dynamic_field=dynamic, description=description)
    for field, kind, settings in fields:
        if "element_type" in settings:
            settings = {**settings, "element_type": DataType[settings["element_type"]]}
        schema.add_field(field, DataType[kind], **settings)
    client.create_collection(name, schema=schema)
    for partition in partitions:
        client.create_partition(name, partition)
    params = client.prepare_index_params()
    for index in indexes:
        params.add_index(**index)
    if indexes:
        client.create_index(name, params)
    for partition in (None, *partitions):
        part = [{k: v for k, v in row.items() if k != "_partition"} for row in rows
                if row.get("_partition") == partition]
        for at in range(0, len(part), batch):
            client.insert(name, part[at:at + batch], partition_name=partition)
    client.load_collection(name)


def read(uri, name, key="id", filter="", partition_names=None):
    """{key: row}, asked for at once."""
    client = MilvusClient(uri)
    client.load_collection(name)
    rows = client.query(name, filter, output_fields=["*"], limit=LIMIT, partition_names=partition_names)
    assert len(rows) < LIMIT
    found = {row[key]: {field: _plain(value) for field, value in row.items()} for row in rows}
    assert len(found) == len(rows), "a key came twice"
    return found


def _plain(value):
    """Half and binary vectors come as a list of one value."""
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], bytes) else value


def count(uri, name):
    return MilvusClient(uri).query(name, "", output_fields=["count(*)"])[0]["count(*)"]


def describe(uri, name):
    """{field: what it is}, with the bytes of default values."""
    fields = {}
    for field in MilvusClient(uri).describe_collection(name)["fields"]:
        what = {k: v for k, v in field.items() if k not in ("field_id", "name")}
        what["type"] = what["type"].name
        if "element_type" in what:
            what["element_type"] = what["element_type"].name
        if "default_value" in what:
            what["default_value"] = what["default_value"].SerializeToString()
        fields[field["name"]] = what
    return fields


def indexes(uri, name):
    """{field: (type, metric)}"""
    client = MilvusClient(uri)
    found = (client.describe_index(name, index) for index in client.list_indexes(name))
    return {index["field_name"]: (index["index_type"], index["metric_type"]) for index in found}


def collections(uri):
    return sorted(MilvusClient(uri).list_collections())


def drop(uri, name):
    MilvusClient(uri).drop_collection(name)


def main():
    logging.disable(logging.CRITICAL)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed
    while True:
        try:
            function, arguments, named = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            reply = None, globals()[function](*arguments, **named)
        except Exception as error:  # for the caller to raise
            reply = f"{type(error).__name__}: {error}", None
        pickle.dump(reply, replies)
        replies.flush()


if __name__ == "__main__":
    main()
