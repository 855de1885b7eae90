"""Chosen, renamed and filtered on a real Milvus; what arrived is read by pymilvus."""

import json
import shutil

from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, utility

import rows

DIM = 8


def make(alias, name, count=3000, partitions=("red",)):
    schema = CollectionSchema([FieldSchema("id", DataType.INT64, is_primary=True),
                               FieldSchema("year", DataType.INT32),
                               FieldSchema("txt", DataType.VARCHAR, max_length=100),
                               FieldSchema("v", DataType.FLOAT_VECTOR, dim=DIM)], enable_dynamic_field=True)
    collection = Collection(name, schema, using=alias, shards_num=1)
    for partition in partitions:
        collection.create_partition(partition)
    for at, partition in enumerate((None, *partitions)):
        data = []
        for i in range(count):
            row = {"id": i * 10 + at, "year": 2000 + i % 20, "txt": f"t'{i}\"", "v": rows.float_vector(i, DIM)}
            if i % 2 == 0:
                row["color"] = f"c{i % 5}"
                row["more"] = {"n": i}
            data.append(row)
        collection.insert(data, partition_name=partition)
    collection.flush()
    collection.create_index("v", {"index_type": "FLAT", "metric_type": "L2"}, index_name="v_flat")
    collection.load()
    return collection


def test_filtered_and_mapped(godwit, databases):
    source = make(databases.connect(databases.source), "logs")
    rule = """collections:
- source: lo*
  target: old_lo*
  filter: "year >= 2010 and txt like 't%'"
  fields: {rename: {txt: text}}
  partitions: {red: crimson}
  meta: {spread: {color: {default: none, max_length: 20}}}
  constants: {tenant: {value: acme, max_length: 10}}
  indexes: [{field: v, type: HNSW, metric: L2, params: {M: 8, efConstruction: 64}}]
"""
    report = godwit.run(databases.job(rule)).collection("logs")
    assert report["verdict"] == "verified" and report["rows"] == 3000
    alias = databases.connect(databases.target)
    target = Collection("old_logs", using=alias)
    assert sorted(p.name for p in target.partitions) == ["_default", "crimson"]
    index, = target.indexes
    assert (index.index_name, index.params["index_type"]) == ("v_flat", "HNSW")
    for theirs, ours in (("_default", "_default"), ("red", "crimson")):
        want = {k: r for k, r in rows.read_all(source, "id", partition_names=[theirs]).items() if r["year"] >= 2010}
        have = rows.read_all(target, "id", partition_names=[ours])
        assert len(want) == 1500 and have.keys() == want.keys()
        for key, row in want.items():
            mine = have[key]
            assert (mine["text"], mine["tenant"], mine["year"]) == (row["txt"], "acme", row["year"])
            assert mine["color"] == row.get("color", "none") and mine.get("more") == row.get("more")
            assert rows.bits(mine["v"]) == rows.bits(row["v"])
    assert godwit("verify", "job.yaml").code == 0
    plan = godwit("plan", "job.yaml", "--ddl", "--selection", "names.csv")
    assert plan.code == 0, plan
    assert (godwit.folder / "names.csv").read_text() == (
        f"source,target\n{databases.source}.logs,{databases.target}.old_logs\n")
    calls = json.loads(plan.events[-1]["collections"][0]["ddl"])
    assert [call["call"] for call in calls][:2] == ["CreateCollection", "CreatePartition"]
    assert [f["name"] for f in calls[0]["request"]["schema"]["fields"]][:3] == ["id", "year", "text"]

    target.delete("id in [10050]")
    different = godwit("verify", "job.yaml")
    assert different.code in (0, 3)  # 10050 passes the filter only where its year does
    assert different.collection("logs")["differences"] == (1 if 1005 % 20 >= 10 else 0)


def test_a_wrong_filter_writes_nothing(godwit, databases):
    collection = make(databases.connect(databases.source), "logs", count=10, partitions=())
    for loaded in (True, False):
        if not loaded:
            collection.release()
        for condition in ("year >", "year == 'x'", "year > 1) or (year < 5"):
            rule = f'collections: [{{source: logs, filter: "{condition}"}}]\n'
            result = godwit.run(databases.job(rule), expect=2)
            assert "filter: " in result.collection("logs")["error"], result
            assert "job.yaml:4" in result.collection("logs")["error"], result
            shutil.rmtree(godwit.state_dir)
    assert utility.list_collections(using=databases.connect(databases.target)) == []


def test_databases_are_chosen_and_renamed(godwit, databases):
    alias = databases.connect(databases.source)
    for name in ("a1", "a2", "b1", "tmp_1"):
        make(alias, name, count=20, partitions=())
    server = f'url: "{databases.server.uri}"'
    stem = databases.source.removesuffix("_src")
    job = (f"name: job\nsource: {{store: milvus, {server}}}\ntarget: {{store: milvus, {server}}}\n"
           f'databases: {{"{stem}_sr*": "{stem}_dst"}}\n'
           f'collections: [{{source: a1, target: first}}, "*"]\nexclude: ["tmp_*", {databases.source}.b1]\n')
    result = godwit.run(job)
    assert {(c["source"], c["target"]) for c in result.report["collections"]} == {
        (f"{databases.source}.a1", f"{databases.target}.first"), (f"{databases.source}.a2", f"{databases.target}.a2")}
    assert sorted(utility.list_collections(using=databases.connect(databases.target))) == ["a2", "first"]


def test_stages(godwit, databases):
    make(databases.connect(databases.source), "logs", count=50)
    alias = databases.connect(databases.target)

    def run(name, stages, expect, verdict):
        text = databases.job(f"stages: [{stages}]\n").replace("name: job", f"name: {name}")
        report = godwit.run(text, expect=expect).collection("logs")
        assert report["verdict"] == verdict, report

    run("one", "schema", 0, "structure only")
    target = Collection("logs", using=alias)
    assert [p.name for p in target.partitions] == ["_default", "red"] and len(target.indexes) == 1
    assert rows.count(target) == 0
    target.release()
    target.drop_index(index_name="v_flat")
    run("two", "full, verify", 0, "verified")
    assert target.indexes == []
    run("three", "indexes", 0, "structure only")
    assert [i.index_name for i in Collection("logs", using=alias).indexes] == ["v_flat"]
    run("four", "verify", 0, "verified")
    assert rows.count(Collection("logs", using=alias)) == 100
