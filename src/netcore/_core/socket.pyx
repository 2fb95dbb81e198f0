"""`Socket`: a TCP connection or one end of a Unix-domain socket, with Node's events, properties and methods."""

import os
import stat

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport intptr_t, uint64_t

from netcore._core.aborting cimport check_signal, on_abort
from netcore._core.arguments cimport add_keywords, check_int32, check_number, is_truthy, merge, normalize
from netcore._core.blocklist cimport BlockList
from netcore._core.bound cimport BoundSocket
from netcore._core.buffers cimport is_small
from netcore._core.dialer cimport Attempt, Dialer, Route, literal_route
from netcore._core.duplex cimport Waiting, Writes, memory_size, settle_there
from netcore._core.errors cimport (
    abort_error, errno_error, invalid_arg_type, invalid_arg_value, misuse, out_of_range,
)
from netcore._core.hosts cimport address_dict
from netcore._core.iteration cimport chunks_of, closing_of, opening_of
from netcore._core.listener cimport call1
from netcore._core.loop cimport Loop, Luggage
from netcore._core.nc cimport *
from netcore._core.onread cimport OnRead, onread_of
from netcore._core.pipe cimport Pipe, close_pipe, open_pipe
from netcore._core.stream cimport DEFAULT_MARK, Link, Rare, close_tick, error_close_tick, go_on_there, has_left
from netcore._core.stream_state cimport *

from netcore._core.dialer import CONNECT_OPTIONS

cdef gone_fn server_lost_one = NULL

cdef int LONGEST_TIMEOUT = 0x7FFFFFFF

SOCKET_OPTIONS = frozenset((
    "allowHalfOpen", "blockList", "defaultEncoding", "encoding", "fd", "handle", "highWaterMark", "keepAlive",
    "keepAliveInitialDelay", "noDelay", "onread", "pauseOnCreate", "readable", "readableHighWaterMark", "signal",
    "typeOfService", "writable", "writableHighWaterMark",
))

# Such as most connections are made with, and a proxy's are.
cdef frozenset PLAIN_OPTIONS = frozenset(("allowHalfOpen", "host", "keepAlive", "noDelay", "port"))


cdef void set_gone(gone_fn gone) noexcept:
    global server_lost_one
    server_lost_one = gone


# -- ticks -----------------------------------------------------------------------------------------------------------

cdef int close_without_handle_tick(object socket) except -1:
    cdef Socket self = socket
    self.emit_close(False)
    return self.fail_pending(True)


cdef Socket accepted(object server, object loop, nc_stream *stream, bint half_open, bint paused, unsigned mark):
    cdef Socket self = Socket.__new__(Socket)
    self._loop = loop
    self._server = server
    self.c = stream
    nc_stream_set_owner(stream, <void *>self)
    self.open_reference()
    self.state = ST_HANDLE | ST_COUNTED
    if half_open:
        self.state |= ST_HALF_OPEN
    self.read_mark = mark
    self.write_mark = mark
    if paused:
        self.state |= RD_FLOW_KNOWN
    else:
        self.state |= RD_READING | RD_STARTED | RD_NEED_READABLE
        nc_stream_read_start(stream)
    return self


