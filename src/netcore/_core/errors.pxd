from netcore._core.nc cimport nc_status

# Failures of the operating system, by the core's status.
cpdef object errno_error(nc_status status, str syscall, object address=*, object port=*, object hostname=*, str local=*)

# All the attempts of one connect failed: `errors` is a list with at least one exception.
cpdef object aggregate_error(list errors)

# Misuse. Each of these returns the exception, for the caller to raise, emit or hand to a callback.
cpdef object misuse(str code, object detail=*)
cpdef object invalid_arg_type(str name, object expected, object value)
cpdef object invalid_arg_value(str name, object value, str reason=*)
cpdef object out_of_range(str name, str allowed, object value)
cpdef object bad_port(object value, str name=*, bint allow_zero=*)
cpdef object missing_args(object names)
cpdef object unhandled_error(object value)
cpdef object abort_error(object reason=*, str message=*)
cpdef object timeout_error()

# A value as Node's messages show it.
cpdef str inspect(object value)
