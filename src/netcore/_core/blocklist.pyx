"""`BlockList`: a set of addresses, subnets and ranges, and whether an address is in it."""

from collections import namedtuple
from os import PathLike as _PathLike
from os import fspath as _fspath

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from libc.stdint cimport uint8_t
from libc.string cimport memchr

from netcore._core.address cimport PyObject, SocketAddress, ascii_at, ascii_of, family_of, socket_address
from netcore._core.errors cimport invalid_arg_type, invalid_arg_value, misuse, out_of_range
from netcore._core.nc cimport (
    NC_EINVAL,
    NC_ENOMEM,
    NC_NOT_AN_ADDRESS,
    NC_OK,
    NC_RULE_ADDRESS,
    NC_RULE_RANGE,
    NC_RULE_SUBNET,
    NC_RULE_TEXT_MAX,
    cbool,
    nc_addr,
    nc_addr_parse_zoned,
    nc_blocklist,
    nc_blocklist_add,
    nc_blocklist_check,
    nc_blocklist_check_packed,
    nc_blocklist_check_text,
    nc_blocklist_check_texts,
    nc_blocklist_clear,
    nc_blocklist_load,
    nc_blocklist_memory,
    nc_blocklist_new,
    nc_blocklist_release,
    nc_blocklist_remove,
    nc_blocklist_rules,
    nc_blocklist_size,
    nc_rule,
    nc_rule_format,
    nc_rule_parse,
    nc_status,
    nc_text,
    nc_zone,
)


cdef extern from "Python.h":
    ctypedef struct PyTypeObject
    ctypedef void *PyCFunction
    ctypedef struct PyMethodDef:
        const char *ml_name
        PyCFunction ml_meth
        int ml_flags
        const char *ml_doc
    int METH_FASTCALL
    int METH_KEYWORDS
    PyObject **PySequence_Fast_ITEMS(object items)
    object PyDescr_NewMethod(PyTypeObject *type, PyMethodDef *method)
    str PyUnicode_FromStringAndSize(const char *text, Py_ssize_t size)


cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
    #define can_stay(items) PyTuple_CheckExact(items)
    #else
    #define can_stay(items) (PyTuple_CheckExact(items) || PyList_CheckExact(items))
    #endif
    """
    bint can_stay(object items)


Loaded = namedtuple("Loaded", ("added", "bad"))
Loaded.__doc__ = """What `BlockList.load` read: how many rules, and the wrong lines as a list of `BadLine`."""
BadLine = namedtuple("BadLine", ("number", "text"))
BadLine.__doc__ = """A line that is no rule: its number, counted from 1, and its text."""


# The names as they stand in a program are these very objects, so most calls need not compare text.
cdef str _IPV4 = "ipv4"
cdef str _IPV6 = "ipv6"


# -- arguments -------------------------------------------------------------------------------------------------------

cdef int _family(object type) except 0:
    if type is None:
        return 4
    if not isinstance(type, str):
        raise invalid_arg_type("family", "string", type)
    cdef int family = family_of(type)
    if family == 0:
        raise invalid_arg_value("options.family", type)
    return family


cdef int _read_address(str name, object address, object type, nc_addr *out) except -1:
    """The address of a rule. A zone is refused: no rule can be meant for one zone, and dropping it would block more."""
    cdef Py_ssize_t length
    cdef nc_zone zone
    if isinstance(address, SocketAddress):
        if (<SocketAddress>address).zone is not None:
            raise misuse("ERR_INVALID_ADDRESS")
        out[0] = (<SocketAddress>address).addr
        return 0
    if not isinstance(address, str):
        raise invalid_arg_type(name, "string", address)
    cdef int family = _family(type)
    cdef const char *text = ascii_of(address, &length)
    if text == NULL or nc_addr_parse_zoned(text, length, out, &zone) != NC_OK or out.family != family or zone.name != NULL:
        raise misuse("ERR_INVALID_ADDRESS")
    return 0


cdef int _read_prefix(object prefix, const nc_addr *addr, uint8_t *out) except -1:
    cdef int limit = 32 if addr.family == 4 else 128
    if isinstance(prefix, bool) or not isinstance(prefix, (int, float)):
        raise invalid_arg_type("prefix", "number", prefix)
    if isinstance(prefix, float) and not prefix.is_integer():
        raise out_of_range("prefix", "an integer", prefix)
    if not (0 <= prefix <= limit):
        raise out_of_range("prefix", f">= 0 && <= {limit}", prefix)
    out[0] = <uint8_t>int(prefix)
    return 0


cdef nc_rule _address_rule(str name, object address, object type) except *:
    cdef nc_rule rule
    rule.kind = NC_RULE_ADDRESS
    _read_address(name, address, type, &rule.first)
    rule.first.scope = 0
    return rule


cdef nc_rule _subnet_rule(object network, object prefix, object type) except *:
    cdef nc_rule rule
    rule.kind = NC_RULE_SUBNET
    _read_address("network", network, type, &rule.first)
    _read_prefix(prefix, &rule.first, &rule.prefix)
    return rule


cdef nc_rule _range_rule(object start, object end, object type) except *:
    cdef nc_rule rule
    rule.kind = NC_RULE_RANGE
    _read_address("start", start, type, &rule.first)
    _read_address("end", end, type, &rule.last)
    return rule


cdef nc_rule _cidr_rule(str name, object cidr) except *:
    if not isinstance(cidr, str):
        raise invalid_arg_type(name, "string", cidr)
    network, slash, prefix = cidr.rpartition("/")
    if not slash:
        raise invalid_arg_value("cidr", cidr, 'must contain a prefix length (e.g. "10.0.0.0/8")')
    digits = prefix.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 15 or str(int(prefix)) != prefix:
        raise invalid_arg_value("cidr", cidr, "prefix length must be a valid integer")
    return _subnet_rule(network, int(prefix), "ipv6" if ":" in network else "ipv4")


cdef int _require_list(str name, object value) except -1:
    if not isinstance(value, (list, tuple)):
        raise invalid_arg_type(name, "Array", value)
    return 0


cdef int _add(BlockList self, const nc_rule *rule) except -1:
    cdef nc_status status = nc_blocklist_add(self.list, rule)
    if status == NC_ENOMEM:
        raise MemoryError
    if status == NC_EINVAL:
        raise invalid_arg_value("start", socket_address(&rule.first, None), "must come before end")
    return 0


cdef int _add_parsed(BlockList self, const nc_rule *rule) except -1:
    cdef uint8_t prefix
    if rule.kind == NC_RULE_SUBNET:
        _read_prefix(rule.prefix, &rule.first, &prefix)
    return _add(self, rule)


cdef int _remove(BlockList self, const nc_rule *rule) except -1:
    if nc_blocklist_remove(self.list, rule) == NC_ENOMEM:
        raise MemoryError
    return 0


cdef str _rule_text(const nc_rule *rule):
    cdef char text[NC_RULE_TEXT_MAX]
    return PyUnicode_FromStringAndSize(text, <Py_ssize_t>nc_rule_format(rule, text, NC_RULE_TEXT_MAX))


# -- loading ---------------------------------------------------------------------------------------------------------

cdef struct bad_line:
    size_t number
    const char *text
    size_t len


cdef struct bad_lines:
    bad_line *items
    size_t count
    size_t cap
    bint stop  # at the first
    bint failed


cdef cbool _note_bad(void *context, size_t line, const char *text, size_t len) noexcept nogil:
    cdef bad_lines *bad = <bad_lines *>context
    cdef bad_line *items
    if bad.count == bad.cap:
        bad.cap = 16 if bad.cap == 0 else bad.cap * 2
        items = <bad_line *>PyMem_RawRealloc(bad.items, bad.cap * sizeof(bad_line))
        if items == NULL:
            bad.failed = True
            return False
        bad.items = items
    bad.items[bad.count].number = line
    bad.items[bad.count].text = text
    bad.items[bad.count].len = len
    bad.count += 1
    return not bad.stop


cdef object _bad_line(const bad_line *line):
    return BadLine(line.number, line.text[:line.len].decode("utf-8", "backslashreplace"))


cdef object _load_error(str name, object line):
    error = misuse("ERR_INVALID_ADDRESS")
    error.args = (f"{name}:{line.number}: not an address, subnet or range: {line.text!r}",)
    error.file = name
    error.line = line.number
    error.text = line.text
    return error


cdef bytes _line_bytes(object line):
    if isinstance(line, str):
        return (<str>line).rstrip("\r\n").replace("\n", "\r").encode("utf-8", "surrogateescape")
    if isinstance(line, bytes):
        return (<bytes>line).rstrip(b"\r\n").replace(b"\n", b"\r")
    raise invalid_arg_type("line", ("string", "Buffer"), line)


cdef tuple _read_source(object source):
    """The bytes of a file or of lines, and what errors call it."""
    if isinstance(source, (str, _PathLike)):
        with open(source, "rb") as file:
            return file.read(), str(_fspath(source))
    if isinstance(source, (bytes, bytearray, memoryview)) or not hasattr(source, "__iter__"):
        raise invalid_arg_type("source", "a path or an iterable of lines", source)
    name = getattr(source, "name", "<lines>")
    return b"\n".join([_line_bytes(line) for line in source]), str(name)


# -- checking --------------------------------------------------------------------------------------------------------

cdef bint _check_other(BlockList self, str name, object address) except -1:
    """Answers for what is no address as text."""
    if isinstance(address, SocketAddress):
        return nc_blocklist_check(self.list, &(<SocketAddress>address).addr)
    if not isinstance(address, str):
        raise invalid_arg_type(name, "string", address)
    return self.no_address()


cdef bint _check_typed(BlockList self, object address, object type) except -1:
    cdef Py_ssize_t length
    cdef nc_text text
    cdef int family = 4 if type is None else family_of(type)
    cdef int answer = NC_NOT_AN_ADDRESS
    text.at = ascii_of(address, &length)
    if text.at != NULL:
        if family == 0 and (self.strict or not isinstance(type, str)):
            _family(type)
        text.len = length
        if family != 0:
            answer = nc_blocklist_check_text(self.list, text, family)
    return answer == 1 if answer != NC_NOT_AN_ADDRESS else _check_other(self, "address", address)


cdef int _width(object view, object type) except 0:
    """How many bytes an address has in a buffer: what its shape says, else what `type` says, else 4."""
    cdef Py_ssize_t size = view.itemsize
    if not view.format.endswith(("B", "b", "c", "s", "x")) and not view.format.startswith((">", "!")):
        raise invalid_arg_value("addresses", view.format, "must be bytes or in network order")
    if view.ndim > 1:
        for extent in view.shape[1:]:
            size *= extent
    if size == 1:
        size = 4 if type is None or _family(type) == 4 else 16
    if size not in (4, 16) or view.nbytes % size:
        raise invalid_arg_value("addresses", list(view.shape), "must be n x 4 or n x 16 bytes")
    if type is not None and (size == 4) != (_family(type) == 4):
        raise invalid_arg_value("type", type, f"does not go with addresses of {size} bytes")
    return <int>size


cdef bytes _check_buffer(nc_blocklist *list, object buffer, object type):
    cdef Py_buffer octets
    view = memoryview(buffer)
    cdef size_t width = _width(view, type)
    cdef size_t count = view.nbytes // width
    cdef bytes mask = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>count)
    cdef uint8_t *out = <uint8_t *>PyBytes_AS_STRING(mask)
    PyObject_GetBuffer(buffer if view.c_contiguous else view.tobytes(), &octets, PyBUF_SIMPLE)
    with nogil:
        nc_blocklist_check_packed(list, <const uint8_t *>octets.buf, width, count, out)
    PyBuffer_Release(&octets)
    return mask


cdef enum:
    SOME = 256


cdef int _check_some(BlockList self, object items, Py_ssize_t start, Py_ssize_t count, int family, uint8_t *out) except -1:
    """The texts are those of the str objects themselves, so nothing may come in between that could let them go."""
    cdef nc_text texts[SOME]
    cdef Py_ssize_t i, length
    cdef PyObject **first = PySequence_Fast_ITEMS(items) + start
    texts[0].at = NULL # a compiler does not know that there is at least one
    for i in range(count):
        length = 0
        texts[i].at = ascii_at(first[i], &length)
        if texts[i].at == NULL:
            texts[i].at = b""
        texts[i].len = length
    nc_blocklist_check_texts(self.list, texts, count, family, out)
    if memchr(out, NC_NOT_AN_ADDRESS, count) == NULL:
        return 0
    for i in range(count):
        if out[i] == NC_NOT_AN_ADDRESS:
            out[i] = _check_other(self, f"addresses[{start + i}]", items[start + i])
    return 0


cdef bytes _check_texts(BlockList self, object addresses, int family):
    """A list is read where it is, if no other thread can change it meanwhile: copying it would cost half as much as checking."""
    cdef object items = addresses if can_stay(addresses) else tuple(addresses)
    cdef Py_ssize_t count = len(items), at
    cdef bytes mask = PyBytes_FromStringAndSize(NULL, count)
    cdef uint8_t *out = <uint8_t *>PyBytes_AS_STRING(mask)
    for at in range(0, count, SOME):
        _check_some(self, items, at, min(SOME, count - at), family, out + at)
    return mask


# -- check -----------------------------------------------------------------------------------------------------------
#
# Python calls this function itself, with the arguments where they lie on its stack: what Cython puts before a method, to
# sort arguments into parameters, would cost as much as the look-up. All that is not text with a type as it stands in a
# program goes another way, through the object's table of methods so that the compiler keeps it out of here.

cdef object _check(BlockList self, PyObject **arguments, Py_ssize_t count, PyObject *names):
    cdef Py_ssize_t length
    cdef nc_text text
    cdef int answer, family = 0
    if count == 1 or (count == 2 and arguments[1] == <PyObject *>_IPV4):
        family = 4
    elif count == 2 and arguments[1] == <PyObject *>_IPV6:
        family = 6
    if family != 0 and names == NULL:
        text.at = ascii_at(arguments[0], &length)
        if text.at != NULL:
            text.len = length
            answer = nc_blocklist_check_text(self.list, text, family)
            # Not `return answer == 1`: what comes next need not wait for the answer if the processor may guess it.
            if answer == 0:
                return False
            if answer == 1:
                return True
            return self.no_address()
    return self.check_other(arguments, count, names)


cdef PyMethodDef _CHECK
_CHECK.ml_name = "check"
_CHECK.ml_meth = <PyCFunction><void *>_check
_CHECK.ml_flags = METH_FASTCALL | METH_KEYWORDS
_CHECK.ml_doc = """check($self, address, type=None)
--

