"""The commands: a file each, with `add_arguments(parser)` and `run(options)`, which answers the exit status."""

from netcore.cli import bench, blocklist, connect, echo, proxy

COMMANDS = {"proxy": proxy, "echo": echo, "connect": connect, "bench": bench, "blocklist": blocklist}
