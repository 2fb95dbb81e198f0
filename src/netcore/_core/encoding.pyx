"""Node's string encodings.

A JavaScript string is a row of 16-bit units and may hold half a surrogate pair. Where that shows, so it does here: the
one-byte encodings keep the low byte of each unit, and UTF-8 has U+FFFD for half a pair. Text in hex and base64 is read
as leniently as Node reads it: hex ends at the first pair that is none, base64 skips what is not in either of its
alphabets and ends at the first `=`.
"""

from binascii import b2a_base64, hexlify

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport (
    PyUnicode_AsLatin1String, PyUnicode_AsUTF8String, PyUnicode_DecodeASCII, PyUnicode_DecodeLatin1,
    PyUnicode_DecodeUTF8, PyUnicode_DecodeUTF16,
)
from libc.string cimport memcpy

from netcore._core.errors cimport invalid_arg_type, misuse

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(str text)
    int PyUnicode_KIND(str text)
    int PyUnicode_1BYTE_KIND

cdef dict _NAMES = {
    "utf8": UTF8, "utf-8": UTF8,
    "utf16le": UTF16LE, "utf-16le": UTF16LE, "ucs2": UTF16LE, "ucs-2": UTF16LE,
    "latin1": LATIN1, "binary": LATIN1,
    "ascii": ASCII, "hex": HEX, "base64": BASE64, "base64url": BASE64URL,
}

# What Node calls each of them, whichever of its names was used.
cdef tuple _CANONICAL = ("utf8", "utf16le", "latin1", "ascii", "hex", "base64", "base64url")


cdef Encoding encoding_of(object name) except? <Encoding>-1:
    found = _NAMES.get(name) if isinstance(name, str) else None
    if found is None:
        if name is None or name == "":
            return UTF8
        found = _NAMES.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        raise misuse("ERR_UNKNOWN_ENCODING", name)
    return <Encoding><int>found


# -- text to bytes ---------------------------------------------------------------------------------------------------

cdef bytes _units(str text):
    """The 16-bit units of a JavaScript string, little-endian."""
    return text.encode("utf-16-le", "surrogatepass")


cdef bytes _low_bytes(str text):
    if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
        return PyUnicode_AsLatin1String(text)
    return _units(text)[::2]


cdef bytes _encode_utf8(str text):
    try:
        return PyUnicode_AsUTF8String(text)
    except UnicodeEncodeError:
        # Two halves of a pair side by side are the character, as in JavaScript; a half alone is replaced.
        return PyUnicode_AsUTF8String(_units(text).decode("utf-16-le", "replace"))


cdef inline int _hex_digit(unsigned char c) noexcept:
    if c'0' <= c <= c'9':
        return c - c'0'
    c |= 0x20
    return c - c'a' + 10 if c'a' <= c <= c'f' else -1


cdef bytes _encode_hex(str text):
    cdef bytes source = _low_bytes(text)
    cdef const unsigned char *digits = <const unsigned char *>PyBytes_AS_STRING(source)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(source) // 2
    cdef bytes result = PyBytes_FromStringAndSize(NULL, size)
    cdef unsigned char *out = <unsigned char *>PyBytes_AS_STRING(result)
    cdef Py_ssize_t i
    cdef int high, low
    for i in range(size):
        high = _hex_digit(digits[2 * i])
        low = _hex_digit(digits[2 * i + 1])
        if high < 0 or low < 0:
            return result[:i]
        out[i] = <unsigned char>(high << 4 | low)
    return result


cdef inline int _base64_digit(unsigned char c) noexcept:
    if c'A' <= c <= c'Z':
        return c - c'A'
    if c'a' <= c <= c'z':
        return c - c'a' + 26
    if c'0' <= c <= c'9':
        return c - c'0' + 52
    if c == c'+' or c == c'-':
        return 62
    return 63 if c == c'/' or c == c'_' else -1


