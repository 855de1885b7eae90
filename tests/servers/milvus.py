"""Milvus 2.3.5 standalone: the real server out of the PyPI wheel `milvus`.

    with MilvusServer(data_dir) as server:
        connect(server.uri, server.token)

    python -m servers.milvus start --data DIR --state FILE     leaves it running, writes its address to FILE
    python -m servers.milvus stop|kill --state FILE

The wheel's own starter is not used: it unpacks 300 MB for every data folder, moves to another port without a word when
one is taken, and can't start two servers on one machine. Here the programs are unpacked once into the cache folder, and
every port, etcd's included, comes from a block that nobody else holds. A server that is started again on the same
data folder gets the same ports.
"""

import argparse
import base64
import fcntl
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

import milvus as wheel

from . import ports
from .process import Process, deadline_loop, listening_ports
from .server import STOP_SECONDS, Server

START_SECONDS = 180

# Where each port of the block goes. The keys are variables of the wheel's configuration template, but for the last
# three, which the template has not.
PORTS = ("proxy_port", "proxy_internal_port", "root_coord_port", "query_coord_port", "query_node_port",
         "index_coord_port", "index_node_port", "data_coord_port", "data_node_port", "etcd_port", "etcd_peer_port",
         "metrics_port")

DEFAULTS = {
    # Without this a SIGTERM takes minutes.
    "common.gracefulStopTimeout": 5,
    # After kill -9 the next start waits until the sessions of the dead server run out.
    "common.session.ttl": 10,
    "log.level": "warn",
    # Else it takes the first address of the machine, and fails where there is none.
    **{f"{part}.ip": "127.0.0.1" for part in ("rootCoord", "proxy", "queryCoord", "queryNode", "indexNode",
                                              "dataCoord", "dataNode")},
}


def cache_folder():
    if os.environ.get("GODWIT_CACHE"):
        return os.environ["GODWIT_CACHE"]
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "godwit")


