"""A server that a signal closes."""

import netcore as net

controller = net.AbortController()
server = net.createServer()
server.on("close", lambda: print("server closed"))
server.listen(host="localhost", port=0, signal=controller.signal)


# Later, when you want to close the server.
@server.on("listening")
def later():
    controller.abort()


net.run()
