"""Listeners and how they are called.

JavaScript lets a function take fewer arguments than it is given, and more; listeners here are called in the same
spirit. The arity of a plain function is read from its code object at each call, which is cheaper than storing it and
cannot go stale. Only callables that do not show it (classes, partials, objects with `__call__`) are looked at once,
when they are added, and get a small wrapper.
"""

from functools import partial

from cpython.object cimport PyCallable_Check, PyObject

from netcore._core.errors cimport invalid_arg_type
from netcore._core.promise cimport running_asyncio_loop

cdef extern from "Python.h":
    ctypedef struct PyMethodDef
    ctypedef struct PyCFunctionObject:
        PyMethodDef *m_ml
    bint PyCoro_CheckExact(object o)

cdef dict _builtins = {}


# -- arity -----------------------------------------------------------------------------------------------------------

cdef bint _shows_its_arity(object callback) noexcept:
    cdef PyObject *callable = <PyObject *>callback
    if PyMethod_Check(callable):
        return PyFunction_Check(PyMethod_GET_FUNCTION(callable))
    if PyCFunction_Check(callable):
        return PyCFunction_GET_FLAGS(callable) & (METH_NOARGS | METH_O)
    return PyFunction_Check(callable)


cdef Arity _inspected(object callback) except *:
    """The arity of any callable by its signature; a callable without one takes anything."""
    from inspect import Parameter, signature

    cdef Arity arity
    arity.least = 0
    arity.most = 0
    try:
        parameters = list(signature(callback).parameters.values())
    except (TypeError, ValueError):
        arity.most = UNLIMITED
        return arity
    for parameter in parameters:
        if parameter.kind == Parameter.VAR_POSITIONAL:
            arity.most = UNLIMITED
        elif parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
            arity.most += 1
            arity.least += parameter.default is Parameter.empty
    return arity


cdef Arity _of_builtin(object callback) except *:
    """The arity of a function written in C. It is the same for each object that it is a method of, and kept."""
    cdef size_t definition = <size_t>(<PyCFunctionObject *>callback).m_ml
    cdef Arity arity
    known = _builtins.get(definition)
    if known is None:
        arity = _inspected(callback)
        _builtins[definition] = (arity.least, arity.most)
        return arity
    arity.least, arity.most = known
    return arity


cdef Arity _measured(object callback) except *:
    """The arity of a callable that does not show it. The two commonest kinds have a way around `inspect`, which takes
    some ten microseconds."""
    cdef Arity arity
    cdef int given
    if PyCFunction_Check(<PyObject *>callback):
        return _of_builtin(callback)
    if type(callback) is not partial or callback.keywords or not _shows_its_arity(callback.func):
        return _inspected(callback)
    function = callback.func
    arity = arity_at_sight(<PyObject *>function)
    given = <int>len(callback.args)
    arity.least -= given
    if arity.most != UNLIMITED:
        arity.most -= given
    return arity


cdef class Listener:
    """What `rawListeners` shows of a listener that was added by `once`: call it to use the listener up by hand."""

    @property
    def listener(self):
        """The callable that was given to `once`."""
        return self.callback

    def __call__(self, *args):
        """Removes the listener from its emitter and calls it; from the second time on, does nothing."""
        if self.fired:
            return None
        target = self.target() if self.target is not None else None
        if target is not None:
            target.removeListener(self.name, self)
        self.fired = True
        missing = (None,) * (self.arity.least - len(args))
        return self.callback(*args[:self.arity.most], *missing)


cdef object entry_for(object callback, bint once):
    cdef Listener listener
    cdef Arity arity
    if not PyCallable_Check(callback):
        raise invalid_arg_type("listener", "function", callback)
    if _shows_its_arity(callback):
        if not once:
            return callback
        arity = arity_at_sight(<PyObject *>callback)
    else:
        arity = _measured(callback)
        # A wrapper of another emitter must not be taken for an entry of this one.
        if not once and arity.least <= 0 and arity.most == UNLIMITED and type(callback) is not Listener:
            return callback
    listener = Listener.__new__(Listener)
    listener.callback = callback
    listener.arity = arity
    listener.once = once
    return listener


cdef object callback_of(object entry):
    return (<Listener>entry).callback if type(entry) is Listener else entry


# -- calling back ----------------------------------------------------------------------------------------------------

cdef int _call(object callback, PyObject **args, int given) except -1:
    cdef Arity arity
    if type(callback) is Listener:
        arity = (<Listener>callback).arity
        callback = (<Listener>callback).callback
    elif _shows_its_arity(callback):
        arity = arity_at_sight(<PyObject *>callback)
    else:
        arity = _measured(callback)
    result = call_within(<PyObject *>callback, arity, args, given)
    if result is not None and PyCoro_CheckExact(result):
        schedule(result)
    return 0


cdef int call1(object callback, object a) except -1:
    cdef PyObject *vector[ROOM + 1]
    vector[1] = <PyObject *>a
    return _call(callback, vector + 1, 1)


cdef int call2(object callback, object a, object b) except -1:
    cdef PyObject *vector[ROOM + 1]
    vector[1] = <PyObject *>a
    vector[2] = <PyObject *>b
    return _call(callback, vector + 1, 2)


cdef int call3(object callback, object a, object b, object c) except -1:
    cdef PyObject *vector[ROOM + 1]
    vector[1] = <PyObject *>a
    vector[2] = <PyObject *>b
    vector[3] = <PyObject *>c
    return _call(callback, vector + 1, 3)


# -- coroutines ------------------------------------------------------------------------------------------------------

cdef object _start = None
cdef set _running = set()


cpdef set_scheduler(object start):
    """Sets what starts a coroutine on this thread's own loop: `start(coroutine)`. The loop calls this at its import."""
    global _start
    _start = start


cdef int schedule(object coroutine) except -1:
    """Starts `coroutine` on the asyncio loop that runs in this thread, or else on netcore's own."""
    loop = running_asyncio_loop()
    if loop is None:
        _start(coroutine)
        return 0
    task = loop.create_task(coroutine)
    # asyncio itself keeps only weak references to tasks.
    _running.add(task)
    task.add_done_callback(_running.discard)
    return 0