Whether a rule covers `address`, a str of the family `type` (`'ipv4'` by default) or a `SocketAddress`.

What is no address of that family is not blocked, as in Node; a strict list raises `ERR_INVALID_ADDRESS`."""


# -- the class -------------------------------------------------------------------------------------------------------

cdef class BlockList:
    """A set of IP addresses: single ones, subnets and ranges, to be kept from connecting or from being connected to.

    One address space: an IPv4 address is its IPv4-mapped IPv6 address, for rules and checks alike. A rule holds in every
    zone; an address with a zone cannot be a rule. A check costs the same at ten rules and at a million. One thread may
    change a list while others check it: they see each change whole or not at all.

    `strict=True` makes `check`, `in` and `check_many` raise `ERR_INVALID_ADDRESS` for what is no address, and `fromJSON`
    for what is no rule, where Node answers `False` and passes over it.

    `len(list)` is `list.size`; `'10.0.0.1' in list` checks an address of either family. Lists are equal if they have the
    same rules, in whatever order.

    `PRIVATE_RANGES` are the networks that are not on the public internet, for `addCIDRs`.
    """

    PRIVATE_RANGES = (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "::1/128",
        "169.254.0.0/16",
        "fe80::/10",
        "fc00::/7",
    )

    __hash__ = None

    def __cinit__(self, *args, **kwargs):
        if nc_blocklist_new(&self.list) != NC_OK:
            raise MemoryError

    def __init__(self, *, strict=False):
        self.strict = bool(strict)

    def __dealloc__(self):
        nc_blocklist_release(self.list)

    cdef bint no_address(self) except -1:
        """The answer for text that is no address."""
        if self.strict:
            raise misuse("ERR_INVALID_ADDRESS")
        return False

    cdef bint check_other(self, PyObject **arguments, Py_ssize_t count, PyObject *names) except -1:
        if count > 2:
            raise TypeError(f"check() takes at most 2 arguments ({count} given)")
        values = dict(zip(("address", "type"), [<object>arguments[i] for i in range(count)]))
        for i, name in enumerate(() if names == NULL else <tuple>names):
            if name not in ("address", "type"):
                raise TypeError(f"check() got an unexpected keyword argument '{name}'")
            if name in values:
                raise TypeError(f"check() got multiple values for argument '{name}'")
            values[name] = <object>arguments[count + i]
        if "address" not in values:
            raise TypeError("check() missing required argument 'address'")
        return _check_typed(self, values["address"], values.get("type"))

    # -- rules ---------------------------------------------------------------------------------------------------

    def addAddress(self, address, type=None):
        """Blocks one address, a str of the family `type` (`'ipv4'` by default) or a `SocketAddress`."""
        cdef nc_rule rule = _address_rule("address", address, type)
        _add(self, &rule)

    def addAddresses(self, addresses, type=None):
        """Blocks each address of a list or tuple; if one of them is wrong, none."""
        _require_list("addresses", addresses)
        _family(type)
        for i, address in enumerate(addresses):
            _address_rule(f"addresses[{i}]", address, type)
        for address in addresses:
            self.addAddress(address, type)

    def addRange(self, start, end, type=None):
        """Blocks all addresses from `start` to `end`, both included."""
        cdef nc_rule rule = _range_rule(start, end, type)
        _add(self, &rule)

    def addSubnet(self, net, prefix, type=None):
        """Blocks a subnet: all addresses with the first `prefix` bits of `net`."""
        cdef nc_rule rule = _subnet_rule(net, prefix, type)
        _add(self, &rule)

    def addCIDR(self, cidr):
        """Blocks a subnet written as `'10.0.0.0/8'` or `'2001:db8::/32'`."""
        cdef nc_rule rule = _cidr_rule("cidr", cidr)
        _add(self, &rule)

    def addCIDRs(self, cidrs):
        """Blocks each subnet of a list or tuple; if one of them is wrong, none."""
        _require_list("cidrs", cidrs)
        for i, cidr in enumerate(cidrs):
            _cidr_rule(f"cidrs[{i}]", cidr)
        for cidr in cidrs:
            self.addCIDR(cidr)

    def removeAddress(self, address, type=None):
        """Takes away the rule of `addAddress`. What other rules cover stays blocked; no such rule is no error."""
        cdef nc_rule rule = _address_rule("address", address, type)
        _remove(self, &rule)

    def removeRange(self, start, end, type=None):
        """Takes away one rule of `addRange` with these ends."""
        cdef nc_rule rule = _range_rule(start, end, type)
        _remove(self, &rule)

    def removeSubnet(self, net, prefix, type=None):
        """Takes away one rule of `addSubnet` with this address, host bits included, and prefix."""
        cdef nc_rule rule = _subnet_rule(net, prefix, type)
        _remove(self, &rule)

    def removeCIDR(self, cidr):
        """Takes away one rule of `addCIDR` or `addSubnet`."""
        cdef nc_rule rule = _cidr_rule("cidr", cidr)
        _remove(self, &rule)

    def clear(self):
        """Takes all rules away."""
        if nc_blocklist_clear(self.list) != NC_OK:
            raise MemoryError

    def load(self, source, *, strict=True):
        """Adds the rules of a list as people publish them: FireHOL and ipset files (`.netset`, `.ipset`, `ipset save`),
        Spamhaus' DROP, plain addresses, CIDRs and ranges (`10.0.0.1-10.0.0.9`), one a line.

        `source` is the path of a file, or an iterable of lines (an open file, too). Comments from `#` or `;` on and blank
        lines are passed over. Returns `Loaded(added, bad)`.

        A line that is none of these raises ValueError (`ERR_INVALID_ADDRESS`, with `.file`, `.line` and `.text`), and then
        nothing is added; with `strict=False` the other lines are added and `bad` lists the wrong ones as `BadLine(number,
        text)`. A file that cannot be read raises OSError.
        """
        cdef bad_lines bad = bad_lines(NULL, 0, 0, bool(strict), False)
        cdef size_t added = 0, i
        cdef nc_status status
        data, name = _read_source(source)
        cdef const char *text = <const char *>PyBytes_AS_STRING(data)
        cdef size_t size = len(data)
        with nogil:
            status = nc_blocklist_load(self.list, text, size, _note_bad, &bad, &added)
        try:
            if bad.failed or status == NC_ENOMEM:
                raise MemoryError
            wrong = [_bad_line(&bad.items[i]) for i in range(bad.count)]
        finally:
            PyMem_RawFree(bad.items)
        if status == NC_EINVAL:
            raise _load_error(name, wrong[0])
        return Loaded(added, wrong)

    # -- questions -----------------------------------------------------------------------------------------------

    # Is asked for every connection, so it has an entry of its own; see above.
    check = PyDescr_NewMethod(<PyTypeObject *>BlockList, &_CHECK)

    def check_many(self, addresses, type=None):
        """Checks many addresses at once, and returns a `bytes` with a 1 for each that is blocked and a 0 for the others.

        `addresses` is an iterable of str and `SocketAddress`, of either family unless `type` names one; or an object with
        the buffer protocol (bytes, a memoryview, a NumPy array) of packed addresses in network order, 4 bytes each, or 16
        where `type` is `'ipv6'` or its last dimension says so. For buffers the interpreter lock is let go.
        """
        if isinstance(addresses, str):
            raise invalid_arg_type("addresses", "a list of addresses or a buffer", addresses)
        if not isinstance(addresses, (list, tuple)):
            try:
                memoryview(addresses)
            except TypeError:
                pass
            else:
                return _check_buffer(self.list, addresses, type)
        return _check_texts(self, addresses, 0 if type is None else _family(type))

    def __contains__(self, address):
        cdef Py_ssize_t length
        cdef nc_text text
        cdef int answer = NC_NOT_AN_ADDRESS
        text.at = ascii_of(address, &length)
        if text.at != NULL:
            text.len = length
            answer = nc_blocklist_check_text(self.list, text, 0)
        return answer == 1 if answer != NC_NOT_AN_ADDRESS else _check_other(self, "address", address)

    @property
    def size(self):
        """How many rules there are."""
        return nc_blocklist_size(self.list)

    def __len__(self):
        return <Py_ssize_t>nc_blocklist_size(self.list)

    def __bool__(self):
        return True

    @property
    def rules(self):
        """The rules as Node lists them (`'Subnet: IPv4 10.0.0.0/8'`): addresses, then subnets, then ranges, each newest
        first."""
        cdef size_t cap = nc_blocklist_size(self.list), count = cap, i
        cdef nc_rule *rules = NULL
        while rules == NULL or count > cap:
            PyMem_RawFree(rules)
            cap = count
            rules = <nc_rule *>PyMem_RawMalloc(cap * sizeof(nc_rule)) # not NULL for no rules either
            if rules == NULL:
                raise MemoryError
            with nogil:
                count = nc_blocklist_rules(self.list, rules, cap)
        try:
            return [_rule_text(&rules[i]) for i in range(count)]
        finally:
            PyMem_RawFree(rules)

    def memory(self):
        """The bytes held by the set that checks read, and by the log of the rules, as a tuple."""
        cdef size_t set, log
        nc_blocklist_memory(self.list, &set, &log)
        return set, log

    @staticmethod
    def isBlockList(value, /):
        """Whether `value` is a `BlockList`."""
        return isinstance(value, BlockList)

    # -- as data -------------------------------------------------------------------------------------------------

    def toJSON(self):
        """The rules, as `rules` has them."""
        return self.rules

    def fromJSON(self, data):
        """Adds the rules of `toJSON`, a list or tuple of str, or that list as JSON text.

        Text that is no rule is passed over, as in Node; a strict list raises `ERR_INVALID_ARG_VALUE`.
        """
        cdef Py_ssize_t length
        cdef nc_rule rule
        cdef const char *text
        rules = data
        if isinstance(data, str):
            import json  # not sooner: it costs a good part of what netcore costs to import

            rules = json.loads(data)
        if not isinstance(rules, (list, tuple)) or not all([isinstance(each, str) for each in rules]):
            raise invalid_arg_type("data", ("string", "string[]"), data)
        for each in rules:
            each = each.strip()
            text = ascii_of(each, &length)
            if text != NULL and nc_rule_parse(text, length, &rule) == NC_OK:
                _add_parsed(self, &rule)
            elif self.strict:
                raise invalid_arg_value("data", each, "must be a list of rules")

    def __eq__(self, other):
        if not isinstance(other, BlockList):
            return NotImplemented
        return self is other or (len(self) == len(other) and sorted(self.rules) == sorted(other.rules))

    def __repr__(self):
        return f"<BlockList of {self.size} rule{'' if self.size == 1 else 's'}>"

    def __reduce__(self):
        return _rebuild, (self.__class__, self.strict, self.rules)


def _rebuild(cls, strict, rules):
    """A list of pickled rules; they are added oldest first, so that the copy lists them as the original does."""
    made = cls(strict=strict)
    made.fromJSON(rules[::-1])
    return made
