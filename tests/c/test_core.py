"""Timers, streams, servers and relays of the core, event by event over the simulated port; and the same with any one
operation of the port failing."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from embedder import Embedder, Heard

pytestmark = pytest.mark.timeout(300)  # the first test waits for the compiler


@pytest.fixture
def core(sim: ModuleType) -> Iterator[Embedder]:
    embedder = Embedder(sim)
    yield embedder
    assert embedder.end() == 0
    assert embedder.open == set()


# --- timers -----------------------------------------------------------------------------------------------------------


def test_timers_fire_in_the_order_of_their_time_and_then_of_their_start(core: Embedder) -> None:
    late, first, second = core.timer(), core.timer(), core.timer()
    for timer, ms in ((late, 20), (first, 10), (second, 10)):
        assert core.lib.nc_timer_start(timer, ms) == core.lib.NC_OK
    assert core.turn(9) == []
    assert [heard.owner for heard in core.turn(1)] == [2, 3]
    assert [heard.owner for heard in core.turn(50)] == [1]
    for timer in (late, first, second):
        core.lib.nc_timer_free(timer)


def test_a_timer_that_is_started_anew_forgets_its_first_time(core: Embedder) -> None:
    timer = core.timer()
    core.lib.nc_timer_start(timer, 10)
    core.lib.nc_timer_start(timer, 30)
    assert core.turn(20) == []
    assert core.turn(10) == [Heard(1, "TIMER", "OK")]
    assert not core.lib.nc_timer_is_active(timer)
    core.lib.nc_timer_free(timer)


def test_a_stopped_timer_is_silent_and_keeps_nothing_alive(core: Embedder) -> None:
    timer = core.timer()
    core.lib.nc_timer_start(timer, 10)
    assert core.lib.nc_loop_alive(core.loop)
    core.lib.nc_timer_stop(timer)
    assert not core.lib.nc_loop_alive(core.loop)
    assert core.turn(20) == []
    core.lib.nc_timer_free(timer)


def test_an_unrefd_timer_fires_and_keeps_nothing_alive(core: Embedder) -> None:
    timer = core.timer()
    core.lib.nc_timer_unref(timer)
    core.lib.nc_timer_start(timer, 10)
    assert not core.lib.nc_loop_alive(core.loop)
    assert core.turn(10) == [Heard(1, "TIMER", "OK")]
    core.lib.nc_timer_free(timer)


def test_closing_all_stops_every_timer(core: Embedder) -> None:
    timers = [core.timer() for _ in range(50)]
    for ms, timer in enumerate(timers):
        core.lib.nc_timer_start(timer, ms * 7 % 20)
    stream, _, _ = core.connect()
    core.lib.nc_stream_set_timeout(stream, 5)
    core.lib.nc_loop_close_all(core.loop)
    assert not any(core.lib.nc_timer_is_active(timer) for timer in timers)
    assert [heard.what for heard in core.turns(10, 10)] == ["CLOSED"]
    for timer in timers:
        core.lib.nc_timer_free(timer)


# --- streams ----------------------------------------------------------------------------------------------------------


def test_connect_comes_first_and_what_was_written_before_it_is_sent(core: Embedder) -> None:
    stream, peer, status = core.connect()
    assert status == "OK"
    assert core.write(stream, b"early") == "OK"
    core.lib.nc_stream_read_start(stream)
    core.lib.sim_write(peer, b"hello", 5)
    heard = core.turns()
    assert heard[0] == Heard(1, "CONNECT", "OK")
    assert b"".join(each.detail for each in heard[1:]) == b"hello"
    assert core.peer_reads(peer) == b"early"


def test_input_waits_while_a_stream_is_stopped(core: Embedder) -> None:
    stream, peer, _ = core.connect()
    core.turns()
    core.lib.sim_write(peer, b"hello", 5)
    core.lib.sim_fin(peer)
    assert core.turns() == []
    core.lib.nc_stream_read_start(stream)
    assert core.turns() == [Heard(1, "DATA", b"hello"), Heard(1, "EOF", "OK")]
    assert core.turns() == []


def test_finish_comes_after_the_whole_queue_and_once(core: Embedder) -> None:
    stream, peer, _ = core.connect()
    core.turns()
    core.write(stream, b"x" * 100_000)  # more than the peer's buffer holds
    core.lib.nc_stream_shutdown(stream)
    assert core.turns() == []
    assert core.write(stream, b"too late") == "EPIPE"
    received = b""
    while len(received) < 100_000:
        received += core.peer_reads(peer)
        core.turn()
    assert [each.what for each in core.heard].count("FINISH") == 1
    assert core.lib.sim_saw_fin(peer)


def test_wrote_comes_when_its_offset_has_been_sent(core: Embedder) -> None:
    stream, peer, _ = core.connect()
    core.turns()
    core.write(stream, b"x" * 100_000)
    core.lib.nc_stream_notify_at(stream, 90_000)
    assert core.turns() == []
    while not (heard := core.turn()):
        core.peer_reads(peer)
    assert heard == [Heard(1, "WROTE", "OK")]
    assert core.lib.nc_stream_bytes_sent(stream) >= 90_000


def test_nothing_comes_after_close_but_closed(core: Embedder) -> None:
    stream, peer, _ = core.connect()
    core.turns()
    core.lib.nc_stream_read_start(stream)
    core.lib.sim_write(peer, b"hello", 5)
    core.lib.sim_fin(peer)
    core.lib.nc_stream_close(stream)
    assert core.turns(50, 50) == [Heard(1, "CLOSED", "OK")]


def test_an_idle_stream_is_told_once(core: Embedder) -> None:
    stream, _, _ = core.connect()
    core.turns()
    core.lib.nc_stream_set_timeout(stream, 20)
    assert core.turn(19) == []
    assert core.turns(5, 20) == [Heard(1, "IDLE", "OK")]


# --- servers and relays -----------------------------------------------------------------------------------------------


def test_a_server_at_its_limit_drops_and_says_so(core: Embedder) -> None:
    made = core.server()
    assert made is not None
    server, fd = made
    core.lib.nc_server_set_limit(server, 1)
    for _ in range(2):
        assert core.lib.sim_dial(fd)
    assert [each.what for each in core.turns()] == ["CONNECTION", "DROP"]
    assert core.lib.nc_server_connections(server) == 1


def test_a_relay_passes_bytes_and_the_end_on_and_shows_only_the_end(core: Embedder) -> None:
    (source, left, _), (target, right, _) = core.connect(), core.connect()
    core.turns()
    assert core.status(core.lib.nc_relay_start(source, target, True)) == "OK"
    core.lib.sim_write(left, b"through", 7)
    core.lib.sim_fin(left)
    assert {(each.owner, each.what) for each in core.turns()} == {(1, "EOF"), (2, "FINISH")}
    assert core.peer_reads(right) == b"through"
    assert core.lib.sim_saw_fin(right)


def test_a_relay_waits_for_whom_it_feeds(core: Embedder) -> None:
    (source, left, _), (target, right, _) = core.connect(), core.connect()
    core.turns()
    core.lib.nc_relay_start(source, target, False)
    sent = bytes(range(256)) * 2000
    received = b""
    core.lib.sim_write(left, sent, len(sent))
    core.turns()
    assert core.lib.nc_stream_bytes_queued(target) < len(sent) // 2
    while len(received) < len(sent):
        received += core.peer_reads(right)
        core.turn()
    assert received == sent


# --- any operation fails ----------------------------------------------------------------------------------------------


def life(core: Embedder) -> None:
    """A bit of everything; whoever meets a failure closes."""
    made = core.server()
    for _ in range(3):
        if made is not None:
            core.lib.sim_dial(made[1])
    stream, peer, status = core.connect()
    other, _, other_status = core.connect()
    core.turns(5)
    for each in list(core.streams.values()):
        core.lib.nc_stream_read_start(each)
        core.write(each, b"x" * 50_000)
        core.lib.nc_stream_set_timeout(each, 1000)
    if status == other_status == "OK":
        core.lib.nc_relay_start(other, stream, True)
    if peer:
        core.lib.sim_write(peer, b"hello", 5)
    for _ in range(10):
        core.turn(1)
        if peer:
            core.peer_reads(peer)
    for each in list(core.streams.values()):
        core.lib.nc_stream_shutdown(each)
    core.turns(10, 1)
    if made is not None:
        core.lib.nc_server_close(made[0])


def check_order(heard: list[Heard]) -> None:
    """What holds for each handle whatever fails."""
    for owner in {each.owner for each in heard}:
        events = [each.what for each in heard if each.owner == owner]
        assert events.count("CLOSED") == 1
        assert events[-1] == "CLOSED"
        assert events.count("EOF") + events.count("RECV_ERROR") <= 1
        assert events.count("FINISH") <= 1
        assert events.count("SEND_ERROR") <= 1
        ends = [place for place, what in enumerate(events) if what in ("EOF", "RECV_ERROR")]
        assert not ends or "DATA" not in events[ends[0] :]


def chances_of(sim: ModuleType, play: Callable[[Embedder], None], holds_buffers: bool) -> int:
    """How many operations of the port there are that can fail."""
    core = Embedder(sim, holds_buffers=holds_buffers)
    before = core.lib.sim_chances()
    play(core)
    chances = core.lib.sim_chances() - before
    assert core.end() == 0
    return int(chances)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("holds_buffers", [False, True], ids=["like epoll", "like IOCP"])
def test_whichever_operation_fails_the_rules_hold(sim: ModuleType, holds_buffers: bool) -> None:
    chances = chances_of(sim, life, holds_buffers)
    failed: set[str] = set()
    for nth in range(1, chances + 1):
        core = Embedder(sim, holds_buffers=holds_buffers)
        core.lib.sim_fail_at(nth)
        life(core)
        assert core.end() == 0, nth
        assert core.open == set(), nth
        check_order(core.heard)
        failed |= {each.what for each in core.heard if isinstance(each.detail, str) and each.detail != "OK"}
    assert failed == {"ACCEPT_ERROR", "CONNECT", "FINISH", "RECV_ERROR", "SEND_ERROR"}