def programs():
    """The folder with the server's program and libraries, unpacked on first use."""
    cache = cache_folder()
    os.makedirs(cache, exist_ok=True)
    folder = os.path.join(cache, f"milvus-{wheel.__version__}")
    with open(os.path.join(cache, "milvus.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            packed = os.path.join(os.path.dirname(wheel.__file__), "data", "bin")
            partial = tempfile.mkdtemp(prefix="milvus-", dir=cache)
            try:
                for name in os.listdir(packed):
                    with lzma.open(os.path.join(packed, name)) as source, \
                            open(os.path.join(partial, name.removesuffix(".lzma")), "wb") as target:
                        shutil.copyfileobj(source, target, 1 << 20)
                        os.fchmod(target.fileno(), 0o755)
                os.chmod(partial, 0o755)
                os.rename(partial, folder)
            except BaseException:
                shutil.rmtree(partial, ignore_errors=True)
                raise
    return folder


def make_certificates(folder):
    """A certificate authority, and a certificate of it for localhost and 127.0.0.1, made by the openssl program."""
    os.makedirs(folder, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=godwit test authority",
            "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", f"{name}.key", "-out",
                f"{name}.csr")
        with open(os.path.join(folder, f"{name}.ext"), "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "30", "-extfile", f"{name}.ext", "-out", f"{name}.pem")


class MilvusServer(Server):
    """A server on one data folder.

    auth   switch authorisation on; the token is then root:Milvus
    tls    None, "server" (one-way) or "mutual"; certificates are made in DATA/tls
    config further settings, for example {"dataCoord.gc.interval": 20}: keys of milvus.yaml
    """

    def __init__(self, data_dir, *, auth=False, tls=None, config=None, detached=False):
        if tls not in (None, "server", "mutual"):
            raise ValueError(f"tls: {tls!r}")
        super().__init__()
        self.data_dir = os.path.abspath(data_dir)
        self.auth = auth
        self.tls = tls
        self.config = dict(config or {})
        self.detached = detached
        self.start_seconds = None
        os.makedirs(self.data_dir, exist_ok=True)

    @property
    def port(self):
        return self.block.first + PORTS.index("proxy_port")

    @property
    def metrics_port(self):
        return self.block.first + PORTS.index("metrics_port")

    @property
    def etcd_port(self):
        return self.block.first + PORTS.index("etcd_port")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def uri(self):
        return f"{'https' if self.tls else 'http'}://{self.address}"

    @property
    def token(self):
        return "root:Milvus" if self.auth else ""

    @property
    def pid(self):
        return self.process.pid if self.process else None

    @property
    def ca_file(self):
        return os.path.join(self.data_dir, "tls", "ca.pem") if self.tls else None

    @property
    def client_certificate(self):
        """(certificate, key) for mutual TLS."""
        folder = os.path.join(self.data_dir, "tls")
        return os.path.join(folder, "client.pem"), os.path.join(folder, "client.key")

    @property
    def storage_dir(self):
        """Holds insert_log, delta_log and stats_log."""
        return os.path.join(self.data_dir, "data")

    def state(self):
        return {"uri": self.uri, "address": self.address, "port": self.port, "token": self.token, "pid": self.pid,
                "started": self.process.started, "data": self.data_dir, "ca": self.ca_file,
                "start_seconds": round(self.start_seconds, 1)}

    def running(self):
        return self.process is not None and self.process.running()

    def start(self, seconds=START_SECONDS):
        """Starts it and returns when it answers. Whatever goes wrong, no process is left."""
        if self.running():
            raise RuntimeError(f"{self.data_dir}: already running")
        begin = time.monotonic()
        self._take_ports()
        try:
            if self.tls and not os.path.exists(self.ca_file):
                make_certificates(os.path.join(self.data_dir, "tls"))
            self._write_config()
            folder = programs()
            environment = {**os.environ, "DEPLOY_MODE": "STANDALONE", "METRICS_PORT": str(self.metrics_port),
                           "MILVUS_RUN_DIR": os.path.join(self.data_dir, "run"),
                           "ETCD_CONFIG_PATH": os.path.join(self.data_dir, "configs", "etcd.yaml"),
                           "LD_LIBRARY_PATH": folder}
            self.process = Process.spawn([os.path.join(folder, "milvus"), "run", "standalone"], cwd=self.data_dir,
                                         env=environment, log=self.log_file, detached=self.detached,
                                         keep_open=(self.block.descriptor,))
            self._wait_until_ready(seconds - (time.monotonic() - begin))
        except BaseException:
            self.close(graceful=False)
            raise
        self.start_seconds = time.monotonic() - begin
        return self

    @property
    def log_file(self):
        return os.path.join(self.data_dir, "logs", "milvus.out")

    def _take_ports(self):
        """The block of the last start of this data folder: clients of a server that comes back find it again."""
        if self.block is not None:
            return
        memory = os.path.join(self.data_dir, "ports.json")
        try:
            with open(memory, encoding="ascii") as file:
                first = json.load(file)["first"]
        except FileNotFoundError:
            first = None
        self.block = ports.take_block(first)
        with open(memory, "w", encoding="ascii") as file:
            json.dump({"first": self.block.first}, file)

    def _write_config(self):
        config = wheel.MilvusServerConfig(data_dir=self.data_dir)
        numbers = {key: self.block.first + i for i, key in enumerate(PORTS)}
        # etcd is asked for as localhost, which may be ::1, while it listens on 127.0.0.1.
        config.template_text = config.template_text.replace("localhost:{{", "127.0.0.1:{{")
        config.resolve_storage()
        for key, port in numbers.items():
            if key in config.configurable_items:
                config.set(key, port)
        config.set("authorization_enabled", self.auth)
        if self.tls:
            folder = os.path.join(self.data_dir, "tls")
            config.set("tls_mode", 1 if self.tls == "server" else 2)
            config.set("server_pem_path", os.path.join(folder, "server.pem"))
            config.set("server_key_path", os.path.join(folder, "server.key"))
            config.set("ca_pem_path", os.path.join(folder, "ca.pem"))
        for key, value in {**DEFAULTS, **self.config}.items():
            config.set(key, config.get_value_text(value))
        config.write_config()
        client, peer = (f"http://127.0.0.1:{numbers[key]}" for key in ("etcd_port", "etcd_peer_port"))
        # JSON is YAML. The embedded etcd takes all of its settings from this file, the data folder too.
        with open(os.path.join(self.data_dir, "configs", "etcd.yaml"), "w", encoding="utf-8") as file:
            json.dump({"name": "default", "data-dir": os.path.join(self.storage_dir, "etcd.data"),
                       "listen-client-urls": client, "advertise-client-urls": client,
                       "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
                       "initial-cluster": f"default={peer}"}, file)

    def _wait_until_ready(self, seconds):
        probe, problem = _Probe(self), "it was not asked"
        for _ in deadline_loop(seconds, interval=0.1):
            if not self.process.running():
                raise RuntimeError(f"milvus ended while it started, see {self.log_file}\n{self._log_tail()}")
            problem = probe.problem()
            if problem is None:
                break
        else:
            raise TimeoutError(f"milvus not ready after {seconds:.0f} s: {problem}\n{self._log_tail()}")
        if self.port not in listening_ports(self.pid):
            raise RuntimeError(f"port {self.port} belongs to another process")

    def _log_tail(self, size=3000):
        try:
            with open(self.log_file, "rb") as file:
                file.seek(max(0, os.path.getsize(self.log_file) - size))
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""


class _Probe:
    """Asks a starting server what a job would need of it."""

    def __init__(self, server):
        import grpc
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="pkg_resources")  # pymilvus 2.3 still uses it
            from pymilvus.grpc_gen import milvus_pb2, milvus_pb2_grpc

        self._server, self._grpc, self._messages, self._stubs = server, grpc, milvus_pb2, milvus_pb2_grpc
        self._credentials = None
        if server.tls:
            files = [server.ca_file]
            if server.tls == "mutual":
                files += reversed(server.client_certificate)
            contents = []
            for name in files:
                with open(name, "rb") as file:
                    contents.append(file.read())
            self._credentials = grpc.ssl_channel_credentials(*contents)
        token = base64.b64encode(server.token.encode()).decode()
        self._metadata = [("authorization", token)] if token else []

    def problem(self):
        """What is not ready yet; None when it all is."""
        # A new connection each time: gRPC's own patience between attempts grows to 20 s.
        options = [("grpc.use_local_subchannel_pool", 1)]
        address = self._server.address
        channel = (self._grpc.secure_channel(address, self._credentials, options) if self._credentials else
                   self._grpc.insecure_channel(address, options))
        with channel:
            try:
                return self._ask(self._stubs.MilvusServiceStub(channel))
            except self._grpc.RpcError as error:
                return str(error.details())

    def _ask(self, stub):
        m = self._messages
        how = {"timeout": 3, "metadata": self._metadata}
        health = stub.CheckHealth(m.CheckHealthRequest(), **how)
        if health.status.code or not health.isHealthy:
            return f"health: {health.status.reason} {list(health.reasons)}"
        shown = stub.ShowCollections(m.ShowCollectionsRequest(), **how)
        if shown.status.code:
            return f"collections: {shown.status.reason}"
        # Without a query node a load would fail.
        group = stub.DescribeResourceGroup(
            m.DescribeResourceGroupRequest(resource_group="__default_resource_group"), **how)
        if group.status.code or group.resource_group.num_available_node < 1:
            return f"query node: {group.status.reason or 'not registered'}"
        return None


def _read_state(path):
    with open(path, encoding="utf-8") as file:
        state = json.load(file)
    return Process(state["pid"], state["started"])


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="servers.milvus")
    verbs = parser.add_subparsers(dest="verb", required=True)
    start = verbs.add_parser("start", help="start it detached and wait until it answers")
    start.add_argument("--data", required=True)
    start.add_argument("--state", required=True)
    start.add_argument("--auth", action="store_true")
    start.add_argument("--tls", choices=("server", "mutual"))
    start.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of milvus.yaml")
    start.add_argument("--timeout", type=float, default=START_SECONDS)
    for verb in ("stop", "kill"):
        verbs.add_parser(verb).add_argument("--state", required=True)
    options = parser.parse_args(arguments)

    if options.verb == "start":
        if os.path.exists(options.state) and _read_state(options.state).running():
            sys.exit(f"{options.state}: already running")
        config = dict(item.split("=", 1) for item in options.set)
        server = MilvusServer(options.data, auth=options.auth, tls=options.tls, config=config, detached=True)
        server.start(options.timeout)
        try:
            partial = f"{options.state}.partial"
            with open(partial, "w", encoding="utf-8") as file:
                json.dump(server.state(), file)
                file.write("\n")
            os.replace(partial, options.state)
        except BaseException:  # a server that nobody knows of could not be stopped
            server.close(graceful=False)
            raise
        print(json.dumps(server.state()))
    else:
        try:
            process = _read_state(options.state)
        except FileNotFoundError:
            return
        if options.verb == "stop":
            process.stop(STOP_SECONDS)
        else:
            process.kill()
        os.remove(options.state)


if __name__ == "__main__":
    main()
