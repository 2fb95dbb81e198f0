"""AbortController and AbortSignal, the way in which JavaScript calls work off.

A signal aborts once and keeps its reason. Its listeners are called in the order in which they were added, and each of
them even if one before it raises. A signal that depends on others (`AbortSignal.any`) is held by them only as long as
somebody listens to it, so that a signal that lives as long as the program does not collect those of each connection.

One signal may serve the loops of many threads: what changes is changed while its signal is locked, and a signal that is
locked waits for no other. A listener is called on the thread that aborts.
"""

cimport cython
from cpython.weakref cimport PyWeakref_NewRef

from netcore._core.errors cimport (
    abort_error, inspect, invalid_arg_type, misuse, out_of_range, timeout_error,
)
from netcore._core.listener cimport call1

cdef object _start_timer = None


def set_timer(start):
    """Sets what measures a time-out: `start(milliseconds, callback)`, a timer that keeps no loop alive. The timers call
    this at their import."""
    global _start_timer
    _start_timer = start


cdef object signal_error(object signal, str name):
    return None if isinstance(signal, AbortSignal) else invalid_arg_type(name, "AbortSignal", signal)


cdef class AbortEvent:
    """What listeners of a signal are called with."""

    cdef readonly object target

    @property
    def type(self):
        """Always `'abort'`."""
        return "abort"


cdef class _Entry:
    def __cinit__(self, callback=None):
        self.callback = callback


cdef object _callback_of(object listener):
    """What is called for a listener: itself, or its method `handleEvent` as the DOM has it."""
    if callable(listener):
        return listener
    handler = getattr(listener, "handleEvent", None)
    if handler is None:
        raise invalid_arg_type("listener", "EventListener", listener)
    return handler


cdef AbortSignal _new_signal():
    return AbortSignal.__new__(AbortSignal)


