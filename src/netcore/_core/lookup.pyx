"""Name look-up with the system's resolver: the part of Node's `dns` that `net` uses."""

cimport cython

from netcore._core.encoding cimport plain_text
from netcore._core.errors cimport errno_error, invalid_arg_type, invalid_arg_value
from netcore._core.loop cimport Loop, Source, call_user, current_loop
from netcore._core.nc cimport (
    NC_ADDR_TEXT_MAX, NC_ENOTFOUND, NC_LOOKUP_ADDRCONFIG, NC_LOOKUP_ALL, NC_LOOKUP_V4MAPPED, nc_addr,
    nc_addr_format, nc_event, nc_is_ip, nc_lookup_free, nc_lookup_results, nc_lookup_start,
)

# The values of `hints`: those of <netdb.h> on Linux, which Node shows there.
V4MAPPED = 8
ALL = 16
ADDRCONFIG = 32


# Not cleared by the garbage collector, because the C lookup must be freed before the loop goes.
@cython.no_gc_clear
@cython.final
cdef class Lookup(Source):
    """A look-up in progress."""

    def __dealloc__(self):
        nc_lookup_free(self.c)

    cdef int on_event(self, nc_event *event) except -1:
        done, self.done = self.done, None
        addresses = self.addresses() if event.status == 0 else []
        self.drop()
        return call_user(self.loop, done, (event.status, addresses))

    cdef list addresses(self):
        cdef size_t count, index
        cdef size_t length
        cdef const nc_addr *found = nc_lookup_results(self.c, &count)
        cdef char text[NC_ADDR_TEXT_MAX]
        cdef list result = []
        for index in range(count):
            length = nc_addr_format(&found[index], text, NC_ADDR_TEXT_MAX)
            result.append((text[:length].decode("ascii"), found[index].family))
        return result

    cdef void drop(self) noexcept:
        nc_lookup_free(self.c)
        self.c = NULL
        self.done = None
        self.delist()


cdef Lookup start_lookup(Loop loop, bytes host, int family, unsigned flags, object done):
    cdef Lookup lookup = Lookup.__new__(Lookup)
    cdef int status
    lookup.loop = loop
    lookup.done = done
    status = nc_lookup_start(loop.c, <void *>lookup, host, len(host), family, flags, &lookup.c)
    if status != 0:
        loop.tick(done, (status, []))
        return lookup
    lookup.enlist()
    loop.touch()
    return lookup


def lookup(hostname, options=None, callback=None):
    """Looks `hostname` up as Node's `dns.lookup` does, and calls `callback(error, address, family)`.

    `options` is a family (0, 4 or 6), a mapping with `family` (also `'IPv4'`, `'IPv6'`), `hints` (`ADDRCONFIG`,
    `V4MAPPED`, `ALL`), `all` and `order` (`'verbatim'`, the default, `'ipv4first'`, `'ipv6first'`), or None. With `all`
    the callback gets `(error, [{'address': ..., 'family': ...}, ...])`. An error is an `OSError` with `.code`
    (`'ENOTFOUND'`), `.syscall` (`'getaddrinfo'`) and `.hostname`.

    Raises `TypeError` and `ValueError` for wrong arguments (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`).
    """
    if callback is None and callable(options):
        options, callback = None, options
    check_hostname(hostname)
    if not callable(callback):
        raise invalid_arg_type("callback", "function", callback)
    family, hints, everything, order = lookup_options(options)
    if not hostname:
        raise invalid_arg_value("hostname", hostname, "must be a non-empty string")
    hostname = plain_text(hostname)
    begin(current_loop(), hostname, family, hints, Answer(hostname, everything, order, callback))


cdef int begin(Loop loop, str hostname, int family, unsigned hints, object answer) except -1:
    text = hostname.encode("utf-8", "surrogatepass")
    literal = nc_is_ip(text, len(text))
    if literal:
        return loop.tick(answer, (0, [(hostname, literal)]))
    try:
        name = text if text.isascii() else hostname.encode("idna")
    except UnicodeError:
        return loop.tick(answer, (NC_ENOTFOUND, []))
    start_lookup(loop, name, family, flags_of(hints), answer)
    return 0


cdef int check_hostname(object hostname) except -1:
    if not hostname:
        return 0
    if not isinstance(hostname, str):
        raise invalid_arg_type("hostname", "string", hostname)
    if "\0" in hostname:
        raise invalid_arg_value("hostname", hostname, "must be a string without null bytes")
    return 0


cdef unsigned flags_of(unsigned hints) noexcept:
    cdef unsigned flags = 0
    if hints & 32:
        flags |= NC_LOOKUP_ADDRCONFIG
    if hints & 8:
        flags |= NC_LOOKUP_V4MAPPED
    if hints & 16:
        flags |= NC_LOOKUP_ALL
    return flags


cdef tuple lookup_options(object options):
    if options is None:
        return 0, 0, False, "verbatim"
    if isinstance(options, (int, float)) and not isinstance(options, bool):
        return family_of("family", options), 0, False, "verbatim"
    if not hasattr(options, "get"):
        raise invalid_arg_type("options", ["integer", "object"], options)
    hints = hints_of(options.get("hints"))
    family = family_of("options.family", options.get("family"))
    everything = boolean_of("options.all", options.get("all"), False)
    order = "verbatim" if boolean_of("options.verbatim", options.get("verbatim"), True) else "ipv4first"
    return family, hints, everything, order_of(options.get("order"), order)


cdef int family_of(str name, object family) except -1:
    if family is None:
        return 0
    if isinstance(family, str) and family in ("IPv4", "IPv6"):
        return int(family[3])
    if isinstance(family, (int, float)) and not isinstance(family, bool) and family in (0, 4, 6):
        return int(family)
    raise invalid_arg_value(name, family, "must be one of: 0, 4, 6")


cdef object hints_of(object hints):
    if hints is None:
        return 0
    if isinstance(hints, bool) or not isinstance(hints, (int, float)):
        raise invalid_arg_type("options.hints", "number", hints)
    if int(hints) & ~(V4MAPPED | ALL | ADDRCONFIG):
        raise invalid_arg_value("hints", hints)
    return int(hints)


cdef bint boolean_of(str name, object value, bint default) except -1:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise invalid_arg_type(name, "boolean", value)
    return value


cdef str order_of(object order, str default):
    if order is None:
        return default
    if order not in ("verbatim", "ipv4first", "ipv6first"):
        raise invalid_arg_value("options.order", order, "must be one of: 'verbatim', 'ipv4first', 'ipv6first'")
    return order


cdef class Answer:
    """Turns what the resolver found into what the callback is to hear."""

    cdef str hostname, order
    cdef bint everything
    cdef object callback

    def __init__(self, hostname, everything, order, callback):
        self.hostname = hostname
        self.everything = everything
        self.order = order
        self.callback = callback

    def __call__(self, status, addresses):
        if not addresses:
            return self.fail(status)
        if self.order != "verbatim":
            first = 4 if self.order == "ipv4first" else 6
            addresses = sorted(addresses, key=lambda address: address[1] != first)
        if self.everything:
            return self.callback(None, [{"address": text, "family": family} for text, family in addresses])
        return self.callback(None, *addresses[0])

    cdef object fail(self, int status):
        # A resolver that finds nothing without saying why has found no such name.
        return self.callback(errno_error(status or NC_ENOTFOUND, "getaddrinfo", None, None, self.hostname))
