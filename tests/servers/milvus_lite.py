"""Milvus Lite 2.5.1 and 3.2.2: real servers of the PyPI wheels `milvus-lite`, and a pymilvus that knows their types.

    with MilvusLite("2.5.1", data_dir) as server, Pymilvus() as pymilvus:
        pymilvus.make(server.uri, ...)          the functions of newer_pymilvus.py

2.5.1 is the engine of Milvus behind its protocol, one file, without databases, partitions and aliases. 3.2.2 is another
program, in Python. scripts/setup.sh installs both, each in a folder of its own; the pymilvus lies beside 3.2.2. As it
can't be in one process with the older one that the other tests use, it runs in a process of its own.
"""

import hashlib
import os
import pathlib
import pickle
import socket
import subprocess
import sys

from . import ports
from .process import Process, deadline_loop, dying_with_parent, listening_ports
from .server import Server

START_SECONDS = 60
LISTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"


def package(version):
    """The folder that scripts/setup.sh made."""
    name = hashlib.sha256((LISTS / f"milvus-lite-{version}.txt").read_bytes()).hexdigest()[:12]
    return pathlib.Path(sys.prefix) / f"milvus-lite-{name}"


class MilvusLite(Server):
    """A server on one data folder."""

    def __init__(self, version, data_dir):
        super().__init__()
        self.version = version
        self.data_dir = pathlib.Path(data_dir)

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self):
        return self.data_dir / "log"

    def start(self, seconds=START_SECONDS):
        """Starts it and returns when it listens. Whatever goes wrong, no process is left."""
        if self.process is not None:
            raise RuntimeError(f"{self.data_dir}: already running")
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.block = self.block or ports.take_block()
        command, environment = self._command()
        try:
            self.process = Process.spawn(command, cwd=self.data_dir, env={**os.environ, **environment},
                                         log=self.log_file, detached=False, keep_open=(self.block.descriptor,))
            for _ in deadline_loop(seconds):
                if not self.process.running():
                    raise RuntimeError(f"Milvus Lite ended while it started\n{self._log_tail()}")
                if self.port in listening_ports(self.process.pid):
                    with socket.create_connection(("127.0.0.1", self.port), timeout=3):
                        return self
            raise TimeoutError(f"Milvus Lite not ready after {seconds} s\n{self._log_tail()}")
        except BaseException:
            self.close(graceful=False)
            raise

    def _command(self):
        folder = package(self.version)
        if self.version.startswith("2."):
            programs = folder / "milvus_lite" / "lib"
            return ([str(programs / "milvus"), str(self.data_dir / "milvus.db"), f"127.0.0.1:{self.port}", "ERROR"],
                    {"LD_LIBRARY_PATH": str(programs)})
        return ([sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(self.data_dir / "data"), "--host",
                 "127.0.0.1", "--port", str(self.port)], {"PYTHONPATH": str(folder)})

    def _log_tail(self):
        return self.log_file.read_text(errors="replace")[-3000:]


class Pymilvus:
    """The functions of newer_pymilvus.py, run in the process that has the newer pymilvus."""

    def __init__(self):
        script = pathlib.Path(__file__).with_name("newer_pymilvus.py")
        self._child = subprocess.Popen(dying_with_parent([sys.executable, str(script)]), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(package("3.2.2"))})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stdin.close()
        self._child.wait(30)
        self._child.stdout.close()

    def __getattr__(self, function):
        def call(*arguments, **named):
            pickle.dump((function, arguments, named), self._child.stdin)
            self._child.stdin.flush()
            problem, result = pickle.load(self._child.stdout)
            if problem:
                raise RuntimeError(f"{function}: {problem}")
            return result

        return call
