"""`Server`: listens for TCP or Unix-domain connections. Limits and block lists are decided by the core, at the moment of
accepting, so that a peer that is refused never becomes a Python object."""

import os
import stat
from collections.abc import Mapping
from math import ceil

cimport cython
from cpython.pythread cimport PyThread_get_thread_ident
from libc.stdint cimport intptr_t

from netcore._core.aborting cimport check_signal, on_abort
from netcore._core.arguments cimport (
    check_callback, check_number, check_port, is_pipe_name, is_truthy, merge, normalize, number_from,
)
from netcore._core.blocklist cimport BlockList
from netcore._core.bound cimport BoundSocket
from netcore._core.encoding cimport plain_text
from netcore._core.errors cimport errno_error, invalid_arg_type, invalid_arg_value, misuse
from netcore._core.hosts cimport address_dict, parse_address
from netcore._core.iteration cimport connections_of, settled
from netcore._core.listener cimport call1, call2
from netcore._core.loop cimport Handle, Loop
from netcore._core.nc cimport *
from netcore._core.promise cimport Promise
from netcore._core.socket cimport Socket, accepted, number_of_seconds, set_gone
from netcore._core.stream cimport DEFAULT_MARK

from netcore._core.emitter import once
from netcore._core.lookup import lookup as system_lookup

SERVER_OPTIONS = frozenset((
    "allowHalfOpen", "blockList", "highWaterMark", "keepAlive", "keepAliveInitialDelay", "noDelay", "pauseOnConnect",
))
LISTEN_OPTIONS = frozenset((
    "backlog", "exclusive", "fd", "handle", "host", "ipv6Only", "path", "port", "readableAll", "reusePort", "signal",
    "writableAll",
))
cdef int DEFAULT_BACKLOG = 511


# -- ticks -----------------------------------------------------------------------------------------------------------

cdef int listening_tick(object server) except -1:
    cdef Server self = server
    if self.c != NULL:
        self.emit0("listening")
    return 0


cdef int error_tick(object item) except -1:
    cdef Server self
    self, error = item
    self.emit1("error", error)
    return 0


cdef int close_tick(object server) except -1:
    (<Server>server).emit0("close")
    return 0


cdef int count_tick(object item) except -1:
    callback, count = item
    return call2(callback, None, count)


cdef int lost_one(object server) except -1:
    """A connection has ended, on whatever thread: it may have moved to another one."""
    cdef Loop loop = (<Server>server).loop_of()
    if loop.thread == PyThread_get_thread_ident():
        return (<Server>server).lost_one()
    loop.post(_lost_one, server)
    return 0


def _lost_one(Server server not None):
    server.lost_one()


set_gone(lost_one)


