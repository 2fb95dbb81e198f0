from netcore._core.nc cimport nc_addr

# Which kind of IP address the text is: 4, 6, or 0 for none.
cdef int family_of(str text) except -1

# The same, with the address written to `out`. A zone that is the name of an interface is resolved; ERR_INVALID_IP_ADDRESS
# if there is no such interface.
cdef int parse_address(str text, nc_addr *out) except -1

# The address as Node tells it: {'address': ..., 'family': 'IPv4', 'port': ...}.
cdef dict address_dict(const nc_addr *addr)
