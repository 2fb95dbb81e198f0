"""What a socket or server does with an `AbortSignal` that it was given."""

cimport cython

from netcore._core.abort cimport AbortSignal, signal_error


cdef int check_signal(object signal, str name) except -1:
    error = signal_error(signal, name)
    if error is not None:
        raise error
    return 0


cdef object on_abort(object signal, object callback):
    watch = Watch(signal, callback)
    # A method, whose arity shows: that of an object which can be called is looked for, at some length.
    (<AbortSignal>signal).add(watch.happened)
    return watch


cdef class Watch:
    """A callback that waits for a signal, which may abort on another thread."""

    cdef AbortSignal signal
    cdef object callback

    def __init__(self, signal, callback):
        self.signal = signal
        self.callback = callback

    def happened(self, _event):
        callback = self.leave()
        if callback is not None:
            callback()

    def stop(self):
        """The callback is not called any more."""
        self.leave()

    cdef object leave(self):
        cdef AbortSignal signal
        with cython.critical_section(self):
            signal, callback = self.signal, self.callback
            self.signal = self.callback = None
        if signal is not None:
            signal.remove(self.happened)
        return callback
