"""IP addresses between the text that users write and the form that the core takes."""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from netcore._core.nc cimport NC_ADDR_TEXT_MAX, nc_addr, nc_addr_format, nc_addr_parse, nc_is_ip


cdef int family_of(str text) except -1:
    cdef Py_ssize_t size
    cdef const char *utf8
    if not text.isascii():
        return 0
    utf8 = PyUnicode_AsUTF8AndSize(text, &size)
    return nc_is_ip(utf8, size)


cdef int parse_address(str text, nc_addr *out) except -1:
    cdef Py_ssize_t size
    cdef const char *utf8
    if not text.isascii():
        return 0
    utf8 = PyUnicode_AsUTF8AndSize(text, &size)
    if nc_addr_parse(utf8, size, out) == 0:
        return out.family
    if not nc_is_ip(utf8, size):
        return 0
    address, _, zone = text.partition("%")
    parse_address(address, out)
    out.scope = interface_index(zone)
    return out.family


cdef unsigned interface_index(str zone) except? 0:
    """A zone that this system does not have counts for nothing, as in Node."""
    from socket import if_nametoindex

    try:
        return if_nametoindex(zone)
    except OSError:
        return 0


cdef dict address_dict(const nc_addr *addr):
    cdef char text[NC_ADDR_TEXT_MAX]
    cdef size_t size = nc_addr_format(addr, text, NC_ADDR_TEXT_MAX)
    return {
        "address": text[:size].decode("ascii"),
        "family": "IPv4" if addr.family == 4 else "IPv6",
        "port": addr.port,
    }
