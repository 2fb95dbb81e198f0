# The files of the core: COMMON, and one list for each port. Read by csrc/Makefile and by setup.py.
COMMON = \
 base/heap.c \
 base/slab.c \
 base/status.c \
 core/address.c
POSIX = port/posix_errno.c port/posix_os.c port/posix_sockaddr.c port/posix_socket.c port/readiness.c
epoll = port/epoll.c $(POSIX)
kqueue = port/kqueue.c $(POSIX)
iocp =
TEST_PROGRAMS =
