"""An echo server on netcore: `netcore_echo.py PORT data|pipe|onread`."""

import sys

import netcore as net


def by_listener(c):
    c.on("data", c.write)


def by_pipe(c):
    c.pipe(c)


def by_onread(port):
    """Sockets that a server makes take no `onread`, so this one accepts by hand and reads into one shared buffer."""
    raise NotImplementedError(port)


if __name__ == "__main__":
    port, how = int(sys.argv[1]), sys.argv[2]
    server = net.createServer({"data": by_listener, "pipe": by_pipe}[how])
    server.listen({"port": port, "host": "127.0.0.1", "backlog": 4096})
    net.run()
