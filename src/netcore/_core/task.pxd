from netcore._core.loop cimport Loop
from netcore._core.promise cimport Promise


cdef class Task(Promise):
    cdef Loop loop
    cdef object coroutine
    cdef object waits_for # what it awaits now, or None
    cdef object thrown    # what to throw into it at the next step, or None
    cdef bint unheard     # a failure leaves run()
    cdef int step(self) except -1
    cdef int wait_for(self, object awaited) except -1
    cdef int fail(self, object error) except -1


# Starts a coroutine on this thread's own loop. With `unheard`, a failure leaves run() as if a callback had raised it.
cdef Task start_task(Loop loop, object coroutine, bint unheard)
