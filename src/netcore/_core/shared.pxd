# Variables that several threads touch without holding any lock: on a free-threaded interpreter nothing else keeps them
# apart, and elsewhere threads read some of them while the interpreter's lock is let go. Reading and assigning them is all
# that is needed, and costs an ordinary load.

from cpython.object cimport PyObject


cdef extern from *:
    """
    #ifndef NC_BINDING_SHARED
    #define NC_BINDING_SHARED
    #include <stdatomic.h>
    typedef _Atomic(int) nc_binding_shared_int;
    typedef _Atomic(unsigned long) nc_binding_shared_ulong;
    typedef _Atomic(PyObject *) nc_binding_shared_object;
    #endif
    """
    ctypedef int shared_int "nc_binding_shared_int"
    ctypedef unsigned long shared_ulong "nc_binding_shared_ulong"
    ctypedef PyObject *shared_object "nc_binding_shared_object"
