"""What `check` sees beforehand of a real Milvus: privileges, names, indexes. A job that passes it also runs."""

import json
import re
import sqlite3
import struct

import pytest
from conftest import Godwit, MilvusServer

import rows

PASSWORD = "password-of-mover"


def items(result, name):
    return [item for item in result.events[-1]["items"] if item["name"] == name]


def failed(result):
    return [(item["subject"], item["name"], item["message"]) for item in result.events[-1]["items"]
            if item["verdict"] == "failed"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with MilvusServer(tmp_path_factory.mktemp("guarded"), auth=True) as server:
        yield server


def test_privileges_that_are_missing_are_named(guarded, tmp_path):
    """Granting just what `check` names, until it passes, is enough for the run."""
    from pymilvus import Role, connections, db, utility

    connections.connect("guarded", uri=guarded.uri, token=guarded.token)
    rows.make_simple("guarded", "books", 500, dim=8)
    db.create_database("copies", using="guarded")
    utility.create_user("mover", PASSWORD, using="guarded")
    role = Role("moving", using="guarded")
    role.create()
    role.add_user("mover")
    godwit = Godwit(tmp_path)
    store = f'store: milvus, url: "{guarded.uri}", user: mover, password: {PASSWORD}'
    job = godwit.job("job.yaml", f"name: job\nsource: {{{store}}}\ntarget: {{{store}, database: copies}}\n"
                     "collections: [books]\n")
    named = set()
    for _ in range(6):
        result = godwit("check", job)
        if result.code == 0:
            break
        assert result.code == 4, result
        assert all(name in ("authorised", "source") for _, name, _ in failed(result)), result
        wanted = set()
        for subject, _, message in failed(result):
            where = re.search(r"lacks privileges on '(\w+)\.books': (.*?)\. Grant them", message)
            assert where, (subject, message)
            for kind, privilege, default in re.findall(r"(Global|Collection) (\w+)( \(in the database 'default'\))?",
                                                       where[2]):
                wanted.add((kind, privilege, "default" if default else where[1]))
        assert wanted and not wanted & named, (wanted, named)
        named |= wanted
        for kind, privilege, database in wanted:
            role.grant(kind, "*" if kind == "Global" else "books", privilege, db_name=database)
    else:
        pytest.fail(f"still not enough: {result}")
    assert ("Global", "CreateCollection", "copies") in named and ("Collection", "Query", "default") in named
    assert ("Collection", "Insert", "default") not in named, "nothing is written to the source"
    assert all(item["verdict"] == "passed" for item in items(result, "authorised")), result
    assert godwit("run", job).code == 0

    # A role with all of them, and root.
    utility.create_user("chief", PASSWORD, using="guarded")
    Role("admin", using="guarded").add_user("chief")
    for name in ("chief", "root"):
        password = "Milvus" if name == "root" else PASSWORD
        other = job_of(godwit, guarded, name, password)
        assert godwit("check", other).code == 0
    connections.disconnect("guarded")


def job_of(godwit, server, user, password):
    store = f'store: milvus, url: "{server.uri}", user: {user}, password: {password}'
    return godwit.job(f"{user}.yaml", f"name: {user}\nsource: {{{store}}}\n"
                      f"target: {{{store}, database: copies}}\ncollections: [{{source: books, target: {user}}}]\n")


def test_one_bad_name_does_not_stop_the_others(godwit, databases):
    source = databases.connect(databases.source)
    for name in ("good", "bad"):
        rows.make_simple(source, name, 50, dim=4)
    job = godwit.job("job.yaml", databases.job(collections=[{"source": "bad", "target": "bad-name!"}, "good"]))
    check = godwit("check", job)
    assert check.code == 4
    (_, name, message), = failed(check)
    assert name == "names" and "'bad-name!'" in message and "other names" in message, check
    result = godwit("run", job)
    assert result.code == 1, result
    assert "'bad-name!'" in result.collection("bad")["error"] and "job.yaml:" in result.collection("bad")["error"]
    assert result.collection("good")["verdict"] == "verified", result

    target = f'{{store: milvus, url: "{databases.server.uri}", database: "bad-db!"}}'
    check = godwit("check", godwit.job("other.yaml", databases.job(target=target, collections=["good"])))
    assert check.code == 4 and {name for _, name, _ in failed(check)} == {"names"}, check


def test_an_index_that_the_server_would_refuse_is_seen(godwit, databases):
    rows.make_simple(databases.connect(databases.source), "t", 50, dim=4)
    index = {"field": "v", "type": "HNSW", "metric": "XX", "params": {"M": 5000}}
    check = godwit("check", godwit.job("job.yaml", databases.job(collections=[{"source": "t", "indexes": [index]}])))
    assert check.code == 4
    (_, name, message), = failed(check)
    assert name == "types"
    for part in ("metric 'XX'", "M is '5000'", "needs the parameter efConstruction"):
        assert part in message, message


def test_what_can_t_be_read_is_said_once(godwit, databases):
    """A collection without an index can't be loaded."""
    rows.make_simple(databases.connect(databases.source), "t", 50, dim=4, index=False)
    check = godwit("check", godwit.job("job.yaml", databases.job(target="{store: sqlite, path: out.db}")))
    assert check.code == 4
    assert [name for _, name, _ in failed(check)] == ["loaded"], check
    assert [item["verdict"] for item in items(check, "types")] == ["passed"], check


def rows_item(result):
    (item,) = items(result, "rows")
    return item


def test_rows_that_milvus_refuses_are_told_beforehand(godwit, databases, tmp_path):
    """`check --rows` and the run refuse the same rows, each by its key and for the same reason."""
    refused = {3: ("vector", "holds NaN or an infinity"), 5: ("text", "70000 bytes long"),
               7: ("data", "neither a JSON object nor null")}
    with sqlite3.connect(tmp_path / "in.db") as db:
        db.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL, "
                   "vector BLOB NOT NULL)")
        for i in range(1000):
            bad = refused.get(i, ("",))[0]
            vector = [float(i), float("nan") if bad == "vector" else 0.5, 1.0, 2.0]
            db.execute("INSERT INTO notes VALUES (?, ?, ?, ?)",
                       (i, "x" * (70_000 if bad == "text" else 10), "[1]" if bad == "data" else '{"a": 1}',
                        struct.pack("<4f", *vector)))
    text = databases.job().replace(databases.job().splitlines()[1],
                                   "source: {store: sqlite, path: in.db, "
                                   'types: {data: json, vector: "float_vector(4)"}}')
    stops = godwit.job("stops.yaml", text.replace("name: job", "name: stops"))
    assert godwit("check", stops).code == 0, "what costs a reading is looked at only when asked"
    check = godwit("check", stops, "--rows")
    assert check.code == 4, check
    item = rows_item(check)
    assert item["verdict"] == "failed" and item["message"].startswith("of 1000 rows: 3 the target refuses"), check
    for key, (field, reason) in refused.items():
        assert f"{key}: field '{field}' " in item["message"] and reason in item["message"], item
    assert "on_reject: continue" in item["message"]

    goes_on = godwit.job("job.yaml", text + "on_reject: continue\n")
    check = godwit("check", goes_on, "--rows")
    assert check.code == 0 and rows_item(check)["verdict"] == "warning", check
    too_many = godwit.job("few.yaml", text.replace("name: job", "name: few") + "on_reject: continue\nmax_rejects: 2\n")
    check = godwit("check", too_many, "--rows")
    assert check.code == 4 and "max_rejects" in rows_item(check)["message"], check

    report = godwit.run(goes_on).report
    with open(report["rejects_file"], encoding="utf-8") as file:
        listed = {line["row"]["id"]: line["reason"] for line in map(json.loads, file)}
    assert set(listed) == set(refused)
    for key, reason in listed.items():
        assert f"{key}: {reason}" in item["message"], (key, reason, item)


