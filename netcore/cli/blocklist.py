"""Read block lists, say what is in them, and check addresses against them."""

import argparse
import sys
import time
from collections.abc import Iterable
from itertools import islice
from typing import TextIO

from netcore._core.address import isIP
from netcore._core.blocklist import BadLine, BlockList

DESCRIPTION = """Reads block lists (FireHOL and ipset files, plain addresses, CIDRs and ranges) and checks addresses
against them. Each address is printed with 'blocked' or 'free'. Exits with 0 if none was blocked, 1 if one
was, 2 on an error."""
SHOWN_BAD_LINES = 20
BATCH = 10_000
ANSWERS = ("free", "blocked")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand to its parser."""
    parser.description = DESCRIPTION
    parser.add_argument("files", nargs="+", metavar="FILE", help="a list, one rule a line; '-' is standard input")
    parser.add_argument(
        "--check", nargs="*", metavar="ADDRESS", help="check these, or the lines of standard input if none is given"
    )
    parser.add_argument(
        "--stats", action="store_true", help="say how many rules there are, and what they hold of memory"
    )
    parser.add_argument(
        "--lenient", action="store_true", help="pass over wrong lines, which are printed, instead of stopping"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the subcommand with its parsed arguments and returns the exit status."""
    blocks = BlockList()
    try:
        started = time.perf_counter()
        for name in args.files:
            _load(blocks, name, strict=not args.lenient)
        seconds = time.perf_counter() - started
    except (OSError, ValueError) as error:
        print(f"netcore blocklist: {error}", file=sys.stderr)
        return 2
    if args.stats or args.check is None:
        _print_stats(blocks, seconds)
    if args.check is None:
        return 0
    if not args.check and "-" in args.files:
        print("netcore blocklist: standard input cannot be both a list and the addresses", file=sys.stderr)
        return 2
    return _check(blocks, args.check or _lines(sys.stdin))


def _load(blocks: BlockList, name: str, *, strict: bool) -> None:
    loaded = blocks.load(sys.stdin if name == "-" else name, strict=strict)
    _print_bad(name, loaded.bad)


def _print_bad(name: str, bad: list[BadLine]) -> None:
    for line in bad[:SHOWN_BAD_LINES]:
        print(f"{name}:{line.number}: not an address, subnet or range: {line.text!r}", file=sys.stderr)
    if len(bad) > SHOWN_BAD_LINES:
        print(f"{name}: {len(bad) - SHOWN_BAD_LINES} more wrong lines", file=sys.stderr)


def _print_stats(blocks: BlockList, seconds: float) -> None:
    in_set, in_log = blocks.memory()
    rules = max(blocks.size, 1)
    print(f"{blocks.size} rules, read in {seconds * 1000:.0f} ms")
    print(
        f"set {in_set} bytes ({in_set / rules:.1f} a rule), "
        f"log of the rules {in_log} bytes ({in_log / rules:.1f} a rule)"
    )


def _lines(source: TextIO) -> Iterable[str]:
    return (line.strip() for line in source if line.strip())


def _check(blocks: BlockList, addresses: Iterable[str]) -> int:
    status = 0
    remaining = iter(addresses)
    while batch := list(islice(remaining, BATCH)):
        for address, blocked in zip(batch, blocks.check_many(batch), strict=True):
            if not blocked and isIP(address) == 0:
                print(f"{address}: not an address", file=sys.stderr)
                status = 2
                continue
            print(address, ANSWERS[blocked])
            status = max(status, blocked)
    return status


def main(arguments: list[str] | None = None) -> int:
    """Runs the subcommand by itself: `python -m netcore.cli.blocklist`."""
    parser = argparse.ArgumentParser(prog="netcore blocklist")
    add_arguments(parser)
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
