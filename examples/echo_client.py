"""The reference's client of the echo server. `python examples/echo_client.py [PORT or PATH]`."""

import sys

import netcore as net

WHERE = sys.argv[1] if len(sys.argv) > 1 else 8124


def connected():
    # 'connect' listener.
    print("connected to server!")
    client.write("world!\r\n")


client = net.createConnection({"port" if str(WHERE).isdigit() else "path": WHERE}, connected)


@client.on("data")
def received(data):
    print(data.decode(), end="")
    client.end()


client.on("end", lambda: print("disconnected from server"))

net.run()
