/* Servers. What a connection is worth is decided here, at accept, on the socket address itself: a blocked peer is
 * closed and counted, one over the limit is closed and told of, and only the others become streams. */
#include "netcore/server.h"

#include <stdlib.h>
#include <string.h>

#include "core/loop_int.h"
#include "core/server_int.h"
#include "core/stream_int.h"
#include "port/os.h"
#include "port/socket.h"

enum { DROPS_MAX = 1024 /* told of in one turn */, ACCEPT_REST_MAX = 4096 };

typedef struct nc_drop {
    nc_list link;
    nc_dropped dropped;
} nc_drop;

struct nc_server {
    nc_handle handle; /* first */
    nc_sock sock;
    nc_sock_kind kind;
    nc_list streams; /* accepted and not handed out, linked by their handle's `ready` */
    nc_list drops;
    nc_drop *told; /* the drop whose data the last event lent out */
    size_t drop_count;
    size_t connections;
    int64_t limit;
    uint64_t blocked;
    nc_blocklist *blocklist;
    nc_status accept_status;
    unsigned idle_s;
    bool no_delay, keep_alive;
    bool accept_failed; /* and the embedder has yet to hear */
    bool sock_closed;
    char *path; /* of the file that this server made, or NULL */
    nc_file_id path_id;
};

static void server_accepted(nc_sock *sock, nc_status status, intptr_t fd, const nc_addr *peer);
static void server_closed(nc_sock *sock);

static const nc_sock_events server_events = {.accepted = server_accepted, .closed = server_closed};

/* OpenBSD has no sockets for both families, and says so. That matters to who listens to all addresses alone. */
static nc_status choose_families(intptr_t fd, const nc_addr *local, unsigned flags) {
    static const uint8_t all[sizeof local->ip];
    bool is_one = memcmp(local->ip, all, sizeof all) != 0;
    nc_status status = nc__socket_set_v6_only(fd, flags & NC_BIND_V6ONLY);
    return status == NC_EINVAL && is_one ? NC_OK : status;
}

nc_status nc_bind(const nc_addr *local, unsigned flags, intptr_t *out) {
    intptr_t fd = NC_SOCK_NONE;
    nc_status status = nc__socket_open(local->family, &fd);
    if (status != NC_OK) return status;
    if (local->family == 6) status = choose_families(fd, local, flags);
    if (status == NC_OK && (flags & NC_BIND_REUSEPORT)) status = nc__socket_set_reuse_port(fd);
    if (status == NC_OK) status = nc__socket_bind(fd, local);
    if (status != NC_OK) {
        nc__socket_close(fd);
        return status;
    }
    *out = fd;
    return NC_OK;
}

static nc_status open_to_all(intptr_t fd, const char *path, size_t length, unsigned flags) {
    bool readable = flags & NC_BIND_READABLE_ALL, writable = flags & NC_BIND_WRITABLE_ALL;
    if ((!readable && !writable) || path[0] == '\0') return NC_OK;
    char *text = malloc(length + 1);
    if (!text) return NC_ENOMEM;
    memcpy(text, path, length);
    text[length] = '\0';
    nc_status status = nc__socket_open_path_to_all(fd, text, readable, writable);
    free(text);
    return status;
}

nc_status nc_bind_path(const char *path, size_t length, unsigned flags, intptr_t *out) {
    intptr_t fd = NC_SOCK_NONE;
    nc_status status = nc__socket_open(0, &fd);
    if (status != NC_OK) return status;
    status = nc__socket_bind_path(fd, path, length);
    if (status == NC_OK) status = open_to_all(fd, path, length, flags);
    if (status != NC_OK) {
        nc__socket_close(fd);
        return status;
    }
    *out = fd;
    return NC_OK;
}

nc_status nc_socket_name(intptr_t fd, nc_addr *out, char *path, size_t cap, size_t *length) {
    *length = 0;
    nc_status status = nc__socket_name(fd, out);
    if (status != NC_OK || out->family != 0) return status;
    return nc__socket_path(fd, path, cap, length);
}

nc_status nc_socket_duplicate(intptr_t fd, intptr_t *out) {
    return nc__socket_duplicate(fd, out);
}

void nc_socket_close(intptr_t fd) {
    nc__socket_close(fd);
}

