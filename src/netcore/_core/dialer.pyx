"""Getting connected: the forms and options of connect(), name look-up, and racing one address against the next.

A literal address, which is what a proxy connects to, takes the short way: no options are copied, nothing is looked
up, and the attempt starts on the next tick, when Node starts it, so that listeners added meanwhile hear of it.

A name is looked up, and its addresses are tried one after the other, families alternating, each for a limited time,
as RFC 8305 section 5 has it and Node does it: an attempt that has timed out is given up before the next one starts.
"""

cimport cython
from libc.stdint cimport intptr_t

from netcore._core.arguments cimport (
    check_boolean, check_callback, check_int32, check_number, check_port, check_string, is_truthy, normalize,
)
from netcore._core.blocklist cimport BlockList
from netcore._core.encoding cimport plain_text
from netcore._core.errors cimport (
    aggregate_error, errno_error, invalid_arg_type, invalid_arg_value, misuse, missing_args,
)
from netcore._core.hosts cimport family_of, parse_address
from netcore._core.listener cimport call3
from netcore._core.loop cimport Handle, Loop, Source
from netcore._core.nc cimport (
    NC_EADDRINUSE, NC_ECANCELED, NC_ECONNREFUSED, NC_EINVAL, NC_ENAMETOOLONG, NC_ETIMEDOUT, NC_EVENT_CLOSED, NC_EVENT_CONNECT,
    NC_EVENT_TIMER, nc_addr, nc_bind, nc_blocklist_check, nc_event, nc_socket_close, nc_status, nc_stream,
    nc_stream_adopt_bound, nc_stream_close, nc_stream_connect, nc_stream_connect_path, nc_stream_new, nc_stream_set_owner,
    nc_timer_free, nc_timer_new, nc_timer_start, nc_timer_stop,
)
from netcore._core.stream_state cimport *

from netcore._core.lookup import ADDRCONFIG, lookup as system_lookup

racing.on = True
racing.timeout = 250


def getDefaultAutoSelectFamily():
    """Whether `connect` tries all the addresses of a name, unless its `autoSelectFamily` says otherwise."""
    return racing.on != 0


def setDefaultAutoSelectFamily(value):
    """Sets what `getDefaultAutoSelectFamily` answers. Not a bool: `ERR_INVALID_ARG_TYPE`."""
    racing.on = check_boolean(value, "value")


def getDefaultAutoSelectFamilyAttemptTimeout():
    """How long, in milliseconds, an address is tried before the next one is: 250 at first."""
    return <int>racing.timeout


def setDefaultAutoSelectFamilyAttemptTimeout(value):
    """Sets what `getDefaultAutoSelectFamilyAttemptTimeout` answers: a whole number from 1 on; below 10 becomes 10."""
    racing.timeout = max(check_int32(value, "value", 1, 0x7FFFFFFF), 10)


cdef object connect_error(int status, Route route, str local):
    """The error of an attempt at `route`, which names the local end if the program chose it."""
    if route.local_address is None or not route.local_port:
        return errno_error(status, "connect", route.host, route.port if route.family else None, None, local)
    error = errno_error(status, "connect", route.host, route.port, None, f"{route.local_address}:{route.local_port}")
    error.localAddress = route.local_address
    error.localPort = route.local_port
    return error


cdef int emit_attempt(Dialer socket, Route route) except -1:
    if not socket.hears("connectionAttempt"):
        return 0
    if route.family:
        return socket.emit3("connectionAttempt", route.host, route.port, route.family)
    return socket.emit3("connectionAttempt", route.host, None, None)


cdef int emit_failed(Dialer socket, Route route, object error) except -1:
    if route.family:
        return socket.emit4("connectionAttemptFailed", route.host, route.port, route.family, error)
    return socket.emit4("connectionAttemptFailed", route.host, None, None, error)


cdef object blocked(Dialer socket, str address):
    """The error that the socket's block list has for an address, or None."""
    cdef nc_addr addr
    if socket.rare is None or socket.rare.block_list is None:
        return None
    if not parse_address(address, &addr):
        return None
    if nc_blocklist_check((<BlockList>socket.rare.block_list).list, &addr):
        return misuse("ERR_IP_BLOCKED", address)
    return None


