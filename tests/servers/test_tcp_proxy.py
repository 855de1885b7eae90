"""The faults that other tests rely on are what they say."""

import socket
import threading
import time

import pytest

from servers.tcp_proxy import TcpProxy


@pytest.fixture
def proxy():
    """In front of a server that sends back what it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def echo(peer):
        with peer:
            try:
                while data := peer.recv(65536):
                    peer.sendall(data)
            except OSError:
                pass

    def accept():
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(peer,), daemon=True).start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    with TcpProxy("127.0.0.1", listener.getsockname()[1]) as made:
        yield made
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    acceptor.join()


def connect(proxy, timeout=10):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout)


def receive(peer, size):
    data = b""
    while len(data) < size:
        piece = peer.recv(size - len(data))
        if not piece:
            break
        data += piece
    return data


def ask(peer, data=b"hello"):
    peer.sendall(data)
    return receive(peer, len(data))


def test_forwards_both_ways_and_half_closes(proxy):
    with connect(proxy) as peer:
        assert ask(peer) == b"hello"
        peer.sendall(b"last")
        peer.shutdown(socket.SHUT_WR)
        assert receive(peer, 100) == b"last"
    assert proxy.bytes_up == proxy.bytes_down == 9
    assert proxy.accepted == 1


def test_delay_and_rate(proxy):
    with connect(proxy) as peer:
        proxy.set_delay(0.1)
        begin = time.monotonic()
        assert ask(peer) == b"hello"
        assert time.monotonic() - begin >= 0.2  # there and back
        proxy.set_delay(0)
        proxy.set_rate(100_000)
        begin = time.monotonic()
        assert len(ask(peer, b"x" * 20_000)) == 20_000
        assert time.monotonic() - begin >= 0.2


def test_a_paused_connection_is_silent_and_loses_nothing(proxy):
    with connect(proxy) as peer:
        assert ask(peer) == b"hello"
        proxy.pause()
        peer.settimeout(0.2)
        peer.sendall(b"later")
        with pytest.raises(TimeoutError):
            peer.recv(1)
        peer.settimeout(10)
        proxy.resume()
        assert receive(peer, 5) == b"later"


def test_cut_is_an_orderly_end(proxy):
    with connect(proxy) as peer:
        assert ask(peer) == b"hello"
        proxy.cut()
        assert peer.recv(1) == b""


def test_reset_is_not(proxy):
    with connect(proxy) as peer:
        assert ask(peer) == b"hello"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            peer.recv(1)
    assert proxy.connections() == 0


def test_reset_of_a_connection_that_nobody_reads(proxy):
    with connect(proxy) as peer:
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                peer.send(b"x" * 65536)
        proxy.reset()
    assert proxy.connections() == 0


def test_refuses_new_connections_only(proxy):
    with connect(proxy) as old:
        assert ask(old) == b"hello"
        proxy.refuse()
        with pytest.raises(ConnectionResetError), connect(proxy) as new:
            new.recv(1)
        assert ask(old) == b"hello"
        proxy.accept()
        with connect(proxy) as new:
            assert ask(new) == b"hello"


def test_a_lost_reply(proxy):
    with connect(proxy) as peer:
        proxy.reset_replies()
        peer.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            peer.recv(1)
    assert proxy.bytes_up == 5  # the server did get it
    assert proxy.bytes_down == 0


def test_resets_after_so_many_bytes(proxy):
    with connect(proxy) as peer:
        proxy.cut_after(12)
        assert ask(peer) == b"hello"
        peer.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            receive(peer, 5)
    with connect(proxy) as peer:
        assert ask(peer) == b"hello"
