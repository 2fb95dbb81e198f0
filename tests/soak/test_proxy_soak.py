"""A proxy under everything that connections do: random sizes, pauses, half-closes and resets on both sides.

Every byte is compared where it arrives with the one that belongs at its place, both ends hash what they sent and
received, and after each round, when all connections are over, the proxy must hold no more descriptors and memory than
before.

`NETCORE_SOAK_SECONDS` makes it longer (90 by default), `NETCORE_SOAK_SEED` repeats a run: the plans of all connections
follow from the seed, their timing against each other does not.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import psutil
import pytest
from processes import Netcore, netcore

SECONDS = float(os.environ.get("NETCORE_SOAK_SECONDS", "90"))
SEED = int(os.environ.get("NETCORE_SOAK_SEED", random.SystemRandom().randrange(2**32)))
KINDS = ("tcp", "unix")
AT_A_TIME = 40
ROUND_S = 7.0
GROWTH_LIMIT = 6 * 1024 * 1024
PATIENCE_S = 60.0
BLOCK = random.Random(20260722).randbytes(1 << 20)

pytestmark = pytest.mark.timeout(SECONDS + 300)


@dataclass
class Direction:
    """What one end sends: so many bytes of the endless stream that starts at `start`, in pieces, with pauses; at the
    end a half-close, or before it a reset."""

    start: int
    size: int
    piece: int
    pause_s: float
    reset_after: int | None
    slow_reader: float
    sent: int = 0
    received: int = 0
    sent_hash: hashlib._Hash = field(default_factory=hashlib.blake2b)
    received_hash: hashlib._Hash = field(default_factory=hashlib.blake2b)
    ended: bool = False

    def bytes_at(self, offset: int, size: int) -> bytes:
        position = (self.start + offset) % len(BLOCK)
        data = BLOCK[position : position + size]
        while len(data) < size:
            data += BLOCK[: size - len(data)]
        return data


@dataclass
class Plan:
    """One connection: what the client and what the upstream does."""

    up: Direction
    down: Direction
    upstream_began: bool = False
    upstream_done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def has_reset(self) -> bool:
        return self.up.reset_after is not None or self.down.reset_after is not None


def direction(chance: random.Random) -> Direction:
    size = int(2 ** chance.uniform(0, 21)) - 1 if chance.random() < 0.95 else chance.randrange(8 << 20)
    return Direction(
        start=chance.randrange(len(BLOCK)),
        size=size,
        piece=max(size // int(2 ** chance.uniform(0, 7)), 1),
        pause_s=chance.choice((0, 0, 0, 0.001, 0.01)),
        reset_after=chance.randrange(size + 1) if chance.random() < 0.1 else None,
        slow_reader=chance.choice((0, 0, 0, 0.002, 0.02)),
    )


class Soak:
    """The clients and the upstream; connections are told apart by the number with which each begins."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.plans: dict[int, Plan] = {}
        self.made = 0
        self.whole = 0
        self.moved = 0

    async def client(self, place: str) -> None:
        number, self.made = self.made, self.made + 1
        plan = Plan(direction(self.chance), direction(self.chance))
        self.plans[number] = plan
        reader, writer = await connect(place)
        writer.write(number.to_bytes(8, "big"))
        await self.both(reader, writer, plan.up, plan.down)
        await self.wait_for_upstream(plan)
        self.check(plan, number)
        del self.plans[number]

    async def wait_for_upstream(self, plan: Plan) -> None:
        """A client that resets at once may do so before the upstream has heard of it, which then never will."""
        try:
            await asyncio.wait_for(plan.upstream_done.wait(), 2 if plan.up.reset_after is not None else PATIENCE_S)
        except TimeoutError:
            if plan.upstream_began:
                await asyncio.wait_for(plan.upstream_done.wait(), PATIENCE_S)
            elif plan.up.reset_after is None:
                raise

    async def upstream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            number = int.from_bytes(await reader.readexactly(8), "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            # The client was reset before its first bytes had arrived: its plan ends without its upstream.
            writer.close()
            return
        plan = self.plans[number]
        plan.upstream_began = True
        await self.both(reader, writer, plan.down, plan.up)
        plan.upstream_done.set()

    async def both(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, out: Direction, into: Direction
    ) -> None:
        """One end of a connection: sends and receives at the same time, each to its own end."""
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(send(writer, out), receive(reader, into, out.slow_reader))
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def check(self, plan: Plan, number: int) -> None:
        for name, way in (("up", plan.up), ("down", plan.down)):
            self.moved += way.received
            assert way.received <= way.sent, f"connection {number}: {name} received more than was sent"
            if plan.has_reset:
                continue
            assert way.ended, f"connection {number}: {name} was cut off after {way.received} of {way.size} bytes"
            assert way.sent == way.received == way.size, f"connection {number}: {name} {way}"
            assert way.sent_hash.digest() == way.received_hash.digest(), f"connection {number}: {name} hashes differ"
        self.whole += not plan.has_reset

    async def round(self, place: str, seconds: float) -> None:
        """Keeps so many connections going for a time, and waits for the last of them."""
        over = monotonic() + seconds

        async def one_after_the_other() -> None:
            while monotonic() < over:
                await self.client(place)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_A_TIME):
                group.create_task(one_after_the_other())