cdef int start_tick(object socket) except -1:
    cdef Dialer self = socket
    if self.state & ST_CONNECTING and self.rare.dialer is not None:
        return self.start()
    return 0


cdef int ended_tick(object item) except -1:
    cdef Dialer socket
    socket, route, status = item
    if socket.state & ST_CONNECTING and socket.rare.dialer is route:
        return socket.attempt_ended(status)
    return 0


cdef int destroy_tick(object item) except -1:
    cdef Dialer socket
    socket, error = item
    return socket.tear_down(error)


@cython.freelist(64)
cdef class Route:
    pass


cdef Route literal_route(object port, object host):
    cdef Route route
    if type(port) is not int or type(host) is not str or not 0 <= port < 65536:
        return None
    route = Route.__new__(Route)
    route.family = parse_address(host, &route.peer)
    if route.family == 0:
        return None
    route.peer.port = port
    route.host = host
    route.port = port
    return route


cdef class Dialer(Duplex):
    """A stream that can connect."""

    cdef int handle_made(self) except -1:
        """The C stream is a new one: gives it the settings that the socket has."""
        return 0

    cdef int connected(self) except -1:
        return 0

    cdef int open_handle(self) except -1:
        """Makes sure that there is a C stream, which then holds a reference to this object until it is closed."""
        cdef Loop loop = self.loop_of()
        loop.check_thread()
        if self.c != NULL:
            return 0
        if nc_stream_new(loop.c, <void *>self, &self.c) != 0:
            raise MemoryError()
        self.open_reference()
        return self.handle_made()

    cdef int revive(self) except -1:
        """Makes a stream that has not been connected, or was closed, as good as new."""
        self.state &= ~(
            ST_DESTROYED | ST_CLOSED | ST_CLOSE_EMITTED | ST_ERRORED | ST_ERROR_EMITTED | ST_HAD_ERROR | ST_RESET
            | ST_WAS_PENDING | ST_IN_FLIGHT | RD_READING | RD_ENDED | RD_END_EMITTED | RD_STARTED | WR_FINAL_CALLED
            | WR_PREFINISHED | WR_ENDED | WR_ENDING | WR_FINISHED
        )
        if self.state & RD_DISABLED:
            self.state |= RD_ENDED | RD_END_EMITTED
        if self.state & WR_DISABLED:
            self.state |= WR_ENDED | WR_ENDING | WR_FINISHED
        if self.rare is not None:
            self.rare.errored = None
            self.rare.peer = None
        return 0

    def connect(self, *args, **options):
        """Connects: `connect(port[, host][, listener])`, `connect(path[, listener])` or `connect(options[, listener])`;
        options may be keywords. The listener is added once for 'connect'. Wrong arguments raise here; what goes wrong
        later is an 'error' event."""
        self.check_caller()
        if options:
            unknown = [name for name in options if name not in CONNECT_OPTIONS]
            if unknown:
                raise TypeError(f"connect() got an unexpected keyword argument '{unknown[0]}'")
        elif 1 < len(args) < 4 and not self.state & ST_BOUND:
            route = literal_route(args[0], args[1])
            if route is not None:
                self.connect_address(route, args[2] if len(args) > 2 else None)
                return self
        given, listener = normalize(args)
        given.update(options)
        self.connect_with(given, listener)
        return self

    cdef int connect_address(self, Route route, object listener) except -1:
        """The short way, for a literal address and no options."""
        if listener is not None and callable(listener):
            self.listen_to("connect", listener, True)
        self.loop_of().check_opening()
        self.state &= ~WR_PEER_ENDED
        self.enter()
        if not self.state & ST_HANDLE:
            self.revive()
            self.open_handle()
            self.state &= ~ST_IPC
        self.state |= ST_HANDLE | ST_CONNECTING
        self.rarely().dialer = route
        return self._loop.tick_c(start_tick, self)

    cdef int connect_with(self, dict options, object listener) except -1:
        if listener is not None:
            self.listen_to("connect", listener, True)
        path = options.get("path")
        if "port" not in options or options["port"] is None:
            if path is None:
                raise missing_args([("options", "port", "path")])
        self.loop_of().check_opening()
        self.state &= ~WR_PEER_ENDED
        self.enter()
        pipe = is_truthy(path)
        if self.state & ST_HANDLE:
            pipe = bool(self.state & ST_IPC) if self.state & ST_BOUND else pipe
        else:
            self.revive()
            self.open_handle()
            self.state &= ~ST_IPC
        self.state |= ST_HANDLE | ST_CONNECTING
        if pipe:
            return self.connect_path(path)
        return self.connect_host(options)

    cdef int connect_path(self, object path) except -1:
        cdef Route route = Route.__new__(Route)
        route.host = check_string(path, "options.path")
        self.state |= ST_IPC
        self.rarely().dialer = route
        return self.start()

    cdef int connect_host(self, dict options) except -1:
        cdef Route route = Route.__new__(Route)
        host = options.get("host")
        if not is_truthy(host):
            host = "localhost"
        host = check_string(host, "options.host")
        if "\0" in host:
            raise invalid_arg_value("options.host", host, "must be a string without null bytes")
        self.read_local_end(options, route)
        port = options.get("port")
        if port is not None:
            if not isinstance(port, (int, float, str)) or isinstance(port, bool):
                raise invalid_arg_type("options.port", ("number", "string"), port)
            route.port = check_port(port, "Port")
        auto_select = options.get("autoSelectFamily")
        auto_select = racing.on != 0 if auto_select is None else check_boolean(auto_select, "options.autoSelectFamily")
        timeout = options.get("autoSelectFamilyAttemptTimeout")
        if timeout is None:
            timeout = <int>racing.timeout
        else:
            timeout = max(check_int32(timeout, "options.autoSelectFamilyAttemptTimeout", 1, 0x7FFFFFFF), 10)
        route.target = (options.get("host"), port)
        self.rarely().dialer = route
        route.family = parse_address(host, &route.peer)
        if route.family:
            route.host = host
            route.peer.port = route.port
            if self.state & ST_BOUND:
                return self.start()
            return self._loop.tick_c(start_tick, self)
        route.name = host
        return self.look_up(options, route, auto_select and not self.state & ST_BOUND, timeout)

    cdef int read_local_end(self, dict options, Route route) except -1:
        address = options.get("localAddress")
        port = options.get("localPort")
        if self.state & ST_BOUND and (address is not None or port is not None):
            raise invalid_arg_value(
                "options", options, "localAddress and localPort cannot be used with an adopted bound socket"
            )
        if is_truthy(address):
            if not isinstance(address, str) or not family_of(plain_text(address)):
                raise misuse("ERR_INVALID_IP_ADDRESS", address)
            route.local_address = plain_text(address)
        if is_truthy(port):
            route.local_port = check_number(port, "options.localPort")
        return 0

    # -- names -------------------------------------------------------------------------------------------------------

    cdef int look_up(self, dict options, Route route, object auto_select, object attempt_timeout) except -1:
        lookup = options.get("lookup")
        if lookup is None:
            lookup = system_lookup
        else:
            check_callback(lookup, "options.lookup")
        family = {"IPv4": 4, "IPv6": 6}.get(options.get("family"), options.get("family"))
        hints = options.get("hints") or 0
        if family not in (4, 6) and hints == 0:
            hints = ADDRCONFIG
        request = {"family": family, "hints": hints}
        if family not in (4, 6) and route.local_address is None and auto_select:
            request["all"] = True
            answer = RaceAnswer(self, route, attempt_timeout)
        else:
            answer = SingleAnswer(self, route)
        return call3(lookup, route.name, request, answer)

    # -- one address -------------------------------------------------------------------------------------------------

    cdef int start(self) except -1:
        cdef Route route = self.rare.dialer
        cdef nc_status status
        error = self.bind_error(self.c, route)
        if error is not None:
            return self.tear_down(error)
        emit_attempt(self, route)
        if not self.state & ST_CONNECTING or self.rare.dialer is not route:
            return 0
        if route.family:
            error = blocked(self, route.host)
            if error is not None:
                return self.tear_down(error)
            # A look-up may have named the wrong family.
            status = nc_stream_connect(self.c, &route.peer, NULL) if route.family == route.peer.family else NC_EINVAL
        else:
            path = route.host.encode("utf-8", "surrogateescape")
            status = nc_stream_connect_path(self.c, path, len(path))
            if status == NC_ENAMETOOLONG:
                status = NC_EINVAL
        if status == 0:
            return self.enter()
        if route.family == 0 and status != NC_EINVAL or status == NC_ECONNREFUSED:
            # Some systems know at once; it is told as if they had not.
            return self._loop.tick_c(ended_tick, (self, route, status))
        return self.tear_down(connect_error(status, route, self.local_end()))

    cdef object bind_error(self, nc_stream *c, Route route):
        """Binds the local end that the options ask for; the error if that fails."""
        cdef nc_addr local
        cdef intptr_t fd
        cdef nc_status status
        if route.local_address is None and not route.local_port:
            return None
        if route.local_address is None:
            route.local_address = "0.0.0.0" if route.family == 4 else "::"
        parse_address(route.local_address, &local)
        if local.family != route.family:
            return errno_error(NC_EINVAL, "bind", route.local_address, route.local_port)
        port = route.local_port or 0
        if abs(port) > 0xFFFF or port > int(port):  # Node binds something else, and says that it is not what was asked for
            return errno_error(NC_EADDRINUSE, "bind", route.local_address, port)
        local.port = int(port) & 0xFFFF
        status = nc_bind(&local, 0, &fd)
        if status == 0:
            status = nc_stream_adopt_bound(c, fd)
            if status != 0:
                nc_socket_close(fd)
        if status == 0:
            return None
        return errno_error(status, "bind", route.local_address, route.local_port)

    cdef str local_end(self):
        """The local end as an error's message shows it: `'127.0.0.1:4000'`."""
        name = self.address()
        return f"{name['address']}:{name['port']}" if "port" in name else None

    cdef int attempt_ended(self, int status) except -1:
        """The connect of this socket's own stream has ended."""
        cdef Route route
        if not self.state & ST_CONNECTING:
            return 0
        route = self.rare.dialer
        self.rare.dialer = None
        self.state &= ~ST_CONNECTING
        if status == 0:
            return self.connected()
        self.state |= ST_CONNECTING # writes that wait are told that there was no connection
        error = connect_error(status, route, self.local_end() if self.state & ST_BOUND else None)
        try:
            emit_failed(self, route, error)
        finally:
            self.tear_down(error)
        return 0

    cdef int race_over(self) except -1:
        """The socket is being destroyed: whatever is under way to connect it stops."""
        if self.rare is None or self.rare.dialer is None:
            return 0
        dialer = self.rare.dialer
        self.rare.dialer = None
        if isinstance(dialer, Race):
            self.rare.canceled = (<Race>dialer).attempt
            (<Race>dialer).stop()
        return 0

    cdef int tell_canceled(self) except -1:
        """After a race was stopped: its last attempt has failed, too."""
        cdef Attempt attempt = self.rare.canceled
        self.rare.canceled = None
        error = errno_error(NC_ECANCELED, "connect", attempt.host, attempt.port)
        return self.emit4("connectionAttemptFailed", attempt.host, attempt.port, attempt.family, error)


