"""Redis with redis-benchmark, redis-cli and a bulk load by `redis-cli --pipe`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ports import free_port
from servers import program, run, stop, wait_for

pytestmark = pytest.mark.timeout(180)
KEYS = 50_000

Through = Callable[..., int]


@pytest.fixture(scope="module")
def redis(folder: Path) -> Iterator[int]:
    port = free_port()
    command = [program("redis-server", "redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*command, "--appendonly", "no", "--dir", str(folder)], stdout=log)
    wait_for(port, server)
    yield port
    stop(server)


def cli(port: int, *words: object) -> str:
    return run(program("redis-cli", "redis-tools"), "-p", port, *words)


def bulk_load() -> bytes:
    """Commands in Redis's protocol, as `redis-cli --pipe` wants them: values of many lengths."""

    def command(*words: bytes) -> bytes:
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)

    return b"".join(command(b"SET", b"key:%d" % n, b"%d" % n * (n % 50)) for n in range(KEYS))


def test_a_bulk_load_through_the_proxy_gives_the_same_data(redis: int, through: Through) -> None:
    pipe = (program("redis-cli", "redis-tools"), "--pipe", "-p")
    digests = []
    for port in (redis, through(redis)):
        cli(redis, "FLUSHALL")
        assert f"errors: 0, replies: {KEYS}" in run(*pipe, port, input_data=bulk_load())
        digests.append(cli(redis, "DEBUG", "DIGEST"))
        assert cli(port, "DBSIZE").strip() == str(KEYS)
    assert digests[0] == digests[1]
    assert set(digests[0].strip()) != {"0"}


def test_large_values_come_back_as_they_went(redis: int, through: Through) -> None:
    port = through(redis)
    value = bytes(range(1, 256)) * 40_000
    run(program("redis-cli", "redis-tools"), "-p", port, "-x", "SET", "large", input_data=value)
    done = subprocess.run(
        [program("redis-cli", "redis-tools"), "-p", str(port), "--raw", "GET", "large"], capture_output=True, check=True
    )
    assert done.stdout == value + b"\n"


@pytest.mark.parametrize("workers", [1, 2])
def test_redis_benchmark_finishes_every_test_as_it_does_directly(workers: int, redis: int, through: Through) -> None:
    names = []
    for port in (redis, through(redis, "--workers", workers)):
        text = run(
            program("redis-benchmark", "redis-tools"),
            *(
                "-p",
                port,
                "-c",
                50,
                "-n",
                20_000,
                "-P",
                8,
                "-q",
                "--csv",
                "-t",
                "ping,set,get,incr,lpush,lpop,mset,lrange_100",
            ),
        )
        rates = dict(re.findall(r'^"([^"]+)","([\d.]+)"', text, re.M))
        assert all(float(rate) > 0 for rate in rates.values())
        names.append(list(rates))
    assert names[0] == names[1]
    assert len(names[0]) >= 8
