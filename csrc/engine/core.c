/* What a message passes through, as one unit of translation: the compiler then inlines across files and layers, and a
 * relayed message takes half the instructions, with every compiler and without link-time optimisation. In return what is
 * static has to have a name of its own among these files. This is all of it where the port holds buffers; a readiness port
 * joins in, too (epoll.c, kqueue.c). Every file also compiles by itself, as the simulation of tests/c does. */
#include "base/heap.c"
#include "base/slab.c"
#include "core/connect.c"
#include "core/handle.c"
#include "core/linger.c"
#include "core/loop.c"
#include "core/relay.c"
#include "core/server.c"
#include "core/stream.c"
#include "core/stream_idle.c"
#include "core/stream_send.c"
#include "core/timer.c"
#include "core/writeq.c"
