"""Pass TCP or Unix-domain connections on to upstreams.

Connections go to the upstreams in turn; one that fails is skipped and tried again later. SIGTERM and SIGINT stop
accepting and wait for the open connections, a second one exits at once; SIGHUP reads the block list again.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from threading import Semaphore, Thread
from typing import NoReturn

import netcore as net
from netcore.cli.endpoint import Endpoint, listening_endpoint, target_endpoint
from netcore.cli.limits import raise_descriptor_limit
from netcore.cli.parser import count, milliseconds, period, seconds
from netcore.cli.stopping import STOP_SIGNALS
from netcore.cli.tally import Tally
from netcore.cli.worker import Limit, Settings, Worker

# A worker that has ended meanwhile does not put a new list in force, and is not waited for longer than this.
RELOAD_S = 5.0

# Whether the kernel spreads the connections of a port over the sockets that share it. Elsewhere the workers share one.
SPREADS = sys.platform.startswith(("linux", "freebsd"))


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "listen", metavar="LISTEN", type=listening_endpoint, help="[host:]port, [v6]:port or unix:/path"
    )
    parser.add_argument("upstreams", metavar="UPSTREAM", type=target_endpoint, nargs="+", help="where clients are sent")
    parser.add_argument("--workers", metavar="N", type=count, default=1, help="threads, with a loop each (1)")
    parser.add_argument("--max-connections", metavar="N", type=count, help="refuse more clients at a time than this")
    parser.add_argument(
        "--connect-timeout", metavar="SECONDS", type=seconds, default=10.0, help="for an upstream (10; 0: none)"
    )
    parser.add_argument(
        "--idle-timeout", metavar="SECONDS", type=seconds, default=0.0, help="without a byte either way (0: none)"
    )
    parser.add_argument("--block", metavar="FILE", help="addresses and CIDRs to refuse; read again on SIGHUP")
    parser.add_argument(
        "--send-proxy", action="store_true", help="begin with a header of the PROXY protocol, version 2"
    )
    parser.add_argument("--stats", metavar="SECONDS", type=period, help="print counts so often")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    parser.add_argument(
        "--grace", metavar="SECONDS", type=seconds, default=10.0, help="wait so long for open connections (10)"
    )


def run(options: Namespace) -> int:
    if options.json and options.stats is None:
        options.fail("argument --json: needs --stats")
    try:
        block_list = None if options.block is None else read_block_list(options.block)
    except (OSError, ValueError) as error:
        options.fail(f"argument --block: {error}")
    raise_descriptor_limit()
    gc.freeze()
    return Proxy(options, block_list).run()


def read_block_list(path: str) -> net.BlockList:
    block_list = net.BlockList()
    block_list.load(path)
    return block_list


def say(message: str) -> None:
    print(f"netcore proxy: {message}", file=sys.stderr, flush=True)


class Proxy:
    """The process: the first worker on the main thread, the others on threads of their own, the signals and the counts.

    The main loop is held open until all workers have come to their end, because it is the one that hears of signals."""

    def __init__(self, options: Namespace, block_list: net.BlockList | None) -> None:
        self.options = options
        self.block_list = block_list
        self.settings = Settings(
            listen=options.listen,
            upstreams=options.upstreams,
            workers=options.workers,
            max_connections=options.max_connections,
            connect_timeout_ms=milliseconds(options.connect_timeout),
            idle_timeout_ms=milliseconds(options.idle_timeout),
            grace_ms=milliseconds(options.grace),
            send_proxy=options.send_proxy,
            measure_lag=options.stats is not None,
        )
        shared = options.workers > 1 and options.max_connections is not None
        self.limit = Limit(options.max_connections) if shared else None
        self.loop = net.get_loop()
        self.workers: list[Worker] = []
        self.listening = 0
        self.running = 1
        self.stopping = False
        self.status = 0
        self.latest: dict[Worker, Tally] = {}
        self.asked = 0

    def run(self) -> int:
        """Until all is over. Answers the exit status."""
        self.loop.ref()
        for number in STOP_SIGNALS:
            signal.signal(number, self.on_stop_signal)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self.on_reload_signal)
        first = self.new_worker()
        first.server.once("close", lambda: self.ended(first, first.counted()))
        first.start(self.first_is_listening, self.first_failed, self.place(self.settings.listen))
        net.run()
        if self.options.stats is not None and self.listening:
            self.tell()
        return self.status

    # -- workers -----------------------------------------------------------------------------------------------------

    def place(self, listen: Endpoint) -> dict[str, object]:
        return {**listen.options(), "reusePort": SPREADS and self.settings.workers > 1}

    def new_worker(self) -> Worker:
        worker = Worker(self.settings, self.block_list, self.limit, say)
        self.workers.append(worker)
        return worker

    def first_is_listening(self) -> None:
        """The first worker has bound the port or path, so now the others can share it."""
        name = self.workers[0].server.address()
        bound = self.settings.listen.as_bound(name)
        place = self.place(bound) if SPREADS and isinstance(name, dict) else {"handle": self.workers[0].server}
        for _ in range(1, self.settings.workers):
            self.running += 1
            Thread(target=self.run_worker, args=(place,), daemon=True).start()
        self.is_listening()

    def run_worker(self, place: dict[str, object]) -> None:
        """A thread: a worker, from its start to the end of its last connection. What it raises ends the process, as
        on the main thread."""
        try:
            worker = self.new_worker()
            worker.start(
                lambda: self.loop.post(self.is_listening), lambda error: self.loop.post(self.failed, error), place
            )
            if self.stopping:
                worker.stop()
            net.run()
            self.loop.post(self.ended, worker, worker.counted())
        except BaseException as error:
            self.loop.post(throw, error)

    def is_listening(self) -> None:
        self.listening += 1
        if self.listening < self.settings.workers:
            return
        say(f"listening on {self.settings.listen.as_bound(self.workers[0].server.address())}")
        if self.options.stats is not None:
            net.setInterval(self.ask, milliseconds(self.options.stats)).unref()

    def first_failed(self, error: Exception) -> None:
        self.failed(error)
        self.ended(self.workers[0], self.workers[0].counted())

    def failed(self, error: Exception) -> None:
        """A worker cannot listen."""
        say(str(error))
        self.status = 1
        self.stop()

    def ended(self, worker: Worker, tally: Tally) -> None:
        self.latest[worker] = tally
        self.running -= 1
        if self.running == 0:
            self.loop.unref()

    # -- signals: handlers only post, because they come in the middle of anything -------------------------------------

    def on_stop_signal(self, number: int, frame: object) -> None:
        if self.stopping:
            os._exit(128 + number)
        self.stopping = True
        self.loop.post(self.stop)

    def on_reload_signal(self, number: int, frame: object) -> None:
        if self.block_list is not None:
            Thread(target=self.reload, daemon=True).start()

    def stop(self) -> None:
        self.stopping = True
        for worker in self.workers:
            worker.loop.post(worker.stop)

    def reload(self) -> None:
        """Reads the block list again, on a thread of its own so that nobody waits for it."""
        try:
            block_list = read_block_list(self.options.block)
        except (OSError, ValueError) as error:
            say(f"the block list stays as it was: {error}")
            return
        self.block_list = block_list
        in_force = Semaphore(0)

        def put_in_force(worker: Worker) -> None:
            worker.block(block_list)
            in_force.release()

        for worker in self.workers:
            worker.loop.post(put_in_force, worker)
        for _ in self.workers:
            in_force.acquire(timeout=RELOAD_S)
        say(f"the block list has been read: {len(block_list)} rules")

    # -- counts ------------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Every worker counts on its own thread; when all have answered, the sum is told."""
        self.asked = len(self.workers)
        for worker in self.workers:
            worker.loop.post(self.answer, worker)

    def answer(self, worker: Worker) -> None:
        self.loop.post(self.note, worker, worker.counted())

    def note(self, worker: Worker, tally: Tally) -> None:
        self.latest[worker] = tally
        self.asked -= 1
        if self.asked == 0:
            self.tell()

    def tell(self) -> None:
        total = Tally()
        for tally in self.latest.values():
            total.add(tally)
        print(total.as_json() if self.options.json else total.as_line(), flush=True)


def throw(error: BaseException) -> NoReturn:
    raise error
