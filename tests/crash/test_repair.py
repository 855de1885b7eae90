"""kill -9 at every failpoint of a repair, then repair again: the target is what it was before somebody changed it."""

import contextlib
import shutil
import signal
import sqlite3

import pytest

from crash.test_failpoints import TUNING, all_failpoints, read_sqlite
from system.conftest import Godwit

ROWS = 3000
JOB = (f"name: repair\nsource: {{store: synthetic, rows: {ROWS}, dim: 16, fields: [all], partitions: 2}}\n"
       "target: {store: sqlite, path: out.db}\n" + TUNING)
# What a repair goes through; of the others, only those around the journal are hit.
POINTS = [p for p in all_failpoints() if p.startswith(("engine.", "journal.", "sqlite."))]


def damage(folder):
    with contextlib.closing(sqlite3.connect(folder / "out.db", isolation_level=None)) as db:
        db.execute("DELETE FROM synthetic WHERE rowid % 7 = 0")
        db.execute("UPDATE synthetic SET int64 = int64 / 2 + 1 WHERE rowid % 7 = 1")
        db.execute("UPDATE synthetic SET id = id + 1000000 WHERE rowid % 7 = 2 AND id BETWEEN 0 AND 1000000")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # so that the file alone is copied


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy that went well, its rows, and the target as somebody changed it."""
    folder = tmp_path_factory.mktemp("repair")
    Godwit(folder).run(JOB)
    expected = read_sqlite(folder)
    assert len(expected) == ROWS
    damage(folder)
    assert read_sqlite(folder) != expected
    shutil.copy(folder / "out.db", folder / "damaged.db")
    return folder, expected


def crash_and_repair(copied, point, action, hit):
    """False when the failpoint was not reached. In the same folder, for the job is known by its paths."""
    folder, expected = copied
    for old in folder.glob("out.db*"):
        old.unlink()
    shutil.copy(folder / "damaged.db", folder / "out.db")
    godwit = Godwit(folder)
    path = godwit.job("job.yaml", JOB)
    first = godwit("verify", "--repair", path, env={"GODWIT_FAILPOINTS": f"{point}={action}@{hit}"})
    if action == "crash" and first.code != 0:
        assert first.code == -signal.SIGKILL, first
    second = godwit("verify", "--repair", path)
    assert second.code == 0, (point, action, hit, second)
    assert read_sqlite(folder) == expected, (point, action, hit)
    with sqlite3.connect(folder / "out.db") as db:
        assert db.execute("SELECT count(*) FROM godwit_progress").fetchone() == (0,)
    return first.code != 0


@pytest.mark.parametrize("point", POINTS)
def test_crash(copied, point):
    if crash_and_repair(copied, point, "crash", 1):
        REACHED.add(point)
        crash_and_repair(copied, point, "crash", 2)
        crash_and_repair(copied, point, "error", 1)


REACHED = set()


def test_coverage():
    if REACHED:  # else only a part of the sweep was run
        assert {"engine.correction.after_delete", "engine.correction.after_write", "engine.compare.after",
                "sqlite.commit.before", "sqlite.commit.after", "journal.stage.before"} <= REACHED, sorted(REACHED)
