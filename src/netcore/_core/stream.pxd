from libc.stdint cimport uint32_t, uint64_t

from netcore._core.loop cimport Handle
from netcore._core.nc cimport nc_status, nc_stream

# Everything a stream is or is about to do, one bit each. RD_ is about reading, WR_ about writing, ST_ about both.
cdef extern from *:
    """
    #define RD_FLOW_KNOWN (1ull << 0)          /* somebody has decided whether to flow; else readableFlowing is None */
    #define RD_FLOWING (1ull << 1)
    #define RD_PAUSE_KNOWN (1ull << 2)         /* pause() or resume() has been called */
    #define RD_PAUSED (1ull << 3)              /* explicitly */
    #define RD_ENDED (1ull << 4)               /* EOF has come; buffered chunks may still be there */
    #define RD_END_EMITTED (1ull << 5)
    #define RD_END_SCHEDULED (1ull << 6)
    #define RD_READING (1ull << 7)             /* more has been asked for and not come yet */
    #define RD_SYNC (1ull << 8)                /* inside read_more() */
    #define RD_NEED_READABLE (1ull << 9)
    #define RD_EMITTED_READABLE (1ull << 10)
    #define RD_READABLE_LISTENING (1ull << 11)
    #define RD_RESUME_SCHEDULED (1ull << 12)
    #define RD_READING_MORE (1ull << 13)       /* a look whether more should be read is scheduled */
    #define RD_DATA_LISTENING (1ull << 14)
    #define RD_DATA_EMITTED (1ull << 15)
    #define RD_DISABLED (1ull << 16)           /* made with readable=False */
    #define RD_BUFFERED (1ull << 17)           /* chunks are waiting in Python */
    #define RD_DECODING (1ull << 18)
    #define RD_STARTED (1ull << 19)            /* the core delivers what arrives */
    #define RD_ON_CONNECT (1ull << 20)         /* reading starts when the connection is there */
    #define RD_ONREAD (1ull << 21)             /* bytes go to the `onread` option instead of the stream */
    #define RD_RELAYING (1ull << 22)           /* bytes go to another stream in the core */
    #define RD_EOF_PENDING (1ull << 23)        /* EOF came while nobody could see 'readable' */

    #define WR_ENDING (1ull << 24)             /* end() has been called */
    #define WR_ENDED (1ull << 25)
    #define WR_FINISHED (1ull << 26)
    #define WR_FINAL_CALLED (1ull << 27)
    #define WR_PREFINISHED (1ull << 28)
    #define WR_NEED_DRAIN (1ull << 29)
    #define WR_HELD (1ull << 30)               /* corked, or earlier chunks still wait in Python: new ones queue there */
    #define WR_DISABLED (1ull << 31)           /* made with writable=False */
    #define WR_PEER_ENDED (1ull << 32)         /* the other party has ended us: writing after end is EPIPE */
    #define WR_ON_CONNECT (1ull << 33)         /* the half-close waits for the connection */
    #define WR_RELAYED_TO (1ull << 34)         /* another stream's bytes come to this one in the core */
    #define WR_OVERRIDDEN (1ull << 35)         /* a subclass has a write() of its own, which must see the bytes */

    #define ST_DESTROYED (1ull << 40)
    #define ST_CLOSED (1ull << 41)
    #define ST_CLOSE_EMITTED (1ull << 42)
    #define ST_ERRORED (1ull << 43)
    #define ST_ERROR_EMITTED (1ull << 44)
    #define ST_CONNECTING (1ull << 45)
    #define ST_HANDLE (1ull << 46)             /* there is a socket, or one is being connected */
    #define ST_HALF_OPEN (1ull << 47)          /* allowHalfOpen */
    #define ST_HAD_ERROR (1ull << 48)          /* what 'close' will say */
    #define ST_NO_DELAY (1ull << 49)
    #define ST_KEEP_ALIVE (1ull << 50)
    #define ST_UNREF (1ull << 51)
    #define ST_IPC (1ull << 52)
    #define ST_RESET (1ull << 53)              /* to be closed with a reset, when it is connected */
    #define ST_COUNTED (1ull << 54)            /* one of its server's connections */
    #define ST_BOUND (1ull << 55)              /* uses a bound socket that was given to it */
    #define ST_IN_FLIGHT (1ull << 56)          /* destroyed while bytes were still queued */
    #define ST_ABORTED (1ull << 57)            /* by a signal, while connecting */
    #define ST_WAS_PENDING (1ull << 58)        /* destroyed before the connection was there */
    #define ST_SILENT (1ull << 59)             /* a stream that had only a timer is being closed */
    #define ST_END_UNHEARD (1ull << 60)        /* our own listener of 'end' was removed */
    """
    const uint64_t RD_FLOW_KNOWN, RD_FLOWING, RD_PAUSE_KNOWN, RD_PAUSED, RD_ENDED, RD_END_EMITTED, RD_END_SCHEDULED
    const uint64_t RD_READING, RD_SYNC, RD_NEED_READABLE, RD_EMITTED_READABLE, RD_READABLE_LISTENING
    const uint64_t RD_RESUME_SCHEDULED, RD_READING_MORE, RD_DATA_LISTENING, RD_DATA_EMITTED, RD_DISABLED, RD_BUFFERED
    const uint64_t RD_DECODING, RD_STARTED, RD_ON_CONNECT, RD_ONREAD, RD_RELAYING, RD_EOF_PENDING
    const uint64_t WR_ENDING, WR_ENDED, WR_FINISHED, WR_FINAL_CALLED, WR_PREFINISHED, WR_NEED_DRAIN, WR_HELD
    const uint64_t WR_DISABLED, WR_PEER_ENDED, WR_ON_CONNECT, WR_RELAYED_TO, WR_OVERRIDDEN
    const uint64_t ST_DESTROYED, ST_CLOSED, ST_CLOSE_EMITTED, ST_ERRORED, ST_ERROR_EMITTED, ST_CONNECTING, ST_HANDLE
    const uint64_t ST_HALF_OPEN, ST_HAD_ERROR, ST_NO_DELAY, ST_KEEP_ALIVE, ST_UNREF, ST_IPC, ST_RESET, ST_COUNTED
    const uint64_t ST_BOUND, ST_IN_FLIGHT, ST_ABORTED, ST_WAS_PENDING, ST_SILENT, ST_END_UNHEARD


