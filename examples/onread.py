"""A client that receives into one buffer of its own. `python examples/onread.py [PORT]`."""

import sys

import netcore as net

PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8124

client = net.createConnection(
    port=PORT,
    onread={
        # Reuses a 4 KiB buffer for every read from the socket.
        "buffer": bytearray(4 * 1024),
        # What was received is available in `buf` from 0 to `nread`.
        "callback": lambda nread, buf: (print(buf[:nread].decode(), end=""), client.end()),
    },
)

net.run()
