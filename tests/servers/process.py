"""Starting and ending server processes, by pid, without ever hitting a stranger that got the same number."""

import os
import signal
import subprocess
import time


def deadline_loop(seconds, interval=0.05):
    """Yields until the time is over; the caller returns as soon as its condition holds."""
    end = time.monotonic() + seconds
    while True:
        yield
        if time.monotonic() >= end:
            return
        time.sleep(interval)


def start_time(pid):
    """The kernel's start time of a process, None when it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def dying_with_parent(command):
    """The command, made so that the kernel kills it as soon as the thread that starts it is gone.

    Not by subprocess's preexec_fn: that runs Python between fork and exec, which may hang while other threads exist.
    """
    return ["setpriv", "--pdeathsig", "KILL", *command]


class Process:
    """One process, known by pid and start time. `child` is set when it is ours to reap."""

    def __init__(self, pid, started, child=None):
        self.pid = pid
        self.started = started
        self.child = child

    @classmethod
    def spawn(cls, command, *, cwd, env, log, detached, keep_open=()):
        """Output goes to the file `log`. Unless detached, the process dies with the thread that called this."""
        with open(log, "ab") as output:
            child = subprocess.Popen(command if detached else dying_with_parent(command), cwd=cwd, env=env,
                                     stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                     start_new_session=True, pass_fds=keep_open)
        return cls(child.pid, start_time(child.pid), child)

    def running(self):
        if self.child is not None:
            return self.child.poll() is None
        return self.started is not None and start_time(self.pid) == self.started

    def signal(self, number):
        if self.running():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                pass

    def wait(self, seconds):
        """True when it is gone."""
        for _ in deadline_loop(seconds):
            if not self.running():
                return True
        return False

    def stop(self, seconds):
        """SIGTERM, and SIGKILL when that takes longer than `seconds`. True when it went by itself."""
        self.signal(signal.SIGTERM)
        if self.wait(seconds):
            return True
        self.kill()
        return False

    def kill(self):
        self.signal(signal.SIGKILL)
        # Also a stopped or blocked process goes on SIGKILL; the limit only keeps a broken kernel from hanging the test.
        if not self.wait(30):
            raise RuntimeError(f"process {self.pid} survived SIGKILL")


def listening_ports(pid):
    """The TCP ports that a process listens on."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    for table in ("tcp", "tcp6"):
        try:
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as lines:
                for line in list(lines)[1:]:
                    fields = line.split()
                    if fields[3] == "0A" and fields[9] in inodes:
                        ports.add(int(fields[1].rpartition(":")[2], 16))
        except FileNotFoundError:
            continue
    return ports
