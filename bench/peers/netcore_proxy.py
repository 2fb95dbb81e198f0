"""A proxy on netcore, in the words of Node: `netcore_proxy.py PORT UPSTREAM_PORT`."""

import sys

import netcore as net

port, upstream_port = int(sys.argv[1]), int(sys.argv[2])


def relay(c):
    u = net.connect({"port": upstream_port, "host": "127.0.0.1", "allowHalfOpen": True, "noDelay": True})
    c.on("error", lambda: u.destroy())
    u.on("error", lambda: c.destroy())
    c.pipe(u)
    u.pipe(c)


server = net.createServer({"allowHalfOpen": True, "noDelay": True}, relay)
server.listen({"port": port, "host": "127.0.0.1", "backlog": 4096})
net.run()
