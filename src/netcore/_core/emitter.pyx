"""Node's EventEmitter.

An emitter holds a table from event names to entries. Most emitters hear of one to four events, and there may be many
thousands of them, so the table is a flat tuple (name, entry, name, entry, ...) that is searched by identity: names are
interned, which makes a find cheaper than a dictionary's and the whole table smaller than an empty one. An emitter with
more than sixteen events changes to a dictionary.

An entry is the listener itself, a `Listener` around it, or a tuple of such. Flat tables and entries are never changed,
only replaced: whoever is emitting keeps the tuple that it began with, which is just what Node promises for listeners
that are added or removed meanwhile.
"""

from cython cimport embedsignature, nonecheck
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport Py_EQ, PyObject, PyObject_RichCompareBool
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from cpython.weakref cimport PyWeakref_NewRef

from netcore._core.errors cimport abort_error, invalid_arg_type, out_of_range, unhandled_error
from netcore._core.listener cimport (
    ROOM, Listener, arity_at_sight, call_within, callback_of, entry_for, schedule,
)
from netcore._core.promise cimport Promise

cdef extern from *:
    """
    /* The one string object that stands for a name in the tables of emitters, also for a StrEnum. */
    static PyObject *canonical_name(PyObject *name) {
        if (PyUnicode_CheckExact(name) || !PyUnicode_Check(name)) Py_INCREF(name);
        else if (!(name = PyUnicode_FromObject(name))) return NULL;
        if (PyUnicode_CheckExact(name) && !PyUnicode_CHECK_INTERNED(name)) PyUnicode_InternInPlace(&name);
        return name;
    }
    """
    object canonical "canonical_name"(object name)

cdef extern from "Python.h":
    bint PyCoro_CheckExact(object o)
    bint PyTuple_CheckExact(object o)
    bint PyUnicode_CheckExact(object o)
    PyObject *PyTuple_GET_ITEM(object o, Py_ssize_t i)
    Py_ssize_t PyTuple_GET_SIZE(object o)
    PyObject *PyDict_GetItemWithError(object d, object key) except? NULL

# With more items than these (a name and an entry for each event) the table is a dictionary.
cdef Py_ssize_t FLAT = 32

cdef int DEFAULT_LIMIT = 10

# Stands for an argument that was not given, since None is one.
cdef object ABSENT = object()


cdef class _Symbol:
    """The name of an event that no string is equal to."""

    cdef str description

    def __repr__(self):
        return f"Symbol({self.description})"


cdef _Symbol MONITOR = _Symbol.__new__(_Symbol)
MONITOR.description = "events.errorMonitor"


# -- the table -------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t position(object table, object name) except -2:
    """Where the name stands in the flat `table`, or -1."""
    cdef Py_ssize_t i
    cdef Py_ssize_t size = PyTuple_GET_SIZE(table)
    for i in range(0, size, 2):
        if PyTuple_GET_ITEM(table, i) is <PyObject *>name:
            return i
    if PyUnicode_CheckExact(name):
        return -1
    for i in range(0, size, 2):
        if PyObject_RichCompareBool(<object>PyTuple_GET_ITEM(table, i), name, Py_EQ):
            return i
    return -1


cdef inline object find(object table, object name):
    """The entry of an event, or None if nobody listens to it. A name that is no text may be compared by code of its own,
    which may change the emitter: the table is gone when this returns, and only what is returned is sure to be there."""
    cdef Py_ssize_t i
    cdef PyObject *found = NULL
    if table is None:
        return None
    if not PyTuple_CheckExact(table):
        found = PyDict_GetItemWithError(table, name)
    else:
        i = position(table, name)
        if i >= 0:
            found = PyTuple_GET_ITEM(table, i + 1)
    return None if found is NULL else <object>found


cdef inline tuple entries(object entry):
    """All entries of an event as a tuple, also if there is one, or none."""
    if entry is None:
        return ()
    return <tuple>entry if PyTuple_CheckExact(entry) else (entry,)


cdef tuple longer(tuple table, object name, object entry):
    """The table with one more event."""
    cdef Py_ssize_t size = PyTuple_GET_SIZE(table)
    cdef Py_ssize_t i
    cdef tuple new = PyTuple_New(size + 2)
    for i in range(size + 2):
        item = <object>PyTuple_GET_ITEM(table, i) if i < size else name if i == size else entry
        Py_INCREF(item)
        PyTuple_SET_ITEM(new, i, item)
    return new


