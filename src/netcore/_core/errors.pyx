"""Errors as Python users catch them, with the fields that Node's users know.

A failure of the operating system is the built-in `OSError` subclass of its number (`ConnectionRefusedError`,
`TimeoutError`, ...) with `.code`, `.syscall` and, where Node has them, `.address`, `.port`, `.hostname`; `str()` of it
is Node's message. Misuse is `TypeError`, `ValueError` or `RuntimeError` with Node's `.code`.
"""

import errno as _errno

from netcore._core.nc cimport nc_status, nc_status_count, nc_status_name, nc_status_string


class OSErrorWithCode:
    """Gives an `OSError` subclass Node's message: `str(exc)` is what Node prints, not Python's `[Errno n]` form."""

    def __str__(self):
        return self.args[1]


cdef dict _classes = {}
cdef dict _numbers = {}

for _index in range(nc_status_count()):
    _name = nc_status_name(-_index).decode()
    _numbers[_name] = getattr(_errno, _name, 0)


cdef object _class_for(int number):
    cls = _classes.get(number)
    if cls is None:
        base = type(OSError(number, ""))
        cls = type(base.__name__, (OSErrorWithCode, base), {"__module__": "netcore"})
        _classes[number] = cls
    return cls


cpdef object errno_error(nc_status status, str syscall, object address=None, object port=None, object hostname=None):
    """The exception for a failed system call, with Node's fields and message."""
    cdef str code = nc_status_name(status).decode()
    cdef str message
    cdef int number = _numbers[code]
    if hostname is not None:
        message = f"{syscall} {code} {hostname}"
    elif address is not None:
        where = f"{address}:{port}" if port is not None else f"{address}"
        message = f"{syscall} {code} {where}" if syscall == "connect" else f"{syscall} {code}: {nc_status_string(status).decode()} {where}"
    else:
        message = f"{syscall} {code}"
    error = _class_for(number)(number, message)
    error.code = code
    error.syscall = syscall
    for name, value in (("address", address), ("port", port), ("hostname", hostname)):
        if value is not None:
            setattr(error, name, value)
    return error
