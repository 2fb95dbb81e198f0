from netcore._core.loop cimport Loop, Source
from netcore._core.nc cimport nc_lookup


# One name look-up in progress. It keeps itself alive until it is done.
cdef class Lookup(Source):
    cdef nc_lookup *c
    cdef object done
    cdef list addresses(self)

    # Gives it up: `done` is not called. Nothing happens if it is over.
    cdef void drop(self) noexcept


# Looks up `host` in `family` 4, 6 or 0 for both, with NC_LOOKUP_ flags; then done(status, [(text, family), ...]) with
# the addresses in the resolver's order.
cdef Lookup start_lookup(Loop loop, bytes host, int family, unsigned flags, object done)
