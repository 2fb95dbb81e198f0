from netcore._core.address cimport PyObject
from netcore._core.nc cimport nc_blocklist


cdef class BlockList:
    cdef nc_blocklist *list  # never NULL; whoever keeps it beyond this object retains it
    cdef bint strict
    cdef bint no_address(self) except -1
    cdef bint check_other(self, PyObject **arguments, Py_ssize_t count, PyObject *names) except -1
