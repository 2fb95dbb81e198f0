"""What a proxy has done so far, and how it is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Tally:
    """Counts of one worker, or of all: connections accepted and open, bytes from and to clients, clients refused by the
    block list or the limit, errors, and the longest delay of the loop, in milliseconds, since it was last told."""

    connections: int = 0
    open: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    refused: int = 0
    errors: int = 0
    loop_lag_ms: float = 0.0

    def add(self, other: Tally) -> None:
        self.connections += other.connections
        self.open += other.open
        self.bytes_up += other.bytes_up
        self.bytes_down += other.bytes_down
        self.refused += other.refused
        self.errors += other.errors
        self.loop_lag_ms = max(self.loop_lag_ms, other.loop_lag_ms)

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def as_line(self) -> str:
        return (
            f"{self.connections} connections, {self.open} open, "
            f"{amount(self.bytes_up)} up, {amount(self.bytes_down)} down, "
            f"{self.refused} refused, {self.errors} errors, loop lag {self.loop_lag_ms:.1f} ms"
        )


def amount(count: int) -> str:
    """A number of bytes for people."""
    if count < 1024:
        return f"{count} B"
    power = min((int(count).bit_length() - 1) // 10, 4)
    return f"{count / 1024**power:.1f} {'KMGT'[power - 1]}iB"
