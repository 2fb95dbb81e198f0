"""What a socket or server does with an `AbortSignal` that it was given."""

from netcore._core.errors cimport invalid_arg_type


cdef int check_signal(object signal, str name) except -1:
    if not (hasattr(signal, "aborted") and hasattr(signal, "addEventListener")):
        raise invalid_arg_type(name, "AbortSignal", signal)
    return 0


cdef object on_abort(object signal, object callback):
    watch = Watch(signal, callback)
    signal.addEventListener("abort", watch)
    return watch


cdef class Watch:
    """A callback that waits for a signal."""

    cdef object signal
    cdef object callback

    def __init__(self, signal, callback):
        self.signal = signal
        self.callback = callback

    def __call__(self, event=None):
        callback = self.callback
        self.stop()
        if callback is not None:
            callback()

    def stop(self):
        """The callback is not called any more."""
        signal, self.signal, self.callback = self.signal, None, None
        if signal is not None:
            signal.removeEventListener("abort", self)
