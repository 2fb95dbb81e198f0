"""The reference's echo server. `python examples/echo_server.py [PORT or PATH]`, then `nc localhost 8124`."""

import sys

import netcore as net

WHERE = sys.argv[1] if len(sys.argv) > 1 else 8124


def connected(c):
    # 'connection' listener.
    print("client connected", flush=True)
    c.on("end", lambda: print("client disconnected", flush=True))
    c.write("hello\r\n")
    c.pipe(c)


server = net.createServer(connected)


@server.on("error")
def failed(err):
    raise err


server.listen(WHERE, lambda: print("server bound", flush=True))

net.run()
