"""How a listener is called: with as many of the arguments as it can take."""

from cpython.object cimport PyObject

cdef extern from "Python.h" nogil:
    ctypedef struct PyCodeObject:
        int co_argcount
        int co_flags

    ctypedef struct PyFunctionObject:
        PyObject *func_code
        PyObject *func_defaults

    int CO_VARARGS
    int METH_NOARGS
    int METH_O
    size_t PY_VECTORCALL_ARGUMENTS_OFFSET
    bint PyFunction_Check(PyObject *o)
    bint PyMethod_Check(PyObject *o)
    PyObject *PyMethod_GET_FUNCTION(PyObject *o)
    bint PyCFunction_Check(PyObject *o)
    int PyCFunction_GET_FLAGS(PyObject *o)
    Py_ssize_t PyTuple_GET_SIZE(PyObject *o)

cdef extern from "Python.h":
    object PyObject_Vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *names)

cdef enum:
    # So many positional arguments are as good as any number of them.
    UNLIMITED = 1 << 20
    # The room for arguments in a call of the fast kind, and for the `None`s that stand for missing ones.
    ROOM = 8

# What a listener can take: at least and at most so many positional arguments.
ctypedef struct Arity:
    int least
    int most


cdef inline Arity arity_of_function(PyObject *function, int bound) noexcept:
    """The arity of a plain Python function of which `bound` arguments are given already."""
    cdef PyCodeObject *code = <PyCodeObject *>(<PyFunctionObject *>function).func_code
    cdef PyObject *defaults = (<PyFunctionObject *>function).func_defaults
    cdef Arity arity
    arity.most = UNLIMITED if code.co_flags & CO_VARARGS else code.co_argcount - bound
    arity.least = code.co_argcount - bound - (<int>PyTuple_GET_SIZE(defaults) if defaults is not NULL else 0)
    return arity


cdef inline Arity arity_at_sight(PyObject *callable) noexcept:
    """The arity as far as a glance shows it, which costs two or three loads. Whatever is not a Python function, a
    method that is one, or a C function of one of the two simplest kinds, counts as taking anything."""
    cdef Arity arity
    arity.least = 0
    arity.most = UNLIMITED
    if PyFunction_Check(callable):
        return arity_of_function(callable, 0)
    if PyMethod_Check(callable):
        if PyFunction_Check(PyMethod_GET_FUNCTION(callable)):
            return arity_of_function(PyMethod_GET_FUNCTION(callable), 1)
    elif PyCFunction_Check(callable):
        if PyCFunction_GET_FLAGS(callable) & METH_NOARGS:
            arity.most = 0
        elif PyCFunction_GET_FLAGS(callable) & METH_O:
            arity.least = arity.most = 1
    return arity


cdef inline object call_within(PyObject *callable, Arity arity, PyObject **args, int given):
    """Calls with the first of the `given` arguments that fit. `args[-1]` must be writable, and `args` hold `ROOM`.

    An argument that the callable needs and the event does not have is `None`, as it is `undefined` in JavaScript.
    """
    if given > arity.most:
        given = arity.most if arity.most > 0 else 0
    while given < arity.least and given < ROOM:
        args[given] = <PyObject *>None
        given += 1
    return PyObject_Vectorcall(callable, args, given | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL)


cdef class Listener:
    """A listener that is more than its callable: for one call only, or of an arity that had to be found out."""

    cdef object callback
    cdef Arity arity
    cdef bint once
    cdef bint fired
    # Known to those wrappers only that `rawListeners` handed out: the emitter (weakly) and the event.
    cdef object target
    cdef object name


# What an emitter is to store for a listener: itself if `arity_at_sight` tells the truth of it, else a `Listener`.
cdef object entry_for(object callback, bint once)

# The callable that the user gave, for what an emitter has stored.
cdef object callback_of(object entry)

# Calls a callback (or what `entry_for` made of it) with as many of the arguments as it can take, and starts the
# coroutine if it made one.
cdef int call1(object callback, object a) except -1
cdef int call2(object callback, object a, object b) except -1
cdef int call3(object callback, object a, object b, object c) except -1

# Starts a coroutine on the loop of this thread; what it raises, its loop reports.
cdef int schedule(object coroutine) except -1
cpdef set_scheduler(object start)
