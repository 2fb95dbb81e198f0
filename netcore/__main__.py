"""The command line: `python -m netcore COMMAND` or `netcore COMMAND`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from netcore.cli import COMMANDS
from netcore.cli.parser import Parser


def parser() -> Parser:
    """The parser of the whole command line; each command adds its own arguments."""
    top = Parser(prog="netcore", description="Sockets as easy as Node's, proxies as fast as C's.")
    commands = top.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        summary, _, details = (command.__doc__ or "").strip().partition("\n")
        own = commands.add_parser(name, help=summary.rstrip("."), description=f"{summary} {details.strip()}".strip())
        command.add_arguments(own)
        own.set_defaults(run=command.run, fail=own.error)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and answers its exit status: 0, 1 when it failed, 2 when an argument is wrong."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
