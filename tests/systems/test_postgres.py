"""PostgreSQL with pgbench: its tables made, and a run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ports import free_port
from servers import program, run, stop, unprivileged, wait_for

pytestmark = pytest.mark.timeout(240)
TRANSACTIONS = 250
CLIENTS = 8

Through = Callable[..., int]


@pytest.fixture(scope="module")
def postgres(folder: Path) -> Iterator[int]:
    port = free_port()
    data = folder / "data"
    user = unprivileged()
    run(program("initdb", "postgresql"), "-D", data, "-U", "test", "-A", "trust", "--no-sync", cwd=folder, **user)
    settings = ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
    command = [program("postgres", "postgresql"), "-D", str(data), "-p", str(port), *settings]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **user)
    wait_for(port, server)
    psql(port, "SELECT 1", "postgres")
    yield port
    stop(server)


def psql(port: int, query: str, database: str = "bench") -> str:
    place = ("-h", "127.0.0.1", "-p", port, "-U", "test", "-d", database)
    return run(program("psql", "postgresql-client"), *place, "-X", "-A", "-t", "-c", query).strip()


def pgbench(port: int, *words: object) -> str:
    place = ("-h", "127.0.0.1", "-p", port, "-U", "test")
    return run(program("pgbench", "postgresql"), *place, *words, "bench")


def prepared(port: int, server: int) -> list[str]:
    """Makes pgbench's tables through `port`, and answers what they hold."""
    psql(server, "DROP DATABASE IF EXISTS bench", "postgres")
    psql(server, "CREATE DATABASE bench", "postgres")
    pgbench(port, "-i", "-s", 2, "-q")
    return [
        psql(port, f"SELECT count(*), md5(string_agg({table}::text, '' ORDER BY {key})) FROM {table}")
        for table, key in (("pgbench_accounts", "aid"), ("pgbench_branches", "bid"), ("pgbench_tellers", "tid"))
    ]


def outcome(port: int) -> dict[str, str]:
    """A run of pgbench: how many transactions it made and how many failed."""
    text = pgbench(port, "-c", CLIENTS, "-j", 2, "-t", TRANSACTIONS, "-n", "-M", "prepared")
    return dict(re.findall(r"^number of (transactions actually processed|failed transactions): (\S+)", text, re.M))


def test_tables_made_and_used_through_the_proxy_are_as_they_are_directly(postgres: int, through: Through) -> None:
    proxied = through(postgres, "--workers", 2)
    assert prepared(proxied, postgres) == prepared(postgres, postgres)
    done = f"{CLIENTS * TRANSACTIONS}/{CLIENTS * TRANSACTIONS}"
    for count, port in enumerate((postgres, proxied), 1):
        result = outcome(port)
        assert result["transactions actually processed"] == done
        assert result.get("failed transactions", "0").startswith("0")
        assert psql(port, "SELECT count(*) FROM pgbench_history") == str(count * CLIENTS * TRANSACTIONS)
    assert psql(proxied, "SELECT sum(bbalance) FROM pgbench_branches") == psql(
        proxied, "SELECT sum(delta) FROM pgbench_history"
    )
