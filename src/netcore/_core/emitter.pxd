from cpython.object cimport PyObject, PyTypeObject

from netcore._core.listener cimport Listener

cdef extern from "Python.h":
    unsigned long Py_TPFLAGS_HEAPTYPE
    PyTypeObject *Py_TYPE(object o)
    bint PyType_HasFeature(PyTypeObject *type, unsigned long feature)


# Whether the object's class is one written in Python, which may have methods of its own in place of ours.
cdef inline bint may_override(object self) noexcept:
    return PyType_HasFeature(Py_TYPE(self), Py_TPFLAGS_HEAPTYPE)


cdef class EventEmitter:
    """Events and their listeners, as Node's. See emitter.pyx."""

    cdef object __weakref__
    cdef object _table
    cdef object _limit
    cdef set _warned
    # Whether a class written in Python has an emit() of its own, which must then see all events, as in Node.
    cdef bint _overridden
    # How many steps are under way that call listeners and cannot go on on another thread: adopt() is refused meanwhile.
    cdef int _staying

    # Raises if the emitter belongs to another thread than the calling one. Each public method asks first.
    cdef int check_caller(self) except -1
    # The loop of another thread, if that is where the emitter has gone to, else None.
    cdef object elsewhere(self)

    # Whether anybody listens to `name`: a few compares, since names that are written in Cython code are interned.
    cdef bint has(self, str name) noexcept
    cdef bint hears(self, str name) noexcept

    # emit() for other modules: answers 1 if anybody listened, 0 if not.
    cdef int emit0(self, str name) except -1
    cdef int emit1(self, str name, object a) except -1
    cdef int emit2(self, str name, object a, object b) except -1
    cdef int emit3(self, str name, object a, object b, object c) except -1
    cdef int emit4(self, str name, object a, object b, object c, object d) except -1

    # on() and once() for other modules.
    cdef int listen_to(self, object name, object listener, bint once) except -1
    # removeListener() for other modules.
    cdef int forget(self, object name, object listener) except -1

    # What a subclass overrides to act on its events being listened to: `listened` comes after on(), addListener() and
    # once(), not after the two that prepend; `unlistened` after a listener was
    # removed, `cleared` after those of one event, or of all (None), were.
    cdef int listened(self, object name) except -1
    cdef int unlistened(self, object name) except -1
    cdef int cleared(self, object name) except -1

    cdef int _emit(self, object name, PyObject **args, int given) except -1
    cdef int _emit_many(self, object name, tuple arguments, tuple row) except -1
    cdef int _tell(self, tuple row, object name, PyObject **args, int given) except -1
    cdef int _tell_change(self, str name, object event, object listener) except -1
    cdef int _deliver(self, object entry, object name, PyObject **args, int given) except -1
    cdef object _deliver_wrapped(self, Listener listener, object name, PyObject **args, int given)
    cdef int _monitor_error(self, PyObject **args, int given) except -1
    cdef int _unheard(self, PyObject **args, int given) except -1
    cdef int _add(self, object name, object listener, bint once, bint prepend) except -1
    cdef int _warn(self, object name, Py_ssize_t count) except -1
    cdef int _drop(self, object name, tuple row, Py_ssize_t index) except -1
    cdef int _remove_all(self, object name) except -1
    cdef int _set(self, object name, object entry) except -1
    cdef int _unset(self, object name) except -1
    cdef object _raw(self, object entry, object name)