cdef class Socket(Dialer):
    """A TCP connection, or one end of a Unix-domain socket: a duplex stream of bytes, as Node's `net.Socket`.

    Options, in a mapping or as keywords: `allowHalfOpen` (default False: ends itself when the other party has), `fd`
    (a connected socket's descriptor), `handle` (a `BoundSocket`), `readable` and `writable` (False closes that side of
    an `fd`), `onread` (`{'buffer': bytearray or function, 'callback': function}`), `signal` (an `AbortSignal` that
    destroys the socket), `highWaterMark` (bytes), `noDelay`, `keepAlive`, `keepAliveInitialDelay` (milliseconds),
    `typeOfService` (0 to 255), `blockList`. Wrong ones raise `TypeError` and `ValueError` with Node's codes.

    Events, with what their listeners are called with: 'lookup' (error, address, family, host), 'connectionAttempt' and
    'connectionAttemptTimeout' (address, port, family), 'connectionAttemptFailed' (address, port, family, error),
    'connect', 'ready', 'data' (chunk), 'readable', 'end', 'drain', 'prefinish', 'finish', 'pause', 'resume', 'timeout',
    'pipe' (source), 'unpipe' (source, options), 'error' (error), 'close' (whether there was an error).
    """

    def __init__(self, options=None, **keywords):
        if options is None and not keywords:
            return
        if isinstance(options, int) and not isinstance(options, bool):
            options = {"fd": options}
        given = merge(options, keywords, SOCKET_OPTIONS, "Socket")
        if are_plain(given):
            self.set_up_plainly(given)
        else:
            self.set_up(given)

    cdef int set_up_plainly(self, dict options) except -1:
        """What the options ask for, which are plain."""
        if options.get("allowHalfOpen"):
            self.state |= ST_HALF_OPEN
        if options.get("noDelay"):
            self.state |= ST_NO_DELAY
        if options.get("keepAlive"):
            self.state |= ST_KEEP_ALIVE
        return 0

    cdef int set_up(self, dict options) except -1:
        """What the options ask for, in the order in which Node looks at them."""
        check_stream_options(options)
        delay = options.get("keepAliveInitialDelay")
        if delay is not None:
            delay = max(check_number(delay, "options.keepAliveInitialDelay"), 0)
        if options.get("allowHalfOpen"):
            self.state |= ST_HALF_OPEN
        self.read_mark = mark_from(options, "readableHighWaterMark")
        self.write_mark = mark_from(options, "writableHighWaterMark")
        if options.get("encoding") is not None:
            self.setEncoding(options["encoding"])
        if options.get("defaultEncoding") is not None:
            self.setDefaultEncoding(options["defaultEncoding"])
        if options.get("readable") is False:
            self.state |= RD_DISABLED | RD_ENDED | RD_END_EMITTED
        if options.get("writable") is False:
            self.state |= WR_DISABLED | WR_ENDING | WR_ENDED | WR_FINISHED
        signal = options.get("signal")
        if signal is not None:
            check_signal(signal, "signal")
        self.set_up_handle(options)
        onread = onread_of(options.get("onread"))
        if onread is not None:
            self.rarely().onread = onread
            self.state |= RD_ONREAD
        if options.get("noDelay"):
            self.state |= ST_NO_DELAY
        if options.get("keepAlive"):
            self.state |= ST_KEEP_ALIVE
        if delay is not None:
            self.rarely().keep_alive_delay = number_of_seconds(delay)
        if options.get("typeOfService") is not None:
            self.rarely().tos = check_int32(options["typeOfService"], "options.typeOfService", 0, 255)
        block_list = options.get("blockList")
        if is_truthy(block_list):
            if not isinstance(block_list, BlockList):
                raise invalid_arg_type("options.blockList", "net.BlockList", block_list)
            self.rarely().block_list = block_list
        if self.state & ST_HANDLE and not self.state & (ST_BOUND | RD_DISABLED):
            self.begin_reading(options)
        if signal is not None:
            self.follow(signal)
        return 0

    cdef int set_up_handle(self, dict options) except -1:
        handle = options.get("handle")
        if handle is not None:
            if not isinstance(handle, BoundSocket):
                raise invalid_arg_type("options.handle", "net.BoundSocket", handle)
            return self.adopt_bound(handle)
        if options.get("fd") is not None:
            return self.adopt_descriptor(options["fd"])
        return 0

    cdef int adopt_bound(self, BoundSocket bound) except -1:
        cdef nc_status status
        cdef intptr_t fd = bound.consume()
        self.open_handle()
        status = nc_stream_adopt_bound(self.c, fd)
        if status != 0:
            nc_socket_close(fd)
            raise errno_error(status, "open")
        self.state |= ST_HANDLE | ST_BOUND
        self.rarely().bound = bound.name
        if bound.path is not None:
            self.state |= ST_IPC
            self.rarely().path = bound.path
        return 0

    cdef int adopt_descriptor(self, object fd) except -1:
        cdef nc_status status
        check_descriptor(check_int32(fd, "fd", 0, 0x7FFFFFFF))
        self.open_handle()
        status = nc_stream_adopt(self.c, fd)
        if status != 0:
            raise errno_error(status, "open")
        self.state |= ST_HANDLE
        if nc_stream_is_local(self.c):
            self.state |= ST_IPC
        return 0

    cdef int begin_reading(self, dict options) except -1:
        if options.get("pauseOnCreate"):
            self.state |= RD_FLOW_KNOWN
            return 0
        self.enter()
        self.take(0)
        return 0

    cdef int follow(self, object signal) except -1:
        """From now on `signal` destroys this socket."""
        self.rarely()
        self.enter()
        if not signal.aborted:
            self.rare.reason_of = signal
            self.rare.signal = on_abort(signal, self._aborted)
        if signal.aborted: # perhaps only now, on another thread
            self.state |= ST_ABORTED
            return self.tear_down(abort_error(signal.reason))
        return 0

    def _aborted(self):
        """What the signal calls that was given as an option."""
        there = self.elsewhere()
        if there is not None:
            there.post(self._aborted)
            return
        self.check_caller()
        if self.rare is not None and self.rare.reason_of is not None:
            self.state |= ST_ABORTED
            self.tear_down(abort_error(self.rare.reason_of.reason))

    cdef int inherit(self, bint no_delay, bint keep_alive, unsigned delay) except -1:
        """Notes what the server has set on the accepted connection."""
        if no_delay:
            self.state |= ST_NO_DELAY
        if keep_alive:
            self.state |= ST_KEEP_ALIVE
            self.rarely().keep_alive_delay = delay
        return 0

    # -- what the core tells -----------------------------------------------------------------------------------------

    cdef int on_event(self, nc_event *event) except -1:
        if event.type == NC_EVENT_DATA:
            return self.data_arrived(event)
        if event.type == NC_EVENT_WROTE:
            return self.settle(None)
        if event.type == NC_EVENT_EOF:
            return self.eof_arrived()
        if event.type == NC_EVENT_CONNECT:
            return self.attempt_ended(event.status)
        if event.type == NC_EVENT_FINISH:
            return self.finalled()
        if event.type == NC_EVENT_SEND_ERROR:
            return self.write_failed(errno_error(event.status, "write"))
        if event.type == NC_EVENT_RECV_ERROR:
            return self.tear_down(errno_error(event.status, "read"))
        if event.type == NC_EVENT_IDLE:
            return self.idle()
        if event.type == NC_EVENT_CLOSED:
            if event.stream == self.c and self.c != NULL:
                self.lose_handle()
            return self.handle_closed()
        return 0

    cdef int lose_handle(self) except -1:
        """The C stream has been closed by the end of the loop. Its counts have gone with it."""
        if not self.state & ST_HANDLE: # it was there for its timer alone
            self.state |= ST_SILENT
        self.c = NULL
        self.state &= ~(ST_HANDLE | ST_CONNECTING | RD_STARTED)
        self.state |= ST_DESTROYED | ST_CLOSED
        return 0

    cdef int data_arrived(self, nc_event *event) except -1:
        cdef Loop here = self._loop
        if self.state & RD_ONREAD and is_small(event):
            return (<OnRead>self.rare.onread).feed(self, <const char *>event.data, event.size)
        chunk = here.buffers.chunk_of(event)
        if self.state & RD_ONREAD:
            return (<OnRead>self.rare.onread).feed(self, PyBytes_AS_STRING(chunk), PyBytes_GET_SIZE(chunk))
        if not self.deliver(chunk) and not has_left(self, here):
            self.read_no_more()
        return 0

    cdef int eof_arrived(self) except -1:
        if self.state & RD_RELAYING:
            (<Link>self.rare.pipes[0]).relay_ended()
        if self.state & RD_END_EMITTED:
            return 0
        here = self._loop
        self.push_eof()
        if not has_left(self, here): # else its new loop comes upon the end, too
            self.take(0)
        return 0

    cdef int idle(self) except -1:
        if not self.state & ST_HANDLE and self.c != NULL:
            self.drop_idle_handle()
        self.emit0("timeout")
        return 0

    cdef int drop_idle_handle(self) except -1:
        """A C stream that was there for its timer alone is closed without a word."""
        self.state |= ST_SILENT
        nc_stream_close(self.c)
        self.c = NULL
        return 0

    cdef int handle_closed(self) except -1:
        if self.state & ST_SILENT:
            self.state &= ~ST_SILENT
            self.close_reference()
            return 0
        try:
            if not self.state & ST_WAS_PENDING:
                self.fail_pending(False)
            elif self.rare is not None and self.rare.canceled is not None:
                self.tell_canceled()
            self.emit_close(True)
            if self.state & ST_WAS_PENDING:
                self.fail_pending(True)
        finally:
            self.close_reference()
        return 0

    cdef int fail_pending(self, bint never_connected) except -1:
        """After the handle is closed: the write that was in progress is told, and through it the rest."""
        cdef Writes writes = self.writes
        self.state &= ~ST_IN_FLIGHT
        if writes is None or not (writes.waiting or writes.held or writes.on_finish is not None):
            return 0
        if never_connected:
            if writes.held:
                # Node counts the first write as on its way.
                self.sent_at_close += memory_size(writes.held[0][0])
            error = misuse("ERR_SOCKET_CLOSED_BEFORE_CONNECTION")
        else:
            error = errno_error(NC_ECANCELED, "write")
        if writes.waiting or writes.held:
            self.note_error(error)
        return self.fail_writes(error)

    # -- what the stream asks for ------------------------------------------------------------------------------------

    cdef int read_more(self) except -1:
        if self.state & ST_CONNECTING or not self.state & ST_HANDLE:
            self.state |= RD_ON_CONNECT
        elif not self.state & RD_STARTED and self.c != NULL:
            self.state |= RD_STARTED
            self.enter()
            nc_stream_read_start(self.c)
        return 0

    cdef int read_no_more(self) except -1:
        if self.state & RD_STARTED and self.c != NULL:
            nc_stream_read_stop(self.c)
        self.state &= ~RD_STARTED
        return 0

    cdef int final(self) except -1:
        if self.state & ST_CONNECTING:
            self.state |= WR_ON_CONNECT
        elif not self.state & ST_HANDLE:
            return self.finalled()
        else:
            nc_stream_shutdown(self.c)
        return 0

    cdef int handle_made(self) except -1:
        if self.state & ST_UNREF:
            nc_stream_unref(self.c)
        if self.rare is not None and self.rare.timeout:
            nc_stream_set_timeout(self.c, timeout_ms(self.rare.timeout))
        return 0

    cdef int connected(self) except -1:
        """The connection is there."""
        cdef Loop here = self._loop
        self.apply_options()
        self.emit0("connect")
        if has_left(self, here):
            return go_on_there(self, connected_there)
        return self.is_connected()

    cdef int is_connected(self) except -1:
        cdef Loop here = self._loop
        if self.state & ST_HANDLE:
            self.after_connect()
        elif self.writes is not None and self.writes.held:
            self.lose_writes()
        if has_left(self, here):
            return go_on_there(self, connected_there)
        self.emit0("ready")
        if has_left(self, here):
            return go_on_there(self, ready_there)
        return self.is_ready()

    cdef int is_ready(self) except -1:
        if self.state & ST_HANDLE and not self.state & RD_PAUSED and (
            (self.state & (RD_FLOW_KNOWN | RD_FLOWING)) != RD_FLOW_KNOWN
        ):
            self.take(0)
        return self.relays_again()

    cdef int after_connect(self) except -1:
        """What waited for the connection: reading, a reset, the writes and the half-close."""
        cdef Waiting first = None
        cdef Writes writes = self.writes
        if self.state & RD_ON_CONNECT:
            self.state &= ~RD_ON_CONNECT
            self.read_more()
        if self.state & ST_RESET:
            return self.tear_down(None)
        if writes is not None and writes.held and not writes.corked:
            _, callback = writes.held[0]
            self.hand_over()
            self.flush()
            here = self._loop
            self.drain_now()
            if has_left(self, here):
                return 0
            if callback is not None and writes.waiting:
                first = writes.waiting[0]
            if first is not None and first.end <= self.sent():
                # The first write was waiting for this very moment, and is told at once.
                first.count -= 1
                if first.count == 0 and len(writes.waiting) > 1:
                    del writes.waiting[0]
                call1(callback, None)
                if has_left(self, here):
                    return 0
        if self.state & WR_ON_CONNECT and self.state & ST_HANDLE:
            self.state &= ~WR_ON_CONNECT
            return self.final()
        return 0

    cdef int lose_writes(self) except -1:
        """A listener of 'connect' destroyed the socket: the writes that waited for it have failed."""
        error = misuse("ERR_SOCKET_CLOSED")
        self.note_error(error)
        return self.fail_writes(error)

    cdef int apply_options(self) except -1:
        cdef nc_stream *c = self.c
        cdef nc_status status
        if self.state & ST_IPC:
            return 0
        if self.state & ST_NO_DELAY:
            nc_stream_set_no_delay(c, True)
        if self.state & ST_KEEP_ALIVE:
            nc_stream_set_keep_alive(c, True, self.rare.keep_alive_delay if self.rare is not None else 0)
        if self.rare is not None and self.rare.tos >= 0:
            status = nc_stream_set_type_of_service(c, self.rare.tos)
            if status != 0:
                self._staying += 1 # 'connect' comes next
                try:
                    self.emit1("error", errno_error(status, "setTypeOfService"))
                finally:
                    self._staying -= 1
        return 0

    cdef int relays_again(self) except -1:
        """Pipes at this socket may be relayed by the core, now that it is connected."""
        if self.rare is None:
            return 0
        if self.rare.pipes and self.state & RD_FLOWING:
            self.source_flows()
        if self.rare.sources:
            for link in self.rare.sources:
                if (<Pipe>link).source.state & RD_FLOWING:
                    (<Link>link).source_flows()
        return 0

    cdef int close_handle(self, object error) except -1:
        """The end of destroy(): closes the socket below, and settles what there is to hear of it."""
        cdef Loop loop = self._loop
        cdef bint connecting = (self.state & ST_CONNECTING) != 0
        self.state &= ~(ST_CONNECTING | RD_STARTED)
        if connecting:
            self.race_over()
        if self.rare is not None and self.rare.signal is not None:
            self.rare.signal.stop()
            self.rare.signal = None
            self.rare.reason_of = None
        if self.state & ST_HANDLE:
            self.close_socket(error, connecting)
            self.state |= ST_CLOSED
            loop.tick_c(error_close_tick if error is not None else close_tick, self)
        else:
            self.state |= ST_CLOSED
            if self.c != NULL:
                self.drop_idle_handle()
            loop.tick_c(error_close_tick if error is not None else close_tick, self)
            loop.tick_c(close_without_handle_tick, self)
        if self.state & ST_COUNTED:
            self.state &= ~ST_COUNTED
            return server_lost_one(self._server)
        return 0

    cdef int close_socket(self, object error, bint connecting) except -1:
        cdef nc_stream *c = self.c
        if error is not None:
            self.state |= ST_HAD_ERROR
        if not connecting:
            self.flush()
            if nc_stream_bytes_queued(c) > 0:
                self.state |= ST_IN_FLIGHT
        else:
            self.state |= ST_IN_FLIGHT
        self.received_at_close = nc_stream_bytes_received(c)
        self.sent_at_close = nc_stream_bytes_sent(c)
        self.c = NULL
        self.state &= ~ST_HANDLE
        if self.state & ST_RESET:
            self.state &= ~ST_RESET
            nc_stream_reset(c)
        else:
            nc_stream_close(c)
        return 0

    # -- methods -----------------------------------------------------------------------------------------------------

    def pause(self):
        """Stops the flow of 'data' events. What arrives meanwhile is buffered up to the high-water mark."""
        self.check_caller()
        if self.state & RD_ONREAD and not self.state & ST_CONNECTING:
            self.read_no_more()
        self.do_pause()
        return self

    def resume(self):
        """Lets 'data' events flow, on the next tick."""
        self.check_caller()
        if self.state & RD_ONREAD:
            (<OnRead>self.rare.onread).restart(self)
        self.do_resume()
        return self

    def read(self, size=None):
        """Takes `size` bytes (or characters, after `setEncoding`) out of what has been received; None if there are
        not that many yet. Without `size`, takes what there is."""
        self.check_caller()
        if self.state & RD_ONREAD:
            (<OnRead>self.rare.onread).restart(self)
            return None
        return Dialer.read(self, size)

    def pipe(self, destination, options=None, *, end=None):
        """Writes what arrives to `destination`: a `Socket`, anything with `write` and `end`, or a binary file. Returns
        the destination. `end=False` leaves it open when this socket ends."""
        self.check_caller()
        if end is None:
            end = options.get("end") if options is not None else None
        open_pipe(self, destination, end is not False)
        return destination

    def unpipe(self, destination=None):
        """Ends the pipe to `destination`, or all pipes, and pauses if none remains."""
        self.check_caller()
        close_pipe(self, destination)
        return self

    def destroySoon(self):
        """Destroys the socket when everything written has been sent."""
        self.check_caller()
        if self.writable:
            self.end()
        if self.state & WR_FINISHED:
            self.tear_down(None)
        else:
            self.listen_to("finish", self._destroy_finished, True)

    def _destroy_finished(self):
        self.tear_down(None)

    def resetAndDestroy(self):
        """Closes a TCP connection with a reset: the peer's reads fail with ECONNRESET. `ERR_INVALID_HANDLE_TYPE` for a
        Unix-domain socket."""
        self.check_caller()
        if not self.state & ST_HANDLE:
            self.tear_down(misuse("ERR_SOCKET_CLOSED"))
            return self
        if self.state & ST_IPC:
            raise misuse("ERR_INVALID_HANDLE_TYPE")
        self.state |= ST_RESET
        if not self.state & ST_CONNECTING:
            self.tear_down(None)
        return self

    def setTimeout(self, timeout, callback=None):
        """Emits 'timeout' when no byte has moved either way for `timeout` milliseconds; 0 turns that off. It only tells:
        the socket stays open. `callback` is added once for 'timeout'. `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE`."""
        cdef uint64_t ms
        self.check_caller()
        if self.state & ST_DESTROYED:
            return self
        self.rarely().timeout = timeout
        ms = checked_timeout(timeout)
        if self.c != NULL:
            nc_stream_set_timeout(self.c, ms)
        elif ms:
            self.open_handle()
        self.enter()
        if callback is not None:
            if not callable(callback):
                raise invalid_arg_type("callback", "function", callback)
            if ms:
                self.listen_to("timeout", callback, True)
            else:
                self.forget("timeout", callback)
        return self

    def setNoDelay(self, noDelay=True):
        """Sends small packets at once instead of collecting them (TCP_NODELAY)."""
        cdef bint on = noDelay is None or bool(noDelay)
        self.check_caller()
        if self.state & ST_HANDLE and not self.state & ST_IPC and on != bool(self.state & ST_NO_DELAY):
            nc_stream_set_no_delay(self.c, on)
        self.state = self.state | ST_NO_DELAY if on else self.state & ~ST_NO_DELAY
        return self

    def setKeepAlive(self, enable=False, initialDelay=0):
        """Has the system probe an idle connection, at first after `initialDelay` milliseconds (0: as it was), then
        every second, ten times."""
        cdef Rare rare
        cdef bint on
        self.check_caller()
        rare = self.rarely()
        if hasattr(enable, "get"):
            enable, initialDelay = enable.get("enable"), enable.get("initialDelay")
        on = bool(enable)
        delay = number_of_seconds(initialDelay)
        if self.state & ST_HANDLE and not self.state & ST_IPC:
            if on != bool(self.state & ST_KEEP_ALIVE) or on and rare.keep_alive_delay != delay:
                nc_stream_set_keep_alive(self.c, on, delay)
        self.state = self.state | ST_KEEP_ALIVE if on else self.state & ~ST_KEEP_ALIVE
        rare.keep_alive_delay = delay
        return self

    def setTypeOfService(self, tos):
        """Sets the type-of-service byte (traffic class in IPv6) of the packets sent: 0 to 255."""
        cdef nc_status status
        cdef int value = check_int32(tos, "tos", 0, 255)
        cdef bint changed
        self.check_caller()
        changed = value != self.rarely().tos
        self.rare.tos = value
        if changed and self.state & ST_HANDLE and not self.state & ST_IPC:
            status = nc_stream_set_type_of_service(self.c, value)
            if status != 0:
                raise errno_error(status, "setTypeOfService")
        return self

    def getTypeOfService(self):
        """The type-of-service byte that is in force. Before `connect()` and after the close, what was set, else 0. EBADF
        between `connect()` and the attempt, when there is no descriptor to ask."""
        cdef unsigned tos = 0
        cdef nc_status status
        self.check_caller()
        if not self.state & ST_HANDLE or self.state & ST_IPC:
            return self.rare.tos if self.rare is not None and self.rare.tos >= 0 else 0
        status = nc_stream_get_type_of_service(self.c, &tos)
        if status != 0:
            raise errno_error(status, "getTypeOfService")
        return tos

    def ref(self):
        """Makes the socket keep the loop running while it is open, as it does at first."""
        self.check_caller()
        self.state &= ~ST_UNREF
        if self.c != NULL:
            nc_stream_ref(self.c)
        return self

    def unref(self):
        """Lets the loop end although this socket is open."""
        self.check_caller()
        self.state |= ST_UNREF
        if self.c != NULL:
            nc_stream_unref(self.c)
        return self

    def address(self):
        """The local end: `{'address': str, 'family': 'IPv4' or 'IPv6', 'port': int}`; empty without one."""
        return dict(self.name_of(False))

    # -- properties --------------------------------------------------------------------------------------------------

    cdef object name_of(self, bint peer):
        cdef nc_addr addr
        cdef nc_status status
        self.check_caller()
        if peer:
            if self.rare is not None and self.rare.peer is not None:
                return self.rare.peer
            if not self.state & ST_HANDLE or self.state & (ST_CONNECTING | ST_IPC):
                return {}
            status = nc_stream_peer_address(self.c, &addr)
        else:
            if self.rare is not None and self.rare.path is not None:
                return {"address": self.rare.path}
            if not self.state & ST_HANDLE or self.state & ST_IPC:
                return {}
            if self.rare is not None and self.rare.bound is not None and self.state & ST_CONNECTING:
                return self.rare.bound
            status = nc_stream_local_address(self.c, &addr)
            if status != 0 and self.rare is not None and self.rare.bound is not None:
                return self.rare.bound
        if status != 0 or addr.family == 0:
            return {}
        name = address_dict(&addr)
        if peer:
            self.rarely().peer = name
        return name

    @property
    def localAddress(self):
        """The local IP address, or None."""
        return self.name_of(False).get("address")

    @property
    def localPort(self):
        """The local port, or None."""
        return self.name_of(False).get("port")

    @property
    def localFamily(self):
        """`'IPv4'` or `'IPv6'`, or None."""
        return self.name_of(False).get("family")

    @property
    def remoteAddress(self):
        """The other party's IP address, or None."""
        return self.name_of(True).get("address")

    @property
    def remotePort(self):
        """The other party's port, or None."""
        return self.name_of(True).get("port")

    @property
    def remoteFamily(self):
        """`'IPv4'` or `'IPv6'`, or None."""
        return self.name_of(True).get("family")

    @property
    def bytesRead(self):
        """How many bytes have been received."""
        cdef Rare rare
        cdef uint64_t received
        self.check_caller()
        rare = self.rare
        received = nc_stream_bytes_received(self.c) if self.state & ST_HANDLE else self.received_at_close
        if rare is None:
            return received
        received += rare.received_before
        if self.state & RD_ONREAD and (<OnRead>rare.onread).rest is not None:
            received -= len((<OnRead>rare.onread).rest)
        return received

    @property
    def bytesWritten(self):
        """How many bytes have been written, including those still queued."""
        self.check_caller()
        return self.sent() + self.queued() + (self.rare.sent_before if self.rare is not None else 0)

    @property
    def bufferSize(self):
        """The same as `writableLength`, or None without a connection. Deprecated in Node."""
        self.check_caller()
        if not self.state & ST_HANDLE:
            return None
        return self.writableLength

    @property
    def connecting(self):
        """Whether `connect()` has been called and has not ended."""
        return bool(self.state & ST_CONNECTING)

    @property
    def pending(self):
        """Whether there is no connection yet, or none any more."""
        return not self.state & ST_HANDLE or bool(self.state & ST_CONNECTING)

    @property
    def readyState(self):
        """`'opening'`, `'open'`, `'readOnly'`, `'writeOnly'` or `'closed'`."""
        if self.state & ST_CONNECTING:
            return "opening"
        if self.readable:
            return "open" if self.writable else "readOnly"
        return "writeOnly" if self.writable else "closed"

    @property
    def timeout(self):
        """What was given to `setTimeout`, in milliseconds, or None."""
        self.check_caller()
        return self.rare.timeout if self.rare is not None else None

    @property
    def autoSelectFamilyAttemptedAddresses(self):
        """The addresses tried, as `'address:port'`; None unless several were to be tried."""
        self.check_caller()
        return self.rare.attempted if self.rare is not None else None

    @property
    def server(self):
        """The server that accepted this connection, or None."""
        self.check_caller()
        return self._server

    @property
    def blockList(self):
        """The block list that connections of this socket are checked against, or None."""
        self.check_caller()
        return self.rare.block_list if self.rare is not None else None

    # -- coroutines and threads --------------------------------------------------------------------------------------

    def __aiter__(self):
        """The chunks that arrive, until the end. Leaving the loop early destroys the socket, as in Node."""
        self.check_caller()
        return chunks_of(self)

    def __aenter__(self):
        """Waits for the connection, if one is being made."""
        self.check_caller()
        return opening_of(self)

    def __aexit__(self, kind, error, trace):
        """Sends what was written, closes, and waits until that is done; after an exception, closes at once."""
        self.check_caller()
        return closing_of(self, kind is not None)

    cdef int refuse_to_leave(self) except -1:
        """Raises where the socket cannot move."""
        cdef Pipe pipe
        if not self.state & ST_HANDLE or self.state & (ST_CONNECTING | ST_DESTROYED | ST_ERRORED):
            raise misuse("ERR_SOCKET_CLOSED")
        if self._staying:
            raise RuntimeError(
                "a socket does not move in the middle of pipe() or unpipe(), nor while listeners of 'end', 'prefinish', "
                "'finish', 'newListener' or 'removeListener' or its onread callback run; setImmediate() gets out of there"
            )
        if self.rare.iterations:
            raise RuntimeError("a socket does not move while a coroutine iterates over it")
        for link in self.rare.pipes + self.rare.sources:
            pipe = link
            if pipe.target is not None and pipe.target is not pipe.source:
                raise RuntimeError("a socket does not move while there is a pipe between it and another one: see unpipe()")
        return 0

    cdef Luggage leave(self):
        """Takes the descriptor away from this thread's loop."""
        cdef Attempt grave
        cdef Luggage luggage = Luggage.__new__(Luggage)
        cdef Rare rare = self.rarely()
        cdef Waiting waiting
        cdef nc_status status
        self.check_caller()
        self.refuse_to_leave()
        self.want_bytes()
        self.writing_changed()
        status = nc_stream_release(self.c, &luggage.descriptor)
        if status != 0:
            raise errno_error(status, "release")
        grave = Attempt.__new__(Attempt)
        grave._loop = self._loop
        nc_stream_set_owner(self.c, <void *>grave)
        grave.open_reference()
        rare.received_before += nc_stream_bytes_received(self.c)
        rare.sent_before += nc_stream_bytes_sent(self.c)
        self.c = NULL
        self.state |= ST_MOVING
        if self.writes is not None:
            for waiting in self.writes.waiting:
                waiting.end = 0 # all has been sent, and the next stream counts anew
        rare.luggage = luggage
        self.close_reference()
        return luggage

    cdef int arrive(self) except -1:
        cdef Luggage luggage
        cdef nc_status status
        if not self.state & ST_MOVING:
            return 0
        self.open_handle()
        self.state &= ~ST_MOVING
        luggage = self.rare.luggage
        self.rare.luggage = None
        status = nc_stream_adopt(self.c, luggage.descriptor)
        if status != 0:
            return self.tear_down(errno_error(status, "open"))
        luggage.descriptor = -1
        if self.state & RD_STARTED:
            nc_stream_read_start(self.c)
        luggage.unpack(self._loop)
        # What the stream on the old loop had not told yet: that all is sent, and that the half-close is done.
        self._loop.tick_c(settle_there, self)
        if (self.state & (WR_FINAL_CALLED | WR_PREFINISHED)) == WR_FINAL_CALLED:
            nc_stream_shutdown(self.c)
        return self.relays_again()


