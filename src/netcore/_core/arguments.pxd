# Checks of arguments, with the errors that Node's validators give. Each answers the value in its C type.
cdef int check_int32(object value, str name, int least, int most) except? -1
cdef object check_number(object value, str name)
cdef bint check_boolean(object value, str name) except -1
cdef str check_string(object value, str name)
cdef int check_port(object value, str name) except -1
cdef object check_callback(object value, str name)

# What JavaScript's Number() makes of `value` if that is a number from zero on, else None.
cdef object number_from(object value)
# Whether JavaScript takes `value` for true: containers are, even empty ones.
cdef bint is_truthy(object value)
cdef bint is_pipe_name(object value) except -1
# The memory of an object with the buffer protocol, as an object that need not be asked for it by running its own code.
cdef object memory_of(object buffer)

# The options that a call was given in a mapping and as keywords, of which only those `known` are allowed.
cdef bint is_mapping(object value) except -1
cdef int add_keywords(dict options, dict keywords, frozenset known, str function) except -1
cdef dict merge(object mapping, dict keywords, frozenset known, str function)

# The call forms that connect() and listen() share: (options), (path), (port, host), each with a callback at the end.
cdef tuple normalize(tuple args)