cdef class Server(Handle):
    """A TCP or Unix-domain server, as Node's `net.Server`.

    Options, in a mapping or as keywords: `allowHalfOpen`, `highWaterMark` (bytes), `keepAlive`, `keepAliveInitialDelay`
    (milliseconds), `noDelay`, `pauseOnConnect`, `blockList`. `connectionListener(socket)` hears 'connection'.
    `noDelay`, `keepAlive` and `keepAliveInitialDelay` (seconds) can be read again; `dropMaxConnection` is for servers that
    worker processes share.

    Events, with what their listeners are called with: 'listening', 'connection' (socket), 'drop' (both ends of a connection
    that was refused), 'error' (error), 'close'.
    """

    def __init__(self, options=None, connectionListener=None, **keywords):
        if options is not None and not isinstance(options, Mapping):
            if not callable(options):
                raise invalid_arg_type("options", "object", options)
            options, connectionListener = None, options
        if callable(connectionListener):
            self.listen_to("connection", connectionListener, False)
        self.set_up(merge(options, keywords, SERVER_OPTIONS, "Server"))

    def __cinit__(self, *args, **keywords):
        self.mark = DEFAULT_MARK

    cdef int set_up(self, dict options) except -1:
        delay = options.get("keepAliveInitialDelay")
        if delay is not None:
            self.keepAliveInitialDelay = number_of_seconds(check_number(delay, "options.keepAliveInitialDelay"))
        mark = options.get("highWaterMark")
        if mark is not None and check_number(mark, "options.highWaterMark") >= 0:
            self.mark = int(min(mark, 0x7FFFFFFF))
        self.half_open = bool(options.get("allowHalfOpen"))
        self.paused = bool(options.get("pauseOnConnect"))
        self.noDelay = bool(options.get("noDelay"))
        self.keepAlive = bool(options.get("keepAlive"))
        block_list = options.get("blockList")
        if is_truthy(block_list):
            self.set_block_list(block_list, "options.blockList")
        return 0

    # -- listening ---------------------------------------------------------------------------------------------------

    def listen(self, *args, **options):
        """Listens: `listen([port[, host[, backlog]]])`, `listen(path[, backlog])`, `listen(handle[, backlog])` or
        `listen(options)`, each with a listener for 'listening' at the end; options may be keywords.

        Port 0, or none, takes a free one. No host: all addresses, IPv6 and IPv4. `handle`: a `Server`, a `Socket`, a
        `BoundSocket` or an object with `fd`. Wrong arguments raise; a failure to listen is an 'error' event on a later tick.
        `ERR_SERVER_ALREADY_LISTEN` if the server listens.
        """
        self.check_caller()
        unknown = [name for name in options if name not in LISTEN_OPTIONS]
        if unknown:
            raise TypeError(f"listen() got an unexpected keyword argument '{unknown[0]}'")
        if args and not isinstance(args[0], Mapping) and is_handle(args[0]):
            given = {"handle": args[0]}
            listener = args[len(args) - 1] if len(args) > 1 else None
            if not callable(listener):
                listener = None
        else:
            given, listener = normalize(args)
        if self.c != NULL:
            raise misuse("ERR_SERVER_ALREADY_LISTEN")
        if listener is not None:
            self.listen_to("listening", listener, True)
        given.update(options)
        self.loop_of().check_opening()
        if not args and not options or args and (args[0] is None or callable(args[0]) and "handle" not in given):
            given["port"] = options.get("port", 0)
        self.listen_with(given, backlog_of(args))
        return self

    cdef int listen_with(self, dict options, object backlog) except -1:
        cdef unsigned flags = 0
        self.attempt += 1
        handle = options.get("handle")
        if isinstance(handle, BoundSocket):
            return self.listen_on_bound(handle, backlog or 0)
        if handle is not None:
            if isinstance(handle, Mapping):
                options = dict(handle)
            elif not is_handle(handle):
                raise invalid_arg_type("options.handle", ("net.Server", "net.Socket", "net.BoundSocket"), handle)
            elif isinstance(handle, (Server, Socket)) and shared_descriptor(handle) != -1:
                return self.listen_on_copy(shared_descriptor(handle), backlog or 0)
            else:
                options = {"fd": descriptor_of(handle)}
        self._follow(options.get("signal"))
        fd = options.get("fd")
        if isinstance(fd, (int, float)) and not isinstance(fd, bool) and fd >= 0:
            return self.listen_on_descriptor(fd, backlog or 0)
        if "port" in options and options["port"] is None:
            options["port"] = 0
        if options.get("ipv6Only") is True:
            flags |= NC_BIND_V6ONLY
        if options.get("reusePort") is True:
            flags |= NC_BIND_REUSEPORT
        backlog = min(number_from(options.get("backlog")) or backlog or 0, 0x7FFFFFFF)
        port = options.get("port")
        if isinstance(port, (int, float, str)) and not isinstance(port, bool):
            return self.listen_on_port(options, check_port(port, "options.port"), int(backlog), flags)
        if options.get("path") and is_pipe_name(options["path"]):
            return self.listen_on_path(options, int(backlog))
        if "port" not in options and "path" not in options:
            raise invalid_arg_value("options", options, 'must have the property "port" or "path"')
        raise invalid_arg_value("options", options)

    cdef int listen_on_port(self, dict options, int port, int backlog, unsigned flags) except -1:
        host = options.get("host")
        if not is_truthy(host):
            return self.listen_on_address(None, port, 0, backlog, flags)
        host = plain_text(host) if isinstance(host, str) else host
        attempt = self.looking = self.attempt

        def answer(error=None, addresses=None, *_):
            if attempt != self.attempt:
                return
            self.looking = 0
            if error is not None:
                self.emit1("error", error)
                return
            found = first_usable(addresses)
            self.listen_on_address(found["address"], port, found["family"], backlog, flags)

        system_lookup(host, {"all": True}, answer)
        return 0

    cdef int listen_on_address(self, object host, int port, int family, int backlog, unsigned flags) except -1:
        """Binds and listens. Without a host: to all addresses, or to those of IPv4 where there is no IPv6."""
        cdef nc_addr addr
        cdef intptr_t fd = -1
        cdef nc_status status
        cdef str shown = host if host is not None else "::"
        parse_address(shown, &addr)
        addr.port = port
        status = nc_bind(&addr, flags, &fd)
        if status != 0 and status != NC_EADDRINUSE and host is None:
            shown = "0.0.0.0"
            parse_address(shown, &addr)
            addr.port = port
            status = nc_bind(&addr, flags & ~NC_BIND_V6ONLY, &fd)
        if status == 0:
            status = self.open_server(fd, backlog)
        if status != 0:
            return self.fail(errno_error(status, "listen", shown, port))
        return self.start()

    cdef int listen_on_path(self, dict options, int backlog) except -1:
        cdef unsigned flags = 0
        cdef intptr_t fd = -1
        cdef nc_status status
        path = plain_text(options["path"])
        if options.get("readableAll"):
            flags |= NC_BIND_READABLE_ALL
        if options.get("writableAll"):
            flags |= NC_BIND_WRITABLE_ALL
        if path[0] == "\0" and flags:
            raise invalid_arg_value(
                "options", options,
                "can not set readableAll or writableAllt to true when path is abstract unix socket",
            )
        self.path = path
        text = path.encode("utf-8", "surrogateescape")
        status = nc_bind_path(text, len(text), flags, &fd)
        if status == 0:
            status = self.open_server(fd, backlog)
            if status != 0 and path[0] != "\0":
                os.unlink(path)
        if status != 0:
            return self.fail(errno_error(NC_EINVAL if status == NC_ENAMETOOLONG else status, "listen", path, -1))
        self.local = True
        if path[0] != "\0":
            nc_server_own_path(self.c, text, len(text))
        return self.start()

    cdef int listen_on_bound(self, BoundSocket bound, int backlog) except -1:
        cdef intptr_t fd = bound.consume()
        cdef nc_status status = self.open_server(fd, backlog)
        if status != 0:
            return self.fail(errno_error(status, "listen", bound.path, None if bound.path is None else -1))
        self.local = bound.path is not None
        if self.local:
            self.path = bound.path
        if self.local and self.path[0] != "\0":
            text = self.path.encode("utf-8", "surrogateescape")
            nc_server_own_path(self.c, text, len(text))
        return self.start()

    cdef int listen_on_copy(self, intptr_t fd, int backlog) except -1:
        """Listens on what another object of ours goes on using."""
        cdef intptr_t own = -1
        cdef nc_status status = nc_socket_duplicate(fd, &own)
        if status == 0:
            status = self.open_server(own, backlog)
        if status != 0:
            return self.fail(errno_error(status, "listen"))
        return self.start()

    cdef int listen_on_descriptor(self, object fd, int backlog) except -1:
        cdef nc_status status = NC_EINVAL
        cdef intptr_t own
        try:
            if fd == int(fd) and stat.S_ISSOCK(os.fstat(fd).st_mode):
                status = 0
        except OSError:
            pass
        if status == 0:
            own = fd
            status = self.adopt(own, backlog)
        if status != 0:
            return self.fail(errno_error(status, "listen"))
        return self.start()

    cdef nc_status adopt(self, intptr_t fd, int backlog) except 1:
        """Listens on a descriptor that somebody else made; without success it stays theirs."""
        cdef nc_server *c = NULL
        cdef nc_status status = nc_server_new(self._loop.c, <void *>self, fd, backlog or DEFAULT_BACKLOG, &c)
        if status != 0:
            return status
        with cython.critical_section(self): # another thread may ask for the address
            self.c = c
            self.local = False
        self.open_reference()
        self.handles += 1
        return status

    cdef nc_status open_server(self, intptr_t fd, int backlog) except 1:
        """Listens on a bound descriptor, which is closed if that fails."""
        cdef nc_status status = self.adopt(fd, backlog)
        if status != 0:
            nc_socket_close(fd)
        return status

    cdef int start(self) except -1:
        """The C server is there: it gets the settings, and 'listening' comes on a tick."""
        self.apply_limits()
        nc_server_set_options(self.c, self.noDelay, self.keepAlive, self.keepAliveInitialDelay)
        if self.unrefed:
            nc_server_unref(self.c)
        self._loop.touch()
        return self._loop.tick_c(listening_tick, self)

    cdef int fail(self, object error) except -1:
        self._loop.touch()
        return self._loop.tick_c(error_tick, (self, error))

    cdef int apply_limits(self) except -1:
        limit = self.limit
        if self.c == NULL:
            return 0
        if limit is None or limit != limit or limit >= 0x7FFFFFFFFFFFFFFF:
            nc_server_set_limit(self.c, -1)
        else:
            nc_server_set_limit(self.c, max(ceil(limit), 0))
        return self.apply_block_list()

    cdef int set_block_list(self, object block_list, str name) except -1:
        if block_list is not None and not isinstance(block_list, BlockList):
            raise invalid_arg_type(name, "net.BlockList", block_list)
        self.block_list = block_list
        return self.apply_block_list()

    cdef int apply_block_list(self) except -1:
        if self.c == NULL:
            return 0
        if self.block_list is not None:
            nc_server_set_blocklist(self.c, (<BlockList>self.block_list).list)
        else:
            nc_server_set_blocklist(self.c, NULL)
        return 0

    def _follow(self, signal):
        """`signal` closes the server."""
        if signal is None:
            return
        check_signal(signal, "options.signal")
        if not signal.aborted:
            watch = on_abort(signal, self._aborted)
            self.listen_to("close", watch.stop, True)
        if signal.aborted: # perhaps only now, on another thread
            self._loop.tick0(self.close)

    def _aborted(self):
        there = self.elsewhere()
        if there is not None:
            there.post(self.close)
        else:
            self.close()

    # -- what the core tells -----------------------------------------------------------------------------------------

    cdef int on_event(self, nc_event *event) except -1:
        if event.type == NC_EVENT_CONNECTION:
            return self.accept(event.stream)
        if event.type == NC_EVENT_DROP:
            return self.dropped(event)
        if event.type == NC_EVENT_ACCEPT_ERROR:
            # The system ran out of something; the core tries again after a rest. That is no reason to end a program that
            # does not listen for it: the connections it has go on.
            if self.has("error"):
                self.emit1("error", errno_error(event.status, "accept"))
            return 0
        if event.type == NC_EVENT_CLOSED:
            try:
                self.gone()
            finally:
                self.close_reference()
        return 0

    cdef int accept(self, nc_stream *stream) except -1:
        cdef Socket socket = accepted(self, self._loop, stream, self.half_open, self.paused, self.mark)
        if self.closing and not self.has("connection"):
            # Nobody would ever close it, and the server waits for that.
            self.connections += 1
            return socket.tear_down(None)
        if self.noDelay or self.keepAlive:
            socket.inherit(self.noDelay, self.keepAlive, self.keepAliveInitialDelay)
        self.connections += 1
        self.emit1("connection", socket)
        return 0

    cdef int dropped(self, nc_event *event) except -1:
        cdef const nc_dropped *ends = <const nc_dropped *>event.data
        if ends.peer.family == 0 and ends.local.family == 0:
            self.emit0("drop")
            return 0
        local, remote = address_dict(&ends.local), address_dict(&ends.peer)
        self.emit1("drop", {
            "localAddress": local["address"], "localPort": local["port"], "localFamily": local["family"],
            "remoteAddress": remote["address"], "remotePort": remote["port"], "remoteFamily": remote["family"],
        })
        return 0

    cdef int gone(self) except -1:
        """A C server is gone: closed here, and then all is told but of what was still to be handed out, or by the end of
        the loop."""
        self.handles -= 1
        if self.closing:
            self.closing -= 1
        elif self.handles or self.c == NULL:
            return 0
        else:
            self.c = NULL
        return self.close_if_drained()

    cdef int lost_one(self) except -1:
        self.connections -= 1
        return self.close_if_drained()

    cdef int close_if_drained(self) except -1:
        if self.c == NULL and not self.closing and self.connections == 0:
            self.loop_of().touch()
            return self._loop.tick_c(close_tick, self)
        return 0

    # -- methods and properties --------------------------------------------------------------------------------------

    def close(self, callback=None):
        """Stops listening; connections live on. 'close' comes when the last of them is gone. `callback(error)` is called
        then, with `ERR_SERVER_NOT_RUNNING` if the server was not listening."""
        self.loop_of().check_thread()
        self.attempt += 1
        if callback is not None and callable(callback):
            if self.c == NULL:
                self.listen_to("close", lambda: call1(callback, misuse("ERR_SERVER_NOT_RUNNING")), True)
            else:
                self.listen_to("close", callback, True)
        if self.c != NULL:
            self.blocked += nc_server_blocked(self.c)
            with cython.critical_section(self): # another thread may ask for the address
                nc_server_close(self.c)
                # The connections that had come already are still to be handed out.
                self.closing += nc_server_has_waiting(self.c)
                self.c = NULL
            self._loop.touch()
        self.close_if_drained()
        return self

    def address(self):
        """Where the server listens: `{'address': str, 'family': 'IPv4' or 'IPv6', 'port': int}`, or the path of a
        Unix-domain socket, or None if it does not listen. Any thread may ask."""
        cdef nc_addr addr
        cdef char path[256]
        cdef size_t length = 0
        cdef nc_status status = NC_OK
        cdef bint listens
        with cython.critical_section(self):
            listens = self.c != NULL
            if listens and not self.local:
                status = nc_socket_name(nc_server_fd(self.c), &addr, path, sizeof(path), &length)
        if self.path is not None and (not listens or self.local):
            return self.path
        if not listens:
            return None
        if status != 0:
            raise errno_error(status, "address")
        if addr.family == 0:
            return path[:length].decode("utf-8", "surrogateescape")
        return address_dict(&addr)

    def getConnections(self, callback):
        """Calls `callback(error, count)` on a tick, with the number of connections that are open."""
        self.check_caller()
        check_callback(callback, "callback")
        self.loop_of().tick_c(count_tick, (callback, self.connections))
        self._loop.touch()
        return self

    @property
    def listening(self):
        """Whether the server listens."""
        return self.c != NULL

    @property
    def maxConnections(self):
        """How many connections may be open at once; further ones are closed, with 'drop'. None: any number. 0: none."""
        self.check_caller()
        return self.limit

    @maxConnections.setter
    def maxConnections(self, value):
        self.check_caller()
        self.limit = None if value is None else check_number(value, "maxConnections")
        self.apply_limits()

    @property
    def allowHalfOpen(self):
        """Whether connections stay writable when the other party ends."""
        return self.half_open

    @allowHalfOpen.setter
    def allowHalfOpen(self, value):
        self.check_caller()
        self.half_open = bool(value)

    @property
    def pauseOnConnect(self):
        """Whether connections are not read from before `resume()`."""
        return self.paused

    @pauseOnConnect.setter
    def pauseOnConnect(self, value):
        self.check_caller()
        self.paused = bool(value)

    @property
    def highWaterMark(self):
        """The high-water marks of connections, in bytes."""
        return self.mark

    @property
    def blockList(self):
        """The block list whose addresses may not connect, or None. Another one takes effect with the next connection."""
        self.check_caller()
        return self.block_list

    @blockList.setter
    def blockList(self, value):
        self.loop_of().check_thread()
        self.set_block_list(value, "blockList")

    @property
    def blocked_count(self):
        """How many connections the block list has refused. Not in Node."""
        self.check_caller()
        return self.blocked + nc_server_blocked(self.c) if self.c != NULL else self.blocked

    def ref(self):
        """Makes the server keep the loop running while it listens, as it does at first."""
        self.check_caller()
        self.unrefed = False
        if self.c != NULL:
            nc_server_ref(self.c)
        return self

    def unref(self):
        """Lets the loop end although the server listens."""
        self.check_caller()
        self.unrefed = True
        if self.c != NULL:
            nc_server_unref(self.c)
        return self

    def __aiter__(self):
        """The connections, as they come, until the server closes."""
        self.check_caller()
        return connections_of(self)

    def __aenter__(self):
        """Waits until the server listens, if that takes a look-up, or raises why it cannot."""
        self.check_caller()
        if self.looking and self.looking == self.attempt:
            return _listening(self)
        return settled(self)

    def __aexit__(self, *_):
        """Closes the server, and waits until its last connection is gone."""
        self.check_caller()
        if self.c == NULL:
            return settled(None)
        promise = Promise()
        self.close(lambda: promise.resolve())
        return promise