static nc_status listen_on(nc_loop *loop, nc_server *server, intptr_t fd, int backlog) {
    nc_status status = nc__socket_adopt(fd, &server->kind);
    if (status == NC_OK && server->kind == NC_SOCK_PLAIN) status = NC_ENOTSOCK;
    if (status == NC_OK) status = nc__socket_listen(fd, backlog);
    if (status == NC_OK) status = nc_port_attach_listener(loop->port, &server->sock, fd, server->kind);
    return status;
}

nc_status nc_server_new(nc_loop *loop, void *owner, intptr_t fd, int backlog, nc_server **out) {
    nc_server *server = calloc(1, sizeof *server);
    if (!server) return NC_ENOMEM;
    nc_sock_init(&server->sock, &server_events);
    nc__list_init(&server->streams);
    nc__list_init(&server->drops);
    server->limit = -1;
    nc_status status = listen_on(loop, server, fd, backlog);
    if (status != NC_OK) {
        free(server);
        return status;
    }
    nc__handle_init(&server->handle, loop, NC__SERVER, owner);
    nc__handle_set_active(&server->handle, true);
    nc_port_accept(loop->port, &server->sock);
    *out = server;
    return NC_OK;
}

void nc_server_set_limit(nc_server *server, int64_t limit) {
    server->limit = limit;
}

void nc_server_set_blocklist(nc_server *server, nc_blocklist *list) {
    if (list) nc_blocklist_retain(list);
    if (server->blocklist) nc_blocklist_release(server->blocklist);
    server->blocklist = list;
}

void nc_server_set_options(nc_server *server, bool no_delay, bool keep_alive, unsigned idle_s) {
    server->no_delay = no_delay;
    server->keep_alive = keep_alive;
    server->idle_s = idle_s;
}

size_t nc_server_connections(const nc_server *server) {
    return server->connections;
}

uint64_t nc_server_blocked(const nc_server *server) {
    return server->blocked;
}

intptr_t nc_server_fd(const nc_server *server) {
    return server->sock.fd;
}

void nc_server_ref(nc_server *server) {
    nc__handle_set_ref(&server->handle, true);
}

void nc_server_unref(nc_server *server) {
    nc__handle_set_ref(&server->handle, false);
}

static void drop_connection(nc_server *server, intptr_t fd, const nc_addr *peer) {
    nc_drop *drop = server->drop_count < DROPS_MAX ? calloc(1, sizeof *drop) : NULL;
    if (drop) {
        drop->dropped.peer = *peer;
        if (nc__socket_name(fd, &drop->dropped.local) != NC_OK) drop->dropped.local = (nc_addr){.family = 0};
        nc__list_init(&drop->link);
        nc__list_append(&server->drops, &drop->link);
        server->drop_count++;
        nc__handle_raise(&server->handle);
    }
    nc__socket_close(fd);
}

static void accept_failed(nc_server *server, nc_status status) {
    server->accept_failed = true;
    server->accept_status = status;
    nc__handle_raise(&server->handle);
}

/* An option that cannot be set (the peer is gone already) is found out by the first read. */
static void apply_options(const nc_server *server, nc_stream *stream) {
    if (server->kind != NC_SOCK_TCP) return;
    if (server->no_delay && nc_stream_set_no_delay(stream, true) != NC_OK) return;
    if (server->keep_alive && nc_stream_set_keep_alive(stream, true, server->idle_s) != NC_OK) return;
}

static void keep_connection(nc_server *server, intptr_t fd) {
    nc_stream *stream;
    nc_status status = nc__stream_accept(server->handle.loop, server, fd, server->kind, &stream);
    if (status != NC_OK) {
        nc__socket_close(fd);
        accept_failed(server, status);
        return;
    }
    server->connections++;
    apply_options(server, stream);
    nc__list_append(&server->streams, &stream->handle.ready);
    nc__handle_raise(&server->handle);
}

static void server_accepted(nc_sock *sock, nc_status status, intptr_t fd, const nc_addr *peer) {
    nc_server *server = nc_container(sock, nc_server, sock);
    if (status != NC_OK) {
        accept_failed(server, status);
    } else if (server->blocklist && peer->family && nc_blocklist_check(server->blocklist, peer)) {
        server->blocked++;
        nc__socket_close(fd);
    } else if (server->limit >= 0 && server->connections >= (uint64_t)server->limit) {
        drop_connection(server, fd, peer);
    } else {
        keep_connection(server, fd);
    }
}

