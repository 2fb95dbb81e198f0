"""An echo server on netcore: `netcore_echo.py PORT data|pipe|onread`."""

import socket
import sys

import netcore as net


def by_listener(c):
    c.on("data", c.write)


def by_pipe(c):
    c.pipe(c)


def serve_onread(port):
    """The sockets that a server makes take no `onread`: accept by hand, and read into one buffer that all share."""
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    listener.setblocking(False)
    shared = bytearray(65536)
    view = memoryview(shared)

    def adopt(fd):
        c = net.Socket(
            {"fd": fd, "onread": {"buffer": shared, "callback": lambda n, _: c.write(bytes(view[:n])) or True}}
        )
        c.resume()

    def accept():
        try:
            while True:
                adopt(listener.accept()[0].detach())
        except BlockingIOError:
            pass

    net.setInterval(accept, ACCEPT_MS)


ACCEPT_MS = 1

if __name__ == "__main__":
    port, how = int(sys.argv[1]), sys.argv[2]
    if how == "onread":
        serve_onread(port)
    else:
        server = net.createServer({"data": by_listener, "pipe": by_pipe}[how])
        server.listen({"port": port, "host": "127.0.0.1", "backlog": 4096})
    net.run()
