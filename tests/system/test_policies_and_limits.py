"""Rows that stay, rows that are refused, and how fast a real Milvus is read; read back by pymilvus and sqlite3."""

import json
import re
import signal
import sqlite3
import time

import numpy as np
import pytest
from pymilvus import Collection, utility

import rows


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def named(databases, name, extra):
    return databases.job(extra).replace("name: job", f"name: {name}")


@pytest.mark.parametrize("loaded", [True, False])
def test_ignore_keeps_the_targets_rows(godwit, milvus, databases, loaded):
    source = rows.make_simple(databases.connect(databases.source), "p", 1000, dim=8)
    alias = databases.connect(databases.target)
    target = rows.make_simple(alias, "p", 700, dim=8, first=600, seed=8, load=loaded)  # 400 keys in common
    if not loaded:
        target.load()
    before = rows.read_all(target, "id")
    if not loaded:
        target.release()
    result = godwit.run(named(databases, "i", "if_not_empty: ignore\n"))
    report = result.collection("p")
    assert report["verdict"] == "verified"
    assert (report["conflicts"], report["rows"]) == (400, 600)
    assert len(report["conflict_rows"]) == 400
    target.load()
    assert rows.count(target) == 1300
    want, have = rows.read_all(source, "id"), rows.read_all(target, "id")
    for key, row in have.items():
        expected = before[key] if key in before else want[key]
        assert rows.bits(row) == rows.bits(expected), key
    listed = lines(result.report["conflicts_file"])
    assert sorted(line["source_row"]["id"] for line in listed) == list(range(600, 1000))
    for line in listed:
        key = line["source_row"]["id"]
        assert line["target_row"]["id"] == key and line["key"] == str(key)
        for side, values in (("source_row", want), ("target_row", before)):
            assert np.asarray(line[side]["v"], np.float32).tobytes() == np.asarray(values[key]["v"], np.float32).tobytes()
    # Nothing of it is forgotten, and nothing is counted twice.
    verified = godwit("verify", godwit.job("v.yaml", named(databases, "i", "if_not_empty: ignore\n")))
    assert verified.code == 0, verified


def test_a_killed_ignore_counts_each_conflict_once(godwit, milvus, databases):
    source = rows.make_simple(databases.connect(databases.source), "p", 6000, dim=8)
    alias = databases.connect(databases.target)
    target = rows.make_simple(alias, "p", 1000, dim=8, first=2500, seed=8)
    tuning = "if_not_empty: ignore\ntuning: {split: 64KiB, batch: 8KiB, commit_bytes: 16KiB, parallelism: 2}\n"
    job = godwit.job("k.yaml", named(databases, "k", tuning))
    killed = 0
    for hit in (2, 3, 4):
        result = godwit("run", job, env={"GODWIT_FAILPOINTS": f"milvus.insert.sent=crash@{hit}"})
        killed += result.code == -signal.SIGKILL
    assert killed >= 2
    report = godwit.run(job).collection("p")
    assert (report["verdict"], report["conflicts"], report["rows"]) == ("verified", 1000, 5000), report
    assert rows.count(target) == 6000 == len(rows.read_all(target, "id"))
    assert len(source.describe()["fields"]) == len(target.describe()["fields"])


def test_append_never_doubles_a_key(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "p", 1000, dim=8)
    alias = databases.connect(databases.target)
    target = rows.make_simple(alias, "p", 500, dim=8, first=1000, seed=8)
    godwit.run(named(databases, "a", "if_not_empty: append\n"))
    assert rows.count(target) == 1500
    godwit.run(named(databases, "b", "if_not_empty: drop\n"))
    target = Collection("p", using=alias)
    utility.drop_collection("p", using=alias)
    target = rows.make_simple(alias, "p", 500, dim=8, first=700, seed=8)
    refused = godwit.run(named(databases, "c", "if_not_empty: append\n"), expect=1)
    assert "if_not_empty: append" in refused.collection("p")["error"]
    found = rows.read_all(target, "id")
    assert rows.count(target) == len(found)


def test_a_killed_append_writes_each_row_once(godwit, milvus, databases):
    source = rows.make_simple(databases.connect(databases.source), "p", 6000, dim=8)
    alias = databases.connect(databases.target)
    target = rows.make_simple(alias, "p", 1000, dim=8, first=6000, seed=8)
    want = rows.read_all(target, "id") | rows.read_all(source, "id")
    tuning = "if_not_empty: append\ntuning: {split: 64KiB, batch: 8KiB, commit_bytes: 16KiB, parallelism: 2}\n"
    job = godwit.job("k.yaml", named(databases, "k", tuning))
    killed = 0
    for hit in (2, 3):
        result = godwit("run", job, env={"GODWIT_FAILPOINTS": f"milvus.insert.sent=crash@{hit}"})
        killed += result.code == -signal.SIGKILL
    assert killed >= 1
    report = godwit.run(job).collection("p")
    assert (report["verdict"], report["rows"]) == ("verified", 6000), report
    have = rows.read_all(target, "id")
    assert rows.count(target) == 7000 == len(have)
    assert {key: rows.bits(row) for key, row in have.items()} == {key: rows.bits(row) for key, row in want.items()}


