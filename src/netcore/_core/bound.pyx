"""`BoundSocket`: a local address that is taken before anybody listens on it or connects from it."""

from libc.stdint cimport intptr_t

from netcore._core.hosts cimport address_dict, family_of, parse_address
from netcore._core.arguments cimport check_boolean, check_port, check_string, merge
from netcore._core.errors cimport errno_error, invalid_arg_type, invalid_arg_value, misuse
from netcore._core.nc cimport *
from netcore._core.shared cimport exchange

BOUND_OPTIONS = frozenset(("host", "port", "path", "ipv6Only", "reusePort"))


cdef class BoundSocket:
    """A socket that is bound and neither listens nor connects until a `Server` or a `Socket` adopts it.

    Options, in a mapping or as keywords: `host` (an IP address; names are not looked up), `port` (0: any), `ipv6Only`,
    `reusePort`; or `path` alone, for a Unix-domain socket (a first NUL character: the abstract name space). Binding happens at
    once, and a failure raises: `OSError` with `.syscall` `'bind'`. A context manager, which closes what was not adopted.
    `path` is the path, or None for TCP.
    """

    def __cinit__(self, *args, **keywords):
        self.descriptor = -1

    def __init__(self, options=None, **keywords):
        if options is not None and not hasattr(options, "keys"):
            raise invalid_arg_type("options", "object", options)
        options = merge(options, keywords, BOUND_OPTIONS, "BoundSocket")
        if options.get("path") is not None:
            self.bind_path(options)
        else:
            self.bind_address(options)

    def __dealloc__(self):
        if self.descriptor != -1:
            nc_socket_close(self.descriptor)

    cdef int bind_address(self, dict options) except -1:
        cdef nc_addr addr
        cdef unsigned flags = 0
        cdef nc_status status
        cdef intptr_t fd = -1
        cdef size_t length = 0
        port = options.get("port")
        port = 0 if port is None else check_port(port, "options.port")
        if options.get("ipv6Only") is not None and check_boolean(options["ipv6Only"], "options.ipv6Only"):
            flags |= NC_BIND_V6ONLY
        if options.get("reusePort") is not None and check_boolean(options["reusePort"], "options.reusePort"):
            flags |= NC_BIND_REUSEPORT
        host = options.get("host")
        if host is None:
            host = "::" if flags & NC_BIND_V6ONLY else "0.0.0.0"
        else:
            host = check_string(host, "options.host")
        if not family_of(host):
            raise invalid_arg_value(
                "options.host", host, "must be a numeric IP address; net.BoundSocket does not perform DNS resolution"
            )
        parse_address(host, &addr)
        addr.port = port
        status = nc_bind(&addr, flags, &fd)
        if status != 0:
            raise errno_error(status, "bind", host, port)
        self.descriptor = fd
        status = nc_socket_name(fd, &addr, NULL, 0, &length)
        if status != 0:
            raise errno_error(status, "bind", host, port)
        self.name = address_dict(&addr)
        return 0

    cdef int bind_path(self, dict options) except -1:
        cdef nc_status status
        cdef intptr_t fd = -1
        for name in ("host", "port", "ipv6Only", "reusePort"):
            if options.get(name) is not None:
                raise invalid_arg_value(
                    "options", options, "path is mutually exclusive with host, port, ipv6Only, and reusePort"
                )
        path = check_string(options["path"], "options.path")
        if "\0" in path[1:]:
            raise invalid_arg_value("options.path", path, "must be a string without null bytes")
        text = path.encode("utf-8", "surrogateescape")
        status = nc_bind_path(text, len(text), 0, &fd)
        if status != 0:
            raise errno_error(status, "bind")
        self.descriptor = fd
        self.path = path
        return 0

    cdef intptr_t consume(self) except -1:
        """Takes the descriptor out, which is then the caller's to close: one caller's, of however many threads."""
        cdef intptr_t fd = exchange(&self.descriptor, -1)
        if fd == -1:
            raise misuse("ERR_SOCKET_HANDLE_ADOPTED")
        return fd

    def address(self):
        """The bound end: `{'address': str, 'family': str, 'port': int}`, or the path."""
        if self.descriptor == -1:
            raise misuse("ERR_SOCKET_HANDLE_ADOPTED")
        return self.path if self.path is not None else dict(self.name)

    def fd(self):
        """The descriptor, which remains this object's."""
        cdef intptr_t fd = self.descriptor
        if fd == -1:
            raise misuse("ERR_SOCKET_HANDLE_ADOPTED")
        return fd

    def close(self):
        """Gives the address up. `ERR_SOCKET_HANDLE_ADOPTED` if it is adopted or closed already."""
        nc_socket_close(self.consume())

    @property
    def isPipe(self):
        """Whether this is a Unix-domain socket."""
        return self.path is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.descriptor != -1:
            self.close()
