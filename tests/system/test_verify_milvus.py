"""Repair and precheck on a real Milvus, changed and read by pymilvus."""

import csv

import numpy as np
from pymilvus import Collection

from system import rows

KEYS = range(0, 3000)


def read(collection):
    """Every row by key, the vectors as bytes."""
    found = {}
    for where in ("id <= 5000", "id > 5000"):
        for row in collection.query(where, output_fields=["*"], consistency_level="Strong"):
            row["v"] = np.asarray(row["v"], np.float32).tobytes()
            assert row["id"] not in found
            found[row["id"]] = dict(row)
    return found


def damage(target):
    target.delete("id in [17, 18, 19]")
    target.upsert([[99], [297], rows.simple_vectors([4711], 8)])
    target.insert([[777777], [1], rows.simple_vectors([1], 8)])
    target.insert([[50], [150], rows.simple_vectors([50], 8)])  # once more: Milvus keeps both
    target.flush()


def test_repair(godwit, milvus, databases):
    source = rows.make_simple(databases.connect(databases.source), "rep", len(KEYS), dim=8)
    godwit.run(databases.job())
    path = str(godwit.folder / "job.yaml")
    target = Collection("rep", using=databases.connect(databases.target))
    target.load()
    expected = read(source)
    assert read(target) == expected and len(expected) == len(KEYS)
    damage(target)
    assert godwit("verify", path).code == 3

    differences = godwit.folder / "repaired.csv"
    result = godwit("verify", path, "--repair", "--differences", str(differences))
    assert result.code == 0, result
    report = result.collection("rep")
    assert report["verdict"] == "verified" and report["deleted"] == 1 and report["written"] >= 4
    assert read(target) == expected
    with open(differences, newline="") as file:
        sides = {(line["key"], line["difference"]) for line in csv.DictReader(file)}
    assert {("17", "only in source"), ("18", "only in source"), ("19", "only in source"), ("99", "different"),
            ("777777", "only in target")} <= sides
    assert target.query("", output_fields=["count(*)"], consistency_level="Strong")[0]["count(*)"] == len(KEYS)
    assert godwit("verify", path).code == 0
    again = godwit("verify", path, "--repair").collection("rep")
    assert again["written"] == again["deleted"] == 0


def test_precheck(godwit, milvus, databases):
    alias = databases.connect(databases.source)
    rows.make_simple(alias, "good", 100, dim=8)
    twice = rows.make_simple(alias, "twice", 100, dim=8)
    rows.insert_simple(twice, range(10), 8, seed=8)
    twice.flush()
    rows.make_simple(databases.connect(databases.target), "good", 10, dim=8)
    path = godwit.job("job.yaml", databases.job())
    result = godwit("check", path, "--keys")
    assert result.code == 4, result
    items = {(item["subject"].split(".")[-1], item["name"]): item for item in result.events[-1]["items"]}
    assert items[("good", "target")]["verdict"] == "failed"
    assert "if_not_empty" in items[("good", "target")]["message"]
    assert items[("twice", "keys")]["verdict"] == "failed" and "10 rows" in items[("twice", "keys")]["message"]
    assert godwit("check", path, "--keys", "--skip", "keys", "--skip", "target").code == 0
    assert godwit("check", path, "--skip", "kees").code == 2
