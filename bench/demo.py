"""Real traffic through `python -m netcore proxy`, every byte checked, beside the same proxy on asyncio streams.

What `make demo` runs. Starts an echoing upstream and both proxies, drives the same work straight to the upstream and
through each of them, and ends with a small table and a picture of it, bench/results/demo.png."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servers import c_echo, netcore_command

from tools import BENCH, PEERS, BenchError, compiled, free_port, running, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Tell = Callable[[float, str], None]

MIB = 1 << 20
WARM_UP = 0.3
EVERY = 0.1
OURS, THEIRS, REFERENCE = "#0b6e4f", "#b8c0c8", "#5b6770"


@dataclass(frozen=True)
class Work:
    """One kind of traffic, and what is counted in it."""

    title: str
    mode: str
    options: tuple[str, ...]
    unit: str

    def count(self, figures: dict[str, Any]) -> float:
        return figures["bytes"] / MIB if self.mode == "bulk" else figures["messages"]


WORKS = (
    Work("1 KiB echo, 50 connections", "echo", ("-c", "50"), "messages"),
    Work("bulk echo, 8 connections", "bulk", ("-c", "8", "-s", "65536"), "MiB"),
)


@dataclass
class Way:
    """A way to the upstream: the port to connect to, and the process between, if any."""

    name: str
    port: int
    pid: int = 0
    figures: list[dict[str, Any]] = field(default_factory=list)


def drive(way: Way, work: Work, seconds: float, tell: Tell) -> dict[str, Any]:
    """One run of the load generator. `tell` hears the part done and the present rate, several times a second."""
    options = [
        *work.options,
        "-t",
        str(seconds),
        "-w",
        str(WARM_UP),
        "-r",
        str(EVERY),
        *(["-p", str(way.pid)] * bool(way.pid)),
    ]
    process = subprocess.Popen(
        [compiled("load"), work.mode, str(way.port), *options], stdout=subprocess.PIPE, text=True
    )
    figures: dict[str, Any] = {}
    try:
        figures = follow(process, work, seconds + WARM_UP, tell)
    finally:
        stop(process)
    if "seconds" not in figures:
        raise BenchError("the load generator ended without figures")
    return figures


def follow(process: subprocess.Popen[str], work: Work, seconds: float, tell: Tell) -> dict[str, Any]:
    """Read the progress lines of the load generator up to its last one, the result."""
    assert process.stdout is not None
    figures: dict[str, Any] = {}
    before = 0.0
    for number, line in enumerate(process.stdout, 1):
        figures = json.loads(line)
        if "so_far" not in figures:
            break
        now = work.count(figures["so_far"])
        tell(min(1.0, number * EVERY / seconds), f"{(now - before) / EVERY:,.0f} {work.unit}/s")
        before = now
    return figures


@contextmanager
def rich_progress() -> Iterator[Callable[[str], Tell]]:
    """A bar a step, drawn by rich."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<52}"),
        BarColumn(30),
        TimeElapsedColumn(),
        TextColumn("{task.fields[rate]}"),
    )
    with Progress(*columns) as progress:

        def step(title: str) -> Tell:
            task = progress.add_task(title, total=1.0, rate="")
            return lambda done, rate: progress.update(task, completed=done, rate=rate)

        yield step


@contextmanager
def plain_progress() -> Iterator[Callable[[str], Tell]]:
    """A line a step and one a second or so, for a log or a machine without rich."""

    def step(title: str) -> Tell:
        print(title, flush=True)
        said = [0]

        def tell(done: float, rate: str) -> None:
            said[0] += 1
            if said[0] % 10 == 0:
                print(f"  {100 * done:3.0f}%  {rate}", flush=True)

        return tell

    yield step


def progress(plain: bool) -> Any:
    if plain or not sys.stdout.isatty():
        return plain_progress()
    try:
        import rich  # noqa: F401
    except ImportError:
        return plain_progress()
    return rich_progress()


def start(stack: ExitStack) -> list[Way]:
    """The upstream and the two proxies in front of it, on ports of their own."""
    direct, ours, streams = (free_port() for _ in range(3))
    stack.enter_context(running(c_echo(direct, 0), direct, "the upstream", None))
    through = stack.enter_context(running(netcore_command(ours, direct), ours, "netcore proxy", None))
    python = [sys.executable, str(PEERS / "proxy_streams.py"), str(streams), str(direct)]
    beside = stack.enter_context(running(python, streams, "the asyncio proxy", None))
    return [Way("direct", direct), Way("netcore proxy", ours, through), Way("asyncio streams", streams, beside)]


def checked(ways: list[Way]) -> tuple[float, int]:
    """GiB that came back and were compared, and how many connections or bytes were wrong."""
    figures = [f for way in ways for f in way.figures]
    return sum(f["bytes"] for f in figures) / (1 << 30), sum(f["errors"] + f["without_end"] for f in figures)


def table(ways: list[Way]) -> list[tuple[str, ...]]:
    echo, bulk = WORKS
    lines = [("", f"{echo.unit}/s", "p50 us", "p99 us", "proxy CPU us/message", f"{bulk.unit}/s", "proxy CPU us/MiB")]
    for way in ways:
        small, large = way.figures
        latency = small["latency_us"]
        lines.append(
            (
                way.name,
                f"{echo.count(small) / small['seconds']:,.0f}",
                f"{latency['p50']:,.0f}",
                f"{latency['p99']:,.0f}",
                charged(small, echo),
                f"{bulk.count(large) / large['seconds']:,.0f}",
                charged(large, bulk),
            )
        )
    return lines


def charged(figures: dict[str, Any], work: Work) -> str:
    count = work.count(figures)
    return f"{1e6 * sum(figures['cpu']) / count:,.1f}" if figures["cpu"] and count else "-"


def show(lines: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print()
    for line in lines:
        first, *rest = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *rest]))
    print()


def picture(ways: list[Way], path: Path) -> bool:
    """Two panels of bars, one a kind of traffic. False when matplotlib is not installed."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        return False
    figure, panels = pyplot.subplots(1, len(WORKS), figsize=(9, 2.4))
    colours = [REFERENCE, OURS, THEIRS]
    for number, (axes, work) in enumerate(zip(panels, WORKS, strict=True)):
        rates = [work.count(way.figures[number]) / way.figures[number]["seconds"] for way in ways]
        axes.barh([way.name for way in ways], rates, color=colours, height=0.7)
        for place, rate in enumerate(rates):
            axes.text(rate, place, f" {rate:,.0f}", va="center", fontsize=9)
        axes.set_xlim(0, 1.18 * max(rates))
        axes.set_title(f"{work.title}: {work.unit} a second", fontsize=9, loc="left")
        axes.invert_yaxis()
        axes.xaxis.set_visible(False)
        axes.tick_params(axis="y", length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="measured seconds a step, of six (3)")
    parser.add_argument("--plain", action="store_true", help="plain lines in place of the progress bars")
    options = parser.parse_args()
    with ExitStack() as stack:
        ways = start(stack)
        step = stack.enter_context(progress(options.plain))
        for work in WORKS:
            for way in ways:
                tell = step(f"{work.title}: {way.name}")
                way.figures.append(drive(way, work, options.seconds, tell))
    show(table(ways))
    volume, wrong = checked(ways)
    print(f"{volume:,.2f} GiB came back and were compared byte for byte; wrong or unfinished: {wrong}.")
    path = BENCH / "results" / "demo.png"
    print(f"picture: {path.relative_to(BENCH.parent)}" if picture(ways, path) else "no picture: pip install matplotlib")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"demo: {error}")
