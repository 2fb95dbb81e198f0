/* The other side of a connection in the tests of the port: plain blocking sockets, straight from the system. */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#if defined(_WIN32)
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
typedef SOCKET peer_fd;
typedef int peer_length;
#define peer_close closesocket
enum { PEER_SHUT_WR = SD_SEND };
#else
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>
typedef int peer_fd;
typedef size_t peer_length;
#define peer_close close
enum { PEER_SHUT_WR = SHUT_WR };
#endif

#include <stdbool.h>
#include <stdint.h>

#include "check.h"

enum { PEER_PATIENCE_MS = 10000 };

/* A receive that hangs is a failed test, not a hanging one. */
static inline void peer_limit(peer_fd fd, int ms) {
#if defined(_WIN32)
    DWORD limit = (DWORD)ms;
#else
    struct timeval limit = {ms / 1000, ms % 1000 * 1000};
#endif
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, (const char *)&limit, sizeof limit) == 0);
}

static inline struct sockaddr_in peer_loopback(uint16_t port) {
    struct sockaddr_in name;
    memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return name;
}

static inline peer_fd peer_connect(uint16_t port) {
    struct sockaddr_in name = peer_loopback(port);
    int on = 1;
    peer_fd fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)&name, sizeof name) == 0);
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on) == 0);
    peer_limit(fd, PEER_PATIENCE_MS);
    return fd;
}

static inline uint16_t peer_port(peer_fd fd) {
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    CHECK(getsockname(fd, (struct sockaddr *)&name, &size) == 0);
    return ntohs(name.sin_port);
}

static inline void peer_send(peer_fd fd, const char *text) {
    CHECK_EQUAL(send(fd, text, (peer_length)strlen(text), 0), strlen(text));
}

/* Receives `size` bytes, or fewer before the end; the number of them. */
static inline size_t peer_receive(peer_fd fd, char *data, size_t size) {
    size_t have = 0;
    while (have < size) {
        long long got = recv(fd, data + have, (peer_length)(size - have), 0);
        CHECK(got >= 0);
        if (got == 0) break;
        have += (size_t)got;
    }
    return have;
}

#if defined(_WIN32)
/* Wine asks a socket for its error as soon as it is reset, and the call that comes later finds none: it sees an end. */
static inline bool peer_forgets_resets(void) {
    return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL;
}
#endif

static inline bool peer_is_reset(peer_fd fd) {
    char byte;
    long long got = recv(fd, &byte, 1, 0);
#if defined(_WIN32)
    if (got == 0) return peer_forgets_resets();
    return got < 0 && WSAGetLastError() == WSAECONNRESET;
#else
    return got < 0 && errno == ECONNRESET;
#endif
}

static inline bool peer_is_at_end(peer_fd fd) {
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}

#endif
