from libc.stdint cimport uint16_t

from netcore._core.nc cimport nc_addr


# The text of a str, if it can be that of an address: NULL for other objects and for what is not ASCII.
cdef const char *ascii_of(object text, Py_ssize_t *length) noexcept

# The address alone, as Node writes it.
cdef str address_text(const nc_addr *addr)

# 4 or 6 for Node's name of a family in any case ('ipv4', 'IPv6'), else 0.
cdef int family_of(object name) noexcept

cdef class SocketAddress:
    cdef nc_addr addr
    cdef str zone  # the part of the address after '%', or None

# A SocketAddress of an address; `zone` may be None.
cdef SocketAddress socket_address(const nc_addr *addr, str zone)
