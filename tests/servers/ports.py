"""Blocks of free ports that two test runs on one machine never both get.

A block is held by a file lock. A server inherits the lock's descriptor, so the block stays taken as long as the server
lives, also when the process that started it is gone. The range lies below the kernel's ephemeral ports: no outgoing
connection takes a port of a server that was killed and is about to come back.
"""

import fcntl
import os
import socket
import tempfile

FIRST = 16000
LAST = 31000
SIZE = 20


def is_free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # What servers do too: connections in TIME_WAIT don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


class PortBlock:
    """SIZE ports from `first` on, ours until close()."""

    def __init__(self, first, descriptor):
        self.first = first
        self.descriptor = descriptor

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def _try_block(first):
    folder = os.path.join(tempfile.gettempdir(), f"godwit-ports-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(os.path.join(folder, str(first)), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if all(is_free(port) for port in range(first, first + SIZE)):
            return PortBlock(first, descriptor)
    except BlockingIOError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def take_block(first=None):
    """Any free block, or exactly the one that begins at `first`."""
    candidates = [first] if first is not None else range(FIRST, LAST, SIZE)
    for candidate in candidates:
        block = _try_block(candidate)
        if block:
            return block
    raise RuntimeError(f"no free ports at {first}" if first is not None else "no free block of ports")