@cython.nonecheck(True)
cdef class SingleAnswer:
    """What a look-up calls that asked for one address."""

    cdef Dialer socket
    cdef Route route

    def __init__(self, Dialer socket, Route route):
        self.socket = socket
        self.route = route

    def __call__(self, error=None, address=None, family=None):
        cdef Dialer socket = self.socket
        cdef Route route = self.route
        socket.check_caller()
        if isinstance(address, str):
            address = plain_text(address)
        socket.emit4("lookup", error, address, family, route.name)
        if not socket.state & ST_CONNECTING or socket.rare.dialer is not route:
            return
        if error is None:
            error = self.refusal(address, family)
        if error is not None:
            socket.loop_of().tick_c(destroy_tick, (socket, error))
            socket.enter()
            return
        route.host = address
        route.family = family
        route.peer.port = route.port
        socket.start()

    def refusal(self, address, family):
        if not isinstance(address, str) or not parse_address(address, &self.route.peer):
            return misuse("ERR_INVALID_IP_ADDRESS", "undefined" if address is None else address)
        if family not in (4, 6):
            return family_error(family, self.route)
        return None


cdef object family_error(object family, Route route):
    host, port = route.target
    error = misuse("ERR_INVALID_ADDRESS_FAMILY", f"{family} {host}:{port}")
    error.host = host
    error.port = port
    return error


