# The C declarations of the public headers of csrc/include/netcore, and nothing else.

cdef extern from "netcore/status.h" nogil:
    ctypedef int nc_status
    const char *nc_status_name(nc_status status)
    const char *nc_status_string(nc_status status)
    int nc_status_count()