def test_refused_rows_are_listed_and_left_out(godwit, milvus, databases, tmp_path):
    """Milvus 2.3 never returns the greatest int64 key, so that row is refused; the others arrive and are verified."""
    with sqlite3.connect(tmp_path / "in.db") as db:
        db.execute("CREATE TABLE p(id INTEGER PRIMARY KEY, note TEXT NOT NULL, v BLOB NOT NULL)")
        db.executemany("INSERT INTO p VALUES(?, ?, ?)",
                       [(key, f"note {key}", bytes(16)) for key in [*range(500), 2**63 - 1]])
    job = (f"name: r\nsource: {{store: sqlite, path: in.db, types: {{v: float_vector(4)}}}}\n"
           f'target: {{store: milvus, url: "{milvus.uri}", database: {databases.target}}}\n')
    stopped = godwit.run(job, expect=1)
    assert "on_reject" in stopped.collection("p")["error"]
    (tmp_path / "refused").mkdir()
    result = godwit.run(job + "on_reject: continue\nmax_rejects: 1\nrejects_file: refused/rows.jsonl\n")
    report = result.collection("p")
    assert (report["verdict"], report["rejects"], report["rows"]) == ("verified", 1, 500)
    assert result.report["rejects_file"] == str(tmp_path / "refused" / "rows.jsonl")
    (line,) = lines(result.report["rejects_file"])
    assert line["row"] == {"id": 2**63 - 1, "note": f"note {2**63 - 1}", "v": [0, 0, 0, 0]}
    assert line["reason"] and line["source"] == "p"


def test_the_rate_is_kept(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "p", 20000, dim=8)
    for limit, of_report in (("rows_per_second: 2500", lambda r: r["rows"] / r["copy_seconds"] / 2500),
                             ("bytes_per_second: 100000", lambda r: r["bytes"] / r["copy_seconds"] / 100000)):
        job = (f"name: {limit.split(':')[0]}\n"
               f'source: {{store: milvus, url: "{milvus.uri}", database: {databases.source}}}\n'
               f"target: {{store: sqlite, path: {limit.split(':')[0]}.db}}\ntuning: {{{limit}}}\n")
        report = godwit.run(job).collection("p")
        assert report["verdict"] == "verified"
        assert 0.95 <= of_report(report) <= 1.05, report


@pytest.mark.parametrize("limit", ["rows_per_second: 20000", "bytes_per_second: 2000000"])
def test_the_rate_of_many_splits_is_one_rate(godwit, limit):
    """Eight readers share it. Without it the copy takes a fraction of a second."""
    key, wanted = limit.split(": ")
    job = (f"name: {key}\nsource: {{store: synthetic, rows: 120000, dim: 16}}\ntarget: {{store: blackhole}}\n"
           f"verify: off\ntuning: {{{limit}, parallelism: 8, split: 1MiB}}\n")
    report = godwit.run(job, expect=5).collection("synthetic")
    moved = report["rows" if key == "rows_per_second" else "bytes"]
    assert report["rows"] == 120000 and moved / int(wanted) >= 4
    assert 0.95 <= moved / report["copy_seconds"] / int(wanted) <= 1.05, report


def test_limits_change_while_the_job_runs(godwit, milvus, databases, tmp_path):
    rows.make_simple(databases.connect(databases.source), "p", 20000, dim=8)
    job = godwit.job("slow.yaml", databases.job("tuning: {rows_per_second: 200}\n", target="{store: sqlite, path: l.db}"))
    process = godwit.start("run", job)
    deadline = time.monotonic() + 60
    while True:
        found = [event for event in godwit("status", "job").events if event["event"] == "job"]
        if found and found[0]["collections"] and found[0]["collections"][0]["rows"] > 0:
            break
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.2)
    assert found[0]["limits"]["rows_per_second"] == 200 and not found[0]["limits_changed"]
    changed = godwit("limit", "job", "--rows-per-second", "5000", "--parallelism", "1")
    assert changed.code == 0 and changed.events[0]["limits"]["rows_per_second"] == 5000
    status = godwit("status", "job").events[0]
    assert status["limits"]["parallelism"] == 1 and status["limits_changed"]
    begin = time.monotonic()
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert time.monotonic() - begin < 20  # at 200 rows/s it would take 100 s
    assert re.search("limits from now on: 5000 rows/s, parallelism 1", stdout + stderr)


def test_what_can_not_be_loaded_is_refused(godwit, milvus, databases):
    rows.make_simple(databases.connect(databases.source), "p", 10, dim=8)
    job = godwit.job("l.yaml", named(databases, "l", "load: always\nindexes: none\n"))
    for verb, code in (("check", 4), ("plan", 1), ("run", 1)):
        result = godwit(verb, job)
        assert result.code == code and "can't be loaded at the target" in str(result), result
    assert not utility.has_collection("p", using=databases.connect(databases.target))
