"""Arguments as Node takes them: its validators' errors, its call forms, and options from mappings and keywords."""

from collections.abc import Mapping

from netcore._core.encoding cimport plain_text
from netcore._core.errors cimport bad_port, invalid_arg_type, out_of_range


cdef bint is_truthy(object value):
    """Whether JavaScript takes the value for true: containers are, even empty ones."""
    if value is None or value is False or isinstance(value, str) and not value:
        return False
    return not (isinstance(value, (int, float)) and (value == 0 or value != value))


cdef object memory_of(object buffer):
    """From CPython 3.12 on, a class with `__buffer__` may do anything when it is asked, such as destroy the socket that it
    is written to. What asks it gets to know of that before it looks at the socket."""
    if type(buffer) is bytes or type(buffer) is bytearray or type(buffer) is memoryview:
        return buffer
    return memoryview(buffer)


cdef bint is_number(object value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


cdef object check_number(object value, str name):
    """A number of Python's own: one of a class of somebody's may run code whenever it is looked at."""
    if not is_number(value):
        raise invalid_arg_type(name, "number", value)
    if type(value) is int or type(value) is float:
        return value
    return float(value) if isinstance(value, float) else int(value)


cdef int check_int32(object value, str name, int least, int most) except? -1:
    value = check_number(value, name)
    if value - value != 0 or value != int(value): # the first is so for an infinite one
        raise out_of_range(name, "an integer", value)
    if not least <= value <= most:
        raise out_of_range(name, f">= {least} && <= {most}", value)
    return int(value)


cdef bint check_boolean(object value, str name) except -1:
    if not isinstance(value, bool):
        raise invalid_arg_type(name, "boolean", value)
    return value


cdef str check_string(object value, str name):
    if not isinstance(value, str):
        raise invalid_arg_type(name, "string", value)
    return plain_text(value)


cdef object check_callback(object value, str name):
    if not callable(value):
        raise invalid_arg_type(name, "function", value)
    return value


cdef int check_port(object value, str name) except -1:
    """A port may be text, even hexadecimal, but not empty; it must be a whole number below 65536."""
    if isinstance(value, str) and not value.strip():
        raise bad_port(value, name)
    number = number_from(value) if isinstance(value, str) or is_number(value) else None
    if number is None or number != number or number > 65535 or number != int(number):
        raise bad_port(value, name)
    return int(number)


cdef object number_from(object value):
    if isinstance(value, bool) or value is None:
        return int(value or 0)
    if isinstance(value, (int, float)):
        return value if value >= 0 else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not text:
        return 0
    if "_" in text:
        return None
    try:
        number = int(text, 0) if text[:2].lower() in ("0x", "0o", "0b") else float(text)
    except ValueError:
        return None
    if text.lstrip("+-")[:1].lower() in ("i", "n") and text.lstrip("+") != "Infinity":
        return None
    return number if number >= 0 else None


cdef bint is_pipe_name(object value) except -1:
    return isinstance(value, str) and number_from(value) is None


cdef bint is_mapping(object value) except -1:
    return type(value) is dict or isinstance(value, Mapping)


cdef dict copy_of(object mapping):
    return (<dict>mapping).copy() if type(mapping) is dict else dict(mapping)


cdef dict merge(object mapping, dict keywords, frozenset known, str function):
    options = {} if mapping is None else copy_of(mapping)
    add_keywords(options, keywords, known, function)
    return options


cdef int add_keywords(dict options, dict keywords, frozenset known, str function) except -1:
    if not keywords:
        return 0
    for name in keywords:
        if name not in known:
            raise TypeError(f"{function}() got an unexpected keyword argument '{name}'")
    options.update(keywords)
    return 0


cdef tuple normalize(tuple args):
    """(options, callback or None). Options that were given as a mapping are copied."""
    if not args:
        return {}, None
    callback = args[len(args) - 1]
    if not callable(callback):
        callback = None
    first = args[0]
    if is_mapping(first):
        return copy_of(first), callback
    if is_pipe_name(first):
        return {"path": first}, callback
    options = {"port": first}
    if len(args) > 1 and isinstance(args[1], str):
        options["host"] = args[1]
    return options, callback
