"""kill -9 at every failpoint, then run again to the end: lost 0, doubled 0, changed 0.

The targets are read by Python's sqlite3 and by pyarrow, and compared with the same copy made without a crash.
"""

import contextlib
import csv
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess

import pyarrow.parquet as pq
import pytest

from system.conftest import ROOT, Godwit

ROWS = 2000
TUNING = "tuning: {parallelism: 2, batch: 20KiB, split: 160KiB, commit_bytes: 40KiB}\n"
SOURCES = {
    "synthetic": "{store: synthetic, rows: %d, dim: 16, fields: [all], partitions: 2}" % ROWS,
    "sqlite": "{store: sqlite, path: in.db}",
    "meta": "{store: synthetic, rows: %d, dim: 16, fields: [basic, string, bool, $meta], partitions: 2}" % ROWS,
}
# "ignore": the target holds some of the keys, with other values, which stay. "mapped": see expected_of_mapped.
TARGETS = {
    "sqlite": "{store: sqlite, path: out.db}",
    "files": "{store: files, path: out}",
    "csv": "{store: files, path: out, staging: stage, format: csv, rows_per_file: 150, file_bytes: 20KiB}",
    "ignore": "{store: sqlite, path: out.db}\nif_not_empty: ignore",
    "mapped": """{store: sqlite, path: out.db}
collections:
- source: synthetic
  target: mapped
  filter: "id % 5 <> 0"
  fields: {exclude: [bool], rename: {string: text}}
  partitions: {part_0001: first}
  meta: {spread: {color: {max_length: 10, default: none}, size: {type: int64}}}
  constants: {tenant: {value: acme, max_length: 10}}""",
}
ROUTES = [("synthetic", "sqlite"), ("synthetic", "files"), ("sqlite", "files"), ("synthetic", "csv"),
          ("synthetic", "ignore")]
# The mapping is on the way of the rows, not of the journal: the points where rows are read, written and counted.
MAPPED_POINTS = ["engine.write.before", "engine.commit.before", "engine.commit.after", "engine.compare.after",
                 "journal.splits.after", "journal.receipt.before", "journal.receipt.after", "sqlite.write.before",
                 "sqlite.commit.before", "sqlite.commit.after"]


def job(source, target):
    # The name is part of what is compared: it stands in manifests.
    return f"name: crash\nsource: {SOURCES[source]}\ntarget: {TARGETS[target]}\n{TUNING}"


def all_failpoints():
    binary = os.environ.get("GODWIT_BINARY", str(ROOT / "build" / "godwit"))
    return subprocess.run([binary, "failpoints"], check=True, capture_output=True, text=True).stdout.split()


def read_sqlite(folder):
    with sqlite3.connect(folder / "out.db") as db:
        columns = [row[1] for row in db.execute('PRAGMA table_info("synthetic")')]
        quoted = ", ".join('"' + c.replace('"', '""') + '"' for c in columns)
        return sorted(db.execute(f'SELECT {quoted} FROM "synthetic"').fetchall(), key=repr)


def read_files(folder):
    files = sorted((folder / "out").rglob("*.parquet"))
    rows = []
    for file in files:
        partition = str(file.parent.relative_to(folder / "out"))
        for row in pq.ParquetFile(file).read().to_pylist():
            rows.append((partition, repr(row)))
    strays = [str(p) for p in (folder / "out").rglob(".godwit-stage*")]
    assert not strays, strays
    return sorted(rows)


def read_ignore(folder):
    conflicts = (folder / "state" / "crash.conflicts.jsonl").read_text().splitlines()
    assert len(set(conflicts)) == len(conflicts) > 100
    return read_sqlite(folder), sorted(conflicts)


def read_mapped(folder):
    """What arrived. That it is right, and not only the same without a crash, is seen from the source."""
    with sqlite3.connect(folder / "out.db") as db:
        db.row_factory = sqlite3.Row
        rows = [dict(row) for row in db.execute('SELECT * FROM "mapped"')]
    for row in rows:
        row["$meta"] = json.loads(row["$meta"])
    with sqlite3.connect(folder / "in.db") as db:
        db.row_factory = sqlite3.Row
        want = [expected_of_mapped(dict(row)) for row in db.execute('SELECT * FROM "synthetic"') if row["id"] % 5]
    assert sorted(rows, key=lambda row: row["id"]) == sorted(want, key=lambda row: row["id"])
    return sorted(rows, key=lambda row: row["id"])


def expected_of_mapped(row):
    meta = json.loads(row.pop("$meta"))
    del row["bool"]
    row["text"] = row.pop("string")
    row["tenant"] = "acme"
    row["color"], row["size"] = meta.pop("color", "none"), meta.pop("size", None)
    row["$partition"] = {"part_0001": "first"}.get(row["$partition"], row["$partition"])
    return row | {"$meta": meta}


