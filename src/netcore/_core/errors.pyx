"""Errors as Python users catch them, with the fields that Node's users know.

A failure of the operating system is the built-in `OSError` subclass of its number (`ConnectionRefusedError`,
`TimeoutError`, ...) with `.code`, `.syscall` and, where Node has them, `.address`, `.port`, `.hostname`; `str()` of it
is Node's message. Misuse is `TypeError`, `ValueError` or `RuntimeError` with Node's `.code` and Node's message.

A TypeError of Node's stays a TypeError, unless it complains of a value: that is a ValueError, as Node's RangeErrors
are. What Node calls a plain Error is a RuntimeError.
"""

import errno as _errno

from netcore._core.nc cimport nc_status, nc_status_count, nc_status_name, nc_status_string


class CodedError(Exception):
    """What all errors of netcore have in common: Node's `.code`, and Node's message as `str()`.

    Every one is also an instance of the built-in class that fits it, so `except ConnectionRefusedError` and
    `except ValueError` work as for any other library. `.syscall` (`'connect'`, `'listen'`, `'getaddrinfo'`...), `.address`,
    `.port` and `.hostname` are Node's fields, and `None` where Node leaves them undefined; `.errno` is positive, as Python's
    `errno` module has it.
    """

    code = ""
    syscall = None
    address = None
    port = None
    hostname = None

    def __str__(self):
        *_, message = self.args or ("",)
        return str(message)

    def __reduce__(self):
        return _rebuild, (type(self).__bases__[1:], self.args, self.__dict__)


class AbortError(CodedError):
    """The work was given up because a signal said so. `.code` is `'ABORT_ERR'`, `.name` `'AbortError'`,
    `.cause` the signal's reason."""

    code = "ABORT_ERR"
    name = "AbortError"
    cause = None

    def __init__(self, message="The operation was aborted"):
        super().__init__(message)

    def __reduce__(self):
        return Exception.__reduce__(self)


class AggregateError(CodedError, ExceptionGroup):
    """All attempts to connect failed: an `ExceptionGroup` with one exception an attempt, also as `.errors`.

    `.code` is that of the first, as in Node. Node's message is empty; here it lists those of the attempts.
    """

    def __new__(cls, message, exceptions):
        self = ExceptionGroup.__new__(cls, message, exceptions)
        self.code = getattr(self.exceptions[0], "code", "")
        return self

    @property
    def errors(self):
        """The exceptions of the attempts, in the order in which these failed."""
        return list(self.exceptions)

    def derive(self, exceptions):
        """A group of the same kind with other exceptions: what `except*` and `split` make of this one."""
        return AggregateError(self.message, exceptions)

    def __str__(self):
        return self.message

    def __reduce__(self):
        return Exception.__reduce__(self)


for _class in (CodedError, AbortError, AggregateError):
    _class.__module__ = "netcore"


cdef dict _classes = {}


cdef object _class_of(tuple bases):
    """The class that is a `CodedError` and each of `bases`, made when it is first needed."""
    cls = _classes.get(bases)
    if cls is None:
        cls = _classes.setdefault(bases, type(bases[0].__name__, (CodedError, *bases), {"__module__": "netcore"}))
    return cls


def _rebuild(bases, args, fields):
    error = _class_of(bases)(*args)
    error.__dict__.update(fields)
    return error


# -- failures of the operating system --------------------------------------------------------------------------------

cdef dict _numbers = {}

for _index in range(nc_status_count()):
    _name = nc_status_name(<nc_status>-_index).decode()
    _numbers[_name] = getattr(_errno, _name, 0)


cdef object _os_error(int number, str code, str syscall, str message):
    error = _class_of((type(OSError(number, "")),))(number, message)
    error.code = code
    error.syscall = syscall
    return error


cdef object _lookup_error(str code, object hostname):
    from _socket import EAI_NONAME, gaierror
    import _socket

    if code == "EAI_NODATA":
        code = "ENOTFOUND"
    message = f"getaddrinfo {code}" if hostname is None else f"getaddrinfo {code} {hostname}"
    number = EAI_NONAME if code == "ENOTFOUND" else getattr(_socket, code, _numbers[code])
    error = _class_of((gaierror,))(number, message)
    error.code = code
    error.syscall = "getaddrinfo"
    error.hostname = hostname
    return error


