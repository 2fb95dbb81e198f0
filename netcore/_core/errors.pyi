from collections.abc import Iterable, Sequence
from typing import Self

class CodedError(Exception):
    """What all errors of netcore have in common: Node's `.code`, and Node's message as `str()`.

    Every one is also an instance of the built-in class that fits it, so `except ConnectionRefusedError` and
    `except ValueError` work as for any other library. `.syscall` (`'connect'`, `'listen'`, `'getaddrinfo'`...), `.address`,
    `.port` and `.hostname` are Node's fields, and `None` where Node leaves them undefined; `.errno` is positive, as Python's
    `errno` module has it.
    """

    code: str
    syscall: str | None
    address: str | None
    port: int | None
    hostname: str | None

class AbortError(CodedError):
    """The work was given up because a signal said so. `.code` is `'ABORT_ERR'`, `.name` `'AbortError'`,
    `.cause` the signal's reason."""

    name: str
    cause: object
    def __init__(self, message: str = ...) -> None: ...

class AggregateError(CodedError, ExceptionGroup[Exception]):
    """All attempts to connect failed: an `ExceptionGroup` with one exception an attempt, also as `.errors`.

    `.code` is that of the first, as in Node. Node's message is empty; here it lists those of the attempts.
    """

    def __new__(cls, message: str, exceptions: Sequence[Exception]) -> Self: ...
    @property
    def errors(self) -> list[Exception]:
        """The exceptions of the attempts, in the order in which these failed."""
    def derive(self, exceptions: Sequence[Exception]) -> AggregateError:  # type: ignore[override]
        """A group of the same kind with other exceptions: what `except*` and `split` make of this one."""

def errno_error(
    status: int,
    syscall: str,
    address: str | None = None,
    port: int | None = None,
    hostname: str | None = None,
    local: str | None = None,
) -> CodedError:
    """The exception for a failed system call, with Node's fields and message.

    `address` is an IP address or a path, `port` its port (Node shows a port only if it is above zero, and gives a
    failed listen on a path the port -1). `hostname` belongs to the syscall `'getaddrinfo'` alone. `local` is the other
    end of a failed connect, as `'127.0.0.1:4000'`, which Node adds to the message if it knows it.
    """

def aggregate_error(errors: list[Exception]) -> Exception:
    """The `AggregateError` of the attempts that failed; the error itself if there was but one."""

def misuse(code: str, detail: object = "") -> CodedError:
    """The error of Node's `code`, with `detail` where its message has a place for one.

    That is the method's name in `ERR_STREAM_DESTROYED`, the encoding in `ERR_UNKNOWN_ENCODING`, and so on; the codes
    whose messages have a grammar of their own have a function of their own.
    """

def invalid_arg_type(name: str, expected: str | Iterable[str], value: object) -> CodedError:
    """`ERR_INVALID_ARG_TYPE`. `name` with a dot is a property; `expected` is one name or several, in Node's words
    (`'string'`, `'number'`, `'function'`, `'boolean'`, `'object'`, or a class name such as `'AbortSignal'`)."""

def invalid_arg_value(name: str, value: object, reason: str = "is invalid") -> CodedError:
    """`ERR_INVALID_ARG_VALUE`: the value of the argument (or, with a dot, the property) `name` is not allowed."""

def out_of_range(name: str, allowed: str, value: object) -> CodedError:
    """`ERR_OUT_OF_RANGE`. `allowed` is the end of "It must be ...", such as `'>= 0 && <= 255'` or `'an integer'`."""

def bad_port(value: object, name: str = "Port", allow_zero: bool = True) -> CodedError:
    """`ERR_SOCKET_BAD_PORT`. `name` is what Node calls the argument there: `'Port'` for connect, `'options.port'`."""

def missing_args(names: Iterable[str | tuple[str, ...]]) -> CodedError:
    """`ERR_MISSING_ARGS`: each of `names` is an argument that is missing, or a tuple of which one would do."""

def unhandled_error(value: object) -> CodedError:
    """`ERR_UNHANDLED_ERROR`: an `'error'` event that nobody heard carried `value`, which is no exception."""

def abort_error(reason: object = None, message: str = "The operation was aborted") -> AbortError:
    """The `AbortError` of work that a signal aborted with `reason`, which becomes its `.cause`."""

def timeout_error() -> CodedError:
    """The `TimeoutError` that is the reason of a signal made by `AbortSignal.timeout`."""

def inspect(value: object) -> str: ...
