"""Node's `net` for Python, on its own C reactor."""

from netcore._core.emitter import EventEmitter, once
from netcore._core.errors import AbortError, AggregateError, CodedError

__all__ = [
    "AbortError",
    "AggregateError",
    "CodedError",
    "EventEmitter",
    "once",
]
