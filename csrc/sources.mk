# The files of the core: COMMON, and one list for each port. Read by csrc/Makefile and by setup.py.
COMMON = \
 base/heap.c \
 base/slab.c \
 base/status.c \
 core/address.c \
 core/address_url.c \
 core/blocklist.c \
 core/blocklist_memory.c \
 core/blocklist_rules.c \
 core/blocklist_text.c \
 core/blocklist_v4.c \
 core/blocklist_v6.c \
 core/connect.c \
 core/handle.c \
 core/linger.c \
 core/loop.c \
 core/relay.c \
 core/resolve.c \
 core/server.c \
 core/stream.c \
 core/stream_idle.c \
 core/stream_send.c \
 core/timer.c \
 core/writeq.c
POSIX = port/posix_errno.c port/posix_os.c port/posix_sockaddr.c port/posix_socket.c port/readiness.c
epoll = port/epoll.c $(POSIX)
kqueue = port/kqueue.c $(POSIX)
iocp =
TEST_PROGRAMS = test_port $(if $(filter iocp,$(PORT)),,test_port_posix)
