"""An embedder of the core in Python, over the simulated port: it makes handles, turns the loop and notes what it hears."""

from types import ModuleType
from typing import Any, NamedTuple


class Heard(NamedTuple):
    """An event: of whom, what, with which status (or bytes)."""

    owner: int
    what: str
    detail: object


class Embedder:
    """A loop, and the handles on it by number. `late` and `faults` are chances, see sim_port.h."""

    def __init__(
        self, sim: ModuleType, seed: int = 0, late: int = 0, faults: int = 0, holds_buffers: bool = False
    ) -> None:
        self.ffi, self.lib = sim.ffi, sim.lib
        options = {"seed": seed, "late": late, "faults": faults, "holds_buffers": holds_buffers}
        self.lib.sim_reset(self.ffi.new("sim_options *", options))
        out = self.ffi.new("nc_loop **")
        assert self.lib.nc_loop_new(out) == self.lib.NC_OK
        self.loop = out[0]
        self.made = 0
        self.open: set[int] = set()
        self.heard: list[Heard] = []
        self.streams: dict[int, Any] = {}
        self.names = {
            getattr(self.lib, name): name.removeprefix("NC_EVENT_")
            for name in dir(self.lib)
            if name.startswith("NC_EVENT_")
        }

    def name(self) -> Any:
        """The owner to name for one more handle: its number."""
        self.made += 1
        return self.ffi.cast("void *", self.made)

    def status(self, status: int) -> str:
        return self.ffi.string(self.lib.nc_status_name(status)).decode()

    def timer(self) -> Any:
        out = self.ffi.new("nc_timer **")
        assert self.lib.nc_timer_new(self.loop, self.name(), out) == self.lib.NC_OK
        return out[0]

    def stream(self) -> Any:
        out = self.ffi.new("nc_stream **")
        assert self.lib.nc_stream_new(self.loop, self.name(), out) == self.lib.NC_OK
        self.streams[self.made] = out[0]
        self.open.add(self.made)
        return out[0]

    def server(self) -> tuple[Any, int] | None:
        """A server and its descriptor; None if the port does not let it be made."""
        address = self.ffi.new("nc_addr *", {"family": 4})
        fd, out = self.ffi.new("intptr_t *"), self.ffi.new("nc_server **")
        if self.lib.nc_bind(address, 0, fd) != self.lib.NC_OK:
            return None
        owner = self.name()
        if self.lib.nc_server_new(self.loop, owner, fd[0], 10, out) != self.lib.NC_OK:
            self.lib.nc_socket_close(fd[0])
            return None
        self.open.add(self.made)
        return out[0], fd[0]

    def connect(self) -> tuple[Any, Any, str]:
        """A stream that connects, the peer's end of it, and what connecting answered."""
        stream = self.stream()
        peer = self.ffi.new("nc_addr *", {"family": 4, "port": 80})
        status = self.lib.nc_stream_connect(stream, peer, self.ffi.NULL)
        return stream, self.lib.sim_answer(), self.status(status)

    def turn(self, ms: int = 0) -> list[Heard]:
        """One turn, `ms` later: what is heard in it."""
        before = len(self.heard)
        self.lib.sim_advance(ms)
        self.lib.nc_loop_turn(self.loop, 0)
        event = self.ffi.new("nc_event *")
        for phase in (self.lib.NC_PHASE_IO, self.lib.NC_PHASE_CLOSE, self.lib.NC_PHASE_TIMERS):
            while self.lib.nc_loop_next(self.loop, phase, event):
                self.hear(event)
        while self.lib.nc_loop_next_unpinned(self.loop):
            pass
        return self.heard[before:]

    def hear(self, event: Any) -> None:
        owner = int(self.ffi.cast("intptr_t", event.owner))
        what = self.names[event.type]
        detail: object = self.status(event.status)
        if what == "DATA":
            detail = bytes(self.ffi.buffer(event.data, event.size))
        if what == "CONNECTION":
            self.lib.nc_stream_set_owner(event.stream, self.name())
            self.streams[self.made] = event.stream
            self.open.add(self.made)
            detail = self.made
        if what == "CLOSED":
            self.open.remove(owner)
            self.streams.pop(owner, None)
        self.heard.append(Heard(owner, what, detail))

    def turns(self, count: int = 20, ms: int = 0) -> list[Heard]:
        return [heard for _ in range(count) for heard in self.turn(ms)]

    def write(self, stream: Any, data: bytes) -> str:
        return self.status(self.lib.nc_stream_write(stream, data, len(data), self.ffi.NULL))

    def peer_reads(self, end: Any, size: int = 65536) -> bytes:
        room = self.ffi.new("uint8_t[]", size)
        return bytes(self.ffi.buffer(room, self.lib.sim_read(end, room, size)))

    def end(self) -> int:
        """Frees the loop; how many descriptors were never closed."""
        self.lib.sim_calm()
        self.lib.nc_loop_close_all(self.loop)
        self.turns(50, 10)
        self.lib.nc_loop_free(self.loop)
        return int(self.lib.sim_end_all())
