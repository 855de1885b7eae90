"""The command itself: bad files, two runners, stop, signals, secrets. No server but where one is named."""

import json
import os
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import Godwit
from servers.milvus import MilvusServer

JOB = """name: small
source: {store: synthetic, rows: 1000, dim: 8}
target: {store: sqlite, path: out.db}
"""
SLOW = """name: slow
source: {store: synthetic, rows: 3000000, dim: 32}
target: {store: sqlite, path: out.db}
tuning: {commit_every: 200ms}
"""


def test_text_output(godwit):
    result = godwit.run(JOB, json_output=False)
    assert "verified" in result.stdout and "1,000" in result.stdout
    again = godwit.run(JOB, json_output=False)
    assert "verified earlier" in again.stdout and "not compared again" in again.stdout


def test_json_output(godwit):
    result = godwit.run(JOB)
    for line in result.stdout.splitlines():
        json.loads(line)
    report = result.report
    assert report["exit_code"] == 0 and report["verdict"] == "verified"
    assert 0 < report["digest_seconds"] < report["seconds"]
    collection = report["collections"][0]
    assert collection["rows"] == 1000
    for key in ("bytes", "copy_seconds", "rows_per_second", "duplicates", "rejects", "digest"):
        assert key in collection
    saved = json.loads(open(report["report_file"]).read())
    assert saved["collections"] == report["collections"]


@pytest.mark.parametrize("text, expected", [
    ("name: x\nsource: {store: synthetic}\n", ["target"]),
    (JOB.replace("store: sqlite", "store: sqlit"), ["sqlit", "sqlite", ":3:"]),
    (JOB.replace("rows: 1000", "rows: many"), ["rows", ":2:"]),
    (JOB.replace("rows: 1000", "row: 1000"), ["row", "rows", ":2:"]),
    (JOB.replace("rows: 1000", "rows: -1"), ["rows", ":2:"]),
    (JOB + "verify: perhaps\n", ["verify", "full", ":4:"]),
    (JOB + "colections: [a]\n", ["colections", "collections", ":4:"]),
    (JOB + "name: twice\n", ["name", ":4:"]),
    (JOB + "tuning: {memory: lots}\n", ["memory", ":4:"]),
    (JOB.replace("out.db", "${NOT_SET}"), ["NOT_SET", ":3:"]),
    (JOB + "  - x\n", [":"]),
    ("[1, 2", [":"]),
    ("", ["job.yaml"]),
])
def test_bad_files(godwit, text, expected, tmp_path):
    result = godwit("run", godwit.job("job.yaml", text), json_output=False)
    assert result.code == 2, result
    assert "job.yaml" in result.stderr
    for word in expected:
        assert word in result.stderr, result
    assert not (tmp_path / "state").exists() and not (tmp_path / "out.db").exists()


def test_missing_file_and_usage(godwit):
    assert godwit("run", "absent.yaml").code == 2
    assert godwit("run", state=False, json_output=False).code == 2
    assert godwit("fly", state=False, json_output=False).code == 2
    shown = godwit("run", "--help", state=False, json_output=False)
    assert shown.code == 0 and "Examples" in shown.stdout


def test_stores(godwit):
    result = godwit("stores", state=False)
    assert {event["name"] for event in result.events} >= {"milvus", "files", "sqlite", "synthetic", "blackhole"}


def test_plan_and_check_write_nothing(godwit, tmp_path):
    path = godwit.job("job.yaml", JOB)
    assert godwit("plan", path).code == 0
    assert godwit("check", path).code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["job.yaml"]


def test_an_unreachable_server_fails_the_precheck(godwit):
    text = JOB.replace("{store: sqlite, path: out.db}", '{store: milvus, url: "http://127.0.0.1:9"}')
    result = godwit.run(text, expect=4, timeout=60)
    assert "127.0.0.1:9" in result.report["error"]


def wait_for_rows(godwit, path):
    process = godwit.start("run", path)
    for line in process.stdout:
        if '"copying"' in line and '"rows":0,' not in line:
            return process
    pytest.fail(f"ended early: {process.stderr.read()}")


