"""IP addresses as text, and `SocketAddress`: an address with its port, family and flow label."""

import unicodedata as _unicodedata

from cpython.object cimport Py_EQ, Py_GT, Py_LE, Py_LT, Py_NE
from libc.string cimport memcmp

from netcore._core.errors cimport bad_port, invalid_arg_type, invalid_arg_value, misuse, out_of_range
from netcore._core.nc cimport (
    NC_ADDR_TEXT_MAX,
    NC_OK,
    nc_addr,
    nc_addr_format,
    nc_addr_parse_url,
    nc_addr_parse_zoned,
    nc_is_ip,
    nc_zone,
)


cdef extern from "Python.h":
    str PyUnicode_FromStringAndSize(const char *text, Py_ssize_t size)


cdef str address_text(const nc_addr *addr):
    cdef char text[NC_ADDR_TEXT_MAX]
    return PyUnicode_FromStringAndSize(text, <Py_ssize_t>nc_addr_format(addr, text, NC_ADDR_TEXT_MAX))


# -- isIP ------------------------------------------------------------------------------------------------------------

cdef inline int _kind(object input) except -1:
    cdef Py_ssize_t length
    cdef const char *text = ascii_of(input, &length)
    return nc_is_ip(text, length) if text != NULL else _kind_of_other(input)


cdef int _kind_of_other(object input) except -1:
    """As in Node, what is not text is asked for its text."""
    cdef Py_ssize_t length
    if isinstance(input, str):
        return 0
    input = str(input)
    cdef const char *text = ascii_of(input, &length)
    return nc_is_ip(text, length) if text != NULL else 0


def isIP(object input, /):
    """Which IP address `input` is: 4, 6, or 0 if it is none.

    An IPv4 address is four decimal numbers without leading zeros; an IPv6 address may be any form of RFC 4291, with an
    IPv4 address at its end and a zone (`'fe80::1%eth0'`). Blanks, line ends and NUL bytes belong to no address.
    """
    # Not `return kind`: what comes next need not wait for the number if the processor may guess it.
    cdef int kind = _kind(input)
    if kind == 4:
        return 4
    return 6 if kind == 6 else 0


def isIPv4(object input, /):
    """Whether `input` is an IPv4 address; see `isIP`."""
    return _kind(input) == 4


def isIPv6(object input, /):
    """Whether `input` is an IPv6 address; see `isIP`."""
    return _kind(input) == 6


# -- SocketAddress ---------------------------------------------------------------------------------------------------

cdef int family_of(object name) noexcept:
    if name == "ipv4":
        return 4
    if name == "ipv6":
        return 6
    if not isinstance(name, str):
        return 0
    name = (<str>name).lower()
    return 4 if name == "ipv4" else 6 if name == "ipv6" else 0


cdef SocketAddress socket_address(const nc_addr *addr, str zone):
    cdef SocketAddress made = SocketAddress.__new__(SocketAddress)
    made.addr = addr[0]
    made.zone = zone
    made.made = True
    return made


cdef int _port(object value) except -1:
    """As Node reads ports: a whole number, or text that is one, in any base that JavaScript has."""
    number = value
    if isinstance(value, str):
        try:
            number = int(value, 0) if value.strip()[:1] == "0" and value.strip().strip("0")[:1] in "xXoObB" \
                else float(value)
        except ValueError:
            number = -1
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        number = -1
    if not (0 <= number < 65536) or number != int(number) or (isinstance(value, str) and "_" in value):
        raise bad_port(value, "options.port")
    return int(number)


cdef object _flowlabel(object value, int family):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise invalid_arg_type("options.flowlabel", "number", value)
    if isinstance(value, float) and not value.is_integer():
        raise out_of_range("options.flowlabel", "an integer", value)
    if not (0 <= value <= 4294967295):
        raise out_of_range("options.flowlabel", ">= 0 && <= 4294967295", value)
    if family == 6 and value > 0xFFFFF:
        # Node dies of this one: a flow label has 20 bits.
        raise out_of_range("options.flowlabel", ">= 0 && <= 1048575", value)
    return int(value) if family == 6 else 0


# What the domain rules of URLs drop from a host.
cdef object _IGNORED = {c: None for c in (0xAD, 0x34F, 0x180B, 0x180C, 0x180D, 0x180F, 0x200B, 0x2060, 0x2064, 0xFEFF)}
_IGNORED.update({c: None for c in range(0xFE00, 0xFE10)})
_IGNORED.update({0x3002: "."})


cdef str _as_ascii(str text):
    """A host with the digits and dots of other scripts, as URLs map them to ASCII; '' if something else is in it."""
    if not text.startswith("["):
        from urllib.parse import unquote  # not sooner: it costs more to import than all of netcore

        text = unquote(text, errors="replace")
    text = _unicodedata.normalize("NFKC", text.translate(_IGNORED)).casefold().translate(_IGNORED)
    return text if not text.strip("0123456789abcdefx.") else ""


cdef str _international(str text):
    """Text that is not ASCII, with a host that is; '' where that cannot be."""
    text = text.rstrip("".join([chr(c) for c in range(33)]))
    text = text.translate({9: None, 10: None, 13: None}).lstrip("/\\")
    for end in "/\\?#":
        text = text.partition(end)[0]
    text = text.rpartition("@")[2]
    if text.startswith("["):
        return text
    host, colon, port = text.partition(":")
    host = _as_ascii(host)
    return f"{host}{colon}{port}" if host else ""


