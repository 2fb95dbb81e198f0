"""Python programs that a test sends signals to.

Windows has no signals from outside but those of a console, and tests run without one. There a thread inside the program
hears over a connection what to raise, which is what the console's own thread would do.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import IO

HEAR = """
def _hear():
    import signal, socket, threading
    connection = socket.create_connection(("127.0.0.1", {port}))
    def hear():
        while number := connection.recv(1):
            signal.raise_signal(number[0])
    threading.Thread(target=hear, daemon=True).start()
_hear()
"""


class Signalled(subprocess.Popen):
    """`python -c program arguments`, whose send_signal() and terminate() work everywhere."""

    def __init__(self, program: str, *arguments: str, **options: int | IO[bytes] | bool) -> None:
        self.connection: socket.socket | None = None
        if sys.platform != "win32":
            super().__init__([sys.executable, "-c", program, *arguments], **options)
            return
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(30)
            program = HEAR.format(port=listener.getsockname()[1]) + program
            super().__init__([sys.executable, "-c", program, *arguments], **options)
            self.connection = listener.accept()[0]

    def send_signal(self, sig: int) -> None:
        if self.connection is None:
            super().send_signal(sig)
        elif self.poll() is None:
            self.connection.sendall(bytes((sig,)))

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def __exit__(self, *exception: object) -> None:
        if self.connection is not None:
            self.connection.close()
        super().__exit__(*exception)