static bool give_stream(nc_server *server, nc_event *event) {
    nc_list *link = nc__list_shift(&server->streams);
    if (!link) return false;
    event->type = NC_EVENT_CONNECTION;
    event->stream = nc__stream_of(nc_container(link, nc_handle, ready));
    return true;
}

static bool give_drop(nc_server *server, nc_event *event) {
    free(server->told);
    server->told = NULL;
    nc_list *link = nc__list_shift(&server->drops);
    if (!link) return false;
    server->drop_count--;
    server->told = nc_container(link, nc_drop, link);
    event->type = NC_EVENT_DROP;
    event->data = &server->told->dropped;
    event->size = sizeof server->told->dropped;
    return true;
}

static bool give_error(nc_server *server, nc_event *event) {
    if (!server->accept_failed) return false;
    server->accept_failed = false;
    event->type = NC_EVENT_ACCEPT_ERROR;
    event->status = server->accept_status;
    return true;
}

static void finish_close(nc_server *server) {
    if (server->sock_closed && nc__list_is_empty(&server->streams)) nc__handle_closed(&server->handle);
}

bool nc__server_next_event(nc_server *server, nc_event *event) {
    event->owner = server->handle.owner;
    if (give_stream(server, event) || give_drop(server, event) || give_error(server, event)) return true;
    nc__list_remove(&server->handle.ready);
    if (server->handle.closing) finish_close(server);
    return false;
}

void nc__server_left(nc_server *server) {
    server->connections--;
}

static void server_closed(nc_sock *sock) {
    nc_server *server = nc_container(sock, nc_server, sock);
    server->sock_closed = true;
    finish_close(server);
}

nc_status nc_server_own_path(nc_server *server, const char *path, size_t length) {
    char *copy = malloc(length + 1);
    if (!copy) return NC_ENOMEM;
    memcpy(copy, path, length);
    copy[length] = '\0';
    nc_status status = nc__os_file_id(copy, &server->path_id);
    if (status != NC_OK) {
        free(copy);
        return status;
    }
    free(server->path);
    server->path = copy;
    return NC_OK;
}

/* Somebody may have put a file of his own in its place: that one stays. */
static void unlink_path(nc_server *server) {
    nc_file_id id;
    if (!server->path || nc__os_file_id(server->path, &id) != NC_OK) return;
    if (id.device == server->path_id.device && id.file == server->path_id.file) nc__os_unlink(server->path);
}

void nc_server_close(nc_server *server) {
    if (server->handle.closing) return;
    nc_port *port = server->handle.loop->port;
    unlink_path(server);
    nc_port_accept_stop(port, &server->sock);
    nc_port_accept_rest(port, &server->sock, ACCEPT_REST_MAX);
    nc__handle_closing(&server->handle);
    nc_port_close(port, &server->sock, false);
}

bool nc_server_has_waiting(const nc_server *server) {
    return !nc__list_is_empty(&server->streams);
}

static void drop_all(nc_server *server) {
    for (nc_list *link; (link = nc__list_shift(&server->drops));) free(nc_container(link, nc_drop, link));
}

/* Without a word to anybody: the child of a fork leaves the parent's file and connections alone. */
void nc__server_forget(nc_server *server) {
    nc_port_abandon(&server->sock);
    while (nc__list_shift(&server->streams)) continue; /* they are forgotten as the handles they are */
    drop_all(server);
    server->sock_closed = true;
    if (server->handle.closing) return;
    nc__handle_closing(&server->handle);
    nc__handle_closed(&server->handle);
}

/* Connections may outlive their server; nobody counts them then. */
static void disown_streams(nc_server *server) {
    nc_list *handles = &server->handle.loop->handles;
    for (nc_list *link = handles->next; link != handles; link = link->next) {
        nc_handle *handle = nc_container(link, nc_handle, all);
        if (handle->kind != NC__STREAM) continue;
        nc_stream *stream = nc__stream_of(handle);
        if (stream->server == server) stream->server = NULL;
    }
}

void nc__server_free(nc_server *server) {
    disown_streams(server);
    nc_server_set_blocklist(server, NULL);
    drop_all(server);
    free(server->told);
    free(server->path);
    nc__handle_fini(&server->handle);
    free(server);
}
