from netcore._core.shared cimport shared_int


cdef class AbortSignal:
    """Says once that work is to be given up. See abort.pyx."""

    cdef object __weakref__
    cdef shared_int _aborted
    cdef object _reason
    cdef list _entries
    cdef _Entry _handler
    # The signals that `any` made of this one: all of them weakly, those that somebody listens to strongly.
    cdef dict _dependents
    cdef set _listened_to
    # Of a signal that `any` made: what it depends on.
    cdef list _sources

    # addEventListener('abort', ...) and removeEventListener for other modules. A listener is added once at most.
    cdef int add(self, object callback) except -1
    cdef int remove(self, object callback) except -1

    cdef _Entry _find(self, object callback)
    cdef int _append(self, _Entry entry) except -1
    cdef int _discard(self, _Entry entry) except -1
    cdef int _depend(self) except -1
    cdef int _hold(self, AbortSignal dependent) except -1
    cdef int _announce(self, AbortSignal dependent) except -1
    cdef bint _claim(self, object reason) except -1
    cdef int _abort(self, object reason) except -1
    cdef int _fire(self, list failures) except -1


cdef class _Entry:
    cdef object callback
    cdef bint removed


# The error for the argument `name`, or None if `signal` is an AbortSignal.
cdef object signal_error(object signal, str name)