cpdef object errno_error(nc_status status, str syscall, object address=None, object port=None, object hostname=None,
                         str local=None):
    """The exception for a failed system call, with Node's fields and message.

    `address` is an IP address or a path, `port` its port (Node shows a port only if it is above zero, and gives a
    failed listen on a path the port -1). `hostname` belongs to the syscall `'getaddrinfo'` alone. `local` is the other
    end of a failed connect, as `'127.0.0.1:4000'`, which Node adds to the message if it knows it.
    """
    cdef str code = nc_status_name(status).decode()
    cdef str message = f"{syscall} {code}"
    if syscall == "getaddrinfo":
        return _lookup_error(code, hostname)
    if syscall == "listen":
        message += f": {nc_status_string(status).decode()}"
    if address is not None:
        message += f" {address}:{port}" if port is not None and port > 0 else f" {address}"
    if local is not None:
        message += f" - Local ({local})"
    error = _os_error(_numbers[code], code, syscall, message)
    error.address = address
    error.port = port or None
    return error


cpdef object aggregate_error(list errors):
    """The `AggregateError` of the attempts that failed; the error itself if there was but one."""
    if len(errors) == 1:
        return errors[0]
    return AggregateError("; ".join([str(error) for error in errors]), errors)


# -- values as Node's messages show them -----------------------------------------------------------------------------