cdef int connected_there(object socket) except -1:
    return (<Socket>socket).is_connected()


cdef int ready_there(object socket) except -1:
    return (<Socket>socket).is_ready()


# -- options ---------------------------------------------------------------------------------------------------------

cdef bint are_plain(dict options) except -1:
    """Whether there is nothing unusual among the options."""
    for name in options:
        if name not in PLAIN_OPTIONS:
            return False
    return True


cdef int check_stream_options(dict options) except -1:
    for name in ("objectMode", "readableObjectMode", "writableObjectMode"):
        if options.get(name):
            raise invalid_arg_value(f"options.{name}", options[name], "is not supported")
    return 0


cdef unsigned mark_from(dict options, str name) except? 0:
    """The high-water mark of one side."""
    value = options.get("highWaterMark")
    if value is None:
        value = options.get(name)
    if value is None:
        return DEFAULT_MARK
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf") or value != int(value):
        raise invalid_arg_value(f"options.{name}", value)
    return min(int(value), 0x7FFFFFFF)


cdef int check_descriptor(int fd) except -1:
    """Refuses what is no stream socket, with the name that Node has for it."""
    kind = "UNKNOWN"
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        raise misuse("ERR_INVALID_FD_TYPE", kind) from None
    if stat.S_ISSOCK(mode):
        return 0
    if stat.S_ISREG(mode):
        kind = "FILE"
    elif os.isatty(fd):
        kind = "TTY"
    elif stat.S_ISFIFO(mode):
        kind = "PIPE"
    raise misuse("ERR_INVALID_FD_TYPE", kind)