async def connect(place: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if place.startswith("unix:"):
        return await asyncio.open_unix_connection(place[5:])
    host, _, port = place.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def send(writer: asyncio.StreamWriter, way: Direction) -> None:
    last = way.size if way.reset_after is None else way.reset_after
    try:
        while way.sent < last:
            data = way.bytes_at(way.sent, min(way.piece, last - way.sent))
            way.sent += len(data)
            way.sent_hash.update(data)
            writer.write(data)
            await writer.drain()
            if way.pause_s:
                await asyncio.sleep(way.pause_s)
        if way.reset_after is not None:
            reset(writer)
        else:
            writer.write_eof()
    except OSError:  # also ENOTCONN, from ending what has just been reset
        reset(writer)


def reset(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


async def receive(reader: asyncio.StreamReader, way: Direction, slow: float) -> None:
    try:
        while data := await reader.read(65536):
            assert data == way.bytes_at(way.received, len(data)), f"wrong bytes from {way.received} on"
            way.received += len(data)
            way.received_hash.update(data)
            if slow and way.received < 500_000:
                await asyncio.sleep(slow)
        way.ended = True
    except OSError:
        return


async def run(soak: Soak, kind: str, folder: Path, seconds: float) -> list[tuple[int, int]]:
    """Rounds of connections; after each, the descriptors and the memory of the proxy when it has none left."""
    if kind == "unix":
        server = await asyncio.start_unix_server(soak.upstream, str(folder / "upstream"), backlog=1000)
        place, listen, options = f"unix:{folder / 'upstream'}", f"unix:{folder / 'proxy'}", ()
    else:
        server = await asyncio.start_server(soak.upstream, "127.0.0.1", 0, backlog=1000)
        place, listen, options = f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "127.0.0.1:0", ("--workers", 2)
    levels = []
    with netcore("proxy", listen, place, "--stats", "0.1", "--json", *options) as proxy:
        where = proxy.wait_until_listening()
        over = monotonic() + seconds
        while monotonic() < over or len(levels) < 3:
            await soak.round(where, min(ROUND_S, seconds / 4))
            levels.append(await asyncio.to_thread(level, proxy))
        assert proxy.stop() == 0
    server.close()
    return levels


def level(proxy: Netcore) -> tuple[int, int]:
    proxy.out.find('"open": 0,')
    proxy.out.find('"open": 0,')
    process = psutil.Process(proxy.pid)
    return process.num_fds(), process.memory_info().rss


@pytest.mark.parametrize("kind", KINDS)
def test_no_byte_is_lost_or_changed_and_nothing_grows(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print(f"\nsoak over {kind}: NETCORE_SOAK_SEED={SEED} NETCORE_SOAK_SECONDS={SECONDS:g}", flush=True)
    soak = Soak(random.Random(f"{SEED} {kind}"))
    levels = asyncio.run(run(soak, kind, tmp_path, SECONDS / len(KINDS)))
    descriptors, memory = zip(*levels, strict=True)
    with capsys.disabled():
        mib = ", ".join(f"{size / 2**20:.1f}" for size in memory)
        print(f"{soak.made} connections, {soak.whole} whole, {soak.moved / 2**20:.0f} MiB moved")
        print(f"memory after each round: {mib} MiB")
    assert soak.whole > 10
    assert max(descriptors) == min(descriptors), f"descriptors after each round: {descriptors}"
    assert memory[-1] - memory[1] < GROWTH_LIMIT, f"memory after each round: {memory}"
