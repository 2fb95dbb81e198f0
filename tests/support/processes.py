"""Running the command line in tests: processes whose output is waited for, and which are ended by their own id."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import IO

from signalled import Signalled

PATIENCE_S = 20.0
COMMAND_LINE = "import runpy; runpy.run_module('netcore', run_name='__main__', alter_sys=True)"


class Lines:
    """The lines that a stream of a process has printed, read on a thread so that they can be waited for."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.seen: list[str] = []
        self.queue: Queue[str | None] = Queue()
        Thread(target=self.read, args=(stream,), daemon=True).start()

    def read(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self.queue.put(line.decode("utf-8", "replace").rstrip("\r\n"))
        self.queue.put(None)

    def find(self, pattern: str, timeout_s: float = PATIENCE_S) -> re.Match[str]:
        """The next line in which `pattern` is found."""
        deadline = monotonic() + timeout_s
        while True:
            try:
                line = self.queue.get(timeout=max(deadline - monotonic(), 0))
            except Empty:
                raise AssertionError(f"no line with {pattern!r} in {timeout_s} s, only {self.seen}") from None
            if line is None:
                self.queue.put(None)
                raise AssertionError(f"the output ended without {pattern!r}: {self.seen}")
            self.seen.append(line)
            if found := re.search(pattern, line):
                return found

    def rest(self, timeout_s: float = PATIENCE_S) -> list[str]:
        """The lines that are left, up to the end of the output."""
        lines = []
        while (line := self.queue.get(timeout=timeout_s)) is not None:
            lines.append(line)
        self.queue.put(None)
        return lines


class Netcore:
    """`python -m netcore ARGUMENTS`, with its two outputs as lines."""

    def __init__(self, *arguments: object, stdin: int | IO[bytes] = subprocess.DEVNULL) -> None:
        self.process = Signalled(
            COMMAND_LINE, *map(str, arguments), stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until_listening(self) -> str:
        """Where it listens, as it says."""
        return self.err.find(r"listening on (\S+)")[1]

    def port(self) -> int:
        """The port on which it listens, as it says."""
        return int(self.wait_until_listening().rpartition(":")[2])

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """The exit status."""
        return self.process.wait(timeout_s)

    def stop(self) -> int:
        """Asks it to end, and answers its exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


@contextmanager
def netcore(*arguments: object, **options: int | IO[bytes]) -> Iterator[Netcore]:
    """Runs a command, and kills it at the end of the block if it has not ended by then."""
    running = Netcore(*arguments, **options)
    try:
        yield running
    finally:
        running.kill()