cdef uint64_t checked_timeout(object value) except? 0xFFFFFFFF:
    check_number(value, "msecs")
    if not 0 <= value < float("inf"):
        raise out_of_range("msecs", "a non-negative finite number", value)
    return timeout_ms(value)


cdef uint64_t timeout_ms(object value):
    if value > LONGEST_TIMEOUT:
        return LONGEST_TIMEOUT
    return max(int(value), 1) if value > 0 else 0


cdef unsigned number_of_seconds(object ms):
    try:
        return max(int(ms / 1000), 0)
    except (TypeError, ValueError, OverflowError):
        return 0


# -- connect() -------------------------------------------------------------------------------------------------------

def connect(*args, **options):
    """Makes a `Socket` and connects it: `connect(port[, host][, listener])`, `connect(path[, listener])` or
    `connect(options[, listener])`, with the options of `Socket` and of its `connect`, which may be keywords, and `timeout`
    for its `setTimeout`. The listener is added once for 'connect'."""
    cdef Socket socket
    cdef Route route = None
    if not options and 1 < len(args) < 4:
        route = literal_route(args[0], args[1])
        if route is not None:
            socket = Socket.__new__(Socket)
            socket.connect_address(route, args[2] if len(args) == 3 else None)
            return socket
    given, listener = normalize(args)
    add_keywords(given, options, CREATE_OPTIONS, "connect")
    socket = Socket.__new__(Socket)
    if are_plain(given):
        socket.set_up_plainly(given)
        route = literal_route(given.get("port"), given.get("host"))
    else:
        socket.set_up(given)
    if route is not None:
        socket.connect_address(route, listener)
        return socket
    timeout = given.get("timeout")
    if is_truthy(timeout):
        socket.setTimeout(timeout)
    socket.connect_with(given, listener)
    return socket


CREATE_OPTIONS = SOCKET_OPTIONS | CONNECT_OPTIONS
