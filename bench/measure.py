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
TEXT_ROWS = 3_000_000  # at least: whole jobs are measured, and how a job begins and ends is to be a small part
ITERATOR_ROWS = 200_000  # at most: its rate is the same after as many
NUMBERED = {"kind": "postgres", "delimiter": "|", "options": "format: postgres, delimiter: \"|\", rows_per_file: 40000"}
CSV = {"kind": "csv", "delimiter": ",", "options": "format: csv"}


def godwit(folder, name, source, target, extra="verify: off\nif_not_empty: drop\n"):
    """What the copy and the whole job achieved, and what they took of memory and processors."""
    path = folder / f"{name}.yaml"
    path.write_text(f"name: {name}\nsource: {source}\ntarget: {target}\n{extra}")
    process = subprocess.run([sys.executable, "-c", USAGE, str(BUILD / "godwit"), "run", str(path), "--json", "--restart",
                              "--state-dir", str(folder / "state")], capture_output=True, text=True)
    report = json.loads([line for line in process.stdout.splitlines() if '"event":"report"' in line][-1])
    if report["exit_code"] not in (0, 5):
        sys.exit(f"{name}: {report}")
    collection = report["collections"][0]
    cpu, peak = (float(number) for number in process.stderr.split()[-2:])
    return {"rows_per_second": collection["rows"] / collection["copy_seconds"],
            "job_rows_per_second": collection["rows"] / report["seconds"],
            "copy_seconds": collection["copy_seconds"], "verify_seconds": collection["verify_seconds"],
            "peak_mib": peak / 1024,
            "core_seconds_per_gb": round(cpu / (collection["bytes"] / 1e9), 2),
            "digest_share": round(report["digest_seconds"] / cpu, 3),
            "digest_of_copy": round(report["digest_seconds"] / os.cpu_count() /
                                    (collection["copy_seconds"] + collection["verify_seconds"]), 3)}


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


# Processor seconds and the peak of one child alone; those of this process together would only ever grow.
USAGE = ("import resource,subprocess,sys; c=subprocess.call(sys.argv[1:]); "
         "u=resource.getrusage(resource.RUSAGE_CHILDREN); print(u.ru_utime + u.ru_stime, u.ru_maxrss, file=sys.stderr); "
         "sys.exit(c)")


def program(name, *arguments):
    output = subprocess.run([str(BUILD / name), *map(str, arguments)], check=True, capture_output=True, text=True).stdout
    return output


def rate(output):
    return float(re.search(r"([0-9]+) rows/s", output).group(1))


def cost(result):
    return (f"{result['peak_mib']:.0f} MiB, {result['core_seconds_per_gb']:.2f} core s/GB, "
            f"digest {100 * result['digest_share']:.1f} %")


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


def pymilvus_iterator(uri, collection, folder=None):
    """Rows a second of a script that reads with pymilvus, and writes numbered files into the folder."""
    from pymilvus import Collection, connections

    connections.connect("iterator", uri=uri)
    begin, rows, lines = time.monotonic(), 0, []
    source = Collection(collection, using="iterator")
    fields = [field.name for field in source.schema.fields]
    iterator = source.query_iterator(batch_size=1000, output_fields=fields)
    while rows < ITERATOR_ROWS and (page := iterator.next()):
        rows += len(page)
        if folder is None:
            continue
        for row in page:
            values = (row[name] for name in fields)
            lines.append("|".join("{" + ", ".join(str(x) for x in value) + "}" if isinstance(value, list) else str(value)
                                  for value in values))
        if len(lines) == 40_000:
            (folder / f"{rows:010}.csv").write_text("|".join(fields) + "\n" + "\n".join(lines) + "\n")
            lines = []
    if lines:
        (folder / f"{rows:010}.csv").write_text("|".join(fields) + "\n" + "\n".join(lines) + "\n")
    iterator.close()
    connections.disconnect("iterator")
    return rows / (time.monotonic() - begin)


