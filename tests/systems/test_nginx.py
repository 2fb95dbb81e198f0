"""nginx with ab, wrk and files of many sizes."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from ports import free_port
from servers import program, run, stop, wait_for

pytestmark = pytest.mark.timeout(180)
SIZES = (0, 1, 1024, 65_536, 1_000_003, 20_000_000)
REQUESTS = 5000

Through = Callable[..., int]

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/files;
    }}
    server {{
        listen 127.0.0.1:{port_behind} proxy_protocol;
        location / {{ return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_port"; }}
    }}
}}
"""


@pytest.fixture(scope="module")
def nginx(folder: Path) -> Iterator[tuple[int, int]]:
    """A port that serves files, and one that tells what the PROXY protocol said."""
    (folder / "files").mkdir(mode=0o755)
    for size in SIZES:
        (folder / "files" / str(size)).write_bytes(os.urandom(size))
    port, port_behind = free_port(), free_port()
    (folder / "conf").write_text(CONFIGURATION.format(folder=folder, port=port, port_behind=port_behind))
    server = subprocess.Popen([program("nginx", "nginx"), "-c", str(folder / "conf"), "-e", str(folder / "error.log")])
    wait_for(port, server)
    yield port, port_behind
    stop(server)


def test_files_of_all_sizes_arrive_whole(nginx: tuple[int, int], folder: Path, through: Through) -> None:
    connection = HTTPConnection("127.0.0.1", through(nginx[0]), timeout=30)
    for size in SIZES:
        connection.request("GET", f"/{size}")
        body = connection.getresponse().read()
        assert hashlib.sha256(body).digest() == hashlib.sha256((folder / "files" / str(size)).read_bytes()).digest()
    connection.close()


@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "a connection each"])
def test_ab_gets_the_same_answers_as_directly(keep_alive: bool, nginx: tuple[int, int], through: Through) -> None:
    results = []
    for port in (nginx[0], through(nginx[0])):
        flags = ("-k",) if keep_alive else ()
        text = run(
            program("ab", "apache2-utils"), "-q", "-c", 50, "-n", REQUESTS, *flags, f"http://127.0.0.1:{port}/1024"
        )
        found = dict(
            re.findall(r"^(Complete requests|Failed requests|Non-2xx responses|HTML transferred): +(\d+)", text, re.M)
        )
        assert found["Complete requests"] == str(REQUESTS)
        results.append(found)
    assert results[0] == results[1]
    assert results[0]["Failed requests"] == "0"


def test_wrk_meets_no_error(nginx: tuple[int, int], through: Through) -> None:
    text = run(
        program("wrk", "wrk"),
        "-t",
        1,
        "-c",
        50,
        "-d",
        "3s",
        f"http://127.0.0.1:{through(nginx[0], '--workers', 2)}/65536",
    )
    assert int(re.search(r"(\d+) requests in", text)[1]) > 0
    assert "Socket errors" not in text
    assert "Non-2xx" not in text


def test_nginx_understands_the_proxy_protocol(nginx: tuple[int, int], through: Through) -> None:
    port = through(nginx[1], "--send-proxy")
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    answer = connection.getresponse().read().decode()
    assert answer == f"127.0.0.1 {connection.sock.getsockname()[1]} {port}"
    connection.close()