# Chunks that have been received and not read: bytes, or str when the stream decodes.
cdef class Chunks:
    cdef list items
    cdef Py_ssize_t head
    cdef Py_ssize_t length # bytes, or characters
    cdef object decoder
    cdef str encoding
    cdef int append(self, object chunk) except -1
    cdef int push_front(self, object chunk) except -1
    cdef object take(self, Py_ssize_t n)
    cdef object take_first(self)


# One write that somebody wants to hear of: `callback` is due when the core has sent `end` bytes in all.
cdef class Waiting:
    cdef Duplex stream
    cdef object callback
    cdef uint64_t end
    cdef int count     # how often to call, when the same callback was given several times in a row
    cdef bint deferred # its tick has passed and the bytes had not gone


# What a stream needs for writing beyond the core's queue; most streams never have one.
cdef class Writes:
    cdef list held          # (bytes-like, callback) not handed to the core yet: corked, or not connected
    cdef Py_ssize_t held_size
    cdef list waiting       # Waiting, in the order of the writes
    cdef list on_finish     # callbacks of end()
    cdef int corked
    cdef bint settled       # a tick is on its way that looks at 'drain'
    cdef str encoding       # the default encoding


# Members that few streams use.
cdef class Rare:
    cdef object errored
    cdef object failure      # what destroy() was given
    cdef tuple pipes         # where this stream's data goes; replaced, never changed
    cdef tuple sources       # the pipes that lead here, likewise
    cdef object awaiting     # None, a destination, or a set of them whose 'drain' is awaited
    cdef object peer         # remote address, remembered from its first use
    cdef object dialer       # the connection being made
    cdef object onread_buffer
    cdef object onread_make
    cdef object onread_callback
    cdef bytes onread_rest   # received and not handed out, because the callback wanted no more
    cdef object block_list
    cdef list attempted
    cdef object canceled     # the attempt that destroy() has stopped
    cdef dict bound          # the local end of an adopted bound socket
    cdef object timeout
    cdef object signal       # what waits for the signal of the options
    cdef object reason_of    # that signal
    cdef object path         # the bound path of an adopted pipe
    cdef int tos             # -1: never set
    cdef unsigned keep_alive_delay
    cdef uint64_t received_before # by the streams of other loops, before the socket moved here
    cdef uint64_t sent_before


