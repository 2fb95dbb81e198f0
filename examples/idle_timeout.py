"""A server that ends silent connections. `python examples/idle_timeout.py [PORT] [MILLISECONDS]`."""

import sys

import netcore as net

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8124
IDLE = int(sys.argv[2]) if len(sys.argv) > 2 else 3000


@net.createServer
def server(socket):
    socket.setTimeout(IDLE)

    @socket.on("timeout")
    def silent():
        print("socket timeout", flush=True)
        socket.end()


server.listen(PORT, lambda: print("server bound", flush=True))

net.run()