# -- several addresses -----------------------------------------------------------------------------------------------

cdef tuple address_in(object item):
    """The address and the family of an item of an answer. Whoever answers one address to a question for all of them
    answers, as in Node, something else altogether."""
    if not hasattr(item, "get"):
        return None, None
    address = item.get("address")
    return plain_text(address) if isinstance(address, str) else address, item.get("family")


@cython.nonecheck(True)
cdef class RaceAnswer:
    """What a look-up calls that asked for all addresses."""

    cdef Dialer socket
    cdef Route route
    cdef int timeout

    def __init__(self, Dialer socket, Route route, int timeout):
        self.socket = socket
        self.route = route
        self.timeout = timeout

    def __call__(self, error=None, addresses=None, *_):
        cdef Dialer socket = self.socket
        cdef Route route = self.route
        socket.check_caller()
        if not self.waiting():
            return
        if error is not None:
            socket.emit4("lookup", error, None, None, route.name)
            socket.loop_of().tick_c(destroy_tick, (socket, error))
            socket.enter()
            return
        found = self.announce(addresses)
        if found is None:
            return
        if not found:
            self.refuse(addresses)
        elif len(found) == 1:
            route.host, route.family = found[0]
            parse_address(route.host, &route.peer)
            route.peer.port = route.port
            socket.start()
        else:
            socket.rarely().attempted = []
            race = new_race(socket, route, found, self.timeout)
            socket.rare.dialer = race
            race.next(False)

    def waiting(self):
        return bool(self.socket.state & ST_CONNECTING) and self.socket.rare.dialer is self.route

    def announce(self, addresses):
        """Emits 'lookup' for each address; then those that can be tried, each once, families alternating."""
        families = {}
        for item in addresses:
            address, family = address_in(item)
            self.socket.emit4("lookup", None, address, family, self.route.name)
            if not self.waiting():
                return None
            if family in (4, 6) and isinstance(address, str) and family_of(address):
                group = families.setdefault(family, [])
                if address not in group:
                    group.append(address)
        order = []
        for position in range(max(map(len, families.values()), default=0)):
            for family, group in families.items():
                if position < len(group):
                    order.append((group[position], family))
        return order

    def refuse(self, addresses):
        if not addresses:
            raise TypeError("a look-up has answered no address")
        address, family = address_in(addresses[0])
        if not isinstance(address, str) or not family_of(address):
            error = misuse("ERR_INVALID_IP_ADDRESS", "undefined" if address is None else address)
        elif family not in (4, 6):
            error = family_error(family, self.route)
        else:
            return
        self.socket.loop_of().tick_c(destroy_tick, (self.socket, error))
        self.socket.enter()


