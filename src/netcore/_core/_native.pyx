"""The module whose name the native image bears; the C interface for embedders lives here: see netcore/capi.h."""

from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from cpython.ref cimport Py_INCREF

from netcore._core.capi cimport NC_CAPI_NAME, nc_capi, nc_capi_fill
from netcore._core.loop cimport Loop, current_loop
from netcore._core.nc cimport nc_loop


cdef PyObject *new_reference_to_current_loop() except NULL:
    loop = current_loop()
    Py_INCREF(loop)
    return <PyObject *>loop


cdef nc_loop *loop_of(PyObject *object) except NULL:
    if not isinstance(<object>object, Loop):
        raise TypeError(f"a netcore.Loop is needed, not {<object>object!r}")
    (<Loop>object).check_thread()
    return (<Loop>object).c


cdef int touch(PyObject *loop) except -1:
    return (<Loop>loop).touch()


cdef nc_capi table
nc_capi_fill(&table)
table.current_loop = new_reference_to_current_loop
table.loop_of = loop_of
table.touch = touch

capi = PyCapsule_New(&table, NC_CAPI_NAME, NULL)
