#if defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#else
#define _DEFAULT_SOURCE 1
#endif
#include "port/os.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/posix_errno.h"

typedef struct nc_start {
    void (*run)(void *);
    void *arg;
} nc_start;

static void *thread_main(void *arg) {
    nc_start start = *(nc_start *)arg;
    free(arg);
    start.run(start.arg);
    return NULL;
}

/* The thread inherits the mask of its maker, so all signals are blocked while it is made: they belong to the
 * embedder's threads. */
nc_status nc__os_thread_start(void (*run)(void *), void *arg) {
    nc_start *start = malloc(sizeof *start);
    if (!start) return NC_ENOMEM;
    *start = (nc_start){run, arg};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(start);
        return NC_EAGAIN;
    }
    pthread_detach(thread);
    return NC_OK;
}

struct nc_monitor {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

nc_monitor *nc__os_monitor_new(void) {
    nc_monitor *monitor = malloc(sizeof *monitor);
    if (!monitor) return NULL;
    if (pthread_mutex_init(&monitor->mutex, NULL) != 0) {
        free(monitor);
        return NULL;
    }
    if (pthread_cond_init(&monitor->changed, NULL) != 0) {
        pthread_mutex_destroy(&monitor->mutex);
        free(monitor);
        return NULL;
    }
    return monitor;
}

void nc__os_monitor_free(nc_monitor *monitor) {
    pthread_cond_destroy(&monitor->changed);
    pthread_mutex_destroy(&monitor->mutex);
    free(monitor);
}

void nc__os_monitor_enter(nc_monitor *monitor) {
    pthread_mutex_lock(&monitor->mutex);
}

void nc__os_monitor_leave(nc_monitor *monitor) {
    pthread_mutex_unlock(&monitor->mutex);
}

void nc__os_monitor_wait(nc_monitor *monitor) {
    pthread_cond_wait(&monitor->changed, &monitor->mutex);
}

void nc__os_monitor_notify(nc_monitor *monitor) {
    pthread_cond_broadcast(&monitor->changed);
}

nc_status nc__os_file_id(const char *path, nc_file_id *id) {
    struct stat info;
    if (lstat(path, &info) != 0) return nc__posix_status(errno);
    *id = (nc_file_id){(uint64_t)info.st_dev, (uint64_t)info.st_ino};
    return NC_OK;
}

void nc__os_unlink(const char *path) {
    if (unlink(path) != 0) return; /* it is gone already, or may not be removed: there is nobody to tell */
}
