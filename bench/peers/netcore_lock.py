"""A proxy in a thread while the main thread counts and never lets the interpreter lock go.

`netcore_lock.py PORT UPSTREAM_PORT relay|listener`: for each line `SECONDS INTERVAL` on its input it counts that long
and prints how far it came. INTERVAL is the switch interval of the interpreter meanwhile: with a long one no other
thread gets the lock, so that only what needs no lock goes on. `listener` is the control, which needs it every time."""

import sys
import threading
import time

import netcore as net


def join_natively(c, u):
    c.pipe(u)
    u.pipe(c)


def join_in_python(c, u):
    c.on("data", u.write)
    u.on("data", c.write)
    c.on("end", u.end)
    u.on("end", c.end)


def serve(port, upstream_port, join):
    def connected(c):
        u = net.connect({"port": upstream_port, "host": "127.0.0.1", "allowHalfOpen": True})
        c.on("error", lambda: u.destroy())
        u.on("error", lambda: c.destroy())
        join(c, u)

    server = net.createServer({"allowHalfOpen": True}, connected)
    server.listen({"port": port, "host": "127.0.0.1", "backlog": 4096})
    net.run()


def count(seconds, interval):
    number, deadline, clock = 0, time.monotonic() + seconds, time.monotonic
    usual = sys.getswitchinterval()
    sys.setswitchinterval(interval)
    while clock() < deadline:
        number += 1
    sys.setswitchinterval(usual)
    return number


if __name__ == "__main__":
    ports, how = map(int, sys.argv[1:3]), sys.argv[3]
    join = {"relay": join_natively, "listener": join_in_python}[how]
    threading.Thread(target=serve, args=(*ports, join), daemon=True).start()
    for line in sys.stdin:
        print(count(*map(float, line.split())), flush=True)