def test_two_runners(godwit):
    path = godwit.job("slow.yaml", SLOW)
    first = wait_for_rows(godwit, path)
    second = godwit("run", path)
    assert second.code == 1 and str(first.pid) in second.stdout
    listed = godwit("list").events[0]
    assert listed["state"] == "running" and listed["pid"] == first.pid
    stopped = godwit("stop", "slow")
    assert stopped.code == 0, stopped
    first.communicate(timeout=10)
    assert first.returncode == 130
    assert godwit("status", "slow").events[0]["state"] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_stop_within_five_seconds(godwit, number):
    path = godwit.job("slow.yaml", SLOW)
    process = wait_for_rows(godwit, path)
    process.send_signal(number)
    started = time.monotonic()
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - started < 5


def test_an_ignored_hangup_stays_ignored(godwit):
    path = godwit.job("slow.yaml", SLOW)
    command = ["nohup", godwit.binary, "run", path, "--json", "--state-dir", str(godwit.state_dir)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, cwd=godwit.folder)
    for line in process.stdout:
        if '"copying"' in line and '"rows":0,' not in line:
            break
    process.send_signal(signal.SIGHUP)
    assert '"copying"' in process.stdout.readline()
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def test_restart_begins_anew(godwit, tmp_path):
    path = godwit.job("slow.yaml", SLOW.replace("3000000", "200000"))
    process = wait_for_rows(godwit, path)
    process.kill()
    process.communicate()
    other = godwit.job("slow.yaml", SLOW.replace("3000000", "1000"))
    refused = godwit("run", other)
    assert refused.code == 1 and "--restart" in refused.stdout
    os.remove(tmp_path / "out.db")
    assert godwit("run", other, "--restart").code == 0


def test_restart_takes_back_the_job_s_own_rows(godwit, tmp_path):
    path = godwit.job("slow.yaml", SLOW.replace("3000000", "200000"))
    process = wait_for_rows(godwit, path)
    process.kill()
    process.communicate()
    assert godwit("run", path, "--restart").code == 0
    with sqlite3.connect(tmp_path / "out.db") as db:
        assert db.execute("SELECT count(*), count(DISTINCT id) FROM synthetic").fetchone() == (200000, 200000)


