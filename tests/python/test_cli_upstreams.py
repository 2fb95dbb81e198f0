"""Whose turn it is among the upstreams of a proxy."""

from __future__ import annotations

import pytest

import netcore as net
from netcore.cli import upstreams as module
from netcore.cli.endpoint import target_endpoint
from netcore.cli.upstreams import Address, Upstream, Upstreams


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "monotonic", clock)
    return clock


def ring(count: int) -> Upstreams:
    return Upstreams([target_endpoint(f"10.0.0.{number}:80") for number in range(1, count + 1)])


def chosen(upstreams: Upstreams, tried: tuple[Address, ...] = ()) -> Address:
    address = upstreams.choose(tried)
    assert address is not None
    return address


def hosts(upstreams: Upstreams, times: int) -> list[object]:
    return [chosen(upstreams).host for _ in range(times)]


def fail(address: Address) -> None:
    address.upstream.failed(address)


def test_upstreams_take_turns(clock: Clock) -> None:
    assert hosts(ring(3), 6) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"] * 2


def test_a_failed_one_is_skipped(clock: Clock) -> None:
    upstreams = ring(3)
    fail(chosen(upstreams))
    assert "10.0.0.1" not in hosts(upstreams, 6)


def test_a_failed_one_is_tried_again_later(clock: Clock) -> None:
    upstreams = ring(2)
    fail(chosen(upstreams))
    clock.now += module.FIRST_PAUSE_S + 0.1
    assert "10.0.0.1" in hosts(upstreams, 2)


def test_the_pause_doubles_up_to_its_limit_and_success_ends_it(clock: Clock) -> None:
    upstreams = ring(1)
    upstream = upstreams.ring[0]
    pauses = []
    for _ in range(7):
        fail(chosen(upstreams))
        pauses.append(upstream.pause)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]
    upstream.succeeded()
    fail(chosen(upstreams))
    assert upstream.pause == 1


def test_one_client_tries_each_once_the_failed_ones_last(clock: Clock) -> None:
    upstreams = ring(3)
    fail(chosen(upstreams))
    tried: tuple[Address, ...] = ()
    while address := upstreams.choose(tried):
        tried += (address,)
    assert sorted(address.host for address in tried) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert tried[-1].host == "10.0.0.1"


def test_when_all_have_failed_they_are_tried_all_the_same(clock: Clock) -> None:
    upstreams = ring(1)
    fail(chosen(upstreams))
    assert hosts(upstreams, 2) == ["10.0.0.1"] * 2


def named(*addresses: str) -> Upstream:
    upstream = Upstream(target_endpoint("some.name:80"))
    upstream.looked_up = module.monotonic()
    upstream.learn(list(addresses))
    return upstream


def test_a_name_fails_when_all_its_addresses_have(clock: Clock) -> None:
    upstream = named("10.0.0.1", "10.0.0.2")
    first = upstream.pick(())
    assert first is not None
    upstream.failed(first)
    assert upstream.retry_at == 0
    second = upstream.pick(())
    assert second is not None
    assert second.place == (80, "10.0.0.2")
    upstream.failed(second)
    assert upstream.retry_at > clock.now


def test_what_a_name_means_can_change(clock: Clock) -> None:
    upstream = named("10.0.0.1")
    kept = upstream.pick(())
    upstream.learn(["10.0.0.1"])
    assert upstream.pick(()) is kept
    upstream.learn(["10.0.0.9"])
    changed = upstream.pick(())
    assert changed is not None
    assert changed.place == (80, "10.0.0.9")
    upstream.learn([])
    assert upstream.pick(()) is changed


def test_a_name_is_looked_up() -> None:
    upstreams = Upstreams([target_endpoint("localhost:80"), target_endpoint("10.0.0.1:80")])
    done = []
    upstreams.look_up(lambda: done.append(True))
    net.run()
    assert done == [True]
    assert chosen(upstreams).host in ("127.0.0.1", "::1")


def test_a_name_that_means_nothing_has_no_address() -> None:
    upstreams = Upstreams([target_endpoint("name.invalid:80")])
    upstreams.look_up(lambda: None)
    net.run()
    assert upstreams.choose() is None