cdef bytes _encode_base64(str text):
    cdef bytes source = _low_bytes(text)
    cdef const unsigned char *digits = <const unsigned char *>PyBytes_AS_STRING(source)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(source)
    cdef bytes result = PyBytes_FromStringAndSize(NULL, size // 4 * 3 + 3)
    cdef unsigned char *out = <unsigned char *>PyBytes_AS_STRING(result)
    cdef Py_ssize_t i
    cdef Py_ssize_t written = 0
    cdef unsigned int bits = 0
    cdef int count = 0
    cdef int digit
    for i in range(size):
        if digits[i] == c'=':
            break
        digit = _base64_digit(digits[i])
        if digit < 0:
            continue
        bits = bits << 6 | <unsigned int>digit
        count += 6
        if count >= 8:
            count -= 8
            out[written] = <unsigned char>(bits >> count & 0xFF)
            written += 1
    return result[:written]


cdef bytes encode_as(str text, Encoding encoding):
    if encoding == UTF8:
        return _encode_utf8(text)
    if encoding == UTF16LE:
        return _units(text)
    if encoding == HEX:
        return _encode_hex(text)
    if encoding == BASE64 or encoding == BASE64URL:
        return _encode_base64(text)
    return _low_bytes(text)


cdef Py_ssize_t _unit_count(str text) except -1:
    return len(text) if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND else len(_units(text)) // 2


cdef Py_ssize_t byte_length_as(str text, Encoding encoding) except -1:
    if encoding == UTF8:
        return len(text) if PyUnicode_IS_ASCII(text) else len(_encode_utf8(text))
    if encoding == UTF16LE:
        return _unit_count(text) * 2
    if encoding == HEX:
        return _unit_count(text) // 2
    if encoding == BASE64 or encoding == BASE64URL:
        # Node does not look at the text, but for the padding at its end.
        return (_unit_count(text) - (text.endswith("=") + text.endswith("=="))) * 3 // 4
    return _unit_count(text)


def encode(str text not None, encoding="utf8"):
    """The bytes of `text` in one of Node's encodings, as `Buffer.from(text, encoding)` gives them.

    Raises `ERR_UNKNOWN_ENCODING` for a name that is none. Text that does not fit the encoding is never an error.
    """
    return encode_as(text, encoding_of(encoding))


def byteLength(str text not None, encoding="utf8"):
    """How many bytes `text` has in `encoding`, as `Buffer.byteLength` counts: an upper limit for hex and base64."""
    return byte_length_as(text, encoding_of(encoding))


def normalize(encoding):
    """Node's own name for an encoding (`'utf8'` for `'UTF-8'`, `'latin1'` for `'binary'`, `'utf8'` for None)."""
    return _CANONICAL[encoding_of(encoding)]


# -- bytes to text ---------------------------------------------------------------------------------------------------

cdef str _decode_ascii(const unsigned char *data, Py_ssize_t size):
    """Node's ASCII has no more than seven bits: the eighth is dropped."""
    cdef bytes masked = PyBytes_FromStringAndSize(NULL, size)
    cdef unsigned char *out = <unsigned char *>PyBytes_AS_STRING(masked)
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = data[i] & 0x7F
    return PyUnicode_DecodeASCII(<char *>out, size, NULL)


cdef str _decode_base64(bytes data, Encoding encoding):
    text = b2a_base64(data, newline=False)
    if encoding == BASE64URL:
        text = text.rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_")
    return text.decode("ascii")


cdef str decode_as(const unsigned char *data, Py_ssize_t size, Encoding encoding):
    cdef const char *chars = <const char *>data
    cdef int little = -1
    if encoding == UTF8:
        return PyUnicode_DecodeUTF8(chars, size, "replace")
    if encoding == LATIN1:
        return PyUnicode_DecodeLatin1(chars, size, NULL)
    if encoding == UTF16LE:
        return PyUnicode_DecodeUTF16(chars, size - size % 2, "surrogatepass", &little)
    if encoding == ASCII:
        return _decode_ascii(data, size)
    if encoding == HEX:
        return hexlify(chars[:size]).decode("ascii")
    return _decode_base64(chars[:size], encoding)


def decode(data, encoding="utf8"):
    """The text of some bytes in one of Node's encodings, as `buffer.toString(encoding)` gives it.

    `data` is anything with the buffer protocol. What is not valid UTF-8 becomes U+FFFD, by the rules of the WHATWG.
    Raises `ERR_UNKNOWN_ENCODING` for a name that is none.
    """
    cdef Py_buffer view
    cdef Encoding kind = encoding_of(encoding)
    PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
    try:
        return decode_as(<const unsigned char *>view.buf, view.len, kind)
    finally:
        PyBuffer_Release(&view)


cdef Py_ssize_t _sequence_length(unsigned char lead):
    """How many bytes a character has that begins with `lead`. F5 to F7, which begin none, count as leads of four."""
    if lead & 0xE0 == 0xC0:
        return 2
    if lead & 0xF0 == 0xE0:
        return 3
    return 4 if lead & 0xF8 == 0xF0 else 1


cdef Py_ssize_t _unfinished(const unsigned char *data, Py_ssize_t size):
    """How many bytes at the end are a character whose rest is still to come."""
    cdef Py_ssize_t count
    for count in range(1, min(size, 3) + 1):
        if data[size - count] & 0xC0 != 0x80:
            return count if count < _sequence_length(data[size - count]) else 0
    return 0


cdef class Decoder:
    """Node's StringDecoder: decodes bytes that arrive in pieces, and keeps a character that is not yet complete.

    `encoding` is one of Node's names; raises `ERR_UNKNOWN_ENCODING` for any other.
    """

    def __cinit__(self, encoding="utf8"):
        self._encoding = encoding_of(encoding)

    @property
    def encoding(self):
        """Node's own name of the encoding."""
        return _CANONICAL[self._encoding]

    cpdef str write(self, object data):
        """The text of all characters that are complete with `data`, any object with the buffer protocol."""
        cdef Py_buffer view
        if isinstance(data, str):
            return data
        try:
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        except TypeError:
            raise invalid_arg_type("buf", ("Buffer", "TypedArray", "DataView"), data) from None
        try:
            return self.feed(<const unsigned char *>view.buf, view.len)
        finally:
            PyBuffer_Release(&view)

    cpdef str end(self, object data=None):
        """The rest: `data` if given, and what stands for a character that will never be complete."""
        cdef int count
        text = "" if data is None else self.write(data)
        count = self._count
        self._count = 0
        return text + decode_as(self._held, count, self._encoding) if count else text

    cdef str feed(self, const unsigned char *data, Py_ssize_t size):
        cdef bytes joined
        cdef Py_ssize_t complete = size
        if self._count and self._encoding == UTF8:
            return self._continue_utf8(data, size)
        if self._count:
            joined = self._held[:self._count] + data[:size]
            self._count = 0
            return self.feed(<const unsigned char *>PyBytes_AS_STRING(joined), PyBytes_GET_SIZE(joined))
        if self._encoding == UTF8:
            return self._feed_utf8(data, size)
        if self._encoding == UTF16LE:
            complete -= size % 2
            if complete and 0xD8 <= data[complete - 1] <= 0xDB:
                complete -= 2
        elif self._encoding == BASE64 or self._encoding == BASE64URL:
            complete -= size % 3
        self._hold(data + complete, size - complete)
        return decode_as(data, complete, self._encoding)

    cdef str _feed_utf8(self, const unsigned char *data, Py_ssize_t size):
        cdef Py_ssize_t rest = _unfinished(data, size) if size and data[size - 1] & 0x80 else 0
        self._hold(data + size - rest, rest)
        return PyUnicode_DecodeUTF8(<const char *>data, size - rest, "replace")

    cdef str _continue_utf8(self, const unsigned char *data, Py_ssize_t size):
        """Completes the character that is held back, or gives it up at the first byte that is no part of it."""
        cdef Py_ssize_t missing = _sequence_length(self._held[0]) - self._count
        cdef Py_ssize_t found = 0
        while found < size and found < missing and data[found] & 0xC0 == 0x80:
            self._held[self._count] = data[found]
            self._count += 1
            found += 1
        if found == size and found < missing:
            return ""
        text = PyUnicode_DecodeUTF8(<const char *>self._held, self._count, "replace")
        self._count = 0
        return text + self._feed_utf8(data + found, size - found)

    cdef int _hold(self, const unsigned char *data, Py_ssize_t size) except -1:
        memcpy(self._held, data, <size_t>size)
        self._count = <int>size
        return 0
