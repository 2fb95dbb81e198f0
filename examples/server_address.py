"""Where a server listens that took any free port."""

import netcore as net


def goodbye(socket):
    socket.end("goodbye\n")


server = net.createServer(goodbye)


@server.on("error")
def failed(err):
    # Handle errors here.
    raise err


# Grab an arbitrary unused port.
@server.listen
def listening():
    print("opened server on", server.address())
    server.close()


net.run()