cdef Race new_race(Dialer socket, Route route, list addresses, int timeout):
    cdef Race race = Race.__new__(Race)
    race.socket = socket
    race.addresses = addresses
    race.errors = []
    race.route = route
    race.timeout = timeout
    return race


@cython.no_gc_clear
cdef class Race(Source):
    """One socket's attempts to connect to several addresses, in turn."""

    def __dealloc__(self):
        nc_timer_free(self.timer)

    cdef int on_event(self, nc_event *event) except -1:
        if event.type == NC_EVENT_TIMER:
            return self.timed_out()
        return 0

    cdef int stop(self) except -1:
        cdef Attempt attempt = self.attempt
        if self.timer != NULL:
            nc_timer_stop(self.timer)
        self.attempt = None
        if attempt is not None:
            return attempt.close()
        return 0

    cdef int next(self, bint canceled) except -1:
        """Tries the next address, or ends the race if there is none."""
        cdef Dialer socket = self.socket
        cdef Attempt attempt
        cdef nc_status status
        cdef nc_addr peer
        cdef bint last
        self.stop()
        if canceled or self.current == len(self.addresses):
            if self.errors:
                return socket.tear_down(aggregate_error(self.errors))
            return socket.tear_down(misuse("ERR_SOCKET_CONNECTION_TIMEOUT"))
        last = self.current == len(self.addresses) - 1
        host, family = self.addresses[self.current]
        attempt = new_attempt(self, host, family)
        self.current += 1
        self.attempt = attempt
        error = socket.bind_error(attempt.c, self.aim(attempt))
        if error is not None:
            self.errors.append(error)
            return self.next(False)
        error = blocked(socket, attempt.host)
        if error is not None:
            return self.failed(attempt, error)
        socket.emit3("connectionAttempt", attempt.host, attempt.port, attempt.family)
        if self.attempt is not attempt:
            return 0
        socket.rare.attempted.append(f"{attempt.host}:{attempt.port}")
        parse_address(attempt.host, &peer)
        peer.port = attempt.port
        status = nc_stream_connect(attempt.c, &peer, NULL)
        if status == NC_ECONNREFUSED:
            socket._loop.tick_c(attempt_ended_tick, (self, attempt, status))
        elif status != 0:
            return self.failed(attempt, connect_error(status, self.route, None))
        elif not last:
            self.start_timer()
        return socket.enter()

    cdef Route aim(self, Attempt attempt):
        """The route, as it is for one attempt."""
        cdef Route route = self.route
        route.host = attempt.host
        route.family = attempt.family
        route.local_address = None
        return route

    cdef int start_timer(self) except -1:
        cdef nc_status status = 0
        if self.timer == NULL:
            status = nc_timer_new(self.socket._loop.c, <void *>self, &self.timer)
        if status == 0:
            status = nc_timer_start(self.timer, self.timeout)
        if status != 0:
            raise MemoryError()
        return 0

    cdef int failed(self, Attempt attempt, object error) except -1:
        self.errors.append(error)
        self.socket.emit4("connectionAttemptFailed", attempt.host, attempt.port, attempt.family, error)
        if self.attempt is attempt:
            return self.next(getattr(error, "code", None) == "ECANCELED")
        return 0

    cdef int timed_out(self) except -1:
        cdef Attempt attempt = self.attempt
        if attempt is None:
            return 0
        self.socket.emit3("connectionAttemptTimeout", attempt.host, attempt.port, attempt.family)
        self.errors.append(connect_error(NC_ETIMEDOUT, self.route, None))
        if self.attempt is attempt:
            return self.next(False)
        return 0

    cdef int ended(self, Attempt attempt, int status) except -1:
        cdef Dialer socket = self.socket
        cdef nc_stream *idle
        if self.attempt is not attempt:
            return 0
        if self.timer != NULL:
            nc_timer_stop(self.timer)
        if status != 0:
            return self.failed(attempt, connect_error(status, self.route, None))
        # The two exchange their streams: the socket has the connected one, and the other is closed out of sight.
        idle = socket.c
        socket.c = attempt.c
        attempt.c = idle
        nc_stream_set_owner(socket.c, <void *>socket)
        nc_stream_set_owner(idle, <void *>attempt)
        self.stop()
        socket.handle_made()
        socket.rare.dialer = None
        socket.state &= ~ST_CONNECTING
        return socket.connected()


