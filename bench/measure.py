"""Each route beside its ceilings and beside a pymilvus iterator, in one run on one machine. See README.md."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from servers.milvus import MilvusServer  # noqa: E402

BUILD = ROOT / "build"
ROUNDS = 7
FILE_ROWS = 2_000_000  # at least: less is over before the disk has a steady rate


def godwit(folder, name, source, target, extra="verify: off\nif_not_empty: drop\n"):
    """Rows a second of the copy, the report of the collection, the peak of memory, and the seconds of processor."""
    path = folder / f"{name}.yaml"
    path.write_text(f"name: {name}\nsource: {source}\ntarget: {target}\n{extra}")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.run(["/usr/bin/env", "python3", "-c", PEAK, str(BUILD / "godwit"), "run", str(path), "--json",
                              "--restart", "--state-dir", str(folder / "state")], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads([line for line in process.stdout.splitlines() if '"event":"report"' in line][-1])
    if report["exit_code"] not in (0, 5):
        sys.exit(f"{name}: {report}")
    collection = report["collections"][0]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"rows_per_second": collection["rows"] / collection["copy_seconds"],
            "copy_seconds": collection["copy_seconds"], "verify_seconds": collection["verify_seconds"],
            "peak_mib": int(re.search(r"peak (\d+)", process.stderr).group(1)) / 1024,
            "core_seconds_per_gb": cpu / (collection["bytes"] / 1e9)}


def first_row(folder, source, target):
    """Seconds from the start of the command until it has handed rows to the target."""
    path = folder / "first.yaml"
    path.write_text(f"name: first\nsource: {source}\ntarget: {target}\ncollections: [bench]\nverify: off\nif_not_empty: drop\n")
    begin = time.monotonic()
    process = subprocess.Popen([str(BUILD / "godwit"), "run", str(path), "--json", "--restart", "--state-dir",
                                str(folder / "state")], stdout=subprocess.PIPE, text=True)
    seconds = None
    for line in process.stdout:
        event = json.loads(line)
        if seconds is None and event.get("rows", 0) > 0:
            seconds = time.monotonic() - begin
    if process.wait() not in (0, 5):
        sys.exit("first row: the job failed")
    return seconds


# The peak of one child alone; the children of this process together would only ever grow.
PEAK = ("import resource,subprocess,sys; c=subprocess.call(sys.argv[1:]); "
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(c)")


def program(name, *arguments):
    output = subprocess.run([str(BUILD / name), *map(str, arguments)], check=True, capture_output=True, text=True).stdout
    return output


def rate(output):
    return float(re.search(r"([0-9]+) rows/s", output).group(1))


def quiet(server):
    """Waits until the server has done what it does behind the scenes after the last measurement."""
    def cpu():
        fields = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    calm, last = 0, cpu()
    for _ in range(120):
        time.sleep(0.5)
        now = cpu()
        calm = calm + 1 if now - last < 0.15 else 0
        last = now
        if calm == 4:
            return
    print("the server does not come to rest", file=sys.stderr)


def pymilvus_iterator(uri, collection):
    from pymilvus import Collection, connections

    connections.connect("iterator", uri=uri)
    begin, rows = time.monotonic(), 0
    iterator = Collection(collection, using="iterator").query_iterator(batch_size=1000, output_fields=["*"])
    while page := iterator.next():
        rows += len(page)
    iterator.close()
    connections.disconnect("iterator")
    return rows / (time.monotonic() - begin)


class Bench:
    def __init__(self, rows, dim, folder):
        self.rows, self.dim, self.folder = rows, dim, folder
        self.lines = []

    def note(self, what, value, ceiling, ceiling_name, goal=None, median=None):
        ratio = value / ceiling
        self.lines.append({"measured": what, "rows_per_second": round(value), "ceiling": ceiling_name,
                           "ceiling_rows_per_second": round(ceiling), "ratio": round(ratio, 2), "goal": goal}
                          | ({"median_ratio": round(median, 2)} if median else {}))
        print(f"{what:34} {value:10.0f} rows/s   {ratio:5.2f} of {ceiling:8.0f} ({ceiling_name})"
              + (f"   goal {goal}" if goal else "") + (f"   median round {median:.2f}" if median else ""), flush=True)

    def fact(self, what, value):
        self.lines.append({"measured": what, "value": value})
        print(f"{what:34} {value}", flush=True)

    def synthetic(self, rows=None):
        return f"{{store: synthetic, rows: {rows or self.rows}, dim: {self.dim}}}"

    def files(self):
        out = self.folder / "parquet"
        out.mkdir()
        rows = max(self.rows, FILE_ROWS)

        def copy():
            os.sync()  # what the last measurement left for the disk to do
            target = f"{{store: files, path: {self.folder}/out}}"
            return godwit(self.folder, "files", self.synthetic(rows), target)["rows_per_second"]

        def ceiling():
            os.sync()
            return rate(program("parquet_ceiling", out, rows, self.dim, 2))

        self.compare(f"synthetic -> Parquet, {rows} rows", copy, ceiling, "Arrow's writer alone, 2 files", 0.8)
        shutil.rmtree(out)
        shutil.rmtree(self.folder / "out")

    def memory(self, sizes):
        for rows in sizes:
            for name, target in (("Parquet", f"{{store: files, path: {self.folder}/out}}"), ("blackhole", "{store: blackhole}")):
                result = godwit(self.folder, "memory", self.synthetic(rows), target)
                self.fact(f"peak of {rows} rows -> {name}", f"{result['peak_mib']:.0f} MiB, "
                          f"{result['core_seconds_per_gb']:.2f} core s/GB")
            shutil.rmtree(self.folder / "out", ignore_errors=True)

    def milvus(self, server):
        uri = server.uri
        source = f'{{store: milvus, url: "{uri}"}}'
        here = "collections: [bench]\nverify: off\nif_not_empty: drop\n"

        def write_ceiling(streams=4):
            quiet(server)
            return rate(program("milvus_write_ceiling", uri, "bench", self.rows, self.dim, 16000, streams))

        def write():
            quiet(server)
            return godwit(self.folder, "write", self.synthetic(), source)["rows_per_second"]

        for streams in (1, 2, 4):
            self.fact(f"insert ceiling, {streams} streams", f"{write_ceiling(streams):.0f} rows/s")
        inserts = self.compare("synthetic -> Milvus", write, write_ceiling, "inserts encoded beforehand, 4 streams", 0.9)
        self.prepare(uri)

        def read_ceiling():
            quiet(server)
            return float(re.search(r"bare +([0-9]+)", program("milvus_read_ceiling", uri, "bench", 2, 1, "bare")).group(1))

        def read():
            quiet(server)
            return godwit(self.folder, "read", source, "{store: blackhole}", here + "tuning: {parallelism: 2}\n")[
                "rows_per_second"]

        self.compare("Milvus -> blackhole", read, read_ceiling, "bare gRPC, 2 streams", 0.9)
        quiet(server)
        iterator = pymilvus_iterator(uri, "bench")
        quiet(server)
        to_files = godwit(self.folder, "to_files", source, f"{{store: files, path: {self.folder}/mout}}",
                          "collections: [bench]\nif_not_empty: drop\n")
        self.note("Milvus -> Parquet", to_files["rows_per_second"], iterator, "pymilvus iterator", 10)
        self.fact("Milvus -> Parquet, verification", f"{to_files['verify_seconds'] / to_files['copy_seconds']:.2f} of the copy")
        for name, target in (("Parquet", f"{{store: files, path: {self.folder}/fout}}"),
                             ("Milvus", f'{{store: milvus, url: "{uri}", database: first}}')):
            quiet(server)
            self.fact(f"first row, Milvus -> {name}", f"{first_row(self.folder, source, target):.2f} s after the start (goal 2)")
        copies = []

        def copy():
            quiet(server)
            copies.append(godwit(self.folder, "copy", source, f'{{store: milvus, url: "{uri}", database: copy}}', here))
            return copies[-1]["rows_per_second"]

        self.compare("Milvus -> Milvus (same server)", copy, lambda: self.both_ceiling(server),
                     "bare gRPC and encoded inserts at once", 0.9)
        self.note("the same", copies[-1]["rows_per_second"], inserts, "encoded inserts, the server doing nothing else")
        self.fact("Milvus -> Milvus, peak",
                  f"{copies[-1]['peak_mib']:.0f} MiB, {copies[-1]['core_seconds_per_gb']:.2f} core s/GB")

    def compare(self, what, measure, ceiling, ceiling_name, goal):
        """Both in turn, the first one changing from round to round; notes the best of each and the median ratio."""
        pairs = []
        for turn in range(ROUNDS):
            if turn % 2:
                value, top = measure(), ceiling()
            else:
                top, value = ceiling(), measure()
            pairs.append((value, top))
        value, top = (max(figures) for figures in zip(*pairs))
        self.note(what, value, top, ceiling_name, goal, statistics.median(value / top for value, top in pairs))
        return top

    def both_ceiling(self, server):
        """One server that gives rows to a bare reader and takes encoded ones: what a copy within it can at most do."""
        quiet(server)
        writer = subprocess.Popen([str(BUILD / "milvus_write_ceiling"), server.uri, "bench_copy", str(self.rows),
                                   str(self.dim), "16000", "4"], stdout=subprocess.PIPE, text=True)
        assert writer.stdout.readline() == "encoded\n"
        begin = time.monotonic()
        program("milvus_read_ceiling", server.uri, "bench", 2, 1, "bare")
        if writer.wait() != 0:
            sys.exit("milvus_write_ceiling failed")
        return self.rows / (time.monotonic() - begin)

    def prepare(self, uri):
        from pymilvus import Collection, connections

        connections.connect("prepare", uri=uri)
        collection = Collection("synthetic", using="prepare")
        Collection("bench", using="prepare").drop()
        collection.flush()
        vector = next(f.name for f in collection.schema.fields if "dim" in f.params)
        collection.create_index(vector, {"index_type": "FLAT", "metric_type": "L2", "params": {}})
        collection.load()
        from pymilvus import utility
        utility.rename_collection("synthetic", "bench", using="prepare")
        connections.disconnect("prepare")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--only", choices=["files", "milvus"], help="the routes of this store")
    parser.add_argument("--large", action="store_true", help="the memory of 5 million rows, too")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.rows, arguments.dim, pathlib.Path(folder))
        print(f"{arguments.rows} rows x {arguments.dim}, {os.cpu_count()} cores, the best of {ROUNDS} rounds")
        if arguments.only != "milvus":
            bench.files()
            bench.memory([100_000] + ([5_000_000] if arguments.large else []))
        if arguments.only != "files":
            with MilvusServer(pathlib.Path(folder) / "server") as server:
                bench.milvus(server)
    if arguments.save:
        now = datetime.datetime.now()
        model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
        path = ROOT / "bench" / "results" / f"{now:%Y-%m-%d-%H%M}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"date": f"{now:%Y-%m-%d}", "cores": os.cpu_count(), "processor": model,
                                    "system": platform.platform(), "rows": arguments.rows, "dim": arguments.dim,
                                    "results": bench.lines}, indent=1) + "\n")
        print(f"saved {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
