# The files of the core: COMMON, and one list for each port. Read by csrc/Makefile and by setup.py, which compile what an
# ENGINE includes with it, and the rest by itself.
COMMON = \
 base/heap.c \
 base/slab.c \
 base/status.c \
 core/address.c \
 core/address_url.c \
 core/address_v4.c \
 core/address_v6.c \
 core/blocklist.c \
 core/blocklist_memory.c \
 core/blocklist_rules.c \
 core/blocklist_text.c \
 core/blocklist_v4.c \
 core/blocklist_v6.c \
 core/capi.c \
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
PORTS = port/intake.c port/lookup.c port/sockaddr.c
POSIX = $(PORTS) port/posix_clock.c port/posix_errno.c port/posix_os.c port/posix_socket.c port/readiness.c port/splice.c
epoll = port/epoll.c $(POSIX)
kqueue = port/kqueue.c $(POSIX)
iocp = $(PORTS) port/iocp.c port/iocp_accept.c port/iocp_pipe.c port/win_errno.c port/win_os.c port/win_pipe.c port/win_socket.c
TEST_PROGRAMS = test_port $(if $(filter iocp,$(PORT)),test_port_windows,test_port_posix)
TEST_PROGRAMS += $(if $(filter epoll,$(PORT)),test_splice)
TEST_PROGRAMS += address_readers blocklist_oracle blocklist_work $(if $(filter iocp,$(PORT)),,blocklist_threads)
ENGINE_epoll = engine/epoll.c
ENGINE_kqueue = engine/kqueue.c
ENGINE_iocp = engine/core.c