cdef int attempt_ended_tick(object item) except -1:
    cdef Race race
    race, attempt, status = item
    return race.ended(attempt, status)


cdef Attempt new_attempt(Race race, str host, int family):
    cdef Attempt attempt = Attempt.__new__(Attempt)
    cdef Loop loop = race.socket._loop
    if nc_stream_new(loop.c, <void *>attempt, &attempt.c) != 0:
        raise MemoryError()
    attempt._loop = loop
    attempt.open_reference()
    attempt.race = race
    attempt.host = host
    attempt.port = race.route.port
    attempt.family = family
    return attempt


cdef class Attempt(Handle):
    cdef int on_event(self, nc_event *event) except -1:
        if event.type == NC_EVENT_CLOSED:
            if event.stream == self.c:
                self.c = NULL # by the end of the loop
            self.close_reference()
        elif event.type == NC_EVENT_CONNECT and self.race is not None:
            return self.race.ended(self, event.status)
        return 0

    cdef int close(self) except -1:
        self.race = None
        if self.c != NULL:
            nc_stream_close(self.c)
            self.c = NULL
        return 0


CONNECT_OPTIONS = frozenset((
    "autoSelectFamily", "autoSelectFamilyAttemptTimeout", "blockList", "family", "hints", "host", "keepAlive",
    "keepAliveInitialDelay", "localAddress", "localPort", "lookup", "noDelay", "onread", "path", "port", "signal", "timeout",
))