def test_values_of_meta_that_fit_no_column_are_told_beforehand(godwit, databases):
    from pymilvus import Collection, CollectionSchema, DataType, FieldSchema

    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True),
                               FieldSchema("note", DataType.VARCHAR, max_length=20),
                               FieldSchema("v", DataType.FLOAT_VECTOR, dim=4)], enable_dynamic_field=True)
    source = Collection("things", schema, using=databases.connect(databases.source))
    source.insert([{"id": i, "note": "a\x00b" if i == 40 else "ab", "v": [float(i)] * 4,
                    "size": "big" if i in (20, 30) else i} for i in range(100)])
    source.flush()
    source.create_index("v", {"index_type": "FLAT", "metric_type": "L2", "params": {}})
    rule = {"source": "things", "meta": {"spread": {"size": "int64"}}}
    target = "{store: files, path: out, format: postgres}"
    check = godwit("check", godwit.job("job.yaml", databases.job(collections=[rule], target=target)), "--rows")
    assert check.code == 4, check
    message = rows_item(check)["message"]
    assert message.startswith("of 100 rows: 1 the target refuses, for example 40: "), message
    assert "2 can't be mapped, for example key 20: $meta has" in message, message
    assert "key 30: " in message and "'size', which is no int64" in message
    assert "'note'" in message, message
    rule["meta"]["mismatch"] = "leave"
    check = godwit("check", godwit.job("left.yaml", databases.job("on_reject: continue\n", [rule], target)), "--rows")
    assert check.code == 0 and rows_item(check)["message"].startswith("of 100 rows: 1 the target refuses"), check
