"""Listening again when the address is in use. `python examples/retry.py HOST PORT`."""

import sys

import netcore as net

HOST, PORT = sys.argv[1], int(sys.argv[2])

server = net.createServer()


@server.on("error")
def failed(e):
    if e.code == "EADDRINUSE":
        print("Address in use, retrying...", flush=True)
        net.setTimeout(again, 100)


def again():
    server.close()
    server.listen(PORT, HOST)


@server.on("listening")
def listening():
    print("listening", flush=True)
    server.close()


server.listen(PORT, HOST)

net.run()