cdef dict _ESCAPES = {"\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


cdef str _quoted(str text):
    cdef str quote = "'"
    for candidate in "'\"`":
        if candidate not in text:
            quote = candidate
            break
    shown = [_ESCAPES.get(c) or (c if c != quote else "\\" + c) for c in text]
    return quote + "".join([c if c.isprintable() or len(c) > 1 else f"\\x{ord(c):02X}" for c in shown]) + quote


cdef str _number(value):
    if isinstance(value, int):
        return str(int(value))
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(float(value))
    return text.removesuffix(".0")


cdef str _inspect(object value, int depth):
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(str(value))
    if isinstance(value, (int, float)):
        return _number(value)
    if type(value) in (dict, list, tuple) and depth > 2:
        return f"[{type(value).__name__}]"
    if type(value) is dict:
        inner = ", ".join([f"{key}: {_inspect(item, depth + 1)}" for key, item in value.items()])
        return f"{{ {inner} }}" if inner else "{}"
    if type(value) in (list, tuple):
        inner = ", ".join([_inspect(item, depth + 1) for item in value])
        return f"[ {inner} ]" if inner else "[]"
    return repr(value)


cpdef str inspect(object value):
    """`value` as the end of Node's messages shows it: `None` is `undefined`, `True` is `true`, text is quoted."""
    return _inspect(value, 0)


cdef str _received(object value):
    """What kind of value somebody passed, as Node's type errors say it."""
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return f"type boolean ({inspect(value)})"
    if isinstance(value, (int, float)):
        return f"type number ({inspect(value)})"
    if isinstance(value, str):
        text = f"{value[:25]}..." if len(value) > 28 else value
        return f"type string ('{text}')" if "'" not in text else f"type string (\"{text}\")"
    if callable(value):
        return f"function {getattr(value, '__name__', '')}"
    return f"an instance of {type(value).__name__}"


cdef str _listed(list words, str conjunction):
    if len(words) < 3:
        return f" {conjunction} ".join(words)
    *first, last = words
    return f"{', '.join(first)}, {conjunction} {last}"


# -- misuse ----------------------------------------------------------------------------------------------------------

# Node's code -> (the built-in classes, Node's message). Messages that need more than one value are built further down.
cdef dict _MISUSE = {
    "ERR_ILLEGAL_CONSTRUCTOR": ((TypeError,), "Illegal constructor"),
    "ERR_INVALID_ADDRESS": ((ValueError,), "Invalid socket address"),
    "ERR_INVALID_ADDRESS_FAMILY": ((ValueError,), "Invalid address family: {}"),
    "ERR_INVALID_ARG_TYPE": ((TypeError,), "{}"),
    "ERR_INVALID_ARG_VALUE": ((ValueError,), "{}"),
    "ERR_INVALID_FD": ((ValueError,), "\"fd\" must be a positive integer: {}"),
    "ERR_INVALID_FD_TYPE": ((TypeError,), "Unsupported fd type: {}"),
    "ERR_INVALID_HANDLE_TYPE": ((RuntimeError,), "This handle type cannot be sent"),
    "ERR_INVALID_IP_ADDRESS": ((ValueError,), "Invalid IP address: {}"),
    "ERR_INVALID_STATE": ((RuntimeError,), "Invalid state: {}"),
    "ERR_INVALID_THIS": ((TypeError,), "Value of \"this\" must be of type {}"),
    "ERR_IP_BLOCKED": ((RuntimeError,), "IP({}) is blocked by net.BlockList"),
    "ERR_METHOD_NOT_IMPLEMENTED": ((NotImplementedError,), "The {} method is not implemented"),
    "ERR_MISSING_ARGS": ((TypeError,), "{}"),
    "ERR_MULTIPLE_CALLBACK": ((RuntimeError,), "Callback called multiple times"),
    "ERR_OUT_OF_RANGE": ((ValueError,), "{}"),
    "ERR_SERVER_ALREADY_LISTEN": ((RuntimeError,), "Listen method has been called more than once without closing."),
    "ERR_SERVER_NOT_RUNNING": ((RuntimeError,), "Server is not running."),
    "ERR_SOCKET_BAD_PORT": ((ValueError,), "{}"),
    "ERR_SOCKET_CLOSED": ((RuntimeError,), "Socket is closed"),
    "ERR_SOCKET_CLOSED_BEFORE_CONNECTION": ((RuntimeError,), "Socket closed before the connection was established"),
    "ERR_SOCKET_CONNECTION_TIMEOUT": ((RuntimeError,), "Socket connection timeout"),
    "ERR_SOCKET_HANDLE_ADOPTED": ((RuntimeError,), "The bound socket has already been adopted by a server or socket"),
    "ERR_STREAM_ALREADY_FINISHED": ((RuntimeError,), "Cannot call {} after a stream was finished"),
    "ERR_STREAM_CANNOT_PIPE": ((RuntimeError,), "Cannot pipe, not readable"),
    "ERR_STREAM_DESTROYED": ((RuntimeError,), "Cannot call {} after a stream was destroyed"),
    # A RuntimeError as the rest of its family, and the TypeError that Node has.
    "ERR_STREAM_NULL_VALUES": ((TypeError, RuntimeError), "May not write null values to stream"),
    "ERR_STREAM_PREMATURE_CLOSE": ((RuntimeError,), "Premature close"),
    "ERR_STREAM_PUSH_AFTER_EOF": ((RuntimeError,), "stream.push() after EOF"),
    "ERR_STREAM_UNABLE_TO_PIPE": ((RuntimeError,), "Cannot pipe to a closed or destroyed stream"),
    "ERR_STREAM_UNSHIFT_AFTER_END_EVENT": ((RuntimeError,), "stream.unshift() after end event"),
    "ERR_STREAM_WRAP": ((RuntimeError,), "Stream has StringDecoder set or is in objectMode"),
    "ERR_STREAM_WRITE_AFTER_END": ((RuntimeError,), "write after end"),
    "ERR_UNHANDLED_ERROR": ((RuntimeError,), "Unhandled error.{}"),
    "ERR_UNKNOWN_ENCODING": ((ValueError,), "Unknown encoding: {}"),
}


cpdef object misuse(str code, object detail=""):
    """The error of Node's `code`, with `detail` where its message has a place for one.

    That is the method's name in `ERR_STREAM_DESTROYED`, the encoding in `ERR_UNKNOWN_ENCODING`, and so on; the codes
    whose messages have a grammar of their own have a function of their own.
    """
    bases, message = _MISUSE[code]
    error = _class_of(bases)(message.format(detail))
    error.code = code
    return error


cdef str _subject(str name):
    if name.endswith(" argument"):
        return f"The {name}"
    return f'The "{name}" {"property" if "." in name else "argument"}'


cdef frozenset _PRIMITIVES = frozenset(("string", "function", "number", "object", "boolean", "bigint", "symbol"))


cdef str _kinds(object expected):
    """The middle of Node's type errors: `of type string or an instance of Buffer`."""
    names = [expected] if isinstance(expected, str) else list(expected)
    types = [name for name in names if name in _PRIMITIVES]
    instances = [name for name in names if name not in _PRIMITIVES and name[:1].isupper()]
    others = [name for name in names if name not in types and name not in instances]
    if instances and "object" in types:
        types.remove("object")
        instances.append("Object")
    parts = []
    if types:
        parts.append(f"{'one of' if len(types) > 1 else 'of'} type {_listed(types, 'or')}")
    if instances:
        parts.append(f"an instance of {_listed(instances, 'or')}")
    if others:
        # Node's own grammar: a name with a capital in it gets an article ("must be an net.BlockList").
        article = "one of " if len(others) > 1 else "an " if others[0].lower() != others[0] else ""
        parts.append(f"{article}{_listed(others, 'or')}")
    return " or ".join(parts)


cpdef object invalid_arg_type(str name, object expected, object value):
    """`ERR_INVALID_ARG_TYPE`. `name` with a dot is a property; `expected` is one name or several, in Node's words
    (`'string'`, `'number'`, `'function'`, `'boolean'`, `'object'`, or a class name such as `'AbortSignal'`)."""
    return misuse("ERR_INVALID_ARG_TYPE", f"{_subject(name)} must be {_kinds(expected)}. Received {_received(value)}")


cpdef object invalid_arg_value(str name, object value, str reason="is invalid"):
    """`ERR_INVALID_ARG_VALUE`: the value of the argument (or, with a dot, the property) `name` is not allowed."""
    cdef str shown = inspect(value)
    if len(shown) > 128:
        shown = shown[:128] + "..."
    kind = "property" if "." in name else "argument"
    return misuse("ERR_INVALID_ARG_VALUE", f"The {kind} '{name}' {reason}. Received {shown}")


cpdef object out_of_range(str name, str allowed, object value):
    """`ERR_OUT_OF_RANGE`. `allowed` is the end of "It must be ...", such as `'>= 0 && <= 255'` or `'an integer'`."""
    cdef str shown = inspect(value)
    if isinstance(value, (int, float)) and value == value and abs(value) > 2 ** 32 and shown.lstrip("-").isdigit():
        shown = format(int(shown), "_")
    return misuse("ERR_OUT_OF_RANGE", f'The value of "{name}" is out of range. It must be {allowed}. Received {shown}')


cpdef object bad_port(object value, str name="Port", bint allow_zero=True):
    """`ERR_SOCKET_BAD_PORT`. `name` is what Node calls the argument there: `'Port'` for connect, `'options.port'`."""
    sign = ">=" if allow_zero else ">"
    return misuse("ERR_SOCKET_BAD_PORT", f"{name} should be {sign} 0 and < 65536. Received {_received(value)}.")


cpdef object missing_args(object names):
    """`ERR_MISSING_ARGS`: each of `names` is an argument that is missing, or a tuple of which one would do."""
    words = [f'"{name}"' if isinstance(name, str) else " or ".join([f'"{one}"' for one in name]) for name in names]
    what = "arguments" if len(words) > 1 else "argument"
    return misuse("ERR_MISSING_ARGS", f"The {_listed(words, 'and')} {what} must be specified")


cpdef object unhandled_error(object value):
    """`ERR_UNHANDLED_ERROR`: an `'error'` event that nobody heard carried `value`, which is no exception."""
    error = misuse("ERR_UNHANDLED_ERROR", f" ({inspect(value)})")
    error.context = value
    return error


cpdef object abort_error(object reason=None, str message="The operation was aborted"):
    """The `AbortError` of work that a signal aborted with `reason`, which becomes its `.cause`."""
    error = AbortError(message)
    error.cause = reason
    if isinstance(reason, BaseException):
        error.__cause__ = reason
    return error


cpdef object timeout_error():
    """The `TimeoutError` that is the reason of a signal made by `AbortSignal.timeout`."""
    error = _class_of((TimeoutError,))("The operation was aborted due to timeout")
    error.code = "TIMEOUT_ERR"
    error.name = "TimeoutError"
    return error