def fill_meta(path):
    """Keys that some rows have, and one that all have, which stays."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:  # closed, as the file is copied without its log
        for (key,) in db.execute('SELECT id FROM "synthetic"').fetchall():
            meta = {"n": key} | ({"color": f"c{key % 7}"} if key % 3 else {}) | ({"size": key} if key % 4 else {})
            db.execute('UPDATE "synthetic" SET "$meta" = ? WHERE id = ?', (json.dumps(meta), key))


def read_csv(folder):
    """Rows without their partitions. Nothing but the collection may be there, and no stage."""
    collection = folder / "out" / "synthetic"
    assert list((folder / "out").iterdir()) == [collection]
    assert not (folder / "stage").exists()
    names = sorted(p.name for p in collection.iterdir())
    files = [name for name in names if name.endswith(".csv")]
    assert names == files + ["_godwit-manifest.json"]
    assert files == [f"{i:010}.csv" for i in range(len(files))]
    rows = []
    for name in files:
        with open(collection / name, newline="", encoding="utf-8") as file:
            header, *of_file = csv.reader(file)
        assert len(of_file) == 150 or name == files[-1] and 0 < len(of_file) < 150
        rows += [(header, row) for row in of_file]
    return sorted(rows)


READERS = {"sqlite": read_sqlite, "files": read_files, "csv": read_csv, "ignore": read_ignore, "mapped": read_mapped}


class Route:
    """A route, and what it gives when nothing goes wrong."""

    def __init__(self, folder, source, target):
        self.source, self.target = source, target
        self.folder = pathlib.Path(folder)
        if source == "sqlite":
            filling = Godwit(self.folder)
            rows = SOURCES["meta" if target == "mapped" else "synthetic"]
            filling.run(f"name: fill\nsource: {rows}\ntarget: {{store: sqlite, path: in.db}}\n")
            if target == "mapped":
                fill_meta(self.folder / "in.db")
        if target == "ignore":
            filling = Godwit(self.folder)
            other = SOURCES[source].replace(str(ROWS), f"{ROWS // 5}, seed: 2")
            filling.run(f"name: fill\nsource: {other}\ntarget: {{store: sqlite, path: filled.db}}\n")
        clean = self.fresh("clean")
        clean.run(job(source, target))
        self.expected = READERS[target](clean.folder)
        assert len(self.expected) == ROWS or target in ("ignore", "mapped")

    def fresh(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if self.source == "sqlite":
            shutil.copy(self.folder / "in.db", folder / "in.db")
        if self.target == "ignore":
            shutil.copy(self.folder / "filled.db", folder / "out.db")
        return Godwit(folder)

    def crash_and_finish(self, point, action, hit):
        """Runs into the failpoint, then to the end. False when the failpoint was not reached."""
        runner = self.fresh("crashed")
        path = runner.job("job.yaml", job(self.source, self.target))
        first = runner("run", path, env={"GODWIT_FAILPOINTS": f"{point}={action}@{hit}"})
        reached = first.code != 0
        if action == "crash" and reached:
            assert first.code == -signal.SIGKILL, first
        if self.target == "csv" and (runner.folder / "out").exists():
            # Whatever happened: with a staging folder only finished collections are ever to be seen.
            for collection in (runner.folder / "out").iterdir():
                assert (collection / "_godwit-manifest.json").exists(), (point, action, hit, collection)
        second = runner("run", path)
        assert second.code == 0, (point, action, hit, second)
        assert READERS[self.target](runner.folder) == self.expected, (point, action, hit)
        return reached


@pytest.fixture(scope="module", params=ROUTES, ids=lambda route: "-".join(route))
def route(request, tmp_path_factory):
    return Route(tmp_path_factory.mktemp("-".join(request.param)), *request.param)


@pytest.mark.parametrize("point", all_failpoints())
def test_crash(route, point):
    """The first hit and a later one."""
    if not route.crash_and_finish(point, "crash", 1):
        return  # not on this route; that some route reaches it is what test_coverage asks
    REACHED.add(point)
    route.crash_and_finish(point, "crash", 3)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    return Route(tmp_path_factory.mktemp("mapped"), "sqlite", "mapped")


@pytest.mark.parametrize("point", MAPPED_POINTS)
def test_crash_of_a_mapped_job(mapped, point):
    assert mapped.crash_and_finish(point, "crash", 1)
    mapped.crash_and_finish(point, "crash", 4)


@pytest.mark.full
@pytest.mark.parametrize("point", all_failpoints())
def test_crash_at_many_hits(route, point):
    for hit in range(1, 60):
        if not route.crash_and_finish(point, "crash", hit):
            break


@pytest.mark.parametrize("action", ["error", "fail", "nospace"])
@pytest.mark.parametrize("point", [p for p in all_failpoints() if p.startswith(("base.", "journal.", "engine."))])
def test_failure(route, point, action):
    """The call fails instead: the run goes on by itself or ends with an error, and the next one finishes."""
    route.crash_and_finish(point, action, 2)


REACHED = set()


def test_coverage():
    """A failpoint that no route reaches proves nothing."""
    if not REACHED:
        return  # only a part of the sweep was run
    correction = {p for p in all_failpoints()
                  if any(word in p for word in ("correction", "delete", "drop", "restore", "prepare"))}
    missed = set(all_failpoints()) - REACHED - correction
    missed = {p for p in missed if not p.startswith("milvus.")}
    assert not missed, sorted(missed)
