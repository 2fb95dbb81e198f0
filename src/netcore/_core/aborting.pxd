# Raises ERR_INVALID_ARG_TYPE unless `signal` has the shape of an AbortSignal.
cdef int check_signal(object signal, str name) except -1

# Calls `callback()` once when the signal is aborted, until stop() is called on the answer.
cdef object on_abort(object signal, object callback)