def test_a_job_means_the_same_from_everywhere(tmp_path):
    godwit = Godwit(tmp_path)
    path = godwit.job("job.yaml", JOB)
    assert godwit("run", path).code == 0
    elsewhere = Godwit(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.state_dir = godwit.state_dir
    refused = elsewhere("run", path)
    assert refused.code == 1 and "another source, target" in refused.stdout + refused.stderr
    assert not (elsewhere.folder / "out.db").exists()


@pytest.mark.parametrize("way", ["symlink", "database", "hard link"])
def test_no_path_leads_to_dropping_the_source(godwit, tmp_path, way):
    store = "sqlite, path: D.db" if way == "hard link" else "files, path: D/x"
    godwit.run(f"name: make\nsource: {{store: synthetic, rows: 100, dim: 8}}\ntarget: {{store: {store}}}\n")
    if way == "symlink":
        os.symlink(tmp_path / "D", tmp_path / "link")
    elif way == "hard link":
        os.link(tmp_path / "D.db", tmp_path / "E.db")
    other = {"symlink": "files, path: link/x", "database": "files, path: D, database: x",
             "hard link": "sqlite, path: E.db"}[way]
    result = godwit.run(godwit.job("drop.yaml", f"name: drop\nsource: {{store: {store}}}\ntarget: {{store: {other}}}\n"
                                                "if_not_empty: drop\n"), expect=2)
    assert "same collection" in result.collection("synthetic")["error"]
    again = godwit.run(godwit.job("copy.yaml", f"name: copy\nsource: {{store: {store}}}\ntarget: {{store: blackhole}}\n"
                                               "verify: off\n"), expect=5)
    assert again.collection("synthetic")["rows"] == 100


def test_rows_are_dropped_only_when_asked_for(godwit, tmp_path):
    godwit.run(JOB)
    for policy in ("stop", "overwrite"):
        job = JOB.replace("small", policy).replace("1000", "5") + f"schema: recreate\nif_not_empty: {policy}\n"
        assert "would drop" in godwit.run(godwit.job(f"{policy}.yaml", job), expect=1).collection("synthetic")["error"]
    with sqlite3.connect(tmp_path / "out.db") as db:
        assert db.execute("SELECT count(*) FROM synthetic").fetchone() == (1000,)


def test_nothing_to_move_is_no_success(godwit, tmp_path):
    (tmp_path / "empty").mkdir()
    path = godwit.job("empty.yaml", "source: {store: files, path: empty}\ntarget: {store: sqlite, path: out.db}\n")
    for verb in ("run", "plan", "check", "verify"):
        result = godwit(verb, path)
        assert result.code == (4 if verb == "check" else 1) and "no collection" in result.stdout + result.stderr, verb


CANARY = "canary-5f3a9c1e7b"


def test_a_token_is_found_nowhere(tmp_path):
    """Everywhere a secret could leak: output, reports, journals, the process list; with a right and a wrong token."""
    from pymilvus import connections, utility

    import rows

    with MilvusServer(tmp_path / "server", auth=True) as server:
        connections.connect("auth", uri=server.uri, token=server.token)
        utility.create_user("mover", CANARY, using="auth")
        rows.make_simple("auth", "secret", 2000, dim=8)
        # The built-in role of every user may not write; root's password becomes the canary instead.
        utility.reset_password("root", "Milvus", CANARY, using="auth")
        folder = tmp_path / "godwit"
        folder.mkdir()
        godwit = Godwit(folder)
        text = (f'name: canary\nsource: {{store: milvus, url: "{server.uri}", token: "root:${{CANARY}}"}}\n'
                f'target: {{store: milvus, url: "{server.uri}", user: root, password: "${{CANARY}}", database: copy}}\n')
        path = godwit.job("job.yaml", text)
        outputs = []
        for verb in (["check"], ["plan"], ["run", "-v"], ["verify"]):
            for as_json in (True, False):
                process = godwit.start(*verb, path, env={"CANARY": CANARY}, json_output=as_json)
                with open(f"/proc/{process.pid}/cmdline", "rb") as file:
                    outputs.append(file.read().decode())
                stdout, stderr = process.communicate(timeout=120)
                assert process.returncode == 0, (verb, stdout, stderr)
                outputs += [stdout, stderr]
        wrong = godwit("check", path, env={"CANARY": CANARY + "-wrong"})
        assert wrong.code == 4 and "unauth" in wrong.stdout.lower() or "credential" in wrong.stdout.lower(), wrong
        outputs += [wrong.stdout, wrong.stderr]
        bad = godwit("run", godwit.job("bad.yaml", text + "oops: 1\n"), env={"CANARY": CANARY})
        assert bad.code == 2
        outputs += [bad.stdout, bad.stderr]
        for output in outputs:
            assert CANARY not in output
        for file in folder.rglob("*"):
            if file.is_file():
                assert CANARY.encode() not in file.read_bytes(), file
        connections.disconnect("auth")


def test_tls(tmp_path):
    """A right certificate passes; an unknown authority, a wrong name and plain text do not."""
    from pymilvus import connections

    import rows

    with MilvusServer(tmp_path / "server", tls="server") as server:
        connections.connect("tls", uri=server.uri, secure=True, server_pem_path=server.ca_file, server_name="localhost")
        rows.make_simple("tls", "t", 100, dim=8)
        connections.disconnect("tls")
        folder = tmp_path / "godwit"
        folder.mkdir()
        godwit = Godwit(folder)

        def check(url, ca=None, name=None):
            options = f', ca_pem_path: "{ca}"' if ca else ""
            options += f", server_name: {name}" if name else ""
            return godwit("check", godwit.job("job.yaml", f'source: {{store: milvus, url: "{url}"{options}}}\n'
                                              "target: {store: files, path: out}\n"), timeout=60)

        assert check(server.uri, server.ca_file, "localhost").code == 0
        assert check(server.uri, server.ca_file, "elsewhere").code == 4
        assert check(server.uri).code == 4
        assert check(server.uri.replace("https", "http")).code == 4
