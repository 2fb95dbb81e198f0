from netcore._core.loop cimport Handle
from netcore._core.promise cimport Promise
from netcore._core.duplex cimport Duplex

# A promise that is resolved already.
cdef Promise settled(object value)

# What `async for chunk in stream` runs over.
cdef object chunks_of(Duplex stream)

# What `async for socket in server` runs over.
cdef object connections_of(Handle server)

# A promise for the end of `async with stream`: everything sent, then closed.
cdef Promise closing_of(Duplex stream, bint failed)

# A promise for the stream itself, once it is connected.
cdef Promise opening_of(Duplex stream)