cdef class AbortSignal:
    """Says once that work is to be given up. Made by `AbortController`, `AbortSignal.timeout` and `AbortSignal.any`.

    Its listeners are called on the thread that aborts. What a socket or server does for the sake of its option `signal`,
    it does on its own.
    """

    def __init__(self, *args, **kwargs):
        raise misuse("ERR_ILLEGAL_CONSTRUCTOR")

    @staticmethod
    def abort(reason=None):
        """A signal that is aborted already, with an `AbortError` as its reason unless one is given."""
        signal = _new_signal()
        signal._abort(reason)
        return signal

    @staticmethod
    def timeout(delay):
        """A signal that aborts in `delay` milliseconds, an integer from 0 to 4294967295, with a `TimeoutError`.

        The wait keeps no loop alive. Raises `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE`.
        """
        if isinstance(delay, bool) or not isinstance(delay, (int, float)):
            raise invalid_arg_type("delay", "number", delay)
        if delay % 1 != 0:
            raise out_of_range("delay", "an integer", delay)
        if not 0 <= delay <= 4294967295:
            raise out_of_range("delay", ">= 0 && <= 4294967295", delay)
        signal = _new_signal()
        _wait(signal, int(delay))
        return signal

    @staticmethod
    def any(signals):
        """A signal that aborts as soon as one of `signals` does, with the same reason."""
        try:
            row = list(signals)
        except TypeError:
            raise misuse("ERR_INVALID_ARG_TYPE", "signals cannot be converted to sequence.") from None
        for index, signal in enumerate(row):
            if not isinstance(signal, AbortSignal):
                raise misuse("ERR_INVALID_ARG_TYPE", f"signals[{index}] is not of type AbortSignal.")
        return _any(row)

    def throwIfAborted(self):
        """Raises the reason if the signal is aborted: inside an `AbortError`, as its `cause`, if it is no exception."""
        if not self._aborted:
            return
        reason = self.reason
        if isinstance(reason, BaseException):
            raise reason
        raise abort_error(reason, "This operation was aborted")

    @property
    def aborted(self):
        """Whether it has happened."""
        return self._aborted != 0

    @property
    def reason(self):
        """Why the signal is aborted; None until then."""
        with cython.critical_section(self):
            return self._reason

    @property
    def onabort(self):
        """One more listener, or None. Its place among the others is where the first one was set."""
        with cython.critical_section(self):
            return None if self._handler is None else self._handler.callback

    @onabort.setter
    def onabort(self, listener):
        with cython.critical_section(self):
            if not callable(listener):
                if self._handler is not None:
                    self._discard(self._handler)
                    self._handler = None
            elif self._handler is not None:
                self._handler.callback = listener
            else:
                self._handler = _Entry(listener)
                self._append(self._handler)
        self._depend()

    def addEventListener(self, type, listener, options=None, *, once=False, signal=None):
        """Calls `listener(event)` when the signal aborts; `event.target` is the signal.

        The same listener is added once only. Options, as a mapping or by keyword: `signal`, an `AbortSignal` that
        removes the listener when it aborts, and `once`, which makes no difference since a signal aborts but once. Other
        events than `'abort'` never happen.
        """
        if isinstance(options, dict) and signal is None:
            signal = options.get("signal")
        if listener is None or type != "abort":
            return
        callback = _callback_of(listener)
        if signal is not None:
            error = signal_error(signal, "options.signal")
            if error is not None:
                raise error
            if signal.aborted:
                return
            (<AbortSignal>signal).add(lambda: self.remove(callback))
        self.add(callback)
        if signal is not None and signal.aborted: # on another thread, since it was asked
            self.remove(callback)

    def removeEventListener(self, type, listener, options=None):
        """Takes a listener away, also while the signal is aborting. It is no error if there is none."""
        if listener is not None and type == "abort":
            self.remove(_callback_of(listener))

    def __repr__(self):
        return f"<AbortSignal aborted={inspect(self.aborted)}>"

    cdef int add(self, object callback) except -1:
        with cython.critical_section(self):
            if self._aborted != 0 or self._find(callback) is not None:
                return 0
            self._append(_Entry(callback))
        return self._depend()

    cdef int remove(self, object callback) except -1:
        with cython.critical_section(self):
            entry = self._find(callback)
            if entry is None:
                return 0
            self._discard(entry)
        return self._depend()

    cdef _Entry _find(self, object callback):
        cdef _Entry entry
        if self._entries is not None:
            for entry in self._entries:
                if entry is not self._handler and entry.callback == callback:
                    return entry
        return None

    cdef int _append(self, _Entry entry) except -1:
        if self._entries is None:
            self._entries = []
        self._entries.append(entry)
        return 0

    cdef int _discard(self, _Entry entry) except -1:
        entry.removed = True
        if self._entries is not None:
            self._entries = [other for other in self._entries if other is not entry] or None
        return 0

    cdef int _depend(self) except -1:
        """Has the signals it depends on hold it, if somebody listens to it, or let it go."""
        cdef AbortSignal source
        with cython.critical_section(self):
            sources = self._sources
        if sources is None:
            return 0
        for source in sources:
            source._hold(self)
        return 0

    cdef int _hold(self, AbortSignal dependent) except -1:
        with cython.critical_section(self, dependent):
            if dependent._entries is not None and not self._aborted:
                if self._listened_to is None:
                    self._listened_to = set()
                self._listened_to.add(dependent)
            elif self._listened_to is not None:
                self._listened_to.discard(dependent)
        return 0

    cdef int _announce(self, AbortSignal dependent) except -1:
        """From now on `dependent` is aborted with this one."""
        with cython.critical_section(self):
            if self._dependents is None:
                self._dependents = {}
            dependents = self._dependents
        dependents[PyWeakref_NewRef(dependent, lambda gone: dependents.pop(gone, None))] = True
        return 0

    cdef bint _claim(self, object reason) except -1:
        """Whether it is aborted by this call."""
        with cython.critical_section(self):
            if self._aborted:
                return False
            self._reason = reason
            self._aborted = True
            return True

    cdef int _abort(self, object reason) except -1:
        cdef AbortSignal signal
        cdef list failures = []
        cdef list signals
        if reason is None:
            reason = abort_error(None, "This operation was aborted")
        if not self._claim(reason):
            return 0
        # All of them are aborted before the first listener hears of it.
        signals = [self]
        with cython.critical_section(self):
            dependents = list(self._dependents or ())
        for dependent in dependents:
            signal = dependent()
            if signal is not None and signal._claim(reason):
                signals.append(signal)
        for signal in signals:
            signal._fire(failures)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise BaseExceptionGroup("listeners of an AbortSignal failed", failures)
        return 0

    cdef int _fire(self, list failures) except -1:
        cdef _Entry entry
        cdef AbortEvent event
        with cython.critical_section(self):
            if self._dependents is not None:
                self._dependents.clear() # it and what its references call hold each other
            self._dependents = self._listened_to = self._sources = None
            entries = self._entries
        if entries is None:
            return 0
        event = AbortEvent.__new__(AbortEvent)
        event.target = self
        for entry in entries:
            with cython.critical_section(self):
                callback = None if entry.removed else entry.callback
            if callback is None:
                continue
            try:
                call1(callback, event)
            except BaseException as error:
                failures.append(error)
        with cython.critical_section(self):
            self._entries = None
        return 0


cdef int _wait(AbortSignal signal, delay) except -1:
    def expire():
        signal._abort(timeout_error())

    _start_timer(delay, expire)
    return 0


cdef bint _takes_after(AbortSignal signal, AbortSignal source) except -1:
    """Aborts `signal` if `source` is aborted, and answers whether it is."""
    if source._aborted:
        signal._abort(source.reason)
    return source._aborted


cdef AbortSignal _any(list signals):
    cdef AbortSignal source
    cdef AbortSignal result = _new_signal()
    cdef list sources = []
    for source in signals:
        if _takes_after(result, source):
            return result
        # A signal that depends on others is replaced by them, so that there is never more than one step.
        with cython.critical_section(source):
            sources += [source] if source._sources is None else source._sources
    result._sources = sources
    for source in sources:
        source._announce(result)
        if _takes_after(result, source): # on another thread, since it was asked
            return result
    return result


cdef class AbortController:
    """Aborts its `signal`."""

    cdef AbortSignal _signal

    def __cinit__(self):
        self._signal = _new_signal()

    @property
    def signal(self):
        """The `AbortSignal` to give to the work that may be called off."""
        return self._signal

    def abort(self, reason=None):
        """Aborts the signal, with an `AbortError` as its reason unless one is given; a second time does nothing.

        Raises what a listener raises, after all of them were called.
        """
        self._signal._abort(reason)

    def __repr__(self):
        return f"<AbortController aborted={inspect(self._signal.aborted)}>"