async def _listening(Server server):
    await once(server, "listening")
    return server


def createServer(options=None, connectionListener=None, **keywords):
    """Makes a `Server`: see there for the options. `createServer(listener)` will do."""
    return Server(options, connectionListener, **keywords)


# -- arguments -------------------------------------------------------------------------------------------------------

cdef bint is_handle(object value):
    return isinstance(value, (BoundSocket, Server, Socket)) or (
        not isinstance(value, (str, int, float)) and value is not None and not callable(value)
        and (hasattr(value, "fd") or hasattr(value, "fileno"))
    )


cdef intptr_t shared_descriptor(object handle) except? -2:
    """The descriptor of another object of ours, which goes on using it; -1: it has none."""
    if isinstance(handle, Server):
        return nc_server_fd((<Server>handle).c) if (<Server>handle).c != NULL else -1
    return nc_stream_fd((<Socket>handle).c) if (<Socket>handle).c != NULL else -1


cdef object descriptor_of(object handle):
    """The descriptor to listen on."""
    if isinstance(handle, (Server, Socket)):
        return -1
    fd = getattr(handle, "fd", None)
    if fd is None:
        fd = handle.fileno
    return fd() if callable(fd) else fd


cdef object backlog_of(tuple args):
    """(handle, backlog), (path, backlog), (port, backlog) or (port, host, backlog)."""
    for position in (1, 2):
        if len(args) > position and not callable(args[position]):
            number = number_from(args[position])
            if number:
                return int(min(number, 0x7FFFFFFF))
    return None


cdef dict first_usable(object addresses):
    """The first address that is not link-local, else the first."""
    for item in addresses:
        if not item["address"].lower().startswith(("fe8", "fe9", "fea", "feb")):
            return item
    return addresses[0]