class Bench:
    def __init__(self, rows, dim, rounds, folder):
        self.rows, self.dim, self.rounds, self.folder = rows, dim, rounds, folder
        self.lines = []

    def note(self, what, result, ceiling, ceiling_name, goal=None, median=None, rate="rows_per_second"):
        """`result` of godwit(); its rate beside another one."""
        value = result[rate]
        ratio = value / ceiling
        cost = {key: result[key] for key in ("core_seconds_per_gb", "digest_share", "digest_of_copy")}
        cost["whole_job_ratio"] = round(result["job_rows_per_second"] / ceiling, 2)
        self.lines.append({"measured": what, "rows_per_second": round(value), "ceiling": ceiling_name,
                           "ceiling_rows_per_second": round(ceiling), "ratio": round(ratio, 2), "goal": goal}
                          | ({"median_ratio": round(median, 2)} if median else {}) | cost)
        print(f"{what:34} {value:10.0f} rows/s   {ratio:5.2f} of {ceiling:8.0f} ({ceiling_name})"
              + (f"   goal {goal}" if goal else "") + (f"   median round {median:.2f}" if median else "")
              + f"   whole job {cost['whole_job_ratio']:.2f}   {cost['core_seconds_per_gb']:.2f} core s/GB, "
                f"digest {100 * cost['digest_share']:.1f} %, {100 * cost['digest_of_copy']:.1f} % of the copy", flush=True)

    def fact(self, what, value):
        self.lines.append({"measured": what, "value": value})
        print(f"{what:34} {value}", flush=True)

    def synthetic(self, rows=None):
        return f"{{store: synthetic, rows: {rows or self.rows}, dim: {self.dim}}}"

    def parquet(self):
        out = self.folder / "parquet"
        out.mkdir()
        rows = max(self.rows, FILE_ROWS)

        def copy():
            os.sync()  # what the last measurement left for the disk to do
            return godwit(self.folder, "files", self.synthetic(rows), f"{{store: files, path: {self.folder}/out}}")

        def ceiling():
            os.sync()
            return rate(program("parquet_ceiling", out, rows, self.dim, 2))

        self.compare(f"synthetic -> Parquet, {rows} rows", copy, {"Arrow's writer alone, 2 files": ceiling}, 0.8)
        shutil.rmtree(out)
        shutil.rmtree(self.folder / "out")

    def formatter(self, text, rows):
        """Rows a second of the formatter of `text` alone."""
        os.sync()
        out = self.folder / "formatted"
        out.mkdir(exist_ok=True)
        result = rate(program("text_ceiling", "write", out, text["kind"], text["delimiter"], rows, self.dim, 2))
        shutil.rmtree(out)
        return result

    def text(self):
        rows = max(self.rows, TEXT_ROWS)
        target = f"{{store: files, path: {self.folder}/out, {CSV['options']}}}"

        def write():
            shutil.rmtree(self.folder / "out", ignore_errors=True)
            os.sync()
            return godwit(self.folder, "csv", self.synthetic(rows), target)

        def read():
            return godwit(self.folder, "from_csv", f"{{store: files, path: {self.folder}/out}}", "{store: blackhole}")

        def parser():
            return rate(program("text_ceiling", "read", self.folder / "out" / "synthetic", CSV["kind"], CSV["delimiter"],
                                self.dim, 2))

        self.compare(f"synthetic -> CSV, {rows} rows", write,
                     {"formatter alone, 2 files": lambda: self.formatter(CSV, rows)}, 0.8)
        self.compare(f"CSV -> blackhole, {rows} rows", read, {"parser alone, 2 threads": parser}, 0.8)
        shutil.rmtree(self.folder / "out")

    def memory(self, sizes):
        for rows in sizes:
            for name, target in (("Parquet", f"{{store: files, path: {self.folder}/out}}"), ("blackhole", "{store: blackhole}")):
                result = godwit(self.folder, "memory", self.synthetic(rows), target)
                self.fact(f"peak of {rows} rows -> {name}", cost(result))
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
            return godwit(self.folder, "write", self.synthetic(), source)

        for streams in (1, 2, 4):
            self.fact(f"insert ceiling, {streams} streams", f"{write_ceiling(streams):.0f} rows/s")
        inserts = self.compare("synthetic -> Milvus", write, {"inserts encoded beforehand, 4 streams": write_ceiling}, 0.9)
        self.prepare(uri)

        def read():
            quiet(server)
            return godwit(self.folder, "read", source, "{store: blackhole}", here + "tuning: {parallelism: 2}\n")

        self.compare("Milvus -> blackhole", read, {"bare gRPC, 2 streams": lambda: self.reader(server)}, 0.9)
        quiet(server)
        iterator = pymilvus_iterator(uri, "bench")
        quiet(server)
        to_files = godwit(self.folder, "to_files", source, f"{{store: files, path: {self.folder}/mout}}",
                          "collections: [bench]\nif_not_empty: drop\n")
        self.note("Milvus -> Parquet", to_files, iterator, "pymilvus iterator", 10)
        self.fact("Milvus -> Parquet, verification", f"{to_files['verify_seconds'] / to_files['copy_seconds']:.2f} of the copy")
        for name, target in (("Parquet", f"{{store: files, path: {self.folder}/fout}}"),
                             ("Milvus", f'{{store: milvus, url: "{uri}", database: first}}')):
            quiet(server)
            self.fact(f"first row, Milvus -> {name}", f"{first_row(self.folder, source, target):.2f} s after the start (goal 2)")
        copies = []

        def copy():
            quiet(server)
            copies.append(godwit(self.folder, "copy", source, f'{{store: milvus, url: "{uri}", database: copy}}', here))
            return copies[-1]

        self.compare("Milvus -> Milvus (same server)", copy,
                     {"bare gRPC and encoded inserts at once": lambda: self.both_ceiling(server)}, 0.9)
        self.note("the same", copies[-1], inserts, "encoded inserts, the server doing nothing else")
        self.fact("Milvus -> Milvus, peak", cost(copies[-1]))

    def fill(self, server, rows):
        """Makes the collection to read anew."""
        godwit(self.folder, "fill", self.synthetic(rows), f'{{store: milvus, url: "{server.uri}"}}')
        self.prepare(server.uri)

    def reader(self, server):
        quiet(server)
        output = program("milvus_read_ceiling", server.uri, "bench", 2, 1, "bare")
        return float(re.search(r"bare +([0-9]+)", output).group(1))

    def milvus_text(self, server):
        """Milvus -> text files: whole jobs, beside the reader and the formatter alone, and beside a script."""
        source = f'{{store: milvus, url: "{server.uri}"}}'
        out = self.folder / "text"
        rows = max(self.rows, TEXT_ROWS)
        self.fill(server, rows)

        def copy(text, verify="verify: off\n"):
            shutil.rmtree(out, ignore_errors=True)  # to remove what the last round left is no part of the job
            os.sync()
            quiet(server)
            return godwit(self.folder, "text", source, f"{{store: files, path: {out}, {text['options']}}}",
                          f"collections: [bench]\n{verify}if_not_empty: drop\ntuning: {{parallelism: 2}}\n")

        script = self.folder / "script"
        script.mkdir()
        quiet(server)
        iterator = pymilvus_iterator(server.uri, "bench", script)
        shutil.rmtree(script)
        for name, text in (("CSV", CSV), ("numbered files of COPY", NUMBERED)):
            self.compare(f"Milvus -> {name}", lambda: copy(text),
                         {"bare gRPC, 2 streams": lambda: self.reader(server),
                          "formatter alone, 2 files": lambda: self.formatter(text, rows)}, 0.8)
        for name, verify in (("", "verify: off\n"), (", verified", "")):
            self.note(f"Milvus -> numbered files{name}", copy(NUMBERED, verify), iterator,
                      "pymilvus iterator that writes them", 10, rate="job_rows_per_second")
        shutil.rmtree(out)

    def compare(self, what, measure, ceilings, goal):
        """All in turn, the first one changing from round to round; notes the best of each beside the slowest of the
        ceilings, and the median of the rounds' ratios."""
        results, tops = [], []
        for turn in range(self.rounds):
            if turn % 2:
                results.append(measure())
            tops.append([ceiling() for ceiling in ceilings.values()])
            if turn % 2 == 0:
                results.append(measure())
        result = max(results, key=lambda one: one["rows_per_second"])
        best = dict(zip(ceilings, (max(figures) for figures in zip(*tops))))
        name = min(best, key=best.get)
        for other, top in best.items():
            if other != name:
                self.fact(f"{what}: {other}", f"{top:.0f} rows/s")
        median = statistics.median(one["rows_per_second"] / min(top) for one, top in zip(results, tops))
        self.note(what, result, best[name], name, goal, median)
        return best[name]

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
        from pymilvus import Collection, connections, utility

        connections.connect("prepare", uri=uri)
        collection = Collection("synthetic", using="prepare")
        if utility.has_collection("bench", using="prepare"):
            Collection("bench", using="prepare").drop()
        collection.flush()
        vector = next(f.name for f in collection.schema.fields if "dim" in f.params)
        collection.create_index(vector, {"index_type": "FLAT", "metric_type": "L2", "params": {}})
        collection.load()
        utility.rename_collection("synthetic", "bench", using="prepare")
        connections.disconnect("prepare")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--only", choices=["files", "milvus", "csv"],
                        help="the routes of this store; csv: the text files of both")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--large", action="store_true", help="the memory of 5 million rows, too")
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    only = arguments.only
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.rows, arguments.dim, arguments.rounds, pathlib.Path(folder))
        print(f"{arguments.rows} rows x {arguments.dim}, {os.cpu_count()} cores, the best of {arguments.rounds} rounds")
        if only in (None, "files"):
            bench.parquet()
            bench.memory([100_000] + ([5_000_000] if arguments.large else []))
        if only in (None, "files", "csv"):
            bench.text()
        if only != "files":
            with MilvusServer(pathlib.Path(folder) / "server") as server:
                if only != "csv":
                    bench.milvus(server)
                bench.milvus_text(server)
    if arguments.save:
        now = datetime.datetime.now()
        model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
        path = ROOT / "bench" / "results" / f"{now:%Y-%m-%d-%H%M}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"date": f"{now:%Y-%m-%d}", "cores": os.cpu_count(), "processor": model,
                                    "system": platform.platform(), "rows": arguments.rows, "dim": arguments.dim,
                                    "rounds": arguments.rounds,
                                    "results": bench.lines}, indent=1) + "\n")
        print(f"saved {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
