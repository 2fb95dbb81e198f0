#include <process.h>
#include <stdlib.h>
#include <string.h>

#include "port/os.h"
#include "port/win_errno.h"
#include "port/win_pipe.h"

uint64_t nc__os_now_ms(void) {
    LARGE_INTEGER ticks, a_second;
    QueryPerformanceFrequency(&a_second);
    QueryPerformanceCounter(&ticks); /* neither can fail on a Windows of this century */
    uint64_t now = (uint64_t)ticks.QuadPart, rate = (uint64_t)a_second.QuadPart;
    return now / rate * 1000 + now % rate * 1000 / rate;
}

typedef struct nc_start {
    void (*run)(void *);
    void *arg;
} nc_start;

static unsigned __stdcall thread_main(void *arg) {
    nc_start start = *(nc_start *)arg;
    free(arg);
    start.run(start.arg);
    return 0;
}

nc_status nc__os_thread_start(void (*run)(void *), void *arg) {
    nc_start *start = malloc(sizeof *start);
    if (!start) return NC_ENOMEM;
    *start = (nc_start){run, arg};
    uintptr_t thread = _beginthreadex(NULL, 0, thread_main, start, 0, NULL);
    if (!thread) {
        free(start);
        return NC_EAGAIN;
    }
    CloseHandle((HANDLE)thread);
    return NC_OK;
}

struct nc_monitor {
    SRWLOCK lock;
    CONDITION_VARIABLE changed;
};

nc_monitor *nc__os_monitor_new(void) {
    nc_monitor *monitor = malloc(sizeof *monitor);
    if (!monitor) return NULL;
    InitializeSRWLock(&monitor->lock);
    InitializeConditionVariable(&monitor->changed);
    return monitor;
}

void nc__os_monitor_free(nc_monitor *monitor) {
    free(monitor);
}

void nc__os_monitor_enter(nc_monitor *monitor) {
    AcquireSRWLockExclusive(&monitor->lock);
}

void nc__os_monitor_leave(nc_monitor *monitor) {
    ReleaseSRWLockExclusive(&monitor->lock);
}

void nc__os_monitor_wait(nc_monitor *monitor) {
    SleepConditionVariableSRW(&monitor->changed, &monitor->lock, INFINITE, 0);
}

void nc__os_monitor_notify(nc_monitor *monitor) {
    WakeAllConditionVariable(&monitor->changed);
}

static nc_status identify(HANDLE file, nc_file_id *id) {
    BY_HANDLE_FILE_INFORMATION info;
    if (!GetFileInformationByHandle(file, &info)) return nc__win_status(GetLastError());
    *id = (nc_file_id){info.dwVolumeSerialNumber, (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow};
    return NC_OK;
}

/* A pipe's name is no file: it goes with its last instance, and opening it would use one up. */
nc_status nc__os_file_id(const char *path, nc_file_id *id) {
    *id = (nc_file_id){0, 0};
    if (nc__is_pipe_name(path, strlen(path))) return NC_OK;
    wchar_t *name;
    nc_status status = nc__wide(path, strlen(path), &name);
    if (status != NC_OK) return status;
    DWORD sharing = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    DWORD how = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
    HANDLE file = CreateFileW(name, 0, sharing, NULL, OPEN_EXISTING, how, NULL);
    status = file == INVALID_HANDLE_VALUE ? nc__win_status(GetLastError()) : identify(file, id);
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
    free(name);
    return status;
}

void nc__os_unlink(const char *path) {
    wchar_t *name;
    if (nc__is_pipe_name(path, strlen(path)) || nc__wide(path, strlen(path), &name) != NC_OK) return;
    DeleteFileW(name); /* if it is gone already, or may not be removed, there is nobody to tell */
    free(name);
}
