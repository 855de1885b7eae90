"""A TCP proxy that a test puts between godwit and a server, to make the network misbehave on purpose.

    with TcpProxy("127.0.0.1", server.port) as proxy:
        connect to 127.0.0.1:proxy.port
        proxy.set_delay(0.2)          every piece of data waits that long, each way
        proxy.set_rate(1_000_000)     bytes a second, each way and connection; None = no limit
        proxy.pause(); proxy.resume() connections stay open and silent: a peer that hangs
        proxy.cut()                   orderly end (FIN) of all connections
        proxy.reset()                 abrupt end (RST) of all connections
        proxy.refuse(); proxy.accept()  new connections are reset, or served again
        proxy.cut_after(n)            reset all connections once n more bytes went through, counted over both ways
        proxy.reset_replies()         the server gets every request, the client's connection is reset instead of a reply:
                                      the outcome is unknown to the client
"""

import selectors
import socket
import struct
import threading

_CHUNK = 64 * 1024
_LINGER_NOW = struct.pack("ii", 1, 0)  # close() then sends RST


class _Connection:
    """A pair of sockets. The two threads that pump between them own them: whoever ends last closes both."""

    def __init__(self, client, server):
        self.client = client
        self.server = server
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._abrupt = None  # not ended yet
        self._pumps = 2

    def ended(self):
        return self._abrupt is not None

    def end(self, abrupt):
        with self._lock:
            if self.ended():
                return
            self._abrupt = abrupt
            for end in (self.client, self.server):
                try:
                    end.shutdown(socket.SHUT_RD)  # wakes the reader and sends nothing
                except OSError:
                    pass

    def pump_done(self):
        with self._lock:
            self._pumps -= 1
            if self._pumps:
                return
            for end in (self.client, self.server):
                if self._abrupt:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOW)
                end.close()
            self.closed.set()


class TcpProxy:
    def __init__(self, host, port, listen_port=0):
        self.target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", listen_port))
        self.port = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._delay = 0.0
        self._rate = None
        self._paused = False
        self._refusing = False
        self._reset_replies = False
        self._bytes_left = None
        self._closed = False
        self._connections = set()
        self._threads = []
        self.bytes_up = 0
        self.bytes_down = 0
        self.accepted = 0
        self._wake_read, self._wake_write = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept_loop, daemon=True)
        self._acceptor.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def set_delay(self, seconds):
        with self._changed:
            self._delay = seconds

    def set_rate(self, bytes_per_second):
        with self._changed:
            self._rate = bytes_per_second

    def pause(self):
        with self._changed:
            self._paused = True

    def resume(self):
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def refuse(self):
        with self._changed:
            self._refusing = True

    def accept(self):
        with self._changed:
            self._refusing = False

    def reset_replies(self, on=True):
        with self._changed:
            self._reset_replies = on

    def cut_after(self, count):
        with self._changed:
            self._bytes_left = count

    def cut(self):
        self._end_all_and_wait(abrupt=False)

    def reset(self):
        self._end_all_and_wait(abrupt=True)

    def connections(self):
        with self._changed:
            return len(self._connections)

    def close(self):
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._wake_write.send(b"x")
        self._acceptor.join()
        self._end_all_and_wait(abrupt=True)
        for thread in self._threads:
            thread.join()
        for end in (self._listener, self._wake_read, self._wake_write):
            end.close()

    def _end_all(self, abrupt):
        with self._changed:
            connections = list(self._connections)
            for connection in connections:
                connection.end(abrupt)
            self._changed.notify_all()
        return connections

    def _end_all_and_wait(self, abrupt):
        for connection in self._end_all(abrupt):
            connection.closed.wait()

    def _accept_loop(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._closed:
                    return
                if self._listener in ready:
                    client, _ = self._listener.accept()
                    self._serve(client)

    def _serve(self, client):
        server = None
        if not self._refusing:
            try:
                server = socket.create_connection(self.target, timeout=10)
            except OSError:
                pass
        if server is None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOW)
            client.close()
            return
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.settimeout(0.1)  # so that a thread stuck in send sees that its connection was ended
        connection = _Connection(client, server)
        with self._changed:
            self.accepted += 1
            self._connections.add(connection)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for source, target, up in ((client, server, True), (server, client, False)):
            thread = threading.Thread(target=self._pump, args=(connection, source, target, up), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _pump(self, connection, source, target, up):
        try:
            while not connection.ended():
                try:
                    data = source.recv(_CHUNK)
                except TimeoutError:
                    continue
                if connection.ended():
                    break
                if not data:
                    # The other direction may go on: a half-closed connection is passed on as such.
                    target.shutdown(socket.SHUT_WR)
                    break
                if not self._admit(connection, len(data), up):
                    connection.end(abrupt=True)
                    break
                rest = memoryview(data)
                while rest and not connection.ended():
                    try:
                        rest = rest[target.send(rest):]
                    except TimeoutError:
                        continue
        except OSError:
            connection.end(abrupt=True)
        finally:
            connection.pump_done()
            if connection.closed.is_set():
                with self._changed:
                    self._connections.discard(connection)

    def _admit(self, connection, size, up):
        """Waits as the faults say. False: end the connection instead of handing the data on."""
        with self._changed:
            if self._reset_replies and not up:
                return False
            wait = self._delay + (size / self._rate if self._rate else 0.0)
            self._changed.wait_for(connection.ended, timeout=wait)
            self._changed.wait_for(lambda: not self._paused or connection.ended())
            if connection.ended():
                return False
            if self._bytes_left is not None:
                self._bytes_left -= size
                if self._bytes_left < 0:
                    self._bytes_left = None
                    for other in self._connections:
                        other.end(abrupt=True)
                    self._changed.notify_all()
                    return False
            if up:
                self.bytes_up += size
            else:
                self.bytes_down += size
        return True
