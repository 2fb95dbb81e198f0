cdef enum Encoding:
    UTF8
    UTF16LE
    LATIN1
    ASCII
    HEX
    BASE64
    BASE64URL

# The encoding of a name in any spelling that Node knows, UTF8 for None and ''. Raises ERR_UNKNOWN_ENCODING.
cdef Encoding encoding_of(object name) except? <Encoding>-1

cdef bytes encode_as(str text, Encoding encoding)
cdef Py_ssize_t byte_length_as(str text, Encoding encoding) except -1
cdef str decode_as(const unsigned char *data, Py_ssize_t size, Encoding encoding)


cdef class Decoder:
    cdef Encoding _encoding
    # The bytes of a character that the next write will complete.
    cdef unsigned char _held[4]
    cdef int _count

    # write() for bytes that are not in a Python object.
    cdef str feed(self, const unsigned char *data, Py_ssize_t size)
    cpdef str write(self, object data)
    cpdef str end(self, object data=*)
    cdef str _feed_utf8(self, const unsigned char *data, Py_ssize_t size)
    cdef str _continue_utf8(self, const unsigned char *data, Py_ssize_t size)
    cdef int _hold(self, const unsigned char *data, Py_ssize_t size) except -1

# The text of a str of any class, such as a member of an enumeration, as a plain str.
cdef extern from "Python.h":
    str plain_text "PyUnicode_FromObject"(object text)