cdef bint made_from(object entry, object listener) except -1:
    """Whether `entry` is the one that was made from `listener`. Bound methods are equal, not identical, each time."""
    callback = callback_of(entry)
    if entry is listener or callback is listener:
        return True
    return PyObject_RichCompareBool(callback, listener, Py_EQ)


# -- the emitter -----------------------------------------------------------------------------------------------------

def _decorator(add, name):
    def decorate(listener):
        add(name, listener)
        return listener
    return decorate


async def _supervised(EventEmitter emitter, name, coroutine):
    """Runs what a coroutine function made that listens to `name`; its failure is an error of the emitter."""
    try:
        await coroutine
    except Exception as error:
        # A listener to errors that fails would hear of its own failure for ever.
        if name == "error":
            raise
        there = emitter.elsewhere()
        if there is None:
            emitter.emit1("error", error)
        else:
            there.post(emitter.emit, "error", error)


def _tell_there(EventEmitter emitter not None, name, tuple arguments, tuple row):
    emitter._emit_many(name, arguments, row)


cdef class EventEmitter:
    """Node's EventEmitter: named events, and listeners that are called in the order in which they were added.

    Any hashable object may be the name of an event. A listener is called with as many of the event's arguments as it
    can take. A coroutine function may be a listener: it is started on the loop, and what it raises becomes an
    `'error'` event. Adding a listener emits `'newListener'` (name, listener) beforehand, removing one emits
    `'removeListener'` afterwards. Exceptions from listeners reach whoever emits.

    `defaultMaxListeners` is how many listeners an event may have before a `ResourceWarning`, for emitters that were not
    given a limit of their own. Listeners of `errorMonitor` hear of every `'error'` and do not count as hearing it.
    """

    defaultMaxListeners = DEFAULT_LIMIT
    errorMonitor = MONITOR

    def __cinit__(self):
        if may_override(self):
            self._overridden = type(self).emit is not EventEmitter.emit

    cdef int check_caller(self) except -1:
        return 0

    cdef object elsewhere(self):
        return None

    # -- emitting ----------------------------------------------------------------------------------------------------

    @embedsignature(False)
    def emit(self, name, a=ABSENT, b=ABSENT, c=ABSENT, d=ABSENT, /, *rest):
        """emit($self, name, /, *args)\n--\n
        Calls the listeners of `name` with the arguments, in order. Answers whether there were any.

        An `'error'` that nobody listens to is raised: the exception itself, or `ERR_UNHANDLED_ERROR` around any other
        value. Listeners of `EventEmitter.errorMonitor` hear of errors first and do not count as listening.
        """
        # Arguments that are named cost no tuple.
        cdef PyObject *vector[ROOM + 1]
        cdef int given
        self.check_caller()
        if a is ABSENT:
            given = 0
        elif b is ABSENT:
            given = 1
        elif c is ABSENT:
            given = 2
        elif d is ABSENT:
            given = 3
        elif not rest:
            given = 4
        else:
            return self._emit_many(canonical(name), (a, b, c, d) + <tuple>rest, None) != 0
        vector[1] = <PyObject *>a
        vector[2] = <PyObject *>b
        vector[3] = <PyObject *>c
        vector[4] = <PyObject *>d
        return self._emit(canonical(name), vector + 1, given) != 0

    cdef int _emit_many(self, object name, tuple arguments, tuple row) except -1:
        """Emits with any number of arguments, to the listeners that there are or to those of `row`."""
        cdef int given = <int>len(arguments)
        cdef int i
        cdef PyObject **vector = <PyObject **>PyMem_Malloc((given + ROOM + 1) * sizeof(PyObject *))
        if vector is NULL:
            raise MemoryError
        try:
            for i in range(given):
                vector[i + 1] = PyTuple_GET_ITEM(arguments, i)
            return self._emit(name, vector + 1, given) if row is None else self._tell(row, name, vector + 1, given)
        finally:
            PyMem_Free(vector)

    cdef int emit0(self, str name) except -1:
        cdef PyObject *vector[ROOM + 1]
        if self._overridden:
            return bool(self.emit(name))
        return self._emit(name, vector + 1, 0)

    cdef int emit1(self, str name, object a) except -1:
        cdef PyObject *vector[ROOM + 1]
        if self._overridden:
            return bool(self.emit(name, a))
        vector[1] = <PyObject *>a
        return self._emit(name, vector + 1, 1)

    cdef int emit2(self, str name, object a, object b) except -1:
        cdef PyObject *vector[ROOM + 1]
        if self._overridden:
            return bool(self.emit(name, a, b))
        vector[1] = <PyObject *>a
        vector[2] = <PyObject *>b
        return self._emit(name, vector + 1, 2)

    cdef int emit3(self, str name, object a, object b, object c) except -1:
        cdef PyObject *vector[ROOM + 1]
        if self._overridden:
            return bool(self.emit(name, a, b, c))
        vector[1] = <PyObject *>a
        vector[2] = <PyObject *>b
        vector[3] = <PyObject *>c
        return self._emit(name, vector + 1, 3)

    cdef int emit4(self, str name, object a, object b, object c, object d) except -1:
        cdef PyObject *vector[ROOM + 1]
        if self._overridden:
            return bool(self.emit(name, a, b, c, d))
        vector[1] = <PyObject *>a
        vector[2] = <PyObject *>b
        vector[3] = <PyObject *>c
        vector[4] = <PyObject *>d
        return self._emit(name, vector + 1, 4)

    cdef int _emit(self, object name, PyObject **args, int given) except -1:
        if name is "error":
            self._monitor_error(args, given)
        entry = find(self._table, name)
        if entry is None:
            return self._unheard(args, given) if name is "error" else 0
        if not PyTuple_CheckExact(entry):
            self._deliver(entry, name, args, given)
            return 1
        return self._tell(<tuple>entry, name, args, given)

    cdef int _tell(self, tuple row, object name, PyObject **args, int given) except -1:
        """Calls several listeners. When one of them moves the emitter to another thread, the others are called there."""
        cdef Py_ssize_t i
        for i in range(PyTuple_GET_SIZE(row)):
            there = self.elsewhere()
            if there is not None:
                there.post(_tell_there, self, name, tuple([<object>args[n] for n in range(given)]), row[i:])
                break
            self._deliver(<object>PyTuple_GET_ITEM(row, i), name, args, given)
        return 1

    cdef inline int _deliver(self, object entry, object name, PyObject **args, int given) except -1:
        if type(entry) is not Listener:
            result = call_within(<PyObject *>entry, arity_at_sight(<PyObject *>entry), args, given)
        else:
            result = self._deliver_wrapped(<Listener>entry, name, args, given)
        if result is not None and PyCoro_CheckExact(result):
            schedule(_supervised(self, name, result))
        return 0

    cdef object _deliver_wrapped(self, Listener listener, object name, PyObject **args, int given):
        if listener.once:
            if listener.fired:
                return None
            self.forget(name, listener)
            listener.fired = True
        return call_within(<PyObject *>listener.callback, listener.arity, args, given)

    cdef int _monitor_error(self, PyObject **args, int given) except -1:
        if find(self._table, MONITOR) is not None:
            self._emit(MONITOR, args, given)
        return 0

    cdef int _unheard(self, PyObject **args, int given) except -1:
        error = <object>args[0] if given > 0 else None
        if isinstance(error, BaseException):
            raise error
        raise unhandled_error(error)

    cdef bint hears(self, str name) noexcept:
        """Whether emitting `name` would reach anybody."""
        return self._overridden or self.has(name)

    cdef bint has(self, str name) noexcept:
        table = self._table
        if table is None:
            return False
        if PyTuple_CheckExact(table):
            return position(table, name) >= 0
        return name in <dict>table

    # -- adding ------------------------------------------------------------------------------------------------------

    def on(self, name, listener=...):
        """Adds a listener after the others and answers the emitter; without a listener it is a decorator."""
        self.check_caller()
        if listener is ...:
            return _decorator(self.on, name)
        self.listen_to(name, listener, False)
        return self

    def addListener(self, name, listener=...):
        """The same as `on`."""
        self.check_caller()
        if listener is ...:
            return _decorator(self.on, name)
        self.listen_to(name, listener, False)
        return self

    def once(self, name, listener=...):
        """Adds a listener that is removed just before it is called for the first time."""
        self.check_caller()
        if listener is ...:
            return _decorator(self.once, name)
        self.listen_to(name, listener, True)
        return self

    def prependListener(self, name, listener=...):
        """Adds a listener before the others."""
        self.check_caller()
        if listener is ...:
            return _decorator(self.prependListener, name)
        self._add(name, listener, False, True)
        return self

    def prependOnceListener(self, name, listener=...):
        """Adds a listener before the others that is removed just before it is called for the first time."""
        self.check_caller()
        if listener is ...:
            return _decorator(self.prependOnceListener, name)
        self._add(name, listener, True, True)
        return self

    cdef int listen_to(self, object name, object listener, bint once) except -1:
        name = canonical(name)
        self._add(name, listener, once, False)
        return self.listened(name)

    cdef int listened(self, object name) except -1:
        return 0

    cdef int _add(self, object name, object listener, bint once, bint prepend) except -1:
        entry = entry_for(listener, once)
        name = canonical(name)
        if self.has("newListener"):
            self._tell_change("newListener", name, listener)
        others = entries(find(self._table, name))
        if not others:
            return self._set(name, entry)
        row = (entry, *others) if prepend else (*others, entry)
        self._set(name, row)
        return self._warn(name, len(row))

    cdef int _tell_change(self, str name, object event, object listener) except -1:
        self._staying += 1
        try:
            return self.emit2(name, event, listener)
        finally:
            self._staying -= 1

    cdef int _warn(self, object name, Py_ssize_t count) except -1:
        """Says once for an event that it has more listeners than the limit: somebody may forget to remove them."""
        limit = DEFAULT_LIMIT if self._limit is None else self._limit
        if count <= limit or limit == 0 or (self._warned is not None and name in self._warned):
            return 0
        if self._warned is None:
            self._warned = set()
        self._warned.add(name)
        import warnings

        warnings.warn(
            f"Possible EventEmitter memory leak detected. {count} {name} listeners added to "
            f"[{type(self).__name__}]. MaxListeners is {limit}. Use emitter.setMaxListeners() to increase limit",
            ResourceWarning,
            stacklevel=1,
        )
        return 0

    # -- removing ----------------------------------------------------------------------------------------------------

    def off(self, name, listener):
        """Removes the listener, once, the one added last first; the emitter forgets nothing if it is not there."""
        self.check_caller()
        if not callable(listener):
            raise invalid_arg_type("listener", "function", listener)
        self.forget(canonical(name), listener)
        return self

    def removeListener(self, name, listener):
        """The same as `off`."""
        self.check_caller()
        if not callable(listener):
            raise invalid_arg_type("listener", "function", listener)
        self.forget(canonical(name), listener)
        return self

    cdef int forget(self, object name, object listener) except -1:
        cdef tuple row = entries(find(self._table, name))
        cdef Py_ssize_t i
        for i in range(len(row) - 1, -1, -1):
            entry = row[i]
            if made_from(entry, listener):
                self._drop(name, row, i)
                # Node names the listener that was removed alone by itself, one out of several as the caller did.
                if self.has("removeListener"):
                    shown = callback_of(entry) if len(row) == 1 else self._raw(listener, name)
                    self._tell_change("removeListener", name, shown)
                return self.unlistened(name)
        return 0

    cdef int unlistened(self, object name) except -1:
        return 0

    cdef int cleared(self, object name) except -1:
        return 0

    cdef int _drop(self, object name, tuple row, Py_ssize_t index) except -1:
        if len(row) == 1:
            return self._unset(name)
        if len(row) > 2:
            return self._set(name, row[:index] + row[index + 1:])
        if self._warned is not None:
            self._warned.discard(name)
        return self._set(name, row[1 - index])

    def removeAllListeners(self, name=None):
        """Removes all listeners, or those of one event. `'removeListener'` is emitted if somebody listens to it."""
        self.check_caller()
        if not self.has("removeListener"):
            if name is None:
                self._table = None
                self._warned = None
            else:
                name = canonical(name)
                self._unset(name)
            self.cleared(name)
        elif name is None:
            for event in self.eventNames():
                if event != "removeListener":
                    self._remove_all(event)
            self._remove_all("removeListener")
            # Listeners that were added meanwhile go without a word.
            self._table = None
            self.cleared(None)
        else:
            self._remove_all(canonical(name))
        return self

    cdef int _remove_all(self, object name) except -1:
        for entry in reversed(entries(find(self._table, name))):
            self.forget(name, entry)
        return 0

    # -- the table ---------------------------------------------------------------------------------------------------

    cdef int _set(self, object name, object entry) except -1:
        cdef Py_ssize_t i
        table = self._table
        if table is None:
            self._table = (name, entry)
        elif not PyTuple_CheckExact(table):
            (<dict>table)[name] = entry
        else:
            i = position(table, name)
            if i >= 0:
                self._table = (<tuple>table)[:i + 1] + (entry,) + (<tuple>table)[i + 2:]
            elif PyTuple_GET_SIZE(table) < FLAT:
                self._table = longer(<tuple>table, name, entry)
            else:
                self._table = dict(zip((<tuple>table)[::2], (<tuple>table)[1::2]))
                (<dict>self._table)[name] = entry
        return 0

    cdef int _unset(self, object name) except -1:
        cdef Py_ssize_t i
        table = self._table
        if self._warned is not None:
            self._warned.discard(name)
        if table is None:
            return 0
        if not PyTuple_CheckExact(table):
            (<dict>table).pop(name, None)
            return 0
        i = position(table, name)
        if i >= 0:
            self._table = (<tuple>table)[:i] + (<tuple>table)[i + 2:] or None
        return 0

    # -- looking -----------------------------------------------------------------------------------------------------

    def listeners(self, name):
        """The listeners of an event, as they were given to `on` and `once`: a list of its own."""
        self.check_caller()
        return [callback_of(entry) for entry in entries(find(self._table, canonical(name)))]

    def rawListeners(self, name):
        """The same, with wrappers in place of those added by `once`: `.listener` is the listener, and calling the
        wrapper uses it up."""
        self.check_caller()
        return [self._raw(entry, name) for entry in entries(find(self._table, canonical(name)))]

    cdef object _raw(self, object entry, object name):
        if type(entry) is not Listener or not (<Listener>entry).once:
            return callback_of(entry)
        (<Listener>entry).target = PyWeakref_NewRef(self, None)
        (<Listener>entry).name = name
        return entry

    def listenerCount(self, name, listener=None):
        """How many listeners the event has, or how often it has this one."""
        self.check_caller()
        row = entries(find(self._table, canonical(name)))
        if listener is None:
            return len(row)
        return sum([made_from(entry, listener) for entry in row])

    def eventNames(self):
        """The names of the events that have listeners, in the order in which they first got one."""
        self.check_caller()
        table = self._table
        if table is None:
            return []
        return list((<tuple>table)[::2]) if PyTuple_CheckExact(table) else list(<dict>table)

    def setMaxListeners(self, n):
        """Sets how many listeners an event may have before a `ResourceWarning`. Initially 10; 0 is any number.

        Raises `ERR_INVALID_ARG_TYPE` unless `n` is a number, `ERR_OUT_OF_RANGE` if it is negative or not a number.
        """
        self.check_caller()
        if isinstance(n, bool) or not isinstance(n, (int, float)):
            raise invalid_arg_type("setMaxListeners", "number", n)
        if not n >= 0:
            raise out_of_range("setMaxListeners", ">= 0", n)
        self._limit = n
        return self

    def getMaxListeners(self):
        """How many listeners an event may have before there is a warning."""
        self.check_caller()
        return DEFAULT_LIMIT if self._limit is None else self._limit


