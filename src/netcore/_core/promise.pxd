cdef class Promise:
    """Something that will be known later. See promise.pyx."""

    cdef object __weakref__
    cdef int _state
    cdef object _value
    cdef list _callbacks
    cdef object _loop
    # Called without arguments if the one who waits is cancelled, so that the work can be undone.
    cdef public object on_cancel
    cdef public bint _asyncio_future_blocking

    cdef int _settle(self, int state, object value) except -1
    cdef int _tell(self, object loop, object callback, object context) except -1

# The asyncio loop that runs in this thread, or None. Does not import asyncio.
cdef object running_asyncio_loop()
