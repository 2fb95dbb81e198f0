/* What else the core needs of an operating system: the clock, threads, name look-up, the identity of a file. */
#ifndef NC_PORT_OS_H
#define NC_PORT_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netcore/address.h"
#include "netcore/status.h"

/* Monotonic. */
uint64_t nc__os_now_ms(void);

/* Starts a thread that nobody waits for, with signals blocked. NC_EAGAIN if there is none to be had. */
nc_status nc__os_thread_start(void (*run)(void *), void *arg);

/* A lock with one condition. */
typedef struct nc_monitor nc_monitor;
nc_monitor *nc__os_monitor_new(void); /* NULL: no memory */
void nc__os_monitor_free(nc_monitor *monitor);
void nc__os_monitor_enter(nc_monitor *monitor);
void nc__os_monitor_leave(nc_monitor *monitor);
void nc__os_monitor_wait(nc_monitor *monitor); /* leaves, waits to be notified, enters */
void nc__os_monitor_notify(nc_monitor *monitor);

/* Looks up a name with the system's resolver; blocks. `flags` as in netcore/resolve.h. `*addrs` is malloc'ed. */
nc_status nc__os_resolve(const char *host, int family, unsigned flags, nc_addr **addrs, size_t *count);

/* Which file `path` is now. NC_ENOENT and the like. */
typedef struct nc_file_id {
    uint64_t device, file;
} nc_file_id;
nc_status nc__os_file_id(const char *path, nc_file_id *id);
void nc__os_unlink(const char *path);

#endif
