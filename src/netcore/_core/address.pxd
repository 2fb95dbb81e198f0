from libc.stdint cimport uint16_t

from netcore._core.nc cimport nc_addr


cdef extern from "Python.h":
    ctypedef struct PyObject
    bint PyUnicode_Check(PyObject *object)
    bint PyUnicode_IS_ASCII(PyObject *text)
    void *PyUnicode_DATA(PyObject *text)
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *text)


# The text of a str, if it can be that of an address: NULL for other objects and for what is not ASCII.
cdef inline const char *ascii_of(object text, Py_ssize_t *length) noexcept:
    return ascii_at(<PyObject *>text, length)


# The same for an object that somebody else holds a reference to meanwhile.
cdef inline const char *ascii_at(PyObject *text, Py_ssize_t *length) noexcept:
    if not PyUnicode_Check(text) or not PyUnicode_IS_ASCII(text):
        return NULL
    length[0] = PyUnicode_GET_LENGTH(text)
    return <const char *>PyUnicode_DATA(text)


# The address alone, as Node writes it.
cdef str address_text(const nc_addr *addr)

# 4 or 6 for Node's name of a family in any case ('ipv4', 'IPv6'), else 0.
cdef int family_of(object name) noexcept

cdef class SocketAddress:
    cdef nc_addr addr
    cdef str zone  # the part of the address after '%', or None
    cdef bint made  # and so can no longer be changed by a second __init__

# A SocketAddress of an address; `zone` may be None.
cdef SocketAddress socket_address(const nc_addr *addr, str zone)
