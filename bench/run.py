"""The benchmark: netcore beside its peers, on the same work, in one run. `python bench/run.py --help`.

Everything measured lands in bench/results/ as Markdown, JSON and a picture."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import imports
import memory
import report
import scaling
import wheels
from rounds import RowResult, run_row
from rows import ECHO_ROWS, PROXY_ROWS
from servers import ECHO, PROXIES, available, versions

from tools import BENCH, BenchError

if TYPE_CHECKING:
    from rows import Row

EXTRAS = {"memory": memory.section, "scaling": scaling.section, "import": imports.section, "wheel": wheels.section}
KEYS = [row.key for row in (*ECHO_ROWS, *PROXY_ROWS)] + list(EXTRAS)
QUICK = ["echo-10", "bulk-1", "connect", "proxy-50", "proxy-connect"]


def say(text: str) -> None:
    """Progress on one line of a terminal, nothing in a log."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def chosen_rows(names: list[str] | None) -> list[str]:
    """The keys that the names stand for: a key, or `echo` or `proxy` for all of a family."""
    if not names:
        return KEYS
    groups = {"echo": [r.key for r in ECHO_ROWS], "proxy": [r.key for r in PROXY_ROWS]}
    picked = [key for name in names for key in groups.get(name, [key for key in KEYS if key == name])]
    if not picked:
        raise SystemExit(f"run.py: no such row: {', '.join(names)} (there are {', '.join(KEYS)})")
    return picked


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", metavar="ROW", help=f"echo, proxy or any of {', '.join(KEYS)} (all)")
    parser.add_argument(
        "--peers", nargs="+", metavar="NAME", help="parts of server names (all); the C server always runs"
    )
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds a row (9)")
    parser.add_argument("--seconds", type=float, default=1.0, help="measured seconds a server and round (1)")
    parser.add_argument("--out", type=Path, default=BENCH / "results", help="folder for the results (bench/results)")
    parser.add_argument(
        "--quick", action="store_true", help="smoke test: few rows, one short round; fails on any error"
    )
    return parser.parse_args()


def measure(options: argparse.Namespace, keys: list[str]) -> list[RowResult]:
    results = []
    for rows, table, proxied in ((ECHO_ROWS, ECHO, False), (PROXY_ROWS, PROXIES, True)):
        servers, absent = available(table, options.peers)
        wanted: list[Row] = [row for row in rows if row.key in keys]
        for name, why in absent.items() if wanted else ():
            print(f"without {name}: {why}")
        for row in wanted:
            results.append(run_row(row, servers, proxied, options.rounds, options.seconds, say))
            say("")
            print("\n".join(report.table(results[-1])), flush=True)
    return results


def section(key: str, options: argparse.Namespace) -> list[str]:
    try:
        return EXTRAS[key](options, say)
    except (BenchError, OSError) as error:
        return [f"## {key}", "", f"Fails: {error}", ""]


def failures(results: list[RowResult]) -> list[str]:
    return [f"{r.key}: {o.server}: {o.failure}" for r in results for o in r.outcomes if o.failure]


def main() -> int:
    options = parse()
    if options.quick:
        options.rounds, options.seconds = 1, 0.3
        options.rows = options.rows or QUICK
        options.peers = options.peers or ["netcore", "asyncio"]
    started = time.monotonic()
    keys = chosen_rows(options.rows)
    results = measure(options, keys)
    extras = [line for key in keys if key in EXTRAS for line in section(key, options)]
    say("")
    print("\n".join(extras))
    options.out.mkdir(parents=True, exist_ok=True)
    text = report.markdown(results, extras, versions(), options.rounds, options.seconds)
    (options.out / "benchmarks.md").write_text(text)
    (options.out / "benchmarks.json").write_text(json.dumps([asdict(r) for r in results], indent=1))
    if results and not report.picture(results, options.out / "benchmarks.png"):
        print("no picture: pip install matplotlib")
    print(f"{time.monotonic() - started:.0f} s; results in {options.out}")
    wrong = failures(results)
    if options.quick and wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
