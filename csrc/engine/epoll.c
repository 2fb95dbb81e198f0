/* The engine over epoll. The sockets come first, because that file says which of a system's declarations are wanted. */
#include "port/posix_socket.c"

#include "engine/core.c"
#include "port/epoll.c"
#include "port/intake.c"
#include "port/readiness.c"