# -- once ------------------------------------------------------------------------------------------------------------

@nonecheck(True)
cdef class _Waiting:
    """What `once` added to an emitter, and takes away again."""

    cdef EventEmitter emitter
    cdef object name
    cdef Promise promise
    cdef object signal

    def happened(self, *args):
        self.leave()
        self.promise.resolve(list(args))

    def failed(self, error):
        self.leave()
        self.promise.reject(error if isinstance(error, BaseException) else unhandled_error(error))

    def aborted(self):
        self.leave()
        self.promise.reject(abort_error(self.signal.reason))

    def leave(self):
        there = self.emitter.elsewhere()
        if there is not None:
            there.post(self.leave)
            return
        self.emitter.forget(self.name, self.happened)
        if self.name != "error":
            self.emitter.forget("error", self.failed)
        if self.signal is not None:
            self.signal.removeEventListener("abort", self.aborted)


def once(emitter, name, *, signal=None):
    """Waits for the next event `name`: awaiting the answer gives the list of the event's arguments.

    It listens from this call on, not only from the `await`. An `'error'` event meanwhile is raised there (unless it is
    `'error'` that is waited for), and so is an `AbortError` if `signal`, an `AbortSignal`, aborts.
    """
    if not isinstance(emitter, EventEmitter):
        raise invalid_arg_type("emitter", "EventEmitter", emitter)
    (<EventEmitter>emitter).check_caller()
    cdef _Waiting waiting = _Waiting.__new__(_Waiting)
    waiting.emitter = emitter
    waiting.name = canonical(name)
    waiting.promise = Promise.__new__(Promise)
    waiting.signal = signal
    if signal is not None:
        if signal.aborted:
            waiting.promise.reject(abort_error(signal.reason))
            return waiting.promise
    (<EventEmitter>emitter).listen_to(waiting.name, waiting.happened, True)
    if name != "error":
        (<EventEmitter>emitter).listen_to("error", waiting.failed, True)
    waiting.promise.on_cancel = waiting.leave
    if signal is not None:
        signal.addEventListener("abort", waiting.aborted)
        if signal.aborted: # on another thread, since it was asked
            waiting.aborted()
    return waiting.promise
