#!/usr/bin/env python3
"""What godwit does, shown on a real Milvus: a collection of handwritten digits goes to Parquet files and to another
database, both proven equal, and a nearest-neighbour search gives the same answer on both sides.

Everything it makes lies in build/demo and is made anew at each run; the server is stopped at the end.
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
warnings.filterwarnings("ignore", message="pkg_resources")

import pyarrow.parquet  # noqa: E402
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, db  # noqa: E402
from servers.milvus import MilvusServer  # noqa: E402
from servers.process import dying_with_parent  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

DEMO = ROOT / "build" / "demo"
GODWIT = os.environ.get("GODWIT_BINARY", str(ROOT / "build" / "godwit"))
LISTS = 16


def say(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def load_source():
    digits = load_digits()
    collection = Collection("digits", CollectionSchema([
        FieldSchema("id", DataType.INT64, is_primary=True),
        FieldSchema("label", DataType.INT64),
        FieldSchema("info", DataType.JSON),
        FieldSchema("pixels", DataType.FLOAT_VECTOR, dim=64),
    ], description="handwritten digits, 8 x 8 pixels each"))
    rows = len(digits.target)
    info = [{"row": i, "label": int(digits.target[i]), "sum": float(digits.data[i].sum())} for i in range(rows)]
    collection.insert([list(range(rows)), [int(label) for label in digits.target], info, digits.data.tolist()])
    collection.flush()
    collection.create_index("pixels", {"index_type": "IVF_FLAT", "metric_type": "L2", "params": {"nlist": LISTS}})
    collection.load()
    return rows, digits.data[0].tolist()


def godwit(job):
    command = [GODWIT, "run", str(job), "--state-dir", str(DEMO / "state")]
    print("$ build/godwit run", job.relative_to(ROOT), flush=True)
    result = subprocess.run(dying_with_parent(command), cwd=ROOT, check=False)
    if result.returncode:
        sys.exit(f"godwit ended with {result.returncode}")


def nearest(database, vector):
    connections.connect(database, uri=SERVER.uri, db_name=database)
    collection = Collection("digits", using=database)
    collection.load()
    # All lists are searched, so the answer is exact on both sides.
    hits = collection.search([vector], "pixels", {"metric_type": "L2", "params": {"nprobe": LISTS}}, limit=5,
                             output_fields=["label"], consistency_level="Strong")[0]
    answer = [(hit.id, hit.entity.get("label"), hit.distance) for hit in hits]
    connections.disconnect(database)
    return answer


def demo():
    say("A Milvus 2.3.5 with a collection `digits`")
    connections.connect("default", uri=SERVER.uri)
    rows, vector = load_source()
    db.create_database("copy")
    print(f"{rows} rows, 64 dimensions, in database `default` of {SERVER.uri} (started in {SERVER.start_seconds:.0f} s)")

    to_files = DEMO / "digits-to-parquet.yaml"
    to_files.write_text(f"""\
name: digits-to-parquet
source: {{store: milvus, url: "{SERVER.uri}", database: default}}
target: {{store: files, path: {DEMO / 'parquet'}, format: parquet}}
collections: [digits]
if_not_empty: drop
""", encoding="utf-8")
    to_milvus = DEMO / "digits-to-copy.yaml"
    to_milvus.write_text(f"""\
name: digits-to-copy
source: {{store: milvus, url: "{SERVER.uri}", database: default}}
target: {{store: milvus, url: "{SERVER.uri}", database: copy}}
collections: [digits]
if_not_empty: drop
""", encoding="utf-8")

    say("Milvus -> Parquet")
    godwit(to_files)
    files = sorted((DEMO / "parquet").rglob("*.parquet"))
    read = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    print(f"pyarrow reads {read} rows in:", *(file.relative_to(ROOT) for file in files), sep="\n  ")
    if read != rows:
        sys.exit(f"expected {rows} rows")

    say("Milvus -> Milvus, database `default` -> `copy`")
    godwit(to_milvus)

    say("The 5 nearest neighbours of row 0, asked on both sides")
    source, target = nearest("default", vector), nearest("copy", vector)
    for name, answer in (("default", source), ("copy", target)):
        print(f"  {name:8}", ", ".join(f"row {i} (a {label}) at {distance:.0f}" for i, label, distance in answer))
    if source != target:
        sys.exit("the answers differ")
    print("  the same.")


if __name__ == "__main__":
    # So that the server is stopped on a plain kill, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begin = time.monotonic()
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir(parents=True)
    try:
        with MilvusServer(DEMO / "milvus") as SERVER:
            demo()
            say(f"Done in {time.monotonic() - begin:.0f} s. Files, jobs and journals are in {DEMO.relative_to(ROOT)}/")
    except KeyboardInterrupt:
        sys.exit(130)
