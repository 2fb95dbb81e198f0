# An extension in Cython that uses the table: what tests of it need.
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_Import

from netcore._core.capi cimport NC_CAPI_NAME, nc_capi, nc_sink, nc_sink_owner
from netcore._core.nc cimport NC_EVENT_TIMER, nc_event, nc_loop, nc_timer

cdef const nc_capi *nc = <const nc_capi *>PyCapsule_Import(NC_CAPI_NAME, 0)

cdef struct Ticker:
    nc_sink sink # at the front, so that a pointer to it is one to this
    nc_timer *timer
    PyObject *owner


cdef int ticked(nc_sink *sink, const nc_event *event) except -1:
    if event.type == NC_EVENT_TIMER:
        (<Clock>(<Ticker *>sink).owner).tick()
    return 0


cdef class Clock:
    """Counts how often its timer has fired, up to `limit`."""
    cdef Ticker ticker
    cdef object loop
    cdef readonly int count
    cdef int limit

    def __init__(self, loop, int limit):
        self.loop = loop
        self.limit = limit
        self.ticker.sink.on_event = ticked
        self.ticker.owner = <PyObject *>self
        nc.timer_new(nc.loop_of(<PyObject *>loop), nc_sink_owner(&self.ticker.sink), &self.ticker.timer)
        self.start()
        nc.touch(<PyObject *>loop)

    cdef int start(self) except -1:
        nc.timer_start(self.ticker.timer, 1)
        return 0

    cdef int tick(self) except -1:
        self.count += 1
        return self.start() if self.count < self.limit else 0

    def __dealloc__(self):
        nc.timer_free(self.ticker.timer)


def table_size():
    return nc.size, sizeof(nc_capi)


def loop_of_current():
    """The same C loop by both ways."""
    cdef PyObject *loop = nc.current_loop()
    answer = <object>loop
    nc.loop_of(loop)
    return answer


def now(loop):
    return nc.loop_now(nc.loop_of(<PyObject *>loop))
