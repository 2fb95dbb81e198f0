from netcore._core.nc cimport nc_status

cpdef object errno_error(nc_status status, str syscall, object address=*, object port=*, object hostname=*)
