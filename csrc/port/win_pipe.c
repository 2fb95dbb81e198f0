#include "port/win_pipe.h"

#include <aclapi.h>
#include <stdlib.h>
#include <string.h>

#include "port/win_errno.h"

enum { PIPE_BUFFER = 64 * 1024, NAME_MAX_BYTES = 256 };

nc_status nc__wide(const char *text, size_t length, wchar_t **out) {
    if (length > 32767) return NC_ENAMETOOLONG;
    int size = length ? MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, (int)length, NULL, 0) : 0;
    if (length && size <= 0) return NC_EINVAL;
    wchar_t *wide = malloc(((size_t)size + 1) * sizeof *wide);
    if (!wide) return NC_ENOMEM;
    if (length) size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, (int)length, wide, size);
    wide[size] = L'\0';
    *out = wide;
    return NC_OK;
}

/* Both spellings, with either slash, as Windows takes them. */
bool nc__is_pipe_name(const char *path, size_t length) {
    static const char form[] = "\\\\?\\pipe\\";
    if (length < sizeof form - 1) return false;
    for (size_t i = 0; i < sizeof form - 1; i++) {
        char c = path[i] == '/' ? '\\' : path[i] >= 'A' && path[i] <= 'Z' ? (char)(path[i] + 32) : path[i];
        if (c != form[i] && !(form[i] == '?' && c == '.')) return false;
    }
    return true;
}

nc_status nc__pipe_from(HANDLE handle, HANDLE joined, intptr_t *fd) {
    nc_pipe *pipe = calloc(1, sizeof *pipe);
    if (!pipe) return NC_ENOMEM;
    pipe->handle = handle;
    pipe->joined = joined;
    pipe->is_server = joined != NULL;
    *fd = (intptr_t)pipe | 1;
    return NC_OK;
}

nc_status nc__pipe_new(intptr_t *fd) {
    return nc__pipe_from(INVALID_HANDLE_VALUE, NULL, fd);
}

void nc__pipe_free(nc_pipe *pipe) {
    if (pipe->handle != INVALID_HANDLE_VALUE) CloseHandle(pipe->handle);
    free(pipe->name);
    free(pipe->path);
    free(pipe);
}

nc_status nc__pipe_name(nc_pipe *pipe, const char *path, size_t length) {
    if (length == 0 || memchr(path, '\0', length)) return NC_EINVAL;
    if (pipe->name) return NC_EINVAL;
    if (length > NAME_MAX_BYTES) return NC_ENAMETOOLONG;
    pipe->path = malloc(length);
    if (!pipe->path) return NC_ENOMEM;
    memcpy(pipe->path, path, length);
    pipe->length = length;
    return nc__wide(path, length, &pipe->name);
}

static nc_status make_instance(const nc_pipe *pipe, DWORD how, HANDLE *out) {
    DWORD mode = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | WRITE_DAC | how;
    DWORD type = PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT;
    *out = CreateNamedPipeW(pipe->name, mode, type, PIPE_UNLIMITED_INSTANCES, PIPE_BUFFER, PIPE_BUFFER, 0, NULL);
    return *out == INVALID_HANDLE_VALUE ? nc__win_status(GetLastError()) : NC_OK;
}

nc_status nc__pipe_duplicate(const nc_pipe *pipe, intptr_t *fd) {
    if (!pipe->is_server || !pipe->name) return NC_EBADF;
    nc_status status = nc__pipe_new(fd);
    if (status != NC_OK) return status;
    nc_pipe *copy = nc__pipe_of(*fd);
    copy->is_server = true;
    status = nc__pipe_name(copy, pipe->path, pipe->length);
    if (status != NC_OK) nc__pipe_free(copy);
    return status;
}

nc_status nc__pipe_instance(const nc_pipe *pipe, HANDLE *out) {
    return make_instance(pipe, 0, out);
}

/* Whether somebody has made a pipe of this name. The flag for a first instance says so too, and without a gap; but not
 * every system that runs Windows programs knows it. */
static bool is_taken(const wchar_t *name) {
    return WaitNamedPipeW(name, 1) || GetLastError() == ERROR_SEM_TIMEOUT;
}

/* The statuses are those that Node's users see: a name that is taken is an address in use, one that is no pipe's is not
 * to be had. */
nc_status nc__pipe_bind(nc_pipe *pipe, const char *path, size_t length) {
    nc_status status = nc__pipe_name(pipe, path, length);
    if (status != NC_OK) return status;
    if (is_taken(pipe->name)) return NC_EADDRINUSE;
    status = make_instance(pipe, FILE_FLAG_FIRST_PIPE_INSTANCE, &pipe->handle);
    if (status == NC_EPERM || status == NC_EBUSY) return NC_EADDRINUSE;
    if (status == NC_ENOENT || status == NC_EINVAL) return NC_EACCES;
    pipe->is_server = true;
    return status;
}

