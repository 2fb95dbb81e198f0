from libc.stdint cimport uint64_t

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
    #define ST_MOVING (1ull << 61)             /* on its way to another thread's loop: there is no C stream */
    """
    const uint64_t RD_FLOW_KNOWN, RD_FLOWING, RD_PAUSE_KNOWN, RD_PAUSED, RD_ENDED, RD_END_EMITTED, RD_END_SCHEDULED
    const uint64_t RD_READING, RD_SYNC, RD_NEED_READABLE, RD_EMITTED_READABLE, RD_READABLE_LISTENING
    const uint64_t RD_RESUME_SCHEDULED, RD_READING_MORE, RD_DATA_LISTENING, RD_DATA_EMITTED, RD_DISABLED, RD_BUFFERED
    const uint64_t RD_DECODING, RD_STARTED, RD_ON_CONNECT, RD_ONREAD, RD_RELAYING, RD_EOF_PENDING
    const uint64_t WR_ENDING, WR_ENDED, WR_FINISHED, WR_FINAL_CALLED, WR_PREFINISHED, WR_NEED_DRAIN, WR_HELD
    const uint64_t WR_DISABLED, WR_PEER_ENDED, WR_ON_CONNECT, WR_RELAYED_TO, WR_OVERRIDDEN
    const uint64_t ST_DESTROYED, ST_CLOSED, ST_CLOSE_EMITTED, ST_ERRORED, ST_ERROR_EMITTED, ST_CONNECTING, ST_HANDLE
    const uint64_t ST_HALF_OPEN, ST_HAD_ERROR, ST_NO_DELAY, ST_KEEP_ALIVE, ST_UNREF, ST_IPC, ST_RESET, ST_COUNTED
    const uint64_t ST_BOUND, ST_IN_FLIGHT, ST_ABORTED, ST_WAS_PENDING, ST_SILENT, ST_END_UNHEARD, ST_MOVING
