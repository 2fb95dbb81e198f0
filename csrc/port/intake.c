#include "port/intake.h"

#include "port/socket.h"

enum { READ_LEAST = 16 * 1024, READ_ROOM = 64 * 1024 };

static uint8_t *room_for(nc_slices *slices, bool big, size_t *room, bool *offered) {
    uint8_t *data = big ? nc__slices_reserve_offer(slices, room) : NULL;
    *offered = data != NULL;
    if (data) return data;
    return nc__slices_reserve(slices, big ? READ_ROOM : READ_LEAST, big ? NC_SLAB_SIZE : READ_ROOM, room);
}

nc_status nc__intake(nc_slices *slices, intptr_t fd, nc_sock_kind kind, bool big, nc_intake *out) {
    size_t room, size = 0;
    bool offered;
    uint8_t *data = room_for(slices, big, &room, &offered);
    if (!data) return NC_ENOMEM;
    nc_status status = nc__socket_receive(fd, kind, data, room, &size, &out->more);
    if (status != NC_OK) return status;
    out->filled = size == room;
    out->slice = offered ? nc__slices_commit_offer(slices, size) : nc__slices_commit(slices, size);
    return NC_OK;
}

bool nc__intake_is_worth_big(size_t size) {
    return size >= READ_LEAST;
}

bool nc__intake_is_big(const nc_intake *last, bool big) {
    return last->filled || (big && nc__intake_is_worth_big(last->slice.size));
}