/* Adds what everybody may do to the pipe's present access list. */
static DWORD allow_everybody(HANDLE handle, PSID everybody, DWORD rights) {
    PACL before = NULL, after = NULL;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    EXPLICIT_ACCESSW access;
    memset(&access, 0, sizeof access);
    access.grfAccessPermissions = rights;
    access.grfAccessMode = GRANT_ACCESS;
    access.grfInheritance = NO_INHERITANCE;
    access.Trustee.TrusteeForm = TRUSTEE_IS_SID;
    access.Trustee.TrusteeType = TRUSTEE_IS_WELL_KNOWN_GROUP;
    access.Trustee.ptstrName = (LPWSTR)everybody;
    DWORD error =
        GetSecurityInfo(handle, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &before, NULL, &descriptor);
    if (!error) error = SetEntriesInAclW(1, &access, before, &after);
    if (!error) error = SetSecurityInfo(handle, SE_KERNEL_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, after, NULL);
    if (after) LocalFree(after);
    if (descriptor) LocalFree(descriptor);
    return error;
}

nc_status nc__pipe_open_to_all(nc_pipe *pipe, bool readable, bool writable) {
    SID_IDENTIFIER_AUTHORITY world = {SECURITY_WORLD_SID_AUTHORITY};
    PSID everybody = NULL;
    DWORD rights =
        (readable ? GENERIC_READ | FILE_WRITE_ATTRIBUTES : 0u) | (writable ? GENERIC_WRITE | FILE_READ_ATTRIBUTES : 0u);
    if (!AllocateAndInitializeSid(&world, 1, SECURITY_WORLD_RID, 0, 0, 0, 0, 0, 0, 0, &everybody)) {
        return nc__win_status(GetLastError());
    }
    DWORD error = allow_everybody(pipe->handle, everybody, rights);
    FreeSid(everybody);
    return nc__win_status(error);
}

/* Any file can be opened by its name, and would be written to. */
static nc_status check_pipe(nc_pipe *pipe) {
    if (GetFileType(pipe->handle) == FILE_TYPE_PIPE) return NC_OK;
    CloseHandle(pipe->handle);
    pipe->handle = INVALID_HANDLE_VALUE;
    return NC_ENOTSOCK;
}

/* A pipe may allow its clients one direction only. The server is told who its client is, but may not act in the client's
 * name. */
nc_status nc__pipe_connect(nc_pipe *pipe) {
    static const DWORD ways[] = {GENERIC_READ | GENERIC_WRITE, GENERIC_READ | FILE_WRITE_ATTRIBUTES,
                                 GENERIC_WRITE | FILE_READ_ATTRIBUTES};
    DWORD how = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, error = 0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        pipe->handle = CreateFileW(pipe->name, ways[i], 0, NULL, OPEN_EXISTING, how, NULL);
        if (pipe->handle != INVALID_HANDLE_VALUE) return check_pipe(pipe);
        error = GetLastError();
        if (error != ERROR_ACCESS_DENIED) break;
    }
    return nc__win_status(error);
}

/* Reads what is there. The event's lowest bit keeps the completion port from hearing of it. */
static DWORD read_now(HANDLE handle, void *data, DWORD room, DWORD *size) {
    OVERLAPPED over;
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    DWORD error = 0;
    if (!event) return GetLastError();
    memset(&over, 0, sizeof over);
    over.hEvent = (HANDLE)((ULONG_PTR)event | 1);
    if (!ReadFile(handle, data, room, NULL, &over)) error = GetLastError();
    if (error == ERROR_IO_PENDING || error == 0) {
        error = GetOverlappedResult(handle, &over, size, TRUE) ? 0 : GetLastError();
    }
    CloseHandle(event);
    return error;
}

/* One that may only be written to (ERROR_ACCESS_DENIED) has nothing to receive, as in Node. */
nc_status nc__pipe_receive(nc_pipe *pipe, void *data, size_t room, size_t *size, bool *more) {
    DWORD waiting = 0, got = 0, error = 0;
    *more = false;
    if (!PeekNamedPipe(pipe->handle, NULL, 0, NULL, &waiting, NULL)) error = GetLastError();
    if (!error && waiting == 0) return NC_EAGAIN;
    if (!error) error = read_now(pipe->handle, data, waiting < room ? waiting : (DWORD)room, &got);
    if (error == ERROR_BROKEN_PIPE || error == ERROR_PIPE_NOT_CONNECTED || error == ERROR_ACCESS_DENIED) return NC_EOF;
    if (error) return nc__win_status(error);
    *size = got;
    return got ? NC_OK : NC_EAGAIN;
}
