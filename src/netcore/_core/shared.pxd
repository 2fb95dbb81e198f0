# Variables that several threads touch without holding any lock: on a free-threaded interpreter nothing else keeps them
# apart, and elsewhere threads read some of them while the interpreter's lock is let go. Reading and assigning them is all
# that is needed, and costs an ordinary load. Where an object might be wanted, as in an `or` or for the answer of a property,
# such a number is compared with 0: Cython would convert it in a way that not every compiler takes for C.

from cpython.object cimport PyObject
from libc.stdint cimport intptr_t


cdef extern from *:
    """
    #ifndef NC_BINDING_SHARED
    #define NC_BINDING_SHARED
    #include <stdatomic.h>
    #include <stdint.h>
    typedef _Atomic(int) nc_binding_shared_int;
    typedef _Atomic(unsigned long) nc_binding_shared_ulong;
    typedef _Atomic(intptr_t) nc_binding_shared_intptr;
    typedef _Atomic(PyObject *) nc_binding_shared_object;
    #endif
    """
    ctypedef int shared_int "nc_binding_shared_int"
    ctypedef unsigned long shared_ulong "nc_binding_shared_ulong"
    ctypedef intptr_t shared_intptr "nc_binding_shared_intptr"
    ctypedef PyObject *shared_object "nc_binding_shared_object"
    # Puts a value in the place of another one, which is the answer, in one step.
    intptr_t exchange "atomic_exchange"(shared_intptr *place, intptr_t value) noexcept
