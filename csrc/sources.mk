# The files of the core: COMMON, and one list for each port. Read by csrc/Makefile and by setup.py.
COMMON = base/status.c \
 core/address.c
epoll =
kqueue =
iocp =