cdef int _read_options(SocketAddress self, object options, dict keywords) except -1:
    cdef int family = 4
    if options is not None and not hasattr(options, "keys"):
        raise invalid_arg_type("options", "object", options)
    values = {} if options is None else {key: options[key] for key in options.keys()}
    unknown = [key for key in keywords if key not in ("address", "family", "flowlabel", "port")]
    if unknown:
        raise TypeError(f"SocketAddress() got an unexpected keyword argument '{unknown[0]}'")
    values.update(keywords)
    if values.get("family") is not None:
        family = family_of(values["family"])
        if family == 0:
            raise invalid_arg_value("options.family", values["family"])
    address = values.get("address")
    if address is None:
        address = "127.0.0.1" if family == 4 else "::"
    port = _port(values["port"]) if values.get("port") is not None else 0
    flowlabel = _flowlabel(values["flowlabel"], family) if values.get("flowlabel") is not None else 0
    _read_address(self, address, family)
    self.addr.port = port
    self.addr.flowinfo = flowlabel
    return 0


cdef int _read_address(SocketAddress self, object address, int family) except -1:
    cdef Py_ssize_t length
    cdef nc_zone zone
    cdef nc_addr addr
    if not isinstance(address, str):
        raise invalid_arg_type("options.address", "string", address)
    cdef const char *text = ascii_of(address, &length)
    if text == NULL or nc_addr_parse_zoned(text, length, &addr, &zone) != NC_OK or addr.family != family:
        raise misuse("ERR_INVALID_ADDRESS")
    self.addr = addr
    self.zone = None if zone.name == NULL else zone.name[:zone.len].decode("ascii")
    return 0


cdef class SocketAddress:
    """An IP address with a port: `SocketAddress(options)` as in Node, or with the options as keywords.

    Options: `address` (default `'127.0.0.1'`, or `'::'` for IPv6), `family` (`'ipv4'`, the default, or `'ipv6'`), `port`
    (0 to 65535, default 0) and `flowlabel` (0 to 1048575, IPv6 only). Raises `ERR_INVALID_ADDRESS`,
    `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_SOCKET_BAD_PORT` and `ERR_OUT_OF_RANGE`.

    Immutable; equal and hashed by value, ordered by address, then port. Other than in Node, the zone of an address
    (`'fe80::1%eth0'`) stays with it.
    """

    def __cinit__(self):
        self.addr.family = 4
        self.addr.ip[10] = self.addr.ip[11] = 0xFF
        self.addr.ip[12] = 127
        self.addr.ip[15] = 1

    def __init__(self, options=None, **keywords):
        if self.made:
            raise TypeError("a SocketAddress cannot change")
        if options is not None or keywords:
            _read_options(self, options, keywords)
        self.made = True

    @property
    def address(self):
        """The address as text, in Node's and RFC 5952's form."""
        cdef str text = address_text(&self.addr)
        return text if self.zone is None else f"{text}%{self.zone}"

    @property
    def family(self):
        """`'ipv4'` or `'ipv6'`."""
        return "ipv4" if self.addr.family == 4 else "ipv6"

    @property
    def flowlabel(self):
        """The IPv6 flow label, 0 for IPv4."""
        return self.addr.flowinfo

    @property
    def port(self):
        """The port, 0 to 65535."""
        return self.addr.port

    @staticmethod
    def isSocketAddress(value, /):
        """Whether `value` is a `SocketAddress`."""
        return isinstance(value, SocketAddress)

    @staticmethod
    def parse(input, /):
        """The address in `'1.2.3.4:80'`, `'1.2.3.4'`, `'[::1]:80'` or `'[::1]'`; `None` if there is none.

        Takes all that Node's takes, which reads its input as the host of a URL: `'0x7f.1'` is 127.0.0.1. Other than in
        Node, the port 80 is kept and a NUL byte is no address. TypeError (`ERR_INVALID_ARG_TYPE`) for what is not text.
        """
        cdef Py_ssize_t length
        cdef nc_addr addr
        cdef const char *text = ascii_of(input, &length)
        if text == NULL and not isinstance(input, str):
            raise invalid_arg_type("input", "string", input)
        if text != NULL and nc_addr_parse_url(text, length, &addr) == NC_OK:
            return socket_address(&addr, None)
        if "\0" in input or (text != NULL and "%" not in input):
            return None
        other = _international(input)
        text = ascii_of(other, &length)
        if text == NULL or nc_addr_parse_url(text, length, &addr) != NC_OK:
            return None
        return socket_address(&addr, None)

    def toJSON(self):
        """A dict of the four properties."""
        return {"address": self.address, "port": self.port, "family": self.family, "flowlabel": self.flowlabel}

    def __repr__(self):
        return (f"SocketAddress {{ address: '{self.address}', port: {self.port}, family: '{self.family}', "
                f"flowlabel: {self.flowlabel} }}")

    def __hash__(self):
        return hash((self.addr.ip[:16], self.addr.port, self.addr.flowinfo, self.addr.family, self.zone))

    def __richcmp__(self, other, int op):
        if not isinstance(other, SocketAddress):
            return NotImplemented
        cdef int order = _compare(self, <SocketAddress>other)
        if op == Py_EQ:
            return order == 0
        if op == Py_NE:
            return order != 0
        if op == Py_LT:
            return order < 0
        if op == Py_LE:
            return order <= 0
        return order > 0 if op == Py_GT else order >= 0

    def __reduce__(self):
        return SocketAddress, (self.toJSON(),)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


cdef int _compare(SocketAddress a, SocketAddress b) noexcept:
    cdef int order = memcmp(a.addr.ip, b.addr.ip, 16)
    if order == 0:
        order = (a.addr.port > b.addr.port) - (a.addr.port < b.addr.port)
    if order == 0:
        order = (a.addr.flowinfo > b.addr.flowinfo) - (a.addr.flowinfo < b.addr.flowinfo)
    if order == 0:
        order = a.addr.family - b.addr.family
    if order == 0 and a.zone != b.zone:
        order = 1 if (a.zone or "") > (b.zone or "") else -1
    return order
