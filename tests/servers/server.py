"""What every server of the tests does: it begins and ends, by pid, on ports that stay its own in between."""

STOP_SECONDS = 30


class Server:
    """start, stop, kill and start again as often as wanted; close() ends it for good.

    A subclass's start() takes `block` where it is None, sets `process`, and returns itself when the server answers.
    """

    def __init__(self):
        self.process = None
        self.block = None

    def __enter__(self):
        return self.start()

    def __exit__(self, exception, *_):
        # After a failure or Ctrl-C nobody wants to wait for an orderly end.
        self.close(graceful=exception is None)

    @property
    def port(self):
        return self.block.first

    def stop(self, seconds=STOP_SECONDS):
        """Ends it in order; the ports stay ours, for the next start. True when it needed no SIGKILL."""
        process, self.process = self.process, None
        return process is None or process.stop(seconds)

    def kill(self):
        """kill -9, as a power cut would."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()

    def close(self, graceful=True):
        """Ends it and gives the ports back."""
        try:
            if graceful:
                self.stop()
            else:
                self.kill()
        finally:
            if self.block is not None:
                self.block.close()
                self.block = None
