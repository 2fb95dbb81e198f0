from netcore._core.nc cimport nc_blocklist


cdef class BlockList:
    cdef nc_blocklist *list  # never NULL; whoever keeps it beyond this object retains it
    cdef bint strict