# One pipe that leads out of `source`, as the streams at its two ends see it. See pipe.pyx.
cdef class Link:
    cdef Duplex source
    # The listener that the pipe stands for among those of `name` at `stream`, one of its ends; None if there is none.
    cdef object listener_at(self, Duplex stream, object name)
    cdef int source_flows(self) except -1
    cdef int source_ended(self) except -1
    cdef int fall_back(self) except -1
    cdef int relay_ended(self) except -1
    cdef int drained(self) except -1
    cdef int finished(self) except -1
    cdef int closed(self) except -1
    cdef int failed(self) except -1


cdef class Duplex(Handle):
    cdef nc_stream *c   # NULL without a socket
    cdef uint64_t state
    cdef uint32_t read_mark
    cdef uint32_t write_mark
    cdef uint64_t received_at_close # what the core had counted when the stream was destroyed
    cdef uint64_t sent_at_close
    cdef Chunks chunks
    cdef Writes writes
    cdef Rare rare
    cdef dict __dict__

    cdef Rare rarely(self)
    cdef int enter(self) except -1
    cdef int check_owner(self) except -1

    # What the socket below has to do.
    cdef int read_more(self) except -1
    cdef int final(self) except -1
    cdef int close_handle(self, object error) except -1
    cdef int write_raw(self, object data) except -1
    cdef int emit_close(self, bint told) except -1
    # Of the pipes at this stream.
    cdef int source_flows(self) except -1
    cdef int want_bytes(self) except -1
    cdef list pipe_listeners(self, object name)
    cdef int writing_changed(self) except -1

    # Reading.
    cdef int deliver(self, object chunk) except -1
    cdef int push(self, object chunk) except -1
    cdef int add_chunk(self, object chunk, bint in_front) except -1
    cdef bint takes_more(self)
    cdef int push_eof(self) except -1
    cdef object take(self, Py_ssize_t n)
    cdef Py_ssize_t how_much(self, Py_ssize_t n)
    cdef int flow(self) except -1
    cdef int emit_readable(self) except -1
    cdef int readable_now(self) except -1
    cdef int maybe_read_more(self) except -1
    cdef int end_readable(self) except -1
    cdef int do_pause(self) except -1
    cdef int do_resume(self) except -1
    cdef object taken(self, Py_ssize_t n, Py_ssize_t wanted)
    cdef int forget_awaited(self) except -1

    # Writing.
    cdef object write_slowly(self, object chunk, object encoding, object callback)
    cdef object submit(self, object data, object callback)
    cdef bint over_mark(self) except -1
    cdef object write_checked(self, object chunk, object encoding, object callback)
    cdef object refuse_write(self, object error, object callback)
    cdef object refuse_raw(self, nc_status status, object callback)
    cdef object refuse_now(self, object error, object callback)
    cdef Writes need_writes(self)
    cdef int await_write(self, object callback, bint tick) except -1
    cdef bint below_mark(self)
    cdef object begin_end(self)
    cdef int promise_finish(self, object callback, object error) except -1
    cdef int hand_over(self) except -1
    cdef int settle(self, Waiting upto) except -1
    cdef int drain_now(self) except -1
    cdef int await_sent(self) except -1
    cdef bint needs_drain(self)
    cdef uint64_t sent(self)
    cdef size_t queued(self)
    cdef int flush(self) except -1
    cdef int maybe_finish(self) except -1
    cdef int finalled(self) except -1
    cdef int write_failed(self, object error) except -1
    cdef int fail_writes(self, object error) except -1
    cdef int do_end(self) except -1
    cdef int do_uncork(self) except -1

    # Ending.
    cdef int tear_down(self, object error) except -1


cdef Py_ssize_t memory_size(object data) except -1

# Ticks that a socket below sets off.
cdef int close_tick(object stream) except -1
cdef int error_close_tick(object stream) except -1
